//! What is measured of the store, exercises apart.

use super::*;

on_both_engines!(
    the_age_of_a_queue_is_told_for_exercises_apart,
    notices_are_told_of_until_nothing_of_them_is_open,
);

impl Bench {
    /// The notice is no exercise, as the others of these tests are.
    async fn is_real(&self, notice: NoticeId) {
        let number = self.store.notice(notice).await.unwrap().unwrap().number;
        let real =
            sqlx::AssertSqlSafe(format!("UPDATE notices SET exercise = false WHERE number = '{number}'"));
        match &self.store.db {
            Db::Sqlite { write, .. } => drop(write.execute(real).await.unwrap()),
            Db::Postgres { pool, .. } => drop(pool.execute(real).await.unwrap()),
        }
    }

    /// How many lanes have something waiting, of exercises and of what is none, and since when the oldest is due.
    async fn oldest(&self) -> Vec<(bool, Timestamp)> {
        let lanes = self.store.gauges().await.unwrap().lanes;
        lanes.into_iter().map(|lane| (lane.exercise, lane.due_at)).collect()
    }
}

async fn the_age_of_a_queue_is_told_for_exercises_apart(bench: Bench) {
    assert_eq!(bench.oldest().await, []);
    let exercise = bench.notice(3, &["x.example"], Priority::Urgent).await;
    bench.fan_out_all().await;
    let first = bench.clock.now();
    assert_eq!(bench.oldest().await, [(true, first)]);
    bench.clock.advance(Duration::from_secs(60));
    let real = bench.notice(2, &["x.example"], Priority::Normal).await;
    bench.is_real(real).await;
    bench.fan_out_all().await;
    let second = bench.clock.now();
    assert_eq!(bench.oldest().await, [(false, second), (true, first)]);

    let process = bench.running().await;
    let claimed = bench.claim(process, 5).await;
    let of = |notice| claimed.iter().filter(move |claimed| claimed.notice == notice);
    assert!(of(exercise).all(|claimed| claimed.exercise) && of(real).all(|claimed| !claimed.exercise));
    assert_eq!((of(exercise).count(), of(real).count()), (3, 2));
    let ended: Vec<Attempted> = of(exercise).map(sent).collect();
    assert!(ended.iter().all(|attempt| attempt.exercise));
    bench.record(process, &ended).await;
    assert_eq!(bench.oldest().await, [], "all of it is under way");
}

async fn notices_are_told_of_until_nothing_of_them_is_open(bench: Bench) {
    let notices = async || bench.store.gauges().await.unwrap().notices;
    let one = |state: &str| vec![(state.to_owned(), true, 1)];
    let notice = bench.notice(2, &["x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let process = bench.running().await;
    let claimed = bench.claim(process, 1).await;
    assert_eq!(notices().await, one("sending"));
    bench.store.move_notice(notice, NoticeEvent::Cancel, &entry()).await.unwrap();
    while bench.store.sweep().await.unwrap().is_some() {}
    assert_eq!(notices().await, one("cancelled"), "one is still under way");
    bench.record(process, &[sent(&claimed[0])]).await;
    assert_eq!(notices().await, []);

    bench.pending().await;
    assert_eq!(notices().await, one("pending"));
}
