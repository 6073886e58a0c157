//! Every statement there is: each prepares on both engines, and none looks at the deliveries of all notices.

use sqlx::SqlSafeStr;

use super::*;
use crate::store::statement::Statement;

on_both_engines!(every_statement_prepares,);

/// Every statement that is named.
fn all_statements() -> impl Iterator<Item = &'static Statement> {
    let all: Vec<&'static [&'static Statement]> = vec![
        account_changes::ALL,
        about::ALL,
        crate::store::accounts::ALL,
        acknowledgements::ALL,
        alarms::ALL,
        crate::store::approvals::ALL,
        audit::ALL,
        authors::ALL,
        corrections::ALL,
        backup::ALL,
        crate::store::cascade::ALL,
        crate::store::cascade::FIRING,
        claim::ALL,
        contacts::ALL,
        contacts_import::ALL,
        counts::ALL,
        dead_domains::ALL,
        deliveries::ALL,
        crate::store::delivery_pages::ALL,
        everybody::ALL,
        drafts::ALL,
        retention::ALL,
        rounds::ALL,
        services::ALL,
        crate::store::endpoints::ALL,
        fan_out::ALL,
        crate::store::figures::ALL,
        shares::ALL,
        frozen::ALL,
        gauges::ALL,
        incident_notices::ALL,
        crate::store::incidents::ALL,
        sessions::ALL,
        sign_in_waits::ALL,
        tokens::ALL,
        erasure::ALL,
        holds::ALL,
        secrets::ALL,
        crate::store::idempotency::ALL,
        instance::ALL,
        lanes::ALL,
        notices::ALL,
        crate::store::steering::ALL,
        crate::store::stopping::ALL,
        notice_pages::ALL,
        summaries::ALL,
        partner_events::ALL,
        crate::store::partners::ALL,
        people::ALL,
        processes::ALL,
        crate::store::receipts::ALL,
        recipients::ALL,
        record::ALL,
        suppressions::ALL,
        sweep::ALL,
        workers::ALL,
    ];
    all.into_iter().flatten().copied()
}

async fn every_statement_prepares(bench: Bench) {
    for statement in all_statements() {
        let prepared = match &bench.store.db {
            Db::Sqlite { write, .. } => write.prepare(statement.sqlite().into_sql_str()).await.map(|_| ()),
            Db::Postgres { pool, .. } => pool.prepare(statement.postgres().into_sql_str()).await.map(|_| ()),
        };
        prepared.unwrap_or_else(|error| panic!("{}: {error}", statement.name()));
    }
}

/// A million of them may be there, of notices that ended long ago. Statements that look for what one person had, in
/// all notices, have no other way; nobody waits for them.
#[tokio::test]
async fn no_statement_looks_at_the_deliveries_of_all_notices() {
    let bench = sqlite_bench().await;
    let Db::Sqlite { write, .. } = &bench.store.db else { unreachable!() };
    let mut offenders = Vec::new();
    for statement in all_statements() {
        let text = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", statement.sqlite()));
        let steps: Vec<(i64, i64, i64, String)> = sqlx::query_as(text).fetch_all(write).await.unwrap();
        let is_scan = |step: &String| {
            let mut words = step.split(' ');
            // By convention `d`; a partial index has few rows.
            words.next() == Some("SCAN")
                && matches!(words.next(), Some("d" | "deliveries" | "attempts" | "recipients"))
                && !["deliveries_due", "_open"].iter().any(|index| step.contains(index))
        };
        // A part of them that was chosen before has the same name.
        let is_part = steps.iter().any(|(.., step)| step == "CO-ROUTINE d");
        let scans = steps.iter().any(|(.., step)| is_scan(step));
        if scans && !is_part && !FOR_ONE_PERSON.contains(&statement.name()) {
            offenders.push((statement.name(), steps.into_iter().map(|(.., step)| step).collect::<Vec<_>>()));
        }
    }
    assert!(offenders.is_empty(), "{offenders:#?}");
}

/// What looks for one contact's traces everywhere.
const FOR_ONE_PERSON: [&str; 3] = ["SELECT_SENT", "SELECT_TOUCHED", "SELECT_ADDRESSES"];

/// PostgreSQL keeps a plan that it made when there was little to be found, or when it believed so.
#[tokio::test]
async fn a_claim_goes_by_ids_whatever_the_planner_believes() {
    let bench = postgres_bench().await;
    let Db::Postgres { pool, .. } = &bench.store.db else { unreachable!() };
    let mut connection = pool.acquire().await.unwrap();
    let claim = format!("PREPARE claim (uuid[], uuid, text, bigint) AS {}", claim::CLAIM.postgres());
    let due = claim::SELECT_DUE_ENDPOINTS.postgres();
    let due = format!("PREPARE due (text, text, bigint, bigint, bigint) AS {due}");
    let prepared = [
        "SET plan_cache_mode = force_generic_plan",
        "SET enable_seqscan = off",
        // The queue was empty when it was looked at last, and had been long.
        "UPDATE pg_class SET reltuples = 0, relpages = 700 WHERE relname = 'queue'",
        "INSERT INTO queue SELECT gen_random_uuid(), gen_random_uuid(), 'email', '', 1, n FROM generate_series(1, 20000) n",
        &claim,
        &due,
    ];
    for statement in prepared {
        connection.execute(sqlx::AssertSqlSafe(statement.to_owned())).await.unwrap();
    }
    let plans = [
        ("claim('{}', gen_random_uuid(), '', 1)", ["queue_pkey", "deliveries_pkey"]),
        // Of deliveries there is none yet: any index would do.
        ("due('webhook', '', 1, 1, 1)", ["queue_due", "deliveries_pkey"]),
    ];
    for (call, expected) in plans {
        let explain = sqlx::AssertSqlSafe(format!("EXPLAIN EXECUTE {call}"));
        let plan: Vec<String> = sqlx::query_scalar(explain).fetch_all(&mut *connection).await.unwrap();
        let plan = plan.join("\n");
        let indexes: Vec<&str> =
            ["queue_pkey", "queue_due", "deliveries_pkey", "deliveries_once", "deliveries_of_notice"]
                .into_iter()
                .filter(|index| {
                    plan.contains(&format!("using {index} ")) || plan.contains(&format!("on {index} "))
                })
                .collect();
        assert_eq!(indexes, expected, "{plan}");
    }
}
