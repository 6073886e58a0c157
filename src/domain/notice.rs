//! The states of a notice, and how it moves between them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a notice stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoticeState {
    /// Being written.
    Draft,
    /// Waits for a second person.
    Pending,
    /// Released, waits for its time.
    Scheduled,
    /// Its deliveries are going out.
    Sending,
    /// Nobody claims its deliveries until it is resumed.
    Paused,
    /// Every delivery has ended.
    Completed,
    /// The second person said no.
    Rejected,
    /// Stopped by a person.
    Cancelled,
    /// Its time ran out before anything was sent.
    Expired,
}

/// What happens to a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeEvent {
    /// The author is done, a second person must agree.
    Submit,
    /// Released for later.
    Schedule,
    /// Released, now.
    Release,
    /// The second person said no.
    Reject,
    /// Nobody claims from now on.
    Pause,
    /// Claims go on.
    Resume,
    /// What has not left stays here.
    Cancel,
    /// Its author takes it back before anybody has agreed to it.
    Withdraw,
    /// All deliveries have ended, at least one of them otherwise than by expiry.
    Complete,
    /// All deliveries have expired, none was sent.
    Expire,
    /// Some deliveries start a new round.
    Retry,
}

impl NoticeState {
    /// All states.
    pub const ALL: [Self; 9] = [
        Self::Draft,
        Self::Pending,
        Self::Scheduled,
        Self::Sending,
        Self::Paused,
        Self::Completed,
        Self::Rejected,
        Self::Cancelled,
        Self::Expired,
    ];

    /// The word in the store and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Pending => "pending",
            Self::Scheduled => "scheduled",
            Self::Sending => "sending",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// Where `event` leads from here.
    ///
    /// | from | event | to |
    /// |---|---|---|
    /// | draft | submit | pending |
    /// | draft, pending | schedule | scheduled |
    /// | draft, pending, scheduled | release | sending |
    /// | pending | reject | rejected |
    /// | sending | pause | paused |
    /// | paused | resume | sending |
    /// | draft … paused | cancel | cancelled |
    /// | draft, pending | withdraw | cancelled |
    /// | sending, paused | complete | completed |
    /// | scheduled, sending, paused | expire | expired |
    /// | completed, expired, cancelled | retry | sending |
    ///
    /// An event that has already had its effect changes nothing and is no error.
    ///
    /// # Errors
    /// Says what may be done instead, when the event does not fit the state.
    pub fn apply(self, event: NoticeEvent) -> Result<Self, String> {
        use NoticeEvent as E;
        use NoticeState as S;
        let next = match (self, event) {
            (S::Draft | S::Pending, E::Submit) => S::Pending,
            (S::Draft | S::Pending | S::Scheduled, E::Schedule) => S::Scheduled,
            (S::Draft | S::Pending | S::Scheduled | S::Sending, E::Release) => S::Sending,
            (S::Pending | S::Rejected, E::Reject) => S::Rejected,
            (S::Sending | S::Paused, E::Pause) => S::Paused,
            (S::Sending | S::Paused, E::Resume) => S::Sending,
            (S::Draft | S::Pending | S::Scheduled | S::Sending | S::Paused | S::Cancelled, E::Cancel) => {
                S::Cancelled
            }
            (S::Draft | S::Pending | S::Cancelled, E::Withdraw) => S::Cancelled,
            (S::Sending | S::Paused | S::Completed, E::Complete) => S::Completed,
            (S::Scheduled | S::Sending | S::Paused | S::Expired, E::Expire) => S::Expired,
            (S::Completed | S::Expired | S::Cancelled | S::Sending, E::Retry) => S::Sending,
            (S::Paused, E::Retry) => {
                return Err("a notice that is paused cannot be sent again: let it go on first (rundruf notices resume)".to_owned());
            }
            _ => return Err(format!("a notice that is {self} cannot be {}", event.participle())),
        };
        Ok(next)
    }

