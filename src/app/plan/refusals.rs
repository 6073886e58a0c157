//! What of a notice is refused on our own side when it is to be sent, as far as that is known before it leaves: text
//! messages that are too long for a gateway, webhooks that are too large, endpoints that may not be called.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use crate::app::audience::Directory;
use crate::app::cascade::Cascade;
use crate::app::compose::Wish;
use crate::channels::webhook::guard::admit_literal;
use crate::channels::webhook::{Bodies, LARGEST_BODY, Publication};
use crate::domain::address::{Address, Channel};
use crate::domain::clock::Timestamp;
use crate::domain::contact::{ContactPoint, KnownContact, WebhookFormat};
use crate::domain::count::{counted, listed};
use crate::domain::settings::{Settings, SmsGateway, SmsTransport};
use crate::store::IncidentLink;
use crate::templates::{NoticeFacts, Prepared, RenderFault, SmsMeter};

use super::{Plan, SmsShare};

/// How many names or addresses a line shows before it only counts.
const NAMES: usize = 10;

/// How many characters a message of one segment has at most, in GSM 7-bit (3GPP TS 23.040); in several there are fewer.
const LONGEST_SEGMENT: usize = 160;

/// A notice before it has a number, with facts as long as real ones.
#[derive(Debug)]
pub struct Specimen<'a> {
    /// Its texts.
    pub prepared: &'a Prepared,
    /// What they say of it.
    pub facts: &'a NoticeFacts,
    /// The template's title.
    pub title: &'a str,
    /// What was wished.
    pub wish: &'a Wish,
    /// When it is released.
    pub released: Timestamp,
    /// The incident that it belongs to.
    pub incident: Option<&'a IncidentLink>,
}

/// One way of one contact.
type Way<'a> = (&'a KnownContact, &'a ContactPoint);

impl Plan {
    /// Notes what will be refused of its deliveries, and of the ways of `cascade` that follow them.
    ///
    /// # Errors
    /// If a text message cannot be filled.
    pub fn foresee_refusals(
        &mut self,
        cascade: Option<&Cascade>,
        directory: &Directory,
        specimen: &Specimen<'_>,
        settings: &Settings,
    ) -> Result<(), RenderFault> {
        let allowed = &settings.webhook.allow_networks;
        let calls: Vec<Way<'_>> = self.ways(Channel::Webhook, cascade, directory).collect();
        let mut refusals = if cascade.is_none() && self.sms.as_ref().is_none_or(|share| fits(share, settings))
        {
            Vec::new()
        } else {
            too_long(self.ways(Channel::Sms, cascade, directory), specimen.prepared, settings)?
        };
        refusals.extend(too_large(&calls, specimen));
        let called = calls.iter().map(|(known, point)| (known.contact.id.as_str(), &point.address));
        refusals.extend(uncallable(called, allowed).into_iter().map(|(mend, endpoints)| {
            let endpoints: Vec<&str> = endpoints.iter().map(String::as_str).collect();
            let count = counted(endpoints.len() as i128, "webhook fails", "webhooks fail");
            let what = listed(&endpoints, NAMES);
            format!("{count} because the endpoint may not be called: {what}: {mend}")
        }));
        self.refusals = refusals;
        Ok(())
    }

    /// The ways by `channel` that the notice takes at once or may take later.
    fn ways<'a>(
        &'a self,
        channel: Channel,
        cascade: Option<&'a Cascade>,
        directory: &'a Directory,
    ) -> impl Iterator<Item = Way<'a>> {
        let planned = self.of_channel(channel).filter_map(move |planned| {
            let known = planned.holder.as_ref();
            let mut points = known.contact.points_of(channel);
            Some((known, points.find(|point| point.address == planned.address)?))
        });
        let contacts = cascade.into_iter().flat_map(|cascade| &cascade.contacts);
        let steps = contacts.flat_map(|one| one.steps.iter().skip(usize::from(one.has_first)));
        let later = steps.filter(move |step| step.channel == channel).filter_map(move |step| {
            let known = directory.contact(&step.card.id)?;
            let mut points = known.contact.points_of(channel);
            Some((known, points.find(|point| point.address.as_str() == step.address)?))
        });
        planned.chain(later)
    }
}

/// Whether the longest of the text messages fits everywhere: then none need be looked at. A segment has at most
/// [`LONGEST_SEGMENT`] characters.
fn fits(share: &SmsShare, settings: &Settings) -> bool {
    settings.sms.providers.iter().all(|provider| match &provider.transport {
        SmsTransport::Gateway(gateway) => gateway.takes(share.longest, share.longest * LONGEST_SEGMENT),
        SmsTransport::Outbox(_) => true,
    })
}

/// Text messages that a gateway does not take whole.
#[derive(Default, Clone, Copy)]
struct TooLong {
    messages: usize,
    segments: usize,
    characters: usize,
}

/// What each gateway refuses for its length. A message that is too long for the gateway in use is not handed to the
/// next: that one is for when the first is down.
fn too_long<'a>(
    ways: impl Iterator<Item = Way<'a>>,
    prepared: &Prepared,
    settings: &Settings,
) -> Result<Vec<String>, RenderFault> {
    let gateways: Vec<Option<&SmsGateway>> = settings
        .sms
        .providers
        .iter()
        .map(|provider| match &provider.transport {
            SmsTransport::Gateway(gateway) => Some(gateway),
            SmsTransport::Outbox(_) => None,
        })
        .collect();
    let refused = refused_by(&gateways, ways, prepared, settings.sms.transliterate)?;
    let by_first = refused.first().map_or(0, |refused| refused.messages);
    let by_all = refused.iter().all(|refused| refused.messages > 0);
    let mut lines = Vec::new();
    for (at, (refused, provider)) in refused.into_iter().zip(&settings.sms.providers).enumerate() {
        let Some(gateway) = gateways[at] else { continue };
        // What fails at the first needs no word about those that stand in for it.
        if refused.messages == 0 || (at > 0 && refused.messages <= by_first) {
            continue;
        }
        let what = match at {
            0 if by_all => {
                "what is too long fails: shorten the text, or raise max_segments as far as the gateway allows"
            }
            0 => {
                "what is too long fails, and is not handed to another gateway: shorten the text, or name one that takes \
                 it first under [[sms.provider]]"
            }
            _ => {
                "what is too long would fail while this gateway stands in for one before it: shorten the text"
            }
        };
        lines.push(format!("{}: {what}", refused.line(&provider.name, gateway)));
    }
    Ok(lines)
}

