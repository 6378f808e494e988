//! What happens to the service in the course of a scenario.

use serde::Deserialize;

/// One thing that happens, as a scenario's timeline names it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceHappening {
    /// gorm's many-line records on stdout begin or end.
    DatabaseErrors(bool),
}
