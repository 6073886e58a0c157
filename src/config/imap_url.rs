//! The url of the mailbox that returned mails are fetched from.

use percent_encoding::percent_decode_str;
use url::Url;

use crate::domain::settings::ImapTls;

/// The parts of `imaps://USER:PASSWORD@HOST:PORT/FOLDER`.
#[derive(Debug)]
pub(super) struct ImapUrl {
    pub host: String,
    pub port: u16,
    pub tls: ImapTls,
    pub username: String,
    pub password: String,
    pub folder: String,
}

/// The port of IMAP (RFC 9051), and the same encrypted from the first byte (RFC 8314).
const IMAP_PORT: u16 = 143;
const IMAPS_PORT: u16 = 993;

const EXAMPLE: &str = "write imaps://USER:PASSWORD@HOST:993/INBOX";

/// Reads the url of a mailbox; without a folder it is `INBOX`.
///
/// # Errors
/// Says what is wrong; never repeats the url, for a password stands in it.
pub(super) fn parse(text: &str) -> Result<ImapUrl, String> {
    let Ok(url) = Url::parse(text) else {
        return Err(format!(
            "is no address of a mailbox: {EXAMPLE}; in a user name or password : / @ % ? # as %3A %2F %40 %25 %3F %23"
        ));
    };
    let implicit = match url.scheme() {
        "imaps" => true,
        "imap" => false,
        _ => return Err(format!("must begin with imaps:// or imap://: {EXAMPLE}")),
    };
    let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
        return Err(format!("names no host: {EXAMPLE}"));
    };
    if url.fragment().is_some() {
        return Err("has something behind a #: in a password write # as %23".to_owned());
    }
    let username = decode(url.username())?;
    let password = decode(url.password().unwrap_or_default())?;
    if username.is_empty() || password.is_empty() {
        return Err(format!("names no user name or no password: {EXAMPLE}"));
    }
    if [&username, &password].into_iter().any(|text| text.chars().any(char::is_control)) {
        return Err("has a line break or another control character in the user name or password".to_owned());
    }
    let folder = decode(url.path().trim_start_matches('/'))?;
    let folder = if folder.is_empty() { "INBOX".to_owned() } else { folder };
    if !folder.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err("names a folder with umlauts or control characters: give it a name in ASCII".to_owned());
    }
    Ok(ImapUrl {
        host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
        port: url.port().unwrap_or(if implicit { IMAPS_PORT } else { IMAP_PORT }),
        tls: tls(&url, implicit)?,
        username,
        password,
        folder,
    })
}

fn tls(url: &Url, implicit: bool) -> Result<ImapTls, String> {
    let mut tls = if implicit { ImapTls::Implicit } else { ImapTls::Required };
    for (key, value) in url.query_pairs() {
        if key != "tls" {
            // Not repeated: it may be the rest of a password.
            return Err("has something behind a ? that is unknown: only ?tls= may stand there".to_owned());
        }
        tls = match (implicit, value.as_ref()) {
            (true, _) => return Err("imaps:// is always encrypted: leave out ?tls=".to_owned()),
            (false, "required") => ImapTls::Required,
            (false, "none") => ImapTls::None,
            (false, _) => return Err("has an unknown ?tls=: write required or none".to_owned()),
        };
    }
    Ok(tls)
}

fn decode(text: &str) -> Result<String, String> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| "holds something that is not UTF-8: write % as %25".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_has_a_host_a_login_and_a_folder() {
        let url = parse("imaps://rueck%40kse.example:ge%3Aheim@mail.kse.example/INBOX.R%20x").unwrap();
        assert_eq!((url.host.as_str(), url.port, url.tls), ("mail.kse.example", 993, ImapTls::Implicit));
        assert_eq!((url.username.as_str(), url.password.as_str()), ("rueck@kse.example", "ge:heim"));
        assert_eq!(url.folder, "INBOX.R x");
        let url = parse("imap://u:p@[::1]").unwrap();
        assert_eq!((url.host.as_str(), url.port, url.tls), ("::1", 143, ImapTls::Required));
        assert_eq!(url.folder, "INBOX");
        assert_eq!(parse("imap://u:p@127.0.0.1:1143/?tls=none").unwrap().tls, ImapTls::None);
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        for (wrong, says) in [
            ("geheim", "is no address"),
            ("https://u:geheim@h", "must begin with imaps://"),
            ("imaps://mail.kse.example", "no user name"),
            ("imaps://u@mail.kse.example", "no password"),
            ("imaps://u:geheim@h?tls=none", "leave out ?tls="),
            ("imap://u:geheim@h?tls=maybe", "required or none"),
            ("imap://u:x@h?geheim=1", "only ?tls="),
            ("imap://u:gehei%0Dm@h", "control character"),
            ("imap://u:geheim@h/R%C3%BCck", "ASCII"),
            ("imap://u:x@h/INBOX#geheim", "%23"),
        ] {
            let said = parse(wrong).unwrap_err();
            assert!(said.contains(says) && !said.contains("geheim"), "{wrong}: {said}");
        }
    }
}
