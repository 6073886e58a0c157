//! `notices show`

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Context;

use crate::app::audit::proof::{FrozenWords, frozen_words};
use crate::domain::audience::Audience;
use crate::domain::clock::Timestamp;
use crate::domain::duration::format_duration;
use crate::domain::notice::NoticeState;
use crate::domain::template::{Value, Values};
use crate::store::{Decision, Notice, NoticeSummary, Purpose, Store, StoreError};

use super::{approval, frozen};
use crate::cli::lookup::find_notice;
use crate::cli::output::{counted, program, write_text};
use crate::cli::report::{incident_lines, notice_meaning, result_cells};
use crate::cli::session::{Session, out};
use crate::cli::table::{Cell, json_object};

/// Shows one notice: what it is, to whom it goes, what was typed.
pub(super) async fn run(session: &Session, number: &str, json: bool) -> anyhow::Result<()> {
    let store = session.open_store(Purpose::Read).await?;
    let summary = find_notice(session, &store, number).await?;
    let notice = store.notice(summary.id).await?.context("the notice has just been removed")?;
    let held = store.waiting_for_domains(Some(summary.id)).await?;
    let paused_because = store.paused_because(summary.id).await?;
    let decisions = store.decisions(summary.id).await?;
    let text = if json {
        line(&summary, &notice, &held, &decisions, &words_of(session, &store, &notice).await?)
    } else {
        let mut text = words(session, &summary, &notice, &held)?;
        for line in incident_lines(session, &store, &summary).await? {
            writeln!(text, "  {line}")?;
        }
        if !paused_because.is_empty() {
            writeln!(text, "  {:<12}{paused_because}", "waits")?;
        }
        let authors = store.authors(notice.id, &notice.created_by).await?;
        approval::write(&mut text, session, &notice, &decisions, &authors)?;
        if matches!(notice.state, NoticeState::Pending | NoticeState::Scheduled) {
            frozen::write(&mut text, &words_of(session, &store, &notice).await?)?;
            writeln!(text, "\nTo whom, one by one: {} notices show {number} --people", program(session))?;
        }
        text
    };
    write_text(&mut out(), &text)?;
    Ok(())
}

async fn words_of(session: &Session, store: &Store, notice: &Notice) -> Result<FrozenWords, StoreError> {
    frozen_words(store, &session.settings, notice).await
}

/// How many deliveries wait for each domain that is down.
type Held = BTreeMap<String, i64>;

fn line(
    summary: &NoticeSummary,
    notice: &Notice,
    held: &Held,
    decisions: &[Decision],
    words: &FrozenWords,
) -> String {
    let time = |at: Timestamp| Cell::from(at.to_string());
    let mut cells = result_cells(summary);
    cells.extend([
        ("title", notice.title.as_str().into()),
        ("template", notice.template.as_str().into()),
        ("code", notice.code.as_str().into()),
        ("priority", notice.priority.as_str().into()),
        ("visibility", notice.visibility.as_str().into()),
        ("exercise", notice.exercise.into()),
        ("created_at", time(notice.created_at)),
        ("created_by", notice.created_by.as_str().into()),
        ("scheduled_at", notice.scheduled_at.map(time).into()),
        ("released_at", notice.released_at.map(time).into()),
        ("expires_at", time(notice.expires_at)),
        ("completed_at", notice.completed_at.map(time).into()),
        ("recipients", summary.recipients.into()),
        ("held", held.values().sum::<i64>().into()),
        ("hash", notice.content_hash.as_str().into()),
        ("second_person", notice.second_person.as_str().into()),
        ("supersedes", notice.supersedes.as_deref().into()),
        ("superseded_by", notice.superseded_by.as_deref().into()),
    ]);
    let line = json_object(&cells);
    let open = line.strip_suffix('}').unwrap_or(&line);
    let audience = serde_json::to_string(&notice.audience).unwrap_or_default();
    let decisions = approval::json(decisions);
    let texts = frozen::json(words);
    format!(
        "{open},\"audience\":{audience},\"values\":{},\"decisions\":{decisions},\"texts\":{texts}}}\n",
        notice.variables
    )
}

