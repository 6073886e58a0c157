//! A relay that counts who got what, and that may kill the sender at a chosen message.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::process::Shared;
use crate::smtp_server::{Action, Command, Moment, Options, SmtpServer};

/// A relay that takes everything.
pub struct Relay {
    server: SmtpServer,
    trap: Arc<Trap>,
}

/// Kills a process when a certain message has come in, before it is answered.
#[derive(Default)]
struct Trap {
    seen: AtomicUsize,
    set: Mutex<Option<(usize, Shared)>>,
}

impl Trap {
    fn look(&self, moment: &Moment<'_>) {
        if moment.command != Command::Body {
            return;
        }
        let seen = self.seen.fetch_add(1, Ordering::SeqCst) + 1;
        let mut set = self.set.lock().unwrap();
        if set.as_ref().is_some_and(|(at, _)| seen >= *at) {
            let (_, victim) = set.take().unwrap();
            victim.lock().unwrap().kill().unwrap();
        }
    }
}

impl Relay {
    pub async fn start() -> Self {
        Self::scripted(|_| Action::Accept).await
    }

    /// One that does what `script` says.
    pub async fn scripted(script: impl Fn(&Moment<'_>) -> Action + Send + Sync + 'static) -> Self {
        let trap = Arc::new(Trap::default());
        let watching = trap.clone();
        let server = SmtpServer::start(Options::scripted(move |moment| {
            watching.look(moment);
            script(moment)
        }))
        .await;
        Self { server, trap }
    }

    pub fn port(&self) -> u16 {
        self.server.address.port()
    }

    /// How many messages have come in.
    pub fn received(&self) -> usize {
        self.server.record(|record| record.received.len())
    }

    /// `kill -9` for `victim` when `more` further messages have come in: the last of them is not answered any more.
    pub fn kill_after(&self, more: usize, victim: Shared) {
        let at = self.trap.seen.load(Ordering::SeqCst) + more;
        *self.trap.set.lock().unwrap() = Some((at, victim));
    }

    /// The Message-IDs that each recipient got.
    pub fn by_recipient(&self) -> BTreeMap<String, Vec<String>> {
        let mut got: BTreeMap<String, Vec<String>> = BTreeMap::new();
        self.server.record(|record| {
            for received in &record.received {
                got.entry(received.recipient.clone()).or_default().push(message_id(&received.data));
            }
        });
        got
    }

    /// When each message came in, in order.
    pub fn times(&self) -> Vec<tokio::time::Instant> {
        self.server.record(|record| record.received.iter().map(|received| received.at).collect())
    }

    /// The subjects of all messages, each once.
    pub fn subjects(&self) -> BTreeSet<String> {
        self.server.record(|record| {
            let parser = mail_parser::MessageParser::default();
            let subject = |data: &str| parser.parse(data).unwrap().subject().unwrap().to_owned();
            record.received.iter().map(|received| subject(&received.data)).collect()
        })
    }

    /// Everybody got it, nobody who was not meant to; gives those who got it more than once. Whoever got it more than
    /// once can see by the Message-ID that it is the same.
    pub fn assert_everybody_got_it(&self, everybody: &[String]) -> Vec<String> {
        let got = self.by_recipient();
        let missing: Vec<&String> = everybody.iter().filter(|address| !got.contains_key(*address)).collect();
        assert!(
            missing.is_empty(),
            "{} did not get it: {:?} …",
            missing.len(),
            &missing[..missing.len().min(3)]
        );
        assert_eq!(got.len(), everybody.len(), "somebody got it who was not meant to");
        let mut repeated = Vec::new();
        for (recipient, ids) in got {
            assert!(ids.iter().all(|id| *id == ids[0]), "{recipient} cannot see the repeat: {ids:?}");
            if ids.len() > 1 {
                repeated.push(recipient);
            }
        }
        repeated
    }
}

fn message_id(data: &str) -> String {
    header(data, "Message-ID: ")
}

fn header(data: &str, name: &str) -> String {
    let line = data.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("there is no {name}in {data}")).to_owned()
}
