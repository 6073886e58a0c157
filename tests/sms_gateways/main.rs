//! The SMS channel against a server of our own that answers by script: what each kind of gateway is sent, and what
//! each way in which that can go wrong means for the delivery.

#[cfg(test)]
mod accepted;
#[cfg(test)]
mod asked;
#[cfg(test)]
mod faults;
#[cfg(test)]
#[expect(dead_code, reason = "other tests use the rest of it")]
#[path = "../support/script.rs"]
mod script;
#[cfg(test)]
mod setup;
