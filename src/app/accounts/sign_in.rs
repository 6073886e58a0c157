//! Signing in and out.

use std::time::Duration;

use secrecy::SecretString;
use serde_json::json;

use crate::app::instance::Instance;
use crate::domain::account::AccountName;
use crate::domain::actor::{Actor, Way};
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::clock::Timestamp;
use crate::domain::credential::{Credential, token_hash};
use crate::domain::ids::SessionId;
use crate::domain::second_factor::recovery_hash;
use crate::domain::sign_in_wait::WaitKey;
use crate::store::{Account, Admission, NewSession, UsedFactor};

use super::error::AccountsError;
use super::factor::opened_factor;
use super::hashing::verified;

/// For how long ended sessions are kept: from where somebody has signed in within this time, they are known.
const SESSIONS_KEPT: Duration = Duration::from_secs(30 * 24 * 3_600);
/// The most that is kept of what a browser calls itself, in characters.
const LONGEST_AGENT: usize = 200;

/// What stands for the account where nobody knows one: what was typed may have been a password.
const UNKNOWN: &str = "unknown";

/// Where a request comes from.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The network address.
    pub address: String,
    /// The request's id in the logs.
    pub request: String,
    /// What the browser or program calls itself.
    pub agent: String,
}

impl Origin {
    /// Somebody of whom only the place is known.
    pub(super) fn stranger(&self) -> Actor {
        self.actor(UNKNOWN)
    }

    /// The person called `name`, without rights yet.
    pub(super) fn actor(&self, name: &str) -> Actor {
        Actor {
            name: name.to_owned(),
            way: Way::Account,
            rights: std::collections::BTreeSet::new(),
            groups: None,
            origin: self.address.clone(),
            request: self.request.clone(),
        }
    }
}

/// What is shown as the second factor.
#[derive(Debug, Clone)]
pub enum Proof {
    /// The code that the device shows.
    Code(SecretString),
    /// One of the printed codes.
    RecoveryCode(SecretString),
}

/// A session that has begun.
#[derive(Debug)]
pub struct SignedIn {
    /// Its token, which is kept nowhere.
    pub token: SecretString,
    /// Which session.
    pub session: SessionId,
    /// Whose.
    pub account: AccountName,
    /// When it ends in any case.
    pub ends_at: Timestamp,
    /// When the account was signed in to before.
    pub before: Option<Timestamp>,
    /// Who has given the account a new password since then, removed its second factor, or linked it to somebody at a
    /// provider, and when.
    pub handed_over: Option<(String, Timestamp)>,
}

/// Signs somebody in. Every failure is counted and written into the audit log, without what was typed.
///
/// # Errors
/// [`AccountsError::Wrong`], [`AccountsError::FactorNeeded`], [`AccountsError::Wait`], [`AccountsError::Busy`], or the
/// store's and the vault's.
pub async fn sign_in(
    instance: &Instance,
    name: &str,
    password: &SecretString,
    proof: Option<&Proof>,
    origin: &Origin,
) -> Result<SignedIn, AccountsError> {
    let typed = name.trim().to_lowercase();
    let name: Option<AccountName> = typed.parse().ok();
    let own = WaitKey::account_at_origin(&typed, &origin.address);
    let is_known = match &name {
        Some(name) => instance.store.is_known_origin(name, &origin.address).await?,
        None => false,
    };
    // Whoever comes from where they always do waits for nobody else's failures: not for those at their own address,
    // which may be that of a whole office, nor for those of others with their name.
    let shared =
        if is_known { Vec::new() } else { vec![WaitKey::origin(&origin.address), WaitKey::account(&typed)] };
    let keys: Vec<WaitKey> = std::iter::once(own.clone()).chain(shared.iter().cloned()).collect();
    let waits_begin = admit(instance, &keys).await?;

    match let_in(instance, name.as_ref(), password, proof, origin).await {
        Ok(signed_in) => {
            instance.store.take_back_try(&shared, false).await?;
            instance.store.take_back_try(&[own, WaitKey::codes(&signed_in.account)], true).await?;
            Ok(signed_in)
        }
        Err(Failure::Wrong { account, why }) => {
            refused(instance, account, why, waits_begin, origin).await?;
            Err(AccountsError::Wrong)
        }
        Err(Failure::Else(error)) => {
            instance.store.take_back_try(&keys, false).await?;
            Err(error)
        }
    }
}

/// Why somebody was not let in.
enum Failure {
    /// Something that they gave is wrong: it counts.
    Wrong {
        /// The account that they tried, if there is one.
        account: Option<AccountName>,
        /// For the audit log.
        why: &'static str,
    },
    /// It is not their fault, or something is missing.
    Else(AccountsError),
}

impl<E: Into<AccountsError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Else(error.into())
    }
}

