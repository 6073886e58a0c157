//! Questions to a resolver: the machine's own, or one that was named.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{Resolver, TokioResolver};

/// How long one try may take; there are two.
const PATIENCE: Duration = Duration::from_secs(3);

/// Why a question has no answer. A name that does not exist, or has no such record, is an answer: none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unanswered {
    /// No resolver answers at all; why, in words.
    NoResolver(String),
    /// The resolver could not find out about this name.
    Refused {
        /// The name.
        name: String,
        /// What it said instead.
        why: String,
    },
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoResolver(why) => f.write_str(why),
            Self::Refused { name, why } => write!(f, "the resolver has no answer about {name} ({why})"),
        }
    }
}

/// Asks.
pub struct Dns(TokioResolver);

impl fmt::Debug for Dns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dns")
    }
}

impl Dns {
    /// Asks `resolver`; without one, those that this machine is set to.
    ///
    /// # Errors
    /// When the machine is set to none.
    pub fn new(resolver: Option<SocketAddr>) -> Result<Self, Unanswered> {
        let none = |error: NetError| {
            Unanswered::NoResolver(format!("this machine is not set to a usable resolver ({error})"))
        };
        let mut builder = match resolver {
            Some(address) => {
                let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                    connection.port = address.port();
                    connection
                });
                let server = NameServerConfig::new(address.ip(), true, connections.to_vec());
                let config = ResolverConfig::from_name_servers(vec![server]);
                Resolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
            None => Resolver::builder(TokioRuntimeProvider::default()).map_err(none)?,
        };
        let options = builder.options_mut();
        options.timeout = PATIENCE;
        options.attempts = 1;
        builder.build().map(Self).map_err(none)
    }

    async fn records(&self, name: &str, kind: RecordType) -> Result<Vec<RData>, Unanswered> {
        // With the dot at its end no search domain is tried.
        let Ok(query) = Name::from_ascii(format!("{}.", name.trim_end_matches('.'))) else {
            return Ok(Vec::new());
        };
        match self.0.lookup(query, kind).await {
            Ok(lookup) => Ok(lookup
                .answers()
                .iter()
                .filter(|record| record.record_type() == kind)
                .map(|record| record.data.clone())
                .collect()),
            Err(NetError::Dns(DnsError::NoRecordsFound(_))) => Ok(Vec::new()),
            Err(NetError::Dns(error)) => {
                Err(Unanswered::Refused { name: name.to_owned(), why: error.to_string() })
            }
            Err(error) => Err(Unanswered::NoResolver(format!("no resolver answers ({error})"))),
        }
    }

    /// The texts of a name, each in one piece; bytes that are no UTF-8 become U+FFFD.
    ///
    /// # Errors
    /// When nobody can tell.
    pub async fn texts(&self, name: &str) -> Result<Vec<String>, Unanswered> {
        let records = self.records(name, RecordType::TXT).await?;
        Ok(records
            .iter()
            .filter_map(|record| match record {
                RData::TXT(text) => Some(String::from_utf8_lossy(&text.txt_data.concat()).into_owned()),
                _ => None,
            })
            .collect())
    }

    /// The mail exchangers of a name, without the dot at the end; `.` alone (RFC 7505) is an empty name.
    ///
    /// # Errors
    /// When nobody can tell.
    pub async fn exchangers(&self, name: &str) -> Result<Vec<String>, Unanswered> {
        let records = self.records(name, RecordType::MX).await?;
        Ok(records
            .iter()
            .filter_map(|record| match record {
                RData::MX(mx) => Some(mx.exchange.to_ascii().trim_end_matches('.').to_ascii_lowercase()),
                _ => None,
            })
            .collect())
    }

    /// The addresses of a name, IPv4 first.
    ///
    /// # Errors
    /// When nobody can tell.
    pub async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, Unanswered> {
        let mut records = self.records(name, RecordType::A).await?;
        records.extend(self.records(name, RecordType::AAAA).await?);
        Ok(records
            .iter()
            .filter_map(|record| match record {
                RData::A(address) => Some(IpAddr::V4(address.0)),
                RData::AAAA(address) => Some(IpAddr::V6(address.0)),
                _ => None,
            })
            .collect())
    }
}
