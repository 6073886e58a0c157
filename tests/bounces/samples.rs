//! Returned messages as mail systems write them, and what is no returned message at all. `{path}` in a sample is the
//! return path of a delivery of ours.

use rundruf::channels::email::{ReturnPath, bounce};
use rundruf::domain::ids::DeliveryId;
use rundruf::domain::outcome::Fault;
use rundruf::domain::receipt::{CallbackVerdict, Receipt, ReceiptKind};
use rundruf::domain::seal::Seal;

const FAILED: fn(Fault) -> ReceiptKind = ReceiptKind::Failed;

fn return_path(key: &[u8]) -> ReturnPath {
    ReturnPath::new(&"rueck@kse.example".parse().unwrap(), Seal::new(key))
}

fn delivery() -> DeliveryId {
    "018f3a7b-1c2d-7e3f-8a4b-5c6d7e8f9a0b".parse().unwrap()
}

/// The sample with this return path in it, with the line ends of the wire.
fn sample(name: &str, path: &str) -> String {
    let file = format!("{}/tests/bounces/samples/{name}.eml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
    text.replace("{path}", path).replace('\n', "\r\n")
}

fn read(name: &str) -> Result<Receipt, CallbackVerdict> {
    let paths = return_path(b"key");
    bounce::read(sample(name, &paths.of(delivery(), 3)).as_bytes(), None, &paths)
}

#[test]
fn what_each_mail_system_returns_is_understood() {
    for (name, kind, code, words) in [
        ("postfix-unknown-user", FAILED(Fault::Address), "5.1.1", "User doesn't exist"),
        ("postfix-expired", FAILED(Fault::Recipient), "4.4.1", "Connection timed out"),
        ("postfix-policy", FAILED(Fault::Policy), "5.7.1", "blocked using"),
        ("postfix-delivered", ReceiptKind::Delivered, "2.0.0", "delivered to mailbox"),
        ("alias-one-of-three", FAILED(Fault::Recipient), "5.1.1", "user unknown"),
        ("several-one-delivered", ReceiptKind::Delivered, "2.1.5", "reports delivery"),
        ("exim-report", FAILED(Fault::Address), "5.0.0", "No such user here"),
        ("exim-plain", FAILED(Fault::Address), "5.1.1", "550 5.1.1"),
        ("exchange", FAILED(Fault::Address), "5.1.10", "RecipientNotFound"),
        ("gmail", FAILED(Fault::Address), "5.1.1", "does not exist"),
        ("qmail", FAILED(Fault::Address), "5.1.1", "no mailbox here"),
        ("t-online", FAILED(Fault::Address), "550", "user unknown"),
        ("bare-code", FAILED(Fault::Recipient), "552", "Mailbox full"),
        ("returned-path-only", FAILED(Fault::Address), "5.1.1", "gave no reason"),
    ] {
        let receipt = read(name).unwrap_or_else(|verdict| panic!("{name}: {verdict:?}"));
        assert_eq!((receipt.delivery, receipt.round), (delivery(), 3), "{name}");
        assert_eq!((receipt.kind, receipt.reason.code.as_str()), (kind, code), "{name}: {receipt:?}");
        assert!(receipt.reason.text.contains(words), "{name}: {receipt:?}");
        assert_eq!(receipt.source, "bounce");
    }
}

#[test]
fn answers_challenges_and_notes_of_delay_are_no_bounces() {
    for name in [
        "postfix-delayed",
        "postfix-relayed",
        "outlook-out-of-office",
        "vacation",
        "postmaster-on-holiday",
        "challenge",
        "person",
        "forwarded-report",
        "abuse-report",
        "read-receipt",
    ] {
        assert_eq!(read(name), Err(CallbackVerdict::NoReceipt), "{name}");
    }
    assert_eq!(read("no-reason"), Err(CallbackVerdict::Unreadable));
}

#[test]
fn every_sample_is_read_by_a_test() {
    let text = include_str!("samples.rs");
    for entry in std::fs::read_dir(format!("{}/tests/bounces/samples", env!("CARGO_MANIFEST_DIR"))).unwrap() {
        let name = entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
        assert!(text.contains(&format!("\"{name}\"")), "{name}.eml is used by no test");
    }
}

#[test]
fn a_return_path_that_we_did_not_seal_is_a_forgery() {
    let ours = return_path(b"key");
    let forged = sample("postfix-unknown-user", &return_path(b"other key").of(delivery(), 1));
    assert_eq!(bounce::read(forged.as_bytes(), None, &ours), Err(CallbackVerdict::Forged));
    let of_somebody_else = sample("postfix-unknown-user", "jemand@anders.example");
    assert_eq!(bounce::read(of_somebody_else.as_bytes(), None, &ours), Err(CallbackVerdict::NoReceipt));
    assert_eq!(bounce::read(b"", None, &ours), Err(CallbackVerdict::NoReceipt));
}

#[test]
fn the_address_that_the_mail_server_names_comes_first_and_a_wrong_one_does_no_harm() {
    let ours = return_path(b"key");
    let other: DeliveryId = "018f3a7b-1c2d-7e3f-8a4b-5c6d7e8f9a0c".parse().unwrap();
    let raw = sample("postfix-unknown-user", &ours.of(delivery(), 1));
    let named = ours.of(other, 2);
    let read = |recipient: &str| bounce::read(raw.as_bytes(), Some(recipient), &ours).unwrap();
    assert_eq!((read(&named).delivery, read(&named).round), (other, 2));
    assert_eq!(read(&format!("<{}>", named.to_uppercase())).delivery, other);
    assert_eq!(read("rueck@kse.example").delivery, delivery());
    assert_eq!(read("rueck+abc@kse.example").delivery, delivery());
}

#[test]
fn a_server_that_contradicts_itself_suppresses_nobody() {
    let ours = return_path(b"key");
    let path = ours.of(delivery(), 1);
    for (status, diagnostic, fault) in [
        ("5.1.1", "smtp; 550 5.7.1 not wanted here", Fault::Policy),
        ("5.7.1", "smtp; 550 5.1.1 user unknown", Fault::Policy),
        ("5.0.0", "smtp; 550 5.1.1 user unknown", Fault::Address),
        ("5.1.1", "smtp; 550 blocked by our spam filter", Fault::Policy),
        ("5.1.1", "smtp; 554 5.1.8 Sender address rejected: Domain not found", Fault::Policy),
        ("5.2.2", "smtp; 552 5.2.2 mailbox full", Fault::Recipient),
        ("5.0.0", "smtp; 550 denied", Fault::Policy),
        ("5.7.13", "smtp; 550 account disabled", Fault::Address),
        ("4.4.7", "smtp; 451 4.7.1 greylisted", Fault::Recipient),
        ("", "", Fault::Policy),
    ] {
        let raw = format!(
            "To: {path}\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\
             Content-Type: message/delivery-status\n\nReporting-MTA: dns; x.example\n\nFinal-Recipient: rfc822; \
             a@x.example\nAction: failed\nStatus: {status}\nDiagnostic-Code: {diagnostic}\n\n--b--\n"
        );
        let receipt = bounce::read(raw.as_bytes(), None, &ours).unwrap();
        assert_eq!(receipt.kind, FAILED(fault), "{status} / {diagnostic}");
    }
}

#[test]
fn without_an_action_the_class_of_the_status_decides() {
    let ours = return_path(b"key");
    let path = ours.of(delivery(), 1);
    let read = |fields: &str| {
        let raw = format!(
            "To: {path}\nContent-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n\
             Reporting-MTA: dns; x.example\n\nFinal-Recipient: rfc822; a@x.example\n{fields}\n--b--\n"
        );
        bounce::read(raw.as_bytes(), None, &ours).map(|receipt| receipt.kind)
    };
    assert_eq!(read("Status: 5.1.1\n"), Ok(FAILED(Fault::Address)));
    assert_eq!(read("Status: 4.4.7\n"), Ok(FAILED(Fault::Recipient)));
    assert_eq!(read("Status: 4.2.2\n"), Err(CallbackVerdict::NoReceipt));
    assert_eq!(read("Status: 2.0.0\n"), Err(CallbackVerdict::NoReceipt));
    assert_eq!(read("Action: vanished\n"), Err(CallbackVerdict::Unreadable));
}
