//! The service that runs in the pods: what its processes log, which of them lead, and what the leaders do with the rows.
//!
//! Nothing here reads a clock. [`Service::advance`] lets every process do what is due up to a moment, in order of time, so that the same
//! behaviour, seed and calls give the same lines.

mod behaviour;
mod clusters;
mod connection;
mod counters;
mod election;
mod events;
mod exposition;
mod hostile_lines;
mod iteration;
mod kafkas;
mod log;
mod ocm;
mod outages;
mod panics;
mod requests;
mod resource_use;
mod startup;
mod users;
mod worker;

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use jiff::Timestamp;

pub use behaviour::Behaviour;
pub use counters::{Counters, Histogram, InboundKey, OutboundKey};
pub use events::{Dependency, ServiceEvent, StartFailure};
pub use ocm::OcmFailure;
pub use resource_use::{ResourceLimits, Usage};

use self::election::WorkerKind;
use self::log::Log;
use self::worker::{Running, ServiceContext};
use super::database::{DatabaseFault, Tables};
use outages::Outages;

/// One run of the service's container.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Process {
    pub pod_uid: String,
    pub pod_name: String,
    /// How often the container was restarted before.
    pub restart: u32,
}

/// One line written to a container's log (bytes without the final newline), by the drill's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputLine {
    pub process: Process,
    pub at: Timestamp,
    pub bytes: Vec<u8>,
}

/// A process that ended by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    pub process: Process,
    pub at: Timestamp,
    pub code: i32,
    /// The kubelet's reason: `Error`, `OOMKilled`.
    pub reason: &'static str,
}

/// A probe of the kubelet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// May it get requests?
    Readiness,
    /// Must it be restarted?
    Liveness,
}

/// The response to a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeResponse {
    /// A status below 400.
    Ok,
    /// A status of 400 or more.
    Status(u16),
    /// The port is closed.
    Refused,
    /// Nothing within the probe's timeout.
    Timeout,
}

/// Something a process does at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    Startup,
    Election,
    Reconcile {
        worker: usize,
        term: u32,
    },
    Probe,
    Request,
    Create,
    Delete,
    Noise,
    /// The process ends with this exit code.
    End {
        code: i32,
    },
}

/// The exit code of a process that the kernel kills when memory runs out.
const KILLED: i32 = 137;
/// Above this use of its capacity a process does not answer the liveness probe in time, in percent.
const LIVENESS_TIMES_OUT: u64 = 200;
/// The same for the readiness probe: the health server has less to do.
const READINESS_TIMES_OUT: u64 = 300;

/// Time (µs since 1970), order of planning, process, task.
type AgendaItem = Reverse<(i64, u64, usize, Task)>;

/// All processes of the service.
#[derive(Debug)]
pub struct Service {
    behaviour: Behaviour,
    seed: u64,
    processes: Vec<Option<Running>>,
    /// The places in there of those that run, by the uids of their pods.
    places: HashMap<String, usize>,
    /// Since when each of them listens (µs since 1970), the earliest first.
    listening: Vec<i64>,
    agenda: BinaryHeap<AgendaItem>,
    planned: u64,
    log: Log,
    outages: Outages,
    /// The time up to which the service has been advanced (µs since 1970).
    now: i64,
}

impl Service {
    pub fn new(behaviour: Behaviour, seed: u64) -> Self {
        let log = Log::new(behaviour.verbosity);
        Self {
            behaviour,
            seed,
            processes: Vec::new(),
            places: HashMap::new(),
            listening: Vec::new(),
            agenda: BinaryHeap::new(),
            planned: 0,
            log,
            outages: Outages::default(),
            now: i64::MIN,
        }
    }

    /// Starts a process at `at`, which may lie in the past: its history comes with the next `advance`. An earlier process of the same pod
    /// ends.
    pub fn start(&mut self, process: Process, at: Timestamp) {
        self.end(&process.pod_uid);
        self.places.insert(process.pod_uid.clone(), self.processes.len());
        self.processes.push(Some(Running::new(process, at, self.seed)));
        self.plan_for(
            self.processes.len() - 1,
            vec![(at.as_microsecond(), Task::Startup)],
        );
    }

    /// Kills the pod's process: it logs nothing more, and its lease stays until it expires.
    pub fn kill(&mut self, pod_uid: &str) {
        self.end(pod_uid);
        self.log.forget(pod_uid, i64::MIN);
    }

    /// Makes the pod's process panic, if there is one.
    pub fn crash(&mut self, at: Timestamp, pod_uid: &str) {
        let at = at.as_microsecond();
        let place = self.places.get(pod_uid).copied();
        if let Some((place, running)) = place.and_then(|place| Some((place, self.processes[place].as_mut()?)))
        {
            self.log.text(&running.process, at, &panics::concurrent_maps());
            let next = running.end(at, panics::PANIC_EXIT);
            self.plan_for(place, next);
        }
    }

