//! `errors`: the logs have too many errors of some classes lately.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Condition, Parts, RuleCondition};
use crate::diagnose::decide::Truth;
use crate::diagnose::evaluation::Evaluation;
use crate::diagnose::quoting;
use crate::diagnose::steps::Check;
use crate::logparse::{ContainerKey, ErrorSighting};
use crate::observe::observation::StandingRow;
use crate::profile::Profile;
use crate::profile::validation::Mistakes;
use crate::safe;
use crate::text::{SafeText, duration, noun};

/// Lines of evidence that are shown of many.
const LINES: usize = 2;

/// Processes that live wrote too many errors of these classes lately. The classes are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Errors {
    /// Their ids; empty names errors that no class knows.
    pub classes: Vec<String>,
    /// How lately.
    #[serde(with = "crate::profile::seconds")]
    pub within: Duration,
    /// How many it takes; one that names a row over its limit suffices.
    pub at_least: usize,
}

impl RuleCondition for Errors {
    fn evaluate(&self, case: &Evaluation<'_>) -> Truth {
        let within = self.span();
        let since = case.now.saturating_sub(within).unwrap_or(case.now);
        // Errors of processes that were restarted since only show that a restart was tried.
        let (before, lately): (Vec<_>, Vec<_>) = self
            .sightings(case)
            .partition(|(_, sighting)| case.restarted_since(sighting.at));
        let lately = lately.into_iter().filter(|(_, sighting)| sighting.at >= since);
        let (known, lost): (Vec<_>, Vec<_>) = lately.partition(|(source, _)| case.is_known(source));
        let late = late_rows(case);
        let names = |(_, sighting): &(_, &ErrorSighting)| names_any(sighting, &late);
        let (count, more) = self.count(case, since);
        let suffice = count >= self.at_least as u64 || known.iter().any(names);
        if suffice && !known.is_empty() {
            let what = case.kinds_in_words(&self.classes_seen(case, since));
            let count = errors_in_words(count, more, &what);
            return Truth::holds(count_and_newest(&count, &known, within)).again(!before.is_empty());
        }
        let what = case.kinds_in_words(&self.classes);
        let unread = case.unread_logs().or_else(|| {
            let (source, _) = lost.first()?;
            Some(case.why_no_log(source.short_name()))
        });
        match (unread, count) {
            (Some(why), _) => Truth::unknown(why),
            (None, 0) => Truth::holds_not(safe!("no {what} error in {}", duration::brief(within))),
            (None, few) => Truth::holds_not(safe!(
                "{few} {what} {} in {}, the threshold is {}",
                noun(few, "error", "errors"),
                duration::brief(within),
                self.at_least
            )),
        }
    }

    fn turns_true(&self, case: &Evaluation<'_>) -> SafeText {
        safe!(
            "{} {} {} in {}, or one that names an overdue row",
            self.at_least,
            case.kinds_in_words(&self.classes),
            noun(self.at_least, "error comes", "errors come"),
            duration::brief(self.span())
        )
    }

    fn turns_false(&self, case: &Evaluation<'_>) -> SafeText {
        safe!(
            "no {} error for {}",
            case.kinds_in_words(&self.classes),
            duration::brief(self.span())
        )
    }

    fn threshold(&self, profile: &Profile, _window: SignedDuration) -> Vec<SafeText> {
        let titles: Vec<_> = self
            .classes
            .iter()
            .map(|class| profile.class_title(class))
            .collect();
        vec![safe!(
            "{} {} {} in {}, or one that names an overdue row",
            self.at_least,
            titles.join(" or "),
            noun(self.at_least, "error", "errors"),
            duration::brief(self.span())
        )]
    }

    fn source(&self, case: &Evaluation<'_>) -> (&'static str, Option<SignedDuration>) {
        ("logs", case.age_of_logs())
    }

    fn is_about(&self, check: &Check, _case: &Evaluation<'_>) -> bool {
        matches!(check, Check::LogErrors(_))
    }

    fn validate(&self, path: &str, mistakes: &mut Mistakes<'_>) {
        mistakes.error_classes(path, &self.classes);
    }
}

