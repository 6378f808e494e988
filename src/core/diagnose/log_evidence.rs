//! What the logs show: whether all of them are read, whose words still count, and what error classes are called.

use jiff::SignedDuration;

use super::evaluation::Evaluation;
use super::step_result::SourceCheck;
use crate::logparse::ContainerKey;
use crate::observe::observation::{Container, ContainerState, Pod};
use crate::observe::source::{Freshness, SourceId, SourceState};
use crate::observe::state::LogsRead;
use crate::safe;
use crate::text::{SafeText, counted, duration};

impl Evaluation<'_> {
    /// Why the logs of the living pods can't be taken as complete; `None` when they can. Without the pods nobody knows whose logs there are.
    /// The last words of a process that died of late belong to them: nobody knows why it died who could not read those.
    pub(super) fn unread_logs(&self) -> Option<SafeText> {
        let why = self.reckoned.unread_logs.get_or_init(|| {
            let now = self.unread_now();
            now.or_else(|| self.living().find_map(|pod| self.unread_last_words(pod)))
        });
        why.clone()
    }

    /// The same of the logs that are written now: what can't be read of them may come with more rights.
    pub(super) fn unread_now(&self) -> Option<SafeText> {
        let why = self.reckoned.unread_now.get_or_init(|| self.why_unread());
        why.clone()
    }

    /// Why the log of the process before the one that lives now is not read, where it ended of late.
    fn unread_last_words(&self, pod: &Pod) -> Option<SafeText> {
        let service = &self.profile.service.container;
        let named = |container: &&Container| !container.init && *container.name == **service;
        let container = pod.containers.iter().find(named)?;
        let ended = container.last.as_ref()?;
        // Until the next one starts, the newest log is that of the one that ended.
        let waits = matches!(container.state, ContainerState::Waiting { .. });
        if waits || ended.finished_at.is_some_and(|at| at < self.window()) {
            return None;
        }
        let source = ContainerKey {
            pod_uid: pod.uid.clone(),
            pod: pod.name.clone(),
            container: container.name.clone(),
            restart: container.restarts.checked_sub(1)?,
        };
        let name = safe!("log of {} before its restart", pod.short_name());
        self.why_not_read(&source, &name)
    }

    /// Why a log can't be taken as read; `None` when it can.
    fn why_not_read(&self, source: &ContainerKey, name: &str) -> Option<SafeText> {
        let id = SourceId::Log(source.clone());
        let log = self.state.logs.get(source);
        let caught_up = log.is_some_and(|log| log.progress.caught_up);
        if caught_up && self.is_in_turns(&id) {
            return None;
        }
        match self.hear(&id, name) {
            SourceCheck::Never(why) | SourceCheck::Stopped(_, why) => Some(why),
            SourceCheck::Current(_) => {
                let known = self.state.source(&id);
                let ended = known.is_some_and(|source| source.state == SourceState::Ended);
                (!ended && !caught_up).then(|| safe!("{name}: still reading older lines"))
            }
        }
    }

    fn why_unread(&self) -> Option<SafeText> {
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
                return runs.then(|| safe!("{} has no container {service}", pod.short_name()));
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
            if !self.state.logs.contains_key(&source) {
                return Some(self.why_no_log(pod.short_name()));
            }
            self.why_not_read(&source, &safe!("log of {}", pod.short_name()))
        });
        unread.or_else(|| self.in_turns())
    }

    pub(super) fn is_in_turns(&self, id: &SourceId) -> bool {
        let source = self.state.source(id);
        source.is_some_and(|source| source.state == SourceState::Resting)
    }

    /// `436 of 500 logs are read in turns, oldest 6m ago`, if it is so.
    fn in_turns(&self) -> Option<SafeText> {
        let LogsRead { followed, in_turns } = self.state.logs_read();
        let resting = self.state.sources().filter(|(id, _)| self.is_in_turns(id));
        let oldest = resting.filter_map(|(_, source)| source.heard_at).min();
        (in_turns > 0).then(|| {
            let ago = oldest.map_or(SafeText::default(), |at| {
                let age = self.now.duration_since(at).max(SignedDuration::ZERO);
                safe!(", oldest {} ago", duration::brief(age))
            });
            let logs = counted(followed + in_turns, "log is", "logs are");
            safe!("{in_turns} of {logs} read in turns{ago}")
        })
    }

    pub(super) fn why_no_log(&self, short: &str) -> SafeText {
        let name = safe!("log of {short}");
        let of_pod = |id: &&SourceId| matches!(id, SourceId::Log(key) if key.short_name() == short);
        let id = self.state.sources().map(|(id, _)| id).find(of_pod);
        match id.map(|id| self.hear(id, &name)) {
            Some(SourceCheck::Never(why) | SourceCheck::Stopped(_, why)) => why,
            _ => safe!("{name}: no data yet"),
        }
    }

    /// Whether what a log said still counts: it is current, is read in turns, or came to its proper end, as did those of pods and processes that are gone.
    pub(super) fn is_known(&self, source: &ContainerKey) -> bool {
        let id = SourceId::Log(source.clone());
        let Some(pod) = self.state.pods.get(&source.pod_uid) else {
            return true;
        };
        let mut containers = pod.containers.iter();
        let is_over = containers.any(|one| *one.name == *source.container && one.restarts > source.restart);
        // What is read in turns was written all the same.
        is_over || self.is_in_turns(&id) || self.state.is_fresh(&id, self.now)
    }

    /// `OCM`; `SSO, DNS or Observatorium`.
    pub(super) fn kinds_in_words(&self, classes: &[String]) -> SafeText {
        let mut titles: Vec<_> = classes
            .iter()
            .map(|class| self.profile.class_title(class))
            .collect();
        let last = titles.pop().unwrap_or_default();
        if titles.is_empty() {
            last.into()
        } else {
            safe!("{} or {last}", titles.join(", "))
        }
    }

    /// The logs that are followed, with how fresh each is.
    pub(super) fn logs_heard(&self) -> impl Iterator<Item = (&SourceId, Freshness)> {
        let logs = self.state.sources().filter(|(id, source)| {
            let followed = !matches!(source.state, SourceState::Ended | SourceState::Resting);
            matches!(id, SourceId::Log(_)) && followed
        });
        logs.map(|(id, _)| (id, self.state.freshness(id, self.now)))
    }

    /// The age of the log that has been silent for the longest.
    pub(super) fn age_of_logs(&self) -> Option<SignedDuration> {
        let ages = self.logs_heard().filter_map(|(_, freshness)| match freshness {
            Freshness::Fresh(age) | Freshness::Stale(age) => Some(age),
            Freshness::Missing => None,
        });
        ages.max()
    }
}
