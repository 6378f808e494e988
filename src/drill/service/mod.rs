//! The service in the pods: what its processes write, who leads, and what the leaders do with the rows.
//!
//! Nothing here reads a clock. `advance` lets every process do what is due up to a moment, in order of time, so that
//! the same plan, seed and calls give the same lines.

mod election;
mod happening;
mod hostile;
mod log;
mod plan;
mod requests;
mod work;
mod worker;

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use jiff::Timestamp;

pub use happening::ServiceHappening;
pub use plan::Plan;

use self::log::Log;
use self::worker::Running;
use super::database::Tables;

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
pub struct Line {
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
    /// As the kubelet says it: `Error`, `OOMKilled`.
    pub reason: &'static str,
}

/// What the kubelet asks a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// May it get requests?
    Readiness,
    /// Must it be restarted?
    Liveness,
}

/// What a probe gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A status below 400.
    Ok,
    /// A status of 400 or more.
    Status(u16),
    /// Nobody listens (yet).
    Refused,
    /// Nothing within the probe's timeout.
    Timeout,
}

/// Something a process does at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    Startup,
    Election,
    Reconcile { worker: usize, term: u32 },
    Probe,
    Request,
    Noise,
}

/// When (µs since 1970), in which order of planning, by which process, what.
type Entry = Reverse<(i64, u64, usize, Task)>;

/// All processes of the service.
#[derive(Debug)]
pub struct Service {
    plan: Plan,
    seed: u64,
    processes: Vec<Option<Running>>,
    agenda: BinaryHeap<Entry>,
    planned: u64,
    log: Log,
}

impl Service {
    pub fn new(plan: Plan, seed: u64) -> Self {
        let log = Log::new(plan.verbosity);
        Self {
            plan,
            seed,
            processes: Vec::new(),
            agenda: BinaryHeap::new(),
            planned: 0,
            log,
        }
    }

    /// The process started at `at`, which may lie in the past: its history comes with the next `advance`. An earlier
    /// process of the same pod has ended.
    pub fn start(&mut self, process: Process, at: Timestamp) {
        self.end(&process.pod_uid);
        self.processes.push(Some(Running::new(process, at, self.seed)));
        self.plan_for(
            self.processes.len() - 1,
            vec![(at.as_microsecond(), Task::Startup)],
        );
    }

    /// The process was killed: it writes nothing more, and its lease stays until it runs out.
    pub fn kill(&mut self, pod_uid: &str) {
        self.end(pod_uid);
        self.log.forget(pod_uid);
    }

    fn end(&mut self, pod_uid: &str) {
        for slot in &mut self.processes {
            slot.take_if(|running| running.process.pod_uid == pod_uid);
        }
        let processes = &self.processes;
        self.agenda
            .retain(|Reverse((_, _, process, _))| processes[*process].is_some());
    }

    fn plan_for(&mut self, process: usize, tasks: worker::Next) {
        for (at, task) in tasks {
            self.agenda.push(Reverse((at, self.planned, process, task)));
            self.planned += 1;
        }
    }

    /// Lets time pass up to `now`, or up to the first process that ends by itself: deal with it and call again. Returns the
    /// lines written since, in order of time.
    pub fn advance(&mut self, now: Timestamp, tables: &mut Tables) -> (Vec<Line>, Option<Exit>) {
        let now = now.as_microsecond();
        while let Some(Reverse((at, _, process, task))) = self.agenda.peek().copied() {
            if at > now {
                break;
            }
            self.agenda.pop();
            if let Some(running) = &mut self.processes[process] {
                let next = running.carry_out(task, at, &self.plan, &mut self.log, tables);
                self.plan_for(process, next);
            }
        }
        (self.log.take(now), None)
    }

    /// What a probe of the pod's container gets now; `None` when no process of the pod runs.
    pub fn probe(&self, pod_uid: &str, _probe: Probe) -> Option<Answer> {
        self.running(pod_uid).map(|_| Answer::Ok)
    }

    /// The pod whose process holds the lease of this type.
    pub fn leader(&self, lease_type: &str, tables: &Tables) -> Option<String> {
        let lease = tables
            .leases
            .iter()
            .find(|lease| lease.lease_type == lease_type)?;
        let leads = |running: &&Running| running.workers.iter().any(|worker| worker.id == lease.leader);
        let leader = self.processes.iter().flatten().find(leads)?;
        Some(leader.process.pod_uid.clone())
    }

    /// Something happens to the service.
    pub fn happen(&mut self, _at: Timestamp, happening: &ServiceHappening, _tables: &mut Tables) {
        match happening {
            ServiceHappening::DatabaseErrors(on) => self.plan.database_errors = *on,
        }
    }

    fn running(&self, pod_uid: &str) -> Option<&Running> {
        let mut all = self.processes.iter().flatten();
        all.find(|running| running.process.pod_uid == pod_uid)
    }

    /// When something happens next, if nobody starts or kills anything.
    pub fn next_due(&self) -> Option<Timestamp> {
        let task = self.agenda.peek().map(|Reverse((at, ..))| *at);
        [task, self.log.next_due()]
            .into_iter()
            .flatten()
            .min()
            .map(log::time)
    }
}
