//! The crisis staff is told when a promised update or a deadline is near, and when it has passed.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::app::compose::{ComposeError, Wish, compose};
use crate::app::instance::Instance;
use crate::app::release::submit_alone;
use crate::domain::actor::Actor;
use crate::domain::address::Channel;
use crate::domain::audience::Audience;
use crate::domain::clock::Timestamp;
use crate::domain::incident::{DueDeadline, Incident, Reminder, ReminderKind};
use crate::domain::key::IncidentKey;
use crate::domain::notice::Priority;
use crate::domain::settings::Settings;
use crate::store::StoreError;
use crate::templates::load_template;

use super::link::{IncidentWish, is_given_already};

/// The template by which they are told.
pub const TEMPLATE: &str = "erinnerung-stab";

/// Who is told: those who speak for the organisation, never everybody.
pub const GROUP: &str = "crisis-staff";

/// Who submits these notices.
const OPERATOR: &str = "rundruf";

/// How long a reminder is worth sending.
const EXPIRES_AFTER: Duration = Duration::from_secs(4 * 3_600);

/// A reminder that is on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reminded {
    /// Of which incident.
    pub incident: IncidentKey,
    /// Of what.
    pub reminder: Reminder,
    /// By which notice.
    pub notice: String,
}

impl fmt::Display for Reminded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.reminder.kind {
            ReminderKind::UpdateSoon => "the promised update is near".to_owned(),
            ReminderKind::UpdateOverdue => "the promised update is overdue".to_owned(),
            ReminderKind::DeadlineSoon(kind) => format!("the deadline {kind} is near"),
            ReminderKind::DeadlineMissed(kind) => format!("the deadline {kind} has passed"),
        };
        write!(f, "{}: {what}; {GROUP} is told by notice {}", self.incident, self.notice)
    }
}

/// Of what the crisis staff must be told at `now`, whether or not it has been.
pub fn due(incident: &Incident, settings: &Settings, now: Timestamp) -> Vec<Reminder> {
    let update = incident.next_update_at.filter(|_| incident.is_open());
    let update = update.and_then(|at| Reminder::of_update(at, now));
    let deadlines = DueDeadline::all(&incident.deadlines, incident.known_at, &settings.instance.timezone);
    update.into_iter().chain(deadlines.iter().filter_map(|due| due.reminder(now))).collect()
}

/// Submits what the group [`GROUP`] must be told and has not been told, as notices of their own from the template
/// [`TEMPLATE`], by e-mail and SMS. Reminder and notice are written down in one step, so that each is given once,
/// however many processes look and whenever they end. They wait for no second person: nobody may be there to give it.
/// What cannot be composed is said in the log, and tried again the next time.
///
/// # Errors
/// When the store cannot be read or written; what was not done by then is done the next time.
pub async fn remind_crisis_staff(instance: &Instance) -> Result<Vec<Reminded>, StoreError> {
    let Instance { store, ids, checked, .. } = instance;
    let (settings, now) = (&*instance.settings(), instance.now());
    let actor = Actor::program(OPERATOR);
    // A restored instance does not know what was done after its backup was made: what was due by then is stale.
    let restored_at = store.restored_at().await?;
    let mut reminded = Vec::new();
    for incident in store.incidents().await? {
        let mut due = due(&incident, settings, now);
        due.retain(|reminder| restored_at.is_none_or(|restored_at| reminder.due_at > restored_at));
        if due.is_empty() {
            continue;
        }
        let given = store.reminders_given(incident.id).await?;
        for reminder in due.into_iter().filter(|reminder| !given.contains(reminder)) {
            let composed = match wish(&incident, reminder, settings) {
                Ok(wish) => compose(wish, settings, checked, store, ids, now).await,
                Err(error) => Err(error),
            };
            let draft = match composed {
                Ok(draft) => draft,
                Err(ComposeError::Store(error)) => return Err(error),
                Err(error) => {
                    tracing::error!(
                        incident = incident.key.as_str(),
                        "{GROUP} cannot be reminded: {error}: tell them by telephone"
                    );
                    continue;
                }
            };
            match submit_alone(instance, &actor, &draft).await {
                Ok(submitted) => reminded.push(Reminded {
                    incident: incident.key.clone(),
                    reminder,
                    notice: submitted.number,
                }),
                // Another process was quicker.
                Err(error) if is_given_already(&error) => {}
                Err(error) => return Err(error.into_store_error()),
            }
        }
    }
    Ok(reminded)
}

fn wish(incident: &Incident, reminder: Reminder, settings: &Settings) -> Result<Wish, ComposeError> {
    let template = load_template(&settings.instance.templates, TEMPLATE)?;
    let channels: Vec<Channel> = settings
        .default_channels()
        .into_iter()
        .filter(|channel| *channel != Channel::Webhook && !template.languages(*channel).is_empty())
        .collect();
    let (occasion, deadline) = match reminder.kind {
        ReminderKind::UpdateSoon => ("bald", None),
        ReminderKind::UpdateOverdue => ("ueberfaellig", None),
        ReminderKind::DeadlineSoon(kind) => ("frist-nah", Some(kind)),
        ReminderKind::DeadlineMissed(kind) => ("frist-versaeumt", Some(kind)),
    };
    let mut values = BTreeMap::from([
        ("anlass".to_owned(), occasion.to_owned()),
        ("zeitpunkt".to_owned(), reminder.due_at.to_string()),
    ]);
    values.extend(deadline.map(|kind| ("frist".to_owned(), kind.to_string())));
    Ok(Wish {
        values,
        channels,
        priority: Priority::Urgent,
        exercise: incident.exercise,
        expires_after: Some(EXPIRES_AFTER),
        incident: Some(IncidentWish {
            key: incident.key.to_string(),
            next_update: None,
            reminder: Some(reminder),
        }),
        ..Wish::new(TEMPLATE, Audience { groups: vec![GROUP.to_owned()], ..Audience::default() })
    })
}
