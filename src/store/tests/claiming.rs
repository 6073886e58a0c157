//! Claims, quotas, leases, and what becomes of them when a process dies.

use super::*;

on_both_engines!(
    a_fan_out_resumes_at_its_cursor_and_suppresses,
    outcomes_move_deliveries_and_end_the_notice,
    a_dead_process_gives_its_claims_back,
    after_a_crash_doubtful_deliveries_wait_for_a_person,
    a_claim_whose_answer_was_lost_goes_back,
    a_lost_lease_claims_nothing,
    a_quota_is_shared,
    a_limited_destination_does_not_block_the_open_road,
    a_late_answer_counts_whoever_holds_the_lease,
);

async fn a_fan_out_resumes_at_its_cursor_and_suppresses(bench: Bench) {
    bench.store.suppress("email", "c3@x.example", "5.1.1", "no such mailbox", None, &entry()).await.unwrap();
    let notice = bench.notice(20, &["x.example"], Priority::Normal).await;
    let step = bench.store.fan_out(notice, 7).await.unwrap().unwrap();
    assert_eq!((step.done, step.recipients), (7, 20));
    bench.fan_out_all().await;
    assert_eq!(bench.store.fan_out(notice, 7).await.unwrap(), None);
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Queued, 19), (DeliveryState::Suppressed, 1)]);
    assert!(bench.store.lift_suppression("email", "c3@x.example", &entry()).await.unwrap());
    assert!(bench.store.suppressions().await.unwrap().is_empty());
}

async fn outcomes_move_deliveries_and_end_the_notice(bench: Bench) {
    let notice = bench.notice(3, &["x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let process = bench.running().await;
    let claimed = bench.claim(process, 10).await;
    assert_eq!(claimed.len(), 3);
    assert!(bench.claim(process, 10).await.is_empty(), "what is claimed is not claimed again");
    let later = bench.clock.now().plus(Duration::from_secs(60));
    let outcomes = [
        sent(&claimed[0]),
        ended(&claimed[1], Move::Failed),
        ended(&claimed[2], Move::Retry { due_at: later }),
    ];
    assert!(bench.record(process, &outcomes).await.recorded.completed.is_empty());
    assert!(bench.claim(process, 10).await.is_empty(), "a deferred delivery waits");
    bench.clock.advance(Duration::from_secs(61));
    let again = bench.claim(process, 10).await;
    assert_eq!((again.len(), again[0].number), (1, 2));
    let done = bench.record(process, &[sent(&again[0])]).await;
    assert_eq!(done.recorded.completed, [notice]);
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Sent, 2), (DeliveryState::Failed, 1)]);
    assert_eq!(bench.state(notice).await, NoticeState::Completed);
    let detail = bench.store.delivery(again[0].delivery).await.unwrap().unwrap();
    let outcomes: Vec<&str> = detail.attempts.iter().map(|attempt| attempt.outcome.as_str()).collect();
    assert_eq!(outcomes, ["deferred", "accepted"]);
}

async fn a_dead_process_gives_its_claims_back(bench: Bench) {
    let notice = bench.notice(4, &["x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let dead = bench.running().await;
    assert_eq!(bench.claim(dead, 3).await.len(), 3);
    assert_eq!(
        bench.store.reclaim(AfterCrash::Resend).await.unwrap(),
        Reclaimed::default(),
        "its lease still stands"
    );
    bench.clock.advance(Duration::from_secs(11));
    let reclaimed = bench.store.reclaim(AfterCrash::Resend).await.unwrap();
    assert_eq!(reclaimed, Reclaimed { processes: 1, requeued: 3, unclear: 0 });
    let alive = bench.running().await;
    let claimed = bench.claim(alive, 10).await;
    assert_eq!(claimed.len(), 4);
    bench.record(alive, &claimed.iter().map(sent).collect::<Vec<_>>()).await;
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Sent, 4)]);
}

