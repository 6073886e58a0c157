//! `[backup]`: with what files that hold personal data are encrypted.

use std::str::FromStr;

use secrecy::SecretString;

use crate::domain::settings::Backup;

use super::section::Section;

#[expect(clippy::unnecessary_wraps, reason = "as the reader of every other section")]
pub(super) fn read(section: &Section<'_>) -> Option<Backup> {
    let recipients = section.list("recipients", |text| {
        age::x25519::Recipient::from_str(text).map(|key| key.to_string()).map_err(|_| {
            format!(
                "\"{text}\" is no public key of age: write what age-keygen shows as the public key, age1…"
            )
        })
    });
    let passphrase = section.secret("passphrase", "passphrase_file");
    if passphrase.is_some() && !section.is_empty_list("recipients") && !section.is_missing("recipients") {
        section.fault("recipients", "a passphrase is given too: keep the recipients or the passphrase");
    }
    Some(Backup { recipients, passphrase: passphrase.map(|secret| SecretString::from(secret.text)) })
}
