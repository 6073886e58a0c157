//! Erasing, holding and deleting: what says who it was is gone from every column, and the figures are as before.

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::domain::actor::Actor;
use crate::domain::audit::{NewEntry, Subject, Walk};
use crate::domain::outcome::Fault;
use crate::domain::receipt::{Receipt, ReceiptKind};
use crate::domain::retention::{DataKind, HoldScope};
use crate::store::erasure::Pass;

on_both_engines!(
    an_erased_contact_is_found_in_no_column,
    what_others_share_becomes_theirs,
    nothing_is_erased_under_a_hold_or_while_it_is_being_sent,
    who_was_erased_before_the_fan_out_shows_as_suppressed,
    what_has_been_kept_for_its_time_goes_and_the_figures_stay,
    a_notice_goes_in_the_end_and_the_log_stays_whole,
    a_hold_keeps_a_notice_and_what_is_unclear_is_not_touched,
    a_prune_removes_nobody_whom_a_hold_keeps,
    a_hold_that_is_set_meanwhile_counts,
    two_processes_let_go_of_the_same_thing_once,
    what_was_submitted_at_the_same_moment_is_erased_too,
    nobody_is_told_who_was_erased_while_a_notice_was_put_together,
    nothing_that_was_decided_about_a_notice_outlives_it,
);

fn entry(action: &'static str) -> NewEntry {
    NewEntry::new(&Actor::shell("anna"), action, Subject::new("contact", "key")).because("asked for it")
}

/// Every value in the store, as text, with where it stands.
async fn everything(bench: &Bench) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let columns: Vec<(String, String)> = match &bench.store.db {
        Db::Sqlite { write, .. } => sqlx::query_as(
            "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'",
        )
        .fetch_all(write)
        .await
        .unwrap(),
        Db::Postgres(pool) => sqlx::query_as(
            "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) FROM information_schema.columns c
             WHERE table_schema = 'public'
               AND EXISTS (SELECT 1 FROM information_schema.tables t
                           WHERE t.table_name = c.table_name AND t.table_type = 'BASE TABLE')",
        )
        .fetch_all(pool)
        .await
        .unwrap(),
    };
    assert!(columns.len() > 150, "only {} columns were found", columns.len());
    for (table, column) in columns {
        let query = sqlx::AssertSqlSafe(format!(
            "SELECT CAST(\"{column}\" AS TEXT) FROM \"{table}\" WHERE \"{column}\" IS NOT NULL"
        ));
        let values: Vec<(String,)> = match &bench.store.db {
            Db::Sqlite { write, .. } => {
                let query = sqlx::AssertSqlSafe(format!(
                    "SELECT CASE typeof(\"{column}\") WHEN 'blob' THEN hex(\"{column}\")
                            ELSE CAST(\"{column}\" AS TEXT) END FROM \"{table}\" WHERE \"{column}\" IS NOT NULL"
                ));
                sqlx::query_as(query).fetch_all(write).await.unwrap()
            }
            Db::Postgres(pool) => sqlx::query_as(query).fetch_all(pool).await.unwrap(),
        };
        found.extend(values.into_iter().map(|(value,)| (format!("{table}.{column}"), value)));
    }
    found
}

/// Where one of `needles` stands, without regard to case.
async fn traces(bench: &Bench, needles: &[&str]) -> Vec<String> {
    let found = everything(bench).await;
    let hit = |value: &str| {
        let value = value.to_lowercase();
        needles.iter().any(|needle| value.contains(&needle.to_lowercase()))
    };
    found
        .into_iter()
        .filter(|(_, value)| hit(value))
        .map(|(place, value)| format!("{place}: {value}"))
        .collect()
}

const NEEDLES: [&str; 4] = ["quast", "max-q", "28817386", "T0geheim"];

fn quast() -> Contact {
    let point = |channel, address: &str, rank| ContactPoint {
        address: Address::parse(channel, address).unwrap(),
        rank,
        webhook_secret: None,
        webhook_format: WebhookFormat::Standard,
        grounds: crate::domain::grounds::Grounds {
            label: "privat Quast".to_owned(),
            ..crate::domain::grounds::Grounds::default()
        },
    };
    Contact {
        name: "Max Quast".to_owned(),
        salutation: "Sehr geehrter Herr Quast".to_owned(),
        points: vec![
            point(Channel::Email, "max.quast@x.example", 1),
            point(Channel::Sms, "+4915228817386", 1),
            point(Channel::Webhook, "https://hooks.example/T0geheim", 1),
        ],
        attributes: [("mobil".to_owned(), "0152 28817386".to_owned())].into(),
        ..contact("max-q", "max.quast@x.example", &["all"])
    }
}

