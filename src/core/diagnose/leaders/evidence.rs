//! What the logs said about leaders, kept apart from the scroll-back so that noise can't evict it.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use super::history::LeaderHistory;
use crate::logparse::{ContainerKey, LeaderLineKind, Sighting};
use crate::observe::observation::PodUid;
use crate::text::SafeText;

/// Worker types that are kept of one container; a service has a dozen.
const MAX_WORKERS: usize = 64;

/// Processes that are gone whose ids are kept of one worker type: the newest lease may still name one of them.
const GONE: usize = 32;

/// What the logs say about leaders: of each container its newest instance, of each worker type the newest of each kind of line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeaderEvidence {
    by: BTreeMap<ContainerKey, BTreeMap<SafeText, WorkerEvidence>>,
    /// Of each worker type, what is left to know of the processes that are gone.
    gone: BTreeMap<SafeText, Gone>,
    /// Who led when.
    history: LeaderHistory,
}

/// Processes that are gone, of one worker type.
#[derive(Clone, Debug, Default, PartialEq)]
struct Gone {
    /// Their worker ids, oldest first.
    ids: VecDeque<SafeText>,
    /// When one of them was last known to lead.
    led_at: Option<Timestamp>,
}

/// What one container instance said about one worker type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkerEvidence {
    /// The worker's id, new with every start of the container.
    pub worker_id: SafeText,
    /// When each kind of line was last written.
    pub last: BTreeMap<LeaderLineKind, Timestamp>,
    /// The newest line that tells who leads.
    pub latest: Option<(Timestamp, LeaderLineKind)>,
    /// Since when it leads, as far back as its log goes, if it does by [`WorkerEvidence::latest`].
    pub leading_since: Option<Timestamp>,
}

impl LeaderEvidence {
    /// Takes in what a container said. An instance that another has followed is not heard any more: it is another process.
    pub fn apply(&mut self, source: &ContainerKey, sightings: &[Sighting]) {
        if sightings.is_empty() {
            return;
        }
        self.history.apply(source, sightings);
        if self.has_newer_than(source) {
            return;
        }
        self.bury(|key| is_older_instance(key, source));
        let workers = self.by.entry(source.clone()).or_default();
        for sighting in sightings {
            let known = workers.contains_key(&sighting.line.worker);
            if known || workers.len() < MAX_WORKERS {
                workers
                    .entry(sighting.line.worker.clone())
                    .or_default()
                    .add(sighting);
            }
        }
    }

    /// Who led when, also of processes that are gone.
    pub fn history(&self) -> &LeaderHistory {
        &self.history
    }

    fn has_newer_than(&self, source: &ContainerKey) -> bool {
        self.by.keys().any(|key| is_older_instance(source, key))
    }

    /// Forgets a pod that is gone.
    pub fn forget(&mut self, pod: &PodUid) {
        self.bury(|key| key.pod_uid == *pod);
    }

    /// What they said counts no more, but whose they were: a killed leader's lease outlives it.
    fn bury(&mut self, is_gone: impl Fn(&ContainerKey) -> bool) {
        let dead: Vec<_> = self.by.extract_if(.., |key, _| is_gone(key)).collect();
        for (worker, evidence) in dead.into_iter().flat_map(|(_, workers)| workers) {
            if !self.gone.contains_key(&worker) && self.gone.len() == MAX_WORKERS {
                continue;
            }
            let gone = self.gone.entry(worker).or_default();
            gone.led_at = gone.led_at.max(evidence.led_at());
            gone.ids.push_back(evidence.worker_id);
            while gone.ids.len() > GONE {
                gone.ids.pop_front();
            }
        }
    }

    /// Whether a worker id is that of a process that is gone.
    fn is_gone(&self, worker: &str, id: &SafeText) -> bool {
        let gone = self.gone.get(&SafeText::new(worker));
        gone.is_some_and(|gone| gone.ids.contains(id))
    }

