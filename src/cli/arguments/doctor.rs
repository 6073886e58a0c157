//! `doctor`.

use std::net::{IpAddr, SocketAddr};

use clap::Args;

use super::ListFormat;

/// `doctor`
#[derive(Debug, Args)]
pub struct DoctorArguments {
    /// Ask this resolver about DNS records, not those that this machine is set to: 192.0.2.53 or 192.0.2.53:53
    #[arg(long, value_name = "ADDRESS", value_parser = resolver)]
    pub resolver: Option<SocketAddr>,
    #[command(flatten)]
    pub format: ListFormat,
}

/// The port is 53 unless it is said.
fn resolver(text: &str) -> Result<SocketAddr, String> {
    text.parse::<SocketAddr>()
        .or_else(|_| text.trim_matches(['[', ']']).parse::<IpAddr>().map(|address| (address, 53).into()))
        .map_err(|_| {
            "write an address, with a port if it is not 53: 192.0.2.53 or [2001:db8::53]:5353".to_owned()
        })
}
