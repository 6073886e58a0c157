//! Everything into the store again, in one transaction, and what keeps a restored instance from sending what is stale.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::domain::audit::{Head, NewEntry};
use crate::domain::backup::Table;
use crate::domain::clock::Timestamp;
use crate::domain::delivery::DeliveryState;

use super::super::audit::{SELECT_HEAD, append};
use super::super::connection::{OnEngine, Tx};
use super::super::counts::{Tally, complete_notices, write_counts};
use super::super::instance::WRITE_LAST_BACKUP;
use super::super::statement::statements;
use super::super::{Store, StoreError};
use super::{Stored, catalogue, execute, fetch};

statements! {
    /// Whether anything is there that a person would miss.
    SELECT_USED = "
        SELECT CAST(CASE WHEN EXISTS (SELECT 1 FROM contacts) OR EXISTS (SELECT 1 FROM notices)
                           OR EXISTS (SELECT 1 FROM audit_entries) THEN 1 ELSE 0 END AS BIGINT)";
    /// Whether something in it must be kept.
    SELECT_ANY_HOLD = "SELECT scope FROM legal_holds LIMIT 1";
    /// What was live waits for a person.
    PAUSE_LIVE = "
        UPDATE notices SET state = 'paused', paused_because = $1, updated_at = $2
        WHERE state IN ('scheduled', 'sending', 'paused')";
    /// Nobody knows what became of what was in flight.
    MAKE_UNCLEAR = "
        UPDATE deliveries SET state = 'unclear', process_id = NULL, reason_code = 'restored', reason = $1,
                              updated_at = $2
        WHERE state = 'sending'
          AND notice_id IN (SELECT c.notice_id FROM notice_counts c WHERE c.state = 'sending' AND c.count > 0)
        RETURNING notice_id, channel";
    /// Nobody is told by the program itself what may have been told before.
    TELL_NOBODY = "
        UPDATE webhook_endpoints SET told_at = $1 WHERE switched_off_at IS NOT NULL AND told_at IS NULL";
    /// Partners may have been told long ago what they were to be told when the backup was made.
    SKIP_PARTNER_EVENTS = "
        UPDATE partners SET position = (SELECT sequence FROM audit_head WHERE one = 1), attempts = 0, due_at = 0,
                            leased_until = 0";
    /// And nothing of that is made once more.
    SKIP_EVENTS_MADE = "
        UPDATE partner_events_made SET sequence = (SELECT sequence FROM audit_head WHERE one = 1)";
    /// Where heads were kept of the log that was replaced: whoever looks for them here would miss them, for instance on
    /// another machine. The entry about the restore names the end that was replaced, and the next head begins anew.
    FORGET_HEADS_TOLD = "DELETE FROM audit_heads_told";
    /// Numbers that were given after the backup was made are not given again.
    SKIP_NUMBERS = "
        UPDATE notice_sequences SET last = last + $1
        WHERE year = (SELECT max(year) FROM notice_sequences)";
    /// When it happened: what was owed before is not called for by the program itself.
    WRITE_RESTORED = "
        INSERT INTO instance_values (name, value) VALUES ('restored_at', $1)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    /// Processes that ran before are told apart from those that run after.
    WRITE_GENERATION = "
        INSERT INTO instance_values (name, value) VALUES ('generation', $1)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
}

/// So many numbers of notices are passed over: more than anybody gives between two backups.
const NUMBERS_SKIPPED: i64 = 100;

/// What the store held until it was emptied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// Whether there was anything that a person would miss.
    pub used: bool,
    /// Whether a legal hold was in force on something in it.
    pub held: bool,
    /// Where the audit log ended.
    pub head: Head,
}

/// A restore that is under way. Dropped before [`Restoring::commit`], nothing has changed.
#[derive(Debug)]
pub struct Restoring {
    tx: Tx,
    tables: BTreeMap<String, Stored>,
    /// How SQLite's triggers are made again.
    triggers: Vec<String>,
}

/// What a restored store has had to give up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// Notices that were live and are paused now.
    pub paused: u64,
    /// Deliveries that were in flight and are unclear now.
    pub unclear: usize,
    /// How many numbers of notices are passed over.
    pub numbers_skipped: i64,
}

