//! The e-mail channel against servers: one of our own that misbehaves by script, and Postfix's `smtp-sink`.

#[cfg(test)]
mod client;
#[cfg(test)]
mod exchange;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod list_feed;
#[cfg(test)]
mod opening;
#[cfg(test)]
mod outbox;
#[cfg(test)]
mod postfix;
#[cfg(test)]
mod private_ca;
#[cfg(test)]
#[path = "../support/smtp_server.rs"]
mod smtp_server;
