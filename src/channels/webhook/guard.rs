//! Which addresses may be called at all: whoever may name an endpoint must not thereby reach into our own network
//! (server-side request forgery).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use url::Host;

/// What an address is to a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A public address.
    Public,
    /// In one of the networks that were allowed by name.
    Allowed,
    /// Not to be called, and what it is.
    Blocked(&'static str),
}

/// Why a host may not be called, in words for whoever runs the instance.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}{}{mend}", if mend.is_empty() { "" } else { ": " })]
pub struct Refusal {
    why: String,
    mend: &'static str,
}

/// What helps where a network is not to be called.
const NAME_THE_NETWORK: &str = "if it may be called, add its network to [webhook] allow_networks";

impl Refusal {
    /// Why, without what to do.
    pub fn why(&self) -> &str {
        &self.why
    }

    /// What to do; may be empty.
    pub const fn mend(&self) -> &'static str {
        self.mend
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(segments: [u16; 8], prefix: u8) -> Ipv6Net {
    let s = segments;
    Ipv6Net::new_assert(Ipv6Addr::new(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]), prefix)
}

/// The IPv4 networks that are not public (IANA's special-purpose registry, RFC 6890).
const BLOCKED_V4: &[(Ipv4Net, &str)] = &[
    (v4(0, 0, 0, 0, 8), "this host itself"),
    (v4(10, 0, 0, 0, 8), "a private address"),
    (v4(100, 64, 0, 0, 10), "an address behind a provider's translation"),
    (v4(127, 0, 0, 0, 8), "this machine"),
    (v4(169, 254, 0, 0, 16), "a link-local address"),
    (v4(172, 16, 0, 0, 12), "a private address"),
    (v4(192, 0, 0, 0, 24), "a protocol's own address"),
    (v4(192, 0, 2, 0, 24), "an address for documentation"),
    (v4(192, 88, 99, 0, 24), "a 6to4 relay"),
    (v4(192, 168, 0, 0, 16), "a private address"),
    (v4(198, 18, 0, 0, 15), "an address for measurements"),
    (v4(198, 51, 100, 0, 24), "an address for documentation"),
    (v4(203, 0, 113, 0, 24), "an address for documentation"),
    (v4(224, 0, 0, 0, 4), "a multicast address"),
    (v4(240, 0, 0, 0, 4), "a reserved address"),
];

/// The IPv6 networks that are not public, the more particular first. What carries an IPv4 address inside is blocked
/// whole: a gateway could lead anywhere.
const BLOCKED_V6: &[(Ipv6Net, &str)] = &[
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 128), "this host itself"),
    (v6([0, 0, 0, 0, 0, 0, 0, 1], 128), "this machine"),
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 96), "an IPv4 address in disguise"),
    (v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96), "an IPv4 address in disguise (NAT64)"),
    (v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48), "an IPv4 address in disguise (NAT64)"),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32), "an IPv4 address in disguise (Teredo)"),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), "a protocol's own address"),
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), "an address for documentation"),
    (v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), "an IPv4 address in disguise (6to4)"),
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), "an address for documentation"),
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), "a private address"),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), "a link-local address"),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), "a multicast address"),
];

/// All that is routed publicly in IPv6 lies in here (RFC 4291, section 2.4, as IANA has given it out).
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// What `address` is, with the exceptions of `allowed`. An IPv4 address that is written as IPv6 (`::ffff:a.b.c.d`)
/// counts as what it is.
pub fn standing(address: IpAddr, allowed: &[IpNet]) -> Standing {
    let plain = address.to_canonical();
    if allowed.iter().any(|network| network.contains(&plain) || network.contains(&address)) {
        return Standing::Allowed;
    }
    let blocked = match plain {
        IpAddr::V4(address) => {
            BLOCKED_V4.iter().find(|(network, _)| network.contains(&address)).map(|(_, what)| *what)
        }
        IpAddr::V6(address) => BLOCKED_V6
            .iter()
            .find(|(network, _)| network.contains(&address))
            .map(|(_, what)| *what)
            .or_else(|| (!GLOBAL_V6.contains(&address)).then_some("a reserved address")),
    };
    blocked.map_or(Standing::Public, Standing::Blocked)
}

/// Those of `found`, to which `host` leads, that may be called. `plain` is a call without TLS: it only goes where every
/// address is in `allowed`, because what it says can be read and changed on the way.
///
/// # Errors
/// When none is left, in words that name the setting.
pub fn admit(
    host: &str,
    found: impl IntoIterator<Item = IpAddr>,
    plain: bool,
    allowed: &[IpNet],
) -> Result<Vec<IpAddr>, Refusal> {
    let mut admitted = Vec::new();
    let mut blocked = None;
    for address in found {
        match standing(address, allowed) {
            Standing::Allowed => admitted.push(address),
            Standing::Public if plain => return Err(unencrypted(host, address)),
            Standing::Public => admitted.push(address),
            Standing::Blocked(_) if plain => return Err(unencrypted(host, address)),
            Standing::Blocked(what) => blocked = blocked.or(Some((address, what))),
        }
    }
    match (admitted.is_empty(), blocked) {
        (false, _) => Ok(admitted),
        (true, Some((address, what))) => {
            let why = if host == address.to_string() {
                format!("{address} is {what}")
            } else {
                format!("{host} is {address}, {what}")
            };
            Err(Refusal { why, mend: NAME_THE_NETWORK })
        }
        (true, None) => Err(Refusal { why: format!("{host} has no address"), mend: "" }),
    }
}

/// The same for a host that is an address itself, which no resolver ever sees; a name is passed.
///
/// # Errors
/// As [`admit`].
pub fn admit_literal(host: Option<Host<&str>>, plain: bool, allowed: &[IpNet]) -> Result<(), Refusal> {
    let address: IpAddr = match host {
        Some(Host::Ipv4(address)) => address.into(),
        Some(Host::Ipv6(address)) => address.into(),
        Some(Host::Domain(_)) => return Ok(()),
        None => return Err(Refusal { why: "the address names no host".to_owned(), mend: "" }),
    };
    admit(&address.to_string(), [address], plain, allowed).map(|_| ())
}

fn unencrypted(host: &str, address: IpAddr) -> Refusal {
    let address = address.to_string();
    let whose = if host == address { address } else { format!("{host} ({address})") };
    let why = format!(
        "http:// is not encrypted and goes only to networks in [webhook] allow_networks, and {whose} is in none of them"
    );
    Refusal { why, mend: "write https://" }
}

#[cfg(test)]
mod tests;
