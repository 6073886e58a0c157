//! Webhook endpoints that fail: since when, when they are switched off, whether their owner knows, and sending again
//! what they missed.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::address::Channel;
use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{ContactKey, DeliveryId};
use crate::domain::outcome::Reason;

use super::audit::append;
use super::connection::Tx;
use super::counts::Tally;
use super::recipients::still_theirs;
use super::rounds::StandingRow;
use super::statement::statements;
use super::stopping::{end_to_addresses, write_what_was_stopped};
use super::suppressions::holders;
use super::{Store, StoreError};

statements! {
    /// Which endpoints deliveries went to, and whose they are.
    SELECT_CALLED = "
        SELECT delivery_id, lower(address) AS address, contact_key FROM deliveries
        WHERE channel = 'webhook' AND delivery_id IN (SELECT unhex(value, '-') FROM json_each_text($1))";
    /// An endpoint that was switched off and is in use again has a new story.
    FORGET_LIFTED = "
        DELETE FROM webhook_endpoints
        WHERE address IN (SELECT CAST(value AS TEXT) FROM json_each_text($1)) AND switched_off_at < $2
          AND NOT EXISTS (SELECT 1 FROM suppressions s
                          WHERE s.channel = 'webhook' AND s.address = webhook_endpoints.address
                            AND (s.until IS NULL OR s.until > $3))";
    /// Endpoints that failed once more.
    UPSERT_FAILED = "
        INSERT INTO webhook_endpoints (address, contact_key, failing_since, last_failed_at, failures, last_code,
                                       last_text, switched_off_at)
        SELECT value->>'address', unhex(value->>'contact', '-'), CAST(value->>'first_at' AS BIGINT),
               CAST(value->>'last_at' AS BIGINT), CAST(value->>'failures' AS BIGINT), value->>'code', value->>'text',
               CAST(value->>'gone_at' AS BIGINT)
        FROM json_each($1)
        WHERE TRUE
        ORDER BY 1
        ON CONFLICT (address) DO UPDATE SET
            failing_since = CASE WHEN excluded.failing_since < webhook_endpoints.failing_since
                                 THEN excluded.failing_since ELSE webhook_endpoints.failing_since END,
            last_failed_at = CASE WHEN excluded.last_failed_at > webhook_endpoints.last_failed_at
                                  THEN excluded.last_failed_at ELSE webhook_endpoints.last_failed_at END,
            last_code = CASE WHEN excluded.last_failed_at >= webhook_endpoints.last_failed_at
                             THEN excluded.last_code ELSE webhook_endpoints.last_code END,
            last_text = CASE WHEN excluded.last_failed_at >= webhook_endpoints.last_failed_at
                             THEN excluded.last_text ELSE webhook_endpoints.last_text END,
            failures = webhook_endpoints.failures + excluded.failures,
            switched_off_at = COALESCE(webhook_endpoints.switched_off_at, excluded.switched_off_at)";
    /// Whether any endpoint fails.
    SELECT_ANY_FAILING = "SELECT address FROM webhook_endpoints LIMIT 1";
    /// They answered: their story is over.
    DELETE_RECOVERED = "
        DELETE FROM webhook_endpoints
        WHERE address IN (SELECT lower(d.address) FROM deliveries d
                          WHERE d.channel = 'webhook'
                            AND d.delivery_id IN (SELECT unhex(value, '-') FROM json_each_text($1)))";
    /// And whatever switched them off is refuted.
    LIFT_RECOVERED = "
        DELETE FROM suppressions
        WHERE channel = 'webhook' AND reason = 'failing'
          AND address IN (SELECT lower(d.address) FROM deliveries d
                          WHERE d.channel = 'webhook'
                            AND d.delivery_id IN (SELECT unhex(value, '-') FROM json_each_text($1)))";
    /// Endpoints that have failed for long enough.
    SELECT_LONG_FAILING = "
        SELECT address FROM webhook_endpoints
        WHERE switched_off_at IS NULL AND last_failed_at - failing_since >= $1
        ORDER BY address /*lock*/";
    /// They are not to be called any more. What a person has set stays as it is.
    SUPPRESS_FAILING = "
        INSERT INTO suppressions (channel, address, reason, detail, since, until)
        SELECT 'webhook', address, 'failing', 'no successful call for days; last: ' || last_text, $2, NULL
        FROM webhook_endpoints
        WHERE address IN (SELECT CAST(value AS TEXT) FROM json_each_text($1))
        ORDER BY address
        ON CONFLICT (channel, address) DO UPDATE SET
            reason = excluded.reason, detail = excluded.detail, since = excluded.since, until = NULL,
            delivery_id = NULL
        WHERE suppressions.until <= excluded.since";
    /// When they were switched off.
    UPDATE_SWITCHED_OFF = "
        UPDATE webhook_endpoints SET switched_off_at = $2
        WHERE address IN (SELECT CAST(value AS TEXT) FROM json_each_text($1))";
    /// Switched off, and the owner does not know yet.
    SELECT_UNTOLD = "
        SELECT address, contact_key, failing_since, last_failed_at, failures, last_code, last_text, switched_off_at,
               told_at, told_notice
        FROM webhook_endpoints WHERE switched_off_at IS NOT NULL AND told_at IS NULL
        ORDER BY switched_off_at, address";
    /// All that fail.
    SELECT_ENDPOINTS = "
        SELECT address, contact_key, failing_since, last_failed_at, failures, last_code, last_text, switched_off_at,
               told_at, told_notice
        FROM webhook_endpoints ORDER BY failing_since, address";
    /// One process alone tells the owner.
    MARK_TOLD = "UPDATE webhook_endpoints SET told_at = $2 WHERE address = $1 AND told_at IS NULL";
    /// How that came out.
    UPDATE_TOLD = "UPDATE webhook_endpoints SET told_notice = $2 WHERE address = $1";
    /// It did not come to that.
    MARK_UNTOLD = "UPDATE webhook_endpoints SET told_at = NULL WHERE address = $1 AND told_notice IS NULL";
    /// Its story is over.
    DELETE_ENDPOINT = "DELETE FROM webhook_endpoints WHERE address = $1";
    /// It may be called again.
    LIFT_ENDPOINT = "DELETE FROM suppressions WHERE channel = 'webhook' AND address = $1";
    /// What an endpoint missed, of notices that can go on and of contacts whose endpoint it still is.
    SELECT_MISSED = concat!("
        SELECT d.delivery_id, d.notice_id, d.channel, d.state
        FROM deliveries d JOIN notices n ON n.notice_id = d.notice_id
             AND NOT EXISTS (SELECT 1 FROM notices s WHERE s.supersedes = n.notice_id
                                                       AND s.state NOT IN ('rejected', 'cancelled', 'expired'))
        WHERE d.channel = 'webhook' AND lower(d.address) = $1 AND d.updated_at >= $2
          AND d.apart IN ('failed', 'expired', 'suppressed')
          AND n.state IN ('sending', 'completed', 'expired')
          AND ", still_theirs!("d"), "
        ORDER BY d.delivery_id /*lock*/");
}

/// The code of a suppression that [`Store::switch_off_endpoints`] made.
pub const FAILING: &str = "failing";

/// The answer by which an owner has switched an endpoint off.
const GONE: &str = "410";

/// Answers to calls that were made before an endpoint was switched off may come for this long, in milliseconds.
const LATE_ANSWERS: i64 = 120_000;

/// An endpoint that does not answer as it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailingEndpoint {
    /// Its address in lower case, as suppressions have it.
    pub address: String,
    /// Whose it is.
    pub owner: ContactKey,
    /// Its first failure after its last success.
    pub failing_since: Timestamp,
    /// Its last failure.
    pub last_failed_at: Timestamp,
    /// How many in a row.
    pub failures: i64,
    /// The code of the last: `503`, `timeout`.
    pub last_code: String,
    /// The words of the last.
    pub last_text: String,
    /// Since when it is not called any more; `None`: it still is.
    pub switched_off_at: Option<Timestamp>,
    /// When its owner was told of that, or it turned out that nobody could be.
    pub told_at: Option<Timestamp>,
    /// The number of the notice by which; `None` with `told_at`: the owner has not been told and must be, by a person.
    pub told_notice: Option<String>,
}

