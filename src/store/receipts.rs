//! Receipts: kept once each, and what they mean for their deliveries.

use std::collections::{BTreeSet, HashMap};

use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::address::Channel;
use crate::domain::delivery::{DeliveryEvent, DeliveryState};
use crate::domain::ids::{DeliveryId, NoticeId};
use crate::domain::outcome::Fault;
use crate::domain::receipt::{CallbackVerdict, Receipt, ReceiptKind};

use super::cascade::came_back;
use super::connection::Tx;
use super::counts::{Tally, complete_notices, write_counts};
use super::error::once_more;
use super::statement::statements;
use super::stopping::end_like_these;
use super::{Store, StoreError};

statements! {
    /// The deliveries that receipts are about.
    SELECT_REPORTED = "
        SELECT d.delivery_id, d.notice_id, d.channel, d.state, d.round, d.provider
        FROM deliveries d
        WHERE d.delivery_id IN (SELECT unhex(value, '-') FROM json_each_text($1))
        ORDER BY d.delivery_id /*lock*/";
    /// The delivery that a provider calls so, in the round in which it took it.
    SELECT_REFERRED = "
        SELECT delivery_id, round FROM deliveries WHERE provider = $1 AND provider_ref = $2
        ORDER BY delivery_id DESC LIMIT 1";
    /// Whether a provider has tried a delivery; a try that was accepted at once stands in the delivery's own row.
    SELECT_TRIED_BY = "
        SELECT delivery_id FROM deliveries WHERE delivery_id = $1 AND answered_by = $2
        UNION ALL
        SELECT delivery_id FROM attempts WHERE delivery_id = $1 AND provider = $2
        LIMIT 1";
    /// Keeps one receipt, unless it has come before; its words only as long as the address is kept, which may stand in
    /// them.
    INSERT_RECEIPT = "
        INSERT INTO receipts (receipt_id, delivery_id, round, source, kind, code, text, received_at)
        VALUES ($1, $2, $3, $4, $5, $6,
                CASE WHEN EXISTS (SELECT 1 FROM deliveries d WHERE d.delivery_id = $2 AND d.address LIKE 'erased:%')
                     THEN '' ELSE $7 END, $8)
        ON CONFLICT (delivery_id, round, source, kind, code) DO NOTHING";
    /// What receipts make of a delivery.
    UPDATE_REPORTED = "
        UPDATE deliveries SET
            state = $2, process_id = NULL, updated_at = $5,
            reason_code = CASE WHEN $2 = 'failed' THEN $3 ELSE NULL END,
            reason = CASE WHEN $2 = 'failed' AND address NOT LIKE 'erased:%' THEN $4 ELSE NULL END
        WHERE delivery_id = $1";
    /// An address that turned out not to exist; a bounce for a dead domain says nothing about its mailboxes, nor does one
    /// that comes when it is up again, of a mail that was handed over before: days may lie in between.
    SUPPRESS_REPORTED = "
        INSERT INTO suppressions (channel, address, reason, detail, since, until, delivery_id)
        SELECT channel, lower(address), $2, $3, $4, $5, $1 FROM deliveries d
        WHERE delivery_id = $1 AND d.address NOT LIKE 'erased:%'
          AND NOT EXISTS (SELECT 1 FROM dead_domains dead
                          WHERE d.channel = 'email' AND d.address LIKE '%@' || dead.domain)
          AND NOT EXISTS (SELECT 1 FROM domains_back back
                          WHERE d.channel = 'email' AND d.address LIKE '%@' || back.domain
                            AND back.back_at > COALESCE(d.answered_at,
                                                        (SELECT max(tried.ended_at) FROM attempts tried
                                                         WHERE tried.delivery_id = $1 AND tried.outcome = 'accepted'),
                                                        $4))
        ON CONFLICT (channel, address) DO UPDATE SET
            reason = excluded.reason, detail = excluded.detail, since = excluded.since, until = excluded.until,
            delivery_id = excluded.delivery_id
        WHERE suppressions.until <= excluded.since";
    /// What was made of its failure, before it was reported to have arrived.
    LIFT_REFUTED = "DELETE FROM suppressions WHERE delivery_id = $1";
    /// Counts callbacks.
    COUNT_CALLBACK = "
        INSERT INTO callback_counts (source, verdict, count, last_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (source, verdict) DO UPDATE SET
            count = callback_counts.count + excluded.count, last_at = excluded.last_at";
    /// All those counts.
    SELECT_CALLBACKS = "SELECT source, verdict, count, last_at FROM callback_counts ORDER BY source, verdict";
    /// The receipts of all deliveries of a notice, in the order in which they came.
    SELECT_RECEIPTS_OF = "
        SELECT r.delivery_id, r.round, r.source, r.kind, r.code, r.text, r.received_at
        FROM receipts r JOIN deliveries d ON d.delivery_id = r.delivery_id
        WHERE d.notice_id = $1 ORDER BY r.received_at, r.receipt_id";
    /// The receipts of one delivery, in the order in which they came.
    SELECT_RECEIPTS = "
        SELECT round, source, kind, code, text, received_at FROM receipts
        WHERE delivery_id = $1 ORDER BY received_at, receipt_id";
}

/// How long an address that does not exist is left alone, in milliseconds: 30 days. It may be mended, or made again.
const SUPPRESSED_FOR: i64 = 30 * 86_400_000;

/// A receipt as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ReceiptRow {
    /// The round that it belongs to.
    pub round: i64,
    /// The provider's name, or `bounce`.
    pub source: String,
    /// `delivered`, `failed` or `underway`.
    pub kind: String,
    /// A short code.
    pub code: String,
    /// In the other side's words.
    pub text: String,
    /// When it came, UTC milliseconds.
    pub received_at: i64,
}

