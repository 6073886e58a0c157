//! Decisions, drafts and prepared alarms.

use super::*;
use crate::domain::audit::Walk;
use crate::store::{AlarmApproval, NewAlarm};

on_both_engines!(
    a_decision_is_about_what_was_looked_at_and_is_made_once,
    what_was_tampered_with_cannot_be_released,
    what_nobody_released_is_not_sent_again,
    a_mended_address_is_taken_over_and_is_no_other_content,
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
    async fn pending(&self) -> (NoticeId, String) {
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
        Db::Postgres(pool) => drop(pool.execute(removed).await.unwrap()),
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

async fn a_mended_address_is_taken_over_and_is_no_other_content(bench: Bench) {
    let (id, hash) = bench.pending().await;
    let contacts = vec![contact("a", "mended@x.example", &["all"]), contact("b", "b@x.example", &["all"])];
    bench.store.import_contacts(&book(contacts), &bench.ids, false, &entry()).await.unwrap();
    bench.store.decide(id, &hash, &approved("bodo"), &natural, None, &entry()).await.unwrap();
    bench.fan_out_all().await;
    let filter = DeliveryFilter::default();
    let rows = bench.store.deliveries(&filter, None, 10).await.unwrap();
    let mut addresses: Vec<&str> = rows.iter().map(|row| row.address.as_str()).collect();
    addresses.sort_unstable();
    assert_eq!(addresses, ["b@x.example", "mended@x.example"]);
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
