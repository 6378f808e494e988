//! How the service behaves in a scenario: the `[service]` table of its file.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::election::WorkerKind;
use crate::duration::length;

/// The `[service]` table of a scenario file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Behaviour {
    /// glog's `-v`: 0 hides every leader line, 1 the not-leader lines, 10 writes headers with tokens.
    pub verbosity: u8,
    /// OCM_ENV, as the first line of a process names it.
    pub environment: String,
    /// Lease types (`cluster`, `kafka`) that the processes running at the world's start can neither take nor renew:
    /// the transaction they read the lease in is aborted and never ended. A restarted process has a fresh one.
    #[serde(deserialize_with = "lease_types")]
    pub no_leader: Vec<String>,
    /// How long before the world's start those leases ran out.
    #[serde(deserialize_with = "length")]
    pub leaderless_for: Duration,
    /// The liveness probe's two lines every five seconds.
    pub probes: bool,
    /// Requests of users, per process.
    pub requests_per_minute: u32,
    /// Kafkas that users create, for all pods together; each makes a row. What takes long or fails is in the timeline.
    pub creations_per_hour: u32,
    /// Kafkas that users delete, for all pods together, as far as there are ready ones.
    pub deletions_per_hour: u32,
    /// gorm's many-line records on stdout, with colours and carriage returns.
    pub database_errors: bool,
    /// Bytes that try to reach the terminal: escape sequences, bidi overrides, broken UTF-8, 70 KiB lines.
    pub hostile: bool,
    /// Regions of `aws`. For each without a cluster the leader asks for one.
    pub regions: Vec<String>,
    /// About how long OCM takes to build a cluster.
    #[serde(deserialize_with = "length")]
    pub osd_build: Duration,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            verbosity: 5,
            environment: "stage".to_owned(),
            no_leader: Vec::new(),
            leaderless_for: Duration::from_secs(7 * 60 + 12),
            probes: true,
            requests_per_minute: 6,
            creations_per_hour: 0,
            deletions_per_hour: 0,
            database_errors: false,
            hostile: false,
            regions: vec!["us-east-1".to_owned()],
            osd_build: Duration::from_mins(40),
        }
    }
}

/// Reads names of lease types; refuses unknown ones.
fn lease_types<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    let known = |name: &&String| {
        WorkerKind::ALL
            .iter()
            .any(|kind| kind.lease_type() == name.as_str())
    };
    match names.iter().find(|name| !known(name)) {
        Some(name) => Err(serde::de::Error::custom(format!(
            "\"{name}\" is not a lease type: write cluster or kafka"
        ))),
        None => Ok(names),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_behaviour_is_read_from_a_scenario() {
        let behaviour: Behaviour =
            toml::from_str("no_leader = [\"kafka\"]\nleaderless_for = \"9m\"\nverbosity = 10").unwrap();
        assert_eq!(behaviour.no_leader, ["kafka"]);
        assert_eq!(behaviour.leaderless_for, Duration::from_mins(9));
        assert!(behaviour.probes);
        let wrong = toml::from_str::<Behaviour>("no_leaders = []").unwrap_err();
        assert!(wrong.to_string().contains("no_leaders"), "{wrong}");
        let wrong = toml::from_str::<Behaviour>("no_leader = [\"kafkas\"]").unwrap_err();
        assert!(
            wrong.to_string().contains("\"kafkas\" is not a lease type"),
            "{wrong}"
        );
    }
}
