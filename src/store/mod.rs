//! Every SQL statement of the project. One file per aggregate; each text serves both engines.

mod about;
mod account_changes;
mod accounts;
mod acknowledgements;
mod alarms;
mod approvals;
mod audit;
mod authors;
mod backup;
mod cascade;
mod claim;
mod connection;
mod contacts;
mod contacts_import;
mod corrections;
mod counts;
mod dead_domains;
mod deliveries;
mod delivery_pages;
mod drafts;
mod endpoints;
mod erasure;
mod error;
mod everybody;
mod fan_out;
mod figures;
mod frozen;
mod gauges;
mod holds;
mod idempotency;
mod incident_notices;
mod incidents;
mod instance;
mod lanes;
mod notice_pages;
mod notices;
mod partner_events;
mod partners;
mod people;
mod processes;
mod receipts;
mod recipients;
mod record;
mod retention;
mod rounds;
mod secrets;
mod services;
mod sessions;
mod shares;
mod sign_in_waits;
mod statement;
mod steering;
mod stopping;
mod summaries;
mod suppressions;
mod sweep;
mod tokens;
mod workers;

use std::sync::{Arc, OnceLock};

use crate::domain::clock::{Clock, Timestamp};
use crate::domain::settings::DatabaseUrl;

use connection::Db;

pub use about::{ConfirmedRow, KeptAbout, LostRow, SentRow};
pub use account_changes::AccountChange;
pub use accounts::{Account, NewAccount};
pub use acknowledgements::{Acknowledgement, AcknowledgementPage, Confirmation, ReachedByHand};
pub use alarms::{AlarmApproval, NewAlarm, StandingAlarm};
pub use approvals::{Decision, NewDecision, OpenReview, Verdict};
pub use backup::{Replaced, Restoring, Settled, Snapshot, Staging};
pub use cascade::{CascadeContact, CascadeProgress, CascadeStep, CascadeStepRow};
pub use claim::{ClaimRequest, Claimed, Cycled, LaneRoom, Room};
pub use contacts::{ContactFilter, EndpointFacts};
pub use contacts_import::{Change, ImportReport};
pub use corrections::{Corrected, already_corrected};
pub use dead_domains::{DeadDomain, SetAside};
pub use deliveries::{AttemptRow, DeliveryDetail, DeliveryRow, NextTries, ReasonCount};
pub use delivery_pages::{DeliveryFilter, DeliveryPage};
pub use drafts::StoredDraft;
pub use endpoints::{FAILING, FailingEndpoint, Replayed};
pub use erasure::{ERASED, ERASED_CODE, Erased};
pub use error::StoreError;
pub use everybody::Everybody;
pub use fan_out::{ADDRESS_GONE, FanOut};
pub use figures::NoticeFigures;
pub use gauges::{Gauges, OldestDue, StateCount};
pub use holds::LegalHold;
pub use idempotency::{KeptAnswer, KeyedRequest, Reservation};
pub use incident_notices::{IncidentLink, TimelineNotice};
pub use lanes::Hold;
pub use notice_pages::{ListedNotice, NoticeFilter, NoticeHead};
pub use notices::{NewNotice, Release, Submission, SubmittedNotice};
pub use partner_events::PartnerEvent;
pub use partners::{NewPartner, Partner, Told};
pub use people::{Following, FrozenPerson, NoticePerson, PeopleCount, Person, PersonWay};
pub use processes::Reclaimed;
pub use receipts::{CallbackCount, ReceiptRow};
pub use recipients::{FrozenCard, MergedRecipient, Recipient, SilencedRecipient, UnreachableRecipient};
pub use record::{Attempted, Move, Recorded};
pub use retention::DueNotice;
pub use rounds::{Resolution, Retried};
pub use sessions::{KnownSession, NewSession, SessionRow, UsedFactor};
pub use shares::{GroupShare, Share, Shares};
pub use sign_in_waits::Admission;
pub use summaries::{Notice, NoticeSummary};
pub use suppressions::Suppression;
pub use sweep::Swept;
pub use tokens::{ApiToken, KnownToken, NewToken};
pub use workers::RunningProcess;

/// The store: one SQLite file, or a PostgreSQL server that several machines share.
#[derive(Debug, Clone)]
pub struct Store {
    db: Db,
    clock: Arc<dyn Clock>,
    /// The life of the instance that this process belongs to, once it has registered: a restore begins another.
    generation: Arc<OnceLock<String>>,
    secrets: secrets::Secrets,
    everybody: everybody::Kept,
    figures: figures::Kept,
}

/// Why the store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To write: an SQLite file that is not there is made.
    Write,
    /// To read: a store that is not there is an error that says what to run first.
    Read,
}

impl Store {
    /// Opens the store at `url` and brings its tables up to date.
    ///
    /// # Errors
    /// [`StoreError::NotThere`] when it is only read and does not exist, [`StoreError::Newer`] when a newer program
    /// wrote it, and whatever the engine refuses.
    pub async fn open(
        url: &DatabaseUrl,
        purpose: Purpose,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let db = match url {
            DatabaseUrl::Sqlite(path) => Db::open_sqlite(path, purpose == Purpose::Write).await?,
            DatabaseUrl::Postgres(url) => Db::open_postgres(url).await?,
        };
        migrate(&db).await?;
        let (secrets, everybody) = (secrets::Secrets::default(), everybody::Kept::default());
        let figures = figures::Kept::default();
        Ok(Self { db, clock, generation: Arc::default(), secrets, everybody, figures })
    }

    /// Closes every connection; on SQLite the write-ahead log is folded into the file.
    pub async fn close(self) {
        match self.db {
            Db::Sqlite { read, write } => {
                read.close().await;
                write.close().await;
            }
            Db::Postgres { pool, cycles } => {
                cycles.close().await;
                pool.close().await;
            }
        }
    }

    /// Whether it is one SQLite file, whose writers wait for each other.
    pub const fn is_embedded(&self) -> bool {
        self.db.is_sqlite()
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

async fn migrate(db: &Db) -> Result<(), StoreError> {
    let done = match db {
        Db::Sqlite { write, .. } => sqlite_migrations().run(write).await,
        Db::Postgres { pool, .. } => sqlx::migrate!("migrations/postgres").run(pool).await,
    };
    done.map_err(migration_error)
}

/// What SQLite's tables were made by, step by step.
fn sqlite_migrations() -> sqlx::migrate::Migrator {
    sqlx::migrate!("migrations/sqlite")
}

fn migration_error(error: sqlx::migrate::MigrateError) -> StoreError {
    match error {
        sqlx::migrate::MigrateError::VersionMissing(version) => StoreError::Newer(version),
        sqlx::migrate::MigrateError::Execute(error) => StoreError::at("migrate", error),
        sqlx::migrate::MigrateError::ExecuteMigration(error, _) => StoreError::at("migrate", error),
        other => StoreError::Damaged(format!("its tables are not as this program made them: {other}")),
    }
}

#[cfg(test)]
mod tests;
