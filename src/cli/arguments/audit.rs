//! `audit`: the log of who did what.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::domain::audit::HeadMark;

use super::super::table::Format;
use super::{ListFormat, NoticeArgument};

/// `audit …`
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Walk the whole log and compare it with what was kept elsewhere: says which entry was changed, removed or added
    Verify(VerifyArguments),
    /// Show the log, or a part of it
    List {
        #[command(flatten)]
        filter: EntryFilter,
        #[command(flatten)]
        format: ListFormat,
    },
    /// Write the log with everything that is needed to check it without this program
    Export {
        #[command(flatten)]
        filter: EntryFilter,
        /// How to write it: json is an object a line and exact, csv is for spreadsheets
        #[arg(long, value_enum, default_value_t = Format::Json)]
        format: Format,
    },
    /// Write the printable proof of a notice: wording, who released it and why, and the result for each recipient
    Proof(ProofArguments),
}

/// `audit verify …`
#[derive(Debug, Args)]
#[command(after_help = VERIFY_EXAMPLE)]
pub struct VerifyArguments {
    /// A head from a report, a proof or a mail: the entry's number and its hash, or its first 16 characters
    #[arg(long = "head", value_name = "NUMBER:HASH")]
    pub heads: Vec<HeadMark>,
    /// A file of heads that was kept elsewhere, beside those in [audit] heads
    #[arg(long = "heads", value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

const VERIFY_EXAMPLE: &str = "\
Example: compare the log with a report that was printed last week
  rundruf audit verify --head 1287:9f2c4b7a01d3e855";

/// Which entries.
#[derive(Debug, Default, Args)]
pub struct EntryFilter {
    /// From this time on, in the instance's time zone: 2026-11-20 or 2026-11-20T05:40
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Up to this time; a day counts whole
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// About one thing: notice:2026-0007, contact:KEY
    #[arg(long, value_name = "KIND:ID")]
    pub subject: Option<String>,
}

/// `audit proof NOTICE …`
#[derive(Debug, Args)]
pub struct ProofArguments {
    /// Which notice.
    #[command(flatten)]
    pub notice: NoticeArgument,
    /// The file to write (HTML, prints on A4); without it proof-NOTICE.html in this folder
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The file number under which it is kept
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub file_number: String,
    /// Names and addresses in full, for this reason; it is written to the audit log. Without it they are masked
    #[arg(long, value_name = "REASON")]
    pub reveal: Option<String>,
}
