//! One way out, as the engine sees it: its queue, its connections, and whether it is held.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use crate::channels::email::{Connector, Limits};
use crate::channels::sms::Gateway;
use crate::domain::address::Channel;
use crate::domain::clock::Clock;
use crate::domain::outcome::Outcome;
use crate::domain::rate::Rate;
use crate::domain::settings::{EmailTransport, Settings, SmsTransport};

use super::ahead::Ahead;
use super::calls::{Caller, Endpoints};
use super::connection::{Shared, Transport, run};
use super::lease::Lease;
use super::message::Item;
use super::pace::Pace;
use super::ready::Ready;
use super::signals::Signals;

/// When a provider that cannot be used is tried again, the last for ever.
const PROBES: [Duration; 3] = [Duration::from_secs(60), Duration::from_secs(300), Duration::from_secs(900)];
/// Calls of one SMS gateway at once: enough to fill any quota that gateways give.
const GATEWAY_CONNECTIONS: usize = 10;
/// So many messages in a row that a gateway could not take are the gateway's trouble, not theirs.
const GATEWAY_FAILURES: u32 = 3;
/// What lists and attempts call the webhook client.
const WEBHOOK_NAME: &str = "webhook";

/// A provider and what it is doing.
#[derive(Debug)]
pub struct Provider {
    /// Its name.
    pub name: String,
    /// What it carries.
    pub channel: Channel,
    /// Its quota.
    pub rate: Option<Rate>,
    /// Whether that quota counts segments of text messages.
    pub counts_units: bool,
    /// What waits for its connections.
    pub ready: Arc<Ready>,
    /// Deliveries claimed for it and not yet written down.
    pub flight: usize,
    ahead: Ahead,
    shared: Arc<Shared>,
    most: usize,
    open: usize,
    opening: usize,
    next_number: u64,
    standing: Standing,
    /// Messages in a row that it could not take.
    failures: u32,
}

/// Whether a provider is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// As far as anybody knows, it works.
    Usable,
    /// It is left alone until this monotonic time, for so many times in a row.
    Held { until: Duration, times: usize },
    /// A connection stands again: one message shows whether it works.
    Proving { times: usize },
}

/// What every provider of a process shares.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Whether we may send.
    pub lease: Arc<Lease>,
    /// Where outcomes go.
    pub signals: Signals,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// The configured ways out of `channel`, in the order in which they are tried, with nothing open; their places begin
/// at `first`.
pub fn providers_of(
    channel: Channel,
    settings: &Settings,
    first: usize,
    surroundings: &Surroundings,
) -> Vec<Provider> {
    let plans = match channel {
        Channel::Email => email_plans(settings),
        Channel::Sms => sms_plans(settings),
        Channel::Webhook => vec![webhook_plan(settings, surroundings)],
    };
    let ahead = Ahead::of(channel, settings.delivery.after_crash);
    plans
        .into_iter()
        .zip(first..)
        .map(|(plan, place)| plan.build(channel, ahead, place, surroundings))
        .collect()
}

/// What the configuration says of one provider.
struct Plan {
    name: String,
    rate: Option<Rate>,
    counts_units: bool,
    connections: usize,
    limits: Vec<(String, Option<usize>, Pace)>,
    transport: Transport,
}

fn email_plans(settings: &Settings) -> Vec<Plan> {
    let plan = |provider: &crate::domain::settings::EmailProvider| Plan {
        name: provider.name.clone(),
        rate: provider.rate,
        counts_units: false,
        connections: usize::from(provider.connections.max(1)),
        limits: settings
            .email
            .destinations
            .iter()
            .map(|destination| {
                let connections = destination.connections.map(usize::from);
                (destination.name.clone(), connections, Pace::new(destination.rate))
            })
            .collect(),
        transport: match &provider.transport {
            EmailTransport::Smtp(relay) => {
                Transport::Smtp(Box::new(Connector::new(relay.clone(), Limits::default())))
            }
            EmailTransport::Outbox(folder) => Transport::Outbox(folder.clone()),
        },
    };
    settings.email.providers.iter().map(plan).collect()
}

fn sms_plans(settings: &Settings) -> Vec<Plan> {
    let sms = &settings.sms;
    let plan = |provider: &crate::domain::settings::SmsProvider| {
        let (connections, caller) = match &provider.transport {
            SmsTransport::Gateway(gateway) => {
                let public_url = &settings.instance.public_url;
                let gateway = Gateway::new(&provider.name, gateway, sms.sender.as_ref(), public_url);
                (GATEWAY_CONNECTIONS, Caller::Gateway(Arc::new(gateway)))
            }
            SmsTransport::Outbox(folder) => (1, Caller::SmsOutbox(folder.clone())),
        };
        Plan {
            name: provider.name.clone(),
            rate: provider.rate,
            counts_units: provider.counts_segments,
            connections,
            limits: Vec::new(),
            transport: Transport::Calls(caller),
        }
    };
    sms.providers.iter().map(plan).collect()
}

