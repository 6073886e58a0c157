//! `[email]` with its providers, destinations and DKIM keys.

use std::collections::BTreeSet;
use std::time::Duration;

use secrecy::SecretString;

use crate::domain::address::{EmailAddress, parse_domain};
use crate::domain::settings::{
    BounceMailbox, Credentials, DkimKey, Email, EmailDestination, EmailProvider, EmailTransport, Mailbox,
    SmtpRelay,
};

use super::email_url::{self, EmailUrl, SmtpUrl};
use super::general::{MOST_CONNECTIONS, between};
use super::imap_url::{self, ImapUrl};
use super::secret::read_secret;
use super::section::Section;
use super::tree::Origin;

/// The local part of a return path has 64 characters; a delivery's id and its check take the rest.
const BOUNCE_LOCAL_LIMIT: usize = 16;

/// What a relay takes in general when nothing else was agreed.
const USUAL_CONNECTIONS: u16 = 10;

pub(super) fn read(section: &Section<'_>) -> Option<Email> {
    let from = section.required("from", str::parse::<Mailbox>);
    let reply_to = section.optional("reply_to", str::parse);
    let unreachable_domains = section.list("unreachable_domains", parse_domain);
    let hosted_domains = section.list("hosted_domains", parse_domain);
    let mut names = BTreeSet::new();
    let providers = section.sections("provider", |provider| read_provider(provider, &mut names));
    let mut domains = BTreeSet::new();
    let destinations = section.sections("destination", |group| read_destination(group, &mut domains));
    let mut selectors = BTreeSet::new();
    let dkim = section.sections("dkim", |key| read_dkim(key, &mut selectors));

    if section.is_empty_list("provider") {
        section
            .fault("provider", "is empty: name at least one [[email.provider]], or leave it out altogether");
    }
    let real = providers.iter().any(|provider| matches!(provider.transport, EmailTransport::Smtp(_)));
    if real && matches!(section.origin_of("from"), Some(Origin::Default)) {
        section.fault(
            "from",
            "a relay is configured, but not whom mails come from: set [email] from = \"Name <address>\" to an \
             address of your own that the relay accepts",
        );
    }
    let bounce_address = bounce_address(section, from.as_ref());
    let bounce_mailbox = bounce_mailbox(section);
    Some(Email {
        from: from?,
        reply_to,
        bounce_address: bounce_address?,
        bounce_mailbox,
        unreachable_domains,
        hosted_domains,
        providers,
        configured: !matches!(section.origin_of("provider"), Some(Origin::Default)),
        destinations,
        dkim,
    })
}

/// What is set; else the sender's address, so that what comes back reaches people at least.
fn bounce_address(section: &Section<'_>, from: Option<&Mailbox>) -> Option<EmailAddress> {
    let check = |address: EmailAddress| {
        if address.local().len() <= BOUNCE_LOCAL_LIMIT {
            return Ok(address);
        }
        Err(format!(
            "\"{}\" has more than {BOUNCE_LOCAL_LIMIT} characters before the @: set [email] bounce_address to a \
             mailbox with a shorter name, for an id is appended to it",
            address.local()
        ))
    };
    if !section.is_left_out("bounce_address") {
        return section.optional("bounce_address", |text| text.parse().and_then(check));
    }
    match check(from?.address.clone()) {
        Ok(address) => Some(address),
        Err(why) => {
            section.fault("bounce_address", format!("is not set, and from will not do: {why}"));
            None
        }
    }
}

/// The mailbox that returned mails are fetched from; a fault in it is noted.
fn bounce_mailbox(section: &Section<'_>) -> Option<BounceMailbox> {
    let poll =
        section.required("bounce_poll", between(Duration::from_secs(1), Duration::from_secs(24 * 3600)));
    let url = section.secret("bounce_mailbox", "bounce_mailbox_file")?;
    let poll = poll?;
    match imap_url::parse(&url.text) {
        Ok(ImapUrl { host, port, tls, username, password, folder }) => {
            let credentials = Credentials { username, password: SecretString::from(password) };
            Some(BounceMailbox { host, port, tls, credentials, folder, poll })
        }
        Err(why) => {
            section.fault(url.key, why);
            None
        }
    }
}

