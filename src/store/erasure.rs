//! Erasing a contact: what says who it was goes, what was done stays. States, counts, times and the pseudonymous key
//! remain, so that the figures of every notice add up and the audit log stays whole.

mod statements;
mod wishes;

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;
use serde_json::json;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::audience::Audience;
use crate::domain::audit::NewEntry;
use crate::domain::contact::ContactCard;
use crate::domain::delivery::DeliveryState;
use crate::domain::ids::{ContactKey, NoticeId};
use crate::domain::retention::HoldScope;

use super::audit::append;
use super::cascade::{CascadeEnd, end_cascades};
use super::connection::Tx;
use super::contacts::{ContactFilter, Reader, read_contacts};
use super::counts::{Tally, complete_notices, write_counts};
use super::error::once_more;
use super::everybody::contacts_changed;
use super::holds::{any_hold, holding_reason};
use super::{Store, StoreError};
use statements::{
    CANCEL_QUEUED, CLEAR_ACCOUNT_OF, CLEAR_ATTEMPTS, CLEAR_CONTACT, CLEAR_DELIVERIES, CLEAR_DEPUTY_OF,
    CLEAR_NOTES, CLEAR_PERSON, CLEAR_PERSONS_DEPUTY, CLEAR_RECEIPTS, CLEAR_RECIPIENTS, CLEAR_STEPS,
    CLEAR_UNREACHABLE, CLEAR_UNREACHABLES_DEPUTY, DELETE_ENDPOINTS, DELETE_ID_HASH, DELETE_MEMBERSHIPS,
    DELETE_MERGED, DELETE_POINTS, DELETE_SUPPRESSIONS, FORGET_ANSWERS, HAND_OVER_DELIVERY,
    HAND_OVER_RECIPIENT, INSERT_ID_HASH, LEAVE_OUT_STEPS, LOCK_CONTACT, MARK_FOR_FAN_OUT, RENAME_MERGED,
    SELECT_ADDRESSES, SELECT_AUDIENCES, SELECT_DELIVERIES, SELECT_ERASED_AMONG, SELECT_ID, SELECT_ID_HASHES,
    SELECT_NAME, SELECT_NUMBERS, SELECT_POINTS, SELECT_SHARING, SELECT_TOUCHED, UPDATE_AUDIENCE,
};

#[cfg(test)]
pub(super) const ALL: &[&super::statement::Statement] = statements::ALL;

/// What stands before a delivery's id in the place of an address that was erased: one for each, because a notice has
/// no address twice.
pub const ERASED: &str = "erased:";

/// The code of deliveries that were stopped because their contact was erased.
pub const ERASED_CODE: &str = "erased";

/// What erasing a contact did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Erased {
    /// What lists show in the place of its id.
    pub id: String,
    /// In how many notices it stood.
    pub notices: usize,
    /// From how many deliveries its address was taken.
    pub deliveries: usize,
    /// How many of those waited, and were cancelled.
    pub cancelled: usize,
    /// How many deliveries belong now to another contact, who has the same address.
    pub handed_over: usize,
}

#[derive(sqlx::FromRow)]
struct OwnDelivery {
    delivery_id: Uuid,
    channel: String,
    state: String,
}

/// What lists show in the place of an erased contact's id.
fn erased_id(contact: ContactKey) -> String {
    let key = contact.0.simple().to_string();
    format!("erased-{}", key.get(20..).unwrap_or_default())
}

