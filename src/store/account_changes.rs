//! What happens to an account: one transaction each, with its audit entry.

use std::collections::BTreeSet;

use crate::domain::account::{AccountName, LinkedIdentity, comma_separated};
use crate::domain::actor::Role;
use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;
use crate::domain::ids::SessionId;

use super::audit::append;
use super::connection::Tx;
use super::sessions::{begin_in, end_sessions};
use super::statement::statements;
use super::tokens::revoke_tokens;
use super::{NewSession, Store, StoreError};

statements! {
    /// An account's version and whether it is an admin who may sign in; held until the transaction ends.
    LOCK_ACCOUNT = "SELECT version, roles, disabled_at FROM accounts WHERE name = $1 /*lock*/";
    /// It was changed.
    BUMP_VERSION = "UPDATE accounts SET version = version + 1 WHERE name = $1";
    /// Its roles.
    SET_ROLES = "UPDATE accounts SET roles = $2 WHERE name = $1";
    /// It may not sign in, or ($2 is NULL) may again.
    SET_DISABLED = "UPDATE accounts SET disabled_at = $2 WHERE name = $1";
    /// Whom it is linked to at a provider.
    SELECT_LINK = "SELECT oidc_issuer, oidc_subject FROM accounts WHERE name = $1";
    /// It is linked to somebody else, or ($2 and $3 are NULL) to nobody.
    SET_LINK = "UPDATE accounts SET oidc_issuer = $2, oidc_subject = $3 WHERE name = $1";
    /// Which other account is linked to somebody.
    SELECT_OTHER_LINKED = "SELECT name FROM accounts WHERE oidc_issuer = $2 AND oidc_subject = $3 AND name <> $1";
    /// Whether it can be signed in to without a provider.
    SELECT_HAS_PASSWORD = "SELECT name FROM accounts WHERE name = $1 AND password IS NOT NULL";
    /// Its password.
    SET_PASSWORD = "UPDATE accounts SET password = $2, password_at = $3, must_change = $4 WHERE name = $1";
    /// Who gave it a new start, or another way in.
    SET_HANDED_OVER = "UPDATE accounts SET handed_over_by = $2, handed_over_at = $3 WHERE name = $1";
    /// By which contact its owner is told.
    SET_CONTACT = "UPDATE accounts SET contact = $2 WHERE name = $1";
    /// A second factor is offered.
    OFFER_FACTOR = "UPDATE accounts SET totp_pending = $2 WHERE name = $1";
    /// The second factor that was offered is its own, if it is still the one that was offered.
    CONFIRM_FACTOR = "
        UPDATE accounts SET totp = totp_pending, totp_since = $2, totp_step = $3, totp_pending = NULL
        WHERE name = $1 AND totp_pending = $4";
    /// It has no second factor.
    DROP_FACTOR = "
        UPDATE accounts SET totp = NULL, totp_since = NULL, totp_step = NULL, totp_pending = NULL WHERE name = $1";
    /// Its recovery codes are worth nothing any more.
    DROP_CODES = "DELETE FROM recovery_codes WHERE account = $1";
    /// One recovery code more.
    INSERT_CODE = "INSERT INTO recovery_codes (account, hash) VALUES ($1, $2)";
    /// How many recovery codes are left.
    COUNT_CODES = "SELECT count(*) AS left_over FROM recovery_codes WHERE account = $1 AND used_at IS NULL";
    /// Whether a provider has vouched for a second factor when a session of it began.
    SELECT_VOUCHED = "
        SELECT vouched_factor FROM sessions WHERE session_id = $1 AND account = $2 AND ended_at IS NULL";
    /// How many admins may sign in, also when no provider answers.
    COUNT_ADMINS = "
        SELECT count(*) AS admins FROM accounts
        WHERE disabled_at IS NULL AND password IS NOT NULL AND (',' || roles || ',') LIKE '%,admin,%'";
}

