//! Follows the log of every container of every pod: one task an instance, as the pods come and go.

mod follower;
mod instance;
mod lines;
mod place;
mod request;
mod stream;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use self::follower::{Follower, Part};
use self::instance::{Now, Phase, key_of, previous_of};
use super::scope::Scope;
use crate::cluster::clock::sleep;
use crate::incident::fact::{Container, Fact, Pod, PodUid};
use crate::incident::feed::{FeedId, Problem, ProblemKind};
use crate::incident::log::{ContainerKey, LogPatterns};
use crate::incident::profile::Profile;

/// Logs of ended containers that are read at once: after a night of evictions there may be thousands, and all are found in one list.
const ENDED_AT_ONCE: usize = 16;

/// Instances of one container that are remembered besides those that are being read.
const KEPT_INSTANCES: u32 = 3;

/// Pause before a reader that crashed starts again.
const RESTART_AFTER: Duration = Duration::from_secs(2);

/// Runs for ever. `changes` are the facts about pods, in order.
pub(super) async fn run(profile: &Profile, mut changes: mpsc::Receiver<Fact>, scope: Scope) {
    // The profile was checked when it was read: its patterns compile, or nothing would have started.
    let Ok(patterns) = LogPatterns::new(
        &profile.leaders,
        &profile.error_classes,
        &profile.service.probe_path,
    ) else {
        return drain(changes).await;
    };
    let mut supervisor = Supervisor {
        patterns: Arc::new(patterns),
        scope,
        known: BTreeMap::new(),
        tasks: JoinSet::new(),
        ended: Arc::new(Semaphore::new(ENDED_AT_ONCE)),
    };
    loop {
        tokio::select! {
            change = changes.recv() => match change {
                Some(fact) => supervisor.take(fact),
                None => std::future::pending().await,
            },
            Some(_ended) = supervisor.tasks.join_next() => {}
        }
    }
}

async fn drain(mut changes: mpsc::Receiver<Fact>) {
    while changes.recv().await.is_some() {}
}

struct Supervisor {
    patterns: Arc<LogPatterns>,
    scope: Scope,
    /// Every instance whose log is or was read, of the pods that are there, and where it hears of its pod.
    known: BTreeMap<ContainerKey, watch::Sender<Now>>,
    /// Dropped with us: then all are cancelled.
    tasks: JoinSet<()>,
    /// Turns of the logs that have come to their end.
    ended: Arc<Semaphore>,
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

async fn say_crashed(key: &ContainerKey, scope: &Scope) {
    let what = format!(
        "read the log of {}/{}: the reader crashed, it starts again",
        key.pod, key.container
    );
    let problem = Problem::new(ProblemKind::Ended, &what);
    scope
        .failing(&FeedId::Log(key.clone()), problem, 1, RESTART_AFTER)
        .await;
}

impl Supervisor {
    fn take(&mut self, fact: Fact) {
        match fact {
            Fact::Pods(pods) => {
                let stays = |uid: &PodUid| pods.iter().any(|pod| pod.uid == *uid);
                let mut gone: Vec<_> = self.known.keys().map(|key| key.pod_uid.clone()).collect();
                gone.dedup();
                for uid in gone.iter().filter(|uid| !stays(uid)) {
                    self.forget(uid);
                }
                for pod in &pods {
                    self.see(pod);
                }
            }
            Fact::Pod(pod) => self.see(&pod),
            Fact::PodGone(uid) => self.forget(&uid),
            _ => {}
        }
    }

    fn see(&mut self, pod: &Pod) {
        for container in &pod.containers {
            self.see_container(pod, container);
        }
    }

    fn see_container(&mut self, pod: &Pod, container: &Container) {
        let now = Now::of(container);
        for (key, sender) in &self.known {
            if key.pod_uid == pod.uid && key.container == container.name {
                sender.send_if_modified(|known| std::mem::replace(known, now) != now);
            }
        }
        if let Some(key) = previous_of(pod, container) {
            self.start(key, now, Part::Tail);
        }
        if now.phase != Phase::Waiting {
            self.start(key_of(pod, container), now, Part::Whole);
        }
        self.forget_old_instances(pod, container);
    }

    /// Starts to follow an instance unless that was done before.
    fn start(&mut self, key: ContainerKey, now: Now, part: Part) {
        if self.known.contains_key(&key) {
            return;
        }
        let (sender, receiver) = watch::channel(now);
        self.known.insert(key.clone(), sender);
        let ended = (part == Part::Tail || now.is_over(key.restart)).then(|| Arc::clone(&self.ended));
        let (patterns, scope) = (Arc::clone(&self.patterns), self.scope.clone());
        self.tasks.spawn(async move {
            // Never closed, so never an error.
            let _turn = match &ended {
                Some(ended) => ended.acquire().await.ok(),
                None => None,
            };
            let follow = || {
                let (patterns, receiver) = (Arc::clone(&patterns), receiver.clone());
                Follower::new(key.clone(), part, patterns, receiver, scope.clone()).run()
            };
            until_it_ends(follow, || say_crashed(&key, &scope)).await;
        });
    }

    /// A container that crashes all day has hundreds of instances: those that nobody reads any more are forgotten.
    fn forget_old_instances(&mut self, pod: &Pod, container: &Container) {
        self.known.retain(|key, sender| {
            let same = key.pod_uid == pod.uid && key.container == container.name;
            let old = key.restart + KEPT_INSTANCES <= container.restarts;
            !(same && old && sender.is_closed())
        });
    }

    /// The pod is gone: what its containers said last is still on the way.
    fn forget(&mut self, uid: &PodUid) {
        let gone: Vec<_> = self
            .known
            .keys()
            .filter(|key| key.pod_uid == *uid)
            .cloned()
            .collect();
        for key in gone {
            if let Some(sender) = self.known.remove(&key) {
                sender.send_replace(Now {
                    restart: key.restart,
                    phase: Phase::Gone,
                });
            }
        }
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
