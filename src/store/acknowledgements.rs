//! Confirmations: by the link that an alarm carries, or as a person found them out by telephone. One per contact and
//! notice; the first stays.

use data_encoding::HEXLOWER;
use serde::Serialize;
use serde_json::json;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;
use crate::domain::contact::ContactCard;
use crate::domain::delivery::DeliveryState;
use crate::domain::ids::{ContactKey, DeliveryId, NoticeId};

use super::audit::append;
use super::cascade::{CascadeEnd, end_cascades};
use super::connection::Tx;
use super::counts::{Tally, complete_notices, write_counts};
use super::error::once_more;
use super::statement::{people_of_delivery, statements, ways_of_notice};
use super::{Store, StoreError};

statements! {
    /// Writes the links of deliveries.
    INSERT_LINKS = "
        INSERT INTO acknowledgement_links (token_hash, notice_id, delivery_id)
        SELECT value->>'hash', $2, unhex(value->>'delivery', '-') FROM json_each($1)";
    /// What a link's page says. A link whose delivery was never made is none.
    SELECT_LINK = "
        SELECT l.notice_id, l.delivery_id, l.acknowledged_at, n.number, n.title, n.exercise, r.card
        FROM acknowledgement_links l
             JOIN notices n ON n.notice_id = l.notice_id
             JOIN deliveries d ON d.delivery_id = l.delivery_id
             JOIN recipients r ON r.notice_id = d.notice_id AND r.position = d.position
        WHERE l.token_hash = $1";
    /// For how many people a delivery is, how many of them have been reached, and when the last of them was.
    SELECT_OF_DELIVERY = concat!("
        SELECT CAST(count(*) AS BIGINT), CAST(count(a.at) AS BIGINT), max(a.at)
        FROM ", people_of_delivery!(), " AS w
             LEFT JOIN acknowledgements a ON a.notice_id = $1 AND a.contact_key = w.contact_key");
    /// Holds the notice until the transaction ends: confirmations and steps of a cascade never cross.
    LOCK_NOTICE = "SELECT notice_id FROM notices WHERE notice_id = $1 /*lock*/";
    /// When a link was used.
    SELECT_USED = "SELECT acknowledged_at FROM acknowledgement_links WHERE token_hash = $1";
    /// It is used now.
    UPDATE_USED = "UPDATE acknowledgement_links SET acknowledged_at = $2 WHERE token_hash = $1";
    /// Everybody whom a delivery is for has confirmed.
    ACKNOWLEDGE_DELIVERY = concat!("
        INSERT INTO acknowledgements (notice_id, contact_key, by_what, delivery_id, note, recorded_by, at)
        SELECT $1, w.contact_key, 'link', $2, '', '', CAST($3 AS BIGINT)
        FROM ", people_of_delivery!(), " AS w
        WHERE TRUE
        ON CONFLICT (notice_id, contact_key) DO NOTHING
        RETURNING contact_key");
    /// A person found out that somebody knows.
    ACKNOWLEDGE_BY_HAND = "
        INSERT INTO acknowledgements (notice_id, contact_key, by_what, delivery_id, note, recorded_by, at)
        SELECT p.notice_id, p.contact_key, $3, NULL, $4, $5, $6
        FROM notice_people p WHERE p.notice_id = $1 AND p.contact_key = $2
        ON CONFLICT (notice_id, contact_key) DO NOTHING";
    /// How one contact was reached.
    SELECT_ACKNOWLEDGEMENT = "
        SELECT by_what, note, recorded_by, at FROM acknowledgements WHERE notice_id = $1 AND contact_key = $2";
    /// A contact of a notice's audience, by the id from the file.
    SELECT_PERSON = "SELECT contact_key FROM notice_people WHERE notice_id = $1 AND contact_id = $2";
    /// Ends what waits for people who know by now, and for nobody else.
    CANCEL_NEEDLESS = concat!("
        WITH ways (contact_key, delivery_id, by_deputy) AS MATERIALIZED ", ways_of_notice!(), "
        UPDATE deliveries SET state = 'cancelled', reason_code = 'reached', reason = $3, updated_at = $4
        WHERE notice_id = $1 AND state = 'queued'
          AND delivery_id IN (SELECT w.delivery_id FROM ways w
                              WHERE w.contact_key IN (SELECT unhex(value, '-') FROM json_each_text($2)))
          AND delivery_id NOT IN (SELECT o.delivery_id
                                  FROM ways o LEFT JOIN acknowledgements a ON a.notice_id = $1
                                                                          AND a.contact_key = o.contact_key
                                  WHERE a.at IS NULL)
        RETURNING channel");
    /// What is left of one contact's own deliveries that waits or is being sent.
    SELECT_STILL_OPEN = concat!("
        SELECT CAST(count(*) AS BIGINT) FROM deliveries
        WHERE state IN ('queued', 'sending')
          AND delivery_id IN (SELECT w.delivery_id FROM ", ways_of_notice!(), " AS w WHERE w.contact_key = $2)");
}

/// What the page behind a link shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcknowledgementPage {
    /// The notice's number.
    pub number: String,
    /// Its title.
    pub title: String,
    /// Whether it is an exercise.
    pub exercise: bool,
    /// The language of the contact that it was sent to; empty: nothing was said.
    pub language: String,
    /// When everybody whom it stands for had confirmed, by this link or otherwise.
    pub acknowledged_at: Option<Timestamp>,
}

/// What using a link did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmation {
    /// What the page shows now.
    pub page: AcknowledgementPage,
    /// Whether the link had not been used before: of several calls at the same moment, one alone is the first.
    pub is_first: bool,
}

/// How a contact came to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement {
    /// `link`, `phone`, `fax` or `messenger`.
    pub by_what: String,
    /// What the person who wrote it down adds.
    pub note: String,
    /// Who wrote it down; empty for a link.
    pub recorded_by: String,
    /// When.
    pub at: Timestamp,
}

/// What writing down that a contact was reached did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReachedByHand {
    /// What had been written down before: then nothing has changed.
    pub before: Option<Acknowledgement>,
    /// How many deliveries that waited for this contact alone were stopped.
    pub cancelled: usize,
    /// How many wait or are being sent all the same, because others share them or they are on their way.
    pub still_open: i64,
}

