//! Sending the notices: the very way of `send`, without its questions.

use std::collections::HashSet;

use anyhow::bail;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::app::compose::{Wish, compose};
use crate::app::release::{Submitted, submit};
use crate::cli::output::counted;
use crate::cli::report::{People, in_words};
use crate::cli::send::summary;
use crate::cli::session::Session;
use crate::domain::address::Channel;
use crate::domain::delivery::DeliveryState;
use crate::domain::ids::DeliveryId;
use crate::store::{DeliveryFilter, DeliveryRow, MergedRecipient, NoticeSummary, Store};
use crate::templates::CheckedTemplates;

use super::first_notices::{self, FirstNotice};
use super::receiver::{BOUNCING_MAILBOX, SILENT_TELEPHONE};
use super::service::Service;
use super::tell;

/// More deliveries than a notice of the demo has.
const ALL_DELIVERIES: i64 = 10_000;

/// A notice and what became of it.
pub(super) struct Outcome {
    /// Whom it was for.
    pub(super) group: &'static str,
    pub(super) notice: NoticeSummary,
    pub(super) deliveries: Vec<DeliveryRow>,
    /// Those that had been accepted before they failed.
    pub(super) returned: HashSet<Uuid>,
    pub(super) merged: Vec<MergedRecipient>,
    /// How many people and organisations were reached, in words.
    pub(super) reached: String,
}

/// Sends all first notices, one after the other, until all are sent and reported on, or `stopped`.
///
/// # Errors
/// What keeps one from being sent.
pub(super) async fn send_all(
    session: &Session,
    store: &Store,
    service: &mut Service,
    stopped: &CancellationToken,
) -> anyhow::Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for (position, first) in first_notices::ALL.iter().enumerate() {
        if stopped.is_cancelled() {
            break;
        }
        if position > 0 {
            tell("")?;
        }
        outcomes.push(send(session, store, service, first, stopped).await?);
    }
    Ok(outcomes)
}

async fn send(
    session: &Session,
    store: &Store,
    service: &mut Service,
    first: &FirstNotice,
    stopped: &CancellationToken,
) -> anyhow::Result<Outcome> {
    let wish = first.wish(session.clock.now(), &session.settings.instance.timezone);
    let submitted = submit_wish(session, store, wish, first.group).await?;
    let is_done = async |notice: &NoticeSummary| {
        if !notice.state.is_final() {
            return Ok(false);
        }
        Ok(!deliveries_of(store, &notice.number).await?.iter().any(waits_for_news))
    };
    service.follow(session, store, &submitted, stopped, is_done).await?;
    let outcome = outcome(store, first.group, &submitted).await?;
    tell(sentence(&outcome.notice))?;
    Ok(outcome)
}

/// Whether somebody outside will still report on a delivery.
fn waits_for_news(delivery: &DeliveryRow) -> bool {
    let reported = match delivery.channel.as_str() {
        "sms" => delivery.address != SILENT_TELEPHONE,
        _ => delivery.address == BOUNCING_MAILBOX,
    };
    reported && delivery.state == DeliveryState::Sent.as_str()
}

/// Composes and submits a notice to `group`, says so, and has its deliveries written.
///
/// # Errors
/// What keeps it from being sent.
pub(super) async fn submit_wish(
    session: &Session,
    store: &Store,
    wish: Wish,
    group: &str,
) -> anyhow::Result<Submitted> {
    let now = session.clock.now();
    let draft =
        compose(wish, &session.settings, &CheckedTemplates::default(), store, &session.ids, now).await?;
    let template = &draft.wish.template;
    if !draft.findings.is_empty() {
        let findings: Vec<String> = draft.findings.iter().map(|finding| format!("  {finding}")).collect();
        bail!("the sample template {template} cannot be sent:\n{}", findings.join("\n"));
    }
    let everybody = draft.plan.everybody();
    let channels = [Channel::Email, Channel::Sms, Channel::Webhook].into_iter().filter_map(|channel| {
        let count = everybody.deliveries.get(&channel)?;
        Some(format!("{} {count}", in_words(channel)))
    });
    tell(format_args!(
        "{template} → {group}: {}; {}",
        counted(everybody.contacts as i128, "contact", "contacts"),
        channels.collect::<Vec<_>>().join(", ")
    ))?;
    let instance = session.open_instance(store).await?;
    let submitted = submit(&instance, &session.actor(), &draft).await?;
    while store.fan_out(submitted.id, ALL_DELIVERIES).await?.is_some() {}
    Ok(submitted)
}

/// How a notice stands now.
///
/// # Errors
/// When the store cannot be read.
pub(super) async fn outcome(
    store: &Store,
    group: &'static str,
    submitted: &Submitted,
) -> anyhow::Result<Outcome> {
    let notice = summary(store, submitted).await?;
    let deliveries = deliveries_of(store, &submitted.number).await?;
    Ok(Outcome {
        group,
        returned: returned(store, &deliveries).await?,
        deliveries,
        merged: store.merged_recipients(submitted.id).await?,
        reached: People::read(store, &notice).await?.headline(),
        notice,
    })
}

async fn returned(store: &Store, deliveries: &[DeliveryRow]) -> anyhow::Result<HashSet<Uuid>> {
    let mut returned = HashSet::new();
    for delivery in deliveries.iter().filter(|delivery| delivery.state == DeliveryState::Failed.as_str()) {
        let detail = store.delivery(DeliveryId(delivery.id)).await?;
        let attempts = detail.map(|detail| detail.attempts).unwrap_or_default();
        if attempts.iter().any(|attempt| attempt.outcome == "accepted") {
            returned.insert(delivery.id);
        }
    }
    Ok(returned)
}

/// All deliveries of the notice with this number.
///
/// # Errors
/// When the store cannot be read.
pub(super) async fn deliveries_of(store: &Store, number: &str) -> anyhow::Result<Vec<DeliveryRow>> {
    let filter = DeliveryFilter { notice: Some(number.to_owned()), ..DeliveryFilter::default() };
    Ok(store.deliveries(&filter, None, ALL_DELIVERIES).await?)
}

fn sentence(notice: &NoticeSummary) -> String {
    let counts = notice.counts();
    let parts: Vec<String> = counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    format!("Notice {}: {}", notice.number, parts.join(", "))
}
