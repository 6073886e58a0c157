//! People with telephones: whom they call, and what they found out.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::audit::reading::Looked;
use crate::app::instance::Instance;
use crate::app::people::{Call, NoticePeople};
use crate::app::reached::reached_by_hand;
use crate::domain::actor::Actor;
use crate::store::NoticeSummary;

use super::body::JsonBody;
use super::caller::SignedIn;
use super::contacts::Visible;
use super::parameters::{Filters, Named};
use super::problem::Problem;
use super::reach::{self, Addresses};

/// The longest note, in characters.
const LONGEST_NOTE: usize = 1_000;

/// The notice called `number` with its counts, if there is one that `actor` may see.
async fn find(instance: &Instance, actor: &Actor, number: &str) -> Result<NoticeSummary, Problem> {
    let head = reach::notice(instance, actor, number).await?;
    let notice = instance.store.notice_summary(head.id).await?;
    notice.ok_or_else(|| Problem::not_found("such notice"))
}

/// Why telephone numbers are shown.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CallReason {
    /// Why you need them, which is logged.
    #[param(min_length = 1, max_length = 300)]
    reveal: String,
}

/// Who has not been reached, by organisation and name.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CallList {
    /// Each of them, once.
    items: Vec<ShownCall>,
}

/// Somebody who has not been reached.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Call)]
pub(super) struct ShownCall {
    /// Whom they belong to; may be empty.
    organisation: String,
    /// Their name; empty where it is no longer kept.
    name: String,
    /// The contact's id.
    contact: String,
    /// Their telephone numbers.
    phones: Vec<String>,
    /// Who stands in for them: name and id; empty: nobody.
    deputy: String,
    /// The telephone numbers of that one.
    deputy_phones: Vec<String>,
    /// The group by which they were meant.
    group: String,
    /// Why they have not been reached.
    why: String,
}

impl From<Call> for ShownCall {
    fn from(call: Call) -> Self {
        Self {
            organisation: call.organisation,
            name: call.name,
            contact: call.contact,
            phones: call.phones,
            deputy: call.deputy,
            deputy_phones: call.deputy_phones,
            group: call.group,
            why: call.why,
        }
    }
}

/// Lists who has not been reached by a notice, with telephone numbers
///
/// All of them at once, for a person with a telephone. Who answered how fast is not in it.
#[utoipa::path(
    get,
    path = "/notices/{number}/call-list",
    tag = "notices",
    params(("number" = String, Path, description = "Its number", example = "2026-0007"), CallReason),
    responses((status = 200, description = "The list", body = CallList)),
)]
pub(super) async fn list(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(number): Named<String>,
    Filters(wanted): Filters<CallReason>,
) -> Result<Json<CallList>, Problem> {
    let notice = find(&instance, &actor, &number).await?;
    // Of a deputy outside the groups that a token is limited to, no number is shown.
    let contacts: Vec<_> = Visible::to(&instance, &actor).await?.contacts().cloned().collect();
    let calls = NoticePeople::read(&instance.store, &notice).await?.calls(&contacts);
    let looked = Looked::CallList { notice: &number };
    Addresses::open(&instance, &actor, Some(&wanted.reveal), &looked, calls.len()).await?;
    Ok(Json(CallList { items: calls.into_iter().map(ShownCall::from).collect() }))
}

/// Who was reached, and how.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewReached)]
pub(super) struct Reached {
    /// The contact's id.
    contact: String,
    /// How.
    by: ReachedBy,
    /// What is worth knowing: whom you spoke to, what they said.
    #[serde(default)]
    #[schema(max_length = 1000)]
    note: String,
}

/// How a person reached a contact.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ReachedBy {
    /// By telephone.
    Phone,
    /// By fax, and it was read.
    Fax,
    /// By a messenger, in person or a program.
    Messenger,
}

impl ReachedBy {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Fax => "fax",
            Self::Messenger => "messenger",
        }
    }
}

/// What writing that down did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reached)]
pub(super) struct WrittenDown {
    /// The notice's number.
    #[schema(example = "2026-0007")]
    notice: String,
    /// The contact's id.
    contact: String,
    /// How it had been reached before: then nothing was changed; null: it had not. link, phone, fax or messenger.
    before: Option<String>,
    /// How many deliveries that waited for it alone were stopped.
    cancelled: usize,
    /// How many still leave, because others share them or they are on their way.
    still_open: i64,
}

/// Writes down that a person reached a contact by telephone, fax or messenger: nothing more follows for it
#[utoipa::path(
    post,
    path = "/notices/{number}/reached",
    tag = "notices",
    params(("number" = String, Path, description = "Its number", example = "2026-0007")),
    request_body = Reached,
    responses((status = 200, description = "It is written down", body = WrittenDown)),
)]
pub(super) async fn reached(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(number): Named<String>,
    JsonBody(new): JsonBody<Reached>,
) -> Result<Json<WrittenDown>, Problem> {
    let notice = find(&instance, &actor, &number).await?;
    if new.note.chars().count() > LONGEST_NOTE {
        return Err(Problem::invalid("note", format!("write {LONGEST_NOTE} characters at most")));
    }
    let contact = instance.store.person_of_notice(notice.id, &new.contact).await?.ok_or_else(|| {
        Problem::invalid("contact", "the notice was not for a contact with this id: nothing was changed")
    })?;
    let done = reached_by_hand(&instance, &actor, &notice, contact, new.by.as_str(), &new.note).await?;
    Ok(Json(WrittenDown {
        notice: number,
        contact: new.contact,
        before: done.before.map(|before| before.by_what),
        cancelled: done.cancelled,
        still_open: done.still_open,
    }))
}
