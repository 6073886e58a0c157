//! Why something cannot be done with a notice, as a program is told it.

use crate::app::compose::ComposeError;
use crate::app::notices::NoticeError;

use super::problem::{FieldError, Kind, Problem};

impl From<NoticeError> for Problem {
    fn from(error: NoticeError) -> Self {
        match error {
            NoticeError::Denied(denied) => denied.into(),
            NoticeError::Forbidden(why) => Self::new(Kind::Forbidden, why),
            NoticeError::Unknown(_) => Self::not_found("such notice"),
            NoticeError::UnknownAlarm { .. } => Self::not_found("such prepared alarm"),
            NoticeError::UnknownDraft(_) => Self::not_found("such draft: it was submitted, or thrown away"),
            NoticeError::Conflict(why) => Self::conflict(why),
            NoticeError::Wrong(why) => Self::new(Kind::Invalid, why),
            NoticeError::Stale(_) => Self::new(Kind::Changed, error.to_string()).about("If-Match"),
            NoticeError::Compose(error) => composing(error),
            NoticeError::Store(error) => error.into(),
        }
    }
}

fn composing(error: ComposeError) -> Problem {
    match error {
        ComposeError::Store(error) => error.into(),
        ComposeError::Values(faults) => Problem::all_invalid(
            faults
                .into_iter()
                .map(|fault| FieldError { field: format!("values.{}", fault.variable), detail: fault.reason })
                .collect(),
        ),
        ComposeError::Template(_) => Problem::invalid(
            "template",
            "there is no such template, or it cannot be read: GET /api/v1/templates",
        ),
        ComposeError::Audience(error) => Problem::invalid("audience", error.to_string()),
        ComposeError::Channel(why) => Problem::invalid("channels", why),
        other => Problem::conflict(other.to_string()),
    }
}
