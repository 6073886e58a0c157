//! How many connections one address may hold, so that nobody takes them all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// The connections that stand, by address.
#[derive(Debug, Clone)]
pub(super) struct Crowd {
    most: usize,
    standing: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A connection's place among those of its address; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    address: IpAddr,
    standing: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Crowd {
    /// At most `most` for each address.
    pub(super) fn new(most: usize) -> Self {
        Self { most, standing: Arc::default() }
    }

    /// A place for `address`; `None` if it holds as many as it may.
    pub(super) fn admit(&self, address: IpAddr) -> Option<Seat> {
        let address = network_of(address);
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let count = standing.entry(address).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Seat { address, standing: self.standing.clone() })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = standing.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                standing.remove(&self.address);
            }
        }
    }
}

/// Whoever has one address of version 6 has the whole /64 (RFC 6177).
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => std::net::Ipv6Addr::from(u128::from(address) & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_so_many_and_another_has_its_own() {
        let crowd = Crowd::new(2);
        let (one, other) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let seats = [crowd.admit(one), crowd.admit(one)];
        assert!(seats.iter().all(Option::is_some));
        assert!(crowd.admit(one).is_none());
        assert!(crowd.admit("::ffff:192.0.2.1".parse().unwrap()).is_none(), "the same, written otherwise");
        assert!(crowd.admit(other).is_some());
        drop(seats);
        assert!(crowd.admit(one).is_some());
        assert!(crowd.standing.lock().unwrap().is_empty(), "nothing is kept of whoever has gone");
    }

    #[test]
    fn a_network_of_version_six_counts_as_one() {
        let crowd = Crowd::new(1);
        let _seat = crowd.admit("2001:db8::1".parse().unwrap()).unwrap();
        assert!(crowd.admit("2001:db8::2".parse().unwrap()).is_none());
        assert!(crowd.admit("2001:db8:0:1::1".parse().unwrap()).is_some());
    }
}
