//! One cycle of a dispatcher, in one short transaction: write what became of deliveries, claim new ones.
//!
//! A queued delivery stands in one lane. `''` is the open road, where it starts. When a claim meets a delivery whose
//! destination is limited or whose notice is paused, it moves the row to that destination's or notice's own lane
//! (`destination:…`, `notice:…`) and goes on; so no claim ever reads past the same blocked row twice, however many
//! there are. What stands in a lane of its own is claimed from there as soon as the lane has room.

mod claiming;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::domain::address::Channel;
use crate::domain::clock::Timestamp;
use crate::domain::contact::ContactCard;
use crate::domain::delivery::DeliveryState;
use crate::domain::ids::{DeliveryId, NoticeId, ProcessId};
use crate::domain::notice::Priority;
use crate::domain::rate::Rate;

use super::connection::Tx;
use super::contacts::EndpointFacts;
use super::counts::{Tally, complete_notices, write_counts};
use super::error::once_more;
use super::lanes::{LaneRow, lock_lanes, lock_new_lanes};
use super::record::{Attempted, Recorded, Standing, record};
use super::statement::statements;
use super::{Store, StoreError};
use claiming::Claiming;

statements! {
    /// The lease of a process, and whether it still stands.
    RENEW = "UPDATE processes SET leased_to = $2 WHERE process_id = $1";
    /// Due deliveries of one lane and priority, those due longest first.
    SELECT_DUE = "
        SELECT d.delivery_id, d.notice_id, d.address, d.destination, d.round, d.attempts, d.due_at, r.card, r.units
        FROM deliveries d
             JOIN recipients r ON r.notice_id = d.notice_id AND r.position = d.position
        WHERE d.channel = $1 AND d.lane = $2 AND d.priority = $3 AND d.state = 'queued' AND d.due_at <= $4
              /*and stands in the queue*/
        ORDER BY d.due_at, d.delivery_id
        LIMIT $5 /*lock free*/";
    /// The same for endpoints, with the secrets and formats that they have now: one may have been replaced since the
    /// release.
    SELECT_DUE_ENDPOINTS = "
        SELECT d.delivery_id, d.notice_id, d.address, d.destination, d.round, d.attempts, d.due_at, r.card, r.units,
               p.webhook_secret, p.webhook_format
        FROM deliveries d
             JOIN recipients r ON r.notice_id = d.notice_id AND r.position = d.position
             LEFT JOIN contact_points p
                    ON p.contact_key = d.contact_key AND p.channel = d.channel AND p.address = d.address
        WHERE d.channel = $1 AND d.lane = $2 AND d.priority = $3 AND d.state = 'queued' AND d.due_at <= $4
              /*and stands in the queue*/
        ORDER BY d.due_at, d.delivery_id
        LIMIT $5 /*lock free*/";
    /// When a notice runs out, if its deliveries may leave at all, and whether it is an exercise.
    SELECT_LIVE = "SELECT expires_at, exercise FROM notices WHERE notice_id = $1 AND state = 'sending'";
    /// The claim itself.
    CLAIM = "
        /*out of the queue*/ UPDATE deliveries SET state = 'sending', process_id = $2, provider = $3, updated_at = $4
        WHERE delivery_id IN (SELECT unhex(value, '-') FROM json_each_ids($1))";
    /// Sets deliveries aside.
    MOVE_TO_LANE = "
        UPDATE deliveries SET lane = moved.lane
        FROM (SELECT unhex(value->>'id', '-') AS delivery_id, value->>'lane' AS lane FROM json_each($1)) AS moved
        WHERE deliveries.delivery_id = moved.delivery_id";
    /// Lanes in which something waits, and when the first of it is due: the open road, and those of their own.
    SELECT_WAITING = "
        WITH waiting AS MATERIALIZED (
            SELECT l.name AS lane, p.priority AS priority,
                   (SELECT q.due_at FROM queue q
                    WHERE q.channel = $1 AND q.lane = l.name AND q.priority = p.priority
                    ORDER BY q.due_at LIMIT 1) AS due_at
            FROM (SELECT name FROM lanes
                  WHERE channel = $1 AND (name LIKE 'destination:%' OR name LIKE 'notice:%')
                  UNION ALL SELECT '' AS name) AS l
                 CROSS JOIN (SELECT CAST(0 AS BIGINT) AS priority UNION ALL SELECT CAST(1 AS BIGINT)) AS p)
        SELECT lane, priority, due_at FROM waiting WHERE due_at IS NOT NULL";
}

/// How much a lane can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// How many deliveries.
    pub deliveries: usize,
    /// The quota they are taken from, if there is one.
    pub rate: Option<Rate>,
}

/// A destination that is limited, and its room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneRoom {
    /// The destination as deliveries name it.
    pub destination: String,
    /// Its room.
    pub room: Room,
}

/// What one provider could take.
#[derive(Debug, Clone)]
pub struct ClaimRequest {
    /// The channel.
    pub channel: Channel,
    /// The provider's name.
    pub provider: String,
    /// How much it can take.
    pub room: Room,
    /// Whether the provider's quota counts units (the segments of a text message) instead of deliveries.
    pub by_units: bool,
    /// Destinations that are limited in this process or by the configuration.
    pub limited: Vec<LaneRoom>,
    /// The quota of every destination that is not named in `limited`, if each has one.
    pub each_destination: Option<Rate>,
    /// Destinations that have shown to be quick; every other one gets at most `newcomer` in one claim.
    pub quick: HashSet<Arc<str>>,
    /// See `quick`.
    pub newcomer: usize,
}

