//! What is read: pages, masks, reasons, and what a token that is limited to groups sees.

use rundruf::domain::actor::Right;

use crate::instance::Engine;
use crate::instance::on_both_engines;
use crate::stage::Stage;

on_both_engines!(
    everything_is_seen_once_page_by_page,
    addresses_are_masked_until_there_is_a_reason_which_is_logged,
    a_limited_token_sees_its_groups_alone,
    a_plan_names_nobody_to_whoever_may_not_read_contacts_and_is_logged_for_others,
);

async fn everything_is_seen_once_page_by_page(engine: Engine) {
    let stage = Stage::new(engine, 7, 3).await;
    for (list, count) in
        [("notices", 3), ("deliveries", 21), ("contacts", 7), ("groups", 1), ("templates", 1)]
    {
        let mut next = Some(format!("/api/v1/{list}?limit=2"));
        let mut seen = Vec::new();
        while let Some(address) = next {
            let page = stage.get(&address).await.json(200);
            seen.extend(page["items"].as_array().unwrap().iter().map(ToString::to_string));
            next = page["next"].as_str().map(str::to_owned);
        }
        assert_eq!(seen.len(), count, "{list}");
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), count, "{list}: one was shown twice");
    }
    let newest = stage.get("/api/v1/notices?order=newest&limit=1").await.json(200);
    let number = newest["items"][0]["notice"].as_str().unwrap().to_owned();
    assert!(number.ends_with("-0003"), "{number}");
    let of_one = stage.get(&format!("/api/v1/deliveries?notice={number}&limit=200")).await.json(200);
    assert_eq!(of_one["items"].as_array().unwrap().len(), 7);
    let whole = stage.get(&format!("/api/v1/notices/{number}")).await;
    assert!(whole.head.contains("etag: \""), "{whole:?}");
    assert_eq!(whole.json(200)["total"], 7);
    let report = stage.get(&format!("/api/v1/notices/{number}/report")).await.json(200);
    assert_eq!((&report["notice"]["total"], &report["people"]["total"]), (&7.into(), &7.into()));
    assert!(report["head"]["sequence"].as_i64().unwrap() > 0, "{report}");
    assert_eq!(report["organisations"]["total"], 7, "whoever has none counts as one: {report}");
    assert_eq!(report["groups"][0]["group"], "all", "{report}");
    let approval = stage.get(&format!("/api/v1/notices/{number}/approval")).await.json(200);
    assert!(approval["texts"][0]["text"].as_str().unwrap().contains("Test"), "{approval}");
    let people = stage.get(&format!("/api/v1/notices/{number}/people?limit=200")).await.json(200);
    assert_eq!(people["items"].as_array().unwrap().len(), 7, "{people}");
    assert!(!people.to_string().contains('@'), "no addresses: {people}");
    let id = of_one["items"][0]["id"].as_str().unwrap();
    assert_eq!(stage.get(&format!("/api/v1/deliveries/{id}")).await.json(200)["id"], id);
    assert_eq!(stage.get("/api/v1/groups/all").await.json(200)["members"], 7);
    assert_eq!(stage.get("/api/v1/templates/test").await.json(200)["email"][0], "de");
    let preview = stage.post("/api/v1/templates/test/preview", "", r#"{"contact":"c1"}"#).await.json(200);
    assert!(preview["email"]["text"].as_str().unwrap().contains("Test"), "{preview}");
}

async fn addresses_are_masked_until_there_is_a_reason_which_is_logged(engine: Engine) {
    let stage = Stage::new(engine, 2, 1).await;
    let lists = ["contacts", "contacts/c0", "deliveries"];
    for (looked, path) in lists.into_iter().enumerate() {
        let masked = stage.get(&format!("/api/v1/{path}")).await;
        assert!(
            masked.status == 200 && !masked.body.contains("amt0@") && masked.body.contains("a…@d0.example"),
            "{masked:?}"
        );
        let shown = stage.get(&format!("/api/v1/{path}?reveal=call%20them")).await;
        assert!(shown.status == 200 && shown.body.contains("amt0@d0.example"), "{shown:?}");
        assert_eq!(stage.entries_because("call them").await, looked + 1, "{path}: it is logged");
        stage.get(&format!("/api/v1/{path}?reveal=%20")).await.problem_about(422, "reveal");
    }
    let reader = stage.token("reader", &[Right::NoticesRead, Right::ContactsRead], None).await;
    for path in lists {
        let path = format!("/api/v1/{path}?reveal=curious");
        stage.ask_as(&reader, "GET", &path, "", b"").await.problem(403);
    }
}

