//! One claim on its way through the lanes.

mod quotas;
mod rows;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use sqlx::types::Json;
use uuid::Uuid;

use super::super::StoreError;
use super::super::connection::Tx;
use super::super::lanes::{Bucket, LaneRow, ensure_lane, lock_new_lanes};
use super::super::statement::Ids;
use super::{
    CLAIM, ClaimRequest, Claimed, MOVE_TO_LANE, SELECT_DUE, SELECT_DUE_ENDPOINTS, SELECT_LIVE, SELECT_WAITING,
};
use crate::domain::address::Channel;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{DeliveryId, NoticeId, ProcessId};
use crate::domain::notice::Priority;
use crate::domain::rate::Rate;
use rows::{DueRow, Head, LaneMove};

/// How many rows one look at a lane may take beyond what it can claim, when it meets rows to set aside.
const LOOK_AHEAD: usize = 1_000;
/// How often one cycle may look again at a lane whose head it had to set aside.
const LOOKS: usize = 8;

/// A notice whose deliveries may leave.
#[derive(Debug, Clone, Copy)]
struct Live {
    /// When it runs out.
    expires_at: i64,
    exercise: bool,
}

/// The state of one claim while it goes through the lanes.
pub(super) struct Claiming<'a> {
    request: &'a ClaimRequest,
    process: ProcessId,
    now: i64,
    /// The lane rows as the store has them.
    rows: HashMap<String, LaneRow>,
    /// Quotas by lane name, as far as this claim uses them.
    buckets: BTreeMap<String, (Bucket, Rate)>,
    /// Notices met so far: what is known of them, if their deliveries may leave.
    live: HashMap<Uuid, Option<Live>>,
    /// Limited destinations and what they can still take.
    limited: HashMap<String, usize>,
    /// Claimed so far, of destinations that are not known to be quick.
    newcomers: HashMap<String, usize>,
    /// What was claimed for each destination.
    taken: HashMap<Arc<str>, usize>,
    /// What the claims take of the provider's quota.
    cost: f64,
    /// What the provider can still take, in what its quota counts.
    left: usize,
    pub(super) claimed: Vec<Claimed>,
    /// How many of them are written.
    written: usize,
    moves: Vec<LaneMove>,
    new_lanes: BTreeSet<String>,
    pub(super) wake_in: Option<Duration>,
    pub(super) more: bool,
    /// Rows were set aside: the next look at the open road sees others.
    pub(super) moved: bool,
    /// Some of them for a dead domain.
    pub(super) for_dead_domains: bool,
}

impl<'a> Claiming<'a> {
    pub(super) fn new(
        request: &'a ClaimRequest,
        process: ProcessId,
        rows: HashMap<String, LaneRow>,
        now: i64,
    ) -> Self {
        let mut claiming = Self {
            request,
            process,
            now,
            rows,
            buckets: BTreeMap::new(),
            live: HashMap::new(),
            limited: HashMap::new(),
            newcomers: HashMap::new(),
            taken: HashMap::new(),
            cost: 0.0,
            left: request.room.deliveries,
            claimed: Vec::new(),
            written: 0,
            moves: Vec::new(),
            new_lanes: BTreeSet::new(),
            wake_in: None,
            more: false,
            moved: false,
            for_dead_domains: false,
        };
        let provider = format!("provider:{}", request.provider);
        claiming.left = claiming.grant(&provider, request.room);
        for lane in &request.limited {
            let granted = claiming.grant(&format!("destination:{}", lane.destination), lane.room);
            claiming.limited.insert(lane.destination.clone(), granted);
        }
        let held: Vec<String> = claiming
            .rows
            .values()
            .filter(|row| row.not_before > now)
            .filter_map(|row| row.name.strip_prefix("destination:").map(str::to_owned))
            .collect();
        for destination in held {
            claiming.limited.insert(destination, 0);
        }
        claiming
    }

    /// Goes through priorities, and within each through the lanes of their own before the open road: those are few
    /// and their room is small. Lanes in which nothing waits are not even looked at.
    pub(super) async fn run(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        let mut heads = self.waiting(tx).await?;
        for head in &heads {
            if head.due_at <= self.now {
                self.take_from(tx, &head.lane, Priority::from_rank(head.priority)).await?;
            }
        }
        if self.claimed.is_empty() {
            if self.moved {
                heads = self.waiting(tx).await?;
            }
            self.look_ahead(&heads);
        }
        self.take_quotas();
        self.wake_for_quotas();
        Ok(())
    }

