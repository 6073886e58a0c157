//! `contacts show --everything`, `contacts export --about`: what somebody is told who asks what is held about them.

use std::fmt::Write as _;

use crate::app::about::{About, about};
use crate::cli::lookup::find_contact;
use crate::cli::session::Session;
use crate::domain::address::Channel;
use crate::store::Store;

use super::show::grounds_words;

/// All that is held about the contact `id`.
///
/// # Errors
/// When there is none, or the store cannot be read.
pub(super) async fn gather(session: &Session, store: &Store, id: &str) -> anyhow::Result<About> {
    let instance = session.open_instance(store).await?;
    let contacts = store.contacts().await?;
    let known = find_contact(&contacts, id)?;
    Ok(about(&instance, &session.actor(), known, &contacts, "").await?)
}

/// For people, on paper too.
///
/// # Errors
/// None: it is written into memory.
pub(super) fn words(session: &Session, about: &About) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    let local = |at: &str| {
        let parsed: Result<jiff::Timestamp, _> = at.parse();
        parsed.map_or_else(|_| at.to_owned(), |time| session.local(time.into()))
    };
    writeln!(text, "All that {} holds about {} ({})", about.held_by, about.name, about.id)?;
    writeln!(text, "as of {}", local(&about.as_of))?;
    writeln!(text, "\nContact")?;
    let facts = [
        ("pseudonym", about.key.clone()),
        ("organisation", about.organisation.clone()),
        ("salutation", about.salutation.clone()),
        ("language", about.language.clone()),
        ("deputy", about.deputy.clone().unwrap_or_default()),
        ("deputy of", about.deputy_of.join(", ")),
        ("groups", about.groups.join(", ")),
    ];
    let attributes = about.attributes.iter().map(|(name, value)| (name, value.to_owned()));
    for (name, value) in facts.into_iter().chain(attributes).filter(|(_, value)| !value.is_empty()) {
        writeln!(text, "  {name:<18}{value}")?;
    }
    writeln!(text, "\nAddresses, and why each is kept")?;
    for point in &about.points {
        let blocked = point.blocked.as_ref().map(|why| format!(" [not used: {why}]")).unwrap_or_default();
        let why = grounds_words(&point.grounds);
        writeln!(text, "  {:<18}{}{why}{blocked}", Channel::as_str(point.channel), point.address)?;
    }
    writeln!(text, "\nNotices sent: {}", about.notices.len())?;
    for notice in &about.notices {
        let exercise = if notice.exercise { " [EXERCISE]" } else { "" };
        let shared = if notice.shared { ", sent to another contact with this address" } else { "" };
        let reason = if notice.reason.is_empty() { String::new() } else { format!(" ({})", notice.reason) };
        let address = if notice.address.is_empty() { "address no longer kept" } else { &notice.address };
        writeln!(
            text,
            "  {}  {}{exercise}: {} {address}, {}{reason}, {}{shared}",
            notice.notice,
            notice.title,
            notice.channel,
            notice.state,
            local(&notice.at)
        )?;
    }
    for lost in &about.not_reached {
        writeln!(text, "  {}  {}: not reached, {}", lost.notice, lost.title, lost.reason)?;
    }
    writeln!(text, "\nConfirmations: {}", about.confirmations.len())?;
    for one in &about.confirmations {
        let by = if one.recorded_by.is_empty() {
            String::new()
        } else {
            format!(", written down by {}", one.recorded_by)
        };
        let note = if one.note.is_empty() { String::new() } else { format!(": {}", one.note) };
        writeln!(text, "  {}  by {} at {}{by}{note}", one.notice, one.by_what, local(&one.at))?;
    }
    let wishes = about.drafts.iter().map(|draft| ("draft", draft));
    let wishes: Vec<_> = wishes.chain(about.alarms.iter().map(|alarm| ("alarm", alarm))).collect();
    writeln!(text, "\nDrafts and prepared alarms: {}", wishes.len())?;
    for (what, wish) in wishes {
        writeln!(
            text,
            "  {what} {} ({}): named in {}, by {} at {}",
            wish.name,
            wish.template,
            wish.named_in.join(", "),
            wish.by,
            local(&wish.at)
        )?;
    }
    writeln!(text, "\nIn the audit log, by the pseudonym: {}", about.log.len())?;
    for entry in &about.log {
        let reason = if entry.reason.is_empty() { String::new() } else { format!(" ({})", entry.reason) };
        writeln!(
            text,
            "  {}  {}  {} by {}{reason}",
            entry.sequence,
            local(&entry.at),
            entry.action,
            entry.actor
        )?;
    }
    Ok(text)
}
