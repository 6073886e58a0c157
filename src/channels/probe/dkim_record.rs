//! The TXT record in which a domain publishes the public half of a signing key (RFC 6376, section 3.6.1; RFC 8463).

use data_encoding::BASE64;

use super::tags::{find, tags};

/// How a published key stands to the one that we sign with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyRecord {
    /// It verifies our signatures.
    Matches {
        /// It is marked as a test (`t=y`): receivers may treat our mails as unsigned.
        testing: bool,
    },
    /// There is no key record.
    Missing,
    /// There are several: receivers take any of them, or none.
    Several(usize),
    /// The key was withdrawn (an empty `p=`).
    Revoked,
    /// It is another key, or one of another kind.
    Differs,
    /// It does not hold for mails, or not for our kind of signature; why.
    Unusable(String),
}

/// What `texts`, found at the selector's name, say about our key, whose record would be `ours`.
pub fn compare(texts: &[String], ours: &str) -> KeyRecord {
    let records: Vec<Vec<(String, String)>> = texts
        .iter()
        .map(|text| tags(text))
        .filter(|tags| find(tags, "p").is_some() && find(tags, "v").is_none_or(|version| version == "DKIM1"))
        .collect();
    let [record] = records.as_slice() else {
        return if records.is_empty() { KeyRecord::Missing } else { KeyRecord::Several(records.len()) };
    };
    let squeezed = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    let published = squeezed(find(record, "p").unwrap_or_default());
    if published.is_empty() {
        return KeyRecord::Revoked;
    }
    let lists = |name: &str, wanted: &[&str]| {
        find(record, name).is_none_or(|value| {
            value.split(':').any(|one| wanted.contains(&one.trim().to_ascii_lowercase().as_str()))
        })
    };
    if !lists("h", &["sha256"]) {
        return KeyRecord::Unusable("its h= does not allow sha256".to_owned());
    }
    if !lists("s", &["*", "email"]) {
        return KeyRecord::Unusable("its s= does not allow e-mail".to_owned());
    }
    let ours = tags(ours);
    let kind = |tags: &[(String, String)]| find(tags, "k").unwrap_or("rsa").to_ascii_lowercase();
    if kind(record) != kind(&ours) {
        return KeyRecord::Differs;
    }
    let testing = find(record, "t")
        .is_some_and(|flags| flags.split(':').any(|flag| flag.trim().eq_ignore_ascii_case("y")));
    let (Ok(theirs), Ok(own)) =
        (BASE64.decode(published.as_bytes()), BASE64.decode(find(&ours, "p").unwrap_or_default().as_bytes()))
    else {
        return KeyRecord::Unusable("its p= is no base64".to_owned());
    };
    // An RSA key may stand there bare (RFC 6376) or as everybody writes it, in a SubjectPublicKeyInfo that ends in it.
    let is_ours = theirs == own || (kind(record) == "rsa" && theirs.len() > 128 && own.ends_with(&theirs));
    if is_ours { KeyRecord::Matches { testing } } else { KeyRecord::Differs }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_key_is_ours_or_says_why_not() {
        let ours = "v=DKIM1; k=ed25519; p=AQIDBAUGBwgJCgsMDQ4PEA==";
        let case = |text: &str| compare(&[text.to_owned()], ours);
        assert_eq!(case(ours), KeyRecord::Matches { testing: false });
        assert_eq!(case("k=ed25519;t=s:y;p=AQIDBAUG BwgJCgsMDQ4PEA=="), KeyRecord::Matches { testing: true });
        assert_eq!(case("v=DKIM1; k=ed25519; p="), KeyRecord::Revoked);
        assert_eq!(case("v=DKIM1; k=ed25519; p=AQID"), KeyRecord::Differs);
        assert_eq!(case("v=DKIM1; p=AQIDBAUGBwgJCgsMDQ4PEA=="), KeyRecord::Differs, "RSA unless said");
        assert_eq!(case("v=spf1 -all"), KeyRecord::Missing);
        assert!(matches!(case("k=ed25519; h=sha1; p=AQID"), KeyRecord::Unusable(_)));
        assert!(matches!(case("k=ed25519; p=!"), KeyRecord::Unusable(_)));
        assert_eq!(compare(&[ours.to_owned(), ours.to_owned()], ours), KeyRecord::Several(2));
    }
}
