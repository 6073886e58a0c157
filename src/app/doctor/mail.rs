//! The ways out for mail: each relay is opened as a send would, without sending; keys are read.

use std::time::Duration;

use crate::channels::email::dkim::Signer;
use crate::channels::email::{Connector, Limits};
use crate::domain::settings::{DkimKey, EmailProvider, EmailTransport, SmtpRelay};

use super::{Examination, Finding, certificates, is_this_machine, outbox};

/// How long each step to a relay may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether a provider can be used now, and until when its certificate is valid.
pub(super) async fn provider(examination: &Examination, provider: &EmailProvider) -> Vec<Finding> {
    let subject = format!("provider {}", provider.name);
    match &provider.transport {
        EmailTransport::Smtp(relay) => smtp(examination, subject, relay).await,
        EmailTransport::Outbox(folder) => {
            let mend = "name a relay under [[email.provider]] when notices are to leave";
            vec![outbox::writable(subject, folder, "mails", mend)]
        }
    }
}

/// Connects, says hello, encrypts, logs in, and leaves.
async fn smtp(examination: &Examination, subject: String, relay: &SmtpRelay) -> Vec<Finding> {
    let limits = Limits { connect: PATIENCE, greeting: PATIENCE, tls: PATIENCE, ..Limits::default() };
    let connector = Connector::new(relay.clone(), limits);
    match connector.open().await {
        Ok(mut connection) => {
            let login = if relay.credentials.is_some() { "logged in" } else { "no login" };
            let encrypted = connection.is_encrypted();
            let certificate = connection.peer_certificate();
            connection.quit().await;
            if encrypted {
                let state = format!("{} answers, encrypted, {login}", connector.relay());
                let named = format!("{subject}, certificate");
                let certificate = certificate.and_then(|der| certificates::shown(examination, named, &der));
                return [Finding::good(subject, state)].into_iter().chain(certificate).collect();
            }
            let state = format!("{} answers, not encrypted, {login}", connector.relay());
            if is_this_machine(&relay.host) {
                return vec![Finding::good(subject, state)];
            }
            vec![Finding::warning(
                subject,
                state,
                "demand encryption with ?tls=required if the relay offers it",
            )]
        }
        Err(failure) => {
            vec![Finding::broken(
                subject,
                format!("{}: {}", failure.relay, failure.what),
                failure.mend.clone(),
            )]
        }
    }
}

/// Whether the keys can be read, and what the DNS must say.
pub(super) fn signing(examination: &Examination) -> Vec<Finding> {
    let email = &examination.settings.email;
    let leaves = email.providers.iter().any(|provider| matches!(provider.transport, EmailTransport::Smtp(_)));
    let mut lines: Vec<Finding> = email.dkim.iter().map(key).collect();
    let from = email.from.address.domain();
    let aligned = |domain: &str| from == domain || from.ends_with(&format!(".{domain}"));
    if leaves && !email.dkim.iter().any(|key| aligned(&key.domain)) {
        lines.push(Finding::warning(
            "DKIM",
            format!("mails from {from} are not signed here"),
            "large providers refuse unsigned mail: add [[email.dkim]] for this domain, unless your relay signs",
        ));
    }
    lines
}

fn key(settings: &DkimKey) -> Finding {
    let name = format!("{}._domainkey.{}", settings.selector, settings.domain);
    let subject = format!("DKIM {}", settings.domain);
    match Signer::load(settings) {
        Ok(signer) => {
            let record =
                signer.dns_record().unwrap_or_else(|| "(the key does not give its public half)".to_owned());
            let state =
                format!("{} signs; the DNS must have this TXT record:\n{name}\n{record}", signer.algorithm());
            Finding::good(subject, state)
        }
        Err(error) => {
            Finding::broken(subject, error.to_string(), "nothing is sent without it: mend it, or take it out")
        }
    }
}
