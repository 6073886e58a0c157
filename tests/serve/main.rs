//! `serve` from outside: the real program, spoken to as gateways, mail servers, recipients and strangers do.

#[cfg(test)]
#[path = "../support/client.rs"]
mod client;
#[cfg(test)]
mod confirming;
#[cfg(test)]
mod hooks;
#[cfg(test)]
#[path = "../support/instance.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod instance;
#[cfg(test)]
#[path = "../support/process.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod process;
#[cfg(test)]
mod running;
#[cfg(test)]
mod strangers;