/// What replaying did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replayed {
    /// How many deliveries are sent again.
    pub deliveries: usize,
    /// Whether the address was suppressed, and is no longer.
    pub lifted: bool,
}

#[derive(sqlx::FromRow)]
struct EndpointRow {
    address: String,
    contact_key: Uuid,
    failing_since: i64,
    last_failed_at: i64,
    failures: i64,
    last_code: String,
    last_text: String,
    switched_off_at: Option<i64>,
    told_at: Option<i64>,
    told_notice: Option<String>,
}

impl From<EndpointRow> for FailingEndpoint {
    fn from(row: EndpointRow) -> Self {
        Self {
            address: row.address,
            owner: ContactKey(row.contact_key),
            failing_since: Timestamp(row.failing_since),
            last_failed_at: Timestamp(row.last_failed_at),
            failures: row.failures,
            last_code: row.last_code,
            last_text: row.last_text,
            switched_off_at: row.switched_off_at.map(Timestamp),
            told_at: row.told_at.map(Timestamp),
            told_notice: row.told_notice,
        }
    }
}

#[derive(sqlx::FromRow)]
struct CalledRow {
    delivery_id: Uuid,
    address: String,
    contact_key: Uuid,
}

/// The failures of one endpoint, taken together.
#[derive(Serialize)]
struct FailureInput<'a> {
    address: &'a str,
    contact: Uuid,
    first_at: i64,
    last_at: i64,
    failures: i64,
    code: &'a str,
    text: &'a str,
    gone_at: Option<i64>,
}

