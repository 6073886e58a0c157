//! Everything that is kept about one contact beside the contact itself (Art. 15 GDPR).

use uuid::Uuid;

use crate::domain::audit::Entry;
use crate::domain::ids::ContactKey;

use super::audit::EntryRow;
use super::statement::statements;
use super::{Store, StoreError};

statements! {
    /// What was sent to it, or would have been, its own deliveries and those that it shared.
    SELECT_SENT = "
        SELECT n.number, n.title, CAST(CASE WHEN n.exercise THEN 1 ELSE 0 END AS BIGINT) AS exercise, d.channel,
               d.address, d.state, d.attempts, COALESCE(d.reason_code, '') AS reason_code, d.updated_at,
               CAST(CASE WHEN d.contact_key = $1 THEN 0 ELSE 1 END AS BIGINT) AS shared
        FROM deliveries d JOIN notices n ON n.notice_id = d.notice_id
        WHERE d.contact_key = $1
           OR d.delivery_id IN (SELECT m.delivery_id FROM merged_recipients m WHERE m.contact_key = $1)
        ORDER BY d.delivery_id";
    /// Notices that were for it and found no way.
    SELECT_LOST = "
        SELECT n.number, n.title, u.reason FROM unreachable_recipients u JOIN notices n ON n.notice_id = u.notice_id
        WHERE u.contact_key = $1 ORDER BY n.number";
    /// What it confirmed, or was written down for it.
    SELECT_CONFIRMED = "
        SELECT n.number, a.by_what, a.note, a.recorded_by, a.at
        FROM acknowledgements a JOIN notices n ON n.notice_id = a.notice_id
        WHERE a.contact_key = $1 ORDER BY n.number";
    /// Entries of the audit log that name its pseudonym.
    SELECT_MENTIONS = "
        SELECT sequence, at, actor, origin, request, action, subject_kind, subject, reason, before, after, previous,
               hash
        FROM audit_entries
        WHERE subject = $1 OR before LIKE '%' || $1 || '%' OR after LIKE '%' || $1 || '%'
        ORDER BY sequence";
}

/// A delivery to a contact, or one that it shared.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SentRow {
    /// The notice's number.
    pub number: String,
    /// Its title.
    pub title: String,
    /// 1 if it was an exercise.
    pub exercise: i64,
    /// `email`, `sms` or `webhook`.
    pub channel: String,
    /// Where it went.
    pub address: String,
    /// Where it stands.
    pub state: String,
    /// How many tries there were.
    pub attempts: i64,
    /// Why it did not get there; may be empty.
    pub reason_code: String,
    /// When it last changed, UTC milliseconds.
    pub updated_at: i64,
    /// 1 if it was another contact's, whose address it shared.
    pub shared: i64,
}

/// A notice that was for a contact and found no way to it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct LostRow {
    /// The notice's number.
    pub number: String,
    /// Its title.
    pub title: String,
    /// Why.
    pub reason: String,
}

/// A confirmation of a contact.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ConfirmedRow {
    /// The notice's number.
    pub number: String,
    /// `link`, `phone`, `fax` or `messenger`.
    pub by_what: String,
    /// What was written down with it.
    pub note: String,
    /// By whom; empty for a link.
    pub recorded_by: String,
    /// When, UTC milliseconds.
    pub at: i64,
}

/// What is kept about a contact beside the contact itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptAbout {
    /// What was sent to it, oldest first.
    pub sent: Vec<SentRow>,
    /// What found no way to it.
    pub lost: Vec<LostRow>,
    /// What it confirmed.
    pub confirmed: Vec<ConfirmedRow>,
    /// Where its pseudonym stands in the audit log.
    pub mentions: Vec<Entry>,
}

impl Store {
    /// Everything that is kept about `contact` beside the contact itself.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn kept_about(&self, contact: ContactKey) -> Result<KeptAbout, StoreError> {
        let key: Uuid = contact.0;
        let mentions: Vec<EntryRow> = self.db.fetch(&SELECT_MENTIONS, (key.to_string(),)).await?;
        Ok(KeptAbout {
            sent: self.db.fetch(&SELECT_SENT, (key,)).await?,
            lost: self.db.fetch(&SELECT_LOST, (key,)).await?,
            confirmed: self.db.fetch(&SELECT_CONFIRMED, (key,)).await?,
            mentions: mentions.into_iter().map(Entry::from).collect(),
        })
    }
}
