//! Deciding what follows for contacts whose turn it is, and writing it: all in one transaction, while the notice is
//! locked.

mod statements;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::address::Address;
use crate::domain::delivery::DeliveryState;
use crate::domain::duration::format_duration;
use crate::domain::ids::NoticeId;

use super::super::StoreError;
use super::super::acknowledgements::stop_for;
use super::super::connection::Tx;
use super::super::counts::complete_notices;
use super::super::fan_out::make_deliveries;
use super::{CascadeEnd, CascadeProgress, end_cascades};
use statements::{
    INSERT_CONFIRMED, INSERT_FIRED, INSERT_SHARING, SELECT_ACCEPTED, SELECT_CONFIRMED, SELECT_DEAD,
    SELECT_LEFT, SELECT_THERE, SELECT_TRIED, UPDATE_CONTACTS, UPDATE_LENGTH, UPDATE_STEPS,
};

#[cfg(test)]
pub(in crate::store) const ALL: &[&crate::store::statement::Statement] = statements::ALL;

/// Where a notice with a cascade stands.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct FiringNotice {
    pub(super) state: String,
    pub(super) alarm: bool,
    pub(super) cascade_after: Option<i64>,
    pub(super) expires_at: i64,
    pub(super) recipients: i64,
    pub(super) fanned_out: i64,
}

/// A contact whose turn it is.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct DueRow {
    contact_key: Uuid,
    /// The last step that fired.
    step: i64,
    /// Where its delivery stands; empty: there is none.
    state: String,
    /// And why.
    code: String,
    /// Not 0: something was accepted, and that is enough.
    reached: i64,
}

#[derive(Debug, Clone, sqlx::FromRow)]
struct LeftRow {
    contact_key: Uuid,
    step: i64,
    delivery_id: Uuid,
    deputy_key: Option<Uuid>,
    channel: String,
    address: String,
    blocked: Option<String>,
}

/// A delivery that the notice has already.
#[derive(Debug, Clone, sqlx::FromRow)]
struct ThereRow {
    delivery_id: Uuid,
    channel: String,
    address: String,
    state: String,
    acknowledged_at: Option<i64>,
}

/// A deputy who knows already: by what, and by which delivery.
#[derive(Debug, Clone)]
struct Knowing {
    by_what: String,
    delivery: Option<Uuid>,
}

#[derive(Serialize)]
struct FiredInput {
    contact: Uuid,
    step: i64,
    position: i64,
    destination: String,
}

#[derive(Serialize)]
struct StepDone {
    contact: Uuid,
    step: i64,
    delivery: Uuid,
    fired_at: Option<i64>,
    fired_by: String,
}

#[derive(Serialize)]
struct ContactDone {
    contact: Uuid,
    step: i64,
}

#[derive(Serialize)]
struct Linked {
    contact: Uuid,
    delivery: Option<Uuid>,
    by_what: String,
}

/// What is decided for a batch of contacts of one notice.
pub(super) struct Firing {
    notice: Uuid,
    alarm: bool,
    after: Duration,
    recipients: i64,
    now: i64,
    left: HashMap<Uuid, Vec<LeftRow>>,
    tried: HashSet<(Uuid, Uuid)>,
    there: HashMap<(String, String), ThereRow>,
    knowing: HashMap<Uuid, Knowing>,
    dead: HashSet<String>,
    fired: Vec<FiredInput>,
    steps: Vec<StepDone>,
    contacts: Vec<ContactDone>,
    sharing: Vec<Linked>,
    confirmed: Vec<Linked>,
    accepted: Vec<Uuid>,
    used_up: Vec<Uuid>,
}

/// What becomes of one way.
enum Way {
    /// A new delivery, throttled with this.
    New(String),
    /// The one that is there; whether that is the end of it.
    Shared(Uuid, bool),
    /// The deputy knows already.
    Known(Knowing),
    /// It is no way, and why.
    LeftOut(String),
}

