//! Whether the log holds.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::audit::verify::{self, Violation, Witness, kept_heads};
use crate::app::instance::Instance;
use crate::domain::audit::{Broken, HeadMark};

use super::super::body::JsonBody;
use super::super::caller::SignedIn;
use super::super::problem::Problem;
use super::ShownHead;

/// The most heads that are compared at once.
const MOST_HEADS: usize = 1_000;

/// What the log is compared with, beside the files that the configuration names.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAuditVerification)]
pub(in super::super) struct Comparison {
    /// Heads from reports, proofs or mails: `NUMBER:HASH`, with at least 16 characters of the hash.
    #[serde(default)]
    #[schema(max_items = 1000, example = json!(["1287:9f2c4b7a01d3e855"]))]
    heads: Vec<String>,
}

/// Whether the log holds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditVerification)]
pub(in super::super) struct Verification {
    /// Whether it does.
    whole: bool,
    /// Where it ends; null where it does not hold.
    head: Option<ShownHead>,
    /// When its last entry was written; null where there is none, or it does not hold.
    #[schema(format = "date-time")]
    last_at: Option<String>,
    /// How many heads that were kept elsewhere agree with it.
    agreed: usize,
    /// The last entry that one of those vouches for; 0: none.
    vouched: i64,
    /// What is wrong; null where it holds.
    broken: Option<Break>,
    /// What a person should know of the places where heads are kept.
    remarks: Vec<String>,
    /// Places that heads were kept in and that have lost them; where there is one, a log that holds by itself cannot be
    /// relied on all the same.
    lost: Vec<String>,
}

/// Where the log is broken.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditBreak)]
struct Break {
    /// The number of the entry that is missing, was changed, or does not follow.
    entry: i64,
    /// What is wrong with it.
    detail: String,
    /// Whose word the log contradicts; null: it contradicts itself.
    witness: Option<String>,
    /// Everything up to this entry holds.
    sound: i64,
}

impl From<Violation> for Break {
    fn from(violation: Violation) -> Self {
        let entry = match violation.broken {
            Broken::Missing { expected, .. } => expected,
            Broken::Changed(entry)
            | Broken::Detached(entry)
            | Broken::Added(entry)
            | Broken::Rewritten(entry) => entry,
            Broken::CutOff { found, .. } => found + 1,
        };
        Self {
            entry,
            detail: violation.broken.to_string(),
            witness: violation.witness.map(|witness| witness.place),
            sound: violation.sound,
        }
    }
}

/// Walks the whole log and compares it with what was kept elsewhere
///
/// The answer is 200 in any case: `whole` says whether the log holds, `broken` names the first entry that does not.
#[utoipa::path(
    post,
    path = "/audit/verification",
    tag = "audit",
    request_body = Comparison,
    responses((status = 200, description = "Whether it holds", body = Verification)),
)]
pub(in super::super) async fn verify(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    JsonBody(comparison): JsonBody<Comparison>,
) -> Result<Json<Verification>, Problem> {
    super::unlimited(&actor)?;
    if comparison.heads.len() > MOST_HEADS {
        return Err(Problem::invalid("heads", format!("name {MOST_HEADS} at most")));
    }
    let mut kept = kept_heads(&instance).await?;
    for (index, head) in comparison.heads.iter().enumerate() {
        let mark: HeadMark =
            head.parse().map_err(|why: String| Problem::invalid(format!("heads[{index}]"), why))?;
        kept.witnesses.push(Witness { mark, place: format!("heads[{index}]"), at: None });
    }
    let (remarks, lost) = (kept.remarks, kept.lost);
    Ok(Json(match verify::verify(&instance, &actor, &kept.witnesses).await? {
        Ok(verified) => Verification {
            whole: true,
            last_at: verified.last_at.map(|at| at.to_string()),
            agreed: verified.agreed,
            vouched: verified.vouched,
            head: Some(verified.head.into()),
            broken: None,
            remarks,
            lost,
        },
        Err(violation) => Verification {
            whole: false,
            head: None,
            last_at: None,
            agreed: 0,
            vouched: 0,
            broken: Some((*violation).into()),
            remarks,
            lost,
        },
    }))
}
