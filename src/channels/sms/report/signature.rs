//! Whether a call was signed by the gateway that it says it is from.

use aws_lc_rs::{constant_time, hmac};
use data_encoding::{BASE64, HEXLOWER};
use md5::{Digest as _, Md5};
use url::Url;

use super::Callback;

/// `X-Twilio-Signature`: HMAC-SHA1 with the auth token over the address, and each field of the form, sorted by name
/// (www.twilio.com/docs/usage/webhooks/webhooks-security). Twilio has written the default port into the address or
/// left it out; both count.
pub(super) fn is_twilios(token: &str, callback: &Callback<'_>) -> bool {
    let Some(given) = callback.header("x-twilio-signature") else { return false };
    let mut form: Vec<(String, String)> = url::form_urlencoded::parse(callback.body).into_owned().collect();
    form.sort();
    let fields: String = form.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]).collect();
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.as_bytes());
    spellings(callback.url).iter().any(|url| {
        let right = hmac::sign(&key, format!("{url}{fields}").as_bytes());
        is_same(&BASE64.encode(right.as_ref()), given)
    })
}

/// The address as it stands, and with its default port spelt out.
fn spellings(url: &str) -> Vec<String> {
    let mut spellings = vec![url.to_owned()];
    if let Ok(parsed) = Url::parse(url)
        && let (Some(host), Some(port)) = (parsed.host_str(), parsed.port_or_known_default())
    {
        let scheme = parsed.scheme();
        if let Some(rest) = url.strip_prefix(&format!("{scheme}://{host}:{port}")) {
            spellings.push(format!("{scheme}://{host}{rest}"));
        } else if let Some(rest) = url.strip_prefix(&format!("{scheme}://{host}")) {
            spellings.push(format!("{scheme}://{host}:{port}{rest}"));
        }
    }
    spellings
}

/// `X-Signature`: HMAC-SHA256 with the signing secret over time, nonce, method, address and the MD5 of the body, a line
/// each, in hexadecimal (github.com/seven-io/js-client, `WebhookVerifier`). The time is not looked at: the same report
/// may well come late, and says the same.
pub(super) fn is_sevens(secret: &str, callback: &Callback<'_>) -> bool {
    let (Some(time), Some(nonce), Some(given)) =
        (callback.header("x-timestamp"), callback.header("x-nonce"), callback.header("x-signature"))
    else {
        return false;
    };
    let method = if callback.body.is_empty() { "GET" } else { "POST" };
    let digest = HEXLOWER.encode(&Md5::digest(callback.body));
    let signed = format!("{time}\n{nonce}\n{method}\n{}\n{digest}", callback.url);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let right = hmac::sign(&key, signed.as_bytes());
    is_same(&HEXLOWER.encode(right.as_ref()), &given.to_ascii_lowercase())
}

fn is_same(right: &str, given: &str) -> bool {
    constant_time::verify_slices_are_equal(right.as_bytes(), given.trim().as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Twilio's documentation.
    #[test]
    fn twilios_own_example_is_twilios() {
        let body = "CallSid=CA1234567890ABCDE&Caller=%2B12349013030&Digits=1234&From=%2B12349013030&To=%2B18005551212";
        let headers = [("x-twilio-signature".to_owned(), "0/KCTR6DLpKmkAf8muzZqo1nDgQ=".to_owned())];
        let callback = Callback {
            query: &[],
            headers: &headers,
            url: "https://mycompany.com/myapp.php?foo=1&bar=2",
            body: body.as_bytes(),
        };
        assert!(is_twilios("12345", &callback));
        assert!(!is_twilios("12346", &callback));
        assert!(!is_twilios("12345", &Callback { body: b"CallSid=CA", ..callback }));
        assert!(!is_twilios("12345", &Callback { url: "https://mycompany.com/myapp.php", ..callback }));
        assert!(!is_twilios("12345", &Callback { headers: &[], ..callback }));
    }

    #[test]
    fn a_default_port_may_be_spelt_out_or_not() {
        assert_eq!(spellings("https://a.example/x"), ["https://a.example/x", "https://a.example:443/x"]);
        assert_eq!(spellings("https://a.example:443/x"), ["https://a.example:443/x", "https://a.example/x"]);
    }
}
