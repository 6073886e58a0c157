//! From nothing to a relay that takes envelopes: name, TCP, greeting, EHLO, TLS, login. The stream has
//! TCP_NODELAY: small writes would otherwise wait 40 ms for each other.

use std::net::SocketAddr;
use std::sync::Arc;

use lettre::transport::smtp::extension::ClientId;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::domain::settings::{SmtpRelay, SmtpTls};

use super::connection::{Capabilities, Connection, Limits};
use super::login;
use super::open_failure::OpenFailure;
use super::tls;
use super::wire::Wire;

/// Opens connections to one relay.
#[derive(Debug)]
pub struct Connector {
    relay: SmtpRelay,
    name: String,
    limits: Limits,
    /// Reading the certificate store costs milliseconds: once, not for each connection.
    tls: OnceCell<Arc<ClientConfig>>,
}

impl Connector {
    /// For `relay`, within `limits`.
    pub fn new(mut relay: SmtpRelay, limits: Limits) -> Self {
        // In a URL an IPv6 address stands in brackets; nowhere else.
        relay.host.retain(|c| !matches!(c, '[' | ']'));
        let host = &relay.host;
        let name = if host.contains(':') {
            format!("[{host}]:{}", relay.port)
        } else {
            format!("{host}:{}", relay.port)
        };
        Self { relay, name, limits, tls: OnceCell::new() }
    }

    /// The relay, `host:port`.
    pub fn relay(&self) -> &str {
        &self.name
    }

    /// Opens a connection.
    ///
    /// With `?tls=opportunistic` any certificate is accepted (RFC 7435), unless there is a login: a password
    /// is only given to a relay that has proved its name.
    ///
    /// # Errors
    /// What stood in the way, and how to mend it.
    pub async fn open(&self) -> Result<Connection, OpenFailure> {
        let (tcp, peer) = self.connect().await?;
        let hello = hello_name(&tcp);
        let wire = Wire::new(tcp, peer);
        if self.relay.tls == SmtpTls::Implicit {
            self.encrypt(&wire).await?;
        }
        let mut connection = Connection::greet(wire, &hello, &self.name, &self.limits).await?;
        let mut capabilities = connection.hello(&hello).await?;
        if matches!(self.relay.tls, SmtpTls::Required | SmtpTls::Opportunistic)
            && self.start_tls(&mut connection, &capabilities).await?
        {
            capabilities = connection.hello(&hello).await?;
        }
        connection.set_pipelining(capabilities.has("PIPELINING"));
        if let Some(credentials) = &self.relay.credentials {
            login::log_in(&mut connection, &capabilities, credentials, self.limits.greeting).await?;
        }
        Ok(connection)
    }

    async fn connect(&self) -> Result<(TcpStream, SocketAddr), OpenFailure> {
        let limit = self.limits.connect;
        let too_late = |_| OpenFailure::timeout(&self.name, "the attempt to connect", limit);
        let lookup = tokio::net::lookup_host((self.relay.host.as_str(), self.relay.port));
        let addresses: Vec<SocketAddr> = timeout(limit, lookup)
            .await
            .map_err(too_late)?
            .map_err(|error| OpenFailure::name_not_found(&self.name, &error))?
            .collect();
        let mut failure = None;
        for address in addresses {
            match timeout(limit, TcpStream::connect(address)).await {
                Ok(Ok(tcp)) => {
                    // A stream without the option works as well, only slower.
                    let _ = tcp.set_nodelay(true);
                    return Ok((tcp, address));
                }
                Ok(Err(error)) => failure = Some(OpenFailure::not_connected(&self.name, &error)),
                Err(elapsed) => failure = Some(too_late(elapsed)),
            }
        }
        let no_address = || std::io::Error::other("the name has no address");
        Err(failure.unwrap_or_else(|| OpenFailure::name_not_found(&self.name, &no_address())))
    }

