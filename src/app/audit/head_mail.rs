//! The mail by which a mailbox elsewhere is told the head of the audit log.

use std::time::Duration;

use crate::channels::email::dkim::Signer;
use crate::channels::email::{
    Composer, Connector, Feed, Feedback, Limits, Mail, OutgoingEmail, SessionEnd, outbox, session,
};
use crate::domain::address::EmailAddress;
use crate::domain::audit::KeptHead;
use crate::domain::ids::DeliveryId;
use crate::domain::message::EmailContent;
use crate::domain::outcome::{Outcome, Reason};
use crate::domain::settings::{EmailTransport, Settings};

use crate::app::instance::Instance;

/// How long each step to a relay may take: nobody waits for this mail.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends `head` to `to`, by the first provider that takes it. It belongs to no notice.
///
/// # Errors
/// What the last provider said.
pub(super) async fn send(instance: &Instance, to: &EmailAddress, head: &KeptHead) -> Result<(), String> {
    let settings = instance.settings();
    let mail = compose(instance, &settings, to, head)?;
    let mut last = "no [[email.provider]] is configured".to_owned();
    for provider in &settings.email.providers {
        match hand_over(&provider.transport, mail.clone()).await {
            Ok(()) => return Ok(()),
            Err(reason) => last = format!("{}: {}", provider.name, reason.text),
        }
    }
    Err(last)
}

fn compose(
    instance: &Instance,
    settings: &Settings,
    to: &EmailAddress,
    head: &KeptHead,
) -> Result<Mail, String> {
    let signers: Vec<Signer> = settings
        .email
        .dkim
        .iter()
        .map(Signer::load)
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    let name = &settings.instance.short_name;
    let composer = Composer::new(&settings.email, name, instance.seal.clone(), signers);
    let text = words(&settings.instance.name, head);
    let content = EmailContent {
        subject: format!("{name}: audit log {} {}", head.head.sequence, &head.head.hash[..16]),
        html: format!("<!DOCTYPE html><html lang=\"en\"><body><pre>{text}</pre></body></html>"),
        text,
        language: "en".to_owned(),
    };
    let mail = composer.compose(&OutgoingEmail {
        delivery: DeliveryId(instance.ids.next()),
        round: 1,
        to,
        to_name: "",
        content: &content,
        date: head.at,
        references: &[],
        feedback: Feedback { campaign: "audit-head", group: "audit" },
        list_unsubscribe: None,
    });
    mail.map_err(|error| error.to_string())
}

/// No word in it needs escaping in HTML but the organisation's name.
fn words(organisation: &str, head: &KeptHead) -> String {
    let organisation: String = organisation.chars().filter(|c| !matches!(c, '<' | '>' | '&')).collect();
    format!(
        "The end of the audit log of {organisation}. Keep this mail where its administrators cannot reach it.\n\n\
         {head}\n\n\
         To compare: rundruf audit verify --head {}:{}\n",
        head.head.sequence, head.head.hash
    )
}

async fn hand_over(transport: &EmailTransport, mail: Mail) -> Result<(), Reason> {
    let mut feed = One { mail: Some(mail), outcome: None };
    let end = match transport {
        EmailTransport::Outbox(folder) => outbox::run(folder, &mut feed).await,
        EmailTransport::Smtp(relay) => {
            let limits = Limits {
                connect: PATIENCE,
                greeting: PATIENCE,
                tls: PATIENCE,
                envelope: PATIENCE,
                body: PATIENCE,
                ..Limits::default()
            };
            let mut connection =
                Connector::new(relay.clone(), limits).open().await.map_err(|failure| failure.reason)?;
            session::run(&mut connection, &mut feed).await
        }
    };
    match (feed.outcome, end) {
        (Some(Outcome::Accepted { .. }), _) => Ok(()),
        (
            Some(
                Outcome::Transient { reason, .. }
                | Outcome::Permanent { reason, .. }
                | Outcome::Ours { reason }
                | Outcome::Unclear { reason },
            ),
            _,
        )
        | (_, SessionEnd::Broken { reason } | SessionEnd::Ours { reason }) => Err(reason),
        (_, SessionEnd::Finished) => {
            Err(Reason::new("returned", "the connection ended before the mail left"))
        }
    }
}

/// A feed of one mail.
struct One {
    mail: Option<Mail>,
    outcome: Option<Outcome>,
}

impl Feed for One {
    async fn next(&mut self) -> Option<Mail> {
        self.mail.take()
    }

    fn try_next(&mut self) -> Option<Mail> {
        self.mail.take()
    }

    fn may_send(&mut self, _: &Mail) -> bool {
        true
    }

    fn report(&mut self, _: DeliveryId, outcome: Outcome) {
        self.outcome = Some(outcome);
    }
}
