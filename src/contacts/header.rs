//! What the columns of a file mean.

use std::collections::BTreeMap;
use std::fmt;

use crate::domain::address::Channel;
use crate::domain::nearest::hint;

use super::finding::shown;
use super::names;
use super::table::{Cell, MOST_COLUMNS, Row};

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Column {
    Id,
    Name,
    Organisation,
    Salutation,
    Language,
    /// A contact point, with its rank.
    Point(Channel, u8),
    WebhookSecret,
    WebhookFormat,
    /// Why the contact point of that channel and rank is kept.
    Ground(Channel, u8, Ground),
    Deputy,
    Groups,
    /// Any other: its name is the attribute's.
    Attribute(String),
}

/// What the columns behind a contact point's say of it, as the end of their headings: `sms_2_purpose`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ground {
    Label,
    Purpose,
    Basis,
    Consent,
    Verified,
    Review,
}

impl Ground {
    const ALL: [(&'static str, Self); 6] = [
        ("label", Self::Label),
        ("purpose", Self::Purpose),
        ("basis", Self::Basis),
        ("consent", Self::Consent),
        ("verified", Self::Verified),
        ("review", Self::Review),
    ];

    fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, ground)| *ground == self).map_or("", |(name, _)| name)
    }
}

/// The columns that mean something to the program, by their headings.
const KNOWN: [(&str, Column); 14] = [
    ("id", Column::Id),
    ("name", Column::Name),
    ("organisation", Column::Organisation),
    ("salutation", Column::Salutation),
    ("language", Column::Language),
    ("email", Column::Point(Channel::Email, 1)),
    ("email_2", Column::Point(Channel::Email, 2)),
    ("sms", Column::Point(Channel::Sms, 1)),
    ("sms_2", Column::Point(Channel::Sms, 2)),
    ("webhook", Column::Point(Channel::Webhook, 1)),
    ("webhook_secret", Column::WebhookSecret),
    ("webhook_format", Column::WebhookFormat),
    ("deputy", Column::Deputy),
    ("groups", Column::Groups),
];

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attribute(name) => f.write_str(name),
            Self::Ground(channel, rank, ground) => {
                write!(f, "{}_{}", Self::Point(*channel, *rank), ground.as_str())
            }
            known => {
                f.write_str(KNOWN.iter().find(|(_, column)| column == known).map_or("", |(name, _)| name))
            }
        }
    }
}

/// A column by its place in the sheet; the first is 0.
pub(super) type Header = BTreeMap<usize, Column>;

/// Reads the header row.
///
/// # Errors
/// Every reason why the file cannot be read by this header.
pub(super) fn read(row: &Row) -> Result<Header, Vec<String>> {
    let headings: Vec<(usize, String)> = row
        .cells
        .iter()
        .map(|(place, cell)| match cell {
            Cell::Text(text) => (*place, text.trim().to_lowercase()),
            Cell::Unusable(_) => (*place, String::new()),
        })
        .collect();
    let has = |name: &str| headings.iter().any(|(_, heading)| heading == name);
    if !has("id") && !has("name") {
        return Err(vec![format!(
            "there is no header: the first row must name the columns, separated by comma or semicolon (id, name, \
             organisation, email, …), but it begins with \"{}\"",
            headings.first().map(|(_, heading)| shown(heading)).unwrap_or_default()
        )]);
    }
    let mut wrong = Vec::new();
    for required in ["id", "name"] {
        if !has(required) {
            let hint = hint(required, headings.iter().map(|(_, heading)| heading.as_str()));
            wrong.push(format!("there is no column \"{required}\": add it to the header{hint}"));
        }
    }
    if headings.iter().any(|(place, _)| *place >= MOST_COLUMNS) {
        wrong.push(format!(
            "there are more than {MOST_COLUMNS} columns: leave out those that no template uses"
        ));
    }
    let mut header = Header::new();
    for (place, heading) in headings {
        match column(&heading) {
            Ok(column) if header.values().any(|earlier| *earlier == column) => {
                wrong.push(format!("there are two columns \"{column}\": delete or rename one"));
            }
            Ok(column) => {
                header.insert(place, column);
            }
            Err(reason) => wrong.push(reason),
        }
    }
    if wrong.is_empty() { Ok(header) } else { Err(wrong) }
}

