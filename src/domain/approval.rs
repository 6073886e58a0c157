//! Four eyes: which notices need a second person, what that person agrees to, and who may be it.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{Context, SHA256, digest};
use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use super::actor::{Actor, Way};
use super::address::Channel;
use super::audit::canonical;
use super::ids::ContactKey;
use super::notice::Visibility;
use super::settings::Approval;

/// What the rule looks at. An exercise is no exception: it reaches real people, and its second person practises too.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Every group that the audience names, every group inside one of those, every group that contains one of those,
    /// and the groups of contacts who were named singly.
    pub groups: &'a [&'a str],
    /// How many contacts it is for.
    pub recipients: usize,
    /// Who may read it beside them.
    pub visibility: Visibility,
}

/// Why a notice needs a second person, in words; `None`: it does not.
pub fn needs_second_person(settings: &Approval, asked: &Asked<'_>) -> Option<String> {
    if settings.required {
        return Some("[approval] required".to_owned());
    }
    if let Some(above) = settings.above.filter(|above| asked.recipients > usize::from(*above)) {
        return Some(format!("{} recipients, [approval] above = {above}", asked.recipients));
    }
    if let Some(group) = settings.groups.iter().find(|group| asked.groups.contains(&group.as_str())) {
        return Some(format!("it reaches the group {group}, which [approval] groups names"));
    }
    settings
        .visibility
        .contains(&asked.visibility)
        .then(|| format!("it is {}, which [approval] visibility names", asked.visibility.as_str()))
}

/// Who somebody is, whichever way they came in: `shell:anna` and `anna` are one person, in whatever case.
fn person(label: &str) -> String {
    label.strip_prefix("shell:").unwrap_or(label).to_lowercase()
}

/// How somebody at a shell is called whose user id has no name there.
const NAMELESS: &str = "uid ";

/// Whether two labels of [`Actor::label`] name the same person.
pub fn is_same_person(one: &str, other: &str) -> bool {
    person(one) == person(other)
}

/// Whether whoever acts is a person, and not a program with a token.
pub const fn is_person(actor: &Actor) -> bool {
    matches!(actor.way, Way::Shell | Way::Account)
}

/// Says whether `actor` may be the second person of what `authors` have written and submitted: labels of people, and
/// of those who stand behind a token.
///
/// # Errors
/// Why not, and who may.
pub fn second_person<'a>(actor: &Actor, authors: impl IntoIterator<Item = &'a String>) -> Result<(), String> {
    if !is_person(actor) {
        return Err(
            "a program is no second person: sign in with an account of your own, or use the shell".to_owned()
        );
    }
    if actor.way == Way::Shell && actor.name.starts_with(NAMELESS) {
        return Err(format!(
            "this machine has no name for you ({}): nobody can tell whether you wrote it yourself. Sign in with an \
             account of your own",
            actor.name
        ));
    }
    let own = actor.label();
    match authors.into_iter().find(|author| is_same_person(&own, author)) {
        Some(author) => Err(format!(
            "nobody approves their own: {author} wrote or submitted it, or stands behind the token that did; another \
             approver must look at it"
        )),
        None => Ok(()),
    }
}

/// What a second person agrees to. Addresses are not part of it: one that is mended voids nothing. Neither are the
/// number and the code, which the notice is given when it is submitted.
#[derive(Debug, Clone)]
pub struct Frozen<'a> {
    /// The template as it was at submission.
    pub template: &'a Value,
    /// What was typed.
    pub values: &'a Value,
    /// By which channels it goes.
    pub channels: &'a [Channel],
    /// Who may read it beside its recipients.
    pub visibility: Visibility,
    /// How urgent it is: [`super::notice::Priority::rank`].
    pub priority: i64,
    /// For how long after its release it is worth sending, milliseconds.
    pub lasts: i64,
    /// How long each way of a cascade has, milliseconds; `None`: there is none.
    pub cascade_after: Option<i64>,
    /// Whether it is an exercise.
    pub exercise: bool,
    /// The number of the notice that it takes the place of.
    pub supersedes: Option<&'a str>,
    /// What the text says of its incident: title, phase, next update; null where it has none.
    pub incident: Value,
    /// Who gets it, and by which way; in any order.
    pub ways: Vec<FrozenWay>,
}

