//! Notices before they are sent: drafts, their check, their preview, what sending would mean, and submitting.

use std::collections::BTreeMap;
use std::str::FromStr;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::app::compose::{Draft, Wish};
use crate::app::incidents::link::IncidentWish;
use crate::app::instance::Instance;
use crate::app::notices::draft::{self, KeptDraft, Meant};
use crate::app::release::{Submitted, second_person_for};
use crate::domain::audience::{Audience, Filter};
use crate::domain::clock::Timestamp;
use crate::domain::duration::parse_duration;
use crate::domain::ids::NoticeId;
use crate::domain::local_time::{clock_change, read_time};
use crate::domain::notice::{Priority, Visibility};
use crate::domain::wording::WordingHint;

use super::body::JsonBody;
use super::caller::SignedIn;
use super::etag::{ETag, IfMatch, IfMatchParameter};
use super::pages::{Page, PageParameters, Paging};
use super::parameters::{Filters, Named};
use super::problem::{Kind, Problem};
use super::templates::{self, ShownFinding, ShownPreview};

/// What somebody wants to send.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DraftBody {
    /// The template's name.
    #[schema(example = "erst-kommune")]
    pub(super) template: String,
    /// The values of its variables, as they would be typed.
    #[serde(default)]
    #[schema(example = json!({"beginn": "2026-11-20T05:40"}))]
    pub(super) values: BTreeMap<String, String>,
    /// Whom it is for.
    #[serde(default)]
    pub(super) audience: AudienceBody,
    /// email, sms, webhook; without them those that the template has text for and that can be used.
    #[serde(default)]
    pub(super) channels: Vec<String>,
    /// Channels that follow each other.
    #[serde(default)]
    pub(super) cascade: Vec<String>,
    /// How long each way of a cascade has: `10m`.
    #[serde(default)]
    pub(super) after: Option<String>,
    /// urgent or normal.
    #[serde(default)]
    #[schema(example = "normal")]
    pub(super) priority: Option<String>,
    /// internal, partner or public.
    #[serde(default)]
    #[schema(example = "internal")]
    pub(super) visibility: Option<String>,
    /// Whether it is an exercise.
    #[serde(default)]
    pub(super) exercise: bool,
    /// When it is to be released, in the instance's time zone (`2026-11-20T18:00`) or with an offset.
    #[serde(default)]
    pub(super) at: Option<String>,
    /// How long after its release it is worth sending: `4h`.
    #[serde(default)]
    pub(super) expires_after: Option<String>,
    /// The key of the incident that it belongs to.
    #[serde(default)]
    pub(super) incident: Option<String>,
    /// When more is to be said, as `at`.
    #[serde(default)]
    pub(super) next_update_at: Option<String>,
    /// Whether words that claim much for the incident's phase are meant so.
    #[serde(default)]
    pub(super) accept_wording: bool,
}

/// Whom a notice is for.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAudience)]
pub(super) struct AudienceBody {
    /// Groups, with those in them.
    #[serde(default)]
    pub(super) groups: Vec<String>,
    /// Single contacts, by id.
    #[serde(default)]
    pub(super) contacts: Vec<String>,
    /// Groups whose members are left out.
    #[serde(default)]
    pub(super) except: Vec<String>,
    /// What must hold of those who came in by a group.
    #[serde(default)]
    pub(super) filters: Vec<FilterBody>,
}

/// `attribute=value`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAudienceFilter)]
pub(super) struct FilterBody {
    /// The attribute.
    attribute: String,
    /// What it must be.
    value: String,
}

fn each<T: FromStr<Err = String>>(field: &str, texts: &[String]) -> Result<Vec<T>, Problem> {
    let parsed = texts.iter().enumerate();
    parsed
        .map(|(at, text)| text.parse().map_err(|why: String| Problem::invalid(format!("{field}[{at}]"), why)))
        .collect()
}

