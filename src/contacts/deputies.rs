//! Whether every deputy is somebody.

use std::collections::BTreeSet;

use crate::domain::nearest::hint;

use super::finding::{ContactFinding, shown};
use super::header::Column;
use super::merge::Merged;

/// For how many unknown deputies the one that was meant is looked for. Each search goes through all ids, and a
/// file with names instead of ids in this column has as many unknown deputies as rows.
const MOST_HINTS: usize = 50;

/// Checks the deputies of `contacts` against `named`, every id that stands in a file, whether its row is right or
/// not, and `known`, the ids that the store has. A contact whose deputy nobody knows, or that is its own deputy,
/// is left out; one whose deputy was left out for a fault of its own stays, without deputy. Both are findings.
pub(super) fn check(
    contacts: Vec<Merged>,
    named: &BTreeSet<String>,
    known: &BTreeSet<String>,
    findings: &mut Vec<ContactFinding>,
) -> Vec<Merged> {
    let mut hints = MOST_HINTS;
    let mut kept: Vec<Merged> = contacts
        .into_iter()
        .filter(|merged| match fault(merged, named, known, hints > 0) {
            Some(reason) => {
                hints = hints.saturating_sub(1);
                findings.push(finding(merged, reason));
                false
            }
            None => true,
        })
        .collect();
    let there: BTreeSet<String> = kept.iter().map(|merged| merged.contact.id.clone()).collect();
    for merged in &mut kept {
        let Some(deputy) = &merged.contact.deputy else { continue };
        if !there.contains(deputy) && !known.contains(deputy) {
            findings.push(finding(
                merged,
                format!(
                    "its deputy \"{deputy}\" is left out because of a fault of its own (see there); until that is \
                     mended \"{}\" has no deputy",
                    merged.contact.id
                ),
            ));
            merged.contact.deputy = None;
        }
    }
    kept
}

fn fault(
    merged: &Merged,
    named: &BTreeSet<String>,
    known: &BTreeSet<String>,
    with_hint: bool,
) -> Option<String> {
    let deputy = merged.contact.deputy.as_deref()?;
    if deputy == merged.contact.id {
        return Some(format!("\"{}\" is its own deputy: name another contact", shown(deputy)));
    }
    if named.contains(deputy) || known.contains(deputy) {
        return None;
    }
    let hint =
        if with_hint { hint(deputy, named.iter().chain(known).map(String::as_str)) } else { String::new() };
    Some(format!(
        "there is no contact \"{}\"{hint}: write the id of a contact, or leave it empty",
        shown(deputy)
    ))
}

fn finding(merged: &Merged, reason: String) -> ContactFinding {
    ContactFinding::of_row(
        merged.deputy_place.as_ref().unwrap_or(&merged.place),
        Some(&Column::Deputy),
        reason,
    )
}
