//! Four eyes against people who would rather have two: with tokens, drafts, alarms and accounts of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::draft::Meant;
use super::{NoticeError, break_glass, correct, decide, draft, steer};
use crate::app::accounts::{self, TokenWish};
use crate::app::alarms;
use crate::app::compose::Wish;
use crate::app::instance::Instance;
use crate::config::defaults;
use crate::domain::actor::{Actor, Right, Role, Way};
use crate::domain::address::{Address, Channel};
use crate::domain::approval::BreakGlass;
use crate::domain::audience::Audience;
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::chance::Chance;
use crate::domain::clock::{ManualClock, Timestamp};
use crate::domain::contact::{Contact, ContactBook, ContactPoint, Group, WebhookFormat};
use crate::domain::ids::{IdSource, NoticeId};
use crate::domain::notice::NoticeState;
use crate::domain::seal::Seal;
use crate::domain::settings::{DatabaseUrl, Settings};
use crate::store::{Purpose, Store};

mod alarms_and_drafts;
mod authors_alone;

const START: Timestamp = Timestamp(1_795_149_600_000);
const TEMPLATE: &str = "title = \"Kurz\"\n[[variable]]\nname = \"ort\"\ntype = \"text\"\nrequired = true\n\
                        label = { de = \"Ort\" }\nexample = \"Rathaus\"\n";

struct World {
    instance: Instance,
    folder: tempfile::TempDir,
}

/// Three groups of one contact each: press, towns, crisis-staff.
async fn world(set: impl FnOnce(&mut Settings)) -> World {
    let folder = tempfile::tempdir().unwrap();
    let template = folder.path().join("templates/kurz");
    std::fs::create_dir_all(&template).unwrap();
    std::fs::write(template.join("template.toml"), TEMPLATE).unwrap();
    let mail = "---\nsubject: \"{{notice.number}}\"\n---\nTreffpunkt {{ort}}.\n";
    std::fs::write(template.join("email.de.md"), mail).unwrap();
    let clock = Arc::new(ManualClock::new(START));
    let chance = Arc::new(Chance::seeded(1));
    let mut settings = defaults().unwrap();
    settings.database.url = DatabaseUrl::Sqlite(folder.path().join("rundruf.db"));
    settings.instance.templates = folder.path().join("templates");
    settings.approval.required = true;
    set(&mut settings);
    let store = Store::open(&settings.database.url, Purpose::Write, clock.clone()).await.unwrap();
    let ids = Arc::new(IdSource::new(clock.clone(), chance.clone()));
    let groups = ["press", "towns", "crisis-staff"];
    let book = ContactBook {
        contacts: groups.iter().flat_map(|group| [contact(group, group), contact("x", group)]).collect(),
        groups: groups
            .iter()
            .map(|name| (*name).to_owned())
            .map(|name| (name.clone(), Group { name: name.clone(), title: name, contains: Vec::new() }))
            .collect(),
    };
    store.import_contacts(&book, &ids, false, &entry()).await.unwrap();
    let instance = Instance {
        store,
        settings: watch::channel(Arc::new(settings)).1,
        seal: Seal::new(b"key"),
        ids,
        clock,
        chance,
        checked: crate::templates::CheckedTemplates::default(),
    };
    World { instance, folder }
}

fn entry() -> NewEntry {
    NewEntry::new(&Actor::shell("test"), "test.prepared", Subject::new("test", "stage"))
}

fn contact(id: &str, group: &str) -> Contact {
    let address = format!("{id}@{group}.example");
    Contact {
        id: if id == group { id.to_owned() } else { format!("{id}-{group}") },
        name: id.to_owned(),
        organisation: String::new(),
        salutation: String::new(),
        language: "de".to_owned(),
        deputy: None,
        points: vec![ContactPoint {
            address: Address::parse(Channel::Email, &address).unwrap(),
            rank: 1,
            webhook_secret: None,
            webhook_format: WebhookFormat::Standard,
            grounds: crate::domain::grounds::Grounds::default(),
        }],
        groups: vec![group.to_owned()],
        attributes: crate::domain::attributes::Attributes::default(),
    }
}

