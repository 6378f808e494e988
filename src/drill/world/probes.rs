//! The kubelet's probes: when each is due, and what follows from its result.
//!
//! A probe ticks with its period from the moment the kubelet took the pod over, whatever its containers do; a tick counts once
//! the container has run for the initial delay (`pkg/kubelet/prober/worker.go`). What passes leaves no trace.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::container_run::ContainerState;
use super::objects::CONTAINER;
use super::{PodStep, World};
use crate::service::{Probe, ProbeResponse};

/// A Go program that does not handle SIGTERM exits with 2.
const EXIT_ON_TERMINATION: i32 = 2;

/// A probe of a container's spec.
#[derive(Clone, Debug)]
struct ProbeSpec {
    delay: SignedDuration,
    period: SignedDuration,
    failures: u32,
    successes: u32,
    scheme: String,
    port: u64,
    path: String,
}

/// A probe and its results for the newest instance.
#[derive(Clone, Debug)]
pub struct ProbeRun {
    kind: Probe,
    spec: ProbeSpec,
    /// The instance that was asked, by its restarts.
    restart: u32,
    /// How many equal results came in a row, and which.
    row: u32,
    passed: bool,
}

/// What follows from a result.
enum ProbeEffect {
    Nothing,
    /// The container becomes ready, or is no longer.
    Ready(bool),
    Kill,
}

impl ProbeRun {
    /// The readiness and the liveness probe of a container's spec, as far as it has them.
    pub fn all_of(container: &Value) -> Vec<Self> {
        let of = |(kind, field): (Probe, &str)| {
            ProbeSpec::of(container, &container[field]).map(|spec| Self {
                kind,
                spec,
                restart: 0,
                row: 0,
                passed: false,
            })
        };
        let kinds = [
            (Probe::Readiness, "readinessProbe"),
            (Probe::Liveness, "livenessProbe"),
        ];
        kinds.into_iter().filter_map(of).collect()
    }

    /// Whether it asks for readiness.
    pub fn is_readiness(&self) -> bool {
        self.kind == Probe::Readiness
    }

    /// Counts an answer of the instance with that many restarts.
    fn count(&mut self, passed: bool, restart: u32) -> ProbeEffect {
        if (self.restart, self.passed) != (restart, passed) {
            (self.restart, self.passed, self.row) = (restart, passed, 0);
        }
        self.row += 1;
        let enough = if passed {
            self.spec.successes
        } else {
            self.spec.failures
        };
        match self.kind {
            _ if self.row < enough => ProbeEffect::Nothing,
            Probe::Readiness => ProbeEffect::Ready(passed),
            Probe::Liveness if passed => ProbeEffect::Nothing,
            Probe::Liveness => ProbeEffect::Kill,
        }
    }

    /// The kubelet's message for a response that does not pass.
    fn failure(&self, answer: &ProbeResponse, address: &str) -> Option<String> {
        let ProbeSpec {
            scheme, port, path, ..
        } = &self.spec;
        let url = format!("{scheme}://{address}:{port}{path}");
        let why = match answer {
            ProbeResponse::Ok => return None,
            ProbeResponse::Status(status) => format!("HTTP probe failed with statuscode: {status}"),
            ProbeResponse::Refused => {
                format!("Get \"{url}\": dial tcp {address}:{port}: connect: connection refused")
            }
            ProbeResponse::Timeout => {
                format!(
                    "Get \"{url}\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
                )
            }
        };
        Some(format!("{:?} probe failed: {why}", self.kind))
    }
}

impl ProbeSpec {
    /// With the API server's defaults; only HTTP probes are known.
    fn of(container: &Value, probe: &Value) -> Option<Self> {
        let http = probe.get("httpGet")?;
        let number = |field: &str, default: i64| probe[field].as_i64().unwrap_or(default);
        let text = |field: &str, default: &str| http[field].as_str().unwrap_or(default).to_owned();
        Some(Self {
            delay: SignedDuration::from_secs(number("initialDelaySeconds", 0)),
            period: SignedDuration::from_secs(number("periodSeconds", 10).max(1)),
            failures: number("failureThreshold", 3) as u32,
            successes: number("successThreshold", 1) as u32,
            scheme: text("scheme", "HTTP").to_lowercase(),
            port: port(container, &http["port"]),
            path: text("path", "/"),
        })
    }
}

/// A port by number, or by its name in the container.
fn port(container: &Value, port: &Value) -> u64 {
    let ports = container["ports"].as_array();
    let mut ports = ports.into_iter().flatten();
    let named = || ports.find(|one| one["name"] == *port)?["containerPort"].as_u64();
    port.as_u64().or_else(named).unwrap_or(0)
}

