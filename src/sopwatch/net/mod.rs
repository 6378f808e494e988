//! What the adapters and the configuration share about networks: proxies, TLS modes, back-off and database URLs. It opens no connection.

#![warn(missing_docs)]

pub mod backoff;
pub mod postgres_url;
pub mod proxy;
pub mod tls;

use std::net::IpAddr;

/// Whether a host is this machine.
pub fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
