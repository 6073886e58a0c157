//! Decisions, drafts and prepared alarms.

use super::*;
use crate::domain::audit::Walk;
use crate::domain::contact::ContactCard;
use crate::store::{AlarmApproval, CascadeContact, CascadeStep, NewAlarm};

on_both_engines!(
    a_decision_is_about_what_was_looked_at_and_is_made_once,
    what_was_tampered_with_cannot_be_released,
    what_nobody_released_is_not_sent_again,
    what_was_stopped_before_its_time_is_not_sent_again,
    a_mended_address_is_taken_over_and_is_no_other_content,
    what_waited_never_goes_to_an_address_that_a_contact_no_longer_has,
    what_leaves_at_its_time_goes_to_the_addresses_of_that_time,
    later_ways_lead_to_the_addresses_that_contacts_have_when_it_leaves,
    a_draft_is_changed_by_one_of_two_and_goes_with_its_submission,
    a_prepared_alarm_loses_its_agreement_when_it_is_prepared_anew,
    a_correction_leaves_out_who_has_not_got_the_old_one,
    what_was_corrected_is_not_sent_again,
    whoever_was_erased_meanwhile_is_not_told_of_a_release_by_one,
);

fn approved(by: &str) -> NewDecision {
    NewDecision { verdict: Verdict::Approved, by: by.to_owned(), reason: String::new(), note: String::new() }
}

#[expect(clippy::unnecessary_wraps, reason = "the shape that the store asks for")]
fn natural(address: &Address) -> Option<String> {
    Some(address.natural_destination())
}

fn person(recipient: &Recipient) -> Person {
    let card = recipient.card.fields();
    Person {
        contact: recipient.contact,
        id: card.id.to_owned(),
        name: card.name.to_owned(),
        organisation: String::new(),
        group: String::new(),
        deputy: None,
    }
}

impl Bench {
    /// A notice to a and b that waits for a second person, and the hash of what it is.
    pub(super) async fn pending(&self) -> (NoticeId, String) {
        let contacts = vec![contact("a", "a@x.example", &["all"]), contact("b", "b@x.example", &["all"])];
        self.store.import_contacts(&book(contacts), &self.ids, false, &entry()).await.unwrap();
        let id = NoticeId(self.ids.next());
        let waiting = Submission {
            second_person: "always".to_owned(),
            ..submission(
                self.new_notice(id, Priority::Normal),
                self.recipients().await,
                Vec::new(),
                Release::ByAnother,
            )
        };
        let submitted = self.store.submit(&waiting, &entry()).await.unwrap();
        (id, submitted.hash)
    }

    async fn recipients(&self) -> Vec<Recipient> {
        let known = self.store.contacts().await.unwrap();
        known
            .into_iter()
            .map(|known| Recipient {
                delivery: DeliveryId(self.ids.next()),
                channel: Channel::Email,
                contact: known.key,
                card: known.contact.card().into(),
                address: known.contact.points[0].address.as_str().to_owned(),
                destination: known.contact.points[0].address.natural_destination(),
                units: 1,
            })
            .collect()
    }

    /// The same words once more in the place of `old`, for everybody.
    async fn correction_of(&self, old: NoticeId) -> Submission {
        let list = self.recipients().await;
        let mut new = self.new_notice(NoticeId(self.ids.next()), Priority::Normal);
        new.following.people = list.iter().map(person).map(Into::into).collect();
        Submission { supersedes: Some(old), ..submission(new, list, Vec::new(), Release::Now) }
    }

    /// The contact files as they are now: ids and addresses.
    async fn now_have(&self, contacts: &[(&str, &str)], prune: bool) {
        let contacts = contacts.iter().map(|(id, address)| contact(id, address, &["all"])).collect();
        self.store.import_contacts(&book(contacts), &self.ids, prune, &entry()).await.unwrap();
    }

