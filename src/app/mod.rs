//! Use cases: one file each.

pub mod accounts;
pub mod alarms;
pub mod audience;
pub mod audit;
pub mod backup;
pub mod bounce_mailbox;
pub mod cascade;
pub mod compose;
pub mod contacts_import;
pub mod deliveries;
pub mod domains;
pub mod encryption;
pub mod endpoints;
pub mod failure;
pub mod incidents;
pub mod instance;
pub mod nesting;
pub mod notices;
pub mod plan;
pub mod reached;
pub mod receive;
pub mod release;
pub mod services;
pub mod serving;
pub mod suppressions;
pub mod vault;