/// Forgets that an endpoint has failed, and that it was switched off.
pub(super) async fn forget_failures(tx: &mut Tx, address: &str) -> Result<(), StoreError> {
    tx.execute(&DELETE_ENDPOINT, (address.to_owned(),)).await.map(|_| ())
}

impl Store {
    /// Writes down that calls failed, each with why and when it ended: every outcome of a webhook but an accepted one,
    /// after it has been recorded. An endpoint is failing from the earliest of them on. One that answered 410 is
    /// switched off with that (the suppression is made where the outcome is recorded; here only the owner's being told
    /// is arranged for). Deliveries by other channels are passed over.
    ///
    /// # Errors
    /// When the store cannot be written; then nothing has changed.
    pub async fn endpoints_failed(
        &self,
        failed: &[(DeliveryId, Reason, Timestamp)],
    ) -> Result<(), StoreError> {
        if failed.is_empty() {
            return Ok(());
        }
        let now = self.now().0;
        let ids: Vec<Uuid> = failed.iter().map(|(delivery, ..)| delivery.0).collect();
        let mut tx = self.db.begin().await?;
        let rows: Vec<CalledRow> = tx.fetch(&SELECT_CALLED, (Json(&ids),)).await?;
        let called: HashMap<Uuid, CalledRow> = rows.into_iter().map(|row| (row.delivery_id, row)).collect();
        let failures = by_endpoint(failed, &called);
        if failures.is_empty() {
            return Ok(());
        }
        let addresses: Vec<&str> = failures.keys().copied().collect();
        tx.execute(&FORGET_LIFTED, (Json(&addresses), now - LATE_ANSWERS, now)).await?;
        let input: Vec<FailureInput> = failures.into_values().collect();
        tx.execute(&UPSERT_FAILED, (Json(&input),)).await?;
        tx.commit().await
    }