    /// Every delivery's address and state, once all are made.
    async fn fanned_out(&self) -> Vec<(String, String)> {
        self.fan_out_all().await;
        let rows = self.store.deliveries(&DeliveryFilter::default(), None, 10).await.unwrap();
        let mut all: Vec<_> = rows.into_iter().map(|row| (row.address, row.state)).collect();
        all.sort_unstable();
        all
    }

    async fn chain_is_whole(&self) {
        let mut walk = Walk::default();
        for entry in self.store.audit_entries(0, 1_000).await.unwrap() {
            walk.step(&entry).unwrap();
        }
        assert_eq!(*walk.head(), self.store.audit_head().await.unwrap());
    }
}

async fn a_decision_is_about_what_was_looked_at_and_is_made_once(bench: Bench) {
    let (id, hash) = bench.pending().await;
    let bodo = approved("bodo");
    let wrong = bench.store.decide(id, "0", &bodo, &natural, None, &entry()).await.unwrap_err();
    assert!(wrong.to_string().contains("not what you looked at"), "{wrong}");
    let state = bench.store.decide(id, &hash, &bodo, &natural, None, &entry()).await.unwrap();
    assert_eq!(state, NoticeState::Sending);
    let again = bench.store.decide(id, &hash, &bodo, &natural, None, &entry()).await.unwrap_err();
    assert!(again.to_string().contains("it is sending"), "{again}");
    let decisions = bench.store.decisions(id).await.unwrap();
    assert_eq!(
        (decisions.len(), decisions[0].verdict, decisions[0].hash == hash),
        (1, Verdict::Approved, true)
    );
    bench.chain_is_whole().await;
}

async fn what_was_tampered_with_cannot_be_released(bench: Bench) {
    let (id, hash) = bench.pending().await;
    let removed = "DELETE FROM recipients WHERE position = 2";
    match &bench.store.db {
        Db::Sqlite { write, .. } => drop(write.execute(removed).await.unwrap()),
        Db::Postgres { pool, .. } => drop(pool.execute(removed).await.unwrap()),
    }
    let refused =
        bench.store.decide(id, &hash, &approved("bodo"), &natural, None, &entry()).await.unwrap_err();
    assert!(refused.to_string().contains("are not those that were submitted"), "{refused}");
    assert_eq!(bench.state(id).await, NoticeState::Pending);
    let no = NewDecision { verdict: Verdict::Rejected, reason: "x".to_owned(), ..approved("bodo") };
    let state = bench.store.decide(id, &hash, &no, &natural, None, &entry()).await.unwrap();
    assert_eq!(state, NoticeState::Rejected, "but it can be said no to");
}

async fn what_nobody_released_is_not_sent_again(bench: Bench) {
    let (id, _) = bench.pending().await;
    bench.store.move_notice(id, NoticeEvent::Cancel, &entry()).await.unwrap();
    bench.fan_out_all().await;
    let later = bench.clock.now().plus(Duration::from_secs(60));
    let refused = bench.store.retry_notice(id, later, &natural, &entry()).await.unwrap_err();
    assert!(refused.to_string().contains("nobody has released it"), "{refused}");
    assert_eq!(bench.state(id).await, NoticeState::Cancelled);

    let (id, hash) = bench.pending().await;
    bench.store.decide(id, &hash, &approved("bodo"), &natural, None, &entry()).await.unwrap();
    bench.store.move_notice(id, NoticeEvent::Cancel, &entry()).await.unwrap();
    bench.fan_out_all().await;
    bench.store.retry_notice(id, later, &natural, &entry()).await.unwrap();
}

