//! Who may sign in.

use std::collections::BTreeSet;

use crate::domain::account::{AccountName, LinkedIdentity, comma_separated, read_list};
use crate::domain::actor::Role;
use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;

use super::audit::append;
use super::connection::Tx;
use super::statement::statements;
use super::{Store, StoreError};

statements! {
    /// One account more, unless there is one of that name.
    INSERT_ACCOUNT = "
        INSERT INTO accounts (name, roles, password, password_at, must_change, created_at, created_by, oidc_issuer,
                              oidc_subject, version)
        VALUES ($1, $2, $3, $4, $5, $4, $6, $7, $8, 1)
        ON CONFLICT (name) DO NOTHING";
    /// One account.
    SELECT_ACCOUNT = "
        SELECT name, roles, password, must_change, totp, totp_since, totp_step, totp_pending, oidc_issuer,
               oidc_subject, created_at, created_by, signed_in_at, disabled_at, version, contact, handed_over_by,
               handed_over_at
        FROM accounts WHERE name = $1";
    /// The account that is linked to somebody at a provider.
    SELECT_LINKED = "
        SELECT name, roles, password, must_change, totp, totp_since, totp_step, totp_pending, oidc_issuer,
               oidc_subject, created_at, created_by, signed_in_at, disabled_at, version, contact, handed_over_by,
               handed_over_at
        FROM accounts WHERE oidc_issuer = $1 AND oidc_subject = $2";
    /// The code of the console, if it is the right one and still good; it is gone then.
    TAKE_SETUP_CODE = "DELETE FROM setup_codes WHERE hash = $1 AND expires_at > $2";
    /// No code on the console counts any more.
    DROP_SETUP_CODE = "DELETE FROM setup_codes";
    /// The code on the console.
    PUT_SETUP_CODE = "
        INSERT INTO setup_codes (one, hash, expires_at) VALUES (1, $1, $2)
        ON CONFLICT (one) DO UPDATE SET hash = excluded.hash, expires_at = excluded.expires_at";
    /// How many accounts there are.
    COUNT_ACCOUNTS = "SELECT count(*) AS accounts FROM accounts";
    /// All accounts by name.
    SELECT_ACCOUNTS = "
        SELECT name, roles, password, must_change, totp, totp_since, totp_step, totp_pending, oidc_issuer,
               oidc_subject, created_at, created_by, signed_in_at, disabled_at, version, contact, handed_over_by,
               handed_over_at
        FROM accounts ORDER BY name";
}

/// An account as it is kept. What is secret in it is a hash or sealed.
#[derive(Clone)]
pub struct Account {
    /// Its name.
    pub name: AccountName,
    /// What it is for.
    pub roles: BTreeSet<Role>,
    /// The password's hash; `None`: it signs in by a provider alone.
    pub password: Option<String>,
    /// Whether the password must be replaced first.
    pub must_change: bool,
    /// The second factor's secret, sealed.
    pub totp: Option<String>,
    /// Since when it has a second factor.
    pub totp_since: Option<Timestamp>,
    /// The last step that the second factor was used in.
    pub totp_step: Option<i64>,
    /// A second factor's secret that was offered and not confirmed yet, sealed.
    pub totp_pending: Option<String>,
    /// Whom it is linked to at a provider.
    pub linked: Option<LinkedIdentity>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When it was last signed in to.
    pub signed_in_at: Option<Timestamp>,
    /// Since when it is disabled.
    pub disabled_at: Option<Timestamp>,
    /// How often it was changed.
    pub version: i64,
    /// The contact by which its owner is told what approvers must know, by its id in the file.
    pub contact: Option<String>,
    /// Who handed its password over last, removed its second factor, or linked it to somebody at a provider, and when,
    /// after it was made: they could have signed in to it.
    pub handed_over: Option<(String, Timestamp)>,
}

impl Account {
    /// Who has given it a new start since it was last signed in to.
    pub fn handed_over_since(&self) -> Option<(String, Timestamp)> {
        let is_news = |(_, at): &(String, Timestamp)| self.signed_in_at.is_none_or(|before| *at >= before);
        self.handed_over.clone().filter(is_news)
    }
}

/// Without what is secret.
impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("name", &self.name)
            .field("roles", &self.roles)
            .finish_non_exhaustive()
    }
}

/// An account that is made.
#[derive(Clone)]
pub struct NewAccount {
    /// Its name, which nobody ever had.
    pub name: AccountName,
    /// What it is for.
    pub roles: BTreeSet<Role>,
    /// The password's hash; `None`: it signs in by a provider alone.
    pub password: Option<String>,
    /// Whether the password must be replaced first.
    pub must_change: bool,
    /// Whom it is linked to at a provider.
    pub linked: Option<LinkedIdentity>,
    /// Who made it: see [`Actor::label`](crate::domain::actor::Actor::label).
    pub created_by: String,
}

