//! Partners' systems, and how far each has been told: a partner has a position among the events and is told the next one
//! that is for them until they have taken it, in order, and never one left out.

use std::collections::BTreeSet;

use serde_json::json;

use crate::domain::account::{comma_separated, read_list};
use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;
use crate::domain::partner::Interest;

use super::audit::append;
use super::partner_events::{BEGIN_HERE, SELECT_ANY_PARTNER};
use super::statement::statements;
use super::{Store, StoreError, Submission};

/// What is read of partners.
macro_rules! columns {
    () => {
        "name, url, secret, topics, visibility, group_names, position, attempts, due_at, failing_since, last_code, \
         last_text, told_at, switched_off_at, created_at, created_by"
    };
}

statements! {
    /// One partner more, from here on, unless there is one of that name.
    INSERT_PARTNER = "
        INSERT INTO partners (name, url, secret, topics, visibility, group_names, position, attempts, due_at,
                              leased_until, last_code, last_text, created_at, created_by)
        SELECT $1, $2, $3, $4, $5, $6, sequence, 0, 0, 0, '', '', $7, $8 FROM audit_head WHERE one = 1
        ON CONFLICT (name) DO NOTHING";
    /// All of them.
    SELECT_PARTNERS = concat!("SELECT ", columns!(), " FROM partners ORDER BY name");
    /// Those that may be called, and have not been told everything.
    SELECT_DUE = "
        SELECT name FROM partners
        WHERE switched_off_at IS NULL AND due_at <= $1 AND leased_until <= $1
          AND EXISTS (SELECT 1 FROM partner_events e WHERE e.sequence > partners.position)
        ORDER BY due_at, name LIMIT $2";
    /// One process alone calls them until then, as they stand at this moment: another may have told them something
    /// since it was seen that they are due.
    LEASE_PARTNER = concat!("
        UPDATE partners SET leased_until = $3
        WHERE name = $1 AND due_at <= $2 AND leased_until <= $2 AND switched_off_at IS NULL
        RETURNING ", columns!());
    /// What a call has shown, if nobody else has taken over since.
    UPDATE_TOLD = "
        UPDATE partners SET position = $3, attempts = $4, due_at = $5, failing_since = $6, last_code = $7,
                            last_text = $8, told_at = $9, switched_off_at = $10, leased_until = 0
        WHERE name = $1 AND leased_until = $2";
    /// Another secret signs from now on.
    SET_SECRET = "UPDATE partners SET secret = $2 WHERE name = $1";
    /// There is no such partner any more.
    DELETE_PARTNER = "DELETE FROM partners WHERE name = $1";
    /// They are told everything after an event, again if need be, and at once. What they have not had is never passed
    /// over.
    REWIND_PARTNER = "
        UPDATE partners SET
            position = (SELECT CASE WHEN min(e.sequence) <= partners.position THEN min(e.sequence) - 1
                                    ELSE partners.position END
                        FROM partner_events e WHERE e.at >= $2),
            attempts = 0, due_at = 0, failing_since = NULL, switched_off_at = NULL, leased_until = 0
        WHERE name = $1";
}

/// A partner's system.
#[derive(Clone, PartialEq, Eq)]
pub struct Partner {
    /// Its name.
    pub name: String,
    /// Where it is told.
    pub url: String,
    /// What signs, sealed.
    pub secret: String,
    /// What it is told of.
    pub interest: Interest,
    /// How far it has been told.
    pub told: Told,
    /// When it was added.
    pub created_at: Timestamp,
    /// Who added it.
    pub created_by: String,
}

/// Without the secret, and without the path, which is one too for many endpoints.
impl std::fmt::Debug for Partner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Partner")
            .field("name", &self.name)
            .field("interest", &self.interest)
            .field("told", &self.told)
            .finish_non_exhaustive()
    }
}

/// A partner's system that is added.
#[derive(Clone)]
pub struct NewPartner {
    /// Its name.
    pub name: String,
    /// Where it is told.
    pub url: String,
    /// What signs, sealed.
    pub secret: String,
    /// What it is told of.
    pub interest: Interest,
    /// Who adds it.
    pub created_by: String,
}

/// How far a partner has been told, and how that went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Up to which event it has been told, or it was not for it.
    pub position: i64,
    /// How often the next event was tried.
    pub attempts: u32,
    /// When the next event is tried.
    pub due_at: Timestamp,
    /// Its first failure after its last success.
    pub failing_since: Option<Timestamp>,
    /// The code of its last answer: `200`, `timeout`; empty before the first.
    pub last_code: String,
    /// The words of its last answer.
    pub last_text: String,
    /// When it last took an event.
    pub told_at: Option<Timestamp>,
    /// Since when it is not called any more.
    pub switched_off_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct PartnerRow {
    name: String,
    url: String,
    secret: String,
    topics: String,
    visibility: String,
    group_names: String,
    position: i64,
    attempts: i64,
    due_at: i64,
    failing_since: Option<i64>,
    last_code: String,
    last_text: String,
    told_at: Option<i64>,
    switched_off_at: Option<i64>,
    created_at: i64,
    created_by: String,
}

impl TryFrom<PartnerRow> for Partner {
    type Error = StoreError;

