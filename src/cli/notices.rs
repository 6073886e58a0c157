//! `notices …`

mod approval;
mod correct;
mod decide;
mod frozen;
mod incidents;
mod reached;
mod show;

use crate::app::audit::reading::{Looked, Manner};
use crate::app::notices::steer;
use crate::domain::delivery::{Counts, DeliveryState};
use crate::domain::ids::NoticeId;
use crate::domain::notice::NoticeState;
use crate::store::{NoticeSummary, Purpose, Store};

use incidents::Incidents;

use super::arguments::{ListFormat, NoticesCommand, ReportArguments};
use super::audit::noted;
use super::lookup::{find_notice, open_existing, time_cell};
use super::output::{counted, program, write_text};
use super::report::{result_cells, result_line, write_call_list, write_report};
use super::session::{Exit, Session, out, say};
use super::table::{Cell, Format, ListWriter, Row};

/// Deliveries made in one transaction when a cancelled notice is fanned out to its end.
const FAN_OUT_BATCH: i64 = 5_000;

const TABLE_COLUMNS: &[&str] =
    &["notice", "state", "exercise", "incident", "overdue", "title", "total", "counts", "created_at"];
const CSV_COLUMNS: &[&str] = &[
    "notice",
    "id",
    "state",
    "total",
    "counts",
    "channels",
    "title",
    "template",
    "priority",
    "visibility",
    "exercise",
    "created_at",
    "created_by",
    "scheduled_at",
    "released_at",
    "expires_at",
    "completed_at",
    "recipients",
    "supersedes",
    "superseded_by",
    "review_open",
    "incident",
    "overdue",
];

pub(super) async fn run(session: &Session, command: NoticesCommand) -> anyhow::Result<Exit> {
    match command {
        NoticesCommand::List { format } => list(session, format).await?,
        NoticesCommand::Show { notice, people: true, json, format } => {
            let format = if json { Format::Json } else { format.unwrap_or_default() };
            frozen::people(session, &notice.number, format).await?;
        }
        NoticesCommand::Show { notice, json, .. } => show::run(session, &notice.number, json).await?,
        NoticesCommand::Approve { notice, hash } => {
            decide::approve(session, &notice.number, hash.as_deref()).await?;
        }
        NoticesCommand::Reject { notice, reason } => decide::reject(session, &notice.number, &reason).await?,
        NoticesCommand::Release { notice, break_glass, note } => {
            return decide::release(session, &notice.number, break_glass, &note).await;
        }
        NoticesCommand::Review { notice, note } => decide::review(session, &notice.number, &note).await?,
        NoticesCommand::AcceptWording(notice) => decide::accept_wording(session, &notice.number).await?,
        NoticesCommand::Schedule { notice, at } => decide::schedule(session, &notice.number, &at).await?,
        NoticesCommand::Pause(notice) => pause(session, &notice.number).await?,
        NoticesCommand::Resume(notice) => resume(session, &notice.number).await?,
        NoticesCommand::Cancel(notice) => cancel(session, &notice.number).await?,
        NoticesCommand::Retry(notice) => retry(session, &notice.number).await?,
        NoticesCommand::Correct(arguments) => return correct::run(session, &arguments).await,
        NoticesCommand::Report(arguments) => report(session, &arguments).await?,
        NoticesCommand::Reached(arguments) => reached::run(session, &arguments).await?,
    }
    Ok(Exit::Done)
}

async fn list(session: &Session, format: ListFormat) -> anyhow::Result<()> {
    let format = format.format();
    let store = session.open_store(Purpose::Read).await?;
    let columns = if format == Format::Table { TABLE_COLUMNS } else { CSV_COLUMNS };
    let mut out = out();
    let mut list = ListWriter::new(&mut out, format, columns);
    let incidents = Incidents::read(&store, session.clock.now()).await?;
    let visibilities = store.visibilities().await?;
    for notice in store.notices().await? {
        let mut row = row(session, format, &notice);
        row.push(("visibility", visibilities.get(&notice.id).map(String::as_str).into()));
        row.extend(incidents.cells(notice.id));
        list.row(row)?;
    }
    list.finish()?;
    for review in store.open_reviews().await? {
        say(format_args!(
            "{} was released by {} alone on {} ({}): somebody else looks at it and says so with \"{} notices review \
             {}\"",
            review.number,
            review.by,
            session.local(review.at),
            review.reason,
            program(session),
            review.number
        ));
    }
    Ok(())
}

