//! The webhook channel against an endpoint that answers by script, and the reference library that verifies what it got.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod encrypted;
#[cfg(test)]
mod endpoint;
#[cfg(test)]
mod exchange;
#[cfg(test)]
mod guard;
#[cfg(test)]
#[path = "../smtp_channel/private_ca.rs"]
mod private_ca;
#[cfg(test)]
mod signatures;
