//! `doctor --resolver`

use std::net::UdpSocket;

use super::dns::Zone;
use super::instance::{Instance, contains};

#[test]
fn right_records_are_right() {
    let instance = Instance::new("");
    let zone = Zone::default()
        .text("kim.de", "v=spf1 mx -all")
        .text("r1._domainkey.kim.de", &instance.record)
        .text("_dmarc.kim.de", "v=DMARC1; p=reject; adkim=s; aspf=s")
        .exchanger("kim.de", "mx.kim.de");
    let said = instance.doctor(zone.serve(), &[]);
    contains(
        &said.out,
        &[
            "ok      SPF kim.de: v=spf1 mx -all",
            "Which address your relay 127.0.0.1 sends from cannot be seen from here",
            "ok      DKIM kim.de: the DNS has the key's public half at r1._domainkey.kim.de",
            "ok      DMARC kim.de: p=reject at _dmarc.kim.de",
            "ok      bounce address rueck@kim.de: mails to kim.de go to mx.kim.de",
        ],
    );
    assert_eq!(said.code, 1, "the relay is gone");
}

#[test]
fn what_is_missing_is_said_with_what_to_publish() {
    let instance = Instance::new("");
    let said = instance.doctor(Zone::default().serve(), &[]);
    contains(
        &said.out,
        &[
            "look    SPF kim.de: there is no record",
            "BROKEN  DKIM kim.de: the DNS has no key at r1._domainkey.kim.de",
            &format!(
                "→ publish this TXT record at r1._domainkey.kim.de, as one text:\n        {}",
                instance.record
            ),
            "look    DMARC kim.de: there is no policy",
            "BROKEN  bounce address rueck@kim.de: kim.de has neither MX nor address",
        ],
    );
}

#[test]
fn what_is_wrong_is_named() {
    let instance =
        Instance::new("[[email.provider]]\nname = \"second\"\nurl = \"smtp://relay.kim.de?tls=none\"\n");
    let cases: &[(Zone, &[&str])] = &[
        (
            Zone::default().text("kim.de", "v=spf1 +all").text("_dmarc.kim.de", "v=DMARC1; p=none"),
            &[
                "look    SPF kim.de: v=spf1 +all\n        lets the whole world",
                "forged mails in your name are delivered",
            ],
        ),
        (
            Zone::default().text("kim.de", "v=spf1 -all").text("kim.de", "v=spf1 mx -all"),
            &["BROKEN  SPF kim.de: there are 2 records"],
        ),
        (
            Zone::default()
                .text("kim.de", "v=spf1 ip4:192.0.2.1 -all")
                .address("relay.kim.de", "192.0.2.2")
                .text("r1._domainkey.kim.de", "v=DKIM1; k=ed25519; p=")
                .exchanger("kim.de", ""),
            &["does not let relay.kim.de (192.0.2.2) send", "was withdrawn", "it takes no mail at all"],
        ),
        (
            Zone::default()
                .text("kim.de", "v=spf1 a:relay.kim.de -all")
                .address("relay.kim.de", "192.0.2.2")
                .text("r1._domainkey.kim.de", "v=DKIM1; k=ed25519; p=AQIDBA==")
                .address("kim.de", "192.0.2.3"),
            &[
                "ok      SPF kim.de: lets relay.kim.de (192.0.2.2) send",
                "the DNS has another key at r1._domainkey.kim.de: every signature is wrong",
                "kim.de has no MX record; mails go to its own address",
            ],
        ),
        (
            Zone::default().text("r1._domainkey.kim.de", &format!("t=y; {}", instance.record)),
            &["look    DKIM kim.de: the record at r1._domainkey.kim.de is marked as a test"],
        ),
    ];
    for (zone, parts) in cases {
        contains(&instance.doctor(zone.clone().serve(), &[]).out, parts);
    }
}

#[test]
fn a_resolver_that_is_silent_is_said_once_and_breaks_nothing() {
    let instance = Instance::new("");
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let said = instance.doctor(silent.local_addr().unwrap(), &["--json"]);
    let rows: Vec<serde_json::Value> =
        said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let unchecked: Vec<&serde_json::Value> =
        rows.iter().filter(|row| row["state"].as_str().unwrap().contains("could not be checked")).collect();
    assert_eq!(unchecked.len(), 1, "{}", said.out);
    assert_eq!((&unchecked[0]["level"], &unchecked[0]["subject"]), (&"look".into(), &"DNS".into()));
    let broken: Vec<&serde_json::Value> = rows.iter().filter(|row| row["level"] == "broken").collect();
    assert_eq!(broken.len(), 1, "the relay alone: {}", said.out);
}