/// One notice as a line of a list.
fn row(session: &Session, format: Format, notice: &NoticeSummary) -> Row {
    let time = |at| time_cell(session, format, at);
    let maybe = |at: Option<_>| at.map_or(Cell::Nothing, time);
    let mut row = result_cells(notice);
    row.extend([
        ("title", notice.title.as_str().into()),
        ("template", notice.template.as_str().into()),
        ("priority", notice.priority.as_str().into()),
        ("exercise", notice.exercise.into()),
        ("created_at", time(notice.created_at)),
        ("created_by", notice.created_by.as_str().into()),
        ("scheduled_at", maybe(notice.scheduled_at)),
        ("released_at", maybe(notice.released_at)),
        ("expires_at", time(notice.expires_at)),
        ("completed_at", maybe(notice.completed_at)),
        ("recipients", notice.recipients.into()),
        ("supersedes", notice.supersedes.as_deref().into()),
        ("superseded_by", notice.superseded_by.as_deref().into()),
        ("review_open", notice.review_open.into()),
    ]);
    row
}

async fn report(session: &Session, arguments: &ReportArguments) -> anyhow::Result<()> {
    let store = session.open_store(Purpose::Read).await?;
    let notice = find_notice(session, &store, &arguments.notice.number).await?;
    if arguments.call_list {
        let format = if arguments.json { Format::Json } else { arguments.format.unwrap_or_default() };
        let count = write_call_list(&mut out(), &store, &notice, format).await?;
        noted(session, &store, Looked::CallList { notice: &notice.number }, Manner::Read, count).await;
    } else if arguments.json {
        write_text(&mut out(), &format!("{}\n", result_line(&notice)))?;
    } else {
        write_report(&mut out(), session, &store, &notice).await?;
    }
    Ok(())
}

async fn pause(session: &Session, number: &str) -> anyhow::Result<()> {
    let store = open_existing(session).await?;
    let notice = find_notice(session, &store, number).await?;
    steer::pause(&session.open_instance(&store).await?, &session.actor(), &notice.number).await?;
    let waiting = notice.counts().get(DeliveryState::Queued) + notice.recipients - notice.fanned_out;
    let is = if notice.state == NoticeState::Paused { "was paused before" } else { "is paused" };
    say(format_args!(
        "{number} {is}: {} until \"{} notices resume {number}\". What is being handed over at this moment still \
         leaves. It expires at {} all the same.",
        counted(waiting, "delivery waits", "deliveries wait"),
        program(session),
        session.local(notice.expires_at)
    ));
    store.close().await;
    Ok(())
}

async fn resume(session: &Session, number: &str) -> anyhow::Result<()> {
    let store = open_existing(session).await?;
    let notice = find_notice(session, &store, number).await?;
    steer::resume(&session.open_instance(&store).await?, &session.actor(), &notice.number).await?;
    let waiting = notice.counts().get(DeliveryState::Queued) + notice.recipients - notice.fanned_out;
    let waiting = counted(waiting, "delivery goes on", "deliveries go on");
    let how = who_sends(session);
    if notice.state == NoticeState::Sending {
        say(format_args!("{number} was not paused: {waiting}. {how}"));
    } else {
        say(format_args!("{number} is resumed: {waiting}. {how}"));
    }
    store.close().await;
    Ok(())
}

async fn cancel(session: &Session, number: &str) -> anyhow::Result<()> {
    let store = open_existing(session).await?;
    let before = find_notice(session, &store, number).await?;
    steer::cancel(&session.open_instance(&store).await?, &session.actor(), &before.number).await?;
    // No worker may be running: what has not left is ended here and now.
    end_cancelled(&store, before.id).await?;
    let counts = find_notice(session, &store, number).await?.counts();
    if before.state == NoticeState::Cancelled {
        say(format_args!("{number} was cancelled before: nothing was changed."));
        store.close().await;
        return Ok(());
    }
    let stopped = counted(counts.get(DeliveryState::Cancelled), "delivery was", "deliveries were");
    let mut words = vec![format!("{number} is cancelled: {stopped} stopped")];
    let left = counts.got_out();
    if left > 0 {
        words.push(format!("{left} had left before and cannot be taken back"));
    }
    let sending = counts.get(DeliveryState::Sending);
    if sending > 0 {
        let sending = counted(sending, "is", "are");
        words.push(format!("{sending} being handed over at this moment and may still leave"));
    }
    say(words.join(", "));
    store.close().await;
    Ok(())
}

