//! `[email]` with its providers, destinations and keys.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;

use crate::domain::address::{Address, EmailAddress};
use crate::domain::rate::Rate;

/// `[email]`
#[derive(Debug, Clone)]
pub struct Email {
    /// Who it is from: the display name and the address.
    pub from: Mailbox,
    /// Where answers go, if not to `from`.
    pub reply_to: Option<Mailbox>,
    /// Base of the return path; its local part has at most 16 characters.
    pub bounce_address: EmailAddress,
    /// The mailbox that returned mails are fetched from, if they do not come in by themselves.
    pub bounce_mailbox: Option<BounceMailbox>,
    /// Domains that are dead now.
    pub unreachable_domains: Vec<String>,
    /// Domains that are dead when we are.
    pub hosted_domains: Vec<String>,
    /// The relays, in the order in which they are tried; at least one.
    pub providers: Vec<EmailProvider>,
    /// Whether somebody chose them; otherwise the default stands, a folder that sends nothing.
    pub configured: bool,
    /// Destinations with limits of their own.
    pub destinations: Vec<EmailDestination>,
    /// The keys that sign.
    pub dkim: Vec<DkimKey>,
}

impl Email {
    /// The destination whose limits hold for `address`: the configured one that has its domain, or its own.
    pub fn destination(&self, address: &Address) -> String {
        let natural = address.natural_destination();
        let configured = self.destinations.iter().find(|destination| destination.domains.contains(&natural));
        configured.map_or(natural, |destination| destination.name.clone())
    }

    /// Whether mail to `address` cannot arrive now.
    pub fn is_unreachable(&self, address: &Address) -> bool {
        matches!(address, Address::Email(address)
            if self.unreachable_domains.iter().any(|domain| domain == address.domain()))
    }
}

/// `Name <address>`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The display name; may be empty.
    pub name: String,
    /// The address.
    pub address: EmailAddress,
}

impl FromStr for Mailbox {
    type Err = String;

    /// Takes `Name <address>` and `address`; the name may stand in double quotes.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (name, address) = match text.strip_suffix('>').and_then(|text| text.split_once('<')) {
            Some((name, address)) => (name.trim(), address),
            None => ("", text),
        };
        let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
        if name.chars().any(char::is_control) {
            return Err("the name before the address contains a line break or another control \
                        character: write it on one line"
                .to_owned());
        }
        Ok(Self { name: name.to_owned(), address: address.parse()? })
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.is_empty() { self.address.fmt(f) } else { write!(f, "{} <{}>", self.name, self.address) }
    }
}

/// `[[email.provider]]`
#[derive(Debug, Clone)]
pub struct EmailProvider {
    /// The name in lists, reports and logs; unique.
    pub name: String,
    /// Where and how.
    pub transport: EmailTransport,
    /// How many connections at most.
    pub connections: u16,
    /// The quota, if there is one.
    pub rate: Option<Rate>,
}

/// How a relay is spoken to.
#[derive(Debug, Clone)]
pub enum EmailTransport {
    /// SMTP.
    Smtp(SmtpRelay),
    /// A folder that takes one `.eml` file a message.
    Outbox(PathBuf),
}

/// An SMTP relay.
#[derive(Debug, Clone)]
pub struct SmtpRelay {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// When the connection is encrypted.
    pub tls: SmtpTls,
    /// User name and password, if it wants a login.
    pub credentials: Option<Credentials>,
}

/// When an SMTP connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// From the first byte (`smtps://`, RFC 8314).
    Implicit,
    /// By STARTTLS, or not at all is it used (`smtp://…?tls=required`, the default).
    Required,
    /// By STARTTLS where offered (`?tls=opportunistic`).
    Opportunistic,
    /// Never (`?tls=none`).
    None,
}

/// A login.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Who.
    pub username: String,
    /// What proves it.
    pub password: SecretString,
}

/// `bounce_mailbox`, with `bounce_poll`: a mailbox that is read by IMAP (RFC 9051).
#[derive(Debug, Clone)]
pub struct BounceMailbox {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// When the connection is encrypted.
    pub tls: ImapTls,
    /// User name and password.
    pub credentials: Credentials,
    /// The folder's name, ASCII.
    pub folder: String,
    /// The pause between two looks into it.
    pub poll: Duration,
}

/// When an IMAP connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImapTls {
    /// From the first byte (`imaps://`, RFC 8314).
    Implicit,
    /// By STARTTLS, or not at all is it used (`imap://…?tls=required`, the default).
    Required,
    /// Never (`?tls=none`).
    None,
}

/// `[[email.destination]]`
#[derive(Debug, Clone)]
pub struct EmailDestination {
    /// The destination's name in the store: its first domain.
    pub name: String,
    /// The domains that share the limits.
    pub domains: Vec<String>,
    /// The quota, if there is one.
    pub rate: Option<Rate>,
    /// How many connections at most, if that is limited.
    pub connections: Option<u16>,
}

/// `[[email.dkim]]`
#[derive(Debug, Clone)]
pub struct DkimKey {
    /// The signing domain (`d=`).
    pub domain: String,
    /// The selector (`s=`).
    pub selector: String,
    /// The private key, PEM.
    pub key_file: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_is_an_address_with_or_without_a_name() {
        for text in ["KDM Notfall <notfall@kdm.example>", "\"KDM Notfall\" <notfall@kdm.example>"] {
            let mailbox: Mailbox = text.parse().unwrap();
            assert_eq!(mailbox.to_string(), "KDM Notfall <notfall@kdm.example>");
        }
        assert_eq!("notfall@kdm.example".parse::<Mailbox>().unwrap().name, "");
        for wrong in ["", "KDM", "KDM <>", "K\nBcc: x@y.example <notfall@kdm.example>", "<a@b.example> KDM"] {
            assert!(wrong.parse::<Mailbox>().is_err(), "{wrong:?}");
        }
    }
}
