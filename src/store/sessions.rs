//! Who is signed in.

use uuid::Uuid;

use crate::domain::account::{AccountName, read_list};
use crate::domain::actor::Role;
use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;
use crate::domain::ids::SessionId;

use super::audit::append;
use super::connection::Tx;
use super::statement::statements;
use super::{Account, Store, StoreError};

statements! {
    /// A session that has not been ended, by its token's hash, with what its account is now.
    SELECT_SESSION = "
        SELECT s.session_id, s.account, s.created_at, s.last_used_at, s.ends_at, s.vouched_factor, a.roles,
               a.must_change, a.totp_since, a.disabled_at
        FROM sessions s JOIN accounts a ON a.name = s.account
        WHERE s.hash = $1 AND s.ended_at IS NULL";
    /// It was used.
    TOUCH_SESSION = "UPDATE sessions SET last_used_at = $2 WHERE session_id = $1 AND last_used_at < $2";
    /// One session more.
    INSERT_SESSION = "
        INSERT INTO sessions (session_id, hash, account, origin, agent, created_at, last_used_at, ends_at,
                              vouched_factor)
        VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8)";
    /// Its account was signed in to.
    MARK_SIGNED_IN = "UPDATE accounts SET signed_in_at = $2 WHERE name = $1";
    /// Sessions that ended long ago, or ran out, are forgotten.
    FORGET_SESSIONS = "DELETE FROM sessions WHERE coalesce(ended_at, ends_at) < $1";
    /// Ends one session of an account.
    END_SESSION = "
        UPDATE sessions SET ended_at = $3 WHERE session_id = $1 AND account = $2 AND ended_at IS NULL";
    /// Ends all sessions of an account.
    END_SESSIONS = "UPDATE sessions SET ended_at = $2 WHERE account = $1 AND ended_at IS NULL";
    /// What somebody has shown themselves with; held until the transaction ends.
    LOCK_PROOF = "SELECT password, totp, disabled_at FROM accounts WHERE name = $1 /*lock*/";
    /// A code's step was used; none is taken twice.
    USE_STEP = "
        UPDATE accounts SET totp_step = $2 WHERE name = $1 AND (totp_step IS NULL OR totp_step < $2)";
    /// A recovery code was used.
    USE_CODE = "
        UPDATE recovery_codes SET used_at = $3 WHERE account = $1 AND hash = $2 AND used_at IS NULL";
    /// Sessions that may still be in use, oldest first; of one account, or ('') of all.
    SELECT_SESSIONS = "
        SELECT session_id, account, origin, agent, created_at, last_used_at, ends_at FROM sessions
        WHERE ended_at IS NULL AND ends_at > $1 AND last_used_at > $2 AND (account = $3 OR $3 = '')
        ORDER BY created_at, session_id";
    /// Whether an account was ever signed in to from somewhere.
    SELECT_KNOWN_ORIGIN = "SELECT created_at FROM sessions WHERE account = $1 AND origin = $2 LIMIT 1";
}

/// A session as its token finds it.
#[derive(Debug, Clone)]
pub struct KnownSession {
    /// Which.
    pub id: SessionId,
    /// Whose.
    pub account: AccountName,
    /// Since when.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Timestamp,
    /// When it ends in any case.
    pub ends_at: Timestamp,
    /// The account's roles now.
    pub roles: std::collections::BTreeSet<Role>,
    /// Whether the password must be replaced first.
    pub must_change: bool,
    /// Whether the account has a second factor, or the provider has vouched for one.
    pub has_second_factor: bool,
    /// Whether it was begun by a provider that has vouched for a second factor of its own.
    pub vouched_factor: bool,
    /// Whether the account is disabled.
    pub is_disabled: bool,
}

/// A session that begins.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Which.
    pub id: SessionId,
    /// Its token's hash.
    pub hash: Vec<u8>,
    /// Whose.
    pub account: AccountName,
    /// From where.
    pub origin: String,
    /// What the browser or program calls itself.
    pub agent: String,
    /// When it ends in any case.
    pub ends_at: Timestamp,
    /// Whether the provider by which it begins has vouched for a second factor of its own.
    pub vouched_factor: bool,
}

/// What a second factor was shown with; it counts once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UsedFactor {
    /// None was asked for.
    Nothing,
    /// A code of this step.
    Step(i64),
    /// A recovery code, by its hash.
    RecoveryCode(Vec<u8>),
}

/// A session in a list.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SessionRow {
    /// Which; see [`SessionId`].
    pub session_id: Uuid,
    /// Whose.
    pub account: String,
    /// From where it was begun.
    pub origin: String,
    /// What the browser or program calls itself.
    pub agent: String,
    /// Since when, UTC milliseconds.
    pub created_at: i64,
    /// When it was last used, to the minute, UTC milliseconds.
    pub last_used_at: i64,
    /// When it ends in any case, UTC milliseconds.
    pub ends_at: i64,
}

/// A password's hash, a sealed second factor, and since when the account is disabled.
type Proof = (Option<String>, Option<String>, Option<i64>);