async fn with_quast(bench: &Bench) -> Vec<KnownContact> {
    let mut other = contact("other", "other@x.example", &["all"]);
    other.deputy = Some("max-q".to_owned());
    bench
        .store
        .import_contacts(&book(vec![quast(), other]), &bench.ids, false, &entry("contacts.imported"))
        .await
        .unwrap();
    bench.store.contacts().await.unwrap()
}

fn key(known: &[KnownContact], id: &str) -> ContactKey {
    known.iter().find(|known| known.contact.id == id).unwrap().key
}

/// A notice to both by e-mail, on which everything about them stands that can.
async fn notice_to_both(bench: &Bench, known: &[KnownContact]) -> NoticeId {
    let id = NoticeId(bench.ids.next());
    let recipients: Vec<Recipient> = known
        .iter()
        .map(|known| Recipient {
            delivery: DeliveryId(bench.ids.next()),
            channel: Channel::Email,
            contact: known.key,
            card: known.contact.card(),
            address: known.contact.points_of(Channel::Email).next().unwrap().address.as_str().to_owned(),
            destination: "x.example".to_owned(),
            units: 1,
        })
        .collect();
    let person = |known: &KnownContact| Person {
        contact: known.key,
        id: known.contact.id.clone(),
        name: known.contact.name.clone(),
        organisation: known.contact.organisation.clone(),
        group: "all".to_owned(),
        deputy: known.contact.deputy.clone(),
    };
    let mut new = bench.new_notice(id, Priority::Normal);
    new.audience.contacts = vec!["max-q".to_owned()];
    new.following = Following { people: known.iter().map(person).collect(), ..Following::default() };
    let lost = UnreachableRecipient {
        contact: key(known, "max-q"),
        id: "max-q".to_owned(),
        name: "Max Quast".to_owned(),
        reason: "no telephone number".to_owned(),
    };
    bench.store.submit_notice(&new, &recipients, &[], &[lost], &entry("notice.submitted")).await.unwrap();
    bench.store.release_notice(id, &entry("notice.released")).await.unwrap();
    id
}

/// Sends what is due; what goes to `failing` fails with its address in the answer.
async fn deliver(bench: &Bench, failing: &str) {
    bench.fan_out_all().await;
    let process = bench.running().await;
    let ends: Vec<Attempted> = bench
        .claim(process, 100)
        .await
        .iter()
        .map(|claimed| match claimed.card.id == failing {
            true => Attempted {
                reason: Reason::new("5.1.1", "550 <max.quast@x.example>: unknown"),
                suppress_until: Some(bench.clock.now().plus(Duration::from_secs(86_400))),
                ..ended(claimed, Move::Failed)
            },
            false => sent(claimed),
        })
        .collect();
    bench.record(process, &ends).await;
}

/// How often the audit log, which must be whole, says `action`.
async fn entries_of(bench: &Bench, action: &str) -> usize {
    let entries = bench.store.audit_entries(0, 1_000).await.unwrap();
    let mut walk = Walk::default();
    entries.iter().for_each(|entry| walk.step(entry).unwrap());
    assert_eq!(*walk.head(), bench.store.audit_head().await.unwrap());
    entries.iter().filter(|entry| entry.action == action).count()
}

/// A draft, a prepared alarm and an answer that is kept, all of which name the contact.
async fn name_where_nothing_is_sent_yet(bench: &Bench) {
    let account = NewAccount {
        name: "anna".parse().unwrap(),
        roles: [crate::domain::actor::Role::Approver].into(),
        password: None,
        must_change: false,
        linked: None,
        created_by: "shell:test".to_owned(),
    };
    bench.store.add_account(&account, &entry("account.added")).await.unwrap();
    let told_by = AccountChange::Contact(Some("max-q".to_owned()));
    bench.store.change_account(&account.name, told_by, None, &entry("account.changed")).await.unwrap();
    let wish = serde_json::json!({"template": "erst-presse", "audience": {
        "groups": [], "contacts": ["max-q", "other"], "except": [],
        "filters": [{"attribute": "id", "value": "MAX-Q"}],
    }});
    let draft = NoticeId(bench.ids.next());
    bench.store.keep_draft(draft, &wish, "anna", &entry("notice.drafted")).await.unwrap();
    let alarm = NewAlarm {
        name: "stab".to_owned(),
        wish,
        open: Vec::new(),
        text_hash: "00".to_owned(),
        audience_hash: "00".to_owned(),
        by: "anna".to_owned(),
    };
    bench.store.prepare_alarm(&alarm, &entry("alarm.prepared")).await.unwrap();
    let keyed = KeyedRequest {
        actor: "anna".to_owned(),
        key: "k-1".to_owned(),
        content: "00".to_owned(),
        request: "r-1".to_owned(),
    };
    bench.store.reserve_key(&keyed).await.unwrap();
    let body = r#"{"id":"max-q","address":"max.quast@x.example"}"#.to_owned();
    let answer = KeptAnswer { status: 200, headers: Vec::new(), body: Some(body) };
    bench.store.keep_answer(&keyed, &answer).await.unwrap();
}

