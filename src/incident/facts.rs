//! All that is known now: facts as they came in, each with its source's state.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::fact::{
    Access, ClusterEvent, Connection, DatabaseConnection, Deployment, Fact, Pod, PodUid, Reading, Rows,
    StatusCount,
};
use super::feed::{Feed, FeedId, FeedState, Freshness};
use super::leader::LeaderEvidence;
use super::log::{ContainerKey, LogBatch, LogProgress};
use super::text::SafeText;

/// How old the last sign of life of a source may be before nothing may be concluded from it.
pub const STALE_AFTER: SignedDuration = SignedDuration::from_secs(15);

/// How far back counts are kept, to say how they change.
pub const CHANGE_WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// What is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Facts {
    /// Who and where we are, once connected.
    pub connection: Option<Connection>,
    /// The deployment; `None` also when there is none: [`Facts::feed`] tells whether it was looked at.
    pub deployment: Option<Deployment>,
    /// The service's pods.
    pub pods: BTreeMap<PodUid, Pod>,
    /// Events of the service's objects, by uid.
    pub cluster_events: BTreeMap<SafeText, ClusterEvent>,
    /// What we may do.
    pub access: Vec<Access>,
    /// How far each log has been read.
    #[serde(skip)]
    pub logs: BTreeMap<ContainerKey, LogKnown>,
    /// What the logs say about leaders.
    #[serde(skip)]
    pub leaders: LeaderEvidence,
    /// The database session.
    pub database: Option<DatabaseConnection>,
    /// The newest poll and when it came.
    pub reading: Option<(Timestamp, Reading)>,
    /// How each lease moves, by its type.
    pub leases: BTreeMap<SafeText, LeaseTrack>,
    /// The rows that were asked for last, and when they came.
    pub rows: Option<(Timestamp, Rows)>,
    #[serde(skip)]
    feeds: BTreeMap<FeedId, Feed>,
    #[serde(skip)]
    counts: VecDeque<(Timestamp, BTreeMap<(SafeText, SafeText), u64>)>,
}

/// How far one log is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogKnown {
    /// As the reader last told.
    pub progress: LogProgress,
    /// Lines known to be missing.
    pub missed: u64,
}

/// How a lease's end moves from poll to poll: one that advances is held by a living process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeaseTrack {
    /// `expires` of the newest poll.
    pub expires: SafeText,
    /// When it was first seen at all.
    pub first_seen_at: Timestamp,
    /// When it was last seen to advance.
    pub advanced_at: Option<Timestamp>,
}

impl Facts {
    /// Takes in a fact that came at `now`.
    pub fn apply(&mut self, fact: Fact, now: Timestamp) {
        match fact {
            Fact::Connection(connection) => self.connection = Some(connection),
            Fact::Feed(id, state) => self.hear(id, state, now),
            Fact::Deployment(deployment) => {
                self.deployment = deployment;
                self.hear(FeedId::Deployment, FeedState::Live, now);
            }
            Fact::Pods(pods) => self.replace_pods(pods, now),
            Fact::Pod(pod) => {
                self.pods.insert(pod.uid.clone(), pod);
                self.hear(FeedId::Pods, FeedState::Live, now);
            }
            Fact::PodGone(uid) => {
                self.forget_pod(&uid);
                self.hear(FeedId::Pods, FeedState::Live, now);
            }
            Fact::ClusterEvents(events) => {
                self.cluster_events = events
                    .into_iter()
                    .map(|event| (event.uid.clone(), event))
                    .collect();
                self.hear(FeedId::ClusterEvents, FeedState::Live, now);
            }
            Fact::ClusterEvent(event) => {
                self.cluster_events.insert(event.uid.clone(), event);
                self.hear(FeedId::ClusterEvents, FeedState::Live, now);
            }
            Fact::ClusterEventGone(uid) => {
                self.cluster_events.remove(&uid);
            }
            Fact::Access(access) => {
                self.access = access;
                self.hear(FeedId::Access, FeedState::Live, now);
            }
            Fact::Log(batch) => self.apply_log(&batch, now),
            Fact::LogNote { source, missed, .. } => {
                if let Some(log) = self.logs.get_mut(&source) {
                    log.missed += missed;
                }
            }
            Fact::DatabaseConnection(connection) => self.database = Some(connection),
            Fact::Database(reading) => self.apply_reading(reading, now),
            Fact::Rows(rows) => self.rows = Some((now, rows)),
        }
    }

    fn hear(&mut self, id: FeedId, state: FeedState, now: Timestamp) {
        let of_unknown_pod = matches!(&id, FeedId::Log(key) if !self.pods.contains_key(&key.pod_uid));
        if !of_unknown_pod {
            self.feeds
                .entry(id)
                .or_insert_with(|| Feed::new(now))
                .apply(state, now);
        }
    }

