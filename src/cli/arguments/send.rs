//! `rundruf send`.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use crate::domain::address::Channel;
use crate::domain::approval::BreakGlass;
use crate::domain::audience::{Audience, Filter};
use crate::domain::duration::{parse_duration, parse_some_time};
use crate::domain::local_time::time_form;
use crate::domain::notice::{Priority, Visibility};

/// `send TEMPLATE …`
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct SendArguments {
    /// The template's name, as `rundruf templates list` shows it
    pub template: String,
    /// Groups to send to, comma-separated
    #[arg(long, value_name = "GROUP", value_delimiter = ',', required_unless_present = "contact")]
    pub to: Vec<String>,
    /// Single contacts to send to, by id
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub contact: Vec<String>,
    /// Groups whose members are left out
    #[arg(long, value_name = "GROUP", value_delimiter = ',')]
    pub except: Vec<String>,
    /// Only members of the groups for whom this holds; may be given several times, then all must hold
    #[arg(long = "where", value_name = "ATTRIBUTE=VALUE", value_parser = parse_filter)]
    pub filters: Vec<Filter>,
    /// Channels to use, comma-separated: email, sms, webhook. Without it all that the template has a text for and that
    /// a provider is configured for; a webhook needs neither
    #[arg(long, value_name = "CHANNEL", value_delimiter = ',')]
    pub channel: Vec<Channel>,
    /// Channels that follow each other, comma-separated: sms,email. Each contact is tried by the first; who is not
    /// reached in time follows by the next address, and then the deputy. An alarm does so by itself
    #[arg(long, value_name = "CHANNEL", value_delimiter = ',', conflicts_with = "channel")]
    pub cascade: Vec<Channel>,
    /// How long each way of a cascade has before the next follows (30s, 10m); without it 10m
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub after: Option<Duration>,
    /// The value of a variable of the template; may be given several times
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub values: Vec<NamedValue>,
    /// A TOML or JSON file with values of the template's variables; --set wins over it
    #[arg(long, value_name = "FILE")]
    pub vars: Option<PathBuf>,
    /// The incident that the notice belongs to, by its key; a status notice promises its next update
    #[arg(long, value_name = "KEY")]
    pub incident: Option<String>,
    /// When more will be said: 17:00, 2026-11-20T17:00 or +4h. Without it what [incident] proposes
    #[arg(long, value_name = "TIME", requires = "incident")]
    pub next_update: Option<String>,
    /// Who may read the notice beside its recipients: internal, partner or public
    #[arg(long, value_name = "WHO", default_value = "internal")]
    pub visibility: Visibility,
    /// urgent goes before everything else, and is sent again after a crash whatever is configured
    #[arg(long, value_name = "PRIORITY", default_value = "normal")]
    pub priority: Priority,
    /// How long the notice is worth sending (90s, 45m, 4h, 2d); without it what is configured
    #[arg(long, value_name = "DURATION", value_parser = parse_some_time)]
    pub expires: Option<Duration>,
    /// When to send it, in the instance's time zone: 2026-11-20T18:00 or 18:00
    #[arg(long, value_name = "TIME", value_parser = time_form)]
    pub at: Option<String>,
    /// Mark it as an exercise, in every subject and text
    #[arg(long)]
    pub exercise: bool,
    /// Show what would be sent and to whom; send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Answer the question "send?" with yes; no finding is passed over by it
    #[arg(long, short)]
    pub yes: bool,
    /// If it needs a second person and nobody can be waited for: release it alone, for this reason (attack, life,
    /// infrastructure, second-person-unreachable); every approver is told at once
    #[arg(long, value_name = "REASON")]
    pub break_glass: Option<BreakGlass>,
    /// What is worth knowing beside the reason
    #[arg(
        long,
        value_name = "TEXT",
        requires = "break_glass",
        default_value = "",
        hide_default_value = true
    )]
    pub note: String,
    /// Send although a typed value looks like a placeholder that was left
    #[arg(long)]
    pub accept_findings: bool,
    /// Words that claim more than is known in the incident's phase are meant so; without it they are written down as
    /// not looked at. They never stop a notice
    #[arg(long)]
    pub accept_wording: bool,
    /// Wait at most this long (10m) for the last delivery, of an alarm for the last confirmation; then exit 3, and
    /// another process goes on
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, conflicts_with = "no_wait")]
    pub wait: Option<Duration>,
    /// Return when the notice is released; a running `rundruf serve` or `rundruf worker` sends it
    #[arg(long)]
    pub no_wait: bool,
    /// One line of JSON on standard output; everything else goes to standard error
    #[arg(long)]
    pub json: bool,
}

const EXAMPLE: &str = "\
Example: the first notice to all municipalities but the northern ones, by e-mail and SMS
  rundruf send erst-kommune --to municipalities --except municipalities.north \\
    --channel email,sms --set beginn=2026-11-20T05:40 --dry-run
Without --dry-run it shows the same plan, asks, and sends.

Exit status: 0 everything accepted, of an alarm: everybody confirmed; 1 an error, nothing was sent;
2 wrong usage; 3 finished or waited long enough, but some did not get it or have not confirmed.";

impl SendArguments {
    /// Whom the notice is addressed to.
    pub fn audience(&self) -> Audience {
        Audience {
            groups: self.to.clone(),
            contacts: self.contact.clone(),
            except: self.except.clone(),
            filters: self.filters.clone(),
        }
    }
}

/// `name=value`; the value may be empty and may contain further `=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedValue {
    /// A variable of the template.
    pub name: String,
    /// Its value as it was typed.
    pub value: String,
}

impl FromStr for NamedValue {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = split_pair(text, "name=value, such as beginn=2026-11-20T05:40")?;
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }
}

fn parse_filter(text: &str) -> Result<Filter, String> {
    let (attribute, value) = split_pair(text, "attribute=value, such as district=north")?;
    Ok(Filter { attribute: attribute.to_owned(), value: value.trim().to_owned() })
}

fn split_pair<'a>(text: &'a str, form: &str) -> Result<(&'a str, &'a str), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim(), value)),
        _ => Err(format!("write it as {form}")),
    }
}
