//! What became of a notice for each recipient.

use std::collections::HashMap;

use crate::app::instance::Instance;
use crate::domain::address::Channel;
use crate::domain::clock::Timestamp;
use crate::domain::delivery::DeliveryState;
use crate::domain::ids::{ContactKey, DeliveryId};
use crate::domain::mask::{mask_address, mask_addresses_in, mask_name};
use crate::domain::notice::NoticeState;
use crate::store::{
    DeliveryFilter, DeliveryRow, NoticePerson, NoticeSummary, PersonWay, ReceiptRow, StoreError,
    UnreachableRecipient,
};

use super::Times;
use super::words::Words;

/// How many deliveries are read at once.
const PAGE: i64 = 2_000;

/// One recipient.
#[derive(Debug)]
pub(super) struct Recipient {
    /// The pseudonym that the audit log uses too.
    pub(super) key: String,
    pub(super) name: String,
    pub(super) organisation: String,
    /// That it has confirmed, or was reached another way; empty: neither. When it confirmed stands nowhere: nobody's
    /// speed is compared.
    pub(super) confirmed: String,
    pub(super) ways: Vec<Way>,
    /// Where nothing was sent: what that means, and why; empty where something was.
    pub(super) none: (&'static str, String),
}

/// One way by which a recipient was tried.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) channel: &'static str,
    pub(super) address: String,
    pub(super) by_deputy: bool,
    pub(super) state: &'static str,
    pub(super) tries: i64,
    pub(super) at: Time,
    pub(super) reason: String,
    pub(super) receipts: Vec<String>,
}

/// A person who was reached another way.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) by_what: String,
    pub(super) at: Time,
    pub(super) recorded_by: String,
    /// May name people: only where names are not masked.
    pub(super) note: String,
}

/// A point in time, as clocks here showed it and in UTC.
#[derive(Debug, Clone, Default)]
pub(super) struct Time {
    pub(super) local: String,
    pub(super) utc: String,
}

/// How much of a person may be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    Masked,
    Full,
}

impl Sight {
    fn of(self, text: &str, mask: fn(&str) -> String) -> String {
        if self == Self::Full { text.to_owned() } else { mask(text) }
    }
}

/// Everybody whom a notice was for, and whom somebody called.
pub(super) struct Results {
    pub(super) recipients: Vec<Recipient>,
    pub(super) calls: Vec<Call>,
}

/// Reads the results of `notice`.
///
/// # Errors
/// When the store cannot be read.
pub(super) async fn read(
    instance: &Instance,
    notice: &NoticeSummary,
    sight: Sight,
    words: &Words,
    times: &Times,
) -> Result<Results, StoreError> {
    let store = &instance.store;
    let people = store.notice_people(notice.id).await?;
    let keys: Vec<ContactKey> = people.iter().map(|person| person.person.contact).collect();
    let facts = Facts {
        ways: store.ways_of_people(notice.id, &keys).await?,
        deliveries: deliveries(instance, notice).await?,
        receipts: store.receipts_of_notice(notice.id).await?,
        unreachable: store.unreachable_recipients(notice.id).await?,
        state: notice.state,
        sight,
        words,
        times,
    };
    Ok(Results {
        recipients: people.iter().map(|person| facts.recipient(person)).collect(),
        calls: people.iter().filter_map(|person| facts.call(person)).collect(),
    })
}

async fn deliveries(
    instance: &Instance,
    notice: &NoticeSummary,
) -> Result<HashMap<DeliveryId, DeliveryRow>, StoreError> {
    let filter = DeliveryFilter { notice: Some(notice.number.clone()), ..DeliveryFilter::default() };
    let mut all = HashMap::new();
    let mut after = None;
    loop {
        let page = instance.store.deliveries(&filter, after, PAGE).await?;
        let is_last = (page.len() as i64) < PAGE;
        after = page.last().map(|row| DeliveryId(row.id));
        all.extend(page.into_iter().map(|row| (DeliveryId(row.id), row)));
        if is_last {
            return Ok(all);
        }
    }
}

struct Facts<'a> {
    ways: HashMap<ContactKey, Vec<PersonWay>>,
    deliveries: HashMap<DeliveryId, DeliveryRow>,
    receipts: HashMap<DeliveryId, Vec<ReceiptRow>>,
    unreachable: Vec<UnreachableRecipient>,
    state: NoticeState,
    sight: Sight,
    words: &'a Words,
    times: &'a Times,
}

impl Facts<'_> {
    fn recipient(&self, person: &NoticePerson) -> Recipient {
        let facts = &person.person;
        let ways: Vec<Way> =
            self.ways.get(&facts.contact).into_iter().flatten().map(|way| self.way(way)).collect();
        let lost = self.unreachable.iter().find(|lost| lost.contact == facts.contact);
        // Only of whom it was found out when the notice was submitted is it said that there is no way to them.
        let none = match lost {
            _ if !ways.is_empty() => ("", String::new()),
            Some(lost) => (self.words.no_way, mask_addresses_in(&lost.reason)),
            None => (self.words.nothing_sent(self.state), self.words.notice(self.state).to_owned()),
        };
        Recipient {
            key: facts.contact.to_string(),
            name: self.sight.of(&facts.name, mask_name),
            organisation: facts.organisation.clone(),
            confirmed: person
                .acknowledged
                .as_ref()
                .map_or_else(String::new, |known| self.words.known(&known.by_what)),
            ways,
            none,
        }
    }

    fn way(&self, way: &PersonWay) -> Way {
        let delivery = self.deliveries.get(&way.delivery);
        let said = if way.text.contains(&way.code) || way.code.is_empty() {
            way.text.clone()
        } else {
            format!("{} {}", way.code, way.text)
        };
        let receipts = self.receipts.get(&way.delivery).into_iter().flatten();
        Way {
            channel: way.channel.parse::<Channel>().map_or("?", |channel| self.words.channel(channel)),
            address: self.sight.of(&way.address, mask_address),
            by_deputy: way.by_deputy,
            state: self.words.delivery(way.state),
            tries: delivery.map_or(0, |delivery| delivery.attempts),
            at: delivery.map_or_else(Time::default, |row| self.times.of(Timestamp(row.updated_at))),
            reason: if shows_reason(way.state) {
                self.sight.of(&said, mask_addresses_in)
            } else {
                String::new()
            },
            receipts: receipts.map(|receipt| self.receipt(receipt)).collect(),
        }
    }

    fn receipt(&self, receipt: &ReceiptRow) -> String {
        let at = self.times.of(Timestamp(receipt.received_at));
        let kind = self.words.receipt_kind(&receipt.kind);
        let said = self.sight.of(&receipt.text, mask_addresses_in);
        format!("{} {}: {kind} {} {said}", at.local, receipt.source, receipt.code).trim_end().to_owned()
    }

    fn call(&self, person: &NoticePerson) -> Option<Call> {
        let known = person.acknowledged.as_ref().filter(|known| known.by_what != "link")?;
        Some(Call {
            key: person.person.contact.to_string(),
            name: self.sight.of(&person.person.name, mask_name),
            by_what: self.words.by_what(&known.by_what).to_owned(),
            at: self.times.of(known.at),
            recorded_by: known.recorded_by.clone(),
            note: if self.sight == Sight::Full { known.note.clone() } else { String::new() },
        })
    }
}

/// What somebody said to a message that was accepted is of no consequence.
const fn shows_reason(state: DeliveryState) -> bool {
    !matches!(state, DeliveryState::Sent | DeliveryState::Delivered)
}
