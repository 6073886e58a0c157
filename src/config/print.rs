//! What is in force, as TOML, with secrets masked.

use std::fmt::Write as _;

use super::tree::{Entry, Table, Value};

/// What stands in the place of a secret.
const MASK: &str = "•••";

/// Writes all of `table`: the sections in the order of the defaults, and behind each value where it was written.
pub(super) fn to_toml(table: &Table) -> String {
    let mut out = String::new();
    for (name, entry) in &table.0 {
        if let Value::Table(section) = &entry.value {
            write_section(&mut out, name, false, section);
        }
    }
    out
}

fn write_section(out: &mut String, path: &str, repeated: bool, section: &Table) {
    let blank = if out.is_empty() { "" } else { "\n" };
    let header = if repeated { format!("[[{path}]]") } else { format!("[{path}]") };
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{blank}{header}");
    // A section's own values come before its sub-sections, or they would belong to those.
    for (key, entry) in section.0.iter().filter(|(_, entry)| sub_sections(entry).is_none()) {
        let _ = writeln!(out, "{key} = {}  # {}", value(key, &entry.value), entry.origin);
    }
    for (key, entry) in &section.0 {
        for sub_section in sub_sections(entry).into_iter().flatten() {
            write_section(out, &format!("{path}.{key}"), true, sub_section);
        }
    }
}

/// The tables of a list that holds tables.
fn sub_sections(entry: &Entry) -> Option<Vec<&Table>> {
    let Value::List(entries) = &entry.value else { return None };
    let tables: Vec<&Table> = entries
        .iter()
        .filter_map(|entry| match &entry.value {
            Value::Table(table) => Some(table),
            _ => None,
        })
        .collect();
    (!tables.is_empty()).then_some(tables)
}

fn value(key: &str, value: &Value) -> String {
    match value {
        // A key may stand in a body as it stands in a header.
        Value::Text(_)
            if ["password", "signing_secret", "client_secret", "body", "passphrase"].contains(&key) =>
        {
            quoted(MASK)
        }
        Value::Text(text) if matches!(key, "url" | "bounce_mailbox") => quoted(&mask_url(text)),
        Value::Text(text) => quoted(text),
        Value::Integer(number) => number.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::List(entries) => {
            let items: Vec<String> = entries.iter().map(|entry| self::value(key, &entry.value)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Table(table) => {
            let shown = |name: &str| name.ends_with("_file") || name.eq_ignore_ascii_case("content-type");
            let items: Vec<String> = table
                .0
                .iter()
                .map(|(name, entry)| match &entry.value {
                    Value::Text(text) if shown(name) => format!("{} = {}", quoted(name), quoted(text)),
                    _ => format!("{} = {}", quoted(name), quoted(MASK)),
                })
                .collect();
            format!("{{ {} }}", items.join(", "))
        }
        Value::Other(text) => text.clone(),
    }
}

/// A TOML basic string: what needs an escape there (quotes, backslash, control characters) has the same one in JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Masks the password, and every value behind `?` but that of `tls`: gateways take keys there.
fn mask_url(text: &str) -> String {
    let (address, query) = match text.split_once('?') {
        Some((address, query)) => (address, Some(query)),
        None => (text, None),
    };
    let mut masked = mask_password(address);
    if let Some(query) = query {
        let pair = |pair: &str| match pair.split_once('=') {
            Some(("tls", _)) => pair.to_owned(),
            Some((key, _)) => format!("{key}={MASK}"),
            None => MASK.to_owned(),
        };
        masked.push('?');
        masked.push_str(&query.split('&').map(pair).collect::<Vec<_>>().join("&"));
    }
    masked
}

fn mask_password(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let Some((login, host)) = rest.rsplit_once('@') else { return address.to_owned() };
    match login.split_once(':') {
        Some((username, _)) => format!("{scheme}://{username}:{MASK}@{host}"),
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::mask_url;

    #[test]
    fn passwords_and_keys_in_urls_are_masked() {
        let masked = |url| mask_url(url);
        assert_eq!(
            masked("smtp://user:se:cr@et@relay.example:587?tls=none"),
            "smtp://user:•••@relay.example:587?tls=none"
        );
        assert_eq!(
            masked("https://sms.example/send?key=secret&secret"),
            "https://sms.example/send?key=•••&•••"
        );
        assert_eq!(
            masked("postgres://u:p@db/x?password=y&sslmode=z"),
            "postgres://u:•••@db/x?password=•••&sslmode=•••"
        );
        assert_eq!(masked("outbox:var/outbox"), "outbox:var/outbox");
    }
}
