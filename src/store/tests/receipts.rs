//! Receipts: in whatever order they come, and however often.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::*;
use crate::domain::outcome::Fault;
use crate::domain::receipt::{CallbackVerdict, Receipt, ReceiptKind};

on_both_engines!(
    what_arrived_lifts_what_its_failure_suppressed,
    an_address_that_fails_again_after_its_suppression_ended_is_suppressed_again,
    an_expired_notice_of_which_something_arrived_is_completed,
    a_delivery_is_found_by_the_name_that_its_provider_gave_it,
    a_receipt_before_a_crash_is_not_taken_back,
    a_receipt_for_what_waits_for_its_next_try_ends_it,
    what_is_given_back_to_a_cancelled_notice_ends,
);

mod believed;

const ADDRESS: &str = "c0@x.example";

/// Something that is learnt about a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
enum News {
    /// How the try of its round ended.
    Ended(Move, Option<Fault>),
    /// What was reported: round, source, kind, code.
    Reported(i64, &'static str, ReceiptKind, &'static str),
}

/// Everything that must not depend on the order.
#[derive(Debug, PartialEq, Eq)]
struct End {
    state: String,
    round: i64,
    attempts: i64,
    provider_ref: Option<String>,
    has_reason: bool,
    notice: NoticeState,
    counts: Vec<(DeliveryState, i64)>,
    suppressed: BTreeSet<String>,
    tries: usize,
    receipts: BTreeSet<(i64, String, String, String)>,
}

fn moves() -> impl Strategy<Value = News> {
    let due_at = START.plus(Duration::from_secs(60));
    prop_oneof![
        Just(News::Ended(Move::Sent { reference: None }, None)),
        Just(News::Ended(Move::Sent { reference: Some("ref-1".to_owned()) }, None)),
        Just(News::Ended(Move::Retry { due_at }, None)),
        Just(News::Ended(Move::Failed, Some(Fault::Address))),
        Just(News::Ended(Move::Failed, Some(Fault::Recipient))),
        Just(News::Ended(Move::Unclear, None)),
    ]
}

fn reports() -> impl Strategy<Value = News> {
    let kinds = prop_oneof![
        Just(ReceiptKind::Delivered),
        Just(ReceiptKind::Underway),
        Just(ReceiptKind::Failed(Fault::Address)),
        Just(ReceiptKind::Failed(Fault::Recipient)),
        Just(ReceiptKind::Failed(Fault::Policy)),
    ];
    (1_i64..=2, prop_oneof![Just("kannel"), Just("seven")], kinds).prop_map(|(round, source, kind)| {
        let code = match kind {
            ReceiptKind::Failed(Fault::Address) => "address",
            ReceiptKind::Failed(Fault::Recipient) => "recipient",
            ReceiptKind::Failed(Fault::Policy) => "policy",
            ReceiptKind::Delivered | ReceiptKind::Underway => "",
        };
        News::Reported(round, source, kind, code)
    })
}

/// The round that is being sent, the news as they might come, and the same in another order with repetitions.
fn stories() -> impl Strategy<Value = (i64, Vec<News>, Vec<News>)> {
    (1_i64..=2, moves(), proptest::collection::vec(reports(), 0..6)).prop_flat_map(
        |(round, moved, mut news)| {
            news.insert(0, moved);
            let again = proptest::collection::vec(0..news.len(), 0..4);
            let first = news.clone();
            (Just(round), Just(first), again).prop_flat_map(|(round, first, again)| {
                let repeated = again.iter().map(|place| first[*place].clone());
                let all: Vec<News> = first.iter().cloned().chain(repeated).collect();
                (Just(round), Just(first), Just(all).prop_shuffle())
            })
        },
    )
}

fn attempted(claimed: &Claimed, moved: &Move, fault: Option<Fault>) -> Attempted {
    let until = START.plus(Duration::from_secs(30 * 86_400));
    Attempted {
        suppress_until: (fault == Some(Fault::Address)).then_some(until),
        ..ended(claimed, moved.clone())
    }
}

fn receipt(delivery: DeliveryId, round: i64, source: &str, kind: ReceiptKind, code: &str) -> Receipt {
    let (source, reason) = (source.to_owned(), Reason::new(code, "said so"));
    Receipt { delivery, round, source, kind, reason }
}

impl Bench {
    async fn receive(&self, receipt: Receipt) -> CallbackVerdict {
        self.store.receive(&[receipt], &|| self.ids.next()).await.unwrap()[0]
    }