    /// Whether a worker id is that of a process that has ended: of a pod or a container that is gone, or of a container that is none of
    /// the running ones. A container that was started again need not have said anything yet.
    pub fn has_ended(&self, worker: &str, id: &SafeText, running: &[&ContainerKey]) -> bool {
        let name = SafeText::new(worker);
        let ended = self.by.iter().filter(|(source, _)| !running.contains(source));
        let mut said = ended.filter_map(|(_, workers)| workers.get(&name));
        self.is_gone(worker, id) || said.any(|evidence| evidence.worker_id == *id)
    }

    /// When a process, gone or not, was last known to lead a worker type.
    pub fn last_led(&self, worker: &str) -> Option<Timestamp> {
        let worker = SafeText::new(worker);
        let living = self
            .by
            .values()
            .filter_map(|workers| workers.get(&worker)?.led_at());
        living
            .max()
            .max(self.gone.get(&worker).and_then(|gone| gone.led_at))
    }

    /// The pods whose newest word on some worker type is that they lead it, however long ago that was.
    pub fn last_said_to_lead(&self) -> impl Iterator<Item = &PodUid> {
        let leads = |workers: &BTreeMap<SafeText, WorkerEvidence>| {
            workers.values().any(|evidence| evidence.leads_at().is_some())
        };
        self.by
            .iter()
            .filter(move |(_, workers)| leads(workers))
            .map(|(key, _)| &key.pod_uid)
    }

    /// What a container instance said about a worker type.
    pub fn of(&self, source: &ContainerKey, worker: &str) -> Option<&WorkerEvidence> {
        self.by.get(source)?.get(&SafeText::new(worker))
    }
}

impl LeaderEvidence {
    /// When a container instance last failed to read or renew the lease of a worker type. Failures that were never followed by a word
    /// on whose lease it was may concern any of them.
    pub fn lease_failed_at(&self, source: &ContainerKey, worker: &str) -> Option<Timestamp> {
        let workers = self.by.get(source)?;
        let failed = |evidence: &WorkerEvidence| evidence.last.get(&LeaderLineKind::LeaseFailed).copied();
        let named = workers.iter().filter(|(name, _)| !name.is_empty());
        if named.clone().any(|(_, evidence)| failed(evidence).is_some()) {
            return workers.get(&SafeText::new(worker)).and_then(failed);
        }
        workers.get(&SafeText::default()).and_then(failed)
    }
}

/// Whether `one` is an earlier instance of the same container as `other`.
fn is_older_instance(one: &ContainerKey, other: &ContainerKey) -> bool {
    one.pod_uid == other.pod_uid && one.container == other.container && one.restart < other.restart
}

impl WorkerEvidence {
    fn add(&mut self, sighting: &Sighting) {
        let (at, kind) = (sighting.at, sighting.line.kind);
        let newest = self.last.entry(kind).or_insert(at);
        *newest = at.max(*newest);
        // A failure to read the lease says nothing about who holds it.
        let outdated = self.latest.is_some_and(|(latest, _)| at < latest);
        if kind == LeaderLineKind::LeaseFailed || outdated {
            return;
        }
        self.leading_since = match kind {
            LeaderLineKind::Gained => Some(at),
            LeaderLineKind::Heartbeat => self.leading_since.or(Some(at)),
            _ => None,
        };
        self.latest = Some((at, kind));
        self.worker_id = sighting.line.worker_id.clone();
    }

    /// When this worker was last known to lead: it said so, or that it does no longer.
    fn led_at(&self) -> Option<Timestamp> {
        use LeaderLineKind::{Gained, Heartbeat, LoopEnded, Lost};
        let words = [Gained, Heartbeat, Lost, LoopEnded];
        words.iter().filter_map(|word| self.last.get(word).copied()).max()
    }

    /// When this worker last said that it leads, if that is the newest it said.
    pub fn leads_at(&self) -> Option<Timestamp> {
        let (at, kind) = self.latest?;
        matches!(kind, LeaderLineKind::Gained | LeaderLineKind::Heartbeat).then_some(at)
    }

    /// When this worker last said that it does not lead, if that is the newest it said.
    pub fn follows_at(&self) -> Option<Timestamp> {
        let (at, _) = self.latest?;
        self.leads_at().is_none().then_some(at)
    }
}
