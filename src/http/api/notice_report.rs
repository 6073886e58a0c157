//! `/notices/{number}/report`: who got it, who did not, and why.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::instance::Instance;
use crate::domain::clock::Timestamp;
use crate::domain::mask::mask_addresses_in;
use crate::store::{self, NoticeFigures, Share, Shares};

use super::audit::ShownHead;
use super::caller::SignedIn;
use super::notices::{Incidents, ListedNotice, ShownNotice};
use super::parameters::Named;
use super::problem::Problem;
use super::reach;

/// What became of a notice.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Report {
    /// The notice with its counters.
    notice: ListedNotice,
    /// People, where a notice counts them.
    people: People,
    /// Organisations; whoever has none counts as one. One is reached when one of its people is.
    organisations: ShownShare,
    /// The same by the groups that it was for, by their names.
    groups: Vec<Group>,
    /// Failures, doubts and deferrals by reason, the most frequent first.
    reasons: Vec<Reason>,
    /// Contacts for whom no delivery could be made.
    unreachable: Vec<Unreachable>,
    /// Contacts whose every address is blocked: nothing was sent to them.
    silenced: Vec<String>,
    /// Contacts that share an address with another recipient.
    merged: Vec<Merged>,
    /// When deferred deliveries are tried again; null when none waits.
    next_tries: Option<NextTries>,
    /// Where the audit log ended when this was put together: on paper it is one more place that the log has to agree
    /// with.
    head: ShownHead,
}

/// How many of something there are, and how many of them were reached.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReachedShare)]
struct ShownShare {
    /// How many there are.
    total: i64,
    /// How many were reached.
    reached: i64,
}

impl From<Share> for ShownShare {
    fn from(share: Share) -> Self {
        Self { total: share.total, reached: share.reached }
    }
}

/// A group that a notice was for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GroupReached)]
struct Group {
    /// Its name; empty for contacts that were named one by one.
    #[schema(example = "municipalities")]
    group: String,
    /// Its organisations.
    organisations: ShownShare,
    /// Its people.
    people: ShownShare,
}

/// How many people were reached. "Reached" is, for an alarm, confirmed; otherwise, handed over and not returned.
#[derive(Debug, Serialize, ToSchema)]
struct People {
    /// How many there are.
    total: usize,
    /// How many were reached.
    reached: usize,
    /// For how many of the others something is still being tried.
    underway: usize,
    /// As of when these are, and `silenced`: at most a second before they were asked for, while a notice goes out.
    #[schema(format = "date-time")]
    as_of: String,
}

/// Deliveries that share an end and a reason.
#[derive(Debug, Serialize, ToSchema)]
struct Reason {
    /// email, sms or webhook.
    channel: String,
    /// Where they stand.
    state: &'static str,
    /// The short code that they share.
    #[schema(example = "5.1.1")]
    code: String,
    /// One of their texts; addresses in it are masked.
    example: String,
    /// How many.
    count: i64,
}

/// A contact for whom no delivery could be made.
#[derive(Debug, Serialize, ToSchema)]
struct Unreachable {
    /// The contact's id.
    contact: String,
    /// Why.
    reason: String,
}

/// A contact that shares an address.
#[derive(Debug, Serialize, ToSchema)]
struct Merged {
    /// The contact's id.
    contact: String,
    /// The delivery that serves both.
    #[schema(format = "uuid")]
    delivery: String,
}

/// When deferred deliveries are tried again.
#[derive(Debug, Serialize, ToSchema)]
struct NextTries {
    /// How many wait.
    count: i64,
    /// The first of them; it may be past.
    #[schema(format = "date-time")]
    first: String,
    /// The last of them.
    #[schema(format = "date-time")]
    last: String,
}

/// Reports what became of a notice
#[utoipa::path(
    get,
    path = "/notices/{number}/report",
    tag = "notices",
    params(("number" = String, Path, description = "Its number", example = "2026-0007")),
    responses((status = 200, description = "The report", body = Report)),
)]
pub(super) async fn show(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(number): Named<String>,
) -> Result<Json<Report>, Problem> {
    let head = reach::notice(&instance, &actor, &number).await?;
    let store = &instance.store;
    let (id, missing) = (head.id, || Problem::not_found("such notice"));
    let summary = store.notice_summary(id).await?.ok_or_else(missing)?;
    let NoticeFigures { shares, silenced, as_of } = store.notice_figures(&summary).await?;
    let Shares { people, groups, organisations } = shares;
    let incidents = Incidents::of(&instance, &[id]).await?;
    let listed = store::ListedNotice { head, summary };
    let groups = groups.into_iter().map(|share| Group {
        group: share.group,
        organisations: share.organisations.into(),
        people: share.people.into(),
    });
    let next_tries = store.next_tries(id).await?;
    let time = |at: Timestamp| at.to_string();
    Ok(Json(Report {
        people: People {
            total: people.total,
            reached: people.reached,
            underway: people.underway,
            as_of: time(as_of),
        },
        organisations: organisations.into(),
        groups: groups.collect(),
        reasons: store.reasons(id).await?.into_iter().map(Reason::from).collect(),
        unreachable: store
            .unreachable_recipients(id)
            .await?
            .into_iter()
            .map(|lost| Unreachable { contact: lost.id, reason: mask_addresses_in(&lost.reason) })
            .collect(),
        silenced: silenced.into_iter().map(|silenced| silenced.id).collect(),
        merged: store
            .merged_recipients(id)
            .await?
            .into_iter()
            .map(|merged| Merged { contact: merged.id, delivery: merged.delivery.to_string() })
            .collect(),
        next_tries: next_tries.map(|next| NextTries {
            count: next.count,
            first: time(next.first),
            last: time(next.last),
        }),
        notice: incidents.with(id, ShownNotice::new(&listed)),
        head: store.audit_head().await?.into(),
    }))
}

impl From<crate::store::ReasonCount> for Reason {
    fn from(count: crate::store::ReasonCount) -> Self {
        Self {
            channel: count.channel,
            state: count.state.as_str(),
            code: count.code,
            example: mask_addresses_in(&count.example),
            count: count.count,
        }
    }
}
