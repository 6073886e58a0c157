//! `domains`: mail domains that are down.

use clap::{Args, Subcommand};

use crate::domain::address::parse_domain;

use super::ListFormat;

/// `domains …`
#[derive(Debug, Subcommand)]
pub enum DomainsCommand {
    /// List mail domains that are down or that you host, and how many deliveries wait for them
    List {
        #[command(flatten)]
        format: ListFormat,
    },
    /// Say that mail domains are down: contacts there are told by their other addresses; takes effect at once
    Down(DownArguments),
    /// Say that they are up again: what was held for them leaves at once
    Up(DomainNames),
}

/// Which domains.
#[derive(Debug, Args)]
pub struct DomainNames {
    /// The domains
    #[arg(value_name = "DOMAIN", required_unless_present = "hosted", value_parser = parse_domain)]
    pub domains: Vec<String>,
    /// All of [email] hosted_domains: the customers' domains that are down when you are
    #[arg(long)]
    pub hosted: bool,
}

/// `domains down …`
#[derive(Debug, Args)]
pub struct DownArguments {
    #[command(flatten)]
    pub names: DomainNames,
    /// Why; shown in lists and with every delivery that is held
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
}
