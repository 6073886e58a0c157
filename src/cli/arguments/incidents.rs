//! What has happened and how the services stand: `incidents`, `services`.

use clap::{ArgGroup, Args, Subcommand};

use super::ListFormat;
use crate::domain::incident::{DeadlineKind, parse_deadlines};
use crate::domain::service::ServiceState;
use crate::domain::template::Phase;

/// `incidents …`
#[derive(Debug, Subcommand)]
pub enum IncidentsCommand {
    /// Open an incident
    Open(OpenArguments),
    /// Change an incident: its phase, title, services, promised next update, deadlines
    Update(UpdateArguments),
    /// End an incident: it promises nothing more
    Close {
        /// The incident's key
        #[arg(value_name = "KEY")]
        key: String,
        /// Why; the audit log keeps it
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        reason: String,
    },
    /// List incidents: where they stand, what was promised, what is overdue
    List {
        #[command(flatten)]
        format: ListFormat,
    },
    /// List the notices of an incident, numbered in the order of their release
    Timeline {
        /// The incident's key
        #[arg(value_name = "KEY")]
        key: String,
        #[command(flatten)]
        format: ListFormat,
    },
    /// List the deadlines of an incident, or of all
    Deadlines {
        /// The incident's key
        #[arg(value_name = "KEY")]
        key: Option<String>,
        #[command(flatten)]
        format: ListFormat,
    },
    /// Say that a deadline is met, that it does not apply, or who sees to it
    Deadline(DeadlineArguments),
}

/// `incidents open KEY …`
#[derive(Debug, Args)]
pub struct OpenArguments {
    /// What commands call it: lower-case letters, digits, hyphens, such as it-ausfall
    #[arg(value_name = "KEY")]
    pub key: String,
    /// What people call it, in notices too: at most 60 characters
    #[arg(long, value_name = "TEXT")]
    pub title: String,
    /// Where it stands: investigating, identified or restoring
    #[arg(long, value_name = "PHASE", default_value = "investigating")]
    pub phase: Phase,
    /// It is an exercise: then all its notices are
    #[arg(long)]
    pub exercise: bool,
    /// What it has in common with an update.
    #[command(flatten)]
    pub facts: IncidentFacts,
}

/// `incidents update KEY …`
#[derive(Debug, Args)]
pub struct UpdateArguments {
    /// The incident's key
    #[arg(value_name = "KEY")]
    pub key: String,
    /// A better title
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// The phase that it is in now: investigating, identified or restoring; a closed incident is open again
    #[arg(long, value_name = "PHASE")]
    pub phase: Option<Phase>,
    /// What it has in common with opening one.
    #[command(flatten)]
    pub facts: IncidentFacts,
}

/// What is said when an incident is opened, and may be said later.
#[derive(Debug, Args)]
pub struct IncidentFacts {
    /// All services that it is about, comma-separated (rundruf services list)
    #[arg(long = "service", value_name = "SERVICE", value_delimiter = ',')]
    pub services: Vec<String>,
    /// When it became known: deadlines count from here. Without it, when it was opened
    #[arg(long, value_name = "TIME")]
    pub known_at: Option<String>,
    /// When more will be said: 17:00, 2026-11-20T17:00 or +4h. Status notices promise it by themselves
    #[arg(long, value_name = "TIME")]
    pub next_update: Option<String>,
    /// Deadlines that hold for it, comma-separated: controllers, bsi (all three, or bsi-early, bsi-report, bsi-final),
    /// data-protection
    #[arg(long, value_name = "DEADLINE", value_delimiter = ',', value_parser = parse_deadlines)]
    pub deadlines: Vec<Deadlines>,
    /// Who sees to these deadlines; without it you
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub owner: String,
}

/// One or several deadlines under one name.
pub type Deadlines = Vec<DeadlineKind>;

/// `incidents deadline KEY DEADLINE …`
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("verdict").required(true).args(["done", "not_applicable", "reopen", "to"])))]
pub struct DeadlineArguments {
    /// The incident's key
    #[arg(value_name = "KEY")]
    pub key: String,
    /// controllers, bsi-early, bsi-report, bsi-final or data-protection
    #[arg(value_name = "DEADLINE")]
    pub kind: DeadlineKind,
    /// It is done; what proves it: a notice's number, a file number, whom you spoke to
    #[arg(long, value_name = "PROOF")]
    pub done: Option<String>,
    /// When it was done; without it now
    #[arg(long, value_name = "TIME", requires = "done")]
    pub at: Option<String>,
    /// It does not apply, and why
    #[arg(long, value_name = "WHY")]
    pub not_applicable: Option<String>,
    /// What was said of it was wrong
    #[arg(long)]
    pub reopen: bool,
    /// Who sees to it from now on
    #[arg(long, value_name = "NAME")]
    pub to: Option<String>,
}

/// `services …`
#[derive(Debug, Subcommand)]
pub enum ServicesCommand {
    /// List services: how they stand, and who uses them
    List {
        #[command(flatten)]
        format: ListFormat,
    },
    /// Set a service's state, title or groups; one that is not there is added
    Set {
        /// What commands call it: lower-case letters, digits, hyphens, such as mail
        #[arg(value_name = "SERVICE")]
        key: String,
        /// up, degraded, down or unknown
        #[arg(long, value_name = "STATE")]
        state: Option<ServiceState>,
        /// What people call it
        #[arg(long, value_name = "TEXT")]
        title: Option<String>,
        /// All groups that use it, comma-separated
        #[arg(long, value_name = "GROUP", value_delimiter = ',')]
        groups: Option<Vec<String>>,
    },
}
