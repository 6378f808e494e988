//! What is still to be heard: whether an answer may be given, or another moment would make it a better one.

use jiff::SignedDuration;

use super::App;
use sopwatch_core::diagnose::leaders::{LeaderReading, Verdict};
use sopwatch_core::logparse::ContainerKey;
use sopwatch_core::observe::observation::{ContainerState, Pod};
use sopwatch_core::observe::source::{ProblemKind, SourceId, SourceState};
use sopwatch_core::profile::Worker;
use sopwatch_core::safe;
use sopwatch_core::text::SafeText;

/// How long a lease is watched to see its end advance: one poll and a little.
const LEASE_WATCHED: SignedDuration = SignedDuration::from_secs(5);

impl App {
    /// Whether sources are still being opened or read for the first time, so that what is missing is about to come.
    pub fn is_looking(&self) -> bool {
        let opening = |id: &SourceId| {
            let source = self.state.source(id);
            source.is_none_or(|source| source.state == SourceState::Connecting)
        };
        let logs = self.state.sources().filter_map(|(id, source)| match id {
            SourceId::Log(key) => Some(self.is_reading(key, &source.state)),
            _ => None,
        });
        opening(&SourceId::Pods) || opening(&SourceId::Database) || logs.into_iter().any(|reading| reading)
    }

    /// What an answer still waits for, in words; none when every step has its answer. A source that fails in a way that may pass is
    /// awaited; one that is forbidden, switched off or wrong stays so, and that is an answer.
    pub fn pending_sources(&self) -> Vec<SafeText> {
        let named = [
            SourceId::Pods,
            SourceId::ReplicaSets,
            SourceId::Autoscaler,
            SourceId::Deployment,
            SourceId::ClusterEvents,
            SourceId::Database,
        ];
        // Of monitoring servers only those that are configured.
        let monitoring = [
            SourceId::Metrics,
            SourceId::ClusterMetrics,
            SourceId::Alerts,
            SourceId::AlertRules,
            SourceId::Tracker,
        ];
        let monitoring = monitoring
            .into_iter()
            .filter(|id| self.state.source(id).is_some());
        let coming = named.into_iter().chain(monitoring).filter(|id| self.may_come(id));
        let mut pending_sources: Vec<_> = coming.map(|id| id.name()).collect();
        let pods = self.state.pods.values().filter(|pod| !pod.is_over());
        pending_sources.extend(pods.filter_map(|pod| self.pending_log(pod)));
        let workers = self.session.profile.leaders.workers.iter();
        let readings = workers.zip(&self.diagnosis.leaders);
        let leases = readings.filter(|(worker, reading)| self.hangs_on_lease(worker, reading));
        pending_sources
            .extend(leases.map(|(worker, _)| safe!("whether the lease of {} advances", worker.title)));
        pending_sources
    }

    /// Whether a source was not heard yet, or fails in a way that may pass by itself.
    fn may_come(&self, id: &SourceId) -> bool {
        match self.state.source(id).map(|source| &source.state) {
            // Where the server is out of reach for good, nothing is ever opened there.
            None => *id == SourceId::Database || !self.api_is_out_of_reach(),
            Some(SourceState::Connecting) => true,
            Some(SourceState::Failing { problem, .. }) => may_pass(problem.kind),
            Some(SourceState::Live | SourceState::Ended | SourceState::Resting | SourceState::Off(_)) => {
                false
            }
        }
    }

    fn api_is_out_of_reach(&self) -> bool {
        let problem = |id| self.state.source(&id).and_then(|source| source.problem());
        let problems = [problem(SourceId::Api), problem(SourceId::Pods)];
        problems
            .into_iter()
            .flatten()
            .any(|problem| !may_pass(problem.kind))
    }

    /// The log of the service's container that runs now, while it is not read to its end.
    fn pending_log(&self, pod: &Pod) -> Option<SafeText> {
        let service = &self.session.profile.service.container;
        let container = pod
            .containers
            .iter()
            .find(|container| !container.init && *container.name == **service)?;
        let runs = matches!(container.state, ContainerState::Running { .. });
        if !runs || pod.deletion_at.is_some() || self.state.may("get", "pods", "log") == Some(false) {
            return None;
        }
        let key = ContainerKey {
            pod_uid: pod.uid.clone(),
            pod: pod.name.clone(),
            container: container.name.clone(),
            restart: container.restarts,
        };
        let source = self.state.source(&SourceId::Log(key.clone()));
        let pending_sources = source.is_none_or(|source| match &source.state {
            SourceState::Failing { problem, .. } => self.is_behind(&key) && may_pass(problem.kind),
            state => self.is_reading(&key, state),
        });
        pending_sources.then(|| safe!("log of {}", pod.short_name()))
    }

    /// Whether a log is being opened, or read and not yet to its end.
    fn is_reading(&self, key: &ContainerKey, state: &SourceState) -> bool {
        match state {
            SourceState::Connecting => true,
            SourceState::Live => self.is_behind(key),
            SourceState::Failing { .. } | SourceState::Ended | SourceState::Resting | SourceState::Off(_) => {
                false
            }
        }
    }

    fn is_behind(&self, key: &ContainerKey) -> bool {
        self.state.logs.get(key).is_none_or(|log| !log.progress.caught_up)
    }

    /// Whether the verdict on a worker hangs on a lease whose holder is in no log, and that was not watched for long enough: whether it
    /// advances tells a leader that is not seen from one that is gone.
    fn hangs_on_lease(&self, worker: &Worker, reading: &LeaderReading) -> bool {
        let open = matches!(reading.verdict, Verdict::Settling { .. } | Verdict::Unknown);
        let unseen = reading
            .lease
            .as_ref()
            .is_some_and(|lease| lease.live && lease.pod.is_none() && lease.advancing.is_none());
        let mut tracks = self.state.leases.iter();
        let track = tracks.find(|(kind, _)| ***kind == *worker.lease_type);
        let watched = track.map(|(_, track)| self.clock.now.duration_since(track.first_seen_at));
        open && unseen && watched.is_some_and(|watched| watched < LEASE_WATCHED)
    }
}

/// Whether a trouble may be over in a moment; the others need somebody to do something.
fn may_pass(kind: ProblemKind) -> bool {
    use ProblemKind::{
        Configuration, Dns, Ended, Forbidden, Frozen, Gone, Locked, NotFound, Refused, Reset, Schema,
        SecretIncomplete, SecretMissing, ServerError, SlowStatement, Starting, Throttled, Tls,
        TooManyConnections, Unauthorized, WrongPassword,
    };
    match kind {
        Refused | Reset | Frozen | Gone | Throttled | ServerError | Ended | TooManyConnections | Locked
        | SlowStatement | Starting => true,
        Dns | Tls | Unauthorized | Forbidden | NotFound | SecretMissing | SecretIncomplete
        | WrongPassword | Schema | Configuration => false,
    }
}
