//! Running the service for months: backups that come back, certificates that are renewed, what is measured, and how it
//! starts and ends. The real program, from outside.

#[cfg(test)]
mod backup;
#[cfg(test)]
#[path = "../support/client.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod client;
#[cfg(test)]
#[path = "../support/instance.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod instance;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod metrics;
#[cfg(test)]
#[path = "../support/process.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod process;
#[cfg(test)]
mod supervised;
#[cfg(test)]
mod tls;
