//! Drafts and prepared alarms: whose they are, and that what was looked at is what goes out.

use super::*;

#[tokio::test]
async fn a_draft_that_two_submit_at_once_becomes_one_notice() {
    let world = world(|_| ()).await;
    let kept = draft::keep(&world.instance, &person("anna"), &to(&["towns"])).await.unwrap();
    let submit = |actor: Actor| {
        let instance = &world.instance;
        async move { draft::submit(instance, &actor, kept.id, None, Meant::default()).await }
    };
    let (one, other) = tokio::join!(submit(person("anna")), submit(person("bodo")));
    let (done, late): (Vec<_>, Vec<_>) = [one, other].into_iter().partition(Result::is_ok);
    assert_eq!((done.len(), late.len()), (1, 1));
    let late = late.into_iter().next().unwrap().unwrap_err();
    assert!(matches!(late, NoticeError::Conflict(_) | NoticeError::UnknownDraft(_)), "{late:?}");
}

#[tokio::test]
async fn whoever_may_only_write_is_not_refused_after_it_was_written() {
    let world = world(|_| ()).await;
    let mut writer = token("writer", None);
    writer.rights = [Right::NoticesWrite].into();
    let kept = draft::keep(&world.instance, &writer, &to(&["towns"])).await.unwrap();
    let kept = draft::change(&world.instance, &writer, kept.id, kept.version, &to(&["press"])).await.unwrap();
    draft::submit(&world.instance, &writer, kept.id, None, Meant::default()).await.unwrap();
}

#[tokio::test]
async fn a_token_of_one_group_has_no_part_in_drafts_and_alarms_of_others() {
    let world = world(|_| ()).await;
    let limited = token("schulamt", Some(&["towns"]));
    let empty = Wish { audience: Audience::default(), ..to(&[]) };
    let foreign = draft::keep(&world.instance, &person("anna"), &empty).await.unwrap();
    let own = draft::keep(&world.instance, &limited, &empty).await.unwrap();
    let seen = draft::list(&world.instance, &limited).await.unwrap();
    assert_eq!(seen.iter().map(|kept| kept.id).collect::<Vec<_>>(), [own.id]);
    let changed =
        draft::change(&world.instance, &limited, foreign.id, foreign.version, &to(&["towns"])).await;
    assert!(matches!(changed, Err(NoticeError::UnknownDraft(_))), "{changed:?}");
    let gone = draft::discard(&world.instance, &limited, foreign.id, foreign.version).await;
    assert!(matches!(gone, Err(NoticeError::UnknownDraft(_))), "{gone:?}");

    let hash = world.prepared("stab", "crisis-staff").await;
    alarms::approve(&world.instance, &person("bodo"), "stab", Some(&hash)).await.unwrap();
    let entries = world.entries().await;
    let wish = to(&["towns"]);
    refused(alarms::prepare(&world.instance, &limited, "stab", wish, None).await, "limited to other groups");
    refused(alarms::remove(&world.instance, &limited, "stab").await, "limited to other groups");
    refused(alarms::show(&world.instance, &limited, "stab").await, "limited to other groups");
    assert!(alarms::list(&world.instance, &limited).await.unwrap().is_empty());
    assert_eq!(world.entries().await, entries);
    let states = alarms::list(&world.instance, &person("bodo")).await.unwrap();
    assert_eq!((states.len(), states[0].fault.as_deref()), (1, None), "it can still be fired");
}

