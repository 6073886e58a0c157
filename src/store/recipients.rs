//! The list frozen at submission: whom a notice goes to, who shares an address, who cannot be reached.

use std::sync::Arc;

use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::address::Channel;
use crate::domain::contact::{CardFields, ContactCard, KnownContact};
use crate::domain::ids::{ContactKey, DeliveryId, NoticeId};

use super::connection::Tx;
use super::statement::{stands_apart_of_notice, statements};
use super::{Store, StoreError};

/// Whether somebody whom a recipient or a delivery is for has its address still: to be put into a WHERE, with the name
/// that its table has there.
macro_rules! still_theirs {
    ($row:literal) => {
        concat!(
            "(EXISTS (SELECT 1 FROM contact_points own JOIN contacts c ON c.contact_key = own.contact_key
                      WHERE own.contact_key = ",
            $row,
            ".contact_key AND own.channel = ",
            $row,
            ".channel AND lower(own.address) = lower(",
            $row,
            ".address) AND c.removed_at IS NULL)
              OR EXISTS (SELECT 1
                         FROM merged_recipients m
                              JOIN contacts c ON c.contact_key = m.contact_key AND c.removed_at IS NULL
                              JOIN contact_points own ON own.contact_key = m.contact_key
                         WHERE m.notice_id = ",
            $row,
            ".notice_id AND m.delivery_id = ",
            $row,
            ".delivery_id AND own.channel = ",
            $row,
            ".channel AND lower(own.address) = lower(",
            $row,
            ".address)))"
        )
    };
}
pub(super) use still_theirs;

statements! {
    /// Writes a piece of the frozen list.
    INSERT_RECIPIENTS = "
        INSERT INTO recipients (notice_id, position, delivery_id, channel, contact_key, card, address, destination,
                                units)
        SELECT $2, CAST(value->>'position' AS BIGINT), unhex(value->>'delivery', '-'), value->>'channel',
               unhex(value->>'contact', '-'), value->'card', value->>'address', value->>'destination',
               CAST(value->>'units' AS BIGINT)
        FROM json_each($1)";
    /// Writes who shares an address with another.
    INSERT_MERGED = "
        INSERT INTO merged_recipients (notice_id, delivery_id, contact_key, contact_id)
        SELECT $2, unhex(value->>'delivery', '-'), unhex(value->>'contact', '-'), value->>'id'
        FROM json_each($1)
        WHERE TRUE
        ON CONFLICT DO NOTHING";
    /// Writes who cannot be reached.
    INSERT_UNREACHABLE = "
        INSERT INTO unreachable_recipients (notice_id, contact_key, contact_id, name, reason)
        SELECT $2, unhex(value->>'contact', '-'), value->>'id', value->>'name', value->>'reason'
        FROM json_each($1)
        WHERE TRUE
        ON CONFLICT DO NOTHING";
    /// Who shares an address with another.
    SELECT_MERGED = "
        SELECT m.contact_key, m.contact_id, m.delivery_id
        FROM merged_recipients m WHERE m.notice_id = $1 ORDER BY m.contact_id, m.delivery_id";
    /// Who cannot be reached.
    SELECT_UNREACHABLE = "
        SELECT contact_key, contact_id, name, reason FROM unreachable_recipients
        WHERE notice_id = $1 ORDER BY contact_id";
    /// Whose every delivery was suppressed, their own or one that they share. Those that were are few, and have an index.
    SELECT_SILENCED = concat!("
        WITH silenced (contact_key) AS (
                 SELECT d.contact_key FROM deliveries d
                 WHERE d.apart = 'suppressed' AND d.channel IN ('email', 'sms', 'webhook')
                   AND ", stands_apart_of_notice!(""), "
                 UNION
                 SELECT m.contact_key FROM merged_recipients m JOIN deliveries d ON d.delivery_id = m.delivery_id
                 WHERE m.notice_id = $1 AND d.state = 'suppressed'),
             told (contact_key) AS (
                 SELECT contact_key FROM deliveries
                 WHERE notice_id = $1 /*by id*/ AND state <> 'suppressed'
                   AND contact_key IN (SELECT contact_key FROM silenced)
                 UNION
                 SELECT m.contact_key FROM merged_recipients m JOIN deliveries d ON d.delivery_id = m.delivery_id
                 WHERE m.notice_id = $1 AND d.state <> 'suppressed')
        SELECT c.id, c.name FROM contacts c
        WHERE c.contact_key IN (SELECT contact_key FROM silenced)
          AND c.contact_key NOT IN (SELECT contact_key FROM told)
        ORDER BY c.id");
}

/// One delivery to be made.
#[derive(Debug, Clone)]
pub struct Recipient {
    /// The id it will have.
    pub delivery: DeliveryId,
    /// By which channel.
    pub channel: Channel,
    /// Whom it is for.
    pub contact: ContactKey,
    /// What the text may say of them.
    pub card: FrozenCard,
    /// Where it goes.
    pub address: String,
    /// What it is throttled with.
    pub destination: String,
    /// What it takes of a quota that counts more than deliveries: the segments of a text message; otherwise 1.
    pub units: u32,
}

/// What the text may say of a recipient. A list has tens of thousands: those whom everybody knows are not copied.
#[derive(Debug, Clone)]
pub enum FrozenCard {
    /// What is known of a contact now.
    Of(Arc<KnownContact>),
    /// A card of its own.
    Own(Box<ContactCard>),
}

impl FrozenCard {
    /// What it says.
    pub fn fields(&self) -> CardFields<'_> {
        match self {
            Self::Of(known) => known.contact.card_fields(),
            Self::Own(card) => card.fields(),
        }
    }
}

impl From<ContactCard> for FrozenCard {
    fn from(card: ContactCard) -> Self {
        Self::Own(Box::new(card))
    }
}

/// A contact that shares an address with the recipient of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergedRecipient {
    /// The delivery that serves both.
    pub delivery: DeliveryId,
    /// Who.
    pub contact: ContactKey,
    /// The id from the file.
    pub id: String,
}

