//! What a plan costs: segments of text messages, and time at the limits in force.

use std::collections::HashMap;
use std::time::Duration;

use crate::domain::address::Channel;
use crate::domain::rate::Rate;
use crate::domain::settings::Settings;
use crate::domain::sms_text::SmsEncoding;
use crate::templates::{Prepared, RenderFault};

use super::{Plan, SmsShare};

impl Plan {
    /// Fills the text message of every recipient and counts its segments.
    ///
    /// # Errors
    /// If one of them cannot be filled.
    pub fn measure_sms(&mut self, prepared: &Prepared, transliterate: bool) -> Result<(), RenderFault> {
        let mut share = SmsShare::default();
        for recipient in self.recipients.iter_mut().filter(|recipient| recipient.channel == Channel::Sms) {
            let content = prepared.sms_content(prepared.specimen(&recipient.card), transliterate)?;
            let segments = content.size.segments;
            recipient.units = u32::try_from(segments).unwrap_or(u32::MAX).max(1);
            share.messages += 1;
            share.segments += segments;
            share.longest = share.longest.max(segments);
            share.ucs2 += usize::from(content.size.encoding == SmsEncoding::Ucs2);
            share.outside_gsm.extend(content.outside_gsm);
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
        let by_host = self.by_destination(Channel::Webhook);
        let by_domain = self.by_destination(Channel::Email);
        let destinations = email
            .destinations
            .iter()
            .filter_map(|destination| Some((destination.rate?, *by_domain.get(destination.name.as_str())?)));
        let busiest_host = by_host.values().max().map(|count| (settings.webhook.rate_per_host, *count));
        let providers = [
            email_rate.map(|rate| (rate, self.units(Channel::Email))),
            sms_rate.map(|rate| (rate, self.units(Channel::Sms))),
        ];
        let limits = providers.into_iter().flatten().chain(destinations).chain(busiest_host);
        limits.filter(|(_, count)| *count > 0).map(|(rate, count): (Rate, u64)| rate.time_for(count)).max()
    }

    fn units(&self, channel: Channel) -> u64 {
        let of_channel = self.recipients.iter().filter(|recipient| recipient.channel == channel);
        of_channel.map(|recipient| u64::from(recipient.units)).sum()
    }

    fn by_destination(&self, channel: Channel) -> HashMap<&str, u64> {
        let mut counts = HashMap::new();
        for recipient in self.recipients.iter().filter(|recipient| recipient.channel == channel) {
            *counts.entry(recipient.destination.as_str()).or_default() += 1;
        }
        counts
    }
}
