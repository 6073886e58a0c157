//! The two engines behind one face: connections, transactions, and running a [`Statement`].

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use metrics::histogram;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, FromRow, PgPool, Postgres, Sqlite, SqlitePool, Transaction};
use tokio::time::Instant;

use super::error::{BUSY_TIMEOUT_SECONDS, StoreError};
use super::statement::{Params, Statement};

/// How long a PostgreSQL server has to answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A row type that both drivers can fill.
pub trait Record: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}
impl<T> Record for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// What SQLite keeps in memory for the connection that writes, as its pragma has it: kibibytes, negative.
const WRITER_CACHE: &str = "-8000";
/// The same for each that reads. What it does not have, the system's own cache of the file mostly has.
const READER_CACHE: &str = "-2000";

/// How many rows a connection that reads may be ahead of who takes them: a row is some hundred small pieces of memory.
const READER_ROWS: usize = 256;

/// How often SQLite's write-ahead log is tried to be folded into the file while somebody reads or writes it.
const FOLDS: usize = 20;
/// And how long it is let alone in between.
const BETWEEN_FOLDS: Duration = Duration::from_millis(50);

/// How PostgreSQL plans the cycles of the dispatcher. Their few statements are run over and over, always by the same
/// indexes: a plan is made once for each, and made for a full queue, also where the first cycle met an empty one.
const PLANS_OF_CYCLES: [(&str, &str); 2] =
    [("plan_cache_mode", "force_generic_plan"), ("enable_seqscan", "off")];

/// An engine and its connections.
#[derive(Debug, Clone)]
pub(super) enum Db {
    /// One connection writes, a few read.
    Sqlite { read: SqlitePool, write: SqlitePool },
    /// Connections are alike; the dispatcher's cycles have theirs, where their statements are prepared and planned.
    Postgres { pool: PgPool, cycles: PgPool },
}

