//! The states of a delivery, and what evidence moves it between them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// Waits for its turn, or for its next try.
    Queued,
    /// Claimed by a process that may be sending it this moment.
    Sending,
    /// The next hop accepted it.
    Sent,
    /// Somebody reported that it arrived.
    Delivered,
    /// It will never arrive: refused for good, or returned after it had been accepted.
    Failed,
    /// Its time ran out before it could be sent.
    Expired,
    /// The address is not to be used.
    Suppressed,
    /// Stopped by a person before it left.
    Cancelled,
    /// It may have left or not: a person decides.
    Unclear,
}

/// What is learnt about a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryEvent {
    /// A process took it up.
    Claimed,
    /// It is given back: not tried, or to be tried again.
    Requeued,
    /// The next hop accepted it.
    Accepted,
    /// Somebody reported that it arrived.
    ReportedDelivered,
    /// It was refused for good, or came back.
    FailedForGood,
    /// Its time ran out.
    Expired,
    /// A person cancelled the notice.
    Cancelled,
    /// The process died, or the connection broke after the body.
    BecameUnclear,
}

impl DeliveryState {
    /// All states, in the order in which reports list them.
    pub const ALL: [Self; 9] = [
        Self::Queued,
        Self::Sending,
        Self::Sent,
        Self::Delivered,
        Self::Failed,
        Self::Expired,
        Self::Suppressed,
        Self::Cancelled,
        Self::Unclear,
    ];

    /// The word in the store and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Suppressed => "suppressed",
            Self::Cancelled => "cancelled",
            Self::Unclear => "unclear",
        }
    }

    /// What the state becomes within one round.
    ///
    /// Evidence has an order: delivered > failed > sent > unclear > the rest, and a state only moves to
    /// stronger evidence; so news may come twice, late, or before the send itself was recorded.
    ///
    /// | news | moves |
    /// |---|---|
    /// | claimed | queued → sending |
    /// | requeued | sending → queued |
    /// | accepted | queued, sending, unclear, expired, cancelled → sent |
    /// | delivered | anything but suppressed → delivered |
    /// | failed for good | anything but delivered, suppressed → failed |
    /// | expired, cancelled | queued, sending → expired, cancelled |
    /// | unclear | sending → unclear |
    #[must_use]
    pub fn apply(self, event: DeliveryEvent) -> Self {
        use DeliveryEvent as E;
        use DeliveryState as S;
        match (self, event) {
            (S::Suppressed, _) => S::Suppressed,
            (S::Queued, E::Claimed) => S::Sending,
            (S::Sending, E::Requeued) => S::Queued,
            (S::Queued | S::Sending | S::Unclear | S::Expired | S::Cancelled, E::Accepted) => S::Sent,
            (_, E::ReportedDelivered) => S::Delivered,
            (S::Delivered, E::FailedForGood) => S::Delivered,
            (_, E::FailedForGood) => S::Failed,
            (S::Queued | S::Sending, E::Expired) => S::Expired,
            (S::Queued | S::Sending, E::Cancelled) => S::Cancelled,
            (S::Sending, E::BecameUnclear) => S::Unclear,
            (state, _) => state,
        }
    }

    /// Whether the notice waits for it.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Queued | Self::Sending)
    }

    /// Whether the next hop has it.
    pub const fn got_out(self) -> bool {
        matches!(self, Self::Sent | Self::Delivered)
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DeliveryState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| {
            let words: Vec<&str> = Self::ALL.iter().map(|state| state.as_str()).collect();
            format!("\"{text}\" is no state of a delivery: write one of {}", words.join(", "))
        })
    }
}

/// How long a gateway's report may take before a text message counts as unconfirmed, in milliseconds: 15 minutes.
/// Most reports come within seconds; a telephone that is switched off has none.
pub const CONFIRMED_WITHIN: i64 = 15 * 60_000;

/// How many deliveries stand in each state. The sum over the states is the number of deliveries, always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts([i64; 9]);

impl Counts {
    /// How many are in `state`.
    pub fn get(&self, state: DeliveryState) -> i64 {
        self.0[state as usize]
    }

    /// Adds `delta` to the number in `state`.
    pub fn add(&mut self, state: DeliveryState, delta: i64) {
        self.0[state as usize] += delta;
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        for state in DeliveryState::ALL {
            self.add(state, other.get(state));
        }
    }

    /// All deliveries.
    pub fn total(&self) -> i64 {
        self.0.iter().sum()
    }

    /// Deliveries that the notice still waits for.
    pub fn open(&self) -> i64 {
        DeliveryState::ALL.iter().filter(|state| state.is_open()).map(|state| self.get(*state)).sum()
    }

    /// Deliveries that the next hop has.
    pub fn got_out(&self) -> i64 {
        DeliveryState::ALL.iter().filter(|state| state.got_out()).map(|state| self.get(*state)).sum()
    }

    /// Every state with its number, in the order of reports.
    pub fn iter(&self) -> impl Iterator<Item = (DeliveryState, i64)> + '_ {
        DeliveryState::ALL.into_iter().map(|state| (state, self.get(state)))
    }
}

/// What becomes of deliveries that were in flight when their process died.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AfterCrash {
    /// They are sent again, under the same Message-ID.
    #[default]
    Resend,
    /// They become `unclear`, and a person decides. Never applies to urgent notices.
    Ask,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EVENTS: [DeliveryEvent; 8] = [
        DeliveryEvent::Claimed,
        DeliveryEvent::Requeued,
        DeliveryEvent::Accepted,
        DeliveryEvent::ReportedDelivered,
        DeliveryEvent::FailedForGood,
        DeliveryEvent::Expired,
        DeliveryEvent::Cancelled,
        DeliveryEvent::BecameUnclear,
    ];

    fn strength(state: DeliveryState) -> u8 {
        match state {
            DeliveryState::Delivered => 4,
            DeliveryState::Failed => 3,
            DeliveryState::Sent => 2,
            DeliveryState::Unclear | DeliveryState::Expired | DeliveryState::Cancelled => 1,
            DeliveryState::Queued | DeliveryState::Sending | DeliveryState::Suppressed => 0,
        }
    }

    proptest! {
        #[test]
        fn evidence_never_weakens(start in 0_usize..9, events in proptest::collection::vec(0_usize..8, 0..12)) {
            let mut state = DeliveryState::ALL[start];
            for event in events {
                let next = state.apply(EVENTS[event]);
                prop_assert!(strength(next) >= strength(state), "{state} -> {next}");
                prop_assert_eq!(next.apply(EVENTS[event]), next, "an event counts once");
                state = next;
            }
        }

        #[test]
        fn receipts_may_come_in_any_order(first in any::<bool>(), early in any::<bool>()) {
            let mut events = vec![DeliveryEvent::ReportedDelivered, DeliveryEvent::FailedForGood];
            if first { events.reverse(); }
            events.insert(if early { 2 } else { 0 }, DeliveryEvent::Accepted);
            let end = events.into_iter().fold(DeliveryState::Sending, DeliveryState::apply);
            prop_assert_eq!(end, DeliveryState::Delivered);
        }

        #[test]
        fn counts_add_up(deltas in proptest::collection::vec((0_usize..9, 0_i64..1000), 0..30)) {
            let mut counts = Counts::default();
            for (state, delta) in &deltas {
                counts.add(DeliveryState::ALL[*state], *delta);
            }
            prop_assert_eq!(counts.total(), deltas.iter().map(|(_, delta)| delta).sum::<i64>());
        }
    }
}
