//! What is wrong with a configuration: all of it at once, each with its place and its mend.

use std::cell::RefCell;
use std::fmt;
use std::path::{Path, PathBuf};

use super::tree::Origin;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where: file and line, or the environment variable; `None` where something is missing altogether.
    pub origin: Option<Origin>,
    /// The key's path, such as `email.provider[2].rate`; the second provider is `[2]`. Empty for the whole file.
    pub key: String,
    /// What, and how to mend it. Never holds a secret.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            // Nobody wrote it, but another key may make it wrong.
            Some(Origin::Default) => f.write_str("the built-in default: ")?,
            Some(origin) => write!(f, "{origin}: ")?,
            None => f.write_str("configuration: ")?,
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

/// Why there are no settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file is missing or cannot be read.
    #[error("{file}: {why}", file = file.display())]
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// Why, and what to do.
        why: String,
    },
    /// It was read, and these are its faults; at least one.
    #[error("{}", list(.0))]
    Faulty(Vec<Fault>),
}

fn list(faults: &[Fault]) -> String {
    let mut text = match faults.len() {
        1 => "the configuration has a fault; mend it and start again:".to_owned(),
        count => format!("the configuration has {count} faults; mend them and start again:"),
    };
    for fault in faults {
        text.push_str("\n  ");
        text.push_str(&fault.to_string());
    }
    text
}

/// Where reading gathers faults, and from where relative paths start.
#[derive(Debug)]
pub(super) struct Context<'a> {
    /// The configuration file's folder.
    pub base: &'a Path,
    faults: RefCell<Vec<Fault>>,
}

impl<'a> Context<'a> {
    pub(super) fn new(base: &'a Path, faults: Vec<Fault>) -> Self {
        Self { base, faults: RefCell::new(faults) }
    }

    pub(super) fn add(&self, origin: Option<&Origin>, key: &str, message: impl Into<String>) {
        let fault = Fault { origin: origin.cloned(), key: key.to_owned(), message: message.into() };
        self.faults.borrow_mut().push(fault);
    }

    /// The faults in the order of file, line, key.
    pub(super) fn into_faults(self) -> Vec<Fault> {
        let mut faults = self.faults.into_inner();
        faults.sort_by(|a, b| (&a.origin, &a.key).cmp(&(&b.origin, &b.key)));
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_nobody_wrote_is_called_the_built_in_default() {
        let fault = Fault {
            origin: Some(Origin::Default),
            key: "email.from".to_owned(),
            message: "is wrong".to_owned(),
        };
        assert_eq!(fault.to_string(), "the built-in default: email.from: is wrong");
    }
}
