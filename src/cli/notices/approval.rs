//! What `notices show` says of the second person: what was hashed, who may agree, who has decided.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::json;

use crate::cli::output::{program, short_hash};
use crate::cli::session::Session;
use crate::domain::address::Channel;
use crate::domain::approval::is_same_person;
use crate::domain::notice::NoticeState;
use crate::store::{Decision, Notice, Verdict};

/// Adds it in words.
///
/// # Errors
/// Never: writing to a text cannot fail.
pub(super) fn write(
    text: &mut String,
    session: &Session,
    notice: &Notice,
    decisions: &[Decision],
    authors: &BTreeSet<String>,
) -> std::fmt::Result {
    if notice.second_person.is_empty() && decisions.is_empty() {
        return Ok(());
    }
    if !notice.second_person.is_empty() {
        writeln!(text, "  {:<12}needed: {}", "two persons", notice.second_person)?;
    }
    let channels: Vec<&str> = notice.channels.iter().copied().map(Channel::as_str).collect();
    writeln!(text, "  {:<12}{}", "hash", notice.content_hash)?;
    writeln!(
        text,
        "  {:<12}over the words, the values, the channels ({}), who may read it, how urgent it is and how long it is worth \
         sending, and the list of people and channels",
        "",
        channels.join(", ")
    )?;
    for decision in decisions {
        writeln!(text, "  {:<12}{}", "decided", in_words(session, notice, decision))?;
        if let Some((by, at, note)) = &decision.review {
            let note = if note.is_empty() { String::new() } else { format!(": {note}") };
            writeln!(text, "  {:<12}{} by {by}{note}", "reviewed", session.local(*at))?;
        } else if decision.verdict == Verdict::BreakGlass {
            let command = format!("{} notices review {}", program(session), notice.number);
            writeln!(
                text,
                "  {:<12}not yet: anybody who may release, but {}: {command}",
                "reviewed", decision.by
            )?;
        }
    }
    if notice.state == NoticeState::Pending {
        let you = session.actor().label();
        let is_own = authors.iter().any(|author| is_same_person(&you, author));
        let you = if is_own { " (so not you)" } else { " (so you may)" };
        writeln!(
            text,
            "  {:<12}anybody with the right notices:release, but {}{you}: {} notices approve {} --hash {}",
            "may agree",
            authors.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
            program(session),
            notice.number,
            short_hash(&notice.content_hash)
        )?;
    }
    Ok(())
}

fn in_words(session: &Session, notice: &Notice, decision: &Decision) -> String {
    let mut words =
        format!("{} by {}, {}", decision.verdict.as_str(), decision.by, session.local(decision.at));
    for more in [&decision.reason, &decision.note] {
        if !more.is_empty() {
            words.push_str(": ");
            words.push_str(more);
        }
    }
    if decision.hash != notice.content_hash {
        words.push_str(" (void: it was about other words or people)");
    }
    words
}

/// As JSON.
pub(super) fn json(decisions: &[Decision]) -> serde_json::Value {
    decisions
        .iter()
        .map(|decision| {
            json!({
                "decision": decision.verdict.as_str(),
                "hash": decision.hash,
                "by": decision.by,
                "at": decision.at.to_string(),
                "reason": decision.reason,
                "note": decision.note,
                "review": decision.review.as_ref().map(|(by, at, note)| {
                    json!({ "by": by, "at": at.to_string(), "note": note })
                }),
            })
        })
        .collect()
}
