//! Mail domains that go down and come back.

use super::super::dead_domains::SetAside;
use super::*;
use crate::domain::outcome::Fault;
use crate::domain::receipt::{CallbackVerdict, Receipt, ReceiptKind};

on_both_engines!(
    what_waits_for_a_domain_goes_elsewhere_or_is_held,
    a_delivery_that_is_made_or_comes_back_while_its_domain_is_down_is_held,
    what_was_blocked_while_a_domain_went_down_is_free_again,
    what_is_held_expires,
    no_address_in_a_dead_domain_is_suppressed,
    a_bounce_that_comes_late_does_not_block_an_address_of_a_domain_that_is_back,
    nobody_is_left_behind_and_nobody_gets_it_twice,
    the_configuration_takes_domains_down_and_up_again,
);

/// Nothing can be sent to `unreachable.example`, by the configuration.
fn destination(address: &Address) -> Option<String> {
    let domain = address.natural_destination();
    (domain != "unreachable.example").then_some(domain)
}

fn bounce_of(claimed: &Claimed) -> Receipt {
    Receipt {
        delivery: claimed.delivery,
        round: 1,
        source: "bounce".to_owned(),
        kind: ReceiptKind::Failed(Fault::Address),
        reason: Reason::new("5.1.1", "unknown"),
    }
}

impl Bench {
    async fn down(&self, domain: &str) -> SetAside {
        let domains = [(domain.to_owned(), true)];
        self.store.take_domains_down(&domains, "ransomware", "anna", &destination, &entry()).await.unwrap()
    }

    async fn up(&self, domain: &str) -> u64 {
        self.store.bring_domains_up(&[domain.to_owned()], &entry()).await.unwrap().1
    }

    /// Gives the contact of a delivery a second address.
    async fn second_address(&self, claimed_address: &str, second: &str) {
        let mut contacts: Vec<Contact> =
            self.store.contacts().await.unwrap().into_iter().map(|known| known.contact).collect();
        for contact in &mut contacts {
            if contact.points[0].address.as_str() == claimed_address {
                contact.points.truncate(1);
                contact.points.push(ContactPoint {
                    address: Address::parse(Channel::Email, second).unwrap(),
                    rank: 2,
                    webhook_secret: None,
                    webhook_format: WebhookFormat::Standard,
                    grounds: crate::domain::grounds::Grounds::default(),
                });
            }
        }
        self.store.import_contacts(&book(contacts), &self.ids, false, &entry()).await.unwrap();
    }

    /// All of them come back, because nobody there has such a mailbox; gives what is blocked then.
    async fn bounce(&self, claimed: &[Claimed]) -> Vec<String> {
        let bounced: Vec<Receipt> = claimed.iter().map(bounce_of).collect();
        let verdicts = self.store.receive(&bounced, &|| self.ids.next()).await.unwrap();
        assert!(verdicts.iter().all(|verdict| *verdict == CallbackVerdict::Taken), "{verdicts:?}");
        let mut blocked: Vec<String> =
            self.store.suppressions().await.unwrap().into_iter().map(|blocked| blocked.address).collect();
        blocked.sort();
        blocked
    }

    async fn how_many_suppressed(&self) -> usize {
        self.store.suppressions().await.unwrap().len()
    }
}

fn addresses(claimed: &[Claimed]) -> Vec<&str> {
    let mut addresses: Vec<&str> = claimed.iter().map(|claimed| claimed.address.as_str()).collect();
    addresses.sort_unstable();
    addresses
}

fn aside(rerouted: usize, held: usize) -> SetAside {
    SetAside { rerouted, held, unblocked: 0 }
}

