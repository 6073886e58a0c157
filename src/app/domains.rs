//! Mail domains that are down: saying so, and saying that they are up again.

use crate::domain::actor::{Actor, Right};
use crate::domain::address::Address;
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::settings::Settings;
use crate::store::SetAside;

use super::failure::Failure;
use super::instance::Instance;

/// The longest reason that is taken, in characters.
const LONGEST_REASON: usize = 300;

/// A reason as it is kept; it may be empty.
///
/// # Errors
/// When it is not one line of at most 300 characters.
pub fn checked(reason: &str) -> Result<&str, Failure> {
    let reason = reason.trim();
    if reason.chars().any(char::is_control) || reason.chars().count() > LONGEST_REASON {
        return Err(Failure::Wrong(format!(
            "the reason must be one line of at most {LONGEST_REASON} characters; nothing was changed"
        )));
    }
    Ok(reason)
}

/// Enters `domains` as dead: what waits for them goes elsewhere or is held. `reason` is at most one line of 300
/// characters.
///
/// # Errors
/// When `actor` may not, the reason is none, or the store cannot be written; then nothing has changed.
pub async fn down(
    instance: &Instance,
    actor: &Actor,
    domains: &[String],
    reason: &str,
) -> Result<SetAside, Failure> {
    actor.may(Right::ContactsWrite)?;
    let reason = checked(reason)?;
    let settings = instance.settings();
    let email = &settings.email;
    let named: Vec<(String, bool)> =
        domains.iter().map(|domain| (domain.clone(), email.hosted_domains.contains(domain))).collect();
    let destination =
        |address: &Address| (!email.is_unreachable(address)).then(|| email.destination(address));
    let entry =
        NewEntry::new(actor, "domains.down", Subject::new("domains", domains.join(","))).because(reason);
    Ok(instance.store.take_domains_down(&named, reason, &actor.name, &destination, &entry).await?)
}

/// Says whether one of `domains` is down because the configuration says so: no command changes that.
///
/// # Errors
/// Which one, and what to do about it.
pub fn not_configured(settings: &Settings, domains: &[String]) -> Result<(), Failure> {
    let unreachable = &settings.email.unreachable_domains;
    let Some(domain) = domains.iter().find(|domain| unreachable.contains(domain)) else { return Ok(()) };
    Err(Failure::Wrong(format!(
        "{domain} stands in [email] unreachable_domains: take it out there, running services notice it; nothing was \
         changed"
    )))
}

/// Takes `domains` out again: what was held for them leaves. Gives those that were down, and the number of deliveries.
///
/// # Errors
/// When `actor` may not, the configuration says that one is down, or the store cannot be written; then nothing has
/// changed.
pub async fn up(
    instance: &Instance,
    actor: &Actor,
    domains: &[String],
) -> Result<(Vec<String>, u64), Failure> {
    actor.may(Right::ContactsWrite)?;
    not_configured(&instance.settings(), domains)?;
    let entry = NewEntry::new(actor, "domains.up", Subject::new("domains", domains.join(",")));
    Ok(instance.store.bring_domains_up(domains, &entry).await?)
}