impl Errors {
    /// The `errors` conditions by which a condition holds. One under a `not` is no limit for its errors.
    pub(in crate::diagnose) fn in_condition(condition: &Condition) -> Vec<&Self> {
        if let Condition::Errors(errors) = condition {
            return vec![errors];
        }
        match condition.kind().parts() {
            Parts::Joined(parts) => parts.into_iter().flat_map(Self::in_condition).collect(),
            Parts::None | Parts::Negated(_) => Vec::new(),
        }
    }

    /// How lately errors count.
    pub(in crate::diagnose) fn span(&self) -> SignedDuration {
        duration::of(self.within)
    }

    /// Those of its classes of which there are errors that count since a moment.
    fn classes_seen(&self, case: &Evaluation<'_>, since: Timestamp) -> Vec<String> {
        let counts = |(source, sighting): (&ContainerKey, &ErrorSighting)| {
            !case.restarted_since(sighting.at) && case.is_known(source)
        };
        let is_seen = |class: &&String| case.state.errors.since(class, since).any(counts);
        self.classes.iter().filter(is_seen).cloned().collect()
    }

    /// How many errors of its classes count since a moment, and whether there may be more.
    fn count(&self, case: &Evaluation<'_>, since: Timestamp) -> (u64, bool) {
        let errors = &case.state.errors;
        let (mut all, mut more) = (0, false);
        for class in &self.classes {
            if case.restarted_since(since) {
                let times = errors.times(class, since);
                let counts =
                    times.filter(|(source, at, _)| !case.restarted_since(*at) && case.is_known(source));
                all += counts.map(|(_, _, count)| count).sum::<u64>();
                more |= errors.times_known_from(class, since) > since;
            } else {
                let counts = errors.counts(class, since);
                for (_, count, rest) in counts.filter(|(source, ..)| case.is_known(source)) {
                    all += count;
                    more |= rest;
                }
            }
        }
        (all, more)
    }

    /// The errors of its classes within the window.
    fn sightings<'a>(
        &'a self,
        case: &'a Evaluation<'_>,
    ) -> impl Iterator<Item = (&'a ContainerKey, &'a ErrorSighting)> {
        let since = case.window();
        self.classes
            .iter()
            .flat_map(move |class| case.state.errors.since(class, since))
    }
}

/// Rows over their limit, of all tables.
fn late_rows<'a>(case: &'a Evaluation<'_>) -> Vec<&'a StandingRow> {
    let tables = case.profile.database.iter().flat_map(|database| &database.tables);
    tables.flat_map(|table| case.state.late_rows(table)).collect()
}

/// Whether an error names one of these rows, by its id or its cluster's.
fn names_any(sighting: &ErrorSighting, rows: &[&StandingRow]) -> bool {
    rows.iter().any(|row| {
        let named = |id: &str| id.len() >= 8 && sighting.texts().iter().any(|text| text.contains(id));
        named(&row.row.id) || named(&row.row.ocm_id)
    })
}

/// `6 OCM errors`; `96+ service errors` where there may be more.
pub(in crate::diagnose) fn errors_in_words(count: u64, more: bool, what: &str) -> SafeText {
    // `1+` may be many.
    let (sign, noun) = if more {
        ("+", "errors")
    } else {
        ("", noun(count, "error", "errors"))
    };
    safe!("{count}{sign} {what} {noun}")
}

/// How many, with the telling end of the newest, then the newest two whole: `6 OCM errors in 1m30s: CLUSTERS-MGMT-503: …`.
fn count_and_newest(
    count: &str,
    fresh: &[(&ContainerKey, &ErrorSighting)],
    within: SignedDuration,
) -> Vec<SafeText> {
    let mut newest: Vec<_> = fresh.iter().collect();
    newest.sort_by_key(|(_, sighting)| std::cmp::Reverse(sighting.at));
    let said = newest
        .first()
        .map(|(_, sighting)| quoting::gist(&sighting.message()));
    let count = safe!(
        "{count} in {}: {}",
        duration::brief(within),
        said.unwrap_or_default()
    );
    let lines = newest
        .into_iter()
        .take(LINES)
        .map(|(source, sighting)| quoting::quote(&safe!("{}: ", source.short_name()), sighting.words()));
    std::iter::once(count).chain(lines).collect()
}
