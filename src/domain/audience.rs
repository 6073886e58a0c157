//! Whom a notice is addressed to.

use serde::{Deserialize, Serialize};

/// Groups plus contacts minus exclusions, filtered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Audience {
    /// Names of groups; their nested groups belong to them.
    pub groups: Vec<String>,
    /// Ids of single contacts.
    pub contacts: Vec<String>,
    /// Names of groups whose members are left out.
    pub except: Vec<String>,
    /// Every one must hold of a contact that came in by a group.
    pub filters: Vec<Filter>,
}

/// `attribute=value`, without regard to case; `language`, `organisation` and `id` count as attributes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// The attribute's name, as the column in the file.
    pub attribute: String,
    /// What it must be.
    pub value: String,
}
