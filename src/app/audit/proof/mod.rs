//! The printable proof of a notice: what was said, who released it and why, and what became of it for each recipient.
//!
//! It is one HTML page that opens without a network and prints on A4 in black and white.

mod results;
mod wording;
mod words;

use askama::Template;
use jiff::tz::TimeZone;

use crate::app::failure::Failure;
use crate::app::instance::Instance;
use crate::domain::actor::{Actor, Right};
use crate::domain::address::Channel;
use crate::domain::audience::Audience;
use crate::domain::audit::{Entry, Head};
use crate::domain::clock::Timestamp;
use crate::domain::delivery::DeliveryState;
use crate::store::{Notice, NoticeSummary};

use super::reading::{Looked, Manner, record_reading};
use results::{Call, Recipient, Sight, Time};
pub use wording::{FrozenWords, Wording, frozen_words};
use wording::{version, wordings};
use words::Words;

/// How many entries are read at once.
const PAGE: i64 = 200;

/// What a proof is to be like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    /// The file number under which it is kept; may be empty.
    pub file_number: String,
    /// Why names and addresses are to stand in it in full; `None`: they are masked.
    pub reveal: Option<String>,
}

/// Makes the proof of `notice`: a whole HTML document. That it was made is written to the audit log first, so that the
/// head of the log in it covers that too.
///
/// # Errors
/// When `actor` may not, a reason is missing, or the store cannot be read or written.
pub async fn make(
    instance: &Instance,
    actor: &Actor,
    notice: &NoticeSummary,
    wish: &Wish,
) -> Result<String, Failure> {
    actor.may(Right::AuditRead)?;
    let sight = if let Some(reason) = &wish.reveal {
        actor.may(Right::ContactsReveal)?;
        if reason.trim().is_empty() {
            return Err(Failure::Wrong("names are shown in full only for a reason: give one".to_owned()));
        }
        Sight::Full
    } else {
        Sight::Masked
    };
    let people = instance.store.shares(notice.id, true).await?.people.total;
    let manner = if sight == Sight::Full { Manner::Revealed } else { Manner::Exported };
    let looked = Looked::Document { name: "proof", about: &notice.number };
    let reason = wish.reveal.as_deref().unwrap_or_default();
    record_reading(instance, actor, &looked, manner, people, reason).await?;
    let page = page(instance, actor, notice, wish, sight).await?;
    page.render().map_err(|error| Failure::Wrong(format!("the proof cannot be written: {error}")))
}

/// Shows points in time.
struct Times {
    zone: TimeZone,
}

impl Times {
    fn of(&self, at: Timestamp) -> Time {
        Time {
            local: at.in_zone(&self.zone).strftime("%d.%m.%Y %H:%M:%S").to_string(),
            utc: at.to_jiff().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        }
    }
}

/// A label, and what stands behind it.
struct Fact {
    label: &'static str,
    value: String,
    /// Whether every character counts.
    exact: bool,
}

/// One entry of the log.
struct Step {
    sequence: i64,
    at: Time,
    actor: String,
    origin: String,
    action: String,
    reason: String,
}

/// How many deliveries stand in one state.
struct Total {
    count: i64,
    state: &'static str,
    meaning: &'static str,
}

/// Everything that stands on the page.
#[derive(Template)]
#[template(path = "audit/proof/page.html")]
struct Page {
    words: &'static Words,
    organisation: String,
    number: String,
    title: String,
    exercise: bool,
    facts: Vec<Fact>,
    course: Vec<Step>,
    wordings: Vec<Wording>,
    wording_hint: &'static str,
    wording_fault: String,
    totals: Vec<Total>,
    /// Empty: names are masked.
    revealed: String,
    recipients: Vec<Recipient>,
    calls: Vec<Call>,
    head: Head,
    made: Time,
    made_by: String,
}

