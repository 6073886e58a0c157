//! The audit log from outside: walking it, keeping its head in a second place, writing down who looked at contact
//! data, and the proof of a notice.

pub mod entries;
mod head_file;
mod head_mail;
pub mod heads;
pub mod proof;
pub mod reading;
pub mod verify;