impl Firing {
    /// Reads what has to be known of the contacts that are due.
    pub(super) async fn read(
        tx: &mut Tx,
        notice: Uuid,
        row: FiringNotice,
        due: &[DueRow],
        now: i64,
    ) -> Result<Self, StoreError> {
        let contacts: Vec<Uuid> = due.iter().map(|due| due.contact_key).collect();
        let rows: Vec<LeftRow> = tx.fetch(&SELECT_LEFT, (notice, Json(&contacts), now)).await?;
        let tried: Vec<(Uuid, Uuid)> = tx.fetch(&SELECT_TRIED, (notice, Json(&contacts))).await?;
        let addresses: Vec<&str> = rows.iter().map(|row| row.address.as_str()).collect();
        let there: Vec<ThereRow> = tx.fetch(&SELECT_THERE, (notice, Json(&addresses))).await?;
        let deputies: HashSet<Uuid> = rows.iter().filter_map(|row| row.deputy_key).collect();
        let knowing = read_knowing(tx, notice, row.alarm, deputies.into_iter().collect()).await?;
        let mut left: HashMap<Uuid, Vec<LeftRow>> = HashMap::new();
        for row in rows {
            left.entry(row.contact_key).or_default().push(row);
        }
        let dead: Vec<(String,)> = tx.fetch(&SELECT_DEAD, ()).await?;
        let after = row.cascade_after.unwrap_or_default().max(0).unsigned_abs();
        Ok(Self {
            notice,
            alarm: row.alarm,
            after: Duration::from_millis(after),
            recipients: row.recipients,
            now,
            left,
            tried: tried.into_iter().collect(),
            there: there.into_iter().map(|row| (key(&row.channel, &row.address), row)).collect(),
            knowing,
            dead: dead.into_iter().map(|(domain,)| domain).collect(),
            fired: Vec::new(),
            steps: Vec::new(),
            contacts: Vec::new(),
            sharing: Vec::new(),
            confirmed: Vec::new(),
            accepted: Vec::new(),
            used_up: Vec::new(),
        })
    }

    /// Decides about one contact: it was reached, its next way fires, or there is none.
    pub(super) fn decide(&mut self, due: &DueRow, destination: &(dyn Fn(&Address) -> Option<String> + Sync)) {
        let contact = due.contact_key;
        if due.reached != 0 {
            self.accepted.push(contact);
            return;
        }
        let ways = self.left.remove(&contact).unwrap_or_default();
        let last = ways.last().map_or(0, |way| way.step);
        for way in ways {
            let fired_by = self.fired_by(due);
            let became = self.look_at(&way, destination);
            let (delivery, ends) = match became {
                Way::LeftOut(why) => {
                    self.done(&way, way.delivery_id, None, format!("left out: {why}"));
                    continue;
                }
                Way::New(destination) => {
                    self.fire(&way, destination);
                    // Where no confirmation is asked for, the last way needs nobody who looks after it.
                    if !self.alarm && way.step == last {
                        self.used_up.push(contact);
                    }
                    (way.delivery_id, false)
                }
                Way::Shared(delivery, ends) => (delivery, ends),
                Way::Known(knowing) => {
                    self.known(contact, &way, knowing, fired_by);
                    return;
                }
            };
            self.done(&way, delivery, Some(self.now), fired_by);
            self.tried.insert((contact, delivery));
            self.contacts.push(ContactDone { contact, step: way.step });
            if delivery != way.delivery_id && way.deputy_key.is_none() {
                self.sharing.push(Linked { contact, delivery: Some(delivery), by_what: String::new() });
            }
            if ends && self.alarm {
                self.confirmed.push(Linked { contact, delivery: Some(delivery), by_what: "link".to_owned() });
            } else if ends {
                self.accepted.push(contact);
            }
            return;
        }
        self.used_up.push(contact);
    }

    /// What a way can be now.
    fn look_at(&self, way: &LeftRow, destination: &(dyn Fn(&Address) -> Option<String> + Sync)) -> Way {
        if let Some(knowing) = way.deputy_key.and_then(|deputy| self.knowing.get(&deputy)) {
            return Way::Known(knowing.clone());
        }
        if let Some(reason) = &way.blocked {
            return Way::LeftOut(format!("the address is blocked ({reason})"));
        }
        let address = way.channel.parse().and_then(|channel| Address::parse(channel, &way.address));
        let Ok(address) = address else {
            return Way::LeftOut("the address cannot be read".to_owned());
        };
        let is_dead = matches!(&address, Address::Email(email) if self.dead.contains(email.domain()));
        let Some(destination) = destination(&address).filter(|_| !is_dead) else {
            return Way::LeftOut("nothing can arrive there now".to_owned());
        };
        let Some(there) = self.there.get(&key(&way.channel, &way.address)) else {
            return Way::New(destination);
        };
        if self.tried.contains(&(way.contact_key, there.delivery_id)) {
            return Way::LeftOut("it was tried before".to_owned());
        }
        match there.state.parse() {
            Ok(DeliveryState::Sent | DeliveryState::Delivered) => {
                let ends = !self.alarm || there.acknowledged_at.is_some();
                Way::Shared(there.delivery_id, ends)
            }
            Ok(DeliveryState::Queued | DeliveryState::Sending | DeliveryState::Unclear) => {
                Way::Shared(there.delivery_id, self.alarm && there.acknowledged_at.is_some())
            }
            _ => Way::LeftOut(format!("the delivery to the same address is {}", there.state)),
        }
    }

    fn fire(&mut self, way: &LeftRow, destination: String) {
        let position = self.recipients + self.fired.len() as i64 + 1;
        self.fired.push(FiredInput { contact: way.contact_key, step: way.step, position, destination });
        let there = ThereRow {
            delivery_id: way.delivery_id,
            channel: way.channel.clone(),
            address: way.address.clone(),
            state: DeliveryState::Queued.as_str().to_owned(),
            acknowledged_at: None,
        };
        self.there.insert(key(&way.channel, &way.address), there);
    }

