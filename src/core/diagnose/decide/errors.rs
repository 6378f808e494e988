//! Conditions about errors in the logs.

use jiff::{SignedDuration, Timestamp};

use super::Truth;
use crate::diagnose::Evaluation;
use crate::diagnose::evidence;
use crate::diagnose::step_result::SourceCheck;
use crate::logparse::{ContainerKey, ErrorSighting};
use crate::observe::observation::{Container, StandingRow};
use crate::observe::source::{SourceId, SourceState};
use crate::observe::state::LogsRead;
use crate::profile::rule::Condition;
use crate::text::duration;

/// Lines of evidence that are shown of many.
const LINES: usize = 2;

/// How long errors count that no rule names.
const COUNTS: SignedDuration = SignedDuration::from_mins(10);

/// How many errors of some classes, and how fresh, are too many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::diagnose) struct ErrorLimit {
    /// The classes, which are counted together.
    pub(in crate::diagnose) classes: Vec<String>,
    /// How fresh.
    pub(in crate::diagnose) within: SignedDuration,
    /// How many.
    pub(in crate::diagnose) at_least: usize,
}

/// Characters of a panic by which it is known again: its message, not the addresses of its stack.
const PANIC_HEAD: usize = 120;

impl Evaluation<'_> {
    /// Why the logs of the living pods can't be taken as complete; `None` when they can. Without the pods nobody knows whose logs there are.
    pub(in crate::diagnose) fn unread_logs(&self) -> Option<String> {
        if let SourceCheck::Never(why) | SourceCheck::Stopped(_, why) = self.hear(&SourceId::Pods, "pods") {
            return Some(why);
        }
        let mut of_pods = self
            .state
            .pods
            .values()
            .filter(|pod| pod.deletion_at.is_none() && !pod.is_over());
        let unread = of_pods.find_map(|pod| {
            let service = &self.profile.service.container;
            let named = |container: &&Container| !container.init && *container.name == **service;
            let Some(container) = pod.containers.iter().find(named) else {
                let runs = &*pod.phase == "Running";
                return runs.then(|| format!("{} has no container {service}", pod.short_name()));
            };
            // One that never started has no log.
            if container.id.is_empty() {
                return None;
            }
            let source = ContainerKey {
                pod_uid: pod.uid.clone(),
                pod: pod.name.clone(),
                container: container.name.clone(),
                restart: container.restarts,
            };
            let source = self.state.logs.get_key_value(&source).map(|(key, _)| key);
            let name = format!("log of {}", pod.short_name());
            let Some(source) = source else {
                return Some(self.why_no_log(pod.short_name()));
            };
            let id = SourceId::Log(source.clone());
            if self.is_in_turns(&id) && self.state.logs[source].progress.caught_up {
                return None;
            }
            match self.hear(&id, &name) {
                SourceCheck::Never(why) | SourceCheck::Stopped(_, why) => Some(why),
                SourceCheck::Current(_) => {
                    let ended = self
                        .state
                        .source(&id)
                        .is_some_and(|source| source.state == SourceState::Ended);
                    let read = ended || self.state.logs[source].progress.caught_up;
                    (!read).then(|| format!("{name}: its backlog is still being read"))
                }
            }
        });
        unread.or_else(|| self.in_turns())
    }

    fn is_in_turns(&self, id: &SourceId) -> bool {
        let source = self.state.source(id);
        source.is_some_and(|source| source.state == SourceState::Resting)
    }

    /// `436 of 500 logs are read in turns, the oldest 6m ago`, if it is so.
    fn in_turns(&self) -> Option<String> {
        let LogsRead { followed, in_turns } = self.state.logs_read();
        let resting = self.state.sources().filter(|(id, _)| self.is_in_turns(id));
        let oldest = resting.filter_map(|(_, source)| source.heard_at).min();
        (in_turns > 0).then(|| {
            let ago = oldest.map_or(String::new(), |at| {
                let age = self.now.duration_since(at).max(SignedDuration::ZERO);
                format!(", the oldest {} ago", duration::brief(age))
            });
            format!(
                "{in_turns} of {} logs are read in turns{ago}",
                followed + in_turns
            )
        })
    }

    fn why_no_log(&self, short: &str) -> String {
        let name = format!("log of {short}");
        let of_pod = |id: &&SourceId| matches!(id, SourceId::Log(key) if key.short_name() == short);
        let id = self.state.sources().map(|(id, _)| id).find(of_pod);
        match id.map(|id| self.hear(id, &name)) {
            Some(SourceCheck::Never(why) | SourceCheck::Stopped(_, why)) => why,
            _ => format!("{name}: nothing heard yet"),
        }
    }

    /// Whether what a log said still counts: it is current, is read in turns, or came to its proper end, as did those of pods and processes that are gone.
    pub(in crate::diagnose) fn is_known(&self, source: &ContainerKey) -> bool {
        let id = SourceId::Log(source.clone());
        let Some(pod) = self.state.pods.get(&source.pod_uid) else {
            return true;
        };
        let mut containers = pod.containers.iter();
        let is_over = containers.any(|one| *one.name == *source.container && one.restarts > source.restart);
        // What is read in turns was written all the same.
        is_over || self.is_in_turns(&id) || self.state.is_fresh(&id, self.now)
    }

    /// What the table's rules hold errors against, for whatever alert; an error of a class that none of them names is one too many.
    pub(in crate::diagnose) fn error_limits(&self) -> Vec<ErrorLimit> {
        let mut limits = Vec::new();
        for rule in &self.profile.rules {
            collect_limits(&rule.when, &mut limits);
        }
        let since = self.window();
        let classes = self.state.errors.classes().into_iter();
        let seen = classes.filter(|class| self.state.errors.since(class, since).next().is_some());
        let unnamed: Vec<String> = seen
            .map(ToString::to_string)
            .filter(|class| {
                !limits
                    .iter()
                    .any(|limit: &ErrorLimit| limit.classes.contains(class))
            })
            .collect();
        limits.extend(unnamed.into_iter().map(|class| ErrorLimit {
            classes: vec![class],
            within: COUNTS,
            at_least: 1,
        }));
        limits
    }

    /// Whether errors of these classes were written lately, by processes that were not restarted since.
    pub(in crate::diagnose) fn errors(
        &self,
        classes: &[String],
        within: SignedDuration,
        at_least: usize,
    ) -> Truth {
        let since = self.now.saturating_sub(within).unwrap_or(self.now);
        let (before, lately): (Vec<_>, Vec<_>) = self
            .errors_of(classes)
            .partition(|(_, sighting)| self.restarted_since(sighting.at));
        let lately = lately.into_iter().filter(|(_, sighting)| sighting.at >= since);
        let (known, lost): (Vec<_>, Vec<_>) = lately.partition(|(source, _)| self.is_known(source));
        let late: Vec<_> = self.late_rows().collect();
        let suffice = |errors: &[(&ContainerKey, &ErrorSighting)]| {
            let names = |(_, sighting): &(_, &ErrorSighting)| names_any(sighting, &late);
            errors.len() >= at_least || errors.iter().any(names)
        };
        let what = self.kinds_in_words(classes);
        if suffice(&known) {
            return Truth::holds(told(&known, &what, within)).again(!before.is_empty());
        }
        let unread = self.unread_logs().or_else(|| {
            let (source, _) = lost.first()?;
            Some(self.why_no_log(source.short_name()))
        });
        match (unread, known.len()) {
            (Some(why), _) => Truth::unknown(why),
            (None, 0) => Truth::holds_not(format!("no {what} error within {}", duration::brief(within))),
            (None, few) => Truth::holds_not(format!(
                "{few} {what} {} within {}, it takes {at_least}",
                if few == 1 { "error" } else { "errors" },
                duration::brief(within)
            )),
        }
    }

    /// The errors of these classes within the window.
    fn errors_of<'a>(
        &'a self,
        classes: &'a [String],
    ) -> impl Iterator<Item = (&'a ContainerKey, &'a ErrorSighting)> {
        let since = self.window();
        classes
            .iter()
            .flat_map(move |class| self.state.errors.since(class, since))
    }

    /// `OCM`; `SSO, DNS or Observatorium`.
    pub(super) fn kinds_in_words(&self, classes: &[String]) -> String {
        let mut titles: Vec<_> = classes.iter().map(|class| self.class_title(class)).collect();
        let last = titles.pop().unwrap_or_default();
        if titles.is_empty() {
            last
        } else {
            format!("{} or {last}", titles.join(", "))
        }
    }

    /// What processes said when they died, and when, by its head.
    pub(super) fn panics(&self) -> Vec<(Timestamp, String)> {
        let since = self.window();
        let mut panics: Vec<(Timestamp, String)> = self
            .state
            .errors
            .classes()
            .into_iter()
            .flat_map(|class| {
                self.state
                    .errors
                    .since(class, since)
                    .filter(|(source, _)| self.is_known(source))
                    .map(|(_, sighting)| sighting)
            })
            .filter_map(|sighting| {
                let said = sighting.last_words()?;
                Some((sighting.at, said.chars().take(PANIC_HEAD).collect()))
            })
            .collect();
        panics.sort_by_key(|(at, _)| *at);
        panics
    }
}

