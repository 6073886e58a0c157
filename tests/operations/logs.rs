//! What is logged: readable by programs, led by the request, and without secrets.

use crate::client::Serving;
use crate::instance::{Engine, Instance};
use crate::process::{Run, until_store};

#[tokio::test(flavor = "multi_thread")]
async fn every_line_is_json_when_that_is_asked_for() {
    let instance = Instance::new(Engine::Sqlite).await;
    instance.import(2);
    instance.configure("[http]\nlisten = \"127.0.0.1:0\"\n[log]\nformat = \"json\"");
    instance.release(&[]);
    let mut command = instance.command(&["serve"]);
    command.env("RUNDRUF_LOG", "debug");
    let run = Run::start(command, instance.folder());
    run.until_it_says("Ctrl-C").await;
    until_store(async || instance.count("sent") == 2, &|| run.err()).await;
    run.until_it_says("try ended").await;
    run.signal("TERM");
    let said = run.end().await.exits(0);
    let lines: Vec<serde_json::Value> = said
        .err
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect();
    let messages = |wanted: &str| {
        let of = |line: &&serde_json::Value| {
            line["fields"]["message"].as_str().is_some_and(|m| m.contains(wanted))
        };
        lines.iter().filter(of).cloned().collect::<Vec<_>>()
    };
    let (notices, tries) = (messages("is being sent"), messages("try ended"));
    assert_eq!((notices.len(), tries.len()), (1, 2));
    assert!(tries.iter().all(|line| line["fields"]["notice"] == notices[0]["fields"]["notice"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_ever_logged() {
    let instance = Instance::new(Engine::Sqlite).await;
    instance.write(
        "contacts/all.csv",
        "id;name;email;webhook;webhook_secret\nc0;Amt;amt@d0.example;http://127.0.0.1:1/GEHEIM-pfad;whsec_R0VIRUlNLXdlYmhvb2stMDEyMzQ1Njc4OTA=\n",
    );
    instance.run(&["contacts", "import"]).exits(0);
    let sections = "[log]\nformat = \"json\"\n\
        [[email.provider]]\nname = \"relay\"\nurl = \"smtp://rundruf:GEHEIM-url@127.0.0.1:1?tls=none\"\n\
        [[sms.provider]]\nname = \"gate\"\nkind = \"kannel\"\nurl = \"http://127.0.0.1:1/sendsms?key=GEHEIM-key\"\n\
        username = \"rundruf\"\npassword = \"GEHEIM-sms\"\n\
        [webhook]\nallow_networks = [\"127.0.0.0/8\"]\n\
        [backup]\npassphrase = \"GEHEIM-satz\"\n";
    instance.configure(sections);
    instance.release(&[]);
    instance.configure(&format!("[http]\nlisten = \"127.0.0.1:0\"\n{sections}"));
    let mut command = instance.command(&["serve"]);
    command.env("RUNDRUF_LOG", "trace");
    let run = Run::start(command, instance.folder());
    run.until_it_says("Ctrl-C").await;
    let said = run.err();
    let address = said.split_once("http://").unwrap().1.split_once(',').unwrap().0.to_owned();
    for request in ["GET /a/GEHEIM-bestaetigung", "GET /api/v1/me", "POST /hooks/sms/gate?key=GEHEIM-haken"] {
        let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        let head = format!(
            "{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer rundruf_GEHEIM-token\r\n\
             Content-Length: 0\r\n\r\n"
        );
        tokio::io::AsyncWriteExt::write_all(&mut stream, head.as_bytes()).await.unwrap();
        crate::client::read_answer(&mut stream).await;
    }
    run.until_it_says("relay").await;
    instance.run(&["backup", "b.tar.age"]).exits(0);
    run.signal("TERM");
    let said = run.end().await;
    for text in [&said.err, &said.out] {
        assert!(!text.contains("GEHEIM") && !text.contains("R0VIRUlN"), "a secret is in the log:\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_is_believed_and_nobody_else() {
    let trusted = "trusted_proxies = [\"127.0.0.1\"]\n";
    let serving = Serving::start(Instance::new(Engine::Sqlite).await, trusted).await;
    let through = async |address: &str| {
        serving.ask("GET", "/metrics", &format!("X-Forwarded-For: {address}\r\n"), b"").await.status
    };
    assert_eq!(through("203.0.113.7").await, 401);
    assert_eq!(serving.get("/metrics").await.status, 200, "asked on this machine itself");
}