#[derive(sqlx::FromRow)]
struct LinkRow {
    notice_id: Uuid,
    delivery_id: Uuid,
    acknowledged_at: Option<i64>,
    number: String,
    title: String,
    exercise: bool,
    card: Json<ContactCard>,
}

impl LinkRow {
    fn page(self, acknowledged_at: Option<i64>) -> AcknowledgementPage {
        AcknowledgementPage {
            number: self.number,
            title: self.title,
            exercise: self.exercise,
            language: self.card.0.language,
            acknowledged_at: acknowledged_at.map(Timestamp),
        }
    }
}

#[derive(Serialize)]
struct LinkInput {
    hash: String,
    delivery: Uuid,
}

/// How many rows go into one statement.
const BATCH: usize = 2_000;

/// Writes the links of an alarm's deliveries: the hash of each token.
pub(super) async fn write_links(
    tx: &mut Tx,
    notice: NoticeId,
    links: &[(DeliveryId, Vec<u8>)],
) -> Result<(), StoreError> {
    for chunk in links.chunks(BATCH) {
        let rows: Vec<LinkInput> = chunk
            .iter()
            .map(|(delivery, hash)| LinkInput { hash: HEXLOWER.encode(hash), delivery: delivery.0 })
            .collect();
        tx.execute(&INSERT_LINKS, (Json(&rows), notice.0)).await?;
    }
    Ok(())
}

/// Holds the notice until the transaction ends.
async fn lock_notice(tx: &mut Tx, notice: Uuid) -> Result<(), StoreError> {
    tx.fetch_first::<(Uuid,), _>(&LOCK_NOTICE, (notice,)).await.map(|_| ())
}

