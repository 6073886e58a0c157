//! Randomness as a parameter.

use std::fmt;
use std::sync::Mutex;

use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};

/// A shared source of random bytes and fractions. Seeded, it gives the same sequence again.
pub struct Chance {
    rng: Mutex<StdRng>,
}

impl fmt::Debug for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chance")
    }
}

impl Chance {
    /// Seeded by the operating system: fit for ids and tokens.
    pub fn from_system() -> Self {
        Self { rng: Mutex::new(StdRng::from_os_rng()) }
    }

    /// The same sequence for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self { rng: Mutex::new(StdRng::seed_from_u64(seed)) }
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.lock().fill_bytes(&mut bytes);
        bytes
    }

    /// A fraction in `0.0..1.0`.
    pub fn fraction(&self) -> f64 {
        // 53 bits fill a double's mantissa.
        (self.lock().next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, StdRng> {
        self.rng.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
