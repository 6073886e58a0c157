//! How a connection comes about, and what an operator is told when it does not.

use rundruf::channels::email::{Connector, Limits, OpenFailure, SessionEnd, session};
use rundruf::domain::settings::{Credentials, SmtpRelay, SmtpTls};
use tokio_rustls::TlsAcceptor;

use crate::client::{impatient, plain};
use crate::list_feed::ListFeed;
use crate::list_feed::Said::Accepted;
use crate::private_ca::{self_certified, trusted};
use crate::smtp_server::{Action, Command, Options, SmtpServer};

const HOST: &str = "127.0.0.1";

fn relay(server: &SmtpServer, tls: SmtpTls) -> SmtpRelay {
    SmtpRelay { tls, ..plain(server.address.port()) }
}

fn login(username: &str, password: &str) -> Credentials {
    Credentials { username: username.to_owned(), password: password.into() }
}

/// Opens, sends one message, and says whether the connection was encrypted.
async fn deliver(relay: SmtpRelay) -> Result<bool, OpenFailure> {
    let mut connection = Connector::new(relay, Limits::default()).open().await?;
    let encrypted = connection.is_encrypted();
    let mut feed = ListFeed::many(1);
    assert_eq!(session::run(&mut connection, &mut feed).await, SessionEnd::Finished);
    assert_eq!(feed.said(), [Accepted]);
    Ok(encrypted)
}

async fn failure(relay: SmtpRelay) -> OpenFailure {
    let opened = Connector::new(relay, impatient()).open().await;
    opened.expect_err("this relay cannot be opened")
}

fn assert_says(failure: &OpenFailure, code: &str, words: &[&str]) {
    let text = failure.to_string();
    assert_eq!(failure.reason.code, code, "{text}");
    for word in words {
        assert!(text.contains(word), "\"{word}\" is missing in: {text}");
    }
    assert!(text.contains(&failure.relay) && failure.relay.contains(':'), "{text}");
    assert!(failure.reason.text.contains(&failure.relay), "{}", failure.reason.text);
}

fn starttls(acceptor: TlsAcceptor) -> Options {
    Options { starttls: Some(acceptor), ..Options::default() }
}

fn implicit(acceptor: TlsAcceptor) -> Options {
    Options { implicit_tls: Some(acceptor), ..Options::default() }
}

#[tokio::test]
async fn a_relay_that_is_not_there_is_named_with_the_mend() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let refused = failure(plain(free.port())).await;
    assert_says(&refused, "refused", &["nothing listens", "start the relay", &free.to_string()]);
    let nameless = SmtpRelay { host: "relay.invalid".to_owned(), ..plain(25) };
    assert_says(&failure(nameless).await, "dns", &["relay.invalid:25", "name was not found", "DNS"]);
}

#[tokio::test]
async fn a_relay_that_does_not_want_us_is_quoted() {
    for (command, action, code, words) in [
        (Command::Connect, Action::reply_and_close("554 None/bad reputation (NOWL)"), "554", "NOWL"),
        (Command::Connect, Action::reply_and_close("421 4.3.2 too busy"), "4.3.2", "too busy"),
        (Command::Ehlo, Action::reply("550 5.7.1 bad name"), "5.7.1", "EHLO"),
        (Command::Connect, Action::Silence, "timeout", "smtps://"),
        (Command::Ehlo, Action::Silence, "timeout", "within 0.5 seconds"),
        (Command::Connect, Action::Close, "connection", "closed the connection"),
        (Command::Connect, Action::reply("SSH-2.0-OpenSSH_9.2"), "protocol", "no SMTP reply"),
        (Command::Connect, Action::Endless, "connection", "does not end"),
    ] {
        let script = move |moment: &crate::smtp_server::Moment<'_>| {
            if moment.command == command { action.clone() } else { Action::Accept }
        };
        let server = SmtpServer::start(Options::scripted(script)).await;
        assert_says(&failure(relay(&server, SmtpTls::None)).await, code, &[words]);
    }
}

#[test]
fn a_good_certificate_is_accepted_from_the_first_byte_and_by_starttls() {
    trusted("opening::a_good_certificate_is_accepted_from_the_first_byte_and_by_starttls", |ca| async move {
        let server = SmtpServer::start(implicit(ca.certify(HOST))).await;
        assert_eq!(deliver(relay(&server, SmtpTls::Implicit)).await, Ok(true));
        for tls in [SmtpTls::Required, SmtpTls::Opportunistic] {
            let server = SmtpServer::start(starttls(ca.certify(HOST))).await;
            assert_eq!(deliver(relay(&server, tls)).await, Ok(true));
            let commands = server.commands(1);
            assert_eq!(commands.iter().filter(|line| *line == "STARTTLS").count(), 1);
        }
        let server = SmtpServer::start(starttls(ca.certify(HOST))).await;
        assert_eq!(deliver(relay(&server, SmtpTls::None)).await, Ok(false));
    });
}

