//! `[http]` and `[log]`.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::domain::settings::{CertificateFiles, Http, LogFormat, MetricsAccess};

use super::section::Section;

pub(super) fn read(section: &Section<'_>) -> Option<Http> {
    let listen = section.required("listen", |text| {
        text.parse().map_err(|_| format!("\"{text}\" is no address with port: write it as 127.0.0.1:8080"))
    });
    let certificate = section.optional("certificate", |text| Ok(section.resolve(text)));
    let key = section.optional("key", |text| Ok(section.resolve(text)));
    let certificate = match (certificate, key) {
        (Some(certificate), Some(key)) => Some(CertificateFiles { certificate, key }),
        (None, None) => None,
        (Some(_), None) => {
            section.fault("certificate", "its key is missing: name the file with the private key as key");
            None
        }
        (None, Some(_)) => {
            section.fault("key", "its certificate is missing: name the file as certificate");
            None
        }
    };
    let trusted_proxies = section.list("trusted_proxies", |text| {
        let network = text.parse::<IpNet>().map(|network| network.trunc());
        network.or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).map_err(|_| {
            format!(
                "\"{text}\" is no address: write your proxy's as 127.0.0.1, or its network as 10.20.0.0/16"
            )
        })
    });
    let metrics = section.required("metrics", |text| match text {
        "loopback" => Ok(MetricsAccess::Loopback),
        "token" => Ok(MetricsAccess::Token),
        _ => Err(format!("is \"{text}\", must be \"loopback\" or \"token\"")),
    });
    Some(Http { listen: listen?, certificate, trusted_proxies, metrics: metrics? })
}

pub(super) fn log(section: &Section<'_>) -> Option<LogFormat> {
    section.required("format", |text| match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(format!("is \"{text}\", must be \"text\" or \"json\"")),
    })
}