async fn a_limited_token_sees_its_groups_alone(engine: Engine) {
    let stage = Stage::new(engine, 3, 1).await;
    stage.serving.instance.write("contacts/press.csv", "id;name;email\np1;Zeitung;p1@press.example\n");
    stage.serving.instance.run(&["contacts", "import"]).exits(0);
    let rights = [Right::NoticesRead, Right::NoticesRelease, Right::ContactsRead, Right::ContactsWrite];
    let press = stage.token("press", &rights, Some(&["press"])).await;
    let get = async |path: &str| stage.ask_as(&press, "GET", path, "", b"").await;
    let contacts = get("/api/v1/contacts").await.json(200);
    assert_eq!(contacts["items"].as_array().unwrap().len(), 1, "{contacts}");
    assert_eq!(get("/api/v1/groups").await.json(200)["items"][0]["name"], "press");
    assert_eq!(get("/api/v1/notices").await.json(200)["items"].as_array().unwrap().len(), 0);
    let notice = stage.get("/api/v1/notices").await.json(200)["items"][0].clone();
    let number = notice["notice"].as_str().unwrap();
    for path in
        [format!("notices/{number}"), format!("notices/{number}/report"), format!("notices/{number}/events")]
    {
        get(&format!("/api/v1/{path}")).await.problem(404);
    }
    for path in ["contacts/c1", "groups/all", "contacts?group=all", &format!("deliveries?notice={number}")] {
        get(&format!("/api/v1/{path}")).await.problem(404);
    }
    for path in ["deliveries", "suppressions"] {
        get(&format!("/api/v1/{path}")).await.problem(403);
    }
    let json = "Content-Type: application/json\r\n";
    let block = br#"{"address":"amt0@d0.example","reason":"x"}"#;
    stage.ask_as(&press, "POST", "/api/v1/suppressions", json, block).await.problem(403);
}

async fn a_plan_names_nobody_to_whoever_may_not_read_contacts_and_is_logged_for_others(engine: Engine) {
    let stage = Stage::new(engine, 0, 0).await;
    let instance = &stage.serving.instance;
    let rows = "id;name;email;sms;webhook\nc0;Amt 0;amt0@d0.example;;\nc1;Amt 1;;+4915228817386;\n\
                c2;Amt 2;;;https://10.1.2.3/meldung\n";
    instance.write("contacts/all.csv", rows);
    instance.run(&["contacts", "import"]).exits(0);
    let draft = r#"{"template":"test","audience":{"groups":["all"]}}"#;
    let draft = stage.post("/api/v1/notices", "", draft).await.json(201);
    let path = format!("/api/v1/drafts/{}/plan", draft["id"].as_str().unwrap());
    let before = stage.entries().await;
    let nameless = stage.token("without-contacts", &[Right::NoticesRead], None).await;
    let created = stage.entries().await - before;
    let plan = stage.ask_as(&nameless, "POST", &path, "", b"").await.json(200);
    let unreachable = &plan["unreachable"][0];
    assert_eq!((&unreachable["contact"], unreachable["name"].is_null()), (&"c1".into(), true), "{plan}");
    let refusal = plan["refusals"][0].as_str().unwrap();
    assert!(refusal.contains("may not be called: c2") && !refusal.contains("Amt 2"), "{plan}");
    assert_eq!(plan["unknown_attributes"], serde_json::json!([]));
    assert_eq!(stage.entries().await, before + created, "no contact data was looked at");
    let plan = stage.post(&path, "", "").await.json(200);
    assert_eq!(plan["unreachable"][0]["name"], "Amt 1", "{plan}");
    assert_eq!(stage.entries().await, before + created + 1, "that is written down");
}
