//! Which hosts a record lets send.

use std::net::IpAddr;

use rundruf::channels::probe::dns::Dns;
use rundruf::channels::probe::spf::{SpfResult, evaluate};

use super::dns::Zone;

async fn result(zone: &Zone, address: &str) -> SpfResult {
    let dns = Dns::new(Some(zone.clone().serve())).unwrap();
    let address: IpAddr = address.parse().unwrap();
    evaluate(&dns, "kim.de", address).await.unwrap()
}

#[tokio::test]
async fn the_first_mechanism_that_meets_decides() {
    let zone = Zone::default()
        .text("kim.de", "v=spf1 ip4:192.0.2.0/28 a:relay.kim.de mx include:relays.de ?ip6:2001:db8::/32 ~all")
        .text("kim.de", "another text")
        .address("relay.kim.de", "198.51.100.1")
        .exchanger("kim.de", "mx.kim.de")
        .address("mx.kim.de", "198.51.100.2")
        .text("relays.de", "v=spf1 -ip4:203.0.113.9 ip4:203.0.113.0/24 -all");
    for (address, expected) in [
        ("192.0.2.15", SpfResult::Pass),
        ("192.0.2.16", SpfResult::SoftFail),
        ("198.51.100.1", SpfResult::Pass),
        ("198.51.100.2", SpfResult::Pass),
        ("203.0.113.8", SpfResult::Pass),
        ("203.0.113.9", SpfResult::SoftFail),
        ("2001:db8::1", SpfResult::Neutral),
    ] {
        assert_eq!(result(&zone, address).await, expected, "{address}");
    }
}

#[tokio::test]
async fn what_cannot_be_followed_is_said_to_be_so() {
    let endless = Zone::default().text("kim.de", "v=spf1 include:kim.de -all");
    assert!(
        matches!(result(&endless, "192.0.2.1").await, SpfResult::Broken(why) if why.contains("10 lookups"))
    );
    let nothing = Zone::default().text("kim.de", "v=spf1 include:gone.de -all");
    assert!(matches!(result(&nothing, "192.0.2.1").await, SpfResult::Broken(why) if why.contains("gone.de")));
    let strange = Zone::default().text("kim.de", "v=spf1 ip5:192.0.2.1 -all");
    assert!(matches!(result(&strange, "192.0.2.1").await, SpfResult::Broken(_)));
    let dynamic = Zone::default().text("kim.de", "v=spf1 exists:%{i}.kim.de -all");
    assert!(matches!(result(&dynamic, "192.0.2.1").await, SpfResult::CannotTell(_)));
    let redirected = Zone::default()
        .text("kim.de", "v=spf1 redirect=_spf.kim.de")
        .text("_spf.kim.de", "v=spf1 ip4:192.0.2.1");
    assert_eq!(result(&redirected, "192.0.2.1").await, SpfResult::Pass);
    assert_eq!(result(&redirected, "192.0.2.2").await, SpfResult::Neutral);
}
