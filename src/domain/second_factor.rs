//! The second factor: codes that change every 30 seconds (TOTP, RFC 6238), and the printed codes for when the device
//! with them is lost.

use data_encoding::BASE32_NOPAD;
use secrecy::{ExposeSecret, SecretString};
use totp_rs::{Algorithm, Builder, Totp};

use super::account::AccountName;
use super::chance::Chance;
use super::clock::Timestamp;
use super::credential::secret_hash;
use super::password::{as_printed, printable};

/// 160 bits, as RFC 4226 recommends (section 4, R6).
const SECRET_BYTES: usize = 20;
/// What every app can show.
const DIGITS: u8 = 6;
/// Seconds.
const STEP: u64 = 30;
/// The step before and the one after count too: clocks differ, and typing takes time (RFC 6238, section 5.2).
const SKEW: u16 = 1;

/// How many recovery codes somebody is given.
pub const RECOVERY_CODES: usize = 10;

/// A device's secret.
#[derive(Clone)]
pub struct SecondFactor {
    totp: Totp,
    secret: SecretString,
}

impl std::fmt::Debug for SecondFactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecondFactor")
    }
}

impl SecondFactor {
    /// A new one for `account` at the instance called `issuer`. `None` cannot happen with the parameters in force.
    pub fn fresh(chance: &Chance, issuer: &str, account: &AccountName) -> Option<Self> {
        let secret = SecretString::from(BASE32_NOPAD.encode(&chance.bytes::<SECRET_BYTES>()));
        Self::of(secret, issuer, account)
    }

    /// The one with this secret (base32, without padding); `None` if it is none.
    pub fn of(secret: SecretString, issuer: &str, account: &AccountName) -> Option<Self> {
        let bytes = BASE32_NOPAD.decode(secret.expose_secret().as_bytes()).ok()?;
        let issuer: String = issuer.chars().filter(|c| *c != ':' && !c.is_control()).collect();
        let totp = Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(DIGITS)
            .with_skew(SKEW)
            .with_step_duration(STEP)
            .with_secret(bytes)
            .with_account_name(account.as_str())
            .with_issuer(Some(issuer))
            .build()
            .ok()?;
        Some(Self { totp, secret })
    }

    /// The secret as base32, to be typed into an app or sealed.
    pub const fn secret(&self) -> &SecretString {
        &self.secret
    }

    /// What an app reads from a QR code: `otpauth://totp/…`.
    pub fn url(&self) -> Option<SecretString> {
        self.totp.to_url().ok().map(SecretString::from)
    }

    /// What the device shows at `now`.
    pub fn code_at(&self, now: Timestamp) -> SecretString {
        let seconds = u64::try_from(now.0.div_euclid(1_000)).unwrap_or(0);
        SecretString::from(self.totp.generate(seconds).to_string())
    }

    /// The step that `code` belongs to, if it is right at `now` and none that was used: only steps after `used` count,
    /// so that a code that was seen over somebody's shoulder is worth nothing.
    pub fn check(&self, code: &SecretString, now: Timestamp, used: Option<i64>) -> Option<i64> {
        let digits: String = code.expose_secret().chars().filter(|c| !c.is_whitespace()).collect();
        if digits.len() != usize::from(DIGITS) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let seconds = u64::try_from(now.0.div_euclid(1_000)).ok()?;
        let step = i64::try_from(self.totp.check(&digits, seconds)?).ok()?;
        used.is_none_or(|used| step > used).then_some(step)
    }
}

/// Fresh recovery codes, to be printed and kept in a safe.
pub fn recovery_codes(chance: &Chance) -> Vec<SecretString> {
    (0..RECOVERY_CODES).map(|_| printable(chance)).collect()
}

/// What is kept of a recovery code of `account`, however it was typed.
pub fn recovery_hash(account: &AccountName, code: &SecretString) -> Vec<u8> {
    secret_hash(&format!("recovery:{account}"), &as_printed(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_000_000_000);

    fn anna() -> AccountName {
        "anna".parse().unwrap()
    }

    fn factor() -> SecondFactor {
        SecondFactor::fresh(&Chance::seeded(1), "Kommunale IT: Nord", &anna()).unwrap()
    }

    fn code_at(factor: &SecondFactor, now: Timestamp) -> SecretString {
        factor.code_at(now)
    }

    fn seconds(offset: i64) -> Timestamp {
        Timestamp(NOW.0 + offset * 1_000)
    }

    /// RFC 6238, appendix B, the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = BASE32_NOPAD.encode(b"12345678901234567890");
        let factor = SecondFactor::of(secret.into(), "", &anna()).unwrap();
        for (second, code) in [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")] {
            let step = factor.check(&code.into(), Timestamp(second * 1_000), None);
            assert_eq!(step, Some(second / 30), "{second}");
        }
    }

    #[test]
    fn the_neighbouring_steps_count_and_no_others() {
        let factor = factor();
        let code = code_at(&factor, NOW);
        for offset in [-30, 0, 30] {
            assert!(factor.check(&code, seconds(offset), None).is_some(), "{offset}");
        }
        for offset in [-90, -61, 61, 90] {
            assert_eq!(factor.check(&code, seconds(offset), None), None, "{offset}");
        }
    }

    #[test]
    fn what_is_no_code_is_refused_and_blanks_do_not_matter() {
        let factor = factor();
        let code = code_at(&factor, NOW);
        let spaced = format!(" {} {}", &code.expose_secret()[..3], &code.expose_secret()[3..]);
        assert!(factor.check(&spaced.into(), NOW, None).is_some());
        for wrong in ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦"] {
            assert_eq!(factor.check(&wrong.into(), NOW, None), None, "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_step_is_ever_taken_twice(offsets in proptest::collection::vec(-90_i64..90, 1..40)) {
            let factor = factor();
            let mut used: Vec<i64> = Vec::new();
            let mut now = 0;
            for offset in offsets {
                now += offset.abs();
                let code = code_at(&factor, seconds(now + offset));
                if let Some(step) = factor.check(&code, seconds(now), used.last().copied()) {
                    proptest::prop_assert!(used.iter().all(|before| *before < step));
                    used.push(step);
                }
            }
        }
    }

    #[test]
    fn an_app_can_read_the_url_and_a_log_cannot_read_the_secret() {
        let factor = factor();
        let url = factor.url().unwrap();
        assert!(url.expose_secret().starts_with("otpauth://totp/Kommunale%20IT%20Nord:anna?secret="));
        let again = SecondFactor::of(factor.secret().clone(), "x", &anna()).unwrap();
        assert!(again.check(&code_at(&factor, NOW), NOW, None).is_some());
        assert!(!format!("{factor:?} {url:?}").contains(factor.secret().expose_secret()));
    }

    #[test]
    fn recovery_codes_differ_and_belong_to_one_account() {
        let codes = recovery_codes(&Chance::seeded(1));
        let hashes: std::collections::BTreeSet<Vec<u8>> =
            codes.iter().map(|code| recovery_hash(&anna(), code)).collect();
        assert_eq!(hashes.len(), RECOVERY_CODES);
        let typed = codes[0].expose_secret().to_uppercase().replace('-', "");
        assert!(hashes.contains(&recovery_hash(&anna(), &typed.into())));
        assert!(!hashes.contains(&recovery_hash(&"berta".parse().unwrap(), &codes[0])));
    }
}
