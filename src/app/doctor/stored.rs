//! The store and what it holds: contacts, what waits, what is held.

use std::time::Duration;

use crate::domain::address::Channel;
use crate::domain::clock::Timestamp;
use crate::domain::contact::KnownContact;
use crate::domain::count::{counted, listed};
use crate::domain::delivery::DeliveryState;
use crate::domain::duration::format_duration;
use crate::domain::grounds::hints;
use crate::domain::notice::NoticeState;
use crate::store::{Store, StoreError};

use super::{Examination, Finding};

/// How far behind the store's newest time a clock may be.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);

/// How many are named before the rest is only counted.
const MOST_NAMES: usize = 10;

/// Everything that the store tells.
///
/// # Errors
/// When it fails while it is being looked at.
pub(super) async fn findings(examination: &Examination, store: &Store) -> Result<Vec<Finding>, StoreError> {
    let mut lines = Vec::new();
    lines.push(writable(store).await);
    lines.extend(clock(examination, store).await?);
    let known = store.contacts().await?;
    lines.extend(contacts(examination, &known));
    lines.extend(super::endpoints::lines(examination, store, &known).await?);
    lines.extend(super::partners::lines(examination, store).await?);
    lines.extend(super::control::lines(examination, store).await?);
    lines.extend(reviews(examination, store).await?);
    lines.extend(super::incidents::lines(examination, store).await?);
    lines.extend(waiting(examination, store).await?);
    lines.extend(holds(examination, store).await?);
    lines.extend(dead_domains(examination, store).await?);
    lines.extend(callbacks(examination, store).await?);
    lines.extend(super::keeping::backup(examination, store).await?);
    Ok(lines)
}

/// Whether the store can be written: by the tidying that every running service does each minute.
async fn writable(store: &Store) -> Finding {
    let kind = if store.is_embedded() { "SQLite" } else { "PostgreSQL" };
    match store.forget_idle_lanes(Channel::Email).await {
        Ok(()) => Finding::good("store", format!("{kind}, can be read and written")),
        Err(error) => Finding::broken(
            "store",
            format!("it can be read but not written: {error}"),
            "nothing can be sent",
        ),
    }
}

async fn clock(examination: &Examination, store: &Store) -> Result<Option<Finding>, StoreError> {
    let now = examination.clock.now();
    let newest = store.newest_time().await?;
    Ok(newest.filter(|newest| newest.minus(CLOCK_TOLERANCE) > now).map(|newest| {
        Finding::broken(
            "clock",
            format!(
                "it is {} behind what was last written to the store ({})",
                format_duration(newest.since(now)),
                examination.local(newest)
            ),
            "set this machine's clock (timedatectl), or wait: what is due and what has expired is decided by it",
        )
    }))
}

fn contacts(examination: &Examination, contacts: &[KnownContact]) -> Vec<Finding> {
    if contacts.is_empty() {
        return vec![Finding::warning(
            "contacts",
            "there are none: nobody could be told anything",
            format!("\"{} contacts import\" takes the files over", examination.program),
        )];
    }
    let mut lines = vec![Finding::good("contacts", counted(contacts.len() as i128, "contact", "contacts"))];
    let with = |count: usize| -> Vec<&str> {
        let found = contacts.iter().filter(|known| known.contact.points.len() == count);
        found.map(|known| known.contact.id.as_str()).collect()
    };
    let (unreachable, single) = (with(0), with(1));
    if !unreachable.is_empty() {
        lines.push(Finding::warning(
            "contacts",
            format!("{} no address at all: {}", count_have(unreachable.len()), named(&unreachable)),
            "add an e-mail address or a telephone number to their rows and import the files",
        ));
    }
    let today = examination.clock.now().in_zone(&examination.settings.instance.timezone).date();
    let to_look_at: Vec<&str> = contacts
        .iter()
        .filter(|known| !hints(&known.contact, today).is_empty())
        .map(|known| known.contact.id.as_str())
        .collect();
    if !to_look_at.is_empty() {
        lines.push(Finding::warning(
            "contacts",
            format!(
                "{} private addresses without purpose or legal basis, or past their review: {}",
                count_have(to_look_at.len()),
                named(&to_look_at)
            ),
            format!("\"{} contacts check\" says which and why", examination.program),
        ));
    }
    if !single.is_empty() {
        lines.push(Finding::warning(
            "contacts",
            format!("{} only one address: {}", count_have(single.len()), named(&single)),
            "add a second way to reach them: in a crisis the first may be down",
        ));
    }
    lines
}

