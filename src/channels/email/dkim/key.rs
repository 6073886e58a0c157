//! Reads private keys, and says what is wrong with a file that is none.

use std::path::{Path, PathBuf};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use aws_lc_rs::{digest, encoding};
use data_encoding::BASE64;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;

use crate::domain::settings::DkimKey;

/// A key that signs for a domain.
#[derive(Debug)]
pub struct Signer {
    domain: String,
    selector: String,
    key: Key,
}

#[derive(Debug)]
enum Key {
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// Why a key file cannot be used, and how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be opened.
    #[error(
        "the DKIM key {} cannot be read ({source}): check that key_file names the right file and that the \
         user who runs rundruf may read it", file.display()
    )]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It holds a key under a passphrase.
    #[error(
        "the DKIM key {} is encrypted with a passphrase: write it without one, for example with \
         `openssl pkey -in {} -out dkim.pem`", file.display(), file.display()
    )]
    Encrypted {
        /// Which.
        file: PathBuf,
    },
    /// It holds a key for another algorithm.
    #[error(
        "the DKIM key {} is an elliptic-curve (EC) key, which DKIM does not know: make an RSA key with \
         `openssl genrsa -out dkim.pem 2048`, or an ed25519 one with `openssl genpkey -algorithm ed25519`",
        file.display()
    )]
    EllipticCurve {
        /// Which.
        file: PathBuf,
    },
    /// It holds an RSA key that is too short or too long.
    #[error(
        "the RSA key in {} has a length that is not accepted (2048 to 8192 bits are): make a new one with \
         `openssl genrsa -out dkim.pem 2048`, under a new selector", file.display()
    )]
    Length {
        /// Which.
        file: PathBuf,
    },
    /// It holds something else.
    #[error(
        "{} holds no private key that can sign (PEM, PKCS#8 or, for RSA, PKCS#1 is wanted; {found})",
        file.display()
    )]
    NoKey {
        /// Which.
        file: PathBuf,
        /// What it holds instead.
        found: &'static str,
    },
}

impl Signer {
    /// Reads the key that `settings` names.
    ///
    /// # Errors
    /// When the file cannot be read, or holds no key that DKIM can use.
    pub fn load(settings: &DkimKey) -> Result<Self, KeyError> {
        let pem = std::fs::read(&settings.key_file)
            .map_err(|source| KeyError::Unreadable { file: settings.key_file.clone(), source })?;
        let key = Key::parse(&pem, &settings.key_file)?;
        Ok(Self { domain: settings.domain.clone(), selector: settings.selector.clone(), key })
    }

    /// `d=`
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// `s=`
    pub fn selector(&self) -> &str {
        &self.selector
    }

    /// `a=`
    pub const fn algorithm(&self) -> &'static str {
        match self.key {
            Key::Rsa(_) => "rsa-sha256",
            Key::Ed25519(_) => "ed25519-sha256",
        }
    }

    /// The TXT record that `SELECTOR._domainkey.DOMAIN` must have (RFC 6376, section 3.6.1; RFC 8463,
    /// section 4). `None` if the key does not give its public half.
    pub fn dns_record(&self) -> Option<String> {
        match &self.key {
            Key::Rsa(key) => {
                let public: encoding::PublicKeyX509Der<'_> = key.public_key().as_der().ok()?;
                Some(format!("v=DKIM1; k=rsa; p={}", BASE64.encode(public.as_ref())))
            }
            Key::Ed25519(key) => {
                Some(format!("v=DKIM1; k=ed25519; p={}", BASE64.encode(key.public_key().as_ref())))
            }
        }
    }

    /// The signature over the canonical `input`.
    pub(super) fn sign(&self, input: &[u8]) -> Option<Vec<u8>> {
        match &self.key {
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input, &mut signature).ok()?;
                Some(signature)
            }
            // Ed25519 signs the hash, not the text (RFC 8463, section 3).
            Key::Ed25519(key) => {
                Some(key.sign(digest::digest(&digest::SHA256, input).as_ref()).as_ref().to_vec())
            }
        }
    }
}

impl Key {
    fn parse(pem: &[u8], file: &Path) -> Result<Self, KeyError> {
        let no_key = |found| KeyError::NoKey { file: file.to_owned(), found };
        let text = String::from_utf8_lossy(pem);
        if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
            return Err(KeyError::Encrypted { file: file.to_owned() });
        }
        let rsa = |key: Result<RsaKeyPair, aws_lc_rs::error::KeyRejected>| {
            key.map(Self::Rsa).map_err(|error| match error.to_string().as_str() {
                "TooSmall" | "TooLarge" => KeyError::Length { file: file.to_owned() },
                _ => no_key("the key in it is damaged"),
            })
        };
        match PrivateKeyDer::from_pem_slice(pem) {
            Ok(PrivateKeyDer::Pkcs1(der)) => rsa(RsaKeyPair::from_der(der.secret_pkcs1_der())),
            Ok(PrivateKeyDer::Sec1(_)) => Err(KeyError::EllipticCurve { file: file.to_owned() }),
            Ok(PrivateKeyDer::Pkcs8(der)) => {
                let der = der.secret_pkcs8_der();
                if has_algorithm(der, OID_EC) {
                    Err(KeyError::EllipticCurve { file: file.to_owned() })
                } else if has_algorithm(der, OID_ED25519) {
                    Ed25519KeyPair::from_pkcs8_maybe_unchecked(der)
                        .map(Self::Ed25519)
                        .map_err(|_| no_key("the key in it is damaged"))
                } else {
                    rsa(RsaKeyPair::from_pkcs8(der))
                }
            }
            _ if text.contains("BEGIN PUBLIC KEY") => Err(no_key("it holds the public key")),
            _ if text.contains("BEGIN CERTIFICATE") => Err(no_key("it holds a certificate")),
            _ if text.contains("BEGIN OPENSSH PRIVATE KEY") => Err(no_key("it holds an OpenSSH key")),
            _ if text.trim().is_empty() => Err(no_key("it is empty")),
            _ => Err(no_key("nothing in it is PEM")),
        }
    }
}

/// id-ecPublicKey, 1.2.840.10045.2.1
const OID_EC: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// id-Ed25519, 1.3.101.112
const OID_ED25519: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x70];

/// Whether a PKCS#8 structure names the algorithm: its identifier stands within the first bytes.
fn has_algorithm(pkcs8: &[u8], oid: &[u8]) -> bool {
    pkcs8.iter().take(32).copied().collect::<Vec<_>>().windows(oid.len()).any(|window| window == oid)
}
