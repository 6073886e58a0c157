//! `send`: plan, ask, submit, follow, report.

pub(super) mod alone;
pub(super) mod incident;
pub(super) mod plan;

use std::io::{BufRead, IsTerminal, Write};
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::app::cascade::confirmation_fault;
use crate::app::compose::{Draft, Wish, compose};
use crate::app::plan::GroupShare;
use crate::app::release::{Submitted, submit};
use crate::dispatch::{Finish, Goal};
use crate::domain::notice::NoticeState;
use crate::store::{NoticeSummary, Purpose, Store};
use crate::templates::CheckedTemplates;

use super::approval_groups;
use super::arguments::SendArguments;
use super::dispatching::{Dispatching, asked_to_stop, load_signers, say_event};
use super::output::{counted, program, short_hash, write_bytes};
use super::progress::Progress;
use super::report::{result_line, write_report};
use super::session::{Exit, Session, out, say};
use super::times::parse_time;
use super::values::read_values;

/// How often the progress is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The result could not be written where it was asked for: the notice is none the worse for it.
#[derive(Debug, thiserror::Error)]
#[error("standard output could not be written ({0})")]
struct Unwritten(std::io::Error);

pub(super) async fn run(session: &Session, arguments: SendArguments) -> anyhow::Result<Exit> {
    let mut wish = read_wish(session, &arguments)?;
    // A key that cannot sign is to be known before anything is written down.
    load_signers(&session.settings)?;
    let store = session.open_store(Purpose::Read).await?;
    incident::ask_next_update(session, &arguments, &mut wish)?;
    let draft = compose(
        wish,
        &session.settings,
        &CheckedTemplates::default(),
        &store,
        &session.ids,
        session.clock.now(),
    )
    .await?;
    plan::show(session, &draft);
    approval_groups::warn_of_missing(session, &store).await;
    refuse_findings(&draft, arguments.accept_findings)?;
    if arguments.dry_run {
        if arguments.json {
            writeln!(out(), "{}", plan::line(&draft))?;
        }
        say("This was a dry run: nothing was written down and nothing was sent.");
        return Ok(Exit::Done);
    }
    if let Some(fault) = confirmation_fault(&draft.template.spec, &session.settings.instance) {
        bail!("nothing was sent: {fault}");
    }
    if !arguments.yes && !confirm(session, &draft)? {
        say("Nothing was sent.");
        return Ok(Exit::Refused);
    }
    // From here on Ctrl-C stops cleanly, instead of breaking off in the middle of something.
    let asked = asked_to_stop();
    let instance = session.open_instance(&store).await?;
    let mut submitted = submit(&instance, &session.actor(), &draft).await?;
    if submitted.state == NoticeState::Pending {
        if let Some((reason, note)) = alone::reason(session, &arguments, &submitted, &asked).await? {
            submitted.state = alone::release(session, &instance, &submitted.number, reason, &note).await?;
        }
    } else if arguments.break_glass.is_some() {
        say(format_args!(
            "Notice {} needs no second person: it is released as usual, --break-glass was not used, and nobody has to \
             review it.",
            submitted.number
        ));
    }
    let exit = match follow(session, &arguments, &store, &submitted, &asked).await {
        Ok(exit) => exit,
        Err(error) if error.is::<Unwritten>() => {
            say(format_args!(
                "rundruf: {error}. What became of notice {number} says: {} notices report {number}",
                program(session),
                number = submitted.number
            ));
            Exit::Incomplete
        }
        // Something may have been sent by now: that is no error that leaves everything as it was.
        Err(error) => {
            say(format_args!("rundruf: {error:#}"));
            say(format_args!(
                "Notice {} is written down with all its recipients. When this is mended, go on with: rundruf worker \
                 --drain",
                submitted.number
            ));
            Exit::Incomplete
        }
    };
    store.close().await;
    Ok(exit)
}

fn read_wish(session: &Session, arguments: &SendArguments) -> anyhow::Result<Wish> {
    let zone = &session.settings.instance.timezone;
    let at = arguments
        .at
        .as_deref()
        .map(|text| parse_time(text, zone, session.clock.now()))
        .transpose()
        .map_err(|error| anyhow::anyhow!("--at: {error}"))?;
    Ok(Wish {
        template: arguments.template.clone(),
        values: read_values(&arguments.values, arguments.vars.as_deref())?,
        audience: arguments.audience(),
        channels: arguments.channel.clone(),
        cascade: arguments.cascade.clone(),
        after: arguments.after,
        priority: arguments.priority,
        visibility: arguments.visibility,
        exercise: arguments.exercise,
        at,
        expires_after: arguments.expires,
        incident: arguments
            .incident
            .as_deref()
            .map(|key| incident::read(session, key, arguments.next_update.as_deref(), at))
            .transpose()?,
        accept_wording: arguments.accept_wording,
        hints_seen: Vec::new(),
    })
}

