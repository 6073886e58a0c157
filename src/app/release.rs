//! From a draft to a notice that is being sent.

use jiff::tz::TimeZone;

use crate::domain::chance::Chance;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{IdSource, NoticeId};
use crate::domain::notice::NoticeState;
use crate::domain::seal::Seal;
use crate::domain::wording::WordingRecord;
use crate::store::{NewNotice, Release, Store, StoreError};

use super::cascade::following;
use super::compose::Draft;

/// A notice that was submitted.
#[derive(Debug, Clone)]
pub struct Submitted {
    /// Its id.
    pub id: NoticeId,
    /// Its number.
    pub number: String,
    /// Where it stands now.
    pub state: NoticeState,
}

/// Letters and digits that nobody confuses on the telephone: no 0 and O, no 1 and I.
const CODE_ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// Eight characters by which people check that a notice is genuine.
pub fn notice_code(chance: &Chance) -> String {
    chance.bytes::<8>().iter().map(|byte| char::from(CODE_ALPHABET[usize::from(byte & 31)])).collect()
}

/// Writes `draft` down with its frozen list and releases it: now, at its time, or, where a second person has to agree,
/// not yet.
///
/// # Errors
/// When the store cannot be written; then there is no such notice.
#[expect(clippy::too_many_arguments, reason = "each is a thing of its own that the caller has")]
pub async fn submit(
    draft: &Draft,
    store: &Store,
    ids: &IdSource,
    chance: &Chance,
    seal: &Seal,
    zone: &TimeZone,
    operator: &str,
    needs_second_person: bool,
    now: Timestamp,
) -> Result<Submitted, StoreError> {
    let id = NoticeId(ids.next());
    let wish = &draft.wish;
    let frozen = |what: &str, value: serde_json::Result<serde_json::Value>| {
        value.map_err(|error| StoreError::Damaged(format!("{what} cannot be written down: {error}")))
    };
    let notice = NewNotice {
        id,
        year: now.in_zone(zone).year(),
        code: notice_code(chance),
        template: wish.template.clone(),
        title: draft.template.spec.title.clone(),
        priority: wish.priority,
        visibility: wish.visibility,
        exercise: wish.exercise,
        content: frozen("the template", serde_json::to_value(&draft.template))?,
        variables: frozen("the values", serde_json::to_value(&draft.values))?,
        audience: wish.audience.clone(),
        created_by: operator.to_owned(),
        expires_at: draft.expires_at,
        following: following(draft, seal),
        incident: draft.incident.as_ref().map(|linked| linked.link.clone()),
        wording: WordingRecord { hints: draft.wording.clone(), accepted: wish.accept_wording },
    };
    let plan = &draft.plan;
    let release = match wish.at {
        _ if needs_second_person => Release::ByAnother,
        Some(at) => Release::At(at),
        None => Release::Now,
    };
    let (number, state) =
        store.submit_released(&notice, &plan.recipients, &plan.merged, &plan.unreachable, release).await?;
    Ok(Submitted { id, number, state })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_can_be_read_out_on_the_telephone() {
        let chance = Chance::seeded(1);
        for _ in 0..1_000 {
            let code = notice_code(&chance);
            assert_eq!(code.len(), 8);
            assert!(!code.contains(['0', 'O', '1', 'I']), "{code}");
        }
    }
}