/// A transaction, and a stopwatch that was started before it waited for its turn. Dropped without [`Tx::commit`],
/// nothing of it has happened.
#[derive(Debug)]
pub(super) struct Tx {
    pub(super) on: OnEngine,
    /// Who writes, and since when they have been waiting or writing; `None`: it only reads.
    writer: Option<(&'static str, Instant)>,
}

/// An engine's transaction.
#[derive(Debug)]
pub(super) enum OnEngine {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Db {
    pub(super) async fn open_sqlite(path: &Path, create: bool) -> Result<Self, StoreError> {
        let unusable = |why: String| StoreError::Unusable { path: path.to_owned(), why };
        if create {
            if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                std::fs::create_dir_all(folder).map_err(|error| unusable(error.to_string()))?;
            }
            make_private(path).map_err(|error| unusable(error.to_string()))?;
        } else if !path.exists() {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            return Err(StoreError::NotThere { path, check: "check [database] url".to_owned() });
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(create)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(BUSY_TIMEOUT_SECONDS))
            // Fewer, larger checkpoints: the same pages are rewritten by every cycle of a send.
            .pragma("wal_autocheckpoint", "8000")
            .pragma("cache_size", WRITER_CACHE)
            .pragma("temp_store", "memory")
            // What is erased is overwritten, not only given free.
            .pragma("secure_delete", "on")
            // A claim's rows come over in one go, instead of waking the other side for each.
            .row_buffer_size(4_096)
            .statement_cache_capacity(200);
        let with_path = |error: StoreError| match error {
            StoreError::Unusable { why, .. } => unusable(why),
            other => other,
        };
        let write = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(BUSY_TIMEOUT_SECONDS))
            .connect_with(options.clone())
            .await
            .map_err(|error| with_path(StoreError::at("open", error)))?;
        let read = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(BUSY_TIMEOUT_SECONDS))
            .connect_lazy_with(
                options
                    .create_if_missing(false)
                    .pragma("cache_size", READER_CACHE)
                    .row_buffer_size(READER_ROWS),
            );
        Ok(Self::Sqlite { read, write })
    }

    /// An SQLite database in a file that has no name and is gone when it is closed. There is one connection to it.
    pub(super) async fn open_nameless() -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename("")
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Memory)
            .synchronous(SqliteSynchronous::Off)
            .foreign_keys(true);
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options)
            .await
            .map_err(|error| StoreError::at("open", error))?;
        Ok(Self::Sqlite { read: pool.clone(), write: pool })
    }

    pub(super) async fn open_postgres(url: &SecretString) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url.expose_secret())
            .map_err(|error| StoreError::Server(error.to_string()))?
            .application_name("rundruf")
            // A machine that freezes or vanishes in the middle of a transaction must not hold up all others.
            .options([
                ("idle_in_transaction_session_timeout", "10s"),
                // Compiling a statement takes longer than running any of ours.
                ("jit", "off"),
            ])
            .statement_cache_capacity(200);
        // A pool goes on trying for as long as it may; whether the server is there at all is said at once.
        let first = tokio::time::timeout(CONNECT_TIMEOUT, options.connect()).await;
        let first = first.unwrap_or(Err(sqlx::Error::PoolTimedOut));
        let _ = first.map_err(|error| StoreError::at("connect", error))?.close().await;
        let pool = PgPoolOptions::new()
            .max_connections(8)
            .acquire_timeout(CONNECT_TIMEOUT)
            .connect_with(options.clone())
            .await
            .map_err(|error| StoreError::at("connect", error))?;
        // One at a time; a second while the one before is rolled back.
        let cycles = PgPoolOptions::new()
            .max_connections(2)
            .acquire_timeout(CONNECT_TIMEOUT)
            .connect_lazy_with(options.options(PLANS_OF_CYCLES));
        Ok(Self::Postgres { pool, cycles })
    }

    /// Begins a transaction that writes. On SQLite it takes the writer's lock at once, so that it can never
    /// fail half-way for another writer's sake.
    pub(super) async fn begin(&self) -> Result<Tx, StoreError> {
        let since = Instant::now();
        let on = match self {
            Self::Sqlite { write, .. } => begin_sqlite(write).await.map(OnEngine::Sqlite)?,
            Self::Postgres { pool, .. } => begin_postgres(pool).await.map(OnEngine::Postgres)?,
        };
        Ok(Tx { on, writer: Some(("other", since)) })
    }

    /// The same for a cycle of the dispatcher, which is measured by itself.
    pub(super) async fn begin_cycle(&self) -> Result<Tx, StoreError> {
        let since = Instant::now();
        let on = match self {
            Self::Sqlite { write, .. } => begin_sqlite(write).await.map(OnEngine::Sqlite)?,
            Self::Postgres { cycles, .. } => begin_postgres(cycles).await.map(OnEngine::Postgres)?,
        };
        Ok(Tx { on, writer: Some(("dispatcher", since)) })
    }

    /// Reads rows outside a transaction.
    pub(super) async fn fetch<R: Record, P: Params>(
        &self,
        statement: &'static Statement,
        params: P,
    ) -> Result<Vec<R>, StoreError> {
        check_arity::<P>(statement);
        let name = statement.name();
        match self {
            Self::Sqlite { read, .. } => {
                let arguments = params.sqlite().map_err(|e| encoding(name, e))?;
                sqlx::query_as_with::<Sqlite, R, _>(statement.sqlite(), arguments)
                    .fetch_all(read)
                    .await
                    .map_err(|e| StoreError::at(name, e))
            }
            Self::Postgres { pool, .. } => {
                let arguments = params.postgres().map_err(|e| encoding(name, e))?;
                sqlx::query_as_with::<Postgres, R, _>(statement.postgres(), arguments)
                    .fetch_all(pool)
                    .await
                    .map_err(|e| StoreError::at(name, e))
            }
        }
    }

    /// Reads the first row outside a transaction, if there is one.
    pub(super) async fn fetch_first<R: Record, P: Params>(
        &self,
        statement: &'static Statement,
        params: P,
    ) -> Result<Option<R>, StoreError> {
        Ok(self.fetch(statement, params).await?.into_iter().next())
    }

    /// Reads rows outside a transaction and hands each on as it comes: a list of all of them is never in memory.
    pub(super) async fn fetch_each<R: Record, P: Params>(
        &self,
        statement: &'static Statement,
        params: P,
        mut take: impl FnMut(R) + Send,
    ) -> Result<(), StoreError> {
        check_arity::<P>(statement);
        let name = statement.name();
        // Of what the driver collects here nothing has a size.
        match self {
            Self::Sqlite { read, .. } => {
                let arguments = params.sqlite().map_err(|e| encoding(name, e))?;
                sqlx::query_with::<Sqlite, _>(statement.sqlite(), arguments)
                    .try_map(|row: SqliteRow| R::from_row(&row).map(&mut take))
                    .fetch_all(read)
                    .await
                    .map(|_: Vec<()>| ())
                    .map_err(|e| StoreError::at(name, e))
            }
            Self::Postgres { pool, .. } => {
                let arguments = params.postgres().map_err(|e| encoding(name, e))?;
                sqlx::query_with::<Postgres, _>(statement.postgres(), arguments)
                    .try_map(|row: PgRow| R::from_row(&row).map(&mut take))
                    .fetch_all(pool)
                    .await
                    .map(|_: Vec<()>| ())
                    .map_err(|e| StoreError::at(name, e))
            }
        }
    }

    /// Folds SQLite's write-ahead log into the file and empties it: what was erased must not stand there any longer.
    /// While somebody reads it stays for now, and the next one does it.
    pub(super) async fn fold_log(&self) {
        let Self::Sqlite { write, .. } = self else { return };
        // By a connection of its own that waits for nobody: whoever sends must not wait while it waits for readers, of
        // which a backup may be one for minutes.
        let options = write.connect_options().as_ref().clone().busy_timeout(Duration::ZERO);
        let folded = async {
            let mut connection = options.connect().await?;
            for _ in 0..FOLDS {
                let fold = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)");
                let (busy, _, _): (i64, i64, i64) = fold.fetch_one(&mut connection).await?;
                if busy == 0 {
                    break;
                }
                tokio::time::sleep(BETWEEN_FOLDS).await;
            }
            connection.close().await
        };
        if let Err(error) = folded.await {
            tracing::debug!(target: "rundruf::store", %error, "the write-ahead log stays as it is for now");
        }
    }

    /// Whether one file holds everything.
    pub(super) const fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite { .. })
    }
}

