//! One file per command.

pub mod arguments;
pub mod table;
