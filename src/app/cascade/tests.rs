//! Which ways a contact has, and in which order.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::app::plan::plan_first_ways;
use crate::config::defaults;
use crate::domain::address::Address;
use crate::domain::audience::Audience;
use crate::domain::chance::Chance;
use crate::domain::clock::SystemClock;
use crate::domain::contact::{Contact, Group, WebhookFormat};
use crate::domain::notice::{Priority, Visibility};
use crate::store::Everybody;

fn wish(cascade: &[Channel], after: Option<u64>) -> Wish {
    Wish {
        template: "t".to_owned(),
        values: BTreeMap::new(),
        audience: Audience::default(),
        channels: Vec::new(),
        cascade: cascade.to_vec(),
        after: after.map(Duration::from_secs),
        priority: Priority::Normal,
        visibility: Visibility::Internal,
        exercise: false,
        at: None,
        expires_after: None,
        incident: None,
        accept_wording: false,
        hints_seen: Vec::new(),
    }
}

fn spec(alarm: bool) -> TemplateSpec {
    TemplateSpec {
        name: "t".to_owned(),
        title: "T".to_owned(),
        description: String::new(),
        phase: None,
        declared_kind: None,
        audience: String::new(),
        alarm,
        sms_segments: 1,
        variables: Vec::new(),
    }
}

fn ids() -> IdSource {
    IdSource::new(Arc::new(SystemClock::new()), Arc::new(Chance::from_system()))
}

fn known(ids: &IdSource, id: &str, addresses: &[(Channel, &str)], deputy: Option<&str>) -> KnownContact {
    let points = addresses.iter().zip(1..).map(|((channel, address), rank)| ContactPoint {
        address: Address::parse(*channel, address).unwrap(),
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
        deputy: deputy.map(str::to_owned),
        points: points.collect(),
        groups: vec!["all".to_owned()],
        attributes: crate::domain::attributes::Attributes::default(),
    };
    KnownContact { key: ContactKey(ids.next()), contact }
}

#[test]
fn only_what_follows_each_other_has_a_time() {
    assert_eq!(cascade_order(&mut wish(&[], None), &spec(false)).unwrap(), None);
    let error = cascade_order(&mut wish(&[], Some(60)), &spec(false)).unwrap_err().to_string();
    assert!(error.contains("add --cascade sms,email"), "{error}");
    let error = cascade_order(&mut wish(&[Channel::Sms], Some(0)), &spec(false)).unwrap_err().to_string();
    assert!(error.contains("at least 1s"), "{error}");
    let alarm = cascade_order(&mut wish(&[], None), &spec(true)).unwrap().unwrap();
    assert_eq!((alarm.channels[0], alarm.after), (Channel::Sms, Duration::from_secs(600)));
    let mut named = wish(&[Channel::Email, Channel::Sms, Channel::Email], Some(60));
    let cascade = cascade_order(&mut named, &spec(false)).unwrap().unwrap();
    assert_eq!(cascade.among(&[Channel::Email, Channel::Sms]).channels, [Channel::Email, Channel::Sms]);
    assert_eq!(named.channels.len(), 3, "the texts of exactly these channels are looked at");
}

#[test]
fn own_ways_come_before_the_deputys_and_the_first_is_on_the_list() {
    let ids = ids();
    let (sms, email) = (Channel::Sms, Channel::Email);
    let contacts = vec![
        known(
            &ids,
            "a",
            &[(email, "a@x.example"), (email, "b@x.example"), (sms, "+491713920021")],
            Some("d"),
        ),
        known(&ids, "d", &[(email, "d@x.example")], Some("e")),
        known(&ids, "e", &[(email, "e@x.example")], None),
        known(&ids, "lost", &[], Some("d")),
        known(&ids, "same", &[(sms, "+491713920021")], None),
    ];
    let group = Group { name: "all".to_owned(), title: "all".to_owned(), contains: Vec::new() };
    let directory = Directory::new(Arc::new(Everybody::new(contacts, [("all".to_owned(), group)].into())));
    let audience = Audience { groups: vec!["all".to_owned()], ..Audience::default() };
    let addressed = directory.resolve(&audience).unwrap();
    let settings = defaults().unwrap();
    let mut plan = plan_first_ways(&addressed, &[sms, email], &settings, &[], &[], &ids);
    let mut cascade = Cascade { channels: vec![sms, email], after: AFTER, contacts: Vec::new() };
    cascade.follow(&addressed, &directory, &mut plan, false, None, &ids).unwrap();
    let ways = |id: &str| -> Option<(bool, Vec<(&str, bool)>)> {
        let key = directory.contact(id)?.key;
        let found = cascade.contacts.iter().find(|one| one.contact == key)?;
        let steps = found.steps.iter().map(|step| (step.address.as_str(), step.deputy.is_some()));
        Some((found.has_first, steps.collect()))
    };
    let own =
        [("+491713920021", false), ("a@x.example", false), ("b@x.example", false), ("d@x.example", true)];
    assert_eq!(ways("a"), Some((true, own.to_vec())));
    assert_eq!(ways("lost"), Some((false, vec![("d@x.example", true)])), "not the deputy's deputy");
    assert!(plan.unreachable[0].reason.ends_with("; the deputy d is told at once"));
    assert_eq!(ways("e"), None, "one way, and nobody confirms");
    assert_eq!(ways("same"), None);
    let listed: Vec<&str> = plan.deliveries.iter().map(|planned| planned.address.as_str()).collect();
    assert_eq!(listed, ["+491713920021", "d@x.example", "e@x.example"]);
    let too_late = |seconds: u64| cascade.too_late(Duration::from_secs(seconds));
    assert_eq!((too_late(600), too_late(601), too_late(1801)), (4, 2, 0), "at the expiry is too late");

    cascade.contacts.clear();
    cascade.follow(&addressed, &directory, &mut plan, true, None, &ids).unwrap();
    assert_eq!(cascade.contacts.len(), 5, "an alarm waits for everybody");
    let key = directory.contact("same").unwrap().key;
    let shared = cascade.contacts.iter().find(|one| one.contact == key).unwrap().steps[0].delivery;
    assert_eq!(plan.merged[0].delivery, shared, "who shares an address shares its link");
}
