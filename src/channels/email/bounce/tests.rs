//! Whatever comes in: nothing panics, nothing overflows, nothing takes forever.

use proptest::prelude::*;

use super::*;
use crate::domain::address::EmailAddress;
use crate::domain::outcome::Fault;
use crate::domain::receipt::ReceiptKind;
use crate::domain::seal::Seal;

fn return_path() -> ReturnPath {
    let base: EmailAddress = "rueck@kse.example".parse().unwrap();
    ReturnPath::new(&base, Seal::new(b"key"))
}

fn own_address() -> String {
    return_path().of(DeliveryId(uuid::Uuid::nil()), 1)
}

#[test]
fn a_return_is_one_whatever_our_own_subject_says_behind_it() {
    let nature = |subject: &str| {
        let raw = format!(
            "Return-Path: <>\r\nFrom: Mailer-Daemon@x.example\r\nTo: {}\r\nSubject: {subject}\r\n\r\n\
             <a@x.example>: 550 5.1.1 User unknown\r\n",
            own_address()
        );
        read(raw.as_bytes(), Some(&own_address()), &return_path()).map(|receipt| receipt.kind)
    };
    for ours in ["Warnung: falsche Mails", "Entwarnung", "EILALARM - bitte bestätigen", "mail is delayed"] {
        for begin in ["Undeliverable", "Unzustellbar", "Nicht zustellbar"] {
            let subject = format!("{begin}: KSE 2026-0004: {ours}");
            assert_eq!(nature(&subject), Ok(ReceiptKind::Failed(Fault::Address)), "{subject}");
        }
    }
    for other in ["Warning: message delayed", "Delivery Status Notification (Delay)", "Re: Undeliverable: x"]
    {
        assert_eq!(nature(other), Err(CallbackVerdict::NoReceipt), "{other}");
    }
}

#[test]
fn messages_within_messages_do_not_exhaust_the_stack() {
    let nested = "Content-Type: message/rfc822\n\n".repeat(LARGEST / 30);
    assert_eq!(
        read(nested.as_bytes(), Some(&own_address()), &return_path()),
        Err(CallbackVerdict::NoReceipt)
    );
    let encoded = data_encoding::BASE64.encode(&nested.as_bytes()[..700_000]);
    let hidden = format!("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{encoded}\n");
    assert_eq!(
        read(hidden.as_bytes(), Some(&own_address()), &return_path()),
        Err(CallbackVerdict::NoReceipt)
    );
}

#[test]
fn a_message_of_nothing_but_parts_ends() {
    let part = "--a\nContent-Type: multipart/x; boundary=z\n\n";
    let raw = format!("Content-Type: multipart/mixed; boundary=a\n\n{}", part.repeat(LARGEST / part.len()));
    assert_eq!(read(raw.as_bytes(), Some(&own_address()), &return_path()), Err(CallbackVerdict::NoReceipt));
}

/// Fragments that returned messages are made of, in any order.
fn fragments() -> impl Strategy<Value = Vec<u8>> {
    let fragment = prop_oneof![
        Just("Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n".to_owned()),
        Just("Content-Type: message/delivery-status\r\n".to_owned()),
        Just("Content-Type: message/rfc822\r\n".to_owned()),
        Just("Content-Type: text/rfc822-headers\r\n".to_owned()),
        Just("Content-Transfer-Encoding: base64\r\n".to_owned()),
        Just("Content-Transfer-Encoding: quoted-printable\r\n".to_owned()),
        Just("Subject: =?utf-8?q?Undelivered=20=E4?=\r\n".to_owned()),
        Just("From: MAILER-DAEMON@x.example\r\n".to_owned()),
        Just("Action: failed\r\nStatus: 5.1.1\r\n".to_owned()),
        Just("Diagnostic-Code: smtp; 550-5.1.1 no\r\n 550 5.1.1 such user\r\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("\r\n--b\r\n".to_owned()),
        Just("\r\n--b--\r\n".to_owned()),
        "[45]\\.[0-9]{1,4}\\.[0-9]{1,4}",
        "\\PC{0,30}",
    ];
    let bytes = prop_oneof![9 => fragment.prop_map(String::into_bytes), 1 => prop::collection::vec(any::<u8>(), 0..40)];
    prop::collection::vec(bytes, 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn nothing_that_comes_in_panics(raw in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let _ = read(&raw, Some(&own_address()), &return_path());
    }

    #[test]
    fn nor_does_anything_that_looks_like_a_report(raw in fragments(), recipient in "\\PC{0,80}") {
        let _ = read(&raw, Some(&own_address()), &return_path());
        prop_assert!(read(&raw, Some(&recipient), &return_path()).is_err(), "made up out of nothing");
    }
}