async fn after_a_crash_doubtful_deliveries_wait_for_a_person(bench: Bench) {
    let normal = bench.notice(2, &["x.example"], Priority::Normal).await;
    let urgent = bench.notice(2, &["x.example"], Priority::Urgent).await;
    bench.fan_out_all().await;
    let dead = bench.running().await;
    assert_eq!(bench.claim(dead, 10).await.len(), 4);
    bench.clock.advance(Duration::from_secs(11));
    bench.store.reclaim(AfterCrash::Ask).await.unwrap();
    assert_eq!(bench.counts(normal).await, [(DeliveryState::Unclear, 2)]);
    assert_eq!(
        bench.counts(urgent).await,
        [(DeliveryState::Queued, 2)],
        "an urgent notice is never held back"
    );
    assert_eq!(bench.state(normal).await, NoticeState::Completed, "unclear deliveries end a notice");
}

async fn a_claim_whose_answer_was_lost_goes_back(bench: Bench) {
    let notice = bench.notice(5, &["x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let process = bench.running().await;
    let known = bench.claim(process, 2).await;
    let unheard = bench.claim(process, 2).await;
    let held = [known[0].delivery, known[1].delivery];
    assert_eq!(bench.store.return_strays(process, &held).await.unwrap(), unheard.len());
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Queued, 3), (DeliveryState::Sending, 2)]);
    let again = bench.claim(process, 5).await;
    assert_eq!((again.len(), again[0].number), (3, 1), "no try was counted");
}

async fn a_lost_lease_claims_nothing(bench: Bench) {
    bench.notice(2, &["x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let process = bench.running().await;
    bench.clock.advance(Duration::from_secs(11));
    bench.store.reclaim(AfterCrash::Resend).await.unwrap();
    let cycled = bench.claim_with(process, &request(5)).await;
    assert!(cycled.lease_lost && cycled.claimed.is_empty());
}

async fn a_quota_is_shared(bench: Bench) {
    bench.notice(100, &["x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let (one, two) = (bench.running().await, bench.running().await);
    let limited = ClaimRequest {
        room: Room { deliveries: 50, rate: Some("10/s, burst 10".parse().unwrap()) },
        ..request(0)
    };
    assert_eq!(bench.claim_with(one, &limited).await.claimed.len(), 10);
    let second = bench.claim_with(two, &limited).await;
    assert!(second.claimed.is_empty(), "the other process took the burst");
    assert!(second.wake_in.is_some_and(|wait| wait <= Duration::from_millis(102)));
    bench.clock.advance(Duration::from_millis(700));
    assert_eq!(
        bench.claim_with(two, &limited).await.claimed.len(),
        4,
        "half a second after it begins to fill"
    );
}

async fn a_limited_destination_does_not_block_the_open_road(bench: Bench) {
    bench.notice(400, &["slow.example", "fast.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let process = bench.running().await;
    let limited =
        LaneRoom { destination: "slow.example".to_owned(), room: Room { deliveries: 0, rate: None } };
    let blocked = ClaimRequest { limited: vec![limited.clone()], ..request(50) };
    let mut fast = Vec::new();
    for _ in 0..20 {
        fast.extend(bench.claim_with(process, &blocked).await.claimed);
    }
    assert_eq!(fast.len(), 200);
    assert!(fast.iter().all(|claimed| &*claimed.destination == "fast.example"));
    let room = LaneRoom { room: Room { deliveries: 2, rate: None }, ..limited };
    let some = bench.claim_with(process, &ClaimRequest { limited: vec![room], ..request(50) }).await.claimed;
    assert_eq!(some.len(), 2, "a lane takes what it has room for");
    let mut rest = 0;
    for _ in 0..20 {
        rest += bench.claim(process, 50).await.len();
    }
    assert_eq!(rest, 198, "when it is limited no more, all of it goes");
    bench.store.forget_idle_lanes(Channel::Email).await.unwrap();
}

async fn a_late_answer_counts_whoever_holds_the_lease(bench: Bench) {
    let notice = bench.notice(2, &["x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let stalled = bench.running().await;
    let claimed = bench.claim(stalled, 2).await;
    bench.clock.advance(Duration::from_secs(11));
    bench.store.reclaim(AfterCrash::Resend).await.unwrap();
    bench.record(stalled, &[sent(&claimed[0])]).await;
    let other = bench.running().await;
    let taken = bench.claim(other, 5).await;
    assert_eq!(taken.len(), 1, "what turned out to be sent is not sent again");
    let later = bench.clock.now().plus(Duration::from_secs(60));
    bench.record(stalled, &[ended(&claimed[1], Move::Retry { due_at: later })]).await;
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Sending, 1), (DeliveryState::Sent, 1)]);
}
