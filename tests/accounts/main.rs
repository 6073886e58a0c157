//! Accounts through the real program: at the shell, and by the API.

#[cfg(test)]
mod api;
#[cfg(test)]
#[path = "../serve/client.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod client;
#[cfg(test)]
#[path = "../must_hold/instance.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod instance;
#[cfg(test)]
#[path = "../must_hold/process.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod process;
#[cfg(test)]
mod shell;
