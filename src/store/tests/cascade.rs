//! Cascades and confirmations.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::*;
use crate::domain::outcome::Fault;
use crate::domain::receipt::{Receipt, ReceiptKind};

on_both_engines!(
    an_alarm_goes_on_until_it_is_confirmed,
    a_deputy_is_told_after_all_own_ways_and_confirms_for_the_contact,
    information_goes_on_at_once_after_a_failure_and_ends_when_it_is_accepted,
    a_late_bounce_lets_the_next_way_follow,
    a_refusal_after_a_late_acceptance_lets_the_next_way_follow,
    nothing_fires_while_a_notice_is_paused,
    cancelling_and_expiry_end_cascades,
);

mod anything;
mod people;

const AFTER: Duration = Duration::from_secs(600);

/// A contact of a stage: id, addresses in their order, deputy.
type Cast<'a> = (&'a str, &'a [&'a str], Option<&'a str>);

/// A notice with cascades.
struct Stage {
    bench: Bench,
    process: ProcessId,
    notice: NoticeId,
    keys: BTreeMap<String, ContactKey>,
}

fn channel(address: &str) -> Channel {
    if address.starts_with('+') { Channel::Sms } else { Channel::Email }
}

/// What stands in for the hash of a token.
fn hash(delivery: DeliveryId) -> Vec<u8> {
    delivery.0.as_bytes().to_vec()
}

fn member((id, addresses, deputy): &Cast<'_>) -> Contact {
    let points = addresses.iter().zip(1..).map(|(address, rank)| ContactPoint {
        address: Address::parse(channel(address), address).unwrap(),
        rank,
        webhook_secret: None,
        webhook_format: WebhookFormat::Standard,
        grounds: crate::domain::grounds::Grounds::default(),
    });
    Contact {
        organisation: format!("Amt {id}"),
        deputy: deputy.map(str::to_owned),
        points: points.collect(),
        ..contact(id, "nobody@x.example", &["all"])
    }
}

/// The addresses of a contact: text messages first.
fn ways(known: &KnownContact) -> impl Iterator<Item = &ContactPoint> {
    [Channel::Sms, Channel::Email].into_iter().flat_map(|channel| known.contact.points_of(channel))
}

