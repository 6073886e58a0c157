//! The API from outside: the real program, asked as other programs ask it, well and badly.

#[cfg(test)]
mod again;
#[cfg(test)]
mod auditing;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
#[path = "../support/client.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod client;
#[cfg(test)]
mod described;
#[cfg(test)]
mod events;
#[cfg(test)]
mod files;
#[cfg(test)]
#[path = "../support/instance.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod instance;
#[cfg(test)]
mod operating;
#[cfg(test)]
#[path = "../support/process.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod process;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod stage;
