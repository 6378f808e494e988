//! All that is known now: observations as they came in, each with its source's state.

mod monitoring;
#[cfg(test)]
mod monitoring_tests;
mod movement;
#[cfg(test)]
mod movement_tests;
mod owners;
#[cfg(test)]
mod owners_tests;
mod service_pods;
#[cfg(test)]
mod tests;
mod vitals;

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use self::monitoring::polled_every;
pub use self::monitoring::{
    ALERTS_EVERY, IssueCount, METRICS_EVERY, MonitoringKnown, RULES_EVERY, TRACKER_EVERY,
};
use self::movement::Movements;
pub use self::movement::{Movement, Oldest, Seen};
pub use self::owners::{Basis, Owners};
pub use self::vitals::VitalSamples;
use crate::diagnose::leaders::LeaderEvidence;
use crate::logparse::{ContainerKey, LogBatch, LogProgress, RequestBuckets};
use crate::observe::log_errors::LogErrors;
use crate::observe::observation::{
    Access, Autoscaler, ClusterEvent, Connection, DatabaseConnection, Deployment, Lease, Observation, Pod,
    PodUid, Reading, Rows, Scrape, Standby, Standing, StatusCount,
};
use crate::observe::source::{Freshness, Source, SourceId, SourceState};
use crate::safe;
use crate::text::{Redacted, SafeText};

/// How old the last sign of life of a source may be before nothing may be concluded from it.
pub const STALE_AFTER: SignedDuration = SignedDuration::from_secs(15);

/// A connection that died in silence is noticed by TCP only after so long (5 s, then two tries of 3 s): for that time, the server's signs
/// of life say nothing of a watch.
const UNNOTICED: SignedDuration = SignedDuration::from_secs(11);

/// How far back counts are kept, to say how they change.
pub const CHANGE_WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// How long after one answer the next is asked for, of what the pods use and count.
pub const VITALS_EVERY: SignedDuration = SignedDuration::from_secs(15);

/// How often a log may be asked for in all, besides the opening of the logs that are there at the start: checks of silent logs and turns
/// of those that are not followed share it.
pub const LOG_REQUESTS_EVERY: SignedDuration = SignedDuration::from_secs(1);

/// As many silent logs as this are each checked as often as one alone.
const LOGS_CHECKED_AT_ONCE: usize = 12;

/// A log whose first line is younger than its container by more than this has lost its beginning.
const FIRST_LINE_WITHIN: SignedDuration = SignedDuration::from_secs(5);

/// Rows by status, of each table that could be read.
type Counts = BTreeMap<SafeText, BTreeMap<SafeText, u64>>;

/// What is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct State {
    /// When the incident began: when somebody began to look, which is after it began for the users.
    pub began_at: Option<Timestamp>,
    /// How many times as fast as that of the sources the clock runs that dates the observations, where it does.
    #[serde(skip)]
    speed: Option<f64>,
    /// Who and where we are, once connected.
    pub connection: Option<Connection>,
    /// The deployment; `None` also when there is none: [`State::source`] tells whether it was looked at.
    pub deployment: Option<Deployment>,
    /// The service's own pods, by their controllers.
    pub pods: BTreeMap<PodUid, Pod>,
    /// Pods that carry the service's label and are not its own: they prove nothing and nothing is done to them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub other_pods: BTreeMap<PodUid, Pod>,
    /// The autoscaler that sets the deployment's number of pods, where one is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autoscaler: Option<Autoscaler>,
    #[serde(skip)]
    owners: Owners,
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
    /// What the logs say about errors.
    #[serde(skip)]
    pub errors: LogErrors,
    /// What the logs of the living say about requests, by half minute.
    #[serde(skip)]
    pub requests: BTreeMap<ContainerKey, RequestBuckets>,
    /// What the pods used and counted of late.
    #[serde(skip)]
    pub vitals: VitalSamples,
    /// What monitoring servers said.
    #[serde(skip)]
    pub monitoring: Box<MonitoringKnown>,
    /// The database session.
    pub database: Option<DatabaseConnection>,
    /// The newest poll and when it came.
    pub reading: Option<(Timestamp, Reading)>,
    /// How each lease moves, by its type.
    pub leases: BTreeMap<SafeText, LeaseTrack>,
    /// The rows that were asked for last, and when they came.
    pub rows: Option<(Timestamp, Rows)>,
    /// When the API server answered again after an outage that was seen, if any was.
    #[serde(skip)]
    pub api_back_at: Option<Timestamp>,
    #[serde(skip)]
    sources: BTreeMap<SourceId, Source>,
    /// How many logs are followed, and how many are read in turns.
    #[serde(skip)]
    logs_read: LogsRead,
    #[serde(skip)]
    counts: VecDeque<(Timestamp, Counts)>,
    #[serde(skip)]
    movements: Movements,
}

