//! The engine on both stores against an SMTP server that misbehaves by script.

#[cfg(test)]
mod bench;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod limits;
#[cfg(test)]
#[path = "../support/smtp_server.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod smtp_server;
