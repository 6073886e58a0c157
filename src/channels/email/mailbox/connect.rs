//! From nothing to an open folder: name, TCP, TLS, greeting, login, SELECT.

use std::net::SocketAddr;
use std::sync::Arc;

use async_imap::Client;
use async_imap::error::Error;
use async_imap::imap_proto::{Response, Status};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use secrecy::ExposeSecret;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::domain::settings::ImapTls;

use super::super::tls;
use super::Mailbox;
use super::folder::Folder;
use super::stream::Stream;
use super::trouble::Trouble;

/// No answer on the way to an open folder is longer, in bytes.
const LONGEST_ANSWER: usize = 256 * 1024;

impl Mailbox {
    /// Opens the folder.
    pub(super) async fn open(&self) -> Result<Folder, Trouble> {
        let tcp = self.connect().await?;
        let mut stream = match self.settings.tls {
            ImapTls::Implicit => self.encrypt(tcp).await?,
            ImapTls::Required | ImapTls::None => Stream::plain(tcp),
        };
        stream.allow(LONGEST_ANSWER);
        let mut client = Client::new(stream);
        self.greeting(&mut client).await?;
        if self.settings.tls == ImapTls::Required {
            client = self.start_tls(client).await?;
        }
        self.log_in(client).await
    }

    async fn connect(&self) -> Result<TcpStream, Trouble> {
        let limit = self.limits.connect;
        let too_late = |_| Trouble::timeout("the attempt to connect", limit);
        let lookup = tokio::net::lookup_host((self.settings.host.as_str(), self.settings.port));
        let addresses: Vec<SocketAddr> = timeout(limit, lookup)
            .await
            .map_err(too_late)?
            .map_err(|error| Trouble::name_not_found(&error))?
            .collect();
        let mut trouble = Trouble::name_not_found(&std::io::Error::other("the name has no address"));
        for address in addresses {
            match timeout(limit, TcpStream::connect(address)).await {
                Ok(Ok(tcp)) => return Ok(tcp),
                Ok(Err(error)) => trouble = Trouble::not_connected(&error),
                Err(elapsed) => trouble = too_late(elapsed),
            }
        }
        Err(trouble)
    }

    async fn encrypt(&self, tcp: TcpStream) -> Result<Stream, Trouble> {
        let host = &self.settings.host;
        let name = ServerName::try_from(host.clone()).map_err(|_| Trouble::no_server_name(host))?;
        let limit = self.limits.step;
        let config = self.client_config().await?;
        let tls = timeout(limit, TlsConnector::from(config).connect(name, tcp))
            .await
            .map_err(|_| Trouble::timeout("the TLS handshake", limit))?
            .map_err(|error| Trouble::handshake(&error))?;
        Ok(Stream::encrypted(tls))
    }

    async fn client_config(&self) -> Result<Arc<ClientConfig>, Trouble> {
        let config = self.tls.get_or_try_init(|| async {
            tls::client_config(false).map(Arc::new).map_err(|error| Trouble::no_certificate_store(&error))
        });
        config.await.cloned()
    }

    async fn greeting(&self, client: &mut Client<Stream>) -> Result<(), Trouble> {
        let limit = self.limits.step;
        let greeting = timeout(limit, client.read_response())
            .await
            .map_err(|_| Trouble::timeout("our connection (it should greet us)", limit))?
            .map_err(|error| Trouble::lost("its greeting", &Error::Io(error)))?
            .ok_or_else(|| Trouble::lost("its greeting", &Error::ConnectionLost))?;
        match greeting.parsed() {
            // Not PREAUTH: whoever is on the way could use it to keep us from encrypting.
            Response::Data { status: Status::Ok, .. } => Ok(()),
            Response::Data { outcome, .. } => {
                Err(Trouble::no_greeting(outcome.information.as_deref().unwrap_or("without a reason")))
            }
            _ => Err(Trouble::no_greeting("that was no greeting")),
        }
    }

    /// What the server may have sent behind its answer is dropped with the client that read it (CVE-2011-0411).
    async fn start_tls(&self, mut client: Client<Stream>) -> Result<Client<Stream>, Trouble> {
        let limit = self.limits.step;
        timeout(limit, client.run_command_and_check_ok("STARTTLS", None))
            .await
            .map_err(|_| Trouble::timeout("STARTTLS", limit))?
            .map_err(|error| Trouble::no_starttls(&error))?;
        let Some(tcp) = client.into_inner().into_plain() else {
            return Err(Trouble::lost("STARTTLS", &Error::ConnectionLost));
        };
        let mut stream = self.encrypt(tcp).await?;
        stream.allow(LONGEST_ANSWER);
        Ok(Client::new(stream))
    }

    async fn log_in(&self, client: Client<Stream>) -> Result<Folder, Trouble> {
        if !client.get_ref().is_encrypted() && !client.get_ref().is_loopback() {
            return Err(Trouble::login_in_plain_text());
        }
        let limit = self.limits.step;
        let credentials = &self.settings.credentials;
        let login = client.login(&credentials.username, credentials.password.expose_secret());
        let mut session = timeout(limit, login)
            .await
            .map_err(|_| Trouble::timeout("the login", limit))?
            .map_err(|(error, _)| match error {
                Error::No(_) | Error::Bad(_) | Error::Validate(_) => {
                    Trouble::login_refused(&credentials.username, &error)
                }
                other => Trouble::lost("the login", &other),
            })?;
        let name = &self.settings.folder;
        timeout(limit, session.select(name))
            .await
            .map_err(|_| Trouble::timeout("the wish to open the folder", limit))?
            .map_err(|error| match error {
                Error::No(_) | Error::Bad(_) | Error::Validate(_) => Trouble::no_folder(name, &error),
                other => Trouble::lost("the wish to open the folder", &other),
            })?;
        Ok(Folder::new(session, limit))
    }
}
