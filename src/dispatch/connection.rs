//! One connection of a provider: takes what is ready, reports what became of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::channels::email::{Connector, Feed, Mail, SessionEnd, outbox, session};
use crate::domain::clock::Clock;
use crate::domain::ids::DeliveryId;
use crate::domain::outcome::{Outcome, Reason};

use super::calls::Caller;
use super::lease::Lease;
use super::message::{Item, Message};
use super::pace::Pace;
use super::ready::{Ready, Take};
use super::signals::Signals;

/// How messages leave.
#[derive(Debug)]
pub enum Transport {
    /// Over SMTP.
    Smtp(Box<Connector>),
    /// Mails into a folder.
    Outbox(std::path::PathBuf),
    /// One message at a time.
    Calls(Caller),
}

impl Transport {
    /// Whether a connection that stands shows that messages will be taken. A login over HTTP shows with a message.
    pub const fn is_proven_by_opening(&self) -> bool {
        matches!(self, Self::Smtp(_) | Self::Outbox(_))
    }
}

/// What connections tell the engine.
#[derive(Debug)]
pub enum Signal {
    /// A try ended.
    Ended {
        /// Which delivery.
        delivery: DeliveryId,
        /// The epoch in which it was claimed.
        epoch: u64,
        /// How.
        outcome: Outcome,
    },
    /// A connection of this provider stands.
    Opened {
        /// The provider's place in the order.
        provider: usize,
    },
    /// A connection of this provider ended.
    Closed {
        /// The provider's place in the order.
        provider: usize,
        /// Whether it had stood.
        opened: bool,
        /// Why, if the provider is to be held.
        held: Option<Reason>,
    },
}

/// What every connection of a provider shares.
#[derive(Debug)]
pub struct Shared {
    /// The provider's place in the order.
    pub provider: usize,
    /// How messages leave.
    pub transport: Transport,
    /// The provider's pace.
    pub pace: Pace,
    /// What is to be sent.
    pub ready: Arc<Ready>,
    /// Whether we may.
    pub lease: Arc<Lease>,
    /// Where outcomes go.
    pub signals: Signals,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Sessions in a row that ended before anything was accepted.
    pub fruitless: AtomicUsize,
}

/// How long a connection is kept without anything to send.
const IDLE: Duration = Duration::from_secs(4);
/// So many connections in a row that break before anything was accepted are the provider's fault.
const FRUITLESS: usize = 3;

/// Opens connection number `number` and feeds it until there is nothing more or it breaks.
pub async fn run(shared: Arc<Shared>, number: u64) {
    let mut feed = ConnectionFeed { shared: shared.clone(), number, taken: Vec::new(), accepted: false };
    let mut opened = false;
    let end = match &shared.transport {
        Transport::Smtp(connector) => match connector.open().await {
            Ok(mut connection) => {
                opened = true;
                shared.tell(Signal::Opened { provider: shared.provider });
                session::run(&mut connection, &mut feed).await
            }
            Err(failure) => SessionEnd::Ours { reason: failure.reason },
        },
        Transport::Outbox(folder) => {
            opened = true;
            shared.tell(Signal::Opened { provider: shared.provider });
            outbox::run(folder, &mut feed).await
        }
        Transport::Calls(caller) => match caller.open().await {
            Ok(()) => {
                opened = true;
                shared.tell(Signal::Opened { provider: shared.provider });
                caller.run(&mut feed).await
            }
            Err(reason) => SessionEnd::Ours { reason },
        },
    };
    if feed.accepted {
        shared.fruitless.store(0, Ordering::SeqCst);
    }
    let held = match end {
        SessionEnd::Finished => None,
        SessionEnd::Ours { reason } => Some(reason),
        SessionEnd::Broken { reason } => {
            let fruitless =
                if feed.accepted { 0 } else { shared.fruitless.fetch_add(1, Ordering::SeqCst) + 1 };
            (fruitless >= FRUITLESS).then_some(reason)
        }
    };
    shared.tell(Signal::Closed { provider: shared.provider, opened, held });
}

impl Shared {
    fn tell(&self, signal: Signal) {
        self.signals.send(signal);
    }
}

/// The engine's side of one connection.
pub struct ConnectionFeed {
    shared: Arc<Shared>,
    number: u64,
    /// Messages under way, and the epoch in which each was claimed.
    taken: Vec<(DeliveryId, u64)>,
    accepted: bool,
}

impl ConnectionFeed {
    fn now(&self) -> Duration {
        self.shared.clock.monotonic()
    }

    fn epoch_of(&self, delivery: DeliveryId) -> u64 {
        self.taken.iter().find(|(taken, _)| *taken == delivery).map_or(u64::MAX, |(_, epoch)| *epoch)
    }

    /// The next item, when its quotas allow it; `None`: nothing more will come.
    pub async fn next_item(&mut self) -> Option<Item> {
        self.shared.ready.idle(true);
        let taken = self.wait().await;
        self.shared.ready.idle(false);
        let (item, pace) = taken?;
        if let Some(pace) = pace {
            pace.take(item.exercise).await;
        }
        for _ in 0..item.units {
            self.shared.pace.take(item.exercise).await;
        }
        self.shared.ready.starts(self.number, self.now());
        self.taken.push((item.delivery(), item.epoch));
        Some(item)
    }

    /// Whether `delivery` is still ours to send.
    pub fn lease_stands(&self, delivery: DeliveryId) -> bool {
        self.shared.lease.stands(self.epoch_of(delivery), self.now())
    }

    /// How the try of `delivery` ended.
    pub fn ended(&mut self, delivery: DeliveryId, outcome: Outcome) {
        let verdict = match &outcome {
            Outcome::Accepted { .. } => Some(true),
            Outcome::Transient { .. } => Some(false),
            _ => None,
        };
        self.accepted |= verdict == Some(true);
        self.shared.ready.ended(self.number, delivery, verdict, self.now());
        let epoch = self.epoch_of(delivery);
        self.taken.retain(|(taken, _)| *taken != delivery);
        self.shared.tell(Signal::Ended { delivery, epoch, outcome });
    }

    async fn wait(&self) -> Option<(Item, Option<Pace>)> {
        let idle_until = tokio::time::sleep(IDLE);
        tokio::pin!(idle_until);
        loop {
            let changed = self.shared.ready.changed();
            match self.shared.ready.take(self.number, self.now()) {
                Take::Message(item, pace) => return Some((*item, pace)),
                Take::Closed => return None,
                Take::Nothing => {}
            }
            tokio::select! {
                () = changed => {}
                () = &mut idle_until => return None,
            }
        }
    }
}

impl Feed for ConnectionFeed {
    async fn next(&mut self) -> Option<Mail> {
        match self.next_item().await?.message {
            Message::Email(mail) => Some(mail),
            // A relay is only handed mails.
            Message::Sms(_) | Message::Webhook(_) => None,
        }
    }

    fn try_next(&mut self) -> Option<Mail> {
        let item = self.shared.ready.take_behind(self.number, &self.shared.pace, self.now())?;
        self.taken.push((item.delivery(), item.epoch));
        match item.message {
            Message::Email(mail) => Some(mail),
            Message::Sms(_) | Message::Webhook(_) => None,
        }
    }

    fn may_send(&mut self, mail: &Mail) -> bool {
        self.lease_stands(mail.delivery)
    }

    fn report(&mut self, delivery: DeliveryId, outcome: Outcome) {
        self.ended(delivery, outcome);
    }
}