    /// One delivery that is being sent in its first round.
    async fn sending(&self) -> (NoticeId, ProcessId, Claimed) {
        let notice = self.notice(1, &["x.example"], Priority::Normal).await;
        self.fan_out_all().await;
        let process = self.running().await;
        let claimed = self.claim(process, 1).await.remove(0);
        (notice, process, claimed)
    }

    async fn row(&self, delivery: DeliveryId) -> DeliveryRow {
        self.store.delivery(delivery).await.unwrap().unwrap().delivery
    }

    async fn blocked(&self) -> BTreeSet<String> {
        self.store.suppressions().await.unwrap().into_iter().map(|row| row.address).collect()
    }

    /// Where a delivery that is being sent in `round` stands after all of `news`.
    async fn end_of(&self, round: i64, news: &[News]) -> End {
        let (notice, process, mut claimed) = self.sending().await;
        if round == 2 {
            self.record(process, &[ended(&claimed, Move::Failed)]).await;
            self.retry(notice).await;
            claimed = self.claim(process, 1).await.remove(0);
        }
        for one in news {
            match one {
                News::Ended(moved, fault) => {
                    self.record(process, &[attempted(&claimed, moved, *fault)]).await;
                }
                News::Reported(round, source, kind, code) => {
                    self.receive(receipt(claimed.delivery, *round, source, *kind, code)).await;
                }
            }
            self.counts(notice).await;
        }
        let detail = self.store.delivery(claimed.delivery).await.unwrap().unwrap();
        let receipts = self.store.receipts(claimed.delivery).await.unwrap();
        let row = detail.delivery;
        let end = End {
            has_reason: row.reason_code.is_some(),
            state: row.state,
            round: row.round,
            attempts: row.attempts,
            provider_ref: row.provider_ref,
            notice: self.state(notice).await,
            counts: self.counts(notice).await,
            suppressed: self.blocked().await,
            tries: detail.attempts.len(),
            receipts: receipts.into_iter().map(|row| (row.round, row.source, row.kind, row.code)).collect(),
        };
        // The next story begins with a clean sheet.
        for address in &end.suppressed {
            assert!(self.store.lift_suppression("email", address, &entry()).await.unwrap());
        }
        end
    }

    async fn compare(&self, round: i64, plain: &[News], shuffled: &[News]) {
        let mut ends = [self.end_of(round, plain).await, self.end_of(round, shuffled).await];
        // Every story has an address of its own; whether it is suppressed is what counts.
        for end in &mut ends {
            end.suppressed = end.suppressed.iter().map(|_| "suppressed".to_owned()).collect();
        }
        assert_eq!(ends[0], ends[1], "{plain:?} and {shuffled:?} end differently");
    }
}

fn in_any_order(cases: u32, bench: impl AsyncFn() -> Bench) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bench = runtime.block_on(bench());
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let checked = TestRunner::new(config).run(&stories(), |(round, plain, shuffled)| {
        runtime.block_on(bench.compare(round, &plain, &shuffled));
        Ok(())
    });
    checked.unwrap();
    if !bench.store.is_embedded() {
        runtime.block_on(the_queue_is_what_is_queued(&bench.store.db));
    }
}

#[test]
fn receipts_in_any_order_and_repetition_end_in_the_same_state_on_sqlite() {
    in_any_order(96, sqlite_bench);
}

#[test]
fn receipts_in_any_order_and_repetition_end_in_the_same_state_on_postgres() {
    in_any_order(12, postgres_bench);
}

async fn what_arrived_lifts_what_its_failure_suppressed(bench: Bench) {
    let (notice, process, claimed) = bench.sending().await;
    bench.record(process, &[sent(&claimed)]).await;
    let say = |kind, code: &'static str| receipt(claimed.delivery, 1, "kannel", kind, code);
    bench.receive(say(ReceiptKind::Failed(Fault::Address), "16")).await;
    assert_eq!(bench.blocked().await, [ADDRESS.to_owned()].into());
    bench.receive(say(ReceiptKind::Delivered, "1")).await;
    assert!(bench.blocked().await.is_empty(), "the address exists");
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Delivered, 1)]);

    bench.store.suppress("email", ADDRESS, "manual", "by hand", None, &entry()).await.unwrap();
    bench.receive(say(ReceiptKind::Delivered, "another")).await;
    assert_eq!(bench.blocked().await.len(), 1, "what a person said stays");
}

