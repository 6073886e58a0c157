//! Incidents from their opening to their reminders, on a clock that stands still.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::change::{Change, close, update};
use super::deadlines::{Verdict, decide};
use super::link::IncidentWish;
use super::open::{NewIncident, open};
use super::remind::{GROUP, Reminded, remind_crisis_staff};
use super::*;
use crate::app::compose::{ComposeError, Draft, Wish, compose};
use crate::app::instance::Instance;
use crate::app::notices::break_glass::release;
use crate::app::notices::decide::approve;
use crate::app::notices::steer;
use crate::app::release::submit;
use crate::config::defaults;
use crate::domain::actor::{Actor, Right};
use crate::domain::address::{Address, Channel};
use crate::domain::approval::BreakGlass;
use crate::domain::audience::Audience;
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::chance::Chance;
use crate::domain::clock::{ManualClock, Timestamp};
use crate::domain::contact::{Contact, ContactBook, ContactPoint, Group, WebhookFormat};
use crate::domain::ids::IdSource;
use crate::domain::incident::{DeadlineKind, DeadlineMark};
use crate::domain::notice::{NoticeState, Priority, Visibility};
use crate::domain::seal::Seal;
use crate::domain::settings::{DatabaseUrl, Settings};
use crate::domain::template::Phase;
use crate::store::Purpose;

const HOUR: Duration = Duration::from_secs(3_600);
const MINUTE: Duration = Duration::from_secs(60);
/// 20 November 2026, 05:40 in Berlin.
const START: Timestamp = Timestamp(1_795_149_600_000);

struct World {
    instance: Instance,
    settings: Arc<Settings>,
    clock: Arc<ManualClock>,
    anna: Actor,
    _folder: tempfile::TempDir,
}

async fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(START));
    let mut settings = defaults().unwrap();
    settings.instance.templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let settings = Arc::new(settings);
    let url = DatabaseUrl::Sqlite(folder.path().join("rundruf.db"));
    let store = Store::open(&url, Purpose::Write, clock.clone()).await.unwrap();
    let chance = Arc::new(Chance::from_system());
    let ids = Arc::new(IdSource::new(clock.clone(), chance.clone()));
    let point = |channel, address: &str| ContactPoint {
        address: Address::parse(channel, address).unwrap(),
        rank: 1,
        webhook_secret: None,
        webhook_format: WebhookFormat::Standard,
        grounds: crate::domain::grounds::Grounds::default(),
    };
    let contact = |id: &str, group: &str, points| Contact {
        id: id.to_owned(),
        name: id.to_owned(),
        organisation: String::new(),
        salutation: String::new(),
        language: "de".to_owned(),
        deputy: None,
        points,
        groups: vec![group.to_owned()],
        attributes: crate::domain::attributes::Attributes::default(),
    };
    let group = |name: &str| Group { name: name.to_owned(), title: name.to_owned(), contains: Vec::new() };
    let book = ContactBook {
        contacts: vec![
            contact("stadt", "municipalities", vec![point(Channel::Email, "stadt@musterstadt.example")]),
            contact(
                "chefin",
                GROUP,
                vec![point(Channel::Email, "chefin@kdm.example"), point(Channel::Sms, "+4917139200001")],
            ),
            contact("alle", "staff", vec![point(Channel::Email, "alle@kdm.example")]),
        ],
        groups: ["municipalities", GROUP, "staff"].map(|name| (name.to_owned(), group(name))).into(),
    };
    let entry = NewEntry::new(&Actor::shell("test"), "test.prepared", Subject::new("test", "stage"));
    store.import_contacts(&book, &ids, false, &entry).await.unwrap();
    let (_, receiver) = watch::channel(settings.clone());
    let instance = Instance {
        store,
        settings: receiver,
        seal: Seal::new(b"key"),
        ids,
        clock: clock.clone(),
        chance,
        checked: crate::templates::CheckedTemplates::default(),
    };
    World { instance, settings, clock, anna: Actor::shell("anna"), _folder: folder }
}