fn to(groups: &[&str]) -> Wish {
    let audience =
        Audience { groups: groups.iter().map(|group| (*group).to_owned()).collect(), ..Audience::default() };
    let values = BTreeMap::from([("ort".to_owned(), "Rathaus".to_owned())]);
    Wish { values, ..Wish::new("kurz", audience) }
}

/// A person with an account, and every right there is: what is refused to them is not for want of a right.
fn person(name: &str) -> Actor {
    Actor { way: Way::Account, origin: "192.0.2.1".to_owned(), ..Actor::shell(name) }
}

fn token(name: &str, groups: Option<&[&str]>) -> Actor {
    let groups = groups.map(|groups| groups.iter().map(|group| (*group).to_owned()).collect());
    Actor { way: Way::Token, groups, ..Actor::shell(name) }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(done: Result<T, NoticeError>, words: &str) {
    match done {
        Err(error @ (NoticeError::Forbidden(_) | NoticeError::Conflict(_))) => {
            assert!(error.to_string().contains(words), "{error}");
        }
        other => panic!("{other:?}"),
    }
}

impl World {
    async fn account(&self, name: &str, role: Role) {
        let (name, shell) = (name.parse().unwrap(), Actor::shell("root"));
        accounts::add_user(&self.instance, &shell, &name, [role].into(), None).await.unwrap();
    }

    /// A token that `maker` makes.
    async fn token_of(&self, maker: &Actor, name: &str) -> Actor {
        let wish = TokenWish {
            name: name.parse().unwrap(),
            rights: Right::ALL.into(),
            groups: None,
            expires_at: None,
        };
        accounts::create_token(&self.instance, maker, wish).await.unwrap();
        token(name, None)
    }

    /// The number of a notice that `writer` drafts and `submitter` submits; it waits.
    async fn pending(&self, writer: &Actor, submitter: &Actor) -> String {
        let kept = draft::keep(&self.instance, writer, &to(&["towns"])).await.unwrap();
        let submitted =
            draft::submit(&self.instance, submitter, kept.id, None, Meant::default()).await.unwrap();
        assert_eq!(submitted.state, NoticeState::Pending);
        submitted.number
    }

    async fn approve(&self, actor: &Actor, number: &str) -> Result<NoticeState, NoticeError> {
        decide::approve(&self.instance, actor, number, None).await
    }

    async fn prepared(&self, name: &str, group: &str) -> String {
        let wish = Wish { values: BTreeMap::new(), ..to(&[group]) };
        let open = Some(vec!["ort".to_owned()]);
        alarms::prepare(&self.instance, &person("anna"), name, wish, open).await.unwrap();
        alarms::show(&self.instance, &person("bodo"), name).await.unwrap().0.hash
    }

    async fn entries(&self) -> i64 {
        self.instance.store.audit_head().await.unwrap().sequence
    }
}

#[tokio::test]
async fn nobody_approves_what_a_token_of_theirs_submitted() {
    let world = world(|_| ()).await;
    for name in ["anna", "bodo"] {
        world.account(name, Role::Admin).await;
    }
    let anna = person("anna");
    let hers = world.token_of(&anna, "hers").await;
    let grandchild = world.token_of(&hers, "of-hers").await;
    let at_the_shell = world.token_of(&Actor::shell("anna"), "at-the-shell").await;
    for program in [hers, grandchild, at_the_shell] {
        let number = world.pending(&program, &program).await;
        refused(world.approve(&anna, &number).await, "nobody approves their own");
        refused(world.approve(&Actor::shell("Anna"), &number).await, "nobody approves their own");
        refused(world.approve(&program, &number).await, "a program is no second person");
        assert_eq!(world.approve(&person("bodo"), &number).await.unwrap(), NoticeState::Sending);
    }
}

#[tokio::test]
async fn nobody_approves_words_that_they_wrote_whoever_submits_them() {
    let world = world(|_| ()).await;
    let (anna, bodo, cleo) = (person("anna"), person("bodo"), person("cleo"));
    let number = world.pending(&anna, &token("leitstelle", None)).await;
    refused(world.approve(&anna, &number).await, "nobody approves their own");

    let kept = draft::keep(&world.instance, &anna, &to(&["towns"])).await.unwrap();
    let kept = draft::change(&world.instance, &bodo, kept.id, kept.version, &to(&["press"])).await.unwrap();
    draft::change(&world.instance, &anna, kept.id, kept.version, &to(&["towns"])).await.unwrap();
    let submitted =
        draft::submit(&world.instance, &anna, kept.id, None, Meant::default()).await.unwrap().number;
    refused(world.approve(&bodo, &submitted).await, "bodo wrote or submitted it");
    assert_eq!(world.approve(&cleo, &submitted).await.unwrap(), NoticeState::Sending);
}

#[tokio::test]
async fn an_author_takes_back_their_own_while_it_waits_and_nothing_else() {
    let world = world(|_| ()).await;
    let author =
        |name: &str| Actor { rights: Role::Author.rights().iter().copied().collect(), ..person(name) };
    let (anna, dora) = (author("anna"), author("dora"));
    let cancel = async |actor: &Actor, number: &str| steer::cancel(&world.instance, actor, number).await;
    let waits = world.pending(&anna, &anna).await;
    let entries = world.entries().await;
    refused(cancel(&dora, &waits).await, "not your own: anna wrote or submitted it");
    let auditor = Actor { rights: Role::Auditor.rights().iter().copied().collect(), ..person("anna") };
    assert!(matches!(cancel(&auditor, &waits).await, Err(NoticeError::Denied(_))));
    assert_eq!(world.entries().await, entries);
    assert_eq!(cancel(&anna, &waits).await.unwrap(), NoticeState::Cancelled);
    refused(world.approve(&person("bodo"), &waits).await, "it is cancelled");

    let released = world.pending(&anna, &anna).await;
    world.approve(&person("bodo"), &released).await.unwrap();
    let entries = world.entries().await;
    refused(cancel(&anna, &released).await, "cannot be taken back by its author");
    assert_eq!(world.entries().await, entries);

    // What a token of theirs submitted is theirs; and what they wrote is, whoever submits it.
    world.account("anna", Role::Admin).await;
    let maker = person("anna");
    let program = world.token_of(&maker, "of-anna").await;
    let by_token = world.pending(&program, &program).await;
    assert_eq!(cancel(&anna, &by_token).await.unwrap(), NoticeState::Cancelled);
    let of_both = world.pending(&anna, &dora).await;
    assert_eq!(cancel(&anna, &of_both).await.unwrap(), NoticeState::Cancelled);
}

const CLAIM: &str = "Die Angreifer haben unsere Server erreicht.";

impl World {
    /// A template that is written for the first hours, and its values.
    fn first_hours(&self, text: &str) -> Wish {
        let template = self.folder.path().join("templates/lage");
        std::fs::create_dir_all(&template).unwrap();
        std::fs::write(template.join("template.toml"), format!("phase = \"investigating\"\n{TEMPLATE}"))
            .unwrap();
        std::fs::write(template.join("email.de.md"), "---\nsubject: \"Lage\"\n---\n{{ort}}\n").unwrap();
        Wish {
            template: "lage".to_owned(),
            values: [("ort".to_owned(), text.to_owned())].into(),
            ..to(&["towns"])
        }
    }

    async fn is_meant(&self, draft: NoticeId, meant: Meant) -> (usize, bool) {
        let submitted = draft::submit(&self.instance, &person("anna"), draft, None, meant).await.unwrap();
        (submitted.wording.hints.len(), submitted.wording.accepted)
    }
}

#[tokio::test]
async fn a_tick_at_words_is_about_what_was_shown_and_nothing_that_came_later() {
    let world = world(|_| ()).await;
    let anna = person("anna");
    let keep = async |text: &str, tick: bool| {
        let wish = Wish { accept_wording: tick, ..world.first_hours(text) };
        draft::keep(&world.instance, &anna, &wish).await.unwrap()
    };
    // Ticked, and nobody touched it.
    assert_eq!(world.is_meant(keep(CLAIM, true).await.id, Meant::default()).await, (1, true));
    // Ticked when there was nothing; somebody else changed the words and left the tick.
    let kept = keep("Wir prüfen.", true).await;
    let changed = Wish { accept_wording: true, ..world.first_hours(CLAIM) };
    draft::change(&world.instance, &person("bodo"), kept.id, kept.version, &changed).await.unwrap();
    assert_eq!(world.is_meant(kept.id, Meant::default()).await, (1, false));
    // Said with the submission: of what was shown, and of whatever is found where nothing is said.
    let said = |shown: Option<Vec<String>>| Meant { wording: true, shown, ..Meant::default() };
    assert_eq!(world.is_meant(keep(CLAIM, false).await.id, said(Some(Vec::new()))).await, (1, false));
    assert_eq!(world.is_meant(keep(CLAIM, false).await.id, said(None)).await, (1, true));
    let kept = keep(CLAIM, false).await;
    let found = draft::work_out(&world.instance, &anna, kept.wish).await.unwrap().wording;
    let shown = found.iter().map(ToString::to_string).collect();
    assert_eq!(world.is_meant(kept.id, said(Some(shown))).await, (1, true));
}

#[tokio::test]
async fn a_program_releases_nothing_alone_and_reviews_nothing() {
    let world = world(|_| ()).await;
    let number = world.pending(&person("anna"), &person("anna")).await;
    let entries = world.entries().await;
    let alone = |actor: Actor| {
        let (instance, number) = (&world.instance, &number);
        async move { break_glass::release(instance, &actor, number, BreakGlass::Attack, "").await }
    };
    refused(alone(token("leitstelle", None)).await, "a program releases nothing alone");
    assert_eq!(world.entries().await, entries);
    alone(person("anna")).await.unwrap();
    let review = |actor: Actor| {
        let (instance, number) = (&world.instance, &number);
        async move { decide::review(instance, &actor, number, "").await }
    };
    refused(review(person("anna")).await, "another person");
    refused(review(token("leitstelle", None)).await, "another person");
    review(person("bodo")).await.unwrap();
}

#[tokio::test]
async fn every_approver_whose_account_names_a_contact_is_told_of_a_release_by_one() {
    let world = world(|settings| settings.approval.tell = Some("crisis-staff".to_owned())).await;
    for (name, role) in
        [("anna", Role::Approver), ("bodo", Role::Approver), ("cleo", Role::Approver), ("dora", Role::Author)]
    {
        world.account(name, role).await;
    }
    let set = async |name: &str, contact: &str| {
        let (name, contact) = (name.parse().unwrap(), Some(contact.to_owned()));
        accounts::set_contact(&world.instance, &Actor::shell("root"), &name, contact, None).await
    };
    assert!(set("bodo", "nobody").await.unwrap_err().to_string().contains("no contact \"nobody\""));
    set("bodo", "press").await.unwrap();
    set("dora", "towns").await.unwrap();

    let number = world.pending(&person("anna"), &person("anna")).await;
    let broken =
        break_glass::release(&world.instance, &person("anna"), &number, BreakGlass::Life, "").await.unwrap();
    assert_eq!((broken.untold, broken.without_contact), (None, vec!["cleo".to_owned()]));
    assert_eq!(broken.missing_group, None);
    let told = world.instance.store.notice_id("2026-0002").await.unwrap().unwrap();
    let told = world.instance.store.notice_people(told).await.unwrap();
    let told: BTreeSet<&str> = told.iter().map(|person| person.person.id.as_str()).collect();
    assert_eq!(told, BTreeSet::from(["crisis-staff", "press", "x-crisis-staff"]), "and no author");
}

#[tokio::test]
async fn a_group_that_is_not_there_is_not_said_to_be_told() {
    let world = world(|settings| settings.approval.tell = Some("krisenstab".to_owned())).await;
    world.account("bodo", Role::Approver).await;
    let bodo = "bodo".parse().unwrap();
    accounts::set_contact(&world.instance, &Actor::shell("root"), &bodo, Some("press".to_owned()), None)
        .await
        .unwrap();
    let number = world.pending(&person("anna"), &person("anna")).await;
    let broken =
        break_glass::release(&world.instance, &person("anna"), &number, BreakGlass::Life, "").await.unwrap();
    assert_eq!((broken.untold, broken.missing_group.as_deref()), (None, Some("krisenstab")));
}

#[tokio::test]
async fn an_approval_by_an_account_that_its_author_could_be_says_so() {
    let world = world(|_| ()).await;
    for (name, role) in [("anna", Role::Admin), ("bodo", Role::Approver)] {
        world.account(name, role).await;
    }
    let note = async || {
        let number = world.pending(&person("anna"), &person("anna")).await;
        world.approve(&person("bodo"), &number).await.unwrap();
        let id = world.instance.store.notice_id(&number).await.unwrap().unwrap();
        world.instance.store.decisions(id).await.unwrap().remove(0).note
    };
    assert_eq!(note().await, "");
    let bodo = "bodo".parse().unwrap();
    accounts::reset(&world.instance, &person("anna"), &bodo, true, false).await.unwrap();
    assert!(note().await.contains("anna, who wrote or submitted it, gave the account bodo a new start"));
    accounts::reset(&world.instance, &Actor::shell("root"), &bodo, true, false).await.unwrap();
    assert_eq!(note().await, "");
    let hers = world.token_of(&person("anna"), "hers").await;
    accounts::reset(&world.instance, &hers, &bodo, true, false).await.unwrap();
    assert!(note().await.starts_with("token:hers, who wrote or submitted it"));
    let link = async |actor: &Actor, subject: &str| {
        let issuer = Some("https://login.example");
        accounts::link(&world.instance, actor, &bodo, subject, issuer).await.unwrap();
    };
    link(&Actor::shell("root"), "bodo's own").await;
    assert_eq!(note().await, "");
    link(&person("anna"), "anna's own").await;
    assert!(note().await.contains("or another way in"));
}

#[tokio::test]
async fn a_correction_asks_for_a_second_person_by_all_who_may_get_the_old_one_meanwhile() {
    let world = world(|settings| {
        settings.approval.required = false;
        settings.approval.above = Some(1);
    })
    .await;
    let anna = person("anna");
    let number = world.pending(&anna, &anna).await;
    world.approve(&person("bodo"), &number).await.unwrap();
    let old = super::find(&world.instance.store, &number).await.unwrap();
    while world.instance.store.fan_out(old.id, 10).await.unwrap().is_some() {}
    let one = world.instance.store.notice_people(old.id).await.unwrap().remove(0).person;
    let told = world.instance.store.reached_by_hand(old.id, one.contact, "phone", "", "anna", &entry()).await;
    told.unwrap();
    let (old, draft) = correct::draft(&world.instance, &number, to(&[])).await.unwrap();
    assert_eq!(draft.people.len(), 1, "so far");
    let done = correct::correct(&world.instance, &anna, &old, &draft).await.unwrap();
    assert_eq!(done.submitted.state, NoticeState::Pending);
    // Two looked at the plan at the same time: the second to submit is refused.
    let again = correct::correct(&world.instance, &anna, &old, &draft).await.unwrap_err().to_string();
    assert!(again.contains(&format!("{number}: {} corrects it already", done.submitted.number)), "{again}");
}

#[tokio::test]
async fn what_corrected_a_notice_and_was_corrected_itself_does_not_free_the_first() {
    let world = world(|_| ()).await;
    let (store, anna) = (&world.instance.store, person("anna"));
    let let_go = async |number: &str| {
        world.approve(&person("bodo"), number).await.unwrap();
        let notice = super::find(store, number).await.unwrap();
        while store.fan_out(notice.id, 10).await.unwrap().is_some() {}
        let one = store.notice_people(notice.id).await.unwrap().remove(0).person;
        store.reached_by_hand(notice.id, one.contact, "phone", "", "anna", &entry()).await.unwrap();
    };
    let correct = async |number: &str| {
        let (old, draft) = correct::draft(&world.instance, number, to(&[])).await?;
        correct::correct(&world.instance, &anna, &old, &draft).await.map(|done| done.submitted.number)
    };
    let first = world.pending(&anna, &anna).await;
    let_go(&first).await;
    let second = correct(&first).await.unwrap();
    let_go(&second).await;
    let third = correct(&second).await.unwrap();
    let refused = correct(&first).await.unwrap_err().to_string();
    assert!(refused.contains(&format!("{third} corrects it already")), "{refused}");
    // What was stopped before anybody had it takes nobody's place.
    steer::cancel(&world.instance, &anna, &third).await.unwrap();
    assert!(correct(&second).await.is_ok());
}
