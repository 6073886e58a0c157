//! What leaves as a file: contacts, backups. Encrypted unless somebody says otherwise, and never for whoever may not.

use std::io::Read;

use rundruf::app::encryption::DecryptionKey;
use rundruf::domain::actor::Right;
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::instance::Engine;
use crate::instance::on_both_engines;
use crate::process::PATIENCE;
use crate::stage::Stage;

on_both_engines!(
    contacts_leave_encrypted_for_a_reason_and_come_back,
    a_backup_is_made_sent_and_left_nowhere,
    a_second_backup_waits_for_the_first,
);

/// What a file is encrypted with where something is set to.
const KEY: &str = "[backup]\npassphrase = \"Sieben Eichen am Teich\"\n";

/// An answer whose body is no text.
struct File {
    head: String,
    bytes: Vec<u8>,
}

impl File {
    /// What is asked for, with the token that may do everything, as a program of the simplest kind asks: it reads to the
    /// end of the connection (RFC 1945).
    async fn ask(stage: &Stage, method: &str, path: &str, body: &str) -> Self {
        let mut stream = stage.serving.connect().await;
        let request = format!(
            "{method} /api/v1{path} HTTP/1.0\r\nHost: notfall.tb.example\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            stage.token,
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut all = Vec::new();
        tokio::time::timeout(PATIENCE, stream.read_to_end(&mut all)).await.unwrap().unwrap();
        let end = all.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
        let head = String::from_utf8_lossy(&all[..end]).to_lowercase();
        Self { head, bytes: all.split_off(end + 4) }
    }

    /// Its bytes, after looking at its status, its type and what it would be saved as.
    fn found(self, kind: &str, name: &str) -> Vec<u8> {
        let shown = String::from_utf8_lossy(&self.bytes[..self.bytes.len().min(400)]);
        assert!(self.head.starts_with("http/1.0 200 "), "{}\n{shown}", self.head);
        assert!(self.head.contains(&format!("content-type: {kind}")), "{}", self.head);
        assert!(self.head.contains(&format!("filename=\"{name}")), "{}", self.head);
        self.bytes
    }
}

fn opened(bytes: &[u8]) -> String {
    let key = DecryptionKey::Passphrase(SecretString::from("Sieben Eichen am Teich"));
    let mut text = String::new();
    key.reader(bytes).unwrap().read_to_string(&mut text).unwrap();
    text
}

async fn contacts_leave_encrypted_for_a_reason_and_come_back(engine: Engine) {
    let stage = Stage::configured(engine, 3, 0, KEY).await;
    let encrypted = File::ask(&stage, "GET", "/contact-export?group=all&reveal=moving", "").await;
    let encrypted = encrypted.found("application/octet-stream", "contacts.csv.age");
    assert_eq!(stage.entries_because("moving").await, 1);
    let csv = opened(&encrypted);
    assert!(csv.starts_with("id,name,") && csv.contains("amt2@d2.example"), "{csv}");
    let plain = File::ask(&stage, "GET", "/contact-export?unencrypted=true&reveal=moving", "").await;
    assert_eq!(String::from_utf8(plain.found("text/csv", "contacts.csv\"")).unwrap(), csv);
    let instance = &stage.serving.instance;
    let at_the_shell = instance.run(&["contacts", "export", "--unencrypted"]).exits(0);
    assert_eq!(at_the_shell.out, csv, "the command line writes the same");
    let about = File::ask(&stage, "GET", "/contact-export?about=c1&unencrypted=true&reveal=asked", "").await;
    let about = String::from_utf8(about.found("application/json", "held-data.json\"")).unwrap();
    assert!(about.contains("\"id\": \"c1\"") && about.contains("amt1@d1.example"), "{about}");

    let refused = stage.get("/api/v1/contact-export?unencrypted=true").await;
    refused.problem_about(422, "reveal");
    stage.get("/api/v1/contact-export?group=nobody&reveal=x").await.problem(404);
    stage.get("/api/v1/contact-export?about=nobody&reveal=x").await.problem(404);
    stage.get("/api/v1/contact-export?about=c1&group=all&reveal=x").await.problem_about(422, "about");
    let entries = stage.entries().await;
    for (name, rights, groups) in [
        ("sees-addresses", [Right::ContactsRead, Right::ContactsReveal], None),
        ("imports", [Right::ContactsRead, Right::ContactsWrite], None),
        ("within-a-group", [Right::ContactsReveal, Right::ContactsWrite], Some(["all"].as_slice())),
    ] {
        let token = stage.token(name, &rights, groups).await;
        let path = "/api/v1/contact-export?unencrypted=true&group=all&reveal=curious";
        let refused = stage.ask_as(&token, "GET", path, "", b"").await;
        refused.problem(403);
    }
    assert_eq!(stage.entries().await, entries + 3, "the tokens alone");
    assert_eq!(stage.entries_because("curious").await, 0);
}

/// What lies in the folder of the store.
fn left_behind(stage: &Stage) -> Vec<String> {
    let folder = std::fs::read_dir(stage.serving.instance.path("var"));
    let names = folder.into_iter().flatten().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.contains("backup")).collect()
}