impl World {
    async fn opened(&self, deadlines: Vec<DeadlineKind>) -> Incident {
        let new = NewIncident {
            key: "it-ausfall".to_owned(),
            title: "IT-Ausfall".to_owned(),
            phase: Phase::Investigating,
            exercise: false,
            known_at: None,
            next_update_at: None,
            services: Vec::new(),
            deadlines,
            owner: String::new(),
        };
        open(&self.instance, &self.anna, new).await.unwrap()
    }

    async fn read(&self) -> Incident {
        read::show(&self.instance, &self.anna, "it-ausfall").await.unwrap()
    }

    fn wish(template: &str, values: &[(&str, &str)], next_update: Option<Timestamp>) -> Wish {
        let pairs = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Wish {
            template: template.to_owned(),
            values: pairs.collect(),
            audience: Audience { groups: vec!["municipalities".to_owned()], ..Audience::default() },
            channels: vec![Channel::Email],
            cascade: Vec::new(),
            after: None,
            priority: Priority::Normal,
            visibility: Visibility::Internal,
            exercise: false,
            at: None,
            expires_after: None,
            incident: Some(IncidentWish { key: "it-ausfall".to_owned(), next_update, reminder: None }),
            accept_wording: false,
            hints_seen: Vec::new(),
        }
    }

    async fn compose(&self, wish: Wish) -> Result<Draft, ComposeError> {
        let Instance { store, ids, checked, .. } = &self.instance;
        compose(wish, &self.settings, checked, store, ids, self.instance.now()).await
    }

    async fn send(&self, wish: Wish) -> String {
        let draft = self.compose(wish).await.unwrap();
        submit(&self.instance, &self.anna, &draft).await.unwrap().number
    }

    async fn remind(&self) -> Vec<Reminded> {
        remind_crisis_staff(&self.instance).await.unwrap()
    }
}

const NOTHING_NEW: &[(&str, &str)] = &[("stand", "2026-11-20T05:40"), ("hotline", "030 23125-100")];

#[tokio::test]
async fn a_status_notice_promises_what_is_proposed_says_so_and_moves_the_clock() {
    let world = world().await;
    world.opened(Vec::new()).await;
    let draft = world.compose(World::wish("lage-ohne-neues", NOTHING_NEW, None)).await.unwrap();
    let linked = draft.incident.unwrap();
    let promised = START.plus(HOUR * 4);
    assert_eq!((linked.link.promised_at, linked.is_proposed), (Some(promised), true));
    assert_eq!(draft.wish.values["naechste"], promised.to_string(), "its text says the same");
    assert_eq!(world.read().await.next_update_at, None, "a draft promises nothing");
    world.send(World::wish("lage-ohne-neues", NOTHING_NEW, None)).await;
    assert_eq!(world.read().await.next_update_at, Some(promised));
}

#[tokio::test]
async fn a_promise_is_taken_as_it_is_said_but_not_two_of_them_and_not_the_past() {
    let world = world().await;
    world.opened(Vec::new()).await;
    let later = START.plus(HOUR * 6);
    let mut typed = NOTHING_NEW.to_vec();
    typed.push(("naechste", "2026-11-20T11:40"));
    let draft = world.compose(World::wish("lage-ohne-neues", &typed, None)).await.unwrap();
    let linked = draft.incident.unwrap();
    assert_eq!((linked.link.promised_at, linked.is_proposed), (Some(later), false));
    assert!(
        world.compose(World::wish("lage-ohne-neues", &typed, Some(later))).await.is_ok(),
        "the same twice"
    );
    let refused = |wish| async { world.compose(wish).await.unwrap_err().to_string() };
    let two = refused(World::wish("lage-ohne-neues", &typed, Some(START.plus(HOUR)))).await;
    assert!(two.contains("two different times"), "{two}");
    let past = refused(World::wish("lage-ohne-neues", NOTHING_NEW, Some(START))).await;
    assert!(past.contains("has passed"), "{past}");
    let far = refused(World::wish("lage-ohne-neues", NOTHING_NEW, Some(START.plus(HOUR * 24 * 32)))).await;
    assert!(far.contains("more than 31 days"), "{far}");
    let far = Change { next_update_at: Some(START.plus(HOUR * 24_000)), ..Change::default() };
    let far = update(&world.instance, &world.anna, "it-ausfall", far).await.unwrap_err().to_string();
    assert!(far.contains("more than 31 days"), "{far}");
    let elsewhere = Wish {
        incident: Some(IncidentWish { key: "it-ausfal".to_owned(), next_update: None, reminder: None }),
        ..World::wish("lage-ohne-neues", NOTHING_NEW, None)
    };
    assert!(refused(elsewhere).await.contains("did you mean \"it-ausfall\""));
    let exercise = Wish { exercise: true, ..World::wish("lage-ohne-neues", NOTHING_NEW, None) };
    assert!(refused(exercise).await.contains("is no exercise"));
}

