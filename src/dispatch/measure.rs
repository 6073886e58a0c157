//! What the dispatcher counts for whoever watches it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use metrics::{Histogram, counter, histogram};

use crate::domain::address::Channel;
use crate::store::{Attempted, Move};

/// How many lanes are told apart: endpoints can have thousands, and each is a dozen lines for whoever watches.
const MOST_LANES: usize = 100;
/// What the others are called together.
const OTHERS: &str = "other";

/// The label by which exercises are told from real figures.
const EXERCISE: &str = "exercise";

/// For how long deliveries had been due when they were handed over, by channel, lane, and whether it is an exercise.
#[derive(Default)]
pub struct Latencies(BTreeMap<(Channel, Arc<str>, bool), Histogram>);

impl fmt::Debug for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Latencies").field(&self.0.len()).finish()
    }
}

impl Latencies {
    /// A delivery of this channel and lane was handed over so long after it was due.
    pub fn handed_over(&mut self, channel: Channel, lane: &Arc<str>, exercise: bool, took: Duration) {
        let known = self.0.len();
        let key = (channel, lane.clone(), exercise);
        let histogram = self.0.entry(key).or_insert_with(|| {
            let lane = if known < MOST_LANES { shown_lane(lane) } else { OTHERS.to_owned() };
            let channel = channel.as_str();
            histogram!(
                "rundruf_send_latency_seconds",
                "channel" => channel, "lane" => lane, EXERCISE => word_of(exercise)
            )
        });
        histogram.record(took);
    }
}

/// A notice that was paused has a lane of its own, which goes with it: all of them count as one.
fn shown_lane(lane: &str) -> String {
    match lane.split_once(':') {
        None if lane.is_empty() => "open".to_owned(),
        Some(("notice", _)) => "notice".to_owned(),
        _ => lane.to_owned(),
    }
}

/// A transaction wrote these outcomes.
pub fn outcomes(outcomes: &[Attempted]) {
    let mut counts: BTreeMap<(&str, &'static str, bool), u64> = BTreeMap::new();
    for outcome in outcomes {
        *counts.entry((&outcome.provider, word(&outcome.moved), outcome.exercise)).or_default() += 1;
    }
    for ((provider, outcome, exercise), count) in counts {
        counter!(
            "rundruf_attempts_total",
            "provider" => provider.to_owned(), "outcome" => outcome, EXERCISE => word_of(exercise)
        )
        .increment(count);
    }
}

/// A message waited so long for its turn under a rate.
pub fn limiter_wait(waited: Duration, exercise: bool) {
    histogram!("rundruf_limiter_wait_seconds", EXERCISE => word_of(exercise)).record(waited);
}

const fn word_of(exercise: bool) -> &'static str {
    if exercise { "true" } else { "false" }
}

const fn word(moved: &Move) -> &'static str {
    match moved {
        Move::Sent { .. } => "accepted",
        Move::Delivered => "delivered",
        Move::Retry { .. } => "deferred",
        Move::Return { .. } => "returned",
        Move::Failed => "failed",
        Move::Expired => "expired",
        Move::Repeat { .. } | Move::Unclear => "unclear",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_called_as_the_queue_calls_it_and_notices_share_one() {
        assert_eq!(shown_lane(""), "open");
        assert_eq!(shown_lane("destination:t-online.de"), "destination:t-online.de");
        assert_eq!(shown_lane("notice:0198c0c5a0b07000800000000000abcd"), "notice");
    }
}
