//! The ways out beside mail: SMS gateways.

use std::time::Duration;

use crate::channels::probe::certificate;
use crate::channels::sms::Gateway;
use crate::domain::address::Channel;
use crate::domain::count::{counted, listed};
use crate::domain::settings::{SmsGateway, SmsProvider, SmsTransport};
use crate::templates::load_pack;

use super::{Examination, Finding, certificates, outbox};

/// How long a gateway may take for an answer, and to show its certificate.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many templates are named before the rest is only counted.
const MOST_NAMES: usize = 10;

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

/// Gateways that refuse texts which pass the check of their templates, without asking anybody.
pub(super) fn lengths(examination: &Examination) -> Vec<Finding> {
    let settings = &examination.settings;
    // Templates that cannot be read have a line of their own.
    let Ok(pack) = load_pack(&settings.instance.templates) else { return Vec::new() };
    let longer = |gateway: &SmsGateway| -> Vec<&str> {
        let most = usize::from(gateway.max_segments);
        let templates = pack.templates.iter().filter(|(_, template)| {
            template.spec.sms_segments > most && !template.languages(Channel::Sms).is_empty()
        });
        templates.map(|(name, _)| name.as_str()).collect()
    };
    let line = |provider: &SmsProvider| {
        let SmsTransport::Gateway(gateway) = &provider.transport else { return None };
        let longer = longer(gateway);
        (!longer.is_empty()).then(|| {
            Finding::warning(
                format!("SMS provider {}", provider.name),
                format!(
                    "it takes {} (max_segments), and texts of these templates may have more (sms_segments): {}",
                    counted(i128::from(gateway.max_segments), "segment", "segments"),
                    listed(&longer, MOST_NAMES)
                ),
                "what is too long for it fails, and is not handed to another one: raise max_segments as far as the \
                 gateway allows, or write shorter texts",
            )
        })
    };
    settings.sms.providers.iter().filter_map(line).collect()
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
