//! The cluster behind the API: objects, controllers, scheduler, kubelets, the service in the pods, and the logs.
//!
//! Time is an argument: [`World::advance`] lets it pass and does everything that fell due, in order. A world begins in the past and is
//! advanced to its start, so that ages, logs, events and back-offs at the start come from a real past.

mod autoscaling;
mod conditions;
mod container_run;
mod deployment_status;
mod deployments;
mod event_recorder;
mod failures;
mod image_pulls;
mod kubelet;
mod logs;
mod managed_fields;
mod metrics_server;
mod monitoring;
mod mounts;
mod node_status;
mod nodes;
mod objects;
mod packed_lines;
mod pod_run;
mod probes;
mod quota;
mod removal;
mod replicasets;
mod resource;
mod rollout;
mod scheduler;
mod store;
#[cfg(test)]
mod tests;
mod timeline;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::database::Tables;
use super::monitoring::Monitoring;
use super::random::Random;
use super::scenario::{Scenario, TimelineEvent};
use super::service::{Probe, Service};
use container_run::ContainerState;
use failures::ContainerFaults;
use image_pulls::Images;
use metrics_server::MetricsServer;
use nodes::{Node, NodeStep};
use pod_run::PodRun;
use quota::QuotaRefusal;

pub use event_recorder::seconds;
pub use logs::{Instance, LogFile, LogLine, Logs, PIECE, Position};
pub use managed_fields::{FieldManager, fields_of, record_ownership};
pub use metrics_server::Average;
pub use objects::{CONTAINER, DATABASE_SECRET, NAMESPACE, SERVICE};
pub use resource::Resource;
pub use store::{Change, ChangeKind, Store};

/// How long the controllers take to react to a change.
const REACTION: SignedDuration = SignedDuration::from_millis(30);

/// Something that falls due.
#[derive(Clone, Debug)]
enum Due {
    /// Something falls due on a node, by its place among the nodes.
    Node(usize, NodeStep),
    /// A pod takes its next step.
    Pod(String, PodStep),
    /// The controllers look at what changed.
    Controllers,
    /// An event's lifetime is over, unless it was repeated since that version.
    ExpireEvent {
        namespace: String,
        name: String,
        version: u64,
    },
    /// The kubelet removes a gone pod's files.
    ForgetLogs(String),
    /// The scenario's timeline.
    TimelineEvent(TimelineEvent),
    /// The autoscalers look at what they scale.
    Autoscale,
    /// The metrics server asks the kubelets.
    Scrape,
}

/// A step in a pod's life; numbers are container indexes, init containers first.
#[derive(Clone, Copy, Debug)]
enum PodStep {
    Bind,
    Admit,
    /// The volumes, after so many attempts that failed.
    Mount(u32),
    Start(usize),
    Pulled(usize),
    FailPull(usize),
    LookAtPull(usize, i32),
    /// The instance with that many restarts ends.
    FinishInit(usize, u32),
    Probe(usize, Probe),
    /// The instance with that many restarts needs more memory than it may have.
    OutOfMemory(usize, u32),
    /// The kubelet looks for the nth time at the instance with that many restarts, which ended.
    LookAtCrash(usize, u32, u32),
    Stop,
    Remove,
}

/// A fault that the timeline begins or ends in a server outside the world.
#[derive(Clone, Debug)]
pub enum FaultRequest {
    /// Of the API server; `None` ends it.
    Api(Option<super::faults::ApiFault>),
    /// Of the database; `None` ends it.
    Database(Option<super::database::DatabaseFault>),
}

/// The whole cluster.
pub struct World {
    store: Store,
    logs: Logs,
    service: Service,
    tables: Arc<Mutex<Tables>>,
    random: Random,
    pods: BTreeMap<String, PodRun>,
    images: Images,
    faults: ContainerFaults,
    nodes: Vec<Node>,
    /// By how much each node is larger than usual: a service of many pods needs larger nodes.
    node_size: i64,
    /// The resource that all nodes have run out of.
    short_of: Option<String>,
    /// How many pods the namespace's quota allows.
    quota: Option<u64>,
    /// Uids of the deployments and ReplicaSets that no controller looks after.
    unattended: BTreeSet<String>,
    /// By the uid of a ReplicaSet whose pods are refused.
    refused: BTreeMap<String, QuotaRefusal>,
    /// By uid of the object, component and reason: when the last of its events came, and the messages.
    similar: BTreeMap<(String, String, String), (Timestamp, BTreeSet<String>)>,
    /// When the old ones of these were forgotten last.
    similar_swept: Timestamp,
    /// The nanosecond the newest event is named after.
    event_nanos: u64,
    /// Deleted secrets, to be restored.
    lost_secrets: Vec<Value>,
    queue: BTreeMap<(Timestamp, u64), Due>,
    queued: u64,
    controllers_due: bool,
    next_node: usize,
    requests: VecDeque<FaultRequest>,
    metrics: MetricsServer,
    monitoring: Monitoring,
}

/// Pods of the service for which nodes of the usual size have room, those of a rollout included.
const USUAL_PODS: u32 = 15;

