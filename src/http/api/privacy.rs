//! Data protection: erasing a contact, all that is held about one, what is kept for how long, and legal holds.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::instance::Instance;
use crate::app::{about, erasure, retention};
use crate::domain::contact::KnownContact;
use crate::domain::retention::HoldScope;

use super::body::JsonBody;
use super::caller::SignedIn;
use super::parameters::{Filters, Named};
use super::problem::{Kind, Problem};
use super::reach;

/// How long one request lets go of what has been kept for its time.
const LONGEST_RUN: Duration = Duration::from_secs(10);

/// Why, in one line that names nobody: it stays in the audit log for good.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ErasureReason {
    /// One line.
    #[schema(min_length = 1, max_length = 300, example = "request of 20 November")]
    reason: String,
}

/// What erasing a contact did.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Erasure {
    /// What lists show in the place of its id.
    id: String,
    /// In how many notices it stood.
    notices: usize,
    /// From how many deliveries its address was taken.
    deliveries: usize,
    /// How many of those waited, and were cancelled.
    cancelled: usize,
    /// How many deliveries belong now to another contact, who has the same address.
    handed_over: usize,
    /// Whether the contact files of the instance still have it: then the next import is refused because of it.
    still_in_files: bool,
}

/// The contact called `id`, with all others.
async fn find(instance: &Instance, id: &str) -> Result<(Vec<KnownContact>, usize), Problem> {
    let contacts = instance.store.contacts().await?;
    let place = contacts.iter().position(|known| known.contact.id == id);
    let place = place.ok_or_else(|| Problem::not_found("such contact"))?;
    Ok((contacts, place))
}

/// Erases a contact everywhere
///
/// States and figures of notices stay, and so does the audit log, which knows contacts by pseudonyms only. Refused while
/// a legal hold covers the contact or something is being sent to it. Not for tokens that are limited to groups.
#[utoipa::path(
    post,
    path = "/contacts/{id}/erasure",
    tag = "data protection",
    params(("id" = String, Path, description = "The id from the file")),
    request_body = ErasureReason,
    responses(
        (status = 200, description = "It is erased", body = Erasure),
        (status = 409, description = "A legal hold covers it, or something is being sent to it"),
    ),
)]
pub(super) async fn erase(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(id): Named<String>,
    JsonBody(ErasureReason { reason }): JsonBody<ErasureReason>,
) -> Result<Json<Erasure>, Problem> {
    reach::unlimited(&actor, "somebody without such a limit must do that")?;
    let (contacts, place) = find(&instance, &id).await?;
    let known = contacts.get(place).ok_or_else(|| Problem::not_found("such contact"))?;
    let erased = erasure::erase(&instance, &actor, known, &reason).await?;
    Ok(Json(Erasure {
        id: erased.id,
        notices: erased.notices,
        deliveries: erased.deliveries,
        cancelled: erased.cancelled,
        handed_over: erased.handed_over,
        still_in_files: erasure::is_in_files(&instance, &id),
    }))
}

/// Why everything that is held about a contact is shown.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct HeldReason {
    /// Why you need it, which is logged: addresses and numbers stand in it as they are.
    #[param(min_length = 1, max_length = 300)]
    reveal: String,
}

/// Shows all that is held about a contact
///
/// Addresses unmasked, with the purpose and legal basis of each; every notice sent to it; where its pseudonym stands in
/// the audit log (Art. 15 GDPR). That it was asked for is logged. Not for tokens that are limited to groups.
#[utoipa::path(
    get,
    path = "/contacts/{id}/held-data",
    tag = "data protection",
    params(("id" = String, Path, description = "The id from the file"), HeldReason),
    responses((status = 200, description = "Everything", body = serde_json::Value)),
)]
pub(super) async fn held(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(id): Named<String>,
    Filters(wanted): Filters<HeldReason>,
) -> Result<Json<serde_json::Value>, Problem> {
    reach::unlimited(&actor, "somebody without such a limit must do that")?;
    let reason = reach::check_reason(&wanted.reveal)?;
    let (contacts, place) = find(&instance, &id).await?;
    let known = contacts.get(place).ok_or_else(|| Problem::not_found("such contact"))?;
    let about = about::about(&instance, &actor, known, &contacts, reason).await?;
    let unwritable = |_| Problem::new(Kind::Failed, "what is held cannot be written down");
    serde_json::to_value(about).map(Json).map_err(unwritable)
}

/// How long a kind of data is kept, and what would go now.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Kept {
    /// Which kind of data.
    kind: &'static str,
    /// How long it is kept: `90 days`, `never deleted`.
    #[schema(example = "90 days")]
    keep: String,
    /// What happens then.
    meaning: &'static str,
    /// The numbers of notices of which it would go now; of very many only the first.
    notices: Vec<String>,
    /// How many other things would go now.
    others: i64,
}

