//! Follows the log of every container of every pod: one task an instance, as the pods come and go.

mod follower;
mod instance;
mod lines;
mod place;
mod request;
mod stream;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use self::follower::{Follower, Part};
use self::instance::{Now, Phase, key_of, previous_of};
use super::scope::Scope;
use crate::incident::fact::{Container, Fact, Pod, PodUid};
use crate::incident::log::{ContainerKey, LogPatterns};
use crate::incident::profile::Profile;

/// Runs for ever. `changes` are the facts about pods, in order.
pub(super) async fn run(profile: &Profile, mut changes: mpsc::Receiver<Fact>, scope: Scope) {
    // The profile was checked when it was read: its patterns compile, or nothing would have started.
    let Ok(patterns) = LogPatterns::new(&profile.leaders) else {
        return drain(changes).await;
    };
    let mut supervisor = Supervisor {
        patterns: Arc::new(patterns),
        scope,
        known: BTreeMap::new(),
        tasks: JoinSet::new(),
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
    }

    /// Starts to follow an instance unless that was done before.
    fn start(&mut self, key: ContainerKey, now: Now, part: Part) {
        if self.known.contains_key(&key) {
            return;
        }
        let (sender, receiver) = watch::channel(now);
        let follower = Follower::new(
            key.clone(),
            part,
            Arc::clone(&self.patterns),
            receiver,
            self.scope.clone(),
        );
        self.known.insert(key, sender);
        self.tasks.spawn(follower.run());
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
