//! Words and rules. Nothing in here does I/O: no runtime, no store, no network.

pub mod actor;
pub mod address;
pub mod approval;
pub mod audience;
pub mod audit;
pub mod chance;
pub mod clock;
pub mod contact;
pub mod delivery;
pub mod duration;
pub mod ids;
pub mod mask;
pub mod message;
pub mod nearest;
pub mod notice;
pub mod outcome;
pub mod rate;
pub mod receipt;
pub mod retry;
pub mod seal;
pub mod settings;
pub mod sms_text;
pub mod template;
