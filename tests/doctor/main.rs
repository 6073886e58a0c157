//! What `doctor` finds outside of this machine: the sender's DNS records, told by a name server on loopback; gateways;
//! and what others on this machine may read.

#[cfg(test)]
mod dns;
#[cfg(test)]
mod instance;
#[cfg(test)]
mod records;
#[cfg(test)]
mod spf;
#[cfg(test)]
mod surroundings;
