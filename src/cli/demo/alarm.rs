//! The alarm of the crisis staff: a text message first, then the next way of whoever does not confirm.

use std::fmt::Write as _;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::cli::report::{People, in_words};
use crate::cli::session::Session;
use crate::domain::address::Channel;
use crate::store::{NoticePerson, NoticeSummary, Store};

use super::first_notices::alarm_wish;
use super::sending::{Outcome, deliveries_of, outcome, submit_wish};
use super::service::Service;
use super::tell;

/// How long each way has, in the demo.
pub(super) const AFTER: Duration = Duration::from_secs(4);

/// Whom it is for.
pub(super) const GROUP: &str = "crisis-staff";

/// Who does not confirm.
pub(super) const ABSENT: [&str; 2] = ["forensik-nordlicht", "kse-s-groenefeld"];

/// The alarm and what became of it so far.
pub(super) struct Alarm {
    pub(super) outcome: Outcome,
    pub(super) people: Vec<NoticePerson>,
}

/// Sends it, until everybody has confirmed but those who do not, and these have been tried by their next way.
///
/// # Errors
/// What keeps it from being sent.
pub(super) async fn send(
    session: &Session,
    store: &Store,
    service: &mut Service,
    stopped: &CancellationToken,
) -> anyhow::Result<Alarm> {
    let wish = alarm_wish(session.clock.now(), &session.settings.instance.timezone, AFTER);
    let submitted = submit_wish(session, store, wish, GROUP).await?;
    let is_done = async |notice: &NoticeSummary| has_settled(store, notice).await;
    service.follow(session, store, &submitted, stopped, is_done).await?;
    let outcome = outcome(store, GROUP, &submitted).await?;
    tell(format_args!("Notice {}: {}", outcome.notice.number, followed(store, &outcome.notice).await?))?;
    let people = store.notice_people(outcome.notice.id).await?;
    Ok(Alarm { outcome, people })
}

async fn has_settled(store: &Store, notice: &NoticeSummary) -> anyhow::Result<bool> {
    let people = store.notice_people(notice.id).await?;
    let is_absent = |id: &str| ABSENT.contains(&id);
    if people.iter().any(|person| person.acknowledged.is_none() && !is_absent(&person.person.id)) {
        return Ok(false);
    }
    let deliveries = deliveries_of(store, &notice.number).await?;
    Ok(ABSENT.iter().all(|absent| {
        deliveries.iter().any(|delivery| {
            delivery.contact == *absent
                && delivery.channel == Channel::Email.as_str()
                && delivery.state == "sent"
        })
    }))
}

/// How many have confirmed, and whom a further way followed.
async fn followed(store: &Store, notice: &NoticeSummary) -> anyhow::Result<String> {
    let mut text = format!("{}\n\nThe next way followed for", People::read(store, notice).await?.headline());
    for person in store.notice_people(notice.id).await? {
        let steps = store.cascade_steps(notice.id, &person.person.id).await?;
        let later = steps.iter().filter(|step| step.step > 1 && step.fired_at.is_some());
        for step in later {
            let name = &person.person.name;
            let to = if step.by_deputy == 0 { "" } else { " to the deputy" };
            let way = step.channel.parse().ok().map_or("", in_words);
            let why = step.fired_by.as_deref().unwrap_or_default();
            write!(text, "\n  {name}: {way}{to}, because: {why}")?;
            if person.acknowledged.is_some() {
                text.push_str("; confirmed");
            }
        }
    }
    Ok(text)
}
