//! Who may come in: `users`, `tokens`.

use clap::{Args, Subcommand};

use crate::domain::account::AccountName;
use crate::domain::actor::{Right, Role};
use crate::domain::duration::parse_duration;
use crate::domain::ids::SessionId;

use super::ListFormat;

/// `users …`
#[derive(Debug, Subcommand)]
pub enum UsersCommand {
    /// Make an account; without --password-stdin a password is made up and shown once, to be handed over
    Add(AddUserArguments),
    /// List accounts
    List {
        #[command(flatten)]
        format: ListFormat,
    },
    /// Keep somebody out: ends their sessions and API tokens
    Disable {
        /// The account's name
        name: AccountName,
    },
    /// Let somebody in again
    Enable {
        /// The account's name
        name: AccountName,
    },
    /// Give somebody who cannot sign in a new start: a new password, shown once; ends their sessions and API tokens
    Reset(ResetUserArguments),
    /// List who is signed in, from where
    Sessions {
        /// Only those of this account
        name: Option<AccountName>,
        #[command(flatten)]
        format: ListFormat,
    },
    /// End one session
    EndSession {
        /// Its id, as sessions lists it
        session: SessionId,
    },
    /// Say by which contact somebody is told at once that one person has released a notice alone
    Contact {
        /// The account's name
        name: AccountName,
        /// The contact's id; without it by none
        #[arg(value_name = "CONTACT")]
        contact: Option<String>,
    },
    /// Let somebody sign in to an account by the identity provider of [oidc], beside its password
    Link {
        /// The account's name
        name: AccountName,
        /// What the provider calls them ("sub"): whoever tries to sign in unlinked is shown it
        subject: String,
        /// The provider, if not the one of [oidc]
        #[arg(long)]
        issuer: Option<String>,
    },
    /// Let nobody sign in to an account by the identity provider any more; ends its sessions and API tokens
    Unlink {
        /// The account's name
        name: AccountName,
    },
    /// Give an account other roles
    Roles {
        /// The account's name
        name: AccountName,
        /// auditor, author, approver or admin; several with commas
        #[arg(long = "role", required = true, value_delimiter = ',', value_name = "ROLE[,ROLE]")]
        roles: Vec<Role>,
    },
}

/// `users add NAME`
#[derive(Debug, Args)]
#[command(after_help = "\
Example: the first admin
  rundruf users add anna.berger --role admin")]
pub struct AddUserArguments {
    /// 2 to 64 of a-z 0-9 . - _
    pub name: AccountName,
    /// auditor (reads), author (drafts), approver (releases) or admin; several with commas
    #[arg(long = "role", required = true, value_delimiter = ',', value_name = "ROLE[,ROLE]")]
    pub roles: Vec<Role>,
    /// Read the password from standard input, at a terminal without showing it; it need not be replaced at the first
    /// sign-in
    #[arg(long)]
    pub password_stdin: bool,
}

/// `users reset NAME`
#[derive(Debug, Args)]
pub struct ResetUserArguments {
    /// The account's name
    pub name: AccountName,
    /// Remove the second factor and its recovery codes too
    #[arg(long)]
    pub second_factor: bool,
    /// Leave the password as it is
    #[arg(long, requires = "second_factor")]
    pub keep_password: bool,
}

/// `tokens …`
#[derive(Debug, Subcommand)]
pub enum TokensCommand {
    /// Make a token for another program; it is shown once
    Create(CreateTokenArguments),
    /// List tokens, also those that have ended
    List {
        #[command(flatten)]
        format: ListFormat,
    },
    /// Make a token worthless
    Revoke {
        /// The token's name
        name: AccountName,
    },
}

/// `tokens create NAME`
#[derive(Debug, Args)]
#[command(after_help = "\
Example: the control centre may look, for a year
  rundruf tokens create leitstelle --right notices:read --expires 365d")]
pub struct CreateTokenArguments {
    /// 2 to 64 of a-z 0-9 . - _, which no token ever had
    pub name: AccountName,
    /// What it allows, for instance notices:read; several with commas
    #[arg(long = "right", required = true, value_delimiter = ',', value_name = "RIGHT[,RIGHT]")]
    pub rights: Vec<Right>,
    /// Limit it to this group; may be given several times
    #[arg(long = "group", value_name = "GROUP")]
    pub groups: Vec<String>,
    /// When it ends, for instance 365d; without it, after 90 days
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub expires: Option<std::time::Duration>,
}
