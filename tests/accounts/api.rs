//! From the code on the console to the last token, by the API; and nothing of it in the log.

use rundruf::domain::account::AccountName;
use rundruf::domain::clock::{Clock, SystemClock, Timestamp};
use rundruf::domain::second_factor::SecondFactor;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::client::read_answer;
use crate::instance::{Engine, Instance, on_both_engines};
use crate::process::Run;

const PASSWORD: &str = "kanne rost dienstag ufer";
const OTHER: &str = "wolke gabel montag kiesel";

struct Serving {
    instance: Instance,
    run: Run,
    address: String,
    code: String,
}

struct Told {
    status: u16,
    head: String,
    body: Value,
}

impl Serving {
    async fn start(engine: Engine, sections: &str) -> Self {
        let instance = Instance::new(engine).await;
        instance.configure(&format!("[http]\nlisten = \"127.0.0.1:0\"\n{sections}"));
        let mut command = instance.command(&["serve"]);
        command.env("RUNDRUF_LOG", "trace");
        let run = Run::start(command, instance.folder());
        run.until_it_says("--role admin").await;
        let said = run.err();
        let address = said.split_once("http://").unwrap().1.split_once(',').unwrap().0.to_owned();
        let code = said.split_once("/api/v1/setup): ").unwrap().1.lines().next().unwrap().to_owned();
        Self { instance, run, address, code }
    }

    async fn ask(&self, method: &str, path: &str, token: Option<&str>, body: Value) -> Told {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let bearer = token.map_or_else(String::new, |token| format!("Authorization: Bearer {token}\r\n"));
        let request = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{bearer}If-Match: *\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = read_answer(&mut stream).await;
        let body = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
        Told { status: answer.status, head: answer.head, body }
    }

    async fn set_up(&self) {
        let body = json!({"code": self.code, "name": "anna", "password": PASSWORD});
        self.ask("POST", "/setup", None, body).await.is(201);
    }

    async fn sign_in(&self, body: Value) -> String {
        let told = self.ask("POST", "/session", None, body).await.is(201);
        told.body["token"].as_str().unwrap().to_owned()
    }
}

impl Told {
    #[track_caller]
    fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}\n{}", self.head, self.body);
        self
    }
}

/// What the device shows `ahead` seconds from now.
fn code(secret: &str, account: &str, ahead: i64) -> String {
    use secrecy::ExposeSecret;
    let name: AccountName = account.parse().unwrap();
    let factor = SecondFactor::of(secret.into(), "x", &name).unwrap();
    let at = Timestamp(SystemClock::new().now().0 + ahead * 1_000);
    factor.code_at(at).expose_secret().to_owned()
}

on_both_engines!(from_the_code_on_the_console_to_the_last_token);

