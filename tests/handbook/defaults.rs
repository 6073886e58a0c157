//! `docs/configuration.md` names every key of `src/config/defaults.toml` with its default, and no other.

use std::collections::BTreeSet;
use std::path::Path;

/// `[section] key = default`; `—` for a key that has no value unless it is given one.
type Keys = BTreeSet<String>;

#[test]
fn every_key_stands_in_the_handbook_with_its_default() {
    let read =
        |name: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
    let program = of_defaults(&read("src/config/defaults.toml"));
    let handbook = of_page(&read("docs/configuration.md"));
    let missing: Vec<_> = program.difference(&handbook).collect();
    let invented: Vec<_> = handbook.difference(&program).collect();
    assert!(
        missing.is_empty() && invented.is_empty(),
        "missing: {missing:#?}\nnot in the program: {invented:#?}"
    );
    assert!(program.len() > 40, "only {} keys were found", program.len());
}

fn of_defaults(text: &str) -> Keys {
    let mut section = String::new();
    let mut keys = Keys::new();
    for line in text.lines() {
        let commented = line.strip_prefix("# ");
        let line = commented.unwrap_or(line);
        if line.starts_with('[') && line.ends_with(']') {
            section = line.to_owned();
        } else if let Some((key, value)) = line.split_once(" = ").filter(|(key, _)| is_key(key)) {
            let value = if commented.is_some() { "—" } else { value };
            keys.insert(format!("{section} {key} = {value}"));
        }
    }
    keys
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// Headings like ``## `[email]` ``, and below them tables whose first two columns are key and default.
fn of_page(text: &str) -> Keys {
    let mut section = String::new();
    let mut keys = Keys::new();
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            section = heading.trim_matches('`').to_owned();
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if let ["", key, default, _, ..] = cells[..]
            && section.starts_with('[')
            && let Some(key) = key.strip_prefix('`').and_then(|key| key.strip_suffix('`'))
        {
            keys.insert(format!("{section} {key} = {}", default.trim_matches('`')));
        }
    }
    keys
}