#[tokio::test]
async fn an_alarm_is_approved_as_it_was_looked_at_and_fired_as_it_was_approved() {
    let world = world(|_| ()).await;
    world.account("anna", Role::Admin).await;
    let (instance, anna, bodo) = (&world.instance, person("anna"), person("bodo"));
    let looked_at = world.prepared("stab", "crisis-staff").await;
    let slower = Wish {
        values: BTreeMap::new(),
        cascade: vec![Channel::Email],
        after: Some(Duration::from_secs(36_000)),
        ..to(&["crisis-staff"])
    };
    let open = || Some(vec!["ort".to_owned()]);
    alarms::prepare(instance, &anna, "stab", slower, open()).await.unwrap();
    refused(
        alarms::approve(instance, &bodo, "stab", Some(&looked_at)).await,
        "what waits now is not what you looked at",
    );
    let hash = world.prepared("stab", "crisis-staff").await;
    assert_eq!(hash, looked_at, "the same words and people are the same");
    let program = world.token_of(&anna, "hers").await;
    let wish = Wish { values: BTreeMap::new(), ..to(&["crisis-staff"]) };
    alarms::prepare(instance, &program, "stab", wish, open()).await.unwrap();
    refused(alarms::approve(instance, &anna, "stab", None).await, "nobody approves their own");
    alarms::approve(instance, &bodo, "stab", Some(&hash[..8])).await.unwrap();

    let values = BTreeMap::from([("ort".to_owned(), "Wache 2".to_owned())]);
    let (standing, draft) = alarms::aim(instance, &anna, "stab", &values, false).await.unwrap();
    world.prepared("stab", "crisis-staff").await;
    refused(alarms::fire(instance, &anna, &standing, &draft).await, "prepared anew or removed meanwhile");
    alarms::approve(instance, &bodo, "stab", None).await.unwrap();
    alarms::fire(instance, &anna, &standing, &draft).await.unwrap();
    alarms::remove(instance, &bodo, "stab").await.unwrap();
    refused(alarms::fire(instance, &anna, &standing, &draft).await, "prepared anew or removed meanwhile");
}

#[tokio::test]
async fn an_alarm_leaves_open_what_its_template_declares() {
    let world = world(|_| ()).await;
    let declared = TEMPLATE.to_owned()
        + "open = true\n[[variable]]\nname = \"grund\"\ntype = \"text\"\nlabel = { de = \"Grund\" }\n\
           required = true\nexample = \"Probe\"\n";
    std::fs::write(world.folder.path().join("templates/kurz/template.toml"), declared).unwrap();
    let mail = "---\nsubject: \"{{notice.number}}\"\n---\nTreffpunkt {{ort}}, {{grund}}.\n";
    std::fs::write(world.folder.path().join("templates/kurz/email.de.md"), mail).unwrap();
    let fixed = BTreeMap::from([("grund".to_owned(), "Ausfall".to_owned())]);
    let wish = || Wish { values: fixed.clone(), ..to(&["crisis-staff"]) };
    let prepare = |wish: Wish, open: Option<&[&str]>| {
        let open = open.map(|open| open.iter().map(|name| (*name).to_owned()).collect());
        let instance = &world.instance;
        async move { alarms::prepare(instance, &person("anna"), "stab", wish, open).await }
    };
    assert_eq!(prepare(wish(), None).await.unwrap().1, ["ort"]);
    let not_declared = Wish { values: BTreeMap::new(), ..wish() };
    let refused = prepare(not_declared, Some(&["ort", "grund"])).await.unwrap_err();
    assert!(refused.to_string().contains("does not declare \"grund\" as open"), "{refused}");
}

#[tokio::test]
async fn where_the_template_declares_nothing_somebody_says_what_an_alarm_leaves_open() {
    let world = world(|_| ()).await;
    let prepare = async |values: BTreeMap<String, String>, open: Option<Vec<String>>| {
        let wish = Wish { values, ..to(&["crisis-staff"]) };
        alarms::prepare(&world.instance, &person("anna"), "stab", wish, open).await
    };
    let refused = prepare(BTreeMap::new(), None).await.unwrap_err().to_string();
    assert!(refused.contains("these have no value: ort") && refused.contains("--open"), "{refused}");
    assert!(world.instance.store.standing_alarm("stab").await.unwrap().is_none());
    assert_eq!(prepare(BTreeMap::new(), Some(vec!["ort".to_owned()])).await.unwrap().1, ["ort"]);
    assert!(prepare(to(&[]).values, None).await.unwrap().1.is_empty(), "nothing is missing");
}
