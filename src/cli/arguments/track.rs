//! What became of notices: `notices`, `deliveries`, `suppressions`.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use crate::domain::address::{Channel, WebhookUrl};
use crate::domain::approval::BreakGlass;
use crate::domain::delivery::DeliveryState;
use crate::domain::duration::parse_duration;
use crate::domain::ids::DeliveryId;
use crate::domain::local_time::time_form;
use crate::domain::notice::Priority;

use super::super::table::Format;
use super::{ListFormat, NamedValue};

/// `notices …`
#[derive(Debug, Subcommand)]
pub enum NoticesCommand {
    /// List notices with the state of their deliveries
    List {
        #[command(flatten)]
        format: ListFormat,
    },
    /// Show one notice: where it stands, to whom it goes, and its words before they leave
    Show {
        #[command(flatten)]
        notice: NoticeArgument,
        /// List everybody whom it is for, as frozen with it, instead
        #[arg(long)]
        people: bool,
        /// How to write the list of people
        #[arg(long, value_enum, requires = "people", conflicts_with = "json")]
        format: Option<Format>,
        /// One line of JSON; with --people one object a line
        #[arg(long)]
        json: bool,
    },
    /// Agree to a notice that waits for a second person: it goes out
    Approve {
        #[command(flatten)]
        notice: NoticeArgument,
        /// Only if this is what waits: the hash that `notices show` gives, or its beginning
        #[arg(long, value_name = "HASH")]
        hash: Option<String>,
    },
    /// Do not agree: the notice is not sent
    Reject {
        #[command(flatten)]
        notice: NoticeArgument,
        /// Why; the author reads it
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Release a notice alone that waits for a second person; every approver is told at once
    Release {
        #[command(flatten)]
        notice: NoticeArgument,
        /// Why: attack, life, infrastructure, second-person-unreachable; without it you are asked
        #[arg(long, value_name = "REASON")]
        break_glass: Option<BreakGlass>,
        /// What is worth knowing beside the reason
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        note: String,
    },
    /// Write down that you have looked at what one person released alone
    Review {
        #[command(flatten)]
        notice: NoticeArgument,
        /// What you found
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        note: String,
    },
    /// Say of words that claim more than the incident's phase allows yet that they are meant so
    AcceptWording(NoticeArgument),
    /// Give a notice that has not been released another time
    Schedule {
        #[command(flatten)]
        notice: NoticeArgument,
        /// When, in the instance's time zone: 2026-11-20T18:00 or 18:00
        #[arg(long, value_name = "TIME", value_parser = time_form)]
        at: String,
    },
    /// Let nothing more leave until it is resumed; its expiry runs on
    Pause(NoticeArgument),
    /// Let a paused notice go on
    Resume(NoticeArgument),
    /// End a notice: what has not left stays here
    Cancel(NoticeArgument),
    /// Send again to those who did not get it
    Retry(NoticeArgument),
    /// Send a notice that takes the place of another: to exactly those who got that one or may have got it. What of the
    /// old one has not left is cancelled. A running `serve` or `worker` sends it; if there is none: `worker --drain`
    Correct(Box<CorrectArguments>),
    /// Say who got it, who did not, and why
    Report(ReportArguments),
    /// Write down that a person reached a contact another way: it counts, and nothing more follows for it
    Reached(ReachedArguments),
}

/// `notices correct NOTICE …`
#[derive(Debug, Args)]
pub struct CorrectArguments {
    /// The notice that is wrong.
    #[command(flatten)]
    pub notice: NoticeArgument,
    /// The template of the correction
    #[arg(long, value_name = "TEMPLATE", default_value = "korrektur-alle")]
    pub template: String,
    /// The value of a variable of the template; may be given several times
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub values: Vec<NamedValue>,
    /// A TOML or JSON file with values of the template's variables; --set wins over it
    #[arg(long, value_name = "FILE")]
    pub vars: Option<std::path::PathBuf>,
    /// Channels to use, comma-separated: email, sms, webhook
    #[arg(long, value_name = "CHANNEL", value_delimiter = ',')]
    pub channel: Vec<Channel>,
    /// When more will be said about the incident that the old one belongs to: 17:00, 2026-11-20T17:00 or +4h
    #[arg(long, value_name = "TIME")]
    pub next_update: Option<String>,
    /// urgent goes before everything else
    #[arg(long, value_name = "PRIORITY", default_value = "urgent")]
    pub priority: Priority,
    /// Show what would be sent and to whom; send and cancel nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Answer the question "send?" with yes; no finding is passed over by it
    #[arg(long, short)]
    pub yes: bool,
    /// Send although a typed value looks like a placeholder that was left
    #[arg(long)]
    pub accept_findings: bool,
    /// Words that claim more than is known in the incident's phase are meant so
    #[arg(long)]
    pub accept_wording: bool,
}

/// `notices report NOTICE …`
#[derive(Debug, Args)]
pub struct ReportArguments {
    /// Which notice.
    #[command(flatten)]
    pub notice: NoticeArgument,
    /// List who has not been reached, with telephone numbers and deputies: for a person with a telephone
    #[arg(long)]
    pub call_list: bool,
    /// How to write the call list
    #[arg(long, value_enum, requires = "call_list", conflicts_with = "json")]
    pub format: Option<Format>,
    /// One line of JSON; with --call-list one object a line
    #[arg(long)]
    pub json: bool,
}

/// `notices reached NOTICE CONTACT …`
#[derive(Debug, Args)]
pub struct ReachedArguments {
    /// Which notice.
    #[command(flatten)]
    pub notice: NoticeArgument,
    /// The contact, by its id
    #[arg(value_name = "CONTACT")]
    pub contact: String,
    /// How it was reached
    #[arg(long, value_enum)]
    pub by: ReachedBy,
    /// What is worth knowing: whom you spoke to, what they said
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub note: String,
}

/// How a person reached a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReachedBy {
    /// By telephone
    Phone,
    /// By fax, and it was read
    Fax,
    /// By a messenger, in person or a program
    Messenger,
}

