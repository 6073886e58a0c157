//! Writing down that a person reached a contact another way: by telephone, fax or messenger.

use crate::domain::actor::{Actor, Right};
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::ids::ContactKey;
use crate::store::{NoticeSummary, ReachedByHand};

use super::failure::Failure;
use super::instance::Instance;

/// Writes down that `contact` was reached `by_what`. The note stays out of the audit log: it may name people.
///
/// # Errors
/// When `actor` may not, the notice has not been released, or the store cannot be written; then nothing has changed.
pub async fn reached_by_hand(
    instance: &Instance,
    actor: &Actor,
    notice: &NoticeSummary,
    contact: ContactKey,
    by_what: &str,
    note: &str,
) -> Result<ReachedByHand, Failure> {
    actor.may(Right::NoticesWrite).or_else(|_| actor.may(Right::NoticesRelease))?;
    // What was reached before there are deliveries would stop none of them; and of a notice that never leaves, nobody
    // can have been reached.
    if notice.released_at.is_none() {
        return Err(Failure::Wrong(format!(
            "{} has not been released (it is {}), and nobody can have been told by it yet: write it down once it has \
             left; who must not get it is left out with --except when it is submitted anew (nothing was changed)",
            notice.number, notice.state
        )));
    }
    let entry = NewEntry::new(actor, "notice.reached", Subject::new("notice", &notice.number));
    let (store, id) = (&instance.store, notice.id);
    Ok(store.reached_by_hand(id, contact, by_what, note.trim(), &actor.name, &entry).await?)
}
