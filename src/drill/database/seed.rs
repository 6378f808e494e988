//! The rows a scenario begins with: the `[database]` table of its file.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

/// The `[database]` table of a scenario file: rows of the service's tables at the world's start.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Seed {
    pub clusters: Vec<ClusterSeed>,
    pub kafkas: Vec<KafkaSeed>,
}

/// Rows of `clusters`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClusterSeed {
    pub status: String,
    /// Time since `updated_at`.
    #[serde(deserialize_with = "span")]
    pub idle: Duration,
    /// Time since `created_at`; `idle` where not given.
    #[serde(deserialize_with = "maybe_span")]
    pub age: Option<Duration>,
    pub region: String,
    pub cloud_provider: String,
    pub multi_az: bool,
    /// OCM's id; blank rows have none, others get one where it is not given.
    pub cluster_id: Option<String>,
    pub deleted: bool,
    pub count: u32,
}

/// Rows of `kafka_requests`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KafkaSeed {
    pub status: String,
    /// Time since `updated_at`.
    #[serde(deserialize_with = "span")]
    pub idle: Duration,
    /// Time since `created_at`; `idle` where not given.
    #[serde(deserialize_with = "maybe_span")]
    pub age: Option<Duration>,
    pub region: String,
    pub cloud_provider: String,
    pub multi_az: bool,
    /// The cluster it runs on; a ready one of the same place where it is not given.
    pub cluster_id: Option<String>,
    pub name: Option<String>,
    pub failed_reason: String,
    pub deleted: bool,
    pub count: u32,
}

impl Default for ClusterSeed {
    fn default() -> Self {
        Self {
            status: "ready".to_owned(),
            idle: Duration::ZERO,
            age: None,
            region: "us-east-1".to_owned(),
            cloud_provider: "aws".to_owned(),
            multi_az: true,
            cluster_id: None,
            deleted: false,
            count: 1,
        }
    }
}

impl Default for KafkaSeed {
    fn default() -> Self {
        Self {
            status: "ready".to_owned(),
            idle: Duration::ZERO,
            age: None,
            region: "us-east-1".to_owned(),
            cloud_provider: "aws".to_owned(),
            multi_az: true,
            cluster_id: None,
            name: None,
            failed_reason: String::new(),
            deleted: false,
            count: 1,
        }
    }
}

/// A span as operators write it: `45s`, `7m11s`, `1h30m`, `80d`.
///
/// # Errors
/// Names the text and the form it should have.
pub fn parse_span(text: &str) -> Result<Duration, String> {
    let wrong = || format!("\"{text}\" is no span of time: write it like 45s, 7m11s, 1h30m or 80d");
    let mut seconds: u64 = 0;
    let mut number = String::new();
    for c in text.chars() {
        if c.is_ascii_digit() {
            number.push(c);
            continue;
        }
        let unit = match c {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return Err(wrong()),
        };
        let count: u64 = std::mem::take(&mut number).parse().ok().ok_or_else(wrong)?;
        seconds = count
            .checked_mul(unit)
            .and_then(|span| seconds.checked_add(span))
            .ok_or_else(wrong)?;
    }
    // a century is more than any row needs, and safe to subtract from any moment
    let sound = !text.is_empty() && number.is_empty() && seconds < 100 * 366 * 86_400;
    sound.then(|| Duration::from_secs(seconds)).ok_or_else(wrong)
}

/// For serde's `deserialize_with`.
pub fn span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    parse_span(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

/// For serde's `deserialize_with`, where the span may be left out.
pub fn maybe_span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    span(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_with_their_defaults() {
        let seed: Seed = toml::from_str(
            "[[clusters]]\nstatus = \"cluster_accepted\"\nidle = \"7m11s\"\n[[kafkas]]\nidle = \"80d\"\ncount = 3",
        )
        .unwrap();
        assert_eq!(seed.clusters[0].idle, Duration::from_secs(431));
        assert_eq!(seed.kafkas[0].count, 3);
        assert_eq!(seed.kafkas[0].status, "ready");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let unknown = toml::from_str::<Seed>("[[clusters]]\nstate = \"ready\"").unwrap_err();
        assert!(unknown.to_string().contains("state"), "{unknown}");
        let span = toml::from_str::<Seed>("[[clusters]]\nidle = \"7 minutes\"").unwrap_err();
        assert!(span.to_string().contains("7 minutes"), "{span}");
        for text in ["", "7", "m", "-3s", "99999999999999999999d", "5000000d"] {
            assert!(parse_span(text).is_err(), "{text}");
        }
    }
}
