//! From a claimed delivery to a message: the notice's frozen words, filled for one recipient.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::channels::email::{Before, Feedback, Mail, OutgoingEmail};
use crate::channels::sms::OutgoingSms;
use crate::channels::webhook::{Bodies, OutgoingWebhook, Publication};
use crate::domain::address::Channel;
use crate::domain::clock::Timestamp;
use crate::domain::ids::NoticeId;
use crate::domain::notice::Visibility;
use crate::domain::outcome::Reason;
use crate::domain::seal::SealPurpose;
use crate::domain::settings::Instance;
use crate::domain::template::Values;
use crate::store::{Claimed, IncidentLink, Notice, Store, StoreError};
use crate::templates::{Compiled, FrozenTemplate, IncidentFacts, NoticeFacts, Prepared, Reader, RenderFault};

use super::Running;
use super::message::Message;

/// One notice, ready to be filled for any number of recipients.
#[derive(Debug)]
pub struct Words {
    number: String,
    code: String,
    url: String,
    title: String,
    visibility: Visibility,
    exercise: bool,
    supersedes: Option<String>,
    template: String,
    date: Timestamp,
    incident: Option<IncidentLink>,
    prepared: Result<Prepared, String>,
}

/// What the messages composed last have in common with the next.
#[derive(Debug, Default)]
pub struct Composed {
    mail: Before,
    bodies: Bodies,
}

/// The notices that deliveries are being claimed of.
#[derive(Debug, Default)]
pub struct Wording {
    known: HashMap<NoticeId, Arc<Words>>,
}

/// How many notices are kept ready. More than are ever sent at once.
const KEPT: usize = 64;

impl Wording {
    /// The words of `notice`, from memory or from the store.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn of(
        &mut self,
        store: &Store,
        instance: &Instance,
        notice: NoticeId,
    ) -> Result<Arc<Words>, StoreError> {
        if let Some(words) = self.known.get(&notice) {
            return Ok(words.clone());
        }
        let Some(frozen) = store.notice(notice).await? else {
            return Err(StoreError::Damaged(format!(
                "deliveries belong to notice {notice}, which is not there"
            )));
        };
        let request = store.request_of(notice).await?;
        tracing::info!(target: "rundruf::dispatch", %notice, number = frozen.number, request, "is being sent");
        let incident = store.notice_incident(notice).await?;
        let words = Arc::new(Words::new(&frozen, incident, instance));
        if self.known.len() >= KEPT {
            self.known.clear();
        }
        self.known.insert(notice, words.clone());
        Ok(words)
    }
}

impl Words {
    fn new(notice: &Notice, incident: Option<IncidentLink>, instance: &Instance) -> Self {
        Self {
            number: notice.number.clone(),
            code: notice.code.clone(),
            url: instance.notice_url(&notice.number),
            title: notice.title.clone(),
            visibility: notice.visibility,
            exercise: notice.exercise,
            supersedes: notice.supersedes.clone(),
            template: notice.template.clone(),
            date: notice.released_at.unwrap_or(notice.created_at),
            prepared: prepare(notice, incident.as_ref(), instance),
            incident,
        }
    }

    /// The message for one recipient by `channel`; `before` knows the last of this notice.
    ///
    /// # Errors
    /// Why there is none: the frozen template cannot be filled. Checks before the release make that improbable.
    pub fn message(
        &self,
        channel: Channel,
        running: &Running,
        claimed: &Claimed,
        before: &mut Composed,
        now: Timestamp,
    ) -> Result<Message, Reason> {
        let prepared = self.prepared.as_ref().map_err(|error| fault(error.clone()))?;
        match channel {
            Channel::Email => self.email(prepared, running, claimed, &mut before.mail).map(Message::Email),
            Channel::Sms => sms(prepared, running, claimed, now).map(Message::Sms),
            Channel::Webhook => self.webhook(prepared, claimed, &mut before.bodies).map(Message::Webhook),
        }
    }