    /// Whether nothing more will leave on its own.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Rejected | Self::Cancelled | Self::Expired)
    }
}

impl NoticeEvent {
    const fn participle(self) -> &'static str {
        match self {
            Self::Submit => "submitted",
            Self::Schedule => "scheduled",
            Self::Release => "released",
            Self::Reject => "rejected",
            Self::Pause => "paused",
            Self::Resume => "resumed",
            Self::Cancel => "cancelled",
            Self::Withdraw => {
                "taken back by its author: whoever may release it (notices:release) can cancel it"
            }
            Self::Complete => "completed",
            Self::Expire => "expired",
            Self::Retry => "sent again",
        }
    }
}

impl fmt::Display for NoticeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for NoticeState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("\"{text}\" is no state of a notice"))
    }
}

/// Who may read a notice beside its recipients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Its recipients only.
    #[default]
    Internal,
    /// Partners with access.
    Partner,
    /// Everybody.
    Public,
}

impl Visibility {
    /// The word in commands, the store and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Partner => "partner",
            Self::Public => "public",
        }
    }
}

impl FromStr for Visibility {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Internal, Self::Partner, Self::Public]
            .into_iter()
            .find(|visibility| visibility.as_str() == text)
            .ok_or_else(|| format!("\"{text}\" is no visibility: write internal, partner or public"))
    }
}

/// What goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Before everything that is not urgent; sent again after a crash whatever `after_crash` says.
    Urgent,
    /// In its turn.
    #[default]
    Normal,
}

impl Priority {
    /// The word in commands and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::Normal => "normal",
        }
    }

    /// The number by which the store sorts: lower goes first.
    pub const fn rank(self) -> i64 {
        match self {
            Self::Urgent => 0,
            Self::Normal => 1,
        }
    }

    /// The priority that [`Priority::rank`] gave `rank`.
    pub const fn from_rank(rank: i64) -> Self {
        if rank == 0 { Self::Urgent } else { Self::Normal }
    }
}

impl FromStr for Priority {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "urgent" => Ok(Self::Urgent),
            "normal" => Ok(Self::Normal),
            _ => Err(format!("\"{text}\" is no priority: write urgent or normal")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EVENTS: [NoticeEvent; 11] = [
        NoticeEvent::Submit,
        NoticeEvent::Schedule,
        NoticeEvent::Release,
        NoticeEvent::Reject,
        NoticeEvent::Pause,
        NoticeEvent::Resume,
        NoticeEvent::Cancel,
        NoticeEvent::Withdraw,
        NoticeEvent::Complete,
        NoticeEvent::Expire,
        NoticeEvent::Retry,
    ];

    #[test]
    fn a_cancelled_notice_is_not_resumed() {
        let error = NoticeState::Cancelled.apply(NoticeEvent::Resume).unwrap_err();
        assert_eq!(error, "a notice that is cancelled cannot be resumed");
    }

    #[test]
    fn an_author_takes_back_only_what_nobody_has_agreed_to() {
        use NoticeState as S;
        let open = S::ALL.into_iter().filter(|state| state.apply(NoticeEvent::Withdraw).is_ok());
        assert_eq!(open.collect::<Vec<_>>(), [S::Draft, S::Pending, S::Cancelled]);
        let error = S::Scheduled.apply(NoticeEvent::Withdraw).unwrap_err();
        assert!(error.contains("scheduled cannot be taken back by its author"), "{error}");
    }

    #[test]
    fn words_read_back() {
        for state in NoticeState::ALL {
            assert_eq!(state.as_str().parse::<NoticeState>(), Ok(state));
        }
    }

    proptest! {
        #[test]
        fn an_event_that_had_its_effect_changes_nothing(state in 0_usize..9, event in 0_usize..11) {
            if let Ok(once) = NoticeState::ALL[state].apply(EVENTS[event]) {
                prop_assert_eq!(once.apply(EVENTS[event]), Ok(once));
            }
        }
    }
}
