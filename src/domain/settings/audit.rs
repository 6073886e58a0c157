//! `[audit]`

use std::fmt;
use std::path::PathBuf;

use crate::domain::address::EmailAddress;

/// What becomes of the audit log beside the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// Where the head of the chain is kept too.
    pub heads: Vec<HeadPlace>,
}

/// A second place for the head of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeadPlace {
    /// A file that grows by a line each time.
    File(PathBuf),
    /// A mailbox that gets a mail each time.
    Mail(EmailAddress),
}

/// As the configuration writes it.
impl fmt::Display for HeadPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Mail(address) => write!(f, "mail:{}", address.as_str()),
        }
    }
}