/// Checks password and second factor, and begins a session.
async fn let_in(
    instance: &Instance,
    name: Option<&AccountName>,
    password: &SecretString,
    proof: Option<&Proof>,
    origin: &Origin,
) -> Result<SignedIn, Failure> {
    let account = match name {
        Some(name) => instance.store.account(name).await?,
        None => None,
    };
    let usable = account.as_ref().filter(|account| account.disabled_at.is_none());
    // As slow where there is no such account.
    let is_right = verified(password, usable.and_then(|account| account.password.clone())).await?;
    let Some(account) = usable.filter(|_| is_right) else {
        let why = match &account {
            None => "no such account",
            Some(account) if account.disabled_at.is_some() => "disabled",
            Some(account) if account.password.is_none() => "no password",
            Some(_) => "password",
        };
        return Err(Failure::Wrong { account: account.map(|account| account.name), why });
    };
    let wrong = |why| Failure::Wrong { account: Some(account.name.clone()), why };
    let used = shown(instance, account, proof).await.map_err(|error| match error {
        AccountsError::WrongCode => wrong("code"),
        other => Failure::Else(other),
    })?;
    let how = if matches!(used, UsedFactor::RecoveryCode(_)) { "recovery code" } else { "password" };
    let way = WayIn { how, vouched_factor: false };
    begin(instance, account, &used, way, origin)
        .await?
        .ok_or_else(|| wrong("code used before, or the account was changed meanwhile"))
}

/// By what a session begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct WayIn {
    /// For the audit log.
    pub(super) how: &'static str,
    /// Whether a provider has vouched for a second factor of its own.
    pub(super) vouched_factor: bool,
}

/// Begins a session of `account`, who has shown everything that is asked for; `None` when the code in `used` had been
/// used before, or somebody has changed the account since it was read.
pub(super) async fn begin(
    instance: &Instance,
    account: &Account,
    used: &UsedFactor,
    way: WayIn,
    origin: &Origin,
) -> Result<Option<SignedIn>, AccountsError> {
    let (token, mut new) = new_session(instance, &account.name, origin);
    new.vouched_factor = way.vouched_factor;
    let entry = NewEntry::new(
        &origin.actor(account.name.as_str()),
        "session.began",
        Subject::new("account", &account.name),
    )
    .with(json!({"session": new.id.to_string(), "by": way.how}));
    let forget = instance.now().minus(SESSIONS_KEPT);
    if !instance.store.begin_session(&new, account, used, forget, &entry).await? {
        return Ok(None);
    }
    Ok(Some(SignedIn {
        token,
        session: new.id,
        account: account.name.clone(),
        ends_at: new.ends_at,
        before: account.signed_in_at,
        handed_over: account.handed_over_since(),
    }))
}

/// Counts a try; says whether waits begin with it if it fails.
///
/// # Errors
/// [`AccountsError::Wait`].
pub(super) async fn admit(instance: &Instance, keys: &[WaitKey]) -> Result<bool, AccountsError> {
    match instance.store.admit_try(keys).await? {
        Admission::Admitted { waits_begin } => Ok(waits_begin),
        Admission::Wait(until) => Err(AccountsError::Wait { now: instance.now(), until }),
    }
}

/// A session of `account` that is to begin now, with its token.
pub(super) fn new_session(
    instance: &Instance,
    account: &AccountName,
    origin: &Origin,
) -> (SecretString, NewSession) {
    let token = Credential::Session.issue(&instance.chance);
    let agent = origin.agent.chars().filter(|c| !c.is_control()).take(LONGEST_AGENT).collect();
    let session = NewSession {
        id: SessionId(instance.ids.next()),
        hash: token_hash(&token),
        account: account.clone(),
        origin: origin.address.clone(),
        agent,
        ends_at: instance.now().plus(instance.settings().accounts.session_absolute),
        vouched_factor: false,
    };
    (token, session)
}

/// What the second factor is shown with, where the account has one.
pub(super) async fn shown(
    instance: &Instance,
    account: &Account,
    proof: Option<&Proof>,
) -> Result<UsedFactor, AccountsError> {
    let Some(sealed) = &account.totp else { return Ok(UsedFactor::Nothing) };
    let Some(proof) = proof else { return Err(AccountsError::FactorNeeded) };
    admit(instance, &[WaitKey::codes(&account.name)]).await?;
    match proof {
        Proof::RecoveryCode(code) => Ok(UsedFactor::RecoveryCode(recovery_hash(&account.name, code))),
        Proof::Code(code) => {
            let factor = opened_factor(instance, &account.name, sealed).await?;
            let step = factor.check(code, instance.now(), account.totp_step);
            step.map(UsedFactor::Step).ok_or(AccountsError::WrongCode)
        }
    }
}

/// Writes down that somebody was not let in.
pub(super) async fn refused(
    instance: &Instance,
    account: Option<AccountName>,
    why: &str,
    waits_begin: bool,
    origin: &Origin,
) -> Result<(), AccountsError> {
    let subject = account.map_or_else(|| UNKNOWN.to_owned(), |account| account.to_string());
    let entry = NewEntry::new(&origin.stranger(), "session.refused", Subject::new("account", subject))
        .because(why)
        .with(json!({"waits_begin": waits_begin}));
    Ok(instance.store.write_entry(&entry).await?)
}
