//! What sending would mean, before anything leaves: who gets it how, who shares an address, who cannot be reached,
//! how long it takes.

mod delivery;
mod measures;
mod refusals;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::domain::address::{Address, Channel};
use crate::domain::contact::{ContactPoint, KnownContact};
use crate::domain::ids::{DeliveryId, IdSource};
use crate::domain::settings::Settings;
use crate::store::{DeadDomain, MergedRecipient, Suppression, UnreachableRecipient};

use super::audience::Addressed;

pub use delivery::PlannedDelivery;
pub use refusals::{Specimen, uncallable};

/// What sending would mean.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// In the order in which their contacts were named.
    pub deliveries: Vec<PlannedDelivery>,
    /// Contacts that share an address with one of those.
    pub merged: Vec<MergedRecipient>,
    /// Contacts for whom no delivery can be made.
    pub unreachable: Vec<UnreachableRecipient>,
    /// Contacts whose every address is suppressed: their delivery will show as suppressed and not leave.
    pub silenced: Vec<Silenced>,
    /// Contacts whose delivery is made and waits until the domain of their address is up again.
    pub held: Vec<HeldRecipient>,
    /// Dead domains in which contacts of the audience have addresses.
    pub dead_domains: BTreeSet<String>,
    /// Contacts of each named group, in the order named; a contact counts in the first that has it.
    pub groups: Vec<GroupShare>,
    /// What the text messages come to, if there are any.
    pub sms: Option<SmsShare>,
    /// What is known to be refused on our own side when it is to be sent, each with what to do about it.
    pub refusals: Vec<String>,
    /// Attributes that the texts name and none of the contacts has: they are empty for everybody, or mistyped.
    pub unknown_attributes: Vec<String>,
    /// How long it takes at the limits in force; `None` where no limit says.
    pub duration: Option<Duration>,
}

/// What the text messages of a notice come to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SmsShare {
    /// How many messages.
    pub messages: usize,
    /// How many segments gateways count and charge.
    pub segments: usize,
    /// The most segments that one of them has.
    pub longest: usize,
    /// How many have to be sent as UCS-2, at 70 characters a segment instead of 160.
    pub ucs2: usize,
    /// The characters that force that.
    pub outside_gsm: BTreeSet<char>,
}

/// What one group contributes. By one channel, its contacts are its deliveries, the merged, the blocked and the
/// unreachable.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupShare {
    /// Its name; `(contacts)` for those named singly.
    pub name: String,
    /// How many contacts.
    pub contacts: usize,
    /// How many deliveries that leave, by channel.
    pub deliveries: BTreeMap<Channel, usize>,
    /// How many contacts get nothing of their own, because they share the address of another.
    pub merged: usize,
    /// How many contacts get nothing, because every address of theirs is suppressed.
    pub blocked: usize,
    /// How many contacts have no way at all.
    pub unreachable: usize,
}

/// A contact whose last way a suppression takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silenced {
    /// The id from the file.
    pub id: String,
    /// The name.
    pub name: String,
    /// Which addresses are suppressed, and why.
    pub why: String,
}

/// A contact whose delivery waits for a domain of ours that is down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRecipient {
    /// The id from the file.
    pub id: String,
    /// The name.
    pub name: String,
    /// The domain.
    pub domain: String,
}

/// How a contact is reached by one channel.
enum Way<'a> {
    Open(&'a ContactPoint),
    Suppressed(&'a ContactPoint, &'a Suppression),
    /// In a domain of ours that is down: it waits until the domain is up.
    Held(&'a ContactPoint, &'a str),
    Dead(String),
    None,
}

