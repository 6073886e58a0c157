//! The ways out beside mail: SMS gateways.

use std::path::Path;
use std::time::Duration;

use crate::channels::probe::certificate;
use crate::channels::sms::Gateway;
use crate::cli::session::Session;
use crate::domain::settings::{SmsGateway, SmsProvider, SmsTransport};

use super::{Line, certificates};

/// How long a gateway may take for an answer, and to show its certificate.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether a provider of text messages can be used now, and until when its certificate is valid. A folder is worth a
/// word only where somebody has configured it.
pub(super) async fn sms(session: &Session, provider: &SmsProvider) -> Vec<Line> {
    let subject = format!("SMS provider {}", provider.name);
    match &provider.transport {
        SmsTransport::Gateway(gateway) => {
            let mut lines = vec![ask(session, subject.clone(), provider, gateway).await];
            lines.extend(gateway_certificate(session, subject, gateway).await);
            lines
        }
        SmsTransport::Outbox(folder) => outbox(subject, folder).into_iter().collect(),
    }
}

async fn ask(session: &Session, subject: String, provider: &SmsProvider, gateway: &SmsGateway) -> Line {
    let settings = &session.settings;
    let sender = settings.sms.sender.as_ref();
    let asked = Gateway::new(&provider.name, gateway, sender, &settings.instance.public_url);
    match asked.with_limit(PATIENCE).ask().await {
        Ok(answer) => Line::good(subject, answer),
        Err(reason) => Line::broken(
            subject,
            format!("{}: {}", reason.code, reason.text),
            "mend the provider's url and login, or ask whoever runs the gateway",
        ),
    }
}

/// What is wrong with a connection is said by asking the gateway; here only the certificate counts.
async fn gateway_certificate(session: &Session, subject: String, gateway: &SmsGateway) -> Option<Line> {
    if gateway.url.scheme() != "https" {
        return None;
    }
    let port = gateway.url.port_or_known_default()?;
    let until = certificate::ask(gateway.url.host_str()?, port, PATIENCE).await.ok()?;
    Some(certificates::line(session, format!("{subject}, certificate"), until))
}

fn outbox(subject: String, folder: &Path) -> Option<Line> {
    let probe = folder.join(".rundruf-doctor");
    if !folder.exists() {
        return None;
    }
    let error = std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe)).err()?;
    Some(Line::broken(
        subject,
        format!("the folder {} cannot be written to ({error})", folder.display()),
        "give this user the right to write there, or name another folder in the provider's url",
    ))
}
