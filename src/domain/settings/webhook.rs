//! `[webhook]`.

use std::time::Duration;

use crate::domain::rate::Rate;
use crate::domain::retry::RetryPolicy;

/// `[webhook]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// How many calls at once, over all hosts.
    pub connections: u16,
    /// The quota of each host.
    pub rate_per_host: Rate,
    /// How long one call may take from connecting to the end of the answer.
    pub timeout: Duration,
    /// Networks that may be called although they are not public; only these may be called without TLS.
    pub allow_networks: Vec<ipnet::IpNet>,
    /// When deferred calls are tried again.
    pub retry: RetryPolicy,
}
