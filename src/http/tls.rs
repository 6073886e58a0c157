//! Encrypted connections, and a certificate that is renewed while they stand.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::app::certificate;
use crate::app::serving::HttpParts;
use crate::domain::settings::CertificateFiles;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Encrypts connections with the certificate of the moment.
#[derive(Debug, Clone)]
pub(super) struct Tls(watch::Receiver<Arc<rustls::ServerConfig>>);

impl Tls {
    /// With what `parts` brings, if anything; its files are followed until `stop`.
    pub(super) fn start(parts: &HttpParts, stop: CancellationToken) -> Option<Self> {
        let (sender, receiver) = watch::channel(parts.tls.clone()?);
        tokio::spawn(follow(parts.clone(), sender, stop));
        Some(Self(receiver))
    }

    /// Agrees on the encryption with whoever has connected.
    ///
    /// # Errors
    /// When the other end does not speak TLS, or none of our versions.
    pub(super) async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        let config = self.0.borrow().clone();
        TlsAcceptor::from(config).accept(stream).await
    }
}

/// Takes up files that have changed. Connections that stand keep what they agreed on; a pair that cannot be used (one of
/// the two is still the old one) is left, and looked at again when something changes.
async fn follow(parts: HttpParts, sender: watch::Sender<Arc<rustls::ServerConfig>>, stop: CancellationToken) {
    let mut known = stamps(&parts);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        let now = stamps(&parts);
        let Some((files, _)) = &now else { continue };
        if now == known {
            continue;
        }
        match certificate::load(files) {
            Ok(config) => {
                tracing::info!(target: "rundruf::http", "the changed certificate is in use");
                if sender.send(config).is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::error!(target: "rundruf::http", "the certificate that was in use stays in use: {error}");
            }
        }
        known = now;
    }
}

type Stamp = Option<(SystemTime, u64)>;

/// The files that the settings name, and what shows that they have changed.
fn stamps(parts: &HttpParts) -> Option<(CertificateFiles, [Stamp; 2])> {
    let files = parts.instance.settings().http.certificate.clone()?;
    let stamp = |file: &Path| {
        let metadata = std::fs::metadata(file).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    let stamps = [stamp(&files.certificate), stamp(&files.key)];
    Some((files, stamps))
}