    /// The deputy knows already, and stands in for the contact.
    fn known(&mut self, contact: Uuid, way: &LeftRow, knowing: Knowing, fired_by: String) {
        let delivery = knowing.delivery.unwrap_or(way.delivery_id);
        self.done(way, delivery, Some(self.now), format!("{fired_by}; the deputy knew already"));
        self.contacts.push(ContactDone { contact, step: way.step });
        if self.alarm {
            self.confirmed.push(Linked { contact, delivery: knowing.delivery, by_what: knowing.by_what });
        } else {
            self.accepted.push(contact);
        }
    }

    fn done(&mut self, way: &LeftRow, delivery: Uuid, fired_at: Option<i64>, fired_by: String) {
        self.steps.push(StepDone { contact: way.contact_key, step: way.step, delivery, fired_at, fired_by });
    }

    /// What lets the next way follow.
    fn fired_by(&self, due: &DueRow) -> String {
        let coded = |word: &str| {
            if due.code.is_empty() { word.to_owned() } else { format!("{word}: {}", due.code) }
        };
        match due.state.as_str() {
            "failed" => coded("failed"),
            "suppressed" => coded("blocked"),
            "expired" => "ran out before it left".to_owned(),
            "cancelled" => "stopped before it left".to_owned(),
            _ if due.step == 0 => "no way of its own".to_owned(),
            _ if self.alarm => format!("no confirmation in {}", format_duration(self.after)),
            _ => format!("not accepted in {}", format_duration(self.after)),
        }
    }

    /// Writes what was decided; ends the notice if that was the last of it.
    pub(super) async fn write(self, tx: &mut Tx) -> Result<CascadeProgress, StoreError> {
        let (notice, now) = (self.notice, self.now);
        let fired = self.fired.len();
        if fired > 0 {
            let end = self.recipients + fired as i64;
            tx.execute(&INSERT_FIRED, (notice, Json(&self.fired))).await?;
            make_deliveries(tx, notice, self.recipients, end, false, now).await?;
            tx.execute(&UPDATE_LENGTH, (notice, end, now)).await?;
        }
        if !self.sharing.is_empty() {
            tx.execute(&INSERT_SHARING, (notice, Json(&self.sharing))).await?;
        }
        if !self.steps.is_empty() {
            tx.execute(&UPDATE_STEPS, (notice, Json(&self.steps))).await?;
        }
        if !self.contacts.is_empty() {
            let check_at = now.saturating_add(i64::try_from(self.after.as_millis()).unwrap_or(i64::MAX));
            tx.execute(&UPDATE_CONTACTS, (notice, Json(&self.contacts), check_at)).await?;
        }
        let mut ended = end_cascades(tx, notice, &self.accepted, CascadeEnd::Accepted, now).await?;
        ended += end_cascades(tx, notice, &self.used_up, CascadeEnd::UsedUp, now).await?;
        if !self.confirmed.is_empty() {
            tx.execute(&INSERT_CONFIRMED, (notice, Json(&self.confirmed), now)).await?;
            let people: Vec<Uuid> = self.confirmed.iter().map(|linked| linked.contact).collect();
            stop_for(tx, notice, &people, now).await?;
            ended += people.len();
        }
        complete_notices(tx, [notice], now).await?;
        Ok(CascadeProgress { notice: NoticeId(notice), fired, ended })
    }
}

/// Under which two spellings of one address are the same.
fn key(channel: &str, address: &str) -> (String, String) {
    let parsed = channel.parse().and_then(|channel| Address::parse(channel, address));
    let normalised = parsed.map_or_else(|_| address.to_owned(), |address| address.normalised());
    (channel.to_owned(), normalised)
}

async fn read_knowing(
    tx: &mut Tx,
    notice: Uuid,
    alarm: bool,
    deputies: Vec<Uuid>,
) -> Result<HashMap<Uuid, Knowing>, StoreError> {
    if deputies.is_empty() {
        return Ok(HashMap::new());
    }
    if alarm {
        let rows: Vec<(Uuid, String, Option<Uuid>)> =
            tx.fetch(&SELECT_CONFIRMED, (notice, Json(&deputies))).await?;
        let knowing = |(deputy, by_what, delivery)| (deputy, Knowing { by_what, delivery });
        return Ok(rows.into_iter().map(knowing).collect());
    }
    let rows: Vec<(Uuid, Uuid)> = tx.fetch(&SELECT_ACCEPTED, (notice, Json(&deputies))).await?;
    let knowing = |(deputy, delivery)| (deputy, Knowing { by_what: String::new(), delivery: Some(delivery) });
    Ok(rows.into_iter().map(knowing).collect())
}
