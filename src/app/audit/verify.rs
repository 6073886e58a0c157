//! Walking the whole audit log, and comparing it with what was kept elsewhere.

use std::collections::BTreeMap;

use crate::app::failure::Failure;
use crate::app::instance::Instance;
use crate::domain::actor::{Actor, Right};
use crate::domain::audit::{Broken, Entry, Head, HeadMark, Walk};
use crate::domain::clock::Timestamp;
use crate::domain::settings::HeadPlace;
use crate::store::StoreError;

use super::head_file;
use super::heads::in_background;

/// How many entries are read at once.
const PAGE: i64 = 200;

/// The head as it was once, and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// The head.
    pub mark: HeadMark,
    /// Where it was kept, in words.
    pub place: String,
    /// When; `None` where that is not known.
    pub at: Option<Timestamp>,
}

/// What was kept in one place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// The heads.
    pub witnesses: Vec<Witness>,
    /// What a person should know of the places: one that cannot be read, lines that are no heads.
    pub remarks: Vec<String>,
    /// Places that heads were kept in and that have lost them: whoever writes the log anew removes these first.
    pub lost: Vec<String>,
}

/// A log that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Where it ends.
    pub head: Head,
    /// When its last entry was written; `None`: it is empty.
    pub last_at: Option<Timestamp>,
    /// How many heads from other places agree with it.
    pub agreed: usize,
    /// The last entry that another place vouches for; 0: none.
    pub vouched: i64,
}

/// A log that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// What is wrong, and at which entry.
    pub broken: Broken,
    /// Whose word the log contradicts; `None`: it contradicts itself.
    pub witness: Option<Witness>,
    /// The last entry up to which everything holds.
    pub sound: i64,
}

/// The heads in all files that the settings name, and which of those files have lost what the store knows was kept
/// there. A mailbox is read by a person.
///
/// # Errors
/// When the store cannot be read.
pub async fn kept_heads(instance: &Instance) -> Result<Kept, StoreError> {
    let mut kept = Kept::default();
    for place in &instance.settings().audit.heads {
        match place {
            HeadPlace::File(path) => {
                let (place, before) = (place.to_string(), kept.witnesses.len());
                add_file(&mut kept, path, &place).await;
                let found = kept.witnesses.get(before..).unwrap_or_default();
                let found = found.iter().map(|witness| witness.mark.sequence).max().unwrap_or(0);
                let told = instance.store.head_told(&place).await?;
                kept.lost.extend(told.filter(|(told, _)| *told > found).map(|(told, _)| {
                    let left = match found {
                        0 => "none is there now".to_owned(),
                        last => format!("the last there now is of entry {last}"),
                    };
                    format!(
                        "heads up to entry {told} were kept at {place}, and {left}: it was removed, emptied or cut \
                         off. Unless one of you moved it, the log cannot be relied on: save the store, and find out who \
                         had access"
                    )
                }));
            }
            HeadPlace::Mail(address) => kept
                .remarks
                .push(format!("compare with the mails to {} by --head NUMBER:HASH", address.as_str())),
        }
    }
    Ok(kept)
}

/// Adds the heads in one file, called `place`.
pub async fn add_file(kept: &mut Kept, path: &std::path::Path, place: &str) {
    let file = match in_background(path, head_file::read).await {
        Ok(file) => file,
        Err(why) => {
            kept.remarks.push(format!("{place} cannot be read: {why}"));
            return;
        }
    };
    if file.heads.is_empty() {
        kept.remarks.push(format!("{place} holds no head: without one, a log that was cut off or written anew by somebody with access to the store does not show"));
    }
    if !file.damaged.is_empty() {
        let lines: Vec<String> = file.damaged.iter().take(10).map(ToString::to_string).collect();
        kept.remarks.push(format!("{place}: these lines are no heads: {}", lines.join(", ")));
    }
    kept.witnesses.extend(file.heads.into_iter().map(|head| Witness {
        mark: head.head.into(),
        place: place.to_owned(),
        at: Some(head.at),
    }));
}