impl ReachedBy {
    /// The word in the store and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Fax => "fax",
            Self::Messenger => "messenger",
        }
    }
}

/// Which notice.
#[derive(Debug, Args)]
pub struct NoticeArgument {
    /// The notice's number, such as 2026-0007
    #[arg(value_name = "NOTICE")]
    pub number: String,
}

/// `deliveries …`
#[derive(Debug, Subcommand)]
pub enum DeliveriesCommand {
    /// List deliveries
    List {
        #[command(flatten)]
        filter: DeliveryFilter,
        #[command(flatten)]
        format: ListFormat,
    },
    /// Show one delivery with all its attempts
    Show {
        /// The delivery's id
        id: DeliveryId,
        /// One line of JSON
        #[arg(long)]
        json: bool,
    },
    /// Say what became of deliveries that are unclear
    Resolve(ResolveArguments),
    /// Send a webhook endpoint again what it missed, and use its address again
    Replay(ReplayArguments),
}

/// Which deliveries.
#[derive(Debug, Default, Args)]
pub struct DeliveryFilter {
    /// Only those of this notice, such as 2026-0007
    #[arg(long, value_name = "NOTICE")]
    pub notice: Option<String>,
    /// Only those in these states, comma-separated: queued, sending, sent, delivered, failed, expired, suppressed,
    /// cancelled, unclear
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    pub state: Vec<DeliveryState>,
    /// Only those of these channels, comma-separated: email, sms, webhook
    #[arg(long, value_name = "CHANNEL", value_delimiter = ',')]
    pub channel: Vec<Channel>,
}

/// `deliveries resolve ID… --as …`
#[derive(Debug, Args)]
pub struct ResolveArguments {
    /// The deliveries' ids
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<DeliveryId>,
    /// What became of them
    #[arg(long = "as", value_enum)]
    pub resolution: Resolution,
}

/// `deliveries replay ADDRESS --since …`
#[derive(Debug, Args)]
pub struct ReplayArguments {
    /// The endpoint's address, as "contacts show" has it
    pub address: WebhookUrl,
    /// How far back, such as 36h or 7d: what failed, expired or was suppressed since then
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub since: Duration,
}

/// What a person says of an unclear delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Resolution {
    /// It has left
    Sent,
    /// It will not arrive
    Failed,
    /// Send it again; the recipient may get it twice
    Resend,
}

/// `suppressions …`
#[derive(Debug, Subcommand)]
pub enum SuppressionsCommand {
    /// List addresses that are not used
    List {
        #[command(flatten)]
        format: ListFormat,
    },
    /// Use an address no longer
    Add(SuppressArguments),
    /// Use an address again
    Lift {
        /// The address
        address: String,
    },
}

/// `suppressions add ADDRESS …`
#[derive(Debug, Args)]
pub struct SuppressArguments {
    /// The e-mail address, telephone number or webhook address
    pub address: String,
    /// Why; shown in plans and reports
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// When the block ends, in the instance's time zone: 2026-12-31 or 2026-12-31T18:00; without it never
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
}
