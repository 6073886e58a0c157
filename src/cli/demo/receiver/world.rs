//! How the recipients' servers, telephones and endpoints behave in the demo, and who of the recipients confirms.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// The mailbox that does not exist, and whose server says so at once.
pub(in crate::cli::demo) const UNKNOWN_MAILBOX: &str = "uwe.poggensee@moosbruecke.example";

/// The mailbox that does not exist, and whose server finds out only after it has taken the message.
pub(in crate::cli::demo) const BOUNCING_MAILBOX: &str = "suemeyye.aydin@lindwerder.example";

/// The domain that puts every first try off.
pub(in crate::cli::demo) const GREYLISTING_DOMAIN: &str = "birkenrode.example";

/// The telephone that no text message gets through to.
pub(in crate::cli::demo) const DEAD_TELEPHONE: &str = "+4917604069023";

/// The telephone that no network ever reports on.
pub(in crate::cli::demo) const SILENT_TELEPHONE: &str = "+4917604069019";

/// The endpoint whose owner has given it up, by its host: its first call meets 410, later ones somebody who runs it
/// again.
pub(in crate::cli::demo) const GONE_ENDPOINT: &str = "chat.sw-rotbuchen-netz.example";

/// The endpoint that is too busy for its first call, by its host.
pub(in crate::cli::demo) const BUSY_ENDPOINT: &str = "alarm.klinikum-rotbuchen.example";

/// Where somebody lives who never confirms an alarm: text messages and mails.
const UNMOVED: [&str; 5] = [
    "+4917604069031",
    "svenja.groenefeld@kommunal-it-sieben-eichen.example",
    "s.groenefeld@privatpost.example",
    "+491713920032",
    "bereitschaft@nordlicht-forensik.example",
];

/// How many first tries are remembered; beyond that nobody is put off any more.
const MOST_REMEMBERED: usize = 10_000;

/// Whether the person behind an address confirms an alarm.
pub(super) fn confirms(address: &str) -> bool {
    !UNMOVED.iter().any(|unmoved| unmoved.eq_ignore_ascii_case(address))
}

/// The servers behind all domains, in one.
#[derive(Debug, Default)]
pub(super) struct World {
    seen: Mutex<BTreeSet<String>>,
}

impl World {
    /// The reply to RCPT for this address, without a line end (RFC 5321, section 4.2; codes of RFC 3463).
    pub(super) fn reply_to_recipient(&self, address: &str) -> &'static str {
        let address = address.to_ascii_lowercase();
        if address == UNKNOWN_MAILBOX {
            return "550 5.1.1 No such mailbox here";
        }
        let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
        if domain == GREYLISTING_DOMAIN && self.is_first_try(&address) {
            return "451 4.7.1 Greylisted, please try again in a moment";
        }
        "250 2.1.5 Recipient ok"
    }

    /// What an endpoint with this host answers before it looks at a call.
    pub(super) fn refusal_of_endpoint(&self, host: &str) -> Option<(u16, &'static str)> {
        match host {
            GONE_ENDPOINT if self.is_first_try(host) => Some((410, "this channel has been deleted")),
            BUSY_ENDPOINT if self.is_first_try(host) => Some((503, "too busy, please come back")),
            _ => None,
        }
    }

    fn is_first_try(&self, address: &str) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.len() < MOST_REMEMBERED && seen.insert(address.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mailbox_is_unknown_and_one_domain_wants_a_second_try() {
        let world = World::default();
        let reply = |address| &world.reply_to_recipient(address)[..3];
        assert_eq!(reply("rathaus@birkenrode.example"), "451");
        assert_eq!(reply("Rathaus@Birkenrode.example"), "250");
        assert_eq!(reply("katrin.luedtke@birkenrode.example"), "451");
        assert_eq!(reply(UNKNOWN_MAILBOX), "550");
        assert_eq!(reply(UNKNOWN_MAILBOX), "550");
        assert_eq!(reply("anybody@else.example"), "250");
    }

    #[test]
    fn two_endpoints_refuse_their_first_call() {
        let world = World::default();
        let status = |host| world.refusal_of_endpoint(host).map(|(status, _)| status);
        assert_eq!(status(GONE_ENDPOINT), Some(410));
        assert_eq!(status(GONE_ENDPOINT), None);
        assert_eq!(status(BUSY_ENDPOINT), Some(503));
        assert_eq!(status("hooks.else.example"), None);
    }
}