/// How often something like this was done.
async fn times(stage: &Stage, action: &str) -> usize {
    let entries = stage.get(&format!("/api/v1/audit/entries?action={action}")).await.json(200);
    entries["items"].as_array().unwrap().len()
}

async fn a_backup_is_made_sent_and_left_nowhere(engine: Engine) {
    let stage = Stage::configured(engine, 3, 1, KEY).await;
    let instance = &stage.serving.instance;
    instance.write("passphrase", "Sieben Eichen am Teich\n");
    let backup = File::ask(&stage, "POST", "/backups", "{}").await;
    instance.write("fetched.tar.age", backup.found("application/octet-stream", "rundruf-"));
    let check = ["restore", "--check", "--passphrase-file", "passphrase", "fetched.tar.age"];
    instance.run(&check).exits(0).says(&["It is whole"]);
    assert_eq!((times(&stage, "backup.made").await, times(&stage, "backup.sent").await), (1, 1));
    // What a process that was killed has left goes with the next.
    instance.write("var/backup-to-be-fetched", "whole, and never fetched");
    instance.write("var/backup-to-be-fetched.part", "half");
    let plain = File::ask(&stage, "POST", "/backups", r#"{"unencrypted":true}"#).await;
    instance.write("fetched.tar", plain.found("application/x-tar", "rundruf-"));
    instance.run(&["restore", "--check", "fetched.tar"]).exits(0).says(&["It is whole"]);
    assert_eq!(left_behind(&stage), Vec::<String>::new());

    stage.post("/api/v1/backups", "", r#"{"with_key":true}"#).await.problem_about(422, "with_key");
    let both = r#"{"unencrypted":true,"with_key":true}"#;
    stage.post("/api/v1/backups", "", both).await.problem_about(422, "with_key");
    let rights = [Right::SettingsWrite, Right::ContactsReveal, Right::ContactsWrite];
    let operator = stage.token("operator", &rights, None).await;
    let limited = stage.token("within-a-group", &Right::ALL, Some(&["all"])).await;
    let json = "Content-Type: application/json\r\n";
    for (token, body) in [(&operator, r#"{"unencrypted":true}"#), (&limited, "{}")] {
        stage.ask_as(token, "POST", "/api/v1/backups", json, body.as_bytes()).await.problem(403);
    }
    assert_eq!(times(&stage, "backup.made").await, 2);
}

async fn a_second_backup_waits_for_the_first(engine: Engine) {
    // A passphrase is stretched: that alone takes longer than asking again.
    let stage = Stage::configured(engine, 1, 0, KEY).await;
    let (one, other) = tokio::join!(
        File::ask(&stage, "POST", "/backups", "{}"),
        File::ask(&stage, "POST", "/backups", "{}"),
    );
    let (first, second) = if one.head.contains(" 200 ") { (one, other) } else { (other, one) };
    first.found("application/octet-stream", "rundruf-");
    assert!(second.head.contains(" 409 ") && second.head.contains("retry-after: "), "{}", second.head);
    // Whoever hangs up at once leaves nothing, and the next has their turn.
    let mut stream = stage.serving.connect().await;
    let request = format!(
        "POST /api/v1/backups HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: 2\r\n\r\n{{}}",
        stage.token
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let before = times(&stage, "backup.made").await;
    drop(stream);
    let again = tokio::time::timeout(PATIENCE, async {
        loop {
            let again = File::ask(&stage, "POST", "/backups", "{}").await;
            if again.head.contains(" 200 ") {
                return again;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    });
    again.await.unwrap().found("application/octet-stream", "rundruf-");
    assert!(times(&stage, "backup.made").await > before);
    assert_eq!(left_behind(&stage), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_it_is_said_what_to_set() {
    let stage = Stage::new(Engine::Sqlite, 1, 0).await;
    let refused = stage.get("/api/v1/contact-export?reveal=moving").await;
    let detail = refused.problem(409)["detail"].to_string();
    assert!(detail.contains("[backup] recipients") && detail.contains("unencrypted=true"), "{detail}");
    assert_eq!(stage.entries_because("moving").await, 0, "nothing was taken away");
    let refused = stage.post("/api/v1/backups", "", "{}").await.problem(409)["detail"].to_string();
    assert!(refused.contains("[backup] recipients"), "{refused}");
    assert_eq!(left_behind(&stage), Vec::<String>::new());
}
