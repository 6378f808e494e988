//! The cluster without its API: objects, the controllers that move them, the service in the pods, and their logs.
//!
//! Time is an argument: [`World::advance`] lets it pass and does everything that fell due, in order. A world starts in the
//! past and is advanced to the present, so that ages, logs, events and back-offs at the start are those of a real past.

mod deployments;
mod events;
mod failures;
mod kubelet;
mod logs;
mod objects;
mod pod_run;
mod random;
mod replicasets;
mod resource;
mod store;
#[cfg(test)]
mod tests;
mod timeline;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::database::Tables;
use super::scenario::{Happening, Scenario};
use super::service::Service;
use failures::Images;
use pod_run::PodRun;
use random::Random;

pub use events::seconds;
pub use logs::{Instance, LogFile, LogLine, Logs, PIECE, Position};
pub use objects::{CONTAINER, DATABASE_SECRET, NAMESPACE, SERVICE};
pub use resource::Resource;
pub use store::{Change, ChangeKind, Store};

/// How long the controllers take to react to a change.
const REACTION: SignedDuration = SignedDuration::from_millis(30);

/// Something that falls due.
#[derive(Clone, Debug)]
enum Due {
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
    Happening(Happening),
}

/// A step in a pod's life; numbers are container indexes, init containers first.
#[derive(Clone, Copy, Debug)]
enum PodStep {
    Bind,
    Admit,
    Start(usize),
    Pulled(usize),
    FailPull(usize),
    LookAtPull(usize, i32),
    FinishInit(usize),
    /// The probe passes for the instance with that many restarts.
    Ready(u32),
    Crash(usize),
    BackOffCrash(usize, u32),
    Restart(usize),
    Stop,
    Remove,
}

/// What the world cannot do itself and leaves to who runs it.
#[derive(Clone, Debug)]
pub enum Request {
    /// The API server begins or ends to misbehave.
    Api(Option<super::faults::ApiFault>),
    /// The database does.
    Database(Option<super::database::Fault>),
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
    queue: BTreeMap<(Timestamp, u64), Due>,
    queued: u64,
    controllers_due: bool,
    next_node: usize,
    requests: VecDeque<Request>,
}

impl World {
    /// The scenario's world at `now`, its past lived through.
    pub fn new(
        scenario: &Scenario,
        seed: u64,
        now: Timestamp,
        tables: Arc<Mutex<Tables>>,
        database: &[(&str, String)],
    ) -> Self {
        let mut random = Random::seeded(seed);
        let version = 48_000_000 + random.below(1_000_000);
        let mut world = Self {
            store: Store::starting_at(version),
            logs: Logs::default(),
            service: Service::new(scenario.service.clone(), seed),
            tables,
            next_node: random.below(3) as usize,
            random,
            pods: BTreeMap::new(),
            images: Images::default(),
            queue: BTreeMap::new(),
            queued: 0,
            controllers_due: false,
            requests: VecDeque::new(),
        };
        world.furnish(scenario, now, database);
        world.plan_timeline(scenario, now);
        world.advance(now);
        world
    }

    /// Lets time pass up to `now`.
    pub fn advance(&mut self, now: Timestamp) {
        while let Some((at, _)) = self
            .queue
            .first_key_value()
            .map(|(key, _)| *key)
            .filter(|(at, _)| *at <= now)
        {
            if self.write_lines(at) {
                continue;
            }
            if let Some((_, due)) = self.queue.pop_first() {
                self.handle(at, due);
            }
        }
        while self.write_lines(now) {}
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

    /// Forgets the history of changes: watches that are behind are told 410.
    pub fn compact(&mut self) {
        self.store.compact();
    }

    /// What the timeline asked of the servers since the last call.
    pub fn take_requests(&mut self) -> Vec<Request> {
        self.requests.drain(..).collect()
    }

    fn handle(&mut self, at: Timestamp, due: Due) {
        match due {
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
            Due::Happening(happening) => self.happen(at, &happening),
        }
    }

    fn schedule(&mut self, at: Timestamp, due: Due) {
        self.queued += 1;
        self.queue.insert((at, self.queued), due);
    }

    fn schedule_step(&mut self, at: Timestamp, uid: &str, step: PodStep) {
        self.schedule(at, Due::Pod(uid.to_owned(), step));
    }

    /// Something changed that the controllers want to see.
    fn touch(&mut self, at: Timestamp) {
        if !self.controllers_due {
            self.controllers_due = true;
            self.schedule(at + REACTION, Due::Controllers);
        }
    }

    /// Moves what the service wrote up to `now` into the log files; stops when a process ends by itself, and says so.
    fn write_lines(&mut self, now: Timestamp) -> bool {
        let (lines, exit) = {
            let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
            self.service.advance(now, &mut tables)
        };
        let wrote = !lines.is_empty();
        for line in lines {
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
