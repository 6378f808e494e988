//! What a profile must hold for the service's vital signs: names that the pods' metrics can have, shares that can be exceeded.

use super::check::Checker;
use sopwatch_core::profile::Metrics;
use sopwatch_core::profile::rule::{Condition, Shares};

impl Checker<'_> {
    /// The names in `[service.metrics]`.
    pub(super) fn metrics(&mut self, metrics: &Metrics) {
        let at = |key: &str| format!("service.metrics.{key}");
        self.require(metrics.port > 0, &at("port"), || {
            "a port is a number from 1 to 65535".to_owned()
        });
        let path = &metrics.path;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
        let is_path = path.starts_with('/') && path.bytes().all(plain) && !path.contains("..");
        self.require(is_path, &at("path"), || {
            format!("`{path}` is not a plain path such as `/metrics`")
        });
        let families = [
            ("inbound-count", &metrics.inbound_count),
            ("inbound-duration", &metrics.inbound_duration),
            ("outbound-count", &metrics.outbound_count),
            ("outbound-duration", &metrics.outbound_duration),
        ];
        for (key, name) in families {
            self.require(is_name(name, true), &at(key), || {
                format!("`{name}` is not a name of a metric: a-z, A-Z, 0-9, `_` and `:`, not beginning with a digit")
            });
        }
        for (index, (key, name)) in families.iter().enumerate() {
            let twice = families[..index].iter().any(|(_, other)| other == name);
            self.require(!twice, &at(key), || format!("the metric `{name}` is there twice"));
        }
        let labels = [
            ("service-label", &metrics.service_label),
            ("code-label", &metrics.code_label),
            ("path-label", &metrics.path_label),
        ];
        for (key, name) in labels {
            self.require(is_name(name, false), &at(key), || {
                format!(
                    "`{name}` is not a name of a label: a-z, A-Z, 0-9 and `_`, not beginning with a digit"
                )
            });
        }
    }

    /// Shares of a `saturated` condition.
    pub(super) fn saturated(&mut self, path: &str, shares: Shares, cpu: Option<u64>) {
        let shares = [
            ("shares.slow", Some(shares.slow), 0..=99),
            ("shares.very-slow", Some(shares.very_slow), 0..=99),
            ("cpu", cpu, 1..=100),
        ];
        for (key, percent, range) in shares {
            if let Some(percent) = percent {
                self.require(range.contains(&percent), &format!("{path}.{key}"), || {
                    format!(
                        "{percent} % is not from {} to {}: it would say nothing",
                        range.start(),
                        range.end()
                    )
                });
            }
        }
    }

    /// An `outbound` condition needs counters to read and a share that can be reached.
    pub(super) fn outbound(&mut self, path: &str, at_least: u64, share: u64) {
        let known = self.profile.service.metrics.is_some();
        self.require(known, path, || {
            "calls to other services are only told by the pods' metrics: the profile needs `[service.metrics]`".to_owned()
        });
        self.require((1..=100).contains(&share), &format!("{path}.share"), || {
            format!("{share} % is not from 1 to 100")
        });
        self.require(at_least > 0, &format!("{path}.at-least"), || {
            "at least one call is needed to say anything".to_owned()
        });
    }

    /// The rule that a `load` check names must say what is too much.
    pub(super) fn load(&mut self, path: &str, rule: &str) {
        let profile = self.profile;
        let of_load = |condition: &Condition| has_load(condition);
        let rules = profile.rules.iter().filter(|rule| of_load(&rule.when));
        let known: Vec<_> = rules.map(|rule| rule.id.as_str()).collect();
        self.known(
            path,
            "rule with a `saturated` condition",
            rule,
            known.iter().copied(),
        );
    }
}

fn has_load(condition: &Condition) -> bool {
    match condition {
        Condition::Saturated { .. } => true,
        Condition::All { of } => of.iter().any(has_load),
        Condition::Any { of, optional } => of.iter().chain(optional).any(has_load),
        Condition::Not { of } => has_load(of),
        _ => false,
    }
}

/// A name of the Prometheus data model: metrics may have colons, labels not.
fn is_name(name: &str, colons: bool) -> bool {
    let begins = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || (colons && byte == b':');
    name.bytes().next().is_some_and(begins)
        && name.bytes().all(|byte| begins(byte) || byte.is_ascii_digit())
        && name.len() <= 200
}
