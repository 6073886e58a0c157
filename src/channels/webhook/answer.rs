//! What an endpoint's answer means for the delivery.

use std::fmt::Write as _;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{HeaderMap, LOCATION, RETRY_AFTER};
use jiff::fmt::{rfc2822, strtime};

use crate::domain::clock::Timestamp;
use crate::domain::mask::mask_address;
use crate::domain::outcome::{Fault, Outcome, Reason};

/// The shortest and the longest pause that an endpoint may ask for.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

/// The head of an answer.
#[derive(Debug)]
pub(super) struct Head {
    status: StatusCode,
    retry_after: Option<Duration>,
    location: Option<String>,
}

impl Head {
    /// Keeps what counts of an answer that came at `now`.
    pub(super) fn read(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        Self {
            status,
            retry_after: text(RETRY_AFTER).and_then(|value| pause(value, now)),
            location: text(LOCATION).map(mask_address),
        }
    }

    /// What the answer with this head and `body` means.
    ///
    /// | status | outcome |
    /// |---|---|
    /// | 2xx | accepted: its owner has it |
    /// | 3xx | tried again: a redirect is not followed, because it could lead anywhere |
    /// | 410 | never again: the owner has switched the endpoint off, the address is suppressed |
    /// | 413 | never, this one: it is too large |
    /// | other 4xx | tried again: an endpoint under repair answers 404 |
    /// | 5xx, and anything else | tried again |
    ///
    /// `Retry-After` counts wherever it is tried again, between 1 s and 1 h (RFC 9110, section 10.2.3).
    pub(super) fn outcome(self, body: &[u8]) -> Outcome {
        let reason = self.reason(body);
        match self.status.as_u16() {
            200..=299 => Outcome::Accepted { reference: None, reason },
            410 => Outcome::Permanent { reason, fault: Fault::Address },
            413 => Outcome::Permanent { reason, fault: Fault::Recipient },
            _ => Outcome::Transient { reason, retry_after: self.retry_after },
        }
    }

    /// The status, and what stands in the body, in one line.
    fn reason(&self, body: &[u8]) -> Reason {
        let code = self.status.as_str();
        let mut text = code.to_owned();
        if let Some(words) = self.status.canonical_reason() {
            text.push(' ');
            text.push_str(words);
        }
        if self.status.is_redirection() {
            text.push_str(": redirects are not followed: give the final address");
            if let Some(location) = &self.location {
                let _ = write!(text, " (it points to {location})");
            }
        }
        let body = String::from_utf8_lossy(body);
        let mut words = body.split_whitespace().peekable();
        if words.peek().is_some() {
            text.push(':');
        }
        for word in words {
            if text.len() > 2_000 {
                break;
            }
            text.push(' ');
            text.push_str(word);
        }
        Reason::new(code, text)
    }
}

/// The pause that `Retry-After` asks for, in seconds or until a date; `None` where it is neither.
fn pause(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let asked = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are more than the longest pause.
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        http_date(value)?.since(now)
    };
    Some(asked.clamp(SHORTEST_PAUSE, LONGEST_PAUSE))
}

/// Any of the three forms of a date (RFC 9110, section 5.6.7).
fn http_date(text: &str) -> Option<Timestamp> {
    if let Ok(date) = rfc2822::parse(text) {
        return Some(date.timestamp().into());
    }
    ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"].into_iter().find_map(|form| {
        let date = strtime::parse(form, text).ok()?.to_datetime().ok()?;
        Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(784_111_777_000); // Sun, 06 Nov 1994 08:49:37 GMT

    fn outcome(status: u16, headers: &[(&'static str, &str)], body: &str) -> Outcome {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let status = StatusCode::from_u16(status).unwrap();
        Head::read(status, &headers.collect(), NOW).outcome(body.as_bytes())
    }

    #[test]
    fn every_status_has_its_outcome() {
        for status in 100..=999_u16 {
            let outcome = outcome(status, &[], "");
            let right = match (status, &outcome) {
                (200..=299, Outcome::Accepted { .. }) => true,
                (410, Outcome::Permanent { fault: Fault::Address, .. }) => true,
                (413, Outcome::Permanent { fault: Fault::Recipient, .. }) => true,
                (200..=299 | 410 | 413, _) => false,
                (_, Outcome::Transient { retry_after: None, .. }) => true,
                _ => false,
            };
            assert!(right, "{status}: {outcome:?}");
        }
    }

    #[test]
    fn the_reason_is_the_status_and_one_line_of_what_it_said() {
        let Outcome::Transient { reason, .. } = outcome(503, &[], "<h1>Wartung</h1>\r\n bis\t 12 Uhr ")
        else {
            panic!("503 is to be tried again")
        };
        assert_eq!(
            (reason.code.as_str(), reason.text.as_str()),
            ("503", "503 Service Unavailable: <h1>Wartung</h1> bis 12 Uhr")
        );
        let Outcome::Transient { reason, .. } = outcome(500, &[], &"ä ".repeat(4_000)) else { panic!() };
        assert_eq!(reason.text.chars().count(), 300);
    }

    #[test]
    fn a_redirect_says_what_to_mend_without_giving_away_where_it_leads() {
        let headers = [("location", "https://neu.example/hooks/geheim?token=1")];
        let Outcome::Transient { reason, .. } = outcome(301, &headers, "") else { panic!() };
        assert!(
            reason.text.contains("redirects are not followed: give the final address"),
            "{}",
            reason.text
        );
        assert!(
            reason.text.contains("https://neu.example/") && !reason.text.contains("geheim"),
            "{}",
            reason.text
        );
    }

    #[test]
    fn a_pause_that_was_asked_for_counts_between_a_second_and_an_hour() {
        let asked = |value: &str| match outcome(429, &[("retry-after", value)], "") {
            Outcome::Transient { retry_after, .. } => retry_after.map(|pause| pause.as_secs()),
            other => panic!("{other:?}"),
        };
        assert_eq!(asked("120"), Some(120));
        assert_eq!(asked(" 7 "), Some(7));
        assert_eq!(asked("0"), Some(1));
        assert_eq!(asked("86400"), Some(3_600));
        assert_eq!(asked("99999999999999999999999"), Some(3_600));
        assert_eq!(asked("Sun, 06 Nov 1994 08:50:37 GMT"), Some(60));
        assert_eq!(asked("Sunday, 06-Nov-94 08:50:37 GMT"), Some(60));
        assert_eq!(asked("Sun Nov  6 08:50:37 1994"), Some(60));
        assert_eq!(asked("Sun, 06 Nov 1994 08:00:00 GMT"), Some(1), "a time that is past is now");
        assert_eq!(asked("Fri, 01 Jan 2100 00:00:00 GMT"), Some(3_600));
        for nonsense in ["", "soon", "-5", "1.5", "12 s", "Sun, 99 Nov 1994 08:50:37 GMT"] {
            assert_eq!(asked(nonsense), None, "{nonsense}");
        }
    }
}
