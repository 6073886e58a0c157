//! Endpoints that fail, are switched off, and get what they missed.

use super::*;

const DAY: Duration = Duration::from_secs(86_400);
const FIVE_DAYS: Duration = Duration::from_secs(5 * 86_400);
const URL: &str = "https://hooks.stadtwerke.example/Rundruf";
const KEPT: &str = "https://hooks.stadtwerke.example/rundruf";

on_both_engines!(
    an_endpoint_fails_from_its_earliest_failure_on,
    a_success_ends_the_story,
    five_days_without_a_success_switch_an_endpoint_off,
    a_single_failure_long_ago_switches_nothing_off,
    an_endpoint_that_says_it_is_gone_is_switched_off_at_once,
    an_owner_is_told_once,
    an_endpoint_in_use_again_has_a_new_story,
    an_endpoint_gets_what_it_missed,
    lifting_uses_an_endpoint_again_and_sends_what_it_missed_only_when_asked,
    what_was_missed_long_ago_or_cancelled_stays,
    what_was_corrected_meanwhile_stays,
    what_an_endpoint_missed_that_is_no_longer_its_contacts_stays,
);

/// The one contact there is, with an endpoint.
fn owner_of(url: &str) -> Contact {
    let mut owner = contact("stadtwerke", "a@x.example", &["all"]);
    owner.points.push(ContactPoint {
        address: Address::parse(Channel::Webhook, url).unwrap(),
        ..owner.points[0].clone()
    });
    owner
}

impl Bench {
    /// A notice to the one webhook there is, claimed; its delivery.
    async fn called(&self, process: ProcessId) -> Claimed {
        self.submit_call().await;
        self.claimed(process).await.remove(0)
    }

    /// A notice to the one webhook there is, fanned out.
    async fn submit_call(&self) {
        let contacts = book(vec![owner_of(URL)]);
        self.store.import_contacts(&contacts, &self.ids, false, &entry()).await.unwrap();
        let known = self.store.contacts().await.unwrap().remove(0);
        let recipient = Recipient {
            delivery: DeliveryId(self.ids.next()),
            channel: Channel::Webhook,
            contact: known.key,
            card: known.contact.card().into(),
            address: URL.to_owned(),
            destination: "hooks.stadtwerke.example".to_owned(),
            units: 1,
        };
        self.submit(NoticeId(self.ids.next()), Priority::Normal, &[recipient], &[]).await;
        self.fan_out_all().await;
    }

    async fn claimed(&self, process: ProcessId) -> Vec<Claimed> {
        let request = ClaimRequest { channel: Channel::Webhook, ..request(10) };
        self.claim_with(process, &request).await.claimed
    }

    async fn failed(&self, call: &Claimed, code: &str) {
        let reason = Reason::new(code, format!("{code}: no"));
        self.store.endpoints_failed(&[(call.delivery, reason, self.clock.now())]).await.unwrap();
    }

    async fn ended(&self, process: ProcessId, call: &Claimed, moved: Move) {
        let attempt = Attempted { channel: Channel::Webhook, ..ended(call, moved) };
        self.record(process, &[attempt]).await;
    }

    async fn only(&self) -> FailingEndpoint {
        let mut endpoints = self.store.endpoints().await.unwrap();
        assert_eq!(endpoints.len(), 1, "{endpoints:?}");
        endpoints.remove(0)
    }

    async fn switched_off(&self) -> Vec<String> {
        self.store.switch_off_endpoints(FIVE_DAYS).await.unwrap()
    }

    /// What the audit log says was before and is after, entry by entry.
    async fn changes(&self) -> Vec<(serde_json::Value, serde_json::Value)> {
        let entries = self.store.audit_entries(0, 1_000).await.unwrap();
        let read = |text: &str| serde_json::from_str(text).unwrap();
        entries.iter().map(|entry| (read(&entry.before), read(&entry.after))).collect()
    }

    async fn suppressed(&self) -> Vec<(String, String)> {
        let all = self.store.suppressions().await.unwrap();
        all.into_iter().map(|suppression| (suppression.reason, suppression.address)).collect()
    }
}

