//! Where a request really comes from, when a proxy passes it on.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName};

use crate::domain::settings::Http;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Headers by which a proxy betrays itself (RFC 7239, RFC 9110 section 7.6.3, and habit).
const MARKS: [&str; 4] = ["x-forwarded-for", "forwarded", "via", "x-real-ip"];

/// The address of whoever sent the request: `peer`, or, if that is a trusted proxy, the last address in
/// X-Forwarded-For that is none of our proxies'. What stands before that one the sender may have written himself.
pub(super) fn true_address(http: &Http, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let mut address = peer.to_canonical();
    // Bytes that are no text stay in their place as no address: what a proxy has written behind them counts all the same.
    let values =
        headers.get_all(X_FORWARDED_FOR).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let values: Vec<_> = values.collect();
    for item in values.iter().flat_map(|value| value.split(',')).map(str::trim).rev() {
        if !http.trusts(address) {
            break;
        }
        match parse(item) {
            Some(before) => address = before.to_canonical(),
            None => break,
        }
    }
    address
}

/// Whether somebody has passed the request on.
pub(super) fn is_passed_on(headers: &HeaderMap) -> bool {
    MARKS.iter().any(|name| headers.contains_key(*name))
}

/// An address, with or without a port.
fn parse(item: &str) -> Option<IpAddr> {
    let bare = item.trim_start_matches('[');
    item.parse()
        .ok()
        .or_else(|| item.parse::<std::net::SocketAddr>().ok().map(|address| address.ip()))
        .or_else(|| bare.strip_suffix(']')?.parse().ok())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::domain::settings::MetricsAccess;

    fn http(trusted: &[&str]) -> Http {
        Http {
            listen: "127.0.0.1:0".parse().unwrap(),
            certificate: None,
            trusted_proxies: trusted.iter().map(|network| network.parse().unwrap()).collect(),
            metrics: MetricsAccess::Loopback,
        }
    }

    fn seen(trusted: &[&str], peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        true_address(&http(trusted), peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn whoever_is_no_trusted_proxy_is_not_believed() {
        assert_eq!(seen(&[], "127.0.0.1", &["203.0.113.7"]), "127.0.0.1");
        assert_eq!(seen(&["10.0.0.0/8"], "192.0.2.1", &["203.0.113.7"]), "192.0.2.1");
    }

    #[test]
    fn the_last_address_that_is_no_proxy_of_ours_counts() {
        let ours = ["127.0.0.1/32", "10.0.0.0/8"];
        assert_eq!(seen(&ours, "127.0.0.1", &["203.0.113.7"]), "203.0.113.7");
        assert_eq!(seen(&ours, "127.0.0.1", &["1.2.3.4, 203.0.113.7, 10.1.1.1"]), "203.0.113.7");
        assert_eq!(
            seen(&ours, "127.0.0.1", &["1.2.3.4", "203.0.113.7,10.1.1.1"]),
            "203.0.113.7",
            "two lines"
        );
        assert_eq!(seen(&ours, "::ffff:127.0.0.1", &["[2001:db8::1]:4711"]), "2001:db8::1");
        assert_eq!(seen(&ours, "127.0.0.1", &["10.2.2.2"]), "10.2.2.2", "nobody else is named");
    }

    #[test]
    fn bytes_that_are_no_text_hide_nobody_behind_the_proxy() {
        let ours = ["127.0.0.1/32"];
        let lines = ["1.2.3.4, \u{e9}\u{ff}, 203.0.113.7"];
        assert_eq!(
            seen(&ours, "127.0.0.1", &lines),
            "203.0.113.7",
            "the proxy has added it to our caller's line"
        );
        assert_eq!(seen(&ours, "127.0.0.1", &["203.0.113.7, \u{e9}"]), "127.0.0.1");
        assert_eq!(seen(&[], "203.0.113.9", &lines), "203.0.113.9");
    }

    #[test]
    fn what_is_no_address_ends_the_search() {
        assert_eq!(seen(&["127.0.0.1/32"], "127.0.0.1", &["203.0.113.7, unknown"]), "127.0.0.1");
        assert_eq!(seen(&["127.0.0.1/32"], "127.0.0.1", &[""]), "127.0.0.1");
    }
}
