//! New rounds: what a person decides about unclear deliveries, and sending again to those who did not get it.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::json;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::address::Address;
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::clock::Timestamp;
use crate::domain::delivery::DeliveryState;
use crate::domain::ids::{DeliveryId, NoticeId};
use crate::domain::notice::NoticeEvent;

use super::audit::append;
use super::connection::Tx;
use super::counts::{Tally, complete_notices, write_counts};
use super::error::once_more;
use super::notices::{about, number_of};
use super::recipients::still_theirs;
use super::statement::{statements, ways_of_notice};
use super::steering::next_state;
use super::{Store, StoreError};

statements! {
    /// Deliveries that somebody decides about.
    SELECT_DECIDED = "
        SELECT delivery_id, notice_id, channel, state FROM deliveries
        WHERE delivery_id IN (SELECT unhex(value->>'id', '-') FROM json_each($1))
        ORDER BY delivery_id /*lock*/";
    /// The numbers of the notices that deliveries belong to.
    SELECT_NUMBERS = "
        SELECT DISTINCT n.number
        FROM json_each_text($1) JOIN deliveries d ON d.delivery_id = unhex(value, '-')
                                JOIN notices n ON n.notice_id = d.notice_id
        ORDER BY n.number";
    /// Those of them whose address nobody has any more whom they were for.
    SELECT_GONE = concat!("
        SELECT d.delivery_id FROM deliveries d
        WHERE d.delivery_id IN (SELECT unhex(value->>'id', '-') FROM json_each($1)) AND NOT ", still_theirs!("d"), "
        ORDER BY d.delivery_id");
    /// The decision that it got there, or did not.
    DECIDE = "
        UPDATE deliveries SET state = $2, reason_code = 'manual', reason = $3, updated_at = $4
        WHERE delivery_id IN (SELECT unhex(value->>'id', '-') FROM json_each($1))";
    /// A new round.
    NEW_ROUND = "
        UPDATE deliveries SET state = 'queued', round = round + 1, attempts = 0, lane = '', due_at = $2,
                              process_id = NULL, provider_ref = NULL, updated_at = $2
        WHERE delivery_id IN (SELECT unhex(value->>'id', '-') FROM json_each($1))";
    /// Deliveries of a notice that did not get out, and whose address may be used and is still that of somebody whom it
    /// is for. Where people are followed, only of those whom nothing else has reached: nobody is told twice.
    SELECT_NOT_OUT = concat!("
        WITH ways (contact_key, delivery_id, by_deputy) AS MATERIALIZED ", ways_of_notice!(), "
        SELECT d.delivery_id, d.notice_id, d.channel, d.state FROM deliveries d
        WHERE d.notice_id = $1 AND d.state IN ('failed', 'expired', 'cancelled', 'suppressed')
          AND d.address NOT LIKE 'erased:%'
          AND NOT EXISTS (SELECT 1 FROM suppressions s WHERE s.channel = d.channel AND s.address = lower(d.address)
                          AND (s.until IS NULL OR s.until > $2))
          AND ", still_theirs!("d"), "
          AND (NOT EXISTS (SELECT 1 FROM notices n WHERE n.notice_id = $1 AND n.cascade_after IS NOT NULL)
               OR d.delivery_id IN (
                      SELECT w.delivery_id FROM ways w
                      WHERE w.contact_key NOT IN (SELECT a.contact_key FROM acknowledgements a WHERE a.notice_id = $1)
                        AND (EXISTS (SELECT 1 FROM notices n WHERE n.notice_id = $1 AND n.alarm)
                             OR w.contact_key NOT IN (
                                    SELECT o.contact_key
                                    FROM ways o JOIN deliveries e ON e.delivery_id = o.delivery_id
                                    WHERE e.state IN ('sent', 'delivered')))))
        ORDER BY d.delivery_id /*lock*/");
    /// What addresses the contacts have now whose delivery did not get out.
    SELECT_ADDRESSES_NOW = "
        SELECT a.delivery_id, a.channel, a.frozen, a.address, a.left_behind,
               (SELECT CAST(count(*) AS BIGINT) FROM suppressions s
                WHERE s.channel = a.channel AND s.address = lower(a.address) AND (s.until IS NULL OR s.until > $2))
                   AS suppressions
        FROM addresses_now a
        WHERE a.notice_id = $1 AND a.state IN ('failed', 'expired', 'cancelled', 'suppressed')
        ORDER BY a.delivery_id, a.rank";
    /// Every address that the notice goes to, or will when its list has wholly become deliveries.
    SELECT_TAKEN = "
        SELECT channel, address FROM deliveries WHERE notice_id = $1
        UNION ALL
        SELECT r.channel, r.address FROM recipients r JOIN notices n ON n.notice_id = r.notice_id
        WHERE r.notice_id = $1 AND r.position > n.fanned_out";
    /// A delivery goes elsewhere.
    READDRESS = "
        UPDATE deliveries SET address = moved.address, destination = moved.destination
        FROM (SELECT unhex(value->>'id', '-') AS delivery_id, value->>'address' AS address,
                     value->>'destination' AS destination
              FROM json_each($1)) AS moved
        WHERE deliveries.delivery_id = moved.delivery_id
          AND deliveries.state IN ('failed', 'expired', 'cancelled', 'suppressed')";
    /// Whether a notice was never let go, because nobody agreed to it (1) or its time had not come (0): cancelled or
    /// not, it must not leave by a side door.
    SELECT_NEVER_RELEASED = "
        SELECT n.number,
               CAST(CASE WHEN n.second_person <> ''
                              AND NOT EXISTS (SELECT 1 FROM notice_decisions d
                                              WHERE d.notice_id = n.notice_id
                                                AND d.kind IN ('approved', 'break-glass', 'alarm'))
                         THEN 1 ELSE 0 END AS BIGINT)
        FROM notices n
        WHERE n.notice_id = $1 AND n.released_at IS NULL";
    /// What has taken the place of a notice, and was not stopped itself; or what has taken the place of that, which
    /// stopped it.
    SELECT_SUCCESSOR = "
        WITH RECURSIVE successors (notice_id, number, state) AS (
            SELECT notice_id, number, state FROM notices WHERE supersedes = $1
            UNION
            SELECT n.notice_id, n.number, n.state
            FROM notices n JOIN successors s ON n.supersedes = s.notice_id)
        SELECT number, notice_id FROM successors
        WHERE state NOT IN ('rejected', 'cancelled', 'expired')
        ORDER BY number DESC LIMIT 1";
    /// The notice goes on, with this much time.
    REOPEN_NOTICE = "
        UPDATE notices SET state = $2, completed_at = NULL, swept = 0, updated_at = $4,
                           expires_at = CASE WHEN expires_at < $3 THEN $3 ELSE expires_at END
        WHERE notice_id = $1";
}

/// What a person decided about an unclear delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// It got there.
    Sent,
    /// It did not, and is not sent again.
    Failed,
    /// It is sent again.
    Resend,
}

/// What a retry did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retried {
    /// How many deliveries are sent again.
    pub deliveries: usize,
    /// How many of them to another address than before, because the contact has another now.
    pub readdressed: usize,
}

