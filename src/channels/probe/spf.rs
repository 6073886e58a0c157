//! Which hosts may send for a domain (RFC 7208).
//!
//! Evaluated are `all`, `ip4`, `ip6`, `a`, `mx`, `include` and `redirect`. A record that decides by anything else before
//! one of these matches (`ptr`, `exists`, a macro) is one of which we say that we cannot tell.

use std::net::IpAddr;
use std::pin::Pin;

use ipnet::IpNet;

use super::dns::{Dns, Unanswered};

/// How many questions a record may cost its reader (section 4.6.4).
const MOST_LOOKUPS: usize = 10;

/// What a domain publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpfRecord {
    /// Nothing.
    Missing,
    /// So many, which receivers take for an error.
    Several(usize),
    /// One.
    One(String),
}

/// What a record says of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpfResult {
    /// It may send.
    Pass,
    /// The record does not say.
    Neutral,
    /// It probably may not.
    SoftFail,
    /// It may not.
    Fail,
    /// The record is wrong; how.
    Broken(String),
    /// We cannot follow it; where.
    CannotTell(String),
}

/// The record of a domain.
///
/// # Errors
/// When nobody can tell.
pub async fn find_record(dns: &Dns, domain: &str) -> Result<SpfRecord, Unanswered> {
    let mut records: Vec<String> = dns.texts(domain).await?;
    records.retain(|text| text.split(' ').next().is_some_and(|start| start.eq_ignore_ascii_case("v=spf1")));
    Ok(match records.len() {
        0 => SpfRecord::Missing,
        1 => SpfRecord::One(records.remove(0)),
        several => SpfRecord::Several(several),
    })
}

/// Whether a record lets the whole world send: it passes `all` (section 5.1).
pub fn lets_everybody(record: &str) -> bool {
    terms(record).any(|term| {
        let term = term.to_ascii_lowercase();
        term == "all" || term == "+all"
    })
}

fn terms(record: &str) -> impl Iterator<Item = &str> {
    record.split(' ').skip(1).filter(|term| !term.is_empty())
}

/// What the record of `domain` says of the host with this `address`.
///
/// # Errors
/// When nobody can tell.
pub async fn evaluate(dns: &Dns, domain: &str, address: IpAddr) -> Result<SpfResult, Unanswered> {
    let mut evaluation = Evaluation { dns, address, lookups: 0 };
    evaluation.check(domain.to_owned()).await
}

struct Evaluation<'a> {
    dns: &'a Dns,
    address: IpAddr,
    lookups: usize,
}

/// One mechanism: its name, what stands behind the colon, and the lengths of prefixes for IPv4 and IPv6.
struct Mechanism<'a> {
    name: String,
    value: Option<&'a str>,
    prefixes: (u8, u8),
}

/// Whether a mechanism meets the host, or why that ends the evaluation.
enum Meets {
    Yes,
    No,
    End(SpfResult),
}

impl Evaluation<'_> {
    fn check(
        &mut self,
        domain: String,
    ) -> Pin<Box<dyn Future<Output = Result<SpfResult, Unanswered>> + Send + '_>> {
        Box::pin(async move {
            let record = match find_record(self.dns, &domain).await? {
                SpfRecord::One(record) => record,
                SpfRecord::Missing => return Ok(broken(format!("{domain} has no SPF record"))),
                SpfRecord::Several(_) => return Ok(broken(format!("{domain} has several SPF records"))),
            };
            let mut redirect = None;
            for term in terms(&record) {
                if let Some((name, value)) = modifier(term) {
                    if name.eq_ignore_ascii_case("redirect") {
                        redirect = Some(value.to_owned());
                    }
                    continue;
                }
                let result = match term.as_bytes().first() {
                    Some(b'-') => SpfResult::Fail,
                    Some(b'~') => SpfResult::SoftFail,
                    Some(b'?') => SpfResult::Neutral,
                    _ => SpfResult::Pass,
                };
                let Some(mechanism) = parse(term.trim_start_matches(['+', '-', '~', '?'])) else {
                    return Ok(broken(format!("\"{}\" is no mechanism", term.escape_debug())));
                };
                match self.meets(&mechanism, &domain).await? {
                    Meets::Yes => return Ok(result),
                    Meets::No => {}
                    Meets::End(end) => return Ok(end),
                }
            }
            match redirect {
                Some(to) if to.contains('%') => Ok(SpfResult::CannotTell(format!("redirect={to}"))),
                Some(_) if !self.may_look_up() => Ok(too_many()),
                Some(to) => self.check(to).await,
                None => Ok(SpfResult::Neutral),
            }
        })
    }

    const fn may_look_up(&mut self) -> bool {
        self.lookups += 1;
        self.lookups <= MOST_LOOKUPS
    }

    async fn meets(&mut self, mechanism: &Mechanism<'_>, domain: &str) -> Result<Meets, Unanswered> {
        let name = mechanism.name.as_str();
        let value = mechanism.value.unwrap_or(domain);
        if value.contains('%') || matches!(name, "ptr" | "exists") {
            return Ok(Meets::End(SpfResult::CannotTell(format!("{name}:{value}"))));
        }
        if matches!(name, "a" | "mx" | "include") && !self.may_look_up() {
            return Ok(Meets::End(too_many()));
        }
        match name {
            "all" => Ok(Meets::Yes),
            "ip4" | "ip6" => Ok(self.is_in_network(name, mechanism)),
            "a" => {
                let addresses = self.dns.addresses(value).await?;
                Ok(yes_if(self.is_near(&addresses, mechanism.prefixes)))
            }
            "mx" => {
                // More than ten exchangers are an error (section 4.6.4); ten are enough to look at.
                for exchanger in self.dns.exchangers(value).await?.iter().take(MOST_LOOKUPS) {
                    let addresses = self.dns.addresses(exchanger).await?;
                    if self.is_near(&addresses, mechanism.prefixes) {
                        return Ok(Meets::Yes);
                    }
                }
                Ok(Meets::No)
            }
            "include" => Ok(match self.check(value.to_owned()).await? {
                SpfResult::Pass => Meets::Yes,
                SpfResult::Neutral | SpfResult::SoftFail | SpfResult::Fail => Meets::No,
                end @ (SpfResult::Broken(_) | SpfResult::CannotTell(_)) => Meets::End(end),
            }),
            _ => Ok(Meets::End(broken(format!("\"{}\" is no mechanism", name.escape_debug())))),
        }
    }

    fn is_in_network(&self, name: &str, mechanism: &Mechanism<'_>) -> Meets {
        let wrong = || Meets::End(broken(format!("{name}: is not followed by an address")));
        let Some(Ok(network)) = mechanism.value.map(str::parse::<IpAddr>) else { return wrong() };
        if network.is_ipv4() != (name == "ip4") {
            return wrong();
        }
        yes_if(self.is_near(&[network], mechanism.prefixes))
    }

    /// Whether the host lies in the network that each of `addresses` spans.
    fn is_near(&self, addresses: &[IpAddr], prefixes: (u8, u8)) -> bool {
        addresses.iter().any(|address| {
            let prefix = if address.is_ipv4() { prefixes.0 } else { prefixes.1 };
            IpNet::new(*address, prefix).is_ok_and(|network| network.contains(&self.address))
        })
    }
}

