//! Following people instead of addresses: the ways of a contact in their order, its own and then its deputy's, and what
//! a notice carries so that each can confirm.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::domain::address::Channel;
use crate::domain::contact::{ContactPoint, KnownContact};
use crate::domain::ids::{ContactKey, DeliveryId, IdSource};
use crate::domain::seal::{Seal, token_hash};
use crate::domain::settings::Instance;
use crate::domain::template::TemplateSpec;
use crate::store::{CascadeContact, CascadeStep, Following};
use crate::templates::{Prepared, RenderFault, SmsMeter};

use super::audience::{Addressed, Addressee, Directory};
use super::compose::{ComposeError, Draft, Wish};
use super::plan::Plan;

/// How long each way has where nothing was said.
const AFTER: Duration = Duration::from_secs(10 * 60);
/// How an alarm goes where nothing was said: what people carry with them first.
const ALARM_ORDER: [Channel; 3] = [Channel::Sms, Channel::Email, Channel::Webhook];
/// The host of `[instance] public_url` as it is delivered: nobody can open a page there.
const UNSET_HOST: &str = "rundruf.example";

/// How those are followed who are not reached at first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cascade {
    /// One after the other.
    pub channels: Vec<Channel>,
    /// How long each way has.
    pub after: Duration,
    /// Who has further ways, or has to confirm.
    pub contacts: Vec<CascadeContact>,
}

/// Whether `wish` is for a cascade, and in which order its channels follow each other. `None`: all at once.
///
/// # Errors
/// When it names a time for ways that do not follow each other, or none at all.
pub fn cascade_order(wish: &mut Wish, spec: &TemplateSpec) -> Result<Option<Cascade>, ComposeError> {
    let refuse = |why: &str| Err(ComposeError::Channel(why.to_owned()));
    if wish.cascade.is_empty() && !spec.alarm {
        return match wish.after {
            Some(_) => refuse(
                "--after says how long each way of a cascade has, and this notice has none: add --cascade sms,email, \
                 or leave --after out",
            ),
            None => Ok(None),
        };
    }
    if wish.after.is_some_and(|after| after < Duration::from_secs(1)) {
        return refuse("--after is too short: write at least 1s; 10m is usual");
    }
    if !wish.cascade.is_empty() {
        wish.channels.clone_from(&wish.cascade);
    }
    let channels = if wish.channels.is_empty() { ALARM_ORDER.to_vec() } else { wish.channels.clone() };
    Ok(Some(Cascade { channels, after: wish.after.unwrap_or(AFTER), contacts: Vec::new() }))
}

/// Why recipients of an alarm could not confirm, and what to do about it; `None`: they can.
pub fn confirmation_fault(spec: &TemplateSpec, instance: &Instance) -> Option<String> {
    (spec.alarm && instance.public_url.host_str() == Some(UNSET_HOST)).then(|| {
        format!(
            "nobody could confirm this alarm: the link in it would lead to {}. Set [instance] public_url to the \
             address under which \"rundruf serve\" is reached from outside",
            instance.public_url
        )
    })
}

/// What a notice made of `draft` carries to follow its people.
pub fn following(draft: &Draft, seal: &Seal) -> Following {
    let alarm = draft.template.spec.alarm;
    let cascades = draft.cascade.as_ref().map(|cascade| cascade.contacts.clone()).unwrap_or_default();
    let listed = draft.plan.deliveries.iter().map(|planned| (planned.delivery, planned.channel()));
    let later = cascades.iter().flat_map(|cascade| {
        cascade.steps.iter().skip(usize::from(cascade.has_first)).map(|step| (step.delivery, step.channel))
    });
    // An endpoint is a machine: it does not confirm.
    let confirmed = listed.chain(later).filter(|(_, channel)| alarm && *channel != Channel::Webhook);
    let links = confirmed
        .map(|(delivery, _)| (delivery, token_hash(&seal.acknowledgement_token(delivery))))
        .collect();
    Following {
        alarm,
        people: draft.people.iter().map(Addressee::person).collect(),
        links,
        cascade_after: draft.cascade.as_ref().map(|cascade| cascade.after),
        cascades,
    }
}

impl Cascade {
    /// The same with those of its channels that are among `channels`.
    #[must_use]
    pub fn among(mut self, channels: &[Channel]) -> Self {
        let mut seen = HashSet::new();
        self.channels.retain(|channel| channels.contains(channel) && seen.insert(*channel));
        self
    }

