use std::path::PathBuf;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::RsaKeyPair;

use super::*;
use crate::domain::settings::DkimKey;

fn pem(label: &str, der: &[u8]) -> String {
    let base64 = BASE64.encode(der);
    let lines: Vec<&str> =
        base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn rsa_pkcs8() -> Vec<u8> {
    let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
    der.as_ref().to_vec()
}

/// Lies in the file `dkim.pem` of a folder of its own.
fn load(text: &str) -> Result<Signer, KeyError> {
    let folder = tempfile::tempdir().unwrap();
    let key_file = folder.path().join("dkim.pem");
    std::fs::write(&key_file, text).unwrap();
    Signer::load(&DkimKey { domain: "a.example".to_owned(), selector: "s1".to_owned(), key_file })
}

#[test]
fn rsa_keys_are_read_as_pkcs8_and_as_pkcs1() {
    let pkcs8 = rsa_pkcs8();
    // version, algorithm, then the PKCS#1 structure as an octet string: 26 bytes before it at this size
    let pkcs1 = &pkcs8[26..];
    let message = b"From: a@a.example\r\n\r\nText\r\n";
    let [one, two] = [pem("PRIVATE KEY", &pkcs8), pem("RSA PRIVATE KEY", pkcs1)]
        .map(|pem| Signer::sign_all(&[load(&pem).unwrap()], message, Timestamp(0)).unwrap());
    assert_eq!(one, two);
    assert!(one.contains("a=rsa-sha256; c=relaxed/relaxed;"), "{one}");
}

#[test]
fn a_signature_header_fits_its_lines_and_names_from_once_more() {
    let key = load(&pem("PRIVATE KEY", &rsa_pkcs8())).unwrap();
    let message = b"From: a@a.example\r\nTo: b@b.example\r\nX-Other: 1\r\n\r\nText\r\n";
    let header = Signer::sign_all(&[key], message, Timestamp(1_795_149_600_000)).unwrap();
    assert!(header.lines().all(|line| line.len() <= 78), "{header}");
    assert!(header.contains("h=From:To:From;"), "{header}");
    assert!(header.contains("t=1795149600;"), "{header}");
}

#[test]
fn a_file_without_a_usable_key_says_what_to_do() {
    let elliptic = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap().serialize_pem();
    let cases = [
        (elliptic, "elliptic-curve"),
        (
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n".to_owned(),
            "passphrase",
        ),
        (SHORT_KEY.to_owned(), "2048 to 8192 bits"),
        (pem("PUBLIC KEY", b"abc"), "public key"),
        (pem("CERTIFICATE", b"abc"), "certificate"),
        (pem("PRIVATE KEY", b"abc"), "damaged"),
        (String::new(), "empty"),
        ("Passwort".to_owned(), "nothing in it is PEM"),
    ];
    for (text, expected) in cases {
        let error = load(&text).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("dkim.pem"), "{expected}: {error}");
    }
    let missing = DkimKey {
        domain: "a.example".to_owned(),
        selector: "s1".to_owned(),
        key_file: PathBuf::from("gibt/es/nicht.pem"),
    };
    let error = Signer::load(&missing).unwrap_err().to_string();
    assert!(error.contains("nicht.pem") && error.contains("key_file"), "{error}");
}

#[test]
fn ed25519_keys_show_the_record_that_dns_must_have() {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let signer = load(&key.serialize_pem()).unwrap();
    assert_eq!(signer.algorithm(), "ed25519-sha256");
    let record = signer.dns_record().unwrap();
    let public = record.strip_prefix("v=DKIM1; k=ed25519; p=").unwrap();
    assert_eq!(BASE64.decode(public.as_bytes()).unwrap().len(), 32);
}

/// 1024 bits, made for this test and used nowhere.
const SHORT_KEY: &str = "\
-----BEGIN RSA PRIVATE KEY-----
MIICXAIBAAKBgQC9OjdykB9y6W3JLxt8TWHTs0VMSorpjEK46ZiCZxoKjdYZr5bY
7f202abcf3p3+4cUEVrybil1V3BvrB9uDSNerri0fMeEWaYnZFhM1wpK8Nffd4C3
ouxbLCuQJpSdWCKoIuRl4kQTbtDi+jno0V+EVPX9EEFOB/S79uj/DMRThwIDAQAB
AoGAOMeMNbsbRK7Ye4LAG5dYoF5tj8vaTOQCbVvioFZxkPMoaEKw39zhwO+CSy2R
QQlfad0fThlSJVycZ1XdhHc6wj0kftnUBxJX8GBPar8/4MuoDe54lrSZwb4KqldH
KOikiEuIW5C+HzFKzalVzaSO/FrdLiyIA1iJWqCBxukraZkCQQDn+5X839ZvCuwe
4NDLFUauXVEWSIBlvO5oqCW0dM7JJayEBzG001RtRnHiYb1V+EvsUPx1f+8CStYJ
RPcXHEhNAkEA0NF0E3quNgUSat7Lig4JaGpQpC18khiS3sSQ8N/fbrlG3TLz0/VZ
Tbj0tC9nc5WNfyinR0SllfkBuUA3W+i1IwJAPPYKFiekLA4MupiNhbCToGJ5Woe2
5gVeCTaWofNIG+fAi/lwAHrAZu7qInlYzeyv1uv5S89QuaN813a+D96oyQJBAJNs
3NOH0IjI6ejTpMWyBUhXjtlqV8FZYg+unVnB5J/qZLJ0b5qcZFEwHGs98H60/jHh
RMBXIcSRCXt9b9gOohsCQAEAms3F3WBm7lwBnx18nSRWfl23X3UcUXrK9TgZoAWh
LJRejL8NIsJPRUQuFo0SGBMaEbupX17IRNi1nj6FvAQ=
-----END RSA PRIVATE KEY-----
";
