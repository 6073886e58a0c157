//! Text messages and webhooks through the real program: the real Kannel, and servers that misbehave on purpose.

#[cfg(test)]
mod alarms;
#[cfg(test)]
mod endpoints;
#[cfg(test)]
mod faults;
#[cfg(test)]
#[path = "../support/instance.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod instance;
#[cfg(test)]
mod kannel;
#[cfg(test)]
#[path = "../support/kannel.rs"]
mod kannel_boxes;
#[cfg(test)]
#[path = "../support/process.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod process;
#[cfg(test)]
#[path = "../support/script.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod script;
#[cfg(test)]
#[path = "../support/signed.rs"]
mod signed;
#[cfg(test)]
mod stage;