async fn what_was_stopped_before_its_time_is_not_sent_again(bench: Bench) {
    let (id, hash) = bench.pending().await;
    let at = bench.clock.now().plus(Duration::from_secs(3_600));
    bench.store.reschedule_notice(id, at, &entry()).await.unwrap();
    let state = bench.store.decide(id, &hash, &approved("bodo"), &natural, None, &entry()).await.unwrap();
    assert_eq!(state, NoticeState::Scheduled);
    bench.store.move_notice(id, NoticeEvent::Cancel, &entry()).await.unwrap();
    bench.fan_out_all().await;
    let refused = bench.store.retry_notice(id, at, &natural, &entry()).await.unwrap_err();
    assert!(refused.to_string().contains("before its time had come"), "{refused}");
    assert_eq!(bench.state(id).await, NoticeState::Cancelled);
}

async fn a_mended_address_is_taken_over_and_is_no_other_content(bench: Bench) {
    let (id, hash) = bench.pending().await;
    bench.now_have(&[("a", "mended@x.example"), ("b", "b@x.example")], false).await;
    bench.store.decide(id, &hash, &approved("bodo"), &natural, None, &entry()).await.unwrap();
    let queued = |address: &str| (address.to_owned(), "queued".to_owned());
    assert_eq!(bench.fanned_out().await, [queued("b@x.example"), queued("mended@x.example")]);
}

async fn what_waited_never_goes_to_an_address_that_a_contact_no_longer_has(bench: Bench) {
    // The new address of a is blocked, and b is gone from the files.
    let (id, hash) = bench.pending().await;
    bench.store.suppress("email", "blocked@x.example", "manual", "", None, &entry()).await.unwrap();
    bench.now_have(&[("a", "blocked@x.example")], true).await;
    bench.store.decide(id, &hash, &approved("bodo"), &natural, None, &entry()).await.unwrap();
    let suppressed = |address: &str| (address.to_owned(), "suppressed".to_owned());
    assert_eq!(bench.fanned_out().await, [suppressed("b@x.example"), suppressed("blocked@x.example")]);
    assert_eq!(bench.counts(id).await, [(DeliveryState::Suppressed, 2)]);
    assert_eq!(bench.state(id).await, NoticeState::Completed);
}

async fn what_leaves_at_its_time_goes_to_the_addresses_of_that_time(bench: Bench) {
    let (id, hash) = bench.pending().await;
    let hour = Duration::from_secs(3_600);
    bench.store.reschedule_notice(id, bench.clock.now().plus(hour), &entry()).await.unwrap();
    bench.store.decide(id, &hash, &approved("bodo"), &natural, None, &entry()).await.unwrap();
    bench.now_have(&[("a", "new@x.example"), ("b", "b@x.example")], false).await;
    bench.clock.advance(hour);
    bench.store.release_scheduled(&natural).await.unwrap();
    assert_eq!(bench.state(id).await, NoticeState::Sending);
    let queued = |address: &str| (address.to_owned(), "queued".to_owned());
    assert_eq!(bench.fanned_out().await, [queued("b@x.example"), queued("new@x.example")]);
}

/// The contact a with two addresses.
fn with_two(first: &str, second: &str) -> ContactBook {
    let mut a = contact("a", first, &["all"]);
    let rank_2 = ContactPoint {
        address: Address::parse(Channel::Email, second).unwrap(),
        rank: 2,
        ..a.points[0].clone()
    };
    a.points.push(rank_2);
    book(vec![a])
}

