//! The ways out beside mail: SMS gateways.

use std::path::Path;
use std::time::Duration;

use crate::channels::probe::certificate;
use crate::channels::sms::Gateway;
use crate::domain::settings::{SmsGateway, SmsProvider, SmsTransport};

use super::{Examination, Finding, certificates};

/// How long a gateway may take for an answer, and to show its certificate.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether a provider of text messages can be used now, and until when its certificate is valid.
pub(super) async fn sms(examination: &Examination, provider: &SmsProvider) -> Vec<Finding> {
    let subject = format!("SMS provider {}", provider.name);
    match &provider.transport {
        SmsTransport::Gateway(gateway) => {
            let mut lines = vec![ask(examination, subject.clone(), provider, gateway).await];
            lines.extend(gateway_certificate(examination, subject, gateway).await);
            lines
        }
        SmsTransport::Outbox(folder) => vec![outbox(subject, folder)],
    }
}

async fn ask(
    examination: &Examination,
    subject: String,
    provider: &SmsProvider,
    gateway: &SmsGateway,
) -> Finding {
    let settings = &examination.settings;
    let sender = settings.sms.sender.as_ref();
    let asked = Gateway::new(&provider.name, gateway, sender, &settings.instance.public_url);
    match asked.with_limit(PATIENCE).ask().await {
        Ok(answer) => Finding::good(subject, answer),
        Err(reason) => Finding::broken(
            subject,
            format!("{}: {}", reason.code, reason.text),
            "mend the provider's url and login, or ask whoever runs the gateway",
        ),
    }
}

/// What is wrong with a connection is said by asking the gateway; here only the certificate counts.
async fn gateway_certificate(
    examination: &Examination,
    subject: String,
    gateway: &SmsGateway,
) -> Option<Finding> {
    if gateway.url.scheme() != "https" {
        return None;
    }
    let port = gateway.url.port_or_known_default()?;
    let until = certificate::ask(gateway.url.host_str()?, port, PATIENCE).await.ok()?;
    Some(certificates::line(examination, format!("{subject}, certificate"), until))
}

/// A folder that can be written into; it is made by the first message.
fn outbox(subject: String, folder: &Path) -> Finding {
    let shown = folder.display();
    let probe = folder.join(".rundruf-doctor");
    let write = || std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe));
    let written = if folder.exists() { write() } else { Ok(()) };
    match written {
        Ok(()) => Finding::warning(
            subject,
            format!("text messages are written into {shown}; nothing leaves this machine"),
            "name a gateway under [[sms.provider]] when text messages are to leave",
        ),
        Err(error) => Finding::broken(
            subject,
            format!("the folder {shown} cannot be written to ({error})"),
            "give this user the right to write there, or name another folder in the provider's url",
        ),
    }
}
