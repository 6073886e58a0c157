//! E-mail: compose a message, sign it, hand it to a relay over SMTP or write it into a folder.
//!
//! | File | Owns |
//! |---|---|
//! | `message` | headers and parts of one message |
//! | `header_text` | words of people as header text |
//! | `return_path` | the address that bounces come back to |
//! | `dkim` | signatures over a message |
//! | `wire` | the TCP or TLS stream below a connection |
//! | `tls` | certificates, and what is wrong with them |
//! | `connector`, `login` | from nothing to a relay that takes envelopes |
//! | `open_failure` | why that did not come about, in words for an operator |
//! | `connection` | one command, one reply, within a time limit |
//! | `feed` | where messages come from and outcomes go |
//! | `session` | the exchange of many messages over one connection |
//! | `reply`, `reply_bytes` | what a relay said |
//! | `classify` | what that means for a delivery |
//! | `mailbox` | a mailbox that collects such messages |
//! | `bounce` | what a message that came back says about its delivery |
//! | `outbox` | the same work loop into a folder |

pub mod bounce;
pub mod classify;
pub mod connection;
pub mod connector;
pub mod dkim;
mod encoded_lines;
pub mod feed;
mod header_text;
mod login;
pub mod mailbox;
pub mod message;
mod mould;
mod open_failure;
pub mod outbox;
pub mod reply;
mod reply_bytes;
pub mod return_path;
pub mod session;
mod tls;
mod wire;

pub use connection::{Connection, Limits};
pub use connector::Connector;
pub use feed::{Feed, SessionEnd};
pub use mailbox::{Mailbox, MailboxLimits};
pub use message::{Before, ComposeError, Composer, Feedback, ListUnsubscribe, Mail, OutgoingEmail};
pub use open_failure::OpenFailure;
pub use return_path::ReturnPath;
