//! What became of a notice, for people and for programs.

mod call_list;
mod incident;
mod people;
mod text;
mod words;

use std::io::Write;

use crate::app::audit::reading::{Looked, Manner};
use crate::app::notices::correct::left_out;
use crate::domain::address::Channel;
use crate::domain::audit::Head;
use crate::domain::clock::Timestamp;
use crate::domain::delivery::{CONFIRMED_WITHIN, Counts, DeliveryState};
use crate::store::{
    MergedRecipient, NextTries, NoticeSummary, Person, ReasonCount, SilencedRecipient, Store,
    UnreachableRecipient,
};

use super::audit::noted;
use super::output::write_text;
use super::session::Session;
use super::table::{Cell, json_object};

pub(super) use call_list::write_call_list;
pub(super) use incident::incident_lines;
pub(super) use people::{People, by_what};
pub(super) use words::{advice, delivery_meaning, notice_meaning};

use text::Report;

/// How many merged contacts are named; more are counted.
const MOST_NAMES: usize = 10;

/// The one line of JSON that `send --json` ends with (PRODUCT: notice, id, state, total, counts, channels), without a
/// line end.
pub(super) fn result_line(notice: &NoticeSummary) -> String {
    json_object(&result_cells(notice))
}

/// What [`result_line`] says, as the beginning of a list's row.
pub(super) fn result_cells(notice: &NoticeSummary) -> Vec<(&'static str, Cell)> {
    let counts = notice.counts();
    vec![
        ("notice", notice.number.as_str().into()),
        ("id", notice.id.to_string().into()),
        ("state", notice.state.as_str().into()),
        ("total", counts.total().into()),
        ("counts", Cell::Object(state_cells(&counts).collect())),
        ("channels", Cell::Object(channel_cells(notice))),
    ]
}

fn state_cells(counts: &Counts) -> impl Iterator<Item = (&'static str, Cell)> {
    counts.iter().map(|(state, count)| (state.as_str(), Cell::from(count)))
}

fn channel_cells(notice: &NoticeSummary) -> Vec<(&'static str, Cell)> {
    let used = notice.channels.iter().filter(|(_, counts)| counts.total() > 0);
    used.map(|(channel, counts)| {
        let mut cells = vec![("total", Cell::from(counts.total()))];
        cells.extend(state_cells(counts).filter(|(_, cell)| *cell != Cell::Number(0)));
        (channel.as_str(), Cell::Object(cells))
    })
    .collect()
}

/// Who got it, who did not and why, in words. Where it names somebody, that is written down first.
///
/// # Errors
/// When the store cannot be read, or `out` not written.
pub(super) async fn write_report(
    out: &mut dyn Write,
    session: &Session,
    store: &Store,
    notice: &NoticeSummary,
) -> anyhow::Result<()> {
    let mut silenced = match notice.counts().get(DeliveryState::Suppressed) {
        0 => Vec::new(),
        _ => store.silenced_recipients(notice.id).await?,
    };
    let people = People::read(store, notice).await?;
    // Whoever was reached another way needs nothing more.
    let mut unreachable = store.unreachable_recipients(notice.id).await?;
    let reached = people.reached();
    unreachable.retain(|one| !reached.contains(one.id.as_str()));
    silenced.retain(|one| !reached.contains(one.id.as_str()));
    drop(reached);
    let successor = store.successor(notice.id).await?.map(|(number, _)| number);
    let mut facts = Facts {
        silenced,
        reasons: store.reasons(notice.id).await?,
        unreachable,
        merged: store.merged_recipients(notice.id).await?,
        next_tries: store.next_tries(notice.id).await?,
        unconfirmed: unconfirmed(session, store, notice).await?,
        people,
        left_out: if successor.is_some() { left_out(store, notice.id).await? } else { Vec::new() },
        successor,
        audit: None,
        incident: incident_lines(session, store, notice).await?,
    };
    let named = facts.named();
    if named > 0 {
        noted(session, store, Looked::Report { notice: &notice.number }, Manner::Read, named).await;
    }
    // After that, so that the head covers it.
    facts.audit = Some(store.audit_head().await?).filter(|head| head.sequence > 0);
    write_text(out, &Report { session, notice, facts: &facts }.text()?)?;
    Ok(())
}

/// What the store knows beside the counters.
#[derive(Debug, Default)]
struct Facts {
    reasons: Vec<ReasonCount>,
    unreachable: Vec<UnreachableRecipient>,
    silenced: Vec<SilencedRecipient>,
    merged: Vec<MergedRecipient>,
    next_tries: Option<NextTries>,
    /// Text messages that a gateway took and has not reported on in time.
    unconfirmed: i64,
    people: People,
    /// Which notice corrects it.
    successor: Option<String>,
    /// Whom it is for and who gets neither it nor what corrects it.
    left_out: Vec<Person>,
    /// Where the audit log ends; `None`: it is empty.
    audit: Option<Head>,
    /// Where its incident stands, a line each.
    incident: Vec<String>,
}

impl Facts {
    /// How many contacts are named in the report.
    fn named(&self) -> usize {
        let merged = self.merged.len().min(MOST_NAMES);
        let left_out = self.left_out.len().min(MOST_NAMES);
        self.people.named() + self.unreachable.len() + self.silenced.len() + merged + left_out
    }
}

async fn unconfirmed(session: &Session, store: &Store, notice: &NoticeSummary) -> anyhow::Result<i64> {
    let before = Timestamp(session.clock.now().0 - CONFIRMED_WITHIN);
    Ok(store.unconfirmed(notice.id, &session.settings.sms.outboxes(), before).await?)
}

/// The command that tells `people` something beside a notice that they did not get; many are only begun.
pub(super) fn send_to(people: &[Person]) -> String {
    let mut ids: Vec<&str> = people.iter().take(MOST_NAMES).map(|person| person.id.as_str()).collect();
    if people.len() > MOST_NAMES {
        ids.push("…");
    }
    format!("send TEMPLATE --contact {}", ids.join(","))
}

/// How people call a channel.
pub(super) const fn in_words(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "e-mail",
        Channel::Sms => "SMS",
        Channel::Webhook => "webhook",
    }
}

#[cfg(test)]
mod tests;
