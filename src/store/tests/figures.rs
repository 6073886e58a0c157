//! Figures of a notice that are kept in memory: they are those that a new count would give, whoever changes what.

use super::*;
use crate::store::{GroupShare, Share};

on_both_engines!(
    figures_follow_every_change_by_whichever_process,
    while_it_changes_a_second_old_figure_says_so,
    two_changes_that_leave_the_counters_alone_are_seen,
    whoever_was_told_some_way_is_not_silenced,
);

/// A released notice to `count` people, each a contact with one address.
async fn stage(bench: &Bench, count: usize) -> NoticeId {
    let id = NoticeId(bench.ids.next());
    let contacts = (0..count).map(|n| contact(&format!("c{n}"), &format!("c{n}@x.example"), &["all"]));
    bench.store.import_contacts(&book(contacts.collect()), &bench.ids, false, &entry()).await.unwrap();
    let known = bench.store.contacts().await.unwrap();
    let recipients = known.iter().map(|known| recipient(bench, known, Channel::Email)).collect();
    let mut new = bench.new_notice(id, Priority::Normal);
    new.following.people = known.iter().map(person).map(Into::into).collect();
    bench.store.submit(&submission(new, recipients, Vec::new(), Release::Now), &entry()).await.unwrap();
    bench.fan_out_all().await;
    id
}

fn recipient(bench: &Bench, known: &KnownContact, channel: Channel) -> Recipient {
    let address = match channel {
        Channel::Email => known.contact.points[0].address.as_str().to_owned(),
        Channel::Sms | Channel::Webhook => format!("{channel} of {}", known.contact.id),
    };
    Recipient {
        delivery: DeliveryId(bench.ids.next()),
        channel,
        contact: known.key,
        card: known.contact.card().into(),
        address,
        destination: "x.example".to_owned(),
        units: 1,
    }
}

fn person(known: &KnownContact) -> Person {
    Person {
        contact: known.key,
        id: known.contact.id.clone(),
        name: known.contact.name.clone(),
        organisation: String::new(),
        group: "all".to_owned(),
        deputy: None,
    }
}

async fn figures(bench: &Bench, store: &Store, notice: NoticeId) -> NoticeFigures {
    let summary = bench.store.notice_summary(notice).await.unwrap().unwrap();
    store.notice_figures(&summary).await.unwrap()
}

async fn reached(bench: &Bench, store: &Store, notice: NoticeId) -> usize {
    figures(bench, store, notice).await.shares.people.reached
}

/// Time goes by, so that nothing that was counted before still serves.
fn a_second_passes(bench: &Bench) {
    bench.clock.advance(Duration::from_secs(1));
}

async fn figures_follow_every_change_by_whichever_process(bench: Bench) {
    let notice = stage(&bench, 4).await;
    // Another process: it has its own memory.
    let other = Store { figures: super::super::figures::Kept::default(), ..bench.store.clone() };
    assert_eq!(figures(&bench, &other, notice).await.shares.people.total, 4);
    assert_eq!(reached(&bench, &other, notice).await, 0);

    let process = bench.running().await;
    let claimed = bench.claim(process, 2).await;
    bench.record(process, &[sent(&claimed[0]), sent(&claimed[1])]).await;
    a_second_passes(&bench);
    assert_eq!(reached(&bench, &other, notice).await, 2);

    let missing = bench.store.contacts().await.unwrap();
    let gone: Vec<_> = claimed.iter().map(|claimed| claimed.card.id.clone()).collect();
    let missing = missing.iter().find(|known| !gone.contains(&known.contact.id)).unwrap().key;
    bench.store.reached_by_hand(notice, missing, "phone", "", "anna", &entry()).await.unwrap();
    a_second_passes(&bench);
    assert_eq!(reached(&bench, &other, notice).await, 3, "somebody was called");
    let same = figures(&bench, &other, notice).await;
    a_second_passes(&bench);
    let later = figures(&bench, &other, notice).await;
    assert_eq!(later.shares, same.shares);
    let share = Share { total: 4, reached: 3 };
    assert_eq!(
        later.shares.groups,
        [GroupShare { group: "all".to_owned(), organisations: share, people: share }]
    );
    assert_eq!(later.shares.organisations, share, "whoever has no organisation counts as one");
    assert_eq!(later.as_of, bench.clock.now(), "what has not changed is as of now");
}

async fn while_it_changes_a_second_old_figure_says_so(bench: Bench) {
    let notice = stage(&bench, 4).await;
    let before = bench.clock.now();
    assert_eq!(reached(&bench, &bench.store, notice).await, 0);
    let process = bench.running().await;
    let claimed = bench.claim(process, 1).await;
    bench.record(process, &[sent(&claimed[0])]).await;
    bench.clock.advance(Duration::from_millis(999));
    let kept = figures(&bench, &bench.store, notice).await;
    assert_eq!((kept.shares.people.reached, kept.as_of), (0, before));
    bench.clock.advance(Duration::from_millis(1));
    let counted = figures(&bench, &bench.store, notice).await;
    assert_eq!((counted.shares.people.reached, counted.as_of), (1, bench.clock.now()));
}

async fn two_changes_that_leave_the_counters_alone_are_seen(bench: Bench) {
    let notice = stage(&bench, 2).await;
    let process = bench.running().await;
    let claimed = bench.claim(process, 1).await;
    a_second_passes(&bench);
    assert_eq!(reached(&bench, &bench.store, notice).await, 0);
    // One is put back and the other claimed, in one transaction: as many are queued and sending as before.
    let counts = bench.counts(notice).await;
    let moved = Move::Retry { due_at: bench.clock.now().plus(Duration::from_secs(60)) };
    let outcomes = [ended(&claimed[0], moved)];
    let cycled = bench.store.cycle(process, None, &outcomes, Some(&request(1))).await.unwrap();
    assert_eq!((cycled.claimed.len(), bench.counts(notice).await), (1, counts));
    let summary = bench.store.notice_summary(notice).await.unwrap().unwrap();
    bench.clock.advance(Duration::from_millis(500));
    let kept = bench.store.notice_figures(&summary).await.unwrap();
    assert_ne!(kept.as_of, bench.clock.now(), "it was noticed");
}

async fn whoever_was_told_some_way_is_not_silenced(bench: Bench) {
    let id = NoticeId(bench.ids.next());
    let contacts = vec![contact("a", "a@x.example", &["all"]), contact("b", "b@x.example", &["all"])];
    bench.store.import_contacts(&book(contacts), &bench.ids, false, &entry()).await.unwrap();
    let known = bench.store.contacts().await.unwrap();
    for known in &known {
        let address = known.contact.points[0].address.as_str();
        bench.store.suppress("email", address, "5.1.1", "", None, &entry()).await.unwrap();
    }
    let mut recipients: Vec<Recipient> =
        known.iter().map(|known| recipient(&bench, known, Channel::Email)).collect();
    recipients.push(recipient(&bench, &known[1], Channel::Sms));
    let mut new = bench.new_notice(id, Priority::Normal);
    new.following.people = known.iter().map(person).map(Into::into).collect();
    bench.store.submit(&submission(new, recipients, Vec::new(), Release::Now), &entry()).await.unwrap();
    bench.fan_out_all().await;
    let silenced = figures(&bench, &bench.store, id).await.silenced;
    assert_eq!(silenced.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["a"]);
}
