//! `POST /doctor`: is this instance ready to send, and what is to be mended?

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::doctor::{Examination, Finding, Level};
use crate::http::Shared;

use super::caller::SignedIn;
use super::problem::Problem;
use super::reach;

/// How long relays, gateways and others may take for their answers, all together.
const PATIENCE: Duration = Duration::from_secs(20);

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Examined {
    /// How many things are broken: sending does not work, or not as it should.
    broken: usize,
    /// How many things somebody should look at, although sending works.
    to_look_at: usize,
    /// Whether everything has been looked at; if not, the last finding says why.
    complete: bool,
    /// Each thing that was looked at.
    findings: Vec<ShownFinding>,
}

/// What was looked at, and how it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DoctorFinding)]
struct ShownFinding {
    /// ok, look or broken.
    #[schema(example = "look")]
    level: &'static str,
    /// What was looked at, in a word or two.
    #[schema(example = "backup")]
    subject: String,
    /// How it is; may have several lines.
    state: String,
    /// What to do about it; empty where nothing is to be done. Commands in it are for this machine's shell.
    mend: String,
}

impl From<Finding> for ShownFinding {
    fn from(finding: Finding) -> Self {
        Self {
            level: finding.level.as_str(),
            subject: finding.subject,
            state: finding.state,
            mend: finding.mend,
        }
    }
}

impl Examined {
    fn new(findings: Vec<Finding>, complete: bool) -> Self {
        let count = |level| findings.iter().filter(|finding| finding.level == level).count();
        Self {
            broken: count(Level::Broken),
            to_look_at: count(Level::Warning),
            complete,
            findings: findings.into_iter().map(Into::into).collect(),
        }
    }
}

/// Looks whether this instance is ready to send, and says what is to be mended
///
/// Settings, store, disks, certificates, and everybody whom sending needs: relays, the DNS, gateways, the identity
/// provider. Nothing is sent. It takes up to half a minute; one at a time. Not for tokens that are limited to groups.
#[utoipa::path(
    post,
    path = "/doctor",
    tag = "operations",
    responses(
        (status = 200, description = "What was found", body = Examined),
        (status = 409, description = "Somebody else is looking at this moment"),
    ),
)]
pub(super) async fn examine(
    State(shared): State<Arc<Shared>>,
    SignedIn(actor): SignedIn,
) -> Result<Json<Examined>, Problem> {
    reach::unlimited(&actor, "somebody without such a limit must do that")?;
    let _turn = shared.turns.examination.take()?;
    let instance = &shared.parts.instance;
    let examination = Examination {
        settings: instance.settings(),
        clock: instance.clock.clone(),
        program: shared.parts.program.clone(),
        resolver: None,
    };
    let here = examination.clone();
    let mut findings = tokio::task::spawn_blocking(move || here.here()).await.map_err(Problem::failed)?;
    findings.extend(examination.stored(&instance.store).await?);
    let asking = examination.ways_out(|answered| -> Result<(), Infallible> {
        findings.extend(answered);
        Ok(())
    });
    let complete = tokio::time::timeout(PATIENCE, asking).await.is_ok();
    if !complete {
        findings.push(examination.unfinished());
    }
    Ok(Json(Examined::new(findings, complete)))
}
