//! What must hold, shown on the real program from outside: nobody is lost, nobody silently gets it twice, bad input
//! changes nothing, trouble is said with its mend, secrets stay secret.

#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod disk_full;
#[cfg(test)]
#[path = "../support/instance.rs"]
mod instance;
#[cfg(test)]
mod last_way;
#[cfg(test)]
mod memory;
#[cfg(test)]
#[path = "../smtp_channel/private_ca.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod private_ca;
#[cfg(test)]
#[path = "../support/process.rs"]
mod process;
#[cfg(test)]
#[path = "../support/queued.rs"]
mod queued;
#[cfg(test)]
mod relay;
#[cfg(test)]
mod relay_trouble;
#[cfg(test)]
#[path = "../support/script.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod script;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod send_command;
#[cfg(test)]
mod server_restart;
#[cfg(test)]
mod sink;
#[cfg(test)]
#[path = "../support/smtp_server.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod smtp_server;
#[cfg(test)]
mod stopping;
#[cfg(test)]
mod together;