impl World {
    /// The kubelet took the pod over: its probes begin to tick.
    pub(super) fn start_probes(&mut self, at: Timestamp, uid: &str) {
        let Some(run) = self.pods.get(uid) else {
            return;
        };
        let containers = run.containers.iter().enumerate().skip(run.inits);
        let steps: Vec<_> = containers
            .flat_map(|(index, container)| {
                let probes = container.probes.iter();
                probes.map(move |probe| (probe.spec.period, PodStep::Probe(index, probe.kind)))
            })
            .collect();
        for (period, step) in steps {
            self.schedule_step(at + period, uid, step);
        }
    }

    /// A tick of a probe.
    pub(super) fn tick_probe(&mut self, at: Timestamp, uid: &str, index: usize, kind: Probe) {
        let Some(run) = self.pods.get_mut(uid) else {
            return;
        };
        let address = run.address.clone().unwrap_or_default();
        let container = &mut run.containers[index];
        let (restart, name, ready) = (container.restarts, container.name.as_str(), container.ready);
        let Some(probe) = container.probes.iter_mut().find(|probe| probe.kind == kind) else {
            return;
        };
        let next = at + probe.spec.period;
        let counts = match container.state {
            ContainerState::Running(started) => at.duration_since(started) >= probe.spec.delay,
            _ => false,
        };
        if counts {
            // The drill does not run what is in other containers: their probes pass.
            let answer = if name == CONTAINER {
                self.service.probe(uid, kind).unwrap_or(ProbeResponse::Refused)
            } else {
                ProbeResponse::Ok
            };
            let failure = probe.failure(&answer, &address);
            let verdict = probe.count(failure.is_none(), restart);
            if let Some(message) = failure {
                self.container_event(at, uid, index, "Warning", "Unhealthy", message);
            }
            match verdict {
                ProbeEffect::Ready(now) if now != ready => self.become_ready(at, uid, index, now),
                ProbeEffect::Kill => self.kill_unhealthy(at, uid, index),
                ProbeEffect::Ready(_) | ProbeEffect::Nothing => {}
            }
        }
        self.schedule_step(next, uid, PodStep::Probe(index, kind));
    }

    fn become_ready(&mut self, at: Timestamp, uid: &str, index: usize, ready: bool) {
        if let Some(run) = self.pods.get_mut(uid) {
            run.containers[index].ready = ready;
        }
        self.publish(at, uid);
    }

    fn kill_unhealthy(&mut self, at: Timestamp, uid: &str, index: usize) {
        let name = self.container_name(uid, index);
        let message = format!("Container {name} failed liveness probe, will be restarted");
        self.container_event(at, uid, index, "Normal", "Killing", message);
        self.end_container(at, uid, index, (EXIT_ON_TERMINATION, "Error"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn readiness() -> ProbeRun {
        let container = json!({
            "ports": [{"name": "health", "containerPort": 8083}],
            "readinessProbe": {"httpGet": {"path": "/healthcheck", "port": "health", "scheme": "HTTPS"}},
        });
        ProbeRun::all_of(&container).remove(0)
    }

    #[test]
    fn a_failed_probe_is_told_in_the_kubelets_words() {
        let told = |answer| readiness().failure(&answer, "10.131.0.5");
        assert_eq!(told(ProbeResponse::Ok), None);
        assert_eq!(
            told(ProbeResponse::Status(503)).unwrap(),
            "Readiness probe failed: HTTP probe failed with statuscode: 503"
        );
        assert_eq!(
            told(ProbeResponse::Refused).unwrap(),
            "Readiness probe failed: Get \"https://10.131.0.5:8083/healthcheck\": dial tcp 10.131.0.5:8083: connect: connection refused"
        );
        assert_eq!(
            told(ProbeResponse::Timeout).unwrap(),
            "Readiness probe failed: Get \"https://10.131.0.5:8083/healthcheck\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        );
    }

    #[test]
    fn it_takes_three_failures_in_a_row_and_a_new_instance_starts_afresh() {
        let mut probe = readiness();
        let ready = |verdict: &ProbeEffect| match verdict {
            ProbeEffect::Ready(ready) => Some(*ready),
            _ => None,
        };
        let answers = [true, false, false, true, false, false, false];
        let verdicts: Vec<Option<bool>> = answers
            .into_iter()
            .map(|passed| ready(&probe.count(passed, 0)))
            .collect();
        assert_eq!(
            verdicts,
            [Some(true), None, None, Some(true), None, None, Some(false)]
        );
        assert_eq!(ready(&probe.count(false, 1)), None);
    }
}
