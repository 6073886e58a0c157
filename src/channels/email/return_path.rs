//! The address that bounces come back to: `local+DELIVERY.MAC@domain`, one for every delivery (VERP).

use std::fmt;

use crate::domain::address::EmailAddress;
use crate::domain::ids::DeliveryId;
use crate::domain::seal::{Seal, SealPurpose};

/// Makes return paths, and recognises its own.
pub struct ReturnPath {
    local: String,
    domain: String,
    seal: Seal,
}

impl fmt::Debug for ReturnPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReturnPath({}+…@{})", self.local, self.domain)
    }
}

impl ReturnPath {
    /// Return paths below `base` (local part at most 16 characters), sealed with `seal`.
    pub fn new(base: &EmailAddress, seal: Seal) -> Self {
        Self { local: base.local().to_owned(), domain: base.domain().to_owned(), seal }
    }

    /// The return path of `delivery` in its `round`.
    pub fn of(&self, delivery: DeliveryId, round: i64) -> String {
        let name = self.seal.name(SealPurpose::ReturnPath, delivery, round);
        format!("{}+{name}@{}", self.local, self.domain)
    }

    /// The delivery and round that `address` is the return path of; `None` if it is none of ours or was tampered
    /// with. Letters may have changed their case on the way.
    pub fn parse(&self, address: &str) -> Option<(DeliveryId, i64)> {
        self.seal.open(SealPurpose::ReturnPath, self.name_in(address)?)
    }

    /// Whether `address` looks like a return path of ours, sealed or not.
    pub fn is_claimed_by(&self, address: &str) -> bool {
        self.name_in(address).is_some()
    }

    /// What stands between our local part and our domain.
    fn name_in<'a>(&self, address: &'a str) -> Option<&'a str> {
        let (local, domain) = address.trim().rsplit_once('@')?;
        if !domain.eq_ignore_ascii_case(&self.domain) {
            return None;
        }
        let (base, name) = local.rsplit_once('+')?;
        base.eq_ignore_ascii_case(&self.local).then_some(name)
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
        let paths = ReturnPath::new(&base(), Seal::new(b"key"));
        let path = paths.of(delivery(), 1);
        let address: EmailAddress = path.parse().unwrap();
        assert_eq!(address.local().len(), 64);
        assert_eq!(paths.parse(&path), Some((delivery(), 1)));
        assert_eq!(paths.parse(&path.to_uppercase()), Some((delivery(), 1)));
    }

    #[test]
    fn whatever_was_changed_is_not_ours() {
        let paths = ReturnPath::new(&base(), Seal::new(b"key"));
        let path = paths.of(delivery(), 1);
        assert_eq!(ReturnPath::new(&base(), Seal::new(b"other key")).parse(&path), None);
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
