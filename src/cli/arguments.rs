//! The command line: every command with its options, parsed into the words of the domain.

mod accounts;
mod alarms;
mod audit;
mod backup;
mod doctor;
mod domains;
mod incidents;
mod partners;
mod privacy;
mod send;
mod stock;
mod track;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use accounts::{AddUserArguments, CreateTokenArguments, ResetUserArguments, TokensCommand, UsersCommand};
pub use alarms::{AlarmsCommand, FireArguments, PrepareArguments};
pub use audit::{AuditCommand, EntryFilter, ProofArguments, VerifyArguments};
pub use backup::{BackupArguments, RestoreArguments};
pub use doctor::DoctorArguments;
pub use domains::{DomainNames, DomainsCommand, DownArguments};
pub use incidents::{
    DeadlineArguments, IncidentFacts, IncidentsCommand, OpenArguments, ServicesCommand, UpdateArguments,
};
pub use partners::{AddPartnerArguments, PartnersCommand};
pub use privacy::{EraseArguments, ExportArguments, HoldArguments, PrintArguments, RetentionCommand};
pub use send::{NamedValue, SendArguments};
pub use stock::{
    ContactFiles, ContactsCommand, GroupsCommand, ImportArguments, PreviewArguments, TemplatesCommand,
};
pub use track::{
    CorrectArguments, DeliveriesCommand, DeliveryFilter, NoticeArgument, NoticesCommand, ReachedArguments,
    ReplayArguments, ReportArguments, Resolution, ResolveArguments, SuppressArguments, SuppressionsCommand,
};

use super::table::Format;

/// A call to everyone: sends crisis notices by e-mail, SMS and webhook, and follows each to its last recipient.
#[derive(Debug, Parser)]
#[command(name = "rundruf", version, arg_required_else_help = true, after_help = FIRST_STEPS)]
pub struct Arguments {
    /// The configuration file; without it rundruf.toml in this folder, if it is there
    #[arg(short, long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const FIRST_STEPS: &str = "\
First steps:
  rundruf demo                    see everything work on this machine; nothing leaves it
  rundruf doctor                  is this instance ready to send?
  rundruf contacts import         take over the contact files
  rundruf send TEMPLATE --to GROUP --dry-run
                                  what would be sent, and to whom";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compose a notice from a template and send it
    Send(Box<SendArguments>),
    /// Import, check and list the people and offices that can be told something
    #[command(subcommand)]
    Contacts(ContactsCommand),
    /// List groups of contacts and their members
    #[command(subcommand)]
    Groups(GroupsCommand),
    /// List, check and preview templates
    #[command(subcommand)]
    Templates(TemplatesCommand),
    /// List notices; pause, resume, cancel or repeat one; report who got it, write down whom you telephoned
    #[command(subcommand)]
    Notices(NoticesCommand),
    /// Alarms that are agreed to in peacetime: prepare, approve, list and fire them
    #[command(subcommand)]
    Alarms(AlarmsCommand),
    /// List single deliveries; say what became of unclear ones; send a webhook again what it missed
    #[command(subcommand)]
    Deliveries(DeliveriesCommand),
    /// List, add and lift blocks on addresses that are not to be used
    #[command(subcommand)]
    Suppressions(SuppressionsCommand),
    /// Show how long what is kept, let go of what has been kept for its time, set and lift legal holds
    #[command(subcommand)]
    Retention(RetentionCommand),
    /// List mail domains that are down; take them down and bring them up again
    #[command(subcommand)]
    Domains(DomainsCommand),
    /// Check, list and export the log of who did what; write the proof of a notice
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Open, update, close and list incidents: their phase, promised next update, notices and deadlines
    #[command(subcommand)]
    Incidents(IncidentsCommand),
    /// List services and set how they stand
    #[command(subcommand)]
    Services(ServicesCommand),
    /// Make, list and disable the accounts of people who work with this instance
    #[command(subcommand)]
    Users(UsersCommand),
    /// Make, list and revoke the tokens that other programs come in with
    #[command(subcommand)]
    Tokens(TokensCommand),
    /// Tell partners' systems how notices, incidents and services stand: add, list, remove, tell again
    #[command(subcommand)]
    Partners(PartnersCommand),
    /// Send what is waiting, take in receipts and confirmations, until it is stopped
    Serve(ServeArguments),
    /// Send what is waiting, until it is stopped
    Worker(WorkerArguments),
    /// Read one returned message on standard input: for a mail server's pipe
    Bounce(BounceArguments),
    /// See everything work on this machine, with sample contacts and built-in receivers; nothing leaves it
    Demo(DemoArguments),
    /// Write everything into one encrypted file, while the instance goes on working
    Backup(BackupArguments),
    /// Put a backup back into the store; nothing of it is sent before you say so
    Restore(RestoreArguments),
    /// List the processes that send
    Workers {
        #[command(flatten)]
        format: ListFormat,
    },
    /// Check whether this instance is ready to send, and say what to mend
    Doctor(DoctorArguments),
    /// Write the completions of a shell to standard output
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
}

/// `serve`
#[derive(Debug, Args)]
pub struct ServeArguments {
    /// Show the configuration that is in force, with where each value was written, secrets masked; then exit
    #[arg(long)]
    pub print_config: bool,
}

/// `worker`
#[derive(Debug, Args)]
pub struct WorkerArguments {
    /// Stop when everything that is due has been sent; what is put off to later is left
    #[arg(long)]
    pub drain: bool,
}

/// `bounce`
#[derive(Debug, Args)]
pub struct BounceArguments {
    /// The address that the mail server accepted the message for; without it the environment's ORIGINAL_RECIPIENT or
    /// RECIPIENT, as Postfix sets them
    #[arg(long, value_name = "ADDRESS")]
    pub recipient: Option<String>,
}

/// `demo`
#[derive(Debug, Args)]
pub struct DemoArguments {
    /// Send, report, and exit
    #[arg(long)]
    pub once: bool,
    /// Where the demo keeps its data; without it a folder that is removed at the end
    #[arg(long, value_name = "DIR")]
    pub directory: Option<PathBuf>,
}

/// How a list is written.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct ListFormat {
    /// How to write the list
    #[arg(long, value_enum, default_value_t, conflicts_with = "json")]
    format: Format,
    /// One JSON object a line: the same as --format json
    #[arg(long)]
    json: bool,
}

impl ListFormat {
    /// The format that was asked for.
    pub fn format(self) -> Format {
        if self.json { Format::Json } else { self.format }
    }
}

#[cfg(test)]
mod tests;