fn one<T>(
    field: &str,
    text: Option<&str>,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, Problem> {
    text.map(|text| parse(text).map_err(|why| Problem::invalid(field, why))).transpose()
}

/// A point in time that lies ahead, in the instance's zone.
///
/// # Errors
/// 422 with the field.
pub(super) fn ahead(instance: &Instance, field: &str, text: &str) -> Result<Timestamp, Problem> {
    let settings = instance.settings();
    let now = instance.now();
    let at = read_time(text, &settings.instance.timezone, now).map_err(|why| Problem::invalid(field, why))?;
    if at <= now {
        return Err(Problem::invalid(field, "that time has passed: name one in the future"));
    }
    Ok(at)
}

impl DraftBody {
    /// As use cases know it.
    ///
    /// # Errors
    /// 422 with the field that is not as it must be.
    pub(super) fn wish(self, instance: &Instance) -> Result<Wish, Problem> {
        let duration = |field, text: Option<&str>| one(field, text, parse_duration);
        let time = |field, text: Option<&str>| text.map(|text| ahead(instance, field, text)).transpose();
        let priority: Option<Priority> = one("priority", self.priority.as_deref(), str::parse)?;
        let visibility: Option<Visibility> = one("visibility", self.visibility.as_deref(), str::parse)?;
        let next_update = time("next_update_at", self.next_update_at.as_deref())?;
        if next_update.is_some() && self.incident.is_none() {
            return Err(Problem::invalid("next_update_at", "it belongs to an incident: name that, too"));
        }
        Ok(Wish {
            template: self.template,
            values: self.values,
            audience: self.audience.audience(),
            channels: each("channels", &self.channels)?,
            cascade: each("cascade", &self.cascade)?,
            after: duration("after", self.after.as_deref())?,
            priority: priority.unwrap_or_default(),
            visibility: visibility.unwrap_or_default(),
            exercise: self.exercise,
            at: time("at", self.at.as_deref())?,
            expires_after: duration("expires_after", self.expires_after.as_deref())?,
            incident: self.incident.map(|key| IncidentWish { key, next_update, reminder: None }),
            accept_wording: self.accept_wording,
        })
    }

    fn of(wish: Wish) -> Self {
        let seconds = |duration: std::time::Duration| format!("{}s", duration.as_secs());
        let names = |channels: Vec<crate::domain::address::Channel>| {
            channels.into_iter().map(|channel| channel.as_str().to_owned()).collect()
        };
        let next_update_at = wish.incident.as_ref().and_then(|incident| incident.next_update);
        Self {
            template: wish.template,
            values: wish.values,
            audience: AudienceBody {
                groups: wish.audience.groups,
                contacts: wish.audience.contacts,
                except: wish.audience.except,
                filters: wish
                    .audience
                    .filters
                    .into_iter()
                    .map(|filter| FilterBody { attribute: filter.attribute, value: filter.value })
                    .collect(),
            },
            channels: names(wish.channels),
            cascade: names(wish.cascade),
            after: wish.after.map(seconds),
            priority: Some(wish.priority.as_str().to_owned()),
            visibility: Some(wish.visibility.as_str().to_owned()),
            exercise: wish.exercise,
            at: wish.at.map(|at| at.to_string()),
            expires_after: wish.expires_after.map(seconds),
            incident: wish.incident.map(|incident| incident.key),
            next_update_at: next_update_at.map(|at| at.to_string()),
            accept_wording: wish.accept_wording,
        }
    }
}

impl AudienceBody {
    pub(super) fn audience(self) -> Audience {
        let filters = self.filters.into_iter();
        Audience {
            groups: self.groups,
            contacts: self.contacts,
            except: self.except,
            filters: filters.map(|one| Filter { attribute: one.attribute, value: one.value }).collect(),
        }
    }
}

/// A draft.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Draft)]
pub(super) struct ShownDraft {
    /// Its id; the notice keeps it.
    #[schema(format = "uuid")]
    id: String,
    /// 1, 2, 3, …: one more with every change.
    version: i64,
    /// When it was begun.
    #[schema(format = "date-time")]
    created_at: String,
    /// By whom.
    created_by: String,
    /// When it was changed last.
    #[schema(format = "date-time")]
    updated_at: String,
    /// By whom.
    updated_by: String,
    /// What is to be sent.
    notice: DraftBody,
}

impl ShownDraft {
    fn new(kept: KeptDraft) -> Self {
        Self {
            id: kept.id.to_string(),
            version: kept.version,
            created_at: kept.created_at.to_string(),
            created_by: kept.created_by,
            updated_at: kept.updated_at.to_string(),
            updated_by: kept.updated_by,
            notice: DraftBody::of(kept.wish),
        }
    }
}

fn tag(kept: &KeptDraft) -> ETag {
    ETag::of(format_args!("draft {} {}", kept.id, kept.version))
}

/// Begins a notice: a draft, without a number
#[utoipa::path(
    post,
    path = "/notices",
    tag = "notices",
    request_body = DraftBody,
    responses((
        status = 201, description = "The draft is kept", body = ShownDraft,
        headers(("ETag" = String, description = "Its version"), ("Location" = String, description = "Where it is")),
    )),
)]
pub(super) async fn begin(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    JsonBody(body): JsonBody<DraftBody>,
) -> Result<impl IntoResponse, Problem> {
    let kept = draft::keep(&instance, &actor, &body.wish(&instance)?).await?;
    let location = format!("/api/v1/drafts/{}", kept.id);
    let headers = [tag(&kept).header()];
    Ok((StatusCode::CREATED, headers, [(header::LOCATION, location)], Json(ShownDraft::new(kept))))
}