async fn later_ways_lead_to_the_addresses_that_contacts_have_when_it_leaves(bench: Bench) {
    let has = async |second: &str| {
        let book = with_two("first@x.example", second);
        bench.store.import_contacts(&book, &bench.ids, false, &entry()).await.unwrap();
    };
    has("second@x.example").await;
    let list = bench.recipients().await;
    let id = list[0].card.fields().id.to_owned();
    let card = ContactCard { id, ..ContactCard::default() };
    let step = |delivery, address: &str| CascadeStep {
        delivery,
        deputy: None,
        channel: Channel::Email,
        address: address.to_owned(),
        card: card.clone(),
        units: 1,
    };
    let steps = vec![
        step(list[0].delivery, "first@x.example"),
        step(DeliveryId(bench.ids.next()), "second@x.example"),
    ];
    let mut new = bench.new_notice(NoticeId(bench.ids.next()), Priority::Normal);
    new.following.people = vec![person(&list[0]).into()];
    new.following.cascade_after = Some(Duration::from_secs(600));
    new.following.cascades = vec![CascadeContact { contact: list[0].contact, has_first: true, steps }];
    let id = new.id;
    let waiting = Submission {
        second_person: "always".to_owned(),
        ..submission(new, list, Vec::new(), Release::ByAnother)
    };
    let hash = bench.store.submit(&waiting, &entry()).await.unwrap().hash;

    has("new@x.example").await;
    bench.store.decide(id, &hash, &approved("bodo"), &natural, None, &entry()).await.unwrap();
    let second = async || bench.store.cascade_steps(id, "a").await.unwrap().remove(1);
    assert_eq!(second().await.address, "new@x.example");

    // Later nothing is taken over; but nothing leaves to a stranger either.
    has("newer@x.example").await;
    bench.fan_out_all().await;
    let process = bench.running().await;
    let claimed = bench.claim(process, 1).await;
    bench.record(process, &[ended(&claimed[0], Move::Failed)]).await;
    while bench.store.cascade_step(&natural).await.unwrap().is_some() {}
    let why = second().await.fired_by.unwrap();
    assert!(why.contains("theirs no longer"), "{why}");
    assert_eq!(bench.counts(id).await, [(DeliveryState::Failed, 1)]);
}

async fn a_draft_is_changed_by_one_of_two_and_goes_with_its_submission(bench: Bench) {
    let id = NoticeId(bench.ids.next());
    let (wish, other) = (json!({"template": "a"}), json!({"template": "b"}));
    bench.store.keep_draft(id, &wish, "anna", &entry()).await.unwrap();
    assert_eq!(bench.store.change_draft(id, 1, &other, "anna", &entry()).await.unwrap(), Some(2));
    assert_eq!(bench.store.change_draft(id, 1, &wish, "bodo", &entry()).await.unwrap(), None, "too late");
    let kept = bench.store.draft(id).await.unwrap().unwrap();
    assert_eq!((kept.version, &kept.wish), (2, &other));

    let stale = Submission {
        draft_version: Some(1),
        ..submission(bench.new_notice(id, Priority::Normal), Vec::new(), Vec::new(), Release::Now)
    };
    assert!(bench.store.submit(&stale, &entry()).await.is_err());
    assert_eq!(bench.store.drafts().await.unwrap().len(), 1, "and nothing was written");
    bench.store.submit(&Submission { draft_version: Some(2), ..stale.clone() }, &entry()).await.unwrap();
    assert!(bench.store.drafts().await.unwrap().is_empty());
    bench.chain_is_whole().await;
}

async fn a_prepared_alarm_loses_its_agreement_when_it_is_prepared_anew(bench: Bench) {
    let alarm = NewAlarm {
        name: "stab".to_owned(),
        wish: json!({}),
        open: vec!["ort".to_owned()],
        text_hash: "1".to_owned(),
        audience_hash: "2".to_owned(),
        by: "anna".to_owned(),
    };
    bench.store.prepare_alarm(&alarm, &entry()).await.unwrap();
    let now = bench.clock.now();
    let approval = AlarmApproval { by: "bodo".to_owned(), at: now, until: now.plus(Duration::from_secs(60)) };
    bench.store.approve_alarm(&alarm, &approval, &entry()).await.unwrap();
    let standing = bench.store.standing_alarm("stab").await.unwrap().unwrap();
    assert_eq!((&standing.alarm, standing.approval), (&alarm, Some(approval.clone())));
    let other = NewAlarm { text_hash: "3".to_owned(), ..alarm.clone() };
    bench.store.prepare_alarm(&other, &entry()).await.unwrap();
    assert!(bench.store.standing_alarms().await.unwrap()[0].approval.is_none());
    let stale = bench.store.approve_alarm(&alarm, &approval, &entry()).await.unwrap_err();
    assert!(stale.to_string().contains("prepared anew"), "{stale}");
}