async fn an_erased_contact_is_found_in_no_column(bench: Bench) {
    let known = with_quast(&bench).await;
    let max = key(&known, "max-q");
    let first = notice_to_both(&bench, &known).await;
    deliver(&bench, "max-q").await;
    bench
        .store
        .reached_by_hand(first, max, "phone", "Frau Quast am Telefon", "anna", &entry("notice.reached"))
        .await
        .unwrap();
    let second = notice_to_both(&bench, &known).await;
    bench.fan_out_all().await;
    name_where_nothing_is_sent_yet(&bench).await;
    let (before, waiting) = (bench.counts(first).await, bench.counts(second).await);
    assert!(traces(&bench, &NEEDLES).await.len() > 15, "there is something to erase");
    assert_eq!(waiting, [(DeliveryState::Queued, 1), (DeliveryState::Suppressed, 1)]);

    let kept = bench.store.everybody().await.unwrap().contacts().len();
    let erased = bench.store.erase_contact(max, "hash", &entry("contact.erased")).await.unwrap();
    let left = bench.store.everybody().await.unwrap();
    assert_eq!(left.contacts().len() + 1, kept, "nor is it kept in memory");
    assert_eq!((erased.notices, erased.deliveries), (2, 2));
    assert_eq!(traces(&bench, &NEEDLES).await, Vec::<String>::new());
    assert_eq!(bench.counts(first).await, before, "the figures are as they were");
    assert_eq!(bench.counts(second).await, waiting);
    assert_eq!(entries_of(&bench, "contact.erased").await, 1);
    let draft = bench.store.drafts().await.unwrap().remove(0);
    assert_eq!(draft.wish["audience"]["contacts"], serde_json::json!([erased.id, "other"]));
    assert_eq!(draft.version, 2, "whoever has read the draft notices");

    // What comes in later brings nothing back.
    let rows = bench.store.deliveries(&DeliveryFilter::default(), None, 100).await.unwrap();
    let gone: Vec<_> = rows.iter().filter(|row| row.address.starts_with(ERASED)).collect();
    assert_eq!((rows.len(), gone.len()), (4, 2), "every delivery is still listed");
    let bounce = Receipt {
        delivery: DeliveryId(gone[0].id),
        round: 1,
        source: "bounce".to_owned(),
        kind: ReceiptKind::Failed(Fault::Address),
        reason: Reason::new("5.1.2", "550 <max.quast@x.example> unknown"),
    };
    bench.store.receive(&[bounce], &|| bench.ids.next()).await.unwrap();
    assert_eq!(bench.retry(first).await.deliveries, 0, "an erased address is not tried again");
    assert_eq!(traces(&bench, &NEEDLES).await, Vec::<String>::new());
    assert_eq!(bench.store.erased_ids(&["hash".to_owned()]).await.unwrap().len(), 1);
}

async fn what_others_share_becomes_theirs(bench: Bench) {
    let notice = bench.notice_to_two_who_share("both@x.example").await;
    bench.fan_out_all().await;
    let known = bench.store.contacts().await.unwrap();
    let erased = bench.store.erase_contact(key(&known, "a"), "hash", &entry("contact.erased")).await.unwrap();
    assert_eq!((erased.handed_over, erased.cancelled), (1, 0));
    let process = bench.running().await;
    let claimed = bench.claim(process, 10).await;
    assert_eq!((claimed.len(), claimed[0].card.id.as_str()), (1, "b"), "b is told all the same");
    assert_eq!(traces(&bench, &["Rathaus a"]).await, Vec::<String>::new());
    bench.record(process, &[sent(&claimed[0])]).await;
    assert_eq!(bench.state(notice).await, NoticeState::Completed);
}

