//! Certificates: which are accepted, and what is wrong with the others.

use std::io;
use std::sync::Arc;

use rustls::crypto;
use rustls::{CertificateError, ClientConfig, Error};

/// A client that accepts certificates which the machine's certificate store vouches for.
///
/// # Errors
/// When the machine has no certificate store.
pub(super) fn client_config() -> Result<ClientConfig, Error> {
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let verifier = Arc::new(rustls_platform_verifier::Verifier::new(provider.clone())?);
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(config)
}

/// The TLS fault in a chain of errors, if there is one.
pub(super) fn find<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Error> {
    let mut next = Some(error);
    while let Some(current) = next {
        if let Some(found) = current.downcast_ref::<Error>() {
            return Some(found);
        }
        // What an I/O error wraps is not its source, but what it stands for.
        let wrapped = current.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => current.source(),
        };
    }
    None
}

/// Code, what is wrong, and how to mend it.
pub(super) fn explain(error: &Error) -> (&'static str, String, &'static str) {
    let Error::InvalidCertificate(wrong) = error else {
        let mend =
            "if it speaks plain HTTP on this port, write http:// into the provider's url; else see its log";
        return ("tls", format!("the encrypted connection failed ({error})"), mend);
    };
    let (what, mend) = match wrong {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            ("its certificate has expired".to_owned(), "renew it there, or set this machine's clock")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ("its certificate is not valid yet".to_owned(), "set this machine's clock")
        }
        CertificateError::UnknownIssuer => (
            "its certificate was issued by somebody this machine does not trust".to_owned(),
            "add the issuer's certificate to the machine's store (update-ca-certificates)",
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            "its certificate is made out to another name".to_owned(),
            "correct the host in the provider's url",
        ),
        other => (format!("its certificate is not acceptable ({other})"), "renew it there"),
    };
    ("certificate", what, mend)
}
