//! Passwords: which are taken, and what is kept of them.
//!
//! Length counts, not kinds of characters, and the worst are refused (NIST SP 800-63B, section 5.1.1.2). Kept is
//! argon2id (RFC 9106) with the parameters of the OWASP password storage cheat sheet: 19 MiB, two passes, one lane.

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use secrecy::{ExposeSecret, SecretString};

use super::account::AccountName;
use super::chance::Chance;

/// The fewest characters.
const SHORTEST: usize = 12;
/// The most bytes: whoever sends more wants to keep us busy.
const LONGEST: usize = 1_024;
/// So many characters must be left when the account's name is taken out.
const BESIDE_THE_NAME: usize = 8;
/// So many different characters there must be.
const FEWEST_KINDS: usize = 5;

const MEMORY_KIB: u32 = 19 * 1_024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;

/// The hash of no password, with the same parameters: whoever guesses a name waits as long as for a right one.
const DECOY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5LWhhcy10aGlz$Y6t1t2yBq0pVhPZ3cXrJqkTz1m9n5w7d8f4g3h2j1k0";

/// What the longer of the worst passwords are made of; small letters.
const WORST: &[&str] = &[
    "password",
    "passwort",
    "kennwort",
    "geheim",
    "qwertz",
    "qwerty",
    "asdfgh",
    "yxcvbn",
    "zxcvbn",
    "1q2w3e4r",
    "letmein",
    "welcome",
    "willkommen",
    "iloveyou",
    "ichliebedich",
    "hallo",
    "admin",
    "administrator",
    "rundruf",
    "sommer",
    "winter",
    "herbst",
    "test",
    "changeme",
    "abc",
    "1234567890",
    "12345",
    "123",
    "0987654321",
    "98765",
    "2024",
    "2025",
    "2026",
    "2027",
];

/// A password that may be set.
#[derive(Debug, Clone)]
pub struct NewPassword(SecretString);

/// Why a password is not taken; never repeats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRefused {
    /// Too few characters.
    #[error(
        "the password is too short: take at least 12 characters; four words that do not belong together are easy to remember"
    )]
    TooShort,
    /// Too many.
    #[error("the password is too long: take at most 1024 bytes")]
    TooLong,
    /// It has control characters.
    #[error("the password has a line break or another control character in it: leave that out")]
    ControlCharacter,
    /// It is made of the account's name.
    #[error("the password is little more than the account's name: take another")]
    Name,
    /// It is the one that was to be replaced.
    #[error("the new password is the old one: whoever handed that over knows it, take another")]
    Same,
    /// Everybody tries it first.
    #[error("the password is one of those that are tried first: take words that do not belong together")]
    Worst,
}

impl NewPassword {
    /// Takes `password` for the account `name`.
    ///
    /// # Errors
    /// Which rule it breaks.
    pub fn new(password: SecretString, name: &AccountName) -> Result<Self, PasswordRefused> {
        let text = password.expose_secret();
        if text.len() > LONGEST {
            return Err(PasswordRefused::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(PasswordRefused::ControlCharacter);
        }
        if text.chars().count() < SHORTEST {
            return Err(PasswordRefused::TooShort);
        }
        let plain = text.to_lowercase();
        if plain.replace(name.as_str(), "").chars().count() < BESIDE_THE_NAME {
            return Err(PasswordRefused::Name);
        }
        if is_among_the_worst(&plain) {
            return Err(PasswordRefused::Worst);
        }
        Ok(Self(password))
    }

    /// One to hand over, to be replaced at the first sign-in: see [`printable`].
    pub fn generated(chance: &Chance) -> Self {
        Self(printable(chance))
    }

    /// The password.
    pub const fn secret(&self) -> &SecretString {
        &self.0
    }
}

/// Whether `plain`, in small letters, is one character again and again, a row of neighbours, or put together from the
/// words that are tried first.
fn is_among_the_worst(plain: &str) -> bool {
    let kinds: std::collections::BTreeSet<char> = plain.chars().collect();
    if kinds.len() < FEWEST_KINDS {
        return true;
    }
    let codes: Vec<u32> = plain.chars().map(u32::from).collect();
    let steps = |step: i64| codes.windows(2).all(|pair| i64::from(pair[1]) - i64::from(pair[0]) == step);
    if steps(1) || steps(-1) {
        return true;
    }
    let letters: String = plain.chars().filter(|c| c.is_alphanumeric()).collect();
    let mut worst = WORST.to_vec();
    worst.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let left = worst.iter().fold(letters, |left, word| left.replace(word, ""));
    left.chars().count() < 4
}

/// A secret for people to read and type: 80 random bits as `abcd-efgh-ijkl-mnop`, without 0, 1, 8 and 9.
pub fn printable(chance: &Chance) -> SecretString {
    let text = data_encoding::BASE32_NOPAD.encode(&chance.bytes::<10>()).to_ascii_lowercase();
    let groups: Vec<&str> = (0..4).filter_map(|group| text.get(group * 4..group * 4 + 4)).collect();
    SecretString::from(groups.join("-"))
}

/// A printed secret as it was made, however it was typed: case, blanks and hyphens do not count.
pub fn as_printed(typed: &SecretString) -> SecretString {
    let text = typed.expose_secret();
    SecretString::from(
        text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect::<String>(),
    )
}

/// What is kept of `password`, in the PHC string format. Takes about 50 ms and 19 MiB: not for a thread that others
/// wait for. `None` if the memory is not to be had.
pub fn hash(password: &SecretString, salt: [u8; SALT_BYTES]) -> Option<String> {
    let hashed = argon2()?.hash_password_with_salt(password.expose_secret().as_bytes(), &salt);
    hashed.ok().map(|hash| hash.to_string())
}

/// Whether `password` is the one that `kept` was made of. Without one to compare with (there is no such account, or it
/// has no password), it takes as long, and is wrong. As costly as [`hash`].
pub fn verify(password: &SecretString, kept: Option<&str>) -> bool {
    let Some(argon2) = argon2() else { return false };
    let bytes = password.expose_secret().as_bytes();
    if bytes.len() > LONGEST {
        return false;
    }
    let verified = PasswordVerifier::<str>::verify_password(&argon2, bytes, kept.unwrap_or(DECOY));
    kept.is_some() && verified.is_ok()
}

fn argon2() -> Option<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(password: &str) -> Result<(), PasswordRefused> {
        NewPassword::new(password.into(), &"anna.berger".parse().unwrap()).map(|_| ())
    }