/// Plans a notice to `addressed` by `channels`.
pub fn plan(
    addressed: &[Addressed<'_>],
    channels: &[Channel],
    settings: &Settings,
    suppressions: &[Suppression],
    dead_domains: &[DeadDomain],
    ids: &IdSource,
) -> Plan {
    let mut planning = Planning::new(addressed.len(), settings, suppressions, dead_domains);
    for one in addressed {
        planning.add(*one, channels);
    }
    planning.finish(ids)
}

/// Plans the first step of a cascade: every contact by the first of `channels` that is open to it.
pub fn plan_first_ways(
    addressed: &[Addressed<'_>],
    channels: &[Channel],
    settings: &Settings,
    suppressions: &[Suppression],
    dead_domains: &[DeadDomain],
    ids: &IdSource,
) -> Plan {
    let mut planning = Planning::new(addressed.len(), settings, suppressions, dead_domains);
    for one in addressed {
        let first = planning.first_way(one.contact, channels);
        planning.add(*one, first.as_ref().map_or(channels, std::slice::from_ref));
    }
    planning.finish(ids)
}

struct Planning<'a> {
    suppressed: HashMap<(&'a str, &'a str), &'a Suppression>,
    /// Dead domains, and whether they are ours: those come back when we do.
    dead: HashMap<&'a str, bool>,
    /// In the order in which contacts were named: whoever is first in the file is first in the queue, and destinations
    /// alternate as they do there.
    deliveries: Vec<Shared<'a>>,
    /// By channel and normalised address: where among those it stands.
    places: HashMap<(Channel, String), usize>,
    plan: Plan,
}

/// A delivery: the first contact that has the address, and those that share it.
struct Shared<'a> {
    holder: &'a Arc<KnownContact>,
    address: &'a Address,
    others: Vec<&'a KnownContact>,
}

impl<'a> Planning<'a> {
    fn new(
        contacts: usize,
        settings: &'a Settings,
        suppressions: &'a [Suppression],
        dead_domains: &'a [DeadDomain],
    ) -> Self {
        let email = &settings.email;
        let is_hosted = |domain: &String| email.hosted_domains.contains(domain);
        let configured = email.unreachable_domains.iter().map(|domain| (domain.as_str(), is_hosted(domain)));
        let entered = dead_domains.iter().map(|dead| (dead.domain.as_str(), dead.hosted));
        Self {
            suppressed: suppressions.iter().map(|s| ((s.channel.as_str(), s.address.as_str()), s)).collect(),
            dead: configured.chain(entered).collect(),
            deliveries: Vec::with_capacity(contacts),
            places: HashMap::with_capacity(contacts),
            plan: Plan::default(),
        }
    }

    fn add(&mut self, addressed: Addressed<'a>, channels: &[Channel]) {
        let known = addressed.contact;
        let ways: Vec<Way<'a>> = channels.iter().map(|channel| self.way(known, *channel)).collect();
        let reached = ways.iter().any(|way| matches!(way, Way::Open(_) | Way::Held(..)));
        let mut reasons = Vec::new();
        let mut made = Vec::new();
        for (way, channel) in ways.iter().zip(channels) {
            match way {
                Way::Open(point) => {
                    if self.deliver(known, point) {
                        made.push(*channel);
                    }
                }
                Way::Held(point, domain) => {
                    if self.deliver(known, point) {
                        made.push(*channel);
                    }
                    let contact = &known.contact;
                    self.plan.held.push(HeldRecipient {
                        id: contact.id.clone(),
                        name: contact.name.clone(),
                        domain: (*domain).to_owned(),
                    });
                }
                Way::Suppressed(point, suppression) => {
                    // Its row shows what was not sent, and why.
                    self.deliver(known, point);
                    let address = crate::domain::mask::mask_address(&suppression.address);
                    reasons.push(format!(
                        "{address} is suppressed ({}: {})",
                        suppression.reason, suppression.detail
                    ));
                }
                Way::Dead(why) => reasons.push(why.clone()),
                Way::None => reasons.push(format!("no {channel} address")),
            }
        }
        let blocked = !reached && ways.iter().any(|way| matches!(way, Way::Suppressed(..)));
        if !reached {
            let contact = &known.contact;
            let why = reasons.join("; ");
            if blocked {
                self.plan.silenced.push(Silenced { id: contact.id.clone(), name: contact.name.clone(), why });
            } else {
                self.plan.unreachable.push(UnreachableRecipient {
                    contact: known.key,
                    id: contact.id.clone(),
                    name: contact.name.clone(),
                    reason: why,
                });
            }
        }
        let share = self.share(addressed.group);
        share.contacts += 1;
        share.blocked += usize::from(blocked);
        share.unreachable += usize::from(!reached && !blocked);
        share.merged += usize::from(reached && made.is_empty());
        for channel in made {
            *share.deliveries.entry(channel).or_default() += 1;
        }
    }

    /// The first channel by which a contact can be reached now, or else when a domain of ours is up again.
    fn first_way(&mut self, known: &'a KnownContact, channels: &[Channel]) -> Option<Channel> {
        let ways: Vec<Way<'a>> = channels.iter().map(|channel| self.way(known, *channel)).collect();
        let open = ways.iter().position(|way| matches!(way, Way::Open(_)));
        let held = || ways.iter().position(|way| matches!(way, Way::Held(..)));
        open.or_else(held).map(|at| channels[at])
    }