/// A legal hold in force.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Hold {
    /// everything, incident or notice.
    scope: &'static str,
    /// The incident's key or the notice's number; empty for everything.
    subject: String,
    /// Why.
    reason: String,
    /// Who set it.
    set_by: String,
    /// When.
    #[schema(format = "date-time")]
    set_at: String,
}

/// What is kept for how long.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Retention {
    /// Each kind of data.
    kinds: Vec<Kept>,
    /// The legal holds in force.
    holds: Vec<Hold>,
}

/// Shows what is kept for how long, what would go now, and legal holds
///
/// Not for tokens that are limited to groups.
#[utoipa::path(
    get,
    path = "/retention",
    tag = "data protection",
    responses((status = 200, description = "All kinds of data", body = Retention)),
)]
pub(super) async fn show(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
) -> Result<Json<Retention>, Problem> {
    reach::unlimited(&actor, "somebody without such a limit must look")?;
    let kinds = retention::due(&instance, &actor).await?.into_iter().map(|due| Kept {
        kind: due.kind.as_str(),
        keep: due.keep.to_string(),
        meaning: due.kind.meaning(),
        notices: due.notices.into_iter().map(|notice| notice.number).collect(),
        others: due.others,
    });
    let holds = retention::holds(&instance, &actor).await?.into_iter().map(|hold| {
        let (scope, subject) = hold.scope.stored();
        Hold {
            scope,
            subject: subject.to_owned(),
            reason: hold.reason,
            set_by: hold.set_by,
            set_at: hold.set_at.to_string(),
        }
    });
    Ok(Json(Retention { kinds: kinds.collect(), holds: holds.collect() }))
}

/// Lets go of everything whose time is over
///
/// What is kept for longer than [retention] says, and is under no hold, is deleted or made nameless. What a running
/// service does each night by itself; the answer says what would still go. Ask again if it names anything. Not for
/// tokens that are limited to groups.
#[utoipa::path(
    post,
    path = "/retention/run",
    tag = "data protection",
    responses((status = 200, description = "It is done, or a part of it", body = Retention)),
)]
pub(super) async fn run(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
) -> Result<Json<Retention>, Problem> {
    reach::unlimited(&actor, "somebody without such a limit must do that")?;
    let end = instance.now().plus(LONGEST_RUN);
    retention::run(&instance, &actor, &|| instance.now() < end).await?;
    show(State(instance), SignedIn(actor)).await
}

/// What a hold covers, and why it is set or lifted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HoldChange {
    /// everything, incident or notice.
    scope: HoldKind,
    /// The incident's key or the notice's number; left out for everything.
    #[serde(default)]
    #[schema(max_length = 64)]
    subject: String,
    /// Why: one line.
    #[schema(min_length = 1, max_length = 300)]
    reason: String,
}

/// What kind of thing a hold covers.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum HoldKind {
    /// Everything that the store holds.
    Everything,
    /// An incident with all its notices.
    Incident,
    /// One notice.
    Notice,
}

impl HoldChange {
    fn parse(&self) -> Result<HoldScope, Problem> {
        let wrong = |why: &str| Err(Problem::new(Kind::Invalid, why).about("subject"));
        match (self.scope, self.subject.as_str()) {
            (HoldKind::Everything, "") => Ok(HoldScope::Everything),
            (HoldKind::Everything, _) => wrong("a hold on everything has no subject: leave it out"),
            (_, "") => wrong("is missing: name the incident's key or the notice's number"),
            (HoldKind::Incident, key) => Ok(HoldScope::Incident(key.to_owned())),
            (HoldKind::Notice, number) => Ok(HoldScope::Notice(number.to_owned())),
        }
    }
}

/// Sets a legal hold
///
/// Nothing that it covers is deleted or erased until it is lifted. Not for tokens that are limited to groups.
#[utoipa::path(
    post,
    path = "/retention/holds",
    tag = "data protection",
    request_body = HoldChange,
    responses((status = 200, description = "It is in force", body = Retention)),
)]
pub(super) async fn hold(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    JsonBody(change): JsonBody<HoldChange>,
) -> Result<Json<Retention>, Problem> {
    reach::unlimited(&actor, "somebody without such a limit must do that")?;
    retention::hold(&instance, &actor, &change.parse()?, &change.reason).await?;
    show(State(instance), SignedIn(actor)).await
}

/// Lifts a legal hold
///
/// Not for tokens that are limited to groups.
#[utoipa::path(
    post,
    path = "/retention/holds/lift",
    tag = "data protection",
    request_body = HoldChange,
    responses((status = 200, description = "It is lifted", body = Retention)),
)]
pub(super) async fn lift(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    JsonBody(change): JsonBody<HoldChange>,
) -> Result<Json<Retention>, Problem> {
    reach::unlimited(&actor, "somebody without such a limit must do that")?;
    retention::lift(&instance, &actor, &change.parse()?, &change.reason).await?;
    show(State(instance), SignedIn(actor)).await
}
