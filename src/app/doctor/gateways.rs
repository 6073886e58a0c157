//! The ways out beside mail: SMS gateways.

use std::time::Duration;

use crate::channels::probe::certificate;
use crate::channels::sms::Gateway;
use crate::domain::settings::{SmsGateway, SmsProvider, SmsTransport};

use super::{Examination, Finding, certificates, outbox};

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
        SmsTransport::Outbox(folder) => {
            let mend = "name a gateway under [[sms.provider]] when text messages are to leave";
            vec![outbox::writable(subject, folder, "text messages", mend)]
        }
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
