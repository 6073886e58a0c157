//! What sending a draft would mean.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::audit::reading::{Looked, Manner, record_reading};
use crate::app::compose::Draft;
use crate::app::instance::Instance;
use crate::app::release::second_person_for;
use crate::domain::actor::{Actor, Right};
use crate::domain::local_time::clock_change;

use super::super::caller::SignedIn;
use super::super::parameters::Named;
use super::super::problem::Problem;
use super::{hints, worked_out};

/// What sending would mean.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Plan)]
pub(in super::super) struct ShownPlan {
    /// How many contacts.
    contacts: usize,
    /// How many deliveries, by channel.
    deliveries: BTreeMap<&'static str, usize>,
    /// What each group contributes.
    groups: Vec<ShownShare>,
    /// Contacts that share an address with another: one delivery serves both.
    merged: Vec<String>,
    /// Contacts that cannot be reached, and why.
    unreachable: Vec<ShownUnreachable>,
    /// What the text messages come to.
    sms: Option<ShownSms>,
    /// What is known to be refused on our own side when it is to be sent, and what to do about it: texts that are too
    /// long for a gateway, webhooks that are too large, endpoints that may not be called. It does not block.
    refusals: Vec<String>,
    /// Attributes that the texts name and none of the contacts has: nothing will stand there. It does not block.
    unknown_attributes: Vec<String>,
    /// How long it takes at the limits in force, in seconds; null where no limit says.
    duration: Option<f64>,
    /// When it goes out; null: at once.
    #[schema(format = "date-time")]
    at: Option<String>,
    /// What is worth knowing about that time: that its hour comes twice.
    at_note: Option<&'static str>,
    /// When it is not worth sending any more.
    #[schema(format = "date-time")]
    expires_at: String,
    /// Why a second person is needed; null: none is.
    second_person: Option<String>,
    /// Words that claim more than the incident's phase allows yet; they do not block.
    wording: Vec<String>,
}

/// What one group contributes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GroupShare)]
struct ShownShare {
    /// Its name; `(contacts)`: those named singly.
    group: String,
    /// How many contacts.
    contacts: usize,
    /// How many deliveries, by channel.
    deliveries: BTreeMap<&'static str, usize>,
    /// How many share the address of another.
    merged: usize,
    /// How many have only suppressed addresses.
    blocked: usize,
    /// How many have no way at all.
    unreachable: usize,
}

/// A contact that cannot be reached.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PlannedUnreachable)]
struct ShownUnreachable {
    /// Its id.
    contact: String,
    /// Its name; null for whoever may not read contacts (`contacts:read`).
    name: Option<String>,
    /// Why.
    reason: String,
}

/// What text messages come to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SmsShare)]
struct ShownSms {
    /// How many messages.
    messages: usize,
    /// How many segments are paid for.
    segments: usize,
    /// The most segments of one.
    longest: usize,
    /// How many have to be sent as UCS-2.
    ucs2: usize,
    /// The characters that force that.
    outside_gsm: String,
    /// What they cost, where `[sms] price` says what a segment costs.
    #[schema(example = "13.50 EUR")]
    cost: Option<String>,
}

fn named(deliveries: &BTreeMap<crate::domain::address::Channel, usize>) -> BTreeMap<&'static str, usize> {
    deliveries.iter().map(|(channel, count)| (channel.as_str(), *count)).collect()
}

impl ShownPlan {
    fn new(instance: &Instance, actor: &Actor, draft: &Draft) -> Self {
        let (plan, everybody) = (&draft.plan, draft.plan.everybody());
        let settings = instance.settings();
        let shows_names = actor.may(Right::ContactsRead).is_ok();
        Self {
            contacts: draft.people.len(),
            deliveries: named(&everybody.deliveries),
            groups: plan
                .groups
                .iter()
                .map(|share| ShownShare {
                    group: share.name.clone(),
                    contacts: share.contacts,
                    deliveries: named(&share.deliveries),
                    merged: share.merged,
                    blocked: share.blocked,
                    unreachable: share.unreachable,
                })
                .collect(),
            merged: plan.merged.iter().map(|merged| merged.id.clone()).collect(),
            unreachable: plan
                .unreachable
                .iter()
                .map(|one| ShownUnreachable {
                    contact: one.id.clone(),
                    name: shows_names.then(|| one.name.clone()),
                    reason: one.reason.clone(),
                })
                .collect(),
            sms: plan.sms.as_ref().map(|sms| ShownSms {
                messages: sms.messages,
                segments: sms.segments,
                longest: sms.longest,
                ucs2: sms.ucs2,
                outside_gsm: sms.outside_gsm.iter().collect(),
                cost: settings.sms.price.as_ref().map(|price| price.times(sms.segments).to_string()),
            }),
            refusals: plan.refusals.clone(),
            unknown_attributes: plan.unknown_attributes.clone(),
            duration: plan.duration.map(|duration| duration.as_secs_f64()),
            at: draft.wish.at.map(|at| at.to_string()),
            at_note: draft.wish.at.and_then(|at| clock_change(at, &settings.instance.timezone)),
            expires_at: draft.expires_at.to_string(),
            second_person: second_person_for(instance, actor, draft),
            wording: hints(&draft.wording),
        }
    }
}

/// Says what sending a draft would mean: who gets it how, who cannot be reached, how long it takes
///
/// Names stand in it for those who may read contacts, and that they were looked at is logged.
#[utoipa::path(
    post,
    path = "/drafts/{id}/plan",
    tag = "notices",
    params(("id" = Uuid, Path, description = "The draft's id")),
    responses(
        (status = 200, description = "What it would mean", body = ShownPlan),
        (status = 409, description = "It does not fit how things stand, for instance its template is not right"),
        (status = 422, description = "Something in the draft is not as it must be"),
    ),
)]
pub(in super::super) async fn plan(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(id): Named<Uuid>,
) -> Result<Json<ShownPlan>, Problem> {
    let draft = worked_out(&instance, &actor, id).await?;
    let plan = ShownPlan::new(&instance, &actor, &draft);
    let named = plan.unreachable.iter().filter(|one| one.name.is_some()).count();
    if named > 0 {
        let looked = Looked::Document { name: "plan", about: &id.to_string() };
        record_reading(&instance, &actor, &looked, Manner::Read, named, "").await?;
    }
    Ok(Json(plan))
}
