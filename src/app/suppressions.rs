//! Addresses that are not to be used: adding a block by hand, and lifting one whoever made it.

use crate::domain::actor::{Actor, Right};
use crate::domain::address::{Address, Channel};
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::clock::Timestamp;

use super::failure::Failure;
use super::instance::Instance;

/// The reason's code when a person has said so.
const MANUAL: &str = "manual";

/// The longest reason that is taken, in characters.
const LONGEST_REASON: usize = 300;

/// An address in the form under which its block is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blockable {
    /// What kind of address it is.
    pub channel: Channel,
    /// Normalised, in lower case.
    pub address: String,
}

impl Blockable {
    /// The address that `text` is, with the channel that it shows.
    ///
    /// # Errors
    /// When it is an address of no channel.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let channel = if text.contains("://") {
            Channel::Webhook
        } else if text.contains('@') {
            Channel::Email
        } else if text.contains(|c: char| c.is_ascii_digit()) {
            Channel::Sms
        } else {
            return Err(Failure::Wrong(format!(
                "\"{}\" is no address: write an e-mail address, a telephone number with country code, or a webhook's \
                 URL",
                text.escape_debug()
            )));
        };
        let address = Address::parse(channel, text)
            .map_err(|why| Failure::Wrong(format!("{why}; nothing was changed")))?;
        // Blocks are compared with addresses in lower case, a webhook's too.
        Ok(Self { channel, address: address.normalised().to_ascii_lowercase() })
    }

    /// What the audit log calls it: never the address itself.
    fn subject(&self, instance: &Instance) -> Subject {
        Subject::new("address", format_args!("{}/{}", self.channel, instance.seal.pseudonym(&self.address)))
    }
}

/// A reason as it is kept.
///
/// # Errors
/// When it is not one line of 1 to 300 characters.
pub fn checked(reason: &str) -> Result<&str, Failure> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().any(char::is_control) || reason.chars().count() > LONGEST_REASON {
        return Err(Failure::Wrong(format!(
            "the reason must be one line of 1 to {LONGEST_REASON} characters; nothing was changed"
        )));
    }
    Ok(reason)
}

/// Blocks an address until `until`, or until it is lifted; gives how many deliveries that waited for it are stopped by
/// that. `reason` is one line of 1 to 300 characters.
///
/// # Errors
/// When `actor` may not, the reason is none, or the store cannot be written; then nothing has changed.
pub async fn add(
    instance: &Instance,
    actor: &Actor,
    what: &Blockable,
    reason: &str,
    until: Option<Timestamp>,
) -> Result<usize, Failure> {
    actor.may(Right::ContactsWrite)?;
    let reason = checked(reason)?;
    let entry = NewEntry::new(actor, "suppression.added", what.subject(instance)).because(reason);
    Ok(instance.store.suppress(what.channel.as_str(), &what.address, MANUAL, reason, until, &entry).await?)
}

/// Lifts the block of an address; says whether there was one.
///
/// # Errors
/// When `actor` may not, or the store cannot be written; then nothing has changed.
pub async fn lift(instance: &Instance, actor: &Actor, what: &Blockable) -> Result<bool, Failure> {
    actor.may(Right::ContactsWrite)?;
    let entry = NewEntry::new(actor, "suppression.lifted", what.subject(instance));
    Ok(instance.store.lift_suppression(what.channel.as_str(), &what.address, &entry).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_shows_its_channel() {
        let cases = [
            ("Rathaus@Musterdorf.EXAMPLE", Channel::Email, "rathaus@musterdorf.example"),
            ("0152 28817386", Channel::Sms, "+4915228817386"),
            ("https://hooks.example/Rundruf", Channel::Webhook, "https://hooks.example/rundruf"),
        ];
        for (text, channel, kept) in cases {
            assert_eq!(Blockable::parse(text).unwrap(), Blockable { channel, address: kept.to_owned() });
        }
        for wrong in ["", "rathaus", "a@b", "110", "https://"] {
            assert!(Blockable::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
