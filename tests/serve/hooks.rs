//! What gateways and mail servers report, and what only claims to come from them.

use data_encoding::BASE32_NOPAD;
use rundruf::domain::seal::{Seal, SealPurpose};

use crate::client::Serving;
use crate::instance::{Engine, Instance, on_both_engines};

const MAIL: &str = "Content-Type: message/rfc822\r\n";

on_both_engines!(
    a_genuine_sms_report_is_taken_once_and_never_moves_backwards,
    a_forged_sms_report_is_refused_and_counted_and_changes_nothing,
    a_question_after_the_header_alone_reports_nothing,
    a_forged_bounce_is_refused_and_counted_and_changes_nothing,
);

/// One that has sent five mails.
async fn sent(engine: Engine) -> Serving {
    let instance = Instance::new(engine).await;
    instance.import(5);
    instance.release(&[]);
    instance.drain().await;
    Serving::start(
        instance,
        "[[sms.provider]]\nname = \"gate\"\nkind = \"kannel\"\nurl = \"http://127.0.0.1:1/sendsms\"\n\
         username = \"rundruf\"\npassword = \"geheim\"\n",
    )
    .await
}

/// A delivery's name with the seal that only its gateway is handed.
async fn sealed_name(serving: &Serving, id: &str) -> String {
    let store = serving.instance.store().await;
    let key = store.instance_value("return_path_key", "").await.unwrap();
    store.close().await;
    let seal = Seal::new(&BASE32_NOPAD.decode(key.as_bytes()).unwrap());
    seal.name(SealPurpose::SmsReport, id.parse().unwrap(), 1)
}

async fn a_genuine_sms_report_is_taken_once_and_never_moves_backwards(engine: Engine) {
    let serving = sent(engine).await;
    let id = serving.instance.deliveries("sent")[0]["id"].as_str().unwrap().to_owned();
    let name = sealed_name(&serving, &id).await;
    // Delivered comes before accepted, as Kannel does it.
    for (status, body) in [(1, "taken\n"), (8, "taken\n"), (1, "had come before\n"), (2, "taken\n")] {
        let path = format!("/hooks/sms/gate?delivery={name}&status={status}&answer=");
        let answer = serving.get(&path).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, body), "{status}");
        assert_eq!(serving.instance.deliveries("delivered")[0]["id"], id);
    }
    assert_eq!(serving.counted("gate", "taken").await, 3);
    assert_eq!(serving.counted("gate", "repeated").await, 1);
    let nonsense = serving.get(&format!("/hooks/sms/gate?delivery={name}&status=later")).await;
    assert_eq!(nonsense.status, 400, "{nonsense:?}");
    assert!(!serving.err().contains(&name), "{}", serving.err());
}

async fn a_forged_sms_report_is_refused_and_counted_and_changes_nothing(engine: Engine) {
    let serving = sent(engine).await;
    let before = serving.instance.deliveries("sent");
    let id = before[0]["id"].as_str().unwrap();
    let name = format!("{}.{}", id.replace('-', "")[..26].to_lowercase(), "a".repeat(20));
    for path in [
        "/hooks/sms/gate".to_owned(),
        format!("/hooks/sms/gate?ref={name}&status=1&delivery={name}&token={name}"),
        format!("/hooks/sms/gate?delivery={name}&status=1"),
    ] {
        assert_eq!(serving.get(&path).await.status, 403, "{path}");
        assert_eq!(serving.post(&path, "", b"{\"geheimer\":\"Inhalt\"}").await.status, 403, "{path}");
    }
    assert_eq!(serving.counted("gate", "forged").await, 6);
    assert_eq!(serving.get("/hooks/sms/nobody").await.status, 404);
    assert_eq!(serving.instance.deliveries("sent"), before);
    assert!(!serving.err().contains("geheimer"), "{}", serving.err());
}

async fn a_question_after_the_header_alone_reports_nothing(engine: Engine) {
    let serving = sent(engine).await;
    let before = serving.instance.deliveries("sent");
    let name = sealed_name(&serving, before[0]["id"].as_str().unwrap()).await;
    let report = format!("/hooks/sms/gate?delivery={name}&status=1");
    for path in [report.as_str(), "/hooks/sms/gate", "/hooks/sms/nobody", "/hooks/bounce"] {
        let answer = serving.ask("HEAD", path, "", b"").await;
        assert_eq!((answer.status, answer.body.as_str()), (405, ""), "{path}");
        assert!(answer.head.to_lowercase().contains("allow: "), "{path}: {}", answer.head);
    }
    assert_eq!(serving.instance.deliveries("sent"), before);
    for verdict in ["taken", "repeated", "forged", "unreadable", "no_receipt"] {
        assert_eq!(serving.counted("gate", verdict).await, 0, "{verdict}");
    }
    assert_eq!(serving.get(&report).await.body, "taken\n", "the same as a report, for the first time");
}

async fn a_forged_bounce_is_refused_and_counted_and_changes_nothing(engine: Engine) {
    let serving = sent(engine).await;
    let before = serving.instance.deliveries("sent");
    let forged = format!("notfall+{}.{}@tb.example", "a".repeat(26), "b".repeat(20));
    let mail = format!(
        "From: MAILER-DAEMON@relay.example\r\nTo: {forged}\r\nSubject: Undelivered Mail Returned to Sender\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nno\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
         Reporting-MTA: dns; relay.example\r\n\r\nFinal-Recipient: rfc822; amt0@d0.example\r\nAction: failed\r\n\
         Status: 5.1.1\r\n\r\n--b--\r\n"
    );
    let answer = serving.post(&format!("/hooks/bounce?recipient={forged}"), MAIL, mail.as_bytes()).await;
    assert_eq!(answer.status, 403, "{answer:?}");
    assert_eq!(serving.counted("bounce", "forged").await, 1);
    assert_eq!(serving.instance.deliveries("sent"), before);

    let vacation = "From: a@d0.example\r\nTo: notfall@tb.example\r\nAuto-Submitted: auto-replied\r\n\
                    Subject: Abwesend\r\n\r\nBin im Urlaub.\r\n";
    assert_eq!(serving.post("/hooks/bounce", MAIL, vacation.as_bytes()).await.status, 200);
    assert_eq!(serving.post("/hooks/bounce", "", vacation.as_bytes()).await.status, 415, "of no type");
    assert_eq!(serving.get("/hooks/bounce").await.status, 405);
}