/// A finding in the template's own text always refuses; one in a typed value unless it is accepted.
///
/// # Errors
/// What to mend.
pub(super) fn refuse_findings(draft: &Draft, accepted: bool) -> anyhow::Result<()> {
    let (in_values, in_template): (Vec<_>, Vec<_>) =
        draft.findings.iter().partition(|finding| finding.acceptable());
    if !in_template.is_empty() {
        bail!("nothing was sent: mend the template first (rundruf templates check {})", draft.wish.template);
    }
    if !in_values.is_empty() && !accepted {
        bail!("nothing was sent: mend the values, or add --accept-findings if they are meant so");
    }
    Ok(())
}

/// Asks whether to send.
///
/// # Errors
/// When there is nobody to ask.
pub(super) fn confirm(session: &Session, draft: &Draft) -> anyhow::Result<bool> {
    if !session.is_interactive() {
        bail!("nothing was sent: there is no terminal to ask at; add --yes to send without being asked");
    }
    let question = if draft.wish.exercise { "Send this exercise" } else { "Send this" };
    let mut terminal = std::io::stderr().lock();
    write!(terminal, "{question} to {}? Type yes: ", whom(&draft.plan.everybody()))?;
    terminal.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(is_yes(&answer))
}

/// How many people get something, and how many messages that are.
fn whom(everybody: &GroupShare) -> String {
    let contacts = everybody.contacts.saturating_sub(everybody.blocked + everybody.unreachable);
    let messages: usize = everybody.deliveries.values().sum();
    format!(
        "{} ({})",
        counted(contacts as i128, "contact", "contacts"),
        counted(messages as i128, "message", "messages")
    )
}

/// The whole word, in either language: a key pressed by mistake sends nothing.
fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_lowercase().as_str(), "yes" | "ja")
}

async fn follow(
    session: &Session,
    arguments: &SendArguments,
    store: &Store,
    submitted: &Submitted,
    asked: &CancellationToken,
) -> anyhow::Result<Exit> {
    match submitted.state {
        NoticeState::Pending => {
            say(format_args!(
                "Notice {number} waits for a second person ({}). Nothing was sent. Somebody else releases it with: \
                 {} notices approve {number} --hash {}",
                submitted.second_person,
                program(session),
                short_hash(&submitted.hash),
                number = submitted.number
            ));
            finish(session, arguments, store, submitted, false).await?;
            return Ok(Exit::Incomplete);
        }
        NoticeState::Scheduled => {
            let when =
                summary(store, submitted).await?.scheduled_at.map(|at| session.local(at)).unwrap_or_default();
            say(format_args!(
                "Notice {} goes out at {when}, if a worker runs then (rundruf worker).",
                submitted.number
            ));
            return finish(session, arguments, store, submitted, false).await.map(|_| Exit::Done);
        }
        _ => {}
    }
    if arguments.no_wait {
        while !asked.is_cancelled() && store.fan_out(submitted.id, 5_000).await?.is_some() {}
        say(format_args!(
            "Notice {} is released. A running worker sends it; without one: rundruf worker --drain",
            submitted.number
        ));
        return finish(session, arguments, store, submitted, false).await.map(|_| Exit::Done);
    }
    let ended = watch(session, arguments.wait, store, submitted, asked).await?;
    let notice = finish(session, arguments, store, submitted, true).await?;
    if ended != Finish::Reached {
        say_how_to_go_on(&notice);
    }
    let counts = notice.counts();
    // Where people are followed, it is people who count: a way that failed matters to nobody whom the next one reached.
    let is_done = if notice.is_followed() {
        let people = store.notice_people(notice.id).await?;
        notice.state.is_final() && people.iter().all(|person| person.is_reached(notice.alarm))
    } else {
        counts.total() == notice.recipients && counts.got_out() == counts.total()
    };
    Ok(if is_done { Exit::Done } else { Exit::Incomplete })
}