fn read_provider(section: &Section<'_>, names: &mut BTreeSet<String>) -> Option<EmailProvider> {
    let name = section.required("name", |text| unique_name(text, names));
    let connections = section.number("connections", 1..=MOST_CONNECTIONS);
    let rate = section.optional("rate", str::parse);
    let mend = "write smtp://HOST:587, smtps://HOST:465 or outbox:FOLDER";
    let url = section.required_secret("url", "url_file", mend);
    let username = section.optional("username", |text| Ok(text.to_owned()));
    let password = section.secret("password", "password_file").map(|secret| secret.text);
    let url = url?;
    let transport = match email_url::parse(&url.text) {
        Ok(EmailUrl::Outbox(folder)) => EmailTransport::Outbox(section.resolve(&folder)),
        Ok(EmailUrl::Smtp(url)) => EmailTransport::Smtp(relay(section, url, username, password)?),
        Err(why) => {
            section.fault(url.key, why);
            return None;
        }
    };
    Some(EmailProvider {
        name: name?,
        transport,
        connections: connections.unwrap_or(USUAL_CONNECTIONS),
        rate,
    })
}

fn relay(
    section: &Section<'_>,
    url: SmtpUrl,
    username: Option<String>,
    password: Option<String>,
) -> Option<SmtpRelay> {
    let credentials = match (username.or(url.username), password.or(url.password)) {
        (None, None) => None,
        (Some(username), Some(password)) => {
            Some(Credentials { username, password: SecretString::from(password) })
        }
        (Some(_), None) => {
            if section.has_no_secret("password", "password_file") {
                section
                    .fault("username", "there is a user name but no password: add password or password_file");
            }
            return None;
        }
        (None, Some(_)) => {
            if section.is_left_out("username") {
                section.fault("password", "there is a password but no user name: add username");
            }
            return None;
        }
    };
    Some(SmtpRelay { host: url.host, port: url.port, tls: url.tls, credentials })
}

fn read_destination(section: &Section<'_>, known: &mut BTreeSet<String>) -> Option<EmailDestination> {
    let mut domains = section.list("domains", parse_domain);
    let rate = section.optional("rate", str::parse);
    let connections = section.number("connections", 1..=MOST_CONNECTIONS);
    if section.is_left_out("domains") || section.is_empty_list("domains") {
        section.fault("domains", "names no mail domain: write domains = [\"t-online.de\"]");
    }
    if section.is_left_out("rate") && section.is_left_out("connections") {
        section.fault("rate", "this destination has no limit: give it rate or connections, or remove it");
    }
    for domain in &domains {
        if !known.insert(domain.clone()) {
            section.fault("domains", format!("{domain} stands here a second time: keep one of them"));
        }
    }
    domains.dedup();
    Some(EmailDestination { name: domains.first()?.clone(), domains, rate, connections })
}

fn read_dkim(section: &Section<'_>, known: &mut BTreeSet<(String, String)>) -> Option<DkimKey> {
    let domain = section.required("domain", parse_domain);
    let selector = section.required("selector", selector);
    let key_file = section.required("key_file", |text| {
        let path = section.resolve(text);
        match read_secret(&path)? {
            pem if pem.contains("-----BEGIN ") && pem.contains("PRIVATE KEY-----") => Ok(path),
            _ => Err(format!(
                "{} holds no private key as PEM (\"-----BEGIN PRIVATE KEY-----\"): name the file of the private \
                 key, not the one for the DNS",
                path.display()
            )),
        }
    });
    let key = DkimKey { domain: domain?, selector: selector?, key_file: key_file? };
    if !known.insert((key.domain.clone(), key.selector.clone())) {
        section.fault("selector", "stands there twice for this domain: each key needs a selector of its own");
    }
    Some(key)
}

/// One or more labels (RFC 6376, section 3.1).
fn selector(text: &str) -> Result<String, String> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if text.split('.').all(label) {
        return Ok(text.to_ascii_lowercase());
    }
    Err(format!("\"{}\" is no selector: write letters, digits and hyphens", text.escape_debug()))
}

/// A provider's name: it stands in lists, logs and the store.
pub(super) fn unique_name(text: &str, known: &mut BTreeSet<String>) -> Result<String, String> {
    let fits = (1..=40).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if !fits {
        return Err(format!(
            "\"{}\" is no name: write at most 40 letters, digits, hyphens, dots or underscores",
            text.escape_debug()
        ));
    }
    if !known.insert(text.to_owned()) {
        return Err(format!("two providers are named \"{text}\": give one of them another name"));
    }
    Ok(text.to_owned())
}