impl Store {
    /// Erases `contact` everywhere. Deliveries to it that wait are cancelled, those whose address another contact of
    /// the notice shares become that contact's. `id_hash` is kept, so that an import of the same id is noticed.
    /// `entry` is completed with how much there was.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a legal hold covers it, something is being sent to it at this moment, or there is
    /// no such contact; then nothing has changed.
    pub async fn erase_contact(
        &self,
        contact: ContactKey,
        id_hash: &str,
        entry: &NewEntry,
    ) -> Result<Erased, StoreError> {
        // Looking through everything takes its time; the writer's lock is not held meanwhile.
        let mut touched = self.touched_by(contact, None).await?;
        let (id, mut erased) =
            once_more!(self.erase_once(contact, &touched, Pass::First { id_hash, entry }))?;
        loop {
            // What was submitted at the same moment, before the contact was gone.
            let now = self.touched_by(contact, Some(&id)).await?;
            let new: BTreeSet<Uuid> = now.difference(&touched).copied().collect();
            if new.is_empty() {
                self.db.fold_log().await;
                return Ok(erased);
            }
            let (_, more) = once_more!(self.erase_once(contact, &new, Pass::Late { id: &id }))?;
            erased.notices += more.notices;
            erased.deliveries += more.deliveries;
            erased.cancelled += more.cancelled;
            erased.handed_over += more.handed_over;
            touched.extend(new);
        }
    }

    /// Which of the ids with these hashes belonged to contacts that were erased.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn erased_ids(&self, hashes: &[String]) -> Result<BTreeSet<String>, StoreError> {
        let rows: Vec<(String,)> = self.db.fetch(&SELECT_ID_HASHES, (Json(hashes),)).await?;
        Ok(rows.into_iter().map(|(hash,)| hash).collect())
    }

    /// Forgets that contacts with these hashes were erased: they may be imported again.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn forget_erased(&self, hashes: &[String], entry: &NewEntry) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        tx.execute(&DELETE_ID_HASH, (Json(hashes),)).await?;
        append(&mut tx, entry, self.now()).await?;
        tx.commit().await
    }

    /// The notices in which something stands about `contact`, whose `id` is known even if it has gone already.
    async fn touched_by(&self, contact: ContactKey, id: Option<&str>) -> Result<BTreeSet<Uuid>, StoreError> {
        let id = match id {
            Some(id) => Some(id.to_owned()),
            None => self.db.fetch_first::<(String,), _>(&SELECT_ID, (contact.0,)).await?.map(|(id,)| id),
        };
        let rows: Vec<(Uuid,)> = self.db.fetch(&SELECT_TOUCHED, (contact.0, id.unwrap_or_default())).await?;
        Ok(rows.into_iter().map(|(notice,)| notice).collect())
    }

    /// Erases `contact` in `notices`; gives the id that it had.
    pub(super) async fn erase_once(
        &self,
        contact: ContactKey,
        notices: &BTreeSet<Uuid>,
        pass: Pass<'_>,
    ) -> Result<(String, Erased), StoreError> {
        let now = self.now().0;
        let mut tx = self.db.begin().await?;
        let id = match pass {
            Pass::First { .. } => {
                let row: Option<(String,)> = tx.fetch_first(&LOCK_CONTACT, (contact.0,)).await?;
                row.map(|(id,)| id).ok_or_else(|| {
                    StoreError::Conflict("there is no such contact: nothing was erased".to_owned())
                })?
            }
            Pass::Late { id } => id.to_owned(),
        };
        refuse_held(&mut tx, notices).await?;
        let mut erasing = Erasing {
            contact: contact.0,
            id,
            now,
            card: ContactCard { id: erased_id(contact), ..ContactCard::default() },
            tally: Tally::default(),
            done: Erased { id: erased_id(contact), notices: notices.len(), ..Erased::default() },
        };
        let addresses: Vec<(String, String)> = tx.fetch(&SELECT_ADDRESSES, (contact.0,)).await?;
        for notice in notices {
            erasing.leave_notice(&mut tx, *notice).await?;
        }
        erasing.leave_audiences(&mut tx).await?;
        erasing.leave_wishes(&mut tx).await?;
        erasing.leave_contacts(&mut tx, &addresses).await?;
        write_counts(&mut tx, &erasing.tally.into_deltas()).await?;
        complete_notices(&mut tx, notices.iter().copied(), now).await?;
        if let Pass::First { id_hash, entry } = pass {
            tx.execute(&INSERT_ID_HASH, (id_hash.to_owned(), now)).await?;
            let done = &erasing.done;
            let after = json!({
                "notices": done.notices, "deliveries": done.deliveries, "cancelled": done.cancelled,
                "handed_over": done.handed_over,
            });
            append(&mut tx, &entry.clone().with(after), self.now()).await?;
        }
        tx.commit().await?;
        Ok((erasing.id, erasing.done))
    }
}

