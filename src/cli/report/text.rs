//! The report in words: how far it is, who did not get it and why, and what to do next.

use std::fmt::Write as _;

use crate::cli::output::{counted, program};
use crate::cli::session::Session;
use crate::domain::clock::Timestamp;
use crate::domain::delivery::DeliveryState;
use crate::domain::notice::NoticeState;
use crate::store::{ERASED_CODE, NextTries, NoticeSummary, ReasonCount};

use super::words::{advice, delivery_meaning, notice_meaning};
use super::{Facts, MOST_NAMES, in_words, send_to};

/// A report that is being written.
pub(super) struct Report<'a> {
    pub(super) session: &'a Session,
    pub(super) notice: &'a NoticeSummary,
    pub(super) facts: &'a Facts,
}

impl Report<'_> {
    /// All of it.
    pub(super) fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        self.headline(&mut text)?;
        for line in &self.facts.incident {
            writeln!(text, "  {line}")?;
        }
        self.totals(&mut text)?;
        let paused = self.notice.state == NoticeState::Paused;
        self.facts.people.write(&mut text, &program(self.session), &self.notice.number, paused)?;
        for state in [
            DeliveryState::Failed,
            DeliveryState::Expired,
            DeliveryState::Suppressed,
            DeliveryState::Unclear,
            DeliveryState::Queued,
        ] {
            self.reasons(&mut text, state)?;
        }
        self.unreachable(&mut text)?;
        self.silenced(&mut text)?;
        self.merged(&mut text)?;
        self.next_commands(&mut text)?;
        self.audit(&mut text)?;
        Ok(text)
    }

    fn headline(&self, text: &mut String) -> std::fmt::Result {
        let notice = self.notice;
        let exercise = if notice.exercise { "  [EXERCISE]" } else { "" };
        writeln!(text, "Notice {}  {}{exercise}", notice.number, notice.title)?;
        writeln!(text, "  {}: {}", notice.state, notice_meaning(notice.state))?;
        if let Some(number) = &notice.supersedes {
            writeln!(text, "  It corrects {number}.")?;
        }
        if let Some(number) = &notice.superseded_by {
            writeln!(text, "  {number} corrects it.")?;
        }
        if notice.review_open {
            writeln!(text, "  One person released it alone, and nobody has looked at that yet.")?;
        }
        let mut times = vec![format!("submitted {} by {}", self.local(notice.created_at), notice.created_by)];
        if let Some(at) = notice.scheduled_at.filter(|_| notice.state == NoticeState::Scheduled) {
            times.push(format!("leaves {}", self.local(at)));
        }
        times.extend(notice.released_at.map(|at| format!("released {}", self.local(at))));
        match notice.completed_at {
            Some(at) => times.push(format!("ended {}", self.local(at))),
            None => times.push(format!("expires {}", self.local(notice.expires_at))),
        }
        writeln!(text, "  {}", times.join(", "))
    }

    fn totals(&self, text: &mut String) -> std::fmt::Result {
        let counts = self.notice.counts();
        writeln!(text, "\nDeliveries: {}", counts.total())?;
        let not_yet = self.notice.recipients - self.notice.fanned_out;
        if not_yet > 0 {
            let more = counted(not_yet, "more is", "more are");
            match self.notice.state {
                NoticeState::Rejected | NoticeState::Expired => {}
                NoticeState::Draft | NoticeState::Pending | NoticeState::Scheduled => {
                    writeln!(text, "  {more} written when it is released")?;
                }
                _ => writeln!(text, "  {more} not written yet: a running service or worker goes on")?,
            }
        }
        for (state, count) in counts.iter().filter(|(_, count)| *count != 0) {
            writeln!(text, "  {count:>7}  {:<10}  {}", state.as_str(), delivery_meaning(state))?;
        }
        for (channel, counts) in &self.notice.channels {
            let parts = counts.iter().filter(|(_, count)| *count != 0);
            let parts: Vec<String> = parts.map(|(state, count)| format!("{count} {state}")).collect();
            writeln!(text, "  {}: {} ({})", in_words(*channel), counts.total(), parts.join(", "))?;
        }
        if self.facts.unconfirmed > 0 {
            writeln!(
                text,
                "  {} unconfirmed: a gateway took them, and has reported nothing in 15 minutes",
                self.facts.unconfirmed
            )?;
        }
        Ok(())
    }

    /// The deliveries in one state by reason.
    fn reasons(&self, text: &mut String, state: DeliveryState) -> std::fmt::Result {
        let reasons: Vec<&ReasonCount> =
            self.facts.reasons.iter().filter(|reason| reason.state == state).collect();
        if reasons.is_empty() {
            return Ok(());
        }
        let heading = match state {
            DeliveryState::Queued => "Deferred, will be tried again",
            DeliveryState::Failed => "Failed",
            DeliveryState::Expired => "Expired",
            DeliveryState::Suppressed => "Suppressed",
            _ => "Unclear",
        };
        let sum: i64 = reasons.iter().map(|reason| reason.count).sum();
        writeln!(text, "\n{heading}: {sum}")?;
        for reason in reasons {
            let code = if reason.code.is_empty() { "no answer yet" } else { &reason.code };
            write!(text, "  {:>7}  {} {code}", reason.count, reason.channel)?;
            if !reason.example.is_empty() && reason.example != reason.code {
                write!(text, ": {}", reason.example)?;
            }
            writeln!(text, "\n           → {}", advice(state, &reason.code))?;
        }
        match (state, self.facts.next_tries) {
            (DeliveryState::Queued, Some(tries)) => self.next_tries(text, tries),
            _ => Ok(()),
        }
    }

    fn next_tries(&self, text: &mut String, tries: NextTries) -> std::fmt::Result {
        if self.notice.state == NoticeState::Paused {
            return writeln!(text, "  No try before the notice is resumed.");
        }
        let (first, last) = (self.local(tries.first), self.local(tries.last));
        if tries.first <= self.session.clock.now() {
            writeln!(text, "  The next tries are due now, the last at {last}.")
        } else if first == last {
            writeln!(text, "  The next try is at {first}.")
        } else {
            writeln!(text, "  The next tries are from {first} to {last}.")
        }
    }

    fn unreachable(&self, text: &mut String) -> std::fmt::Result {
        let unreachable = &self.facts.unreachable;
        if unreachable.is_empty() {
            return Ok(());
        }
        writeln!(text, "\nNot reachable: {} (there is no delivery to them)", unreachable.len())?;
        for contact in unreachable {
            writeln!(text, "  {} ({}): {}", contact.name, contact.id, contact.reason)?;
        }
        writeln!(text, "  → tell them another way, and add an address to the contact file")
    }

    fn silenced(&self, text: &mut String) -> std::fmt::Result {
        let silenced = &self.facts.silenced;
        if silenced.is_empty() {
            return Ok(());
        }
        writeln!(text, "\nGot nothing, because every address of theirs is blocked: {}", silenced.len())?;
        for contact in silenced {
            writeln!(text, "  {} ({})", contact.name, contact.id)?;
        }
        writeln!(text, "  → tell them another way; if an address is right, lift the block and send it again")
    }

    fn merged(&self, text: &mut String) -> std::fmt::Result {
        let mut ids: Vec<&str> = self.facts.merged.iter().map(|merged| merged.id.as_str()).collect();
        ids.dedup();
        if ids.is_empty() {
            return Ok(());
        }
        let count = counted(ids.len() as i128, "contact shares its address", "contacts share their address");
        let more = ids.len().saturating_sub(MOST_NAMES);
        ids.truncate(MOST_NAMES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        writeln!(
            text,
            "\nMerged: {count} with another recipient, and one delivery serves both: {}{more}",
            ids.join(", ")
        )
    }

    fn next_commands(&self, text: &mut String) -> std::fmt::Result {
        let counts = self.notice.counts();
        let (program, number) = (program(self.session), &self.notice.number);
        let mut steps: Vec<(String, &str)> = Vec::new();
        if counts.get(DeliveryState::Unclear) > 0 {
            steps.push((format!("deliveries list --notice {number} --state unclear"), "which are unclear"));
            steps.push(("deliveries resolve ID… --as sent|failed|resend".to_owned(), "decide about them"));
        }
        let not_out: Vec<&str> = [DeliveryState::Failed, DeliveryState::Expired, DeliveryState::Suppressed]
            .into_iter()
            .filter(|state| counts.get(*state) > self.erased(*state))
            .map(DeliveryState::as_str)
            .collect();
        if !not_out.is_empty() {
            let states = not_out.join(",");
            steps.push((format!("deliveries list --notice {number} --state {states}"), "who did not get it"));
        }
        let cancelled = counts.get(DeliveryState::Cancelled) - self.erased(DeliveryState::Cancelled);
        let wants_retry = !not_out.is_empty() || cancelled > 0;
        // What is corrected is sent to nobody any more: who got neither has to be told what is right.
        if self.facts.successor.is_some() {
            if !self.facts.left_out.is_empty() {
                steps.push((send_to(&self.facts.left_out), "tell those what is right who got neither"));
            }
        } else if wants_retry && self.notice.state.is_final() && self.notice.released_at.is_some() {
            steps.push((format!("notices retry {number}"), "send it again to those who did not get it"));
        }
        match self.notice.state {
            NoticeState::Paused => steps.push((format!("notices resume {number}"), "let it go on")),
            NoticeState::Sending if self.only_later_tries().is_none() => {
                steps.push(("worker --drain".to_owned(), "send what waits, if no service runs"));
            }
            _ => {}
        }
        let later = self.only_later_tries();
        if steps.is_empty() && later.is_none() {
            return Ok(());
        }
        writeln!(text, "\nNext:")?;
        if let Some(tries) = later {
            let at = self.local(tries.first);
            writeln!(
                text,
                "  The next try is due at {at}; a running worker ({program} worker) makes it by itself."
            )?;
        }
        let width = steps.iter().map(|(command, _)| command.chars().count()).max().unwrap_or(0);
        for (command, purpose) in steps {
            writeln!(text, "  {program} {command:<width$}  {purpose}")?;
        }
        Ok(())
    }

    /// How many deliveries stand in `state` because their contact was erased: nobody can send these again.
    fn erased(&self, state: DeliveryState) -> i64 {
        let of_erased = self.facts.reasons.iter().filter(|one| one.state == state && one.code == ERASED_CODE);
        of_erased.map(|reason| reason.count).sum()
    }

    /// On paper it is one more place that the log has to agree with: `audit verify --head NUMBER:HASH`.
    fn audit(&self, text: &mut String) -> std::fmt::Result {
        let Some(head) = &self.facts.audit else { return Ok(()) };
        writeln!(text, "\nAudit log: entry {}, hash {}", head.sequence, &head.hash[..16])
    }

    /// When nothing can be done now: all that waits has been tried, and is due only then.
    fn only_later_tries(&self) -> Option<NextTries> {
        let (notice, counts) = (self.notice, self.notice.counts());
        let later = self.facts.next_tries.filter(|tries| {
            tries.first > self.session.clock.now()
                && counts.get(DeliveryState::Queued) <= tries.count
                && counts.get(DeliveryState::Sending) == 0
        });
        later.filter(|_| notice.state == NoticeState::Sending && notice.fanned_out == notice.recipients)
    }

    fn local(&self, at: Timestamp) -> String {
        self.session.local(at)
    }
}
