//! What waits for an address when that is not to be used any more.

use super::*;

on_both_engines!(
    what_waits_for_an_address_stops_when_a_person_blocks_it,
    what_waits_in_other_notices_stops_when_an_address_turns_out_not_to_exist,
    what_is_put_off_while_its_address_was_blocked_stops,
);

const ADDRESS: &str = "c0@x.example";

async fn what_waits_for_an_address_stops_when_a_person_blocks_it(bench: Bench) {
    let notice = bench.notice(2, &["x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let stopped = bench.store.suppress("email", ADDRESS, "manual", "asked", None, &entry()).await.unwrap();
    assert_eq!(stopped, 1);
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Queued, 1), (DeliveryState::Suppressed, 1)]);
    let process = bench.running().await;
    let claimed = bench.claim(process, 10).await;
    assert_eq!(claimed.iter().map(|claimed| claimed.address.as_str()).collect::<Vec<_>>(), ["c1@x.example"]);
    bench.record(process, &[sent(&claimed[0])]).await;
    assert_eq!(bench.state(notice).await, NoticeState::Completed, "nothing is waited for");

    let again = bench.store.suppress("email", ADDRESS, "manual", "asked", None, &entry()).await.unwrap();
    assert_eq!(again, 0);
}

async fn what_waits_in_other_notices_stops_when_an_address_turns_out_not_to_exist(bench: Bench) {
    let first = bench.notice(1, &["x.example"], Priority::Urgent).await;
    let second = bench.notice(2, &["x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let process = bench.running().await;
    let claimed = bench.claim(process, 1).await;
    assert_eq!(claimed[0].notice, first);
    let until = Some(bench.clock.now().plus(Duration::from_secs(60)));
    bench.record(process, &[Attempted { suppress_until: until, ..ended(&claimed[0], Move::Failed) }]).await;
    assert_eq!(bench.counts(first).await, [(DeliveryState::Failed, 1)]);
    assert_eq!(bench.counts(second).await, [(DeliveryState::Queued, 1), (DeliveryState::Suppressed, 1)]);
}

async fn what_is_put_off_while_its_address_was_blocked_stops(bench: Bench) {
    let notice = bench.notice(1, &["x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let process = bench.running().await;
    let claimed = bench.claim(process, 1).await;
    let stopped = bench.store.suppress("email", ADDRESS, "manual", "asked", None, &entry()).await.unwrap();
    assert_eq!(stopped, 0, "it is being sent");
    let due_at = bench.clock.now().plus(Duration::from_secs(60));
    bench.record(process, &[ended(&claimed[0], Move::Retry { due_at })]).await;
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Suppressed, 1)]);
    assert_eq!(bench.state(notice).await, NoticeState::Completed);
}
