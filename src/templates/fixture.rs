//! What the tests of this folder are tried with.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::context::NoticeFacts;
use super::load::FrozenTemplate;
use super::{Compiled, Prepared, declaration, layout};
use crate::domain::clock::Timestamp;
use crate::domain::contact::ContactCard;
use crate::domain::settings::Instance;
use crate::domain::template::{Values, parse_values};

/// The declaration that most tests use.
pub(super) const DECLARED: &str = r#"
title = "Probe"
[[variable]]
name = "beginn"
label = { de = "Beginn", en = "Start" }
type = "datetime"
required = true
example = "2026-11-20T05:40"
[[variable]]
name = "dienste"
label = { de = "Dienste", en = "Services" }
type = "long_text"
example = "Post\nTelefon"
[[variable]]
name = "ort"
label = { de = "Ort", en = "Place" }
type = "text"
example = "Rathaus"
[[variable]]
name = "offen"
label = { de = "Offen", en = "Open" }
type = "flag"
example = true
[[variable]]
name = "anzahl"
label = { de = "Anzahl", en = "Number" }
type = "number"
example = 1250
"#;

pub(super) fn instance() -> Instance {
    Instance {
        name: "Kommunale IT Musterland".into(),
        short_name: "KIM".into(),
        public_url: "https://lage.kim.example".parse().unwrap(),
        language: "de".into(),
        timezone: TimeZone::get("Europe/Berlin").unwrap(),
        contacts: PathBuf::new(),
        templates: PathBuf::new(),
    }
}

pub(super) fn notice() -> NoticeFacts {
    NoticeFacts {
        number: "2026-0007".into(),
        code: "K7M3QX9P".into(),
        url: "https://lage.kim.example/n/2026-0007".into(),
        expires_at: Timestamp(1_795_200_000_000),
        exercise: false,
        incident: None,
    }
}

pub(super) fn contact() -> ContactCard {
    ContactCard {
        id: "rathaus".into(),
        name: "Bürgermeisteramt Musterdorf".into(),
        salutation: "Sehr geehrte Frau Özdemir".into(),
        attributes: [("gemarkung", "Süd & West")].into(),
        ..ContactCard::default()
    }
}

/// A template of the given files, declared by `declared`.
pub(super) fn template(declared: &str, files: &[(&str, &str)]) -> FrozenTemplate {
    let path: Arc<str> = "t/probe/template.toml".into();
    let declaration = declaration::parse("probe", &path, declared).unwrap();
    FrozenTemplate {
        spec: declaration.spec,
        folder: "t/probe".into(),
        declared_on: declaration.lines,
        files: files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
        layout_folder: "t/layout".into(),
        layout: layout::built_in(),
    }
}

/// A template with one German e-mail whose body this is.
pub(super) fn email(body: &str) -> FrozenTemplate {
    template(DECLARED, &[("email.de.md", &format!("---\nsubject: Betreff\n---\n{body}"))])
}

pub(super) fn values(template: &FrozenTemplate, pairs: &[(&str, &str)]) -> Values {
    let mut raw: BTreeMap<String, String> =
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    if template.spec.variable("beginn").is_some() {
        raw.entry("beginn".into()).or_insert_with(|| "2026-11-20T05:40".into());
    }
    parse_values(&template.spec, &raw, &instance().timezone).unwrap()
}

pub(super) fn prepared(template: &FrozenTemplate, pairs: &[(&str, &str)]) -> Prepared {
    let compiled = Compiled::new(template).unwrap_or_else(|findings| panic!("{findings:?}"));
    Prepared::new(Arc::new(compiled), &values(template, pairs), &instance(), &notice()).unwrap()
}