#[tokio::test]
async fn an_all_clear_promises_nothing_and_goes_out_when_all_is_over() {
    let world = world().await;
    world.opened(Vec::new()).await;
    world.send(World::wish("lage-ohne-neues", NOTHING_NEW, None)).await;
    close(&world.instance, &world.anna, "it-ausfall", "", None).await.unwrap();
    let closed = world.read().await;
    assert_eq!((closed.phase, closed.next_update_at), (Phase::Resolved, None));
    let status = world.compose(World::wish("lage-ohne-neues", NOTHING_NEW, None)).await.unwrap_err();
    assert!(status.to_string().contains("is closed"), "{status}");

    let template = crate::templates::load_template(&world.settings.instance.templates, "entwarnung-kommune");
    let spec = template.unwrap().spec;
    let values: Vec<(&str, &str)> = spec
        .variables
        .iter()
        .filter_map(|variable| Some((variable.name.as_str(), variable.example.as_deref()?)))
        .collect();
    let draft = world.compose(World::wish("entwarnung-kommune", &values, None)).await.unwrap();
    assert_eq!(draft.incident.unwrap().link.promised_at, None);
    assert_eq!(draft.wording, [], "over is over");
}

#[tokio::test]
async fn the_crisis_staff_is_told_before_and_after_each_once_and_nobody_else() {
    let world = world().await;
    world.opened(Vec::new()).await;
    world.send(World::wish("lage-ohne-neues", NOTHING_NEW, None)).await;
    world.clock.advance(HOUR * 3 + MINUTE * 44);
    assert_eq!(world.remind().await, []);
    world.clock.advance(MINUTE);
    let soon = world.remind().await;
    assert_eq!(soon.len(), 1);
    assert_eq!(world.remind().await, [], "once");
    world.clock.advance(MINUTE * 20);
    let overdue = world.remind().await;
    assert!(overdue[0].to_string().contains("overdue"), "{overdue:?}");
    assert_eq!(world.remind().await, []);

    let store = &world.instance.store;
    for (told, word) in soon.iter().chain(&overdue).zip(["bald", "ueberfaellig"]) {
        let id = store.notice_id(&told.notice).await.unwrap().unwrap();
        let people = store.notice_people(id).await.unwrap();
        assert_eq!(people.iter().map(|one| one.person.id.as_str()).collect::<Vec<_>>(), ["chefin"]);
        let notice = store.notice(id).await.unwrap().unwrap();
        assert!(notice.variables.to_string().contains(word), "{}", notice.variables);
        let summary = store.notice_summary(id).await.unwrap().unwrap();
        assert_eq!((summary.recipients, summary.alarm), (2, false), "e-mail and SMS, nothing to confirm");
    }
    world.send(World::wish("lage-ohne-neues", NOTHING_NEW, None)).await;
    assert_eq!(world.remind().await, [], "a new promise");
    assert_eq!(read::timeline(&world.instance, &world.anna, "it-ausfall").await.unwrap().len(), 2);
}

