//! The headers by which an endpoint knows that it was us, and that it has seen a call before (Standard Webhooks,
//! "Webhook Headers" and "Signature scheme").

use aws_lc_rs::hmac;
use data_encoding::BASE64;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};

use crate::domain::clock::Timestamp;
use crate::domain::ids::DeliveryId;
use crate::domain::seal::base32;

pub(super) const ID: HeaderName = HeaderName::from_static("webhook-id");
pub(super) const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
pub(super) const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// The prefix of a symmetric secret; Base64 of the key follows.
const PREFIX: &str = "whsec_";

/// `webhook-id`, `webhook-timestamp` and, where there are `secrets`, `webhook-signature` with one signature for each.
/// The id is the delivery's own, the same in every try; the time is the try's.
///
/// # Errors
/// When one of `secrets` is no `whsec_…`: a call that its owner expects to be signed never leaves without.
pub(super) fn headers(
    delivery: DeliveryId,
    at: Timestamp,
    secrets: Option<&str>,
    body: &[u8],
) -> Result<HeaderMap, String> {
    let id = format!("msg_{}", base32(delivery));
    let seconds = at.0.div_euclid(1_000).to_string();
    let signature = secrets.map(|secrets| sign(secrets, &id, &seconds, body)).transpose()?;
    // Room for those that the call adds, too.
    let mut headers = HeaderMap::with_capacity(12);
    let values = [(ID, Some(id)), (TIMESTAMP, Some(seconds)), (SIGNATURE, signature)];
    for (name, value) in values {
        if let Some(value) = value {
            let value = HeaderValue::try_from(value).map_err(|_| "a header cannot be written".to_owned())?;
            headers.insert(name, value);
        }
    }
    Ok(headers)
}

/// `v1,BASE64` for each secret, over `id.timestamp.body`, in the order of the secrets.
fn sign(secrets: &str, id: &str, seconds: &str, body: &[u8]) -> Result<String, String> {
    let wrong = || {
        "webhook_secret is no whsec_… with Base64 behind it: correct it in the contact's file, and import it"
            .to_owned()
    };
    let mut signatures = Vec::new();
    for secret in secrets.split_ascii_whitespace() {
        let key = secret.strip_prefix(PREFIX).ok_or_else(wrong)?;
        let key = BASE64.decode(key.as_bytes()).map_err(|_| wrong())?;
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key));
        for part in [id.as_bytes(), b".", seconds.as_bytes(), b".", body] {
            context.update(part);
        }
        signatures.push(format!("v1,{}", BASE64.encode(context.sign().as_ref())));
    }
    if signatures.is_empty() { Err(wrong()) } else { Ok(signatures.join(" ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn the_signature_is_that_of_the_specifications_example() {
        // From the reference libraries' own test suites: this id, time and body with this secret.
        let signature = sign(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b"{\"test\": 2432232314}");
        assert_eq!(signature.unwrap(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn the_id_stays_and_the_time_moves_on() {
        let delivery = DeliveryId(Uuid::from_u128(7));
        let one = headers(delivery, Timestamp(1_795_000_000_999), Some(SECRET), b"{}").unwrap();
        let two = headers(delivery, Timestamp(1_795_000_001_000), Some(SECRET), b"{}").unwrap();
        assert_eq!(one[ID], two[ID]);
        assert_eq!(
            (&one[TIMESTAMP], &two[TIMESTAMP]),
            (&"1795000000".parse().unwrap(), &"1795000001".parse().unwrap())
        );
        assert_ne!(one[SIGNATURE], two[SIGNATURE]);
    }

    #[test]
    fn every_secret_signs_and_none_means_unsigned() {
        let delivery = DeliveryId(Uuid::from_u128(7));
        let both = format!("{SECRET}  whsec_{}", BASE64.encode(&[7; 24]));
        let signed = headers(delivery, Timestamp(0), Some(&both), b"{}").unwrap();
        let signatures = signed[SIGNATURE].to_str().unwrap();
        assert_eq!(signatures.split(' ').filter(|one| one.starts_with("v1,")).count(), 2);
        assert!(headers(delivery, Timestamp(0), None, b"{}").unwrap().get(SIGNATURE).is_none());
    }

    #[test]
    fn a_secret_that_cannot_sign_is_a_fault_that_does_not_show_it() {
        for wrong in ["", "  ", "geheim", "whsec_*", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw geheim"] {
            let fault = headers(DeliveryId(Uuid::nil()), Timestamp(0), Some(wrong), b"{}").unwrap_err();
            assert!(fault.contains("webhook_secret") && !fault.contains("geheim"), "{fault}");
        }
    }
}