/// What is changed about an account.
#[derive(Clone)]
pub enum AccountChange {
    /// Its roles. If it loses one, its API tokens end.
    Roles(BTreeSet<Role>),
    /// It may not sign in any more; its sessions and tokens end.
    Disable,
    /// It may sign in again.
    Enable,
    /// Somebody else gives it a new start; its sessions and tokens end.
    Reset {
        /// The hash of a password that must be replaced at the next sign-in.
        password: Option<String>,
        /// Whether its second factor and recovery codes are removed.
        drop_second_factor: bool,
        /// Who does it: see [`Actor::label`](crate::domain::actor::Actor::label).
        by: String,
    },
    /// The contact by which its owner is told what approvers must know; `None`: there is none.
    Contact(Option<String>),
    /// Its owner has a new password; all sessions but the one that begins with it, and all tokens, end.
    Password {
        /// Its hash.
        hash: String,
        /// The session in which its owner asks for it: what a provider has vouched for then goes on to count.
        instead_of: Option<SessionId>,
        /// The session that goes on.
        session: NewSession,
    },
    /// A second factor is offered: its secret, sealed.
    OfferFactor(String),
    /// The second factor that was offered was shown to work.
    ConfirmFactor {
        /// The secret that was offered, sealed.
        offered: String,
        /// The step of the code that showed it.
        step: i64,
        /// Hashes of the recovery codes that go with it.
        codes: Vec<Vec<u8>>,
    },
    /// Its owner gives the second factor up.
    DropFactor,
    /// It is linked to somebody at a provider, who may sign in to it from now on. Whoever it was linked to before may
    /// not: its sessions and tokens end.
    Link {
        /// Who may.
        identity: LinkedIdentity,
        /// Who does it: see [`Actor::label`](crate::domain::actor::Actor::label).
        by: String,
    },
    /// It is linked to nobody any more; its sessions and tokens end.
    Unlink,
    /// Hashes of new recovery codes; the old ones are worth nothing any more.
    RecoveryCodes(Vec<Vec<u8>>),
}

impl Store {
    /// Changes the account `name`; `expected` is the version that whoever changes it has seen, `None` if any will do.
    ///
    /// # Errors
    /// [`StoreError::Conflict`]: there is no such account, somebody else has changed it meanwhile, or it is the last
    /// admin.
    pub async fn change_account(
        &self,
        name: &AccountName,
        change: AccountChange,
        expected: Option<i64>,
        entry: &NewEntry,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let mut tx = self.db.begin().await?;
        let row: Option<(i64, String, Option<i64>)> =
            tx.fetch_first(&LOCK_ACCOUNT, (name.to_string(),)).await?;
        let Some((version, roles, disabled_at)) = row else {
            return Err(StoreError::Conflict(format!("there is no account called {name}")));
        };
        if expected.is_some_and(|expected| expected != version) {
            return Err(StoreError::Conflict(format!(
                "somebody else has changed the account {name} meanwhile: look at it again; nothing was changed"
            )));
        }
        let is_admin = |roles: &str| roles.split(',').any(|role| role == Role::Admin.as_str());
        let may_be_the_last = is_admin(&roles)
            && disabled_at.is_none()
            && match &change {
                AccountChange::Disable => true,
                AccountChange::Roles(roles) => !roles.contains(&Role::Admin),
                _ => false,
            };
        apply(&mut tx, name, &roles, change, now).await?;
        tx.execute(&BUMP_VERSION, (name.to_string(),)).await?;
        append(&mut tx, entry, now).await?;
        // Counted last: whoever appends to the log is alone, so that two admins cannot remove each other at once.
        let admins: Option<(i64,)> = tx.fetch_first(&COUNT_ADMINS, ()).await?;
        if may_be_the_last && admins.is_none_or(|(admins,)| admins == 0) {
            return Err(StoreError::Conflict(format!(
                "{name} is the last admin who can sign in: make another first; nothing was changed"
            )));
        }
        tx.commit().await
    }

    /// How many recovery codes an account has left.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn recovery_codes_left(&self, name: &AccountName) -> Result<i64, StoreError> {
        let row: Option<(i64,)> = self.db.fetch_first(&COUNT_CODES, (name.to_string(),)).await?;
        Ok(row.map_or(0, |(left,)| left))
    }
}

