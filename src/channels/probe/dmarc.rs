//! What a domain asks receivers to do with mails that are not provably its own (RFC 7489).

use super::dns::{Dns, Unanswered};
use super::tags::{find, tags};

/// A domain's policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The domain at which it was found: the sender's, or one above it.
    pub found_at: String,
    /// `none`, `quarantine` or `reject`: what holds for the sender's domain. Another word is not understood.
    pub action: String,
    /// A signature must be of exactly the sender's domain (`adkim=s`).
    pub strict_dkim: bool,
    /// The return path must be of exactly the sender's domain (`aspf=s`).
    pub strict_spf: bool,
}

/// What there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dmarc {
    /// No policy.
    Missing,
    /// Several at this domain, which count as none.
    Several(String),
    /// One.
    Policy(Policy),
}

/// The policy for mails from `domain`: its own, or that of a domain above it with at least two labels.
///
/// # Errors
/// When nobody can tell.
pub async fn find_policy(dns: &Dns, domain: &str) -> Result<Dmarc, Unanswered> {
    let mut at = domain;
    loop {
        let texts = dns.texts(&format!("_dmarc.{at}")).await?;
        let found: Vec<&String> = texts.iter().filter(|text| is_policy(text)).collect();
        match found.as_slice() {
            [] => {}
            [one] => return Ok(Dmarc::Policy(read(one, at, domain))),
            _ => return Ok(Dmarc::Several(at.to_owned())),
        }
        match at.split_once('.') {
            Some((_, above)) if above.contains('.') => at = above,
            _ => return Ok(Dmarc::Missing),
        }
    }
}

fn is_policy(text: &str) -> bool {
    tags(text).first().is_some_and(|(name, value)| name == "v" && value == "DMARC1")
}

fn read(text: &str, found_at: &str, domain: &str) -> Policy {
    let tags = tags(text);
    let inherited = (found_at != domain).then(|| find(&tags, "sp")).flatten();
    let action = inherited.or_else(|| find(&tags, "p")).unwrap_or_default();
    let strict = |name| find(&tags, name).is_some_and(|value| value.eq_ignore_ascii_case("s"));
    Policy {
        found_at: found_at.to_owned(),
        action: action.to_ascii_lowercase(),
        strict_dkim: strict("adkim"),
        strict_spf: strict("aspf"),
    }
}

impl Policy {
    /// Whether `domain`, which signs or stands in the return path, vouches for a mail from `from` (section 3.1). The
    /// organisation's domain is taken to be the one at which the policy stands.
    pub fn is_aligned(&self, domain: &str, from: &str, strict: bool) -> bool {
        let below = |one: &str, other: &str| one == other || one.ends_with(&format!(".{other}"));
        domain == from
            || (!strict
                && (below(from, domain)
                    || below(domain, from)
                    || (below(domain, &self.found_at) && below(from, &self.found_at))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_says_what_holds_for_the_sender() {
        let text = "v=DMARC1; p=reject; sp=none; adkim=s";
        assert!(is_policy(text) && !is_policy("p=reject; v=DMARC1") && !is_policy("v=spf1 -all"));
        let own = read(text, "kim.de", "kim.de");
        assert_eq!((own.action.as_str(), own.strict_dkim, own.strict_spf), ("reject", true, false));
        assert_eq!(read(text, "kim.de", "notfall.kim.de").action, "none");
    }

    #[test]
    fn domains_of_one_organisation_vouch_for_each_other_unless_that_is_forbidden() {
        let policy = read("v=DMARC1; p=reject", "kim.de", "notfall.kim.de");
        for (domain, relaxed, strict) in [
            ("notfall.kim.de", true, true),
            ("kim.de", true, false),
            ("rueck.kim.de", true, false),
            ("kim.example", false, false),
            ("evilkim.de", false, false),
        ] {
            assert_eq!(policy.is_aligned(domain, "notfall.kim.de", false), relaxed, "{domain}");
            assert_eq!(policy.is_aligned(domain, "notfall.kim.de", true), strict, "{domain}");
        }
    }
}
