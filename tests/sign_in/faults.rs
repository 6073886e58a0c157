//! What a provider can do wrong, and whoever pretends to come from one. Signing in with a password goes on.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::client::Answer;
use crate::instance::{Engine, on_both_engines};
use crate::provider::{Key, Provider, SECRET, Script};
use crate::stage::{Browser, Stage, json_of};

pub async fn stage(engine: Engine, provider: &Provider, more: &str) -> Stage {
    let issuer = &provider.issuer;
    Stage::new(engine, &format!("issuer = \"{issuer}\"\nclient_secret = \"{SECRET}\"\n{more}")).await
}

/// From the beginning to the answer.
async fn sign_in(stage: &Stage, provider: &Provider) -> Answer {
    let mut browser = Browser::default();
    let to = stage.begin(&mut browser).await;
    stage.come_back(&mut browser, &provider.let_in(&to)).await
}

#[track_caller]
fn refused(answer: &Answer, status: u16, words: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    let detail = json_of(answer)["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains(words), "{words:?} is not in {detail:?}");
}

on_both_engines!(somebody_linked_comes_in_and_nobody_else, an_account_is_made_only_if_that_was_configured,);

async fn somebody_linked_comes_in_and_nobody_else(engine: Engine) {
    let provider = Provider::start().await;
    let stage = stage(engine, &provider, "").await;
    refused(&sign_in(&stage, &provider).await, 403, "rundruf users link NAME subject-of-anna");
    stage.run(&["users", "link", "anna", "subject-of-anna"]).exits(0).says(&["the password goes on to work"]);
    stage.run(&["users", "link", "root", "subject-of-anna"]).exits(1).says(&["linked to the account anna"]);
    let began = sign_in(&stage, &provider).await;
    assert_eq!(began.status, 200, "{began:?}");
    let who = stage.whose(&began).await;
    assert_eq!((&who["name"], &who["must"]), (&json!("anna"), &json!([])));
    assert!(who["rights"].as_array().unwrap().contains(&json!("notices:write")), "{who}");
    assert_eq!(stage.by_password("anna").await.status, 201);

    // Keys of another kind, and new ones, are taken as soon as the provider shows them.
    provider.change(|script| (script.key, script.key_id) = (Key::ec(), "two".to_owned()));
    assert_eq!(sign_in(&stage, &provider).await.status, 200);

    stage.run(&["users", "disable", "anna"]).exits(0);
    refused(&sign_in(&stage, &provider).await, 403, "disabled");
    stage.run(&["users", "enable", "anna"]).exits(0);
    stage.run(&["users", "unlink", "anna"]).exits(0);
    refused(&sign_in(&stage, &provider).await, 403, "no account is linked");

    let log = stage.log().await;
    for action in ["account.linked", "account.unlinked", "session.refused", "session.began"] {
        assert!(log.contains(action), "{action} is not in {log}");
    }
    assert!(log.contains("\\\"by\\\":\\\"provider\\\""), "{log}");
    for hidden in [SECRET, "code-0"] {
        assert!(!log.contains(hidden) && !stage.serving.err().contains(hidden), "{hidden}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_believed_lets_nobody_in() {
    let provider = Provider::start().await;
    let stage = stage(Engine::Sqlite, &provider, "").await;
    stage.run(&["users", "link", "anna", "subject-of-anna"]).exits(0);
    let now = rundruf::domain::clock::Clock::now(&rundruf::domain::clock::SystemClock::new()).0 / 1_000;
    let faults: Vec<(Value, &str)> = vec![
        (json!({"aud": "somebody-else"}), "for somebody else"),
        (json!({"aud": ["rundruf", "somebody-else"]}), "for somebody else"),
        (json!({"iss": "https://evil.example"}), "of another provider"),
        (json!({"nonce": "other"}), "another sign-in"),
        (json!({"nonce": null}), "another sign-in"),
        (json!({"exp": now - 3_600, "iat": now - 7_200}), "clocks"),
        (json!({"iat": now - 86_400}), "clocks"),
        (json!({"iat": now + 86_400}), "clocks"),
        (json!({"sub": ""}), "who somebody is"),
    ];
    for (claims, words) in faults {
        provider.change(|script| script.claims = claims.clone());
        let answer = sign_in(&stage, &provider).await;
        assert_eq!(answer.status, 401, "{claims}: {answer:?}");
        refused(&answer, 401, words);
    }
    provider.change(|script| script.claims = json!({}));

    // Signed with a key that it does not show, under the id of one that it does; unsigned; by the shared secret.
    let shown = |script: &mut Script| script.shown = Some(json!([]));
    let right = provider.script.lock().unwrap().key_id.clone();
    let other = Provider::start().await;
    other.change(|script| script.key_id = right);
    let stranger = std::mem::replace(&mut other.script.lock().unwrap().key, Key::ec());
    assert_eq!(sign_in(&stage, &provider).await.status, 200);
    let own = std::mem::replace(&mut provider.script.lock().unwrap().key, stranger);
    let shown_own = json!([public(&own)]);
    provider.change(|script| script.shown = Some(shown_own));
    refused(&sign_in(&stage, &provider).await, 401, "signature is wrong");
    provider.change(shown);
    provider.change(|script| script.unsigned = true);
    assert!([401, 503].contains(&sign_in(&stage, &provider).await.status));
    assert_eq!(stage.by_password("anna").await.status, 201);
    assert!(stage.log().await.contains("provider: its token's signature is wrong"));
}

fn public(key: &Key) -> Value {
    key.public("one")
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_did_not_begin_here_is_not_taken_in() {
    let provider = Provider::start().await;
    let stage = stage(Engine::Sqlite, &provider, "").await;
    stage.run(&["users", "link", "anna", "subject-of-anna"]).exits(0);
    let mut browser = Browser::default();
    let query = provider.let_in(&stage.begin(&mut browser).await);
    // Another browser; another state; a note that was bent; none.
    refused(&stage.come_back(&mut Browser::default(), &query).await, 401, "not begun in this browser");
    let mut other = Browser::default();
    stage.begin(&mut other).await;
    refused(&stage.come_back(&mut other, &query).await, 401, "not begun in this browser");
    let mut bent = Browser(browser.0.replace("v1.", "v1.x"));
    refused(&stage.come_back(&mut bent, &query).await, 401, "not begun in this browser");
    refused(&stage.come_back(&mut browser.clone(), "").await, 401, "not begun in this browser");
    refused(
        &stage.come_back(&mut browser.clone(), "code=%FF&state=%00").await,
        401,
        "not begun in this browser",
    );
    let foreign = format!("{query}&iss=https%3A%2F%2Fevil.example");
    refused(&stage.come_back(&mut browser.clone(), &foreign).await, 401, "another provider");
    let state = query.split('&').find(|pair| pair.starts_with("state=")).unwrap();
    let denied = format!("error=access_denied&{state}");
    refused(&stage.come_back(&mut browser.clone(), &denied).await, 401, "access_denied");
    // Once is enough.
    let again = browser.clone();
    assert_eq!(stage.come_back(&mut browser, &query).await.status, 200);
    refused(&stage.come_back(&mut again.clone(), &query).await, 401, "begin again");
    assert!(browser.0.is_empty(), "the note is forgotten: {browser:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_down_slow_or_strange_is_said_and_passwords_go_on() {
    let provider = Provider::start().await;
    let stage = stage(Engine::Sqlite, &provider, "timeout = \"1s\"").await;
    let unavailable = async |words: &str| {
        // What was found out before counts for some seconds.
        let mut tries = 0;
        loop {
            let answer = stage.get("/api/v1/session/oidc", &mut Browser::default()).await;
            assert_eq!(answer.status, 503, "{answer:?}");
            let detail = json_of(&answer)["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains("sign in with name and password"), "{detail}");
            if detail.contains(words) {
                return;
            }
            tries += 1;
            assert!(tries < 300, "{words:?} never comes: {detail}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    provider.change(|script| script.delay = Duration::from_secs(30));
    unavailable("no answer within 1 s").await;
    provider.change(|script| (script.delay, script.padding) = (Duration::ZERO, 400_000));
    unavailable("more than 256 KB").await;
    provider.change(|script| (script.padding, script.issuer) = (0, "https://other.example".to_owned()));
    unavailable("calls itself https://other.example").await;
    provider.change(|script| (script.issuer, script.shown) = (String::new(), Some(json!([]))));
    unavailable("shows no key").await;
    provider.change(|script| script.shown = None);
    assert_eq!(stage.by_password("anna").await.status, 201);
    let doctor = stage.run(&["doctor", "--json"]);
    let line = doctor
        .json()
        .into_iter()
        .find(|line| line["subject"].as_str().unwrap().contains("identity"))
        .unwrap();
    assert_eq!(line["level"], "ok", "{line}");

    // It comes back by itself.
    let mut browser = Browser::default();
    let mut tries = 0;
    while stage.get("/api/v1/session/oidc", &mut browser).await.status != 303 {
        tries += 1;
        assert!(tries < 300, "it never comes back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // What it refuses, and where it sends tokens, is its own affair; where we go is ours.
    provider.change(|script| {
        script.refusal = Some((StatusCode::UNAUTHORIZED, json!({"error": "invalid_client"})));
    });
    refused(&sign_in(&stage, &provider).await, 503, "invalid_client");
    provider.change(|script| script.refusal = Some((StatusCode::OK, json!({"no": "token"}))));
    refused(&sign_in(&stage, &provider).await, 503, "cannot be read");
    assert_eq!(stage.by_password("anna").await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_leads_nowhere_into_our_own_network() {
    let provider = Provider::start().await;
    provider.change(|script| script.token_endpoint = "http://10.255.255.1/token".to_owned());
    let stage = stage(Engine::Sqlite, &provider, "").await;
    stage.run(&["users", "link", "anna", "subject-of-anna"]).exits(0);
    refused(&sign_in(&stage, &provider).await, 503, "10.255.255.1");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_provider_there_is_nothing_and_passwords_work() {
    let stage = Stage::with(Engine::Sqlite, "").await;
    let mut browser = Browser::default();
    for path in ["/api/v1/session/oidc", "/api/v1/session/oidc/callback?code=x&state=y"] {
        refused(&stage.get(path, &mut browser).await, 404, "not set up");
    }
    let code = json!({"code": "123456"});
    refused(&stage.ask("POST", "/api/v1/session/oidc/code", &mut browser, &code).await, 404, "not set up");
    assert_eq!(stage.by_password("anna").await.status, 201);
    stage.run(&["users", "link", "anna", "x"]).exits(1).says(&["[oidc] issuer"]);
}

async fn an_account_is_made_only_if_that_was_configured(engine: Engine) {
    let provider = Provider::start().await;
    let stage = stage(engine, &provider, "new_accounts = [\"auditor\"]").await;
    let who = stage.whose(&sign_in(&stage, &provider).await).await;
    assert_eq!(who["name"], "anna.berger");
    assert!(who["rights"].as_array().unwrap().contains(&json!("audit:read")), "{who}");
    let users = stage.run(&["users", "list", "--json"]).exits(0).json();
    let made = users.iter().find(|user| user["name"] == "anna.berger").unwrap();
    assert_eq!((&made["roles"], &made["linked"]), (&json!("auditor"), &json!("yes")));
    // The same again; then somebody whose name is taken, and one whose name is none.
    assert_eq!(sign_in(&stage, &provider).await.status, 200);
    provider.change(|script| script.claims = json!({"sub": "other", "preferred_username": "root"}));
    refused(&sign_in(&stage, &provider).await, 403, "already an account of your name");
    provider.change(|script| script.claims = json!({"sub": "other", "preferred_username": "shell:root"}));
    refused(&sign_in(&stage, &provider).await, 403, "no name that can be taken");
    // Somebody who could not come in any more stays linked.
    stage.run(&["users", "unlink", "anna.berger"]).exits(1).says(&["has no password"]);
    assert!(stage.log().await.contains("program:oidc"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_from_here_is_asked_for_unless_the_provider_vouches() {
    let provider = Provider::start().await;
    let more = "second_factor = [\"mfa\"]\n[accounts]\nrequire_totp = [\"author\"]";
    let stage = stage(Engine::Sqlite, &provider, more).await;
    stage.run(&["users", "link", "anna", "subject-of-anna"]).exits(0);
    // Without any second factor: they must set one up first, whichever way they came in.
    let who = stage.whose(&sign_in(&stage, &provider).await).await;
    assert_eq!((&who["must"], &who["rights"]), (&json!(["enrol_second_factor"]), &json!([])));
    provider.change(|script| script.claims = json!({"amr": ["pwd", "mfa"]}));
    let who = stage.whose(&sign_in(&stage, &provider).await).await;
    assert_eq!(who["must"], json!([]), "the provider's word is taken");

    // With one from here.
    let secret = enrol(&stage).await;
    assert_eq!(sign_in(&stage, &provider).await.status, 200, "it vouches");
    provider.change(|script| script.claims = json!({}));
    let mut browser = Browser::default();
    let query = provider.let_in(&stage.begin(&mut browser).await);
    let asked = stage.come_back(&mut browser, &query).await;
    refused(&asked, 401, "POST /api/v1/session/oidc/code");
    assert_eq!(json_of(&asked)["errors"][0]["field"], "code");
    let path = "/api/v1/session/oidc/code";
    let stranger = stage.ask("POST", path, &mut Browser::default(), &json!({"code": "000000"})).await;
    refused(&stranger, 401, "begin again");
    let mut wrong = browser.clone();
    refused(&stage.ask("POST", path, &mut wrong, &json!({"code": "000000"})).await, 401, "wrong");
    let code = json!({"code": code(&secret, 30)});
    let again = browser.clone();
    let began = stage.ask("POST", path, &mut browser, &code).await;
    assert_eq!(began.status, 201, "{began:?}");
    assert_eq!(stage.whose(&began).await["must"], json!([]));
    refused(&stage.ask("POST", path, &mut again.clone(), &code).await, 401, "wrong");
}

/// Gives anna a second factor from here; gives its secret.
pub async fn enrol(stage: &Stage) -> String {
    let token = json_of(&stage.by_password("anna").await)["token"].as_str().unwrap().to_owned();
    let headers = format!("Authorization: Bearer {token}\r\nContent-Type: application/json\r\n");
    let body = json!({"password": crate::stage::PASSWORD}).to_string();
    let offered = stage.serving.post("/api/v1/account/second-factor", &headers, body.as_bytes()).await;
    let secret = json_of(&offered)["secret"].as_str().unwrap().to_owned();
    let body = json!({"code": code(&secret, 0)}).to_string();
    let path = "/api/v1/account/second-factor/confirm";
    assert_eq!(stage.serving.post(path, &headers, body.as_bytes()).await.status, 200);
    secret
}

/// What the device shows so many seconds from now.
pub fn code(secret: &str, ahead: i64) -> String {
    use rundruf::domain::clock::{Clock, SystemClock, Timestamp};
    use rundruf::domain::second_factor::SecondFactor;
    use secrecy::ExposeSecret;
    let factor = SecondFactor::of(secret.into(), "x", &"anna".parse().unwrap()).unwrap();
    factor.code_at(Timestamp(SystemClock::new().now().0 + ahead * 1_000)).expose_secret().to_owned()
}
