//! Every kind of address, however it is written.

use super::*;
use crate::domain::address::WebhookUrl;

fn of(address: &str, allowed: &[&str]) -> Standing {
    standing(address.parse().unwrap(), &networks(allowed))
}

fn networks(allowed: &[&str]) -> Vec<IpNet> {
    allowed.iter().map(|network| network.parse().unwrap()).collect()
}

#[test]
fn public_addresses_may_be_called() {
    for address in [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.1",
        "169.253.255.255",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2a00:1450:4001:830::200e",
        "2606:4700:4700::1111",
        "2003:6:1::1",
        "2001:200::1",
        "::ffff:1.1.1.1",
    ] {
        assert_eq!(of(address, &[]), Standing::Public, "{address}");
    }
}

#[test]
fn what_is_not_public_is_blocked_at_both_ends_of_its_network() {
    for address in [
        "0.0.0.0",
        "0.255.255.255",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.169.254",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.0",
        "192.0.0.255",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.0",
        "192.168.255.255",
        "198.18.0.0",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.255",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::2",
        "100::1",
        "2001:db8::1",
        "2001:db8:ffff::1",
        "2001:2::1",
        "2001:10::1",
        "2001:1ff:ffff::1",
        "3fff::1",
        "4000::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fdff:ffff::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
    ] {
        assert!(matches!(of(address, &[]), Standing::Blocked(_)), "{address}");
    }
}

#[test]
fn an_ipv4_address_in_disguise_leads_nowhere() {
    for (address, kind) in [
        ("::ffff:127.0.0.1", "this machine"),
        ("::ffff:10.0.0.1", "private"),
        ("::ffff:169.254.169.254", "link-local"),
        ("::127.0.0.1", "disguise"),
        ("::1.1.1.1", "disguise"),
        ("64:ff9b::7f00:1", "NAT64"),
        ("64:ff9b::101:101", "NAT64"),
        ("64:ff9b:1::a00:1", "NAT64"),
        ("2002:7f00:1::", "6to4"),
        ("2002:101:101::1", "6to4"),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "Teredo"),
    ] {
        let Standing::Blocked(what) = of(address, &[]) else { panic!("{address} is let through") };
        assert!(what.contains(kind), "{address}: {what}");
    }
}

#[test]
fn an_allowed_network_is_an_exception_and_no_more() {
    assert_eq!(of("10.20.3.4", &["10.20.0.0/16"]), Standing::Allowed);
    assert_eq!(of("::ffff:10.20.3.4", &["10.20.0.0/16"]), Standing::Allowed);
    assert!(matches!(of("10.21.0.1", &["10.20.0.0/16"]), Standing::Blocked(_)));
    assert_eq!(of("fd00:1::7", &["fd00:1::/32"]), Standing::Allowed);
    assert!(matches!(of("fd00:2::7", &["fd00:1::/32"]), Standing::Blocked(_)));
    assert_eq!(of("127.0.0.1", &["10.0.0.0/8", "127.0.0.0/8"]), Standing::Allowed);
    assert!(matches!(of("::1", &["127.0.0.0/8"]), Standing::Blocked(_)));
    assert_eq!(of("1.1.1.1", &["1.1.1.1/32"]), Standing::Allowed);
}

#[test]
fn of_many_addresses_only_those_are_called_that_may_be() {
    let found: Vec<IpAddr> = ["10.0.0.1", "1.1.1.1", "::1"].map(|text| text.parse().unwrap()).to_vec();
    let admitted = admit("hooks.example", found.clone(), false, &[]).unwrap();
    assert_eq!(admitted, ["1.1.1.1".parse::<IpAddr>().unwrap()]);
    let refusal = admit("hooks.example", [found[0]], false, &[]).unwrap_err().to_string();
    assert!(refusal.contains("hooks.example is 10.0.0.1, a private address"), "{refusal}");
    assert!(refusal.contains("[webhook] allow_networks"), "{refusal}");
    assert!(admit("hooks.example", [], false, &[]).is_err());
    let literal: IpAddr = "169.254.169.254".parse().unwrap();
    for plain in [true, false] {
        let refusal = admit("169.254.169.254", [literal], plain, &[]).unwrap_err().to_string();
        assert_eq!(refusal.matches("169.254.169.254").count(), 1, "{refusal}");
    }
}

#[test]
fn without_tls_every_single_address_must_be_allowed() {
    let allowed = networks(&["10.0.0.0/8"]);
    let ip = |text: &str| text.parse::<IpAddr>().unwrap();
    assert!(admit("a.example", [ip("10.0.0.1"), ip("10.9.9.9")], true, &allowed).is_ok());
    for other in ["1.1.1.1", "192.168.0.1"] {
        for found in [vec![ip("10.0.0.1"), ip(other)], vec![ip(other)]] {
            let refusal = admit("a.example", found, true, &allowed).unwrap_err().to_string();
            assert!(refusal.contains("allow_networks") && refusal.contains("https://"), "{refusal}");
        }
    }
}

#[test]
fn an_address_in_a_url_is_seen_through_however_it_is_written() {
    for host in [
        "127.0.0.1",
        "127.1",
        "127.0.0.1.",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "127.0.0.1%2e",
        "%31%32%37.0.0.1",
        "127。0。0。1",
        "①②⑦.0.0.1",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "0",
        "0.0.0.0",
        "169.254.169.254",
        "[fd00:ec2::254]",
    ] {
        let url: WebhookUrl =
            format!("https://{host}:8443/x").parse().unwrap_or_else(|why| panic!("{host}: {why}"));
        let url = url::Url::parse(url.as_str()).unwrap();
        assert!(admit_literal(url.host(), false, &[]).is_err(), "{host} became {:?}", url.host());
    }
    let own = url::Url::parse("https://[::ffff:127.0.0.1]/").unwrap();
    assert!(admit_literal(own.host(), true, &networks(&["127.0.0.0/8"])).is_ok());
    let name = url::Url::parse("https://localhost/").unwrap();
    assert!(admit_literal(name.host(), false, &[]).is_ok(), "a name is the resolver's");
}

#[test]
fn a_scoped_or_broken_literal_is_no_address_of_a_webhook() {
    for wrong in [
        "https://[fe80::1%25eth0]/",
        "https://[fe80::1%eth0]/",
        "https://[::1/",
        "https://1.2.3.4.5/",
        "https://256.1.1.1/",
    ] {
        assert!(wrong.parse::<WebhookUrl>().is_err(), "{wrong}");
    }
}