    /// Whether the connection is encrypted now.
    async fn start_tls(
        &self,
        connection: &mut Connection,
        capabilities: &Capabilities,
    ) -> Result<bool, OpenFailure> {
        if !capabilities.has("STARTTLS") {
            return match self.relay.tls {
                SmtpTls::Opportunistic => Ok(false),
                _ => Err(OpenFailure::no_starttls(&self.name)),
            };
        }
        connection.wire().capture();
        let reply = connection.open_step("STARTTLS\r\n", "STARTTLS", self.limits.greeting).await?;
        if reply.code != 220 {
            return Err(OpenFailure::starttls_refused(&self.name, &reply));
        }
        if connection.wire().has_more_than_one_reply() {
            return Err(OpenFailure::injected(&self.name));
        }
        self.encrypt(connection.wire()).await?;
        Ok(true)
    }

    async fn encrypt(&self, wire: &Wire) -> Result<(), OpenFailure> {
        let host = &self.relay.host;
        let name =
            ServerName::try_from(host.clone()).map_err(|_| OpenFailure::no_server_name(&self.name, host))?;
        let limit = self.limits.tls;
        let config = self.client_config().await?;
        timeout(limit, wire.upgrade(TlsConnector::from(config), name))
            .await
            .map_err(|_| OpenFailure::timeout(&self.name, "the TLS handshake", limit))?
            .map_err(|error| OpenFailure::handshake(&self.name, host, &error))
    }

    async fn client_config(&self) -> Result<Arc<ClientConfig>, OpenFailure> {
        let any_certificate = self.relay.tls == SmtpTls::Opportunistic && self.relay.credentials.is_none();
        let config = self.tls.get_or_try_init(|| async {
            tls::client_config(any_certificate)
                .map(Arc::new)
                .map_err(|error| OpenFailure::no_certificate_store(&self.name, &error))
        });
        config.await.cloned()
    }
}

/// This machine's full name; where it has none, the connection's own address (RFC 5321, section 4.1.4).
fn hello_name(tcp: &TcpStream) -> ClientId {
    let full = |name: &str| {
        name.contains('.')
            && name.split('.').all(|label| {
                !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            })
    };
    match (ClientId::default(), tcp.local_addr().map(|address| address.ip().to_canonical())) {
        (ClientId::Domain(name), _) if full(&name) => ClientId::Domain(name),
        (_, Ok(std::net::IpAddr::V4(address))) => ClientId::Ipv4(address),
        (_, Ok(std::net::IpAddr::V6(address))) => ClientId::Ipv6(address),
        (other, Err(_)) => other,
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

    use super::*;
    use crate::domain::settings::Credentials;

    /// Announces logins, and gives back every line that it was sent.
    async fn relay_that_takes_logins(tcp: TcpStream) -> Vec<String> {
        let mut stream = BufReader::new(tcp);
        let _ = stream.write_all(b"220 a.example\r\n").await;
        let mut lines = Vec::new();
        let mut line = String::new();
        while matches!(stream.read_line(&mut line).await, Ok(1..)) {
            lines.push(std::mem::take(&mut line));
            let _ = stream.write_all(b"250-a.example\r\n250 AUTH PLAIN LOGIN\r\n").await;
        }
        lines
    }

    #[tokio::test]
    async fn no_password_goes_over_a_network_in_plain_text() {
        for (peer, may) in [("192.0.2.1:25", false), ("[2001:db8::1]:25", false), ("[::1]:25", true)] {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let relay = tokio::spawn(relay_that_takes_logins(listener.accept().await.unwrap().0));
            let hello = hello_name(&tcp);
            // The stream leads to this machine, but believes that it leads to `peer`.
            let wire = Wire::new(tcp, peer.parse().unwrap());
            let mut connection = Connection::greet(wire, &hello, peer, &Limits::default()).await.unwrap();
            let capabilities = connection.hello(&hello).await.unwrap();
            let credentials = Credentials { username: "u".to_owned(), password: "p".into() };
            let limit = std::time::Duration::from_secs(5);
            let result = login::log_in(&mut connection, &capabilities, &credentials, limit).await;
            drop(connection);
            let lines = relay.await.unwrap();
            assert_eq!(lines.iter().any(|line| line.starts_with("AUTH")), may, "{peer}: {lines:?}");
            match result {
                Ok(()) => assert!(may, "{peer}"),
                Err(failure) => assert!(failure.to_string().contains("not encrypted"), "{failure}"),
            }
        }
    }
}