#[derive(sqlx::FromRow)]
struct AccountRow {
    name: String,
    roles: String,
    password: Option<String>,
    must_change: i64,
    totp: Option<String>,
    totp_since: Option<i64>,
    totp_step: Option<i64>,
    totp_pending: Option<String>,
    oidc_issuer: Option<String>,
    oidc_subject: Option<String>,
    created_at: i64,
    created_by: String,
    signed_in_at: Option<i64>,
    disabled_at: Option<i64>,
    version: i64,
    contact: Option<String>,
    handed_over_by: Option<String>,
    handed_over_at: Option<i64>,
}

impl TryFrom<AccountRow> for Account {
    type Error = StoreError;

    fn try_from(row: AccountRow) -> Result<Self, StoreError> {
        let name = row.name.parse();
        Ok(Self {
            name: name.map_err(|_| StoreError::Damaged("an account has no right name".to_owned()))?,
            roles: read_list(&row.roles).map_err(StoreError::Damaged)?,
            password: row.password,
            must_change: row.must_change != 0,
            totp: row.totp,
            totp_since: row.totp_since.map(Timestamp),
            totp_step: row.totp_step,
            totp_pending: row.totp_pending,
            linked: row
                .oidc_issuer
                .zip(row.oidc_subject)
                .map(|(issuer, subject)| LinkedIdentity { issuer, subject }),
            created_at: Timestamp(row.created_at),
            created_by: row.created_by,
            signed_in_at: row.signed_in_at.map(Timestamp),
            disabled_at: row.disabled_at.map(Timestamp),
            version: row.version,
            contact: row.contact,
            handed_over: row.handed_over_by.zip(row.handed_over_at.map(Timestamp)),
        })
    }
}

impl Store {
    /// Makes an account.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when there is one of that name, be it disabled.
    pub async fn add_account(&self, new: &NewAccount, entry: &NewEntry) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        insert(&mut tx, new, self.now()).await?;
        append(&mut tx, entry, self.now()).await?;
        tx.commit().await
    }

    /// Keeps the hash of a code that makes the first account, if there is no account yet; says whether it does.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn offer_setup(&self, hash: Vec<u8>, expires_at: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.db.begin().await?;
        if count(&mut tx).await? > 0 {
            return Ok(false);
        }
        tx.execute(&PUT_SETUP_CODE, (hash, expires_at.0)).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Makes the first account for whoever has the code with this hash; says whether the code was right. Where it was
    /// not, nothing is written.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when there is an account already.
    pub async fn add_first_account(
        &self,
        code: Vec<u8>,
        new: &NewAccount,
        entry: &NewEntry,
    ) -> Result<bool, StoreError> {
        let now = self.now();
        let mut tx = self.db.begin().await?;
        if tx.execute(&TAKE_SETUP_CODE, (code, now.0)).await? == 0 {
            return Ok(false);
        }
        if count(&mut tx).await? > 0 {
            return Err(StoreError::Conflict("there is an account already: sign in with it".to_owned()));
        }
        insert(&mut tx, new, now).await?;
        append(&mut tx, entry, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The account called `name`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn account(&self, name: &AccountName) -> Result<Option<Account>, StoreError> {
        let row: Option<AccountRow> = self.db.fetch_first(&SELECT_ACCOUNT, (name.to_string(),)).await?;
        row.map(Account::try_from).transpose()
    }

    /// The account that is linked to `identity`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn account_of(&self, identity: &LinkedIdentity) -> Result<Option<Account>, StoreError> {
        let parameters = (identity.issuer.clone(), identity.subject.clone());
        let row: Option<AccountRow> = self.db.fetch_first(&SELECT_LINKED, parameters).await?;
        row.map(Account::try_from).transpose()
    }

    /// All accounts by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        let rows: Vec<AccountRow> = self.db.fetch(&SELECT_ACCOUNTS, ()).await?;
        rows.into_iter().map(Account::try_from).collect()
    }
}

async fn count(tx: &mut Tx) -> Result<i64, StoreError> {
    let row: Option<(i64,)> = tx.fetch_first(&COUNT_ACCOUNTS, ()).await?;
    Ok(row.map_or(0, |(accounts,)| accounts))
}

/// Makes an account; the code on the console has done its work then.
async fn insert(tx: &mut Tx, new: &NewAccount, now: Timestamp) -> Result<(), StoreError> {
    if let Some(identity) = &new.linked {
        let linked: Option<AccountRow> =
            tx.fetch_first(&SELECT_LINKED, (identity.issuer.clone(), identity.subject.clone())).await?;
        if let Some(other) = linked {
            return Err(StoreError::Conflict(format!(
                "that identity is linked to the account {}",
                other.name
            )));
        }
    }
    let parameters = (
        new.name.to_string(),
        comma_separated(&new.roles),
        new.password.clone(),
        now.0,
        i64::from(new.must_change),
        new.created_by.clone(),
        new.linked.as_ref().map(|linked| linked.issuer.clone()),
        new.linked.as_ref().map(|linked| linked.subject.clone()),
    );
    if tx.execute(&INSERT_ACCOUNT, parameters).await? == 0 {
        return Err(StoreError::Conflict(format!(
            "there is already an account called {}: take another name, or enable it again if it is disabled",
            new.name
        )));
    }
    tx.execute(&DROP_SETUP_CODE, ()).await?;
    Ok(())
}
