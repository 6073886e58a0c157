//! Passwords are hashed apart from everything else, and never more than two at once: each takes 19 MiB and a
//! processor, and a flood of sign-ins must not take both from the sending.

use secrecy::SecretString;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::domain::chance::Chance;
use crate::domain::password::{self, NewPassword};

use super::error::AccountsError;

/// How many are hashed at once.
static AT_ONCE: Semaphore = Semaphore::const_new(2);
/// How many may be hashed or wait for it; whoever comes then is asked to come again.
static WAITING: Semaphore = Semaphore::const_new(40);

/// What is kept of `password`.
///
/// # Errors
/// [`AccountsError::Busy`] when too many wait already.
pub(super) async fn hashed(password: &NewPassword, chance: &Chance) -> Result<String, AccountsError> {
    let (password, salt) = (password.secret().clone(), chance.bytes());
    apart(move || password::hash(&password, salt)).await?.ok_or(AccountsError::Busy)
}

/// Whether `password` is the one that `kept` was made of; as slow where there is nothing to compare with.
///
/// # Errors
/// [`AccountsError::Busy`] when too many wait already.
pub(super) async fn verified(password: &SecretString, kept: Option<String>) -> Result<bool, AccountsError> {
    let password = password.clone();
    apart(move || password::verify(&password, kept.as_deref())).await
}

async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, AccountsError> {
    let busy = |_| AccountsError::Busy;
    let _waiting: SemaphorePermit<'static> = WAITING.try_acquire().map_err(|_| AccountsError::Busy)?;
    // Goes along with the work: if whoever asked has gone, the work still has its place.
    let place = AT_ONCE.acquire().await.map_err(busy)?;
    let done = tokio::task::spawn_blocking(move || {
        let _place = place;
        work()
    });
    done.await.map_err(|_| AccountsError::Busy)
}