async fn an_address_that_fails_again_after_its_suppression_ended_is_suppressed_again(bench: Bench) {
    let soon = bench.clock.now().plus(Duration::from_secs(5));
    bench.store.suppress("email", ADDRESS, "5.1.1", "once", Some(soon), &entry()).await.unwrap();
    bench.clock.advance(Duration::from_secs(6));
    let (_, process, claimed) = bench.sending().await;
    bench.record(process, &[attempted(&claimed, &Move::Failed, Some(Fault::Address))]).await;
    assert_eq!(bench.blocked().await, [ADDRESS.to_owned()].into(), "by the answer");

    bench.store.suppress("email", ADDRESS, "5.1.1", "once", Some(bench.clock.now()), &entry()).await.unwrap();
    assert!(bench.blocked().await.is_empty());
    bench.receive(receipt(claimed.delivery, 1, "bounce", ReceiptKind::Failed(Fault::Address), "5.1.1")).await;
    assert_eq!(bench.blocked().await, [ADDRESS.to_owned()].into(), "by a bounce");
}

async fn an_expired_notice_of_which_something_arrived_is_completed(bench: Bench) {
    let (notice, process, claimed) = bench.sending().await;
    bench.record(process, &[ended(&claimed, Move::Expired)]).await;
    assert_eq!(bench.state(notice).await, NoticeState::Expired);
    bench.receive(receipt(claimed.delivery, 1, "kannel", ReceiptKind::Delivered, "1")).await;
    assert_eq!(bench.state(notice).await, NoticeState::Completed, "expired means that nothing was sent");
}

async fn a_receipt_before_a_crash_is_not_taken_back(bench: Bench) {
    let (notice, process, claimed) = bench.sending().await;
    bench.receive(receipt(claimed.delivery, 1, "kannel", ReceiptKind::Delivered, "1")).await;
    assert_eq!(bench.store.return_strays(process, &[]).await.unwrap(), 0);
    bench.clock.advance(Duration::from_secs(11));
    let reclaimed = bench.store.reclaim(AfterCrash::Resend).await.unwrap();
    assert_eq!((reclaimed.processes, reclaimed.requeued, reclaimed.unclear), (1, 0, 0));
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Delivered, 1)]);
    assert_eq!(bench.state(notice).await, NoticeState::Completed);
}

async fn a_receipt_for_what_waits_for_its_next_try_ends_it(bench: Bench) {
    let (notice, process, claimed) = bench.sending().await;
    let due_at = bench.clock.now();
    bench.record(process, &[ended(&claimed, Move::Retry { due_at })]).await;
    bench.receive(receipt(claimed.delivery, 1, "kannel", ReceiptKind::Delivered, "1")).await;
    assert!(bench.claim(process, 1).await.is_empty(), "nobody gets it twice");
    assert_eq!(bench.state(notice).await, NoticeState::Completed);
    assert_eq!(bench.row(claimed.delivery).await.attempts, 1);
}

async fn what_is_given_back_to_a_cancelled_notice_ends(bench: Bench) {
    let (notice, process, _) = bench.sending().await;
    bench.store.move_notice(notice, NoticeEvent::Cancel, &entry()).await.unwrap();
    while bench.store.sweep().await.unwrap().is_some() {}
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Sending, 1)]);
    assert_eq!(bench.store.return_strays(process, &[]).await.unwrap(), 1);
    while bench.store.sweep().await.unwrap().is_some() {}
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Cancelled, 1)], "nothing waits for ever");
}

async fn a_delivery_is_found_by_the_name_that_its_provider_gave_it(bench: Bench) {
    let (notice, process, claimed) = bench.sending().await;
    let taken = Move::Sent { reference: Some("77149792674".to_owned()) };
    bench.record(process, &[ended(&claimed, taken)]).await;
    let found = async |provider| bench.store.delivery_by_reference(provider, "77149792674").await.unwrap();
    assert_eq!(found("relay").await, Some((claimed.delivery, 1)));
    assert_eq!(found("another").await, None, "two gateways may use the same number");
    bench.receive(receipt(claimed.delivery, 1, "relay", ReceiptKind::Failed(Fault::Recipient), "x")).await;
    bench.retry(notice).await;
    assert_eq!(found("relay").await, None, "the name belongs to the round before");
}
