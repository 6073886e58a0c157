//! `[oidc]`: signing in by a provider of identities.

use std::time::Duration;

use secrecy::SecretString;
use url::{Host, Url};

use crate::domain::settings::Oidc;

use super::general::between;
use super::section::Section;

/// `Some(None)`: nobody signs in by a provider.
#[expect(clippy::option_option, reason = "the outer one is what every reader of a section gives")]
pub(super) fn read(section: &Section<'_>) -> Option<Option<Oidc>> {
    let issuer = section.optional("issuer", issuer);
    let client_id = section.optional("client_id", |text| word(text, "client_id"));
    let client_secret = section.secret("client_secret", "client_secret_file");
    let scopes = section.list("scopes", |text| word(text, "a scope"));
    let timeout = section.required("timeout", between(Duration::from_secs(1), Duration::from_secs(20)));
    let second_factor = section.list("second_factor", |text| word(text, "such a word"));
    let new_accounts = section.list("new_accounts", str::parse);
    let name_claim = section.required("name_claim", |text| word(text, "a claim"));
    let roles_claim = section.optional("roles_claim", |text| word(text, "a claim"));
    if section.is_left_out("issuer") {
        if !section.is_left_out("client_id") {
            section.fault("client_id", "nobody says whose: name the provider as issuer");
        }
        return Some(None);
    }
    if section.is_left_out("client_id") {
        section
            .fault("issuer", "client_id is missing: enter this instance there, and write what it is called");
    }
    if roles_claim.is_some() && new_accounts.is_empty() {
        section.fault(
            "roles_claim",
            "no account is ever made: say with new_accounts what roles one has otherwise",
        );
    }
    Some(Some(Oidc {
        issuer: issuer?,
        client_id: client_id?,
        client_secret: client_secret.map(|secret| SecretString::from(secret.text)),
        scopes,
        timeout: timeout?,
        second_factor: second_factor.into_iter().collect(),
        new_accounts: new_accounts.into_iter().collect(),
        name_claim: name_claim?,
        roles_claim,
    }))
}

/// OpenID Connect Discovery 1.0, section 3: https, no query, no fragment. It is compared character by character, so
/// that it stays as it was written.
fn issuer(text: &str) -> Result<String, String> {
    let wrong = |why| Err(format!("is no address of a provider: {why}"));
    let Ok(url) = Url::parse(text) else { return wrong("write it as https://login.example/realms/staff") };
    let is_here = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => return wrong("it names no host"),
    };
    match url.scheme() {
        "https" => {}
        "http" if is_here => {}
        _ => return wrong("it must begin with https:// (http:// only on this machine)"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("a user name or password may not stand in it");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong("leave out what begins with ? or #");
    }
    Ok(text.to_owned())
}

/// One word of printable ASCII (RFC 6749, appendix A).
fn word(text: &str, what: &str) -> Result<String, String> {
    let fits = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte));
    if fits && !text.is_empty() { Ok(text.to_owned()) } else { Err(format!("\"{text}\" cannot be {what}")) }
}

#[cfg(test)]
mod tests {
    use super::issuer;

    #[test]
    fn an_issuer_is_encrypted_unless_it_is_on_this_machine() {
        for right in
            ["https://login.example", "https://10.1.2.3/realms/x", "http://127.0.0.1:9400", "http://[::1]/"]
        {
            assert_eq!(issuer(right).as_deref(), Ok(right));
        }
        for wrong in [
            "login.example",
            "http://login.example",
            "https://u:p@x.example",
            "https://x.example/?a",
            "https:",
        ] {
            assert!(issuer(wrong).is_err(), "{wrong}");
        }
    }
}