/// An address that a contact has now.
#[derive(sqlx::FromRow)]
pub(super) struct AddressRow {
    pub(super) delivery_id: Uuid,
    channel: String,
    frozen: String,
    address: String,
    suppressions: i64,
    left_behind: i64,
}

impl AddressRow {
    fn parse(&self) -> Option<Address> {
        Address::parse(self.channel.parse().ok()?, &self.address).ok()
    }
}

#[derive(Serialize)]
pub(super) struct AddressInput {
    id: Uuid,
    address: String,
    destination: String,
}

/// A delivery that a person decides about.
#[derive(sqlx::FromRow)]
pub(super) struct StandingRow {
    delivery_id: Uuid,
    notice_id: Uuid,
    channel: String,
    state: String,
}

#[derive(Serialize)]
struct IdInput {
    id: Uuid,
}

/// Which deliveries go elsewhere: to the way that a new notice would take now. One that nobody else of the notice
/// has (`taken` are all its channels and addresses), and that leaves nobody behind who shares the delivery.
pub(super) fn readdressed(
    now: &[AddressRow],
    taken: Vec<(String, String)>,
    destination: &(dyn Fn(&Address) -> Option<String> + Sync),
) -> Vec<AddressInput> {
    elsewhere(now, taken, |addresses| open_way(addresses, destination))
}

