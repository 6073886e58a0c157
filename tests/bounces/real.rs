//! The real Postfix returns a real bounce for a mailbox that does not exist; it comes in by the pipe, and by IMAP from
//! the real Dovecot.

use std::fs;

use data_encoding::BASE32_NOPAD;
use rundruf::app::bounce_mailbox::{Books, look};
use rundruf::channels::email::{Mailbox, MailboxLimits, ReturnPath};
use rundruf::domain::seal::Seal;
use rundruf::domain::settings::{BounceMailbox, Credentials, ImapTls};

use crate::dovecot::{Dovecot, PASSWORD};
use crate::instance::database::new_ids;
use crate::instance::{Engine, Instance, relay};
use crate::postfix::{KNOWN, Postfix, RETURNS, Returns, UNKNOWN, USER, give_to, open_to_all};
use crate::process::until;

/// What recognises the return paths of `instance`.
pub async fn return_path(instance: &Instance, base: &str) -> ReturnPath {
    let key = instance.store().await.instance_value("return_path_key", "").await.unwrap();
    ReturnPath::new(&base.parse().unwrap(), Seal::new(&BASE32_NOPAD.decode(key.as_bytes()).unwrap()))
}

/// The mailbox at this port of this machine.
pub fn mailbox(port: u16, password: &str, limits: MailboxLimits) -> Mailbox {
    let settings = BounceMailbox {
        host: "127.0.0.1".to_owned(),
        port,
        tls: ImapTls::None,
        credentials: Credentials { username: "rueck".to_owned(), password: password.into() },
        folder: "INBOX".to_owned(),
        poll: std::time::Duration::from_secs(60),
    };
    Mailbox::new(settings, limits)
}

/// An instance with one contact whose mailbox exists, and one whose does not.
async fn instance() -> Instance {
    let instance = Instance::new(Engine::Sqlite).await;
    instance.write(
        "contacts/all.csv",
        format!("id;name;email\na;Amt A;Niemand@{UNKNOWN}\nb;Amt B;rathaus@{KNOWN}\n"),
    );
    instance.run(&["contacts", "import"]).exits(0);
    instance
}

fn configure(instance: &Instance, port: u16) {
    instance.configure(&format!("bounce_address = \"rueck@{RETURNS}\"\n{}", relay(port, "")));
}

/// Sends a notice to both; Postfix accepts both.
async fn send(instance: &Instance) {
    instance.release(&[]);
    instance.drain().await;
}

/// One delivery has failed with code and text and its address is suppressed; the other is as it was.
fn assert_returned(instance: &Instance, log: &str) {
    let failed = instance.deliveries("failed");
    assert_eq!(failed.len(), 1, "{log}");
    assert_eq!(failed[0]["address"], format!("Niemand@{UNKNOWN}"));
    let reason = failed[0]["reason"].as_str().unwrap();
    assert!(reason.starts_with("5.1.1") && reason.contains("unknown user"), "{reason}");
    assert_eq!(instance.addresses("sent"), [format!("rathaus@{KNOWN}")]);
    let suppressed = instance.run(&["suppressions", "list", "--json"]).exits(0).json();
    assert_eq!(suppressed.len(), 1, "{suppressed:?}");
    assert_eq!(suppressed[0]["address"], format!("niemand@{UNKNOWN}"));
    assert_eq!(suppressed[0]["reason"], "5.1.1");
    assert_eq!(instance.notices()[0]["state"], "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bounce_of_postfix_comes_in_by_its_pipe() {
    let instance = instance().await;
    // The pipe runs as somebody else, who must get at the program and the instance.
    let program = instance.path("rundruf-program");
    fs::copy(env!("CARGO_BIN_EXE_rundruf"), &program).unwrap();
    open_to_all(&program);
    let file = instance.path("rundruf.toml");
    let command = format!("{} -c {} bounce --recipient", program.display(), file.display());
    let postfix = Postfix::start(Returns::Pipe(&command)).await;
    configure(&instance, postfix.port);
    open_to_all(instance.folder());
    give_to(USER, instance.folder());
    send(&instance).await;
    let is_written_down = || instance.count("failed") == 1 || postfix.log().contains("status=deferred");
    until(is_written_down, &|| postfix.log()).await;
    assert_returned(&instance, &postfix.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bounce_of_postfix_comes_in_by_imap() {
    let instance = instance().await;
    let postfix = Postfix::start(Returns::Maildir).await;
    configure(&instance, postfix.port);
    send(&instance).await;
    let arrived = postfix.maildir().join("new");
    let has_come_back = || fs::read_dir(&arrived).is_ok_and(|mut entries| entries.next().is_some());
    until(has_come_back, &|| postfix.log()).await;

    let dovecot = Dovecot::start(&postfix.maildir()).await;
    let (store, ids) = (instance.store().await, new_ids());
    let return_path = return_path(&instance, &format!("rueck@{RETURNS}")).await;
    let books = Books { store: &store, return_path: &return_path, ids: &ids };
    let refused = look(books, &mailbox(dovecot.port, "falsch", MailboxLimits::default())).await.unwrap_err();
    assert_eq!(refused.code, "login", "{refused:?}");
    assert!(!refused.text.contains("falsch"), "{refused:?}");
    let mailbox = mailbox(dovecot.port, PASSWORD, MailboxLimits::default());
    assert_eq!(look(books, &mailbox).await, Ok(1), "{}", dovecot.log());
    assert_returned(&instance, &postfix.log());
    assert_eq!(look(books, &mailbox).await, Ok(0), "it is marked as read");
    let kept = fs::read_dir(postfix.maildir().join("cur")).unwrap().count();
    assert_eq!(kept, 1, "it stays in the mailbox");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_not_written_down_stays_unread() {
    let maildir = tempfile::tempdir().unwrap();
    open_to_all(maildir.path());
    for name in ["new", "cur", "tmp"] {
        fs::create_dir(maildir.path().join(name)).unwrap();
    }
    for number in 0..45 {
        let text = format!("Subject: {number}\n\n{}", "x".repeat(number * 1000));
        fs::write(maildir.path().join(format!("new/{number:03}.mail")), text).unwrap();
    }
    give_to(USER, maildir.path());
    let dovecot = Dovecot::start(maildir.path()).await;
    let mailbox = mailbox(dovecot.port, PASSWORD, MailboxLimits::default());
    let seen = std::sync::Mutex::new(Vec::new());
    let take = |most: usize| {
        let seen = &seen;
        mailbox.poll(move |raw: Vec<u8>| {
            let mut seen = seen.lock().unwrap();
            let room = seen.len() < most;
            if room {
                seen.push(String::from_utf8(raw).unwrap().lines().next().unwrap().to_owned());
            }
            std::future::ready(room)
        })
    };
    let stopped = take(27).await.unwrap_err();
    assert_eq!(stopped.code, "store", "{stopped:?}");
    assert_eq!(take(100).await, Ok(18), "{}", dovecot.log());
    assert_eq!(take(100).await, Ok(0));
    let mut seen = seen.into_inner().unwrap();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 45, "each was handed over once");
}
