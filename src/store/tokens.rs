//! What other programs come in with.

use std::collections::BTreeSet;

use crate::domain::account::{AccountName, comma_separated, read_list};
use crate::domain::actor::Right;
use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;

use super::audit::append;
use super::connection::Tx;
use super::statement::statements;
use super::{Store, StoreError};

statements! {
    /// A token that was not revoked, by its hash; with whether its account is disabled.
    SELECT_TOKEN = "
        SELECT t.name, t.rights, t.group_names, t.expires_at, t.last_used_at, a.disabled_at
        FROM api_tokens t LEFT JOIN accounts a ON a.name = t.account
        WHERE t.hash = $1 AND t.revoked_at IS NULL";
    /// It was used.
    TOUCH_TOKEN = "UPDATE api_tokens SET last_used_at = $2 WHERE name = $1";
    /// One token more, unless the name was ever used.
    INSERT_TOKEN = "
        INSERT INTO api_tokens (name, hash, account, rights, group_names, created_at, created_by, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (name) DO NOTHING";
    /// All, oldest first.
    SELECT_TOKENS = "
        SELECT name, account, rights, group_names, created_at, created_by, expires_at, last_used_at, revoked_at
        FROM api_tokens ORDER BY created_at, name";
    /// Revokes one.
    REVOKE_TOKEN = "UPDATE api_tokens SET revoked_at = $2 WHERE name = $1 AND revoked_at IS NULL";
    /// Revokes those of an account.
    REVOKE_TOKENS = "UPDATE api_tokens SET revoked_at = $2 WHERE account = $1 AND revoked_at IS NULL";
    /// Revokes what was made by tokens that are worth nothing any more; once for each generation.
    REVOKE_OFFSPRING = "
        UPDATE api_tokens SET revoked_at = $1
        WHERE revoked_at IS NULL
          AND created_by IN (SELECT 'token:' || m.name FROM api_tokens m WHERE m.revoked_at IS NOT NULL)";
    /// A token that makes another, if it still counts; held until the transaction ends.
    LOCK_MAKER = "
        SELECT name FROM api_tokens
        WHERE name = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2) /*lock*/";
    /// An account that makes one, if it may still sign in; held until the transaction ends.
    LOCK_OWNER = "SELECT name FROM accounts WHERE name = $1 AND disabled_at IS NULL /*lock*/";
}

/// A token as its hash finds it.
#[derive(Debug, Clone)]
pub struct KnownToken {
    /// Its name.
    pub name: String,
    /// What it allows.
    pub rights: BTreeSet<Right>,
    /// The groups that it is limited to; `None`: all.
    pub groups: Option<BTreeSet<String>>,
    /// Its end.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// Whether the account that it belongs to is disabled.
    pub is_disabled: bool,
}

/// A token that is made.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Its name, which no token ever had.
    pub name: AccountName,
    /// Its hash.
    pub hash: Vec<u8>,
    /// The account that it belongs to, and with which it ends.
    pub account: Option<AccountName>,
    /// What it allows.
    pub rights: BTreeSet<Right>,
    /// The groups that it is limited to; `None`: all.
    pub groups: Option<BTreeSet<String>>,
    /// Who made it: see [`Actor::label`](crate::domain::actor::Actor::label).
    pub created_by: String,
    /// Its end.
    pub expires_at: Option<Timestamp>,
}

/// A token in a list; the token itself is kept nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Its name.
    pub name: String,
    /// The account that it belongs to, and with which it ends; `None`: made at the shell.
    pub account: Option<String>,
    /// What it allows.
    pub rights: BTreeSet<Right>,
    /// The groups that it is limited to; `None`: all.
    pub groups: Option<BTreeSet<String>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// Its end.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct FoundToken {
    name: String,
    rights: String,
    group_names: String,
    expires_at: Option<i64>,
    last_used_at: Option<i64>,
    disabled_at: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct ListedToken {
    name: String,
    account: Option<String>,
    rights: String,
    group_names: String,
    created_at: i64,
    created_by: String,
    expires_at: Option<i64>,
    last_used_at: Option<i64>,
    revoked_at: Option<i64>,
}

impl TryFrom<ListedToken> for ApiToken {
    type Error = StoreError;

    fn try_from(row: ListedToken) -> Result<Self, StoreError> {
        Ok(Self {
            name: row.name,
            account: row.account,
            rights: read_list(&row.rights).map_err(StoreError::Damaged)?,
            groups: read_groups(&row.group_names)?,
            created_at: Timestamp(row.created_at),
            created_by: row.created_by,
            expires_at: row.expires_at.map(Timestamp),
            last_used_at: row.last_used_at.map(Timestamp),
            revoked_at: row.revoked_at.map(Timestamp),
        })
    }
}