/// As [`readdressed`], for contacts who no longer have the frozen address. Where nothing can go to any address they
/// have now, the first takes its place all the same: it shows as blocked then, and the frozen one may be a stranger's.
pub(super) fn moved_away(
    now: &[AddressRow],
    taken: Vec<(String, String)>,
    destination: &(dyn Fn(&Address) -> Option<String> + Sync),
) -> Vec<AddressInput> {
    elsewhere(now, taken, |addresses| {
        let first = || addresses.iter().find_map(|row| Some((row, row.parse()?.natural_destination())));
        open_way(addresses, destination).or_else(first)
    })
}

/// The first address that is not blocked and can be reached, and what a delivery to it is throttled with.
fn open_way<'a>(
    addresses: &'a [AddressRow],
    destination: &(dyn Fn(&Address) -> Option<String> + Sync),
) -> Option<(&'a AddressRow, String)> {
    let open = |row: &'a AddressRow| Some((row, destination(&row.parse()?)?));
    addresses.iter().filter(|row| row.suppressions == 0).find_map(open)
}

fn elsewhere<'a>(
    now: &'a [AddressRow],
    taken: Vec<(String, String)>,
    way: impl Fn(&'a [AddressRow]) -> Option<(&'a AddressRow, String)>,
) -> Vec<AddressInput> {
    let mut taken: BTreeSet<(String, String)> =
        taken.into_iter().map(|(channel, address)| (channel, address.to_lowercase())).collect();
    let mut moved = Vec::new();
    for addresses in now.chunk_by(|one, other| one.delivery_id == other.delivery_id) {
        let Some((row, destination)) = way(addresses) else { continue };
        let address = row.address.to_lowercase();
        if address != row.frozen.to_lowercase()
            && row.left_behind == 0
            && taken.insert((row.channel.clone(), address))
        {
            moved.push(AddressInput { id: row.delivery_id, address: row.address.clone(), destination });
        }
    }
    moved
}

