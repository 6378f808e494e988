//! The rows at a scenario's start: the `[database]` table of its file.

use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;

use crate::duration::{length, maybe_length, span};

/// The `[database]` table of a scenario file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SeedRows {
    pub clusters: Vec<ClusterSeed>,
    pub kafkas: Vec<KafkaSeed>,
    pub leases: Vec<LeaseSeed>,
}

/// A row's `updated_at`, if it is not `idle` ago: a pod with a wrong clock wrote it, or it is NULL.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stamp {
    /// NULL: the row was written by hand.
    Never,
    /// So much in the future.
    Ahead(#[serde(deserialize_with = "length")] Duration),
}

/// Rows of `clusters`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClusterSeed {
    pub status: String,
    /// Time since `updated_at`.
    #[serde(deserialize_with = "length")]
    pub idle: Duration,
    /// Time since `created_at`; `idle` where not given.
    #[serde(deserialize_with = "maybe_length")]
    pub age: Option<Duration>,
    pub region: String,
    pub cloud_provider: String,
    pub multi_az: bool,
    /// OCM's id. If it is not given, the row gets one, unless its status is blank or `cluster_accepted`.
    pub cluster_id: Option<String>,
    pub deleted: bool,
    /// Instead of `idle`.
    pub stamp: Option<Stamp>,
    pub count: u32,
}

/// Rows of `leader_leases`. The service uses the first row of a lease type of its own; no worker touches the others.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaseSeed {
    #[serde(rename = "type")]
    pub lease_type: String,
    /// The worker's UUID; blank while nobody has taken the lease.
    #[serde(default)]
    pub leader: String,
    /// Time from the drill's start to the lease's expiry; negative if it expired before.
    #[serde(deserialize_with = "span")]
    pub expires_in: SignedDuration,
    #[serde(default)]
    pub deleted: bool,
    #[serde(default = "one")]
    pub count: u32,
}

fn one() -> u32 {
    1
}

/// Rows of `kafka_requests`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KafkaSeed {
    pub status: String,
    /// Time since `updated_at`.
    #[serde(deserialize_with = "length")]
    pub idle: Duration,
    /// Time since `created_at`; `idle` where not given.
    #[serde(deserialize_with = "maybe_length")]
    pub age: Option<Duration>,
    pub region: String,
    pub cloud_provider: String,
    pub multi_az: bool,
    /// The cluster it runs on; a ready one of the same region if it is not given.
    pub cluster_id: Option<String>,
    pub name: Option<String>,
    pub failed_reason: String,
    pub deleted: bool,
    /// Instead of `idle`.
    pub stamp: Option<Stamp>,
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
            stamp: None,
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
            stamp: None,
            count: 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_with_their_defaults() {
        let seed: SeedRows = toml::from_str(
            "[[clusters]]\nstatus = \"cluster_accepted\"\nidle = \"7m11s\"\n[[kafkas]]\nidle = \"80d\"\ncount = 3",
        )
        .unwrap();
        assert_eq!(seed.clusters[0].idle, Duration::from_secs(431));
        assert_eq!(seed.kafkas[0].count, 3);
        assert_eq!(seed.kafkas[0].status, "ready");
    }

    #[test]
    fn stamps_and_leases_are_read() {
        let seed: SeedRows = toml::from_str(
            "kafkas = [{ stamp = \"never\" }, { stamp = { ahead = \"65m\" } }]\n\
             leases = [{ type = \"failed_kafka\", expires_in = \"-40d\" }]",
        )
        .unwrap();
        assert!(matches!(seed.kafkas[0].stamp, Some(Stamp::Never)));
        assert!(matches!(seed.kafkas[1].stamp, Some(Stamp::Ahead(span)) if span == Duration::from_mins(65)));
        assert_eq!((seed.leases[0].leader.as_str(), seed.leases[0].count), ("", 1));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let unknown = toml::from_str::<SeedRows>("[[clusters]]\nstate = \"ready\"").unwrap_err();
        assert!(unknown.to_string().contains("state"), "{unknown}");
        let span = toml::from_str::<SeedRows>("[[clusters]]\nidle = \"7 minutes\"").unwrap_err();
        assert!(span.to_string().contains("7 minutes"), "{span}");
    }
}