/// Lists drafts, oldest first
#[utoipa::path(
    get,
    path = "/drafts",
    tag = "notices",
    params(PageParameters),
    responses((status = 200, description = "A page of drafts", body = Page<ShownDraft>)),
)]
pub(super) async fn list(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    paging: Paging,
) -> Result<Page<ShownDraft>, Problem> {
    paging.without_filters()?;
    let drafts = draft::list(&instance, &actor).await?;
    let seen = drafts.into_iter().filter(|kept| super::reach::may_see(&actor, &kept.wish.audience));
    Ok(paging.cut(seen, |kept| kept.id.to_string())?.map(ShownDraft::new))
}

/// Shows one draft
#[utoipa::path(
    get,
    path = "/drafts/{id}",
    tag = "notices",
    params(("id" = Uuid, Path, description = "The draft's id")),
    responses((
        status = 200, description = "The draft", body = ShownDraft,
        headers(("ETag" = String, description = "Its version")),
    )),
)]
pub(super) async fn show(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(id): Named<Uuid>,
) -> Result<impl IntoResponse, Problem> {
    let kept = find(&instance, &actor, id).await?;
    Ok(([tag(&kept).header()], Json(ShownDraft::new(kept))))
}

async fn find(
    instance: &Instance,
    actor: &crate::domain::actor::Actor,
    id: Uuid,
) -> Result<KeptDraft, Problem> {
    let kept = draft::read(instance, actor, NoticeId(id)).await?;
    if super::reach::may_see(actor, &kept.wish.audience) {
        return Ok(kept);
    }
    Err(Problem::not_found("such draft"))
}

/// Changes a draft: what stands in the body takes the place of what was there
///
/// A field that is null is taken out again (RFC 7396).
#[utoipa::path(
    patch,
    path = "/drafts/{id}",
    tag = "notices",
    params(("id" = Uuid, Path, description = "The draft's id"), IfMatchParameter),
    request_body = DraftBody,
    responses((
        status = 200, description = "The draft as it is now", body = ShownDraft,
        headers(("ETag" = String, description = "Its version")),
    )),
)]
pub(super) async fn change(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(id): Named<Uuid>,
    wanted: IfMatch,
    JsonBody(changes): JsonBody<serde_json::Map<String, serde_json::Value>>,
) -> Result<impl IntoResponse, Problem> {
    let kept = find(&instance, &actor, id).await?;
    wanted.check(&tag(&kept))?;
    let mut body = serde_json::to_value(DraftBody::of(kept.wish)).map_err(Problem::failed)?;
    merge(&mut body, serde_json::Value::Object(changes));
    let body: DraftBody = serde_json::from_value(body)
        .map_err(|error| Problem::new(Kind::Invalid, format!("that is no notice any more: {error}")))?;
    let wish = body.wish(&instance)?;
    let kept = draft::change(&instance, &actor, kept.id, kept.version, &wish).await?;
    Ok(([tag(&kept).header()], Json(ShownDraft::new(kept))))
}

