//! What two programs write to a PostgreSQL server at the same moment: the other one is played by hand.

use std::time::Duration;

use sqlx::{AssertSqlSafe, PgPool, Postgres, Row, Transaction};

use super::*;
use crate::domain::outcome::Fault;
use crate::domain::receipt::{Receipt, ReceiptKind};

fn pool(store: &Store) -> PgPool {
    match &store.db {
        Db::Postgres { pool, .. } => pool.clone(),
        Db::Sqlite { .. } => unreachable!("these tests are PostgreSQL's"),
    }
}

async fn run(other: &mut Transaction<'static, Postgres>, sql: String) {
    other.execute(AssertSqlSafe(sql)).await.unwrap();
}

async fn run_alone(pool: &PgPool, sql: String) {
    pool.execute(AssertSqlSafe(sql)).await.unwrap();
}

/// Until `count` statements of this store wait for a lock, for ten seconds at most; says whether they did.
async fn waits(pool: &PgPool, count: i64) -> bool {
    for _ in 0..400 {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                   AND wait_event_type = 'Lock'";
        let waiting: i64 = sqlx::query(sql).fetch_one(pool).await.unwrap().get(0);
        if waiting >= count {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    false
}

fn bounce(delivery: DeliveryId) -> Receipt {
    Receipt {
        delivery,
        round: 1,
        source: "bounce".to_owned(),
        kind: ReceiptKind::Failed(Fault::Recipient),
        reason: Reason::new("5.2.2", "full"),
    }
}

#[tokio::test]
async fn a_receipt_that_comes_while_a_dead_process_is_cleared_away_is_counted_once() {
    let bench = postgres_bench().await;
    let notice = bench.notice(1, &["x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let process = bench.running().await;
    let delivery = bench.claim(process, 1).await[0].delivery;
    bench.clock.advance(Duration::from_secs(11));
    let pool = pool(&bench.store);
    let mut other = pool.begin().await.unwrap();
    run(
        &mut other,
        format!(
            "UPDATE deliveries SET state = 'delivered', process_id = NULL WHERE delivery_id = '{delivery}'"
        ),
    )
    .await;
    run(&mut other, "UPDATE notice_counts SET count = 0 WHERE state = 'sending'".to_owned()).await;
    run(&mut other, format!("INSERT INTO notice_counts VALUES ('{notice}', 'email', 'delivered', 1, 1)"))
        .await;
    let store = bench.store.clone();
    let reclaiming = tokio::spawn(async move { store.reclaim(AfterCrash::Resend).await });
    assert!(waits(&pool, 1).await);
    other.commit().await.unwrap();
    assert_eq!(reclaiming.await.unwrap().unwrap().requeued, 0);
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Delivered, 1)]);
}

#[tokio::test]
async fn a_bounce_that_crosses_the_end_of_a_cascade_lets_it_go_on() {
    let (bench, notice, delivery) = cascade::accepted_with_another_way(postgres_bench().await).await;
    let pool = pool(&bench.store);
    // A dispatcher has just seen that it was accepted, and has not committed yet.
    let mut other = pool.begin().await.unwrap();
    run(&mut other, format!("SELECT 1 FROM notices WHERE notice_id = '{notice}' FOR UPDATE")).await;
    run(&mut other, "UPDATE cascade_contacts SET ended_at = 1, why = 'accepted'".to_owned()).await;
    run(&mut other, "UPDATE notices SET cascade_open = 0, state = 'completed', completed_at = 1".to_owned())
        .await;
    let (store, ids) = (bench.store.clone(), bench.ids.next());
    let receiving = tokio::spawn(async move { store.receive(&[bounce(delivery)], &|| ids).await });
    assert!(waits(&pool, 1).await, "the receipt has to wait for what is being decided");
    other.commit().await.unwrap();
    receiving.await.unwrap().unwrap();
    let summary = bench.store.notice_summary(notice).await.unwrap().unwrap();
    assert_eq!((summary.cascade_open, summary.state), (1, NoticeState::Sending));
}

#[tokio::test]
async fn a_transaction_that_was_ended_for_anothers_sake_is_begun_again() {
    for _ in 0..5 {
        let (bench, notice, delivery) = cascade::accepted_with_another_way(postgres_bench().await).await;
        let pool = pool(&bench.store);
        let mut other = pool.begin().await.unwrap();
        run(&mut other, format!("SELECT 1 FROM notices WHERE notice_id = '{notice}' FOR UPDATE")).await;
        let (store, ids) = (bench.store.clone(), bench.ids.next());
        let receiving = tokio::spawn(async move { store.receive(&[bounce(delivery)], &|| ids).await });
        assert!(waits(&pool, 1).await);
        // Now each waits for the other, and the server ends the one that has waited for a second.
        let crossing = format!("UPDATE deliveries SET updated_at = 1 WHERE delivery_id = '{delivery}'");
        let was_other = other.execute(AssertSqlSafe(crossing)).await.is_err();
        let ended = if was_other { other.rollback().await } else { other.commit().await };
        ended.unwrap();
        receiving.await.unwrap().unwrap();
        assert_eq!(bench.counts(notice).await, [(DeliveryState::Failed, 1)]);
        if !was_other {
            return;
        }
    }
    panic!("the server always ended the other one: this machine is too slow for this test");
}

/// A notice whose `count` deliveries wait, a process that may claim them, and connections for somebody else.
async fn waiting(count: usize) -> (Bench, NoticeId, ProcessId, PgPool) {
    let bench = postgres_bench().await;
    let notice = bench.notice(count, &["x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let process = bench.running().await;
    let pool = pool(&bench.store);
    (bench, notice, process, pool)
}

#[tokio::test]
async fn two_processes_that_meet_a_destination_for_the_first_time_share_its_first_burst() {
    let (bench, _, process, pool) = waiting(5).await;
    // Another process has taken the burst, and has not committed yet.
    let mut other = pool.begin().await.unwrap();
    let now = bench.clock.now().0;
    run(
        &mut other,
        format!("INSERT INTO lanes (channel, name, tokens, refilled_at) VALUES ('email', 'destination:x.example', 0, {now})"),
    )
    .await;
    let store = bench.store.clone();
    let request = ClaimRequest { each_destination: Some("1/s, burst 3".parse().unwrap()), ..request(5) };
    let claiming = tokio::spawn(async move { store.cycle(process, None, &[], Some(&request)).await });
    assert!(waits(&pool, 1).await);
    other.commit().await.unwrap();
    assert!(claiming.await.unwrap().unwrap().claimed.is_empty(), "the burst is gone");
}

#[tokio::test]
async fn a_lane_in_which_something_is_being_set_aside_is_not_forgotten() {
    let bench = postgres_bench().await;
    let notice = bench.notice(1, &["x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let pool = pool(&bench.store);
    let lane = "destination:x.example";
    run_alone(&pool, format!("INSERT INTO lanes (channel, name) VALUES ('email', '{lane}')")).await;
    // A claim has locked the lane and sets something aside there.
    let mut other = pool.begin().await.unwrap();
    run(&mut other, "SELECT 1 FROM lanes FOR UPDATE".to_owned()).await;
    run(&mut other, format!("UPDATE deliveries SET lane = '{lane}'")).await;
    let store = bench.store.clone();
    let forgetting = tokio::spawn(async move { store.forget_idle_lanes(Channel::Email).await });
    assert!(waits(&pool, 1).await);
    other.commit().await.unwrap();
    forgetting.await.unwrap().unwrap();
    let process = bench.running().await;
    assert_eq!(bench.claim(process, 5).await.len(), 1, "it would wait there for ever");
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Sending, 1)]);
}

#[tokio::test]
async fn a_claim_waits_for_nobody_and_takes_what_nobody_else_is_changing() {
    let (bench, notice, process, pool) = waiting(3).await;
    // Another process ends one of them, and has not committed yet.
    let mut other = pool.begin().await.unwrap();
    run(
        &mut other,
        format!("UPDATE deliveries SET state = 'cancelled' WHERE notice_id = '{notice}' AND position = 2"),
    )
    .await;
    let claimed = tokio::time::timeout(Duration::from_secs(10), bench.claim(process, 5)).await;
    assert_eq!(claimed.expect("the claim waits").len(), 2);
    other.rollback().await.unwrap();
    assert_eq!(bench.claim(process, 5).await.len(), 1, "it was not ended after all");
    the_queue_is_what_is_queued(&bench.store.db).await;
}

#[tokio::test]
async fn a_claim_takes_the_next_when_somebody_else_is_claiming_the_first() {
    let (bench, _, process, pool) = waiting(5).await;
    // Another process has chosen the first two: it holds them as a claim does, the queue before the deliveries.
    let mut other = pool.begin().await.unwrap();
    for table in ["queue", "deliveries"] {
        let ids = "SELECT delivery_id FROM deliveries WHERE position <= 2";
        run(&mut other, format!("SELECT 1 FROM {table} WHERE delivery_id IN ({ids}) FOR UPDATE")).await;
    }
    let claimed = tokio::time::timeout(Duration::from_secs(10), bench.claim(process, 2)).await;
    assert_eq!(claimed.expect("the claim waits").len(), 2, "three are left");
    other.rollback().await.unwrap();
    the_queue_is_what_is_queued(&bench.store.db).await;
}