/// Whether an error names one of these rows, by its id or its cluster's.
fn names_any(sighting: &ErrorSighting, rows: &[&StandingRow]) -> bool {
    rows.iter().any(|row| {
        let named = |id: &str| id.len() >= 8 && sighting.texts().iter().any(|text| text.contains(id));
        named(&row.row.id) || named(&row.row.ocm_id)
    })
}

/// The limits in a condition and its parts, each once.
fn collect_limits(condition: &Condition, limits: &mut Vec<ErrorLimit>) {
    match condition {
        Condition::Errors {
            classes,
            within,
            at_least,
        } => {
            let limit = ErrorLimit {
                classes: classes.clone(),
                within: duration::of(*within),
                at_least: *at_least,
            };
            if !limits.contains(&limit) {
                limits.push(limit);
            }
        }
        Condition::All { of } => of.iter().for_each(|one| collect_limits(one, limits)),
        Condition::Any { of, optional } => {
            let each = of.iter().chain(optional);
            each.for_each(|one| collect_limits(one, limits));
        }
        // That there are none of some errors is no limit for them.
        _ => {}
    }
}

/// How many, the newest two.
fn told(fresh: &[(&ContainerKey, &ErrorSighting)], what: &str, within: SignedDuration) -> Vec<String> {
    let noun = if fresh.len() == 1 { "error" } else { "errors" };
    let count = format!("{} {what} {noun} within {}", fresh.len(), duration::brief(within));
    let mut newest: Vec<_> = fresh.iter().collect();
    newest.sort_by_key(|(_, sighting)| std::cmp::Reverse(sighting.at));
    let lines = newest
        .into_iter()
        .take(LINES)
        .map(|(source, sighting)| evidence::quoting(&format!("{}: ", source.short_name()), sighting.words()));
    std::iter::once(count).chain(lines).collect()
}
