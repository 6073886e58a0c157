//! Why a use case did not do what it was asked for.

use crate::domain::actor::Denied;
use crate::store::StoreError;

/// Why nothing was done. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Whoever asked may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// What was asked for cannot be: what is wrong with it, and what to do about it.
    #[error("{0}")]
    Wrong(String),
    /// The store could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}
