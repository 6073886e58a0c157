//! What a stranger can cause as often as he likes: log lines, and counts in the store.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A source is named in the log at most this often.
const EVERY: Duration = Duration::from_secs(60);
/// The pause between two writes that strangers cause: deliveries go out meanwhile.
const COURTESY: Duration = Duration::from_millis(5);

/// Keeps strangers in their place. Sources come from the settings, never from a caller, so that there are few.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    turn: tokio::sync::Mutex<()>,
    sources: Mutex<BTreeMap<String, Silence>>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Silence {
    until: Duration,
    kept_back: u64,
}

impl Strangers {
    /// Runs `write` when all that came before have been served, with a pause after each.
    pub(super) async fn in_turn<T>(&self, write: impl Future<Output = T>) -> T {
        let _turn = self.turn.lock().await;
        let written = write.await;
        tokio::time::sleep(COURTESY).await;
        written
    }

    /// Writes into the log that a callback of `source` was forged, unless that was said a moment ago; `now` is
    /// monotonic.
    pub(super) fn report_forgery(&self, source: &str, now: Duration) {
        let Some(kept_back) = self.admit(source, now) else { return };
        tracing::warn!(
            target: "rundruf::http",
            "{source}: a callback was not genuine and changed nothing ({kept_back} more since the last line about it)"
        );
    }

    /// Whether a line about `source` is to be written, and how many were kept back since the last.
    fn admit(&self, source: &str, now: Duration) -> Option<u64> {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let silence = sources.entry(source.to_owned()).or_default();
        if now < silence.until {
            silence.kept_back += 1;
            return None;
        }
        let kept_back = silence.kept_back;
        *silence = Silence { until: now + EVERY, kept_back: 0 };
        Some(kept_back)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_has_one_line_a_minute_that_says_how_many_were_kept_back() {
        let strangers = Strangers::default();
        let at = Duration::from_secs;
        assert_eq!(strangers.admit("kannel", at(1)), Some(0));
        assert_eq!(strangers.admit("kannel", at(2)), None);
        assert_eq!(strangers.admit("bounce", at(2)), Some(0), "another source");
        assert_eq!(strangers.admit("kannel", at(60)), None);
        assert_eq!(strangers.admit("kannel", at(61)), Some(2));
        assert_eq!(strangers.admit("kannel", at(121)), Some(0));
    }
}
