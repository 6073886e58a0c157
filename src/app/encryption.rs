//! Files that leave the program with personal data in them, encrypted with age (<https://age-encryption.org/v1>).

use std::fmt;
use std::io::{self, Read, Write};
use std::str::FromStr;

use age::x25519;
use secrecy::{ExposeSecret, SecretString};

use crate::domain::settings::Backup;

/// What every encrypted file begins with.
pub const MAGIC: &[u8] = b"age-encryption.org/v1";

/// What a file is encrypted with.
#[derive(Clone)]
pub enum EncryptionKey {
    /// Whoever has a private key of one of them can open it.
    Recipients(Vec<x25519::Recipient>),
    /// Whoever knows it can open it.
    Passphrase(SecretString),
}

/// Shows no passphrase.
impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recipients(keys) => f.debug_tuple("Recipients").field(&keys.len()).finish(),
            Self::Passphrase(_) => f.write_str("Passphrase"),
        }
    }
}

/// What opens a file.
#[derive(Clone)]
pub enum DecryptionKey {
    /// Private keys, as age-keygen writes them.
    Identities(Vec<x25519::Identity>),
    /// The passphrase.
    Passphrase(SecretString),
}

/// Shows no secret.
impl fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identities(_) => f.write_str("Identities"),
            Self::Passphrase(_) => f.write_str("Passphrase"),
        }
    }
}

/// Why a file cannot be encrypted or opened.
#[derive(Debug, thiserror::Error)]
pub enum EncryptionError {
    /// Nothing is set to encrypt with.
    #[error(
        "there is nothing to encrypt with: set [backup] recipients (public keys of age) or passphrase_file in the \
         configuration, or give --unencrypted if the file is to be readable by whoever gets hold of it"
    )]
    NoKey,
    /// A recipient that is no key.
    #[error("\"{0}\" in [backup] recipients is no public key of age: write what age-keygen shows, age1…")]
    NoRecipient(String),
    /// A text that holds no private key.
    #[error(
        "there is no private key of age in it: name the file that age-keygen wrote, with AGE-SECRET-KEY-1…"
    )]
    NoIdentity,
    /// It cannot be opened with what was given.
    #[error("the file cannot be opened: {0}")]
    Locked(String),
    /// Reading or writing failed.
    #[error("the file cannot be read or written: {0}")]
    Io(#[from] io::Error),
}

impl EncryptionKey {
    /// What the settings say, recipients first.
    ///
    /// # Errors
    /// [`EncryptionError::NoKey`] when nothing is set, [`EncryptionError::NoRecipient`] when a recipient is no key.
    pub fn from_settings(settings: &Backup) -> Result<Self, EncryptionError> {
        if settings.recipients.is_empty() {
            return settings.passphrase.clone().map(Self::Passphrase).ok_or(EncryptionError::NoKey);
        }
        let parse = |text: &String| {
            x25519::Recipient::from_str(text).map_err(|_| EncryptionError::NoRecipient(text.clone()))
        };
        settings.recipients.iter().map(parse).collect::<Result<_, _>>().map(Self::Recipients)
    }

    /// A writer that encrypts what is written into it on its way to `output`. It must be finished
    /// ([`age::stream::StreamWriter::finish`]), or the file is cut off and cannot be opened.
    ///
    /// # Errors
    /// When `output` cannot be written.
    pub fn writer<W: Write>(&self, output: W) -> Result<age::stream::StreamWriter<W>, EncryptionError> {
        let encryptor = match self {
            Self::Passphrase(passphrase) => age::Encryptor::with_user_passphrase(passphrase.clone()),
            Self::Recipients(keys) => {
                age::Encryptor::with_recipients(keys.iter().map(|key| key as &dyn age::Recipient))
                    .map_err(|_| EncryptionError::NoKey)?
            }
        };
        Ok(encryptor.wrap_output(output)?)
    }

    /// `plain`, encrypted.
    ///
    /// # Errors
    /// None but a fault of the program itself.
    pub fn encrypt(&self, plain: &[u8]) -> Result<Vec<u8>, EncryptionError> {
        let mut encrypted = Vec::with_capacity(plain.len() + 1_024);
        let mut writer = self.writer(&mut encrypted)?;
        writer.write_all(plain)?;
        writer.finish()?;
        Ok(encrypted)
    }
}

impl DecryptionKey {
    /// The private keys in the text of a key file; lines that begin with `#` are passed over.
    ///
    /// # Errors
    /// [`EncryptionError::NoIdentity`] when there is none, or a line is something else.
    pub fn from_key_file(text: &SecretString) -> Result<Self, EncryptionError> {
        let lines = text.expose_secret().lines().map(str::trim);
        let keys: Vec<x25519::Identity> = lines
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(|line| x25519::Identity::from_str(line).map_err(|_| EncryptionError::NoIdentity))
            .collect::<Result<_, _>>()?;
        if keys.is_empty() { Err(EncryptionError::NoIdentity) } else { Ok(Self::Identities(keys)) }
    }

    /// A reader of what was encrypted in `source`.
    ///
    /// # Errors
    /// [`EncryptionError::Locked`] when this key does not open it, or it is no encrypted file.
    pub fn reader<R: Read>(&self, source: R) -> Result<age::stream::StreamReader<R>, EncryptionError> {
        let locked = |error: age::DecryptError| EncryptionError::Locked(error.to_string());
        let decryptor = age::Decryptor::new(source).map_err(locked)?;
        match self {
            Self::Identities(keys) => {
                decryptor.decrypt(keys.iter().map(|key| key as &dyn age::Identity)).map_err(locked)
            }
            Self::Passphrase(passphrase) => {
                let identity = age::scrypt::Identity::new(passphrase.clone());
                decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity)).map_err(locked)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(key: &DecryptionKey, encrypted: &[u8]) -> Result<String, EncryptionError> {
        let mut text = String::new();
        key.reader(encrypted)?.read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn whoever_has_a_private_key_opens_it_and_nobody_else() {
        let (mine, other) = (x25519::Identity::generate(), x25519::Identity::generate());
        let settings = Backup { recipients: vec![mine.to_public().to_string()], passphrase: None };
        let encrypted =
            EncryptionKey::from_settings(&settings).unwrap().encrypt("Özdemir".as_bytes()).unwrap();
        assert!(encrypted.starts_with(MAGIC));
        assert!(!encrypted.windows(5).any(|bytes| bytes == b"demir"));
        let key = |identity: &x25519::Identity| {
            let text = format!("# public key: …\n{}\n", identity.to_string().expose_secret());
            DecryptionKey::from_key_file(&SecretString::from(text)).unwrap()
        };
        assert_eq!(opened(&key(&mine), &encrypted).unwrap(), "Özdemir");
        assert!(matches!(opened(&key(&other), &encrypted), Err(EncryptionError::Locked(_))));
    }

    #[test]
    fn a_file_that_was_cut_off_is_not_taken_for_whole() {
        let mine = x25519::Identity::generate();
        let key = EncryptionKey::Recipients(vec![mine.to_public()]);
        let encrypted = key.encrypt(&vec![7; 200_000]).unwrap();
        let identity = DecryptionKey::Identities(vec![mine]);
        let mut plain = Vec::new();
        assert!(identity.reader(&encrypted[..150_000]).unwrap().read_to_end(&mut plain).is_err());
    }

    #[test]
    fn without_a_key_it_says_what_to_set() {
        let error = EncryptionKey::from_settings(&Backup::default()).unwrap_err().to_string();
        assert!(error.contains("[backup] recipients") && error.contains("--unencrypted"), "{error}");
    }
}
