//! What sending would mean, as it is shown before anything leaves.

use std::collections::BTreeMap;

use unicode_width::UnicodeWidthStr;

use crate::app::compose::Draft;
use crate::app::plan::Plan;
use crate::domain::address::Channel;
use crate::domain::duration::format_duration;
use crate::domain::notice::Priority;

use super::super::session::{Session, say};

/// How many names a list shows before it only counts.
const NAMES: usize = 20;

/// Shows the plan and the findings on standard error.
pub(super) fn show(session: &Session, draft: &Draft) {
    let wish = &draft.wish;
    let mut marks = String::new();
    if wish.exercise {
        marks.push_str("  ÜBUNG / EXERCISE");
    }
    if wish.priority == Priority::Urgent {
        marks.push_str("  URGENT");
    }
    say(format_args!("{} ({}){marks}", draft.template.spec.title, wish.template));
    show_groups(&draft.plan, &draft.channels);
    show_merged(&draft.plan);
    show_unreachable(&draft.plan);
    match draft.plan.duration {
        Some(duration) => {
            say(format_args!("  At the limits in force it takes {}.", format_duration(duration)));
        }
        None => {
            say("  No limit is set: as fast as the relay takes it.");
        }
    }
    if let Some(at) = wish.at {
        say(format_args!("  It goes out at {}.", session.local(at)));
    }
    say(format_args!("  Not worth sending after {}.", session.local(draft.expires_at)));
    if draft.template.spec.alarm {
        say("! This is an alarm: this version follows no confirmations and no deputies. Let people confirm by telephone.");
    }
    for finding in &draft.findings {
        say(format_args!("! {finding}"));
    }
}

fn show_groups(plan: &Plan, channels: &[Channel]) {
    let width = plan.groups.iter().map(|share| share.name.width()).chain([5]).max().unwrap_or(5);
    let line = |name: &str, contacts: &str, counts: Vec<String>, unreachable: &str| {
        let padding = " ".repeat(width.saturating_sub(name.width()));
        let counts = counts.iter().fold(String::new(), |line, count| format!("{line}  {count:>8}"));
        say(format_args!("  {name}{padding}  {contacts:>8}{counts}  {unreachable:>11}"));
    };
    line("group", "contacts", channels.iter().map(ToString::to_string).collect(), "unreachable");
    let of = |counts: &BTreeMap<Channel, usize>| {
        channels.iter().map(|channel| counts.get(channel).copied().unwrap_or(0).to_string()).collect()
    };
    for share in &plan.groups {
        let (contacts, unreachable) = (share.contacts.to_string(), share.unreachable.to_string());
        line(&share.name, &contacts, of(&share.deliveries), &unreachable);
    }
    if plan.groups.len() > 1 {
        let contacts: usize = plan.groups.iter().map(|share| share.contacts).sum();
        let unreachable: usize = plan.groups.iter().map(|share| share.unreachable).sum();
        line("all", &contacts.to_string(), of(&plan.by_channel()), &unreachable.to_string());
    }
}

fn show_merged(plan: &Plan) {
    if plan.merged.is_empty() {
        return;
    }
    let names: Vec<&str> = plan.merged.iter().map(|merged| merged.id.as_str()).collect();
    say(format_args!(
        "  {} share an address with another recipient and get one message together: {}",
        names.len(),
        list(&names)
    ));
}

fn show_unreachable(plan: &Plan) {
    for unreachable in plan.unreachable.iter().take(NAMES) {
        say(format_args!(
            "! cannot be reached: {} ({}): {}",
            unreachable.name, unreachable.id, unreachable.reason
        ));
    }
    more(plan.unreachable.len());
    for silenced in plan.silenced.iter().take(NAMES) {
        say(format_args!(
            "! will get nothing: {} ({}): every way is blocked: {}; lift it with rundruf suppressions lift ADDRESS",
            silenced.name, silenced.id, silenced.why
        ));
    }
    more(plan.silenced.len());
}

fn more(count: usize) {
    if count > NAMES {
        say(format_args!("! … and {} more", count - NAMES));
    }
}

fn list(names: &[&str]) -> String {
    let shown = names.iter().take(NAMES).copied().collect::<Vec<_>>().join(", ");
    if names.len() > NAMES { format!("{shown} and {} more", names.len() - NAMES) } else { shown }
}
