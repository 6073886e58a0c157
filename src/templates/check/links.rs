//! Links that lead somewhere else than to the sender's own pages.

use super::wording::{CONTACT_VALUE, VALUE};
use crate::domain::settings::Instance;

/// Schemes without `//` that mail programs make a link of.
const OPAQUE: [&str; 6] = ["mailto:", "javascript:", "vbscript:", "data:", "file:", "callto:"];

/// Endings that make a bare word such as `musterstadt.de` an address: the countries' and the common others.
const GENERIC: &str = " com org net info biz edu gov int mil name pro online site shop app dev cloud page link live \
news world digital email support help center services solutions systems network agency group team club xyz top icu \
vip work space website store tech zone media web click berlin hamburg bayern cologne koeln nrw ruhr saarland eus \
example test invalid ";
const COUNTRIES: &str = " ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs \
bt bw by bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm \
fo fr ga gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp \
ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv \
mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc \
sd se sg sh si sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz \
va vc ve vg vi vn vu wf ws ye yt za zm zw ";

/// The hosts that notices may link to: those given, and all below them.
#[derive(Debug, Clone)]
pub(super) struct OwnHosts(Vec<String>);

impl OwnHosts {
    /// The host of the instance's public address, and the domains of the sender.
    pub(super) fn new(instance: &Instance, sender_domains: &[String]) -> Self {
        let host = instance.public_url.host_str().map(str::to_lowercase);
        Self(host.into_iter().chain(sender_domains.iter().map(|domain| domain.to_lowercase())).collect())
    }

    /// An address on the instance's own host.
    pub(super) fn public_url(&self) -> String {
        format!("https://{}", self.0.first().map(String::as_str).unwrap_or_default())
    }

    fn has(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_lowercase();
        self.0
            .iter()
            .any(|own| host == *own || host.strip_suffix(own.as_str()).is_some_and(|sub| sub.ends_with('.')))
    }

    fn foreign(&self, link: &str) -> String {
        let shown: String = link.chars().take(80).collect::<String>().replace([VALUE, CONTACT_VALUE], "…");
        format!("the link \"{shown}\" leads elsewhere: notices link only to {}", self.0.join(" and "))
    }

    /// Everything in `text` that a mail program could make a link of and that leads elsewhere: the byte it starts
    /// at, and what to say of it.
    pub(super) fn foreign_links(&self, text: &str) -> Vec<(usize, String)> {
        tokens(text)
            .filter(|(_, token)| self.is_foreign(token))
            .map(|(at, token)| (at, self.foreign(token)))
            .collect()
    }

    /// What is wrong with `target` as a link's target, if anything is.
    pub(super) fn foreign_target(&self, target: &str) -> Option<String> {
        let lower = target.to_lowercase();
        let own = match lower.strip_prefix("mailto:") {
            Some(address) => self.is_own_address(address),
            None => is_web(&lower) && self.is_own_url(target),
        };
        (!own).then(|| self.foreign(target))
    }

    fn is_foreign(&self, token: &str) -> bool {
        let lower = token.to_lowercase();
        if let Some(at) = lower.find(":/").or_else(|| lower.find(":\\")) {
            let scheme =
                lower[..at].rsplit(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c)).next();
            let scheme = scheme.unwrap_or_default();
            if scheme.starts_with(|c: char| c.is_ascii_alphabetic()) {
                return !is_web(&lower[at - scheme.len()..]) || !self.is_own_url(&lower[at - scheme.len()..]);
            }
        }
        if let Some(scheme) = OPAQUE.into_iter().find(|scheme| lower.starts_with(scheme)) {
            return scheme != "mailto:" || !self.is_own_address(&lower[scheme.len()..]);
        }
        if let Some((_, domain)) = lower.rsplit_once('@') {
            return is_host(domain, token) && !self.has(bare_host(domain));
        }
        (lower.starts_with("www.") && lower.len() > 4 || is_host(&lower, token))
            && !self.has(bare_host(&lower))
    }

    fn is_own_url(&self, link: &str) -> bool {
        url::Url::parse(link).is_ok_and(|url| url.host_str().is_some_and(|host| self.has(host)))
    }

    fn is_own_address(&self, address: &str) -> bool {
        let address = address.split(['?', ',', ';']).next().unwrap_or_default();
        address.rsplit_once('@').is_some_and(|(_, domain)| self.has(domain))
    }
}

fn is_web(lower: &str) -> bool {
    lower.starts_with("https:") || lower.starts_with("http:")
}

