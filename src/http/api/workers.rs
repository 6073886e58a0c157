//! `/workers`: the processes that send.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::instance::Instance;
use crate::domain::clock::Timestamp;
use crate::store::RunningProcess;

use super::caller::SignedIn;
use super::pages::{Page, PageParameters, Paging};
use super::problem::Problem;
use super::reach;

/// A process that sends.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Worker {
    /// Its id.
    #[schema(format = "uuid")]
    process: String,
    /// Who started it, where, and the system's number for it.
    name: String,
    /// The version that it runs; empty for one that did not say.
    version: String,
    /// Since when it runs.
    #[schema(format = "date-time")]
    started_at: String,
    /// Until when what it holds is its own without a further sign of life.
    #[schema(format = "date-time")]
    leased_to: String,
    /// alive, or dead: then another takes over what it held.
    state: &'static str,
    /// How many deliveries it is sending.
    sending: i64,
}

impl Worker {
    fn new(process: RunningProcess, now: Timestamp) -> Self {
        Self {
            process: process.id.to_string(),
            name: process.name,
            version: process.version,
            started_at: process.started_at.to_string(),
            leased_to: process.leased_to.to_string(),
            state: if process.leased_to > now { "alive" } else { "dead" },
            sending: process.sending,
        }
    }
}

/// Lists the processes that send, oldest first
///
/// Where there is none, nothing is sent. Not for tokens that are limited to groups.
#[utoipa::path(
    get,
    path = "/workers",
    tag = "operations",
    params(PageParameters),
    responses((status = 200, description = "A page of processes", body = Page<Worker>)),
)]
pub(super) async fn list(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    paging: Paging,
) -> Result<Page<Worker>, Problem> {
    reach::unlimited(&actor, "somebody without such a limit must look")?;
    paging.without_filters()?;
    let page = paging.cut(instance.store.running_processes().await?, |process| -> Uuid { process.id.0 })?;
    let now = instance.now();
    Ok(page.map(|process| Worker::new(process, now)))
}
