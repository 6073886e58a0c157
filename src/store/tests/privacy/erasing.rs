//! Erasing: what says who it was is gone from every column, and the figures are as before.

use std::collections::BTreeSet;

use super::*;
use crate::domain::outcome::Fault;
use crate::domain::receipt::{Receipt, ReceiptKind};
use crate::domain::retention::HoldScope;
use crate::store::erasure::Pass;

on_both_engines!(
    an_erased_contact_is_found_in_no_column,
    what_providers_answered_about_an_erased_contact_is_gone_too,
    what_others_share_becomes_theirs,
    nothing_is_erased_under_a_hold_or_while_it_is_being_sent,
    who_was_erased_before_the_fan_out_shows_as_suppressed,
    what_was_submitted_at_the_same_moment_is_erased_too,
    nobody_is_told_who_was_erased_while_a_notice_was_put_together,
);

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

async fn what_providers_answered_about_an_erased_contact_is_gone_too(bench: Bench) {
    let known = with_quast(&bench).await;
    let notice = notice_to_both(&bench, &known).await;
    bench.fan_out_all().await;
    let process = bench.running().await;
    let claimed = bench.claim(process, 100).await;
    let accepted = |claimed: &Claimed| Attempted {
        reason: Reason::new("2.1.5", format!("250 <{}> takes it", claimed.address)),
        ..sent(claimed)
    };
    bench.record(process, &claimed.iter().map(accepted).collect::<Vec<_>>()).await;
    assert_eq!(bench.state(notice).await, NoticeState::Completed);
    let answered = |traces: Vec<String>| traces.iter().any(|trace| trace.contains("answer"));
    assert!(answered(traces(&bench, &NEEDLES).await), "there is something to erase");
    bench.store.erase_contact(key(&known, "max-q"), "hash", &entry("contact.erased")).await.unwrap();
    assert_eq!(traces(&bench, &NEEDLES).await, Vec::<String>::new());
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
    new.following = Following { people: vec![person.into()], ..Following::default() };
    let composed = submission(new, Vec::new(), Vec::new(), Release::Now);
    bench.store.erase_contact(max.key, "hash", &entry("contact.erased")).await.unwrap();
    let refused = bench.store.submit(&composed, &entry("notice.released")).await.unwrap_err().to_string();
    assert!(refused.contains("was erased"), "{refused}");
    assert_eq!(traces(&bench, &NEEDLES).await, Vec::<String>::new());
}
