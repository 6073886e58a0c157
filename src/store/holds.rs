//! Legal holds: what must be kept, whatever its time.

use std::collections::BTreeSet;

use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;
use crate::domain::retention::HoldScope;

use super::audit::append;
use super::connection::Tx;
use super::statement::statements;
use super::{Store, StoreError};

statements! {
    /// All that are in force.
    SELECT_HOLDS = "SELECT scope, subject, reason, set_by, set_at FROM legal_holds ORDER BY scope, subject";
    /// One more.
    INSERT_HOLD = "
        INSERT INTO legal_holds (scope, subject, reason, set_by, set_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (scope, subject) DO NOTHING";
    /// One less.
    DELETE_HOLD = "DELETE FROM legal_holds WHERE scope = $1 AND subject = $2";
}

/// A legal hold in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegalHold {
    /// What it covers.
    pub scope: HoldScope,
    /// Why.
    pub reason: String,
    /// Who set it.
    pub set_by: String,
    /// When.
    pub set_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct HoldRow {
    scope: String,
    subject: String,
    reason: String,
    set_by: String,
    set_at: i64,
}

impl HoldRow {
    fn parse(self) -> Result<LegalHold, StoreError> {
        Ok(LegalHold {
            scope: HoldScope::from_stored(&self.scope, &self.subject).map_err(StoreError::Damaged)?,
            reason: self.reason,
            set_by: self.set_by,
            set_at: Timestamp(self.set_at),
        })
    }
}

impl Store {
    /// The legal holds in force.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn legal_holds(&self) -> Result<Vec<LegalHold>, StoreError> {
        let rows: Vec<HoldRow> = self.db.fetch(&SELECT_HOLDS, ()).await?;
        rows.into_iter().map(HoldRow::parse).collect()
    }

    /// Sets a hold; `false`: there is one already, which stays as it is.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn set_hold(
        &self,
        scope: &HoldScope,
        reason: &str,
        set_by: &str,
        entry: &NewEntry,
    ) -> Result<bool, StoreError> {
        let now = self.now();
        let mut tx = self.db.begin().await?;
        let (kind, subject) = scope.stored();
        let row = (kind.to_owned(), subject.to_owned(), reason.to_owned(), set_by.to_owned(), now.0);
        if tx.execute(&INSERT_HOLD, row).await? == 0 {
            return Ok(false);
        }
        append(&mut tx, entry, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Lifts a hold; `false`: there was none.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn lift_hold(&self, scope: &HoldScope, entry: &NewEntry) -> Result<bool, StoreError> {
        let mut tx = self.db.begin().await?;
        let (kind, subject) = scope.stored();
        if tx.execute(&DELETE_HOLD, (kind.to_owned(), subject.to_owned())).await? == 0 {
            return Ok(false);
        }
        append(&mut tx, entry, self.now()).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Whether any hold is in force.
pub(super) async fn any_hold(tx: &mut Tx) -> Result<bool, StoreError> {
    Ok(tx.fetch_first::<HoldRow, _>(&SELECT_HOLDS, ()).await?.is_some())
}

/// Says which hold is set on one of `scopes`; `None`: none is.
pub(super) async fn holding_reason(
    tx: &mut Tx,
    scopes: &BTreeSet<HoldScope>,
) -> Result<Option<String>, StoreError> {
    let rows: Vec<HoldRow> = tx.fetch(&SELECT_HOLDS, ()).await?;
    let holds: Vec<LegalHold> = rows.into_iter().map(HoldRow::parse).collect::<Result<_, _>>()?;
    let found = holds.into_iter().find(|hold| scopes.contains(&hold.scope));
    Ok(found.map(|hold| format!("a legal hold on {} is in force ({})", hold.scope, hold.reason)))
}
