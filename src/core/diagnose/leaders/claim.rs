//! Where each pod stands: whether its log says that it leads, that it does not, or too little.

use jiff::{SignedDuration, Timestamp};

use super::evidence::WorkerEvidence;
use crate::logparse::{ContainerKey, LeaderLineKind};
use crate::observe::observation::{Container, ContainerState, Pod};
use crate::observe::source::{Freshness, SourceId, SourceState};
use crate::observe::state::{LogKnown, State};
use crate::profile::{Leaders, Profile};
use crate::text::duration;

/// A leader's line may be this old at least: a long loop drops ticks.
const LEADS_FOR: SignedDuration = SignedDuration::from_secs(120);

/// A pod that runs the workers, and how far its log is known.
#[derive(Debug)]
pub(super) struct PodLog<'a> {
    pub(super) pod: &'a Pod,
    /// The instance that runs now; `None` when the pod has no container of the profile's name.
    pub(super) source: Option<ContainerKey>,
    /// Since when it runs, where that is known.
    pub(super) since: Option<Timestamp>,
    log: Option<&'a LogKnown>,
    /// When the log was last known to be current; `None` when it is not.
    heard_at: Option<Timestamp>,
    /// Whether the log was read from the container's start without a gap.
    from_start: bool,
    /// Whether waiting does not help: the log can't be read, or has stopped.
    pub(super) in_trouble: bool,
}

/// Where a pod stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// It leads.
    Leads {
        /// Since when, as far back as its log goes.
        since: Timestamp,
        /// When it last said so.
        last: Timestamp,
    },
    /// It does not lead.
    Follows {
        /// When that was last confirmed.
        at: Timestamp,
        /// Whether it said so; else its whole log lacks the line.
        said: bool,
    },
    /// Its log is not read, not current or says too little.
    Unknown,
}

/// The pods whose profile's container runs now.
pub(super) fn witnesses<'a>(state: &'a State, profile: &Profile, now: Timestamp) -> Vec<PodLog<'a>> {
    let pods = state.pods.values().filter(|pod| !pod.is_over());
    pods.filter_map(|pod| witness(state, profile, pod, now)).collect()
}

fn witness<'a>(state: &'a State, profile: &Profile, pod: &'a Pod, now: Timestamp) -> Option<PodLog<'a>> {
    let named = |container: &&Container| !container.init && *container.name == *profile.service.container;
    let Some(container) = pod.containers.iter().find(named) else {
        // One that runs under another name may lead unseen; one that has no containers yet can't.
        return (&*pod.phase == "Running").then_some(PodLog {
            pod,
            source: None,
            since: None,
            log: None,
            heard_at: None,
            from_start: false,
            in_trouble: true,
        });
    };
    let ContainerState::Running { since } = container.state else {
        return None;
    };
    let source = ContainerKey {
        pod_uid: pod.uid.clone(),
        pod: pod.name.clone(),
        container: container.name.clone(),
        restart: container.restarts,
    };
    let log = state.logs.get(&source);
    let witness = PodLog {
        pod,
        since,
        log,
        heard_at: log.and_then(|log| heard_at(state, &source, log, now)),
        from_start: log.is_some_and(|log| is_from_start(log, since)),
        in_trouble: is_in_trouble(state, &source, now),
        source: Some(source),
    };
    // A pod that is being deleted may have ended already; it counts as long as it writes.
    let writes = witness
        .last_line_at()
        .is_some_and(|at| now.duration_since(at) <= silence(&profile.leaders));
    (pod.deletion_at.is_none() || (witness.is_read() && writes)).then_some(witness)
}

/// When a log that is read to its end and followed was last known to be current.
fn heard_at(state: &State, source: &ContainerKey, log: &LogKnown, now: Timestamp) -> Option<Timestamp> {
    let id = SourceId::Log(source.clone());
    let source = state.source(&id)?;
    let fresh = state.is_fresh(&id, now);
    let followed = fresh && source.state != SourceState::Ended && log.progress.caught_up;
    source.heard_at.filter(|_| followed)
}

