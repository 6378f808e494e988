//! One process of the service: its workers, its election ticks and their lines.

use jiff::Timestamp;

use super::election::{Found, Kind, TICK, tick};
use super::log::{Log, Place, SECOND};
use super::plan::Plan;
use super::{Process, Task, requests, work};
use crate::drill::database::random::Random;
use crate::drill::database::tables::{Tables, before};

/// A worker of a process; its id is new with every process.
#[derive(Debug)]
pub struct Worker {
    pub kind: Kind,
    pub id: String,
    pub leading: bool,
    /// Which term it is in; loops of an earlier term end by it.
    pub term: u32,
    /// Loops of this term so far.
    pub beats: u64,
}

/// A process and what it will do.
#[derive(Debug)]
pub struct Running {
    pub process: Process,
    pub started: Timestamp,
    pub random: Random,
    pub workers: [Worker; 2],
}

/// What a task wants to happen next.
pub type Next = Vec<(i64, Task)>;

impl Running {
    pub fn new(process: Process, started: Timestamp, seed: u64) -> Self {
        let name = format!("{}/{}", process.pod_uid, process.restart);
        let mut random = Random::named(seed, &name);
        let workers = Kind::ALL.map(|kind| Worker {
            kind,
            id: random.uuid(),
            leading: false,
            term: 0,
            beats: 0,
        });
        Self {
            process,
            started,
            random,
            workers,
        }
    }

    /// A few microseconds, as pass between one line and the next.
    fn moment(&mut self) -> i64 {
        20 + self.random.below(180) as i64
    }

    pub fn carry_out(
        &mut self,
        task: Task,
        at: i64,
        plan: &Plan,
        log: &mut Log,
        tables: &mut Tables,
    ) -> Next {
        match task {
            Task::Startup => self.start_up(at, plan, log),
            Task::Election => self.elect(at, plan, log, tables),
            Task::Reconcile { worker, term } => self.reconcile(worker, term, at, plan, log, tables),
            Task::Probe => {
                requests::probe(self, at, log);
                vec![(at + 5 * SECOND + self.random.below(900) as i64, Task::Probe)]
            }
            Task::Request => {
                requests::request(self, at, log);
                vec![(at + self.until_request(plan), Task::Request)]
            }
            Task::Noise => {
                requests::noise(self, at, plan, log);
                vec![(
                    at + 60 * SECOND + self.random.below(5_000_000) as i64,
                    Task::Noise,
                )]
            }
        }
    }

    /// Half to one and a half times the mean distance of two requests.
    fn until_request(&mut self, plan: &Plan) -> i64 {
        let mean = 60 * SECOND / i64::from(plan.requests_per_minute.max(1));
        mean / 2 + self.random.below(mean.unsigned_abs()) as i64
    }

    fn start_up(&mut self, at: i64, plan: &Plan, log: &mut Log) -> Next {
        let lines = [
            (
                0,
                Place("environment.go", 76),
                format!("Initializing {} environment", plan.environment),
            ),
            (
                0,
                Place("environment.go", 203),
                "Disabling Sentry error reporting".to_owned(),
            ),
            (
                1,
                Place("leader_election_mgr.go", 45),
                "Starting LeaderElectionManager".to_owned(),
            ),
            (
                0,
                Place("metrics_server.go", 52),
                "start metrics server".to_owned(),
            ),
            (
                0,
                Place("metrics_server.go", 67),
                "Serving Metrics without TLS at :8080".to_owned(),
            ),
            (
                0,
                Place("healthcheck_server.go", 57),
                "Serving HealthCheck with TLS at :8083".to_owned(),
            ),
            (
                0,
                Place("api_server.go", 184),
                "Serving with TLS at :8000".to_owned(),
            ),
        ];
        let mut now = at + 300_000 + self.random.below(400_000) as i64;
        for (level, place, text) in lines {
            log.info(&self.process, now, level, place, &text);
            now += self.moment();
        }
        let first_tick = now + self.random.below(2_000_000) as i64;
        let mut next = self.traffic(at, plan);
        next.push((first_tick, Task::Election));
        next
    }

    /// When the first probe, request and odd record come.
    fn traffic(&mut self, at: i64, plan: &Plan) -> Next {
        let mut next = Vec::new();
        if plan.probes {
            // the deployment waits 15 s before the first probe
            next.push((
                at + 15 * SECOND + self.random.below(5_000_000) as i64,
                Task::Probe,
            ));
        }
        if plan.requests_per_minute > 0 {
            next.push((at + 20 * SECOND + self.until_request(plan), Task::Request));
        }
        if plan.database_errors || plan.hostile {
            next.push((
                at + 10 * SECOND + self.random.below(5_000_000) as i64,
                Task::Noise,
            ));
        }
        next
    }

    fn elect(&mut self, at: i64, plan: &Plan, log: &mut Log, tables: &mut Tables) -> Next {
        let mut next = vec![(at + TICK, Task::Election)];
        let mut now = at;
        for place in 0..self.workers.len() {
            now += self.moment();
            let worker = &self.workers[place];
            let blocked = self.started <= tables.seeded_at
                && plan
                    .no_leader
                    .iter()
                    .any(|lease_type| lease_type == worker.kind.lease_type());
            let dead_end = blocked.then(|| before(tables.seeded_at, plan.leaderless_for));
            let found = tick(
                &worker.id,
                tables.lease_mut(worker.kind.lease_type()),
                now,
                dead_end,
            );
            next.extend(self.settle(place, &found, now, log));
        }
        next
    }

    /// The lines of a tick, and the loop that a new leader starts.
    fn settle(&mut self, place: usize, found: &Found, at: i64, log: &mut Log) -> Next {
        let moment = self.moment();
        let worker = &mut self.workers[place];
        let (leads, led) = (*found == Found::Leader, worker.leading);
        worker.leading = leads;
        if leads != led {
            worker.term += 1;
            worker.beats = 0;
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
                Place("leader_election_mgr.go", line),
                text,
            );
        };
        if let Found::Failed(reason) = found {
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
            log.info(&self.process, at + moment, 1, Place("reconciler.go", 35), &text);
        }
        let starts = leads && !led;
        starts.then_some((at + moment, task)).into_iter().collect()
    }

    fn reconcile(
        &mut self,
        place: usize,
        term: u32,
        at: i64,
        plan: &Plan,
        log: &mut Log,
        tables: &mut Tables,
    ) -> Next {
        let worker = &mut self.workers[place];
        if !worker.leading || worker.term != term {
            return Vec::new();
        }
        let text = format!(
            "Starting reconciliation loop for {} [{}]",
            worker.kind.go_type(),
            worker.id
        );
        let line = if worker.beats == 0 { 22 } else { 30 };
        log.info(&self.process, at, 1, Place("reconciler.go", line), &text);
        worker.beats += 1;
        // the seed says how the rows are at the world's start: what was done before is in it
        if at > tables.seeded_at.as_microsecond() {
            let mut writer = work::Writer {
                process: &self.process,
                at,
                log,
            };
            match worker.kind {
                Kind::Cluster => work::clusters(tables, plan, &mut writer),
                Kind::Kafka => work::kafkas(tables, &mut writer),
            }
        }
        vec![(
            at + 30 * SECOND + self.random.below(400) as i64,
            Task::Reconcile { worker: place, term },
        )]
    }
}
