//! Sortable ids, made by us before anything is stored or sent.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::chance::Chance;
use super::clock::Clock;

/// A text that is no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no id: take it whole as a list shows it, such as 0193b2c4-7c1e-7d3a-9f00-2b1f6a4c8e55")]
pub struct NoId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = NoId;

            fn from_str(text: &str) -> Result<Self, NoId> {
                Uuid::from_str(text).map(Self).map_err(|_| NoId)
            }
        }
    };
}

id!(
    /// One notice.
    NoticeId
);
id!(
    /// One delivery: Message-ID, webhook-id and SMS reference derive from it.
    DeliveryId
);
id!(
    /// A contact's pseudonym: what deliveries and the audit log carry instead of the id from the file.
    ContactKey
);
id!(
    /// One incident.
    IncidentId
);
id!(
    /// One running process, as the holder of leases.
    ProcessId
);
id!(
    /// One session of somebody who has signed in; not its token.
    SessionId
);

/// Makes UUIDs of version 7 (RFC 9562, section 5.7) that ascend in the order they were made.
#[derive(Debug)]
pub struct IdSource {
    clock: Arc<dyn Clock>,
    chance: Arc<Chance>,
    last: Mutex<(u64, u32)>,
}

impl IdSource {
    /// Ids take their time from `clock` and their random part from `chance`.
    pub fn new(clock: Arc<dyn Clock>, chance: Arc<Chance>) -> Self {
        Self { clock, chance, last: Mutex::new((0, 0)) }
    }

    /// The next id. Ascending within a process even when the wall clock stands still or steps back:
    /// a 26-bit counter follows the milliseconds (RFC 9562, section 6.2, method 1).
    pub fn next(&self) -> Uuid {
        let now = u64::try_from(self.clock.now().0).unwrap_or(0);
        let random: [u8; 6] = self.chance.bytes();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = match *last {
            (millis, counter) if now <= millis && counter < (1 << 26) - 1 => (millis, counter + 1),
            (millis, _) if now <= millis => (millis + 1, 0),
            _ => (now, 0),
        };
        let (millis, counter) = *last;
        drop(last);

        let mut bytes = [0_u8; 16];
        bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
        let high = (counter >> 14) as u16; // 12 bits beside the version
        let low = (counter & 0x3fff) as u16; // 14 bits beside the variant
        bytes[6..8].copy_from_slice(&(0x7000 | high).to_be_bytes());
        bytes[8..10].copy_from_slice(&(0x8000 | low).to_be_bytes());
        bytes[10..].copy_from_slice(&random);
        Uuid::from_bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::{ManualClock, Timestamp};

    #[test]
    fn ids_made_in_one_millisecond_ascend() {
        let source = IdSource::new(
            Arc::new(ManualClock::new(Timestamp(1_700_000_000_000))),
            Arc::new(Chance::seeded(1)),
        );
        let ids: Vec<Uuid> = (0..50_000).map(|_| source.next()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(ids[0].get_version_num(), 7);
        assert_eq!(ids[0].get_variant(), uuid::Variant::RFC4122);
    }
}