/// Makes the file, if it is not there, so that nobody else on this machine may read it. Its write-ahead log gets the
/// same permissions from SQLite.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// On a full disk SQLite rolls a transaction back by itself, which the driver takes for one that is still open: such a
/// connection can never begin another, and is replaced.
async fn begin_sqlite(write: &SqlitePool) -> Result<Transaction<'static, Sqlite>, StoreError> {
    match write.begin_with("BEGIN IMMEDIATE").await {
        Err(sqlx::Error::InvalidSavePointStatement) => {
            let stuck = write.acquire().await.map_err(|e| StoreError::at("begin", e))?;
            // It is gone either way.
            let _ = stuck.close().await;
            write.begin_with("BEGIN IMMEDIATE").await
        }
        begun => begun,
    }
    .map_err(|e| StoreError::at("begin", e))
}

async fn begin_postgres(pool: &PgPool) -> Result<Transaction<'static, Postgres>, StoreError> {
    pool.begin().await.map_err(|error| StoreError::at("begin", error))
}

impl Tx {
    /// One that only reads.
    pub(super) const fn reading(on: OnEngine) -> Self {
        Self { on, writer: None }
    }

    /// Runs a statement; gives the number of rows it touched.
    pub(super) async fn execute<P: Params>(
        &mut self,
        statement: &'static Statement,
        params: P,
    ) -> Result<u64, StoreError> {
        check_arity::<P>(statement);
        let name = statement.name();
        match &mut self.on {
            OnEngine::Sqlite(tx) => {
                let arguments = params.sqlite().map_err(|e| encoding(name, e))?;
                sqlx::query_with::<Sqlite, _>(statement.sqlite(), arguments)
                    .execute(&mut **tx)
                    .await
                    .map(|done| done.rows_affected())
                    .map_err(|e| StoreError::at(name, e))
            }
            OnEngine::Postgres(tx) => {
                let arguments = params.postgres().map_err(|e| encoding(name, e))?;
                sqlx::query_with::<Postgres, _>(statement.postgres(), arguments)
                    .execute(&mut **tx)
                    .await
                    .map(|done| done.rows_affected())
                    .map_err(|e| StoreError::at(name, e))
            }
        }
    }

