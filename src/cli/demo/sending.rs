//! Sending the first notices: the very way of `send`, without its questions.

use anyhow::bail;
use tokio_util::sync::CancellationToken;

use crate::app::compose::compose;
use crate::app::release::submit;
use crate::cli::dispatching::instance_seal;
use crate::cli::output::counted;
use crate::cli::send::watch;
use crate::cli::session::Session;
use crate::store::{
    DeliveryFilter, DeliveryRow, MergedRecipient, NoticeSummary, Store, UnreachableRecipient,
};

use super::first_notices::{self, FirstNotice};
use super::tell;

/// More deliveries than a notice of the demo has.
const ALL_DELIVERIES: i64 = 10_000;

/// A notice and what became of it.
pub(super) struct Outcome {
    /// Whom it was for.
    pub(super) group: &'static str,
    pub(super) notice: NoticeSummary,
    pub(super) deliveries: Vec<DeliveryRow>,
    pub(super) unreachable: Vec<UnreachableRecipient>,
    pub(super) merged: Vec<MergedRecipient>,
}

/// Sends all first notices, one after the other, until all are sent or `stopped`.
///
/// # Errors
/// What keeps one from being sent.
pub(super) async fn send_all(
    session: &Session,
    store: &Store,
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
        outcomes.push(send(session, store, first, stopped).await?);
    }
    Ok(outcomes)
}

async fn send(
    session: &Session,
    store: &Store,
    first: &FirstNotice,
    stopped: &CancellationToken,
) -> anyhow::Result<Outcome> {
    let now = session.clock.now();
    let zone = &session.settings.instance.timezone;
    let draft = compose(first.wish(now, zone), &session.settings, store, &session.ids, now).await?;
    if !draft.findings.is_empty() {
        let findings: Vec<String> = draft.findings.iter().map(|finding| format!("  {finding}")).collect();
        bail!("the sample template {} cannot be sent:\n{}", first.template, findings.join("\n"));
    }
    let takes = draft.plan.duration.map_or(0.0, |duration| duration.as_secs_f64().ceil());
    tell(format_args!(
        "{} → {}: {}, about {takes} s at the configured rate",
        first.template,
        first.group,
        counted(draft.plan.recipients.len() as i128, "recipient", "recipients"),
    ))?;
    let seal = instance_seal(session, store).await?;
    let submitted = submit(
        &draft,
        store,
        &session.ids,
        &session.chance,
        &seal,
        zone,
        &session.operator,
        session.settings.approval.required,
        now,
    )
    .await?;
    watch(session, None, store, &submitted, stopped).await?;
    let outcome = outcome(store, first.group, &submitted).await?;
    tell(sentence(&outcome.notice))?;
    Ok(outcome)
}

async fn outcome(
    store: &Store,
    group: &'static str,
    submitted: &crate::app::release::Submitted,
) -> anyhow::Result<Outcome> {
    let filter = DeliveryFilter { notice: Some(submitted.number.clone()), ..DeliveryFilter::default() };
    Ok(Outcome {
        group,
        notice: crate::cli::send::summary(store, submitted).await?,
        deliveries: store.deliveries(&filter, None, ALL_DELIVERIES).await?,
        unreachable: store.unreachable_recipients(submitted.id).await?,
        merged: store.merged_recipients(submitted.id).await?,
    })
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