#[derive(sqlx::FromRow)]
struct ReceiptOfRow {
    delivery_id: Uuid,
    #[sqlx(flatten)]
    receipt: ReceiptRow,
}

/// How many callbacks of one source turned out to be what.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct CallbackCount {
    /// The provider's name, `bounce`, or `acknowledgement`.
    pub source: String,
    /// `taken`, `repeated`, `forged`, `unreadable` or `no_receipt`.
    pub verdict: String,
    /// How many.
    pub count: i64,
    /// When the last one came, UTC milliseconds.
    pub last_at: i64,
}

#[derive(sqlx::FromRow)]
struct ReportedRow {
    delivery_id: Uuid,
    notice_id: Uuid,
    channel: String,
    state: String,
    round: i64,
    provider: Option<String>,
}

impl Store {
    /// Keeps `receipts`, moves their deliveries to stronger evidence, suppresses addresses that do not exist; says of
    /// each what it turned out to be. A receipt for a delivery that does not exist, or from a gateway that never had it, is a
    /// forgery; one of an earlier
    /// round is kept and moves nothing.
    ///
    /// `fresh_id` makes ids that ascend.
    ///
    /// # Errors
    /// When the store cannot be written; then nothing has changed.
    pub async fn receive(
        &self,
        receipts: &[Receipt],
        fresh_id: &(dyn Fn() -> Uuid + Sync),
    ) -> Result<Vec<CallbackVerdict>, StoreError> {
        once_more!(self.try_receive(receipts, fresh_id))
    }

    async fn try_receive(
        &self,
        receipts: &[Receipt],
        fresh_id: &(dyn Fn() -> Uuid + Sync),
    ) -> Result<Vec<CallbackVerdict>, StoreError> {
        let now = self.now().0;
        let mut tx = self.db.begin().await?;
        let mut known = reported(&mut tx, receipts).await?;
        let mut tally = Tally::default();
        let mut verdicts = Vec::with_capacity(receipts.len());
        for receipt in receipts {
            let Some(row) = known.get_mut(&receipt.delivery.0) else {
                verdicts.push(CallbackVerdict::Forged);
                continue;
            };
            if !may_speak_of(&mut tx, &receipt.source, row).await? {
                verdicts.push(CallbackVerdict::Forged);
                continue;
            }
            if !keep(&mut tx, receipt, fresh_id(), now).await? {
                verdicts.push(CallbackVerdict::Repeated);
                continue;
            }
            verdicts.push(CallbackVerdict::Taken);
            if receipt.round != row.round {
                continue;
            }
            let from: DeliveryState = row.state.parse().map_err(StoreError::Damaged)?;
            let to = match receipt.kind {
                ReceiptKind::Delivered => from.apply(DeliveryEvent::ReportedDelivered),
                ReceiptKind::Failed(_) => from.apply(DeliveryEvent::FailedForGood),
                ReceiptKind::Underway => from,
            };
            if from != to {
                let reason = &receipt.reason;
                tx.execute(
                    &UPDATE_REPORTED,
                    (row.delivery_id, to.as_str(), reason.code.clone(), reason.text.clone(), now),
                )
                .await?;
                tally.moved(row.notice_id, &row.channel, from, to);
                match to {
                    DeliveryState::Failed => came_back(&mut tx, row.notice_id, row.delivery_id, now).await?,
                    _ => tx.execute(&LIFT_REFUTED, (row.delivery_id,)).await.map(|_| ())?,
                }
                to.as_str().clone_into(&mut row.state);
            }
            if to == DeliveryState::Failed && receipt.kind == ReceiptKind::Failed(Fault::Address) {
                suppress_address(&mut tx, receipt, now).await?;
                end_like_these(&mut tx, vec![receipt.delivery.0], now, &mut tally).await?;
            }
        }
        count(&mut tx, receipts.iter().map(|receipt| receipt.source.as_str()).zip(&verdicts), now).await?;
        let deltas = tally.into_deltas();
        write_counts(&mut tx, &deltas).await?;
        let stopped = deltas.iter().map(|delta| delta.notice);
        let notices: BTreeSet<Uuid> = known.values().map(|row| row.notice_id).chain(stopped).collect();
        complete_notices(&mut tx, notices, now).await?;
        tx.commit().await?;
        Ok(verdicts)
    }

