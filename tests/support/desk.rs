//! A folder of its own with a configuration, and the program run in it to its end.
//!
//! Include it with `#[path = "../support/desk.rs"] mod shared;` and add what a test needs in an `impl Desk`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A folder to work in.
pub struct Desk {
    folder: tempfile::TempDir,
}

/// What the program said, and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    /// It ended with this status.
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    /// It did what it was asked for.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.ends(0)
    }

    /// It refused, with all these words on standard error and nothing on standard output.
    #[track_caller]
    pub fn refused(self, words: &[&str]) -> Self {
        assert_eq!((self.code, self.out.as_str()), (1, ""), "{self:?}");
        contains(&self.err, words);
        self
    }

    /// Each line of standard output as JSON.
    pub fn json(&self) -> Vec<serde_json::Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// All of these words stand in the text.
#[track_caller]
pub fn contains(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is missing:\n{text}");
    }
}

/// A folder of the repository.
pub fn of_repository(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

impl Desk {
    /// With this configuration.
    pub fn configured(text: &str) -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        desk.write("rundruf.toml", text);
        desk
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// What Anna does at the shell.
    pub fn run(&self, arguments: &[&str]) -> Said {
        self.run_as("anna", arguments)
    }

    /// What `who` does at the shell.
    pub fn run_as(&self, who: &str, arguments: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rundruf"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("RUNDRUF_")) {
            command.env_remove(name);
        }
        // Whoever runs the tests is one person, and these are several.
        let configuration = std::fs::read_to_string(self.path("rundruf.toml")).unwrap_or_default();
        if !configuration.contains("shell_name") {
            command.env("RUNDRUF_APPROVAL__SHELL_NAME", "user");
        }
        let output = command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("USER", who)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Said {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
