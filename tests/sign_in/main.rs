//! Signing in by a provider of identities: against an independent one, and against one that does what it is told.
#![cfg(test)]

#[path = "../support/client.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod client;
mod counterpart;
mod faults;
#[path = "../support/instance.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod instance;
mod page;
#[path = "../support/process.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod process;
mod provider;
mod stage;
