//! The adapter against servers: recorded answers, and answers that try it.

mod polling;
mod real_servers;
mod recordings;
mod server;
mod sign_in;

use std::time::Duration;

use super::options::{Credential, Endpoint, Secret, ServiceFilter};
use sopwatch_core::profile::monitoring::matcher::Matcher;

/// A server at an address, without a credential.
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
