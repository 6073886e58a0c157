//! The endpoints of partners that take webhooks. Those that were given a secret look at the signature themselves, by
//! code of their own (Standard Webhooks, "Verifying webhooks"), and take nothing that is not genuine.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::hmac;
use data_encoding::BASE64;

use crate::domain::clock::Clock;

use super::http::{Answer, Request, Site};
use super::mailbox::file_name;
use super::world::World;

/// How far a call's time may be from now, in seconds.
const TOLERANCE: i64 = 5 * 60;

/// All endpoints, behind one port: the first part of the path is the host that an endpoint would have.
pub(super) struct Partners {
    folder: PathBuf,
    world: Arc<World>,
    clock: Arc<dyn Clock>,
    secrets: Mutex<HashMap<String, String>>,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    taken: AtomicU64,
    verified: AtomicU64,
    forged: AtomicU64,
}

/// What the endpoints took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli::demo) struct Calls {
    /// Calls that were taken.
    pub(in crate::cli::demo) taken: u64,
    /// How many of those carried a signature that the endpoint found right.
    pub(in crate::cli::demo) verified: u64,
    /// How many were turned away because the signature was missing or wrong.
    pub(in crate::cli::demo) forged: u64,
}

impl Partners {
    /// Endpoints that keep the body of each call as a file in `folder`, which must be there.
    pub(super) fn new(folder: PathBuf, world: Arc<World>, clock: Arc<dyn Clock>) -> Self {
        Self { folder, world, clock, secrets: Mutex::default(), counts: Counts::default() }
    }

    /// The endpoint at this path verifies its calls with `secret` (`whsec_…`) from now on.
    pub(super) fn share_secret(&self, path: &str, secret: &str) {
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.insert(path.to_owned(), secret.to_owned());
    }

    /// What was taken so far.
    pub(super) fn calls(&self) -> Calls {
        let counts = &self.counts;
        Calls {
            taken: counts.taken.load(Ordering::SeqCst),
            verified: counts.verified.load(Ordering::SeqCst),
            forged: counts.forged.load(Ordering::SeqCst),
        }
    }

    fn secret_of(&self, path: &str) -> Option<String> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }

    fn keep(&self, host: &str, body: &[u8]) -> std::io::Result<()> {
        let number = self.counts.taken.load(Ordering::SeqCst) + 1;
        std::fs::write(self.folder.join(format!("{number:04}-{}.json", file_name(host))), body)?;
        self.counts.taken.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

impl Site for Partners {
    fn answer(&self, request: &Request) -> Answer {
        let path = request.target.as_str();
        let host = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        if let Some((status, words)) = self.world.refusal_of_endpoint(host) {
            return (status, words.to_owned());
        }
        let secret = self.secret_of(path);
        if let Some(secret) = &secret {
            let now = self.clock.now().0.div_euclid(1_000);
            if let Err(why) = verify(request, secret, now) {
                self.counts.forged.fetch_add(1, Ordering::SeqCst);
                return (401, why.to_owned());
            }
        }
        if let Err(error) = self.keep(host, &request.body) {
            return (503, format!("cannot be kept: {error}"));
        }
        if secret.is_some() {
            self.counts.verified.fetch_add(1, Ordering::SeqCst);
        }
        (200, "taken".to_owned())
    }
}

/// Whether a call comes from whoever shares the secret, at `now` in seconds since 1970.
fn verify(request: &Request, secret: &str, now: i64) -> Result<(), &'static str> {
    let header = |name| request.header(name).ok_or("a header of Standard Webhooks is missing");
    let (id, time, signatures) =
        (header("webhook-id")?, header("webhook-timestamp")?, header("webhook-signature")?);
    let seconds: i64 = time.parse().map_err(|_| "the time is no number")?;
    if seconds.abs_diff(now) > TOLERANCE.unsigned_abs() {
        return Err("the call is too old, or from the future");
    }
    let key = secret.strip_prefix("whsec_").and_then(|key| BASE64.decode(key.as_bytes()).ok());
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key.ok_or("the secret is unusable")?);
    let signed = [id.as_bytes(), b".", time.as_bytes(), b".", &request.body].concat();
    let is_right = signatures
        .split(' ')
        .filter_map(|signature| signature.strip_prefix("v1,"))
        .any(|tag| BASE64.decode(tag.as_bytes()).is_ok_and(|tag| hmac::verify(&key, &signed, &tag).is_ok()));
    if is_right { Ok(()) } else { Err("the signature does not fit") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the reference libraries' own test suites.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const NOW: i64 = 1_614_265_330;

    fn request(signature: &str, body: &str) -> Request {
        let headers = [
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", signature),
        ];
        Request::of("/hook", &headers, body.as_bytes())
    }

    #[test]
    fn only_a_genuine_and_fresh_call_is_taken() {
        let body = "{\"test\": 2432232314}";
        assert_eq!(verify(&request(SIGNATURE, body), SECRET, NOW), Ok(()));
        let two = format!("v1,AAAA {SIGNATURE}");
        assert_eq!(verify(&request(&two, body), SECRET, NOW), Ok(()));
        assert!(verify(&request(SIGNATURE, "{\"test\": 1}"), SECRET, NOW).is_err());
        assert!(verify(&request(SIGNATURE, body), "whsec_AAAA", NOW).is_err());
        assert!(verify(&request(SIGNATURE, body), SECRET, NOW + TOLERANCE + 1).is_err());
        assert!(verify(&request("", body), SECRET, NOW).is_err());
        assert!(verify(&Request::of("/hook", &[], body.as_bytes()), SECRET, NOW).is_err());
    }
}
