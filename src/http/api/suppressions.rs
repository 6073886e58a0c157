//! `/suppressions`: addresses that are not to be used.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::audit::reading::Looked;
use crate::app::instance::Instance;
use crate::app::suppressions::{self, Blockable};
use crate::domain::clock::Timestamp;

use super::body::JsonBody;
use super::caller::SignedIn;
use super::pages::{Page, PageParameters, Paging};
use super::parameters::Filters;
use super::problem::Problem;
use super::reach::{self, Addresses, Revealing};

/// The longest reason, in characters.
const LONGEST_REASON: usize = 300;

/// An address that is not to be used.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Suppression {
    /// email, sms or webhook.
    channel: String,
    /// The address; masked unless revealed.
    address: String,
    /// A short code: `5.1.1`, `manual`.
    reason: String,
    /// In words.
    detail: String,
    /// Since when.
    #[schema(format = "date-time")]
    since: String,
    /// Until when; null: until lifted.
    #[schema(format = "date-time")]
    until: Option<String>,
}

impl Suppression {
    fn new(row: crate::store::Suppression, addresses: Addresses) -> Self {
        Self {
            channel: row.channel,
            address: addresses.show(&row.address),
            reason: row.reason,
            detail: addresses.show_in(&row.detail),
            since: Timestamp(row.since).to_string(),
            until: row.until.map(|at| Timestamp(at).to_string()),
        }
    }
}

/// Lists addresses that are not used, the oldest block first
///
/// Not for tokens that are limited to groups.
#[utoipa::path(
    get,
    path = "/suppressions",
    tag = "suppressions",
    params(Revealing, PageParameters),
    responses((status = 200, description = "A page of blocks", body = Page<Suppression>)),
)]
pub(super) async fn list(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Filters(wanted): Filters<Revealing>,
    paging: Paging,
) -> Result<Page<Suppression>, Problem> {
    reach::unlimited(&actor, "blocks are shown to callers without such a limit")?;
    let blocks = instance.store.suppressions().await?;
    // A cursor carries no address: the time and a name made of the address tell blocks apart.
    let key = |block: &crate::store::Suppression| {
        format!("{:015} {}", block.since, instance.seal.pseudonym(&block.address))
    };
    let keyed = blocks.into_iter().map(|block| (key(&block), block));
    let page = paging.cut(keyed, |(key, _)| key.clone())?;
    let looked = Looked::Document { name: "suppressions", about: "" };
    let (reason, count) = (wanted.reveal.as_deref(), page.items.len());
    let addresses = Addresses::open(&instance, &actor, reason, &looked, count).await?;
    Ok(page.map(|(_, block)| Suppression::new(block, addresses)))
}

/// A block to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSuppression {
    /// An e-mail address, a telephone number with country code, or a webhook's URL.
    #[schema(example = "rathaus@musterdorf.example")]
    address: String,
    /// Why: one line.
    #[schema(min_length = 1, max_length = 300)]
    reason: String,
    /// Until when; without it, until lifted.
    #[schema(format = "date-time", example = "2030-01-01T00:00:00Z")]
    #[serde(default)]
    until: Option<String>,
}

/// An address that was named.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Named {
    /// email, sms or webhook.
    channel: &'static str,
    /// The address as it is compared, masked.
    address: String,
}

impl From<&Blockable> for Named {
    fn from(what: &Blockable) -> Self {
        Self { channel: what.channel.as_str(), address: Addresses::Masked.show(&what.address) }
    }
}

/// Blocks an address
///
/// One that is blocked already is blocked anew.
#[utoipa::path(
    post,
    path = "/suppressions",
    tag = "suppressions",
    request_body = NewSuppression,
    responses((status = 201, description = "It is not used any more", body = Named)),
)]
pub(super) async fn add(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    JsonBody(new): JsonBody<NewSuppression>,
) -> Result<(StatusCode, Json<Named>), Problem> {
    reach::unlimited(&actor, "somebody without such a limit must do that")?;
    let what = blockable(&new.address)?;
    let reason = new.reason.trim();
    let length = reason.chars().count();
    if length == 0 || length > LONGEST_REASON || reason.chars().any(char::is_control) {
        return Err(Problem::invalid(
            "reason",
            format!("write 1 to {LONGEST_REASON} characters on one line"),
        ));
    }
    let until = new.until.as_deref().map(|text| later(&instance, text)).transpose()?;
    suppressions::add(&instance, &actor, &what, reason, until).await?;
    Ok((StatusCode::CREATED, Json(Named::from(&what))))
}

/// A point in time that lies ahead.
fn later(instance: &Instance, text: &str) -> Result<Timestamp, Problem> {
    let at: Option<jiff::Timestamp> = text.parse().ok();
    let at = at.map(Timestamp::from);
    let at =
        at.ok_or_else(|| Problem::invalid("until", "write a time with its offset: 2030-01-01T00:00:00Z"))?;
    if at <= instance.now() {
        return Err(Problem::invalid("until", "that is past: name a later time, or leave it out"));
    }
    Ok(at)
}

fn blockable(text: &str) -> Result<Blockable, Problem> {
    Blockable::parse(text).map_err(|failure| Problem::from(failure).about("address"))
}

/// A block to be lifted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Lift {
    /// The address, as it is.
    #[schema(example = "rathaus@musterdorf.example")]
    address: String,
}

/// Lifts the block of an address
///
/// It is used again from the next notice on.
#[utoipa::path(
    post,
    path = "/suppressions/lift",
    tag = "suppressions",
    request_body = Lift,
    responses(
        (status = 200, description = "It is used again", body = Named),
        (status = 409, description = "It was not blocked"),
    ),
)]
pub(super) async fn lift(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    JsonBody(lift): JsonBody<Lift>,
) -> Result<Json<Named>, Problem> {
    reach::unlimited(&actor, "somebody without such a limit must do that")?;
    let what = blockable(&lift.address)?;
    if !suppressions::lift(&instance, &actor, &what).await? {
        return Err(Problem::conflict("this address is not blocked; nothing was changed").about("address"));
    }
    Ok(Json(Named::from(&what)))
}