async fn apply(
    tx: &mut Tx,
    name: &AccountName,
    roles_before: &str,
    change: AccountChange,
    now: Timestamp,
) -> Result<(), StoreError> {
    let account = name.to_string();
    match change {
        AccountChange::Roles(roles) => {
            let loses =
                roles_before.split(',').any(|before| !roles.iter().any(|role| role.as_str() == before));
            if loses {
                revoke_tokens(tx, name, now).await?;
            }
            tx.execute(&SET_ROLES, (account, comma_separated(&roles))).await?;
        }
        AccountChange::Disable => {
            tx.execute(&SET_DISABLED, (account, Some(now.0))).await?;
            end_everything(tx, name, now).await?;
        }
        AccountChange::Enable => {
            tx.execute(&SET_DISABLED, (account, None::<i64>)).await?;
        }
        AccountChange::Contact(contact) => {
            tx.execute(&SET_CONTACT, (account, contact)).await?;
        }
        AccountChange::Reset { password, drop_second_factor, by } => {
            tx.execute(&SET_HANDED_OVER, (account.clone(), by, now.0)).await?;
            if let Some(hash) = password {
                tx.execute(&SET_PASSWORD, (account.clone(), Some(hash), now.0, 1_i64)).await?;
            }
            if drop_second_factor {
                tx.execute(&DROP_FACTOR, (account.clone(),)).await?;
                tx.execute(&DROP_CODES, (account,)).await?;
            }
            end_everything(tx, name, now).await?;
        }
        AccountChange::Password { hash, instead_of, mut session } => {
            session.vouched_factor = was_vouched_for(tx, name, instead_of).await?;
            tx.execute(&SET_PASSWORD, (account, Some(hash), now.0, 0_i64)).await?;
            end_everything(tx, name, now).await?;
            begin_in(tx, &session, now).await?;
        }
        AccountChange::OfferFactor(sealed) => {
            tx.execute(&OFFER_FACTOR, (account, Some(sealed))).await?;
        }
        AccountChange::ConfirmFactor { offered, step, codes } => {
            if tx.execute(&CONFIRM_FACTOR, (account, now.0, step, offered)).await? == 0 {
                return Err(StoreError::Conflict(
                    "another second factor was offered meanwhile: begin again; nothing was changed"
                        .to_owned(),
                ));
            }
            keep_codes(tx, name, codes).await?;
        }
        AccountChange::DropFactor => {
            tx.execute(&DROP_FACTOR, (account.clone(),)).await?;
            tx.execute(&DROP_CODES, (account,)).await?;
        }
        AccountChange::RecoveryCodes(codes) => keep_codes(tx, name, codes).await?,
        AccountChange::Link { identity, by } => link(tx, name, identity, by, now).await?,
        AccountChange::Unlink => {
            let own: Option<(String,)> = tx.fetch_first(&SELECT_HAS_PASSWORD, (account.clone(),)).await?;
            if own.is_none() {
                return Err(StoreError::Conflict(format!(
                    "{name} has no password and could not sign in any more: give it one first, with \"users reset\"; \
                     nothing was changed"
                )));
            }
            tx.execute(&SET_LINK, (account, None::<String>, None::<String>)).await?;
            end_everything(tx, name, now).await?;
        }
    }
    Ok(())
}

async fn link(
    tx: &mut Tx,
    name: &AccountName,
    identity: LinkedIdentity,
    by: String,
    now: Timestamp,
) -> Result<(), StoreError> {
    let parameters = (name.to_string(), Some(identity.issuer), Some(identity.subject));
    let other: Option<(String,)> = tx.fetch_first(&SELECT_OTHER_LINKED, parameters.clone()).await?;
    if let Some((other,)) = other {
        return Err(StoreError::Conflict(format!(
            "that identity is linked to the account {other}: unlink it there first; nothing was changed"
        )));
    }
    let before: Option<(Option<String>, Option<String>)> =
        tx.fetch_first(&SELECT_LINK, (name.to_string(),)).await?;
    let before = before.and_then(|(issuer, subject)| issuer.zip(subject));
    if before == parameters.1.clone().zip(parameters.2.clone()) {
        return Ok(());
    }
    if before.is_some() {
        end_everything(tx, name, now).await?;
    }
    tx.execute(&SET_LINK, parameters).await?;
    tx.execute(&SET_HANDED_OVER, (name.to_string(), by, now.0)).await?;
    Ok(())
}

/// Whether the session `id` of an account began with a provider's word for a second factor.
async fn was_vouched_for(tx: &mut Tx, name: &AccountName, id: Option<SessionId>) -> Result<bool, StoreError> {
    let Some(id) = id else { return Ok(false) };
    let row: Option<(i64,)> = tx.fetch_first(&SELECT_VOUCHED, (id.0, name.to_string())).await?;
    Ok(row.is_some_and(|(vouched,)| vouched != 0))
}

async fn end_everything(tx: &mut Tx, name: &AccountName, now: Timestamp) -> Result<(), StoreError> {
    end_sessions(tx, name, now).await?;
    revoke_tokens(tx, name, now).await?;
    Ok(())
}

async fn keep_codes(tx: &mut Tx, name: &AccountName, codes: Vec<Vec<u8>>) -> Result<(), StoreError> {
    tx.execute(&DROP_CODES, (name.to_string(),)).await?;
    for code in codes {
        tx.execute(&INSERT_CODE, (name.to_string(), code)).await?;
    }
    Ok(())
}
