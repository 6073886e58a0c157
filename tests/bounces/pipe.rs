//! `rundruf bounce` as a mail server's pipe calls it: what it says and how it ends.

use std::io::Write;
use std::process::Stdio;

use rundruf::channels::email::ReturnPath;
use rundruf::domain::ids::DeliveryId;

use crate::instance::{Engine, Instance, on_both_engines};
use crate::process::Said;
use crate::real::return_path;

on_both_engines!(a_returned_message_ends_its_delivery_once);

/// The program with `message` on standard input.
fn pipe(instance: &Instance, arguments: &[&str], environment: &[(&str, &str)], message: &str) -> Said {
    let mut command = instance.command(&[&["bounce"], arguments].concat());
    command
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(message.as_bytes()).expect("the pipe is read to its end");
    let output = child.wait_with_output().unwrap();
    Said {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn report(status: &str) -> String {
    format!(
        "From: MAILER-DAEMON@mx.example\nSubject: Undelivered Mail Returned to Sender\nContent-Type: \
         multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: \
         message/delivery-status\n\nReporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; x@d0.example\nAction: \
         failed\nStatus: {status}\nDiagnostic-Code: smtp; 550 {status} said so\n\n--b--\n"
    )
}

/// An instance that has sent one notice to this many, and the return paths of its deliveries by address.
async fn sent(engine: Engine, count: usize) -> (Instance, Vec<(String, String)>) {
    let instance = Instance::new(engine).await;
    instance.import(count);
    instance.release(&[]);
    instance.drain().await;
    let paths: ReturnPath = return_path(&instance, "notfall@tb.example").await;
    let rows = instance.deliveries("sent");
    let text = |row: &serde_json::Value, field: &str| row[field].as_str().unwrap().to_owned();
    let found = rows.iter().map(|row| {
        let id: DeliveryId = text(row, "id").parse().unwrap();
        (text(row, "address"), paths.of(id, 1))
    });
    let found = found.collect();
    (instance, found)
}

async fn a_returned_message_ends_its_delivery_once(engine: Engine) {
    let (instance, sent) = sent(engine, 3).await;
    let [(gone, path_of_gone), (blocked, path_of_blocked), (fine, _)] = sent.as_slice() else {
        panic!("three were sent: {sent:?}")
    };
    pipe(&instance, &["--recipient", path_of_gone], &[], &report("5.1.1"))
        .exits(0)
        .says(&["is reported failed: 5.1.1", "written down"]);
    pipe(&instance, &["--recipient", path_of_gone], &[], &report("5.1.1")).exits(0).says(&["known already"]);
    pipe(&instance, &[], &[("ORIGINAL_RECIPIENT", path_of_blocked)], &report("5.7.1"))
        .exits(0)
        .says(&["5.7.1", "written down"]);
    let mut failed = instance.addresses("failed");
    failed.sort();
    let mut expected = vec![gone.clone(), blocked.clone()];
    expected.sort();
    assert_eq!(failed, expected);
    assert_eq!(&instance.addresses("sent"), std::slice::from_ref(fine));
    let suppressed = instance.run(&["suppressions", "list", "--json"]).exits(0).json();
    assert_eq!(suppressed.len(), 1, "only for a fault of the address: {suppressed:?}");
    assert_eq!(
        (&suppressed[0]["address"], &suppressed[0]["reason"]),
        (&(gone.as_str()).into(), &"5.1.1".into())
    );
    assert!(suppressed[0]["until"].is_string(), "it ends: {suppressed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_no_receipt_changes_nothing_and_the_mail_server_is_rid_of_it() {
    let (instance, sent) = sent(Engine::Sqlite, 1).await;
    let path = &sent[0].1;
    let forged = path.replace("+a", "+b").replace("@tb", "x@tb");
    pipe(&instance, &["--recipient", &forged], &[], &report("5.1.1"))
        .exits(0)
        .says(&["not one that this instance"]);
    pipe(&instance, &["--recipient", path], &[], "From: a@d0.example\nSubject: AW: Test\n\nDanke, 5.1.1\n")
        .exits(0)
        .says(&["no returned message"]);
    pipe(&instance, &["--recipient", path], &[], "From: MAILER-DAEMON@mx.example\n\nno idea\n")
        .exits(0)
        .says(&["no reason that can be understood"]);
    pipe(&instance, &[], &[], "").exits(0).says(&["no returned message"]);
    pipe(&instance, &[], &[], &report("5.1.1"))
        .exits(0)
        .says(&["a mail that came back (5.1.1", "not to a return path of this instance"]);
    let long = format!("{}{}", report("4.4.1").replace("failed", "delayed"), "x".repeat(3_000_000));
    pipe(&instance, &["--recipient", path], &[], &long).exits(0).says(&["no returned message"]);
    assert_eq!(instance.count("sent"), 1);
    let counts = instance.store().await.callback_counts().await.unwrap();
    let counts: Vec<_> = counts.iter().map(|row| (row.verdict.as_str(), row.count)).collect();
    assert_eq!(counts, [("forged", 1), ("no_receipt", 4), ("unreadable", 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_it_cannot_be_written_down_the_mail_server_is_to_try_again() {
    let (instance, sent) = sent(Engine::Sqlite, 1).await;
    let path = &sent[0].1;
    let message = report("5.1.1");
    let nowhere = [("RUNDRUF_DATABASE__URL", "sqlite://nowhere/rundruf.db")];
    pipe(&instance, &["--recipient", path], &nowhere, &message).exits(75).says(&["rundruf:"]);
    let no_server = [("RUNDRUF_DATABASE__URL", "postgres://127.0.0.1:1/rundruf")];
    pipe(&instance, &["--recipient", path], &no_server, &message).exits(75).says(&["rundruf:"]);
    let mistyped = [("RUNDRUF_EMAIL__BOUNCE_POLL", "often")];
    pipe(&instance, &["--recipient", path], &mistyped, &message).exits(75).says(&["bounce_poll"]);
    assert_eq!(instance.count("sent"), 1);
    pipe(&instance, &["--recipient", path], &[], &message).exits(0);
    assert_eq!(instance.count("failed"), 1);
}
