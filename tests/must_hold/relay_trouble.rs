//! A relay that cannot be used is said at once, with what to do; nobody is lost, and all goes out when it is mended.

use std::net::TcpListener;

use crate::instance::{Engine, Instance, TEMPLATE, on_both_engines, relay};
use crate::private_ca::self_certified;
use crate::smtp_server::{Options, SmtpServer};

on_both_engines!(
    a_relay_that_is_down,
    a_relay_that_refuses_the_login,
    a_relay_with_a_certificate_that_nobody_vouches_for,
);

const COUNT: usize = 40;

/// A send that waits three seconds says all of `words` while it still waits, and leaves everything queued.
async fn assert_said_at_once(instance: &Instance, words: &[&str]) {
    let send = instance.start(&["send", TEMPLATE, "--to", "all", "--yes", "--wait", "3s"]);
    for word in words {
        send.until_it_says(word).await;
    }
    assert!(!send.has_ended(), "it was said only at the end:\n{}", send.err());
    send.end().await.exits(3).says(&["stay queued", "rundruf worker --drain"]);
    assert_eq!(instance.count("queued"), COUNT as u64);
    assert!(instance.deliveries("queued").iter().all(|row| row["attempts"] == 0), "a try was counted");
}

async fn assert_all_goes_out(instance: &Instance, server: &SmtpServer, everybody: &[String]) {
    instance.drain().await;
    let mut got = server.recipients();
    got.sort();
    let mut expected = everybody.to_vec();
    expected.sort();
    assert_eq!(got, expected);
    assert_eq!(instance.count("sent"), COUNT as u64);
}

async fn a_relay_that_is_down(engine: Engine) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let instance = Instance::new(engine).await;
    instance.configure(&relay(port, ""));
    let everybody = instance.import(COUNT);
    assert_said_at_once(&instance, &[&format!("127.0.0.1:{port}"), "nothing listens", "start the relay"])
        .await;
    // Still down: a worker says it too, and does not wait for it.
    instance.drain().await.says(&["nothing listens", "No provider can be used"]);
    assert_eq!(instance.count("queued"), COUNT as u64);

    let server = SmtpServer::start_at(port, Options::default()).await;
    assert_all_goes_out(&instance, &server, &everybody).await;
}

async fn a_relay_that_refuses_the_login(engine: Engine) {
    let login = Some(("rundruf".to_owned(), "richtig".to_owned()));
    let server = SmtpServer::start(Options { login, ..Options::default() }).await;
    let port = server.address.port();
    let instance = Instance::new(engine).await;
    instance.write("password", "falsch\n");
    instance.configure(&relay(port, "username = \"rundruf\"\npassword_file = \"password\""));
    let everybody = instance.import(COUNT);
    assert_said_at_once(&instance, &[&format!("127.0.0.1:{port}"), "login", "password"]).await;

    instance.write("password", "richtig\n");
    assert_all_goes_out(&instance, &server, &everybody).await;
}

async fn a_relay_with_a_certificate_that_nobody_vouches_for(engine: Engine) {
    let starttls = Some(self_certified("127.0.0.1"));
    let server = SmtpServer::start(Options { starttls, ..Options::default() }).await;
    let port = server.address.port();
    let instance = Instance::new(engine).await;
    let provider = format!("[[email.provider]]\nname = \"relay\"\nurl = \"smtp://127.0.0.1:{port}\"\n");
    instance.configure(&provider);
    let everybody = instance.import(COUNT);
    let words = [&format!("127.0.0.1:{port}"), "certificate", "update-ca-certificates"];
    assert_said_at_once(&instance, &words).await;
    assert!(server.recipients().is_empty(), "something went to a stranger");

    instance.configure(&relay(port, ""));
    assert_all_goes_out(&instance, &server, &everybody).await;
}