    fn webhook(
        &self,
        prepared: &Prepared,
        claimed: &Claimed,
        bodies: &mut Bodies,
    ) -> Result<OutgoingWebhook, Reason> {
        let words = |error: RenderFault| fault(error.to_string());
        let text = prepared.render_webhook_text(&claimed.card).map_err(words)?;
        let own = prepared.render_webhook(&claimed.card).map_err(words)?;
        let endpoint = claimed.endpoint.as_ref().ok_or_else(|| {
            fault("the contact has no such endpoint any more: import its file, and send again".to_owned())
        })?;
        let incident = self.incident.as_ref();
        let services: Vec<&str> =
            incident.iter().flat_map(|incident| &incident.services).map(String::as_str).collect();
        let publication = Publication {
            published_at: self.date,
            number: &self.number,
            code: &self.code,
            url: &self.url,
            title: &self.title,
            text: &text,
            language: prepared.webhook_language(&claimed.card),
            incident: incident.map(|incident| incident.key.as_str()),
            phase: incident.map(|incident| incident.phase),
            services: &services,
            visibility: self.visibility,
            exercise: self.exercise,
            next_update_at: incident.and_then(|incident| incident.next_update_at),
            expires_at: claimed.expires_at,
            supersedes: self.supersedes.as_deref(),
            contact: &claimed.card.id,
            own: own.as_ref(),
        };
        Ok(OutgoingWebhook {
            delivery: claimed.delivery,
            url: claimed.address.parse().map_err(fault)?,
            secret: endpoint.secret.clone(),
            body: bodies.body(endpoint.format, &publication).into(),
        })
    }

    fn email(
        &self,
        prepared: &Prepared,
        running: &Running,
        claimed: &Claimed,
        before: &mut Before,
    ) -> Result<Mail, Reason> {
        let confirm_url = confirm_url(prepared, running, claimed);
        let reader = Reader { contact: &claimed.card, confirm_url: confirm_url.as_deref() };
        let content = prepared.render_email(reader).map_err(|error| fault(error.to_string()))?;
        let to = claimed.address.parse().map_err(fault)?;
        let thread = self.incident.as_ref().filter(|incident| incident.reminder.is_none());
        let references: Vec<String> =
            thread.map(|incident| running.composer.thread_id(incident.incident)).into_iter().collect();
        let email = OutgoingEmail {
            delivery: claimed.delivery,
            round: claimed.round,
            to: &to,
            to_name: &claimed.card.name,
            content: &content,
            date: self.date,
            references: &references,
            feedback: Feedback { campaign: &self.number, group: &self.template },
            list_unsubscribe: None,
        };
        running.composer.compose_after(&email, before).map_err(|error| fault(error.to_string()))
    }
}

fn sms(
    prepared: &Prepared,
    running: &Running,
    claimed: &Claimed,
    now: Timestamp,
) -> Result<OutgoingSms, Reason> {
    let transliterate = running.settings.sms.transliterate;
    let confirm_url = confirm_url(prepared, running, claimed);
    let reader = Reader { contact: &claimed.card, confirm_url: confirm_url.as_deref() };
    Ok(OutgoingSms {
        delivery: claimed.delivery,
        name: running.seal.name(SealPurpose::SmsReport, claimed.delivery, claimed.round),
        to: claimed.address.parse().map_err(fault)?,
        content: prepared.sms_content(reader, transliterate).map_err(|error| fault(error.to_string()))?,
        valid_for: Duration::from_millis(u64::try_from(claimed.expires_at.0 - now.0).unwrap_or(0)),
    })
}

/// Where the recipient of this delivery confirms, if it has to be confirmed.
fn confirm_url(prepared: &Prepared, running: &Running, claimed: &Claimed) -> Option<String> {
    let alarm = prepared.compiled().spec().alarm;
    alarm.then(|| {
        let token = running.seal.acknowledgement_token(claimed.delivery);
        running.settings.instance.confirm_url(&token)
    })
}

fn fault(text: String) -> Reason {
    Reason::new("wording", text)
}

/// Fills a frozen notice with everything but the contact.
fn prepare(
    notice: &Notice,
    incident: Option<&IncidentLink>,
    instance: &Instance,
) -> Result<Prepared, String> {
    let template: FrozenTemplate =
        serde_json::from_value(notice.content.clone()).map_err(|error| error.to_string())?;
    let values: Values =
        serde_json::from_value(notice.variables.clone()).map_err(|error| error.to_string())?;
    let compiled = Compiled::new(&template)
        .map_err(|findings| findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
    let facts = NoticeFacts {
        number: notice.number.clone(),
        code: notice.code.clone(),
        url: instance.notice_url(&notice.number),
        expires_at: notice.expires_at,
        exercise: notice.exercise,
        incident: incident.map(|incident| IncidentFacts {
            title: incident.title.clone(),
            phase: incident.phase,
            next_update_at: incident.next_update_at,
        }),
    };
    Prepared::new(Arc::new(compiled), &values, instance, &facts).map_err(|error| error.to_string())
}
