//! Who may write and not release: what they submit waits, whatever the settings ask for.

use super::*;
use crate::app::reached::reached_by_hand;
use crate::app::release::submit;

fn author(name: &str) -> Actor {
    Actor { rights: Role::Author.rights().iter().copied().collect(), ..person(name) }
}

async fn without_any_rule() -> World {
    world(|settings| settings.approval.required = false).await
}

impl World {
    async fn submitted(&self, actor: &Actor) -> (String, NoticeState) {
        let draft = self.instance.compose(to(&["towns"])).await.unwrap();
        let submitted = submit(&self.instance, actor, &draft).await.unwrap();
        (submitted.number, submitted.state)
    }

    /// The notice with this number has been told to one of its people.
    async fn has_one_who_knows(&self, number: &str) {
        let notice = super::super::find(&self.instance.store, number).await.unwrap();
        while self.instance.store.fan_out(notice.id, 10).await.unwrap().is_some() {}
        self.reach(number).await.unwrap();
    }

    async fn reach(&self, number: &str) -> Result<(), String> {
        let store = &self.instance.store;
        let id = store.notice_id(number).await.unwrap().unwrap();
        let summary = store.notice_summary(id).await.unwrap().unwrap();
        let one = store.notice_people(id).await.unwrap().remove(0).person.contact;
        let reached = reached_by_hand(&self.instance, &person("anna"), &summary, one, "phone", "").await;
        reached.map(|_| ()).map_err(|error| error.to_string())
    }
}

#[tokio::test]
async fn what_an_author_submits_waits_although_no_rule_asks_for_a_second_person() {
    let world = without_any_rule().await;
    let (number, state) = world.submitted(&author("anna")).await;
    assert_eq!(state, NoticeState::Pending);
    let why = super::super::find(&world.instance.store, &number).await.unwrap().second_person;
    assert!(why.contains("anna may write notices, and not release them (notices:release)"), "{why}");
    assert_eq!(world.approve(&person("bodo"), &number).await.unwrap(), NoticeState::Sending);

    let program = Actor { way: Way::Token, ..author("leitstelle") };
    assert_eq!(world.submitted(&program).await.1, NoticeState::Pending, "a program with that right, too");
    assert_eq!(world.submitted(&person("anna")).await.1, NoticeState::Sending, "and whoever may release");
}

#[tokio::test]
async fn an_author_stops_nobody_elses_notice_by_correcting_it() {
    let world = without_any_rule().await;
    let (number, _) = world.submitted(&person("bodo")).await;
    world.has_one_who_knows(&number).await;
    let (old, draft) = correct::draft(&world.instance, &number, to(&[])).await.unwrap();
    let entries = world.entries().await;
    let done = correct::correct(&world.instance, &author("anna"), &old, &draft).await;
    refused(done, "takes the right notices:release");
    assert_eq!(world.entries().await, entries);

    steer::cancel(&world.instance, &person("bodo"), &number).await.unwrap();
    let (old, draft) = correct::draft(&world.instance, &number, to(&[])).await.unwrap();
    let done = correct::correct(&world.instance, &author("anna"), &old, &draft).await.unwrap();
    assert_eq!(done.submitted.state, NoticeState::Pending);
}

#[tokio::test]
async fn nobody_was_reached_by_what_nobody_released() {
    let world = without_any_rule().await;
    let (number, _) = world.submitted(&author("anna")).await;
    let entries = world.entries().await;
    let refused = world.reach(&number).await.unwrap_err();
    assert!(refused.contains("has not been released (it is pending)"), "{refused}");
    assert_eq!(world.entries().await, entries);
    world.approve(&person("bodo"), &number).await.unwrap();
    world.reach(&number).await.unwrap();
}

#[tokio::test]
async fn a_correction_names_the_notice_that_it_corrects_and_no_other() {
    let world = without_any_rule().await;
    let variable = TEMPLATE.split_once("[[variable]]").unwrap().1.replace("ort", "ersetzt_nr");
    std::fs::write(
        world.folder.path().join("templates/kurz/template.toml"),
        format!("{TEMPLATE}[[variable]]{variable}"),
    )
    .unwrap();
    let mail = "---\nsubject: \"{{notice.number}}\"\n---\nTreffpunkt {{ort}} statt {{ersetzt_nr}}.\n";
    std::fs::write(world.folder.path().join("templates/kurz/email.de.md"), mail).unwrap();
    let naming = |number: &str| Wish {
        values: [("ort", "Rathaus"), ("ersetzt_nr", number)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        ..to(&["towns"])
    };
    let draft = world.instance.compose(naming("2026-0007")).await.unwrap();
    let number = submit(&world.instance, &person("anna"), &draft).await.unwrap().number;
    world.has_one_who_knows(&number).await;

    let (_, draft) = correct::draft(&world.instance, &number, to(&[])).await.unwrap();
    assert_eq!(draft.wish.values["ersetzt_nr"], number, "filled in");
    let (_, draft) = correct::draft(&world.instance, &number, naming(&number)).await.unwrap();
    assert_eq!(draft.wish.values["ersetzt_nr"], number, "the same said again");
    let other = correct::draft(&world.instance, &number, naming("2026-9999")).await;
    let error = other.err().unwrap().to_string();
    assert!(error.contains("that is 2026-0001, not \"2026-9999\""), "{error}");
}

#[tokio::test]
async fn what_has_ended_is_not_said_to_wait_for_another_approver() {
    let world = world(|_| ()).await;
    let number = world.pending(&person("anna"), &person("anna")).await;
    decide::reject(&world.instance, &person("bodo"), &number, "falsch").await.unwrap();
    refused(world.approve(&person("anna"), &number).await, "it is rejected");
    let waits = world.pending(&person("anna"), &person("anna")).await;
    let own = world.approve(&person("anna"), &waits).await;
    refused(own, &format!("notices release {waits} --break-glass"));
}
