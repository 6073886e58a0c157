//! Somebody in a browser, who reads what is answered.

use serde_json::{Value, json};

use crate::client::Answer;
use crate::faults::{code, enrol, stage};
use crate::instance::Engine;
use crate::provider::Provider;
use crate::stage::{Browser, PASSWORD, Stage, json_of};

const CALLBACK: &str = "/api/v1/session/oidc/callback";

/// Opens an address, as browsers ask for pages.
async fn open(stage: &Stage, path: &str, browser: &mut Browser) -> Answer {
    stage.ask_as("GET", path, browser, "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n", "").await
}

async fn send_code(stage: &Stage, browser: &mut Browser, code: &str) -> Answer {
    let headers = "Accept: text/html\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    stage.ask_as("POST", "/api/v1/session/oidc/code", browser, headers, &format!("code={code}")).await
}

#[track_caller]
fn is_page(answer: &Answer, status: u16, words: &[&str]) {
    assert_eq!(answer.status, status, "{answer:?}");
    let head = answer.head.to_lowercase();
    for header in ["content-type: text/html", "cache-control: no-store", "style-src 'sha256-"] {
        assert!(head.contains(header), "{header} in {head}");
    }
    assert!(!answer.body.contains("<script"), "{answer:?}");
    for word in words {
        assert!(answer.body.contains(word), "{word:?} is not in {}", answer.body);
    }
}

/// The session's key that a page shows.
fn shown_token(page: &Answer) -> String {
    let text = page.body.split("<code>").nth(1).unwrap_or_else(|| panic!("{page:?}"));
    text.split("</code>").next().unwrap().to_owned()
}

async fn whose(stage: &Stage, token: &str) -> Value {
    let headers = format!("Authorization: Bearer {token}\r\n");
    json_of(&stage.serving.ask("GET", "/api/v1/session", &headers, b"").await)
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_back_reads_a_page_whether_they_are_let_in_or_not() {
    let provider = Provider::start().await;
    let stage = stage(Engine::Sqlite, &provider, "").await;
    let browser = &mut Browser::default();
    let query = provider.let_in(&stage.begin(browser).await);
    let unknown = open(&stage, &format!("{CALLBACK}?{query}"), browser).await;
    is_page(&unknown, 403, &["Sie sind nicht angemeldet", "users link NAME subject-of-anna", "Passwort"]);
    let foreign = format!("{CALLBACK}?code=x&state=%22%3E%3Cscript%3E&error=%3Cscript%3E");
    is_page(&open(&stage, &foreign, &mut Browser::default()).await, 401, &["begin again"]);

    stage.run(&["users", "link", "anna", "subject-of-anna"]).exits(0);
    let query = provider.let_in(&stage.begin(browser).await);
    let page = open(&stage, &format!("{CALLBACK}?{query}"), browser).await;
    is_page(&page, 200, &["Sie sind angemeldet", "anna", "gilt längstens bis"]);
    assert_eq!(whose(&stage, &shown_token(&page)).await["name"], "anna");
    assert!(!stage.serving.err().contains(&shown_token(&page)));
    assert!(browser.0.is_empty(), "{browser:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_asks_for_the_code_again_until_it_is_right() {
    let provider = Provider::start().await;
    let stage = stage(Engine::Sqlite, &provider, "").await;
    stage.run(&["users", "link", "anna", "subject-of-anna"]).exits(0);
    let secret = enrol(&stage).await;
    let browser = &mut Browser::default();
    let query = provider.let_in(&stage.begin(browser).await);
    let asked = open(&stage, &format!("{CALLBACK}?{query}"), browser).await;
    is_page(&asked, 401, &["Noch ein Code", "method=\"post\" action=\"code\"", "name=\"code\""]);
    let wrong = send_code(&stage, browser, "000000").await;
    is_page(&wrong, 401, &["the code is wrong", "name=\"code\""]);
    // A form of another site comes without the cookie.
    let fitting = code(&secret, 30);
    let foreign = send_code(&stage, &mut Browser::default(), &fitting).await;
    is_page(&foreign, 401, &["Sie sind nicht angemeldet", "begin again"]);
    let spaced = format!("{}+{}", &fitting[..3], &fitting[3..]);
    let page = send_code(&stage, browser, &spaced).await;
    is_page(&page, 200, &["Sie sind angemeldet"]);
    assert_eq!(whose(&stage, &shown_token(&page)).await["name"], "anna");
    assert!(browser.0.is_empty(), "{browser:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_vouched_for_is_so_after_the_password_was_changed() {
    let provider = Provider::start().await;
    let more = "second_factor = [\"mfa\"]\n[accounts]\nrequire_totp = [\"author\"]";
    let stage = stage(Engine::Sqlite, &provider, more).await;
    stage.run(&["users", "link", "anna", "subject-of-anna"]).exits(0);
    let change = async |token: &str, old: &str, new: &str| {
        let headers = format!("Authorization: Bearer {token}\r\nContent-Type: application/json\r\n");
        let body = json!({"old": old, "new": new}).to_string();
        let changed = stage.serving.ask("PUT", "/api/v1/account/password", &headers, body.as_bytes()).await;
        assert_eq!(changed.status, 200, "{changed:?}");
        json_of(&changed)["token"].as_str().unwrap().to_owned()
    };
    let by_password = json_of(&stage.by_password("anna").await)["token"].as_str().unwrap().to_owned();
    let other = "sieben eichen am bach";
    let changed = change(&by_password, PASSWORD, other).await;
    assert_eq!(whose(&stage, &changed).await["must"], json!(["enrol_second_factor"]), "nobody vouched");

    provider.change(|script| script.claims = json!({"amr": ["pwd", "mfa"]}));
    let mut browser = Browser::default();
    let query = provider.let_in(&stage.begin(&mut browser).await);
    let began = stage.come_back(&mut browser, &query).await;
    let vouched = json_of(&began)["token"].as_str().unwrap().to_owned();
    assert_eq!(whose(&stage, &vouched).await["must"], json!([]));
    let changed = change(&vouched, other, "noch einmal ganz anders").await;
    assert_eq!(whose(&stage, &changed).await["must"], json!([]), "it goes on as it was");
}