fn webhook_plan(settings: &Settings, surroundings: &Surroundings) -> Plan {
    let endpoints = Endpoints::new(settings.webhook.clone(), surroundings.clock.clone());
    Plan {
        name: WEBHOOK_NAME.to_owned(),
        rate: None,
        counts_units: false,
        connections: usize::from(settings.webhook.connections.max(1)),
        limits: Vec::new(),
        transport: Transport::Calls(Caller::Webhook(Arc::new(endpoints))),
    }
}

impl Plan {
    fn build(self, channel: Channel, ahead: Ahead, place: usize, surroundings: &Surroundings) -> Provider {
        let ready = Arc::new(Ready::new(self.connections, &self.limits));
        let shared = Arc::new(Shared {
            provider: place,
            transport: self.transport,
            pace: Pace::new(self.rate),
            ready: ready.clone(),
            lease: surroundings.lease.clone(),
            signals: surroundings.signals.clone(),
            clock: surroundings.clock.clone(),
            fruitless: AtomicUsize::new(0),
        });
        Provider {
            name: self.name,
            channel,
            rate: self.rate,
            counts_units: self.counts_units,
            ready,
            flight: 0,
            ahead,
            shared,
            most: self.connections,
            open: 0,
            opening: 0,
            next_number: 0,
            standing: Standing::Usable,
            failures: 0,
        }
    }
}

impl Provider {
    /// What a message of so many units takes of its quota.
    pub const fn cost(&self, units: u32) -> u32 {
        if self.counts_units { units } else { 1 }
    }

    /// How many more deliveries may be claimed for it.
    pub fn room(&self) -> usize {
        self.capacity().saturating_sub(self.flight)
    }

    /// How many it may hold at once with the connections it has.
    pub fn capacity(&self) -> usize {
        match self.standing {
            Standing::Proving { .. } => self.open.min(1),
            _ => self.open * self.ahead.for_each_connection(),
        }
    }

    /// So many deliveries have been claimed for it at monotonic time `now`.
    pub const fn take_on(&mut self, count: usize, now: Duration) {
        if self.flight == 0 {
            self.ahead.begin(now);
        }
        self.flight += count;
    }

    /// One of them has ended.
    pub const fn landed(&mut self) {
        self.flight = self.flight.saturating_sub(1);
        self.ahead.ended();
    }

    /// Gives back what waits for destinations that have lost their room, what was claimed too far ahead of connections
    /// that have become slow, and everything while it is held. To be called again and again, with the monotonic time
    /// `now`.
    pub fn look_over(&mut self, now: Duration) -> Vec<Item> {
        if self.is_held(now) {
            // What was being composed when it was held.
            return self.ready.empty();
        }
        let mut back = self.ready.give_back(now);
        if let Some(most) = self.ahead.look(now, self.most) {
            back.append(&mut self.ready.shorten(most));
        }
        back
    }

    /// A cycle of the store is over in which outcomes were written and more could be claimed than there was room for.
    pub fn learn_pace(&mut self) {
        let together = self.capacity();
        self.ahead.learn(self.ready.waiting(), together);
    }

    /// How many deliveries one claim may take for a destination that is not known to be quick: enough for its half of
    /// the connections.
    pub const fn newcomer_share(&self) -> usize {
        self.most.div_ceil(2)
    }

    /// Whether it has a connection that stands, and is not held.
    pub fn is_usable(&self) -> bool {
        !matches!(self.standing, Standing::Held { .. }) && self.open > 0
    }

    /// Whether its one message that shows whether it works is under way.
    pub fn is_being_proved(&self) -> bool {
        matches!(self.standing, Standing::Proving { .. }) && self.flight > 0
    }

    /// Whether it is left alone at monotonic time `now`.
    pub fn is_held(&self, now: Duration) -> bool {
        matches!(self.standing, Standing::Held { until, .. } if until > now)
    }

    /// Whether it was held and has not shown since that it can be used.
    pub fn is_in_doubt(&self) -> bool {
        self.standing != Standing::Usable
    }

    /// Whether no connection stands or is being opened.
    pub const fn is_closed(&self) -> bool {
        self.open + self.opening == 0
    }

    /// Opens connections: `at_least` one if asked, otherwise as many as deliveries have been claimed, never more than
    /// allowed. A provider in doubt gets a single one.
    pub fn open_connections(&mut self, at_least: usize) {
        let most = if self.is_in_doubt() { 1 } else { self.most };
        let wanted = self.flight.max(at_least).min(most);
        for _ in (self.open + self.opening)..wanted {
            self.opening += 1;
            self.next_number += 1;
            tokio::spawn(run(self.shared.clone(), self.next_number));
        }
    }

