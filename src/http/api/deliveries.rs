//! `/deliveries`: one notice to one address, each with its tries.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::app::audit::reading::Looked;
use crate::app::deliveries;
use crate::app::instance::Instance;
use crate::domain::clock::Timestamp;
use crate::domain::delivery::DeliveryState;
use crate::domain::ids::DeliveryId;
use crate::store::{AttemptRow, DeliveryFilter, DeliveryRow, ReceiptRow, Resolution};

use super::body::JsonBody;
use super::caller::SignedIn;
use super::pages::{Page, PageParameters, Paging};
use super::parameters::{Filters, Named, words};
use super::problem::Problem;
use super::reach::{self, Addresses, Revealing};

/// The most deliveries that are decided about at once.
const MOST_AT_ONCE: usize = 1_000;

/// A delivery in lists.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ShownDelivery {
    /// Its id.
    id: Uuid,
    /// Its notice's number.
    #[schema(example = "2026-0007")]
    notice: String,
    /// The contact's id.
    contact: String,
    /// email, sms or webhook.
    channel: String,
    /// Where it goes; masked unless revealed.
    #[schema(example = "r…@musterdorf.example")]
    address: String,
    /// queued, sending, sent, delivered, failed, expired, suppressed, cancelled or unclear. "sent" means that the next
    /// hop accepted it; "delivered" that somebody reported so.
    #[schema(example = "sent")]
    state: String,
    /// How many tries its round has seen.
    attempts: i64,
    /// Code and words of the last answer.
    reason: Option<String>,
    /// By which provider.
    provider: Option<String>,
    /// The provider's own name for it.
    provider_ref: Option<String>,
    /// When it last changed.
    #[schema(format = "date-time")]
    updated_at: String,
}

impl ShownDelivery {
    fn new(row: DeliveryRow, instance: &Instance, addresses: Addresses) -> Self {
        let reason = deliveries::reason(&row, &instance.settings().sms, instance.now());
        Self {
            id: row.id,
            notice: row.notice,
            contact: row.contact,
            address: addresses.show(&row.address),
            channel: row.channel,
            state: row.state,
            attempts: row.attempts,
            reason: reason.map(|reason| addresses.show_in(&reason)),
            provider: row.provider,
            provider_ref: row.provider_ref,
            updated_at: Timestamp(row.updated_at).to_string(),
        }
    }
}

/// Which deliveries are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Of this notice only, by its number.
    #[param(example = "2026-0007")]
    notice: Option<String>,
    /// In these states only, separated by commas.
    #[param(example = "failed,unclear")]
    state: Option<String>,
    /// By these channels only, separated by commas.
    #[param(example = "email,sms")]
    channel: Option<String>,
    /// Shows addresses as they are: why you need them, which is logged. Needs the right `contacts:reveal`.
    #[param(min_length = 1, max_length = 300)]
    reveal: Option<String>,
}

/// Lists deliveries, oldest first
///
/// A token that is limited to groups must name a notice. A page may have fewer deliveries than `limit`, or none,
/// although more follow: it looks at five thousand at most, and `next` goes on from there.
#[utoipa::path(
    get,
    path = "/deliveries",
    tag = "deliveries",
    params(Wanted, PageParameters),
    responses(
        (status = 200, description = "A page of deliveries", body = Page<ShownDelivery>),
        (status = 404, description = "There is no such notice"),
    ),
)]
pub(super) async fn list(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Filters(wanted): Filters<Wanted>,
    paging: Paging,
) -> Result<Page<ShownDelivery>, Problem> {
    let filter = DeliveryFilter {
        notice: None,
        states: words("state", wanted.state.as_deref())?,
        channels: words("channel", wanted.channel.as_deref())?,
    };
    let after: Option<DeliveryId> = paging.after()?;
    let notice = match &wanted.notice {
        Some(number) => Some(reach::notice(&instance, &actor, number).await?.id),
        None => {
            reach::unlimited(&actor, "name a notice, with ?notice=2026-0007")?;
            None
        }
    };
    let read = instance.store.delivery_page(notice, &filter, after, paging.limit).await?;
    let page = paging.page_until(read.rows, read.next);
    let looked = Looked::Deliveries { notice: wanted.notice.as_deref() };
    let (reason, count) = (wanted.reveal.as_deref(), page.items.len());
    let addresses = Addresses::open(&instance, &actor, reason, &looked, count).await?;
    Ok(page.map(|row| ShownDelivery::new(row, &instance, addresses)))
}

/// A delivery with its tries.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WholeDelivery {
    #[serde(flatten)]
    listed: ShownDelivery,
    /// Which round: sending again by hand begins a new one.
    round: i64,
    /// When its next try is due, if it is queued.
    #[schema(format = "date-time")]
    due_at: Option<String>,
    /// Its tries, in order.
    tries: Vec<Try>,
    /// What others reported about it, in order.
    receipts: Vec<Receipt>,
}

