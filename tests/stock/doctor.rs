//! `doctor`

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use rundruf::domain::outcome::Reason;
use rundruf::store::Move;

use super::{Desk, contains, deliver, fan_out, notice};

/// A relay without encryption that greets and says what it can do; gives its port.
fn relay() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.write_all(b"220 relay.example ESMTP\r\n").unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            for line in lines.map_while(Result::ok) {
                let answer: &[u8] = match line.split_whitespace().next() {
                    Some("EHLO") => b"250-relay.example\r\n250 PIPELINING\r\n",
                    Some("QUIT") => b"221 2.0.0 Bye\r\n",
                    _ => b"500 5.5.1 no\r\n",
                };
                stream.write_all(answer).unwrap();
            }
        }
    });
    port
}

fn configured(desk: &Desk, more: &str) {
    let text = std::fs::read_to_string(desk.path("rundruf.toml")).unwrap();
    desk.write("rundruf.toml", &format!("{text}{more}"));
}

#[test]
fn a_fresh_instance_says_what_is_missing_and_makes_nothing() {
    let desk = Desk::new();
    let said = desk.run(&["doctor"]).ok();
    contains(
        &said.out,
        &[
            "ok      configuration: rundruf.toml is valid",
            "ok      clock: ",
            "Europe/Berlin",
            "ok      templates: ",
            "MB free for the store",
            "look    store: there is none at",
            "contacts import\" makes it",
            "look    provider outbox: mails are written into var/outbox",
            "look    SMS provider outbox: text messages are written into var/outbox",
        ],
    );
    contains(&said.err, &["Nothing is broken, 3 things to look at."]);
    assert!(!desk.path("var").exists());
}

#[test]
fn where_no_store_can_be_made_something_is_broken() {
    let desk = Desk::new();
    // A folder without the right to write would not stop root.
    desk.write("var", "");
    let said = desk.run(&["doctor"]).ends(1);
    contains(
        &said.out,
        &[
            "BROKEN  store: there is none at var/rundruf.db yet, and none can be made there (",
            "give this user the right to write there",
            "BROKEN  provider outbox: the folder var/outbox cannot be written to (",
            "BROKEN  SMS provider outbox: ",
        ],
    );
    contains(&said.err, &["3 things are broken"]);
}

#[test]
fn where_nobody_is_told_of_a_release_alone_is_said() {
    let desk = Desk::new();
    configured(&desk, "[approval]\nrequired = true\n");
    let said = desk.run(&["doctor"]).ok();
    contains(&said.out, &["look    approval: some notices need a second person", "set [approval] tell"]);
}

#[tokio::test]
async fn what_waits_for_a_person_is_named() {
    let desk = Desk::new();
    let store = desk.store().await;
    let id = notice(&store, &["a", "b"], &[], &[]).await;
    fan_out(&store, id).await;
    deliver(&store, &[("a", Move::Unclear, Reason::new("connection", "broke"))]).await;
    let second = notice(&store, &["a"], &[], &[]).await;
    fan_out(&store, second).await;
    let hold = rundruf::store::Hold {
        lane: "destination:t-online.de".to_owned(),
        not_before: super::in_an_hour(),
        reason: "554 5.7.1 blocked".to_owned(),
    };
    store.hold_lane(rundruf::domain::address::Channel::Email, &hold).await.unwrap();
    store.count_callback("kannel", rundruf::domain::receipt::CallbackVerdict::Forged).await.unwrap();
    desk.write("contacts/silent.csv", "id,name\nstumm,Stumm\n");
    desk.run(&["contacts", "import"]).ok();
    let said = desk.run(&["doctor"]).ok();
    contains(
        &said.out,
        &[
            "ok      store: SQLite, can be read and written",
            "ok      contacts: 3 contacts",
            "1 contact has no address at all: stumm",
            "2 contacts have only one address: a, b",
            "1 unclear delivery waits for a person to decide",
            "1 delivery waits to be sent",
            "look    destination t-online.de: held until",
            "554 5.7.1 blocked",
            "look    callbacks of kannel: 1 was counted as forged",
        ],
    );
}

#[test]
fn relays_are_tried_and_keys_are_read() {
    let desk = Desk::new();
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    desk.write("dkim.pem", &key.serialize_pem());
    let port = relay();
    configured(
        &desk,
        &format!(
            "[email]\nfrom = \"KIM <notfall@kim.example>\"\n\
             [[email.provider]]\nname = \"relay\"\nurl = \"smtp://127.0.0.1:{port}?tls=none\"\n\
             [[email.dkim]]\ndomain = \"kim.example\"\nselector = \"r1\"\nkey_file = \"dkim.pem\"\n"
        ),
    );
    let said = desk.run(&["doctor"]).ok();
    contains(
        &said.out,
        &[
            &format!("ok      provider relay: 127.0.0.1:{port} answers, not encrypted, no login"),
            "ok      DKIM kim.example: ed25519-sha256 signs",
            "r1._domainkey.kim.example\n        v=DKIM1; k=ed25519; p=",
            "look    sender: mails would come from notfall@kim.example",
        ],
    );
}

#[test]
fn what_is_broken_has_its_mend_and_the_exit_status_1() {
    let desk = Desk::new();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let demanding = relay();
    configured(
        &desk,
        &format!(
            "[email]\nfrom = \"KIM <notfall@kim.example>\"\n\
             [[email.provider]]\nname = \"gone\"\nurl = \"smtp://127.0.0.1:{free}?tls=none\"\n\
             [[email.provider]]\nname = \"plain\"\nurl = \"smtp://127.0.0.1:{demanding}\"\n\
             [[email.dkim]]\ndomain = \"kim.example\"\nselector = \"r1\"\nkey_file = \"dkim.pem\"\n"
        ),
    );
    desk.write("var/rundruf.db", "this is no database, but long enough to look like a file that is one");
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    desk.write("dkim.pem", &key.serialize_pem());
    let said = desk.run(&["doctor"]);
    assert_eq!(said.code, 1, "{said:?}");
    contains(
        &said.out,
        &[
            "BROKEN  store: the store is damaged",
            "BROKEN  provider gone: ",
            "connection refused",
            "BROKEN  provider plain: ",
            "STARTTLS",
            "BROKEN  DKIM kim.example: the DKIM key",
            "elliptic-curve",
            "→ ",
        ],
    );
    contains(&said.err, &["4 things are broken"]);
}
