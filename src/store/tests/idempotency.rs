//! Requests that are sent again under their key.

use crate::domain::actor::Actor;
use crate::domain::audit::{NewEntry, Subject};
use crate::store::{KeptAnswer, KeyedRequest, Reservation};

use super::*;

on_both_engines!(
    an_answer_is_given_again,
    a_request_in_progress_is_not_begun_again,
    what_changed_nothing_may_be_sent_again,
    what_died_with_its_process_is_known_by_its_effect,
    keys_are_forgotten_after_a_day,
);

fn request(content: &str, request: &str) -> KeyedRequest {
    KeyedRequest {
        actor: "shell:anna".to_owned(),
        key: "k-1".to_owned(),
        content: content.to_owned(),
        request: request.to_owned(),
    }
}

fn answer() -> KeptAnswer {
    KeptAnswer {
        status: 201,
        headers: vec![("location".to_owned(), "/x/1".to_owned())],
        body: Some("{}".to_owned()),
    }
}

async fn an_answer_is_given_again(bench: Bench) {
    let first = request("a", "r-1");
    assert_eq!(bench.store.reserve_key(&first).await.unwrap(), Reservation::First);
    bench.store.keep_answer(&first, &answer()).await.unwrap();
    let again = bench.store.reserve_key(&request("a", "r-2")).await.unwrap();
    assert_eq!(again, Reservation::Answered(answer()));
    assert_eq!(bench.store.reserve_key(&request("b", "r-3")).await.unwrap(), Reservation::OtherRequest);
    let berta = KeyedRequest { actor: "berta".to_owned(), ..request("b", "r-4") };
    assert_eq!(bench.store.reserve_key(&berta).await.unwrap(), Reservation::First, "her key is her own");
}

async fn a_request_in_progress_is_not_begun_again(bench: Bench) {
    assert_eq!(bench.store.reserve_key(&request("a", "r-1")).await.unwrap(), Reservation::First);
    assert_eq!(bench.store.reserve_key(&request("a", "r-2")).await.unwrap(), Reservation::InProgress);
}

async fn what_changed_nothing_may_be_sent_again(bench: Bench) {
    let first = request("a", "r-1");
    bench.store.reserve_key(&first).await.unwrap();
    bench.store.release_key(&first).await.unwrap();
    assert_eq!(bench.store.reserve_key(&request("b", "r-2")).await.unwrap(), Reservation::First);
}

/// What was changed is marked in the transaction that changed it, so that it is known whatever was answered.
async fn what_died_with_its_process_is_known_by_its_effect(bench: Bench) {
    let (with, without) =
        (request("a", "r-1"), KeyedRequest { key: "k-2".to_owned(), ..request("a", "r-2") });
    bench.store.reserve_key(&with).await.unwrap();
    bench.store.reserve_key(&without).await.unwrap();
    let anna = Actor { request: "r-1".to_owned(), ..Actor::shell("anna") };
    let entry = NewEntry::new(&anna, "notice.released", Subject::new("notice", "2026-0007"));
    bench.store.write_entry(&entry).await.unwrap();
    bench.store.release_key(&with).await.unwrap();
    assert_eq!(bench.store.reserve_key(&request("a", "r-3")).await.unwrap(), Reservation::InProgress);
    bench.clock.advance(Duration::from_secs(601));
    let lost = Reservation::AnswerLost("notice 2026-0007".to_owned());
    assert_eq!(bench.store.reserve_key(&request("a", "r-4")).await.unwrap(), lost);
    assert_eq!(bench.store.reserve_key(&without).await.unwrap(), Reservation::First, "nothing had been done");
    assert_eq!(
        bench.store.reserve_key(&without).await.unwrap(),
        Reservation::InProgress,
        "it is begun again once"
    );
}

async fn keys_are_forgotten_after_a_day(bench: Bench) {
    let first = request("a", "r-1");
    bench.store.reserve_key(&first).await.unwrap();
    bench.store.keep_answer(&first, &answer()).await.unwrap();
    bench.clock.advance(Duration::from_secs(24 * 3_600 + 1));
    assert_eq!(bench.store.reserve_key(&request("b", "r-2")).await.unwrap(), Reservation::First);
}
