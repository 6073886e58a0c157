//! What went wrong with a mailbox, in words for the person who has to mend it.

use std::io;
use std::time::Duration;

use async_imap::error::Error;
use rustls::CertificateError;

use crate::domain::outcome::Reason;

/// What happened, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    code: &'static str,
    what: String,
    mend: &'static str,
}

impl Trouble {
    fn new(code: &'static str, what: impl Into<String>, mend: &'static str) -> Self {
        Self { code, what: what.into(), mend }
    }

    /// With the name of the server, as reports and logs take it.
    pub(super) fn at(&self, server: &str) -> Reason {
        Reason::new(self.code, format!("bounce mailbox at {server}: {}; {}", self.what, self.mend))
    }

    pub(super) fn name_not_found(error: &io::Error) -> Self {
        let what = format!("its name was not found ({error})");
        Self::new("dns", what, "check the host in [email] bounce_mailbox, and this machine's DNS")
    }

    pub(super) fn not_connected(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::ConnectionRefused {
            return Self::new(
                "refused",
                "nothing listens there (connection refused)",
                "start the IMAP server, or correct host and port in [email] bounce_mailbox",
            );
        }
        let what = format!("it cannot be reached ({error})");
        Self::new(
            "unreachable",
            what,
            "check the network and the firewall between this machine and the server",
        )
    }

    pub(super) fn timeout(step: &str, limit: Duration) -> Self {
        Self::new(
            "timeout",
            format!("no answer to {step} within {} seconds", limit.as_secs_f32()),
            "check the server and the firewall; a port that is encrypted from the first byte (993) wants imaps://",
        )
    }

    pub(super) fn no_greeting(said: &str) -> Self {
        Self::new(
            "refused",
            format!("it does not want to talk to us ({said})"),
            "check that this is an IMAP server, and see its log",
        )
    }

    pub(super) fn no_starttls(error: &Error) -> Self {
        Self::new(
            "starttls",
            format!("it offers no encryption by STARTTLS ({})", shown(error)),
            "switch TLS on at the server; or write imaps:// and port 993; or, inside this machine, ?tls=none",
        )
    }

    pub(super) fn no_certificate_store(error: &rustls::Error) -> Self {
        Self::new(
            "certificate",
            format!("this machine has no store of trusted certificates ({error})"),
            "install the package ca-certificates, or name a file in SSL_CERT_FILE",
        )
    }

    pub(super) fn no_server_name(host: &str) -> Self {
        Self::new(
            "tls",
            format!("\"{host}\" is no name that a certificate could be made out to"),
            "correct the host in [email] bounce_mailbox",
        )
    }

    pub(super) fn handshake(error: &io::Error) -> Self {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let Some(rustls::Error::InvalidCertificate(wrong)) = tls else {
            return Self::new(
                "tls",
                format!("the encrypted connection failed ({error})"),
                "name the port that speaks TLS (993) with imaps://; the server must offer TLS 1.2 or 1.3",
            );
        };
        let mend = match wrong {
            CertificateError::UnknownIssuer => {
                "add the issuer's certificate to this machine's store (update-ca-certificates)"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "write the name that the certificate is made out to into [email] bounce_mailbox"
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "set this machine's clock"
            }
            _ => "renew it on the server, or set this machine's clock",
        };
        Self::new("certificate", format!("its certificate is not acceptable ({wrong})"), mend)
    }

    pub(super) fn login_in_plain_text() -> Self {
        Self::new(
            "login",
            "the connection would not be encrypted, and user name and password would be readable",
            "write imaps:// or ?tls=required into [email] bounce_mailbox",
        )
    }

    pub(super) fn login_refused(username: &str, error: &Error) -> Self {
        Self::new(
            "login",
            format!("it refused the login of user \"{username}\" ({})", shown(error)),
            "correct user name and password in [email] bounce_mailbox",
        )
    }

    pub(super) fn no_folder(folder: &str, error: &Error) -> Self {
        Self::new(
            "folder",
            format!("the folder \"{folder}\" cannot be opened ({})", shown(error)),
            "correct the folder at the end of [email] bounce_mailbox, such as /INBOX",
        )
    }

    pub(super) fn not_marked(error: &Error) -> Self {
        Self::new(
            "read-only",
            format!("messages cannot be marked as read ({})", shown(error)),
            "give this user the right to write in the folder: else every message is read again and again",
        )
    }

    pub(super) fn not_written_down() -> Self {
        Self::new(
            "store",
            "a message could not be written down",
            "it stays unread and is read again; mend what is said of the store",
        )
    }

    /// The connection broke, or what came in made no sense.
    pub(super) fn lost(step: &str, error: &Error) -> Self {
        let (code, what) = match error {
            Error::ConnectionLost => ("connection", "it closed the connection".to_owned()),
            Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => ("protocol", error.to_string()),
            // The client repeats what it could not read, which may be somebody's mail.
            Error::Io(error) if error.kind() == io::ErrorKind::Other => {
                ("protocol", "what it says is no IMAP".to_owned())
            }
            Error::Io(error) => ("connection", format!("the connection broke ({})", cut(&error.to_string()))),
            other => ("protocol", format!("it gave no sensible answer ({})", shown(other))),
        };
        Self::new(
            code,
            format!("{what}, at {step}"),
            "check that this is an IMAP server, and see its log; what is unread stays unread",
        )
    }
}

/// What the server said, without the form that the client gives it.
fn shown(error: &Error) -> String {
    match error {
        Error::No(said) | Error::Bad(said) => {
            let information = said.split_once("info: Some(\"").and_then(|(_, said)| said.strip_suffix("\")"));
            cut(information.unwrap_or(said))
        }
        Error::Validate(_) => "it has a character that cannot be sent".to_owned(),
        other => cut(&other.to_string()),
    }
}

/// An answer that nobody wants to read to its end.
fn cut(text: &str) -> String {
    text.chars().take(120).collect()
}