#[derive(sqlx::FromRow)]
struct FoundSession {
    session_id: Uuid,
    account: String,
    created_at: i64,
    last_used_at: i64,
    ends_at: i64,
    vouched_factor: i64,
    roles: String,
    must_change: i64,
    totp_since: Option<i64>,
    disabled_at: Option<i64>,
}

impl Store {
    /// The session whose token has this hash, if it was not ended; whether it ran out is for the caller to see.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn session_by_hash(&self, hash: Vec<u8>) -> Result<Option<KnownSession>, StoreError> {
        let found: Option<FoundSession> = self.db.fetch_first(&SELECT_SESSION, (hash,)).await?;
        let Some(row) = found else { return Ok(None) };
        let account = row.account.parse();
        Ok(Some(KnownSession {
            id: SessionId(row.session_id),
            account: account.map_err(|_| StoreError::Damaged("a session has no account".to_owned()))?,
            created_at: Timestamp(row.created_at),
            last_used_at: Timestamp(row.last_used_at),
            ends_at: Timestamp(row.ends_at),
            roles: read_list(&row.roles).map_err(StoreError::Damaged)?,
            must_change: row.must_change != 0,
            has_second_factor: row.totp_since.is_some() || row.vouched_factor != 0,
            vouched_factor: row.vouched_factor != 0,
            is_disabled: row.disabled_at.is_some(),
        }))
    }

    /// Notes that a session is used now.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn touch_session(&self, session: SessionId) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        tx.execute(&TOUCH_SESSION, (session.0, self.now().0)).await?;
        tx.commit().await
    }

    /// Begins a session, and uses up what the second factor was shown with; sessions that ended before `forget` are
    /// forgotten. Says whether that was still to be used, and whether the account's password and second factor are still
    /// those of `seen`, by which they were checked: whoever resets an account keeps out also those who were just being
    /// let in. Where it was not, nothing is written.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn begin_session(
        &self,
        new: &NewSession,
        seen: &Account,
        used: &UsedFactor,
        forget: Timestamp,
        entry: &NewEntry,
    ) -> Result<bool, StoreError> {
        let now = self.now();
        let account = new.account.to_string();
        let mut tx = self.db.begin().await?;
        let proof: Option<Proof> = tx.fetch_first(&LOCK_PROOF, (account.clone(),)).await?;
        if proof != Some((seen.password.clone(), seen.totp.clone(), None)) {
            return Ok(false);
        }
        let was_there = match used {
            UsedFactor::Nothing => 1,
            UsedFactor::Step(step) => tx.execute(&USE_STEP, (account, *step)).await?,
            UsedFactor::RecoveryCode(hash) => tx.execute(&USE_CODE, (account, hash.clone(), now.0)).await?,
        };
        if was_there == 0 {
            return Ok(false);
        }
        tx.execute(&FORGET_SESSIONS, (forget.0,)).await?;
        begin_in(&mut tx, new, now).await?;
        append(&mut tx, entry, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Ends one session of `account`; says whether there was one. Where there was none, nothing is written.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn end_session(
        &self,
        session: SessionId,
        account: &AccountName,
        entry: &NewEntry,
    ) -> Result<bool, StoreError> {
        let now = self.now();
        let mut tx = self.db.begin().await?;
        if tx.execute(&END_SESSION, (session.0, account.to_string(), now.0)).await? == 0 {
            return Ok(false);
        }
        append(&mut tx, entry, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The sessions that were used after `used_after` and have not ended, oldest first: of `account`, or of all.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn sessions(
        &self,
        account: Option<&AccountName>,
        used_after: Timestamp,
    ) -> Result<Vec<SessionRow>, StoreError> {
        let account = account.map_or_else(String::new, AccountName::to_string);
        self.db.fetch(&SELECT_SESSIONS, (self.now().0, used_after.0, account)).await
    }

    /// Whether `account` was signed in to from `origin` within the time for which ended sessions are kept.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn is_known_origin(&self, account: &AccountName, origin: &str) -> Result<bool, StoreError> {
        let parameters = (account.to_string(), origin.to_owned());
        let found: Option<(i64,)> = self.db.fetch_first(&SELECT_KNOWN_ORIGIN, parameters).await?;
        Ok(found.is_some())
    }
}

/// Begins `new` as a part of something larger.
pub(super) async fn begin_in(tx: &mut Tx, new: &NewSession, now: Timestamp) -> Result<(), StoreError> {
    tx.execute(&MARK_SIGNED_IN, (new.account.to_string(), now.0)).await?;
    let parameters = (
        new.id.0,
        new.hash.clone(),
        new.account.to_string(),
        new.origin.clone(),
        new.agent.clone(),
        now.0,
        new.ends_at.0,
        i64::from(new.vouched_factor),
    );
    tx.execute(&INSERT_SESSION, parameters).await?;
    Ok(())
}

/// Ends all sessions of `account`.
pub(super) async fn end_sessions(
    tx: &mut Tx,
    account: &AccountName,
    now: Timestamp,
) -> Result<u64, StoreError> {
    tx.execute(&END_SESSIONS, (account.to_string(), now.0)).await
}
