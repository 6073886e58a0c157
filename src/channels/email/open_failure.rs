//! Why no connection to a relay came about, in words for the person who has to mend it.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::domain::outcome::Reason;

use super::reply::Reply;
use super::tls;

/// A relay that could not be opened. All of these are ours: nothing was tried, the provider is held.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct OpenFailure {
    /// Code and text for reports; the text names the relay, what happened, and what to do.
    pub reason: Reason,
    /// The relay, `host:port`.
    pub relay: String,
    /// What happened.
    pub what: String,
    /// What to do about it.
    pub mend: String,
}

impl fmt::Display for OpenFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mail relay {}: {}; {}", self.relay, self.what, self.mend)
    }
}

impl OpenFailure {
    fn new(relay: &str, code: &str, what: impl Into<String>, mend: impl Into<String>) -> Self {
        let mut failure = Self {
            reason: Reason::new(code, ""),
            relay: relay.to_owned(),
            what: what.into(),
            mend: mend.into(),
        };
        failure.reason = Reason::new(code, failure.to_string());
        failure
    }

    pub(super) fn name_not_found(relay: &str, error: &io::Error) -> Self {
        let what = format!("its name was not found ({error})");
        Self::new(relay, "dns", what, "check the host in the provider's url, and this machine's DNS")
    }

    pub(super) fn not_connected(relay: &str, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::new(
                relay,
                "refused",
                "nothing listens there (connection refused)",
                "start the relay, or correct host and port in the provider's url",
            ),
            _ => Self::new(
                relay,
                "unreachable",
                format!("it cannot be reached ({error})"),
                "check the network and the firewall between this machine and the relay",
            ),
        }
    }

    pub(super) fn timeout(relay: &str, step: &str, limit: Duration) -> Self {
        Self::new(
            relay,
            "timeout",
            format!("no answer to {step} within {} seconds", limit.as_secs_f32()),
            "check the relay and the firewall; a port that is encrypted from the first byte (465) wants smtps://",
        )
    }

    pub(super) fn lost(relay: &str, step: &str, reason: &Reason) -> Self {
        Self::new(relay, &reason.code, format!("{} ({step})", reason.text), "see the relay's log")
    }

    pub(super) fn banner(relay: &str, reply: &Reply) -> Self {
        Self::refusal(
            relay,
            reply,
            "it does not want to talk to us",
            "ask the relay's operator why this machine is refused; the deliveries wait",
        )
    }

    pub(super) fn hello(relay: &str, reply: &Reply) -> Self {
        Self::refusal(
            relay,
            reply,
            "it refused our EHLO",
            "it must speak ESMTP and accept this machine's host name",
        )
    }

    pub(super) fn starttls_refused(relay: &str, reply: &Reply) -> Self {
        Self::refusal(relay, reply, "it offers STARTTLS and then refuses it", "see the relay's log")
    }

    pub(super) fn no_starttls(relay: &str) -> Self {
        Self::new(
            relay,
            "starttls",
            "it offers no encryption (STARTTLS), and the url demands it",
            "switch TLS on at the relay; or write smtps:// and port 465; or, inside a network that you trust, \
             ?tls=none",
        )
    }

    pub(super) fn injected(relay: &str) -> Self {
        Self::new(
            relay,
            "starttls",
            "something was put in behind its answer to STARTTLS, as an attacker on the way would do",
            "check the network between this machine and the relay, or write smtps:// and port 465",
        )
    }

    pub(super) fn handshake(relay: &str, host: &str, error: &io::Error) -> Self {
        let (code, what, mend) = tls::explain(error, host);
        Self::new(relay, code, what, mend)
    }

    pub(super) fn no_certificate_store(relay: &str, error: &rustls::Error) -> Self {
        Self::new(
            relay,
            "certificate",
            format!("this machine has no store of trusted certificates ({error})"),
            "install the package ca-certificates, or name a file in SSL_CERT_FILE",
        )
    }

    pub(super) fn no_server_name(relay: &str, host: &str) -> Self {
        Self::new(
            relay,
            "tls",
            format!("\"{host}\" is no name that a certificate could be made out to"),
            "correct the host in the provider's url",
        )
    }

    pub(super) fn login_in_plain_text(relay: &str) -> Self {
        Self::new(
            relay,
            "login",
            "a user name and password are set, but the connection is not encrypted, and they would be readable",
            "write ?tls=required or smtps:// into the provider's url, or remove the login",
        )
    }

    pub(super) fn no_login_offered(relay: &str) -> Self {
        Self::new(
            relay,
            "login",
            "a user name and password are set, but it takes neither AUTH PLAIN nor AUTH LOGIN here",
            "use its submission port (587 or 465), or remove the login from the provider's url",
        )
    }

    pub(super) fn login_refused(relay: &str, username: &str, reply: &Reply) -> Self {
        Self::refusal(
            relay,
            reply,
            &format!("it refused the login of user \"{username}\""),
            "correct user name and password of the provider",
        )
    }

    fn refusal(relay: &str, reply: &Reply, what: &str, mend: &str) -> Self {
        Self::new(relay, &reply.group(), format!("{what} ({reply})"), mend)
    }
}
