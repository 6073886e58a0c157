//! What the dispatcher counts for whoever watches it: once a transaction or a wait, never once a delivery.

use std::collections::BTreeMap;
use std::time::Duration;

use metrics::{counter, histogram};

use crate::store::{Attempted, Move};

/// A transaction wrote these outcomes.
pub fn recorded(outcomes: &[Attempted]) {
    let mut counts: BTreeMap<(&str, &'static str), u64> = BTreeMap::new();
    for outcome in outcomes {
        *counts.entry((&outcome.provider, word(&outcome.moved))).or_default() += 1;
    }
    for ((provider, outcome), count) in counts {
        counter!("rundruf_attempts_total", "provider" => provider.to_owned(), "outcome" => outcome)
            .increment(count);
    }
}

/// A message waited so long for its turn under a rate.
pub fn limiter_wait(waited: Duration) {
    histogram!("rundruf_limiter_wait_seconds").record(waited);
}

const fn word(moved: &Move) -> &'static str {
    match moved {
        Move::Sent { .. } => "accepted",
        Move::Delivered => "delivered",
        Move::Retry { .. } => "deferred",
        Move::Return { .. } => "returned",
        Move::Failed => "failed",
        Move::Expired => "expired",
        Move::Unclear => "unclear",
    }
}
