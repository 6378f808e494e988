//! Conditions about errors in the logs.

use jiff::SignedDuration;

use super::Truth;
use super::pods::cut;
use crate::incident::diagnosis::Case;
use crate::incident::diagnosis::answer::Heard;
use crate::incident::feed::{FeedId, FeedState};
use crate::incident::log::ErrorSighting;
use crate::incident::span;

/// Lines of evidence that are shown of many.
const LINES: usize = 2;

/// Characters of a panic by which it is known again: its message, not the addresses of its stack.
const PANIC_HEAD: usize = 120;

impl Case<'_> {
    /// Why the logs of the living pods can't be taken as complete; `None` when they can.
    pub(in crate::incident::diagnosis) fn unread_logs(&self) -> Option<String> {
        let mut of_pods = self
            .facts
            .pods
            .values()
            .filter(|pod| pod.deletion_at.is_none() && !pod.is_over());
        of_pods.find_map(|pod| {
            let service = &self.profile.service.container;
            let container = pod
                .containers
                .iter()
                .find(|container| *container.name == **service)?;
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

    /// Whether errors of these classes were written lately.
    pub(super) fn errors(&self, classes: &[String], within: SignedDuration, at_least: usize) -> Truth {
        let since = self.now.saturating_sub(within).unwrap_or(self.now);
        let fresh: Vec<(&str, &ErrorSighting)> = classes
            .iter()
            .flat_map(|class| {
                let of_class = self.facts.errors.since(class, since);
                of_class.map(|(source, sighting)| (source.short_name(), sighting))
            })
            .collect();
        let names = fresh
            .iter()
            .any(|(_, sighting)| self.names_a_late_row(&sighting.text));
        if fresh.len() >= at_least || names {
            return Truth::holds(told(&fresh, within)).again(self.was_restarted());
        }
        match self.unread_logs() {
            Some(why) => Truth::unknown(why),
            None => Truth::holds_not(format!(
                "{} such errors within {}, it takes {at_least}",
                fresh.len(),
                span::brief(within)
            )),
        }
    }

    /// What processes said when they died, by its head.
    pub(super) fn panics(&self) -> Vec<String> {
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
                    .map(|(_, sighting)| sighting)
            })
            .filter(|sighting| is_fatal(&sighting.text))
            .collect();
        panics.sort_by_key(|sighting| sighting.at);
        panics.iter().map(|sighting| head(&sighting.text)).collect()
    }

    fn names_a_late_row(&self, text: &str) -> bool {
        self.late_rows().any(|row| {
            let named = |id: &str| id.len() >= 8 && text.contains(id);
            named(&row.row.id) || named(&row.row.ocm_id)
        })
    }
}

/// How many, the newest two.
fn told(fresh: &[(&str, &ErrorSighting)], within: SignedDuration) -> Vec<String> {
    let count = format!("{} errors within {}", fresh.len(), span::brief(within));
    let mut newest: Vec<_> = fresh.iter().collect();
    newest.sort_by_key(|(_, sighting)| std::cmp::Reverse(sighting.at));
    let lines = newest
        .into_iter()
        .take(LINES)
        .map(|(pod, sighting)| cut(&format!("{pod}: {}", sighting.words())));
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
