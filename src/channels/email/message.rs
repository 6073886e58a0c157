//! Composes one message for one recipient: its headers and its two parts.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use lettre::message::header::{self, Header, HeaderName, HeaderValue, Headers};

use crate::domain::address::EmailAddress;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{DeliveryId, IncidentId};
use crate::domain::message::EmailContent;
use crate::domain::seal::{Seal, base32};
use crate::domain::settings::Email;

use super::dkim::Signer;
use super::encoded_lines::EncodedLines;
use super::header_text::{mailbox, unstructured};
use super::mould::{Filling, Mould};
use super::return_path::ReturnPath;

/// One e-mail before it is composed.
#[derive(Debug, Clone, Copy)]
pub struct OutgoingEmail<'a> {
    /// The delivery; Message-ID, return path and boundary derive from it, so that every try is the same.
    pub delivery: DeliveryId,
    /// Which round of the delivery; bounces come back to it.
    pub round: i64,
    /// Whom it goes to.
    pub to: &'a EmailAddress,
    /// The recipient's name; may be empty.
    pub to_name: &'a str,
    /// The rendered words.
    pub content: &'a EmailContent,
    /// When the notice was released: the same in every try.
    pub date: Timestamp,
    /// Message-IDs, with their `<>`, of what this message follows, oldest first; see [`Composer::thread_id`].
    pub references: &'a [String],
    /// What complaints are counted by.
    pub feedback: Feedback<'a>,
    /// Only for subscribers.
    pub list_unsubscribe: Option<ListUnsubscribe<'a>>,
}

/// The first two fields of `Feedback-ID`.
#[derive(Debug, Clone, Copy)]
pub struct Feedback<'a> {
    /// The notice (`2026-0007`).
    pub campaign: &'a str,
    /// The group that the recipient belongs to.
    pub group: &'a str,
}

/// The ways to unsubscribe (RFC 2369, RFC 8058).
#[derive(Debug, Clone, Copy)]
pub struct ListUnsubscribe<'a> {
    /// Takes the one-click POST.
    pub https: &'a str,
    /// Takes a message instead.
    pub mailto: Option<&'a str>,
}

/// A message as it goes over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The delivery.
    pub delivery: DeliveryId,
    /// The envelope's sender, which bounces go to.
    pub return_path: String,
    /// The envelope's recipient.
    pub to: EmailAddress,
    /// What is written after DATA: the message with lines ended by CRLF, leading dots doubled, and the final
    /// dot (RFC 5321, section 4.5.2).
    pub data: String,
}

impl Mail {
    /// Makes `message` (CRLF line ends) ready for the wire.
    pub fn new(delivery: DeliveryId, return_path: String, to: EmailAddress, message: &str) -> Self {
        Self { delivery, return_path, to, data: stuff(message) }
    }

    /// The message itself, without doubled dots and final dot.
    pub fn message(&self) -> String {
        let text = self.data.strip_suffix(".\r\n").unwrap_or(&self.data);
        let mut message = String::with_capacity(text.len());
        for line in text.split_inclusive('\n') {
            message.push_str(line.strip_prefix('.').unwrap_or(line));
        }
        message
    }
}

fn stuff(message: &str) -> String {
    let mut data = String::with_capacity(message.len() + 32);
    for line in message.split_inclusive('\n') {
        if line.starts_with('.') {
            data.push('.');
        }
        data.push_str(line);
    }
    if !data.ends_with("\r\n") {
        data.push_str("\r\n");
    }
    data.push_str(".\r\n");
    data
}

/// What the message before had become, part by part.
#[derive(Debug, Default)]
pub struct Before {
    frame: Option<Frame>,
    mould: Option<Mould>,
    text: EncodedLines,
    html: EncodedLines,
}

/// Everything in the headers that does not belong to the recipient. `None` in [`Before`]: they are like no other's.
#[derive(Debug, PartialEq, Eq)]
struct Frame {
    subject: String,
    language: String,
    date: Timestamp,
    campaign: String,
    group: String,
    references: Vec<String>,
}

