//! A notice on its way: pause, resume, cancel, send again, another time.

use crate::app::incidents::link::can_keep_promise;
use crate::app::instance::Instance;
use crate::domain::actor::{Actor, Right};
use crate::domain::address::Address;
use crate::domain::approval::is_same_person;
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::clock::Timestamp;
use crate::domain::notice::{NoticeEvent, NoticeState};
use crate::store::Retried;

use super::decide::open_destination;
use super::{NoticeError, find};

/// Nothing more leaves until it is resumed; its expiry runs on.
///
/// # Errors
/// When `actor` may not, or the notice is not being sent.
pub async fn pause(instance: &Instance, actor: &Actor, number: &str) -> Result<NoticeState, NoticeError> {
    steer(instance, actor, number, NoticeEvent::Pause, "notice.paused").await
}

/// A paused notice goes on.
///
/// # Errors
/// When `actor` may not, or the notice is not paused.
pub async fn resume(instance: &Instance, actor: &Actor, number: &str) -> Result<NoticeState, NoticeError> {
    steer(instance, actor, number, NoticeEvent::Resume, "notice.resumed").await
}

/// What has not left stays here. Who may release cancels any notice; an author takes back their own while it waits for a
/// second person.
///
/// # Errors
/// When `actor` may not, or the notice has ended; for an author, when it is not their own or no longer waits.
pub async fn cancel(instance: &Instance, actor: &Actor, number: &str) -> Result<NoticeState, NoticeError> {
    match actor.may(Right::NoticesRelease) {
        Ok(()) => steer(instance, actor, number, NoticeEvent::Cancel, "notice.cancelled").await,
        Err(denied) if actor.may(Right::NoticesWrite).is_err() => Err(denied.into()),
        Err(_) => withdraw(instance, actor, number).await,
    }
}

/// An author takes back what waits for a second person.
async fn withdraw(instance: &Instance, actor: &Actor, number: &str) -> Result<NoticeState, NoticeError> {
    let notice = find(&instance.store, number).await?;
    let authors = instance.store.authors(notice.id, &notice.created_by).await?;
    let own = actor.label();
    if !authors.iter().any(|author| is_same_person(author, &own)) {
        return Err(NoticeError::Forbidden(format!(
            "{number} is not your own: {} wrote or submitted it, and takes it back while it waits for a second person; \
             anybody with the right {} can cancel it",
            authors.into_iter().collect::<Vec<_>>().join(", "),
            Right::NoticesRelease
        )));
    }
    let entry = NewEntry::new(actor, "notice.cancelled", Subject::new("notice", number))
        .because("taken back by its author");
    let moved = instance.store.move_notice(notice.id, NoticeEvent::Withdraw, &entry).await;
    moved.map_err(NoticeError::about(number))
}

async fn steer(
    instance: &Instance,
    actor: &Actor,
    number: &str,
    event: NoticeEvent,
    action: &'static str,
) -> Result<NoticeState, NoticeError> {
    actor.may(Right::NoticesRelease)?;
    let notice = find(&instance.store, number).await?;
    let entry = NewEntry::new(actor, action, Subject::new("notice", number));
    let moved = instance.store.move_notice(notice.id, event, &entry).await;
    moved.map_err(NoticeError::about(number))
}

/// Sends a notice again to those who did not get it; those deliveries have as much time as a new notice. Gives what was
/// done, and until when it is worth sending.
///
/// # Errors
/// When `actor` may not, or the notice has not ended.
pub async fn retry(
    instance: &Instance,
    actor: &Actor,
    number: &str,
) -> Result<(Retried, Timestamp), NoticeError> {
    actor.may(Right::NoticesRelease)?;
    let notice = find(&instance.store, number).await?;
    let settings = instance.settings();
    let expires_at = instance.now().plus(settings.delivery.expires_after);
    let dead = instance.store.dead_domains().await?;
    let destination = |address: &Address| open_destination(&settings, &dead, address);
    let entry = NewEntry::new(actor, "notice.retried", Subject::new("notice", number));
    let retried = instance.store.retry_notice(notice.id, expires_at, &destination, &entry).await;
    Ok((retried.map_err(NoticeError::about(number))?, expires_at.max(notice.expires_at)))
}

/// Gives a notice that is scheduled, or that waits for a second person, another time; the agreement stands, for it is
/// about words and people.
///
/// # Errors
/// When `actor` may not, the time has passed, the notice has been released, or it could not keep what it promises.
pub async fn schedule(
    instance: &Instance,
    actor: &Actor,
    number: &str,
    at: Timestamp,
) -> Result<NoticeState, NoticeError> {
    actor.may(Right::NoticesRelease)?;
    let notice = find(&instance.store, number).await?;
    if at <= instance.now() {
        return Err(NoticeError::Wrong("that time has passed: name one in the future".to_owned()));
    }
    // Of any other the store says that it has been released.
    if matches!(notice.state, NoticeState::Pending | NoticeState::Scheduled) {
        can_keep_promise(instance, &notice, at).await?;
    }
    let entry = NewEntry::new(actor, "notice.scheduled", Subject::new("notice", number));
    let moved = instance.store.reschedule_notice(notice.id, at, &entry).await;
    moved.map_err(NoticeError::about(number))
}
