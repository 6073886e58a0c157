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

/// A confirmation that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    /// The notice's number.
    pub number: String,
    /// The notice's title.
    pub title: String,
    /// Whether it is an exercise.
    pub exercise: bool,
    /// The language of the contact that it was sent to; empty: nothing was said.
    pub language: String,
    /// When it was confirmed by this link first.
    pub at: Timestamp,
    /// Whether it is this call that did it.
    pub is_new: bool,
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
    pub async fn acknowledge(&self, _: &[u8]) -> Result<Option<Acknowledged>, StoreError> {
        Ok(None)
    }
}
