//! The certificate that the web server shows: read from its files, and ready for connections.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::domain::settings::CertificateFiles;

/// Why it cannot be used; says which file, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CertificateError(String);

/// The certificates in `file`, the server's own first.
///
/// # Errors
/// When the file cannot be read or holds none.
pub fn chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let wrong = |why: &dyn std::fmt::Display| {
        CertificateError(format!(
            "[http] certificate: {} cannot be used ({why}): it must hold the certificate as PEM, and this program must \
             be allowed to read it",
            file.display()
        ))
    };
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(file).and_then(Iterator::collect).map_err(|error| wrong(&error))?;
    if chain.is_empty() { Err(wrong(&"no certificate is in it")) } else { Ok(chain) }
}

/// What TLS 1.2 and 1.3 are spoken with, HTTP/1.1 inside (RFC 7301).
///
/// # Errors
/// When a file cannot be read, or the key is not the certificate's.
pub fn load(files: &CertificateFiles) -> Result<Arc<ServerConfig>, CertificateError> {
    let chain = chain(&files.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| {
        CertificateError(format!(
            "[http] key: {} cannot be used ({error}): it must hold the private key as PEM without a passphrase, and \
             this program must be allowed to read it",
            files.key.display()
        ))
    })?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let unusable = |error: rustls::Error| {
        CertificateError(format!(
            "[http] certificate and key do not belong together ({error}): name the key that {} was made for",
            files.certificate.display()
        ))
    };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(unusable)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
