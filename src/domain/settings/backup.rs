//! `[backup]`

use secrecy::SecretString;

/// For whom files that leave the program with personal data in them are encrypted: backups, exports of contacts.
#[derive(Debug, Clone, Default)]
pub struct Backup {
    /// Public keys of age (`age1…`); whoever has a private key of one of them can open the file.
    pub recipients: Vec<String>,
    /// A passphrase, where there are no recipients.
    pub passphrase: Option<SecretString>,
}