async fn from_the_code_on_the_console_to_the_last_token(engine: Engine) {
    let serving = Serving::start(engine, "[accounts]\nrequire_totp = [\"approver\"]").await;
    let wrong = json!({"code": "aaaa-bbbb-cccc-dddd", "name": "eve", "password": PASSWORD});
    serving.ask("POST", "/setup", None, wrong).await.is(401);
    serving.set_up().await;
    let admin = serving.sign_in(json!({"name": "anna", "password": PASSWORD})).await;
    let who = serving.ask("GET", "/session", Some(&admin), Value::Null).await.is(200).body;
    assert_eq!((&who["name"], &who["way"], &who["must"]), (&json!("anna"), &json!("account"), &json!([])));

    // Another person: their password is handed over, and their role demands a second factor.
    let new = json!({"name": "berta", "roles": ["approver"]});
    let made = serving.ask("POST", "/users", Some(&admin), new.clone()).await.is(201);
    assert!(made.head.contains("cache-control: no-store"));
    serving.ask("POST", "/users", Some(&admin), new).await.is(409);
    let handed_over = made.body["password"].as_str().unwrap();
    let berta = serving.sign_in(json!({"name": "berta", "password": handed_over})).await;
    let who = serving.ask("GET", "/session", Some(&berta), Value::Null).await.is(200).body;
    assert_eq!(who["must"], json!(["change_password", "enrol_second_factor"]));
    assert_eq!(who["rights"], json!([]));
    serving.ask("GET", "/users", Some(&berta), Value::Null).await.is(403);
    let change = json!({"old": handed_over, "new": OTHER});
    let changed = serving.ask("PUT", "/account/password", Some(&berta), change).await.is(200);
    serving.ask("GET", "/session", Some(&berta), Value::Null).await.is(401);
    let berta = changed.body["token"].as_str().unwrap();
    let again = json!({"password": OTHER});
    let offered = serving.ask("POST", "/account/second-factor", Some(berta), again).await.is(200).body;
    let secret = offered["secret"].as_str().unwrap();
    assert!(offered["url"].as_str().unwrap().starts_with("otpauth://totp/TB:berta?"));
    let confirm = json!({"code": code(secret, "berta", 0)});
    let confirmed =
        serving.ask("POST", "/account/second-factor/confirm", Some(berta), confirm).await.is(200).body;
    let codes = confirmed["recovery_codes"].as_array().unwrap();
    assert_eq!(codes.len(), 10);
    let who = serving.ask("GET", "/session", Some(berta), Value::Null).await.is(200).body;
    assert!(who["rights"].as_array().unwrap().contains(&json!("notices:release")), "{who}");

    let bare = json!({"name": "berta", "password": OTHER});
    let asked = serving.ask("POST", "/session", None, bare.clone()).await.is(401).body;
    assert_eq!(asked["errors"][0]["field"], "code");
    let mut with = bare.clone();
    with["code"] = json!(code(secret, "berta", 30));
    serving.sign_in(with.clone()).await;
    serving.ask("POST", "/session", None, with).await.is(401);
    let mut with = bare;
    with["recovery_code"] = codes[0].clone();
    serving.sign_in(with.clone()).await;
    serving.ask("POST", "/session", None, with).await.is(401);

    // A program.
    let program =
        json!({"name": "leitstelle", "rights": ["notices:read"], "expires_at": "2035-01-01T00:00:00Z"});
    let made = serving.ask("POST", "/tokens", Some(&admin), program).await.is(201).body;
    let token = made["token"].as_str().unwrap();
    let who = serving.ask("GET", "/session", Some(token), Value::Null).await.is(200).body;
    assert_eq!((&who["name"], &who["rights"]), (&json!("token:leitstelle"), &json!(["notices:read"])));
    for (method, path) in
        [("GET", "/users"), ("GET", "/tokens"), ("GET", "/sessions"), ("DELETE", "/tokens/x2")]
    {
        serving.ask(method, path, Some(token), Value::Null).await.is(403);
    }
    for (method, path) in [("DELETE", "/session"), ("GET", "/account"), ("GET", "/account/sessions")] {
        serving.ask(method, path, Some(token), Value::Null).await.is(403);
    }
    serving.ask("DELETE", "/tokens/leitstelle", Some(&admin), Value::Null).await.is(204);
    serving.ask("GET", "/session", Some(token), Value::Null).await.is(401);

    // The shell sees and ends sessions, too.
    let shell = &serving.instance;
    let listed = shell.run(&["users", "sessions", "berta", "--json"]).exits(0).json();
    assert!(listed.len() >= 2 && listed.iter().all(|row| row["account"] == "berta"), "{listed:?}");
    let session = listed[1]["session"].as_str().unwrap();
    shell.run(&["users", "end-session", session]).exits(0);
    shell.run(&["users", "end-session", session]).exits(1).says(&["no such session"]);
    let left = shell.run(&["users", "sessions", "berta", "--json"]).exits(0).json();
    assert_eq!(left.len(), listed.len() - 1);

    // Keeping somebody out.
    serving.ask("POST", "/users/anna/disable", Some(&admin), Value::Null).await.is(409);
    serving.ask("POST", "/users/berta/disable", Some(&admin), Value::Null).await.is(204);
    serving.ask("GET", "/session", Some(berta), Value::Null).await.is(401);
    let roles = json!({"roles": ["auditor"]});
    serving.ask("PUT", "/users/berta/roles", Some(&admin), roles).await.is(204);
    serving.ask("DELETE", "/session", Some(&admin), Value::Null).await.is(204);
    serving.ask("GET", "/session", Some(&admin), Value::Null).await.is(401);

    let store = serving.instance.store().await;
    let entries = store.audit_entries(0, 10_000).await.unwrap();
    store.close().await;
    let written = format!("{}\n{entries:?}", serving.run.err().replace(&serving.code, ""));
    let code = codes[0].as_str().unwrap();
    for hidden in [PASSWORD, OTHER, handed_over, secret, code, &admin, berta, token, "argon2id"] {
        assert!(!written.contains(hidden), "{hidden} is in the log");
    }
    assert!(written.contains("token.revoked") && written.contains("account.password_changed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_guesses_is_told_to_wait() {
    let serving = Serving::start(Engine::Sqlite, "").await;
    serving.set_up().await;
    let guess = json!({"name": "anna", "password": OTHER});
    for _ in 0..6 {
        serving.ask("POST", "/session", None, guess.clone()).await.is(401);
    }
    let told = serving.ask("POST", "/session", None, guess).await;
    // A slow machine may have waited long enough already.
    if told.status == 429 {
        assert!(told.head.contains("retry-after: "), "{}", told.head);
    } else {
        told.is(401);
    }
    let right = json!({"name": "anna", "password": PASSWORD});
    let mut tries = 0;
    while serving.ask("POST", "/session", None, right.clone()).await.status != 201 {
        tries += 1;
        assert!(tries < 200, "nobody is kept out for ever");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}
