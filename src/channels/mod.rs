//! From a rendered message to the wire, and back to an Outcome.

pub mod email;
pub mod openid;
pub mod probe;
pub mod sms;
pub mod webhook;