async fn nothing_is_erased_under_a_hold_or_while_it_is_being_sent(bench: Bench) {
    let known = with_quast(&bench).await;
    let max = key(&known, "max-q");
    notice_to_both(&bench, &known).await;
    bench.fan_out_all().await;
    let process = bench.running().await;
    let claimed = bench.claim(process, 10).await;
    let erase = || async {
        let refused = bench.store.erase_contact(max, "hash", &entry("contact.erased")).await;
        refused.map_err(|error| error.to_string())
    };
    let traced = traces(&bench, &NEEDLES).await;
    assert!(erase().await.unwrap_err().contains("at this moment"));
    bench.record(process, &claimed.iter().map(sent).collect::<Vec<_>>()).await;

    let number = bench.store.notices().await.unwrap()[0].number.clone();
    for scope in [HoldScope::Everything, HoldScope::Notice(number)] {
        assert!(bench.store.set_hold(&scope, "Ermittlungen", "anna", &entry("hold.set")).await.unwrap());
        assert!(!bench.store.set_hold(&scope, "again", "anna", &entry("hold.set")).await.unwrap());
        assert!(erase().await.unwrap_err().contains("Ermittlungen"));
        assert!(bench.store.lift_hold(&scope, &entry("hold.lifted")).await.unwrap());
        assert!(!bench.store.lift_hold(&scope, &entry("hold.lifted")).await.unwrap());
    }
    assert!(traces(&bench, &NEEDLES).await.len() >= traced.len(), "nothing was erased half");
    assert_eq!((entries_of(&bench, "hold.set").await, entries_of(&bench, "hold.lifted").await), (2, 2));
    assert!(erase().await.is_ok());
}

async fn who_was_erased_before_the_fan_out_shows_as_suppressed(bench: Bench) {
    let known = with_quast(&bench).await;
    let notice = notice_to_both(&bench, &known).await;
    bench.store.erase_contact(key(&known, "max-q"), "hash", &entry("contact.erased")).await.unwrap();
    deliver(&bench, "").await;
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Sent, 1), (DeliveryState::Suppressed, 1)]);
    assert_eq!(bench.state(notice).await, NoticeState::Completed);
    assert_eq!(bench.store.suppressions().await.unwrap(), [], "that is no address that anybody could lift");
    assert_eq!(traces(&bench, &NEEDLES).await, Vec::<String>::new());
}

/// Lets go of everything of `kind` that is due now; says of how many notices.
async fn retain(bench: &Bench, kind: DataKind) -> usize {
    let mut notices = 0;
    for due in bench.store.due_for(kind, bench.clock.now(), 100).await.unwrap() {
        let mut left = Some(due);
        while let Some(due) = left {
            left = bench.store.retain_less(kind, &due, &entry("retention.applied")).await.unwrap();
        }
        notices += 1;
    }
    notices
}

async fn what_has_been_kept_for_its_time_goes_and_the_figures_stay(bench: Bench) {
    let known = with_quast(&bench).await;
    let notice = notice_to_both(&bench, &known).await;
    deliver(&bench, "max-q").await;
    bench.clock.advance(Duration::from_secs(5));
    bench
        .store
        .reached_by_hand(
            notice,
            key(&known, "max-q"),
            "phone",
            "rief zurück",
            "anna",
            &entry("notice.reached"),
        )
        .await
        .unwrap();
    let counts = bench.counts(notice).await;
    let early = bench.store.notices().await.unwrap()[0].completed_at.unwrap().minus(Duration::from_millis(1));
    assert_eq!(bench.store.due_for(DataKind::Deliveries, early, 10).await.unwrap(), [], "it is not time yet");
    for kind in [DataKind::Acknowledgements, DataKind::Deliveries, DataKind::Receipts] {
        assert_eq!(retain(&bench, kind).await, 1, "{kind}");
        assert_eq!(retain(&bench, kind).await, 0, "{kind} is done once");
    }
    assert_eq!(bench.counts(notice).await, counts);
    let people = bench.store.notice_people(notice).await.unwrap();
    assert_eq!(people.len(), 2);
    assert!(people.iter().all(|person| person.person.name.is_empty()));
    let confirmed = people.iter().find_map(|person| person.acknowledged.clone()).unwrap();
    assert_eq!(Some(confirmed.at), bench.store.notices().await.unwrap()[0].completed_at);
    assert_eq!((confirmed.note.as_str(), confirmed.recorded_by.as_str()), ("", ""));
    // What is left are the contacts themselves, and the address that is blocked.
    let places = traces(&bench, &NEEDLES).await;
    let left = ["contacts.", "contact_points.", "suppressions."];
    let lost: Vec<_> =
        places.iter().filter(|place| !left.iter().any(|table| place.starts_with(table))).collect();
    assert!(lost.is_empty(), "{lost:#?}");
    assert_eq!(bench.retry(notice).await.deliveries, 0);
    assert_eq!(entries_of(&bench, "retention.applied").await, 3);
}