impl Stage {
    /// A released notice to those of `cast` that are in `audience`, its first ways on the list and fanned out.
    async fn new(bench: Bench, alarm: bool, cast: &[Cast<'_>], audience: &[&str]) -> Self {
        let book = book(cast.iter().map(member).collect());
        bench.store.import_contacts(&book, &bench.ids, false, &entry()).await.unwrap();
        let known = bench.store.contacts().await.unwrap();
        let by_id: HashMap<&str, _> = known.iter().map(|known| (known.contact.id.as_str(), known)).collect();
        let blocked: BTreeSet<String> =
            bench.store.suppressions().await.unwrap().into_iter().map(|blocked| blocked.address).collect();
        let mut recipients: Vec<Recipient> = Vec::new();
        let mut merged = Vec::new();
        let mut following = Following { alarm, cascade_after: Some(AFTER), ..Following::default() };
        for id in audience {
            let one = by_id[id];
            let fresh = || DeliveryId(bench.ids.next());
            let step = |reader: &KnownContact, at: &ContactPoint, deputy| CascadeStep {
                delivery: fresh(),
                deputy,
                channel: at.address.channel(),
                address: at.address.as_str().to_owned(),
                card: reader.contact.card(),
                units: 1,
            };
            let mut steps: Vec<CascadeStep> = ways(one)
                .skip_while(|point| blocked.contains(&point.address.normalised()))
                .map(|point| step(one, point, None))
                .collect();
            let has_first = !steps.is_empty();
            if let Some(first) = steps.first_mut() {
                match recipients.iter().find(|other| other.address == first.address) {
                    Some(other) => {
                        first.delivery = other.delivery;
                        let contact = one.contact.id.clone();
                        merged.push(MergedRecipient {
                            delivery: first.delivery,
                            contact: one.key,
                            id: contact,
                        });
                    }
                    None => recipients.push(Recipient {
                        delivery: first.delivery,
                        channel: first.channel,
                        contact: one.key,
                        card: first.card.clone().into(),
                        address: first.address.clone(),
                        destination: "x.example".to_owned(),
                        units: 1,
                    }),
                }
            }
            if let Some(deputy) = one.contact.deputy.as_deref().map(|id| by_id[id]) {
                steps.extend(ways(deputy).map(|at| step(deputy, at, Some(deputy.key))));
            }
            let person = Person {
                contact: one.key,
                id: one.contact.id.clone(),
                name: one.contact.name.clone(),
                organisation: one.contact.organisation.clone(),
                group: "all".to_owned(),
                deputy: one.contact.deputy.clone(),
            };
            following.people.push(person.into());
            if !steps.is_empty() {
                following.cascades.push(CascadeContact { contact: one.key, has_first, steps });
            }
        }
        let all = following.cascades.iter().flat_map(|one| one.steps.iter().map(|step| step.delivery));
        let all: BTreeSet<DeliveryId> = all.collect();
        following.links = all.into_iter().map(|delivery| (delivery, hash(delivery))).collect();
        let id = NoticeId(bench.ids.next());
        let new = NewNotice { following, ..bench.new_notice(id, Priority::Normal) };
        let submission = submission(new, recipients, merged, Release::Now);
        bench.store.submit(&submission, &entry()).await.unwrap();
        bench.fan_out_all().await;
        let process = bench.running().await;
        let keys = known.iter().map(|known| (known.contact.id.clone(), known.key)).collect();
        Self { bench, process, notice: id, keys }
    }

    /// Everything that cascades have to do now.
    async fn cascade(&self) -> usize {
        let destination = |address: &Address| Some(address.natural_destination());
        let mut fired = 0;
        let mut rounds = 0;
        while let Some(progress) = self.bench.store.cascade_step(&destination).await.unwrap() {
            fired += progress.fired;
            rounds += 1;
            assert!(rounds < 100, "it never comes to rest");
        }
        fired
    }

    /// Sends what is due; `moved` says what becomes of each.
    async fn send(&self, moved: impl Fn(&str) -> Move) {
        for channel in [Channel::Sms, Channel::Email] {
            let leased_to = self.bench.clock.now().plus(Duration::from_secs(100_000));
            let request = ClaimRequest { channel, ..request(100) };
            let claimed = self
                .bench
                .store
                .cycle(self.process, Some(leased_to), &[], Some(&request))
                .await
                .unwrap()
                .claimed;
            let outcomes: Vec<Attempted> = claimed
                .iter()
                .map(|claimed| Attempted { channel, ..ended(claimed, moved(&claimed.address)) })
                .collect();
            self.bench.record(self.process, &outcomes).await;
        }
    }

    async fn send_all(&self) {
        self.send(|_| Move::Sent { reference: None }).await;
    }

    async fn later(&self) -> usize {
        self.bench.clock.advance(AFTER);
        self.cascade().await
    }

    async fn rows(&self) -> Vec<DeliveryRow> {
        self.bench.store.deliveries(&DeliveryFilter::default(), None, 10_000).await.unwrap()
    }

    /// Address and state of every delivery, in the order in which they were made.
    async fn deliveries(&self) -> Vec<(String, String)> {
        let mut rows: Vec<DeliveryRow> = self.rows().await;
        rows.sort_by_key(|row| row.id);
        rows.into_iter().map(|row| (row.address, row.state)).collect()
    }

    async fn told(&self) -> BTreeSet<String> {
        self.rows().await.into_iter().map(|row| row.address).collect()
    }

    async fn delivery_to(&self, address: &str) -> DeliveryId {
        let rows = self.rows().await;
        DeliveryId(rows.iter().find(|row| row.address == address).unwrap_or_else(|| panic!("{address}")).id)
    }

    async fn confirm(&self, address: &str) -> AcknowledgementPage {
        let delivery = self.delivery_to(address).await;
        self.bench.store.acknowledge(&hash(delivery)).await.unwrap().unwrap().page
    }

    async fn bounce(&self, address: &str) {
        let receipt = Receipt {
            delivery: self.delivery_to(address).await,
            round: 1,
            source: "bounce".to_owned(),
            kind: ReceiptKind::Failed(Fault::Recipient),
            reason: Reason::new("5.2.2", "the mailbox is full"),
        };
        self.bench.store.receive(&[receipt], &|| self.bench.ids.next()).await.unwrap();
    }

    async fn reached(&self) -> Vec<String> {
        let alarm = self.summary().await.alarm;
        let people = self.bench.store.notice_people(self.notice).await.unwrap();
        let counted = self.bench.store.shares(self.notice, alarm).await.unwrap().people;
        let (reached, others): (Vec<_>, Vec<_>) = people.iter().partition(|one| one.is_reached(alarm));
        let underway = others.iter().filter(|one| one.underway).count();
        assert_eq!(
            (counted.total, counted.reached, counted.underway),
            (people.len(), reached.len(), underway)
        );
        people.into_iter().filter(|one| one.is_reached(alarm)).map(|one| one.person.id).collect()
    }

    async fn summary(&self) -> NoticeSummary {
        self.bench.counts(self.notice).await;
        let summary = self.bench.store.notice_summary(self.notice).await.unwrap().unwrap();
        assert_eq!(summary.recipients, summary.fanned_out);
        let addresses: Vec<String> = self
            .rows()
            .await
            .iter()
            .map(|row| format!("{} {}", row.channel, row.address.to_lowercase()))
            .collect();
        let once: BTreeSet<&String> = addresses.iter().collect();
        assert_eq!(once.len(), addresses.len(), "an address has two deliveries: {addresses:?}");
        summary
    }

    async fn state(&self) -> NoticeState {
        self.summary().await.state
    }

    async fn why(&self, contact: &str) -> Vec<String> {
        let steps = self.bench.store.cascade_steps(self.notice, contact).await.unwrap();
        steps.into_iter().map(|step| step.fired_by.unwrap_or_default()).collect()
    }
}

async fn an_alarm_goes_on_until_it_is_confirmed(bench: Bench) {
    let stage =
        Stage::new(bench, true, &[("a", &["+491711111111", "a@x.example", "b@x.example"], None)], &["a"])
            .await;
    stage.send_all().await;
    assert_eq!(stage.cascade().await, 0, "it has ten minutes");
    assert_eq!(stage.state().await, NoticeState::Sending, "sent is not confirmed");
    assert_eq!(stage.later().await, 1);
    stage.send_all().await;
    let page = stage.confirm("a@x.example").await;
    assert_eq!((page.number.as_str(), page.acknowledged_at), ("2026-0001", Some(stage.bench.clock.now())));
    assert_eq!(stage.state().await, NoticeState::Completed);
    assert_eq!(stage.later().await, 0, "a confirmation stops what has not fired");
    assert_eq!(stage.deliveries().await.len(), 2);
    assert_eq!(stage.reached().await, ["a"]);
    assert_eq!(stage.why("a").await, ["the first way", "no confirmation in 10 min", ""]);
}

async fn a_deputy_is_told_after_all_own_ways_and_confirms_for_the_contact(bench: Bench) {
    let cast: [Cast<'_>; 2] =
        [("a", &["+491711111111", "a@x.example"], Some("d")), ("d", &["+491712222222", "d@x.example"], None)];
    let stage = Stage::new(bench, true, &cast, &["a"]).await;
    stage.send_all().await;
    stage.later().await;
    stage.send_all().await;
    assert_eq!(stage.told().await, ["+491711111111", "a@x.example"].map(str::to_owned).into());
    stage.later().await;
    stage.send_all().await;
    assert!(stage.told().await.contains("+491712222222"));
    assert!(stage.reached().await.is_empty());
    stage.confirm("+491712222222").await;
    assert_eq!(stage.reached().await, ["a"]);
    assert_eq!(stage.state().await, NoticeState::Completed);
    assert!(!stage.told().await.contains("d@x.example"));
}

async fn information_goes_on_at_once_after_a_failure_and_ends_when_it_is_accepted(bench: Bench) {
    let stage =
        Stage::new(bench, false, &[("a", &["+491711111111", "a@x.example", "b@x.example"], None)], &["a"]);
    let stage = stage.await;
    stage.send(|_| Move::Failed).await;
    assert_eq!(stage.state().await, NoticeState::Sending, "another way is left");
    assert_eq!(stage.cascade().await, 1);
    stage.send_all().await;
    assert_eq!(stage.cascade().await, 0);
    assert_eq!(stage.state().await, NoticeState::Completed);
    assert_eq!(stage.reached().await, ["a"]);
    assert_eq!(stage.why("a").await[1], "failed: 2.0.0");
    assert_eq!(stage.later().await, 0);
}

async fn a_late_bounce_lets_the_next_way_follow(bench: Bench) {
    let stage = Stage::new(bench, false, &[("a", &["a@x.example", "b@x.example"], None)], &["a"]).await;
    stage.send_all().await;
    stage.cascade().await;
    assert_eq!(stage.state().await, NoticeState::Completed);
    stage.bounce("a@x.example").await;
    assert_eq!(stage.state().await, NoticeState::Sending);
    assert!(stage.reached().await.is_empty());
    assert_eq!(stage.cascade().await, 1);
    stage.send_all().await;
    stage.cascade().await;
    assert_eq!((stage.reached().await, stage.state().await), (vec!["a".to_owned()], NoticeState::Completed));
    stage.bounce("b@x.example").await;
    assert_eq!(stage.cascade().await, 0, "no way is left");
    assert_eq!(stage.state().await, NoticeState::Completed);
    assert!(stage.reached().await.is_empty());
}

async fn a_refusal_after_a_late_acceptance_lets_the_next_way_follow(bench: Bench) {
    let stage = Stage::new(bench, false, &[("a", &["a@x.example", "b@x.example"], None)], &["a"]).await;
    let bench = &stage.bench;
    let first = bench.claim(stage.process, 1).await.remove(0);
    bench.clock.advance(Duration::from_secs(11));
    bench.store.reclaim(AfterCrash::Resend).await.unwrap();
    let other = bench.running().await;
    let second = bench.claim(other, 1).await.remove(0);
    bench.record(stage.process, &[sent(&first)]).await;
    stage.cascade().await;
    assert_eq!(stage.state().await, NoticeState::Completed);
    bench.record(other, &[ended(&second, Move::Failed)]).await;
    assert_eq!(stage.state().await, NoticeState::Sending, "nothing was accepted in the end");
    assert_eq!(stage.cascade().await, 1);
}

async fn nothing_fires_while_a_notice_is_paused(bench: Bench) {
    let stage = Stage::new(bench, true, &[("a", &["+491711111111", "a@x.example"], None)], &["a"]).await;
    stage.send_all().await;
    stage.bench.store.move_notice(stage.notice, NoticeEvent::Pause, &entry()).await.unwrap();
    assert_eq!(stage.later().await, 0);
    stage.bench.store.move_notice(stage.notice, NoticeEvent::Resume, &entry()).await.unwrap();
    assert_eq!(stage.cascade().await, 1);
}

async fn cancelling_and_expiry_end_cascades(bench: Bench) {
    let cast: [Cast<'_>; 1] = [("a", &["+491711111111", "a@x.example"], None)];
    let stage = Stage::new(bench, true, &cast, &["a"]).await;
    stage.send_all().await;
    stage.bench.store.move_notice(stage.notice, NoticeEvent::Cancel, &entry()).await.unwrap();
    assert_eq!(stage.later().await, 0);
    assert_eq!((stage.state().await, stage.summary().await.cascade_open), (NoticeState::Cancelled, 0));
    assert!(stage.confirm("+491711111111").await.acknowledged_at.is_some(), "a confirmation always counts");

    let again =
        Stage::new(stage.bench, true, &[("b", &["+491713333333", "b@x.example"], None)], &["b"]).await;
    again.send_all().await;
    again.bench.clock.advance(Duration::from_secs(7_200));
    assert_eq!(again.cascade().await, 0);
    let summary = again.bench.store.notice_summary(again.notice).await.unwrap().unwrap();
    assert_eq!(
        (summary.state, summary.cascade_open),
        (NoticeState::Completed, 0),
        "the text message was sent"
    );
}

/// A notice whose one delivery was accepted, with another way left, before anybody has looked at its cascade.
pub(super) async fn accepted_with_another_way(bench: Bench) -> (Bench, NoticeId, DeliveryId) {
    let stage = Stage::new(bench, false, &[("a", &["a@x.example", "b@x.example"], None)], &["a"]).await;
    stage.send_all().await;
    let delivery = stage.delivery_to("a@x.example").await;
    (stage.bench, stage.notice, delivery)
}