    fn try_from(row: PartnerRow) -> Result<Self, StoreError> {
        let groups: Option<BTreeSet<String>> = serde_json::from_str(&row.group_names)
            .map_err(|_| StoreError::Damaged("the groups of a partner".to_owned()))?;
        Ok(Self {
            name: row.name,
            url: row.url,
            secret: row.secret,
            interest: Interest {
                topics: read_list(&row.topics).map_err(StoreError::Damaged)?,
                visibility: row.visibility.parse().map_err(StoreError::Damaged)?,
                groups,
            },
            told: Told {
                position: row.position,
                attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
                due_at: Timestamp(row.due_at),
                failing_since: row.failing_since.map(Timestamp),
                last_code: row.last_code,
                last_text: row.last_text,
                told_at: row.told_at.map(Timestamp),
                switched_off_at: row.switched_off_at.map(Timestamp),
            },
            created_at: Timestamp(row.created_at),
            created_by: row.created_by,
        })
    }
}

impl Store {
    /// Adds a partner, who is told what happens from now on.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when there is one of that name.
    pub async fn add_partner(&self, new: &NewPartner, entry: &NewEntry) -> Result<(), StoreError> {
        let now = self.now();
        let mut tx = self.db.begin().await?;
        // Appended first: who holds the end of the log knows which is the last that is not told, and whether anybody is
        // told already who must miss nothing.
        append(&mut tx, entry, now).await?;
        if tx.fetch_first::<(String,), _>(&SELECT_ANY_PARTNER, ()).await?.is_none() {
            tx.execute(&BEGIN_HERE, ()).await?;
        }
        let parameters = (
            new.name.clone(),
            new.url.clone(),
            new.secret.clone(),
            comma_separated(&new.interest.topics),
            new.interest.visibility.as_str(),
            json!(new.interest.groups).to_string(),
            now.0,
            new.created_by.clone(),
        );
        if tx.execute(&INSERT_PARTNER, parameters).await? == 0 {
            return Err(StoreError::Conflict(format!(
                "there is already a partner called {}: remove it first, or take another name",
                new.name
            )));
        }
        tx.commit().await
    }

    /// All partners by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn partners(&self) -> Result<Vec<Partner>, StoreError> {
        let rows: Vec<PartnerRow> = self.db.fetch(&SELECT_PARTNERS, ()).await?;
        rows.into_iter().map(Partner::try_from).collect()
    }

    /// Removes a partner; says whether there was one. Where there was none, nothing is written.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn remove_partner(&self, name: &str, entry: &NewEntry) -> Result<bool, StoreError> {
        let mut tx = self.db.begin().await?;
        if tx.execute(&DELETE_PARTNER, (name.to_owned(),)).await? == 0 {
            return Ok(false);
        }
        append(&mut tx, entry, self.now()).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Lets another secret, sealed, sign from now on; says whether there is such a partner.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn set_partner_secret(
        &self,
        name: &str,
        sealed: &str,
        entry: &NewEntry,
    ) -> Result<bool, StoreError> {
        let mut tx = self.db.begin().await?;
        if tx.execute(&SET_SECRET, (name.to_owned(), sealed.to_owned())).await? == 0 {
            return Ok(false);
        }
        append(&mut tx, entry, self.now()).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Tells a partner again what happened since `since`, beginning at once, and calls it again if it was switched off.
    /// Says whether there is one of that name.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn rewind_partner(
        &self,
        name: &str,
        since: Timestamp,
        entry: &NewEntry,
    ) -> Result<bool, StoreError> {
        let mut tx = self.db.begin().await?;
        if tx.execute(&REWIND_PARTNER, (name.to_owned(), since.0)).await? == 0 {
            return Ok(false);
        }
        append(&mut tx, entry, self.now()).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// At most `most` partners that are to be told something, each for this process alone until `until`.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn claim_partners(&self, until: Timestamp, most: i64) -> Result<Vec<Partner>, StoreError> {
        let due: Vec<(String,)> = self.db.fetch(&SELECT_DUE, (self.now().0, most)).await?;
        let mut claimed = Vec::new();
        for (name,) in due {
            claimed.extend(self.lease_partner(&name, until).await?);
        }
        Ok(claimed)
    }

    /// One partner for this process alone until `until`; `None`: another calls it, or it is not due any more.
    pub(super) async fn lease_partner(
        &self,
        name: &str,
        until: Timestamp,
    ) -> Result<Option<Partner>, StoreError> {
        let mut tx = self.db.begin().await?;
        let leased: Option<PartnerRow> =
            tx.fetch_first(&LEASE_PARTNER, (name.to_owned(), self.now().0, until.0)).await?;
        tx.commit().await?;
        leased.map(Partner::try_from).transpose()
    }

    /// Writes down how a partner stands after a call, and gives it back; with `entry` where that is worth one, and `also`
    /// submitted in the same step. Says whether the partner was still this process's: where not, nothing is written.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn partner_told(
        &self,
        name: &str,
        leased_until: Timestamp,
        told: &Told,
        entry: Option<&NewEntry>,
        also: Option<&Submission>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.db.begin().await?;
        let parameters = (
            name.to_owned(),
            leased_until.0,
            told.position,
            i64::from(told.attempts),
            told.due_at.0,
            told.failing_since.map(|at| at.0),
            told.last_code.clone(),
            told.last_text.clone(),
            told.told_at.map(|at| at.0),
            told.switched_off_at.map(|at| at.0),
        );
        if tx.execute(&UPDATE_TOLD, parameters).await? == 0 {
            return Ok(false);
        }
        if let Some(also) = also {
            self.submit_in(&mut tx, also).await?;
        }
        if let Some(entry) = entry {
            append(&mut tx, entry, self.now()).await?;
        }
        tx.commit().await?;
        Ok(true)
    }
}
