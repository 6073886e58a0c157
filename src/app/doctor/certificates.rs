//! Until when certificates are valid.

use std::time::Duration;

use crate::channels::probe::certificate;
use crate::domain::clock::Timestamp;

use super::{Examination, Finding};

/// A certificate that ends sooner than this should have been renewed.
const SOON: Duration = Duration::from_secs(21 * 86_400);

/// What is to be said of a certificate that is valid until then.
pub(super) fn line(examination: &Examination, subject: String, until: Timestamp) -> Finding {
    let now = examination.clock.now();
    let shown = examination.local(until);
    if until <= now {
        return Finding::broken(
            subject,
            format!("it has expired, at {shown}"),
            "have it renewed by whoever runs the server",
        );
    }
    let days = until.since(now).as_secs() / 86_400;
    if until.since(now) < SOON {
        return Finding::warning(
            subject,
            format!("it is valid until {shown}, {days} more days only"),
            "have it renewed by whoever runs the server: when it ends, nothing leaves there",
        );
    }
    Finding::good(subject, format!("valid until {shown}"))
}

/// The same for what a mail relay or gateway has shown (DER).
pub(super) fn shown(examination: &Examination, subject: String, der: &[u8]) -> Option<Finding> {
    certificate::valid_until(der).map(|until| line(examination, subject, until))
}
