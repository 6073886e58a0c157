//! How much a claim may take: room, quotas and holds, and when there is more.

use std::time::Duration;

use super::super::super::StoreError;
use super::super::super::connection::Tx;
use super::super::super::lanes::{Bucket, write_buckets};
use super::super::Room;
use super::Claiming;

impl Claiming<'_> {
    /// How many a lane may take now, by its room, its quota and its hold.
    pub(super) fn grant(&mut self, lane: &str, room: Room) -> usize {
        let row = self.rows.get(lane);
        if let Some(not_before) = row.map(|row| row.not_before).filter(|not_before| *not_before > self.now) {
            self.wake_at(not_before);
            return 0;
        }
        let Some(rate) = room.rate else { return room.deliveries };
        let bucket = match row {
            Some(row) => Bucket { tokens: row.tokens, refilled_at: row.refilled_at }.refill(rate, self.now),
            None => Bucket::full(rate, self.now),
        };
        self.buckets.insert(lane.to_owned(), (bucket, rate));
        bucket.whole().min(room.deliveries)
    }

    pub(super) fn wake_at(&mut self, at: i64) {
        let wait = Duration::from_millis(u64::try_from(at - self.now).unwrap_or(0).max(1));
        self.wake_after(wait);
    }

    pub(super) fn wake_after(&mut self, wait: Duration) {
        self.wake_in = Some(self.wake_in.map_or(wait, |known| known.min(wait)));
    }

    pub(super) fn is_held(&self, lane: &str) -> bool {
        self.rows.get(lane).is_some_and(|row| row.not_before > self.now)
    }

    /// What a lane of its own may take: a limited destination what is left of its room, any other lane what is left
    /// of the provider's.
    pub(super) fn room_of(&self, lane: &str) -> usize {
        let own = lane.strip_prefix("destination:").and_then(|destination| self.limited.get(destination));
        own.map_or(self.left, |own| self.left.min(*own))
    }

    /// What is left for a destination; `None`: as much as for the provider.
    pub(super) fn destination_room(&mut self, destination: &str) -> Option<usize> {
        if let Some(rate) = self.request.each_destination
            && !self.limited.contains_key(destination)
        {
            let room = Room { deliveries: usize::MAX, rate: Some(rate) };
            let granted = self.grant(&format!("destination:{destination}"), room);
            self.limited.insert(destination.to_owned(), granted);
        }
        self.limited.get(destination).copied()
    }

    /// What was claimed is taken from the quotas.
    pub(super) fn take_quotas(&mut self) {
        if let Some((bucket, _)) = self.buckets.get_mut(&format!("provider:{}", self.request.provider)) {
            bucket.tokens -= self.cost;
        }
        for (destination, count) in &self.taken {
            if let Some((bucket, _)) = self.buckets.get_mut(&format!("destination:{destination}")) {
                bucket.tokens -= *count as f64;
            }
        }
    }

    /// A quota that is used up says when it has one more.
    pub(super) fn wake_for_quotas(&mut self) {
        let waits: Vec<Duration> = self
            .buckets
            .values()
            .filter(|(bucket, _)| bucket.tokens < 1.0)
            .map(|(bucket, rate)| bucket.next_in(*rate))
            .collect();
        for wait in waits {
            self.wake_after(wait);
        }
    }

    pub(in super::super) async fn write_quotas(&self, tx: &mut Tx) -> Result<(), StoreError> {
        let buckets = self.buckets.iter().map(|(name, (bucket, _))| (name, *bucket));
        write_buckets(tx, self.request.channel, buckets).await
    }
}