    fn replace_pods(&mut self, pods: Vec<Pod>, now: Timestamp) {
        let pods: BTreeMap<_, _> = pods.into_iter().map(|pod| (pod.uid.clone(), pod)).collect();
        let gone: Vec<_> = self
            .pods
            .keys()
            .filter(|uid| !pods.contains_key(uid))
            .cloned()
            .collect();
        gone.iter().for_each(|uid| self.forget_pod(uid));
        self.pods = pods;
        self.hear(FeedId::Pods, FeedState::Live, now);
    }

    /// A pod that is gone proves nothing any more: its log's evidence goes with it.
    fn forget_pod(&mut self, uid: &PodUid) {
        self.pods.remove(uid);
        self.logs.retain(|key, _| key.pod_uid != *uid);
        self.leaders.forget(uid);
        self.feeds
            .retain(|id, _| !matches!(id, FeedId::Log(key) if key.pod_uid == *uid));
    }

    fn apply_log(&mut self, batch: &LogBatch, now: Timestamp) {
        if !self.pods.contains_key(&batch.source.pod_uid) {
            return;
        }
        let log = self.logs.entry(batch.source.clone()).or_default();
        log.progress = batch.progress.clone();
        self.leaders.apply(&batch.source, &batch.sightings);
        self.hear(FeedId::Log(batch.source.clone()), FeedState::Live, now);
    }

    fn apply_reading(&mut self, reading: Reading, now: Timestamp) {
        self.hear(FeedId::Database, FeedState::Live, now);
        for lease in reading.leases.iter().flatten() {
            let track = self
                .leases
                .entry(lease.lease_type.clone())
                .or_insert_with(|| LeaseTrack {
                    expires: lease.expires.clone(),
                    first_seen_at: now,
                    advanced_at: None,
                });
            if track.expires != lease.expires {
                track.expires = lease.expires.clone();
                track.advanced_at = Some(now);
            }
        }
        self.counts.push_back((now, counts_of(&reading)));
        while self.counts.len() > 1
            && self
                .counts
                .front()
                .is_some_and(|(at, _)| now.duration_since(*at) > CHANGE_WINDOW)
        {
            self.counts.pop_front();
        }
        self.reading = Some((now, reading));
    }

    /// A source, if it was ever heard of.
    pub fn feed(&self, id: &FeedId) -> Option<&Feed> {
        self.feeds.get(id)
    }

    /// All sources.
    pub fn feeds(&self) -> impl Iterator<Item = (&FeedId, &Feed)> {
        self.feeds.iter()
    }

    /// How current a source is. What is watched is current as long as its stream stands and the server gives signs of life.
    pub fn freshness(&self, id: &FeedId, now: Timestamp) -> Freshness {
        let Some(feed) = self.feeds.get(id) else {
            return Freshness::Missing;
        };
        let Some(mut heard_at) = feed.heard_at else {
            return Freshness::Missing;
        };
        let live = matches!(feed.state, FeedState::Live);
        let watched = matches!(id, FeedId::Deployment | FeedId::Pods | FeedId::ClusterEvents);
        if live && watched {
            let api = self.feeds.get(&FeedId::Api).and_then(|api| api.heard_at);
            heard_at = heard_at.max(api.unwrap_or(heard_at));
        }
        let age = now.duration_since(heard_at).max(SignedDuration::ZERO);
        let asked_once = matches!(id, FeedId::Access) || matches!(feed.state, FeedState::Ended);
        if asked_once || age <= STALE_AFTER {
            Freshness::Fresh(age)
        } else {
            Freshness::Stale(age)
        }
    }

    /// How a status's count changed since the oldest reading that is kept, and how long ago that was.
    pub fn change_of(&self, table: &str, status: &str) -> Option<(i64, SignedDuration)> {
        let (first_at, first) = self.counts.front()?;
        let (last_at, last) = self.counts.back()?;
        let key = (SafeText::new(table), SafeText::new(status));
        let count = |counts: &BTreeMap<_, u64>| counts.get(&key).copied().unwrap_or(0) as i64;
        Some((count(last) - count(first), last_at.duration_since(*first_at)))
    }

    /// The counts of one table in the newest reading.
    pub fn statuses(&self, table: &str) -> Option<&Result<Vec<StatusCount>, SafeText>> {
        let (_, reading) = self.reading.as_ref()?;
        let reading = reading.tables.iter().find(|reading| &*reading.table == table)?;
        Some(&reading.statuses)
    }

    /// Whether something is allowed; `None` when it was not asked or the review failed.
    pub fn may(&self, verb: &str, resource: &str, subresource: &str) -> Option<bool> {
        let asked = |access: &&Access| {
            let permission = &access.permission;
            permission.verb == verb
                && permission.resource == resource
                && permission.subresource == subresource
        };
        self.access.iter().find(asked)?.allowed
    }
}

fn counts_of(reading: &Reading) -> BTreeMap<(SafeText, SafeText), u64> {
    let statuses = |table: &super::fact::TableReading| -> Vec<((SafeText, SafeText), u64)> {
        let key = |status: &StatusCount| ((table.table.clone(), status.status.clone()), status.count);
        table.statuses.iter().flatten().map(key).collect()
    };
    reading.tables.iter().flat_map(statuses).collect()
}