/// Ends here and now what has not left of a cancelled notice.
async fn end_cancelled(store: &Store, notice: NoticeId) -> anyhow::Result<()> {
    while store.fan_out(notice, FAN_OUT_BATCH).await?.is_some() {}
    while store.sweep().await?.is_some() {}
    Ok(())
}

async fn retry(session: &Session, number: &str) -> anyhow::Result<()> {
    let store = open_existing(session).await?;
    let notice = find_notice(session, &store, number).await?;
    let instance = session.open_instance(&store).await?;
    let (retried, expires_at) = steer::retry(&instance, &session.actor(), &notice.number).await?;
    let counts = notice.counts();
    if retried.deliveries == 0 {
        say(format_args!("{number}: nobody is left to send it to again; nothing was changed"));
    } else {
        let count = counted(retried.deliveries as i128, "delivery is", "deliveries are");
        let elsewhere = match retried.readdressed {
            0 => String::new(),
            1 if retried.deliveries == 1 => " to the address that the contact has now".to_owned(),
            1 => " (1 of them to the address that the contact has now)".to_owned(),
            many => format!(" ({many} of them to the addresses that the contacts have now)"),
        };
        say(format_args!(
            "{number}: {count} sent again{elsewhere}, until {}. {}",
            session.local(expires_at),
            who_sends(session)
        ));
    }
    let unwritten = notice.recipients - notice.fanned_out;
    for line in left_out(&program(session), &counts, unwritten, retried.deliveries as i64) {
        say(line);
    }
    store.close().await;
    Ok(())
}

/// Who is not sent a notice again and why, a line each. `retried` of those counted before are; `unwritten` are not
/// counted, because they are still to be made.
fn left_out(program: &str, counts: &Counts, unwritten: i64, retried: i64) -> Vec<String> {
    let not_out =
        [DeliveryState::Failed, DeliveryState::Expired, DeliveryState::Cancelled, DeliveryState::Suppressed];
    // All of these are sent again, unless their address is suppressed now, or nobody has it any more.
    let suppressed = not_out.into_iter().map(|state| counts.get(state)).sum::<i64>() - retried;
    let unclear = counts.get(DeliveryState::Unclear);
    let mut lines = Vec::new();
    if suppressed > 0 {
        let left_out = counted(suppressed, "delivery is", "deliveries are");
        lines.push(format!(
            "{left_out} left out because the address is blocked, or the contact no longer has it: correct it in the \
             contact file and import it, or, if it is right, \"{program} suppressions lift ADDRESS\" ({program} \
             suppressions list), and retry."
        ));
    }
    if unclear > 0 {
        let left_out = counted(unclear, "unclear delivery is", "unclear deliveries are");
        let them = if unclear == 1 { "it" } else { "them" };
        lines
            .push(format!("{left_out} left out: decide about {them} with \"{program} deliveries resolve\"."));
    }
    if retried == 0 && counts.open() > 0 {
        let waiting = counted(counts.open(), "delivery still waits", "deliveries still wait");
        lines.push(format!("{waiting} and will go out by itself: \"{program} notices report\" shows when."));
    }
    if unwritten > 0 {
        let more = counted(unwritten, "more delivery is", "more deliveries are");
        lines.push(format!("{more} still to be written: a running service or worker goes on by itself."));
    }
    if retried == 0 && unwritten == 0 && counts.got_out() == counts.total() {
        lines.push(format!("All {} got out.", counted(counts.total(), "delivery", "deliveries")));
    }
    lines
}

fn who_sends(session: &Session) -> String {
    format!("A running service sends them; if there is none: {} worker --drain", program(session))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_written_yet_is_not_said_to_have_got_out() {
        let mut counts = Counts::default();
        let lines = left_out("rundruf", &counts, 2, 0);
        assert_eq!(lines.len(), 1);
        assert!(lines[0].contains("2 more deliveries are still to be written"), "{lines:?}");
        counts.add(DeliveryState::Sent, 2);
        assert_eq!(left_out("rundruf", &counts, 0, 0), ["All 2 deliveries got out."]);
    }
}
