//! What is still to be heard: sources that are being opened or read for the first time. A source that is refused, off or failing
//! has answered.

use jiff::SignedDuration;

use super::App;
use crate::incident::fact::{ContainerState, Pod};
use crate::incident::feed::{FeedId, FeedState};
use crate::incident::leader::Verdict;
use crate::incident::log::ContainerKey;

/// How long a lease is watched to see its end advance: one poll and a little.
const LEASE_WATCHED: SignedDuration = SignedDuration::from_secs(5);

impl App {
    /// The sources that may still change what can be told, by the names that people call them; none when every step has its answer.
    pub fn awaited(&self) -> Vec<String> {
        let named = [
            (FeedId::Pods, "pods"),
            (FeedId::Deployment, "deployment"),
            (FeedId::ClusterEvents, "events"),
            (FeedId::Database, "database"),
        ];
        let opening = named.into_iter().filter(|(id, _)| self.is_opening(id));
        let mut awaited: Vec<_> = opening.map(|(_, name)| name.to_owned()).collect();
        let pods = self.facts.pods.values().filter(|pod| !pod.is_over());
        awaited.extend(pods.filter_map(|pod| self.awaited_log(pod)));
        awaited.extend(self.awaited_leases());
        awaited
    }

    fn is_opening(&self, id: &FeedId) -> bool {
        match self.facts.feed(id) {
            Some(feed) => feed.state == FeedState::Connecting,
            // Where the server does not answer, nothing is opened there until it does.
            None => *id == FeedId::Database || !self.api_fails(),
        }
    }

    fn api_fails(&self) -> bool {
        let fails = |id| self.facts.feed(&id).is_some_and(|feed| feed.problem().is_some());
        fails(FeedId::Api) || fails(FeedId::Pods)
    }

    /// The log of the service's container that runs now, while it is not read to its end.
    fn awaited_log(&self, pod: &Pod) -> Option<String> {
        let service = &self.session.profile.service.container;
        let container = pod
            .containers
            .iter()
            .find(|container| !container.init && *container.name == **service)?;
        let runs = matches!(container.state, ContainerState::Running { .. });
        if !runs || pod.deletion_at.is_some() || self.facts.may("get", "pods", "log") == Some(false) {
            return None;
        }
        let key = ContainerKey {
            pod_uid: pod.uid.clone(),
            pod: pod.name.clone(),
            container: container.name.clone(),
            restart: container.restarts,
        };
        let awaited = match self.facts.feed(&FeedId::Log(key.clone())).map(|feed| &feed.state) {
            None | Some(FeedState::Connecting) => true,
            Some(FeedState::Live) => {
                let log = self.facts.logs.get(&key);
                log.is_none_or(|log| !log.progress.caught_up)
            }
            Some(FeedState::Failing { .. } | FeedState::Ended | FeedState::Off(_)) => false,
        };
        awaited.then(|| format!("log of {}", pod.short_name()))
    }

    /// A live lease whose holder is in no log: whether it advances tells a leader that is not seen from one that is gone.
    fn awaited_leases(&self) -> Vec<String> {
        let workers = &self.session.profile.leaders.workers;
        let readings = workers.iter().zip(&self.diagnosis.leaders);
        let hangs_on_it = readings.filter(|(worker, reading)| {
            let open = matches!(reading.verdict, Verdict::Settling { .. } | Verdict::Unknown);
            let unseen = reading
                .lease
                .as_ref()
                .is_some_and(|lease| lease.live && lease.pod.is_none() && lease.advancing.is_none());
            let watched = self
                .facts
                .leases
                .iter()
                .find(|(kind, _)| ***kind == *worker.lease_type)
                .map(|(_, track)| self.now.duration_since(track.first_seen_at));
            open && unseen && watched.is_some_and(|watched| watched < LEASE_WATCHED)
        });
        hangs_on_it
            .map(|(worker, _)| format!("whether the lease of {} advances", worker.title))
            .collect()
    }
}
