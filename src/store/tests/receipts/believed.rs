//! Of a text message, only a gateway that was handed it is believed.

use super::*;

on_both_engines!(
    a_gateway_that_was_never_handed_a_text_message_changes_nothing,
    a_report_that_comes_before_the_gateways_own_answer_is_believed,
    every_gateway_that_tried_a_text_message_is_believed,
    a_gateway_whose_message_was_sent_again_by_another_is_still_believed,
    a_gateway_that_had_a_text_message_when_the_program_ended_is_believed,
);

const NUMBER: &str = "+4915228817386";
const SENT: Move = Move::Sent { reference: None };

impl Bench {
    /// A notice to one telephone, which waits.
    async fn text_message(&self) -> NoticeId {
        let mut owner = contact("a", ADDRESS, &["all"]);
        owner.points.push(ContactPoint {
            address: Address::parse(Channel::Sms, NUMBER).unwrap(),
            ..owner.points[0].clone()
        });
        self.store.import_contacts(&book(vec![owner]), &self.ids, false, &entry()).await.unwrap();
        let known = self.store.contacts().await.unwrap().remove(0);
        let recipient = Recipient {
            delivery: DeliveryId(self.ids.next()),
            channel: Channel::Sms,
            contact: known.key,
            card: known.contact.card().into(),
            address: NUMBER.to_owned(),
            destination: "telephone".to_owned(),
            units: 1,
        };
        let notice = NoticeId(self.ids.next());
        self.submit(notice, Priority::Normal, &[recipient], &[]).await;
        self.fan_out_all().await;
        notice
    }

    /// The only text message that waits is handed to `gateway`.
    async fn handed(&self, process: ProcessId, gateway: &str) -> Claimed {
        let request = ClaimRequest { channel: Channel::Sms, provider: gateway.to_owned(), ..request(1) };
        self.claim_with(process, &request).await.claimed.remove(0)
    }

    /// And `gateway` answers.
    async fn answered(&self, process: ProcessId, claimed: &Claimed, gateway: &str, moved: Move) {
        let provider = gateway.to_owned();
        self.record(process, &[Attempted { channel: Channel::Sms, provider, ..ended(claimed, moved) }]).await;
    }

    async fn says(&self, gateway: &str, claimed: &Claimed, kind: ReceiptKind) -> CallbackVerdict {
        self.receive(receipt(claimed.delivery, claimed.round, gateway, kind, "x")).await
    }

    /// Who was believed, in the order in which they reported.
    async fn believed(&self, claimed: &Claimed) -> Vec<String> {
        let receipts = self.store.receipts(claimed.delivery).await.unwrap();
        receipts.into_iter().map(|receipt| receipt.source).collect()
    }
}

async fn a_gateway_that_was_never_handed_a_text_message_changes_nothing(bench: Bench) {
    let notice = bench.text_message().await;
    let process = bench.running().await;
    let claimed = bench.handed(process, "near").await;
    bench.answered(process, &claimed, "near", SENT).await;
    for kind in [ReceiptKind::Delivered, ReceiptKind::Failed(Fault::Address), ReceiptKind::Underway] {
        assert_eq!(bench.says("far", &claimed, kind).await, CallbackVerdict::Forged, "{kind:?}");
        assert_eq!(bench.counts(notice).await, [(DeliveryState::Sent, 1)], "{kind:?}");
    }
    assert!(bench.believed(&claimed).await.is_empty());
    assert!(bench.blocked().await.is_empty(), "the number is not said to be unknown");

    let far = receipt(claimed.delivery, 1, "far", ReceiptKind::Failed(Fault::Address), "x");
    let near = receipt(claimed.delivery, 1, "near", ReceiptKind::Delivered, "x");
    let verdicts = bench.store.receive(&[far, near], &|| bench.ids.next()).await.unwrap();
    assert_eq!(verdicts, [CallbackVerdict::Forged, CallbackVerdict::Taken], "each on its own");
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Delivered, 1)]);
    assert_eq!(bench.believed(&claimed).await, ["near"]);
    let counted = bench.store.callback_counts().await.unwrap();
    let counted: Vec<(&str, &str, i64)> =
        counted.iter().map(|one| (one.source.as_str(), one.verdict.as_str(), one.count)).collect();
    assert_eq!(counted, [("far", "forged", 4), ("near", "taken", 1)]);
}

async fn a_report_that_comes_before_the_gateways_own_answer_is_believed(bench: Bench) {
    let notice = bench.text_message().await;
    let process = bench.running().await;
    let claimed = bench.handed(process, "near").await;
    assert_eq!(bench.says("far", &claimed, ReceiptKind::Delivered).await, CallbackVerdict::Forged);
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Sending, 1)]);
    assert_eq!(bench.says("near", &claimed, ReceiptKind::Delivered).await, CallbackVerdict::Taken);
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Delivered, 1)]);
}

async fn every_gateway_that_tried_a_text_message_is_believed(bench: Bench) {
    let notice = bench.text_message().await;
    let process = bench.running().await;
    let claimed = bench.handed(process, "near").await;
    let due_at = bench.clock.now();
    bench.answered(process, &claimed, "near", Move::Retry { due_at }).await;
    let claimed = bench.handed(process, "far").await;
    bench.answered(process, &claimed, "far", SENT).await;
    assert_eq!(bench.says("third", &claimed, ReceiptKind::Delivered).await, CallbackVerdict::Forged);
    assert_eq!(bench.says("far", &claimed, ReceiptKind::Underway).await, CallbackVerdict::Taken);
    assert_eq!(bench.says("near", &claimed, ReceiptKind::Delivered).await, CallbackVerdict::Taken);
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Delivered, 1)], "it had taken it after all");
}

async fn a_gateway_whose_message_was_sent_again_by_another_is_still_believed(bench: Bench) {
    let notice = bench.text_message().await;
    let process = bench.running().await;
    let first = bench.handed(process, "near").await;
    bench.answered(process, &first, "near", SENT).await;
    let failed = ReceiptKind::Failed(Fault::Recipient);
    assert_eq!(bench.says("near", &first, failed).await, CallbackVerdict::Taken);
    assert_eq!(bench.retry(notice).await.deliveries, 1);
    let second = bench.handed(process, "far").await;
    bench.answered(process, &second, "far", SENT).await;

    assert_eq!(bench.says("near", &first, failed).await, CallbackVerdict::Repeated, "it says so again");
    assert_eq!(bench.says("near", &first, ReceiptKind::Delivered).await, CallbackVerdict::Taken);
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Sent, 1)], "of the round before: moves nothing");
    assert_eq!(bench.says("third", &first, ReceiptKind::Delivered).await, CallbackVerdict::Forged);
    assert_eq!(bench.believed(&first).await, ["near", "near"]);
}

async fn a_gateway_that_had_a_text_message_when_the_program_ended_is_believed(bench: Bench) {
    let notice = bench.text_message().await;
    let process = bench.running().await;
    bench.handed(process, "near").await;
    bench.clock.advance(Duration::from_secs(11));
    assert_eq!(bench.store.reclaim(AfterCrash::Resend).await.unwrap().requeued, 1);
    let process = bench.running().await;
    let claimed = bench.handed(process, "far").await;
    bench.answered(process, &claimed, "far", SENT).await;
    assert_eq!(bench.says("near", &claimed, ReceiptKind::Delivered).await, CallbackVerdict::Taken);
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Delivered, 1)]);
}
