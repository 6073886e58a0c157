//! seven's reports: `{"webhook_event":"dlr","data":{"msg_id":…,"status":…,"foreign_id":…}}`.

use super::News;
use super::fields::Fields;
use super::word::{blame, meaning, reason};

/// seven's own name for the message.
pub(super) fn reference(fields: &Fields) -> Option<&str> {
    fields.get("msg_id").map(str::trim).filter(|reference| !reference.is_empty())
}

pub(super) fn read(fields: &Fields) -> Option<News> {
    let status = fields.get("status")?;
    let said = fields.any(&["error_text", "error", "err"]).filter(|said| *said != "0");
    Some(News { kind: blame(meaning(status)?, said), reason: reason(status, said) })
}
