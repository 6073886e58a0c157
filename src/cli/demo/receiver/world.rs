//! How the recipients' mail servers behave in the demo.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// The mailbox that does not exist.
pub(in crate::cli::demo) const UNKNOWN_MAILBOX: &str = "uwe.poggensee@moosbruecke.example";

/// The domain that puts every first try off.
pub(in crate::cli::demo) const GREYLISTING_DOMAIN: &str = "birkenrode.example";

/// How many first tries are remembered; beyond that nobody is put off any more.
const MOST_REMEMBERED: usize = 10_000;

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
        if domain == GREYLISTING_DOMAIN && self.is_first_try(address) {
            return "451 4.7.1 Greylisted, please try again in a moment";
        }
        "250 2.1.5 Recipient ok"
    }

    fn is_first_try(&self, address: String) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.len() < MOST_REMEMBERED && seen.insert(address)
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
}