async fn an_endpoint_fails_from_its_earliest_failure_on(bench: Bench) {
    assert!(!bench.store.failing_endpoints_exist().await.unwrap());
    let process = bench.running().await;
    let call = bench.called(process).await;
    let at = |seconds| START.plus(Duration::from_secs(seconds));
    let failure = |code: &str, seconds| (call.delivery, Reason::new(code, code), at(seconds));
    let batch = [failure("503", 20), failure("timeout", 10), failure("500", 30)];
    bench.store.endpoints_failed(&batch).await.unwrap();
    let endpoint = bench.only().await;
    assert_eq!((endpoint.address.as_str(), endpoint.failures), (KEPT, 3));
    assert_eq!((endpoint.failing_since, endpoint.last_failed_at), (at(10), at(30)));
    assert_eq!(endpoint.last_code, "500");
    bench.store.endpoints_failed(&[failure("dns", 5)]).await.unwrap();
    let endpoint = bench.only().await;
    assert_eq!((endpoint.failing_since, endpoint.last_failed_at, endpoint.failures), (at(5), at(30), 4));
    assert_eq!(endpoint.last_code, "500", "late news is not the last");
    assert!(bench.store.failing_endpoints_exist().await.unwrap());
    bench
        .store
        .endpoints_failed(&[(DeliveryId(bench.ids.next()), Reason::new("x", "x"), START)])
        .await
        .unwrap();
    assert_eq!(bench.only().await.failures, 4, "a delivery that does not exist is passed over");
}

async fn a_success_ends_the_story(bench: Bench) {
    let process = bench.running().await;
    let call = bench.called(process).await;
    bench.failed(&call, "503").await;
    bench.clock.advance(DAY * 6);
    bench.failed(&call, "503").await;
    assert_eq!(bench.switched_off().await, [KEPT]);
    bench.store.endpoints_recovered(&[call.delivery]).await.unwrap();
    assert!(bench.store.endpoints().await.unwrap().is_empty());
    assert!(bench.suppressed().await.is_empty(), "an answer after all refutes the switching off");
}

async fn five_days_without_a_success_switch_an_endpoint_off(bench: Bench) {
    let process = bench.running().await;
    let call = bench.called(process).await;
    for _ in 0..5 {
        bench.failed(&call, "503").await;
        assert!(bench.switched_off().await.is_empty());
        bench.clock.advance(DAY);
    }
    bench.failed(&call, "503").await;
    assert_eq!(bench.switched_off().await, [KEPT]);
    assert!(bench.switched_off().await.is_empty(), "once");
    assert_eq!(bench.suppressed().await, [(FAILING.to_owned(), KEPT.to_owned())]);
    let detail = bench.store.suppressions().await.unwrap().remove(0).detail;
    assert!(detail.contains("503: no"), "{detail}");
    bench.submit_call().await;
    assert!(bench.claimed(process).await.is_empty(), "it is not called any more");
}

async fn a_single_failure_long_ago_switches_nothing_off(bench: Bench) {
    let process = bench.running().await;
    let call = bench.called(process).await;
    bench.failed(&call, "503").await;
    bench.clock.advance(DAY * 30);
    assert!(bench.switched_off().await.is_empty());
}

async fn an_endpoint_that_says_it_is_gone_is_switched_off_at_once(bench: Bench) {
    let process = bench.running().await;
    let call = bench.called(process).await;
    assert!(bench.store.untold_endpoints().await.unwrap().is_empty());
    bench.failed(&call, "410").await;
    let untold = bench.store.untold_endpoints().await.unwrap();
    assert_eq!((untold[0].switched_off_at, untold[0].last_code.as_str()), (Some(START), "410"));
    assert!(bench.switched_off().await.is_empty(), "it is off already");
}