impl Store {
    /// The notice that has taken the place of another, and was not stopped itself; `None`: none has.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn successor(&self, notice: NoticeId) -> Result<Option<(String, NoticeId)>, StoreError> {
        let row: Option<(String, Uuid)> = self.db.fetch_first(&SELECT_SUCCESSOR, (notice.0,)).await?;
        Ok(row.map(|(number, id)| (number, NoticeId(id))))
    }

    /// Writes down what a person found out about unclear deliveries: all of them or none. Deliveries that are sent
    /// again have until `expires_at`. The entry's subject becomes the notice that they belong to.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] names a delivery that does not exist, is not unclear, or would be sent again to an
    /// address that its contact no longer has.
    pub async fn resolve(
        &self,
        ids: &[DeliveryId],
        resolution: Resolution,
        expires_at: Timestamp,
        entry: &NewEntry,
    ) -> Result<(), StoreError> {
        once_more!(self.try_resolve(ids, resolution, expires_at, entry))
    }

    async fn try_resolve(
        &self,
        ids: &[DeliveryId],
        resolution: Resolution,
        expires_at: Timestamp,
        entry: &NewEntry,
    ) -> Result<(), StoreError> {
        let now = self.now().0;
        let mut tx = self.db.begin().await?;
        let input: Vec<IdInput> = ids.iter().map(|id| IdInput { id: id.0 }).collect();
        let rows: Vec<StandingRow> = tx.fetch(&SELECT_DECIDED, (Json(&input),)).await?;
        for id in ids {
            match rows.iter().find(|row| row.delivery_id == id.0) {
                None => return Err(StoreError::Conflict(format!("there is no delivery {id}"))),
                Some(row) if row.state != "unclear" => {
                    return Err(StoreError::Conflict(format!(
                        "delivery {id} is {}, not unclear: nothing was changed",
                        row.state
                    )));
                }
                Some(_) => {}
            }
        }
        let entry = decided(&mut tx, entry, &rows, resolution).await?;
        if resolution == Resolution::Resend {
            for row in &rows {
                if let Some(successor) = successor_of(&mut tx, row.notice_id).await? {
                    return Err(StoreError::Conflict(format!(
                        "{successor} corrects the notice of delivery {}, and nobody is to get what is wrong: decide \
                         that it was sent or failed; nothing was changed",
                        DeliveryId(row.delivery_id)
                    )));
                }
            }
            if let Some((gone,)) = tx.fetch_first::<(Uuid,), _>(&SELECT_GONE, (Json(&input),)).await? {
                return Err(StoreError::Conflict(format!(
                    "the contact of delivery {} no longer has the address that it went to: decide that it was sent or \
                     failed, and send the notice again to those who did not get it; nothing was changed",
                    DeliveryId(gone)
                )));
            }
            self.start_round(&mut tx, &rows, expires_at).await?;
            append(&mut tx, &entry, self.now()).await?;
            return tx.commit().await;
        }
        let (to, words) = if resolution == Resolution::Sent {
            (DeliveryState::Sent, "a person found out that it arrived")
        } else {
            (DeliveryState::Failed, "a person found out that it did not arrive")
        };
        tx.execute(&DECIDE, (Json(&input), to.as_str(), words, now)).await?;
        let mut tally = Tally::default();
        for row in &rows {
            tally.moved(row.notice_id, &row.channel, DeliveryState::Unclear, to);
        }
        write_counts(&mut tx, &tally.into_deltas()).await?;
        append(&mut tx, &entry, self.now()).await?;
        tx.commit().await
    }

    /// Sends a notice again to those who did not get it. Where the contact has another address now, it goes there:
    /// to the first that is not suppressed and that has a `destination`. Addresses that are suppressed now, those that
    /// nobody has any more whom they were for, and deliveries that are unclear are left out.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the notice is not one that can be sent again.
    pub async fn retry_notice(
        &self,
        notice: NoticeId,
        expires_at: Timestamp,
        destination: &(dyn Fn(&Address) -> Option<String> + Sync),
        entry: &NewEntry,
    ) -> Result<Retried, StoreError> {
        once_more!(self.try_retry_notice(notice, expires_at, destination, entry))
    }

    async fn try_retry_notice(
        &self,
        notice: NoticeId,
        expires_at: Timestamp,
        destination: &(dyn Fn(&Address) -> Option<String> + Sync),
        entry: &NewEntry,
    ) -> Result<Retried, StoreError> {
        let mut tx = self.db.begin().await?;
        next_state(&mut tx, notice, NoticeEvent::Retry).await?;
        was_released(&mut tx, notice.0).await?;
        if let Some(successor) = successor_of(&mut tx, notice.0).await? {
            let number = number_of(&mut tx, notice).await?;
            return Err(StoreError::Conflict(format!(
                "{successor} corrects it, and nobody is to get what is wrong. Whoever is to get {successor} and did not \
                 is sent that again by \"rundruf notices retry {successor}\"; \"rundruf notices report {number}\" names \
                 those who got neither, and what to do for them"
            )));
        }
        let now: Vec<AddressRow> = tx.fetch(&SELECT_ADDRESSES_NOW, (notice.0, self.now().0)).await?;
        let taken: Vec<(String, String)> = tx.fetch(&SELECT_TAKEN, (notice.0,)).await?;
        let moved = readdressed(&now, taken, destination);
        if !moved.is_empty() {
            tx.execute(&READDRESS, (Json(&moved),)).await?;
        }
        let rows: Vec<StandingRow> = tx.fetch(&SELECT_NOT_OUT, (notice.0, self.now().0)).await?;
        let retried = Retried { deliveries: rows.len(), readdressed: moved.len() };
        if retried.deliveries > 0 {
            self.start_round(&mut tx, &rows, expires_at).await?;
            let facts = serde_json::json!({
                "deliveries": retried.deliveries, "readdressed": retried.readdressed, "until": expires_at,
            });
            let number = number_of(&mut tx, notice).await?;
            append(&mut tx, &about(entry, &number, &facts), self.now()).await?;
            tx.commit().await?;
        }
        Ok(retried)
    }

    /// Queues deliveries once more and lets their notices go on.
    pub(super) async fn start_round(
        &self,
        tx: &mut Tx,
        rows: &[StandingRow],
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let now = self.now().0;
        let input: Vec<IdInput> = rows.iter().map(|row| IdInput { id: row.delivery_id }).collect();
        tx.execute(&NEW_ROUND, (Json(&input), now)).await?;
        let mut tally = Tally::default();
        let mut notices: Vec<Uuid> = Vec::new();
        for row in rows {
            let from: DeliveryState = row.state.parse().map_err(StoreError::Damaged)?;
            tally.moved(row.notice_id, &row.channel, from, DeliveryState::Queued);
            notices.push(row.notice_id);
        }
        notices.sort_unstable();
        notices.dedup();
        write_counts(tx, &tally.into_deltas()).await?;
        for notice in notices {
            let state = next_state(tx, NoticeId(notice), NoticeEvent::Retry).await?;
            was_released(tx, notice).await?;
            tx.execute(&REOPEN_NOTICE, (notice, state.as_str(), expires_at.0, now)).await?;
        }
        // Nothing to wait for can be left over, but a notice must never hang.
        let reopened: Vec<Uuid> = rows.iter().map(|row| row.notice_id).collect();
        complete_notices(tx, reopened, now).await?;
        Ok(())
    }
}

