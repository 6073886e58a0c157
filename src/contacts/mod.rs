//! Reads contact files: `.csv` and `.xlsx` tables, one a group, and `groups.toml`.
//!
//! The way of a file: `sources` finds it, `encoding` makes text of its bytes, `csv_table` or
//! `xlsx_table` makes rows of it, `header` says what each column means, `entry` checks each row by
//! itself, `merge` brings together rows of one contact in several files, `deputies` and `nesting` check
//! what contacts and groups say about each other. Nothing stops at the first fault: all are collected.

mod csv_table;
mod deputies;
mod encoding;
mod entry;
mod finding;
mod group_file;
mod header;
mod merge;
mod names;
mod nesting;
mod reading;
mod sources;
mod table;
mod xlsx_table;

#[cfg(test)]
mod tests;

pub use finding::ContactFinding;
pub use reading::{Known, Reading, read_paths};