/// Walks all entries, from the first to the last, and compares them with the store's own head and with `witnesses`.
///
/// # Errors
/// When `actor` may not, or the store cannot be read. A log that does not hold is no error of this kind.
pub async fn verify(
    instance: &Instance,
    actor: &Actor,
    witnesses: &[Witness],
) -> Result<Result<Verified, Box<Violation>>, Failure> {
    actor.may(Right::AuditRead)?;
    // Read before the entries: what is written meanwhile only makes the log longer.
    let head = instance.store.audit_head().await?;
    let mut check = Check::new(witnesses, &head);
    // From the very first on, whatever number it has: there is none before 1.
    let mut after = i64::MIN;
    loop {
        let page = instance.store.audit_entries(after, PAGE).await?;
        for entry in &page {
            if let Err(violation) = check.step(entry) {
                return Ok(Err(violation));
            }
        }
        after = check.walk.head().sequence;
        if (page.len() as i64) < PAGE {
            // Read again: an entry that was written meanwhile has moved it, one that was put in has not.
            let end = instance.store.audit_head().await?;
            return Ok(check.end(&end));
        }
    }
}

/// A walk that listens to witnesses.
struct Check<'a> {
    walk: Walk,
    own: &'a Head,
    witnesses: BTreeMap<i64, Vec<&'a Witness>>,
    last_at: Option<Timestamp>,
    agreed: usize,
    vouched: i64,
}

impl<'a> Check<'a> {
    fn new(witnesses: &'a [Witness], own: &'a Head) -> Self {
        let mut by_entry: BTreeMap<i64, Vec<&Witness>> = BTreeMap::new();
        for witness in witnesses {
            by_entry.entry(witness.mark.sequence).or_default().push(witness);
        }
        Self { walk: Walk::default(), own, witnesses: by_entry, last_at: None, agreed: 0, vouched: 0 }
    }

    fn step(&mut self, entry: &Entry) -> Result<(), Box<Violation>> {
        let sound = self.walk.head().sequence;
        self.walk.step(entry).map_err(|broken| Box::new(Violation { broken, witness: None, sound }))?;
        self.last_at = Some(entry.at);
        if entry.sequence == self.own.sequence && entry.hash != self.own.hash {
            return Err(Box::new(self.contradicts(Broken::Rewritten(entry.sequence), own(self.own))));
        }
        for witness in self.witnesses.get(&entry.sequence).into_iter().flatten() {
            if !witness.mark.fits(&entry.hash) {
                return Err(Box::new(
                    self.contradicts(Broken::Rewritten(entry.sequence), (*witness).clone()),
                ));
            }
            self.agreed += 1;
            self.vouched = entry.sequence;
        }
        Ok(())
    }

    /// `now` is the store's own head after the last entry was read.
    fn end(self, now: &Head) -> Result<Verified, Box<Violation>> {
        let found = self.walk.head().sequence;
        if found > now.sequence {
            let added = Violation {
                broken: Broken::Added(now.sequence + 1),
                witness: Some(own(now)),
                sound: now.sequence,
            };
            return Err(Box::new(added));
        }
        let cut = |expected| Broken::CutOff { found, expected };
        if found < self.own.sequence {
            return Err(Box::new(self.contradicts(cut(self.own.sequence), own(self.own))));
        }
        if let Some((sequence, witnesses)) = self.witnesses.last_key_value()
            && *sequence > found
            && let Some(witness) = witnesses.first()
        {
            return Err(Box::new(self.contradicts(cut(*sequence), (*witness).clone())));
        }
        Ok(Verified {
            head: self.walk.head().clone(),
            last_at: self.last_at,
            agreed: self.agreed,
            vouched: self.vouched,
        })
    }

    fn contradicts(&self, broken: Broken, witness: Witness) -> Violation {
        let sound = match broken {
            // Whoever wrote one entry anew wrote all after the last that somebody vouches for.
            Broken::Rewritten(_) => self.vouched,
            _ => self.walk.head().sequence,
        };
        Violation { broken, witness: Some(witness), sound }
    }
}

/// The store's own word for where the log ends.
fn own(head: &Head) -> Witness {
    Witness { mark: head.clone().into(), place: "the store's own note of its end".to_owned(), at: None }
}
