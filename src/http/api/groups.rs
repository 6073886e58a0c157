//! `/groups`: named sets of contacts.

use std::collections::{BTreeSet, HashMap, HashSet};

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::instance::Instance;
use crate::app::nesting::{is_member, with_nested};
use crate::domain::contact::Group;

use super::caller::SignedIn;
use super::contacts::{Visible, reachable};
use super::pages::{Page, PageParameters, Paging};
use super::parameters::Named;
use super::problem::Problem;

/// A group in lists.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ShownGroup {
    /// Its name.
    #[schema(example = "municipalities")]
    name: String,
    /// What people read.
    title: String,
    /// How many contacts are members of it itself.
    direct_members: usize,
    /// How many are, with those of the groups in it.
    members: usize,
    /// The groups in it.
    contains: Vec<String>,
}

/// Who is a direct member of which group: places in the order of the contacts.
struct Members<'a>(HashMap<&'a str, Vec<usize>>);

impl<'a> Members<'a> {
    fn new(visible: &'a Visible) -> Self {
        let mut members: HashMap<&str, Vec<usize>> = HashMap::new();
        for (place, known) in visible.contacts().enumerate() {
            for group in &known.contact.groups {
                members.entry(group).or_default().push(place);
            }
        }
        Self(members)
    }

    /// How many contacts are members of one of these groups at least.
    fn count(&self, names: &BTreeSet<&str>) -> usize {
        let all: HashSet<usize> =
            names.iter().filter_map(|name| self.0.get(name)).flatten().copied().collect();
        all.len()
    }
}

impl ShownGroup {
    fn new(group: &Group, nested: &BTreeSet<&str>, members: &Members<'_>) -> Self {
        let count = |names: &BTreeSet<&str>| members.count(names);
        Self {
            name: group.name.clone(),
            title: group.title.clone(),
            direct_members: count(&[group.name.as_str()].into()),
            members: count(nested),
            contains: group.contains.clone(),
        }
    }
}

/// Lists groups by name
#[utoipa::path(
    get,
    path = "/groups",
    tag = "contacts",
    params(PageParameters),
    responses((status = 200, description = "A page of groups", body = Page<ShownGroup>)),
)]
pub(super) async fn list(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    paging: Paging,
) -> Result<Page<ShownGroup>, Problem> {
    paging.without_filters()?;
    let visible = Visible::to(&instance, &actor).await?;
    let groups = visible.groups();
    let reachable = reachable(&actor, groups);
    let own =
        groups.values().filter(|group| actor.groups.is_none() || reachable.contains(group.name.as_str()));
    let page = paging.cut(own, |group| group.name.clone())?;
    let members = Members::new(&visible);
    Ok(page.map(|group| ShownGroup::new(group, &with_nested(groups, &group.name), &members)))
}

/// A group with its members.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WholeGroup {
    #[serde(flatten)]
    listed: ShownGroup,
    /// Its members, by id. `GET /contacts?group=…` shows them in pages.
    member_ids: Vec<String>,
}

/// Shows one group
#[utoipa::path(
    get,
    path = "/groups/{name}",
    tag = "contacts",
    params(("name" = String, Path, description = "Its name", example = "municipalities")),
    responses((status = 200, description = "The group", body = WholeGroup)),
)]
pub(super) async fn show(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(name): Named<String>,
) -> Result<Json<WholeGroup>, Problem> {
    let visible = Visible::to(&instance, &actor).await?;
    let groups = visible.groups();
    let may_see = actor.groups.is_none() || reachable(&actor, groups).contains(name.as_str());
    let group = groups.get(&name).filter(|_| may_see);
    let group = group.ok_or_else(|| Problem::not_found("such group: GET /api/v1/groups lists them"))?;
    let nested = with_nested(groups, &group.name);
    let members = visible.contacts().filter(|known| is_member(&nested, &known.contact));
    Ok(Json(WholeGroup {
        member_ids: members.map(|known| known.contact.id.clone()).collect(),
        listed: ShownGroup::new(group, &nested, &Members::new(&visible)),
    }))
}
