//! What `doctor` asks the network about us, without sending anything: the sender's DNS records and certificates.
//!
//! | File | Owns |
//! |---|---|
//! | `dns` | questions to a resolver |
//! | `spf` | which hosts may send for a domain (RFC 7208) |
//! | `tags` | records of the form `name=value; …` |
//! | `dkim_record` | the public half of a signing key (RFC 6376) |
//! | `dmarc` | what receivers do with what is not ours (RFC 7489) |
//! | `certificate` | until when a server's certificate is valid |

pub mod certificate;
pub mod dkim_record;
pub mod dmarc;
pub mod dns;
pub mod spf;
mod tags;
