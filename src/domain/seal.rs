//! Names of deliveries that leave the house and come back, sealed so that nobody else can make one.
//!
//! A return path, the address that an SMS gateway reports to, and the link by which an alarm is confirmed all carry
//! such a name. The key is the instance's own and must stay the same for as long as news may come in.

use std::fmt;

use aws_lc_rs::{constant_time, digest, hmac};
use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use uuid::Uuid;

use super::ids::DeliveryId;

/// 100 bits of MAC are 20 characters: with 26 of the id, `+`, `.` and a base of at most 16 that makes the 64
/// that the local part of a return path may have (RFC 5321, section 4.5.3.1.1).
const MAC_CHARS: usize = 20;
const ID_CHARS: usize = 26;
/// More rounds than any person starts by hand.
const MOST_ROUNDS: i64 = 100;

/// What a sealed name is for: one that was made for one purpose is worth nothing for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealPurpose {
    /// The address that bounces come back to.
    ReturnPath,
    /// What an SMS gateway is given to report with.
    SmsReport,
}

impl SealPurpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::ReturnPath => b"return-path\0",
            Self::SmsReport => b"sms-report\0",
        }
    }
}

/// Makes sealed names, and recognises its own.
#[derive(Clone)]
pub struct Seal {
    key: hmac::Key,
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

/// A delivery's id as 26 lower-case base32 characters (RFC 4648, without padding).
pub fn base32(delivery: DeliveryId) -> String {
    let mut text = BASE32_NOPAD.encode(delivery.0.as_bytes());
    text.make_ascii_lowercase();
    text
}

impl Seal {
    /// Seals with `key`.
    pub fn new(key: &[u8]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key) }
    }

    /// `DELIVERY.MAC`, 47 lower-case characters, for a delivery in its `round` (from 1).
    pub fn name(&self, purpose: SealPurpose, delivery: DeliveryId, round: i64) -> String {
        let id = base32(delivery);
        let mac = self.mac(purpose, &id, round);
        format!("{id}.{mac}")
    }

    /// The delivery and the round that `name` was made for; `None` if it is none of ours or was tampered with.
    /// Letters may have changed their case on the way.
    pub fn open(&self, purpose: SealPurpose, name: &str) -> Option<(DeliveryId, i64)> {
        let name = name.to_ascii_lowercase();
        let (id, mac) = name.split_once('.')?;
        if id.len() != ID_CHARS || mac.len() != MAC_CHARS {
            return None;
        }
        let round = (1..=MOST_ROUNDS).find(|round| {
            let right = self.mac(purpose, id, *round);
            constant_time::verify_slices_are_equal(right.as_bytes(), mac.as_bytes()).is_ok()
        })?;
        let bytes = BASE32_NOPAD.decode(id.to_ascii_uppercase().as_bytes()).ok()?;
        Some((DeliveryId(Uuid::from_slice(&bytes).ok()?), round))
    }

    /// The token by which the recipient of a delivery confirms an alarm: 128 bits, 22 characters that a URL takes as
    /// they are.
    pub fn acknowledgement_token(&self, delivery: DeliveryId) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(b"acknowledgement\0");
        context.update(delivery.0.as_bytes());
        BASE64URL_NOPAD.encode(&context.sign().as_ref()[..16])
    }

    /// A name for `text` that says nothing of it to whoever does not have the key, and is the same each time: 20
    /// lower-case characters. The audit log calls addresses so.
    pub fn pseudonym(&self, text: &str) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(b"pseudonym\0");
        context.update(text.as_bytes());
        let mut name = BASE32_NOPAD.encode(context.sign().as_ref());
        name.truncate(MAC_CHARS);
        name.make_ascii_lowercase();
        name
    }

    fn mac(&self, purpose: SealPurpose, id: &str, round: i64) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(purpose.label());
        context.update(id.as_bytes());
        if round > 1 {
            context.update(format!("\0{round}").as_bytes());
        }
        let mut text = BASE32_NOPAD.encode(context.sign().as_ref());
        text.truncate(MAC_CHARS);
        text.make_ascii_lowercase();
        text
    }
}

/// What the store keeps of an acknowledgement token: whoever reads the store cannot confirm with it.
pub fn token_hash(token: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, token.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery() -> DeliveryId {
        "018f3a7b-1c2d-7e3f-8a4b-5c6d7e8f9a0b".parse().unwrap()
    }

    #[test]
    fn a_name_leads_back_to_its_delivery_and_round() {
        let seal = Seal::new(b"key");
        for round in [1, 2, 7] {
            let name = seal.name(SealPurpose::SmsReport, delivery(), round);
            assert_eq!(name.len(), 47);
            assert_eq!(seal.open(SealPurpose::SmsReport, &name), Some((delivery(), round)));
            assert_eq!(seal.open(SealPurpose::SmsReport, &name.to_uppercase()), Some((delivery(), round)));
            assert_eq!(seal.open(SealPurpose::ReturnPath, &name), None, "made for something else");
            assert_eq!(Seal::new(b"other").open(SealPurpose::SmsReport, &name), None);
        }
    }

    #[test]
    fn a_changed_character_opens_nothing() {
        let seal = Seal::new(b"key");
        let name = seal.name(SealPurpose::SmsReport, delivery(), 1);
        for position in 0..name.len() {
            let mut changed = name.clone().into_bytes();
            changed[position] = if changed[position] == b'2' { b'3' } else { b'2' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(seal.open(SealPurpose::SmsReport, &changed), None, "character {position}");
        }
    }

    #[test]
    fn a_token_is_short_and_its_own() {
        let token = Seal::new(b"key").acknowledgement_token(delivery());
        assert_eq!(token.len(), 22);
        assert_ne!(token, Seal::new(b"other").acknowledgement_token(delivery()));
        assert_eq!(token_hash(&token).len(), 32);
    }
}
