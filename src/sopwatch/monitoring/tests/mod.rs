//! The adapter against servers: recorded answers, and answers that try it.

mod cluster;
mod polling;
mod real_servers;
mod recordings;
mod server;
mod sign_in;

use std::sync::Arc;
use std::time::Duration;

use super::options::{Credential, Endpoint, Location, ReadCluster, Secret, Server, ServiceFilter};
use crate::net::proxy::ProxyVariables;
use sopwatch_core::profile::monitoring::matcher::Matcher;

/// A server at an address as it is configured, without a credential.
fn located(address: &str) -> Server {
    Server {
        location: Location::At(address.parse().unwrap()),
        credential: Credential::None,
        ca_file: None,
        proxies: ProxyVariables::default(),
        limit: Duration::from_secs(8),
    }
}

/// A cluster that nobody should ask.
fn no_cluster() -> ReadCluster {
    Arc::new(|path| panic!("the cluster is asked for {path}"))
}

/// A server at an address that was found, without a credential.
fn endpoint(address: &str) -> Endpoint {
    Endpoint {
        base: address.parse().unwrap(),
        credential: Credential::None,
        ca_file: None,
        proxy: None,
        limit: Duration::from_secs(8),
        through_cluster: None,
    }
}

/// A token, as a variable of the environment has it.
fn token(text: &str) -> Credential {
    Credential::Bearer(Secret::Variable("TOKEN".to_owned(), text.into()))
}

/// The alerts of the recorded service.
fn filter() -> ServiceFilter {
    let matcher = |text: &str| Matcher::parse(text).unwrap();
    ServiceFilter(vec![
        vec![
            matcher(r#"service="managed-services-api""#),
            matcher(r#"namespace=~"managed-services-stage|""#),
        ],
        vec![matcher(r#"namespace="managed-services-stage""#)],
    ])
}
