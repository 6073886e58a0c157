//! `/contacts`: who can be told something. A token that is limited to groups sees their members alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::audit::reading::Looked;
use crate::app::instance::Instance;
use crate::app::nesting::{inherited, is_member, with_nested};
use crate::domain::actor::Actor;
use crate::domain::address::Channel;
use crate::domain::clock::Timestamp;
use crate::domain::contact::{Contact, ContactPoint, Group, KnownContact};
use crate::store::{Everybody, Suppression};

use super::caller::SignedIn;
use super::pages::{Page, PageParameters, Paging};
use super::parameters::{Filters, Named};
use super::problem::Problem;
use super::reach::{Addresses, Revealing};

/// A contact in lists.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ShownContact {
    /// The id from the file.
    #[schema(example = "musterdorf-rathaus")]
    id: String,
    /// Whom or what it names.
    name: String,
    /// Whom it belongs to; may be empty.
    organisation: String,
    /// Which language it reads; empty: the instance's.
    language: String,
    /// The groups that it is a direct member of.
    groups: Vec<String>,
    /// E-mail addresses in the order in which they are tried; masked unless revealed.
    email: Vec<String>,
    /// Numbers for text messages.
    sms: Vec<String>,
    /// Webhooks.
    webhook: Vec<String>,
    /// Who is told when this contact cannot be.
    deputy: Option<String>,
}

impl ShownContact {
    fn new(contact: &Contact, addresses: Addresses) -> Self {
        let of = |channel| -> Vec<String> {
            contact.points_of(channel).map(|point| addresses.show(point.address.as_str())).collect()
        };
        Self {
            id: contact.id.clone(),
            name: contact.name.clone(),
            organisation: contact.organisation.clone(),
            language: contact.language.clone(),
            groups: contact.groups.clone(),
            email: of(Channel::Email),
            sms: of(Channel::Sms),
            webhook: of(Channel::Webhook),
            deputy: contact.deputy.clone(),
        }
    }
}

/// Whom somebody may see.
pub(super) struct Visible {
    everybody: Arc<Everybody>,
    /// The groups whose members these are; `None`: everybody.
    within: Option<BTreeSet<String>>,
}

impl Visible {
    /// Those that `actor` may see.
    pub(super) async fn to(instance: &Instance, actor: &Actor) -> Result<Self, Problem> {
        let everybody = instance.store.everybody().await?;
        let limited = actor.groups.is_some().then(|| reachable(actor, everybody.groups()));
        let within = limited.map(|names| names.into_iter().map(str::to_owned).collect());
        Ok(Self { everybody, within })
    }

    /// All groups.
    pub(super) fn groups(&self) -> &BTreeMap<String, Group> {
        self.everybody.groups()
    }

    /// Whether this one is among them.
    fn has(&self, contact: &Contact) -> bool {
        let is_within = |names: &BTreeSet<String>| contact.groups.iter().any(|own| names.contains(own));
        self.within.as_ref().is_none_or(is_within)
    }

    /// In the order of their ids.
    pub(super) fn contacts(&self) -> impl Iterator<Item = &KnownContact> {
        self.everybody.contacts().iter().map(AsRef::as_ref).filter(|known| self.has(&known.contact))
    }

    /// The contact with this id from the files.
    pub(super) fn contact(&self, id: &str) -> Option<&KnownContact> {
        let known = self.everybody.contacts()[self.everybody.place(id)?].as_ref();
        self.has(&known.contact).then_some(known)
    }
}

/// The groups that `actor` may reach, with those in them.
pub(super) fn reachable<'a>(actor: &Actor, groups: &'a BTreeMap<String, Group>) -> BTreeSet<&'a str> {
    let own = groups.keys().filter(|name| actor.may_reach(name));
    own.flat_map(|name| with_nested(groups, name)).collect()
}

/// Which contacts are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Members of this group and of the groups in it.
    group: Option<String>,
    /// Shows addresses as they are: why you need them, which is logged. Needs the right `contacts:reveal`.
    #[param(min_length = 1, max_length = 300)]
    reveal: Option<String>,
}

/// Lists contacts by id
#[utoipa::path(
    get,
    path = "/contacts",
    tag = "contacts",
    params(Wanted, PageParameters),
    responses(
        (status = 200, description = "A page of contacts", body = Page<ShownContact>),
        (status = 404, description = "There is no such group"),
    ),
)]
pub(super) async fn list(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Filters(wanted): Filters<Wanted>,
    paging: Paging,
) -> Result<Page<ShownContact>, Problem> {
    let visible = Visible::to(&instance, &actor).await?;
    let groups = visible.groups();
    let names = match &wanted.group {
        None => None,
        Some(name) => {
            let group = groups.get(name).filter(|_| reachable(&actor, groups).contains(name.as_str()));
            let group = group.ok_or_else(|| Problem::not_found("such group"))?;
            Some(with_nested(groups, &group.name))
        }
    };
    let after: Option<String> = paging.after()?;
    let wants = |known: &&KnownContact| {
        after.as_ref().is_none_or(|after| known.contact.id > *after)
            && names.as_ref().is_none_or(|names| is_member(names, &known.contact))
    };
    let read: Vec<&KnownContact> = visible.contacts().filter(wants).take(paging.limit + 1).collect();
    let page = paging.page(read, |known| known.contact.id.clone());
    let looked = Looked::List { group: wanted.group.as_deref() };
    let (reason, count) = (wanted.reveal.as_deref(), page.items.len());
    let addresses = Addresses::open_contacts(&instance, &actor, reason, &looked, count).await?;
    Ok(page.map(|known| ShownContact::new(&known.contact, addresses)))
}

