//! What the logs say about errors: of the classes that concern the contact whole, of the others how many.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jiff::SignedDuration;
use regex::Regex;

use super::Audience;
use crate::diagnose::window;
use crate::observe::log_errors::ClassSummary;
use crate::observe::observation::ClusterEvent;
use crate::safe;
use crate::text::markdown::Section;
use crate::text::{SafeText, duration, noun};

/// Classes that are told of many.
const CLASSES: usize = 6;

/// Events that are named of many.
const EVENTS: usize = 6;

/// Operation identifiers that are named of many.
const OPERATIONS: usize = 8;

/// How OCM's client library names the operation that failed: what OCM's people look up.
static OPERATION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new("operation identifier is '([^']{1,64})'").ok());

impl Audience<'_> {
    pub(super) fn errors(&self) -> Section {
        let since = window(self.account.state, self.account.now);
        let span = duration::brief(self.account.now.duration_since(since));
        let mut section = Section::new(safe!("Errors in the logs, last {span}"));
        let summaries = self.account.state.errors.summaries(since);
        let (own, other): (Vec<_>, Vec<_>) = summaries
            .iter()
            .partition(|summary| self.gets_class(summary.class));
        for summary in own.iter().take(CLASSES) {
            self.class(&mut section, summary);
        }
        section.and_more(own.len().saturating_sub(CLASSES));
        if !other.is_empty() {
            let counts: Vec<_> = other.iter().map(|summary| self.count(summary)).collect();
            section.item(safe!("other errors: {}", counts.join(", ")));
        }
        if section.is_empty() {
            section.item(if self.account.state.logs.is_empty() {
                "no log could be read"
            } else {
                "none"
            });
        }
        section
    }

    /// The warnings of the window among the events of the service's objects.
    pub(super) fn events(&self) -> Section {
        let since = window(self.account.state, self.account.now);
        let mut section = Section::new("Warning events");
        let events = self.account.state.service_events();
        let lately = |event: &&ClusterEvent| event.warning && event.last_at.is_none_or(|at| at >= since);
        let mut events: Vec<_> = events.filter(lately).collect();
        events.sort_by_key(|event| std::cmp::Reverse(event.last_at));
        section.listed(&events, EVENTS, |event| {
            let last = event
                .last_at
                .map_or(SafeText::default(), |at| safe!(", last {}", self.time(at)));
            safe!(
                "{} ×{}{last}: {} ({}/{})",
                event.reason,
                event.count,
                event.message,
                event.object_kind,
                event.object_name
            )
        });
        section
    }

    /// `at least 12 OCM errors`.
    fn count(&self, summary: &ClassSummary<'_>) -> SafeText {
        let title = self.account.profile.class_title(summary.class);
        let at_least = if summary.more { "at least " } else { "" };
        let noun = noun(summary.count, "error", "errors");
        safe!("{at_least}{} {title} {noun}", summary.count)
    }

    fn class(&self, section: &mut Section, summary: &ClassSummary<'_>) {
        let (source, newest) = summary.newest;
        let ago = self
            .account
            .now
            .duration_since(newest.at)
            .max(SignedDuration::ZERO);
        let or_earlier = if summary.earlier { " or earlier" } else { "" };
        section.item(safe!(
            "{}, first {}{or_earlier}, last {} ({} ago) in {}:",
            self.count(summary),
            self.time(summary.first_at),
            self.time(newest.at),
            duration::exact(ago),
            source.short_name(),
        ));
        section.quotation(newest.words());
        self.operations(section, summary);
    }

    /// The operation identifiers, the newest first.
    fn operations(&self, section: &mut Section, summary: &ClassSummary<'_>) {
        let since = window(self.account.state, self.account.now);
        let mut sightings: Vec<_> = self.account.state.errors.since(summary.class, since).collect();
        sightings.sort_by_key(|(_, sighting)| std::cmp::Reverse(sighting.at));
        let mut known = BTreeSet::new();
        let mut operations = Vec::new();
        for (_, sighting) in sightings {
            let texts = sighting.texts();
            let said =
                |pattern: &'static Regex| texts.into_iter().flat_map(|text| pattern.captures_iter(text));
            let found = OPERATION.iter().flat_map(said);
            for id in found.filter_map(|found| found.get(1)) {
                if known.insert(id.as_str().to_owned()) {
                    operations.push(safe!("operation {} at {}", id.as_str(), self.time(sighting.at)));
                }
            }
        }
        section.listed(&operations, OPERATIONS, Clone::clone);
    }
}
