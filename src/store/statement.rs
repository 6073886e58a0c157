//! One SQL text for two engines: a named statement, its parameters, and how either driver runs it.

use std::sync::OnceLock;

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgTypeInfo};
use sqlx::sqlite::{SqliteArguments, SqliteArgumentsBuffer, SqliteTypeInfo};
use sqlx::types::Json;
use sqlx::{Arguments, Encode, Postgres, Sqlite, Type};
use uuid::Uuid;

/// A statement written once. PostgreSQL's text is derived from the shared one:
///
/// | shared (SQLite) | PostgreSQL |
/// |---|---|
/// | `/*lock*/` | `FOR UPDATE` |
/// | `/*lock free*/` | `FOR UPDATE OF d SKIP LOCKED` |
/// | `json_each($1)` | `jsonb_array_elements($1)` |
/// | `json_each_text($1)` (SQLite: `json_each($1)`) | `jsonb_array_elements_text($1)` |
/// | `unhex(x, '-')` | `uuid(x)` |
/// | `/*and stands in the queue*/` | the first `$5` rows of `queue`, which nobody else is taking; by them the deliveries are found |
/// | `WHERE d.channel = $1 AND d.lane` | compared so that no index is searched for it: while deliveries are few, the planner would, and keep that plan |
/// | `/*out of the queue*/` | takes the rows `$1` out of `queue` in the same statement |
/// | `d.notice_id = $1 AND d.delivery_id > $2 AND d.delivery_id <= $3` | the ids of these first, from the index that has nothing else: otherwise its planner reads every delivery of the notice, or those of other notices |
/// | `IN (SELECT unhex(value, '-') FROM json_each_ids($1))`, for [`Ids`] (SQLite: `json_each($1)`) | `= ANY($1::uuid[])` |
/// | `notice_id = $1 /*by id*/` (SQLite: the range from the notice's first id to its last) | the same |
#[derive(Debug)]
pub struct Statement {
    name: &'static str,
    shared: &'static str,
    sqlite: OnceLock<String>,
    postgres: OnceLock<String>,
}

/// The deliveries of a notice lie together by their ids, which were made together. Where all of them are looked at, SQLite
/// is told to read them in that order: by the notice's own index it looks up one after the other.
const BY_ID: &str = "+notice_id = $1
    AND delivery_id BETWEEN (SELECT delivery_id FROM deliveries WHERE notice_id = $1
                             ORDER BY notice_id, delivery_id LIMIT 1)
                        AND (SELECT delivery_id FROM deliveries WHERE notice_id = $1
                             ORDER BY notice_id DESC, delivery_id DESC LIMIT 1)";

/// Chosen before anything is joined to them: the planner knows nothing of how many wait. A claim skips what others have
/// locked, in the queue and in the deliveries, so that it never waits while it holds either, and takes the next instead.
const FROM_THE_QUEUE: &str = "AND d.delivery_id = ANY(ARRAY(
    SELECT q.delivery_id FROM queue q
    WHERE q.channel = $1 AND q.lane = $2 AND q.priority = $3 AND q.due_at <= $4
    ORDER BY q.due_at, uuid_send(q.delivery_id) LIMIT $5 FOR UPDATE SKIP LOCKED))";

impl Statement {
    pub(super) const fn new(name: &'static str, shared: &'static str) -> Self {
        Self { name, shared, sqlite: OnceLock::new(), postgres: OnceLock::new() }
    }