/// A merge patch (RFC 7396, section 2).
fn merge(target: &mut serde_json::Value, patch: serde_json::Value) {
    let serde_json::Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = serde_json::Value::Object(serde_json::Map::new());
    }
    let Some(members) = target.as_object_mut() else { return };
    for (name, value) in patch {
        if value.is_null() {
            members.remove(&name);
        } else {
            merge(members.entry(name).or_insert(serde_json::Value::Null), value);
        }
    }
}

/// Throws a draft away
#[utoipa::path(
    delete,
    path = "/drafts/{id}",
    tag = "notices",
    params(("id" = Uuid, Path, description = "The draft's id"), IfMatchParameter),
    responses((status = 204, description = "It is gone")),
)]
pub(super) async fn discard(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(id): Named<Uuid>,
    wanted: IfMatch,
) -> Result<StatusCode, Problem> {
    let kept = find(&instance, &actor, id).await?;
    wanted.check(&tag(&kept))?;
    draft::discard(&instance, &actor, kept.id, kept.version).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the check has to say.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DraftCheck)]
pub(super) struct ShownCheck {
    /// Whether it could be submitted as it is.
    sendable: bool,
    /// What it stumbles over; findings in typed values can be accepted.
    findings: Vec<ShownFinding>,
    /// Words that claim more than the incident's phase allows yet; they do not block.
    wording: Vec<String>,
}

/// Checks a draft's texts, with its values, as they would go out
#[utoipa::path(
    post,
    path = "/drafts/{id}/check",
    tag = "notices",
    params(("id" = Uuid, Path, description = "The draft's id")),
    responses(
        (status = 200, description = "What was found", body = ShownCheck),
        (status = 409, description = "It does not fit how things stand, for instance its template is not right"),
        (status = 422, description = "Something in the draft is not as it must be"),
    ),
)]
pub(super) async fn check(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(id): Named<Uuid>,
) -> Result<Json<ShownCheck>, Problem> {
    let draft = worked_out(&instance, &actor, id).await?;
    let folder = instance.settings().instance.templates.display().to_string();
    Ok(Json(ShownCheck {
        sendable: draft::sendable(&instance, &draft, false).is_ok(),
        wording: hints(&draft.wording),
        findings: draft.findings.into_iter().map(|one| ShownFinding::new(one, &folder)).collect(),
    }))
}

/// What was found in words, in words.
pub(super) fn hints(found: &[WordingHint]) -> Vec<String> {
    found.iter().map(ToString::to_string).collect()
}

async fn worked_out(
    instance: &Instance,
    actor: &crate::domain::actor::Actor,
    id: Uuid,
) -> Result<Draft, Problem> {
    let kept = find(instance, actor, id).await?;
    Ok(draft::work_out(instance, actor, kept.wish).await?)
}

/// What sending would mean.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Plan)]
pub(super) struct ShownPlan {
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
    /// Its name.
    name: String,
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
    fn new(instance: &Instance, draft: &Draft) -> Self {
        let (plan, everybody) = (&draft.plan, draft.plan.everybody());
        let settings = instance.settings();
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
                    name: one.name.clone(),
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
            duration: plan.duration.map(|duration| duration.as_secs_f64()),
            at: draft.wish.at.map(|at| at.to_string()),
            at_note: draft.wish.at.and_then(|at| clock_change(at, &settings.instance.timezone)),
            expires_at: draft.expires_at.to_string(),
            second_person: second_person_for(instance, draft),
            wording: hints(&draft.wording),
        }
    }
}

/// Says what sending a draft would mean: who gets it how, who cannot be reached, how long it takes
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
pub(super) async fn plan(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(id): Named<Uuid>,
) -> Result<Json<ShownPlan>, Problem> {
    let draft = worked_out(&instance, &actor, id).await?;
    Ok(Json(ShownPlan::new(&instance, &draft)))
}