/// Words between white space, brackets and quotation marks, without punctuation around them.
fn tokens(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let parts = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || "<>\"'()[]{}|,;„“”‚‘’«»‹›…".contains(c)
            || matches!(c, '\u{e000}'..='\u{f8ff}')
    };
    text.split(parts).filter_map(move |token| {
        let at = token.as_ptr() as usize - text.as_ptr() as usize;
        let start = token.len() - token.trim_start_matches(['.', ':', '-', '*', '_', '!', '?', '/']).len();
        let token = token[start..].trim_end_matches(['.', ':', '-', '*', '_', '!', '?']);
        (!token.is_empty()).then_some((at + start, token))
    })
}

fn bare_host(lower: &str) -> &str {
    lower.split(['/', ':', '?', '#']).next().unwrap_or_default()
}

/// Whether a word without a scheme reads as a host: `musterstadt.de`, `lage.musterstadt.de/faq`.
fn is_host(lower: &str, written: &str) -> bool {
    let host = bare_host(lower);
    let Some((rest, ending)) = host.rsplit_once('.') else { return false };
    let label = |label: &str| {
        !label.is_empty()
            && label.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | VALUE | CONTACT_VALUE))
    };
    let name = rest.rsplit('.').next().unwrap_or_default();
    // "Ende.Da geht es weiter" lacks a space; addresses are written in one case.
    let written_ending = written.rsplit_once('@').map_or(written, |(_, domain)| domain);
    let written_ending = written_ending.get(rest.len() + 1..host.len()).unwrap_or(ending);
    let one_case = written_ending == ending || written_ending == ending.to_uppercase();
    let known = format!(" {ending} ");
    one_case
        && rest.split('.').all(label)
        && (name.chars().count() > 1 || host.len() < lower.len())
        && (COUNTRIES.contains(&known) || GENERIC.contains(&known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hosts() -> OwnHosts {
        OwnHosts(vec!["lage.kim.example".into(), "kim-notfall.example".into()])
    }

    #[test]
    fn own_pages_and_those_below_them_may_be_linked() {
        for text in [
            "Siehe https://lage.kim.example/faq?a=b.",
            "https://de.lage.kim.example:8443/x",
            "LAGE.KIM.EXAMPLE",
            "lage.kim.example/faq",
            "an stab@kim-notfall.example",
            "mailto:stab@kim-notfall.example",
        ] {
            assert_eq!(hosts().foreign_links(text), [], "{text}");
        }
    }

    #[test]
    fn other_hosts_are_found_however_they_are_written() {
        for link in [
            "https://evil.example/x",
            "http://lage.kim.example.evil.de",
            "https://lage.kim.example@evil.de/",
            "https:/evil.de",
            "https:\\\\evil.de",
            "ftp://lage.kim.example/x",
            "www.evil.de",
            "evil.de/login",
            "x.com/login",
            "EVIL.DE",
            "notlage.kim.example",
            "javascript:alert",
            "mailto:a@evil.de",
            "a@evil.de",
            "HTTPS://EVIL.DE",
        ] {
            let text = format!("Bitte „{link}“ öffnen");
            let found = hosts().foreign_links(&text);
            assert_eq!(found.len(), 1, "{link}: {found:?}");
            assert!(found[0].1.contains(link), "{link}: {found:?}");
        }
    }

    #[test]
    fn abbreviations_dates_and_numbers_are_no_links() {
        for text in [
            "z.B. am 20.11.2026, 05:40 Uhr, d.h. i.d.R. u.a.",
            "Tel.: 030/23125-100, Tel:030",
            "Ende.Da beginnt",
            "und/oder e.V. Dr.med. 3.500,50",
            "Hinweis:bitte Mo.-Fr.",
        ] {
            assert_eq!(hosts().foreign_links(text), [], "{text}");
        }
    }

    #[test]
    fn a_links_target_must_be_a_whole_own_address() {
        assert_eq!(hosts().foreign_target("https://lage.kim.example/faq"), None);
        assert_eq!(hosts().foreign_target("mailto:x@kim-notfall.example?subject=a"), None);
        for target in
            ["/faq", "#x", "faq.html", "tel:+49152", "javascript:x", "https://lage.kim.example.de", ""]
        {
            assert!(hosts().foreign_target(target).is_some(), "{target}");
        }
    }

    proptest! {
        #[test]
        fn any_text_can_be_looked_at(text in "(\\PC|[a-z.:/@\\\\-]){0,80}") {
            for (at, _) in hosts().foreign_links(&text) {
                prop_assert!(text.is_char_boundary(at));
            }
            let _ = hosts().foreign_target(&text);
        }
    }
}