/// The number of the notice that has taken the place of another; `None`: none has.
pub(super) async fn successor_of(tx: &mut Tx, notice: Uuid) -> Result<Option<String>, StoreError> {
    let row: Option<(String, Uuid)> = tx.fetch_first(&SELECT_SUCCESSOR, (notice,)).await?;
    Ok(row.map(|(number, _)| number))
}

/// Makes sure that a notice which goes on was once let go. One that waits for a second person or for its time and is
/// cancelled has not got round that: its release is what the log, the timeline and the incident's clock are told by.
async fn was_released(tx: &mut Tx, notice: Uuid) -> Result<(), StoreError> {
    let why = match tx.fetch_first::<(String, i64), _>(&SELECT_NEVER_RELEASED, (notice,)).await? {
        None => return Ok(()),
        Some((number, 0)) => format!("{number} was stopped before its time had come, and nobody has got it"),
        Some((number, _)) => format!("{number} waited for a second person, and nobody has released it"),
    };
    Err(StoreError::Conflict(format!("{why}: there is nothing to send again. Submit it anew")))
}

/// The entry about a person's decision: about the notice whose deliveries they are, or about all of them.
async fn decided(
    tx: &mut Tx,
    entry: &NewEntry,
    rows: &[StandingRow],
    resolution: Resolution,
) -> Result<NewEntry, StoreError> {
    let ids: Vec<String> = rows.iter().map(|row| row.delivery_id.to_string()).collect();
    let numbers: Vec<(String,)> = tx.fetch(&SELECT_NUMBERS, (Json(&ids),)).await?;
    let numbers: Vec<String> = numbers.into_iter().map(|(number,)| number).collect();
    let kind = if numbers.len() == 1 { "notice" } else { "notices" };
    let became = match resolution {
        Resolution::Sent => "sent",
        Resolution::Failed => "failed",
        Resolution::Resend => "resend",
    };
    let mut entry = entry
        .clone()
        .changing(json!({"deliveries": ids, "state": "unclear"}), json!({"deliveries": ids, "as": became}));
    entry.subject = Subject::new(kind, numbers.join(","));
    Ok(entry)
}