/// What is derived from the deliveries by triggers, which rest while rows are put in.
const FILL_QUEUE: &str = "
    INSERT INTO queue
    SELECT delivery_id, notice_id, channel, lane, priority, due_at FROM deliveries WHERE state = 'queued'";

impl Store {
    /// When the instance was last restored from a backup; `None`: never.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn restored_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let value = self.known_instance_value("restored_at").await?;
        Ok(value.and_then(|text| text.parse().ok()).map(Timestamp))
    }

    /// Whether there is anything in it that a person would miss.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn is_used(&self) -> Result<bool, StoreError> {
        let used: Option<(i64,)> = self.db.fetch_first(&SELECT_USED, ()).await?;
        Ok(used.is_some_and(|(used,)| used == 1))
    }

    /// The number of the newest migration, and the tables that a backup of this store would hold.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn shape(&self) -> Result<(i64, Vec<Table>), StoreError> {
        let snapshot = self.snapshot().await?;
        Ok((snapshot.migration(), snapshot.tables()))
    }

    /// Empties every table, so that rows can be put in; others wait until the end. What was there is looked at when
    /// nobody can write any more.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn begin_restore(&self) -> Result<(Restoring, Replaced), StoreError> {
        let mut tx = self.db.begin().await?;
        let stored = catalogue(&mut tx).await?;
        hold(&mut tx, &stored).await?;
        let used: Option<(i64,)> = tx.fetch_first(&SELECT_USED, ()).await?;
        let held: Option<(String,)> = tx.fetch_first(&SELECT_ANY_HOLD, ()).await?;
        let head: Option<(i64, String)> = tx.fetch_first(&SELECT_HEAD, ()).await?;
        let (sequence, hash) =
            head.ok_or_else(|| StoreError::Damaged("the audit log has no head".to_owned()))?;
        let used = used.is_some_and(|(used,)| used == 1);
        let replaced = Replaced { used, held: held.is_some(), head: Head { sequence, hash } };
        Ok((Restoring::begin(tx, stored).await?, replaced))
    }

    /// The same in tables of any shape, which hold nothing that anybody has written.
    pub(super) async fn begin_filling(&self) -> Result<Restoring, StoreError> {
        let mut tx = self.db.begin().await?;
        let stored = catalogue(&mut tx).await?;
        Restoring::begin(tx, stored).await
    }
}

/// Lets nobody else write any table until the transaction ends; on SQLite nobody can anyway.
async fn hold(tx: &mut Tx, tables: &[Stored]) -> Result<(), StoreError> {
    if matches!(tx.on, OnEngine::Postgres(_)) {
        execute(tx, "restore", "SET LOCAL idle_in_transaction_session_timeout = 0".to_owned(), None).await?;
        let names: Vec<String> = tables.iter().map(|table| format!("\"{}\"", table.name)).collect();
        let text = format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", names.join(", "));
        execute(tx, "restore", text, None).await?;
    }
    Ok(())
}

/// Removes all rows. What keeps the audit log from being changed is put aside until the end.
async fn empty(tx: &mut Tx, tables: &[Stored]) -> Result<Vec<String>, StoreError> {
    let names: Vec<String> = tables.iter().map(|table| format!("\"{}\"", table.name)).collect();
    if matches!(tx.on, OnEngine::Postgres(_)) {
        for name in &names {
            execute(tx, "restore", format!("ALTER TABLE {name} DISABLE TRIGGER USER"), None).await?;
        }
        execute(tx, "restore", format!("TRUNCATE {}", names.join(", ")), None).await?;
        return Ok(Vec::new());
    }
    execute(tx, "restore", "PRAGMA defer_foreign_keys = ON".to_owned(), None).await?;
    let text = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY name".to_owned();
    let triggers: Vec<(String, String)> = fetch(tx, "restore", text, None).await?;
    for (name, _) in &triggers {
        execute(tx, "restore", format!("DROP TRIGGER \"{name}\""), None).await?;
    }
    for name in names.iter().rev() {
        execute(tx, "restore", format!("DELETE FROM {name}"), None).await?;
    }
    Ok(triggers.into_iter().map(|(_, text)| text).collect())
}

