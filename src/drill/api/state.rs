//! The state that all connections share: the world behind its lock, the clock, the faults, the requests so far and the audit log.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;

use super::audit::AuditLog;
use super::faults::ServerFaults;
use super::identity::Tokens;
use super::response_headers::ResponseHeaders;
use super::rights::{self, Rights};
use crate::clock::Clock;
use crate::database::DatabaseServer;
use crate::faults::ApiFault;
use crate::world::{FaultRequest, World};

/// How many requests are kept.
const REMEMBERED: usize = 10_000;
/// The shortest pause between two advances of the world without a request, in drill time.
const FINEST: Duration = Duration::from_millis(20);
/// The longest such pause.
const COARSEST: Duration = Duration::from_mins(1);

/// The rights that roles grant, which nobody has while the server knows no roles.
const GRANTED: [&str; 12] = [
    "pods",
    "pods/log",
    "pods/proxy",
    "pods.metrics.k8s.io",
    "events",
    "deployments",
    "deployments/scale",
    "replicasets",
    "secrets",
    "selfsubjectaccessreviews",
    "selfsubjectrulesreviews",
    "selfsubjectreviews",
];

/// A request that the server received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedRequest {
    /// By the drill's clock.
    pub at: Timestamp,
    /// As `GET`.
    pub method: String,
    /// Path and query.
    pub path: String,
}

/// The state behind the server.
pub struct ApiState {
    world: Mutex<World>,
    clock: Clock,
    faults: ServerFaults,
    rights: Rights,
    tokens: Tokens,
    response_headers: ResponseHeaders,
    database: Arc<DatabaseServer>,
    requests: Mutex<VecDeque<ReceivedRequest>>,
    audit: AuditLog,
    woken: Notify,
}

impl ApiState {
    /// Puts a world behind a server whose users show `tokens`.
    pub fn new(
        world: World,
        clock: Clock,
        rights: Rights,
        tokens: Tokens,
        database: Arc<DatabaseServer>,
    ) -> Self {
        // The version comes from the drill's seed.
        let faults = ServerFaults::seeded(world.store().version());
        Self {
            world: Mutex::new(world),
            clock,
            faults,
            rights,
            tokens,
            response_headers: ResponseHeaders::default(),
            database,
            requests: Mutex::new(VecDeque::new()),
            audit: AuditLog::default(),
            woken: Notify::new(),
        }
    }

    /// Locks the world and advances it to now. The lock is never held across an await.
    pub fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        world.advance(now);
        for request in world.take_requests() {
            match request {
                FaultRequest::Api(fault) => {
                    if fault == Some(ApiFault::ExpireWatches) {
                        world.compact();
                    }
                    let fault = rights::pin(fault, world.store());
                    self.faults.set(fault, now);
                }
                FaultRequest::Database(fault) => self.database.set_fault(fault),
            }
        }
        self.faults.advance(now);
        world
    }

    /// The drill's clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The faults.
    pub fn faults(&self) -> &ServerFaults {
        &self.faults
    }

    /// Begins, plays or ends a fault.
    pub fn set_fault(&self, fault: Option<ApiFault>) {
        if fault == Some(ApiFault::ExpireWatches) {
            self.world().compact();
        }
        let fault = rights::pin(fault, self.world().store());
        self.faults.set(fault, self.clock.now());
        self.wake();
    }

    /// What the user may do now.
    pub fn rights(&self) -> Rights {
        match self.faults.lasting() {
            Some(ApiFault::Forbid(right)) => self.rights.also_without(&right),
            Some(ApiFault::Starting) => GRANTED
                .iter()
                .fold(self.rights.clone(), |rights, right| rights.also_without(right)),
            _ => self.rights.clone(),
        }
    }

    /// The users' bearer tokens.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// What gives responses their headers.
    pub fn response_headers(&self) -> &ResponseHeaders {
        &self.response_headers
    }

    /// Keeps a request.
    pub fn note(&self, method: &str, path: &str) {
        let mut seen = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() == REMEMBERED {
            seen.pop_front();
        }
        seen.push_back(ReceivedRequest {
            at: self.clock.now(),
            method: method.to_owned(),
            path: path.to_owned(),
        });
    }

    /// The requests so far, oldest first; at most the last 10,000.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        let seen = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().cloned().collect()
    }

    /// The audit log.
    pub fn audit(&self) -> &AuditLog {
        &self.audit
    }

    /// Wakes the timekeeper: something new may be due sooner.
    pub fn wake(&self) {
        self.woken.notify_one();
    }

    /// Advances the world whenever something falls due, for ever.
    pub async fn keep_time(&self) {
        loop {
            let due = self.world().next_due();
            let due = due.into_iter().chain(self.faults.next_due()).min();
            let now = self.clock.now();
            let wait = due.map_or(COARSEST, |due| {
                Duration::try_from(due.duration_since(now)).unwrap_or_default()
            });
            tokio::select! {
                () = self.clock.sleep(wait.clamp(FINEST, COARSEST)) => {}
                () = self.woken.notified() => {}
            }
        }
    }
}