    /// Whether any endpoint fails: if none does, [`Store::endpoints_recovered`] has nothing to do, and need not be
    /// called for every success.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn failing_endpoints_exist(&self) -> Result<bool, StoreError> {
        let row: Option<(String,)> = self.db.fetch_first(&SELECT_ANY_FAILING, ()).await?;
        Ok(row.is_some())
    }

    /// Writes down that calls were accepted: their endpoints are well again. One that was switched off meanwhile for
    /// failing is in use again; one that a person or its owner switched off is not.
    ///
    /// # Errors
    /// When the store cannot be written; then nothing has changed.
    pub async fn endpoints_recovered(&self, accepted: &[DeliveryId]) -> Result<(), StoreError> {
        if accepted.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uuid> = accepted.iter().map(|delivery| delivery.0).collect();
        let mut tx = self.db.begin().await?;
        tx.execute(&DELETE_RECOVERED, (Json(&ids),)).await?;
        tx.execute(&LIFT_RECOVERED, (Json(&ids),)).await?;
        tx.commit().await
    }

    /// Switches off endpoints whose first and last failure lie at least `failing_for` apart, with no success between:
    /// each gets a suppression (code [`FAILING`], until it is lifted). Gives their addresses, in lower case. An endpoint
    /// that failed once, long ago, and was not called since stays on.
    ///
    /// # Errors
    /// When the store cannot be written; then nothing has changed.
    pub async fn switch_off_endpoints(&self, failing_for: Duration) -> Result<Vec<String>, StoreError> {
        let now = self.now().0;
        let millis = i64::try_from(failing_for.as_millis()).unwrap_or(i64::MAX);
        let mut tx = self.db.begin().await?;
        let rows: Vec<(String,)> = tx.fetch(&SELECT_LONG_FAILING, (millis,)).await?;
        let addresses: Vec<String> = rows.into_iter().map(|(address,)| address).collect();
        if !addresses.is_empty() {
            tx.execute(&SUPPRESS_FAILING, (Json(&addresses), now)).await?;
            tx.execute(&UPDATE_SWITCHED_OFF, (Json(&addresses), now)).await?;
            let mut tally = Tally::default();
            end_to_addresses(&mut tx, Channel::Webhook.as_str(), &addresses, now, &mut tally).await?;
            write_what_was_stopped(&mut tx, tally, now).await?;
            tx.commit().await?;
        }
        Ok(addresses)
    }

    /// Endpoints that are switched off and whose owners do not know it yet, the longest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn untold_endpoints(&self) -> Result<Vec<FailingEndpoint>, StoreError> {
        let rows: Vec<EndpointRow> = self.db.fetch(&SELECT_UNTOLD, ()).await?;
        Ok(rows.into_iter().map(FailingEndpoint::from).collect())
    }

    /// All endpoints that fail or are switched off, the longest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn endpoints(&self) -> Result<Vec<FailingEndpoint>, StoreError> {
        let rows: Vec<EndpointRow> = self.db.fetch(&SELECT_ENDPOINTS, ()).await?;
        Ok(rows.into_iter().map(FailingEndpoint::from).collect())
    }

    /// Takes it on to tell the owner of the endpoint `address`; `false`: somebody else has done so. Comes before the
    /// notice, so that the owner is never told twice; until [`Store::endpoint_told`] says by which notice, the list
    /// shows that nobody has been told.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn take_on_telling(&self, address: &str) -> Result<bool, StoreError> {
        let mut tx = self.db.begin().await?;
        let taken = tx.execute(&MARK_TOLD, (address.to_owned(), self.now().0)).await?;
        tx.commit().await?;
        Ok(taken > 0)
    }

    /// Writes down by which notice the owner of the endpoint `address` was told.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn endpoint_told(&self, address: &str, notice: &str) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        tx.execute(&UPDATE_TOLD, (address.to_owned(), notice.to_owned())).await?;
        tx.commit().await
    }

    /// Gives back what [`Store::take_on_telling`] took on: no notice came about.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn endpoint_not_told(&self, address: &str) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        tx.execute(&MARK_UNTOLD, (address.to_owned(),)).await?;
        tx.commit().await
    }

    /// Sends an endpoint again what it missed: a new round for its deliveries that failed, expired or were suppressed
    /// since then, until `expires_at`. Its suppression, whoever made it, is lifted and its failures are forgotten. What
    /// belongs to a notice that is paused, cancelled, corrected or not released stays as it is, and so does what was for a
    /// contact who has another endpoint by now. Where nothing changes, there is no entry.
    ///
    /// # Errors
    /// When the store cannot be written; then nothing has changed.
    pub async fn replay_endpoint(
        &self,
        address: &str,
        since: Timestamp,
        expires_at: Timestamp,
        entry: &NewEntry,
    ) -> Result<Replayed, StoreError> {
        let address = address.to_lowercase();
        let mut tx = self.db.begin().await?;
        let lifted = tx.execute(&LIFT_ENDPOINT, (address.clone(),)).await? > 0;
        forget_failures(&mut tx, &address).await?;
        let contacts = holders(&mut tx, Channel::Webhook.as_str(), &address).await?;
        let missed: Vec<StandingRow> = tx.fetch(&SELECT_MISSED, (address, since.0)).await?;
        let replayed = Replayed { deliveries: missed.len(), lifted };
        if !missed.is_empty() {
            self.start_round(&mut tx, &missed, expires_at).await?;
        }
        if lifted || !missed.is_empty() {
            let after = json!({
                "contacts": contacts,
                "since": since.0,
                "deliveries": replayed.deliveries,
                "lifted": replayed.lifted,
            });
            append(&mut tx, &entry.clone().with(after), self.now()).await?;
        }
        tx.commit().await?;
        Ok(replayed)
    }
}

/// The failures of each endpoint, in the order of addresses, which is the order of locks in every process.
fn by_endpoint<'a>(
    failed: &'a [(DeliveryId, Reason, Timestamp)],
    called: &'a HashMap<Uuid, CalledRow>,
) -> BTreeMap<&'a str, FailureInput<'a>> {
    let mut endpoints: BTreeMap<&str, FailureInput> = BTreeMap::new();
    for (delivery, reason, at) in failed {
        let Some(row) = called.get(&delivery.0) else { continue };
        let gone_at = (reason.code == GONE).then_some(at.0);
        let one = FailureInput {
            address: &row.address,
            contact: row.contact_key,
            first_at: at.0,
            last_at: at.0,
            failures: 0,
            code: &reason.code,
            text: &reason.text,
            gone_at,
        };
        let sum = endpoints.entry(&row.address).or_insert(one);
        sum.failures += 1;
        sum.first_at = sum.first_at.min(at.0);
        sum.gone_at = sum.gone_at.or(gone_at);
        if at.0 >= sum.last_at {
            (sum.last_at, sum.code, sum.text) = (at.0, &reason.code, &reason.text);
        }
    }
    endpoints
}
