//! Who was reached: people and organisations, and why the others were not.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use crate::app::people::NoticePeople;
use crate::cli::output::counted;
use crate::store::{NoticePerson, NoticeSummary, Store, StoreError};

/// How many of those who remain are named in a report; the call list names all.
const MOST_NAMES: usize = 20;

/// The people of a notice, in words.
#[derive(Debug, Default)]
pub(in crate::cli) struct People(NoticePeople);

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
        NoticePeople::read(store, notice).await.map(Self)
    }

    /// `People: 68 of 74 reached, organisations: 66 of 72`; for an alarm `confirmed`.
    pub(in crate::cli) fn headline(&self) -> String {
        let (people, organisations) = self.shares(|_| true);
        let word = if self.0.alarm { "confirmed" } else { "reached" };
        format!(
            "People: {} of {} {word}; organisations: {} of {}",
            people.reached, people.all, organisations.reached, organisations.all
        )
    }

    /// The ids of those who were reached, by whatever way.
    pub(super) fn reached(&self) -> HashSet<&str> {
        let reached = self.0.all.iter().filter(|person| person.is_reached(self.0.alarm));
        reached.map(|person| person.person.id.as_str()).collect()
    }

    /// People and organisations among those for whom `which` holds. An organisation is reached when one of its people
    /// is; whoever has none counts as one.
    fn shares(&self, which: impl Fn(&NoticePerson) -> bool) -> (Share, Share) {
        let mut people = Share::default();
        let mut organisations: BTreeMap<(&str, &str), bool> = BTreeMap::new();
        for person in self.0.all.iter().filter(|person| which(person)) {
            let reached = person.is_reached(self.0.alarm);
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

    /// The part of the report that is about people; `paused`: nothing of the notice goes on at the moment.
    pub(super) fn write(
        &self,
        text: &mut String,
        program: &str,
        number: &str,
        paused: bool,
    ) -> std::fmt::Result {
        if self.0.all.is_empty() {
            return Ok(());
        }
        writeln!(text, "\n{}", self.headline())?;
        let mut groups: Vec<&str> = self.0.all.iter().map(|person| person.person.group.as_str()).collect();
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
        let underway = self.0.all.iter().filter(|person| person.underway).count();
        if underway > 0 {
            let waits = if self.0.alarm { "for a confirmation, or the next way" } else { "for the next way" };
            let count = counted(underway as i128, "contact waits", "contacts wait");
            let goes_on = if paused {
                format!("nothing follows until the notice is resumed ({program} notices resume {number})")
            } else {
                "it follows by itself while a service or worker runs".to_owned()
            };
            writeln!(text, "  {count} {waits}; {goes_on}.")?;
        }
        self.write_remaining(text, program, number)
    }

    /// How many of those who remain [`People::write`] names.
    pub(super) fn named(&self) -> usize {
        self.0.remaining().len().min(MOST_NAMES)
    }

    fn write_remaining(&self, text: &mut String, program: &str, number: &str) -> std::fmt::Result {
        let remaining = self.0.remaining();
        if remaining.is_empty() {
            return Ok(());
        }
        let word = if self.0.alarm { "Not confirmed" } else { "Not reached" };
        writeln!(text, "{word}: {}", remaining.len())?;
        for person in remaining.iter().take(MOST_NAMES) {
            let facts = &person.person;
            let of = if facts.organisation.is_empty() {
                String::new()
            } else {
                format!(", {}", facts.organisation)
            };
            writeln!(text, "  {}{of}: {}", whom(&facts.name, &facts.id), self.0.why(person))?;
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