async fn what_waits_for_a_domain_goes_elsewhere_or_is_held(bench: Bench) {
    let notice = bench.notice(4, &["dead.example", "x.example"], Priority::Normal).await;
    bench.second_address("c0@dead.example", "c0@other.example").await;
    bench.fan_out_all().await;
    assert_eq!(bench.down("dead.example").await, aside(1, 1));
    let process = bench.running().await;
    assert_eq!(
        addresses(&bench.claim(process, 10).await),
        ["c0@other.example", "c1@x.example", "c3@x.example"]
    );
    assert!(bench.claim(process, 10).await.is_empty());
    let waiting = bench.store.waiting_for_domains(Some(notice)).await.unwrap();
    assert_eq!(waiting, [("dead.example".to_owned(), 1)].into());
    let rows = bench.store.deliveries(&DeliveryFilter::default(), None, 10).await.unwrap();
    let held = rows.iter().find(|row| row.address == "c2@dead.example").unwrap();
    assert_eq!(held.reason.as_deref(), Some("dead.example is down: ransomware"));

    // An address that cannot be used is no way; a contact may have another one by the time that somebody says it again.
    bench.second_address("c2@dead.example", "c2@unreachable.example").await;
    assert_eq!(bench.down("dead.example").await, aside(0, 1));
    bench.second_address("c2@dead.example", "c2@other.example").await;
    assert_eq!(bench.down("dead.example").await, aside(1, 0));
    assert_eq!(addresses(&bench.claim(process, 10).await), ["c2@other.example"]);
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Sending, 4)]);
}

async fn a_delivery_that_is_made_or_comes_back_while_its_domain_is_down_is_held(bench: Bench) {
    let notice = bench.notice(2, &["dead.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let process = bench.running().await;
    let claimed = bench.claim(process, 1).await;
    assert_eq!(bench.down("dead.example").await, aside(0, 1));
    let other = bench.notice(1, &["dead.example"], Priority::Urgent).await;
    bench.fan_out_all().await;
    let due_at = bench.clock.now().plus(Duration::from_secs(60));
    bench.record(process, &[ended(&claimed[0], Move::Retry { due_at })]).await;
    bench.clock.advance(Duration::from_secs(61));
    let process = bench.running().await;
    assert!(bench.claim(process, 10).await.is_empty());
    assert_eq!(bench.store.part_set_aside(&destination).await.unwrap(), aside(0, 2));
    assert_eq!(bench.store.part_set_aside(&destination).await.unwrap(), SetAside::default());

    assert_eq!(bench.up("dead.example").await, 3);
    let again = bench.claim(process, 10).await;
    assert_eq!(again.len(), 3);
    assert_eq!(again[0].notice, other, "what is urgent goes first");
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Sending, 2)]);
    assert!(bench.store.dead_domains().await.unwrap().is_empty());
}

