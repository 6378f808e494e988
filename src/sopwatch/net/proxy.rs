//! The proxy of a request, if it has one, by the rules that `kubectl` and `oc` follow. The client library does not decide it: it compares
//! `NO_PROXY` with the proxy's own address.

use std::net::IpAddr;

use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};

use super::is_loopback;

/// The variables that matter, as they are in the environment.
#[derive(Clone, Debug, Default)]
pub struct ProxyVariables {
    /// `HTTPS_PROXY` or `https_proxy`: its URL may hold a password.
    pub https: Option<SecretString>,
    /// `NO_PROXY` or `no_proxy`.
    pub no_proxy: Option<String>,
}

impl ProxyVariables {
    /// Reads them.
    pub fn from_environment() -> Self {
        let read = |upper: &str, lower: &str| {
            let value = std::env::var(upper).or_else(|_| std::env::var(lower)).ok();
            value.filter(|value| !value.trim().is_empty())
        };
        Self {
            https: read("HTTPS_PROXY", "https_proxy").map(SecretString::from),
            no_proxy: read("NO_PROXY", "no_proxy"),
        }
    }

    /// The proxy for a server, if there is one. What the kubeconfig's cluster says wins.
    pub fn proxy_for(&self, server: &http::Uri, of_cluster: Option<&str>) -> Option<String> {
        let of_cluster = of_cluster.filter(|proxy| !proxy.trim().is_empty());
        of_cluster.map(with_scheme).or_else(|| self.of_variables(server))
    }

    #[expect(clippy::disallowed_methods, reason = "the connection is made through it")]
    fn of_variables(&self, server: &http::Uri) -> Option<String> {
        let proxy = self.https.as_ref()?.expose_secret();
        let https = server.scheme_str() == Some("https");
        let host = server.host()?.trim_matches(['[', ']']);
        let port = server.port_u16().unwrap_or(443);
        let direct = is_loopback(host)
            || self
                .no_proxy
                .as_deref()
                .is_some_and(|list| bypasses(list, host, port));
        (https && !direct).then(|| with_scheme(proxy))
    }
}

/// A proxy without a scheme speaks HTTP; `socks5h` differs from `socks5` in who resolves names, which our SOCKS client leaves to the
/// proxy anyway.
fn with_scheme(proxy: &str) -> String {
    let proxy = proxy.trim();
    match proxy.split_once("://") {
        Some(("socks5h", rest)) => format!("socks5://{rest}"),
        Some(_) => proxy.into(),
        None => format!("http://{proxy}"),
    }
}

/// Whether a `NO_PROXY` list names the host: `*`, addresses, networks (`10.0.0.0/8`), domains with all below (`corp.example`), only what
/// is below (`.corp.example`), each with an optional port. What can't be understood is skipped.
fn bypasses(list: &str, host: &str, port: u16) -> bool {
    let host = host.to_ascii_lowercase();
    list.split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .any(|entry| names(entry, &host, port))
}

fn names(entry: &str, host: &str, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    if entry.contains('/') {
        let network = entry.parse::<IpNet>().ok().zip(host.parse::<IpAddr>().ok());
        return network.is_some_and(|(network, host)| network.contains(&host));
    }
    let (name, wanted_port) = split_port(entry);
    if wanted_port.is_some_and(|wanted| wanted != port) {
        return false;
    }
    match (name.parse::<IpAddr>(), host.parse::<IpAddr>()) {
        (Ok(name), Ok(host)) => name == host,
        _ => is_domain_of(&name.to_ascii_lowercase(), host),
    }
}

fn split_port(entry: &str) -> (&str, Option<u16>) {
    if entry.parse::<IpAddr>().is_ok() {
        return (entry, None);
    }
    match entry.rsplit_once(':') {
        Some((name, port)) => (name.trim_matches(['[', ']']), port.parse().ok()),
        None => (entry.trim_matches(['[', ']']), None),
    }
}

fn is_domain_of(name: &str, host: &str) -> bool {
    let name = name.strip_prefix('*').unwrap_or(name);
    let below = |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
    match name.strip_prefix('.') {
        Some(domain) => below(domain),
        None => host == name || below(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy_of(server: &str, https: &str, no_proxy: &str) -> Option<String> {
        let variables = ProxyVariables {
            https: Some(https.into()),
            no_proxy: Some(no_proxy.into()),
        };
        variables.proxy_for(&server.parse().unwrap(), None)
    }

    #[test]
    fn no_proxy_is_compared_with_the_cluster() {
        let cases = [
            ("", false),
            ("*", true),
            ("10.1.2.3", true),
            ("10.1.2.4", false),
            ("10.0.0.0/8", true),
            ("11.0.0.0/8", false),
            ("10.1.2.3:6443", true),
            ("10.1.2.3:443", false),
            ("other.example, 10.1.2.3 ,", true),
            ("10.0.0.0/99,/,:", false),
            ("10.1.9.9/16", true),
            ("0.0.0.0/0", true),
            ("::/0", false),
        ];
        for (no_proxy, direct) in cases {
            let proxy = proxy_of("https://10.1.2.3:6443", "http://proxy:3128", no_proxy);
            assert_eq!(proxy.is_none(), direct, "NO_PROXY={no_proxy}");
        }
    }

    #[test]
    fn domains_match_with_all_that_is_below() {
        let cases = [
            ("corp.example", true),
            (".corp.example", true),
            ("*.corp.example", true),
            ("API.stage.corp.example", true),
            (".api.stage.corp.example", false),
            ("orp.example", false),
        ];
        for (no_proxy, direct) in cases {
            let proxy = proxy_of(
                "https://api.stage.corp.example:6443",
                "http://proxy:3128",
                no_proxy,
            );
            assert_eq!(proxy.is_none(), direct, "NO_PROXY={no_proxy}");
        }
    }

    #[test]
    fn loopback_and_plain_http_go_direct() {
        for server in [
            "https://127.0.0.1:6443",
            "https://localhost:6443",
            "https://[::1]:6443",
            "http://api.example",
        ] {
            assert_eq!(proxy_of(server, "http://proxy:3128", ""), None, "{server}");
        }
    }

    #[test]
    fn the_clusters_own_proxy_wins() {
        let variables = ProxyVariables {
            https: Some("http://other:1".into()),
            no_proxy: Some("*".into()),
        };
        let server = "https://127.0.0.1:6443".parse().unwrap();
        let proxy = variables.proxy_for(&server, Some("socks5h://jump:1080"));
        assert_eq!(proxy.as_deref(), Some("socks5://jump:1080"));
        assert_eq!(variables.proxy_for(&server, Some("")), None);
    }

    #[test]
    fn a_proxy_without_a_scheme_speaks_http() {
        assert_eq!(
            proxy_of("https://api.example", "proxy:3128", "").as_deref(),
            Some("http://proxy:3128")
        );
    }
}