    /// A connection stands. `true`: the provider had been held and is back.
    pub fn opened(&mut self) -> bool {
        self.opening = self.opening.saturating_sub(1);
        self.open += 1;
        match self.standing {
            Standing::Held { .. } if self.shared.transport.is_proven_by_opening() => {
                self.standing = Standing::Usable;
                true
            }
            Standing::Held { times, .. } => {
                self.standing = Standing::Proving { times };
                false
            }
            _ => false,
        }
    }

    /// A connection ended.
    pub fn closed(&mut self, had_opened: bool) {
        if had_opened {
            self.open = self.open.saturating_sub(1);
        } else {
            self.opening = self.opening.saturating_sub(1);
        }
    }

    /// Takes note of how a message ended. `true`: the provider had been held and is back.
    pub fn showed(&mut self, outcome: &Outcome) -> bool {
        match outcome {
            Outcome::Accepted { .. } | Outcome::Permanent { .. } => self.failures = 0,
            Outcome::Transient { .. } | Outcome::Unclear { .. } => self.failures += 1,
            Outcome::Ours { .. } | Outcome::Returned => return false,
        }
        let proved = matches!(self.standing, Standing::Proving { .. }) && self.failures == 0;
        if proved {
            self.standing = Standing::Usable;
        }
        proved
    }

    /// Whether it has failed so often in a row that the next one in order should be used.
    pub fn is_failing(&self) -> bool {
        let most = if matches!(self.standing, Standing::Proving { .. }) { 1 } else { GATEWAY_FAILURES };
        self.channel == Channel::Sms && self.failures >= most
    }

    /// Leaves it alone for a while. `None`: it already is; otherwise how long.
    pub fn hold(&mut self, now: Duration) -> Option<Duration> {
        if self.is_held(now) {
            return None;
        }
        let times = match self.standing {
            Standing::Usable => 0,
            Standing::Held { times, .. } | Standing::Proving { times } => times + 1,
        };
        let pause = PROBES[times.min(PROBES.len() - 1)];
        self.standing = Standing::Held { until: now + pause, times };
        self.failures = 0;
        Some(pause)
    }

    /// Monotonic time at which it is tried again, if it is held.
    pub fn held_until(&self) -> Option<Duration> {
        match self.standing {
            Standing::Held { until, .. } => Some(until),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::message::Message;
    use super::*;
    use crate::channels::email::Mail;
    use crate::domain::clock::SystemClock;
    use crate::domain::ids::DeliveryId;
    use crate::domain::notice::Priority;
    use crate::domain::outcome::Reason;

    fn gateway(counts_segments: bool) -> Provider {
        let mut settings = crate::config::defaults().unwrap();
        settings.sms.providers[0].counts_segments = counts_segments;
        let surroundings = Surroundings {
            lease: Arc::new(Lease::default()),
            signals: Signals::default(),
            clock: Arc::new(SystemClock::new()),
        };
        providers_of(Channel::Sms, &settings, 0, &surroundings).remove(0)
    }

    #[test]
    fn a_long_message_takes_more_only_of_a_quota_that_counts_segments() {
        assert_eq!((gateway(true).cost(3), gateway(false).cost(3)), (3, 1));
    }

    #[test]
    fn a_gateway_that_flaps_is_left_alone_for_longer_until_a_message_shows_that_it_works() {
        let trouble = Outcome::Transient { reason: Reason::new("503", "busy"), retry_after: None };
        let works = Outcome::Accepted { reference: None, reason: Reason::new("202", "ok") };
        let mut gateway = gateway(true);
        let mut now = Duration::ZERO;
        for pause in [60, 300, 900, 900].map(Duration::from_secs) {
            assert_eq!(gateway.hold(now), Some(pause));
            assert_eq!(gateway.hold(now), None, "it is held already");
            now += pause;
            gateway.opening += 1;
            assert!(!gateway.opened() && gateway.capacity() == 1, "one message shows whether it works");
            assert!(!gateway.showed(&trouble) && gateway.is_failing());
            gateway.closed(true);
        }
        gateway.hold(now);
        gateway.opening += 1;
        gateway.opened();
        assert!(gateway.showed(&works), "it is back");
        assert_eq!(gateway.capacity(), gateway.ahead.for_each_connection());
        assert_eq!(gateway.hold(now), Some(Duration::from_secs(60)), "what is past does not count");
    }

    #[test]
    fn what_was_still_being_composed_when_it_was_held_is_given_back() {
        let mut gateway = gateway(true);
        gateway.hold(Duration::ZERO);
        let to = "a@x.example".parse().unwrap();
        let mail = Mail::new(DeliveryId(Uuid::nil()), "b@x.example".to_owned(), to, "Subject: x\r\n\r\nx");
        let late = Item {
            message: Message::Email(mail),
            destination: Arc::from("x.example"),
            priority: Priority::Normal,
            units: 1,
            epoch: 0,
            exercise: false,
        };
        gateway.ready.push(vec![late]);
        assert_eq!(gateway.look_over(Duration::from_millis(100)).len(), 1);
        assert_eq!(gateway.ready.waiting(), 0);
    }
}