/// How many logs are read, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogsRead {
    /// Over a stream that stays open.
    pub followed: usize,
    /// In turns.
    pub in_turns: usize,
}

/// How far one log is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogKnown {
    /// As the reader last told.
    pub progress: LogProgress,
    /// Lines known to be missing.
    pub missed: u64,
}

impl LogKnown {
    /// Whether the first line that is known came too long after the start of its container: the lines before it are lost.
    pub fn lost_its_beginning(&self, started: Timestamp) -> bool {
        let first = self.progress.first_at;
        first.is_some_and(|first| first.duration_since(started) > FIRST_LINE_WITHIN)
    }
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

impl State {
    /// Takes in an observation that came at `now`.
    pub fn apply(&mut self, observation: Observation, now: Timestamp) {
        match observation {
            Observation::Connection(connection) => self.connection = Some(connection),
            // Whoever gives the time takes it into account.
            Observation::ServerClock(_) => {}
            Observation::Source(id, state) => self.hear(id, state, now),
            observation @ (Observation::ReplicaSets(_)
            | Observation::ReplicaSet(_)
            | Observation::ReplicaSetGone(_)) => {
                self.apply_owner(&observation);
                self.hear(SourceId::ReplicaSets, SourceState::Live, now);
            }
            Observation::Deployment(deployment) => {
                let observation = Observation::Deployment(deployment);
                self.apply_owner(&observation);
                if let Observation::Deployment(deployment) = observation {
                    self.deployment = deployment;
                }
                self.hear(SourceId::Deployment, SourceState::Live, now);
            }
            Observation::Autoscaler(autoscaler) => {
                self.autoscaler = autoscaler;
                self.hear(SourceId::Autoscaler, SourceState::Live, now);
            }
            Observation::Pods(pods) => {
                self.replace_pods(pods);
                self.hear(SourceId::Pods, SourceState::Live, now);
            }
            Observation::Pod(pod) => {
                self.put_pod(pod);
                self.hear(SourceId::Pods, SourceState::Live, now);
            }
            Observation::PodGone(uid) => {
                self.other_pods.remove(&uid);
                self.forget_pod(&uid);
                self.hear(SourceId::Pods, SourceState::Live, now);
            }
            Observation::ClusterEvents(events) => {
                self.cluster_events = events
                    .into_iter()
                    .map(|event| (event.uid.clone(), event))
                    .collect();
                self.hear(SourceId::ClusterEvents, SourceState::Live, now);
            }
            Observation::ClusterEvent(event) => {
                self.cluster_events.insert(event.uid.clone(), event);
                self.hear(SourceId::ClusterEvents, SourceState::Live, now);
            }
            Observation::ClusterEventGone(uid) => {
                self.cluster_events.remove(&uid);
            }
            Observation::Access(access) => {
                self.access = access;
                self.hear(SourceId::Access, SourceState::Live, now);
            }
            Observation::Log(batch) => self.apply_log(&batch, now),
            Observation::LogNote { source, missed, .. } => {
                // Lines may be missed before the first batch comes.
                if self.pods.contains_key(&source.pod_uid) {
                    self.logs.entry(source).or_default().missed += missed;
                }
            }
            Observation::DatabaseConnection(connection) => self.database = Some(connection),
            Observation::Database(reading) => self.apply_reading(reading, now),
            Observation::Rows(rows) => self.rows = Some((now, rows)),
            Observation::Usage(usage) => {
                self.vitals.add_usage(usage, now);
                self.hear(SourceId::Usage, SourceState::Live, now);
            }
            observation @ (Observation::Metrics(_)
            | Observation::ClusterMetrics(_)
            | Observation::MetricsHistory(_)
            | Observation::Alerts(_)
            | Observation::AlertRules(_)
            | Observation::Tracker(_)) => self.apply_monitoring(observation, now),
            Observation::Scrape { pod, scrape } => self.apply_scrape(pod, scrape, now),
        }
    }

    fn apply_scrape(&mut self, pod: PodUid, scrape: Scrape, now: Timestamp) {
        if let Some(known) = self.pods.get(&pod) {
            self.vitals.add_scrape(pod.clone(), known.restarts, scrape, now);
            self.hear(SourceId::Scrape(pod), SourceState::Live, now);
        }
    }

