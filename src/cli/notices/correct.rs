//! `notices correct`

use anyhow::Context;

use crate::app::cascade::confirmation_fault;
use crate::app::compose::Wish;
use crate::app::incidents::link::IncidentWish;
use crate::app::notices::correct::{self, Correction, left_out};
use crate::domain::audience::Audience;
use crate::domain::ids::NoticeId;
use crate::domain::notice::NoticeState;
use crate::store::{NoticeSummary, Store};

use crate::cli::arguments::CorrectArguments;
use crate::cli::lookup::{find_notice, open_existing};
use crate::cli::output::{counted, program, short_hash};
use crate::cli::report::send_to;
use crate::cli::send::{confirm, incident, plan, refuse_findings};
use crate::cli::session::{Exit, Session, say};
use crate::cli::values::read_values;

use super::who_sends;

/// Shows what the correction would mean, asks, and submits it.
pub(super) async fn run(session: &Session, arguments: &CorrectArguments) -> anyhow::Result<Exit> {
    let store = open_existing(session).await?;
    let notice = find_notice(session, &store, &arguments.notice.number).await?;
    let number = &notice.number;
    let instance = session.open_instance(&store).await?;
    let wish = Wish {
        values: read_values(&arguments.values, arguments.vars.as_deref())?,
        channels: arguments.channel.clone(),
        priority: arguments.priority,
        incident: promised(session, &store, &notice, arguments.next_update.as_deref()).await?,
        accept_wording: arguments.accept_wording,
        ..Wish::new(&arguments.template, Audience::default())
    };
    let (old, draft) = correct::draft(&instance, number, wish).await?;
    plan::show(session, &draft);
    say(format_args!(
        "  It corrects {number}: it goes to those who got that, or may have; the rest of {number} stays here."
    ));
    say_who_gets_neither(session, &store, old.id).await?;
    refuse_findings(&draft, arguments.accept_findings)?;
    if arguments.dry_run {
        say("This was a dry run: nothing was written down, nothing was sent and nothing was cancelled.");
        return Ok(Exit::Done);
    }
    if let Some(fault) = confirmation_fault(&draft.template.spec, &session.settings.instance) {
        anyhow::bail!("nothing was sent: {fault}");
    }
    if !arguments.yes && !confirm(session, &draft)? {
        say("Nothing was sent.");
        return Ok(Exit::Refused);
    }
    let done = correct::correct(&instance, &session.actor(), &old, &draft).await?;
    if done.old == NoticeState::Cancelled {
        super::end_cancelled(&store, old.id).await?;
    }
    let exit = say_result(session, number, &done);
    say_who_gets_neither(session, &store, old.id).await?;
    store.close().await;
    Ok(exit)
}

/// What correcting `number` has done, and who does the rest.
fn say_result(session: &Session, number: &str, done: &Correction) -> Exit {
    let new = &done.submitted;
    let to = counted(done.people as i128, "contact", "contacts");
    say(format_args!(
        "{} corrects {number}, for {to} who got it or may have got it. {number} is {}.",
        new.number, done.old
    ));
    if new.state != NoticeState::Pending {
        say(who_sends(session));
        return Exit::Done;
    }
    say(format_args!(
        "{} waits for a second person ({}): {} notices approve {} --hash {}",
        new.number,
        new.second_person,
        program(session),
        new.number,
        short_hash(&new.hash)
    ));
    Exit::Incomplete
}

/// The incident of the notice that is corrected, with the `next_update` that is promised for it; `None`: nothing is.
async fn promised(
    session: &Session,
    store: &Store,
    notice: &NoticeSummary,
    next_update: Option<&str>,
) -> anyhow::Result<Option<IncidentWish>> {
    if next_update.is_none() {
        return Ok(None);
    }
    let link = store.notice_incident(notice.id).await?;
    let link = link.with_context(|| {
        format!("--next-update: {} belongs to no incident, whose clock would watch it", notice.number)
    })?;
    incident::read(session, link.key.as_str(), next_update, None).map(Some)
}

/// Says who gets neither the old notice nor its correction, and what to do for them; nothing if that is nobody.
async fn say_who_gets_neither(session: &Session, store: &Store, old: NoticeId) -> anyhow::Result<()> {
    let people = left_out(store, old).await?;
    if people.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = people.iter().map(|person| format!("{} ({})", person.name, person.id)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let get = counted(people.len() as i128, "contact gets", "contacts get");
    say(format_args!("! {get} neither: {}", plan::list(&names)));
    say(format_args!("  → tell them what is right: {} {}", program(session), send_to(&people)));
    Ok(())
}
