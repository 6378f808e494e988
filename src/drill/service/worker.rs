//! One process of the service: its workers, their elections, their reconcile loops, and what these log.

use jiff::Timestamp;

use super::behaviour::Behaviour;
use super::clusters::Panicked;
use super::connection::{self, ConnectionState};
use super::counters::Counters;
use super::election::{ElectionResult, TICK, WorkerKind, tick};
use super::iteration::Iteration;
use super::log::{CodeLocation, Log, SECOND};
use super::outages::Outages;
use super::panics;
use super::resource_use;
use super::resource_use::ResourceUse;
use super::{Process, Task, clusters, kafkas, requests, startup, users};
use crate::database::tables::{Tables, before};
use crate::random::Random;

/// A worker of a process; its id is new with every process.
#[derive(Debug)]
pub struct Worker {
    pub kind: WorkerKind,
    pub id: String,
    pub leading: bool,
    /// The number of its term. A loop of an earlier term ends.
    pub term: u32,
    /// Iterations of this term so far.
    pub iterations: u64,
    /// Whether its loop waits for the database.
    waits: bool,
}

/// A process that runs.
#[derive(Debug)]
pub struct Running {
    pub process: Process,
    pub started: Timestamp,
    pub random: Random,
    pub workers: [Worker; 2],
    /// Since when its servers listen; `None` until it has started up.
    pub listens_since: Option<i64>,
    /// Its loops don't see rows that changed after this.
    pub blind_since: Option<Timestamp>,
    /// Whether its election waits for a loop that does not return.
    pub election_blocked: bool,
    /// Whether the connection of its election was cut.
    pub cut: bool,
    /// Whether its health server is in maintenance mode.
    pub maintenance: bool,
    /// Whether a defect in its memory makes requests fail.
    pub defective: bool,
    /// Its counters, as `/metrics` shows them.
    pub counters: Counters,
    /// The CPU and memory that it uses.
    pub resource_use: ResourceUse,
    /// Whether it has logged its last line.
    ends: bool,
}

/// What all processes share: a process reads and writes it when it carries out a task.
pub struct ServiceContext<'a> {
    pub behaviour: &'a Behaviour,
    pub outages: &'a Outages,
    pub log: &'a mut Log,
    pub tables: &'a mut Tables,
    /// How many processes answer requests.
    pub serving: usize,
}

/// The tasks that follow a task, and when.
pub type Next = Vec<(i64, Task)>;

impl Running {
    pub fn new(process: Process, started: Timestamp, seed: u64) -> Self {
        let name = format!("{}/{}", process.pod_uid, process.restart);
        let mut random = Random::named(seed, &name);
        let workers = WorkerKind::ALL.map(|kind| Worker {
            kind,
            id: random.uuid(),
            leading: false,
            term: 0,
            iterations: 0,
            waits: false,
        });
        Self {
            counters: Counters::new(seed, &name),
            resource_use: ResourceUse::new(seed, &name, started.as_microsecond()),
            process,
            started,
            random,
            workers,
            listens_since: None,
            blind_since: None,
            election_blocked: false,
            cut: false,
            maintenance: false,
            defective: false,
            ends: false,
        }
    }

    /// Whether its servers listen.
    pub fn listens(&self, at: i64) -> bool {
        self.listens_since.is_some_and(|since| at >= since)
    }

    /// Ends the process, whose last line is logged at `at`.
    pub fn end(&mut self, at: i64, code: i32) -> Next {
        self.ends = true;
        vec![(at, Task::End { code })]
    }

    /// Some microseconds, as pass between two lines.
    pub fn moment(&mut self) -> i64 {
        20 + self.random.below(180) as i64
    }

    pub fn carry_out(&mut self, task: Task, at: i64, context: &mut ServiceContext<'_>) -> Next {
        if self.ends {
            return Vec::new();
        }
        let used = context.outages.used_percent(context.serving);
        self.resource_use.work(at, used, cpu_cost(task));
        match task {
            Task::Startup => startup::start_up(self, at, context),
            Task::Election => self.elect(at, context),
            Task::Reconcile { worker, term } => self.reconcile(worker, term, at, context),
            Task::Probe => {
                requests::probe(self, at, context.log);
                vec![(at + 5 * SECOND + self.random.below(900) as i64, Task::Probe)]
            }
            Task::Request => {
                requests::request(self, at, context);
                vec![(at + requests::until_next(self, context), Task::Request)]
            }
            Task::Create => {
                users::create(self, at, context);
                users::next(self, at, context, Task::Create)
            }
            Task::Delete => {
                users::delete(self, at, context);
                users::next(self, at, context, Task::Delete)
            }
            Task::Noise => {
                requests::noise(self, at, context.behaviour, context.log);
                vec![(
                    at + 60 * SECOND + self.random.below(5_000_000) as i64,
                    Task::Noise,
                )]
            }
            Task::End { .. } => Vec::new(),
        }
    }

    fn elect(&mut self, at: i64, context: &mut ServiceContext<'_>) -> Next {
        let session = connection::session(context.outages.database);
        let mut next = vec![(at + TICK, Task::Election)];
        if self.election_blocked || session == ConnectionState::Hangs {
            return next;
        }
        let cut = std::mem::take(&mut self.cut);
        let mut now = at;
        for place in 0..self.workers.len() {
            now += self.moment();
            let found = match session {
                ConnectionState::Fails(reason) => self.cannot_read(now, reason, context.log),
                _ if cut => self.cannot_read(now, connection::CUT, context.log),
                _ => self.try_lease(place, now, context),
            };
            next.extend(self.apply_election(place, &found, now, context.log));
        }
        next
    }