    fn apply_monitoring(&mut self, observation: Observation, now: Timestamp) {
        if let Some(id) = self.monitoring.apply(observation, now) {
            self.hear(id, SourceState::Live, now);
        }
    }

    /// Moves every moment that was told by a clock which turns out to be off by `span`.
    pub fn shift(&mut self, span: SignedDuration) {
        let sources = self.sources.values_mut().flat_map(Source::moments);
        let readings = self.reading.iter_mut().map(|(at, _)| at);
        let rows = self.rows.iter_mut().map(|(at, _)| at);
        let counts = self.counts.iter_mut().map(|(at, _)| at);
        let back = self.api_back_at.iter_mut();
        let leases = self.leases.values_mut();
        let leases = leases.flat_map(|track| [Some(&mut track.first_seen_at), track.advanced_at.as_mut()]);
        let movements = self.movements.moments();
        let vitals = self.vitals.moments();
        let monitoring = self.monitoring.moments();
        let all = sources.chain(readings).chain(rows).chain(counts).chain(back);
        let all = all.chain(movements).chain(vitals).chain(monitoring);
        for at in all.chain(leases.flatten()) {
            *at = at.saturating_add(span).unwrap_or(*at);
        }
    }

    fn hear(&mut self, id: SourceId, state: SourceState, now: Timestamp) {
        if pod_of(&id).is_some_and(|pod| !self.pods.contains_key(pod)) {
            return;
        }
        if let SourceId::Log(key) = &id
            && !self.sources.contains_key(&id)
        {
            self.forget_old_instances(key);
        }
        // What a quiet watch was known by until now stays known of it when it fails, but for the time in which its death went unnoticed.
        let own = self.sources.get(&id).and_then(|source| source.heard_at);
        let lived = self
            .heard_at(&id)
            .map(|at| at.saturating_sub(UNNOTICED).unwrap_or(at));
        let is_api = id == SourceId::Api;
        let of_log = matches!(id, SourceId::Log(_));
        let source = self.sources.entry(id).or_insert_with(|| Source::new(now));
        if is_api && state == SourceState::Live && matches!(source.state, SourceState::Failing { .. }) {
            self.api_back_at = Some(now);
        }
        source.heard_at = own.max(lived);
        let before = std::mem::discriminant(&source.state);
        source.apply(state, now);
        if of_log && before != std::mem::discriminant(&source.state) {
            self.count_logs();
        }
    }

    pub(super) fn count_logs(&mut self) {
        let states = || {
            let logs = self
                .sources
                .iter()
                .filter(|(id, _)| matches!(id, SourceId::Log(_)));
            logs.map(|(_, source)| &source.state)
        };
        self.logs_read = LogsRead {
            followed: states().filter(|state| **state == SourceState::Live).count(),
            in_turns: states().filter(|state| **state == SourceState::Resting).count(),
        };
    }

    /// How many logs are read, and how.
    pub fn logs_read(&self) -> LogsRead {
        self.logs_read
    }

    /// How long a silent log may wait for its check beyond the usual pause, where many share what may be asked.
    fn check_waits(&self) -> SignedDuration {
        let LogsRead { followed, in_turns } = self.logs_read;
        if followed <= LOGS_CHECKED_AT_ONCE {
            return SignedDuration::ZERO;
        }
        // Every other request is for a turn.
        let each = if in_turns > 0 { 2 } else { 1 };
        LOG_REQUESTS_EVERY * (followed as i32 * each)
    }

    /// When a source was last known to be current: a watch whose stream stands is as current as the server's last sign of life.
    fn heard_at(&self, id: &SourceId) -> Option<Timestamp> {
        let source = self.sources.get(id)?;
        let watched = matches!(
            id,
            SourceId::Deployment
                | SourceId::Pods
                | SourceId::ReplicaSets
                | SourceId::Autoscaler
                | SourceId::ClusterEvents
        );
        if !watched || source.state != SourceState::Live {
            return source.heard_at;
        }
        let api = self.sources.get(&SourceId::Api).and_then(|api| api.heard_at);
        source.heard_at.map(|at| at.max(api.unwrap_or(at)))
    }

