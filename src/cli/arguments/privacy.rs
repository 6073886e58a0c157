//! What data protection asks for: `contacts erase`, `contacts print`, `retention …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::domain::retention::HoldScope;

/// `contacts erase ID`
#[derive(Debug, Args)]
pub struct EraseArguments {
    /// The contact's id, as in its file
    pub id: String,
    /// Why, in one line, without naming the contact: it stays in the audit log for good
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// `contacts export`
#[derive(Debug, Args)]
pub struct ExportArguments {
    /// Only members of this group
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,
    /// Instead of everybody's contact data, all that is held about this contact, as JSON
    #[arg(long, value_name = "ID", conflicts_with = "group")]
    pub about: Option<String>,
    /// The file to write; without it standard output
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Do not encrypt: whoever gets hold of the file can read it
    #[arg(long)]
    pub unencrypted: bool,
}

/// `contacts print [GROUP]…`
#[derive(Debug, Args)]
pub struct PrintArguments {
    /// The groups to print, each on pages of its own; without any, all that have members
    #[arg(value_name = "GROUP")]
    pub groups: Vec<String>,
    /// The file to write; without it standard output
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// `retention …`
#[derive(Debug, Subcommand)]
pub enum RetentionCommand {
    /// Show how long what is kept, what would go now, and the legal holds in force
    Show {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Let go now of what has been kept for its time; a running service does so every hour
    Run {
        /// Only say what would go
        #[arg(long)]
        dry_run: bool,
    },
    /// Set a legal hold: nothing that it covers is deleted or erased until it is lifted
    Hold(HoldArguments),
    /// Lift a legal hold
    Lift(HoldArguments),
}

/// `retention hold`, `retention lift`
#[derive(Debug, Args)]
pub struct HoldArguments {
    #[command(flatten)]
    pub scope: HoldScopeArguments,
    /// Why, in one line; it is kept in the audit log
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// What a hold covers.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct HoldScopeArguments {
    /// Everything that the store holds
    #[arg(long)]
    everything: bool,
    /// An incident with all its notices
    #[arg(long, value_name = "KEY")]
    incident: Option<String>,
    /// One notice
    #[arg(long, value_name = "NUMBER")]
    notice: Option<String>,
}

impl HoldScopeArguments {
    /// What was named.
    pub fn scope(&self) -> HoldScope {
        match (&self.incident, &self.notice) {
            (Some(key), _) => HoldScope::Incident(key.clone()),
            (_, Some(number)) => HoldScope::Notice(number.clone()),
            _ => HoldScope::Everything,
        }
    }
}
