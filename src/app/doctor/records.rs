//! The DNS records of the sender's domain, by which receivers tell our mails from forgeries: SPF, DKIM, DMARC, and
//! whether returned mails find a way back.

use std::net::IpAddr;

use crate::channels::email::dkim::Signer;
use crate::channels::probe::dkim_record::{KeyRecord, compare};
use crate::channels::probe::dmarc::{Dmarc, Policy, find_policy};
use crate::channels::probe::dns::{Dns, Unanswered};
use crate::channels::probe::spf::{SpfRecord, SpfResult, evaluate, find_record, lets_everybody};
use crate::domain::settings::{DkimKey, Email, EmailTransport};

use super::instance::is_invented;
use super::{Examination, Finding};

/// What the records of the sender's domain say. Nothing where no mail leaves; about an invented domain only if a
/// resolver was named.
pub(super) async fn records(examination: &Examination) -> Vec<Finding> {
    let resolver = examination.resolver;
    let email = &examination.settings.email;
    let from = email.from.address.domain();
    let leaves = email.providers.iter().any(|provider| matches!(provider.transport, EmailTransport::Smtp(_)));
    if !leaves || (resolver.is_none() && is_invented(from)) {
        return Vec::new();
    }
    let dns = match Dns::new(resolver) {
        Ok(dns) => dns,
        Err(why) => return vec![unchecked("DNS", &why)],
    };
    // Without an answer to the first question there is none to the others.
    let spf_lines = match spf(&dns, email).await {
        Ok(lines) => lines,
        Err(why @ Unanswered::NoResolver(_)) => return vec![unchecked("DNS", &why)],
        Err(why) => vec![unchecked("SPF", &why)],
    };
    let mut lines = spf_lines;
    for key in &email.dkim {
        let subject = format!("DKIM {}", key.domain);
        lines.extend(dkim(&dns, &subject, key).await.unwrap_or_else(|why| Some(unchecked(&subject, &why))));
    }
    lines.extend(dmarc(&dns, email).await.unwrap_or_else(|why| vec![unchecked("DMARC", &why)]));
    lines.push(returned(&dns, email).await.unwrap_or_else(|why| unchecked("bounce address", &why)));
    lines
}

fn unchecked(subject: &str, why: &Unanswered) -> Finding {
    Finding::warning(
        subject,
        format!("could not be checked: {why}"),
        "run doctor where the internet can be reached, or name a resolver: --resolver 192.0.2.53",
    )
}

async fn spf(dns: &Dns, email: &Email) -> Result<Vec<Finding>, Unanswered> {
    // Receivers look at the return path's domain (RFC 7208, section 2.4).
    let domain = email.bounce_address.domain();
    let subject = format!("SPF {domain}");
    let record = match find_record(dns, domain).await? {
        SpfRecord::One(record) => record,
        SpfRecord::Missing => {
            return Ok(vec![Finding::warning(
                subject,
                "there is no record: receivers cannot know which hosts may send for you",
                format!(
                    "publish a TXT record at {domain} that lists your relays, such as\nv=spf1 mx a:RELAY -all"
                ),
            )]);
        }
        SpfRecord::Several(count) => {
            return Ok(vec![Finding::broken(
                subject,
                format!("there are {count} records, which receivers take for an error"),
                format!("merge the TXT records at {domain} that begin with v=spf1 into one"),
            )]);
        }
    };
    if lets_everybody(&record) {
        return Ok(vec![Finding::warning(
            subject,
            format!("{record}\nlets the whole world send in your name"),
            "end it in -all or ~all, after your relays",
        )]);
    }
    let mut lines = Vec::new();
    for provider in &email.providers {
        if let EmailTransport::Smtp(relay) = &provider.transport {
            lines.push(spf_of_relay(dns, &subject, domain, &relay.host, &record).await?);
        }
    }
    Ok(lines)
}

async fn spf_of_relay(
    dns: &Dns,
    subject: &str,
    domain: &str,
    host: &str,
    record: &str,
) -> Result<Finding, Unanswered> {
    let addresses = match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(address) => vec![address],
        Err(_) => dns.addresses(host).await?,
    };
    let Some(address) = addresses.into_iter().find(|address| is_public(*address)) else {
        return Ok(Finding::good(
            subject,
            format!(
                "{record}\nWhich address your relay {host} sends from cannot be seen from here: it must be listed"
            ),
        ));
    };
    let relay = format!("{host} ({address})");
    Ok(match evaluate(dns, domain, address).await? {
        SpfResult::Pass => Finding::good(subject, format!("lets {relay} send")),
        SpfResult::Broken(why) => Finding::broken(
            subject,
            format!("{record}\ncannot be used by receivers: {why}"),
            "mend the record; a checker on the web or your DNS provider shows where",
        ),
        SpfResult::CannotTell(at) => Finding::good(
            subject,
            format!("{record}\nwhether it lets {relay} send cannot be told here, because of {at}"),
        ),
        SpfResult::Neutral | SpfResult::SoftFail | SpfResult::Fail => Finding::warning(
            subject,
            format!("{record}\ndoes not let {relay} send"),
            "if your relay sends from that address, add it to the record; if it sends from another one, ask whoever \
             runs it which, and see that that one is listed",
        ),
    })
}