    fn apply_log(&mut self, batch: &LogBatch, now: Timestamp) {
        if !self.pods.contains_key(&batch.source.pod_uid) {
            return;
        }
        let known = self.logs.contains_key(&batch.source);
        let log = self.logs.entry(batch.source.clone()).or_default();
        log.progress = batch.progress.clone();
        if !known {
            self.forget_old_instances(&batch.source);
        }
        self.leaders.apply(&batch.source, &batch.sightings);
        self.errors.apply(&batch.source, &batch.errors);
        if let Some(requests) = &batch.requests {
            self.requests.insert(batch.source.clone(), requests.clone());
        }
        self.hear(SourceId::Log(batch.source.clone()), SourceState::Live, now);
    }

    /// A container that crashes all day has hundreds of instances: the newest few tell all there is to know.
    fn forget_old_instances(&mut self, newest: &ContainerKey) {
        let is_old = |key: &ContainerKey| {
            key.pod_uid == newest.pod_uid
                && key.container == newest.container
                && key.is_outdated(newest.restart)
        };
        self.logs.retain(|key, _| !is_old(key));
        self.requests.retain(|key, _| !is_old(key));
        self.errors.forget(is_old);
        self.sources
            .retain(|id, _| !matches!(id, SourceId::Log(key) if is_old(key)));
        self.count_logs();
    }

