//! The audit log, as an auditor meets it: the real program on a folder of its own, and a store whose log somebody bends.
#![cfg(test)]

mod desk;
mod keeping;
mod log;
mod proof;
mod tampering;
