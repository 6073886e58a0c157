//! Incidents and services as people at the shell, a running service and other programs use them: the real program on
//! a folder of its own.
#![cfg(test)]

mod api;
#[path = "../serve/client.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod client;
#[path = "../must_hold/instance.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod instance;
#[path = "../must_hold/process.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod process;
mod reminders;
mod shell;
mod world;