/// Whether the world could see mails come from this address.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => !(v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified()),
        IpAddr::V6(v6) => {
            !(v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local() || v6.is_unicast_link_local())
        }
    }
}

/// Nothing where the key itself cannot be used: that is said already.
async fn dkim(dns: &Dns, subject: &str, settings: &DkimKey) -> Result<Option<Finding>, Unanswered> {
    let name = format!("{}._domainkey.{}", settings.selector, settings.domain);
    let Some(ours) = Signer::load(settings).ok().and_then(|signer| signer.dns_record()) else {
        return Ok(None);
    };
    let publish = format!("publish this TXT record at {name}, as one text:\n{ours}");
    Ok(Some(match compare(&dns.texts(&name).await?, &ours) {
        KeyRecord::Matches { testing: false } => {
            Finding::good(subject, format!("the DNS has the key's public half at {name}"))
        }
        KeyRecord::Matches { testing: true } => Finding::warning(
            subject,
            format!("the record at {name} is marked as a test (t=y): receivers may ignore the signatures"),
            "take t=y out of the record",
        ),
        KeyRecord::Missing => Finding::broken(
            subject,
            format!("the DNS has no key at {name}: receivers cannot check the signatures"),
            publish,
        ),
        KeyRecord::Several(count) => Finding::broken(
            subject,
            format!("the DNS has {count} keys at {name}, of which receivers take any or none"),
            publish,
        ),
        KeyRecord::Revoked => Finding::broken(
            subject,
            format!("the key at {name} was withdrawn (p= is empty)"),
            "make a new key under a new selector, or publish this one again if that was a mistake",
        ),
        KeyRecord::Differs => Finding::broken(
            subject,
            format!("the DNS has another key at {name}: every signature is wrong"),
            format!("name the right key_file, or {publish}"),
        ),
        KeyRecord::Unusable(why) => {
            Finding::broken(subject, format!("the record at {name} cannot be used: {why}"), publish)
        }
    }))
}

async fn dmarc(dns: &Dns, email: &Email) -> Result<Vec<Finding>, Unanswered> {
    let from = email.from.address.domain();
    let subject = format!("DMARC {from}");
    let policy = match find_policy(dns, from).await? {
        Dmarc::Policy(policy) => policy,
        Dmarc::Missing => {
            return Ok(vec![Finding::warning(
                subject,
                "there is no policy: anybody can send in your name, and large providers want one",
                format!("publish a TXT record at _dmarc.{from}, such as\nv=DMARC1; p=reject"),
            )]);
        }
        Dmarc::Several(at) => {
            return Ok(vec![Finding::warning(
                subject,
                format!("there are several policies at _dmarc.{at}, which count as none"),
                "leave one of them",
            )]);
        }
    };
    let shown = format!("p={} at _dmarc.{}", policy.action, policy.found_at);
    let first = match policy.action.as_str() {
        "reject" | "quarantine" => Finding::good(subject.clone(), shown),
        "none" => Finding::warning(
            subject.clone(),
            format!("{shown}: forged mails in your name are delivered"),
            "when your own mails pass, set p=quarantine, then p=reject",
        ),
        _ => Finding::warning(
            subject.clone(),
            format!("{shown} is no policy that receivers know"),
            "write p=none, p=quarantine or p=reject",
        ),
    };
    Ok(std::iter::once(first).chain(alignment(&subject, &policy, email)).collect())
}

/// A signature or the return path has to be of the sender's domain, or the policy strikes ourselves.
fn alignment(subject: &str, policy: &Policy, email: &Email) -> Option<Finding> {
    let from = email.from.address.domain();
    let signs = email.dkim.iter().any(|key| policy.is_aligned(&key.domain, from, policy.strict_dkim));
    let returns = policy.is_aligned(email.bounce_address.domain(), from, policy.strict_spf);
    if signs || returns {
        return None;
    }
    Some(Finding::warning(
        subject,
        format!(
            "neither a signature nor the return path ({}) is of the sender's domain {from}: mails fail the policy \
             unless your relay signs for it",
            email.bounce_address.domain()
        ),
        format!("add [[email.dkim]] for {from}, or set [email] bounce_address to an address there"),
    ))
}

/// Whether returned mails find a way to us (RFC 5321, section 5.1); many receivers refuse mails that they could not
/// return.
async fn returned(dns: &Dns, email: &Email) -> Result<Finding, Unanswered> {
    let domain = email.bounce_address.domain();
    let subject = format!("bounce address {}", email.bounce_address);
    let mend =
        format!("publish an MX record for {domain}, or set [email] bounce_address to a domain that has one");
    let exchangers = dns.exchangers(domain).await?;
    if exchangers.iter().any(String::is_empty) {
        return Ok(Finding::broken(subject, format!("{domain} says that it takes no mail at all"), mend));
    }
    if let Some(exchanger) = exchangers.first() {
        return Ok(Finding::good(subject, format!("mails to {domain} go to {exchanger}")));
    }
    if dns.addresses(domain).await?.is_empty() {
        return Ok(Finding::broken(
            subject,
            format!(
                "{domain} has neither MX nor address: what comes back is lost, and receivers refuse such mails"
            ),
            mend,
        ));
    }
    Ok(Finding::good(subject, format!("{domain} has no MX record; mails go to its own address")))
}
