//! What sending would mean, as it is shown before anything leaves.

use std::time::Duration;

use unicode_width::UnicodeWidthStr;

use crate::app::cascade::{Cascade, confirmation_fault};
use crate::app::compose::Draft;
use crate::app::plan::{GroupShare, Plan, SmsShare};
use crate::domain::address::Channel;
use crate::domain::count::listed;
use crate::domain::duration::format_duration;
use crate::domain::local_time::clock_change;
use crate::domain::notice::Priority;
use crate::domain::price::Price;
use crate::domain::sms_text::named;

use super::super::output::counted;
use super::super::session::{Session, say};
use super::super::table::{Cell, json_object};

/// How many names a list shows before it only counts.
const NAMES: usize = 20;

/// Shows the plan and the findings on standard error.
pub(in crate::cli) fn show(session: &Session, draft: &Draft) {
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
    show_held(&draft.plan);
    show_unreachable(&draft.plan);
    show_sms(draft.plan.sms.as_ref(), session.settings.sms.price.as_ref());
    show_outboxes(session, &draft.channels);
    show_refusals(&draft.plan);
    show_unknown_attributes(&draft.plan);
    match draft.plan.duration {
        Some(duration) => {
            say(format_args!("  At the limits in force it takes {}.", format_duration(duration)));
        }
        None => {
            say("  No limit is set: as fast as the other side takes it.");
        }
    }
    if let Some(at) = wish.at {
        let change = clock_change(at, &session.settings.instance.timezone);
        let change = change.map(|change| format!(" ({change})")).unwrap_or_default();
        say(format_args!("  It goes out at {}{change}.", session.local(at)));
    }
    say(format_args!("  Not worth sending after {}.", session.local(draft.expires_at)));
    super::incident::show(session, draft);
    if let Some(cascade) = &draft.cascade {
        let lasts = wish.expires_after.unwrap_or(session.settings.delivery.expires_after);
        show_cascade(cascade, draft.template.spec.alarm, lasts);
    }
    if let Some(fault) = confirmation_fault(&draft.template.spec, &session.settings.instance) {
        say(format_args!("! {fault}"));
    }
    for finding in &draft.findings {
        say(format_args!("! {finding}"));
    }
}

/// The plan as the one line of JSON that a dry run ends with: there is no notice yet, so it has neither number nor state.
pub(in crate::cli) fn line(draft: &Draft) -> String {
    let all = draft.plan.everybody();
    let number = |count: usize| Cell::Number(count as i64);
    let channels = all
        .deliveries
        .iter()
        .map(|(channel, count)| (channel.as_str(), Cell::Object(vec![("total", number(*count))])));
    json_object(&[
        ("dry_run", true.into()),
        ("total", number(all.deliveries.values().sum())),
        ("channels", Cell::Object(channels.collect())),
        ("contacts", number(all.contacts)),
        ("merged", number(all.merged)),
        ("blocked", number(all.blocked)),
        ("unreachable", number(all.unreachable)),
        ("findings", number(draft.findings.len())),
        ("refusals", number(draft.plan.refusals.len())),
    ])
}

fn show_cascade(cascade: &Cascade, alarm: bool, lasts: Duration) {
    let channels: Vec<&str> = cascade.channels.iter().map(|channel| channel.as_str()).collect();
    let until = if alarm { "has not confirmed" } else { "was not reached" };
    say(format_args!(
        "  {}: {}, then the deputy; the next way follows after {} for whoever {until} by then.",
        if alarm { "Alarm, to be confirmed" } else { "Cascade" },
        channels.join(", then "),
        format_duration(cascade.after)
    ));
    let further = cascade.contacts.iter().filter(|one| one.steps.len() > usize::from(one.has_first)).count();
    let deputies = cascade.contacts.iter().filter(|one| one.steps.iter().any(|step| step.deputy.is_some()));
    say(format_args!(
        "  {} a further way, {} of them a deputy.",
        counted(further as i128, "contact has", "contacts have"),
        deputies.count()
    ));
    let too_late = cascade.too_late(lasts);
    if too_late > 0 {
        say(format_args!(
            "! Further ways follow only until the notice expires: {too_late} of them would come too late. Give it more \
             time (--expires, or [delivery] expires_after), or each way less (--after)."
        ));
    }
}