impl Store {
    /// What the page behind the link with this hash shows ([`crate::domain::seal::token_hash`]); `None` if there is no
    /// such link. Reading it changes nothing: mail scanners follow links.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn acknowledgement(
        &self,
        token_hash: &[u8],
    ) -> Result<Option<AcknowledgementPage>, StoreError> {
        let hash = HEXLOWER.encode(token_hash);
        let Some(link) = self.db.fetch_first::<LinkRow, _>(&SELECT_LINK, (hash,)).await? else {
            return Ok(None);
        };
        let of: Option<(i64, i64, Option<i64>)> =
            self.db.fetch_first(&SELECT_OF_DELIVERY, (link.notice_id, link.delivery_id)).await?;
        let otherwise = of.and_then(|(people, reached, at)| at.filter(|_| people == reached));
        let at = link.acknowledged_at.or(otherwise);
        Ok(Some(link.page(at)))
    }

    /// Confirms for everybody whom the delivery of the link stands for: those who share its address, and those for
    /// whom it was sent to their deputy. Their cascades end, and what waits for them alone is stopped. `None` if there
    /// is no such link; a second call gives the time of the first.
    ///
    /// # Errors
    /// When the store cannot be written; then nothing is confirmed.
    pub async fn acknowledge(&self, token_hash: &[u8]) -> Result<Option<Confirmation>, StoreError> {
        once_more!(self.try_acknowledge(HEXLOWER.encode(token_hash)))
    }

    async fn try_acknowledge(&self, hash: String) -> Result<Option<Confirmation>, StoreError> {
        let now = self.now().0;
        let Some(link) = self.db.fetch_first::<LinkRow, _>(&SELECT_LINK, (hash.clone(),)).await? else {
            return Ok(None);
        };
        let mut tx = self.db.begin().await?;
        lock_notice(&mut tx, link.notice_id).await?;
        let used: Option<(Option<i64>,)> = tx.fetch_first(&SELECT_USED, (hash.clone(),)).await?;
        let before = used.and_then(|(at,)| at);
        if before.is_none() {
            tx.execute(&UPDATE_USED, (hash, now)).await?;
        }
        let reached: Vec<(Uuid,)> =
            tx.fetch(&ACKNOWLEDGE_DELIVERY, (link.notice_id, link.delivery_id, now)).await?;
        let reached: Vec<Uuid> = reached.into_iter().map(|(contact,)| contact).collect();
        if !reached.is_empty() {
            stop_for(&mut tx, link.notice_id, &reached, now).await?;
        }
        tx.commit().await?;
        Ok(Some(Confirmation { is_first: before.is_none(), page: link.page(Some(before.unwrap_or(now))) }))
    }

    /// The contact of a notice's audience that has this id in the files; `None`: the notice was not for it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn person_of_notice(
        &self,
        notice: NoticeId,
        id: &str,
    ) -> Result<Option<ContactKey>, StoreError> {
        let row: Option<(Uuid,)> = self.db.fetch_first(&SELECT_PERSON, (notice.0, id.to_owned())).await?;
        Ok(row.map(|(key,)| ContactKey(key)))
    }

    /// Writes down that a person reached `contact` `by_what` (`phone`, `fax`, `messenger`). Its cascade ends, and what
    /// waits for it alone is stopped. What was written down first stays, and then there is no entry.
    ///
    /// # Errors
    /// When the store cannot be written; then nothing has changed.
    pub async fn reached_by_hand(
        &self,
        notice: NoticeId,
        contact: ContactKey,
        by_what: &str,
        note: &str,
        recorded_by: &str,
        entry: &NewEntry,
    ) -> Result<ReachedByHand, StoreError> {
        once_more!(self.try_reached_by_hand(notice, contact, by_what, note, recorded_by, entry))
    }

    async fn try_reached_by_hand(
        &self,
        notice: NoticeId,
        contact: ContactKey,
        by_what: &str,
        note: &str,
        recorded_by: &str,
        entry: &NewEntry,
    ) -> Result<ReachedByHand, StoreError> {
        let now = self.now().0;
        let mut tx = self.db.begin().await?;
        lock_notice(&mut tx, notice.0).await?;
        let written = (notice.0, contact.0, by_what.to_owned(), note.to_owned(), recorded_by.to_owned(), now);
        let is_new = tx.execute(&ACKNOWLEDGE_BY_HAND, written).await? > 0;
        let mut reached = ReachedByHand { before: None, cancelled: 0, still_open: 0 };
        if is_new {
            reached.cancelled = stop_for(&mut tx, notice.0, &[contact.0], now).await?;
        } else {
            reached.before = acknowledgement_of(&mut tx, notice, contact).await?;
        }
        let open: Option<(i64,)> = tx.fetch_first(&SELECT_STILL_OPEN, (notice.0, contact.0)).await?;
        reached.still_open = open.map_or(0, |(open,)| open);
        if is_new {
            let after =
                json!({"contact": contact.to_string(), "by": by_what, "cancelled": reached.cancelled});
            append(&mut tx, &entry.clone().with(after), self.now()).await?;
        }
        tx.commit().await?;
        Ok(reached)
    }
}

async fn acknowledgement_of(
    tx: &mut Tx,
    notice: NoticeId,
    contact: ContactKey,
) -> Result<Option<Acknowledgement>, StoreError> {
    let row: Option<(String, String, String, i64)> =
        tx.fetch_first(&SELECT_ACKNOWLEDGEMENT, (notice.0, contact.0)).await?;
    Ok(row.map(|(by_what, note, recorded_by, at)| Acknowledgement {
        by_what,
        note,
        recorded_by,
        at: Timestamp(at),
    }))
}

/// Ends the cascades of people who know by now, and what waits for them alone; says how many deliveries that were.
/// The notice is locked.
pub(super) async fn stop_for(
    tx: &mut Tx,
    notice: Uuid,
    people: &[Uuid],
    now: i64,
) -> Result<usize, StoreError> {
    end_cascades(tx, notice, people, CascadeEnd::Confirmed, now).await?;
    let words = "not needed any more: the contact was reached before it left";
    let cancelled: Vec<(String,)> = tx.fetch(&CANCEL_NEEDLESS, (notice, Json(people), words, now)).await?;
    let mut tally = Tally::default();
    for (channel,) in &cancelled {
        tally.moved(notice, channel, DeliveryState::Queued, DeliveryState::Cancelled);
    }
    write_counts(tx, &tally.into_deltas()).await?;
    complete_notices(tx, [notice], now).await?;
    Ok(cancelled.len())
}