fn is_in_trouble(state: &State, source: &ContainerKey, now: Timestamp) -> bool {
    let id = SourceId::Log(source.clone());
    let source = state.source(&id);
    if source.is_some_and(|source| source.state == SourceState::Resting) {
        return false;
    }
    let failing = source.is_some_and(|source| source.problem().is_some());
    failing || matches!(state.freshness(&id, now), Freshness::Stale(_))
}

fn is_from_start(log: &LogKnown, started: Option<Timestamp>) -> bool {
    let has_begun = log.progress.first_at.is_some() && log.missed == 0;
    has_begun && started.is_some_and(|started| !log.lost_its_beginning(started))
}

/// How long a pod's word that it does not lead holds: three ticks.
pub(super) fn silence(leaders: &Leaders) -> SignedDuration {
    duration::of(leaders.tick) * 3
}

/// How long a leader's word holds.
pub(super) fn leads_for(leaders: &Leaders) -> SignedDuration {
    (duration::of(leaders.reconcile) * 3).max(LEADS_FOR)
}

impl<'a> PodLog<'a> {
    /// Whether the log is read to its end and current.
    pub(super) fn is_read(&self) -> bool {
        self.heard_at.is_some()
    }

    /// Whether the log has lines that only verbosity 1 or higher prints.
    pub(super) fn is_verbose(&self) -> bool {
        self.log.is_some_and(|log| log.progress.verbose)
    }

    /// Whether the log is whole and would have the line, had the process ever led: silence is an answer then.
    pub(super) fn tells_all(&self) -> bool {
        self.is_read() && self.from_start && self.is_verbose()
    }

    /// When the newest line was written.
    pub(super) fn last_line_at(&self) -> Option<Timestamp> {
        self.log?.progress.last_at
    }

    /// What this pod said about a worker type.
    pub(super) fn evidence(&self, state: &'a State, worker: &str) -> Option<&'a WorkerEvidence> {
        state.leaders.of(self.source.as_ref()?, worker)
    }

    /// Whether it said of late that it can't read or renew a worker's lease.
    pub(super) fn misses_lease(
        &self,
        state: &State,
        worker: &str,
        leaders: &Leaders,
        now: Timestamp,
    ) -> bool {
        let Some(source) = self.source.as_ref().filter(|_| self.is_read()) else {
            return false;
        };
        let failed_at = state.leaders.lease_failed_at(source, worker);
        failed_at.is_some_and(|at| now.duration_since(at) <= silence(leaders))
    }

    /// Where it stands at `now`, which is of the clock that dates the lines.
    pub(super) fn stand(
        &self,
        evidence: Option<&WorkerEvidence>,
        leaders: &Leaders,
        now: Timestamp,
    ) -> Claim {
        let Some(heard_at) = self.heard_at else {
            return Claim::Unknown;
        };
        let Some(evidence) = evidence.filter(|evidence| evidence.latest.is_some()) else {
            return self.never_led(heard_at);
        };
        if let (Some(last), Some(since)) = (evidence.leads_at(), evidence.leading_since) {
            return if now.duration_since(last) <= leads_for(leaders) {
                Claim::Leads { since, last }
            } else {
                Claim::Unknown
            };
        }
        match evidence.follows_at() {
            Some(at) if now.duration_since(at) <= silence(leaders) => Claim::Follows { at, said: true },
            Some(_) if self.would_say_if_it_led(evidence) => Claim::Follows {
                at: heard_at,
                said: false,
            },
            _ => Claim::Unknown,
        }
    }

    /// A log that is whole and verbose would have the line, had the pod ever led.
    fn never_led(&self, heard_at: Timestamp) -> Claim {
        if self.from_start && self.is_verbose() {
            Claim::Follows {
                at: heard_at,
                said: false,
            }
        } else {
            Claim::Unknown
        }
    }

    /// After it stopped leading, a pod of verbosity 1 is silent until it leads again. One that used to say "not leader" with every
    /// tick and is silent now is stuck: that proves nothing.
    fn would_say_if_it_led(&self, evidence: &WorkerEvidence) -> bool {
        let gapless = self.log.is_some_and(|log| log.missed == 0);
        gapless && !evidence.last.contains_key(&LeaderLineKind::NotLeader)
    }
}