/// A contact in full.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WholeContact {
    /// The id from the file.
    id: String,
    /// Whom or what it names.
    name: String,
    /// Whom it belongs to; may be empty.
    organisation: String,
    /// How it is addressed; may be empty.
    salutation: String,
    /// Which language it reads; empty: the instance's.
    language: String,
    /// Its addresses, by channel and rank.
    points: Vec<ShownPoint>,
    /// The groups that it is a direct member of.
    groups: Vec<String>,
    /// The groups that contain one of these.
    inherited_groups: Vec<String>,
    /// Who is told when this contact cannot be.
    deputy: Option<String>,
    /// Whom it stands in for.
    deputy_of: Vec<String>,
    /// Every other column of the file. Without a reason for revealing, only their names.
    attributes: BTreeMap<String, Option<String>>,
}

/// One address of a contact.
#[derive(Debug, Serialize, ToSchema)]
struct ShownPoint {
    /// email, sms or webhook.
    channel: &'static str,
    /// 1 is tried first.
    rank: u8,
    /// Masked unless revealed.
    address: String,
    /// For webhooks: the form of the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    webhook_format: Option<&'static str>,
    /// For webhooks: whether it has a secret that signs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    signed: Option<bool>,
    /// Why it is not used; null if it is.
    blocked: Option<Blocked>,
}

/// Why an address is not used.
#[derive(Debug, Serialize, ToSchema)]
struct Blocked {
    /// A short code.
    reason: String,
    /// In words.
    detail: String,
    /// Until when; null: until lifted.
    #[schema(format = "date-time")]
    until: Option<String>,
}

impl ShownPoint {
    fn new(point: &ContactPoint, blocks: &[Suppression], addresses: Addresses) -> Self {
        let channel = point.address.channel();
        let is_webhook = channel == Channel::Webhook;
        let normalised = point.address.normalised().to_ascii_lowercase();
        let block =
            blocks.iter().find(|block| block.channel == channel.as_str() && block.address == normalised);
        Self {
            channel: channel.as_str(),
            rank: point.rank,
            address: addresses.show(point.address.as_str()),
            webhook_format: is_webhook.then(|| point.webhook_format.as_str()),
            signed: is_webhook.then_some(point.webhook_secret.is_some()),
            blocked: block.map(|block| Blocked {
                reason: block.reason.clone(),
                detail: addresses.show_in(&block.detail),
                until: block.until.map(|at| Timestamp(at).to_string()),
            }),
        }
    }
}

/// Shows one contact with its addresses, groups and deputies
#[utoipa::path(
    get,
    path = "/contacts/{id}",
    tag = "contacts",
    params(("id" = String, Path, description = "The id from the file"), Revealing),
    responses((status = 200, description = "The contact", body = WholeContact)),
)]
pub(super) async fn show(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(id): Named<String>,
    Filters(wanted): Filters<Revealing>,
) -> Result<Json<WholeContact>, Problem> {
    let visible = Visible::to(&instance, &actor).await?;
    let found = visible
        .contact(&id)
        .ok_or_else(|| Problem::not_found("such contact: GET /api/v1/contacts lists them"))?;
    let blocks = instance.store.suppressions().await?;
    let looked = Looked::One(found.key);
    let addresses = Addresses::open_contacts(&instance, &actor, wanted.reveal.as_deref(), &looked, 1).await?;
    let contact = &found.contact;
    let points = Channel::ALL.into_iter().flat_map(|channel| contact.points_of(channel));
    let is_revealed = addresses == Addresses::Revealed;
    let deputy_of = visible.contacts().filter(|other| other.contact.deputy.as_deref() == Some(id.as_str()));
    Ok(Json(WholeContact {
        id: contact.id.clone(),
        name: contact.name.clone(),
        organisation: contact.organisation.clone(),
        salutation: contact.salutation.clone(),
        language: contact.language.clone(),
        points: points.map(|point| ShownPoint::new(point, &blocks, addresses)).collect(),
        groups: contact.groups.clone(),
        inherited_groups: inherited(visible.groups(), contact).into_iter().map(str::to_owned).collect(),
        deputy: contact.deputy.clone(),
        deputy_of: deputy_of.map(|other| other.contact.id.clone()).collect(),
        attributes: contact
            .attributes
            .iter()
            .map(|(name, value)| (name.to_owned(), is_revealed.then(|| value.to_owned())))
            .collect(),
    }))
}