    /// The delivery that `provider` took under the name `reference`, and its round.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn delivery_by_reference(
        &self,
        provider: &str,
        reference: &str,
    ) -> Result<Option<(DeliveryId, i64)>, StoreError> {
        let words = (provider.to_owned(), reference.to_owned());
        let row: Option<(Uuid, i64)> = self.db.fetch_first(&SELECT_REFERRED, words).await?;
        Ok(row.map(|(delivery, round)| (DeliveryId(delivery), round)))
    }

    /// Counts a callback of `source` that never became a receipt.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn count_callback(&self, source: &str, verdict: CallbackVerdict) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        count(&mut tx, [(source, &verdict)].into_iter(), self.now().0).await?;
        tx.commit().await
    }

    /// How many callbacks came from each source, and what they turned out to be.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn callback_counts(&self) -> Result<Vec<CallbackCount>, StoreError> {
        self.db.fetch(&SELECT_CALLBACKS, ()).await
    }

    /// The receipts of all deliveries of a notice, each in the order in which they came.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn receipts_of_notice(
        &self,
        notice: NoticeId,
    ) -> Result<HashMap<DeliveryId, Vec<ReceiptRow>>, StoreError> {
        let mut receipts: HashMap<DeliveryId, Vec<ReceiptRow>> = HashMap::new();
        for row in self.db.fetch::<ReceiptOfRow, _>(&SELECT_RECEIPTS_OF, (notice.0,)).await? {
            receipts.entry(DeliveryId(row.delivery_id)).or_default().push(row.receipt);
        }
        Ok(receipts)
    }

    /// The receipts of a delivery, in the order in which they came.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn receipts(&self, delivery: DeliveryId) -> Result<Vec<ReceiptRow>, StoreError> {
        self.db.fetch(&SELECT_RECEIPTS, (delivery.0,)).await
    }
}

/// Whether `source` is one that can know: of a text message, only a gateway that was handed it. Another one's reports may
/// not be signed, and would be believed for the name alone.
async fn may_speak_of(tx: &mut Tx, source: &str, row: &ReportedRow) -> Result<bool, StoreError> {
    if row.channel != Channel::Sms.as_str() || row.provider.as_deref() == Some(source) {
        return Ok(true);
    }
    let tried: Option<(Uuid,)> =
        tx.fetch_first(&SELECT_TRIED_BY, (row.delivery_id, source.to_owned())).await?;
    Ok(tried.is_some())
}

async fn reported(tx: &mut Tx, receipts: &[Receipt]) -> Result<HashMap<Uuid, ReportedRow>, StoreError> {
    let mut ids: Vec<Uuid> = receipts.iter().map(|receipt| receipt.delivery.0).collect();
    ids.sort_unstable();
    ids.dedup();
    let rows: Vec<ReportedRow> = tx.fetch(&SELECT_REPORTED, (Json(&ids),)).await?;
    Ok(rows.into_iter().map(|row| (row.delivery_id, row)).collect())
}

/// `false`: it had come before.
async fn keep(tx: &mut Tx, receipt: &Receipt, id: Uuid, now: i64) -> Result<bool, StoreError> {
    let reason = &receipt.reason;
    let kept = tx
        .execute(
            &INSERT_RECEIPT,
            (
                id,
                receipt.delivery.0,
                receipt.round,
                receipt.source.clone(),
                receipt.kind.as_str(),
                reason.code.clone(),
                reason.text.clone(),
                now,
            ),
        )
        .await?;
    Ok(kept > 0)
}

async fn suppress_address(tx: &mut Tx, receipt: &Receipt, now: i64) -> Result<(), StoreError> {
    let reason = &receipt.reason;
    tx.execute(
        &SUPPRESS_REPORTED,
        (receipt.delivery.0, reason.code.clone(), reason.text.clone(), now, now + SUPPRESSED_FOR),
    )
    .await?;
    Ok(())
}

async fn count<'a>(
    tx: &mut Tx,
    verdicts: impl Iterator<Item = (&'a str, &'a CallbackVerdict)>,
    now: i64,
) -> Result<(), StoreError> {
    let mut counts: std::collections::BTreeMap<(&str, &str), i64> = std::collections::BTreeMap::new();
    for (source, verdict) in verdicts {
        *counts.entry((source, verdict.as_str())).or_default() += 1;
    }
    for ((source, verdict), count) in counts {
        tx.execute(&COUNT_CALLBACK, (source.to_owned(), verdict, count, now)).await?;
    }
    Ok(())
}