    /// The lanes that are not shut and in which something waits, in the order in which they are gone through.
    async fn waiting(&mut self, tx: &mut Tx) -> Result<Vec<Head>, StoreError> {
        let heads: Vec<(String, i64, i64)> =
            tx.fetch(&SELECT_WAITING, (self.request.channel.as_str(),)).await?;
        let mut open = Vec::with_capacity(heads.len());
        for (lane, priority, due_at) in heads {
            if self.is_open(tx, &lane).await? {
                open.push(Head { lane, priority, due_at });
            }
        }
        open.sort_by(|one, other| {
            let order = |head: &Head| (head.priority, head.lane.is_empty());
            order(one).cmp(&order(other)).then_with(|| one.lane.cmp(&other.lane))
        });
        Ok(open)
    }

    /// A notice's own lane stays shut while the notice is paused, cancelled or out of time.
    async fn is_open(&mut self, tx: &mut Tx, lane: &str) -> Result<bool, StoreError> {
        let Some(notice) = lane.strip_prefix("notice:") else { return Ok(true) };
        let Ok(notice) = Uuid::try_parse(notice) else { return Ok(false) };
        Ok(self.live(tx, notice).await?.is_some())
    }

    /// What is known of a notice, if its deliveries may leave now.
    async fn live(&mut self, tx: &mut Tx, notice: Uuid) -> Result<Option<Live>, StoreError> {
        if let Some(known) = self.live.get(&notice) {
            return Ok(*known);
        }
        let row: Option<(i64, bool)> = tx.fetch_first(&SELECT_LIVE, (notice,)).await?;
        let live = row.map(|(expires_at, exercise)| Live { expires_at, exercise });
        let live = live.filter(|live| live.expires_at > self.now);
        self.live.insert(notice, live);
        Ok(live)
    }

    async fn take_from(&mut self, tx: &mut Tx, lane: &str, priority: Priority) -> Result<(), StoreError> {
        let due = if self.request.channel == Channel::Webhook { &SELECT_DUE_ENDPOINTS } else { &SELECT_DUE };
        for look in 0..LOOKS {
            let room = self.room_of(lane);
            if room == 0 {
                return Ok(());
            }
            let window = if look == 0 { room } else { room + LOOK_AHEAD };
            let mut rows: Vec<DueRow> = tx
                .fetch(
                    due,
                    (
                        self.request.channel.as_str(),
                        lane.to_owned(),
                        priority.rank(),
                        self.now,
                        window as i64,
                    ),
                )
                .await?;
            let full = rows.len() == window;
            // A contact may have the same endpoint twice.
            rows.dedup_by_key(|row| row.delivery_id);
            for row in &rows {
                self.live(tx, row.notice_id).await?;
            }
            self.know_destinations(tx, &rows).await?;
            let set_aside = self.sort_out(lane, priority, rows, room)?;
            self.move_aside(tx).await?;
            self.write_claims(tx).await?;
            if set_aside == 0 || !full {
                self.more |= full;
                return Ok(());
            }
        }
        self.more = true;
        Ok(())
    }

    /// Where every destination has a quota, each that is met for the first time gets its lane.
    async fn know_destinations(&mut self, tx: &mut Tx, rows: &[DueRow]) -> Result<(), StoreError> {
        let Some(rate) = self.request.each_destination else { return Ok(()) };
        let missing: BTreeMap<String, f64> = rows
            .iter()
            .filter(|row| !self.limited.contains_key(&row.destination))
            .map(|row| (format!("destination:{}", row.destination), f64::from(rate.burst())))
            .filter(|(name, _)| !self.rows.contains_key(name))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let known = lock_new_lanes(tx, self.request.channel, &missing, self.now).await?;
        self.rows.extend(known.into_iter().filter(|(name, _)| missing.contains_key(name)));
        Ok(())
    }

    /// Claims what may be claimed of `rows`, marks for another lane what may not; gives the number of the latter.
    fn sort_out(
        &mut self,
        lane: &str,
        priority: Priority,
        rows: Vec<DueRow>,
        room: usize,
    ) -> Result<usize, StoreError> {
        let mut taken = 0;
        let before = self.moves.len();
        let from: Arc<str> = lane.into();
        for row in rows {
            let Some(live) = self.live.get(&row.notice_id).copied().flatten() else {
                let own = format!("notice:{}", row.notice_id.simple());
                if lane != own {
                    self.set_aside(row.delivery_id, own);
                }
                continue;
            };
            if let Some(own) = self.dead_lane(&row.address) {
                self.for_dead_domains = true;
                self.set_aside(row.delivery_id, own);
                continue;
            }
            let is_full = self.destination_room(&row.destination) == Some(0);
            if is_full && lane.strip_prefix("destination:") != Some(&row.destination) {
                self.set_aside(row.delivery_id, format!("destination:{}", row.destination));
            } else if is_full || taken == room || self.left == 0 || !self.is_within_share(&row.destination) {
                self.more = true;
            } else {
                taken += 1;
                self.take(priority, &from, row, live)?;
            }
        }
        Ok(self.moves.len() - before)
    }