/// For whom a preview is.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PreviewFor {
    /// The contact's id; without it, an invented contact. Needs the right `contacts:read`.
    contact: Option<String>,
}

/// Shows what one contact would receive
#[utoipa::path(
    post,
    path = "/drafts/{id}/preview",
    tag = "notices",
    params(("id" = Uuid, Path, description = "The draft's id"), PreviewFor),
    responses(
        (status = 200, description = "What would be received", body = ShownPreview),
        (status = 409, description = "It does not fit how things stand, for instance its template is not right"),
        (status = 422, description = "Something in the draft is not as it must be"),
    ),
)]
pub(super) async fn preview(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(id): Named<Uuid>,
    Filters(wanted): Filters<PreviewFor>,
) -> Result<Json<ShownPreview>, Problem> {
    let draft = worked_out(&instance, &actor, id).await?;
    let contact = templates::contact(&instance, &actor, wanted.contact.as_deref()).await?;
    let settings = instance.settings();
    let render = move || templates::render(&settings, &draft.template, &draft.values, &contact);
    templates::off_the_runtime(render).await?.map(Json)
}

/// What is said with a submission.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Submission {
    /// Whether what the check found in typed values is meant so.
    #[serde(default)]
    accept_findings: bool,
    /// Whether words that claim more than is known are meant so; without it they go out all the same, and a second
    /// person is shown that nobody has said so.
    #[serde(default)]
    accept_wording: bool,
}

/// A notice that was submitted.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SubmittedNotice {
    /// Its number.
    #[schema(example = "2026-0007")]
    pub(super) notice: String,
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// sending, scheduled, or pending where a second person has to agree.
    #[schema(example = "pending")]
    pub(super) state: &'static str,
    /// SHA-256 of what a second person agrees to.
    hash: String,
    /// Why a second person is needed; null: none is.
    second_person: Option<String>,
    /// Words that claim more than the incident's phase allows yet.
    wording: Vec<String>,
    /// Whether somebody has said that they are meant so; always false where there are none.
    wording_accepted: bool,
}

impl SubmittedNotice {
    pub(super) fn new(submitted: Submitted) -> Self {
        Self {
            notice: submitted.number,
            id: submitted.id.to_string(),
            state: submitted.state.as_str(),
            hash: submitted.hash,
            second_person: Some(submitted.second_person).filter(|why| !why.is_empty()),
            wording_accepted: submitted.wording.accepted && !submitted.wording.hints.is_empty(),
            wording: hints(&submitted.wording.hints),
        }
    }
}

/// Submits a draft: it gets its number, and goes out, or waits for its time or for a second person
#[utoipa::path(
    post,
    path = "/drafts/{id}/submit",
    tag = "notices",
    params(("id" = Uuid, Path, description = "The draft's id"), IfMatchParameter),
    request_body = Submission,
    responses(
        (status = 201, description = "It has its number", body = SubmittedNotice),
        (status = 409, description = "It was submitted already, or cannot be sent as things stand"),
    ),
)]
pub(super) async fn submit(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(id): Named<Uuid>,
    wanted: IfMatch,
    JsonBody(submission): JsonBody<Submission>,
) -> Result<impl IntoResponse, Problem> {
    let kept = find(&instance, &actor, id).await?;
    wanted.check(&tag(&kept))?;
    let meant = Meant { findings: submission.accept_findings, wording: submission.accept_wording };
    let submitted = draft::submit(&instance, &actor, kept.id, Some(kept.version), meant).await?;
    let location = format!("/api/v1/notices/{}", submitted.number);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(SubmittedNotice::new(submitted))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_merge_patch_replaces_adds_and_takes_out() {
        let mut target = json!({"a": "b", "c": {"d": "e", "f": "g"}, "at": "x"});
        merge(&mut target, json!({"a": "z", "c": {"f": null, "h": [1]}, "at": null}));
        assert_eq!(target, json!({"a": "z", "c": {"d": "e", "h": [1]}}));
    }
}
