//! Which processes work on the store, and to which life of the instance they belong.

use uuid::Uuid;

use crate::domain::clock::Timestamp;
use crate::domain::ids::{NoticeId, ProcessId};

use super::connection::Tx;
use super::statement::{is_of_a_notice_in_flight, statements};
use super::{Store, StoreError};

statements! {
    /// All processes, the oldest first, with what each is sending at this moment.
    SELECT_PROCESSES = concat!("
        SELECT p.process_id, p.name, p.version, p.started_at, p.leased_to,
               CAST(COALESCE(held.sending, 0) AS BIGINT) AS sending
        FROM processes p
             LEFT JOIN (SELECT d.process_id AS process_id, count(*) AS sending FROM deliveries d
                        WHERE ", is_of_a_notice_in_flight!(), " AND d.state = 'sending'
                        GROUP BY d.process_id) AS held ON held.process_id = p.process_id
        ORDER BY p.process_id");
    /// Whether a process of this name has a lease that stands.
    SELECT_LEASED = "SELECT process_id FROM processes WHERE name = $1 AND leased_to > $2 LIMIT 1";
    /// Which life this is.
    SELECT_GENERATION = "SELECT value FROM instance_values WHERE name = 'generation'";
    /// Why a notice waits for a person.
    SELECT_PAUSED_BECAUSE = "SELECT paused_because FROM notices WHERE notice_id = $1 AND state = 'paused'";
}

/// A process that sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningProcess {
    /// Its id.
    pub id: ProcessId,
    /// Who started it, where, and the system's number for it.
    pub name: String,
    /// The version that it runs; empty for one that did not say.
    pub version: String,
    /// Since when it runs.
    pub started_at: Timestamp,
    /// Until when its claims stand without a further sign of life.
    pub leased_to: Timestamp,
    /// Deliveries that it is sending.
    pub sending: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    process_id: Uuid,
    name: String,
    version: String,
    started_at: i64,
    leased_to: i64,
    sending: i64,
}

impl Store {
    /// The processes that are registered, the oldest first. One whose lease has run out is dead and not yet buried.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn running_processes(&self) -> Result<Vec<RunningProcess>, StoreError> {
        let rows: Vec<Row> = self.db.fetch(&SELECT_PROCESSES, ()).await?;
        let process = |row: Row| RunningProcess {
            id: ProcessId(row.process_id),
            name: row.name,
            version: row.version,
            started_at: Timestamp(row.started_at),
            leased_to: Timestamp(row.leased_to),
            sending: row.sending,
        };
        Ok(rows.into_iter().map(process).collect())
    }

    /// Whether a process that is called `name` holds a lease that stands at this moment.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn is_leased(&self, name: &str) -> Result<bool, StoreError> {
        let leased: Option<(Uuid,)> =
            self.db.fetch_first(&SELECT_LEASED, (name.to_owned(), self.now().0)).await?;
        Ok(leased.is_some())
    }

    /// Why a paused notice waits, where it was not a person who paused it; else empty.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn paused_because(&self, notice: NoticeId) -> Result<String, StoreError> {
        let row: Option<(String,)> = self.db.fetch_first(&SELECT_PAUSED_BECAUSE, (notice.0,)).await?;
        Ok(row.map_or_else(String::new, |(why,)| why))
    }

    /// Whether this process still belongs to the life of the instance in which it registered first.
    pub(super) async fn check_generation(&self, tx: &mut Tx) -> Result<(), StoreError> {
        let row: Option<(String,)> = tx.fetch_first(&SELECT_GENERATION, ()).await?;
        let now = row.map_or_else(String::new, |(value,)| value);
        if *self.generation.get_or_init(|| now.clone()) == now { Ok(()) } else { Err(StoreError::Restored) }
    }
}
