//! The address that bounces come back to: `local+DELIVERY.MAC@domain`, one for every delivery (VERP).

use std::fmt;

use aws_lc_rs::{constant_time, hmac};
use data_encoding::BASE32_NOPAD;
use uuid::Uuid;

use crate::domain::address::EmailAddress;
use crate::domain::ids::DeliveryId;

/// 100 bits of MAC are 20 characters: with 26 of the id, `+`, `.` and a base of at most 16 that makes the 64
/// that a local part may have (RFC 5321, section 4.5.3.1.1).
const MAC_CHARS: usize = 20;
const ID_CHARS: usize = 26;

/// A delivery's id as 26 lower-case base32 characters (RFC 4648, without padding).
pub fn base32(delivery: DeliveryId) -> String {
    let mut text = BASE32_NOPAD.encode(delivery.0.as_bytes());
    text.make_ascii_lowercase();
    text
}

/// Makes return paths, and recognises its own.
pub struct ReturnPath {
    local: String,
    domain: String,
    key: hmac::Key,
}

impl fmt::Debug for ReturnPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReturnPath({}+…@{})", self.local, self.domain)
    }
}

impl ReturnPath {
    /// Return paths below `base` (local part at most 16 characters), sealed with `mac_key`, which must stay
    /// the same for as long as bounces may come in.
    pub fn new(base: &EmailAddress, mac_key: &[u8]) -> Self {
        Self {
            local: base.local().to_owned(),
            domain: base.domain().to_owned(),
            key: hmac::Key::new(hmac::HMAC_SHA256, mac_key),
        }
    }

    /// The return path of `delivery`.
    pub fn of(&self, delivery: DeliveryId) -> String {
        let id = base32(delivery);
        format!("{}+{id}.{}@{}", self.local, self.mac(&id), self.domain)
    }

    /// The delivery that `address` is the return path of; `None` if it is none of ours or was tampered with.
    /// Letters may have changed their case on the way.
    pub fn parse(&self, address: &str) -> Option<DeliveryId> {
        let (local, domain) = address.trim().rsplit_once('@')?;
        if !domain.eq_ignore_ascii_case(&self.domain) {
            return None;
        }
        let (base, sealed) = local.rsplit_once('+')?;
        if !base.eq_ignore_ascii_case(&self.local) {
            return None;
        }
        let sealed = sealed.to_ascii_lowercase();
        let (id, mac) = sealed.split_once('.')?;
        if id.len() != ID_CHARS || mac.len() != MAC_CHARS {
            return None;
        }
        constant_time::verify_slices_are_equal(self.mac(id).as_bytes(), mac.as_bytes()).ok()?;
        let bytes = BASE32_NOPAD.decode(id.to_ascii_uppercase().as_bytes()).ok()?;
        Uuid::from_slice(&bytes).ok().map(DeliveryId)
    }

    fn mac(&self, id: &str) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(b"return-path\0");
        context.update(id.as_bytes());
        let mut text = BASE32_NOPAD.encode(context.sign().as_ref());
        text.truncate(MAC_CHARS);
        text.make_ascii_lowercase();
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery() -> DeliveryId {
        "018f3a7b-1c2d-7e3f-8a4b-5c6d7e8f9a0b".parse().unwrap()
    }

    fn base() -> EmailAddress {
        "ruecklaeufer-abc@bounce.musterkreis.example".parse().unwrap()
    }

    #[test]
    fn a_return_path_leads_back_to_its_delivery_and_fits_into_64_characters() {
        let paths = ReturnPath::new(&base(), b"key");
        let path = paths.of(delivery());
        let address: EmailAddress = path.parse().unwrap();
        assert_eq!(address.local().len(), 64);
        assert_eq!(paths.parse(&path), Some(delivery()));
        assert_eq!(paths.parse(&path.to_uppercase()), Some(delivery()));
    }

    #[test]
    fn whatever_was_changed_is_not_ours() {
        let paths = ReturnPath::new(&base(), b"key");
        let path = paths.of(delivery());
        assert_eq!(ReturnPath::new(&base(), b"other key").parse(&path), None);
        let at = path.find('@').unwrap();
        for position in 0..at {
            let mut changed = path.clone().into_bytes();
            changed[position] = if changed[position] == b'2' { b'3' } else { b'2' };
            assert_eq!(paths.parse(std::str::from_utf8(&changed).unwrap()), None, "character {position}");
        }
        for wrong in ["", "@", "+.@bounce.musterkreis.example", "a@b.example", &path[..at]] {
            assert_eq!(paths.parse(wrong), None, "{wrong}");
        }
        assert_eq!(paths.parse(&path.replace("bounce.", "other.")), None);
    }
}
