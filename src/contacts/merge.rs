//! One contact from all rows that name it.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::address::{Address, Channel};
use crate::domain::attributes::Attributes;
use crate::domain::contact::{Contact, ContactPoint, WebhookFormat};
use crate::domain::grounds::{Grounds, LegalBasis};

use super::entry::{ReadRow, Value, Values};
use super::finding::{ContactFinding, Place, shown};
use super::header::{Column, Ground};

/// A contact, and where it comes from.
#[derive(Debug)]
pub(super) struct Merged {
    pub(super) contact: Contact,
    /// The first row that names it.
    pub(super) place: Place,
    /// Where its deputy is named.
    pub(super) deputy_place: Option<Place>,
}

/// Brings together the rows of each contact, in the order of the rows. Left out, each with a finding, are rows
/// with an id that their file has twice, and contacts whose rows contradict each other or themselves.
pub(super) fn merge(rows: Vec<ReadRow>, findings: &mut Vec<ContactFinding>) -> Vec<Merged> {
    let repeated = find_repeated(&rows, findings);
    let mut drafts: Vec<Draft> = Vec::new();
    let mut by_id: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows {
        let (Some(id), Some(values)) = (row.id, row.values) else { continue };
        if repeated.contains(&(row.place.file.to_path_buf(), id.clone())) {
            continue;
        }
        if let Some(draft) = by_id.get(&id).and_then(|index| drafts.get_mut(*index)) {
            draft.add(values, row.groups, findings);
        } else {
            by_id.insert(id.clone(), drafts.len());
            drafts.push(Draft { id, place: row.place, groups: row.groups, values, contradicts: false });
        }
    }
    drafts.into_iter().filter_map(|draft| draft.finish(findings)).collect()
}

/// Ids that stand more than once in one file, with the file; each further row is a finding.
fn find_repeated(
    rows: &[ReadRow],
    findings: &mut Vec<ContactFinding>,
) -> BTreeSet<(std::path::PathBuf, String)> {
    let mut first = BTreeMap::new();
    let mut repeated = BTreeSet::new();
    for row in rows {
        let Some(id) = &row.id else { continue };
        let earlier = *first.entry((&row.place.file, id)).or_insert(row.place.row);
        if earlier != row.place.row {
            repeated.insert((row.place.file.to_path_buf(), id.clone()));
            findings.push(ContactFinding::of_row(
                &row.place,
                Some(&Column::Id),
                format!(
                    "\"{id}\" stands in row {earlier} too: delete one of the two rows, or give one of them \
                     another id"
                ),
            ));
        }
    }
    repeated
}

/// A contact while its rows come in.
struct Draft {
    id: String,
    place: Place,
    groups: BTreeSet<String>,
    values: Values,
    contradicts: bool,
}

impl Draft {
    /// Adds what a row of another file says.
    fn add(&mut self, values: Values, groups: BTreeSet<String>, findings: &mut Vec<ContactFinding>) {
        self.groups.extend(groups);
        for (column, (value, place)) in values {
            let Some((earlier, earlier_place)) = self.values.get(&column) else {
                self.values.insert(column, (value, place));
                continue;
            };
            if !earlier.agrees_with(&value) {
                self.contradicts = true;
                let reason = format!(
                    "contact \"{}\" has {}, but in {earlier_place}, {}: write the same in both, or leave one empty",
                    self.id,
                    in_words(&column, &value),
                    in_words(&column, earlier),
                );
                findings.push(ContactFinding::of_row(&place, Some(&column), reason));
            }
        }
    }

    /// Checks what the values say together; gives the contact if all is right.
    fn finish(self, findings: &mut Vec<ContactFinding>) -> Option<Merged> {
        let before = findings.len();
        let mut wrong = |column: Column, reason: String| {
            if let Some((_, place)) = self.values.get(&column) {
                findings.push(ContactFinding::of_row(place, Some(&column), reason));
            }
        };
        let email = Column::Point(Channel::Email, 1);
        let sms = Column::Point(Channel::Sms, 1);
        let webhook = Column::Point(Channel::Webhook, 1);
        for (column, needed) in [
            (Column::Point(Channel::Email, 2), &email),
            (Column::Point(Channel::Sms, 2), &sms),
            (Column::WebhookSecret, &webhook),
            (Column::WebhookFormat, &webhook),
        ] {
            if !self.values.contains_key(needed) {
                let reason = format!("it is of no use while the column {needed} is empty: fill that first");
                wrong(column, reason);
            }
        }
        for (column, reason) in without_ground(&self.values) {
            wrong(column, reason);
        }
        for (first, second) in
            [(&email, Column::Point(Channel::Email, 2)), (&sms, Column::Point(Channel::Sms, 2))]
        {
            if let (Some((one, _)), Some((two, _))) = (self.values.get(first), self.values.get(&second))
                && one.agrees_with(two)
            {
                wrong(second, format!("it is the same address as in the column {first}: leave it empty"));
            }
        }
        if findings.len() > before || self.contradicts { None } else { Some(self.into_merged()) }
    }

