//! What it means when no complete answer came. All of it is worth another try, except what the guard refused:
//! `webhook-id` lets the endpoint recognise a call that it had taken after all.

use std::error::Error;
use std::io;

use crate::domain::outcome::{Fault, Outcome, Reason};

use super::guard::Refusal;
use super::resolver::NameFault;

/// What the guard refused, or what can never be sent as it is: the address stays in use.
pub(super) fn refused(code: &str, words: &str) -> Outcome {
    Outcome::Permanent { reason: Reason::new(code, words), fault: Fault::Recipient }
}

pub(super) fn refused_by_guard(refusal: &Refusal) -> Outcome {
    refused("guard", &refusal.to_string())
}

pub(super) fn transient(code: &str, words: &str) -> Outcome {
    Outcome::Transient { reason: Reason::new(code, words), retry_after: None }
}

/// Why no complete answer came.
#[derive(Debug)]
pub(super) struct Failure {
    /// There was no connection to make the call on.
    connecting: bool,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure {
    pub(super) fn connecting(cause: impl Error + Send + Sync + 'static) -> Self {
        Self { connecting: true, cause: Some(Box::new(cause)) }
    }

    pub(super) fn broken(cause: impl Error + Send + Sync + 'static) -> Self {
        Self { connecting: false, cause: Some(Box::new(cause)) }
    }

    /// The other side ended the connection in order, but too early.
    pub(super) const fn closed() -> Self {
        Self { connecting: false, cause: None }
    }
}

/// What `failure` means for a call of `host`.
///
/// | code | what happened |
/// |---|---|
/// | `guard` | the name leads only to addresses that may not be called (for good) |
/// | `dns` | the name could not be resolved |
/// | `tls` | the encrypted connection did not come about |
/// | `connect` | there was no connection |
/// | `broken` | the connection broke before the answer was complete, or the answer was no HTTP |
pub(super) fn outcome_of(failure: &Failure, host: &str) -> Outcome {
    let mut tls = None;
    let mut last = None;
    let mut cause: Option<&(dyn Error + 'static)> = failure.cause.as_deref().map(|cause| cause as _);
    while let Some(error) = cause {
        if let Some(fault) = error.downcast_ref::<NameFault>() {
            return match fault {
                NameFault::Refused(refusal) => refused_by_guard(refusal),
                NameFault::Unknown(words) => transient("dns", words),
            };
        }
        tls = tls.or_else(|| tls_error(error));
        last = Some(error.to_string());
        cause = error.source();
    }
    if let Some(tls) = tls {
        let mend = match tls {
            rustls::Error::InvalidCertificate(_) => {
                ": its certificate must be valid for this name, and issued by somebody this machine trusts"
            }
            _ => "",
        };
        return transient("tls", &format!("no encrypted connection to {host} ({tls}){mend}"));
    }
    let why = last.map(|last| format!(" ({last})")).unwrap_or_default();
    if failure.connecting {
        return transient("connect", &format!("no connection to {host}{why}"));
    }
    transient("broken", &format!("{host} gave no complete answer{why}"))
}

/// The error of TLS in `error`; an I/O error does not name what it wraps as its source.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return Some(tls);
    }
    let inner = error.downcast_ref::<io::Error>()?.get_ref()?;
    tls_error(inner as &(dyn Error + 'static))
}