const fn yes_if(meets: bool) -> Meets {
    if meets { Meets::Yes } else { Meets::No }
}

const fn broken(why: String) -> SpfResult {
    SpfResult::Broken(why)
}

fn too_many() -> SpfResult {
    broken(format!("it costs more than {MOST_LOOKUPS} lookups, and receivers give up"))
}

/// A modifier is a name, `=` and a value (section 6); a mechanism has no `=` before its colon.
fn modifier(term: &str) -> Option<(&str, &str)> {
    let (name, value) = term.split_once('=')?;
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    is_name.then_some((name, value))
}

/// `name[:value][/prefix[//prefix]]` (section 4.6.1).
fn parse(term: &str) -> Option<Mechanism<'_>> {
    let (term, prefixes) = prefixes(term)?;
    let (name, value) = match term.split_once(':') {
        Some((name, value)) if !value.is_empty() => (name, Some(value)),
        Some(_) => return None,
        None => (term, None),
    };
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    is_name.then(|| Mechanism { name: name.to_ascii_lowercase(), value, prefixes })
}

/// Takes the prefix lengths off; without any, single hosts are meant.
fn prefixes(term: &str) -> Option<(&str, (u8, u8))> {
    let Some((term, lengths)) = term.split_once('/') else { return Some((term, (32, 128))) };
    let number = |text: &str, most: u8| text.parse::<u8>().ok().filter(|number| *number <= most);
    let is_ip6 = term.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("ip6:"));
    let lengths = match lengths.split_once('/') {
        // `//64`, or `24//64`: the first is IPv4's.
        Some((v4, v6)) => {
            let v6 = v6.strip_prefix('/').unwrap_or(v6);
            (if v4.is_empty() { 32 } else { number(v4, 32)? }, number(v6, 128)?)
        }
        None if is_ip6 => (32, number(lengths, 128)?),
        None => (number(lengths, 32)?, 128),
    };
    Some((term, lengths))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mechanism_is_taken_apart() {
        let apart = |term| parse(term).map(|m| (m.name.clone(), m.value.map(str::to_owned), m.prefixes));
        assert_eq!(apart("A"), Some(("a".to_owned(), None, (32, 128))));
        assert_eq!(
            apart("ip4:192.0.2.0/24"),
            Some(("ip4".to_owned(), Some("192.0.2.0".to_owned()), (24, 128)))
        );
        assert_eq!(
            apart("ip6:2001:db8::/32"),
            Some(("ip6".to_owned(), Some("2001:db8::".to_owned()), (32, 32)))
        );
        assert_eq!(apart("a:x.de/24//64"), Some(("a".to_owned(), Some("x.de".to_owned()), (24, 64))));
        assert_eq!(apart("mx//64"), Some(("mx".to_owned(), None, (32, 64))));
        for wrong in ["", "a:", "ip4:192.0.2.0/33", "mx/x", ":x", "a b"] {
            assert!(apart(wrong).is_none(), "{wrong:?}");
        }
    }

    #[test]
    fn a_record_that_passes_all_is_known() {
        for open in ["v=spf1 +all", "v=spf1 mx ALL", "v=spf1 ip4:192.0.2.1 +ALL"] {
            assert!(lets_everybody(open), "{open}");
        }
        for closed in ["v=spf1 -all", "v=spf1 ~all", "v=spf1 include:all.example ?all", "v=spf1"] {
            assert!(!lets_everybody(closed), "{closed}");
        }
    }
}