#[tokio::test]
async fn deadlines_are_reminded_of_until_they_are_done_with_a_proof() {
    let world = world().await;
    world.opened(vec![DeadlineKind::BsiEarly, DeadlineKind::Controllers]).await;
    world.clock.advance(HOUR * 3);
    assert_eq!(world.remind().await.len(), 1, "controllers are told without delay");
    let say = |kind, verdict| decide(&world.instance, &world.anna, "it-ausfall", kind, verdict, None);
    let done = |proof: &str| Verdict::Done { at: None, proof: proof.to_owned() };
    assert!(say(DeadlineKind::BsiEarly, done(" ")).await.unwrap_err().to_string().contains("proves it"));
    assert!(
        say(DeadlineKind::BsiFinal, done("x")).await.unwrap_err().to_string().contains("not switched on")
    );
    say(DeadlineKind::Controllers, done("2026-0007")).await.unwrap();
    world.clock.advance(HOUR * 22);
    let missed = world.remind().await;
    assert!(missed.len() == 1 && missed[0].to_string().contains("bsi-early has passed"), "{missed:?}");
    say(DeadlineKind::BsiEarly, Verdict::NotApplicable { why: "kein NIS-2".to_owned() }).await.unwrap();
    world.clock.advance(HOUR * 100);
    assert_eq!(world.remind().await, []);
}

#[tokio::test]
async fn a_deadline_that_was_met_in_time_stays_so_when_its_proof_is_mended() {
    let world = world().await;
    world.opened(vec![DeadlineKind::BsiEarly]).await;
    let say =
        |verdict| decide(&world.instance, &world.anna, "it-ausfall", DeadlineKind::BsiEarly, verdict, None);
    let done = |at, proof: &str| Verdict::Done { at, proof: proof.to_owned() };
    let mark = |incident: Incident| match incident.deadlines[0].mark.clone() {
        DeadlineMark::Done { at, proof, .. } => (at, proof),
        other => panic!("{other:?}"),
    };
    world.clock.advance(HOUR);
    say(done(None, "per Portal gemeldet")).await.unwrap();
    world.clock.advance(HOUR * 40);
    let mended = say(done(None, "per Portal gemeldet, Az 12/26")).await.unwrap();
    assert_eq!(mark(mended), (START.plus(HOUR), "per Portal gemeldet, Az 12/26".to_owned()));
    let moved = say(done(Some(START.plus(HOUR * 2)), "es war zwei Uhr")).await.unwrap();
    assert_eq!(mark(moved).0, START.plus(HOUR * 2), "whoever names a time means it");
    say(Verdict::Reopened).await.unwrap();
    let again = say(done(None, "doch noch einmal")).await.unwrap();
    assert_eq!(mark(again).0, START.plus(HOUR * 41), "what was open again is done now");
}

#[tokio::test]
async fn whoever_may_not_changes_nothing_and_every_change_has_its_entry() {
    let world = world().await;
    let mut bert = Actor::shell("bert");
    bert.rights.remove(&Right::IncidentsWrite);
    world.opened(Vec::new()).await;
    let change = || Change { phase: Some(Phase::Identified), ..Change::default() };
    let refused = update(&world.instance, &bert, "it-ausfall", change()).await;
    assert!(matches!(refused, Err(IncidentError::Denied(_))), "{refused:?}");
    let stale = Change { version: Some(7), ..change() };
    let refused = update(&world.instance, &world.anna, "it-ausfall", stale).await;
    assert!(matches!(refused, Err(IncidentError::Stale)), "{refused:?}");
    assert_eq!(world.read().await.phase, Phase::Investigating);
    update(&world.instance, &world.anna, "it-ausfall", change()).await.unwrap();
    update(&world.instance, &world.anna, "it-ausfall", change()).await.unwrap();
    close(&world.instance, &world.anna, "it-ausfall", "alles läuft", None).await.unwrap();
    let entries = world.instance.store.audit_entries(0, 100).await.unwrap();
    let of_incident = entries.iter().filter(|entry| entry.subject_kind == "incident");
    let actions: Vec<&str> = of_incident.map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["incident.opened", "incident.updated", "incident.closed"], "nothing new, no entry");
    assert_eq!(entries.last().unwrap().reason, "alles läuft");
}