impl Frame {
    /// `None` when the headers hold more that is the recipient's own.
    fn of(email: &OutgoingEmail<'_>) -> Option<Self> {
        email.list_unsubscribe.is_none().then(|| Self {
            subject: email.content.subject.clone(),
            language: email.content.language.clone(),
            date: email.date,
            campaign: email.feedback.campaign.to_owned(),
            group: email.feedback.group.to_owned(),
            references: email.references.to_vec(),
        })
    }
}

/// Why a message could not be composed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// A key that was fine when it was read does not sign.
    #[error("the DKIM key of selector {selector} could not sign: replace its key_file")]
    Signing {
        /// The key's selector.
        selector: String,
    },
    /// A value that becomes part of a header as it stands is not fit for that.
    #[error("{header} cannot hold \"{value}\": it must be printable ASCII without spaces")]
    Header {
        /// The header's name.
        header: &'static str,
        /// The value.
        value: String,
    },
}

/// Composes messages of one instance.
#[derive(Debug)]
pub struct Composer {
    from: HeaderValue,
    reply_to: Option<HeaderValue>,
    constant: Vec<HeaderValue>,
    message_id_domain: String,
    sender_id: String,
    return_path: ReturnPath,
    signers: Vec<Signer>,
}

impl Composer {
    /// `short_name` is the instance's (it becomes the SenderId of `Feedback-ID`), `seal` seals return
    /// paths, `signers` sign every message.
    pub fn new(settings: &Email, short_name: &str, seal: Seal, signers: Vec<Signer>) -> Self {
        let from = &settings.from;
        Self {
            from: mailbox("From", &from.name, from.address.as_str()),
            reply_to: settings
                .reply_to
                .as_ref()
                .map(|reply_to| mailbox("Reply-To", &reply_to.name, reply_to.address.as_str())),
            constant: vec![
                header::MIME_VERSION_1_0.display(),
                plain("Auto-Submitted", "auto-generated".to_owned()),
                // Not "All": that would suppress bounces as well (MS-OXCMAIL, section 2.2.3.2.14).
                plain("X-Auto-Response-Suppress", "OOF, AutoReply".to_owned()),
            ],
            message_id_domain: from.address.domain().to_owned(),
            sender_id: sender_id(short_name),
            return_path: ReturnPath::new(&settings.bounce_address, seal),
            signers,
        }
    }

    /// The Message-ID of a delivery, with its `<>`: the same for every try.
    pub fn message_id(&self, delivery: DeliveryId) -> String {
        format!("<{}@{}>", base32(delivery), self.message_id_domain)
    }

    /// What every mail of an incident refers to (RFC 5322, section 3.6.4), so that mail programs show them together. No
    /// message has this id: which of them somebody got differs from one recipient to the next.
    pub fn thread_id(&self, incident: IncidentId) -> String {
        format!("<incident.{}@{}>", incident.0.simple(), self.message_id_domain)
    }

    /// The return paths in use.
    pub const fn return_path(&self) -> &ReturnPath {
        &self.return_path
    }

    /// Composes and signs one message. The same input gives the same message.
    ///
    /// # Errors
    /// When a reference or an unsubscribe address is no header text, or a key does not sign.
    pub fn compose(&self, email: &OutgoingEmail<'_>) -> Result<Mail, ComposeError> {
        self.compose_after(email, &mut Before::default())
    }

    /// The same, faster where the message before it, of which `before` knows, had much the same words.
    ///
    /// # Errors
    /// As [`Composer::compose`].
    pub fn compose_after(
        &self,
        email: &OutgoingEmail<'_>,
        before: &mut Before,
    ) -> Result<Mail, ComposeError> {
        let id = base32(email.delivery);
        let to = header_line(mailbox("To", email.to_name, email.to.as_str()));
        let frame = Frame::of(email);
        if frame.is_none() || before.frame != frame {
            let mut headers = Headers::with_capacity(20);
            self.set_headers(&mut headers, email)?;
            before.mould = Some(Mould::cast(headers, &to, &id));
            before.frame = frame;
        }
        let text = before.text.encode(&email.content.text);
        let html = before.html.encode(&email.content.html);
        let filling = Filling { to: &to, id: &id, text: &text, html: &html };
        let message = before.mould.as_ref().map(|mould| mould.fill(filling)).unwrap_or_default();
        let message = self.signed(message, email.date)?;
        Ok(Mail::new(
            email.delivery,
            self.return_path.of(email.delivery, email.round),
            email.to.clone(),
            &message,
        ))
    }

