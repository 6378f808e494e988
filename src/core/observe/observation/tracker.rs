//! What the error tracker says: its issues, never an event, which would hold users and addresses.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::text::SafeText;

/// One poll of the error tracker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct TrackerReading {
    /// The project that was asked for.
    pub project: SafeText,
    /// Whether the tracker has the project and ever got an event of it; `None` where it was not told.
    pub confirmed: Option<Confirmed>,
    /// Its unresolved issues, the last seen first.
    pub issues: Vec<Issue>,
    /// How many there are in all, where the tracker says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// Whether there are more than were read.
    #[serde(default)]
    pub more: bool,
}

/// What the tracker's list of projects says of the project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confirmed {
    /// It is there and has had events.
    Used,
    /// It is there and never had an event.
    NeverUsed,
    /// It is not among those that the token may see.
    Missing,
}

/// An issue. Nothing in it names a person.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Issue {
    /// Its number.
    pub id: SafeText,
    /// Its name for people: `MANAGED-SERVICES-STAGE-3`; may be empty.
    #[serde(default)]
    pub short_id: SafeText,
    /// Its first line.
    pub title: SafeText,
    /// Where in the code; may be empty.
    #[serde(default)]
    pub culprit: SafeText,
    /// `fatal`, `error`, `warning`, …; may be empty.
    #[serde(default)]
    pub level: SafeText,
    /// How many events it has, as far as the tracker counts them.
    #[serde(default)]
    pub count: u64,
    /// When its first event came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_at: Option<Timestamp>,
    /// When its newest event came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Timestamp>,
    /// Its page.
    #[serde(default)]
    pub link: SafeText,
}
