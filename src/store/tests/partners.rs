//! Partners: from where they are told, who calls them, and what is written down afterwards.

use uuid::Uuid;

use crate::domain::partner::{EventKind, Interest, Topic};

use super::*;

on_both_engines!(
    a_partner_is_told_from_here_on_and_by_one_process_at_a_time,
    what_an_old_lease_has_shown_is_not_written,
    whoever_is_called_by_somebody_else_meanwhile_is_called_as_they_stand_then,
    who_is_told_again_is_told_all_that_they_have_not_had,
    events_are_made_once_and_let_go_of,
);

fn new(name: &str) -> NewPartner {
    NewPartner {
        name: name.to_owned(),
        url: "https://hooks.example/x".to_owned(),
        secret: "sealed".to_owned(),
        interest: Interest {
            topics: Topic::ALL.into(),
            visibility: Visibility::Partner,
            groups: Some(["schools".to_owned()].into()),
        },
        created_by: "shell:test".to_owned(),
    }
}

fn event(sequence: i64) -> PartnerEvent {
    PartnerEvent {
        sequence,
        id: Uuid::from_u128(u128::try_from(sequence).unwrap()),
        at: START,
        kind: EventKind::ServiceUpdated,
        visibility: Visibility::Public,
        groups: vec!["schools".to_owned()],
        body: "{}".to_owned(),
    }
}

fn told(partner: &Partner, position: i64) -> Told {
    Told {
        position,
        attempts: 0,
        due_at: Timestamp(0),
        failing_since: None,
        last_code: "204".to_owned(),
        last_text: "204 No Content".to_owned(),
        told_at: Some(START),
        switched_off_at: partner.told.switched_off_at,
    }
}

impl Bench {
    /// One partner, and so many events that it has not been told.
    async fn behind(&self, events: i64) -> i64 {
        self.store.add_partner(&new("stadtwerke"), &entry()).await.unwrap();
        let made = self.store.partner_events_made().await.unwrap().unwrap();
        for _ in 0..events {
            self.store.write_entry(&entry()).await.unwrap();
        }
        let events: Vec<PartnerEvent> = (1..=events).map(|n| event(made + n)).collect();
        self.store.keep_partner_events(made, made + 100, &events, Timestamp(0)).await.unwrap();
        made
    }

    fn later(&self, seconds: u64) -> Timestamp {
        self.clock.now().plus(Duration::from_secs(seconds))
    }
}

async fn a_partner_is_told_from_here_on_and_by_one_process_at_a_time(bench: Bench) {
    let store = &bench.store;
    assert_eq!(store.partner_events_made().await.unwrap(), None, "there is nobody to be told");
    for _ in 0..3 {
        store.write_entry(&entry()).await.unwrap();
    }
    let made = bench.behind(2).await;
    assert_eq!(made, store.partners().await.unwrap()[0].told.position, "what was before is not told");
    assert!(matches!(store.add_partner(&new("stadtwerke"), &entry()).await, Err(StoreError::Conflict(_))));

    let until = bench.later(60);
    let claimed = store.claim_partners(until, 10).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].interest, new("stadtwerke").interest);
    assert!(store.claim_partners(until, 10).await.unwrap().is_empty(), "one process calls it");
    let events = store.partner_events(made, 10).await.unwrap();
    assert_eq!(events, [event(made + 1), event(made + 2)]);
    assert!(store.partner_told("stadtwerke", until, &told(&claimed[0], made + 1), None, None).await.unwrap());
    assert_eq!(store.partner_events_left(made + 1).await.unwrap(), 1);
    let again = store.claim_partners(until, 10).await.unwrap();
    assert_eq!((again[0].told.position, again[0].told.told_at), (made + 1, Some(START)));
    assert!(store.partner_told("stadtwerke", until, &told(&again[0], made + 2), None, None).await.unwrap());
    assert!(store.claim_partners(until, 10).await.unwrap().is_empty(), "it has been told everything");

    assert!(store.rewind_partner("stadtwerke", START, &entry()).await.unwrap());
    assert_eq!(store.claim_partners(until, 10).await.unwrap()[0].told.position, made);
    assert!(!store.rewind_partner("nobody", START, &entry()).await.unwrap());
    assert!(store.remove_partner("stadtwerke", &entry()).await.unwrap());
    assert!(!store.remove_partner("stadtwerke", &entry()).await.unwrap());
}

async fn what_an_old_lease_has_shown_is_not_written(bench: Bench) {
    let made = bench.behind(1).await;
    let store = &bench.store;
    let first = bench.later(5);
    let slow = store.claim_partners(first, 10).await.unwrap().remove(0);
    bench.clock.advance(Duration::from_secs(10));
    let second = bench.later(5);
    let quick = store.claim_partners(second, 10).await.unwrap().remove(0);
    assert!(!store.partner_told("stadtwerke", first, &told(&slow, made + 1), None, None).await.unwrap());
    let off = Told { switched_off_at: Some(START), ..told(&quick, made) };
    assert!(store.partner_told("stadtwerke", second, &off, Some(&entry()), None).await.unwrap());
    assert!(store.claim_partners(second, 10).await.unwrap().is_empty(), "it is switched off");
    assert!(store.rewind_partner("stadtwerke", START, &entry()).await.unwrap());
    assert_eq!(store.claim_partners(bench.later(5), 10).await.unwrap().len(), 1);
}

async fn whoever_is_called_by_somebody_else_meanwhile_is_called_as_they_stand_then(bench: Bench) {
    let made = bench.behind(3).await;
    let (store, until) = (&bench.store, bench.later(60));
    // Two processes have seen that it is due; the other was quicker, and has told it one event.
    let quick = store.claim_partners(until, 10).await.unwrap().remove(0);
    assert!(store.partner_told("stadtwerke", until, &told(&quick, made + 1), None, None).await.unwrap());
    let slow = store.lease_partner("stadtwerke", until).await.unwrap().unwrap();
    assert_eq!(slow.told.position, made + 1, "that event is not told once more");
    let deferred = Told { due_at: bench.later(30), ..told(&slow, made + 1) };
    assert!(store.partner_told("stadtwerke", until, &deferred, None, None).await.unwrap());
    assert_eq!(store.lease_partner("stadtwerke", until).await.unwrap(), None, "its pause is kept");
}

async fn who_is_told_again_is_told_all_that_they_have_not_had(bench: Bench) {
    let made = bench.behind(0).await;
    let store = &bench.store;
    let events = [event(made + 1), PartnerEvent { at: bench.later(3_600), ..event(made + 2) }];
    store.keep_partner_events(made + 100, made + 101, &events, Timestamp(0)).await.unwrap();
    assert!(store.rewind_partner("stadtwerke", bench.later(1_800), &entry()).await.unwrap());
    assert_eq!(store.partners().await.unwrap()[0].told.position, made, "the first was never told");
}

async fn events_are_made_once_and_let_go_of(bench: Bench) {
    let made = bench.behind(2).await;
    let store = &bench.store;
    // Another process was slower: its events are the same, and are not kept twice.
    store.keep_partner_events(made, made + 200, &[event(made + 3)], Timestamp(0)).await.unwrap();
    assert_eq!(store.partner_events_made().await.unwrap(), Some(made + 100));
    assert_eq!(store.partner_events(0, 10).await.unwrap().len(), 2);
    store.keep_partner_events(made + 100, made + 101, &[], START.plus(Duration::from_secs(1))).await.unwrap();
    assert!(store.partner_events(0, 10).await.unwrap().is_empty());
}
