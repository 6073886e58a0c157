//! From a name to the addresses that may be called.
//!
//! A name is resolved once, by the system's resolver; what the guard leaves over is what is connected to. A second
//! look-up, which could give another answer, never happens.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::guard::{Refusal, admit};

/// Resolves names for calls with TLS, or for those without.
#[derive(Debug)]
pub(in crate::channels) struct GuardedResolver {
    pub(in crate::channels) allowed: Arc<[IpNet]>,
    pub(in crate::channels) plain: bool,
}

/// Why a name leads nowhere.
#[derive(Debug, thiserror::Error)]
pub(in crate::channels) enum NameFault {
    #[error("{0}")]
    Unknown(String),
    #[error(transparent)]
    Refused(Refusal),
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (allowed, plain) = (self.allowed.clone(), self.plain);
        Box::pin(async move {
            let host = name.as_str();
            let found = tokio::net::lookup_host((host, 0)).await.map_err(|error| {
                NameFault::Unknown(format!("the name {host} cannot be resolved: {error}"))
            })?;
            let found: Vec<IpAddr> = found.map(|address| address.ip()).collect();
            let admitted = admit(host, found, plain, &allowed).map_err(NameFault::Refused)?;
            // Port 0 stands for the one in the address that is called.
            Ok(Box::new(admitted.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs)
        })
    }
}
