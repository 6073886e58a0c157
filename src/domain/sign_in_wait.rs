//! How wrong sign-ins slow down the next: waits that grow, and never a lockout that somebody could use against the
//! staff.
//!
//! | counted | free | then waits | why |
//! |---|---|---|---|
//! | an account from one address | 5 | 1 s, doubling, to 15 min | guessing one password |
//! | an address, by accounts that were never signed in to from there | 30 | 1 s, doubling, to 1 min | trying one password everywhere; offices share an address |
//! | an address, coming back from a provider of identities | 30 | 1 s, doubling, to 1 min | invented codes; whoever signs in with a password does not wait for that |
//! | an account, from addresses that it was never signed in from | 100 | 2 s | guessing from many addresses; whoever signs in from where they always do does not wait |
//! | an account's codes, after the right password | 5 | 1 s, doubling, to 15 min | guessing the code; only who knows the password gets here |

use std::time::Duration;

use super::account::AccountName;
use super::clock::Timestamp;
use super::credential::secret_hash;

/// For how long a failure is remembered after the last.
pub const REMEMBERED: Duration = Duration::from_secs(24 * 3_600);

/// How failures of one kind turn into waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitRule {
    /// So many failures cost nothing.
    free: u32,
    /// The wait after the next one.
    first: Duration,
    /// It doubles with each, up to this.
    most: Duration,
}

/// An account from one address.
const ACCOUNT_AT_ORIGIN: WaitRule =
    WaitRule { free: 5, first: Duration::from_secs(1), most: Duration::from_secs(900) };
/// An address.
const ORIGIN: WaitRule = WaitRule { free: 30, first: Duration::from_secs(1), most: Duration::from_secs(60) };
/// An account from elsewhere.
const ACCOUNT: WaitRule = WaitRule { free: 100, first: Duration::from_secs(2), most: Duration::from_secs(2) };
/// An account's codes.
const CODES: WaitRule = WaitRule { free: 5, first: Duration::from_secs(1), most: Duration::from_secs(900) };

impl WaitRule {
    /// How long the next try must wait after so many failures.
    pub fn after(self, failures: u32) -> Duration {
        match failures.checked_sub(self.free) {
            None | Some(0) => Duration::ZERO,
            Some(beyond) => {
                let factor = 1_u32.checked_shl(beyond - 1).unwrap_or(u32::MAX);
                self.first.saturating_mul(factor).min(self.most)
            }
        }
    }

    /// Whether waits begin with this many failures.
    pub const fn begins_at(self, failures: u32) -> bool {
        failures == self.free + 1
    }
}

/// What failures are counted under: a rule, and a hash of what it is about. What was typed as a name may have been a
/// password, so that it is kept nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitKey {
    /// The hash.
    pub hash: Vec<u8>,
    /// The rule.
    pub rule: WaitRule,
}

impl WaitKey {
    /// An account from one address.
    pub fn account_at_origin(name: &str, origin: &str) -> Self {
        Self::new("account-at-origin", &format!("{}\0{name}", network(origin)), ACCOUNT_AT_ORIGIN)
    }

    /// An address.
    pub fn origin(origin: &str) -> Self {
        Self::new("origin", &network(origin), ORIGIN)
    }

    /// An address that people come back to from a provider of identities.
    pub fn provider_at_origin(origin: &str) -> Self {
        Self::new("provider-at-origin", &network(origin), ORIGIN)
    }

    /// An account, from an address that it was never signed in from.
    pub fn account(name: &str) -> Self {
        Self::new("account", name, ACCOUNT)
    }

    /// An account's codes, or its password where it is asked for again.
    pub fn codes(name: &AccountName) -> Self {
        Self::new("codes", name.as_str(), CODES)
    }

    fn new(kind: &str, about: &str, rule: WaitRule) -> Self {
        Self { hash: secret_hash(&format!("wait:{kind}"), &about.to_owned().into()), rule }
    }
}

/// The part of an address that one subscriber has: all of IPv4, the first 64 bits of IPv6.
fn network(origin: &str) -> String {
    match origin.parse() {
        Ok(std::net::IpAddr::V6(address)) => match address.to_ipv4_mapped() {
            Some(mapped) => mapped.to_string(),
            None => format!("{:x?}", &address.segments()[..4]),
        },
        _ => origin.to_owned(),
    }
}

/// What is remembered under one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Failures {
    /// How many.
    pub count: u32,
    /// The last.
    pub last_at: Timestamp,
    /// Until when the next try must wait.
    pub until: Timestamp,
}

impl Failures {
    /// Counts a try that begins now as failed, until it turns out otherwise: so that many at once gain nothing.
    ///
    /// # Errors
    /// Until when it must wait; then it does not count.
    pub fn with_try(self, rule: WaitRule, now: Timestamp) -> Result<Self, Timestamp> {
        if now < self.until {
            return Err(self.until);
        }
        let count = if now.since(self.last_at) >= REMEMBERED { 0 } else { self.count }.saturating_add(1);
        Ok(Self { count, last_at: now, until: now.plus(rule.after(count)) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULES: [WaitRule; 4] = [ACCOUNT_AT_ORIGIN, ORIGIN, ACCOUNT, CODES];

    #[test]
    fn a_few_slips_cost_nothing_and_then_the_wait_doubles() {
        let seconds: Vec<u64> = (4..18).map(|count| ACCOUNT_AT_ORIGIN.after(count).as_secs()).collect();
        assert_eq!(seconds, [0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
    }

    #[test]
    fn an_account_from_elsewhere_is_never_kept_waiting_for_long() {
        assert_eq!(ACCOUNT.after(u32::MAX), Duration::from_secs(2));
    }

    #[test]
    fn addresses_of_one_subscriber_count_together() {
        assert_eq!(WaitKey::origin("2001:db8:1:2::3"), WaitKey::origin("2001:db8:1:2:ffff::9"));
        assert_ne!(WaitKey::origin("2001:db8:1:2::3"), WaitKey::origin("2001:db8:1:3::3"));
        assert_ne!(WaitKey::origin("192.0.2.1"), WaitKey::origin("192.0.2.2"));
        assert_eq!(WaitKey::origin("::ffff:192.0.2.1"), WaitKey::origin("192.0.2.1"));
        assert_ne!(WaitKey::origin("anna"), WaitKey::account("anna"));
    }

    #[test]
    fn a_day_without_failure_forgets_them() {
        let before = Failures { count: 50, last_at: Timestamp(1_000), until: Timestamp(2_000) };
        let later = Timestamp(1_000).plus(REMEMBERED);
        assert_eq!(before.with_try(ACCOUNT_AT_ORIGIN, later).unwrap().count, 1);
    }

    proptest! {
        #[test]
        fn a_wait_grows_and_never_passes_its_limit(count in 0_u32..100_000, rule in 0_usize..4) {
            let rule = RULES[rule];
            prop_assert!(rule.after(count) <= rule.after(count + 1));
            prop_assert!(rule.after(count) <= rule.most);
        }

        #[test]
        fn whoever_waits_as_told_is_let_in(gaps in prop::collection::vec(0_u64..2_000_000, 1..60)) {
            let mut now = Timestamp(1_795_000_000_000);
            let mut failures = Failures::default();
            for gap in gaps {
                now = now.plus(Duration::from_millis(gap));
                failures = match failures.with_try(CODES, now) {
                    Ok(counted) => counted,
                    Err(until) => {
                        prop_assert!(until > now && until.since(now) <= CODES.most);
                        now = until;
                        failures.with_try(CODES, now).unwrap()
                    }
                };
            }
        }
    }
}