async fn an_owner_is_told_once(bench: Bench) {
    let process = bench.running().await;
    let call = bench.called(process).await;
    bench.failed(&call, "410").await;
    assert!(bench.store.take_on_telling(KEPT).await.unwrap());
    assert!(!bench.store.take_on_telling(KEPT).await.unwrap(), "somebody has");
    assert!(bench.store.untold_endpoints().await.unwrap().is_empty());
    assert_eq!(bench.only().await.told_notice, None);
    bench.store.endpoint_not_told(KEPT).await.unwrap();
    assert_eq!(bench.store.untold_endpoints().await.unwrap().len(), 1);
    bench.store.take_on_telling(KEPT).await.unwrap();
    bench.store.endpoint_told(KEPT, "2026-0009").await.unwrap();
    bench.store.endpoint_not_told(KEPT).await.unwrap();
    let endpoint = bench.only().await;
    assert_eq!((endpoint.told_at, endpoint.told_notice.as_deref()), (Some(START), Some("2026-0009")));
}

async fn an_endpoint_in_use_again_has_a_new_story(bench: Bench) {
    let process = bench.running().await;
    let call = bench.called(process).await;
    bench.failed(&call, "410").await;
    bench.store.suppress("webhook", KEPT, "410", "gone", None, &entry()).await.unwrap();
    bench.store.take_on_telling(KEPT).await.unwrap();
    bench.clock.advance(DAY);
    bench.failed(&call, "410").await;
    assert!(bench.only().await.told_at.is_some(), "as long as it is suppressed, its owner knows");
    bench.store.lift_suppression("webhook", KEPT, &entry()).await.unwrap();
    assert!(bench.store.endpoints().await.unwrap().is_empty(), "nobody says of it that it is off");
    bench.failed(&call, "503").await;
    let endpoint = bench.only().await;
    assert_eq!((endpoint.failing_since, endpoint.failures), (bench.clock.now(), 1));
    assert_eq!((endpoint.switched_off_at, endpoint.told_at), (None, None));
}

async fn an_endpoint_gets_what_it_missed(bench: Bench) {
    let process = bench.running().await;
    let failed = bench.called(process).await;
    bench.failed(&failed, "410").await;
    bench.ended(process, &failed, Move::Failed).await;
    let got = bench.called(process).await;
    bench.ended(process, &got, Move::Sent { reference: None }).await;
    bench.store.suppress("webhook", KEPT, "410", "gone", None, &entry()).await.unwrap();
    bench.submit_call().await;
    assert_eq!(bench.state(failed.notice).await, NoticeState::Completed);

    bench.clock.advance(Duration::from_secs(60));
    let until = bench.clock.now().plus(DAY);
    let replayed = bench.store.replay_endpoint(URL, START, until, &entry()).await.unwrap();
    assert_eq!(replayed, Replayed { deliveries: 2, lifted: true });
    assert!(bench.suppressed().await.is_empty() && bench.store.endpoints().await.unwrap().is_empty());
    assert_eq!(bench.state(failed.notice).await, NoticeState::Sending);
    let again = bench.claimed(process).await;
    assert_eq!((again.len(), again[0].delivery, again[0].round), (2, failed.delivery, 2), "the oldest first");
    assert_eq!(bench.counts(failed.notice).await, [(DeliveryState::Sending, 1)]);
    let twice = bench.store.replay_endpoint(URL, START, until, &entry()).await.unwrap();
    assert_eq!(twice, Replayed { deliveries: 0, lifted: false });
}

