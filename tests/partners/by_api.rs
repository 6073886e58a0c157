//! A partner's whole life by the API of the running program, and what a restored instance tells it.

use serde_json::{Value, json};

use crate::client::{Answer, Serving};
use crate::instance::{Engine, Instance, on_both_engines};
use crate::process::until_store;
use crate::script::{Answer as Script, Server};
use crate::signed::is_genuine;
use crate::telling::{OWN_NETWORK, add, calls, instance, kinds, listed, ok};

on_both_engines!(a_partner_lives_by_the_api, a_restored_instance_tells_no_old_news_unasked);

/// An API that is called with a token.
struct Api<'a> {
    serving: &'a Serving,
    token: String,
}

impl<'a> Api<'a> {
    fn new(serving: &'a Serving, right: &str) -> Self {
        let name = right.replace(':', "-");
        let made = serving.instance.run(&["tokens", "create", &name, "--right", right, "--expires", "1h"]);
        Self { serving, token: made.exits(0).out.trim().to_owned() }
    }

    async fn ask(&self, method: &str, path: &str, body: &Value) -> Answer {
        let headers = format!("Authorization: Bearer {}\r\nContent-Type: application/json\r\n", self.token);
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.serving.ask(method, &format!("/api/v1{path}"), &headers, body.as_bytes()).await
    }

    async fn partners(&self) -> Value {
        let answer = self.ask("GET", "/partners", &Value::Null).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        body_of(&answer)["items"].clone()
    }

    /// Waits until the partner stands as `is` wants it.
    async fn until(&self, name: &str, is: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..1_200 {
            let partners = self.partners().await;
            let found = partners.as_array().unwrap().iter().find(|partner| partner["name"] == name);
            if let Some(partner) = found.filter(|partner| is(partner)) {
                return partner.clone();
            }
            tokio::time::sleep(crate::process::GLANCE).await;
        }
        panic!("{name} never stands so: {}", self.partners().await);
    }
}

fn body_of(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

fn set(instance: &Instance, state: &str) {
    instance.run(&["services", "set", "mail", "--state", state]).exits(0);
}

async fn a_partner_lives_by_the_api(engine: Engine) {
    let instance = instance(engine).await;
    instance.write("contacts/crisis-staff.csv", "id;name;email\nstab;Stab;stab@d1.example\n");
    instance.run(&["contacts", "import"]).exits(0);
    // Taken; refused until the new secret is known; taken again; gone for good; taken after the replay.
    let script = [ok(), Script::new("401 No", "", ""), ok(), Script::new("410 Gone", "", ""), ok()];
    let server = Server::start(script).await;
    let serving = Serving::start(instance, OWN_NETWORK).await;
    let admin = Api::new(&serving, "settings:write");
    let reader = Api::new(&serving, "audit:read");

    let url = format!("http://127.0.0.1:{}/hook/Geheim7", server.port);
    let new = json!({"name": "stadtwerke", "url": url});
    assert_eq!(reader.ask("POST", "/partners", &new).await.status, 403);
    let added = admin.ask("POST", "/partners", &new).await;
    assert_eq!(added.status, 201, "{added:?}");
    let first = body_of(&added)["secret"].as_str().unwrap().to_owned();
    assert_eq!(admin.ask("POST", "/partners", &new).await.status, 409);

    set(&serving.instance, "down");
    let told = calls(&server, 1).await;
    assert!(is_genuine(&first, &told[0]));
    reader.until("stadtwerke", |partner| partner["waiting"] == 0 && !partner["told_at"].is_null()).await;

    assert_eq!(reader.ask("POST", "/partners/stadtwerke/secret", &Value::Null).await.status, 403);
    assert_eq!(admin.ask("POST", "/partners/nobody/secret", &Value::Null).await.status, 404);
    let changed = admin.ask("POST", "/partners/stadtwerke/secret", &Value::Null).await;
    assert_eq!(changed.status, 201, "{changed:?}");
    let second = body_of(&changed)["secret"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    set(&serving.instance, "degraded");
    let told = calls(&server, 3).await;
    assert!(told[1..].iter().all(|request| is_genuine(&second, request) && !is_genuine(&first, request)));
    assert_eq!(told[1].header("webhook-id"), told[2].header("webhook-id"), "what was refused comes again");

    set(&serving.instance, "up");
    let off = reader.until("stadtwerke", |partner| !partner["switched_off_at"].is_null()).await;
    assert!(off["answer"].as_str().unwrap().contains("410") && off["waiting"] != 0, "{off}");
    let list = reader.partners().await.to_string();
    for hidden in [&first, &second, "Geheim7"] {
        assert!(!list.contains(hidden), "{list}");
    }
    // Its owner has no contact here: the crisis staff is told, in the same step.
    let notices = serving.instance.run(&["notices", "list", "--json"]).exits(0).json();
    let notice = notices.iter().find(|notice| notice["template"] == "partner-abgeschaltet");
    let number = notice.unwrap_or_else(|| panic!("{notices:#?}"))["notice"].as_str().unwrap().to_owned();
    let to = || serving.instance.run(&["deliveries", "list", "--notice", &number, "--json"]).exits(0).json();
    until_store(async || to().len() == 1, &|| serving.err()).await;
    assert_eq!(to()[0]["contact"], "stab");

    assert_eq!(calls(&server, 4).await.len(), 4, "nobody calls it any more");
    let again = admin.ask("POST", "/partners/stadtwerke/replay", &json!({"since": "1h"})).await;
    assert_eq!(again.status, 204, "{again:?}");
    calls(&server, 7).await;
    let well = reader.until("stadtwerke", |partner| partner["waiting"] == 0).await;
    assert!(well["switched_off_at"].is_null() && well["failing_since"].is_null(), "{well}");

    assert_eq!(reader.ask("DELETE", "/partners/stadtwerke", &Value::Null).await.status, 403);
    assert_eq!(admin.ask("DELETE", "/partners/stadtwerke", &Value::Null).await.status, 204);
    assert_eq!(admin.ask("DELETE", "/partners/stadtwerke", &Value::Null).await.status, 404);
    assert_eq!(reader.partners().await, json!([]));
    let log = serving.err();
    assert!(!log.contains(&first) && !log.contains(&second), "{log}");
}

async fn a_restored_instance_tells_no_old_news_unasked(engine: Engine) {
    let instance = instance(engine).await;
    let server = Server::start([ok()]).await;
    add(&instance, "stadtwerke", &server, &[]);
    // Nobody has told it yet when the backup is made.
    set(&instance, "down");
    instance.run(&["send", "test", "--to", "all", "--yes", "--visibility", "public", "--no-wait"]).exits(0);
    instance.run(&["backup", "--unencrypted", "b.tar"]).exits(0);
    instance.run(&["restore", "--replace", "b.tar"]).exits(0);
    let serving = Serving::start(instance, OWN_NETWORK).await;
    // What happens from now on is told, and is the first that is.
    set(&serving.instance, "up");
    let told = calls(&server, 1).await;
    listed(&serving.instance, "stadtwerke", |partner| partner["waiting"] == 0).await;
    assert_eq!(kinds(&server.requests()), ["status.service.updated"]);
    assert!(told[0].body.contains("\"up\""), "{}", told[0].body);
    // Whoever wants the old news is told it.
    serving.instance.run(&["partners", "replay", "stadtwerke", "--since", "1h"]).exits(0);
    listed(&serving.instance, "stadtwerke", |partner| partner["waiting"] == 0).await;
}