    fn set_headers(&self, headers: &mut Headers, email: &OutgoingEmail<'_>) -> Result<(), ComposeError> {
        headers.insert_raw(self.from.clone());
        headers.insert_raw(mailbox("To", email.to_name, email.to.as_str()));
        if let Some(reply_to) = &self.reply_to {
            headers.insert_raw(reply_to.clone());
        }
        headers.insert_raw(unstructured("Subject", &email.content.subject));
        let since_epoch = Duration::from_millis(u64::try_from(email.date.0).unwrap_or(0));
        headers.set(header::Date::new(SystemTime::UNIX_EPOCH + since_epoch));
        headers.insert_raw(plain("Message-ID", self.message_id(email.delivery)));
        if let Some(parent) = email.references.last() {
            for reference in email.references {
                printable("References", reference)?;
            }
            headers.insert_raw(plain("In-Reply-To", parent.clone()));
            headers.insert_raw(plain("References", email.references.join("\r\n ")));
        }
        for value in &self.constant {
            headers.insert_raw(value.clone());
        }
        printable("Content-Language", &email.content.language)?;
        headers.insert_raw(plain("Content-Language", email.content.language.clone()));
        headers.insert_raw(plain("Feedback-ID", self.feedback_id(email.feedback)));
        if let Some(unsubscribe) = email.list_unsubscribe {
            set_list_headers(headers, unsubscribe)?;
        }
        Ok(())
    }

    /// `campaign:group:channel:SenderId`
    fn feedback_id(&self, feedback: Feedback<'_>) -> String {
        format!("{}:{}:email:{}", word(feedback.campaign), word(feedback.group), self.sender_id)
    }

    fn signed(&self, message: String, date: Timestamp) -> Result<String, ComposeError> {
        if self.signers.is_empty() {
            return Ok(message);
        }
        let mut signed = Signer::sign_all(&self.signers, message.as_bytes(), date)
            .map_err(|selector| ComposeError::Signing { selector })?;
        signed.push_str(&message);
        Ok(signed)
    }
}

/// A header as it stands in a message, with its line end.
fn header_line(value: HeaderValue) -> String {
    let mut headers = Headers::new();
    headers.insert_raw(value);
    headers.to_string()
}

fn set_list_headers(headers: &mut Headers, unsubscribe: ListUnsubscribe<'_>) -> Result<(), ComposeError> {
    let mut value = format!("<{}>", printable("List-Unsubscribe", unsubscribe.https)?);
    if let Some(mailto) = unsubscribe.mailto {
        let _ = write!(value, ",\r\n <{}>", printable("List-Unsubscribe", mailto)?);
    }
    headers.insert_raw(plain("List-Unsubscribe", value));
    headers.insert_raw(plain("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()));
    headers.insert_raw(plain("Precedence", "bulk".to_owned()));
    Ok(())
}

fn plain(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str(name), value.clone(), value)
}

/// Lets through what cannot break out of its header and stays below the hard limit of a line.
fn printable<'a>(header: &'static str, value: &'a str) -> Result<&'a str, ComposeError> {
    if (1..=900).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(value);
    }
    Err(ComposeError::Header { header, value: value.chars().take(60).flat_map(char::escape_debug).collect() })
}

/// A field of `Feedback-ID`: letters, digits, `.`, `_`, `-`; anything else becomes `-`.
fn word(text: &str) -> String {
    text.chars()
        .take(40)
        .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' })
        .collect()
}

/// 5 to 15 characters, as the receivers' counting asks for.
fn sender_id(short_name: &str) -> String {
    let id: String = short_name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .take(15)
        .collect();
    if id.len() < 5 { format!("rundruf{id}") } else { id }
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
