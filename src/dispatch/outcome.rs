//! From how a try ended to what is written down: retry times, expiry, suppression.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::address::Channel;
use crate::domain::chance::Chance;
use crate::domain::clock::Timestamp;
use crate::domain::delivery::AfterCrash;
use crate::domain::ids::{DeliveryId, NoticeId};
use crate::domain::notice::Priority;
use crate::domain::outcome::{Fault, Outcome, Reason, is_reference};
use crate::domain::retry::Next;
use crate::domain::settings::Settings;
use crate::store::{Attempted, Claimed, Move};

/// How long an address that does not exist is left alone. It may be mended, or made again.
const SUPPRESSED_FOR: Duration = Duration::from_secs(30 * 86_400);

/// How many tries of a mail that may have left are followed by the next at once. Some of them may be our own doing: a
/// process that died, a lease that ran out on a machine under load.
const REPEATED_AT_ONCE: i64 = 3;

/// What the engine remembers of a delivery while it is under way.
#[derive(Debug, Clone)]
pub struct Flight {
    /// The provider that has it.
    pub provider: usize,
    /// That provider's name.
    pub provider_name: Arc<str>,
    /// What it is throttled with.
    pub destination: Arc<str>,
    /// The channel.
    pub channel: Channel,
    /// The lane that it was claimed from; empty: the open road.
    pub lane: Arc<str>,
    /// Since when it was due.
    pub due_at: Timestamp,
    notice: NoticeId,
    round: i64,
    number: i64,
    priority: Priority,
    expires_at: Timestamp,
    /// Whether it is an exercise.
    pub exercise: bool,
}

impl Flight {
    /// A delivery that was claimed for `provider`.
    pub fn new(claimed: &Claimed, channel: Channel, provider: usize, provider_name: &Arc<str>) -> Self {
        Self {
            provider,
            provider_name: provider_name.clone(),
            destination: claimed.destination.clone(),
            channel,
            lane: claimed.lane.clone(),
            due_at: claimed.due_at,
            notice: claimed.notice,
            round: claimed.round,
            number: claimed.number,
            priority: claimed.priority,
            expires_at: claimed.expires_at,
            exercise: claimed.exercise,
        }
    }

    /// What is to be written down about a try of `delivery` that ended at `now` with `outcome`.
    pub fn attempted(
        &self,
        delivery: DeliveryId,
        outcome: Outcome,
        settings: &Settings,
        chance: &Chance,
        now: Timestamp,
    ) -> Attempted {
        let suppress = matches!(outcome, Outcome::Permanent { fault: Fault::Address, .. });
        tracing::debug!(
            target: "rundruf::dispatch",
            notice = %self.notice,
            %delivery,
            round = self.round,
            number = self.number,
            provider = &*self.provider_name,
            outcome = outcome.word(),
            "try ended"
        );
        let schedule = match self.channel {
            Channel::Webhook => &settings.webhook.retry,
            Channel::Email | Channel::Sms => &settings.delivery.retry,
        };
        let tries = u32::try_from(self.number).unwrap_or(u32::MAX);
        let next = |asked| schedule.next(tries, now, self.expires_at, asked, chance.fraction());
        let retry = |asked| match next(asked) {
            Next::At(due_at) => Move::Retry { due_at },
            Next::Expired => Move::Expired,
        };
        let (reason, moved) = match outcome {
            // What its owner's endpoint answers is the owner's own report.
            Outcome::Accepted { reason, .. } if self.channel == Channel::Webhook => (reason, Move::Delivered),
            Outcome::Accepted { reference, reason } => {
                (reason, Move::Sent { reference: reference.filter(|name| is_reference(name)) })
            }
            Outcome::Transient { reason, retry_after } => (reason, retry(retry_after)),
            Outcome::Permanent { reason, .. } => (reason, Move::Failed),
            Outcome::Ours { reason } => (reason, Move::Return { due_at: now }),
            Outcome::Returned => (Reason::new("", ""), Move::Return { due_at: now }),
            Outcome::Unclear { reason } => {
                let ask =
                    settings.delivery.after_crash == AfterCrash::Ask && self.priority != Priority::Urgent;
                let over = self.expires_at <= now;
                let moved = match self.channel {
                    _ if ask || over => Move::Unclear,
                    // Sent again under the same Message-ID; at once only a few times: a relay that always hangs up there
                    // may take it every time.
                    Channel::Email if self.number <= REPEATED_AT_ONCE => Move::Repeat { due_at: now },
                    // A telephone cannot tell a repeat: not before the gateway has had time to recover. And what may
                    // have left does not run out.
                    Channel::Email | Channel::Sms | Channel::Webhook => match next(None) {
                        Next::At(due_at) => Move::Repeat { due_at },
                        Next::Expired => Move::Unclear,
                    },
                };
                (reason, moved)
            }
        };
        Attempted {
            delivery,
            notice: self.notice,
            channel: self.channel,
            exercise: self.exercise,
            round: self.round,
            number: self.number,
            provider: self.provider_name.to_string(),
            ended_at: now,
            reason,
            moved,
            suppress_until: suppress.then(|| now.plus(SUPPRESSED_FOR)),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::contact::ContactCard;

    fn flight(expires_at: Timestamp) -> Flight {
        let claimed = Claimed {
            delivery: DeliveryId(Uuid::nil()),
            notice: NoticeId(Uuid::nil()),
            card: ContactCard::default(),
            address: "+4917139200001".to_owned(),
            destination: "49".into(),
            endpoint: None,
            units: 1,
            round: 1,
            number: 1,
            priority: Priority::Normal,
            lane: "".into(),
            due_at: Timestamp(0),
            expires_at,
            exercise: false,
        };
        Flight::new(&claimed, Channel::Sms, 0, &"gateway".into())
    }

    #[test]
    fn a_text_message_that_may_have_left_is_tried_again_or_unclear_and_never_runs_out() {
        let settings = crate::config::defaults().unwrap();
        let now = Timestamp(1_795_000_000_000);
        let moved = |left: Duration| {
            let outcome = Outcome::Unclear { reason: Reason::new("timeout", "no answer") };
            let chance = Chance::from_system();
            flight(now.plus(left)).attempted(DeliveryId(Uuid::nil()), outcome, &settings, &chance, now).moved
        };
        assert!(matches!(moved(Duration::from_secs(3_600)), Move::Repeat { due_at } if due_at > now));
        assert_eq!(moved(Duration::from_secs(5)), Move::Unclear, "no time for another try");
        assert_eq!(moved(Duration::ZERO), Move::Unclear);
    }
}
