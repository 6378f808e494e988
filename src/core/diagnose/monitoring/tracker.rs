//! The error tracker's issues that may explain the incident.

use crate::safe;
use crate::text::{SafeText, counted};
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
        let events = counted(*count, "event", "events");
        let kind = if self.new { "new" } else { "rising" };
        safe!(
            "{kind}, {events}, first {}, last {}: {title}",
            since(*first_at),
            since(*last_at)
        )
    }
}

/// Errors of a class in the logs that are compared with issues.
const COMPARED: usize = 200;

/// The issues that count: of a level that counts, seen since shortly before the incident, and new or rising. New ones first, of these the
/// ones whose cause no log names, then those with most events.
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
    if found.len() > 1 {
        let said = said_in_logs(state, since);
        let is_known = |one: &SuspectIssue| {
            let cause = innermost(&one.issue.title);
            said.iter().any(|text| text.contains(cause))
        };
        found.sort_by_cached_key(|one| (!one.new, is_known(one), std::cmp::Reverse(one.issue.count)));
    }
    found
}

/// What errors in the logs say since a moment.
fn said_in_logs(state: &State, since: Timestamp) -> Vec<&str> {
    let classes = state.errors.classes().into_iter();
    let lately = classes.flat_map(|class| state.errors.since(class, since).take(COMPARED));
    lately.flat_map(|(_, sighting)| sighting.texts()).collect()
}

/// The innermost cause that a title names, as far as it was not cut off: `bad connection`.
fn innermost(title: &str) -> &str {
    let whole = title.trim_end_matches(['…', '.']);
    whole.rsplit(": ").next().unwrap_or(whole)
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