    fn cannot_read(&self, at: i64, reason: &str, log: &mut Log) -> ElectionResult {
        for line in connection::gorm(at, "workers/leader_election_mgr.go:127", reason) {
            log.raw(&self.process, at, line);
        }
        ElectionResult::Failed(format!("failed to retrieve leader leases: {reason}"))
    }

    fn try_lease(&self, place: usize, at: i64, context: &mut ServiceContext<'_>) -> ElectionResult {
        let worker = &self.workers[place];
        let (behaviour, tables) = (context.behaviour, &mut *context.tables);
        let lease_type = worker.kind.lease_type();
        let blocked = self.started <= tables.seeded_at
            && behaviour.no_leader.iter().any(|blocked| blocked == lease_type);
        let dead_end = blocked.then(|| before(tables.seeded_at, behaviour.leaderless_for));
        let local = at + context.log.skew(&self.process.pod_uid);
        tick(worker, tables.lease_mut(lease_type), local, dead_end)
    }

    /// Logs the result of an election, and starts the loop of a new leader.
    fn apply_election(&mut self, place: usize, found: &ElectionResult, at: i64, log: &mut Log) -> Next {
        let moment = self.moment();
        let worker = &mut self.workers[place];
        let (leads, led) = (*found == ElectionResult::Leader, worker.leading);
        worker.leading = leads;
        if leads != led {
            worker.term += 1;
            worker.iterations = 0;
        }
        let task = Task::Reconcile {
            worker: place,
            term: worker.term,
        };
        let name = format!("{} [{}]", worker.kind.go_type(), worker.id);
        let mut say = |late: i64, level: u8, line: u32, text: &str| {
            log.info(
                &self.process,
                at + late,
                level,
                CodeLocation("leader_election_mgr.go", line),
                text,
            );
        };
        if let ElectionResult::Failed(reason) = found {
            say(0, 5, 95, &format!("failed to acquire leader lease: {reason}"));
        }
        match (led, leads) {
            (false, true) => say(
                0,
                1,
                80,
                &format!("Running as the leader and starting worker {name}"),
            ),
            (true, false) => say(
                1,
                1,
                83,
                &format!("No longer the leader and stopping worker {name}"),
            ),
            _ => {}
        }
        if !leads {
            say(
                2,
                5,
                100,
                &format!("not currently leader, skipping reconcile {name}"),
            );
        }
        if led && !leads {
            let text = format!("Stopping reconciliation loop for {name}");
            log.info(
                &self.process,
                at + moment,
                1,
                CodeLocation("reconciler.go", 35),
                &text,
            );
        }
        let starts = leads && !led;
        starts.then_some((at + moment, task)).into_iter().collect()
    }

    fn reconcile(&mut self, place: usize, term: u32, at: i64, context: &mut ServiceContext<'_>) -> Next {
        let worker = &mut self.workers[place];
        if !worker.leading || worker.term != term {
            return Vec::new();
        }
        let again = (
            at + 30 * SECOND + self.random.below(400) as i64,
            Task::Reconcile { worker: place, term },
        );
        let session = connection::session(context.outages.database);
        let waited = std::mem::replace(&mut worker.waits, session == ConnectionState::Hangs);
        if waited && worker.waits {
            return vec![again];
        }
        let name = format!("{} [{}]", worker.kind.go_type(), worker.id);
        let text = format!("Starting reconciliation loop for {name}");
        let line = if worker.iterations == 0 { 22 } else { 30 };
        context
            .log
            .info(&self.process, at, 1, CodeLocation("reconciler.go", line), &text);
        worker.iterations += 1;
        if worker.waits {
            return vec![again];
        }
        let mut iteration = Iteration {
            process: &self.process,
            at,
            random: &mut self.random,
            past: at <= context.tables.seeded_at.as_microsecond(),
            log: &mut *context.log,
            counters: &mut self.counters,
            tables: &mut *context.tables,
            behaviour: context.behaviour,
            outages: context.outages,
            broken: match session {
                ConnectionState::Fails(reason) => Some(reason),
                _ => self.cut.then_some(connection::CUT),
            },
            blind_since: self.blind_since,
        };
        let done = match worker.kind {
            WorkerKind::Cluster => clusters::work(&mut iteration),
            WorkerKind::Kafka => {
                kafkas::work(&mut iteration);
                Ok(())
            }
        };
        let last = iteration.at;
        match done {
            // ticks during an iteration are lost
            Ok(()) => vec![(again.0.max(last), again.1)],
            Err(Panicked) => self.end(last, panics::PANIC_EXIT),
        }
    }
}

/// CPU that a task takes.
fn cpu_cost(task: Task) -> u64 {
    match task {
        Task::Probe => resource_use::PROBE,
        Task::Election => resource_use::TICK,
        Task::Reconcile { .. } => resource_use::LOOP,
        Task::Request | Task::Create | Task::Delete => resource_use::REQUEST,
        Task::Startup | Task::Noise | Task::End { .. } => 0,
    }
}