async fn lifting_uses_an_endpoint_again_and_sends_what_it_missed_only_when_asked(bench: Bench) {
    let process = bench.running().await;
    let refused = bench.called(process).await;
    bench.failed(&refused, "503").await;
    bench.ended(process, &refused, Move::Failed).await;
    bench.clock.advance(DAY * 6);
    bench.failed(&refused, "503").await;
    bench.submit_call().await;
    assert_eq!(bench.switched_off().await, [KEPT]);
    let written = bench.changes().await.len();

    assert!(bench.store.lift_suppression("webhook", KEPT, &entry()).await.unwrap());
    assert!(bench.suppressed().await.is_empty() && bench.store.endpoints().await.unwrap().is_empty());
    let owner = bench.store.contacts().await.unwrap()[0].key.0.to_string();
    let lifted = bench.changes().await.remove(written);
    assert_eq!(lifted.0, json!({"reason": FAILING, "until": null}));
    assert_eq!(lifted.1, json!({"contacts": [owner.clone()]}));
    assert!(!bench.store.lift_suppression("webhook", KEPT, &entry()).await.unwrap());
    assert_eq!(bench.changes().await.len(), written + 1, "where nothing changes, nothing is written");

    assert!(bench.claimed(process).await.is_empty(), "what waited when it was switched off has ended");
    let next = bench.called(process).await;
    bench.ended(process, &next, Move::Sent { reference: None }).await;
    let until = bench.clock.now().plus(DAY);
    let replayed = bench.store.replay_endpoint(URL, START, until, &entry()).await.unwrap();
    assert_eq!(
        replayed,
        Replayed { deliveries: 2, lifted: false },
        "the one that failed, the one that waited"
    );
    let (before, after) = bench.changes().await.pop().unwrap();
    let expected = json!({"contacts": [owner], "since": START.0, "deliveries": 2, "lifted": false});
    assert_eq!((before, after), (serde_json::Value::Null, expected));
    let again = bench.claimed(process).await;
    assert_eq!(again.len(), 2);
    assert!(again.iter().all(|call| call.delivery != next.delivery), "nothing goes out twice");
}

async fn what_was_missed_long_ago_or_cancelled_stays(bench: Bench) {
    let process = bench.running().await;
    let old = bench.called(process).await;
    bench.ended(process, &old, Move::Failed).await;
    bench.clock.advance(Duration::from_secs(5));
    let cancelled = bench.called(process).await;
    bench.ended(process, &cancelled, Move::Failed).await;
    bench.submit_call().await;
    let paused = bench.claimed(process).await.remove(0);
    bench.store.move_notice(paused.notice, NoticeEvent::Cancel, &entry()).await.unwrap();
    bench.ended(process, &paused, Move::Failed).await;
    let since = START.plus(Duration::from_secs(1));
    let replayed = bench.store.replay_endpoint(URL, since, START.plus(DAY), &entry()).await.unwrap();
    assert_eq!(replayed.deliveries, 1, "neither the old one nor the one that was cancelled");
    assert_eq!(bench.counts(old.notice).await, [(DeliveryState::Failed, 1)]);
    assert_eq!(bench.counts(paused.notice).await, [(DeliveryState::Failed, 1)]);
}

async fn what_was_corrected_meanwhile_stays(bench: Bench) {
    let process = bench.running().await;
    let wrong = bench.called(process).await;
    bench.ended(process, &wrong, Move::Failed).await;
    let new = bench.new_notice(NoticeId(bench.ids.next()), Priority::Normal);
    let correction = submission(new, Vec::new(), Vec::new(), Release::Now);
    let correction = Submission { supersedes: Some(wrong.notice), ..correction };
    bench.store.submit(&correction, &entry()).await.unwrap();
    let replayed = bench.store.replay_endpoint(URL, START, START.plus(DAY), &entry()).await.unwrap();
    assert_eq!(replayed.deliveries, 0, "nobody is to get what is wrong");
}

async fn what_an_endpoint_missed_that_is_no_longer_its_contacts_stays(bench: Bench) {
    let process = bench.running().await;
    let missed = bench.called(process).await;
    bench.ended(process, &missed, Move::Failed).await;
    let moved = book(vec![owner_of("https://neu.stadtwerke.example/rundruf")]);
    bench.store.import_contacts(&moved, &bench.ids, false, &entry()).await.unwrap();
    let replayed = bench.store.replay_endpoint(URL, START, START.plus(DAY), &entry()).await.unwrap();
    assert_eq!(replayed.deliveries, 0, "somebody else may live there by now");
    assert_eq!(bench.counts(missed.notice).await, [(DeliveryState::Failed, 1)]);
}