#[test]
fn a_wrong_certificate_is_refused_and_the_mend_is_said() {
    trusted("opening::a_wrong_certificate_is_refused_and_the_mend_is_said", |ca| async move {
        for (acceptor, words) in [
            (ca.certify("mail.other.example"), ["does not belong to 127.0.0.1", "mail.other.example"]),
            (ca.certify_for_the_past(HOST), ["expired", "renew"]),
            (self_certified(HOST), ["does not trust", "update-ca-certificates"]),
        ] {
            let server = SmtpServer::start(implicit(acceptor.clone())).await;
            assert_says(&failure(relay(&server, SmtpTls::Implicit)).await, "certificate", &words);
            let server = SmtpServer::start(starttls(acceptor.clone())).await;
            assert_says(&failure(relay(&server, SmtpTls::Required)).await, "certificate", &words);
            // Encryption with a stranger is better than none; a password is not for strangers.
            let options =
                Options { login: Some(("u".to_owned(), "p".to_owned())), ..starttls(acceptor.clone()) };
            let with_login = SmtpServer::start(options).await;
            let relay_with_login = SmtpRelay {
                credentials: Some(login("u", "p")),
                ..relay(&with_login, SmtpTls::Opportunistic)
            };
            assert_says(&failure(relay_with_login).await, "certificate", &words);
            let server = SmtpServer::start(starttls(acceptor)).await;
            assert_eq!(deliver(relay(&server, SmtpTls::Opportunistic)).await, Ok(true));
        }
    });
}

#[tokio::test]
async fn without_starttls_only_an_opportunistic_client_goes_on() {
    let server = SmtpServer::start(Options::default()).await;
    assert_eq!(deliver(relay(&server, SmtpTls::Opportunistic)).await, Ok(false));
    let refused = failure(relay(&server, SmtpTls::Required)).await;
    assert_says(&refused, "starttls", &["offers no encryption", "smtps://", "?tls=none"]);
    assert!(!server.commands(2).iter().any(|line| line.starts_with("MAIL")));
}

#[test]
fn what_is_put_in_behind_the_answer_to_starttls_ends_the_connection() {
    let name = "opening::what_is_put_in_behind_the_answer_to_starttls_ends_the_connection";
    trusted(name, |ca| async move {
        for tls in [SmtpTls::Required, SmtpTls::Opportunistic] {
            let injected = "\r\n250-evil.example\r\n250 AUTH PLAIN";
            let options = Options { injected, ..starttls(ca.certify(HOST)) };
            let server = SmtpServer::start(options).await;
            assert_says(&failure(relay(&server, tls)).await, "starttls", &["put in behind", "attacker"]);
        }
    });
}

#[test]
fn a_port_that_speaks_plain_text_is_recognised() {
    trusted("opening::a_port_that_speaks_plain_text_is_recognised", |_| async move {
        let server = SmtpServer::start(Options::default()).await;
        let mixed_up = failure(relay(&server, SmtpTls::Implicit)).await;
        assert_says(&mixed_up, "tls", &["does not speak TLS on this port", "smtp:// instead of smtps://"]);
    });
}

fn with_login(mechanisms: &'static str) -> Options {
    let login = Some(("rundruf".to_owned(), "geheim".to_owned()));
    Options { login, mechanisms, ..Options::default() }
}

#[tokio::test]
async fn a_login_opens_the_relay_by_either_mechanism() {
    for mechanisms in ["PLAIN", "LOGIN", "LOGIN PLAIN", "CRAM-MD5 LOGIN"] {
        let server = SmtpServer::start(with_login(mechanisms)).await;
        let credentials = Some(login("rundruf", "geheim"));
        let relay = SmtpRelay { credentials, ..relay(&server, SmtpTls::None) };
        assert_eq!(deliver(relay).await, Ok(false), "{mechanisms}");
    }
}

#[tokio::test]
async fn a_refused_login_is_told_without_the_password() {
    for mechanisms in ["PLAIN", "LOGIN"] {
        let server = SmtpServer::start(with_login(mechanisms)).await;
        let credentials = Some(login("rundruf", "falsch"));
        let refused = failure(SmtpRelay { credentials, ..relay(&server, SmtpTls::None) }).await;
        assert_says(&refused, "5.7.8", &["refused the login of user \"rundruf\"", "correct user name"]);
        assert!(!refused.to_string().contains("falsch"));
    }
    for mechanisms in ["CRAM-MD5", ""] {
        let server = SmtpServer::start(with_login(mechanisms)).await;
        let credentials = Some(login("rundruf", "geheim"));
        let refused = failure(SmtpRelay { credentials, ..relay(&server, SmtpTls::None) }).await;
        assert_says(&refused, "login", &["neither AUTH PLAIN nor AUTH LOGIN", "submission port"]);
    }
}

#[tokio::test]
async fn a_relay_that_wants_a_login_we_do_not_have_is_ours() {
    let server = SmtpServer::start(with_login("PLAIN")).await;
    let connector = Connector::new(relay(&server, SmtpTls::None), Limits::default());
    let mut connection = connector.open().await.unwrap();
    let end = session::run(&mut connection, &mut ListFeed::many(2)).await;
    let SessionEnd::Ours { reason } = end else { panic!("{end:?}") };
    assert_eq!((reason.code.as_str(), connector.relay()), ("5.7.0", connection.relay()));
}
