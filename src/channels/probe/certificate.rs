//! Until when a server's certificate is valid.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::domain::clock::Timestamp;

/// The last moment at which the certificate `der` is valid (RFC 5280, section 4.1.2.5). `None`: it cannot be read.
pub fn valid_until(der: &[u8]) -> Option<Timestamp> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    Some(Timestamp(certificate.validity().not_after.timestamp().saturating_mul(1_000)))
}

/// The last moment at which the certificate of the server at `host` and `port` is valid. It is asked for its
/// certificate and nothing else, and must be one that this machine accepts.
///
/// # Errors
/// Why it gave none, within `limit`, in words.
pub async fn ask(host: &str, port: u16, limit: Duration) -> Result<Timestamp, String> {
    let asked = tokio::time::timeout(limit, exchange(host, port)).await;
    asked.unwrap_or_else(|_| Err(format!("no answer within {} seconds", limit.as_secs())))
}

async fn exchange(host: &str, port: u16) -> Result<Timestamp, String> {
    let words = |error: rustls::Error| error.to_string();
    let host = host.trim_matches(['[', ']']);
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = rustls_platform_verifier::Verifier::new(provider.clone()).map_err(words)?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(words)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    let tcp = TcpStream::connect((host, port)).await.map_err(|error| error.to_string())?;
    let tls = TlsConnector::from(Arc::new(config)).connect(name, tcp).await.map_err(|e| e.to_string())?;
    let certificate = tls.get_ref().1.peer_certificates().and_then(<[_]>::first);
    certificate.and_then(|der| valid_until(der)).ok_or_else(|| "its certificate cannot be read".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_certificate_is_read() {
        let made = rcgen::generate_simple_self_signed(vec!["relay.example".to_owned()]).unwrap();
        let until = valid_until(made.cert.der()).unwrap();
        // rcgen's own default.
        assert_eq!(until.to_string(), "4096-01-01T00:00:00.000Z");
        assert_eq!(valid_until(b"no certificate"), None);
    }
}