/// Notices that one person released alone and nobody has looked at.
async fn reviews(examination: &Examination, store: &Store) -> Result<Vec<Finding>, StoreError> {
    let open = store.open_reviews().await?;
    let line = |review: crate::store::OpenReview| {
        Finding::warning(
            "approval",
            format!(
                "{} was released by {} alone on {} ({}), and nobody has looked at it",
                review.number,
                review.by,
                examination.local(review.at),
                review.reason
            ),
            format!("somebody else: \"{} notices review {}\"", examination.program, review.number),
        )
    };
    Ok(open.into_iter().map(line).collect())
}

fn count_have(count: usize) -> String {
    counted(count as i128, "contact has", "contacts have")
}

fn named(names: &[&str]) -> String {
    listed(names, MOST_NAMES)
}

pub(super) fn named_all(names: &[String]) -> String {
    named(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Deliveries that wait for a person or for somebody to send them.
async fn waiting(examination: &Examination, store: &Store) -> Result<Vec<Finding>, StoreError> {
    let program = &examination.program;
    let mut unclear = 0;
    let mut open = 0;
    let mut paused: Vec<String> = Vec::new();
    for notice in store.notices().await? {
        let counts = notice.counts();
        unclear += counts.get(DeliveryState::Unclear);
        if notice.state == NoticeState::Sending {
            open += counts.open() + notice.recipients - notice.fanned_out;
        }
        if notice.state == NoticeState::Paused {
            paused.push(notice.number);
        }
    }
    let mut lines = Vec::new();
    if unclear > 0 {
        lines.push(Finding::warning(
            "deliveries",
            format!(
                "{} for a person to decide",
                counted(unclear, "unclear delivery waits", "unclear deliveries wait")
            ),
            format!("{program} deliveries list --state unclear, then {program} deliveries resolve"),
        ));
    }
    if open > 0 {
        lines.push(Finding::warning(
            "deliveries",
            format!("{} to be sent", counted(open, "delivery waits", "deliveries wait")),
            format!("a running service sends them; if there is none: {program} worker --drain"),
        ));
    }
    if !paused.is_empty() {
        lines.push(Finding::warning(
            "notices",
            format!("paused: {}", paused.join(", ")),
            format!(
                "{program} notices resume NOTICE lets one go on, {program} notices cancel NOTICE ends it"
            ),
        ));
    }
    Ok(lines)
}

/// Providers and destinations that nothing leaves by for now.
async fn holds(examination: &Examination, store: &Store) -> Result<Vec<Finding>, StoreError> {
    let mut lines = Vec::new();
    for channel in Channel::ALL {
        for hold in store.holds(channel).await? {
            let until: Timestamp = hold.not_before;
            lines.push(Finding::warning(
                hold.lane.replacen(':', " ", 1),
                format!("held until {}: {}", examination.local(until), hold.reason),
                "it is tried again by itself; mend what the reason says",
            ));
        }
    }
    Ok(lines)
}

/// Mail domains that are down, and what waits for them.
async fn dead_domains(examination: &Examination, store: &Store) -> Result<Option<Finding>, StoreError> {
    let dead = store.dead_domains().await?;
    if dead.is_empty() {
        return Ok(None);
    }
    let held = store.waiting_for_domains(None).await?;
    let down: Vec<String> = dead
        .iter()
        .map(|dead| match held.get(&dead.domain) {
            Some(count) => format!("{} ({} held)", dead.domain, counted(*count, "delivery", "deliveries")),
            None => dead.domain.clone(),
        })
        .collect();
    Ok(Some(Finding::warning(
        "mail domains",
        format!("down: {}", named_all(&down)),
        format!(
            "when one is up again: {0} domains up DOMAIN, or take it out of [email] unreachable_domains ({0} domains \
             list says which)",
            examination.program
        ),
    )))
}

/// Callbacks that somebody made who does not know our key.
async fn callbacks(examination: &Examination, store: &Store) -> Result<Vec<Finding>, StoreError> {
    let forged = store.callback_counts().await?.into_iter().filter(|count| count.verdict == "forged");
    Ok(forged
        .map(|count| {
            Finding::warning(
                format!("callbacks of {}", count.source),
                format!(
                    "{} counted as forged, the last at {}; nothing was changed by them",
                    counted(count.count, "was", "were"),
                    examination.local(Timestamp(count.last_at))
                ),
                "if they are the gateway's own: its secret, or the store with the key that signed them, was exchanged",
            )
        })
        .collect())
}
