//! Deleting what has been kept for its time, and holding it: the figures and the log stay as they are.

use super::*;
use crate::domain::retention::{DataKind, HoldScope};

on_both_engines!(
    what_has_been_kept_for_its_time_goes_and_the_figures_stay,
    a_notice_goes_in_the_end_and_the_log_stays_whole,
    a_hold_keeps_a_notice_and_what_is_unclear_is_not_touched,
    a_prune_removes_nobody_whom_a_hold_keeps,
    a_hold_that_is_set_meanwhile_counts,
    two_processes_let_go_of_the_same_thing_once,
    nothing_that_was_decided_about_a_notice_outlives_it,
);

/// Lets go of everything of `kind` that is due now; says of how many notices.
async fn retain(bench: &Bench, kind: DataKind) -> usize {
    let mut notices = 0;
    for due in bench.store.due_for(kind, bench.clock.now(), 100).await.unwrap() {
        let mut left = Some(due);
        while let Some(due) = left {
            left = bench.store.retain_less(kind, &due, &entry("retention.applied")).await.unwrap();
        }
        notices += 1;
    }
    notices
}

async fn what_has_been_kept_for_its_time_goes_and_the_figures_stay(bench: Bench) {
    let known = with_quast(&bench).await;
    let notice = notice_to_both(&bench, &known).await;
    deliver(&bench, "max-q").await;
    bench.clock.advance(Duration::from_secs(5));
    bench
        .store
        .reached_by_hand(
            notice,
            key(&known, "max-q"),
            "phone",
            "rief zurück",
            "anna",
            &entry("notice.reached"),
        )
        .await
        .unwrap();
    let counts = bench.counts(notice).await;
    let early = bench.store.notices().await.unwrap()[0].completed_at.unwrap().minus(Duration::from_millis(1));
    assert_eq!(bench.store.due_for(DataKind::Deliveries, early, 10).await.unwrap(), [], "it is not time yet");
    for kind in [DataKind::Acknowledgements, DataKind::Deliveries, DataKind::Receipts] {
        assert_eq!(retain(&bench, kind).await, 1, "{kind}");
        assert_eq!(retain(&bench, kind).await, 0, "{kind} is done once");
    }
    assert_eq!(bench.counts(notice).await, counts);
    let people = bench.store.notice_people(notice).await.unwrap();
    assert_eq!(people.len(), 2);
    assert!(people.iter().all(|person| person.person.name.is_empty()));
    let confirmed = people.iter().find_map(|person| person.acknowledged.clone()).unwrap();
    assert_eq!(Some(confirmed.at), bench.store.notices().await.unwrap()[0].completed_at);
    assert_eq!((confirmed.note.as_str(), confirmed.recorded_by.as_str()), ("", ""));
    // What is left are the contacts themselves, and the address that is blocked.
    let places = traces(&bench, &NEEDLES).await;
    let left = ["contacts.", "contact_points.", "suppressions."];
    let lost: Vec<_> =
        places.iter().filter(|place| !left.iter().any(|table| place.starts_with(table))).collect();
    assert!(lost.is_empty(), "{lost:#?}");
    assert_eq!(bench.retry(notice).await.deliveries, 0);
    assert_eq!(entries_of(&bench, "retention.applied").await, 3);
}

async fn a_notice_goes_in_the_end_and_the_log_stays_whole(bench: Bench) {
    let notice = bench.notice(5_000, &["x.example"], Priority::Normal).await;
    let process = bench.running().await;
    while bench.store.fan_out(notice, 5_000).await.unwrap().is_some() {}
    let claimed = bench.claim(process, 5_000).await;
    bench.record(process, &claimed.iter().map(sent).collect::<Vec<_>>()).await;
    let kept = bench.notice(1, &["y.example"], Priority::Normal).await;
    assert_eq!(retain(&bench, DataKind::Notices).await, 1, "what has not ended stays");
    let left: Vec<NoticeId> =
        bench.store.notices().await.unwrap().into_iter().map(|notice| notice.id).collect();
    assert_eq!(left, [kept]);
    let rows = bench.store.deliveries(&DeliveryFilter::default(), None, 10_000).await.unwrap();
    assert_eq!(rows.len(), 0);
    assert_eq!(entries_of(&bench, "retention.applied").await, 1);
}