    fn end(&mut self, pod_uid: &str) {
        let Some(ended) = self.places.remove(pod_uid) else {
            return;
        };
        self.processes[ended] = None;
        self.agenda
            .retain(|Reverse((_, _, process, _))| *process != ended);
        self.count_listening();
    }

    fn count_listening(&mut self) {
        let running = self.processes.iter().flatten();
        self.listening = running.filter_map(|running| running.listens_since).collect();
        self.listening.sort_unstable();
    }

    fn plan_for(&mut self, process: usize, tasks: worker::Next) {
        for (at, task) in tasks {
            self.agenda.push(Reverse((at, self.planned, process, task)));
            self.planned += 1;
        }
    }

    /// Lets time pass up to `now`, or up to the first process that ends by itself: handle its exit and call again. Returns the lines
    /// written since the last call, in order of time.
    pub fn advance(&mut self, now: Timestamp, tables: &mut Tables) -> (Vec<OutputLine>, Option<Exit>) {
        let now = now.as_microsecond();
        while let Some(Reverse((at, _, process, task))) = self.agenda.peek().copied() {
            if at > now {
                break;
            }
            self.agenda.pop();
            self.now = at;
            if let Task::End { code } = task {
                let exit = self.exit(process, at, code);
                return (self.log.take(at), exit);
            }
            let serving = self.serving(at);
            if let Some(running) = &mut self.processes[process] {
                let mut context = ServiceContext {
                    behaviour: &self.behaviour,
                    outages: &self.outages,
                    log: &mut self.log,
                    tables,
                    serving,
                };
                let before = running.listens_since;
                let next = running.carry_out(task, at, &mut context);
                let changed = running.listens_since != before;
                self.plan_for(process, next);
                if changed {
                    self.count_listening();
                }
            }
        }
        self.now = now;
        (self.log.take(now), None)
    }

    fn exit(&mut self, process: usize, at: i64, code: i32) -> Option<Exit> {
        let running = self.processes[process].take()?;
        self.end(&running.process.pod_uid);
        self.log.forget(&running.process.pod_uid, at);
        Some(Exit {
            process: running.process,
            at: log::time(at),
            code,
            reason: if code == KILLED { "OOMKilled" } else { "Error" },
        })
    }

    /// How many processes answer requests.
    fn serving(&self, at: i64) -> usize {
        self.listening.partition_point(|since| *since <= at)
    }

    /// The response to a probe of the pod's container; `None` when no process of the pod runs.
    pub fn probe(&self, pod_uid: &str, probe: Probe) -> Option<ProbeResponse> {
        let running = self.running(pod_uid)?;
        if !running.listens(self.now) {
            return Some(ProbeResponse::Refused);
        }
        let used = self.outages.used_percent(self.serving(self.now));
        Some(match probe {
            Probe::Liveness if used > LIVENESS_TIMES_OUT => ProbeResponse::Timeout,
            Probe::Readiness if used > READINESS_TIMES_OUT => ProbeResponse::Timeout,
            Probe::Readiness if running.maintenance => ProbeResponse::Status(503),
            Probe::Readiness | Probe::Liveness => ProbeResponse::Ok,
        })
    }

    /// Limits what the pod's process may use.
    pub fn bound(&mut self, pod_uid: &str, bounds: ResourceLimits) {
        if let Some(running) = self.running_mut(pod_uid) {
            running.resource_use.bounds = bounds;
        }
    }

    /// Lets the pod's process leak memory from the first moment on, so that memory is exhausted at the second; `None` ends the leak.
    pub fn leak(&mut self, pod_uid: &str, leak: Option<(Timestamp, Timestamp)>) {
        if let Some(running) = self.running_mut(pod_uid) {
            running.resource_use.leak =
                leak.map(|(from, until)| (from.as_microsecond(), until.as_microsecond()));
        }
    }

    /// What the pod's process has used up to `at`; `None` when there is none.
    pub fn usage(&self, pod_uid: &str, at: Timestamp) -> Option<Usage> {
        let at = at.as_microsecond();
        let used = self.outages.used_percent(self.serving(at));
        Some(self.running(pod_uid)?.resource_use.usage(at, used))
    }

    /// The counters of the pod's process; `None` when its port is closed.
    pub fn counters(&self, pod_uid: &str, at: Timestamp) -> Option<Counters> {
        let running = self.running(pod_uid)?;
        if !running.listens(at.as_microsecond()) {
            return None;
        }
        let mut counters = running.counters.clone();
        counters.settle(at.as_microsecond());
        Some(counters)
    }

    /// What the pod's process may use; the template's limits when there is none.
    pub fn limits(&self, pod_uid: &str) -> ResourceLimits {
        let running = self.running(pod_uid);
        running.map_or_else(ResourceLimits::default, |running| running.resource_use.bounds)
    }

