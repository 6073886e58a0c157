//! A machine with nothing but the program, and what is asked of its words.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Two empty folders: one to work in, one for temporary files.
pub(super) struct Machine {
    pub(super) here: tempfile::TempDir,
    pub(super) temporary: tempfile::TempDir,
}

impl Machine {
    pub(super) fn new() -> Self {
        Self { here: tempfile::tempdir().unwrap(), temporary: tempfile::tempdir().unwrap() }
    }

    pub(super) fn rundruf(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rundruf"));
        command.current_dir(self.here.path()).env_clear().env("TMPDIR", self.temporary.path());
        command
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Output {
        self.rundruf().args(arguments).output().unwrap()
    }
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub(super) fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

/// Each with what it must be followed by, somewhere behind it.
pub(super) fn assert_in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let Some(at) = rest.find(part) else {
            panic!("\"{part}\" is missing, or not in its place, in\n{text}")
        };
        rest = &rest[at + part.len()..];
    }
}

/// The command that stands below `heading`, as it can be copied.
pub(super) fn copied<'a>(shown: &'a str, heading: &str) -> &'a str {
    let (_, rest) = shown.split_once(heading).unwrap();
    rest.split_once("\n\n").unwrap().0
}

/// Runs it; it must succeed.
pub(super) fn run_copied(shown: &str, heading: &str) -> Output {
    let output = Command::new("sh").args(["-c", copied(shown, heading)]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    output
}

/// Every address with a port is on this machine.
pub(super) fn assert_loopback_only(shown: &str) {
    for part in shown.split("http://").skip(1) {
        assert!(part.starts_with("127.0.0.1:"), "not on this machine: {}", part.lines().next().unwrap());
    }
    assert!(!shown.contains("https://"), "{shown}");
}
