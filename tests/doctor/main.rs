//! What `doctor` finds outside of this machine: the sender's DNS records, told by a name server on loopback.

#[cfg(test)]
mod dns;
#[cfg(test)]
mod records;
#[cfg(test)]
mod spf;