async fn what_was_blocked_while_a_domain_went_down_is_free_again(bench: Bench) {
    bench.notice(2, &["dead.example", "x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let process = bench.running().await;
    let until = bench.clock.now().plus(Duration::from_secs(30 * 86_400));
    let failed: Vec<Attempted> = bench
        .claim(process, 10)
        .await
        .iter()
        .map(|claimed| Attempted { suppress_until: Some(until), ..ended(claimed, Move::Failed) })
        .collect();
    bench.record(process, &failed).await;
    bench.store.suppress("email", "by-hand@dead.example", "manual", "asked", None, &entry()).await.unwrap();
    assert_eq!(bench.how_many_suppressed().await, 3);

    let done = bench.down("dead.example").await;
    assert_eq!(done.unblocked, 1, "c0: its failure spoke of the domain");
    assert_eq!(bench.how_many_suppressed().await, 2, "another domain's, and what a person has blocked");
}

async fn what_is_held_expires(bench: Bench) {
    let notice = bench.notice(1, &["dead.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    bench.down("dead.example").await;
    bench.clock.advance(Duration::from_secs(3_601));
    bench.store.sweep().await.unwrap();
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Expired, 1)]);
    assert_eq!(bench.state(notice).await, NoticeState::Expired);
    assert_eq!(bench.up("dead.example").await, 0);
}

async fn no_address_in_a_dead_domain_is_suppressed(bench: Bench) {
    bench.notice(4, &["dead.example", "x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let process = bench.running().await;
    let claimed = bench.claim(process, 10).await;
    bench.down("dead.example").await;
    let until = bench.clock.now().plus(Duration::from_secs(60));
    let failed: Vec<Attempted> = claimed
        .iter()
        .filter(|claimed| claimed.address.starts_with("c0") || claimed.address.starts_with("c1"))
        .map(|claimed| Attempted { suppress_until: Some(until), ..ended(claimed, Move::Failed) })
        .collect();
    bench.record(process, &failed).await;
    assert_eq!(bench.how_many_suppressed().await, 1, "c1@x.example alone");
    let rest: Vec<&Claimed> = claimed
        .iter()
        .filter(|claimed| claimed.address.starts_with("c2") || claimed.address.starts_with("c3"))
        .collect();
    bench.record(process, &[sent(rest[0]), sent(rest[1])]).await;
    let bounced: Vec<Receipt> = rest.iter().map(|claimed| bounce_of(claimed)).collect();
    let verdicts = bench.store.receive(&bounced, &|| bench.ids.next()).await.unwrap();
    assert_eq!(verdicts, [CallbackVerdict::Taken; 2]);
    assert_eq!(bench.how_many_suppressed().await, 2, "c3@x.example beside it");
}

async fn nobody_is_left_behind_and_nobody_gets_it_twice(bench: Bench) {
    // b shares a's address, but not a's second one.
    bench.notice_to_two_who_share("both@dead.example").await;
    bench.fan_out_all().await;
    let mut second = contact("a", "both@dead.example", &["all"]);
    second.points.push(ContactPoint {
        address: Address::parse(Channel::Email, "a@x.example").unwrap(),
        rank: 2,
        ..second.points[0].clone()
    });
    let contacts = vec![second, contact("b", "both@dead.example", &["all"])];
    bench.store.import_contacts(&book(contacts), &bench.ids, false, &entry()).await.unwrap();
    assert_eq!(bench.down("dead.example").await, aside(0, 1));

    // The second address is one that another delivery of the notice has, or lies in a dead domain too.
    bench.notice(3, &["gone.example", "x.example"], Priority::Normal).await;
    bench.second_address("c0@gone.example", "C1@x.example").await;
    bench.second_address("c2@gone.example", "c2@dead.example").await;
    bench.fan_out_all().await;
    assert_eq!(bench.down("gone.example").await, aside(0, 2));
}

async fn a_bounce_that_comes_late_does_not_block_an_address_of_a_domain_that_is_back(bench: Bench) {
    bench.notice(3, &["dead.example", "x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let process = bench.running().await;
    let before = bench.claim(process, 10).await;
    // The first of them went out at its second try.
    let retried = Attempted { moved: Move::Retry { due_at: bench.clock.now() }, ..sent(&before[0]) };
    bench.record(process, &[retried, sent(&before[1]), sent(&before[2])]).await;
    let again = bench.claim(process, 10).await;
    bench.record(process, &[sent(&again[0])]).await;
    bench.down("dead.example").await;
    bench.clock.advance(Duration::from_secs(3_600));
    bench.up("dead.example").await;
    assert_eq!(
        bench.bounce(&before).await,
        ["c1@x.example"],
        "the mails were sent to a domain that was dying"
    );

    bench.notice(1, &["dead.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    bench.clock.advance(Duration::from_secs(1));
    let after = bench.claim(process, 10).await;
    let handed_over = Attempted { ended_at: bench.clock.now(), ..sent(&after[0]) };
    bench.record(process, &[handed_over]).await;
    assert_eq!(bench.bounce(&after).await, ["c0@dead.example", "c1@x.example"], "this one it has had itself");
}

async fn the_configuration_takes_domains_down_and_up_again(bench: Bench) {
    bench.notice(2, &["a.example", "b.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let configure = async |domains: &[&str]| {
        let domains: Vec<String> = domains.iter().map(|domain| (*domain).to_owned()).collect();
        bench.store.take_configured_domains_down(&domains, &domains[..], &destination).await.unwrap();
        bench.store.dead_domains().await.unwrap().len()
    };
    bench.down("b.example").await;
    assert_eq!(configure(&["a.example", "b.example"]).await, 2);
    let process = bench.running().await;
    assert!(bench.claim(process, 10).await.is_empty());
    assert_eq!(configure(&[]).await, 1, "what a person entered stays");
    assert_eq!(addresses(&bench.claim(process, 10).await), ["c0@a.example"]);
}
