//! Incidents and services as people at the shell, a running service and other programs use them: the real program on
//! a folder of its own.
#![cfg(test)]

mod api;
#[path = "../support/client.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod client;
#[path = "../support/instance.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod instance;
#[path = "../support/process.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod process;
mod reminders;
mod shell;
mod world;
