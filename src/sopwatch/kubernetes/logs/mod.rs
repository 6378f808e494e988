//! The logs of every container of every pod: one task follows one instance, as the pods come and go.
//!
//! However many logs there are, open streams and requests are bounded: the supervisor says which logs are followed ([`selection`]), has
//! the others read in turns, and lets followers check whether a silent log has more, all within one [`budget`].

mod budget;
mod cursor;
mod follower;
mod instance;
mod line_splitter;
mod request;
mod selection;
#[cfg(any(test, feature = "testkit"))]
pub mod testkit;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt;
use jiff::Timestamp;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinSet;

use self::budget::Budget;
use self::follower::{Follower, LogPart};
use self::instance::{InstanceState, Phase, key_of, previous_of};
pub(super) use self::selection::MOST as MOST_STREAMS;
use self::selection::{Candidate, MOST, Rank, ReadMode, Selection, select};
use crate::kubernetes::clock::{Instant, now, sleep, sleep_until};
use crate::kubernetes::task_context::TaskContext;
use sopwatch_core::logparse::{ContainerKey, LogFocus, LogPatterns};
use sopwatch_core::observe::observation::{Container, Observation, Pod, PodUid};
use sopwatch_core::observe::source::{Problem, ProblemKind, SourceId};
use sopwatch_core::profile::Profile;
use sopwatch_core::text::SafeText;

/// Pause before a reader that crashed starts again.
const RESTART_AFTER: Duration = Duration::from_secs(2);

/// The shortest time from one turn of a log to its next.
const RESTS: Duration = Duration::from_secs(10);

/// What followers may ask of the supervisor and not have been answered yet.
const WAITING: usize = 256;

/// Runs for ever. `changes` are the observations about pods, in order; `focus` says what the operator looks at.
pub(super) async fn run(
    profile: &Profile,
    mut changes: mpsc::Receiver<Observation>,
    mut focus: watch::Receiver<LogFocus>,
    context: TaskContext,
) {
    // The profile was checked when it was read: its patterns compile, or nothing would have started.
    let Ok(patterns) = LogPatterns::new(
        &profile.leaders,
        &profile.error_classes,
        &profile.service.probe_path,
    ) else {
        return drain(changes).await;
    };
    let (asks, mut asked) = mpsc::channel(WAITING);
    let mut supervisor = Supervisor {
        shared: Arc::new(Shared {
            patterns: Arc::new(patterns),
            streams: Semaphore::new(MOST),
            followed: AtomicUsize::new(0),
            logs: AtomicUsize::new(0),
            asks,
        }),
        context,
        focus: LogFocus::default(),
        known: BTreeMap::new(),
        tasks: JoinSet::new(),
        budget: Budget::new(now()),
        silent: VecDeque::new(),
        checked_last: false,
        started: false,
    };
    let mut wake = None;
    loop {
        tokio::select! {
            change = changes.recv() => match change {
                Some(observation) => {
                    supervisor.take(observation);
                    while let Ok(observation) = changes.try_recv() {
                        supervisor.take(observation);
                    }
                }
                None => std::future::pending().await,
            },
            Some(ask) = asked.recv() => {
                supervisor.hear(ask);
                while let Ok(ask) = asked.try_recv() {
                    supervisor.hear(ask);
                }
            }
            Ok(()) = focus.changed() => supervisor.focus = focus.borrow_and_update().clone(),
            Some(_ended) = supervisor.tasks.join_next() => {}
            () = until(wake) => {}
        }
        wake = supervisor.arrange();
    }
}

async fn drain(mut changes: mpsc::Receiver<Observation>) {
    while changes.recv().await.is_some() {}
}

