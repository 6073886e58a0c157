//! The house rules that the compiler does not know: a file of `src/` imports only from lower floors and from its
//! own folder, SQL stands in `src/store` alone, and the ground floor knows no runtime, store or web server.

mod source;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use source::Source;

/// Each folder or file directly below `src/`, and its floor.
const FLOORS: &[(&str, u8)] = &[
    ("domain", 0),
    ("store", 1),
    ("channels", 1),
    ("templates", 1),
    ("contacts", 1),
    ("config", 1),
    ("app", 2),
    ("dispatch", 2),
    ("http", 3),
    ("cli", 3),
    ("wiring", 4),
    ("main", 4),
];

/// The floor that sees everything, its own neighbours too.
const TOP_FLOOR: u8 = 4;

#[test]
fn every_file_keeps_to_its_floor() -> io::Result<()> {
    let mut faults = Vec::new();
    for (path, text) in files_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))? {
        faults.extend(faults_of(&path, &text));
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    Ok(())
}

/// All `.rs` files below `root`, named from there.
fn files_below(root: &Path) -> io::Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path: PathBuf = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
                files.push((name, fs::read_to_string(&path)?));
            }
        }
    }
    assert!(!files.is_empty(), "no source file below {}", root.display());
    files.sort();
    Ok(files)
}

/// What is wrong with the file `path` (relative to `src/`), a line each.
fn faults_of(path: &str, text: &str) -> Vec<String> {
    let modules = module_path(path);
    let Some(home) = modules.first().copied() else { return Vec::new() };
    let Some(floor) = floor_of(home) else {
        return vec![format!("src/{path}: {home} has no floor: give it one in tests/floors.rs")];
    };
    let source = Source::read(text);
    let mut faults = Vec::new();
    for (line, target) in source.paths_from_the_root(modules.len()) {
        let Some(target_floor) = floor_of(&target) else { continue };
        let allowed = target == home || target_floor < floor || (target_floor == floor && floor == TOP_FLOOR);
        if !allowed {
            let what = if target_floor == floor { "its neighbour" } else { "the higher floor" };
            faults.push(format!("src/{path}:{line}: {home} (floor {floor}) imports {what} {target}"));
        }
    }
    if home != "store" {
        let statements = source.literals.iter().filter(|(_, literal)| is_sql(literal));
        faults.extend(statements.map(|(line, _)| format!("src/{path}:{line}: SQL outside of src/store")));
    }
    if home == "domain" {
        for (line, word) in source.words() {
            if ["tokio", "sqlx", "axum"].contains(&word.as_str()) {
                faults.push(format!("src/{path}:{line}: the domain knows no {word}"));
            }
        }
    }
    faults
}

/// `channels/email/mod.rs` → `channels`, `email`; `lib.rs`, which only declares the others, has none.
fn module_path(path: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = path.trim_end_matches(".rs").split('/').collect();
    if matches!(parts.as_slice(), ["lib"]) || parts.last() == Some(&"mod") {
        parts.pop();
    }
    parts
}

fn floor_of(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

/// Whether a string literal is a statement, in capitals anywhere or in small letters from its beginning.
fn is_sql(literal: &str) -> bool {
    let squeezed = literal.split_whitespace().collect::<Vec<_>>().join(" ");
    let has = |first: &str, then: &str| {
        squeezed.find(first).is_some_and(|at| squeezed[at + first.len()..].contains(then))
            || squeezed
                .strip_prefix(&first.to_lowercase())
                .is_some_and(|rest| rest.contains(&then.to_lowercase()))
    };
    has("SELECT ", " FROM ")
        || has("INSERT INTO ", " ")
        || has("UPDATE ", " SET ")
        || has("DELETE FROM ", "")
        || has("CREATE TABLE ", "")
}

#[test]
fn an_import_of_a_higher_floor_or_a_neighbour_is_found() {
    let found = |path: &str, text: &str| faults_of(path, text).join("; ");
    for (path, text, expected) in [
        (
            "domain/rate.rs",
            "use crate::store::Store;",
            "src/domain/rate.rs:1: domain (floor 0) imports the higher floor store",
        ),
        (
            "store/mod.rs",
            "//! x\n\nuse crate::contacts::read;",
            "src/store/mod.rs:3: store (floor 1) imports its neighbour contacts",
        ),
        ("app/send.rs", "use crate::{domain::rate::Rate, dispatch::{Engine}};", "its neighbour dispatch"),
        ("app/send.rs", "fn f() { crate::cli::run(); }", "the higher floor cli"),
        (
            "dispatch/mod.rs",
            "use\n    crate\n    ::\n    wiring::Parts;",
            "src/dispatch/mod.rs:2: dispatch (floor 2) imports the higher floor wiring",
        ),
        ("domain/rate.rs", "use super::super::store::Store;", "the higher floor store"),
        ("domain/mod.rs", "use super::{store, cli};", "the higher floor cli"),
        ("domain/rate.rs", "mod tests { use super::super::super::app; }", "the higher floor app"),
        ("store/mod.rs", "use rundruf::cli::table;", "the higher floor cli"),
        ("helpers/mod.rs", "", "helpers has no floor"),
        (
            "app/list.rs",
            "const Q: &str = \"SELECT id\n  FROM notices\";",
            "src/app/list.rs:1: SQL outside of src/store",
        ),
        ("app/list.rs", "const Q: &str = r#\"delete from notices\"#;", "SQL outside of src/store"),
        (
            "cli/list.rs",
            "f(\"WITH x AS (SELECT 1) UPDATE notices SET state = $1\")",
            "SQL outside of src/store",
        ),
        (
            "domain/clock.rs",
            "async fn f() { tokio::time::sleep(d).await }",
            "src/domain/clock.rs:1: the domain knows no tokio",
        ),
        ("domain/ids.rs", "#[derive(sqlx::Type)] struct Id;", "the domain knows no sqlx"),
    ] {
        assert!(found(path, text).contains(expected), "{path}: {text}\n  found: {:?}", found(path, text));
    }
}

#[test]
fn what_the_house_allows_is_let_pass() {
    for (path, text) in [
        (
            "cli/send.rs",
            "use crate::{app::send, store::Store, domain};\nuse super::table;\nuse crate::cli::arguments;",
        ),
        ("main.rs", "use rundruf::wiring;\nuse rundruf::cli;"),
        ("wiring.rs", "use crate::cli; use crate::store;"),
        ("cli/arguments/send.rs", "use super::super::contacts;"),
        (
            "domain/rate.rs",
            "// use crate::store;\n/* crate::app /* nested */ crate::cli */\n/// crate::store\nconst A: &str = \"crate::store \\\" crate::app\";",
        ),
        ("domain/rate.rs", "fn f<'a>(c: &'a char) -> bool { *c == '\"' || *c == '\\'' } // \"crate::app"),
        ("domain/rate.rs", "#[cfg(test)] mod tests { use super::*; use crate::domain::clock; }"),
        ("store/notices.rs", "const Q: &str = \"SELECT id FROM notices\";"),
        ("app/list.rs", "f(\"Select a group from the list, update it and set a name\")"),
        ("domain/clock.rs", "/// Unlike tokio's.\nconst A: &str = \"tokio\";"),
        ("lib.rs", "pub mod store;"),
    ] {
        assert_eq!(faults_of(path, text), Vec::<String>::new(), "{path}: {text}");
    }
}

#[test]
fn every_floor_of_the_table_is_named_once() {
    let names: BTreeSet<&str> = FLOORS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), FLOORS.len());
}