/// `sms_2_purpose` and its like.
fn ground_column(heading: &str) -> Option<Column> {
    let (point, ground) = heading.rsplit_once('_')?;
    let (_, ground) = Ground::ALL.into_iter().find(|(name, _)| *name == ground)?;
    match KNOWN.iter().find(|(name, _)| *name == point)?.1 {
        Column::Point(channel, rank) => Some(Column::Ground(channel, rank, ground)),
        _ => None,
    }
}

fn column(heading: &str) -> Result<Column, String> {
    if let Some((_, column)) = KNOWN.iter().find(|(name, _)| *name == heading) {
        return Ok(column.clone());
    }
    if let Some(column) = ground_column(heading) {
        return Ok(column);
    }
    // As an attribute such a column would be read without a word, and nobody in it would be reached.
    let letters: String = heading.chars().filter(|c| c.is_alphabetic()).collect();
    let meant = match letters.as_str() {
        "email" | "mail" | "emails" | "emailadresse" | "emailaddress" | "mailadresse" => "email or email_2",
        "sms" | "smsnummer" => "sms or sms_2",
        "webhook" | "webhooks" | "webhookurl" => "webhook (there is one for each contact)",
        _ => {
            names::check_attribute(heading)?;
            return Ok(Column::Attribute(heading.to_owned()));
        }
    };
    Err(format!(
        "the column \"{}\" looks like a contact point but is not named as one: write {meant}",
        shown(heading)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> Result<Header, Vec<String>> {
        read(&super::super::csv_table::read(text).unwrap().rows[0])
    }

    #[test]
    fn headings_are_read_without_regard_to_case_and_others_are_attributes() {
        let header = header(" ID ,Name,Email_2,,Straße").unwrap();
        assert_eq!(header[&0], Column::Id);
        assert_eq!(header[&2], Column::Point(Channel::Email, 2));
        assert_eq!(header[&4], Column::Attribute("straße".to_owned()));
        assert!(!header.contains_key(&3));
    }

    #[test]
    fn what_is_said_of_a_contact_point_stands_behind_its_name() {
        let header = header("id,name,sms_2,sms_2_Purpose,email_review,organisation_purpose").unwrap();
        assert_eq!(header[&3], Column::Ground(Channel::Sms, 2, Ground::Purpose));
        assert_eq!(header[&3].to_string(), "sms_2_purpose");
        assert_eq!(header[&4], Column::Ground(Channel::Email, 1, Ground::Review));
        assert_eq!(header[&5], Column::Attribute("organisation_purpose".to_owned()));
    }

    #[test]
    fn every_fault_of_a_header_is_named() {
        assert!(header("amt-1,Amt,a@b.example").unwrap_err()[0].contains("there is no header"));
        assert!(header("idd,name").unwrap_err()[0].contains("no column \"id\""));
        assert!(header("idd,name").unwrap_err()[0].contains("did you mean \"idd\"?"));
        assert!(header("id,email").unwrap_err()[0].contains("no column \"name\""));
        assert!(header("id,name,PLZ,plz ").unwrap_err()[0].contains("two columns \"plz\""));
        assert!(header("id,name,Straße und Nr").unwrap_err()[0].contains("\"straße_und_nr\""));
        let wide = format!("id,name{},x", ",".repeat(MOST_COLUMNS));
        assert!(header(&wide).unwrap_err()[0].contains("more than 200 columns"));
        assert_eq!(header("id,name,a b,e-mail").unwrap_err().len(), 2);
    }

    #[test]
    fn a_misnamed_contact_point_does_not_become_an_attribute() {
        for heading in
            ["e-mail", "Mail", "email_3", "email2", "E-Mail-Adresse", "sms_3", "SMS 1", "webhook_2"]
        {
            let reasons = header(&format!("id,name,{heading}")).unwrap_err();
            assert!(reasons[0].contains("looks like a contact point"), "{heading}: {reasons:?}");
        }
        assert!(header("id,name,telefon").is_ok());
    }
}