/// A contact of the audience for whom no delivery could be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreachableRecipient {
    /// Who.
    pub contact: ContactKey,
    /// The id from the file.
    pub id: String,
    /// The name.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// A contact whose every way a suppression took: nothing was sent to it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SilencedRecipient {
    /// The id from the file.
    pub id: String,
    /// The name.
    pub name: String,
}

#[derive(Serialize)]
struct RecipientInput<'a> {
    position: usize,
    delivery: Uuid,
    channel: &'static str,
    contact: Uuid,
    card: CardFields<'a>,
    address: &'a str,
    destination: &'a str,
    units: u32,
}

#[derive(Serialize)]
struct OtherInput<'a> {
    delivery: Option<Uuid>,
    contact: Uuid,
    id: &'a str,
    name: &'a str,
    reason: &'a str,
}

/// How many rows go into one statement.
const BATCH: usize = 2_000;

pub(super) async fn freeze(
    tx: &mut Tx,
    notice: NoticeId,
    recipients: &[Recipient],
    merged: &[MergedRecipient],
    unreachable: &[UnreachableRecipient],
) -> Result<(), StoreError> {
    for (batch, chunk) in recipients.chunks(BATCH).enumerate() {
        let rows: Vec<RecipientInput> = chunk
            .iter()
            .enumerate()
            .map(|(index, recipient)| RecipientInput {
                position: batch * BATCH + index + 1,
                delivery: recipient.delivery.0,
                channel: recipient.channel.as_str(),
                contact: recipient.contact.0,
                card: recipient.card.fields(),
                address: &recipient.address,
                destination: &recipient.destination,
                units: recipient.units,
            })
            .collect();
        tx.execute(&INSERT_RECIPIENTS, (Json(&rows), notice.0)).await?;
    }
    for chunk in merged.chunks(BATCH) {
        let rows: Vec<OtherInput> = chunk
            .iter()
            .map(|merged| OtherInput {
                delivery: Some(merged.delivery.0),
                contact: merged.contact.0,
                id: &merged.id,
                name: "",
                reason: "",
            })
            .collect();
        tx.execute(&INSERT_MERGED, (Json(&rows), notice.0)).await?;
    }
    for chunk in unreachable.chunks(BATCH) {
        let rows: Vec<OtherInput> = chunk
            .iter()
            .map(|contact| OtherInput {
                delivery: None,
                contact: contact.contact.0,
                id: &contact.id,
                name: &contact.name,
                reason: &contact.reason,
            })
            .collect();
        tx.execute(&INSERT_UNREACHABLE, (Json(&rows), notice.0)).await?;
    }
    Ok(())
}

impl Store {
    /// Contacts to whom nothing was sent because every address of theirs is suppressed.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn silenced_recipients(&self, notice: NoticeId) -> Result<Vec<SilencedRecipient>, StoreError> {
        self.db.fetch(&SELECT_SILENCED, (notice.0,)).await
    }

    /// Contacts that share an address with another recipient of the notice.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn merged_recipients(&self, notice: NoticeId) -> Result<Vec<MergedRecipient>, StoreError> {
        let rows: Vec<(Uuid, String, Uuid)> = self.db.fetch(&SELECT_MERGED, (notice.0,)).await?;
        Ok(rows
            .into_iter()
            .map(|(contact, id, delivery)| MergedRecipient {
                delivery: DeliveryId(delivery),
                contact: ContactKey(contact),
                id,
            })
            .collect())
    }

    /// Contacts of the notice's audience for whom no delivery could be made.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn unreachable_recipients(
        &self,
        notice: NoticeId,
    ) -> Result<Vec<UnreachableRecipient>, StoreError> {
        let rows: Vec<(Uuid, String, String, String)> =
            self.db.fetch(&SELECT_UNREACHABLE, (notice.0,)).await?;
        Ok(rows
            .into_iter()
            .map(|(contact, id, name, reason)| UnreachableRecipient {
                contact: ContactKey(contact),
                id,
                name,
                reason,
            })
            .collect())
    }
}
