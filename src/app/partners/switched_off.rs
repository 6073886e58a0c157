//! Telling the crisis staff that a partner is not told any more: the partner has no contact here, so somebody who knows
//! one must call.

use std::collections::BTreeMap;

use crate::app::compose::{ComposeError, Wish};
use crate::app::endpoints::last_answer;
use crate::app::incidents::remind::GROUP;
use crate::app::instance::Instance;
use crate::app::release::{Provenance, submission};
use crate::domain::actor::Actor;
use crate::domain::address::{Channel, WebhookUrl};
use crate::domain::audience::Audience;
use crate::domain::clock::Timestamp;
use crate::store::{Partner, Submission, Told};
use crate::templates::{LoadError, built_in_template, load_template};

/// The template by which they are told; one in the folder of templates goes before the one that is compiled in.
const TEMPLATE: &str = "partner-abgeschaltet";

/// The notice to the crisis staff; `None`, with a word in the log, where it cannot be composed: that keeps nobody from
/// being switched off.
pub(super) async fn news(instance: &Instance, partner: &Partner, told: &Told) -> Option<Submission> {
    match compose_news(instance, partner, told).await {
        Ok(news) => Some(news),
        Err(error) => {
            tracing::error!(
                partner = partner.name,
                "{GROUP} cannot be told that the partner is switched off: {error}: tell them by telephone"
            );
            None
        }
    }
}

async fn compose_news(
    instance: &Instance,
    partner: &Partner,
    told: &Told,
) -> Result<Submission, ComposeError> {
    let (settings, now) = (instance.settings(), instance.now());
    let template = match load_template(&settings.instance.templates, TEMPLATE) {
        Err(LoadError::Unknown { .. } | LoadError::Folder { .. }) => built_in_template(TEMPLATE)?,
        other => other?,
    };
    let channels: Vec<Channel> = settings
        .default_channels()
        .into_iter()
        .filter(|channel| *channel != Channel::Webhook && !template.languages(*channel).is_empty())
        .collect();
    let since = told.failing_since.unwrap_or(now);
    let wish = Wish {
        values: BTreeMap::from([
            ("partner".to_owned(), partner.name.clone()),
            // Only the host: what stands behind it is a secret for many endpoints.
            ("endpunkt".to_owned(), host(partner)),
            ("seit".to_owned(), minute(since, &settings.instance.timezone)),
            ("antwort".to_owned(), last_answer(&told.last_code)),
        ]),
        channels,
        ..Wish::new(TEMPLATE, Audience { groups: vec![GROUP.to_owned()], ..Audience::default() })
    };
    let draft = instance.compose_with(template, wish).await?;
    // What is filled in is ours: the host is its owner's, however strange it looks.
    let own: Vec<_> = draft.findings.iter().filter(|finding| !finding.acceptable()).cloned().collect();
    if !own.is_empty() {
        return Err(ComposeError::Texts(own));
    }
    Ok(submission(instance, &Actor::program("rundruf"), &draft, Provenance::default())?)
}

fn host(partner: &Partner) -> String {
    partner.url.parse::<WebhookUrl>().map_or_else(|_| "webhook".to_owned(), |url| url.host())
}

fn minute(at: Timestamp, zone: &jiff::tz::TimeZone) -> String {
    at.in_zone(zone).strftime("%Y-%m-%dT%H:%M").to_string()
}
