//! What could not be read: what the text says rests on the rest only.

use super::Audience;
use crate::diagnose::named_once;
use crate::logparse::ContainerKey;
use crate::observe::observation::ContainerState;
use crate::observe::source::{Freshness, Source, SourceId, SourceState};
use crate::observe::state::LogsRead;
use crate::safe;
use crate::text::markdown::Section;
use crate::text::{SafeText, counted, duration};

/// Sources that are named of many.
const SOURCES: usize = 8;

impl Audience<'_> {
    pub(super) fn unread(&self) -> Section {
        let mut section = Section::new("What could not be read");
        let state = self.account.state;
        let mut all: Vec<SafeText> = state
            .sources()
            .filter_map(|(id, source)| self.trouble(id, source))
            .collect();
        all.extend(self.never_heard());
        all.extend(self.logs_unread());
        all.extend(self.tables_unread());
        all.extend(self.lines_missed());
        all.extend(self.logs_in_turns());
        section.listed(&all, SOURCES, Clone::clone);
        if section.is_empty() {
            section.item("all sources were readable");
        }
        section
    }

    /// What is wrong with a source, if anything is.
    fn trouble(&self, id: &SourceId, source: &Source) -> Option<SafeText> {
        let freshness = self.account.state.freshness(id, self.account.now);
        let age = match freshness {
            Freshness::Missing => "no data yet".into(),
            Freshness::Fresh(age) | Freshness::Stale(age) => {
                safe!("last data {} ago", duration::exact(age))
            }
        };
        let what = match &source.state {
            SourceState::Failing { problem, .. } => SafeText::from(&problem.what),
            SourceState::Off(why) => safe!("off: {why}"),
            SourceState::Connecting => "not connected yet".into(),
            SourceState::Live if matches!(freshness, Freshness::Fresh(_)) => return None,
            SourceState::Live => "no answer".into(),
            SourceState::Ended | SourceState::Resting => return None,
        };
        Some(safe!("{}: {what} ({age})", self.account.state.source_name(id)))
    }

    /// Sources that everything rests on and that were never opened.
    fn never_heard(&self) -> impl Iterator<Item = SafeText> {
        let state = self.account.state;
        let database = self.account.profile.database.as_ref().map(|_| SourceId::Database);
        let needed = [SourceId::Deployment, SourceId::Pods, SourceId::ClusterEvents];
        let never = needed
            .into_iter()
            .chain(database)
            .filter(|id| state.source(id).is_none());
        never.map(|id| safe!("{}: no data", id.name()))
    }

    /// Logs of running containers that nobody reads, and those that are not read to their end yet.
    fn logs_unread(&self) -> Vec<SafeText> {
        let state = self.account.state;
        let service = &self.account.profile.service.container;
        let mut unread = Vec::new();
        for pod in state.pods.values() {
            let running = pod.containers.iter().find(|container| {
                *container.name == **service && matches!(container.state, ContainerState::Running { .. })
            });
            let Some(container) = running else { continue };
            let key = ContainerKey {
                pod_uid: pod.uid.clone(),
                pod: pod.name.clone(),
                container: container.name.clone(),
                restart: container.restarts,
            };
            let behind = state.logs.get(&key).is_none_or(|log| !log.progress.caught_up);
            match state.source(&SourceId::Log(key.clone())) {
                None => unread.push(safe!("{}: no data", SourceId::Log(key).name())),
                Some(source) if source.state == SourceState::Live && behind => {
                    unread.push(safe!("{}: still reading older lines", SourceId::Log(key).name()));
                }
                Some(_) => {}
            }
        }
        unread
    }

    /// Tables and leases that the database did not give.
    fn tables_unread(&self) -> Vec<SafeText> {
        let Some((_, reading)) = &self.account.state.reading else {
            return Vec::new();
        };
        let mut unread = Vec::new();
        for table in &reading.tables {
            let statuses = table.statuses.as_ref().err();
            let rows = table.standing.as_ref().err();
            unread.extend(statuses.map(|why| named_once(&table.table, why)));
            unread.extend(rows.map(|why| safe!("rows of {}: {why}", table.table)));
        }
        unread.extend(
            reading
                .leases
                .as_ref()
                .err()
                .map(|why| safe!("lease rows: {why}")),
        );
        unread
    }

    /// Logs that were not followed: what they say is as old as their last turn.
    fn logs_in_turns(&self) -> Option<SafeText> {
        let LogsRead { followed, in_turns } = self.account.state.logs_read();
        let all = followed + in_turns;
        (in_turns > 0).then(|| safe!("{followed} of {all} logs were followed, the others were read in turns"))
    }

    fn lines_missed(&self) -> Option<SafeText> {
        let logs = self.account.state.logs.values();
        let missed: u64 = logs.map(|log| log.missed).sum();
        (missed > 0).then(|| {
            let lines = counted(missed, "log line", "log lines");
            safe!("gap: at least {lines} lost")
        })
    }
}