fn read_groups(text: &str) -> Result<Option<BTreeSet<String>>, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Damaged("the groups of an API token".to_owned()))
}

impl Store {
    /// The token with this hash, if it was not revoked; whether it ran out is for the caller to see.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn token_by_hash(&self, hash: Vec<u8>) -> Result<Option<KnownToken>, StoreError> {
        let found: Option<FoundToken> = self.db.fetch_first(&SELECT_TOKEN, (hash,)).await?;
        let Some(row) = found else { return Ok(None) };
        Ok(Some(KnownToken {
            name: row.name,
            rights: read_list(&row.rights).map_err(StoreError::Damaged)?,
            groups: read_groups(&row.group_names)?,
            expires_at: row.expires_at.map(Timestamp),
            last_used_at: row.last_used_at.map(Timestamp),
            is_disabled: row.disabled_at.is_some(),
        }))
    }

    /// Notes that a token is used now.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn touch_token(&self, name: &str) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        tx.execute(&TOUCH_TOKEN, (name.to_owned(), self.now().0)).await?;
        tx.commit().await
    }

    /// Keeps a new token.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when there is, or was, one of that name, or whoever makes it may do nothing any more.
    pub async fn add_token(&self, new: &NewToken, entry: &NewEntry) -> Result<(), StoreError> {
        let now = self.now();
        let groups = serde_json::to_string(&new.groups).unwrap_or_else(|_| "[]".to_owned());
        let mut tx = self.db.begin().await?;
        maker_counts(&mut tx, new, now).await?;
        let parameters = (
            new.name.to_string(),
            new.hash.clone(),
            new.account.as_ref().map(AccountName::to_string),
            comma_separated(&new.rights),
            groups,
            now.0,
            new.created_by.clone(),
            new.expires_at.map(|at| at.0),
        );
        if tx.execute(&INSERT_TOKEN, parameters).await? == 0 {
            return Err(StoreError::Conflict(format!(
                "there is, or was, a token called {}: take another name, so that the audit log stays clear",
                new.name
            )));
        }
        append(&mut tx, entry, now).await?;
        tx.commit().await
    }

    /// All tokens that were ever made, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn tokens(&self) -> Result<Vec<ApiToken>, StoreError> {
        let rows: Vec<ListedToken> = self.db.fetch(&SELECT_TOKENS, ()).await?;
        rows.into_iter().map(ApiToken::try_from).collect()
    }

    /// Revokes a token and all that were made with it; says whether there was one to revoke. Where there was none,
    /// nothing is written.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn revoke_token(&self, name: &AccountName, entry: &NewEntry) -> Result<bool, StoreError> {
        let now = self.now();
        let mut tx = self.db.begin().await?;
        if tx.execute(&REVOKE_TOKEN, (name.to_string(), now.0)).await? == 0 {
            return Ok(false);
        }
        let offspring = revoke_offspring(&mut tx, now).await?;
        let mut entry = entry.clone();
        if offspring > 0 {
            entry.after = serde_json::json!({ "revoked_with_it": offspring });
        }
        append(&mut tx, &entry, now).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Whoever is being kept out at this moment makes no token any more.
async fn maker_counts(tx: &mut Tx, new: &NewToken, now: Timestamp) -> Result<(), StoreError> {
    let found: Option<(String,)> = match (new.created_by.strip_prefix("token:"), &new.account) {
        (Some(maker), _) => tx.fetch_first(&LOCK_MAKER, (maker.to_owned(), now.0)).await?,
        (None, Some(account)) => tx.fetch_first(&LOCK_OWNER, (account.to_string(),)).await?,
        (None, None) => return Ok(()),
    };
    match found {
        Some(_) => Ok(()),
        None => Err(StoreError::Conflict(format!(
            "{} may do nothing any more: no token was made",
            new.created_by
        ))),
    }
}

/// Revokes all tokens of `account`, and all that were made with them.
pub(super) async fn revoke_tokens(
    tx: &mut Tx,
    account: &AccountName,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let own = tx.execute(&REVOKE_TOKENS, (account.to_string(), now.0)).await?;
    Ok(own + revoke_offspring(tx, now).await?)
}

/// Revokes what was made with tokens that were revoked, and what was made with that.
async fn revoke_offspring(tx: &mut Tx, now: Timestamp) -> Result<u64, StoreError> {
    let mut revoked = 0;
    loop {
        match tx.execute(&REVOKE_OFFSPRING, (now.0,)).await? {
            0 => return Ok(revoked),
            more => revoked += more,
        }
    }
}