    /// What errors and logs call it.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The text for SQLite.
    pub fn sqlite(&'static self) -> &'static str {
        self.sqlite.get_or_init(|| {
            self.shared
                .replace("json_each_text(", "json_each(")
                .replace("json_each_ids(", "json_each(")
                .replace("notice_id = $1 /*by id*/", BY_ID)
        })
    }

    /// The text for PostgreSQL.
    pub fn postgres(&'static self) -> &'static str {
        self.postgres.get_or_init(|| {
            self.shared
                .replace("/*lock free*/", "FOR UPDATE OF d SKIP LOCKED")
                .replace("/*lock*/", "FOR UPDATE")
                .replace("/*and stands in the queue*/", FROM_THE_QUEUE)
                .replace(
                    "WHERE d.channel = $1 AND d.lane",
                    "WHERE d.channel IS NOT DISTINCT FROM $1 AND d.lane",
                )
                .replace(
                    "/*out of the queue*/",
                    "WITH taken AS (DELETE FROM queue WHERE delivery_id = ANY($1::uuid[]))",
                )
                .replace("IN (SELECT unhex(value, '-') FROM json_each_ids($1))", "= ANY($1::uuid[])")
                .replace(
                    "d.notice_id = $1 AND d.delivery_id > $2 AND d.delivery_id <= $3",
                    "d.delivery_id = ANY(ARRAY(SELECT l.delivery_id FROM deliveries l WHERE l.notice_id = $1 \
                     AND l.delivery_id > $2 AND l.delivery_id <= $3))",
                )
                .replace("json_each_text(", "jsonb_array_elements_text(")
                .replace("json_each(", "jsonb_array_elements(")
                .replace("unhex(", "uuid(")
                .replace(", '-')", ")")
        })
    }

    /// How many parameters the text names.
    pub fn arity(&self) -> usize {
        (1..=32).rev().find(|n| self.shared.contains(&format!("${n}"))).unwrap_or(0)
    }
}

/// Declares statements as named statics and lists them all in `ALL`, for the test that prepares each on both
/// engines.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:expr;)+) => {
        $($(#[$doc])* pub(super) static $name: $crate::store::statement::Statement =
            $crate::store::statement::Statement::new(stringify!($name), $text);)+
        /// Every statement of this file.
        #[cfg(test)]
        pub(in crate::store) const ALL: &[&$crate::store::statement::Statement] = &[$(&$name),+];
    };
}
pub(super) use statements;

/// Which deliveries of the notice `$1` are for which people, as the view `notice_ways` has it: to be put behind FROM.
/// From the view SQLite would read the deliveries of all notices before it looks which one is meant.
macro_rules! ways_of_notice {
    () => {
        "(SELECT d.contact_key AS contact_key, d.delivery_id AS delivery_id, 0 AS by_deputy
          FROM deliveries d JOIN notice_people p ON p.notice_id = $1 AND p.contact_key = d.contact_key
          WHERE d.notice_id = $1
          UNION
          SELECT m.contact_key, m.delivery_id, 0 FROM merged_recipients m WHERE m.notice_id = $1
          UNION
          SELECT s.contact_key, s.delivery_id, CASE WHEN s.deputy_key IS NULL THEN 0 ELSE 1 END
          FROM cascade_steps s WHERE s.notice_id = $1 AND s.fired_at IS NOT NULL)"
    };
}
pub(super) use ways_of_notice;

/// Which of the deliveries `d` that stand apart belong to the notice `$1`: its own are looked for between its first and its
/// last, and not by the index that has all deliveries of the notice. `"AND own.delivery_id > $2"` begins behind one: as one
/// bound, because an index is entered by one.
macro_rules! stands_apart_of_notice {
    ($behind:literal) => {
        concat!(
            "COALESCE(d.notice_id, $1) = $1
             AND d.delivery_id >= (SELECT own.delivery_id FROM deliveries own WHERE own.notice_id = $1 ",
            $behind,
            "
                                   ORDER BY own.notice_id, own.delivery_id LIMIT 1)
             AND d.delivery_id <= (SELECT own.delivery_id FROM deliveries own WHERE own.notice_id = $1
                                   ORDER BY own.notice_id DESC, own.delivery_id DESC LIMIT 1)"
        )
    };
}
pub(super) use stands_apart_of_notice;

/// Whether a delivery `d` belongs to a notice of which something is being sent, by the kept counters. What is being sent
/// is found among these: an index of it would be written twice for every delivery.
macro_rules! is_of_a_notice_in_flight {
    () => {
        "d.notice_id IN (SELECT c.notice_id FROM notice_counts c WHERE c.state = 'sending' AND c.count > 0)"
    };
}
pub(super) use is_of_a_notice_in_flight;

/// Whether a delivery may have left in a try of its round that nobody answered: its connection broke behind the body, or
/// its process died. Such a one never ends as cancelled or expired, which would say that it did not leave.
macro_rules! may_have_left {
    ($d:literal) => {
        concat!(
            "(",
            $d,
            ".attempts > 0 AND EXISTS (
                SELECT 1 FROM attempts tried
                WHERE tried.delivery_id = ",
            $d,
            ".delivery_id AND tried.round = ",
            $d,
            ".round AND tried.outcome IN ('unclear', 'interrupted')))"
        )
    };
}
pub(super) use may_have_left;

