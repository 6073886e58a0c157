//! A notice from its number to its end, and what people do to it on the way.

use super::*;

on_both_engines!(
    numbers_count_up_within_a_year,
    a_notice_is_submitted_and_released_in_one_step,
    a_paused_notice_lets_others_pass_and_resumes,
    cancelling_ends_what_waits_and_what_comes_back,
    what_runs_out_expires,
    what_may_have_left_never_ends_as_cancelled_or_expired,
);

async fn numbers_count_up_within_a_year(bench: Bench) {
    let first = bench.notice(1, &["x.example"], Priority::Normal).await;
    let second = bench.notice(1, &["x.example"], Priority::Normal).await;
    let number = async |id| bench.store.notice(id).await.unwrap().unwrap().number;
    assert_eq!((number(first).await.as_str(), number(second).await.as_str()), ("2026-0001", "2026-0002"));
    assert_eq!(bench.store.notice_id("2026-0002").await.unwrap(), Some(second));
    let notice = bench.store.notice(first).await.unwrap().unwrap();
    assert!(notice.exercise && notice.content == json!({"any": "thing"}));
}

async fn a_notice_is_submitted_and_released_in_one_step(bench: Bench) {
    let later = bench.clock.now().plus(Duration::from_secs(60));
    for (release, state) in [
        (Release::Now, NoticeState::Sending),
        (Release::At(later), NoticeState::Scheduled),
        (Release::ByAnother, NoticeState::Pending),
    ] {
        let new = bench.new_notice(NoticeId(bench.ids.next()), Priority::Normal);
        let submission = submission(new, Vec::new(), Vec::new(), release);
        let told = bench.store.submit(&submission, &entry()).await.unwrap().state;
        assert_eq!((told, bench.state(submission.notice.id).await), (state, state));
    }
}

async fn a_paused_notice_lets_others_pass_and_resumes(bench: Bench) {
    let paused = bench.notice(30, &["x.example"], Priority::Normal).await;
    let other = bench.notice(5, &["y.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    assert_eq!(
        bench.store.move_notice(paused, NoticeEvent::Pause, &entry()).await.unwrap(),
        NoticeState::Paused
    );
    let process = bench.running().await;
    let claimed = bench.claim(process, 10).await;
    assert_eq!(claimed.iter().filter(|claimed| claimed.notice == other).count(), 5);
    assert_eq!(claimed.len(), 5);
    bench.store.move_notice(paused, NoticeEvent::Resume, &entry()).await.unwrap();
    assert_eq!(bench.claim(process, 100).await.len(), 30);
}

async fn cancelling_ends_what_waits_and_what_comes_back(bench: Bench) {
    let notice = bench.notice(10, &["x.example"], Priority::Normal).await;
    bench.store.fan_out(notice, 6).await.unwrap();
    let process = bench.running().await;
    let claimed = bench.claim(process, 2).await;
    bench.store.move_notice(notice, NoticeEvent::Cancel, &entry()).await.unwrap();
    bench.fan_out_all().await;
    while bench.store.sweep().await.unwrap().is_some() {}
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Sending, 2), (DeliveryState::Cancelled, 8)]);
    let later = bench.clock.now().plus(Duration::from_secs(60));
    bench.record(process, &[sent(&claimed[0]), ended(&claimed[1], Move::Retry { due_at: later })]).await;
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Sent, 1), (DeliveryState::Cancelled, 9)]);
    assert_eq!(bench.state(notice).await, NoticeState::Cancelled);
}

async fn what_runs_out_expires(bench: Bench) {
    let notice = bench.notice(3, &["x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    bench.clock.advance(Duration::from_secs(3_600));
    let process = bench.running().await;
    assert!(bench.claim(process, 10).await.is_empty(), "nothing stale leaves");
    while bench.store.sweep().await.unwrap().is_some() {}
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Expired, 3)]);
    assert_eq!(bench.state(notice).await, NoticeState::Expired);
}

async fn what_may_have_left_never_ends_as_cancelled_or_expired(bench: Bench) {
    for cancelled in [true, false] {
        let notice = bench.notice(4, &["x.example"], Priority::Normal).await;
        bench.fan_out_all().await;
        let process = bench.running().await;
        let due_at = bench.clock.now().plus(Duration::from_secs(60));
        let claimed = bench.claim(process, 3).await;
        let hung_up = ended(&claimed[0], Move::Repeat { due_at });
        bench.record(process, &[hung_up, ended(&claimed[1], Move::Retry { due_at })]).await;
        // The third was being sent when its process died.
        bench.clock.advance(Duration::from_secs(11));
        bench.store.reclaim(AfterCrash::Resend).await.unwrap();
        assert_eq!(bench.counts(notice).await, [(DeliveryState::Queued, 4)]);
        let may_have_it = bench.store.reached_contacts(notice).await.unwrap();
        assert_eq!(may_have_it.len(), 2, "a correction goes to those, too");

        if cancelled {
            bench.store.move_notice(notice, NoticeEvent::Cancel, &entry()).await.unwrap();
        } else {
            bench.clock.advance(Duration::from_secs(3_600));
        }
        while bench.store.sweep().await.unwrap().is_some() {}
        let other = if cancelled { DeliveryState::Cancelled } else { DeliveryState::Expired };
        let mut counts = bench.counts(notice).await;
        counts.sort_by_key(|(state, _)| *state == DeliveryState::Unclear);
        assert_eq!(counts, [(other, 2), (DeliveryState::Unclear, 2)]);
    }
}