    /// The lane of the address's domain, if that is dead (`dead_domains`).
    fn dead_lane(&self, address: &str) -> Option<String> {
        let (_, domain) = address.rsplit_once('@')?;
        let lane = format!("domain:{domain}");
        self.rows.contains_key(&lane).then_some(lane)
    }

    /// Whether another delivery may be claimed for a destination that nobody knows yet: it may turn out to be slow,
    /// and must not hold the whole flight then.
    fn is_within_share(&mut self, destination: &str) -> bool {
        if self.request.quick.contains(destination) {
            return true;
        }
        let taken = self.newcomers.entry(destination.to_owned()).or_default();
        *taken += 1;
        *taken <= self.request.newcomer
    }

    fn set_aside(&mut self, delivery: Uuid, lane: String) {
        if !self.rows.contains_key(&lane) {
            self.new_lanes.insert(lane.clone());
        }
        self.moves.push(LaneMove { id: delivery, lane });
    }

    fn take(
        &mut self,
        priority: Priority,
        lane: &Arc<str>,
        row: DueRow,
        live: Live,
    ) -> Result<(), StoreError> {
        let endpoint = row.endpoint()?;
        let units = u32::try_from(row.units).unwrap_or(1).max(1);
        let cost = if self.request.by_units { units } else { 1 };
        // What is larger than what is left goes all the same, and the quota owes it: otherwise it could never go.
        self.left = self.left.saturating_sub(cost as usize);
        if let Some(left) = self.limited.get_mut(&row.destination) {
            *left = left.saturating_sub(1);
        }
        self.cost += f64::from(cost);
        let known = self.taken.get_key_value(row.destination.as_str()).map(|(known, _)| known.clone());
        let destination = known.unwrap_or_else(|| Arc::from(row.destination));
        *self.taken.entry(destination.clone()).or_default() += 1;
        self.claimed.push(Claimed {
            delivery: DeliveryId(row.delivery_id),
            notice: NoticeId(row.notice_id),
            card: row.card.0,
            address: row.address,
            destination,
            endpoint,
            units,
            round: row.round,
            number: row.attempts + 1,
            priority,
            lane: lane.clone(),
            due_at: Timestamp(row.due_at),
            expires_at: Timestamp(live.expires_at),
            exercise: live.exercise,
        });
        Ok(())
    }

    async fn move_aside(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        if self.moves.is_empty() {
            return Ok(());
        }
        for lane in std::mem::take(&mut self.new_lanes) {
            let burst = lane
                .strip_prefix("destination:")
                .and_then(|_| self.buckets.get(&lane))
                .map_or(0.0, |(_, rate)| f64::from(rate.burst()));
            ensure_lane(tx, self.request.channel, &lane, burst, self.now).await?;
            let row = LaneRow {
                name: lane.clone(),
                tokens: burst,
                refilled_at: self.now,
                not_before: 0,
                reason: String::new(),
            };
            self.rows.insert(lane, row);
            // Its rows can be claimed by the next cycle; there is one at once.
            self.more = true;
        }
        tx.execute(&MOVE_TO_LANE, (Json(&self.moves),)).await?;
        self.moves.clear();
        self.moved = true;
        Ok(())
    }

    /// What was not claimed is due later, or waits for room.
    fn look_ahead(&mut self, heads: &[Head]) {
        for head in heads {
            if head.due_at > self.now {
                self.wake_at(head.due_at);
            } else if !self.is_held(&head.lane) {
                self.more = true;
            }
        }
    }

    /// Writes the claims of one look, so that the next look does not meet them again.
    async fn write_claims(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        let fresh = &self.claimed[self.written..];
        if !fresh.is_empty() {
            let ids: Vec<Uuid> = fresh.iter().map(|claimed| claimed.delivery.0).collect();
            tx.execute(&CLAIM, (Ids(ids), self.process.0, self.request.provider.clone(), self.now)).await?;
            self.written = self.claimed.len();
        }
        Ok(())
    }
}
