//! What a plan costs: segments of text messages, and time at the limits in force.

use std::collections::HashMap;
use std::time::Duration;

use crate::domain::address::Channel;
use crate::domain::rate::Rate;
use crate::domain::settings::Settings;
use crate::domain::sms_text::SmsEncoding;
use crate::templates::{Prepared, RenderFault, SmsMeter};

use super::{Plan, PlannedDelivery, SmsShare};

impl Plan {
    /// Fills the text message of every recipient and counts its segments.
    ///
    /// # Errors
    /// If one of them cannot be filled.
    pub fn measure_sms(&mut self, prepared: &Prepared, transliterate: bool) -> Result<(), RenderFault> {
        let mut share = SmsShare::default();
        let mut meter = SmsMeter::new(prepared, transliterate);
        for planned in self.deliveries.iter_mut().filter(|planned| planned.channel() == Channel::Sms) {
            let measured = meter.measure(&planned.holder.contact.card())?;
            let segments = measured.size.segments;
            planned.units = measured.units();
            share.messages += 1;
            share.segments += segments;
            share.longest = share.longest.max(segments);
            share.ucs2 += usize::from(measured.size.encoding == SmsEncoding::Ucs2);
            share.outside_gsm.extend(&measured.outside_gsm);
        }
        self.sms = (share.messages > 0).then_some(share);
        Ok(())
    }

    /// The longest that any limit makes it take: the quotas of the first providers, of mail destinations, and of each
    /// endpoint's host. `None`: nothing is limited.
    pub fn duration_under(&self, settings: &Settings) -> Option<Duration> {
        let email = &settings.email;
        let email_rate = email.providers.first().and_then(|provider| provider.rate);
        let sms_rate = settings.sms.providers.first().and_then(|provider| provider.rate);
        let limited: Vec<_> =
            email.destinations.iter().filter_map(|of| Some((of.name.as_str(), of.rate?))).collect();
        let by_domain =
            if limited.is_empty() { HashMap::new() } else { self.by_destination(Channel::Email, settings) };
        let destinations = limited.iter().filter_map(|(name, rate)| Some((*rate, *by_domain.get(*name)?)));
        let by_host = self.by_destination(Channel::Webhook, settings);
        let busiest_host = by_host.values().max().map(|count| (settings.webhook.rate_per_host, *count));
        let providers = [
            email_rate.map(|rate| (rate, self.units(Channel::Email))),
            sms_rate.map(|rate| (rate, self.units(Channel::Sms))),
        ];
        let limits = providers.into_iter().flatten().chain(destinations).chain(busiest_host);
        limits.filter(|(_, count)| *count > 0).map(|(rate, count): (Rate, u64)| rate.time_for(count)).max()
    }

    pub(super) fn of_channel(&self, channel: Channel) -> impl Iterator<Item = &PlannedDelivery> {
        self.deliveries.iter().filter(move |planned| planned.channel() == channel)
    }

    fn units(&self, channel: Channel) -> u64 {
        self.of_channel(channel).map(|planned| u64::from(planned.units)).sum()
    }

    fn by_destination(&self, channel: Channel, settings: &Settings) -> HashMap<String, u64> {
        let mut counts = HashMap::new();
        for planned in self.of_channel(channel) {
            *counts.entry(settings.destination(&planned.address)).or_default() += 1;
        }
        counts
    }
}
