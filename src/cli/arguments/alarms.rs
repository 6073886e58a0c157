//! `rundruf alarms …`.

use std::time::Duration;

use clap::{Args, Subcommand};

use crate::domain::address::Channel;
use crate::domain::audience::Audience;
use crate::domain::duration::parse_duration;

use super::{ListFormat, NamedValue};

/// `alarms …`
#[derive(Debug, Subcommand)]
pub enum AlarmsCommand {
    /// List prepared alarms, and whether each could be fired now
    List {
        #[command(flatten)]
        format: ListFormat,
    },
    /// Prepare an alarm in peacetime: words and people are fixed, only place and time stay open
    Prepare(Box<PrepareArguments>),
    /// Show what a prepared alarm says, to whom, and the hash that its approval is about
    Show {
        /// The alarm's name
        name: String,
        /// One line of JSON
        #[arg(long)]
        json: bool,
    },
    /// Agree to a prepared alarm, for a year; somebody else than prepared it
    Approve {
        /// The alarm's name
        name: String,
        /// The hash of what you looked at, as alarms show has it; its first 8 characters are enough
        #[arg(long, value_name = "HASH")]
        hash: Option<String>,
    },
    /// Fire a prepared alarm: choose, fill in, confirm
    Fire(FireArguments),
    /// Remove a prepared alarm
    Remove {
        /// The alarm's name
        name: String,
    },
}

/// `alarms prepare NAME TEMPLATE …`
#[derive(Debug, Args)]
pub struct PrepareArguments {
    /// What it will be fired by: lower-case letters, digits, hyphens
    pub name: String,
    /// The template's name
    pub template: String,
    /// Groups to alarm, comma-separated
    #[arg(long, value_name = "GROUP", value_delimiter = ',', required_unless_present = "contact")]
    pub to: Vec<String>,
    /// Single contacts to alarm, by id
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub contact: Vec<String>,
    /// Groups whose members are left out
    #[arg(long, value_name = "GROUP", value_delimiter = ',')]
    pub except: Vec<String>,
    /// Variables that stay open, comma-separated: place and time; without it those that the template declares as open,
    /// or, where it declares none, all that get no value here
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub open: Option<Vec<String>>,
    /// A value that is fixed; may be given several times
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub values: Vec<NamedValue>,
    /// Channels that follow each other, comma-separated: sms,email
    #[arg(long, value_name = "CHANNEL", value_delimiter = ',')]
    pub cascade: Vec<Channel>,
    /// How long each way has before the next follows (30s, 10m); without it 10m
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub after: Option<Duration>,
}

impl PrepareArguments {
    /// Whom the alarm is for.
    pub fn audience(&self) -> Audience {
        Audience {
            groups: self.to.clone(),
            contacts: self.contact.clone(),
            except: self.except.clone(),
            filters: Vec::new(),
        }
    }
}

/// `alarms fire [NAME] …`
#[derive(Debug, Args)]
pub struct FireArguments {
    /// The alarm's name; without it you choose from a list
    pub name: Option<String>,
    /// The value of an open variable; what is missing you are asked for
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub values: Vec<NamedValue>,
    /// Mark it as an exercise, in every subject and text
    #[arg(long)]
    pub exercise: bool,
    /// Answer the question "fire?" with yes
    #[arg(long, short)]
    pub yes: bool,
    /// One line of JSON on standard output
    #[arg(long)]
    pub json: bool,
}
