//! Cascades and who people are to each other: shared addresses, deputies, and what somebody found out by telephone.

use super::*;

on_both_engines!(
    people_who_share_an_address_share_its_delivery_and_its_link,
    a_deputy_who_knows_already_is_not_told_again,
    blocked_and_dead_addresses_are_left_out_when_their_step_fires,
    who_has_no_way_of_its_own_has_its_deputy_told_at_once,
    what_a_person_found_out_counts_and_stops_what_waits,
    retrying_leaves_out_whom_another_way_has_reached,
    confirming_twice_gives_the_first_time,
);

async fn people_who_share_an_address_share_its_delivery_and_its_link(bench: Bench) {
    let cast: [Cast<'_>; 2] = [
        ("a", &["+491711111111", "Office@x.example"], None),
        ("b", &["+491712222222", "office@x.example"], None),
    ];
    let stage = Stage::new(bench, true, &cast, &["a", "b"]).await;
    stage.send_all().await;
    assert_eq!(stage.later().await, 1, "one delivery serves both");
    stage.send_all().await;
    let shared = stage.told().await.into_iter().find(|address| address.contains('@')).unwrap();
    stage.confirm(&shared).await;
    assert_eq!(stage.reached().await, ["a", "b"]);
    assert_eq!(stage.state().await, NoticeState::Completed);
}

async fn a_deputy_who_knows_already_is_not_told_again(bench: Bench) {
    let cast: [Cast<'_>; 2] =
        [("a", &["+491711111111"], Some("d")), ("d", &["+491712222222", "d@x.example"], None)];
    let stage = Stage::new(bench, true, &cast, &["a", "d"]).await;
    stage.send_all().await;
    stage.confirm("+491712222222").await;
    assert_eq!(stage.reached().await, ["d"], "the deputy confirms for itself first");
    assert_eq!(stage.later().await, 0);
    assert_eq!(stage.reached().await, ["a", "d"], "and stands in when it is needed");
    assert_eq!(stage.state().await, NoticeState::Completed);
}

async fn blocked_and_dead_addresses_are_left_out_when_their_step_fires(bench: Bench) {
    let addresses = ["+491711111111", "a@x.example", "a@down.example", "b@x.example"];
    let stage = Stage::new(bench, false, &[("a", &addresses, None)], &["a"]).await;
    stage.bench.store.suppress("email", "a@x.example", "5.1.1", "", None, &entry()).await.unwrap();
    let down = [("down.example".to_owned(), false)];
    stage.bench.store.take_domains_down(&down, "", "test", &|_| None, &entry()).await.unwrap();
    stage.send(|_| Move::Failed).await;
    assert_eq!(stage.cascade().await, 1);
    assert!(stage.told().await.contains("b@x.example"));
    let why = stage.why("a").await;
    assert_eq!(
        why[1..3],
        ["left out: the address is blocked (5.1.1)", "left out: nothing can arrive there now"]
    );
}

async fn who_has_no_way_of_its_own_has_its_deputy_told_at_once(bench: Bench) {
    let cast: [Cast<'_>; 3] =
        [("a", &[], Some("d")), ("b", &["b@x.example"], None), ("d", &["d@x.example"], None)];
    let stage = Stage::new(bench, false, &cast, &["a", "b"]).await;
    assert_eq!(stage.cascade().await, 1);
    stage.send_all().await;
    stage.cascade().await;
    assert_eq!(stage.reached().await, ["a", "b"]);
    assert_eq!(stage.why("a").await, ["no way of its own"]);
    assert_eq!(stage.state().await, NoticeState::Completed);
}

async fn what_a_person_found_out_counts_and_stops_what_waits(bench: Bench) {
    let cast: [Cast<'_>; 2] =
        [("a", &["+491711111111", "a@x.example"], None), ("b", &["+491711111111", "b@x.example"], None)];
    let stage = Stage::new(bench, true, &cast, &["a", "b"]).await;
    let store = &stage.bench.store;
    let by_hand = async |id: &str| {
        store
            .reached_by_hand(stage.notice, stage.keys[id], "phone", "spoke to Anna", "otto", &entry())
            .await
            .unwrap()
    };
    let first = by_hand("a").await;
    assert_eq!((first.before, first.cancelled, first.still_open), (None, 0, 1), "b shares what waits");
    assert_eq!(stage.reached().await, ["a"]);
    let again = by_hand("a").await;
    assert_eq!(
        again.before.map(|before| (before.by_what, before.note)),
        Some(("phone".into(), "spoke to Anna".into()))
    );
    assert_eq!(by_hand("b").await.cancelled, 1, "now nobody waits for it");
    assert_eq!(stage.deliveries().await, [("+491711111111".to_owned(), "cancelled".to_owned())]);
    assert_eq!(stage.state().await, NoticeState::Completed);
    assert_eq!(store.person_of_notice(stage.notice, "b").await.unwrap(), Some(stage.keys["b"]));
    assert_eq!(store.person_of_notice(stage.notice, "c").await.unwrap(), None);
}

async fn retrying_leaves_out_whom_another_way_has_reached(bench: Bench) {
    let cast: [Cast<'_>; 2] =
        [("a", &["+491711111111", "a@x.example"], None), ("b", &["+491712222222"], None)];
    let stage = Stage::new(bench, false, &cast, &["a", "b"]).await;
    stage.send(|_| Move::Failed).await;
    stage.cascade().await;
    stage.send_all().await;
    stage.cascade().await;
    assert_eq!((stage.reached().await, stage.state().await), (vec!["a".to_owned()], NoticeState::Completed));
    assert_eq!(stage.bench.retry(stage.notice).await.deliveries, 1, "b alone");
    stage.send_all().await;
    assert_eq!(stage.reached().await, ["a", "b"]);
}

async fn confirming_twice_gives_the_first_time(bench: Bench) {
    let stage = Stage::new(bench, true, &[("a", &["+491711111111"], None)], &["a"]).await;
    stage.send_all().await;
    let link = hash(stage.delivery_to("+491711111111").await);
    let store = &stage.bench.store;
    assert_eq!(
        store.acknowledgement(&link).await.unwrap().unwrap().acknowledged_at,
        None,
        "looking changes nothing"
    );
    let first = stage.confirm("+491711111111").await;
    stage.bench.clock.advance(Duration::from_secs(60));
    let again = store.acknowledge(&link).await.unwrap().unwrap();
    assert!(!again.is_first, "one call alone counts as the first");
    assert_eq!(again.page, first);
    assert_eq!(store.acknowledgement(&link).await.unwrap(), Some(first));
    assert_eq!(store.acknowledge(b"no such token").await.unwrap(), None);
    assert_eq!(store.acknowledgement(b"no such token").await.unwrap(), None);
}