impl ClaimRequest {
    /// The lanes of the channel, those of the quotas that are known beforehand among them.
    async fn lock_lanes(&self, tx: &mut Tx, now: i64) -> Result<HashMap<String, LaneRow>, StoreError> {
        let lanes = lock_lanes(tx, self.channel).await?;
        let provider = (format!("provider:{}", self.provider), self.room.rate);
        let destination = |lane: &LaneRoom| (format!("destination:{}", lane.destination), lane.room.rate);
        let missing: BTreeMap<String, f64> = std::iter::once(provider)
            .chain(self.limited.iter().map(destination))
            .filter_map(|(name, rate)| Some((name, f64::from(rate?.burst()))))
            .filter(|(name, _)| !lanes.contains_key(name))
            .collect();
        if missing.is_empty() {
            return Ok(lanes);
        }
        lock_new_lanes(tx, self.channel, &missing, now).await
    }
}

/// A delivery to be sent.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// Which.
    pub delivery: DeliveryId,
    /// Its notice.
    pub notice: NoticeId,
    /// What the text may say of them.
    pub card: ContactCard,
    /// Where it goes.
    pub address: String,
    /// What it is throttled with.
    pub destination: Arc<str>,
    /// What its endpoint wants, if it goes to one; `None`: its contact has no such endpoint any more.
    pub endpoint: Option<EndpointFacts>,
    /// What it takes of a quota that counts more than deliveries, at least 1.
    pub units: u32,
    /// The round.
    pub round: i64,
    /// The number that this try will have.
    pub number: i64,
    /// What goes first.
    pub priority: Priority,
    /// The lane that it was claimed from; empty: the open road.
    pub lane: Arc<str>,
    /// Since when it was due.
    pub due_at: Timestamp,
    /// When the notice is not worth sending any more.
    pub expires_at: Timestamp,
    /// Whether it is an exercise.
    pub exercise: bool,
}

/// What one cycle did.
#[derive(Debug, Default)]
pub struct Cycled {
    /// What recording did.
    pub recorded: Recorded,
    /// What was claimed.
    pub claimed: Vec<Claimed>,
    /// The lease had run out and others took the claims back: nothing was claimed.
    pub lease_lost: bool,
    /// How soon something more may be claimed that a quota or a due time held back; `None`: nothing waits.
    pub wake_in: Option<Duration>,
    /// Something is due that this claim had no room or no quota for.
    pub more: bool,
    /// Deliveries were set aside: another claim at once would see others.
    pub moved: bool,
    /// Some of them for a dead domain: they are to be looked at (`part_set_aside`).
    pub for_dead_domains: bool,
}

impl Store {
    /// Writes `outcomes` and, if `claim` says so, takes new deliveries and their quota under the lease of `process`.
    ///
    /// # Errors
    /// When the store cannot be written; then nothing was recorded and nothing claimed.
    pub async fn cycle(
        &self,
        process: ProcessId,
        leased_to: Option<Timestamp>,
        outcomes: &[Attempted],
        claim: Option<&ClaimRequest>,
    ) -> Result<Cycled, StoreError> {
        if let Some(mut done) = once_more!(self.try_cycle(process, leased_to, outcomes, claim, false))? {
            self.secrets.open_claimed(&mut done.claimed);
            return Ok(done);
        }
        // Something was not as we left it: once more, with a look at every delivery.
        let mut done = once_more!(self.try_cycle(process, leased_to, outcomes, claim, true))?;
        done.iter_mut().for_each(|done| self.secrets.open_claimed(&mut done.claimed));
        done.ok_or_else(|| StoreError::Conflict("outcomes could not be written".to_owned()))
    }

    async fn try_cycle(
        &self,
        process: ProcessId,
        leased_to: Option<Timestamp>,
        outcomes: &[Attempted],
        claim: Option<&ClaimRequest>,
        care: bool,
    ) -> Result<Option<Cycled>, StoreError> {
        let now = self.now().0;
        let mut done = Cycled::default();
        let mut tally = Tally::default();
        let mut tx = self.db.begin_cycle().await?;
        if let Some(leased_to) = leased_to {
            done.lease_lost = tx.execute(&RENEW, (process.0, leased_to.0)).await? == 0;
        }
        // Lanes are locked before deliveries and counters, by every process.
        let lanes = match claim {
            Some(request) if !done.lease_lost => Some(request.lock_lanes(&mut tx, now).await?),
            _ => None,
        };
        if record(&mut tx, process, outcomes, now, care, &mut tally).await? == Standing::Changed {
            return Ok(None);
        }
        if let (Some(request), Some(lanes)) = (claim, lanes) {
            let mut claiming = Claiming::new(request, process, lanes, now);
            claiming.run(&mut tx).await?;
            claiming.write_quotas(&mut tx).await?;
            let mut notices: BTreeMap<Uuid, i64> = BTreeMap::new();
            for claimed in &claiming.claimed {
                *notices.entry(claimed.notice.0).or_default() += 1;
            }
            for (notice, count) in notices {
                let (from, to) = (DeliveryState::Queued, DeliveryState::Sending);
                tally.all_moved(notice, request.channel.as_str(), from, to, count);
            }
            done.wake_in = claiming.wake_in;
            done.more = claiming.more;
            done.moved = claiming.moved;
            done.for_dead_domains = claiming.for_dead_domains;
            done.claimed = claiming.claimed;
        }
        let deltas = tally.into_deltas();
        write_counts(&mut tx, &deltas).await?;
        // What was claimed just now keeps its notice open.
        let open: BTreeSet<Uuid> = done.claimed.iter().map(|claimed| claimed.notice.0).collect();
        let touched: BTreeSet<Uuid> =
            deltas.iter().map(|delta| delta.notice).filter(|notice| !open.contains(notice)).collect();
        if !outcomes.is_empty() {
            done.recorded.completed = complete_notices(&mut tx, touched, now).await?;
        }
        tx.commit().await?;
        Ok(Some(done))
    }
}
