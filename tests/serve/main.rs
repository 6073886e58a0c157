//! `serve` from outside: the real program, spoken to as gateways, mail servers, recipients and strangers do.

#[cfg(test)]
mod client;
#[cfg(test)]
mod confirming;
#[cfg(test)]
mod hooks;
#[cfg(test)]
#[path = "../must_hold/instance.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod instance;
#[cfg(test)]
#[path = "../must_hold/process.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod process;
#[cfg(test)]
mod running;
#[cfg(test)]
mod strangers;
