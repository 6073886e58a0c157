//! Reading the log, a page at a time.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::audit::entries::{self, Wanted};
use crate::app::instance::Instance;
use crate::domain::audit::Entry;

use super::super::caller::SignedIn;
use super::super::incidents::time;
use super::super::pages::{Page, PageParameters, Paging};
use super::super::parameters::Filters;
use super::super::problem::Problem;

/// How many of the store's pages one request looks through: a filter that hits seldom goes on with the next request.
const LOOKS: usize = 25;

/// An entry of the log. With these columns its hash can be worked out again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(in super::super) struct ShownEntry {
    /// Its number; the first is 1, and none is left out.
    pub(super) sequence: i64,
    /// When it was written.
    #[schema(format = "date-time")]
    pub(super) at: String,
    /// The same in milliseconds since 1970, as it was hashed.
    pub(super) at_ms: i64,
    /// Who did it.
    pub(super) actor: String,
    /// From where.
    pub(super) origin: String,
    /// The name of the request.
    pub(super) request: String,
    /// What was done.
    #[schema(example = "notice.released")]
    pub(super) action: String,
    /// The kind of thing that it was done to.
    #[schema(example = "notice")]
    pub(super) subject_kind: String,
    /// That thing's id; contacts have pseudonyms.
    #[schema(example = "2026-0007")]
    pub(super) subject: String,
    /// Why; may be empty.
    pub(super) reason: String,
    /// What stood there before, as canonical JSON.
    pub(super) before: String,
    /// What stands there now, as canonical JSON.
    pub(super) after: String,
    /// The hash of the entry before.
    pub(super) previous: String,
    /// Its own hash.
    pub(super) hash: String,
}

impl From<Entry> for ShownEntry {
    fn from(entry: Entry) -> Self {
        Self {
            sequence: entry.sequence,
            at: entry.at.to_string(),
            at_ms: entry.at.0,
            actor: entry.actor,
            origin: entry.origin,
            request: entry.request,
            action: entry.action,
            subject_kind: entry.subject_kind,
            subject: entry.subject,
            reason: entry.reason,
            before: entry.before,
            after: entry.after,
            previous: entry.previous,
            hash: entry.hash,
        }
    }
}

/// Which entries are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct EntryFilter {
    /// Written at this time or later (RFC 3339).
    #[param(format = "date-time")]
    pub(super) from: Option<String>,
    /// Written before this time (RFC 3339).
    #[param(format = "date-time")]
    pub(super) to: Option<String>,
    /// About one thing: `KIND:ID`.
    #[param(example = "notice:2026-0007")]
    pub(super) subject: Option<String>,
    /// What was done.
    #[param(example = "notice.released")]
    pub(super) action: Option<String>,
    /// Who did it, as an entry's `actor` has them.
    pub(super) actor: Option<String>,
}

impl EntryFilter {
    /// # Errors
    /// 422 with the parameter that is not as it must be.
    pub(super) fn parse(self) -> Result<Wanted, Problem> {
        let subject = self.subject.as_deref().map(|subject| match subject.split_once(':') {
            Some((kind, id)) if !kind.is_empty() && !id.is_empty() => Ok((kind.to_owned(), id.to_owned())),
            _ => Err(Problem::invalid("subject", "write KIND:ID, for instance notice:2026-0007")),
        });
        Ok(Wanted {
            from: time("from", self.from.as_deref())?,
            until: time("to", self.to.as_deref())?,
            subject: subject.transpose()?,
            action: self.action,
            actor: self.actor,
        })
    }
}

/// Lists the entries of the log, oldest first
///
/// With a filter a page may be short, or empty, although more follows: `next` alone says where the log ends.
#[utoipa::path(
    get,
    path = "/audit/entries",
    tag = "audit",
    params(EntryFilter, PageParameters),
    responses((status = 200, description = "A page of entries", body = Page<ShownEntry>)),
)]
pub(in super::super) async fn list(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Filters(filter): Filters<EntryFilter>,
    paging: Paging,
) -> Result<Page<ShownEntry>, Problem> {
    super::unlimited(&actor)?;
    let wanted = filter.parse()?;
    let mut next = Some(paging.after::<i64>()?.unwrap_or_default());
    let mut found: Vec<Entry> = Vec::new();
    for _ in 0..LOOKS {
        let Some(after) = next.filter(|_| found.len() <= paging.limit) else { break };
        let page = entries::page(&instance, &actor, &wanted, after).await?;
        found.extend(page.entries);
        next = page.next;
    }
    if found.len() > paging.limit {
        found.truncate(paging.limit);
        next = found.last().map(|entry| entry.sequence);
    }
    Ok(paging.page_until(found, next).map(ShownEntry::from))
}
