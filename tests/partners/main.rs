//! Partners' systems are told how things stand: in order, each event until it is taken, and nothing that is not for them.
#![cfg(test)]

mod by_api;
#[path = "../support/client.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod client;
#[path = "../support/instance.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod instance;
#[path = "../support/process.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod process;
#[path = "../support/script.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod script;
#[path = "../support/signed.rs"]
mod signed;
mod telling;