/// One try.
#[derive(Debug, Serialize, ToSchema)]
struct Try {
    /// The round.
    round: i64,
    /// The number within the round.
    number: i64,
    /// By which provider.
    provider: String,
    /// When it ended.
    #[schema(format = "date-time")]
    ended_at: String,
    /// accepted, deferred, refused, …
    outcome: String,
    /// The code that came back.
    code: String,
    /// The words that came back.
    text: String,
}

/// One report.
#[derive(Debug, Serialize, ToSchema)]
struct Receipt {
    /// The round that it belongs to.
    round: i64,
    /// The provider's name, or `bounce`.
    source: String,
    /// When it came.
    #[schema(format = "date-time")]
    received_at: String,
    /// delivered, failed or underway.
    kind: String,
    /// A short code.
    code: String,
    /// In the other side's words.
    text: String,
}

impl Try {
    fn new(row: AttemptRow, addresses: Addresses) -> Self {
        Self {
            round: row.round,
            number: row.number,
            provider: row.provider,
            ended_at: Timestamp(row.ended_at).to_string(),
            outcome: row.outcome,
            code: row.code,
            text: addresses.show_in(&row.text),
        }
    }
}

impl Receipt {
    fn new(row: ReceiptRow, addresses: Addresses) -> Self {
        Self {
            round: row.round,
            source: row.source,
            received_at: Timestamp(row.received_at).to_string(),
            kind: row.kind,
            code: row.code,
            text: addresses.show_in(&row.text),
        }
    }
}

/// Shows one delivery with its tries
#[utoipa::path(
    get,
    path = "/deliveries/{id}",
    tag = "deliveries",
    params(("id" = Uuid, Path, description = "Its id"), Revealing),
    responses((status = 200, description = "The delivery", body = WholeDelivery)),
)]
pub(super) async fn show(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(id): Named<Uuid>,
    Filters(wanted): Filters<Revealing>,
) -> Result<Json<WholeDelivery>, Problem> {
    let id = DeliveryId(id);
    let missing = || Problem::not_found(format_args!("delivery {id}"));
    let detail = instance.store.delivery(id).await?.ok_or_else(missing)?;
    if actor.groups.is_some() {
        reach::notice(&instance, &actor, &detail.delivery.notice).await?;
    }
    let looked = Looked::Deliveries { notice: Some(&detail.delivery.notice) };
    let addresses = Addresses::open(&instance, &actor, wanted.reveal.as_deref(), &looked, 1).await?;
    let receipts = instance.store.receipts(id).await?;
    let row = detail.delivery;
    let is_queued = row.state == DeliveryState::Queued.as_str();
    Ok(Json(WholeDelivery {
        round: row.round,
        due_at: is_queued.then(|| Timestamp(row.due_at).to_string()),
        tries: detail.attempts.into_iter().map(|row| Try::new(row, addresses)).collect(),
        receipts: receipts.into_iter().map(|row| Receipt::new(row, addresses)).collect(),
        listed: ShownDelivery::new(row, &instance, addresses),
    }))
}

/// What became of unclear deliveries.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Decision {
    /// Which.
    #[schema(min_items = 1, max_items = 1000)]
    ids: Vec<Uuid>,
    /// What became of them, or that they are sent again.
    r#as: As,
}

/// What became of them.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum As {
    /// They got there.
    Sent,
    /// They did not, and are not sent again.
    Failed,
    /// They are sent again.
    Resend,
}

/// What was decided.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Decided {
    /// About how many deliveries.
    resolved: usize,
    /// Until when those that are sent again have time; null where none is.
    #[schema(format = "date-time")]
    expires_at: Option<String>,
}

/// Decides what became of unclear deliveries
///
/// All of them or none: if one is not unclear, nothing is changed.
#[utoipa::path(
    post,
    path = "/deliveries/resolve",
    tag = "deliveries",
    request_body = Decision,
    responses(
        (status = 200, description = "It is written down", body = Decided),
        (status = 409, description = "One of them is not unclear"),
    ),
)]
pub(super) async fn resolve(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    JsonBody(decision): JsonBody<Decision>,
) -> Result<Json<Decided>, Problem> {
    reach::unlimited(&actor, "somebody without such a limit must decide")?;
    if decision.ids.is_empty() || decision.ids.len() > MOST_AT_ONCE {
        return Err(Problem::invalid("ids", format!("name 1 to {MOST_AT_ONCE} deliveries")));
    }
    let mut ids: Vec<DeliveryId> = decision.ids.into_iter().map(DeliveryId).collect();
    ids.sort_unstable();
    ids.dedup();
    let resolution = match decision.r#as {
        As::Sent => Resolution::Sent,
        As::Failed => Resolution::Failed,
        As::Resend => Resolution::Resend,
    };
    let expires_at = deliveries::resolve(&instance, &actor, &ids, resolution).await?;
    let is_resent = matches!(decision.r#as, As::Resend);
    Ok(Json(Decided { resolved: ids.len(), expires_at: is_resent.then(|| expires_at.to_string()) }))
}
