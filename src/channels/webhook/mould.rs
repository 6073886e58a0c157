//! Bodies of one notice, one after the other: what they have in common is written once.

use serde_json::Value;

use crate::domain::clock::Timestamp;
use crate::domain::contact::WebhookFormat;
use crate::domain::notice::Visibility;
use crate::domain::template::Phase;

use super::body::{Publication, body, bytes};

/// Bodies of one notice after the other: those that differ in nothing but the contact are written once.
#[derive(Debug, Default)]
pub struct Bodies {
    mould: Option<Mould>,
    last_text: String,
}

/// A body with a gap where the contact's id stands; a form that does not name the contact has none.
#[derive(Debug)]
struct Mould {
    format: WebhookFormat,
    text: String,
    own: Option<Value>,
    facts: Facts,
    start: Vec<u8>,
    rest: Option<Vec<u8>>,
}

/// Everything else that a body says.
#[derive(Debug)]
struct Facts {
    published_at: Timestamp,
    expires_at: Timestamp,
    next_update_at: Option<Timestamp>,
    words: [String; 5],
    incident: Option<String>,
    supersedes: Option<String>,
    services: Vec<String>,
    phase: Option<Phase>,
    visibility: Visibility,
    exercise: bool,
}

/// Stands where the contact's id will.
const GAP: &str = "\u{f8fe}contact\u{f8fe}";

impl Bodies {
    /// The same as [`body`].
    pub fn body(&mut self, format: WebhookFormat, publication: &Publication<'_>) -> Vec<u8> {
        if let Some(mould) = self.mould.as_ref().filter(|mould| mould.fits(format, publication)) {
            return mould.fill(publication.contact);
        }
        // A text that is each reader's own is not worth one.
        if self.last_text == publication.text {
            self.mould = Mould::of(format, publication);
            if let Some(mould) = &self.mould {
                return mould.fill(publication.contact);
            }
        }
        publication.text.clone_into(&mut self.last_text);
        body(format, publication)
    }
}

impl Mould {
    /// `None` when the place of the contact cannot be told.
    fn of(format: WebhookFormat, publication: &Publication<'_>) -> Option<Self> {
        let with = |contact| body(format, &Publication { contact, ..publication.clone() });
        let (whole, without) = (with(GAP), with(""));
        if find_all(&without, GAP.as_bytes()).next().is_some() {
            return None;
        }
        let mut gaps = find_all(&whole, GAP.as_bytes());
        let (start, rest) = match (gaps.next(), gaps.next()) {
            (None, _) => (whole.as_slice(), None),
            (Some(at), None) => (&whole[..at], Some(whole[at + GAP.len()..].to_vec())),
            (Some(_), Some(_)) => return None,
        };
        Some(Self {
            format,
            text: publication.text.to_owned(),
            own: publication.own.cloned(),
            facts: Facts::of(publication),
            start: start.to_vec(),
            rest,
        })
    }

    fn fits(&self, format: WebhookFormat, publication: &Publication<'_>) -> bool {
        self.format == format
            && self.text == publication.text
            && self.own.as_ref() == publication.own
            && self.facts.are_of(publication)
    }

    fn fill(&self, contact: &str) -> Vec<u8> {
        let rest = self.rest.as_deref().unwrap_or_default();
        let mut out = Vec::with_capacity(self.start.len() + contact.len() + rest.len() + 16);
        out.extend_from_slice(&self.start);
        if self.rest.is_some() {
            let quoted = bytes(&contact);
            out.extend_from_slice(quoted.get(1..quoted.len() - 1).unwrap_or_default());
        }
        out.extend_from_slice(rest);
        out
    }
}

fn find_all<'a>(bytes: &'a [u8], wanted: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    bytes.windows(wanted.len()).enumerate().filter(move |(_, window)| *window == wanted).map(|(at, _)| at)
}

impl Facts {
    fn are_of(&self, publication: &Publication<'_>) -> bool {
        let Publication { number, code, url, title, language, .. } = *publication;
        self.words.iter().map(String::as_str).eq([number, code, url, title, language])
            && self.incident.as_deref() == publication.incident
            && self.supersedes.as_deref() == publication.supersedes
            && self.services.iter().map(String::as_str).eq(publication.services.iter().copied())
            && (self.published_at, self.expires_at) == (publication.published_at, publication.expires_at)
            && (self.next_update_at, self.phase) == (publication.next_update_at, publication.phase)
            && (self.visibility, self.exercise) == (publication.visibility, publication.exercise)
    }

    fn of(publication: &Publication<'_>) -> Self {
        let Publication { number, code, url, title, language, .. } = *publication;
        Self {
            published_at: publication.published_at,
            expires_at: publication.expires_at,
            next_update_at: publication.next_update_at,
            words: [number, code, url, title, language].map(str::to_owned),
            incident: publication.incident.map(str::to_owned),
            supersedes: publication.supersedes.map(str::to_owned),
            services: publication.services.iter().map(|service| (*service).to_owned()).collect(),
            phase: publication.phase,
            visibility: publication.visibility,
            exercise: publication.exercise,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::body::tests::publication;
    use super::*;

    #[test]
    fn one_body_after_the_other_is_what_each_would_be_alone() {
        let mut bodies = Bodies::default();
        let own = json!({ "who": "jemand" });
        let first = publication();
        let many = [
            first.clone(),
            Publication { contact: "\"amt\"\n\\", ..first.clone() },
            Publication { contact: "", ..first.clone() },
            Publication { text: "Anderes", ..first.clone() },
            Publication { text: "\u{f8fe}contact\u{f8fe}", contact: "x", ..first.clone() },
            Publication { own: Some(&own), ..first.clone() },
            Publication { exercise: false, ..first.clone() },
            Publication { expires_at: Timestamp(0), ..first.clone() },
            Publication { services: &["mail"], ..first.clone() },
            Publication { number: "2026-0008", ..first },
        ];
        for publication in many.iter().flat_map(|one| [one, &many[0], one]) {
            for format in [
                WebhookFormat::Standard,
                WebhookFormat::Slack,
                WebhookFormat::Mattermost,
                WebhookFormat::Teams,
                WebhookFormat::Standard,
            ] {
                let alone = String::from_utf8(body(format, publication)).unwrap();
                assert_eq!(String::from_utf8(bodies.body(format, publication)).unwrap(), alone);
            }
        }
    }
}
