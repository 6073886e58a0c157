//! How far a notice has come: bars on a terminal, plain lines elsewhere.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::domain::address::Channel;
use crate::domain::clock::Timestamp;
use crate::domain::delivery::{Counts, DeliveryState};
use crate::domain::duration::format_duration;
use crate::store::NoticeSummary;

use super::session::say;

/// How often a plain line is written while nothing else happens.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// How long a bar waits before it tells a rate.
const RATE_AFTER: Duration = Duration::from_secs(1);

/// How long a bar tells the average as its rate.
const AVERAGE_UNTIL: Duration = Duration::from_secs(15);

/// Shows the progress of one notice.
pub(super) struct Progress {
    number: String,
    bars: Option<Bars>,
    started: Timestamp,
    last_line: Option<Timestamp>,
    /// Ended deliveries and when they were counted, for the rate of plain lines.
    last_ended: i64,
}

struct Bars {
    all: MultiProgress,
    channels: BTreeMap<Channel, ProgressBar>,
}

impl Progress {
    /// Bars if a person looks at a terminal, lines otherwise.
    pub(super) fn new(number: &str, on_terminal: bool, now: Timestamp) -> Self {
        let bars = on_terminal.then(|| Bars {
            all: MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(8)),
            channels: BTreeMap::new(),
        });
        Self { number: number.to_owned(), bars, started: now, last_line: None, last_ended: 0 }
    }

    /// Shows how far `notice` is at `now`.
    pub(super) fn show(&mut self, notice: &NoticeSummary, now: Timestamp) {
        match &mut self.bars {
            Some(bars) => bars.show(notice),
            None => self.line(notice, now),
        }
    }

    /// Runs `speak` so that its words do not tear the bars.
    pub(super) fn interrupted(&self, speak: impl FnOnce()) {
        match &self.bars {
            Some(bars) => bars.all.suspend(speak),
            None => speak(),
        }
    }

    /// Shows `notice` as it is at the end and leaves the last picture standing.
    pub(super) fn end(&mut self, notice: &NoticeSummary, now: Timestamp) {
        if self.bars.is_none() {
            (self.last_line, self.last_ended) = (None, 0);
        }
        self.show(notice, now);
        for bar in self.bars.iter().flat_map(|bars| bars.channels.values()) {
            bar.abandon();
        }
    }

    fn line(&mut self, notice: &NoticeSummary, now: Timestamp) {
        let due = self.last_line.is_none_or(|last| now.since(last) >= LINE_EVERY);
        if !due {
            return;
        }
        let counts = notice.counts();
        let ended = notice.recipients - waiting(notice);
        let last = self.last_line.unwrap_or(self.started);
        let since = now.since(last).as_secs_f64();
        let rate = if since > 0.0 { (ended - self.last_ended) as f64 / since } else { 0.0 };
        let left = if rate > 0.0 && ended < notice.recipients {
            let left = Duration::from_secs_f64((notice.recipients - ended) as f64 / rate);
            format!(", about {} left", format_duration(left))
        } else {
            String::new()
        };
        say(format_args!(
            "{}: {} of {}{}{}{left}",
            self.number,
            counts.got_out(),
            notice.recipients,
            words(&counts),
            if rate > 0.0 { format!(", {rate:.0}/s") } else { String::new() },
        ));
        self.last_line = Some(now);
        self.last_ended = ended;
    }
}

impl Bars {
    fn show(&mut self, notice: &NoticeSummary) {
        for (channel, counts) in &notice.channels {
            let bar = self.channels.entry(*channel).or_insert_with(|| {
                let bar = ProgressBar::new(0).with_style(style()).with_prefix(channel.to_string());
                let bar = self.all.add(bar);
                bar.enable_steady_tick(Duration::from_millis(250));
                bar
            });
            // While the list is still becoming deliveries, the whole of it is the measure for a single channel.
            let total = if notice.channels.len() == 1 { notice.recipients } else { counts.total() };
            bar.set_length(u64::try_from(total).unwrap_or(0));
            bar.set_position(u64::try_from(counts.total() - counts.open()).unwrap_or(0));
            bar.set_message(words(counts));
        }
    }
}

/// Deliveries that have not ended, those not yet made included.
fn waiting(notice: &NoticeSummary) -> i64 {
    let counts = notice.counts();
    notice.recipients - counts.total() + counts.open()
}

/// What did not go well, in few words; nothing if all did.
fn words(counts: &Counts) -> String {
    [DeliveryState::Failed, DeliveryState::Suppressed, DeliveryState::Expired, DeliveryState::Unclear]
        .into_iter()
        .filter(|state| counts.get(*state) > 0)
        .fold(String::new(), |words, state| format!("{words}, {} {state}", counts.get(state)))
}

fn style() -> ProgressStyle {
    let template = "{prefix:>8} {bar:32.green/dim} {human_pos}/{human_len}{rate}{left}{msg}";
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("rate", write_rate)
        .with_key("left", write_time_left)
        .progress_chars("━━─")
}

/// Deliveries a second; nothing while there is too little to tell it from.
fn write_rate(state: &ProgressState, out: &mut dyn std::fmt::Write) {
    let elapsed = state.elapsed();
    if elapsed < RATE_AFTER {
        return;
    }
    // What the bar calls its rate follows changes, but overshoots at the beginning.
    let average = state.pos() as f64 / elapsed.as_secs_f64();
    let rate = if elapsed < AVERAGE_UNTIL { average } else { state.per_sec() };
    let _ = write!(out, "  {rate:.0}/s");
}

fn write_time_left(state: &ProgressState, out: &mut dyn std::fmt::Write) {
    let left = state.eta().as_secs();
    if state.len().is_some_and(|length| state.pos() < length) && left > 0 {
        let _ = write!(out, "  about {} left", format_duration(Duration::from_secs(left)));
    }
}
