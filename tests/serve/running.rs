//! It starts, says whether it is well, follows its settings, and ends cleanly.

use std::time::Duration;

use sqlx::{ConnectOptions, Connection, Executor};
use tokio::io::AsyncWriteExt;

use crate::client::{Serving, read_answer};
use crate::instance::{Engine, Instance, TEMPLATE};
use crate::process::until_store;

#[tokio::test(flavor = "multi_thread")]
async fn it_lives_is_ready_and_sends_what_waits() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let instance = Instance::new(engine).await;
        instance.import(20);
        instance.release(&[]);
        let serving = Serving::start(instance, "").await;
        assert_eq!(serving.get("/healthz").await.status, 200);
        let ready = serving.get("/readyz").await;
        assert_eq!((ready.status, ready.body.as_str()), (200, "ready\n"));
        let head = serving.ask("HEAD", "/healthz", "", b"").await;
        assert_eq!((head.status, head.body.as_str()), (200, ""));
        let sent = async || serving.instance.count("sent") == 20;
        until_store(sent, &|| serving.err()).await;
        serving.signal("TERM");
        serving.end().await.exits(0).says(&["Stopping"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_somebody_holds_makes_it_unready_and_not_dead() {
    let serving = Serving::start(Instance::new(Engine::Sqlite).await, "").await;
    let file = serving.instance.path("var/rundruf.db");
    let mut holder = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(file)
        .busy_timeout(Duration::from_secs(30))
        .connect()
        .await
        .unwrap();
    holder.execute("BEGIN IMMEDIATE").await.unwrap();
    let ready = serving.get("/readyz").await;
    assert_eq!(ready.status, 503, "{ready:?}");
    assert!(ready.body.starts_with("not ready: the store cannot be written"), "{ready:?}");
    assert_eq!(serving.get("/healthz").await.status, 200);
    holder.execute("ROLLBACK").await.unwrap();
    holder.close().await.unwrap();
    until_store(async || serving.get("/readyz").await.status == 200, &|| serving.err()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_said_before_anything_is_sent() {
    let held = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = held.local_addr().unwrap().port();
    let instance = Instance::new(Engine::Sqlite).await;
    instance.configure(&format!("[http]\nlisten = \"127.0.0.1:{port}\""));
    instance.import(3);
    instance.release(&[]);
    instance.run(&["serve"]).exits(1).says(&[
        &format!("cannot listen on 127.0.0.1:{port}"),
        "another program uses this port",
        "[http] listen",
    ]);
    assert_eq!(instance.count("queued"), 3);
    instance.configure("[http]\nlisten = \"192.0.2.1:80\"");
    instance.run(&["serve"]).exits(1).says(&["this machine has no such address"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_being_answered_at_the_end_is_finished_and_nobody_new_is_let_in() {
    let serving = Serving::start(Instance::new(Engine::Sqlite).await, "").await;
    let mut half = serving.connect().await;
    let head = "POST /hooks/bounce HTTP/1.1\r\nHost: x\r\nContent-Type: message/rfc822\r\nContent-Length: 12\r\n\r\n";
    half.write_all(head.as_bytes()).await.unwrap();
    half.write_all(b"Subject: ").await.unwrap();
    // Its head has been read when a later caller has been answered.
    assert_eq!(serving.get("/healthz").await.status, 200);
    serving.signal("TERM");
    serving.until_it_says("Stopping").await;
    until_store(async || tokio::net::TcpStream::connect(&serving.address).await.is_err(), &|| serving.err())
        .await;
    half.write_all(b"x\n\n").await.unwrap();
    assert_eq!(read_answer(&mut half).await.status, 200);
    serving.end().await.exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_followed_and_a_changed_port_asks_for_a_restart() {
    let serving = Serving::start(Instance::new(Engine::Sqlite).await, "").await;
    assert_eq!(serving.get("/hooks/sms/new").await.status, 404);
    let provider = "[[sms.provider]]\nname = \"new\"\nkind = \"outbox\"\nurl = \"outbox:var/sms\"\n";
    serving.instance.configure(&format!("[http]\nlisten = \"127.0.0.1:1\"\n{provider}"));
    until_store(async || serving.get("/hooks/sms/new").await.status == 403, &|| serving.err()).await;
    serving.until_it_says("[http] listen is now 127.0.0.1:1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_in_force_is_shown_without_secrets() {
    let instance = Instance::new(Engine::Sqlite).await;
    instance.write("password", "geheim-datei\n");
    instance.configure(
        "[[email.provider]]\nname = \"one\"\nurl = \"smtp://rundruf:geheim-url@127.0.0.1:1?tls=none\"\n\
         [[email.provider]]\nname = \"two\"\nurl = \"smtp://127.0.0.1:1?tls=none\"\nusername = \"rundruf\"\n\
         password_file = \"password\"\n\
         [[sms.provider]]\nname = \"gate\"\nkind = \"kannel\"\nurl = \"http://127.0.0.1:1/sendsms?key=geheim-key\"\n\
         username = \"rundruf\"\npassword = \"geheim-sms\"\n",
    );
    let shown = instance.run(&["serve", "--print-config"]).exits(0);
    for text in [&shown.out, &shown.err] {
        assert!(!text.contains("geheim-url") && !text.contains("geheim-key"), "{text}");
        assert!(!text.contains("geheim-sms") && !text.contains("geheim-datei\n"), "{text}");
    }
    let shown = shown.out.parse::<toml::Table>().expect("it is TOML");
    assert_eq!(shown["http"]["listen"].as_str(), Some("127.0.0.1:8080"));
    assert_eq!(shown["sms"]["provider"][0]["password"].as_str(), Some("•••"));
    assert!(!instance.path("var").exists(), "showing makes no store");
    instance.run(&["templates", "preview", TEMPLATE]).exits(0);
}
