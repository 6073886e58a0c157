//! `notices reached`: what a person with a telephone found out goes back in.

use anyhow::bail;

use crate::app::reached::reached_by_hand;
use crate::cli::arguments::ReachedArguments;
use crate::cli::lookup::{find_notice, open_existing};
use crate::cli::output::{counted, program};
use crate::cli::report::{People, by_what};
use crate::cli::session::{Session, say};
use crate::domain::nearest::hint;
use crate::store::{NoticePerson, NoticeSummary, ReachedByHand};

/// Writes down that a contact knows, and says what that did.
pub(super) async fn run(session: &Session, arguments: &ReachedArguments) -> anyhow::Result<()> {
    let store = open_existing(session).await?;
    let notice = find_notice(session, &store, &arguments.notice.number).await?;
    let Some(contact) = store.person_of_notice(notice.id, &arguments.contact).await? else {
        let people = store.notice_people(notice.id).await?;
        bail!(not_addressed(session, &notice, &arguments.contact, &people));
    };
    let instance = session.open_instance(&store).await?;
    let by = arguments.by.as_str();
    let reached = reached_by_hand(&instance, &session.actor(), &notice, contact, by, &arguments.note).await?;
    say(words(&notice, arguments, &reached));
    let people = People::read(&store, &notice).await?;
    say(people.headline());
    store.close().await;
    Ok(())
}

fn not_addressed(session: &Session, notice: &NoticeSummary, id: &str, people: &[NoticePerson]) -> String {
    let shown: String = id.chars().take(60).flat_map(char::escape_debug).collect();
    if people.is_empty() {
        return format!(
            "notice {} was written before people were followed: nothing can be written down for \"{shown}\"",
            notice.number
        );
    }
    let hint = hint(id, people.iter().map(|person| person.person.id.as_str()));
    format!(
        "notice {} was not for a contact \"{shown}\"{hint}; \"{} notices report {} --call-list\" shows who has not \
         been reached (nothing was changed)",
        notice.number,
        program(session),
        notice.number
    )
}

fn words(notice: &NoticeSummary, arguments: &ReachedArguments, reached: &ReachedByHand) -> String {
    let (number, contact) = (&notice.number, &arguments.contact);
    if let Some(before) = &reached.before {
        let by = if before.recorded_by.is_empty() {
            String::new()
        } else {
            format!(", written down by {}", before.recorded_by)
        };
        // When is nobody's business: there is no list of who answered how fast.
        return format!(
            "{number}: {contact} was reached before, {}{by}; nothing was changed.",
            by_what(&before.by_what)
        );
    }
    let mut words = vec![format!(
        "{number}: {contact} counts as reached {}, and nothing more follows for it.",
        by_what(arguments.by.as_str())
    )];
    if reached.cancelled > 0 {
        let stopped = counted(
            reached.cancelled as i128,
            "delivery that waited for it alone is",
            "deliveries that waited for it alone are",
        );
        words.push(format!("{stopped} stopped."));
    }
    if reached.still_open > 0 {
        let open = counted(reached.still_open, "delivery still leaves", "deliveries still leave");
        words.push(format!("{open}: others share it, or it is on its way."));
    }
    words.join(" ")
}
