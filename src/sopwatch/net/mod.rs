//! What the adapters and the configuration share about networks: proxies, TLS and its trusted authorities, back-off and database URLs. It opens no
//! connection.

#![warn(missing_docs)]

pub mod backoff;
pub mod certificate;
pub mod postgres_url;
pub mod proxy;
pub mod tls;
pub mod trust;

use std::net::IpAddr;

/// Whether a host is this machine.
pub fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Percent-decodes; `None` where a `%` is not followed by two digits, or the result is not UTF-8 or holds control characters.
pub fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let (byte, tail) = match byte {
            b'%' => (u8::from_str_radix(hex(tail)?, 16).ok()?, tail.get(2..)?),
            _ => (byte, tail),
        };
        bytes.push(byte);
        rest = tail;
    }
    String::from_utf8(bytes)
        .ok()
        .filter(|text| !text.chars().any(char::is_control))
}

fn hex(tail: &[u8]) -> Option<&str> {
    let digits = tail.get(..2)?;
    let proper = digits.iter().all(u8::is_ascii_hexdigit);
    std::str::from_utf8(digits).ok().filter(|_| proper)
}
