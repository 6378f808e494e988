//! The error tracker's issues that may explain the incident.

use crate::safe;
use crate::text::SafeText;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::observe::observation::{Issue, TrackerReading};
use crate::observe::state::State;
use crate::profile::Profile;
use crate::text::duration;

/// How long an issue counts as rising after a poll that found its count higher.
const RISING_FOR: SignedDuration = SignedDuration::from_mins(10);

/// An issue that may explain the incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SuspectIssue {
    /// The issue.
    pub issue: Issue,
    /// Whether its first event came with the incident; else it rises.
    pub new: bool,
}

impl SuspectIssue {
    /// `new, 7 events, first 4m ago: *errors.ServiceError: …`.
    pub fn words(&self, now: Timestamp) -> SafeText {
        let since = |at: Option<Timestamp>| {
            at.map_or(SafeText::from("at an unknown time"), |at| {
                safe!(
                    "{} ago",
                    duration::brief(now.duration_since(at).max(SignedDuration::ZERO))
                )
            })
        };
        let Issue {
            count,
            first_at,
            last_at,
            title,
            ..
        } = &self.issue;
        let events = if *count == 1 { "event" } else { "events" };
        let kind = if self.new { "new" } else { "rising" };
        safe!(
            "{kind}, {count} {events}, first {}, last {}: {title}",
            since(*first_at),
            since(*last_at)
        )
    }
}

/// The issues that count: of a level that counts, seen since shortly before the incident, and new or rising. New ones first, then those
/// with most events.
pub fn suspects(state: &State, profile: &Profile, now: Timestamp) -> Vec<SuspectIssue> {
    let (Some(monitoring), Some((_, reading))) = (&profile.monitoring, state.monitoring.tracker()) else {
        return Vec::new();
    };
    let began = began(state, now);
    let since = began.checked_sub(duration::of(monitoring.tracker.before));
    let since = since.unwrap_or(began);
    let counts = |issue: &&Issue| {
        let level = monitoring
            .tracker
            .levels
            .iter()
            .any(|level| **level == *issue.level);
        level && issue.last_at.is_some_and(|last| last >= since)
    };
    let suspect = |issue: &Issue| {
        let new = issue.first_at.is_some_and(|first| first >= since);
        let rose = state.monitoring.rose_at(&issue.id);
        let rising = rose.is_some_and(|at| now.duration_since(at) <= state.paced(RISING_FOR));
        (new || rising).then(|| SuspectIssue {
            issue: issue.clone(),
            new,
        })
    };
    let mut found: Vec<_> = reading.issues.iter().filter(counts).filter_map(suspect).collect();
    found.sort_by_key(|one| (!one.new, std::cmp::Reverse(one.issue.count)));
    found
}

/// Whether the list is whole as far as newness goes: issues come with the last seen first, so that more of them are older.
pub fn saw_all(reading: &TrackerReading, since: Timestamp) -> bool {
    let oldest = reading.issues.last().and_then(|issue| issue.last_at);
    !reading.more || oldest.is_some_and(|oldest| oldest < since)
}

/// When the incident began, as far as the console knows.
pub(in crate::diagnose) fn began(state: &State, now: Timestamp) -> Timestamp {
    state.began_at.unwrap_or(now)
}