    fn apply_reading(&mut self, mut reading: Reading, now: Timestamp) {
        self.hear(SourceId::Database, SourceState::Live, now);
        for lease in reading
            .leases
            .iter()
            .flatten()
            .filter(|lease| is_only(lease, &reading))
        {
            let track = self
                .leases
                .entry(lease.lease_type.clone())
                .or_insert_with(|| LeaseTrack {
                    expires: lease.expires.clone(),
                    first_seen_at: now,
                    advanced_at: None,
                });
            if track.expires != lease.expires {
                track.advanced_at = is_later(lease, track).then_some(now).or(track.advanced_at);
                track.expires = lease.expires.clone();
            }
        }
        if let Ok(leases) = &reading.leases {
            self.leases
                .retain(|kind, _| leases.iter().filter(|lease| lease.lease_type == *kind).count() == 1);
        }
        let stale_after = self.paced(STALE_AFTER);
        self.movements.apply(&mut reading, now, stale_after);
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
    pub fn source(&self, id: &SourceId) -> Option<&Source> {
        self.sources.get(id)
    }

    /// A source's name as the operator knows it: a pod's by its short name.
    pub fn source_name(&self, id: &SourceId) -> SafeText {
        match id {
            SourceId::Scrape(uid) => match self.pods.get(uid) {
                Some(pod) => safe!("metrics of {}", pod.short_name()),
                None => id.name(),
            },
            _ => id.name(),
        }
    }

    /// All sources.
    pub fn sources(&self) -> impl Iterator<Item = (&SourceId, &Source)> {
        self.sources.iter()
    }

    /// From now on the clock that dates the observations runs `speed` times as fast as that of the sources: they give their signs of life as
    /// often as ever, so that by this clock more time passes between two.
    pub fn set_speed(&mut self, speed: f64) {
        self.speed = Some(speed);
    }

    /// A span of the sources' time, by the clock that dates the observations.
    pub(crate) fn paced(&self, span: SignedDuration) -> SignedDuration {
        self.speed.map_or(span, |speed| span.mul_f64(speed))
    }

    /// Whether what a source says is of now.
    pub fn is_fresh(&self, id: &SourceId, now: Timestamp) -> bool {
        matches!(self.freshness(id, now), Freshness::Fresh(_))
    }

    /// Why the pods were never read, where trying fails: `pods can't be read: forbidden`.
    pub fn unread_pods(&self, now: Timestamp) -> Option<SafeText> {
        let source = self.sources.get(&SourceId::Pods)?;
        let missing = matches!(self.freshness(&SourceId::Pods, now), Freshness::Missing);
        let problem = source.problem().filter(|_| missing)?;
        Some(safe!("pods can't be read: {}", problem.kind.in_words()))
    }

    /// How current a source is. What is watched is current as long as its stream stands and the server gives signs of life.
    pub fn freshness(&self, id: &SourceId, now: Timestamp) -> Freshness {
        let Some(source) = self.sources.get(id) else {
            return Freshness::Missing;
        };
        let Some(heard_at) = self.heard_at(id) else {
            return Freshness::Missing;
        };
        if let Some((read_at, standby)) = self.standby_behind().filter(|_| *id == SourceId::Database) {
            return match standby.behind_s {
                Some(behind) => {
                    let read = now.duration_since(read_at).max(SignedDuration::ZERO);
                    Freshness::Stale(read.saturating_add(SignedDuration::from_secs(behind)))
                }
                None => Freshness::Missing,
            };
        }
        let age = now.duration_since(heard_at).max(SignedDuration::ZERO);
        let asked_once = matches!(id, SourceId::Access) || matches!(source.state, SourceState::Ended);
        // What is asked every so often is not silent before the next answer is due.
        let rests = match id {
            SourceId::Usage | SourceId::Scrape(_) => self.paced(VITALS_EVERY),
            SourceId::Log(_) if source.state == SourceState::Live => self.paced(self.check_waits()),
            // One whose polls fail is known to have stopped; one that is slow may miss its turn twice.
            _ if source.problem().is_some() => self.paced(polled_every(id).unwrap_or_default()),
            _ => self.paced(polled_every(id).map_or(SignedDuration::ZERO, |every| every * 3 - STALE_AFTER)),
        };
        if asked_once || age <= self.paced(STALE_AFTER) + rests {
            Freshness::Fresh(age)
        } else {
            Freshness::Stale(age)
        }
    }

    /// The standby that the database was read from, and when, where it is too far behind to conclude anything from: its leases and ages
    /// are the primary's of that long ago.
    pub fn standby_behind(&self) -> Option<(Timestamp, &Standby)> {
        let (read_at, reading) = self.reading.as_ref()?;
        let standby = reading.standby.as_ref()?;
        (!standby.is_current()).then_some((*read_at, standby))
    }

    /// How a status's count changed since the oldest reading that is kept, and how long ago that was. Readings in which the table
    /// could not be read do not count.
    pub fn change_of(&self, table: &str, status: &str) -> Option<(i64, SignedDuration)> {
        let (table, status) = (SafeText::new(table), SafeText::new(status));
        let mut read = self
            .counts
            .iter()
            .filter_map(|(at, counts)| Some((*at, counts.get(&table)?)));
        let first = read.next()?;
        let last = read.next_back().unwrap_or(first);
        let count = |counts: &BTreeMap<_, u64>| counts.get(&status).copied().unwrap_or(0) as i64;
        Some((count(last.1) - count(first.1), last.0.duration_since(first.0)))
    }

    /// The counts of one table in the newest reading.
    pub fn statuses(&self, table: &str) -> Option<&Result<Vec<StatusCount>, Redacted>> {
        let (_, reading) = self.reading.as_ref()?;
        let reading = reading.tables.iter().find(|reading| &*reading.table == table)?;
        Some(&reading.statuses)
    }

    /// The rows of one table that stand out in the newest reading; `None` where they were not read.
    pub fn standing(&self, table: &str) -> Option<&Standing> {
        let (_, reading) = self.reading.as_ref()?;
        let reading = reading.tables.iter().find(|reading| &*reading.table == table)?;
        reading.standing.as_ref().ok()
    }

    /// Whether something is allowed; `None` when it was not asked or the review failed.
    pub fn may(&self, verb: &str, resource: &str, subresource: &str) -> Option<bool> {
        let asked = |access: &&Access| {
            let permission = &access.permission;
            *permission.verb == *verb
                && *permission.resource == *resource
                && *permission.subresource == *subresource
        };
        self.access.iter().find(asked)?.allowed
    }
}

/// The pod that a source belongs to.
fn pod_of(id: &SourceId) -> Option<&PodUid> {
    match id {
        SourceId::Log(key) => Some(&key.pod_uid),
        SourceId::Scrape(pod) => Some(pod),
        _ => None,
    }
}

fn counts_of(reading: &Reading) -> Counts {
    let count = |status: &StatusCount| (status.status.clone(), status.count);
    let read = |table: &crate::observe::observation::TableReading| {
        let statuses = table.statuses.as_ref().ok()?;
        Some((table.table.clone(), statuses.iter().map(count).collect()))
    };
    reading.tables.iter().filter_map(read).collect()
}

/// Whether a lease is the only one of its type: of two ends, the one would seem to advance to the other.
fn is_only(lease: &Lease, reading: &Reading) -> bool {
    let mut leases = reading.leases.iter().flatten();
    leases.all(|other| std::ptr::eq(other, lease) || other.lease_type != lease.lease_type)
}

/// Whether a lease's end has moved on. One that moved back was let go, or read from a server that lags behind: nobody renewed it.
/// PostgreSQL writes the times of one session so that they compare as text.
fn is_later(lease: &Lease, track: &LeaseTrack) -> bool {
    lease.expires > track.expires
}