async fn a_notice_goes_in_the_end_and_the_log_stays_whole(bench: Bench) {
    let notice = bench.notice(5_000, &["x.example"], Priority::Normal).await;
    let process = bench.running().await;
    while bench.store.fan_out(notice, 5_000).await.unwrap().is_some() {}
    let claimed = bench.claim(process, 5_000).await;
    bench.record(process, &claimed.iter().map(sent).collect::<Vec<_>>()).await;
    let kept = bench.notice(1, &["y.example"], Priority::Normal).await;
    assert_eq!(retain(&bench, DataKind::Notices).await, 1, "what has not ended stays");
    let left: Vec<NoticeId> =
        bench.store.notices().await.unwrap().into_iter().map(|notice| notice.id).collect();
    assert_eq!(left, [kept]);
    let rows = bench.store.deliveries(&DeliveryFilter::default(), None, 10_000).await.unwrap();
    assert_eq!(rows.len(), 0);
    assert_eq!(entries_of(&bench, "retention.applied").await, 1);
}

async fn a_hold_keeps_a_notice_and_what_is_unclear_is_not_touched(bench: Bench) {
    let unclear = bench.notice(2, &["x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let dead = bench.running().await;
    assert_eq!(bench.claim(dead, 10).await.len(), 2);
    bench.clock.advance(Duration::from_secs(11));
    bench.store.reclaim(AfterCrash::Ask).await.unwrap();
    assert_eq!(bench.state(unclear).await, NoticeState::Completed);
    assert_eq!(retain(&bench, DataKind::Deliveries).await, 0, "somebody still has to decide");

    let held = bench.notice(1, &["x.example"], Priority::Normal).await;
    deliver(&bench, "").await;
    let number = bench.store.notice_summary(held).await.unwrap().unwrap().number;
    let scope = HoldScope::Notice(number);
    bench.store.set_hold(&scope, "Ermittlungen", "anna", &entry("hold.set")).await.unwrap();
    assert_eq!(retain(&bench, DataKind::Deliveries).await, 0);
    bench.store.lift_hold(&scope, &entry("hold.lifted")).await.unwrap();
    assert_eq!(retain(&bench, DataKind::Deliveries).await, 1);
}

async fn a_prune_removes_nobody_whom_a_hold_keeps(bench: Bench) {
    let free = bench.notice(1, &["x.example"], Priority::Normal).await;
    let held = bench.notice(2, &["x.example"], Priority::Normal).await;
    let number = bench.store.notice_summary(held).await.unwrap().unwrap().number;
    let scope = HoldScope::Notice(number);
    bench.store.set_hold(&scope, "Ermittlungen", "anna", &entry("hold.set")).await.unwrap();
    let before = bench.store.contacts().await.unwrap();
    let of = |notice: NoticeId| notice.0.simple().to_string();
    let nobody = book(vec![contact("new", "new@x.example", &["all"])]);
    let log = bench.store.audit_head().await.unwrap().sequence;
    for done in [
        bench.store.preview_import(&nobody, &bench.ids, true).await,
        bench.store.import_contacts(&nobody, &bench.ids, true, &entry("contacts.imported")).await,
    ] {
        let refused = done.unwrap_err().to_string();
        assert!(refused.contains("Ermittlungen") && refused.contains("retention lift"), "{refused}");
        assert_eq!(refused.matches(&of(held)).count(), 2, "both are named: {refused}");
        assert!(!refused.contains(&of(free)), "{refused}");
    }
    assert_eq!(bench.store.contacts().await.unwrap(), before, "nothing was imported either");
    assert_eq!(bench.store.audit_head().await.unwrap().sequence, log);
    let without = bench.store.import_contacts(&nobody, &bench.ids, false, &entry("contacts.imported")).await;
    assert_eq!(without.unwrap().missing.len(), 3, "without --prune they stay");
    bench.store.lift_hold(&scope, &entry("hold.lifted")).await.unwrap();
    let done = bench.store.import_contacts(&nobody, &bench.ids, true, &entry("contacts.imported")).await;
    assert_eq!(done.unwrap().removed.len(), 3);
}

async fn a_hold_that_is_set_meanwhile_counts(bench: Bench) {
    let notice = bench.notice(1, &["x.example"], Priority::Normal).await;
    deliver(&bench, "").await;
    let due = bench.store.due_for(DataKind::Notices, bench.clock.now(), 10).await.unwrap().remove(0);
    bench.store.set_hold(&HoldScope::Everything, "Ermittlungen", "anna", &entry("hold.set")).await.unwrap();
    let left = bench.store.retain_less(DataKind::Notices, &due, &entry("retention.applied")).await.unwrap();
    assert_eq!(left, None);
    assert!(bench.store.notice_summary(notice).await.unwrap().is_some(), "it is held");
    assert_eq!(entries_of(&bench, "retention.applied").await, 0, "nothing was done, and nothing is said");
}

async fn two_processes_let_go_of_the_same_thing_once(bench: Bench) {
    bench.notice(3, &["x.example"], Priority::Normal).await;
    deliver(&bench, "").await;
    let due = bench.store.due_for(DataKind::Deliveries, bench.clock.now(), 10).await.unwrap().remove(0);
    for _ in 0..2 {
        let left =
            bench.store.retain_less(DataKind::Deliveries, &due, &entry("retention.applied")).await.unwrap();
        assert_eq!(left, None);
    }
    assert_eq!(entries_of(&bench, "retention.applied").await, 1);
}

async fn what_was_submitted_at_the_same_moment_is_erased_too(bench: Bench) {
    let known = with_quast(&bench).await;
    let max = key(&known, "max-q");
    let (hash, entry) = ("hash", entry("contact.erased"));
    let first = Pass::First { id_hash: hash, entry: &entry };
    let (id, _) = bench.store.erase_once(max, &BTreeSet::new(), first).await.unwrap();
    // It was composed before the contact had gone.
    let late = notice_to_both(&bench, &known).await;
    let touched = BTreeSet::from([late.0]);
    let (_, erased) = bench.store.erase_once(max, &touched, Pass::Late { id: &id }).await.unwrap();
    assert_eq!(erased.notices, 1);
    assert_eq!(traces(&bench, &NEEDLES).await, Vec::<String>::new());
}

async fn nobody_is_told_who_was_erased_while_a_notice_was_put_together(bench: Bench) {
    let known = with_quast(&bench).await;
    let max = known.iter().find(|known| known.contact.id == "max-q").unwrap();
    let mut new = bench.new_notice(NoticeId(bench.ids.next()), Priority::Normal);
    let person = Person {
        contact: max.key,
        id: "max-q".to_owned(),
        name: "Max Quast".to_owned(),
        organisation: String::new(),
        group: "all".to_owned(),
        deputy: None,
    };
    new.following = Following { people: vec![person], ..Following::default() };
    let composed = submission(new, Vec::new(), Vec::new(), Release::Now);
    bench.store.erase_contact(max.key, "hash", &entry("contact.erased")).await.unwrap();
    let refused = bench.store.submit(&composed, &entry("notice.released")).await.unwrap_err().to_string();
    assert!(refused.contains("was erased"), "{refused}");
    assert_eq!(traces(&bench, &NEEDLES).await, Vec::<String>::new());
}

async fn nothing_that_was_decided_about_a_notice_outlives_it(bench: Bench) {
    let notice = bench.notice(1, &["x.example"], Priority::Normal).await;
    deliver(&bench, "").await;
    let insert =
        "INSERT INTO notice_decisions (notice_id, decision, kind, hash, decided_by, decided_at, reason, note)
                  VALUES ($1, 1, 'approved', '00', 'anna', 0, '', 'Quast rief an')";
    match &bench.store.db {
        Db::Sqlite { write, .. } => sqlx::query(insert).bind(notice.0).execute(write).await.map(|_| ()),
        Db::Postgres(pool) => sqlx::query(insert).bind(notice.0).execute(pool).await.map(|_| ()),
    }
    .unwrap();
    assert_eq!(retain(&bench, DataKind::Notices).await, 1);
    assert_eq!(traces(&bench, &["Quast"]).await, Vec::<String>::new());
}
