//! One row, checked by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use crate::domain::address::{Address, Channel};
use crate::domain::contact::WebhookFormat;
use crate::domain::grounds::{LegalBasis, parse_day};

use super::finding::{ContactFinding, Place, shown};
use super::header::{Column, Ground, Header};
use super::names;
use super::table::{Cell, LONGEST_CELL, Row};

/// A row that names a contact: what is known of it even when something in it is wrong.
#[derive(Debug)]
pub(super) struct ReadRow {
    pub(super) place: Place,
    /// The id, if it can be read.
    pub(super) id: Option<String>,
    /// The groups it names, the file's own among them.
    pub(super) groups: BTreeSet<String>,
    /// What it says, if all of it is right.
    pub(super) values: Option<Values>,
}

/// What a row, or several rows of one contact, say: a value a column, and where it stands.
pub(super) type Values = BTreeMap<Column, (Value, Place)>;

/// A value that has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Address(Address),
    Format(WebhookFormat),
    Basis(LegalBasis),
    Day(jiff::civil::Date),
}

impl Value {
    /// Whether both say the same, however it is spelled.
    pub(super) fn agrees_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Address(one), Self::Address(two)) => one.normalised() == two.normalised(),
            _ => self == other,
        }
    }
}

/// Reads a row of the file whose group is `group`; what is wrong is added to `findings`.
pub(super) fn read(
    header: &Header,
    row: &Row,
    place: &Place,
    group: &str,
    findings: &mut Vec<ContactFinding>,
) -> ReadRow {
    let before = findings.len();
    let mut read =
        ReadRow { place: place.clone(), id: None, groups: BTreeSet::from([group.to_owned()]), values: None };
    let mut values = Values::new();
    for (position, cell) in &row.cells {
        let Some(column) = header.get(position) else {
            findings.push(ContactFinding::of_row(
                place,
                None,
                format!(
                    "there is something in column {}, which has no heading: name the column, or put the value that \
                     holds the separator in quotation marks",
                    position + 1
                ),
            ));
            continue;
        };
        match text_of(cell).and_then(|text| read_value(column, text, &mut read)) {
            Ok(Some(value)) => {
                values.insert(column.clone(), (value, place.clone()));
            }
            Ok(None) => {}
            Err(reason) => findings.push(ContactFinding::of_row(place, Some(column), reason)),
        }
    }
    check_required(header, row, place, findings);
    if findings.len() == before {
        read.values = Some(values);
    }
    read
}

/// The id and the name must be there.
fn check_required(header: &Header, row: &Row, place: &Place, findings: &mut Vec<ContactFinding>) {
    for (required, mend) in [
        (Column::Id, "give the contact an id, such as gs-am-see, and never change it"),
        (Column::Name, "write who is told, such as Sekretariat Grundschule Am See"),
    ] {
        if !row.cells.iter().any(|(position, _)| header.get(position) == Some(&required)) {
            findings.push(ContactFinding::of_row(place, Some(&required), format!("it is empty: {mend}")));
        }
    }
}

/// The cell's text without white space around it.
fn text_of(cell: &Cell) -> Result<&str, String> {
    let text = match cell {
        Cell::Text(text) => text,
        Cell::Unusable(reason) => return Err(reason.clone()),
    };
    if text.chars().nth(LONGEST_CELL).is_some() {
        return Err(format!("it has more than {LONGEST_CELL} characters: shorten it"));
    }
    match text.chars().find(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{fffd}')) {
        None => Ok(text.trim()),
        Some('\n' | '\r' | '\u{2028}' | '\u{2029}') => {
            Err(format!("\"{}\" contains a line break: write it in one line", shown(text)))
        }
        Some('\u{fffd}') => Err(format!(
            "\"{}\" was damaged when the file was saved in another encoding: type it again",
            shown(text)
        )),
        Some(c) => Err(format!(
            "\"{}\" contains the control character {}: type it again",
            shown(text),
            c.escape_unicode()
        )),
    }
}

/// Checks one value. The id and the groups go into `read`, all else is given back.
fn read_value(column: &Column, text: &str, read: &mut ReadRow) -> Result<Option<Value>, String> {
    Ok(Some(match column {
        Column::Id => {
            names::check_id(text)?;
            read.id = Some(text.to_owned());
            return Ok(None);
        }
        Column::Groups => {
            for name in text.split([',', ';']).map(str::trim).filter(|name| !name.is_empty()) {
                read.groups.insert(names::group_name(name)?);
            }
            return Ok(None);
        }
        Column::Deputy => {
            names::check_id(text)?;
            Value::Text(text.to_owned())
        }
        Column::Language => Value::Text(names::language(text)?),
        Column::Point(channel, _) => Value::Address(address(*channel, text)?),
        Column::WebhookFormat => Value::Format(WebhookFormat::from_str(&text.to_lowercase())?),
        Column::WebhookSecret => Value::Text(secrets(text)?),
        Column::Ground(_, _, Ground::Basis) => Value::Basis(text.parse()?),
        Column::Ground(_, _, Ground::Consent | Ground::Verified | Ground::Review) => {
            Value::Day(parse_day(text)?)
        }
        Column::Ground(_, _, Ground::Label | Ground::Purpose) => Value::Text(text.to_owned()),
        Column::Name | Column::Organisation | Column::Salutation | Column::Attribute(_) => {
            Value::Text(text.to_owned())
        }
    }))
}

fn address(channel: Channel, text: &str) -> Result<Address, String> {
    let upper = text.to_ascii_uppercase();
    if channel == Channel::Sms && upper.contains("E+") && upper.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(format!(
            "\"{}\" is a telephone number that Excel has rounded: give the column the format Text and type the \
             number again",
            shown(text)
        ));
    }
    Address::parse(channel, text)
}

/// How many secrets may sign at once: the new one, the old one, and one that was forgotten.
const MOST_SECRETS: usize = 3;

/// Secrets of Standard Webhooks, the newest first while one is being replaced: `whsec_` and 24 to 64 bytes in Base64
/// each. They are never shown.
fn secrets(text: &str) -> Result<String, String> {
    let right = |secret: &str| {
        let bytes = secret
            .strip_prefix("whsec_")
            .and_then(|encoded| data_encoding::BASE64.decode(encoded.as_bytes()).ok())
            .map_or(0, |bytes| bytes.len());
        (24..=64).contains(&bytes)
    };
    let secrets: Vec<&str> = text.split_whitespace().collect();
    if secrets.len() > MOST_SECRETS {
        return Err(format!(
            "more than {MOST_SECRETS} secrets stand here: leave out those that are no longer used"
        ));
    }
    if secrets.is_empty() || !secrets.into_iter().all(right) {
        return Err("this is no webhook secret: write whsec_ and behind it 24 to 64 random bytes in Base64; while one is \
                    being replaced, the new one, a space and the old one"
            .to_owned());
    }
    Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
}
