//! Use cases: one file each.

pub mod audience;
pub mod bounce_mailbox;
pub mod cascade;
pub mod compose;
pub mod contacts_import;
pub mod endpoints;
pub mod incidents;
pub mod instance;
pub mod nesting;
pub mod plan;
pub mod receive;
pub mod release;
pub mod services;
pub mod serving;