/// Which look through the notices it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pass<'a> {
    /// The first, which erases the contact itself too.
    First {
        /// What is kept of its id.
        id_hash: &'a str,
        /// What the audit log says.
        entry: &'a NewEntry,
    },
    /// One after that, for notices that were submitted at the same moment.
    Late {
        /// The id that it had.
        id: &'a str,
    },
}

/// Refuses a notice in `tx` that was put together while somebody in it was still there. It is asked after the audit
/// entry: whoever erases waits for that, and looks for such notices afterwards.
///
/// # Errors
/// [`StoreError::Conflict`] then.
pub(super) async fn refuse_erased(tx: &mut Tx, notice: NoticeId) -> Result<(), StoreError> {
    match tx.fetch_first::<(String,), _>(&SELECT_ERASED_AMONG, (notice.0,)).await? {
        None => Ok(()),
        Some(_) => Err(StoreError::Conflict(
            "somebody whom it is for was erased while it was being put together: nothing was submitted; do it again"
                .to_owned(),
        )),
    }
}

/// How many contacts a refusal names.
const MOST_NAMED: usize = 10;

/// Refuses to remove `contacts` (keys and ids) where a legal hold keeps one of them: it stands in a notice that the
/// hold covers.
///
/// # Errors
/// [`StoreError::Conflict`] names who is kept, and by which hold.
pub(super) async fn refuse_held_removals(
    tx: &mut Tx,
    contacts: &[(ContactKey, &str)],
) -> Result<(), StoreError> {
    if contacts.is_empty() || !any_hold(tx).await? {
        return Ok(());
    }
    let mut kept = Vec::new();
    let mut why = None;
    for (contact, id) in contacts {
        let rows: Vec<(Uuid,)> = tx.fetch(&SELECT_TOUCHED, (contact.0, (*id).to_owned())).await?;
        let scopes = scopes_of(tx, &rows.into_iter().map(|(notice,)| notice).collect()).await?;
        if let Some(reason) = holding_reason(tx, &scopes).await? {
            kept.push(*id);
            why.get_or_insert(reason);
        }
    }
    let Some(why) = why else { return Ok(()) };
    let named: Vec<&str> = kept.iter().take(MOST_NAMED).copied().collect();
    let more = kept.len().saturating_sub(named.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Err(StoreError::Conflict(format!(
        "{why}, and it keeps {}{more}, whom the files no longer have: nothing was imported. Put them into the files \
         again, or import without --prune; who set the hold can lift it (\"retention lift\")",
        named.join(", ")
    )))
}

/// What a hold may cover of `notices`.
async fn scopes_of(tx: &mut Tx, notices: &BTreeSet<Uuid>) -> Result<BTreeSet<HoldScope>, StoreError> {
    let ids: Vec<Uuid> = notices.iter().copied().collect();
    let names: Vec<(String, Option<String>)> = tx.fetch(&SELECT_NUMBERS, (Json(&ids),)).await?;
    let mut covered = BTreeSet::from([HoldScope::Everything]);
    for (number, incident) in names {
        covered.insert(HoldScope::Notice(number));
        covered.extend(incident.map(HoldScope::Incident));
    }
    Ok(covered)
}

/// Nothing that a legal hold covers is erased.
async fn refuse_held(tx: &mut Tx, notices: &BTreeSet<Uuid>) -> Result<(), StoreError> {
    let covered = scopes_of(tx, notices).await?;
    match holding_reason(tx, &covered).await? {
        None => Ok(()),
        Some(why) => Err(StoreError::Conflict(format!(
            "{why}: nothing was erased. Who set the hold can lift it (\"retention lift\"); until then restrict the use \
             of this contact by suppressing its addresses"
        ))),
    }
}

/// One erasure under way.
struct Erasing {
    contact: Uuid,
    id: String,
    now: i64,
    /// What stands in the place of what texts could say of it.
    card: ContactCard,
    tally: Tally,
    done: Erased,
}

impl Erasing {
    async fn leave_notice(&mut self, tx: &mut Tx, notice: Uuid) -> Result<(), StoreError> {
        self.hand_over(tx, notice).await?;
        let own: Vec<OwnDelivery> = tx.fetch(&SELECT_DELIVERIES, (notice, self.contact)).await?;
        if own.iter().any(|delivery| delivery.state == DeliveryState::Sending.as_str()) {
            return Err(StoreError::Conflict(
                "a message to this contact is being sent at this moment: nothing was erased; run the command again in \
                 a minute"
                    .to_owned(),
            ));
        }
        if own.iter().any(|delivery| delivery.state == DeliveryState::Unclear.as_str()) {
            return Err(StoreError::Conflict(
                "a delivery to this contact is unclear: nothing was erased; decide about it first (\"deliveries list \
                 --state unclear\", then \"deliveries resolve\")"
                    .to_owned(),
            ));
        }
        let ids: Vec<Uuid> = own.iter().map(|delivery| delivery.delivery_id).collect();
        tx.execute(&CANCEL_QUEUED, (Json(&ids), self.now)).await?;
        for delivery in own.iter().filter(|delivery| delivery.state == DeliveryState::Queued.as_str()) {
            self.tally.moved(notice, &delivery.channel, DeliveryState::Queued, DeliveryState::Cancelled);
            self.done.cancelled += 1;
        }
        self.done.deliveries += ids.len();
        clear_deliveries(tx, &ids).await?;
        tx.execute(&MARK_FOR_FAN_OUT, (notice, self.contact, self.now)).await?;
        tx.execute(&CLEAR_RECIPIENTS, (notice, self.contact, Json(&self.card))).await?;
        end_cascades(tx, notice, &[self.contact], CascadeEnd::Cancelled, self.now).await?;
        tx.execute(&LEAVE_OUT_STEPS, (notice, self.contact)).await?;
        tx.execute(&CLEAR_STEPS, (notice, self.contact, Json(&self.card))).await?;
        tx.execute(&CLEAR_PERSON, (notice, self.contact, self.card.id.clone())).await?;
        tx.execute(&RENAME_MERGED, (notice, self.contact, self.card.id.clone())).await?;
        tx.execute(&CLEAR_UNREACHABLE, (notice, self.contact, self.card.id.clone())).await?;
        let renamed = (notice, self.id.clone(), self.card.id.clone());
        tx.execute(&CLEAR_UNREACHABLES_DEPUTY, renamed.clone()).await?;
        tx.execute(&CLEAR_PERSONS_DEPUTY, renamed).await?;
        tx.execute(&CLEAR_NOTES, (notice, self.contact)).await?;
        Ok(())
    }

    /// Deliveries whose address other contacts share are theirs from now on: they must not lose them.
    async fn hand_over(&mut self, tx: &mut Tx, notice: Uuid) -> Result<(), StoreError> {
        let sharing: Vec<(Uuid, Uuid)> = tx.fetch(&SELECT_SHARING, (notice, self.contact)).await?;
        if sharing.is_empty() {
            return Ok(());
        }
        let contacts = read_contacts(&mut Reader::Tx(tx), ContactFilter::Present).await?;
        let cards: HashMap<Uuid, ContactCard> =
            contacts.into_iter().map(|stored| (stored.known.key.0, stored.known.contact.card())).collect();
        let mut given = BTreeSet::new();
        for (delivery, heir) in sharing {
            let Some(card) = cards.get(&heir) else { continue };
            if given.insert(delivery) {
                tx.execute(&HAND_OVER_DELIVERY, (delivery, heir)).await?;
                tx.execute(&HAND_OVER_RECIPIENT, (notice, delivery, heir, Json(card))).await?;
                tx.execute(&DELETE_MERGED, (notice, delivery, heir)).await?;
            }
        }
        self.done.handed_over += given.len();
        Ok(())
    }

    /// Notices to which it was named by itself.
    async fn leave_audiences(&self, tx: &mut Tx) -> Result<(), StoreError> {
        let rows: Vec<(Uuid, Json<Audience>)> = tx.fetch(&SELECT_AUDIENCES, self.quoted()).await?;
        for (notice, Json(mut audience)) in rows {
            self.leave_audience(&mut audience);
            tx.execute(&UPDATE_AUDIENCE, (notice, Json(audience))).await?;
        }
        Ok(())
    }

    /// Patterns for texts that may name it, as its id is written and in lower case; they may name another, too.
    fn quoted(&self) -> (String, String) {
        (format!("%\"{}\"%", self.id), format!("%\"{}\"%", self.id.to_lowercase()))
    }

    /// Takes it out of an audience. Filters are compared without regard to case.
    fn leave_audience(&self, audience: &mut Audience) {
        for id in audience.contacts.iter_mut().filter(|id| **id == self.id) {
            id.clone_from(&self.card.id);
        }
        let filters = audience.filters.iter_mut().filter(|filter| filter.attribute == "id");
        for filter in filters.filter(|filter| filter.value.to_lowercase() == self.id.to_lowercase()) {
            filter.value.clone_from(&self.card.id);
        }
    }

    async fn leave_contacts(&self, tx: &mut Tx, addresses: &[(String, String)]) -> Result<(), StoreError> {
        let points: Vec<(String, String)> = tx.fetch(&SELECT_POINTS, (self.contact,)).await?;
        let name: Option<(String,)> = tx.fetch_first(&SELECT_NAME, (self.contact,)).await?;
        let known = points.iter().map(|(_, address)| address.clone()).chain(name.map(|(name,)| name));
        let mut words: BTreeSet<String> =
            known.filter(|word| !word.is_empty()).flat_map(|word| [word.to_lowercase(), word]).collect();
        words.insert(format!("\"{}\"", self.id));
        tx.execute(&FORGET_ANSWERS, (Json(words),)).await?;
        tx.execute(&DELETE_POINTS, (self.contact,)).await?;
        tx.execute(&DELETE_MEMBERSHIPS, (self.contact,)).await?;
        tx.execute(&CLEAR_CONTACT, (self.contact, self.card.id.clone(), self.now)).await?;
        tx.execute(&CLEAR_DEPUTY_OF, (self.id.clone(),)).await?;
        contacts_changed(tx).await?;
        tx.execute(&CLEAR_ACCOUNT_OF, (self.id.clone(),)).await?;
        let all: BTreeSet<&(String, String)> = points.iter().chain(addresses).collect();
        let all: Vec<AddressInput> =
            all.into_iter().map(|(channel, address)| AddressInput { channel, address }).collect();
        // What another contact has too stays blocked, and its endpoint known.
        tx.execute(&DELETE_SUPPRESSIONS, (Json(&all),)).await?;
        tx.execute(&DELETE_ENDPOINTS, (Json(&all), self.contact)).await?;
        Ok(())
    }
}

#[derive(Serialize)]
struct AddressInput<'a> {
    channel: &'a str,
    address: &'a str,
}

/// Takes the addresses from deliveries, and all texts of other programs, which may hold them too.
pub(super) async fn clear_deliveries(tx: &mut Tx, ids: &[Uuid]) -> Result<(), StoreError> {
    tx.execute(&CLEAR_DELIVERIES, (Json(ids),)).await?;
    tx.execute(&CLEAR_ATTEMPTS, (Json(ids),)).await?;
    tx.execute(&CLEAR_RECEIPTS, (Json(ids),)).await?;
    Ok(())
}
