//! The incident that a notice belongs to: what it promises, and words that claim too much.

use std::io::{BufRead, Write};

use crate::app::compose::{Draft, Wish};
use crate::app::incidents::link::{IncidentWish, proposal};
use crate::cli::arguments::SendArguments;
use crate::cli::session::{Session, say};
use crate::cli::times::parse_next_update;
use crate::domain::clock::Timestamp;
use crate::templates::load_template;

/// The incident `key`, and what was promised for it. A length of time counts from `at`, when the notice leaves.
///
/// # Errors
/// When the promise is no time, or one that has passed.
pub(in crate::cli) fn read(
    session: &Session,
    key: &str,
    next_update: Option<&str>,
    at: Option<Timestamp>,
) -> anyhow::Result<IncidentWish> {
    let from = at.unwrap_or_else(|| session.clock.now());
    let next_update = next_update
        .map(|text| parse_next_update(text, &session.settings.instance.timezone, from))
        .transpose()
        .map_err(|error| anyhow::anyhow!("--next-update: {error}"))?;
    Ok(IncidentWish { key: key.to_owned(), next_update, reminder: None })
}

/// Asks the person at the terminal when more will be said, with what is proposed; an empty answer takes it. Nobody is
/// asked who has said it already, or wants no questions: then the plan shows what is promised.
///
/// # Errors
/// When the terminal cannot be read, or the answer is no time to promise.
pub(super) fn ask_next_update(
    session: &Session,
    arguments: &SendArguments,
    wish: &mut Wish,
) -> anyhow::Result<()> {
    let Some(incident) = wish.incident.as_mut().filter(|incident| incident.next_update.is_none()) else {
        return Ok(());
    };
    if arguments.yes || arguments.dry_run || !session.is_interactive() {
        return Ok(());
    }
    let settings = &session.settings;
    let spec = load_template(&settings.instance.templates, &wish.template)?.spec;
    let is_typed =
        spec.next_update_variable().is_some_and(|variable| wish.values.contains_key(&variable.name));
    let from = wish.at.unwrap_or_else(|| session.clock.now());
    let Some(proposed) = proposal(&spec, settings, from).filter(|_| !is_typed) else { return Ok(()) };
    let mut terminal = std::io::stderr().lock();
    write!(
        terminal,
        "When will recipients hear from you again? Enter for {}, or a time such as 17:00 or +4h: ",
        session.local(proposed)
    )?;
    terminal.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    let answer = answer.trim();
    incident.next_update = Some(if answer.is_empty() {
        proposed
    } else {
        parse_next_update(answer, &settings.instance.timezone, from)
            .map_err(|error| anyhow::anyhow!("nothing was sent: {error}"))?
    });
    Ok(())
}

/// Shows what the notice promises, and which of its words claim more than is known.
pub(super) fn show(session: &Session, draft: &Draft) {
    if let Some(linked) = &draft.incident {
        let link = &linked.link;
        say(format_args!("  Belongs to the incident {} ({}, {}).", link.key, link.title, link.phase));
        if linked.was_overdue {
            say("! The update that was promised before is overdue.");
        }
        match (link.promised_at, linked.is_proposed) {
            (Some(at), true) => say(format_args!(
                "  Promises the next update for {}, as [incident] proposes; another time: --next-update TIME or +4h.",
                session.local(at)
            )),
            (Some(at), false) => say(format_args!("  Promises the next update for {}.", session.local(at))),
            (None, _) => {}
        }
    }
    for hint in &draft.wording {
        say(format_args!("! {hint}"));
    }
    if !draft.wording.is_empty() {
        say(if draft.wish.accept_wording {
            "  These words are meant so (--accept-wording)."
        } else {
            "  It goes out all the same. If the words are meant so, say --accept-wording; else mend them first."
        });
    }
}
