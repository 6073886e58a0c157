//! What a claim reads and writes, row by row.

use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use super::super::super::StoreError;
use super::super::super::contacts::EndpointFacts;
use crate::domain::contact::ContactCard;

/// A delivery that is due.
#[derive(sqlx::FromRow)]
pub(super) struct DueRow {
    pub(super) delivery_id: Uuid,
    pub(super) notice_id: Uuid,
    pub(super) address: String,
    pub(super) destination: String,
    pub(super) round: i64,
    pub(super) attempts: i64,
    pub(super) due_at: i64,
    pub(super) units: i64,
    pub(super) card: Json<ContactCard>,
    #[sqlx(default)]
    pub(super) webhook_secret: Option<String>,
    #[sqlx(default)]
    pub(super) webhook_format: Option<String>,
}

impl DueRow {
    /// What its endpoint wants, where it goes to one that its contact still has.
    pub(super) fn endpoint(&self) -> Result<Option<EndpointFacts>, StoreError> {
        let Some(format) = &self.webhook_format else { return Ok(None) };
        let format = format.parse().map_err(StoreError::Damaged)?;
        Ok(Some(EndpointFacts { secret: self.webhook_secret.clone(), format }))
    }
}

/// A lane in which something waits, and when the first of it is due.
pub(super) struct Head {
    pub(super) lane: String,
    pub(super) priority: i64,
    pub(super) due_at: i64,
}

/// A delivery that is set aside, and where it waits from now on.
#[derive(Serialize)]
pub(super) struct LaneMove {
    pub(super) id: Uuid,
    pub(super) lane: String,
}
