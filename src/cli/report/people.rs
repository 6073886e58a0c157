//! Who was reached: people and organisations, and why the others were not.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use crate::cli::output::counted;
use crate::domain::delivery::DeliveryState;
use crate::domain::ids::ContactKey;
use crate::store::{NoticePerson, NoticeSummary, PersonWay, Store, StoreError};

/// How many of those who remain are named in a report; the call list names all.
const MOST_NAMES: usize = 20;

/// The people of a notice.
#[derive(Debug, Default)]
pub(in crate::cli) struct People {
    alarm: bool,
    all: Vec<NoticePerson>,
    /// The ways of those who were not reached.
    ways: HashMap<ContactKey, Vec<PersonWay>>,
    /// Why there was no way to some.
    unreachable: HashMap<ContactKey, String>,
}

/// How many of something were reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Share {
    reached: usize,
    all: usize,
}

impl Share {
    fn add(&mut self, reached: bool) {
        self.all += 1;
        self.reached += usize::from(reached);
    }
}

impl People {
    /// Those of `notice`, as they stand now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(in crate::cli) async fn read(store: &Store, notice: &NoticeSummary) -> Result<Self, StoreError> {
        let all = store.notice_people(notice.id).await?;
        let remaining: Vec<ContactKey> = all
            .iter()
            .filter(|person| !person.is_reached(notice.alarm))
            .map(|person| person.person.contact)
            .collect();
        let (ways, unreachable) = if remaining.is_empty() {
            (HashMap::new(), Vec::new())
        } else {
            let ways = store.ways_of_people(notice.id, &remaining).await?;
            (ways, store.unreachable_recipients(notice.id).await?)
        };
        let unreachable = unreachable.into_iter().map(|lost| (lost.contact, lost.reason)).collect();
        Ok(Self { alarm: notice.alarm, all, ways, unreachable })
    }

    /// Those who were not reached, by organisation and name.
    pub(super) fn remaining(&self) -> Vec<&NoticePerson> {
        let mut remaining: Vec<&NoticePerson> =
            self.all.iter().filter(|person| !person.is_reached(self.alarm)).collect();
        let key = |person: &NoticePerson| {
            let person = &person.person;
            (person.organisation.to_lowercase(), person.name.to_lowercase(), person.id.clone())
        };
        remaining.sort_by_cached_key(|person| key(person));
        remaining
    }

    /// The ways by which somebody who was not reached was tried.
    pub(super) fn ways_of(&self, person: &NoticePerson) -> &[PersonWay] {
        self.ways.get(&person.person.contact).map(Vec::as_slice).unwrap_or_default()
    }

    /// Why somebody was not reached, in a few words: `sms, email: no confirmation; deputy by sms: failed (5.1.1)`.
    pub(super) fn why(&self, person: &NoticePerson) -> String {
        let mut by_end: Vec<(bool, String, Vec<&str>)> = Vec::new();
        for way in self.ways_of(person) {
            let words = self.state_words(way);
            let known =
                by_end.iter_mut().find(|(by_deputy, end, _)| *by_deputy == way.by_deputy && *end == words);
            match known {
                Some((_, _, channels)) if channels.contains(&way.channel.as_str()) => {}
                Some((_, _, channels)) => channels.push(&way.channel),
                None => by_end.push((way.by_deputy, words, vec![&way.channel])),
            }
        }
        // The contact's own ways first, whenever they were tried.
        by_end.sort_by_key(|(by_deputy, _, _)| *by_deputy);
        if by_end.is_empty() {
            let lost = self.unreachable.get(&person.person.contact);
            return lost.cloned().unwrap_or_else(|| "nothing was tried yet".to_owned());
        }
        let parts: Vec<String> = by_end
            .into_iter()
            .map(|(by_deputy, end, channels)| {
                let who = if by_deputy { "deputy by " } else { "" };
                format!("{who}{}: {end}", channels.join(", "))
            })
            .collect();
        parts.join("; ")
    }

    fn state_words(&self, way: &PersonWay) -> String {
        let coded = |word: &str| {
            if way.code.is_empty() { word.to_owned() } else { format!("{word} ({})", way.code) }
        };
        match way.state {
            DeliveryState::Sent | DeliveryState::Delivered if self.alarm => "no confirmation".to_owned(),
            DeliveryState::Queued | DeliveryState::Sending => "not sent yet".to_owned(),
            DeliveryState::Failed => coded("failed"),
            DeliveryState::Suppressed => coded("blocked"),
            DeliveryState::Unclear => "unclear, may have left or not".to_owned(),
            state => state.as_str().to_owned(),
        }
    }

    /// `People: 68 of 74 reached, organisations: 66 of 72`; for an alarm `confirmed`.
    pub(in crate::cli) fn headline(&self) -> String {
        let (people, organisations) = self.shares(|_| true);
        let word = if self.alarm { "confirmed" } else { "reached" };
        format!(
            "People: {} of {} {word}; organisations: {} of {}",
            people.reached, people.all, organisations.reached, organisations.all
        )
    }

    /// People and organisations among those for whom `which` holds. An organisation is reached when one of its people
    /// is; whoever has none counts as one.
    fn shares(&self, which: impl Fn(&NoticePerson) -> bool) -> (Share, Share) {
        let mut people = Share::default();
        let mut organisations: BTreeMap<(&str, &str), bool> = BTreeMap::new();
        for person in self.all.iter().filter(|person| which(person)) {
            let reached = person.is_reached(self.alarm);
            people.add(reached);
            let facts = &person.person;
            let alone = if facts.organisation.is_empty() { facts.id.as_str() } else { "" };
            *organisations.entry((facts.organisation.as_str(), alone)).or_default() |= reached;
        }
        let mut shares = Share::default();
        for reached in organisations.values() {
            shares.add(*reached);
        }
        (people, shares)
    }

    /// The part of the report that is about people.
    pub(super) fn write(&self, text: &mut String, program: &str, number: &str) -> std::fmt::Result {
        if self.all.is_empty() {
            return Ok(());
        }
        writeln!(text, "\n{}", self.headline())?;
        let mut groups: Vec<&str> = self.all.iter().map(|person| person.person.group.as_str()).collect();
        groups.dedup();
        let shown = |group: &str| if group.is_empty() { "(contacts)" } else { group }.to_owned();
        let width = groups.iter().map(|group| shown(group).chars().count()).max().unwrap_or(0);
        for group in groups {
            let (people, organisations) = self.shares(|person| person.person.group == group);
            writeln!(
                text,
                "  {:<width$}  {} of {} organisations, {} of {} people",
                shown(group),
                organisations.reached,
                organisations.all,
                people.reached,
                people.all
            )?;
        }
        let underway = self.all.iter().filter(|person| person.underway).count();
        if underway > 0 {
            let waits = if self.alarm { "for a confirmation, or the next way" } else { "for the next way" };
            let count = counted(underway as i128, "contact waits", "contacts wait");
            writeln!(text, "  {count} {waits}; it follows by itself while a service or worker runs.")?;
        }
        self.write_remaining(text, program, number)
    }

    fn write_remaining(&self, text: &mut String, program: &str, number: &str) -> std::fmt::Result {
        let remaining = self.remaining();
        if remaining.is_empty() {
            return Ok(());
        }
        let word = if self.alarm { "Not confirmed" } else { "Not reached" };
        writeln!(text, "{word}: {}", remaining.len())?;
        for person in remaining.iter().take(MOST_NAMES) {
            let facts = &person.person;
            let of = if facts.organisation.is_empty() {
                String::new()
            } else {
                format!(", {}", facts.organisation)
            };
            writeln!(text, "  {}{of}: {}", whom(&facts.name, &facts.id), self.why(person))?;
        }
        if remaining.len() > MOST_NAMES {
            writeln!(text, "  … and {} more", remaining.len() - MOST_NAMES)?;
        }
        writeln!(
            text,
            "  → {program} notices report {number} --call-list   their telephone numbers and deputies"
        )
    }
}

/// A person by name and id; both are gone once they have been kept for their time, or were erased.
fn whom(name: &str, id: &str) -> String {
    match (name, id) {
        ("", "") => "(name no longer kept)".to_owned(),
        ("", id) => format!("({id})"),
        (name, id) => format!("{name} ({id})"),
    }
}

/// How somebody was reached, in words.
pub(in crate::cli) fn by_what(word: &str) -> String {
    match word {
        "link" => "by the link".to_owned(),
        word => format!("by {word}"),
    }
}
