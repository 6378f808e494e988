//! The scenarios that come with the program.

use super::{Scenario, ScenarioError};

/// What a list of scenarios says of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioInfo {
    /// The name on the command line.
    pub id: String,
    /// A few words.
    pub title: String,
    /// What the operator finds.
    pub story: String,
    /// The id of the SOP to open.
    pub sop: String,
}

macro_rules! files {
    ($($id:literal),* $(,)?) => {
        [$(($id, include_str!(concat!("../../../assets/scenarios/", $id, ".toml")))),*]
    };
}

/// One a line, in the best order for practice.
const BUILT_IN: &[(&str, &str)] = &files![
    "all-well",
    "no-kafka-leader",
    "scaled-to-zero",
    "rollout-under-way",
    "api-down-image-pull",
    "api-down-migration",
    "foreign-pods",
    "api-down-node",
    "api-down-quota",
    "crash-loop-oom",
    "database-blip",
    "orphan-lease-rows",
    "database-wrong-password",
    "database-down",
    "no-cluster-leader",
    "cluster-accepted-stuck",
    "ocm-outage",
    "cluster-building-50m",
    "cluster-failed",
    "kafka-stuck-two-days",
    "kafka-accepted-no-cluster",
    "killed-leader",
    "handover",
    "leader-line-rotated",
    "verbosity-zero",
    "two-leaders",
    "saturation",
    "service-errors",
    "node-lost",
    "no-ready-cluster",
    "pods-forbidden",
    "deletion-errors",
    "observatorium-outage",
    "sso-outage",
    "blank-status",
    "unknown-status",
    "kafka-failed-by-ocm",
    "kafka-failed-by-sso",
    "two-pods-wanted",
    "panic-loop",
    "slow-lossy-api",
    "api-server-restarts",
    "nodes-late",
    "no-events-right",
    "log-of-one-pod-forbidden",
    "ocm-slow-outbound",
    "metrics-server-down",
    "no-metrics",
    "alert-resolves",
    "alert-silenced",
    "ocm-calls-seen-by-prometheus",
    "down-while-rates-flow",
    "metrics-partial",
    "tracker-names-the-cause",
];

/// The scenarios that come with the program, in the best order for practice.
pub fn scenarios() -> Vec<ScenarioInfo> {
    let built_in = BUILT_IN.iter().filter_map(|(id, _)| scenario(id).ok());
    built_in
        .map(|scenario| ScenarioInfo {
            id: scenario.id,
            title: scenario.title,
            story: scenario.story,
            sop: scenario.sop,
        })
        .collect()
}

/// Their ids.
pub fn ids() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(id, _)| *id)
}

/// Their ids, for a message.
pub(super) fn names() -> String {
    ids().collect::<Vec<_>>().join(", ")
}

/// The built-in scenario with this id.
pub fn scenario(id: &str) -> Result<Scenario, ScenarioError> {
    let (name, text) = BUILT_IN
        .iter()
        .find(|(name, _)| *name == id)
        .ok_or_else(|| ScenarioError::Unknown(id.to_owned()))?;
    Scenario::parse(&format!("{name}.toml"), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_scenarios_are_valid_and_named_after_their_files() {
        for (id, _) in BUILT_IN {
            let scenario = scenario(id).unwrap();
            assert_eq!(scenario.id, *id);
            assert!(scenario.lesson.is_some(), "{id} teaches nothing");
            assert!(
                !scenario.expect.is_empty(),
                "{id} says nothing of what is to be found"
            );
        }
        assert_eq!(scenarios().len(), BUILT_IN.len());
    }

    #[test]
    fn an_unknown_scenario_is_named_with_those_that_there_are() {
        let error = scenario("no-such").unwrap_err().to_string();
        assert!(error.contains("there is no scenario \"no-such\""), "{error}");
        assert!(error.contains("all-well, "), "{error}");
    }
}