/// What each of `gateways` would refuse.
fn refused_by<'a>(
    gateways: &[Option<&SmsGateway>],
    ways: impl Iterator<Item = Way<'a>>,
    prepared: &Prepared,
    transliterate: bool,
) -> Result<Vec<TooLong>, RenderFault> {
    let mut refused = vec![TooLong::default(); gateways.len()];
    if gateways.iter().all(Option::is_none) {
        return Ok(refused);
    }
    let mut meter = SmsMeter::new(prepared, transliterate);
    for (known, _) in ways {
        let measured = meter.measure(&known.contact.card())?;
        let (segments, characters) = (measured.size.segments, measured.characters);
        for (gateway, refused) in gateways.iter().zip(&mut refused) {
            if gateway.is_some_and(|gateway| !gateway.takes(segments, characters)) {
                refused.messages += 1;
                refused.segments = refused.segments.max(segments);
                refused.characters = refused.characters.max(characters);
            }
        }
    }
    Ok(refused)
}

impl TooLong {
    fn line(self, provider: &str, gateway: &SmsGateway) -> String {
        let count = counted(self.messages as i128, "text message is", "text messages are");
        let segments = counted(self.segments as i128, "segment", "segments");
        let most = counted(i128::from(gateway.max_segments), "segment", "segments");
        let characters = gateway.kind.most_characters();
        let characters = characters.map(|most| format!(" and {most} characters")).unwrap_or_default();
        format!(
            "{count} too long for the SMS gateway {provider}, with up to {segments} in {} characters; it takes {most} \
             (max_segments){characters}",
            self.characters
        )
    }
}

/// Webhooks that the client refuses for their size, and those that cannot be written at all.
fn too_large(calls: &[Way<'_>], specimen: &Specimen<'_>) -> Vec<String> {
    let mut bodies = Bodies::default();
    let (mut large, mut largest) = (Vec::new(), 0);
    let (mut unwritten, mut fault) = (Vec::new(), None);
    for (known, point) in calls {
        match specimen.body(known, point.webhook_format, &mut bodies) {
            Ok(bytes) if bytes > LARGEST_BODY => {
                large.push(known.contact.id.as_str());
                largest = largest.max(bytes);
            }
            Ok(_) => {}
            Err(error) => {
                unwritten.push(known.contact.id.as_str());
                fault = Some(error);
            }
        }
    }
    let count = |ids: &[&str]| counted(ids.len() as i128, "webhook fails", "webhooks fail");
    let large = (!large.is_empty()).then(|| {
        format!(
            "{} because the body is too large, with up to {largest} bytes of {LARGEST_BODY}: {}: shorten the notice's \
             text",
            count(&large),
            listed(&large, NAMES)
        )
    });
    let unwritten = fault.map(|fault| {
        let ids = listed(&unwritten, NAMES);
        format!("{} because the body cannot be filled: {ids}: {fault}: mend the template", count(&unwritten))
    });
    large.into_iter().chain(unwritten).collect()
}

impl Specimen<'_> {
    /// How many bytes the body for `known` has, in this form.
    fn body(
        &self,
        known: &KnownContact,
        format: WebhookFormat,
        bodies: &mut Bodies,
    ) -> Result<usize, RenderFault> {
        let card = known.contact.card();
        let text = self.prepared.render_webhook_text(&card)?;
        let own = self.prepared.render_webhook(&card)?;
        let incident = self.incident;
        let services: Vec<&str> =
            incident.iter().flat_map(|incident| &incident.services).map(String::as_str).collect();
        let publication = Publication {
            published_at: self.released,
            number: &self.facts.number,
            code: &self.facts.code,
            url: &self.facts.url,
            title: self.title,
            text: &text,
            language: self.prepared.webhook_language(&card),
            incident: incident.map(|incident| incident.key.as_str()),
            phase: incident.map(|incident| incident.phase),
            services: &services,
            visibility: self.wish.visibility,
            exercise: self.facts.exercise,
            next_update_at: incident.and_then(|incident| incident.next_update_at),
            expires_at: self.facts.expires_at,
            // Of a correction it would be 7 bytes more.
            supersedes: None,
            contact: &card.id,
            own: own.as_ref(),
        };
        Ok(bodies.body(format, &publication).len())
    }
}

/// Endpoints, each with the id of its contact, that the guard refuses whatever happens, because their host is an address
/// in a network that may not be called: why and whose, by what to do about it. No name is resolved.
pub fn uncallable<'a>(
    endpoints: impl Iterator<Item = (&'a str, &'a Address)>,
    allowed: &[IpNet],
) -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut refused: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
    for (contact, address) in endpoints {
        let Address::Webhook(url) = address else { continue };
        let url = url.as_url();
        if let Err(refusal) = admit_literal(url.host(), url.scheme() != "https", allowed) {
            let endpoint = format!("{contact} ({})", refusal.why());
            refused.entry(refusal.mend()).or_default().insert(endpoint);
        }
    }
    refused
}
