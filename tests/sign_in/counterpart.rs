//! Against `oidc-provider-mock` (PyPI, on Authlib): a provider that knows nothing of us.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use crate::client::read_rest;
use crate::instance::{Engine, on_both_engines};
use crate::stage::{Browser, Stage, json_of};

struct Counterpart {
    child: Child,
    address: String,
}

impl Drop for Counterpart {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Counterpart {
    async fn start() -> Self {
        let python = std::env::var("RUNDRUF_TEST_PYTHON").expect("tests/run names an interpreter");
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let claims = json!({"sub": "4711", "preferred_username": "anna"}).to_string();
        let child = Command::new(python)
            .args(["-W", "ignore", "-m", "oidc_provider_mock", "--require-nonce", "true"])
            .args(["--port", &free.port().to_string(), "--user-claims", &claims])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let counterpart = Self { child, address: free.to_string() };
        for _ in 0..1_200 {
            if TcpStream::connect(free).await.is_ok() {
                return counterpart;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the provider never listens");
    }

    /// Says yes as `subject` to what a browser was sent to `address` for; gives the query that it comes back with.
    async fn say_yes(&self, address: &str, subject: &str) -> String {
        let path = address.strip_prefix(&format!("http://{}", self.address)).unwrap();
        let form = format!("sub={subject}");
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}",
            self.address,
            form.len()
        );
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = read_rest(&mut stream).await;
        let location = answer.lines().find_map(|line| {
            line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("location")).map(|(_, to)| to)
        });
        let location = location.unwrap_or_else(|| panic!("it does not send anybody back: {answer}"));
        let (back, query) = location.split_once('?').unwrap();
        assert_eq!(back, "https://notfall.tb.example/api/v1/session/oidc/callback");
        query.to_owned()
    }
}

on_both_engines!(an_independent_provider_lets_in_whom_an_admin_has_linked);

async fn an_independent_provider_lets_in_whom_an_admin_has_linked(engine: Engine) {
    let counterpart = Counterpart::start().await;
    let issuer = format!("http://{}", counterpart.address);
    let stage = Stage::new(engine, &format!("issuer = \"{issuer}\"\nclient_secret = \"any\"")).await;
    let mut browser = Browser::default();
    let query = counterpart.say_yes(&stage.begin(&mut browser).await, "4711").await;
    let unknown = stage.come_back(&mut browser, &query).await;
    assert_eq!(unknown.status, 403, "{unknown:?}");
    assert!(json_of(&unknown)["detail"].as_str().unwrap().contains("rundruf users link NAME 4711"));

    stage.run(&["users", "link", "anna", "4711"]).exits(0);
    let mut browser = Browser::default();
    let query = counterpart.say_yes(&stage.begin(&mut browser).await, "4711").await;
    let began = stage.come_back(&mut browser, &query).await;
    assert_eq!(began.status, 200, "{began:?}");
    assert_eq!(stage.whose(&began).await["name"], "anna");
    // Somebody else there is nobody here.
    let mut browser = Browser::default();
    let query = counterpart.say_yes(&stage.begin(&mut browser).await, "0815").await;
    assert_eq!(stage.come_back(&mut browser, &query).await.status, 403);
    let doctor = stage.run(&["doctor", "--json"]).json();
    let line = doctor.iter().find(|line| line["subject"].as_str().unwrap().contains(&issuer)).unwrap();
    assert_eq!(line["level"], "ok", "{line}");

    // It goes down: the password lets in, as ever.
    drop(counterpart);
    let mut browser = Browser::default();
    stage.begin(&mut browser).await;
    let state = "code=x&state=y";
    assert_eq!(stage.come_back(&mut browser, state).await.status, 401);
    assert_eq!(stage.by_password("anna").await.status, 201);
    let doctor = stage.run(&["doctor", "--json"]).json();
    let line = doctor.iter().find(|line| line["subject"].as_str().unwrap().contains(&issuer)).unwrap();
    assert_eq!(line["level"], "look", "{line}");
}
