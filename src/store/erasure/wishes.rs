//! An erased contact in what has not been sent: drafts, and alarms that were prepared.

use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::audience::Audience;
use crate::store::StoreError;
use crate::store::connection::Tx;

use super::Erasing;
use super::statements::{SELECT_ALARMS_NAMING, SELECT_DRAFTS_NAMING, UPDATE_ALARM_WISH, UPDATE_DRAFT_WISH};

impl Erasing {
    /// Drafts and prepared alarms to which it was named by itself. They are not sent to fewer people without a word:
    /// what stands in the place of its id is no contact, and whoever submits them is told so.
    pub(super) async fn leave_wishes(&self, tx: &mut Tx) -> Result<(), StoreError> {
        let drafts: Vec<(Uuid, Json<Value>)> = tx.fetch(&SELECT_DRAFTS_NAMING, self.quoted()).await?;
        for (draft, Json(mut wish)) in drafts {
            if self.leave_wish(&mut wish)? {
                tx.execute(&UPDATE_DRAFT_WISH, (draft, Json(wish), self.now)).await?;
            }
        }
        let alarms: Vec<(String, Json<Value>)> = tx.fetch(&SELECT_ALARMS_NAMING, self.quoted()).await?;
        for (alarm, Json(mut wish)) in alarms {
            if self.leave_wish(&mut wish)? {
                tx.execute(&UPDATE_ALARM_WISH, (alarm, Json(wish))).await?;
            }
        }
        Ok(())
    }

    /// Says whether `wish`, which only use cases understand beyond its audience, named it.
    fn leave_wish(&self, wish: &mut Value) -> Result<bool, StoreError> {
        let Some(kept) = wish.get_mut("audience") else { return Ok(false) };
        let damaged = |error: serde_json::Error| StoreError::Damaged(format!("a kept audience: {error}"));
        let before: Audience = serde_json::from_value(kept.clone()).map_err(damaged)?;
        let mut after = before.clone();
        self.leave_audience(&mut after);
        *kept = serde_json::to_value(&after).map_err(damaged)?;
        Ok(after != before)
    }
}
