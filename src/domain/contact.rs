//! Who can be told something, and how.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::address::{Address, Channel};
use super::attributes::Attributes;
use super::grounds::Grounds;
use super::ids::ContactKey;
use super::mask::mask_address;

/// A contact as its file gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The id from the file: letters, digits, `-`, `_`, `.`; unique in the instance.
    pub id: String,
    /// Whom or what it names: `Bürgermeisteramt Musterdorf`.
    pub name: String,
    /// Whom it belongs to; empty if nothing was said.
    pub organisation: String,
    /// How it is addressed: `Sehr geehrte Frau Dr. Özdemir`. Empty: the template pack's neutral form.
    pub salutation: String,
    /// Which language it reads: `de`, `en`. Empty: the instance's.
    pub language: String,
    /// Who is told when this contact cannot be: another contact's id.
    pub deputy: Option<String>,
    /// Its contact points, at most one per channel and rank, the first of a channel with rank 1.
    pub points: Vec<ContactPoint>,
    /// The groups it is a direct member of.
    pub groups: Vec<String>,
    /// Every other column of the file, empty values left out.
    pub attributes: Attributes,
}

/// One address of a contact.
#[derive(Clone, PartialEq, Eq)]
pub struct ContactPoint {
    /// Where.
    pub address: Address,
    /// 1 is tried first within a channel.
    pub rank: u8,
    /// Webhooks only: the secrets that sign (`whsec_…`), from column `webhook_secret`; several, separated by spaces,
    /// the newest first, while one is being replaced.
    pub webhook_secret: Option<String>,
    /// Webhooks only: the body's form, from column `webhook_format`.
    pub webhook_format: WebhookFormat,
    /// Why it is kept.
    pub grounds: Grounds,
}

/// Shows neither the secrets nor the address, which is one too for many endpoints.
impl fmt::Debug for ContactPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContactPoint")
            .field("address", &mask_address(self.address.as_str()))
            .field("rank", &self.rank)
            .field("signed", &self.webhook_secret.is_some())
            .field("webhook_format", &self.webhook_format)
            .finish_non_exhaustive()
    }
}

/// The form of a webhook's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WebhookFormat {
    /// Standard Webhooks.
    #[default]
    Standard,
    /// Slack's incoming webhooks.
    Slack,
    /// Mattermost's incoming webhooks.
    Mattermost,
    /// Teams workflows.
    Teams,
}

impl WebhookFormat {
    /// The word in files, the store and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Slack => "slack",
            Self::Mattermost => "mattermost",
            Self::Teams => "teams",
        }
    }
}

impl std::str::FromStr for WebhookFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Standard, Self::Slack, Self::Mattermost, Self::Teams]
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| {
                format!("\"{text}\" is no webhook format: write standard, slack, mattermost or teams")
            })
    }
}

impl Contact {
    /// Its contact points of one channel, in the order of their ranks.
    pub fn points_of(&self, channel: Channel) -> impl Iterator<Item = &ContactPoint> {
        let mut points: Vec<&ContactPoint> =
            self.points.iter().filter(|point| point.address.channel() == channel).collect();
        points.sort_by_key(|point| point.rank);
        points.into_iter()
    }

    /// What a template may say of it, looked at.
    pub fn card_fields(&self) -> CardFields<'_> {
        CardFields {
            id: &self.id,
            name: &self.name,
            organisation: &self.organisation,
            salutation: &self.salutation,
            language: &self.language,
            attributes: &self.attributes,
        }
    }

    /// What a template may say of it.
    pub fn card(&self) -> ContactCard {
        ContactCard {
            id: self.id.clone(),
            name: self.name.clone(),
            organisation: self.organisation.clone(),
            salutation: self.salutation.clone(),
            language: self.language.clone(),
            attributes: self.attributes.clone(),
        }
    }
}

/// What a template may say of a contact; frozen with the audience. In JSON the attributes stand beside the
/// other fields, as templates name them: `{{contact.street}}`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ContactCard {
    /// See [`Contact::id`].
    pub id: String,
    /// See [`Contact::name`].
    pub name: String,
    /// See [`Contact::organisation`].
    #[serde(default)]
    pub organisation: String,
    /// See [`Contact::salutation`].
    #[serde(default)]
    pub salutation: String,
    /// See [`Contact::language`].
    #[serde(default)]
    pub language: String,
    /// See [`Contact::attributes`].
    #[serde(flatten)]
    pub attributes: Attributes,
}

/// A [`ContactCard`] that is only looked at; in JSON it is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CardFields<'a> {
    /// See [`Contact::id`].
    pub id: &'a str,
    /// See [`Contact::name`].
    pub name: &'a str,
    /// See [`Contact::organisation`].
    pub organisation: &'a str,
    /// See [`Contact::salutation`].
    pub salutation: &'a str,
    /// See [`Contact::language`].
    pub language: &'a str,
    /// See [`Contact::attributes`].
    #[serde(flatten)]
    pub attributes: &'a Attributes,
}

impl ContactCard {
    /// What it says.
    pub fn fields(&self) -> CardFields<'_> {
        CardFields {
            id: &self.id,
            name: &self.name,
            organisation: &self.organisation,
            salutation: &self.salutation,
            language: &self.language,
            attributes: &self.attributes,
        }
    }
}

/// A contact that the store knows, with its pseudonym.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownContact {
    /// What deliveries carry.
    pub key: ContactKey,
    /// The rest.
    pub contact: Contact,
}

/// A named set of contacts, which may contain other groups.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Group {
    /// Lower case, as in commands: `municipalities`, `municipalities.north`.
    pub name: String,
    /// What people read: `Kommunen`.
    pub title: String,
    /// Names of the groups in it.
    pub contains: Vec<String>,
}

/// Everything that the contact files say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContactBook {
    /// In the order of the files.
    pub contacts: Vec<Contact>,
    /// Every group that a file, a column or `groups.toml` names, by name.
    pub groups: BTreeMap<String, Group>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_that_is_looked_at_says_the_same_in_json() {
        let contact = Contact {
            id: "amt".to_owned(),
            name: "Amt".to_owned(),
            organisation: "Musterdorf".to_owned(),
            salutation: "Guten Tag".to_owned(),
            language: "de".to_owned(),
            deputy: None,
            points: Vec::new(),
            groups: Vec::new(),
            attributes: [("plz", "01234"), ("ort", "Musterdorf")].into(),
        };
        let text = serde_json::to_string(&contact.card()).unwrap();
        assert_eq!(serde_json::to_string(&contact.card_fields()).unwrap(), text);
        assert_eq!(serde_json::to_string(&contact.card().fields()).unwrap(), text);
        assert_eq!(serde_json::from_str::<ContactCard>(&text).unwrap(), contact.card());
    }

    #[test]
    fn a_contact_point_shows_no_secret() {
        let point = ContactPoint {
            address: Address::parse(Channel::Webhook, "https://hooks.example/services/T0/geheim").unwrap(),
            rank: 1,
            webhook_secret: Some("whsec_c2VjcmV0".to_owned()),
            webhook_format: WebhookFormat::Slack,
            grounds: Grounds::default(),
        };
        let shown = format!("{point:?}");
        assert!(!shown.contains("geheim") && !shown.contains("whsec_"), "{shown}");
    }
}
