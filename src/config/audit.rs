//! `[audit]`

use std::path::PathBuf;

use crate::domain::settings::{Audit, Database, DatabaseUrl, HeadPlace};

use super::section::Section;

/// The file beside an SQLite store that the heads go into unless something else is said.
const BESIDE: &str = "audit-heads.log";

/// The same where the store is a server.
const FOR_A_SERVER: &str = "var/audit-heads.log";

/// Without a word about it, the heads go into a file beside the store.
pub(super) fn audit(section: &Section<'_>, database: Option<&Database>) -> Option<Audit> {
    if !section.is_missing("heads") {
        return Some(Audit { heads: section.list("heads", |text| place(section, text)) });
    }
    let file = match &database?.url {
        DatabaseUrl::Sqlite(store) => store.parent().map_or_else(PathBuf::new, PathBuf::from).join(BESIDE),
        DatabaseUrl::Postgres(_) => section.resolve(FOR_A_SERVER),
    };
    Some(Audit { heads: vec![HeadPlace::File(file)] })
}

fn place(section: &Section<'_>, text: &str) -> Result<HeadPlace, String> {
    match text.split_once(':') {
        Some(("file", path)) if !path.trim().is_empty() => Ok(HeadPlace::File(section.resolve(path.trim()))),
        Some(("mail", address)) => Ok(HeadPlace::Mail(address.trim().parse()?)),
        _ => Err(format!(
            "\"{text}\" is no place for the audit log's head: write \"file:PATH\" or \"mail:ADDRESS\""
        )),
    }
}