/// Sends until the notice has ended, the time is up, or the person wants to stop; shows how far it is.
///
/// # Errors
/// When the store fails, or a key cannot be read.
pub(super) async fn watch(
    session: &Session,
    wait: Option<Duration>,
    store: &Store,
    submitted: &Submitted,
    asked: &CancellationToken,
) -> anyhow::Result<Finish> {
    let mut dispatching = Dispatching::start(session, store, Goal::Notice(submitted.id)).await?;
    let on_terminal = std::io::stderr().is_terminal();
    let mut progress = Progress::new(&submitted.number, on_terminal, session.clock.now());
    let timeout = async {
        match wait {
            Some(wait) => tokio::time::sleep(wait).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(timeout);
    let mut looks = look_on(store, submitted);
    let finish = loop {
        tokio::select! {
            finish = &mut dispatching.task => break finish.context("the dispatcher ended unexpectedly")??,
            () = asked.cancelled(), if !dispatching.stop.is_cancelled() => {
                progress.interrupted(|| say("Stopping: what is being exchanged is finished, the rest waits."));
                dispatching.stop.cancel();
            }
            () = &mut timeout, if !dispatching.stop.is_cancelled() => dispatching.stop.cancel(),
            Some(event) = dispatching.events.recv() => progress.interrupted(|| say_event(session, &event)),
            Some(notice) = looks.recv() => progress.show(&notice, session.clock.now()),
        }
    };
    dispatching.stop.cancel();
    progress.end(&summary(store, submitted).await?, session.clock.now());
    while let Ok(event) = dispatching.events.try_recv() {
        say_event(session, &event);
    }
    Ok(finish)
}

/// Looks again and again how the notice stands, as long as anybody listens. Beside everything else: a store that does
/// not answer must not hold up the news that it does not.
fn look_on(store: &Store, submitted: &Submitted) -> mpsc::Receiver<NoticeSummary> {
    let (sender, looks) = mpsc::channel(1);
    let (store, id) = (store.clone(), submitted.id);
    tokio::spawn(async move {
        let mut tick = tokio::time::interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !sender.is_closed() {
            tick.tick().await;
            // Why it cannot be read is said by the dispatcher, which notices it too.
            if let Ok(Some(notice)) = store.notice_summary(id).await
                && sender.send(notice).await.is_err()
            {
                return;
            }
        }
    });
    looks
}

/// The result as it was asked for: a line of JSON on standard output, or a report for people.
async fn finish(
    session: &Session,
    arguments: &SendArguments,
    store: &Store,
    submitted: &Submitted,
    with_report: bool,
) -> anyhow::Result<NoticeSummary> {
    let notice = summary(store, submitted).await?;
    let mut result = Vec::new();
    if arguments.json {
        writeln!(result, "{}", result_line(&notice))?;
    } else if with_report {
        write_report(&mut result, session, store, &notice).await?;
    }
    write_bytes(&mut out(), &result).map_err(Unwritten)?;
    Ok(notice)
}

/// How the notice stands now.
///
/// # Errors
/// When the store cannot be read.
pub(super) async fn summary(store: &Store, submitted: &Submitted) -> anyhow::Result<NoticeSummary> {
    store.notice_summary(submitted.id).await?.context("the notice has vanished from the store")
}

fn say_how_to_go_on(notice: &NoticeSummary) {
    let counts = notice.counts();
    let left = notice.recipients - counts.total() + counts.open();
    if notice.cascade_open > 0 {
        say(format_args!(
            "{} of {} still followed: the next way is tried when its time comes, by \"rundruf serve\" or \"rundruf \
             worker\".",
            counted(notice.cascade_open, "contact", "contacts"),
            notice.number
        ));
    }
    if left > 0 {
        let wait = if left == 1 { "still waits" } else { "still wait" };
        say(format_args!(
            "{left} of {} {wait}. Go on with: rundruf worker --drain",
            counted(notice.recipients, "delivery", "deliveries")
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::address::Channel;

    #[test]
    fn nothing_but_the_whole_word_sends() {
        assert!(is_yes("yes\n") && is_yes(" JA \n"));
        for answer in ["", "y", "j", "yy", "yes please", "no", "\n"] {
            assert!(!is_yes(answer), "{answer}");
        }
    }

    #[test]
    fn the_question_counts_people_and_says_how_many_messages_they_get() {
        let deliveries = [(Channel::Email, 1), (Channel::Sms, 1)].into();
        let mut share =
            GroupShare { contacts: 3, blocked: 1, unreachable: 1, deliveries, ..GroupShare::default() };
        assert_eq!(whom(&share), "1 contact (2 messages)");
        share.contacts = 5;
        assert_eq!(whom(&share), "3 contacts (2 messages)", "some share an address");
    }
}