    /// Runs a statement that gives rows.
    pub(super) async fn fetch<R: Record, P: Params>(
        &mut self,
        statement: &'static Statement,
        params: P,
    ) -> Result<Vec<R>, StoreError> {
        check_arity::<P>(statement);
        let name = statement.name();
        match &mut self.on {
            OnEngine::Sqlite(tx) => {
                let arguments = params.sqlite().map_err(|e| encoding(name, e))?;
                sqlx::query_as_with::<Sqlite, R, _>(statement.sqlite(), arguments)
                    .fetch_all(&mut **tx)
                    .await
                    .map_err(|e| StoreError::at(name, e))
            }
            OnEngine::Postgres(tx) => {
                let arguments = params.postgres().map_err(|e| encoding(name, e))?;
                sqlx::query_as_with::<Postgres, R, _>(statement.postgres(), arguments)
                    .fetch_all(&mut **tx)
                    .await
                    .map_err(|e| StoreError::at(name, e))
            }
        }
    }

    /// Runs a statement that gives rows and hands each on as it comes.
    pub(super) async fn fetch_each<R: Record, P: Params>(
        &mut self,
        statement: &'static Statement,
        params: P,
        mut take: impl FnMut(R) + Send,
    ) -> Result<(), StoreError> {
        check_arity::<P>(statement);
        let name = statement.name();
        match &mut self.on {
            OnEngine::Sqlite(tx) => {
                let arguments = params.sqlite().map_err(|e| encoding(name, e))?;
                sqlx::query_with::<Sqlite, _>(statement.sqlite(), arguments)
                    .try_map(|row: SqliteRow| R::from_row(&row).map(&mut take))
                    .fetch_all(&mut **tx)
                    .await
                    .map(|_: Vec<()>| ())
                    .map_err(|e| StoreError::at(name, e))
            }
            OnEngine::Postgres(tx) => {
                let arguments = params.postgres().map_err(|e| encoding(name, e))?;
                sqlx::query_with::<Postgres, _>(statement.postgres(), arguments)
                    .try_map(|row: PgRow| R::from_row(&row).map(&mut take))
                    .fetch_all(&mut **tx)
                    .await
                    .map(|_: Vec<()>| ())
                    .map_err(|e| StoreError::at(name, e))
            }
        }
    }

    /// Runs a statement that gives rows and keeps the first, if there is one.
    pub(super) async fn fetch_first<R: Record, P: Params>(
        &mut self,
        statement: &'static Statement,
        params: P,
    ) -> Result<Option<R>, StoreError> {
        Ok(self.fetch(statement, params).await?.into_iter().next())
    }

    /// Makes it durable, and says in the metrics how long it took.
    pub(super) async fn commit(self) -> Result<(), StoreError> {
        match self.on {
            OnEngine::Sqlite(tx) => tx.commit().await,
            OnEngine::Postgres(tx) => tx.commit().await,
        }
        .map_err(|e| StoreError::at("commit", e))?;
        if let Some((writer, since)) = self.writer {
            histogram!("rundruf_store_transaction_seconds", "writer" => writer).record(since.elapsed());
        }
        Ok(())
    }
}

/// A missing parameter is bound as NULL by SQLite's driver without a word; so it is a fault of the program here.
fn check_arity<P: Params>(statement: &'static Statement) {
    debug_assert_eq!(statement.arity(), P::ARITY, "parameters of {}", statement.name());
}

fn encoding(name: &'static str, error: sqlx::error::BoxDynError) -> StoreError {
    StoreError::Unexpected { statement: name, why: sqlx::Error::Encode(error) }
}