async fn until(wake: Option<Instant>) {
    match wake {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// A request of a follower to the supervisor.
#[derive(Debug)]
enum FollowerRequest {
    /// Whether it may check that a silent log has no more.
    Check(oneshot::Sender<()>),
    /// Its turn is over, and the next one is not due before this time has passed.
    TurnOver {
        key: ContainerKey,
        rests: Duration,
        /// Whether it could not be read.
        failed: bool,
    },
}

/// What all followers share.
#[derive(Debug)]
struct Shared {
    patterns: Arc<LogPatterns>,
    /// A permit is an open stream.
    streams: Semaphore,
    /// How many logs are followed.
    followed: AtomicUsize,
    /// How many logs there are.
    logs: AtomicUsize,
    asks: mpsc::Sender<FollowerRequest>,
}

/// A log that is or was read.
struct Log {
    /// Its container's state, for its follower.
    now: watch::Sender<InstanceState>,
    /// How it is to be read, for its follower.
    mode: watch::Sender<ReadMode>,
    part: LogPart,
    created_at: Option<Timestamp>,
    /// Whether its pod is not ready, or is being deleted.
    failing: bool,
    /// Whether it was there when we came: it is read a first time as soon as there is a stream for it.
    first: bool,
    /// When its last turn was over, or since when it is not followed any more.
    read_at: Option<Instant>,
    /// Whether it could not be read then.
    failed: bool,
    /// No turn before.
    rests_until: Option<Instant>,
}

impl Log {
    fn mode(&self) -> ReadMode {
        *self.mode.borrow()
    }

    fn set(&self, mode: ReadMode) {
        self.mode
            .send_if_modified(|known| std::mem::replace(known, mode) != mode);
    }

    fn candidate(&self, key: &ContainerKey, focus: &LogFocus) -> Candidate {
        let rank = if focus.chosen.contains(&key.pod_uid) {
            Rank::Chosen
        } else if focus.leaders.contains(&key.pod_uid) {
            Rank::Leads
        } else if self.failing {
            Rank::Failing
        } else {
            Rank::Other
        };
        Candidate {
            rank,
            created_at: self.created_at,
            over: self.part == LogPart::Tail || self.now.borrow().is_over(key.restart),
            mode: self.mode(),
            read_at: self.read_at,
            failed: self.failed,
        }
    }
}

struct Supervisor {
    shared: Arc<Shared>,
    context: TaskContext,
    focus: LogFocus,
    /// Every instance whose log is or was read, of the pods that are there.
    known: BTreeMap<ContainerKey, Log>,
    /// Dropped with us: then all are cancelled.
    tasks: JoinSet<()>,
    budget: Budget,
    /// Who waits to check a silent log.
    silent: VecDeque<oneshot::Sender<()>>,
    /// Whether the last request was such a check: checks and turns share what there is.
    checked_last: bool,
    /// Whether the first list of pods has come.
    started: bool,
}

/// Runs what `start` makes, again after a panic: one log that can't be read must not take the others away, nor stay silent for ever.
async fn until_it_ends<F: Future<Output = ()>, C: Future<Output = ()>>(
    start: impl Fn() -> F,
    crashed: impl Fn() -> C,
) {
    while AssertUnwindSafe(async { start().await })
        .catch_unwind()
        .await
        .is_err()
    {
        crashed().await;
        sleep(RESTART_AFTER).await;
    }
}

async fn say_crashed(key: &ContainerKey, context: &TaskContext) {
    let what = format!(
        "read the log of {}/{}: the reader crashed, it starts again",
        key.pod, key.container
    );
    let problem = Problem::new(ProblemKind::Ended, &what);
    context
        .failing(&SourceId::Log(key.clone()), problem, 1, RESTART_AFTER)
        .await;
}

impl Supervisor {
    fn take(&mut self, observation: Observation) {
        match observation {
            Observation::Pods(pods) => {
                let stays: BTreeSet<_> = pods.iter().map(|pod| &pod.uid).collect();
                let mut gone: Vec<_> = self.known.keys().map(|key| key.pod_uid.clone()).collect();
                gone.dedup();
                for uid in gone.iter().filter(|uid| !stays.contains(uid)) {
                    self.forget(uid);
                }
                for pod in &pods {
                    self.see(pod);
                }
                self.started = true;
            }
            Observation::Pod(pod) => self.see(&pod),
            Observation::PodGone(uid) => self.forget(&uid),
            _ => {}
        }
    }

    fn hear(&mut self, ask: FollowerRequest) {
        match ask {
            FollowerRequest::Check(granted) => self.silent.push_back(granted),
            FollowerRequest::TurnOver { key, rests, failed } => {
                if let Some(log) = self.known.get_mut(&key) {
                    log.failed = failed;
                    log.read_at = Some(now());
                    log.rests_until = Some(now() + rests);
                    if log.mode() == ReadMode::Once {
                        log.set(ReadMode::Rest);
                    }
                }
            }
        }
    }

    fn see(&mut self, pod: &Pod) {
        for container in &pod.containers {
            self.see_container(pod, container);
        }
    }

    /// The logs of a pod.
    fn of_pod<'a>(&'a mut self, uid: &'a PodUid) -> impl Iterator<Item = (&'a ContainerKey, &'a mut Log)> {
        let first = ContainerKey {
            pod_uid: uid.clone(),
            pod: SafeText::default(),
            container: SafeText::default(),
            restart: 0,
        };
        let logs = self.known.range_mut(first..);
        logs.take_while(move |(key, _)| key.pod_uid == *uid)
    }

    fn see_container(&mut self, pod: &Pod, container: &Container) {
        let now = InstanceState::of(container);
        let failing = !container.init && (pod.deletion_at.is_some() || !pod.is_ready());
        for (key, log) in self.of_pod(&pod.uid) {
            if key.container == container.name {
                log.now
                    .send_if_modified(|known| std::mem::replace(known, now) != now);
                log.failing = failing;
            }
        }
        if let Some(key) = previous_of(pod, container) {
            self.start(key, now, LogPart::Tail, pod.created_at, failing);
        }
        if now.phase != Phase::Waiting {
            self.start(
                key_of(pod, container),
                now,
                LogPart::Whole,
                pod.created_at,
                failing,
            );
        }
        self.forget_old_instances(pod, container);
    }

    /// Starts to read an instance unless that was done before; when is said by [`Supervisor::arrange`].
    fn start(
        &mut self,
        key: ContainerKey,
        now: InstanceState,
        part: LogPart,
        created_at: Option<Timestamp>,
        failing: bool,
    ) {
        if self.known.contains_key(&key) {
            return;
        }
        let (sender, receiver) = watch::channel(now);
        let (mode, mode_of) = watch::channel(ReadMode::Rest);
        let log = Log {
            now: sender,
            mode,
            part,
            created_at,
            failing,
            first: !self.started,
            read_at: None,
            failed: false,
            rests_until: None,
        };
        self.known.insert(key.clone(), log);
        self.shared.logs.store(self.known.len(), Ordering::Relaxed);
        let (shared, context) = (Arc::clone(&self.shared), self.context.clone());
        self.tasks.spawn(async move {
            let follow = || {
                let (receiver, mode) = (receiver.clone(), mode_of.clone());
                Follower::new(
                    key.clone(),
                    part,
                    Arc::clone(&shared),
                    (receiver, mode),
                    context.clone(),
                )
                .run()
            };
            until_it_ends(follow, || say_crashed(&key, &context)).await;
        });
    }

    /// Says how each log is to be read from now on, and lets as many requests be made as may be. Returns when to look again.
    fn arrange(&mut self) -> Option<Instant> {
        let open = self.known.iter().filter(|(_, log)| !log.now.is_closed());
        let (keys, candidates): (Vec<_>, Vec<_>) = open
            .map(|(key, log)| (key.clone(), log.candidate(key, &self.focus)))
            .unzip();
        let selection = select(&candidates);
        self.shared
            .followed
            .store(selection.follow.len(), Ordering::Relaxed);
        let now = now();
        let mut waiting = self.set_free(&keys, &candidates, &selection, now);
        self.silent.retain(|granted| !granted.is_closed());
        while self.budget.has(now) && self.spend_one(&keys, &mut waiting) {
            self.budget.spend();
        }
        let waits = !self.silent.is_empty() || !waiting.follow.is_empty() || waiting.has_turn();
        let next = waits.then(|| self.budget.next());
        next.into_iter().chain(waiting.rested_at).min()
    }

    /// Closes the logs that lost their place, opens what may be opened at once, and returns what has to wait.
    fn set_free(
        &mut self,
        keys: &[ContainerKey],
        candidates: &[Candidate],
        selection: &Selection,
        now: Instant,
    ) -> Waiting {
        let followed: BTreeSet<_> = selection.follow.iter().copied().collect();
        for (index, key) in keys.iter().enumerate() {
            let lost = candidates[index].mode == ReadMode::Follow && !followed.contains(&index);
            // With hundreds of logs a look-up of each would be most of the work.
            if let Some(log) = lost.then(|| self.known.get_mut(key)).flatten() {
                log.read_at = Some(now);
                log.set(ReadMode::Rest);
            }
        }
        let mut waiting = Waiting {
            streams: selection.at_once,
            ..Waiting::default()
        };
        // Those of `keys`, in their order, which is that of all logs.
        let mut next = keys.iter().peekable();
        let open = self
            .known
            .iter()
            .filter(|(key, _)| next.next_if(|next| next == key).is_some());
        let open: Vec<&Log> = open.map(|(_, log)| log).collect();
        let is_free = |log: &Log| selection.all || log.first && log.read_at.is_none();
        for index in &selection.follow {
            let log = open[*index];
            match candidates[*index].mode {
                ReadMode::Follow => {}
                _ if is_free(log) => log.set(ReadMode::Follow),
                _ => waiting.follow.push_back(*index),
            }
        }
        for index in &selection.turns {
            let log = open[*index];
            let rests = log.rests_until.filter(|at| *at > now);
            if candidates[*index].mode == ReadMode::Once {
                waiting.streams = waiting.streams.saturating_sub(1);
            } else if let Some(at) = rests {
                waiting.rested_at = Some(waiting.rested_at.map_or(at, |other| at.min(other)));
            } else if is_free(log) && waiting.streams > 0 {
                log.set(ReadMode::Once);
                waiting.streams -= 1;
            } else {
                waiting.turns.push_back(*index);
            }
        }
        waiting
    }

    /// Has one request made that had to wait; returns whether there was one.
    fn spend_one(&mut self, keys: &[ContainerKey], waiting: &mut Waiting) -> bool {
        if let Some(index) = waiting.follow.pop_front() {
            self.known[&keys[index]].set(ReadMode::Follow);
            return true;
        }
        let checks_first = !self.checked_last;
        if checks_first && self.grant_check() {
            self.checked_last = true;
            return true;
        }
        if waiting.has_turn()
            && let Some(index) = waiting.turns.pop_front()
        {
            waiting.streams -= 1;
            self.known[&keys[index]].set(ReadMode::Once);
            self.checked_last = false;
            return true;
        }
        !checks_first && self.grant_check()
    }

    /// Lets one who waits check its silent log.
    fn grant_check(&mut self) -> bool {
        while let Some(granted) = self.silent.pop_front() {
            if granted.send(()).is_ok() {
                return true;
            }
        }
        false
    }

    /// A container that crashes all day has hundreds of instances: those that nobody reads any more are forgotten.
    fn forget_old_instances(&mut self, pod: &Pod, container: &Container) {
        let old: Vec<_> = self
            .of_pod(&pod.uid)
            .filter(|(key, log)| {
                let old = key.is_outdated(container.restarts);
                key.container == container.name && old && log.now.is_closed()
            })
            .map(|(key, _)| key.clone())
            .collect();
        for key in old {
            self.known.remove(&key);
        }
    }

    /// The pod is gone: what its containers said last is still on the way.
    fn forget(&mut self, uid: &PodUid) {
        let gone: Vec<_> = self.of_pod(uid).map(|(key, _)| key.clone()).collect();
        for key in gone {
            if let Some(log) = self.known.remove(&key) {
                log.now.send_replace(InstanceState {
                    restart: key.restart,
                    phase: Phase::Gone,
                });
            }
        }
    }
}

/// What waits for a request, by the indices of the candidates.
#[derive(Debug, Default)]
struct Waiting {
    /// To be followed from now on.
    follow: VecDeque<usize>,
    /// To be read in their turn.
    turns: VecDeque<usize>,
    /// Streams that are free for turns.
    streams: usize,
    /// When the next log has rested for long enough.
    rested_at: Option<Instant>,
}

impl Waiting {
    /// Whether a log may be read now.
    fn has_turn(&self) -> bool {
        self.streams > 0 && !self.turns.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_crashes_starts_again_and_says_so() {
        let (starts, crashes) = (Cell::new(0), Cell::new(0));
        let start = || {
            starts.set(starts.get() + 1);
            let crash = starts.get() < 3;
            async move { assert!(!crash, "on purpose") }
        };
        let crashed = || async { crashes.set(crashes.get() + 1) };
        until_it_ends(start, crashed).await;
        assert_eq!((starts.get(), crashes.get()), (3, 2));
    }
}