/// An author: what they submit waits for a second person.
fn dora() -> Actor {
    let mut dora = Actor::shell("dora");
    dora.rights.remove(&Right::NoticesRelease);
    dora
}

#[tokio::test]
async fn nothing_leaves_that_promises_what_has_passed_by_then() {
    let world = world().await;
    world.opened(Vec::new()).await;
    let promised = START.plus(HOUR * 4);
    let wish =
        Wish { at: Some(START.plus(HOUR)), ..World::wish("lage-ohne-neues", NOTHING_NEW, Some(promised)) };
    let scheduled = world.send(wish).await;
    let schedule = async |at| steer::schedule(&world.instance, &world.anna, &scheduled, at).await;
    let refused = schedule(START.plus(HOUR * 72)).await.unwrap_err().to_string();
    assert!(refused.contains("promises the next update for 20.11.2026 09:40"), "{refused}");
    schedule(START.plus(HOUR * 3)).await.unwrap();

    let draft = world.compose(World::wish("lage-ohne-neues", NOTHING_NEW, Some(promised))).await.unwrap();
    let waits = submit(&world.instance, &dora(), &draft).await.unwrap();
    assert_eq!(waits.state, NoticeState::Pending);
    world.clock.advance(HOUR * 4);
    let approved = approve(&world.instance, &world.anna, &waits.number, None).await;
    let refused = approved.unwrap_err().to_string();
    assert!(refused.contains("has passed by then") && refused.contains("notices cancel"), "{refused}");
    let alone = release(&world.instance, &world.anna, &waits.number, BreakGlass::Attack, "").await.unwrap();
    assert!(alone.promise.unwrap().contains("has passed by then"), "it leaves, and whoever did it is told");
}

#[tokio::test]
async fn an_incident_is_not_closed_while_a_notice_is_still_to_promise_more_for_it() {
    let world = world().await;
    world.opened(Vec::new()).await;
    let draft = world.compose(World::wish("lage-ohne-neues", NOTHING_NEW, None)).await.unwrap();
    let waits = submit(&world.instance, &dora(), &draft).await.unwrap().number;
    let later = Wish { at: Some(START.plus(HOUR)), ..World::wish("lage-ohne-neues", NOTHING_NEW, None) };
    let scheduled = world.send(later).await;
    let close = async || close(&world.instance, &world.anna, "it-ausfall", "", None).await;
    let refused = close().await.unwrap_err().to_string();
    assert!(refused.contains(&format!("{waits} (pending), {scheduled} (scheduled)")), "{refused}");
    assert!(world.read().await.is_open());
    for number in [&waits, &scheduled] {
        steer::cancel(&world.instance, &world.anna, number).await.unwrap();
    }
    close().await.unwrap();
}

#[tokio::test]
async fn words_that_claim_too_much_are_hinted_at_and_do_not_stop_a_notice() {
    let world = world().await;
    world.opened(Vec::new()).await;
    let values = [
        ("stand", "2026-11-20T05:40"),
        ("dienste", "E-Mail"),
        ("geaendert", "Die Angreifer fordern Lösegeld."),
        ("massnahmen", "Wir prüfen alle Systeme."),
        ("hotline", "030 23125-100"),
    ];
    let draft = world.compose(World::wish("lage-kommune", &values, None)).await.unwrap();
    let claims: Vec<&str> = draft.wording.iter().map(|hint| hint.claim.as_str()).collect();
    assert_eq!(claims, ["*angreifer*", "*lösegeld*"].repeat(draft.wording.len() / 2));
    assert!(!claims.is_empty());
    let number = world.send(World::wish("lage-kommune", &values, None)).await;
    let store = &world.instance.store;
    let id = store.notice_id(&number).await.unwrap().unwrap();
    assert!(!store.notice_wording(id).await.unwrap().accepted);
    assert!(wording::accept(&world.instance, &world.anna, id).await.unwrap().accepted);
    assert!(store.notice_wording(id).await.unwrap().accepted);
}
