//! Whether the names of the pods' metrics are such as metrics can have.

use super::Mistakes;
use crate::profile::Metrics;

impl Mistakes<'_> {
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
}

/// A name of the Prometheus data model: metrics may have colons, labels not.
fn is_name(name: &str, colons: bool) -> bool {
    let begins = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || (colons && byte == b':');
    name.bytes().next().is_some_and(begins)
        && name.bytes().all(|byte| begins(byte) || byte.is_ascii_digit())
        && name.len() <= 200
}