    fn into_merged(mut self) -> Merged {
        let deputy = self.values.remove(&Column::Deputy);
        let (deputy, deputy_place) = match deputy {
            Some((Value::Text(id), place)) => (Some(id), Some(place)),
            _ => (None, None),
        };
        let secret = Some(self.take_text(&Column::WebhookSecret)).filter(|secret| !secret.is_empty());
        let format = match self.values.remove(&Column::WebhookFormat) {
            Some((Value::Format(format), _)) => format,
            _ => WebhookFormat::default(),
        };
        let contact = Contact {
            name: self.take_text(&Column::Name),
            organisation: self.take_text(&Column::Organisation),
            salutation: self.take_text(&Column::Salutation),
            language: self.take_text(&Column::Language),
            deputy,
            points: points(&self.values, secret.as_deref(), format),
            groups: self.groups.into_iter().collect(),
            attributes: attributes(self.values),
            id: self.id,
        };
        Merged { contact, place: self.place, deputy_place }
    }

    fn take_text(&mut self, column: &Column) -> String {
        match self.values.remove(column) {
            Some((Value::Text(text), _)) => text,
            _ => String::new(),
        }
    }
}

fn points(values: &Values, secret: Option<&str>, format: WebhookFormat) -> Vec<ContactPoint> {
    let mut points = Vec::new();
    for (column, (value, _)) in values {
        let (Column::Point(_, rank), Value::Address(address)) = (column, value) else { continue };
        let webhook = matches!(address, Address::Webhook(_));
        points.push(ContactPoint {
            address: address.clone(),
            rank: *rank,
            webhook_secret: secret.filter(|_| webhook).map(str::to_owned),
            webhook_format: if webhook { format } else { WebhookFormat::default() },
            grounds: grounds(values, address.channel(), *rank),
        });
    }
    points
}

/// What is said of contact points that cannot stand, with the column and why.
fn without_ground(values: &Values) -> Vec<(Column, String)> {
    let mut wrong = Vec::new();
    for column in values.keys() {
        let Column::Ground(channel, rank, ground) = column else { continue };
        let point = Column::Point(*channel, *rank);
        let basis = grounds(values, *channel, *rank).basis;
        let of = |ground| Column::Ground(*channel, *rank, ground);
        if !values.contains_key(&point) {
            let reason = format!("it is of no use while the column {point} is empty: fill that first");
            wrong.push((column.clone(), reason));
        } else if *ground == Ground::Basis
            && basis == Some(LegalBasis::Consent)
            && !values.contains_key(&of(Ground::Consent))
        {
            let reason = format!("write into the column {} when the person agreed", of(Ground::Consent));
            wrong.push((column.clone(), reason));
        } else if *ground == Ground::Consent && basis.is_some_and(|basis| basis != LegalBasis::Consent) {
            let reason =
                format!("the column {} names another legal basis: leave one empty", of(Ground::Basis));
            wrong.push((column.clone(), reason));
        }
    }
    wrong
}

/// Why the contact point of `channel` and `rank` is kept. A day of consent alone is the legal basis too.
fn grounds(values: &Values, channel: Channel, rank: u8) -> Grounds {
    let value = |ground| values.get(&Column::Ground(channel, rank, ground)).map(|(value, _)| value);
    let text = |ground| match value(ground) {
        Some(Value::Text(text)) => text.clone(),
        _ => String::new(),
    };
    let day = |ground| match value(ground) {
        Some(Value::Day(day)) => Some(*day),
        _ => None,
    };
    let consent = day(Ground::Consent);
    let basis = match value(Ground::Basis) {
        Some(Value::Basis(basis)) => Some(*basis),
        _ => consent.map(|_| LegalBasis::Consent),
    };
    Grounds {
        label: text(Ground::Label),
        purpose: text(Ground::Purpose),
        basis,
        consent,
        verified: day(Ground::Verified),
        review: day(Ground::Review),
    }
}

fn attributes(values: Values) -> Attributes {
    let attribute = |(column, (value, _))| match (column, value) {
        (Column::Attribute(name), Value::Text(text)) => Some((name, text)),
        _ => None,
    };
    values.into_iter().filter_map(attribute).collect()
}

/// A value as a message may show it: secrets and the paths of webhooks, which often are secrets, are not shown.
fn in_words(column: &Column, value: &Value) -> String {
    match (column, value) {
        (Column::WebhookSecret | Column::Point(Channel::Webhook, _), _) => "another one".to_owned(),
        (_, Value::Text(text)) => format!("\"{}\"", shown(text)),
        (_, Value::Address(address)) => format!("\"{}\"", shown(address.as_str())),
        (_, Value::Basis(basis)) => format!("\"{basis}\""),
        (_, Value::Day(day)) => format!("\"{day}\""),
        (_, Value::Format(format)) => format!("\"{}\"", format.as_str()),
    }
}
