//! Certificates: which are accepted, and what is wrong with the others.

use std::io;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{self, CryptoProvider};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

/// A client that accepts certificates which the machine's certificate store vouches for, or, with
/// `any_certificate`, every one.
///
/// # Errors
/// When the machine has no certificate store.
pub(super) fn client_config(any_certificate: bool) -> Result<ClientConfig, Error> {
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = if any_certificate {
        Arc::new(AnyCertificate(provider.clone()))
    } else {
        Arc::new(rustls_platform_verifier::Verifier::new(provider.clone())?)
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(config)
}

/// What went wrong in a handshake, in two parts: what, and how to mend it.
pub(super) fn explain(error: &io::Error, host: &str) -> (&'static str, String, String) {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match tls {
        Some(Error::InvalidCertificate(wrong)) => explain_certificate(wrong, host),
        Some(Error::InvalidMessage(_)) => (
            "tls",
            "the relay does not speak TLS on this port".to_owned(),
            "write smtp:// instead of smtps://, or name the port that speaks TLS (465)".to_owned(),
        ),
        Some(other) => (
            "tls",
            format!("the encrypted connection failed ({other})"),
            "the relay must offer TLS 1.2 or 1.3".to_owned(),
        ),
        None => (
            "tls",
            format!("the connection broke while it was being encrypted ({error})"),
            "see the relay's log".to_owned(),
        ),
    }
}

fn explain_certificate(wrong: &CertificateError, host: &str) -> (&'static str, String, String) {
    let (what, mend) = match wrong {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
            "the relay's certificate has expired".to_owned(),
            "renew it on the relay, or set this machine's clock".to_owned(),
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ("the relay's certificate is not valid yet".to_owned(), "set this machine's clock".to_owned())
        }
        CertificateError::UnknownIssuer => (
            "the relay's certificate was issued by somebody this machine does not trust".to_owned(),
            "add the issuer's certificate to the machine's store (update-ca-certificates)".to_owned(),
        ),
        CertificateError::NotValidForName => wrong_name(host, ""),
        CertificateError::NotValidForNameContext { presented, .. } => {
            wrong_name(host, &format!(", but to {}", presented.join(", ")))
        }
        CertificateError::Revoked => {
            ("the relay's certificate was revoked".to_owned(), "renew it on the relay".to_owned())
        }
        other => (
            format!("the relay's certificate is not acceptable ({other})"),
            "renew it on the relay".to_owned(),
        ),
    };
    ("certificate", what, mend)
}

fn wrong_name(host: &str, presented: &str) -> (String, String) {
    (
        format!("the relay's certificate does not belong to {host}{presented}"),
        "write the name that the certificate is made out to into the provider's url".to_owned(),
    )
}

/// Encryption without identity, for relays that are spoken to in plain text otherwise (RFC 7435).
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        crypto::verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        crypto::verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
