//! Partners' systems that are told how things stand: `partners`.

use clap::{Args, Subcommand};

use crate::domain::account::AccountName;
use crate::domain::address::WebhookUrl;
use crate::domain::duration::parse_duration;
use crate::domain::notice::Visibility;
use crate::domain::partner::Topic;

use super::ListFormat;

/// `partners …`
#[derive(Debug, Subcommand)]
pub enum PartnersCommand {
    /// Tell a partner's system from now on; shows the secret that signs, once
    Add(AddPartnerArguments),
    /// List partners, and how far each is behind
    List {
        #[command(flatten)]
        format: ListFormat,
    },
    /// Give a partner another secret; shows it, once
    Secret {
        /// The partner's name
        name: AccountName,
    },
    /// Tell a partner nothing more
    Remove {
        /// The partner's name
        name: AccountName,
    },
    /// Tell a partner again what happened, and call it again if it was switched off
    Replay {
        /// The partner's name
        name: AccountName,
        /// How far back, for instance 7d; at most 30d
        #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
        since: std::time::Duration,
    },
}

/// `partners add NAME URL`
#[derive(Debug, Args)]
#[command(after_help = "\
Example: the utility's control centre hears what partners may know of its group
  rundruf partners add stadtwerke https://hooks.stadtwerke.example/rundruf --group utilities")]
pub struct AddPartnerArguments {
    /// 2 to 64 of a-z 0-9 . - _
    pub name: AccountName,
    /// Where it is told, https://…
    pub url: WebhookUrl,
    /// notices, incidents, services; several with commas; without it, all of them
    #[arg(long = "topic", value_delimiter = ',', value_name = "TOPIC[,TOPIC]")]
    pub topics: Vec<Topic>,
    /// partner: what partners or everybody may know; public: what everybody may know
    #[arg(long, default_value = "partner", value_parser = visibility)]
    pub visibility: Visibility,
    /// Only what concerns this group; may be given several times
    #[arg(long = "group", value_name = "GROUP")]
    pub groups: Vec<String>,
}

fn visibility(text: &str) -> Result<Visibility, String> {
    match text.parse() {
        Ok(Visibility::Partner) => Ok(Visibility::Partner),
        Ok(Visibility::Public) => Ok(Visibility::Public),
        _ => Err(format!("\"{text}\" is told to no partner: write partner or public")),
    }
}
