//! What a plan counts.

use super::*;
use crate::config::defaults;
use crate::domain::chance::Chance;
use crate::domain::clock::SystemClock;
use crate::domain::contact::{Contact, WebhookFormat};
use crate::domain::ids::ContactKey;

fn ids() -> IdSource {
    IdSource::new(Arc::new(SystemClock::new()), Arc::new(Chance::from_system()))
}

fn contact(ids: &IdSource, id: &str, addresses: &[&str]) -> Arc<KnownContact> {
    let points = addresses.iter().zip(1..).map(|(address, rank)| ContactPoint {
        address: Address::parse(Channel::Email, address).unwrap(),
        rank,
        webhook_secret: None,
        webhook_format: WebhookFormat::Standard,
        grounds: crate::domain::grounds::Grounds::default(),
    });
    let contact = Contact {
        id: id.to_owned(),
        name: id.to_owned(),
        organisation: String::new(),
        salutation: String::new(),
        language: "de".to_owned(),
        deputy: None,
        points: points.collect(),
        groups: Vec::new(),
        attributes: crate::domain::attributes::Attributes::default(),
    };
    Arc::new(KnownContact { key: ContactKey(ids.next()), contact })
}

#[test]
fn every_contact_of_a_group_is_counted_once() {
    let ids = ids();
    let contacts = [
        contact(&ids, "reached", &["a@x.example"]),
        contact(&ids, "merged", &["A@x.example"]),
        contact(&ids, "second-way", &["blocked@x.example", "b@x.example"]),
        contact(&ids, "blocked", &["blocked@x.example"]),
        contact(&ids, "blocked-too", &["blocked@x.example"]),
        contact(&ids, "nothing", &[]),
    ];
    let addressed: Vec<Addressed<'_>> =
        contacts.iter().map(|contact| Addressed { contact, group: Some("all") }).collect();
    let suppression = Suppression {
        channel: "email".to_owned(),
        address: "blocked@x.example".to_owned(),
        reason: "5.1.1".to_owned(),
        detail: String::new(),
        since: 0,
        until: None,
    };
    let plan = plan(&addressed, &[Channel::Email], &defaults().unwrap(), &[suppression], &[], &ids);
    let share = &plan.groups[0];
    assert_eq!((share.contacts, share.deliveries[&Channel::Email]), (6, 2));
    assert_eq!((share.merged, share.blocked, share.unreachable), (1, 2, 1));
    let silenced: Vec<&str> = plan.silenced.iter().map(|silenced| silenced.id.as_str()).collect();
    assert_eq!(silenced, ["blocked", "blocked-too"]);
}

fn down(domain: &str, hosted: bool) -> DeadDomain {
    DeadDomain {
        domain: domain.to_owned(),
        hosted,
        since: 0,
        reason: String::new(),
        entered_by: "anna".to_owned(),
    }
}

#[test]
fn a_dead_domain_is_passed_over_and_one_of_ours_is_waited_for() {
    let ids = ids();
    let contacts = [
        contact(&ids, "elsewhere", &["a@ours.example", "a@x.example"]),
        contact(&ids, "waits", &["b@theirs.example", "b@ours.example"]),
        contact(&ids, "lost", &["c@theirs.example", "c@configured.example"]),
        contact(&ids, "configured", &["d@both.example"]),
    ];
    let addressed: Vec<Addressed<'_>> =
        contacts.iter().map(|contact| Addressed { contact, group: Some("all") }).collect();
    let mut settings = defaults().unwrap();
    settings.email.unreachable_domains = vec!["configured.example".to_owned(), "both.example".to_owned()];
    settings.email.hosted_domains = vec!["both.example".to_owned()];
    let dead = [down("ours.example", true), down("theirs.example", false)];
    let plan = plan(&addressed, &[Channel::Email], &settings, &[], &dead, &ids);

    let mut to: Vec<&str> = plan.deliveries.iter().map(|planned| planned.address.as_str()).collect();
    to.sort_unstable();
    assert_eq!(to, ["a@x.example", "b@ours.example", "d@both.example"]);
    let held: Vec<(&str, &str)> =
        plan.held.iter().map(|held| (held.id.as_str(), held.domain.as_str())).collect();
    assert_eq!(held, [("waits", "ours.example"), ("configured", "both.example")]);
    let unreachable: Vec<&str> = plan.unreachable.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(unreachable, ["lost"]);
    assert_eq!(plan.groups[0].deliveries[&Channel::Email], 3);
    assert_eq!(plan.dead_domains.len(), 4);
}

#[test]
fn a_suppressed_endpoint_is_known_however_its_address_is_spelt() {
    let ids = ids();
    let mut known = contact(&ids, "portal", &[]);
    Arc::make_mut(&mut known).contact.points.push(ContactPoint {
        address: Address::parse(Channel::Webhook, "https://hooks.example/Services/ABC").unwrap(),
        rank: 1,
        webhook_secret: None,
        webhook_format: WebhookFormat::Standard,
        grounds: crate::domain::grounds::Grounds::default(),
    });
    let suppression = Suppression {
        channel: "webhook".to_owned(),
        address: "https://hooks.example/services/abc".to_owned(),
        reason: "failing".to_owned(),
        detail: String::new(),
        since: 0,
        until: None,
    };
    let addressed = [Addressed { contact: &known, group: Some("all") }];
    let plan = plan(&addressed, &[Channel::Webhook], &defaults().unwrap(), &[suppression], &[], &ids);
    assert_eq!(plan.silenced.len(), 1, "it is shown before anything leaves");
    assert!(plan.groups[0].deliveries.is_empty());
}
