//! Use cases: one file each.

pub mod alarms;
pub mod audience;
pub mod bounce_mailbox;
pub mod cascade;
pub mod compose;
pub mod contacts_import;
pub mod endpoints;
pub mod instance;
pub mod nesting;
pub mod notices;
pub mod plan;
pub mod receive;
pub mod release;
pub mod serving;