    /// Whether anything is wrong that the alerts on the making of Kafkas and clusters are about: a dependency, a lease that nobody renews,
    /// a row that waits, a failed row of this hour.
    pub fn is_in_trouble(&self, at: Timestamp, tables: &Tables) -> bool {
        let since = |moment: Timestamp| at.duration_since(moment).as_mins();
        let is_led = |lease_type: &str| {
            let holds = tables.lease(lease_type).is_some_and(|lease| lease.expires > at);
            holds && self.holder(lease_type, tables).is_some()
        };
        let waits = |status: &str, minutes: i64| match status {
            "ready" | "complete" | "deleted" => false,
            "failed" => minutes < 60,
            "cluster_provisioning" => minutes >= 10,
            // a status that nobody knows is trouble, however old
            _ => minutes >= 5,
        };
        let kafkas = tables
            .kafka_requests
            .iter()
            .any(|row| row.deleted_at.is_none() && waits(&row.status, since(row.updated_at)));
        let clusters = tables
            .clusters
            .iter()
            .any(|row| row.deleted_at.is_none() && waits(&row.status, since(row.updated_at)));
        let is_stuck = |running: &Running| running.election_blocked || running.blind_since.is_some();
        let processes = self.processes.iter().flatten().any(is_stuck);
        self.outages.is_any()
            || processes
            || kafkas
            || clusters
            || !["cluster", "kafka"].into_iter().all(is_led)
    }

    /// The `/metrics` page of the pod's process; `None` when its port is closed.
    pub fn metrics(&self, pod_uid: &str, at: Timestamp) -> Option<String> {
        let counters = self.counters(pod_uid, at)?;
        let running = self.running(pod_uid)?;
        let started = (running.started.as_microsecond() / 10_000) as f64 / 100.0;
        Some(exposition::text(&counters, self.usage(pod_uid, at)?, started))
    }

    /// The pod whose process holds the lease of this type.
    pub fn leader(&self, lease_type: &str, tables: &Tables) -> Option<String> {
        let place = self.holder(lease_type, tables)?;
        let running = self.processes[place].as_ref()?;
        Some(running.process.pod_uid.clone())
    }

    fn holder(&self, lease_type: &str, tables: &Tables) -> Option<usize> {
        let lease = tables.lease(lease_type)?;
        let leads = |running: &Running| running.workers.iter().any(|worker| worker.id == lease.leader);
        self.processes
            .iter()
            .position(|slot| slot.as_ref().is_some_and(leads))
    }

    /// Applies an event of the timeline.
    pub fn apply_event(&mut self, at: Timestamp, event: &ServiceEvent, tables: &mut Tables) {
        self.outages.take_in(event);
        match *event {
            ServiceEvent::DatabaseErrors(on) => self.behaviour.database_errors = on,
            ServiceEvent::StaleReads => self.each(|running| running.blind_since = Some(at)),
            ServiceEvent::ElectionBlocks(kind) => {
                if let Some(running) = self.leading(kind, tables) {
                    running.election_blocked = true;
                }
            }
            ServiceEvent::ElectionGoesOn => self.each(|running| running.election_blocked = false),
            ServiceEvent::LeaderKilled(kind) => {
                if let Some(place) = self.holder(kind.lease_type(), tables) {
                    self.plan_for(place, vec![(at.as_microsecond(), Task::End { code: KILLED })]);
                }
            }
            ServiceEvent::RequestsFail => self.each(|running| running.defective = true),
            ServiceEvent::Maintenance(on) => self.each(|running| running.maintenance = on),
            ServiceEvent::ClockSkew { pod, by } => {
                let running = self.processes.iter().flatten().nth(pod);
                if let Some(running) = running {
                    let micros = i64::try_from(by.as_micros()).unwrap_or_default();
                    self.log.set_skew(&running.process.pod_uid, micros);
                }
            }
            _ => {}
        }
    }

    /// Begins or ends a fault of the database, as the processes see it.
    pub fn database(&mut self, fault: Option<DatabaseFault>) {
        self.outages.database = fault;
        if fault == Some(DatabaseFault::Cut) {
            self.each(|running| running.cut = true);
        }
    }

    fn each(&mut self, change: impl Fn(&mut Running)) {
        self.processes.iter_mut().flatten().for_each(change);
    }

    fn leading(&mut self, kind: WorkerKind, tables: &Tables) -> Option<&mut Running> {
        let place = self.holder(kind.lease_type(), tables)?;
        self.processes[place].as_mut()
    }

    fn running(&self, pod_uid: &str) -> Option<&Running> {
        self.processes[*self.places.get(pod_uid)?].as_ref()
    }

    fn running_mut(&mut self, pod_uid: &str) -> Option<&mut Running> {
        self.processes[*self.places.get(pod_uid)?].as_mut()
    }

    /// When the next task or line is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        let task = self.agenda.peek().map(|Reverse((at, ..))| *at);
        [task, self.log.next_due()]
            .into_iter()
            .flatten()
            .min()
            .map(log::time)
    }
}