async fn a_hold_keeps_a_notice_and_what_is_unclear_is_not_touched(bench: Bench) {
    let unclear = bench.notice(2, &["x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let dead = bench.running().await;
    assert_eq!(bench.claim(dead, 10).await.len(), 2);
    bench.clock.advance(Duration::from_secs(11));
    bench.store.reclaim(AfterCrash::Ask).await.unwrap();
    assert_eq!(bench.state(unclear).await, NoticeState::Completed);
    assert_eq!(retain(&bench, DataKind::Deliveries).await, 0, "somebody still has to decide");

    let held = bench.notice(1, &["x.example"], Priority::Normal).await;
    deliver(&bench, "").await;
    let number = bench.store.notice_summary(held).await.unwrap().unwrap().number;
    let scope = HoldScope::Notice(number);
    bench.store.set_hold(&scope, "Ermittlungen", "anna", &entry("hold.set")).await.unwrap();
    assert_eq!(retain(&bench, DataKind::Deliveries).await, 0);
    bench.store.lift_hold(&scope, &entry("hold.lifted")).await.unwrap();
    assert_eq!(retain(&bench, DataKind::Deliveries).await, 1);
}

async fn a_hold_that_is_set_meanwhile_counts(bench: Bench) {
    let notice = bench.notice(1, &["x.example"], Priority::Normal).await;
    deliver(&bench, "").await;
    let due = bench.store.due_for(DataKind::Notices, bench.clock.now(), 10).await.unwrap().remove(0);
    bench.store.set_hold(&HoldScope::Everything, "Ermittlungen", "anna", &entry("hold.set")).await.unwrap();
    let left = bench.store.retain_less(DataKind::Notices, &due, &entry("retention.applied")).await.unwrap();
    assert_eq!(left, None);
    assert!(bench.store.notice_summary(notice).await.unwrap().is_some(), "it is held");
    assert_eq!(entries_of(&bench, "retention.applied").await, 0, "nothing was done, and nothing is said");
}

async fn two_processes_let_go_of_the_same_thing_once(bench: Bench) {
    bench.notice(3, &["x.example"], Priority::Normal).await;
    deliver(&bench, "").await;
    let due = bench.store.due_for(DataKind::Deliveries, bench.clock.now(), 10).await.unwrap().remove(0);
    for _ in 0..2 {
        let left =
            bench.store.retain_less(DataKind::Deliveries, &due, &entry("retention.applied")).await.unwrap();
        assert_eq!(left, None);
    }
    assert_eq!(entries_of(&bench, "retention.applied").await, 1);
}

async fn nothing_that_was_decided_about_a_notice_outlives_it(bench: Bench) {
    let notice = bench.notice(1, &["x.example"], Priority::Normal).await;
    deliver(&bench, "").await;
    let insert =
        "INSERT INTO notice_decisions (notice_id, decision, kind, hash, decided_by, decided_at, reason, note)
                  VALUES ($1, 1, 'approved', '00', 'anna', 0, '', 'Quast rief an')";
    match &bench.store.db {
        Db::Sqlite { write, .. } => sqlx::query(insert).bind(notice.0).execute(write).await.map(|_| ()),
        Db::Postgres { pool, .. } => sqlx::query(insert).bind(notice.0).execute(pool).await.map(|_| ()),
    }
    .unwrap();
    assert_eq!(retain(&bench, DataKind::Notices).await, 1);
    assert_eq!(traces(&bench, &["Quast"]).await, Vec::<String>::new());
}

async fn a_prune_removes_nobody_whom_a_hold_keeps(bench: Bench) {
    let free = bench.notice(1, &["x.example"], Priority::Normal).await;
    let held = bench.notice(2, &["x.example"], Priority::Normal).await;
    let number = bench.store.notice_summary(held).await.unwrap().unwrap().number;
    let scope = HoldScope::Notice(number);
    bench.store.set_hold(&scope, "Ermittlungen", "anna", &entry("hold.set")).await.unwrap();
    let before = bench.store.contacts().await.unwrap();
    let of = |notice: NoticeId| notice.0.simple().to_string();
    let nobody = book(vec![contact("new", "new@x.example", &["all"])]);
    let log = bench.store.audit_head().await.unwrap().sequence;
    for done in [
        bench.store.preview_import(&nobody, &bench.ids, true).await,
        bench.store.import_contacts(&nobody, &bench.ids, true, &entry("contacts.imported")).await,
    ] {
        let refused = done.unwrap_err().to_string();
        assert!(refused.contains("Ermittlungen") && refused.contains("retention lift"), "{refused}");
        assert_eq!(refused.matches(&of(held)).count(), 2, "both are named: {refused}");
        assert!(!refused.contains(&of(free)), "{refused}");
    }
    assert_eq!(bench.store.contacts().await.unwrap(), before, "nothing was imported either");
    assert_eq!(bench.store.audit_head().await.unwrap().sequence, log);
    let without = bench.store.import_contacts(&nobody, &bench.ids, false, &entry("contacts.imported")).await;
    assert_eq!(without.unwrap().missing.len(), 3, "without --prune they stay");
    bench.store.lift_hold(&scope, &entry("hold.lifted")).await.unwrap();
    let done = bench.store.import_contacts(&nobody, &bench.ids, true, &entry("contacts.imported")).await;
    assert_eq!(done.unwrap().removed.len(), 3);
}