    #[test]
    fn length_counts_and_not_the_kinds_of_characters() {
        for right in
            ["kanne rost dienstag ufer", "Träger-Ofen-9x", "xkvwpqhznbtr", "日本語のパスワードですよね長い"]
        {
            assert_eq!(taken(right), Ok(()), "{right}");
        }
    }

    #[test]
    fn what_is_guessed_first_is_refused_with_its_reason() {
        let cases = [
            ("kurz", PasswordRefused::TooShort),
            ("elf.zeichen", PasswordRefused::TooShort),
            ("Anna.Berger2026", PasswordRefused::Name),
            ("anna.berger-anna.berger", PasswordRefused::Name),
            ("passwort1234", PasswordRefused::Worst),
            ("Passwort!2026!", PasswordRefused::Worst),
            ("qwertzqwertz", PasswordRefused::Worst),
            ("aaaaaaaaaaaaaaaa", PasswordRefused::Worst),
            ("abcdefghijklmn", PasswordRefused::Worst),
            ("nmlkjihgfedcba", PasswordRefused::Worst),
            ("Rundruf-Admin-123", PasswordRefused::Worst),
            ("kanne rost\nufer ofen", PasswordRefused::ControlCharacter),
            (&"x".repeat(1_025), PasswordRefused::TooLong),
        ];
        for (wrong, why) in cases {
            assert_eq!(taken(wrong), Err(why), "{wrong}");
        }
    }

    #[test]
    fn a_password_is_verified_against_its_hash_alone() {
        let password = SecretString::from("kanne rost dienstag ufer");
        let kept = hash(&password, [1; 16]).unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(!kept.contains("kanne"));
        assert!(verify(&password, Some(&kept)));
        assert!(!verify(&"kanne rost dienstag Ufer".into(), Some(&kept)));
        assert_ne!(hash(&password, [2; 16]).unwrap(), kept);
    }

    #[test]
    fn the_hash_of_nobody_is_a_right_one_that_costs_as_much() {
        let decoy = argon2::PasswordHash::new(DECOY).unwrap();
        let real = hash(&"x".into(), [1; 16]).unwrap();
        let real = argon2::PasswordHash::new(&real).unwrap();
        assert_eq!(
            (decoy.algorithm, decoy.version, &decoy.params),
            (real.algorithm, real.version, &real.params)
        );
        assert_eq!(decoy.hash.unwrap().len(), real.hash.unwrap().len());
        assert!(!verify(&"anything at all".into(), None));
    }

    #[test]
    fn a_damaged_hash_lets_nobody_in() {
        for damaged in ["", "$argon2id$", "kanne rost dienstag ufer"] {
            assert!(!verify(&"kanne rost dienstag ufer".into(), Some(damaged)), "{damaged}");
        }
    }

    #[test]
    fn a_printed_secret_may_be_typed_in_any_way() {
        let chance = Chance::seeded(1);
        let printed = printable(&chance);
        let text = printed.expose_secret();
        assert_eq!(text.len(), 19);
        assert!(!text.contains(['0', '1', '8', '9']), "{text}");
        let typed = SecretString::from(format!("  {} ", text.to_uppercase().replace('-', " ")));
        assert_eq!(as_printed(&typed).expose_secret(), as_printed(&printed).expose_secret());
        assert_ne!(printable(&chance).expose_secret(), text);
        NewPassword::new(printed, &"anna".parse().unwrap()).unwrap();
    }
}