impl Restoring {
    async fn begin(mut tx: Tx, stored: Vec<Stored>) -> Result<Self, StoreError> {
        let triggers = empty(&mut tx, &stored).await?;
        let tables = stored.into_iter().map(|table| (table.name.clone(), table)).collect();
        Ok(Self { tx, tables, triggers })
    }

    /// Puts rows into `table`; `rows` is a JSON list of objects. Gives how many there were.
    ///
    /// # Errors
    /// When the store cannot be written, there is no such table, or a row contradicts another.
    pub async fn put(&mut self, table: &str, rows: String) -> Result<u64, StoreError> {
        let stored = self.tables.get(table).ok_or_else(|| {
            StoreError::Damaged(format!("the backup has a table {table}, which is unknown"))
        })?;
        let columns: Vec<String> =
            stored.columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
        let values: Vec<String> = stored.columns.iter().map(|column| column.back("value")).collect();
        let list = match self.tx.on {
            OnEngine::Sqlite(_) => "json_each($1)",
            OnEngine::Postgres(_) => "jsonb_array_elements(CAST($1 AS jsonb))",
        };
        let text = format!(
            "INSERT INTO \"{table}\" ({}) SELECT {} FROM {list}",
            columns.join(", "),
            values.join(", ")
        );
        execute(&mut self.tx, "restore", text, Some(rows)).await
    }

    /// Sees to it that nothing stale is sent, `at` (UTC milliseconds), for the reason `why`; and that processes which
    /// ran before learn of it by another `generation`. `made_at` is when the backup was made.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn settle(
        &mut self,
        why: &str,
        generation: &str,
        made_at: i64,
        at: i64,
    ) -> Result<Settled, StoreError> {
        let tx = &mut self.tx;
        let paused = tx.execute(&PAUSE_LIVE, (why.to_owned(), at)).await?;
        let in_flight = "it was being sent when the backup was made that this instance was restored from";
        let rows: Vec<(Uuid, String)> = tx.fetch(&MAKE_UNCLEAR, (in_flight.to_owned(), at)).await?;
        let mut tally = Tally::default();
        for (notice, channel) in &rows {
            tally.moved(*notice, channel, DeliveryState::Sending, DeliveryState::Unclear);
        }
        write_counts(tx, &tally.into_deltas()).await?;
        let notices: std::collections::BTreeSet<Uuid> = rows.iter().map(|(notice, _)| *notice).collect();
        complete_notices(tx, notices, at).await?;
        tx.execute(&TELL_NOBODY, (at,)).await?;
        tx.execute(&SKIP_PARTNER_EVENTS, ()).await?;
        tx.execute(&SKIP_EVENTS_MADE, ()).await?;
        tx.execute(&FORGET_HEADS_TOLD, ()).await?;
        let skipped = tx.execute(&SKIP_NUMBERS, (NUMBERS_SKIPPED,)).await?;
        tx.execute(&WRITE_GENERATION, (generation.to_owned(),)).await?;
        tx.execute(&WRITE_RESTORED, (at.to_string(),)).await?;
        tx.execute(&WRITE_LAST_BACKUP, (made_at.to_string(),)).await?;
        let numbers_skipped = if skipped > 0 { NUMBERS_SKIPPED } else { 0 };
        Ok(Settled { paused, unclear: rows.len(), numbers_skipped })
    }

    /// Makes it durable, with `entry` as the last in the restored log, `at`.
    ///
    /// # Errors
    /// When the store cannot be written; then nothing has changed.
    pub async fn commit(mut self, entry: &NewEntry, at: Timestamp) -> Result<(), StoreError> {
        append(&mut self.tx, entry, at).await?;
        self.finish().await
    }

    /// Makes it durable as it is.
    pub(super) async fn finish(mut self) -> Result<(), StoreError> {
        if matches!(self.tx.on, OnEngine::Postgres(_)) {
            execute(&mut self.tx, "restore", FILL_QUEUE.to_owned(), None).await?;
            for name in self.tables.keys() {
                let text = format!("ALTER TABLE \"{name}\" ENABLE TRIGGER USER");
                execute(&mut self.tx, "restore", text, None).await?;
            }
        }
        for trigger in std::mem::take(&mut self.triggers) {
            execute(&mut self.tx, "restore", trigger, None).await?;
        }
        self.tx.commit().await
    }
}