impl World {
    /// Makes the scenario's world and advances it through its past to `now`.
    pub fn new(
        scenario: &Scenario,
        seed: u64,
        now: Timestamp,
        tables: Arc<Mutex<Tables>>,
        database: &[(&str, String)],
    ) -> Self {
        let mut random = Random::of_cluster(seed);
        let version = 48_000_000 + random.below(1_000_000);
        let mut world = Self {
            store: Store::starting_at(version),
            logs: Logs::rotating_at(scenario.deployment.log_max_size.unwrap_or(logs::ROTATE_AT)),
            service: Service::new(scenario.service.clone(), seed),
            tables,
            next_node: random.below(3) as usize,
            random,
            pods: BTreeMap::new(),
            images: Images::default(),
            faults: ContainerFaults::of(&scenario.releases),
            nodes: Node::all(),
            node_size: i64::from(scenario.deployment.replicas.div_ceil(USUAL_PODS)).max(1),
            short_of: None,
            quota: None,
            unattended: BTreeSet::new(),
            refused: BTreeMap::new(),
            similar: BTreeMap::new(),
            similar_swept: Timestamp::UNIX_EPOCH,
            event_nanos: 0,
            lost_secrets: Vec::new(),
            queue: BTreeMap::new(),
            queued: 0,
            controllers_due: false,
            requests: VecDeque::new(),
            metrics: MetricsServer::new(scenario.metrics, seed),
            monitoring: Monitoring::of(scenario, seed, now),
        };
        world.create_objects(scenario, now, database);
        world.plan_timeline(scenario, now);
        world.start_metrics_server(now - scenario.deployment.pods_age, now);
        world.advance(now);
        world
    }

    /// Lets time pass up to `now`.
    pub fn advance(&mut self, now: Timestamp) {
        loop {
            let queued = self.queue.first_key_value().map(|((at, _), _)| *at);
            // a scrape is no reason to wake up: it is made up for when the world is looked at
            let scrape = self.monitoring.next_scrape();
            let next = queued.map_or(scrape, |queued| queued.min(scrape));
            let due = Some(next).filter(|at| *at <= now);
            // a process that ended by itself has put something into the queue
            if self.write_lines(due.unwrap_or(now)) {
                continue;
            }
            let Some(at) = due else {
                break;
            };
            if queued.is_none_or(|queued| scrape < queued) {
                self.scrape_for_monitoring(at);
                continue;
            }
            let Some((_, due)) = self.queue.pop_first() else {
                break;
            };
            self.handle(at, due);
        }
    }

    /// When something is next due.
    pub fn next_due(&self) -> Option<Timestamp> {
        let queued = self.queue.first_key_value().map(|((at, _), _)| *at);
        queued.into_iter().chain(self.service.next_due()).min()
    }

    /// The objects.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The container logs.
    pub fn logs(&self) -> &Logs {
        &self.logs
    }

    /// Forgets the history of changes: watches that are behind get 410.
    pub fn compact(&mut self) {
        self.store.compact();
    }

    /// The faults that the timeline began or ended since the last call.
    pub fn take_requests(&mut self) -> Vec<FaultRequest> {
        self.requests.drain(..).collect()
    }

    fn handle(&mut self, at: Timestamp, due: Due) {
        match due {
            Due::Node(index, step) => self.node_step(at, index, step),
            Due::Pod(uid, step) => self.step(at, &uid, step),
            Due::Controllers => {
                self.controllers_due = false;
                self.reconcile(at);
            }
            Due::ExpireEvent {
                namespace,
                name,
                version,
            } => self.expire_event(&namespace, &name, version),
            Due::ForgetLogs(uid) => self.logs.forget(&uid),
            Due::Autoscale => self.autoscale(at),
            Due::TimelineEvent(event) => self.apply_event(at, &event),
            Due::Scrape => self.scrape(at),
        }
    }

    fn schedule(&mut self, at: Timestamp, due: Due) {
        self.queued += 1;
        self.queue.insert((at, self.queued), due);
    }

    fn schedule_step(&mut self, at: Timestamp, uid: &str, step: PodStep) {
        self.schedule(at, Due::Pod(uid.to_owned(), step));
    }

    /// Wakes the controllers after a change.
    fn touch(&mut self, at: Timestamp) {
        if !self.controllers_due {
            self.controllers_due = true;
            self.schedule(at + REACTION, Due::Controllers);
        }
    }

    /// Moves the lines of the service up to `now` into the log files. Stops when a process ends by itself; returns whether one did.
    fn write_lines(&mut self, now: Timestamp) -> bool {
        let (lines, exit) = {
            let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
            self.service.advance(now, &mut tables)
        };
        let wrote = !lines.is_empty();
        for line in lines {
            self.monitoring.take_line(line.at, &line.bytes);
            let instance = kubelet::instance(&line.process.pod_uid, CONTAINER, line.process.restart);
            self.logs.append(&instance, line.at, line.bytes);
        }
        if wrote {
            self.logs.tell();
        }
        let ended = exit.is_some();
        if let Some(exit) = exit {
            self.process_ended(&exit);
        }
        ended
    }
}
