//! From a name to the addresses that may be called.
//!
//! A name is resolved once, by the system's resolver; what the guard leaves over is what is connected to. A second
//! look-up, which could give another answer, never happens.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::Name as ConnectorName;
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tower_service::Service;

use super::guard::{Refusal, admit};

/// Resolves names for calls with TLS, or for those without.
#[derive(Debug, Clone)]
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

/// Port 0 stands for the one in the address that is called.
type Admitted = std::vec::IntoIter<SocketAddr>;

impl GuardedResolver {
    fn admitted(&self, host: String) -> impl Future<Output = Result<Admitted, NameFault>> + Send + 'static {
        let (allowed, plain) = (self.allowed.clone(), self.plain);
        async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await.map_err(|error| {
                NameFault::Unknown(format!("the name {host} cannot be resolved: {error}"))
            })?;
            let found: Vec<IpAddr> = found.map(|address| address.ip()).collect();
            let admitted = admit(&host, found, plain, &allowed).map_err(NameFault::Refused)?;
            Ok(admitted.into_iter().map(|ip| SocketAddr::new(ip, 0)).collect::<Vec<_>>().into_iter())
        }
    }
}

/// For connections of our own.
impl Service<ConnectorName> for GuardedResolver {
    type Response = Admitted;
    type Error = NameFault;
    type Future = Pin<Box<dyn Future<Output = Result<Admitted, NameFault>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NameFault>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: ConnectorName) -> Self::Future {
        Box::pin(self.admitted(name.as_str().to_owned()))
    }
}

/// For those of an HTTP client.
impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let admitted = self.admitted(name.as_str().to_owned());
        Box::pin(async move { Ok(Box::new(admitted.await?) as Addrs) })
    }
}