fn words(
    session: &Session,
    summary: &NoticeSummary,
    notice: &Notice,
    held: &Held,
) -> Result<String, std::fmt::Error> {
    let local = |at: Timestamp| session.local(at);
    let mut facts: Vec<(&str, String)> = vec![
        ("state", format!("{}: {}", notice.state, notice_meaning(notice.state))),
        ("template", notice.template.clone()),
        ("code", notice.code.clone()),
        ("priority", notice.priority.as_str().to_owned()),
        ("visibility", notice.visibility.as_str().to_owned()),
        ("exercise", if notice.exercise { "yes" } else { "no" }.to_owned()),
        ("submitted", format!("{} by {}", local(notice.created_at), notice.created_by)),
    ];
    facts.extend(notice.scheduled_at.map(|at| ("scheduled", local(at))));
    facts.extend(notice.released_at.map(|at| ("released", local(at))));
    facts.push(("expires", local(notice.expires_at)));
    facts.extend(notice.completed_at.map(|at| ("ended", local(at))));
    facts.extend(notice.supersedes.as_ref().map(|number| ("corrects", number.clone())));
    facts.extend(notice.superseded_by.as_ref().map(|number| ("corrected", format!("by {number}"))));
    facts.push(("to", audience(&notice.audience)));
    facts.push(("deliveries", deliveries(summary)));
    facts.extend(summary.cascade_after.map(|after| ("cascade", cascade(summary, after))));
    if !held.is_empty() {
        let domains: Vec<String> = held.iter().map(|(domain, count)| format!("{domain} {count}")).collect();
        facts.push(("held", format!("until these mail domains are up: {}", domains.join(", "))));
    }
    let mut text = format!("Notice {}  {}\n", notice.number, notice.title);
    for (name, value) in facts {
        writeln!(text, "  {name:<12}{value}")?;
    }
    let values: Values = serde_json::from_value(notice.variables.clone()).unwrap_or_default();
    let mut heading = "values";
    for (name, value) in values.iter() {
        writeln!(text, "  {heading:<12}{name} = {}", typed(session, value))?;
        heading = "";
    }
    Ok(text)
}

fn audience(audience: &Audience) -> String {
    let mut parts = Vec::new();
    if !audience.groups.is_empty() {
        parts.push(format!("groups {}", audience.groups.join(", ")));
    }
    if !audience.contacts.is_empty() {
        parts.push(format!("contacts {}", audience.contacts.join(", ")));
    }
    if !audience.except.is_empty() {
        parts.push(format!("except {}", audience.except.join(", ")));
    }
    parts
        .extend(audience.filters.iter().map(|filter| format!("where {}={}", filter.attribute, filter.value)));
    parts.join("; ")
}

fn cascade(summary: &NoticeSummary, after: Duration) -> String {
    let until = if summary.alarm { ", until it is confirmed" } else { "" };
    let open = match summary.cascade_open {
        0 => "ended".to_owned(),
        open => format!("{} still followed", counted(open, "contact is", "contacts are")),
    };
    format!("the next way after {}{until}; {open}", format_duration(after))
}

fn deliveries(summary: &NoticeSummary) -> String {
    let counts = summary.counts();
    let parts = counts.iter().filter(|(_, count)| *count != 0);
    let parts: Vec<String> = parts.map(|(state, count)| format!("{state} {count}")).collect();
    let not_yet = summary.recipients - counts.total();
    // One that was cancelled is gone on with until everybody shows as stopped; these are not.
    let is_to_leave = !matches!(summary.state, NoticeState::Rejected | NoticeState::Expired);
    let not_yet =
        if not_yet > 0 && is_to_leave { format!("; {not_yet} not written yet") } else { String::new() };
    if parts.is_empty() {
        format!("none{not_yet}")
    } else {
        format!("{}: {}{not_yet}", counts.total(), parts.join(", "))
    }
}

/// A value as it would be typed; several lines are indented.
fn typed(session: &Session, value: &Value) -> String {
    match value {
        Value::Text(text) | Value::LongText(text) | Value::Choice(text) | Value::Number(text) => {
            text.replace('\n', "\n              ")
        }
        Value::Date(date) => date.to_string(),
        Value::Datetime(at) => session.local(*at),
        Value::Duration(seconds) => format_duration(Duration::from_secs(*seconds)),
        Value::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
    }
}