async fn a_correction_leaves_out_who_has_not_got_the_old_one(bench: Bench) {
    let (old, hash) = bench.pending().await;
    bench.store.decide(old, &hash, &approved("bodo"), &natural, None, &entry()).await.unwrap();
    let correction = bench.correction_of(old).await;
    let early = bench.store.correct(old, &correction, &entry()).await.unwrap_err();
    assert!(early.to_string().contains("nobody has got it"), "{early}");
    assert_eq!(bench.state(old).await, NoticeState::Sending, "nothing was changed");

    bench.fan_out_all().await;
    let process = bench.running().await;
    let in_flight = bench.claim(process, 1).await;
    let corrected = bench.store.correct(old, &correction, &entry()).await.unwrap();
    assert_eq!((corrected.people, corrected.old), (1, NoticeState::Cancelled));
    let new = bench.store.notice_summary(correction.notice.id).await.unwrap().unwrap();
    assert_eq!(new.recipients, 1, "one may have got the old one: it was in flight");
    let people = bench.store.notice_people(correction.notice.id).await.unwrap();
    assert_eq!(people[0].person.id, in_flight[0].card.id);
    bench.chain_is_whole().await;
}

async fn what_was_corrected_is_not_sent_again(bench: Bench) {
    let (old, hash) = bench.pending().await;
    bench.store.decide(old, &hash, &approved("bodo"), &natural, None, &entry()).await.unwrap();
    bench.fan_out_all().await;
    let process = bench.running().await;
    let claimed = bench.claim(process, 2).await;
    let ends = [ended(&claimed[0], Move::Unclear), ended(&claimed[1], Move::Failed)];
    bench.record(process, &ends).await;
    let correction = bench.correction_of(old).await;
    bench.store.correct(old, &correction, &entry()).await.unwrap();

    let (unclear, later) = ([claimed[0].delivery], bench.clock.now().plus(Duration::from_secs(60)));
    let again = bench.store.resolve(&unclear, Resolution::Resend, later, &entry()).await.unwrap_err();
    assert!(again.to_string().contains("nobody is to get what is wrong"), "{again}");
    let retried = bench.store.retry_notice(old, later, &natural, &entry()).await.unwrap_err();
    assert!(retried.to_string().contains("nobody is to get what is wrong"), "{retried}");
    bench.store.resolve(&unclear, Resolution::Sent, later, &entry()).await.unwrap();
    assert_eq!(bench.counts(old).await, [(DeliveryState::Sent, 1), (DeliveryState::Failed, 1)]);
}

async fn whoever_was_erased_meanwhile_is_not_told_of_a_release_by_one(bench: Bench) {
    let (id, hash) = bench.pending().await;
    let carla = book(vec![contact("carla", "carla@x.example", &["approvers"])]);
    bench.store.import_contacts(&carla, &bench.ids, false, &entry()).await.unwrap();
    let known = bench.recipients().await.into_iter().find(|one| one.card.fields().id == "carla").unwrap();
    let mut new = bench.new_notice(NoticeId(bench.ids.next()), Priority::Urgent);
    new.following.people = vec![person(&known).into()];
    let telling = submission(new, vec![known.clone()], Vec::new(), Release::Now);
    bench.store.erase_contact(known.contact, "hash", &entry()).await.unwrap();
    let alone = NewDecision { verdict: Verdict::BreakGlass, reason: "life".to_owned(), ..approved("bodo") };
    let refused =
        bench.store.decide(id, &hash, &alone, &natural, Some(&telling), &entry()).await.unwrap_err();
    assert!(refused.to_string().contains("was erased"), "{refused}");
    assert_eq!(bench.state(id).await, NoticeState::Pending, "it is composed anew, and released then");
    bench.store.decide(id, &hash, &alone, &natural, None, &entry()).await.unwrap();
}
