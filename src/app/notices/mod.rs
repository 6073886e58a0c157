//! What people do with notices beside submitting them: deciding, steering, correcting, drafting.

pub mod break_glass;
pub mod correct;
pub mod decide;
pub mod draft;
mod error;
pub mod steer;

pub use error::NoticeError;

use crate::store::{Notice, Store};

/// The notice with this number.
///
/// # Errors
/// [`NoticeError::Unknown`] when there is none.
pub async fn find(store: &Store, number: &str) -> Result<Notice, NoticeError> {
    let unknown = || NoticeError::Unknown(number.chars().take(60).flat_map(char::escape_debug).collect());
    let id = store.notice_id(number).await?.ok_or_else(unknown)?;
    store.notice(id).await?.ok_or_else(unknown)
}

#[cfg(test)]
mod tests;