async fn page(
    instance: &Instance,
    actor: &Actor,
    summary: &NoticeSummary,
    wish: &Wish,
    sight: Sight,
) -> Result<Page, Failure> {
    let settings = instance.settings();
    let words = Words::of(&settings.instance.language);
    let times = Times { zone: settings.instance.timezone.clone() };
    let notice = instance.store.notice(summary.id).await?;
    let notice = notice.ok_or_else(|| Failure::Wrong("the notice has just been removed".to_owned()))?;
    let incident = instance.store.notice_incident(summary.id).await?;
    let (course, released_by) = course(instance, &notice.number, words, &times).await?;
    let results = results::read(instance, summary, sight, words, &times).await?;
    let used = |channel: &Channel| summary.channels.get(channel).is_some_and(|counts| counts.total() > 0);
    let used: Vec<Channel> = Channel::ALL.into_iter().filter(used).collect();
    // Before there is a delivery, it is the words that were frozen which somebody has to answer for.
    let has_left = notice.released_at.is_some() && !used.is_empty();
    let channels = if used.is_empty() { notice.channels.clone() } else { used };
    let (texts, fault) = match wordings(&notice, incident.as_ref(), &settings, &channels, words) {
        Ok(texts) => (texts, String::new()),
        Err(fault) => (Vec::new(), fault),
    };
    Ok(Page {
        organisation: settings.instance.name.clone(),
        number: notice.number.clone(),
        title: notice.title.clone(),
        exercise: notice.exercise,
        facts: facts(&notice, wish, released_by.as_deref(), words, &times),
        course,
        wordings: texts,
        wording_hint: if has_left { words.wording_hint } else { words.frozen_hint },
        wording_fault: fault,
        totals: totals(summary, words),
        revealed: wish.reveal.clone().unwrap_or_default(),
        recipients: results.recipients,
        calls: results.calls,
        head: instance.store.audit_head().await?,
        made: times.of(instance.now()),
        made_by: actor.label(),
        words,
    })
}

fn facts(notice: &Notice, wish: &Wish, released_by: Option<&str>, words: &Words, times: &Times) -> Vec<Fact> {
    let time = |at: Timestamp| {
        let Time { local, utc } = times.of(at);
        format!("{local} ({utc})")
    };
    let mut facts = Vec::new();
    let mut add = |label, value: String| {
        facts.push(Fact { label, value, exact: label == words.version || label == words.code });
    };
    if !wish.file_number.trim().is_empty() {
        add(words.file_number, wish.file_number.trim().to_owned());
    }
    add(words.state, words.notice(notice.state).to_owned());
    add(words.code, notice.code.clone());
    add(words.template, notice.template.clone());
    add(words.version, version(notice));
    add(words.audience, audience(&notice.audience, words));
    add(words.written, format!("{} {} {}", time(notice.created_at), words.by, notice.created_by));
    if let Some(at) = notice.released_at {
        let by = released_by.map(|who| format!(" {} {who}", words.by)).unwrap_or_default();
        add(words.released, format!("{}{by}", time(at)));
    }
    match notice.completed_at {
        Some(at) => add(words.ended, time(at)),
        None => add(words.expires, time(notice.expires_at)),
    }
    facts
}

/// Groups by name; how many single contacts, but not which: they stand among the recipients.
fn audience(audience: &Audience, words: &Words) -> String {
    let mut parts = audience.groups.clone();
    if !audience.contacts.is_empty() {
        parts.push(words.single_contacts(audience.contacts.len()));
    }
    if !audience.except.is_empty() {
        parts.push(format!("{} {}", words.except, audience.except.join(", ")));
    }
    parts.extend(audience.filters.iter().map(|filter| format!("{}={}", filter.attribute, filter.value)));
    parts.join(", ")
}

/// What somebody does who lets a notice go: with or without a second person, at once or at its time.
const RELEASES: [&str; 4] = ["notice.approved", "notice.released", "notice.scheduled", "notice.corrected"];

/// The course of a notice, and who released it: the last person who let it go, and not the dispatcher, which keeps to
/// the time that somebody named.
async fn course(
    instance: &Instance,
    number: &str,
    words: &Words,
    times: &Times,
) -> Result<(Vec<Step>, Option<String>), Failure> {
    let dispatcher = Actor::program("dispatcher").label();
    let mut steps: Vec<Step> = Vec::new();
    let mut released_by = None;
    loop {
        let after = steps.last().map_or(0, |step| step.sequence);
        let page: Vec<Entry> = instance.store.audit_entries_about("notice", number, after, PAGE).await?;
        let is_last = (page.len() as i64) < PAGE;
        let release = |entry: &&Entry| RELEASES.contains(&entry.action.as_str()) && entry.actor != dispatcher;
        released_by = page.iter().rfind(release).map(|entry| entry.actor.clone()).or(released_by);
        steps.extend(page.into_iter().map(|entry| Step {
            sequence: entry.sequence,
            at: times.of(entry.at),
            action: words.action(&entry.action).to_owned(),
            actor: entry.actor,
            origin: entry.origin,
            reason: entry.reason,
        }));
        if is_last {
            return Ok((steps, released_by));
        }
    }
}

fn totals(summary: &NoticeSummary, words: &Words) -> Vec<Total> {
    let counts = summary.counts();
    let there = DeliveryState::ALL.into_iter().filter(|state| counts.get(*state) > 0);
    there
        .map(|state| Total {
            count: counts.get(state),
            state: words.delivery(state),
            meaning: words.meaning(state),
        })
        .collect()
}
