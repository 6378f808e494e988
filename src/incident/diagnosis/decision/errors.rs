//! Conditions about errors in the logs.

use jiff::{SignedDuration, Timestamp};

use super::Truth;
use super::pods::cut;
use crate::incident::diagnosis::Case;
use crate::incident::diagnosis::answer::Heard;
use crate::incident::fact::Container;
use crate::incident::feed::{FeedId, FeedState};
use crate::incident::log::{ContainerKey, ErrorSighting};
use crate::incident::rule::Condition;
use crate::incident::span;

/// Lines of evidence that are shown of many.
const LINES: usize = 2;

/// How long errors count that no rule names.
const COUNTS: SignedDuration = SignedDuration::from_mins(10);

/// How many errors of some classes, and how fresh, are too many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::incident::diagnosis) struct ErrorLimit {
    /// The classes, which are counted together.
    pub(in crate::incident::diagnosis) classes: Vec<String>,
    /// How fresh.
    pub(in crate::incident::diagnosis) within: SignedDuration,
    /// How many.
    pub(in crate::incident::diagnosis) at_least: usize,
}

/// Characters of a panic by which it is known again: its message, not the addresses of its stack.
const PANIC_HEAD: usize = 120;

impl Case<'_> {
    /// Why the logs of the living pods can't be taken as complete; `None` when they can. Without the pods nobody knows whose logs there are.
    pub(in crate::incident::diagnosis) fn unread_logs(&self) -> Option<String> {
        if let Heard::Never(why) | Heard::Stopped(_, why) = self.hear(&FeedId::Pods, "pods") {
            return Some(why);
        }
        let mut of_pods = self
            .facts
            .pods
            .values()
            .filter(|pod| pod.deletion_at.is_none() && !pod.is_over());
        of_pods.find_map(|pod| {
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
            let source = self.facts.logs.keys().find(|key| {
                key.pod_uid == pod.uid && key.container == container.name && key.restart == container.restarts
            });
            let name = format!("log of {}", pod.short_name());
            let Some(source) = source else {
                return Some(self.why_no_log(pod.short_name()));
            };
            let id = FeedId::Log(source.clone());
            match self.hear(&id, &name) {
                Heard::Never(why) | Heard::Stopped(_, why) => Some(why),
                Heard::Current(_) => {
                    let ended = self
                        .facts
                        .feed(&id)
                        .is_some_and(|feed| feed.state == FeedState::Ended);
                    let read = ended || self.facts.logs[source].progress.caught_up;
                    (!read).then(|| format!("{name}: its backlog is still being read"))
                }
            }
        })
    }

    fn why_no_log(&self, short: &str) -> String {
        let name = format!("log of {short}");
        let of_pod = |id: &&FeedId| matches!(id, FeedId::Log(key) if key.short_name() == short);
        let id = self.facts.feeds().map(|(id, _)| id).find(of_pod);
        match id.map(|id| self.hear(id, &name)) {
            Some(Heard::Never(why) | Heard::Stopped(_, why)) => why,
            _ => format!("{name}: nothing heard yet"),
        }
    }

    /// Whether what a log said still counts: it is current, or came to its proper end, as did those of pods and processes that are gone.
    pub(in crate::incident::diagnosis) fn is_known(&self, source: &ContainerKey) -> bool {
        let id = FeedId::Log(source.clone());
        let Some(pod) = self.facts.pods.get(&source.pod_uid) else {
            return true;
        };
        let mut containers = pod.containers.iter();
        let is_over = containers.any(|one| *one.name == *source.container && one.restarts > source.restart);
        is_over || self.facts.is_fresh(&id, self.now)
    }

    /// What the table's rules hold errors against, for whatever alert; an error of a class that none of them names is one too many.
    pub(in crate::incident::diagnosis) fn error_limits(&self) -> Vec<ErrorLimit> {
        let mut limits = Vec::new();
        for rule in &self.profile.rules {
            collect_limits(&rule.when, &mut limits);
        }
        let since = self.window();
        let classes = self.facts.errors.classes().into_iter();
        let seen = classes.filter(|class| self.facts.errors.since(class, since).next().is_some());
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
    pub(in crate::incident::diagnosis) fn errors(
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
        let suffice = |errors: &[(&ContainerKey, &ErrorSighting)]| {
            let names = |(_, sighting): &(_, &ErrorSighting)| self.names_a_late_row(&sighting.text);
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
            (None, 0) => Truth::holds_not(format!("no {what} error within {}", span::brief(within))),
            (None, few) => Truth::holds_not(format!(
                "{few} {what} {} within {}, it takes {at_least}",
                if few == 1 { "error" } else { "errors" },
                span::brief(within)
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
            .flat_map(move |class| self.facts.errors.since(class, since))
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
        let mut panics: Vec<&ErrorSighting> = self
            .facts
            .errors
            .classes()
            .into_iter()
            .flat_map(|class| {
                self.facts
                    .errors
                    .since(class, since)
                    .filter(|(source, _)| self.is_known(source))
                    .map(|(_, sighting)| sighting)
            })
            .filter(|sighting| is_fatal(&sighting.text))
            .collect();
        panics.sort_by_key(|sighting| sighting.at);
        let told = panics.iter().map(|sighting| (sighting.at, head(&sighting.text)));
        told.collect()
    }

    fn names_a_late_row(&self, text: &str) -> bool {
        self.late_rows().any(|row| {
            let named = |id: &str| id.len() >= 8 && text.contains(id);
            named(&row.row.id) || named(&row.row.ocm_id)
        })
    }
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
                within: span::of(*within),
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
    let count = format!("{} {what} {noun} within {}", fresh.len(), span::brief(within));
    let mut newest: Vec<_> = fresh.iter().collect();
    newest.sort_by_key(|(_, sighting)| std::cmp::Reverse(sighting.at));
    let lines = newest
        .into_iter()
        .take(LINES)
        .map(|(source, sighting)| cut(&format!("{}: {}", source.short_name(), sighting.words())));
    std::iter::once(count).chain(lines).collect()
}

/// Whether a record is a process's last: a panic, or a line of level F.
fn is_fatal(text: &str) -> bool {
    let fatal = |line: &str| line.starts_with("panic:") || line.starts_with("fatal error:");
    let level = text.starts_with('F') && text.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
    level || text.lines().any(fatal)
}

/// The first line that tells what happened, without the header that carries the time.
fn head(text: &str) -> String {
    let line = text
        .lines()
        .find(|line| line.starts_with("panic:") || line.starts_with("fatal error:"));
    let line = line.unwrap_or_else(|| text.split_once("] ").map_or(text, |(_, message)| message));
    line.chars().take(PANIC_HEAD).collect()
}
