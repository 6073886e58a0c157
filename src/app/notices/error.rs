//! Why something cannot be done with a notice.

use crate::app::compose::ComposeError;
use crate::domain::actor::Denied;
use crate::domain::ids::NoticeId;
use crate::store::StoreError;

/// Why something cannot be done with a notice. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum NoticeError {
    /// Whoever asked may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Whoever asked may, but not with this notice: it is their own, or out of the token's groups.
    #[error("{0}")]
    Forbidden(String),
    /// There is no such notice, draft or alarm.
    #[error("there is no notice {0}: \"rundruf notices list\" shows all")]
    Unknown(String),
    /// There is no prepared alarm of this name.
    #[error("there is no prepared alarm \"{name}\"{hint}: \"rundruf alarms list\" shows all")]
    UnknownAlarm {
        /// As it was given.
        name: String,
        /// ` (did you mean …?)`, or nothing.
        hint: String,
    },
    /// There is no draft with this id.
    #[error("there is no draft {0}: it was submitted, or thrown away")]
    UnknownDraft(NoticeId),
    /// It does not fit where the notice stands.
    #[error("{0} (nothing was changed)")]
    Conflict(String),
    /// Something that was given is wrong.
    #[error("{0}")]
    Wrong(String),
    /// Somebody else has changed it since it was read.
    #[error(
        "somebody else has changed it meanwhile: it has version {0} now. Read it again, then make your change"
    )]
    Stale(i64),
    /// It cannot become a notice.
    #[error(transparent)]
    Compose(#[from] ComposeError),
    /// The store fails.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for NoticeError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict(why) => Self::Conflict(why),
            other => Self::Store(other),
        }
    }
}

impl NoticeError {
    /// For a caller that knows no other errors: what no program of ours can be refused.
    pub fn into_store_error(self) -> StoreError {
        match self {
            Self::Store(error) => error,
            other => StoreError::Conflict(other.to_string()),
        }
    }

    /// A refusal that names the notice.
    pub(super) fn about(number: &str) -> impl FnOnce(StoreError) -> Self {
        move |error| match error {
            StoreError::Conflict(why) => Self::Conflict(format!("{number}: {why}")),
            other => Self::Store(other),
        }
    }
}