fn show_groups(plan: &Plan, channels: &[Channel]) {
    let width = plan.groups.iter().map(|share| share.name.width()).chain([5]).max().unwrap_or(5);
    let header = ["contacts"].into_iter().chain(channels.iter().map(|channel| channel.as_str()));
    let header: Vec<&str> = header.chain(["merged", "blocked", "unreachable"]).collect();
    let line = |name: &str, cells: Vec<String>| {
        let padding = " ".repeat(width.saturating_sub(name.width()));
        let cells = cells.iter().zip(&header).fold(String::new(), |line, (cell, column)| {
            let width = column.len().max(6);
            format!("{line}  {cell:>width$}")
        });
        say(format_args!("  {name}{padding}{cells}"));
    };
    line("group", header.iter().map(ToString::to_string).collect());
    let counts = |share: &GroupShare| {
        let by_channel =
            channels.iter().map(|channel| share.deliveries.get(channel).copied().unwrap_or_default());
        let counts = [share.contacts].into_iter().chain(by_channel);
        counts
            .chain([share.merged, share.blocked, share.unreachable])
            .map(|count| count.to_string())
            .collect()
    };
    for share in &plan.groups {
        line(&share.name, counts(share));
    }
    if plan.groups.len() > 1 {
        line("all", counts(&plan.everybody()));
    }
}

fn show_merged(plan: &Plan) {
    let is_silenced = |id: &str| plan.silenced.iter().any(|silenced| silenced.id == id);
    let mut names: Vec<&str> = plan.merged.iter().map(|merged| merged.id.as_str()).collect();
    names.retain(|id| !is_silenced(id));
    if names.is_empty() {
        return;
    }
    let share = counted(names.len() as i128, "contact shares its address", "contacts share their address");
    say(format_args!("  {share} with another recipient and one message serves both: {}", list(&names)));
}

fn show_held(plan: &Plan) {
    if !plan.dead_domains.is_empty() {
        let domains: Vec<&str> = plan.dead_domains.iter().map(String::as_str).collect();
        let down = if domains.len() == 1 { "This mail domain is" } else { "These mail domains are" };
        say(format_args!(
            "  {down} down, and other addresses are used where there are any: {}",
            list(&domains)
        ));
    }
    for held in plan.held.iter().take(NAMES) {
        say(format_args!("! held until {} is up: {} ({})", held.domain, held.name, held.id));
    }
    more(plan.held.len());
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

/// What the text messages cost, and which characters make them dear.
fn show_sms(share: Option<&SmsShare>, price: Option<&Price>) {
    let Some(share) = share else { return };
    let cost = price.map(|price| format!(" ({})", price.times(share.segments))).unwrap_or_default();
    say(format_args!(
        "  {}: {} to pay for{cost}, at most {} a message.",
        counted(share.messages as i128, "text message", "text messages"),
        counted(share.segments as i128, "segment", "segments"),
        share.longest
    ));
    if share.ucs2 > 0 {
        let outside: Vec<String> = share.outside_gsm.iter().take(NAMES).map(|c| named(*c)).collect();
        say(format_args!(
            "! {} only 70 characters a segment, because of {}: replace what you can.",
            counted(share.ucs2 as i128, "of them has", "of them have"),
            outside.join(" ")
        ));
    }
}

/// What is known before to be refused on our own side.
fn show_refusals(plan: &Plan) {
    for refusal in &plan.refusals {
        say(format_args!("! {refusal}"));
    }
}

/// What a template hopes to find in the contacts' files, and does not.
fn show_unknown_attributes(plan: &Plan) {
    for attribute in &plan.unknown_attributes {
        say(format_args!(
            "! The texts name contact.{attribute}, which none of these contacts has: nothing will stand there. Is it \
             spelt as in their files?"
        ));
    }
}

/// Where one channel really sends, another one that only fills a folder would deceive.
fn show_outboxes(session: &Session, channels: &[Channel]) {
    let folders: Vec<_> =
        channels.iter().filter_map(|channel| Some((channel, session.settings.outbox(*channel)?))).collect();
    if folders.len() == channels.len() {
        return;
    }
    for (channel, folder) in folders {
        say(format_args!(
            "! {channel}: nothing leaves; every message is only written into {} ([[{channel}.provider]])",
            folder.display()
        ));
    }
}

fn more(count: usize) {
    if count > NAMES {
        say(format_args!("! … and {} more", count - NAMES));
    }
}

/// Names in a line; of many only the first, and how many more.
pub(in crate::cli) fn list(names: &[&str]) -> String {
    listed(names, NAMES)
}
