//! `[http]` and `[log]`

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;

/// `[http]`
#[derive(Debug, Clone)]
pub struct Http {
    /// The address and port that the pages and the API answer on.
    pub listen: SocketAddr,
    /// With what answers are encrypted; `None`: not at all, a proxy does it.
    pub certificate: Option<CertificateFiles>,
    /// Proxies whose word about where a request comes from is taken.
    pub trusted_proxies: Vec<IpNet>,
    /// Who may read `/metrics`.
    pub metrics: MetricsAccess,
}

impl Http {
    /// Whether what `peer` says about where a request comes from is taken.
    pub fn trusts(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.trusted_proxies.iter().any(|network| network.contains(&peer))
    }
}

/// A certificate and its key, as PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate, and behind it those that lead to its authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Who may read `/metrics`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsAccess {
    /// Programs on this machine; others with a token that may read notices.
    Loopback,
    /// Only with a token that may read notices.
    Token,
}

/// `[log]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}