    /// The first contact point of a channel that can be used, in the order of ranks.
    fn way(&mut self, known: &'a KnownContact, channel: Channel) -> Way<'a> {
        let mut points: Vec<&ContactPoint> =
            known.contact.points.iter().filter(|point| point.address.channel() == channel).collect();
        points.sort_by_key(|point| point.rank);
        let mut found = Way::None;
        for point in points {
            let dead = self.dead_domain(&point.address);
            if let Some((domain, _)) = dead {
                self.plan.dead_domains.insert(domain.to_owned());
            }
            let suppression = self.suppression(&point.address);
            match (dead, suppression) {
                (None, None) => return Way::Open(point),
                (Some((domain, false)), _) => {
                    if matches!(found, Way::None) {
                        found = Way::Dead(format!("mail to {domain} cannot arrive: the domain is down"));
                    }
                }
                (_, Some(suppression)) => {
                    if matches!(found, Way::None | Way::Dead(_)) {
                        found = Way::Suppressed(point, suppression);
                    }
                }
                (Some((domain, true)), None) => {
                    if !matches!(found, Way::Held(..)) {
                        found = Way::Held(point, domain);
                    }
                }
            }
        }
        found
    }

    /// What an address is not used for, if that is so.
    fn suppression(&self, address: &Address) -> Option<&'a Suppression> {
        if self.suppressed.is_empty() {
            return None;
        }
        // Suppressions are in lower case throughout, the path of a webhook too.
        let normalised = address.normalised().to_lowercase();
        self.suppressed.get(&(address.channel().as_str(), normalised.as_str())).copied()
    }

    /// The address's domain if it is dead, and whether it is one of ours.
    fn dead_domain(&self, address: &'a Address) -> Option<(&'a str, bool)> {
        let Address::Email(address) = address else { return None };
        self.dead.get(address.domain()).map(|hosted| (address.domain(), *hosted))
    }

    /// Adds a delivery, or joins the one of the same address; `true` if it is a new one.
    fn deliver(&mut self, known: &'a Arc<KnownContact>, point: &'a ContactPoint) -> bool {
        let channel = point.address.channel();
        match self.places.entry((channel, point.address.normalised())) {
            Entry::Occupied(place) => {
                self.deliveries[*place.get()].others.push(known);
                false
            }
            Entry::Vacant(place) => {
                place.insert(self.deliveries.len());
                self.deliveries.push(Shared { holder: known, address: &point.address, others: Vec::new() });
                true
            }
        }
    }

    /// What the group contributes, as far as it is counted.
    fn share(&mut self, group: Option<&str>) -> &mut GroupShare {
        let name = group.unwrap_or("(contacts)");
        let at = self.plan.groups.iter().position(|share| share.name == name).unwrap_or_else(|| {
            self.plan.groups.push(GroupShare { name: name.to_owned(), ..GroupShare::default() });
            self.plan.groups.len() - 1
        });
        &mut self.plan.groups[at]
    }

    fn finish(mut self, ids: &IdSource) -> Plan {
        self.plan.deliveries.reserve(self.deliveries.len());
        for shared in &self.deliveries {
            let delivery = DeliveryId(ids.next());
            self.plan.merged.extend(shared.others.iter().map(|other| MergedRecipient {
                delivery,
                contact: other.key,
                id: other.contact.id.clone(),
            }));
            self.plan.deliveries.push(PlannedDelivery {
                delivery,
                holder: Arc::clone(shared.holder),
                address: shared.address.clone(),
                units: 1,
            });
        }
        self.plan
    }
}

impl Plan {
    /// The shares of all groups together.
    pub fn everybody(&self) -> GroupShare {
        self.groups.iter().fold(
            GroupShare { name: "all".to_owned(), ..GroupShare::default() },
            |mut sum, share| {
                sum.contacts += share.contacts;
                sum.merged += share.merged;
                sum.blocked += share.blocked;
                sum.unreachable += share.unreachable;
                for (channel, count) in &share.deliveries {
                    *sum.deliveries.entry(*channel).or_default() += count;
                }
                sum
            },
        )
    }
}

#[cfg(test)]
mod tests;
