//! Endpoints of webhooks: how many, which fail, and which are not called.

use std::collections::BTreeSet;
use std::str::FromStr;

use crate::app::plan::uncallable;
use crate::domain::address::{Channel, WebhookUrl};
use crate::domain::contact::KnownContact;
use crate::domain::count::counted;
use crate::domain::mask::{mask_address, mask_addresses_in};
use crate::store::{FailingEndpoint, Store, StoreError};

use super::stored::named_all;
use super::{Examination, Finding};

/// All of them, and each that fails.
///
/// # Errors
/// When the store cannot be read.
pub(super) async fn lines(
    examination: &Examination,
    store: &Store,
    contacts: &[KnownContact],
) -> Result<Vec<Finding>, StoreError> {
    let failing = store.endpoints().await?;
    let mut lines = webhooks(examination, store, contacts, &failing).await?;
    lines.extend(failing.into_iter().map(|one| failing_endpoint(examination, contacts, one)));
    Ok(lines)
}

/// Endpoints of webhooks: how many, which a person has blocked, and which may never be called. One that was switched off
/// because it failed has a line of its own.
async fn webhooks(
    examination: &Examination,
    store: &Store,
    contacts: &[KnownContact],
    failing: &[FailingEndpoint],
) -> Result<Vec<Finding>, StoreError> {
    let points = || {
        contacts.iter().flat_map(|known| known.contact.points_of(Channel::Webhook).map(move |it| (known, it)))
    };
    let endpoints: BTreeSet<String> =
        points().map(|(_, point)| point.address.normalised().to_lowercase()).collect();
    if endpoints.is_empty() {
        return Ok(Vec::new());
    }
    let has_own_line = |address: &String| {
        failing.iter().any(|failing| failing.switched_off_at.is_some() && failing.address == *address)
    };
    let suppressions = store.suppressions().await?;
    let blocked: Vec<String> = suppressions
        .iter()
        .filter(|one| one.channel == Channel::Webhook.as_str() && endpoints.contains(&one.address))
        .filter(|one| !has_own_line(&one.address))
        .map(|one| format!("{} ({})", mask_address(&one.address), one.detail))
        .collect();
    let count = counted(endpoints.len() as i128, "endpoint", "endpoints");
    let mut lines = vec![if blocked.is_empty() {
        Finding::good("webhooks", count)
    } else {
        Finding::warning(
            "webhooks",
            format!("{count}, blocked: {}", named_all(&blocked)),
            format!("when one is to be called again: {} suppressions lift ADDRESS", examination.program),
        )
    }];
    let called = points().map(|(known, point)| (known.contact.id.as_str(), &point.address));
    let refused = uncallable(called, &examination.settings.webhook.allow_networks);
    lines.extend(refused.into_iter().map(|(mend, endpoints)| {
        let endpoints: Vec<String> = endpoints.into_iter().collect();
        let count = counted(endpoints.len() as i128, "endpoint", "endpoints");
        let state =
            format!("{count} may not be called, so that nothing is sent there: {}", named_all(&endpoints));
        Finding::warning("webhooks", state, mend)
    }));
    Ok(lines)
}

/// An endpoint that does not answer as it should: since when, whether it is switched off, and whether its owner knows.
fn failing_endpoint(
    examination: &Examination,
    contacts: &[KnownContact],
    failing: FailingEndpoint,
) -> Finding {
    let owner = contacts.iter().find(|known| known.key == failing.owner);
    let owner = owner.map_or("nobody", |known| known.contact.id.as_str());
    let host = WebhookUrl::from_str(&failing.address)
        .map_or_else(|_| mask_address(&failing.address), |url| url.host());
    let mut state = format!(
        "has failed since {} ({} in a row, last: {})",
        examination.local(failing.failing_since),
        counted(i128::from(failing.failures), "call", "calls"),
        mask_addresses_in(&failing.last_text)
    );
    let mut mend = "it is called again by itself";
    if let Some(at) = failing.switched_off_at {
        let told;
        (told, mend) = match (&failing.told_notice, failing.told_at) {
            (Some(notice), _) => {
                (format!("its owner was told by {notice}"), "when it works again: deliveries replay")
            }
            (None, Some(_)) => (
                "its owner could not be told".to_owned(),
                "tell its owner by telephone; when it works again: deliveries replay",
            ),
            (None, None) => (
                "its owner is about to be told".to_owned(),
                "a running service tells its owner; when it works again: deliveries replay",
            ),
        };
        state = format!("{state}; switched off since {}, {told}", examination.local(at));
    }
    Finding::warning(format!("endpoint {host} of {owner}"), state, mend)
}
