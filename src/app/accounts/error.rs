//! Why something about accounts was refused.

use crate::app::vault::VaultUnavailable;
use crate::channels::openid::ProviderFault;
use crate::domain::account::{AccountName, NameRefused};
use crate::domain::actor::Denied;
use crate::domain::clock::Timestamp;
use crate::domain::password::PasswordRefused;
use crate::store::StoreError;

/// Why something about accounts, sessions or tokens was refused; nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// They may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Only a person who has signed in has a password, a second factor and sessions of their own.
    #[error("that is for somebody who has signed in with an account; an API token and the shell have none")]
    NotAPerson,
    /// A token may hand on what it allows itself, and no more.
    #[error(
        "an API token cannot give rights, groups or a time that it does not have itself: let an admin do it"
    )]
    BeyondTheToken,
    /// Who may come in is nothing that belongs to a group.
    #[error("this token is limited to groups: somebody without such a limit must do that")]
    LimitedToken,
    /// It is no name.
    #[error(transparent)]
    Name(#[from] NameRefused),
    /// The password is not taken.
    #[error(transparent)]
    Password(#[from] PasswordRefused),
    /// At least one is needed.
    #[error("at least one role is needed: auditor, author, approver or admin")]
    NoRole,
    /// At least one is needed.
    #[error("at least one right is needed: a token without any can do nothing")]
    NoRight,
    /// No such group.
    #[error("there is no group \"{0}\": import its contacts first, or look at the list of groups")]
    NoSuchGroup(String),
    /// No such contact.
    #[error("there is no contact \"{0}\": \"rundruf contacts list\" shows all")]
    NoSuchContact(String),
    /// The end lies in the past, or too far off.
    #[error("a token must end between one minute and ten years from now")]
    End,
    /// There is no such account.
    #[error("there is no account called {0}")]
    NoSuchAccount(AccountName),
    /// There is no such token, or it was revoked already.
    #[error("there is no token called {0} that could be revoked")]
    NoSuchToken(AccountName),
    /// There is no such session, or it has ended.
    #[error("there is no such session, or it has ended already")]
    NoSuchSession,
    /// The name, the password or the code is wrong. Which, is not told.
    #[error("name, password or code is wrong")]
    Wrong,
    /// The password is right; a code is asked for beside it.
    #[error(
        "this account has a second factor: along with the password, send its six digits as \"code\" or one of the \
         recovery codes as \"recovery_code\""
    )]
    FactorNeeded,
    /// Too many have gone wrong.
    #[error("too many attempts have failed: try again in {} s", seconds(*.now, *.until))]
    Wait {
        /// The time of the answer.
        now: Timestamp,
        /// When the next may be made.
        until: Timestamp,
    },
    /// Too many at once.
    #[error("too many people are signing in at this moment: try again in a few seconds")]
    Busy,
    /// Nothing was offered that could be confirmed.
    #[error("no second factor was offered: begin with setting one up")]
    NothingOffered,
    /// The code does not fit.
    #[error(
        "the code is wrong, or was used already: wait for the next one; if that is wrong too, check the device's clock"
    )]
    WrongCode,
    /// The role demands it.
    #[error(
        "this account's role demands a second factor: set up another instead, or let an admin change the role"
    )]
    FactorDemanded,
    /// The code of the console.
    #[error(
        "the setup code is wrong or has run out: start serve again for a new one, or run \"rundruf users add\" on the machine"
    )]
    WrongSetupCode,
    /// Nobody signs in by a provider here.
    #[error("signing in by an identity provider is not set up here: sign in with name and password")]
    NoProvider,
    /// The provider.
    #[error(transparent)]
    Provider(#[from] ProviderFault),
    /// The provider has sent somebody back without an identity.
    #[error("the identity provider did not let you in ({0}): begin again, or sign in with name and password")]
    ProviderRefused(String),
    /// What was begun is not known in this browser, or too old.
    #[error("this sign-in was not begun in this browser, or more than ten minutes ago: begin again")]
    FlowLost,
    /// The identity, as a word of a shell, is known to the provider and to nobody here.
    #[error(
        "no account is linked to you: give this line to an admin, who can link yours: rundruf users link NAME {0}"
    )]
    NotLinked(String),
    /// An account was to be made, and cannot be.
    #[error("no account can be made for you ({0}): let an admin make one and link it")]
    NotMade(String),
    /// The account is there, and may not be used.
    #[error("your account is disabled: ask an admin")]
    Disabled,
    /// It is no subject.
    #[error(
        "that is no subject: write it as the provider shows it, at most 255 characters without control characters"
    )]
    Subject,
    /// Whose subject is not known.
    #[error(
        "whose subject that is, is not known: set [oidc] issuer, or name the issuer, beginning with https://"
    )]
    Issuer,
    /// The key of sealed secrets.
    #[error(transparent)]
    Vault(#[from] VaultUnavailable),
    /// The store; a [`StoreError::Conflict`] says what stood against it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AccountsError {
    /// How many seconds to wait before the next try, where that is known: what `Retry-After` says.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Wait { now, until } => Some(seconds(*now, *until)),
            Self::Busy => Some(2),
            _ => None,
        }
    }
}

fn seconds(now: Timestamp, until: Timestamp) -> u64 {
    until.since(now).as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX)
}