/// Whom the delivery `$2` of the notice `$1` is for.
macro_rules! people_of_delivery {
    () => {
        "(SELECT d.contact_key AS contact_key
          FROM deliveries d JOIN notice_people p ON p.notice_id = $1 AND p.contact_key = d.contact_key
          WHERE d.delivery_id = $2 AND d.notice_id = $1
          UNION
          SELECT m.contact_key FROM merged_recipients m WHERE m.notice_id = $1 AND m.delivery_id = $2
          UNION
          SELECT s.contact_key FROM cascade_steps s
          WHERE s.delivery_id = $2 AND s.notice_id = $1 AND s.fired_at IS NOT NULL)"
    };
}
pub(super) use people_of_delivery;

/// Many ids as one parameter: a JSON list for SQLite, an array for PostgreSQL. Its planner knows nothing of a list that
/// is unpacked by a function, and may unpack it again for every row.
#[derive(Debug)]
pub struct Ids(pub Vec<Uuid>);

impl Type<Sqlite> for Ids {
    fn type_info() -> SqliteTypeInfo {
        <Json<Vec<Uuid>> as Type<Sqlite>>::type_info()
    }
}

impl<'q> Encode<'q, Sqlite> for Ids {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        <Json<&Vec<Uuid>> as Encode<'q, Sqlite>>::encode_by_ref(&Json(&self.0), buffer)
    }
}

impl Type<Postgres> for Ids {
    fn type_info() -> PgTypeInfo {
        <Vec<Uuid> as Type<Postgres>>::type_info()
    }
}

impl<'q> Encode<'q, Postgres> for Ids {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        <Vec<Uuid> as Encode<'q, Postgres>>::encode_by_ref(&self.0, buffer)
    }
}

/// Parameters that both drivers can take, in the order of their numbers.
pub trait Params: Send {
    /// How many there are.
    const ARITY: usize;
    /// For SQLite.
    ///
    /// # Errors
    /// When a value cannot be encoded.
    fn sqlite(self) -> Result<SqliteArguments, BoxDynError>;
    /// For PostgreSQL.
    ///
    /// # Errors
    /// When a value cannot be encoded.
    fn postgres(self) -> Result<PgArguments, BoxDynError>;
}

macro_rules! count {
    () => { 0 };
    ($head:ident $($tail:ident)*) => { 1 + count!($($tail)*) };
}

macro_rules! tuple_params {
    ($($name:ident)*) => {
        impl<$($name),*> Params for ($($name,)*)
        where
            $($name: Send + for<'q> Encode<'q, Sqlite> + Type<Sqlite> + for<'q> Encode<'q, Postgres> + Type<Postgres>,)*
        {
            const ARITY: usize = count!($($name)*);

            #[expect(non_snake_case, reason = "a tuple's parts are named by their types")]
            fn sqlite(self) -> Result<SqliteArguments, BoxDynError> {
                let ($($name,)*) = self;
                let mut arguments = SqliteArguments::default();
                $(arguments.add($name)?;)*
                Ok(arguments)
            }

            #[expect(non_snake_case, reason = "a tuple's parts are named by their types")]
            fn postgres(self) -> Result<PgArguments, BoxDynError> {
                let ($($name,)*) = self;
                let mut arguments = PgArguments::default();
                $(arguments.add($name)?;)*
                Ok(arguments)
            }
        }
    };
}

tuple_params!(A);
tuple_params!(A B);
tuple_params!(A B C);
tuple_params!(A B C D);
tuple_params!(A B C D E);
tuple_params!(A B C D E F);
tuple_params!(A B C D E F G);
tuple_params!(A B C D E F G H);
tuple_params!(A B C D E F G H I);
tuple_params!(A B C D E F G H I J);
tuple_params!(A B C D E F G H I J K);
tuple_params!(A B C D E F G H I J K L);
tuple_params!(A B C D E F G H I J K L M);
tuple_params!(A B C D E F G H I J K L M N);
tuple_params!(A B C D E F G H I J K L M N O);
tuple_params!(A B C D E F G H I J K L M N O P);
tuple_params!(A B C D E F G H I J K L M N O P Q);
tuple_params!(A B C D E F G H I J K L M N O P Q R);

impl Params for () {
    const ARITY: usize = 0;

    fn sqlite(self) -> Result<SqliteArguments, BoxDynError> {
        Ok(SqliteArguments::default())
    }

    fn postgres(self) -> Result<PgArguments, BoxDynError> {
        Ok(PgArguments::default())
    }
}
