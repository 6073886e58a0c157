//! Use cases: one file each.

pub mod audience;
pub mod compose;
pub mod plan;
pub mod release;