    /// Works out the ways of every contact behind the first, which is in `plan`. `texts` measures text messages, with
    /// whether they are transliterated.
    ///
    /// # Errors
    /// If a text message cannot be filled.
    pub fn follow(
        &mut self,
        addressed: &[Addressed<'_>],
        directory: &Directory,
        plan: &mut Plan,
        alarm: bool,
        texts: Option<(&Prepared, bool)>,
        ids: &IdSource,
    ) -> Result<(), RenderFault> {
        let firsts = first_deliveries(plan);
        let mut meter = texts.map(|(prepared, transliterate)| SmsMeter::new(prepared, transliterate));
        let silenced: HashSet<String> = plan.silenced.iter().map(|silenced| silenced.id.clone()).collect();
        for one in addressed {
            let known = one.contact;
            let deputy = known.contact.deputy.as_deref().and_then(|id| directory.contact(id));
            let deputy = deputy.filter(|deputy| deputy.key != known.key);
            let first = firsts.get(&known.key).filter(|_| !silenced.contains(&known.contact.id));
            let mut steps = Vec::new();
            if let Some((delivery, address)) = first {
                let own = self.points(known).skip_while(|point| point.address.normalised() != *address);
                for point in own {
                    let delivery = if steps.is_empty() { *delivery } else { DeliveryId(ids.next()) };
                    steps.push(step(known, point, None, delivery, meter.as_mut())?);
                }
            }
            if let Some(deputy) = deputy {
                for point in self.points(deputy) {
                    let delivery = DeliveryId(ids.next());
                    steps.push(step(deputy, point, Some(deputy.key), delivery, meter.as_mut())?);
                }
            }
            if first.is_none()
                && !steps.is_empty()
                && let Some(lost) = plan.unreachable.iter_mut().find(|lost| lost.contact == known.key)
                && let Some(deputy) = deputy
            {
                lost.reason = format!("{}; the deputy {} is told at once", lost.reason, deputy.contact.id);
            }
            let has_first = first.is_some();
            // Where nobody confirms and there is no further way, there is nothing to look after.
            if steps.len() > usize::from(has_first && !alarm) {
                self.contacts.push(CascadeContact { contact: known.key, has_first, steps });
            }
        }
        Ok(())
    }

    /// How many further ways would follow only when a notice that is worth sending for `lasts` has expired.
    pub fn too_late(&self, lasts: Duration) -> usize {
        let is_late =
            |step: &usize| self.after.saturating_mul(u32::try_from(*step).unwrap_or(u32::MAX)) >= lasts;
        self.contacts.iter().map(|one| (1..one.steps.len()).filter(is_late).count()).sum()
    }

    /// The contact points of `known` in the order of the channels and of their ranks.
    fn points<'a>(&'a self, known: &'a KnownContact) -> impl Iterator<Item = &'a ContactPoint> {
        self.channels.iter().flat_map(|channel| known.contact.points_of(*channel))
    }
}

/// The delivery that the frozen list has for each contact, its own or a shared one, and the address in its normal form.
fn first_deliveries(plan: &Plan) -> HashMap<ContactKey, (DeliveryId, String)> {
    let by_delivery: HashMap<DeliveryId, String> =
        plan.deliveries.iter().map(|planned| (planned.delivery, planned.address.normalised())).collect();
    let own = plan.deliveries.iter().map(|planned| (planned.holder.key, planned.delivery));
    let shared = plan.merged.iter().map(|merged| (merged.contact, merged.delivery));
    own.chain(shared)
        .filter_map(|(contact, delivery)| Some((contact, (delivery, by_delivery.get(&delivery)?.clone()))))
        .collect()
}

fn step(
    reader: &KnownContact,
    point: &ContactPoint,
    deputy: Option<ContactKey>,
    delivery: DeliveryId,
    meter: Option<&mut SmsMeter<'_>>,
) -> Result<CascadeStep, RenderFault> {
    let card = reader.contact.card();
    let channel = point.address.channel();
    let units = match meter {
        Some(meter) if channel == Channel::Sms => meter.measure(&card)?.units(),
        _ => 1,
    };
    Ok(CascadeStep { delivery, deputy, channel, address: point.address.as_str().to_owned(), card, units })
}

#[cfg(test)]
mod tests;
