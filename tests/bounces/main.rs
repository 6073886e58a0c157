//! Mails that come back: how each kind of mail system writes them, and how they come in by a pipe, and by IMAP, from
//! the real Postfix and the real Dovecot.

#[cfg(test)]
mod dovecot;
#[cfg(test)]
mod encrypted;
#[cfg(test)]
#[path = "../support/instance.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod instance;
#[cfg(test)]
mod mailbox;
#[cfg(test)]
mod pipe;
#[cfg(test)]
mod postfix;
#[cfg(test)]
#[path = "../smtp_channel/private_ca.rs"]
mod private_ca;
#[cfg(test)]
#[path = "../support/process.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod process;
#[cfg(test)]
mod real;
#[cfg(test)]
mod samples;
