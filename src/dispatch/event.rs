//! What a person at the console must hear about while deliveries go out.

use std::fmt;

use crate::domain::clock::Timestamp;

/// Something that happened to the way out, not to a single delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A provider cannot be used; its deliveries wait, or take the next one.
    ProviderHeld {
        /// Which.
        provider: String,
        /// What happened and what to do.
        reason: String,
        /// When it is tried again.
        retry_at: Timestamp,
    },
    /// A provider can be used again.
    ProviderBack {
        /// Which.
        provider: String,
    },
    /// A destination refused several messages for reasons of policy and is left alone for a while.
    DestinationHeld {
        /// Which.
        destination: String,
        /// What it said.
        reason: String,
        /// When it is tried again.
        retry_at: Timestamp,
    },
    /// Outcomes cannot be written: sending has stopped, and what is known is kept.
    StoreFailing {
        /// What happened and what to do.
        reason: String,
    },
    /// Outcomes are written again.
    StoreBack,
    /// Deliveries of a process that died were taken back.
    Reclaimed {
        /// How many will be sent again.
        requeued: usize,
        /// How many a person must decide about.
        unclear: usize,
    },
    /// Endpoints that have failed for days were switched off.
    EndpointsOff {
        /// How many.
        count: usize,
    },
    /// Other settings are in force.
    SettingsChanged,
    /// The settings file was changed to something that cannot be used; the old settings stay.
    SettingsRefused {
        /// What is wrong and where.
        reason: String,
    },
}

impl Event {
    /// Whether somebody has to do something about it.
    pub const fn is_trouble(&self) -> bool {
        matches!(
            self,
            Self::ProviderHeld { .. }
                | Self::DestinationHeld { .. }
                | Self::StoreFailing { .. }
                | Self::SettingsRefused { .. }
                | Self::EndpointsOff { .. }
                | Self::Reclaimed { unclear: 1.., .. }
        )
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ProviderHeld { provider, reason, retry_at } => {
                write!(f, "provider {provider} is held until {retry_at}; its deliveries wait: {reason}")
            }
            Self::ProviderBack { provider } => write!(f, "provider {provider} can be used again"),
            Self::DestinationHeld { destination, reason, retry_at } => write!(
                f,
                "{destination} refuses our messages and is left alone until {retry_at}; nobody is suppressed for it: \
                 {reason}"
            ),
            Self::StoreFailing { reason } => {
                write!(f, "sending has stopped because nothing can be written down: {reason}")
            }
            Self::StoreBack => f.write_str("the store can be written again; sending goes on"),
            Self::Reclaimed { requeued, unclear: 0 } => {
                write!(f, "a process that died was sending {requeued} deliveries; they are sent again")
            }
            Self::Reclaimed { requeued, unclear } => write!(
                f,
                "a process that died was sending deliveries: {requeued} are sent again, {unclear} are unclear and wait \
                 for you (rundruf deliveries list --state unclear)"
            ),
            Self::EndpointsOff { count } => write!(
                f,
                "endpoints that have failed for five days without a success: {count} switched off (rundruf doctor names \
                 them); their owners are told by another way"
            ),
            Self::SettingsChanged => f.write_str("the changed settings are in force"),
            Self::SettingsRefused { reason } => {
                write!(f, "the changed settings cannot be used, the old ones stay in force: {reason}")
            }
        }
    }
}
