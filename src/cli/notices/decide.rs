//! `notices approve`, `reject`, `release`, `review`, `accept-wording`, `schedule`.

use crate::app::incidents::wording;
use crate::app::notices::{decide, steer};
use crate::domain::approval::BreakGlass;
use crate::domain::notice::NoticeState;
use crate::store::Store;

use crate::cli::lookup::{find_notice, open_existing};
use crate::cli::output::program;
use crate::cli::send::alone;
use crate::cli::session::{Exit, Session, say};
use crate::cli::times::parse_time;

use super::who_sends;

pub(super) async fn approve(session: &Session, number: &str, hash: Option<&str>) -> anyhow::Result<()> {
    let store = open_existing(session).await?;
    let notice = find_notice(session, &store, number).await?;
    let instance = session.open_instance(&store).await?;
    let state = decide::approve(&instance, &session.actor(), &notice.number, hash).await?;
    say(format_args!(
        "{number} is approved by {}. {}",
        session.actor().label(),
        next(session, state, &notice)
    ));
    close(store).await
}

pub(super) async fn reject(session: &Session, number: &str, reason: &str) -> anyhow::Result<()> {
    let store = open_existing(session).await?;
    let notice = find_notice(session, &store, number).await?;
    let instance = session.open_instance(&store).await?;
    decide::reject(&instance, &session.actor(), &notice.number, reason).await?;
    say(format_args!("{number} is rejected: it is not sent."));
    close(store).await
}

pub(super) async fn release(
    session: &Session,
    number: &str,
    reason: Option<BreakGlass>,
    note: &str,
) -> anyhow::Result<Exit> {
    let store = open_existing(session).await?;
    let notice = find_notice(session, &store, number).await?;
    decide::waits(&notice.number, notice.state)?;
    let Some((reason, note)) = alone::required(session, reason, note)? else {
        say("Nothing was released: it waits for a second person.");
        return Ok(Exit::Refused);
    };
    let instance = session.open_instance(&store).await?;
    let state = alone::release(session, &instance, &notice.number, reason, &note).await?;
    say(next(session, state, &notice));
    close(store).await?;
    Ok(Exit::Done)
}

pub(super) async fn review(session: &Session, number: &str, note: &str) -> anyhow::Result<()> {
    let store = open_existing(session).await?;
    let notice = find_notice(session, &store, number).await?;
    let instance = session.open_instance(&store).await?;
    decide::review(&instance, &session.actor(), &notice.number, note).await?;
    say(format_args!("{number}: your review is written down."));
    close(store).await
}

pub(super) async fn accept_wording(session: &Session, number: &str) -> anyhow::Result<()> {
    let store = open_existing(session).await?;
    let notice = find_notice(session, &store, number).await?;
    let instance = session.open_instance(&store).await?;
    let found = wording::accept(&instance, &session.actor(), notice.id).await?;
    if found.hints.is_empty() {
        say(format_args!(
            "{number}: nothing in its words claims more than is known: there is nothing to tick."
        ));
    }
    for hint in &found.hints {
        say(format_args!("  {hint}"));
    }
    if found.accepted && !found.hints.is_empty() {
        say(format_args!("{number}: these words are meant so."));
    }
    close(store).await
}

pub(super) async fn schedule(session: &Session, number: &str, at: &str) -> anyhow::Result<()> {
    let store = open_existing(session).await?;
    let notice = find_notice(session, &store, number).await?;
    let at = parse_time(at, &session.settings.instance.timezone, session.clock.now())
        .map_err(|error| anyhow::anyhow!("--at: {error}"))?;
    let instance = session.open_instance(&store).await?;
    let state = steer::schedule(&instance, &session.actor(), &notice.number, at).await?;
    let once = if state == NoticeState::Pending { ", once a second person has agreed" } else { "" };
    say(format_args!("{number} goes out at {}{once}.", session.local(at)));
    close(store).await
}

/// What happens after a release.
fn next(session: &Session, state: NoticeState, notice: &crate::store::NoticeSummary) -> String {
    match notice.scheduled_at.filter(|_| state == NoticeState::Scheduled) {
        Some(at) => format!("It goes out at {}, if a worker runs then.", session.local(at)),
        None => format!(
            "{}\n{} notices report {} says how far it is.",
            who_sends(session),
            program(session),
            notice.number
        ),
    }
}

async fn close(store: Store) -> anyhow::Result<()> {
    store.close().await;
    Ok(())
}