/// One contact and one way to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrozenWay {
    /// Who.
    pub contact: ContactKey,
    /// By which channel; `None`: it is of the audience and has no way.
    pub channel: Option<Channel>,
    /// Its place in a cascade; 0: at once.
    pub step: i64,
    /// The deputy, where it goes to that person.
    pub deputy: Option<ContactKey>,
}

impl Frozen<'_> {
    /// SHA-256 over the canonical form, hexadecimal. The form is one JSON object as the audit log writes it:
    /// `cascade_after`, `channels`, `exercise`, `incident`, `lasts`, `priority`, `supersedes`, `template`, `values`,
    /// `visibility` and `ways`, which are lists of contact key, channel, step and deputy, each once and in ascending
    /// order.
    pub fn hash(&self) -> String {
        let mut channels: Vec<&str> = self.channels.iter().map(|channel| channel.as_str()).collect();
        channels.sort_unstable();
        channels.dedup();
        let mut ways: Vec<&FrozenWay> = self.ways.iter().collect();
        ways.sort_unstable();
        ways.dedup();
        let head = canonical(&json!({
            "cascade_after": self.cascade_after,
            "channels": channels,
            "exercise": self.exercise,
            "incident": self.incident,
            "lasts": self.lasts,
            "priority": self.priority,
            "supersedes": self.supersedes,
            "template": self.template,
            "values": self.values,
            "visibility": self.visibility.as_str(),
        }));
        // The ways come last in the order of names. They are hashed one by one: as one text, those of a large audience
        // take more memory than everything else about them.
        let mut hashing = Context::new(&SHA256);
        hashing.update(head.strip_suffix('}').unwrap_or(&head).as_bytes());
        hashing.update(b",\"ways\":[");
        for (at, way) in ways.into_iter().enumerate() {
            if at > 0 {
                hashing.update(b",");
            }
            hashing.update(canonical(&way.form()).as_bytes());
        }
        hashing.update(b"]}");
        HEXLOWER.encode(hashing.finish().as_ref())
    }
}

impl FrozenWay {
    fn form(&self) -> Value {
        json!([
            self.contact.to_string(),
            self.channel.map(Channel::as_str),
            self.step,
            self.deputy.map(|deputy| deputy.to_string())
        ])
    }
}

/// SHA-256 over the canonical form of `value`, hexadecimal.
pub fn sha256(value: &Value) -> String {
    HEXLOWER.encode(digest(&SHA256, canonical(value).as_bytes()).as_ref())
}

/// Why one person releases alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakGlass {
    /// An attack is going on, and every minute counts.
    Attack,
    /// People are in danger.
    Life,
    /// Power, water, emergency calls or the like are at stake.
    Infrastructure,
    /// Nobody who could agree can be reached.
    SecondPersonUnreachable,
}

impl BreakGlass {
    /// All of them, in the order of their keys: 1, 2, 3, 4.
    pub const ALL: [Self; 4] =
        [Self::Attack, Self::Life, Self::Infrastructure, Self::SecondPersonUnreachable];

    /// The word in commands, the store and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Attack => "attack",
            Self::Life => "life",
            Self::Infrastructure => "infrastructure",
            Self::SecondPersonUnreachable => "second-person-unreachable",
        }
    }

    /// In words, behind the key that chooses it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Attack => "an attack is going on, every minute counts",
            Self::Life => "people are in danger",
            Self::Infrastructure => "power, water, emergency calls or the like are at stake",
            Self::SecondPersonUnreachable => "nobody who could agree can be reached",
        }
    }

    /// The reason that a key chooses.
    pub fn from_key(key: char) -> Option<Self> {
        let index = usize::try_from(key.to_digit(10)?).ok()?.checked_sub(1)?;
        Self::ALL.get(index).copied()
    }
}

impl fmt::Display for BreakGlass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for BreakGlass {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text).ok_or_else(|| {
            format!("\"{text}\" is no reason: write {}", Self::ALL.map(Self::as_str).join(", "))
        })
    }
}

#[cfg(test)]
mod tests;
