//! Stands in for the real file until it is merged.

use crate::domain::clock::Timestamp;

use super::{Store, StoreError};

/// What the page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcknowledgementPage {
    /// The notice's number.
    pub number: String,
    /// Its title.
    pub title: String,
    /// Whether it is an exercise.
    pub exercise: bool,
    /// The contact's language.
    pub language: String,
    /// When it was confirmed.
    pub acknowledged_at: Option<Timestamp>,
}

impl Store {
    /// Finds.
    ///
    /// # Errors
    /// None.
    pub async fn acknowledgement(&self, _: &[u8]) -> Result<Option<AcknowledgementPage>, StoreError> {
        Ok(None)
    }
    /// Confirms.
    ///
    /// # Errors
    /// None.
    pub async fn acknowledge(&self, _: &[u8]) -> Result<Option<AcknowledgementPage>, StoreError> {
        Ok(None)
    }
}
