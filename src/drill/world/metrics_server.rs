//! The metrics server: it scrapes the kubelets and averages the use of containers and nodes (`--metric-resolution=15s`, two points a
//! container, none across a restart).

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::container_run::ContainerState;
use super::objects::CONTAINER;
use super::scheduler::{bytes, thousandths};
use super::{Due, World};
use crate::random::Random;
use crate::scenario::MetricsApi;
use crate::service::{ResourceLimits, Usage};

/// How often it asks the kubelets.
const RESOLUTION: SignedDuration = SignedDuration::from_secs(15);
/// How long before the world's start it begins to scrape: enough for two points.
const BEFORE: SignedDuration = SignedDuration::from_secs(90);
/// A container that is younger than the resolution and older than this has its start for a first point.
const FRESH: SignedDuration = SignedDuration::from_secs(10);
/// The kubelets measure every 10 to 20 s, so that windows differ from the resolution by up to so much either way, ms.
const JITTER: i64 = 1_800;
/// What a container uses that is not the service's: thousandths of a CPU, and bytes.
const OTHER: (u64, u64) = (1, 9 << 20);
/// What all else on a node uses: thousandths of a CPU, and bytes.
const REST: (u64, u64) = (600, 7 << 30);

/// A measurement.
#[derive(Clone, Copy, Debug)]
struct Point {
    started: Timestamp,
    at: Timestamp,
    used: Usage,
}

/// An average over a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Average {
    /// When the window ended.
    pub at: Timestamp,
    pub window: SignedDuration,
    /// Of a CPU, in billionths.
    pub cpu_nanos: u64,
    pub memory_bytes: u64,
}

/// Points of a batch by what they are of: a pod's uid and a container's name, or a node's name alone.
type Batch = BTreeMap<(String, String), Point>;

/// The metrics server, with the last two points of each container and node.
#[derive(Debug)]
pub struct MetricsServer {
    /// Whether it is there, and answers.
    pub state: MetricsApi,
    seed: u64,
    last: Batch,
    /// By the same key, the point before, of the same run.
    before: Batch,
}

impl MetricsServer {
    pub fn new(state: MetricsApi, seed: u64) -> Self {
        Self {
            state,
            seed,
            last: Batch::new(),
            before: Batch::new(),
        }
    }

    /// Takes in a batch. Containers and nodes that it does not have are forgotten.
    fn store(&mut self, batch: Batch) {
        let mut before = Batch::new();
        for (key, point) in &batch {
            let age = point.at.duration_since(point.started);
            let earlier = if (FRESH..RESOLUTION).contains(&age) {
                let used = Usage {
                    cpu_nanos: 0,
                    ..point.used
                };
                Some(Point {
                    at: point.started,
                    used,
                    ..*point
                })
            } else {
                let last = self.last.get(key);
                last.filter(|last| point.started < last.at && last.at < point.at)
                    .copied()
            };
            before.extend(earlier.map(|earlier| (key.clone(), earlier)));
        }
        self.last = batch;
        self.before = before;
    }

    fn average(&self, key: &(String, String)) -> Option<Average> {
        let (last, before) = (self.last.get(key)?, self.before.get(key)?);
        let window = last.at.duration_since(before.at);
        let micros = u64::try_from(window.as_micros()).ok()?.max(1);
        let used = last.used.cpu_nanos.checked_sub(before.used.cpu_nanos)?;
        let cpu_nanos = u128::from(used) * 1_000_000 / u128::from(micros);
        Some(Average {
            at: last.at,
            window,
            cpu_nanos: u64::try_from(cpu_nanos).ok()?,
            memory_bytes: last.used.memory_bytes,
        })
    }

    /// What a node uses; `None` while there are no two points of it.
    pub fn node(&self, name: &str) -> Option<Average> {
        self.average(&(name.to_owned(), String::new()))
    }

    /// What a pod's containers use, by name; `None` while one of them has no two points, or none runs.
    pub fn pod(&self, uid: &str) -> Option<Vec<(String, Average)>> {
        let own = self
            .last
            .range((uid.to_owned(), String::new())..)
            .take_while(|((pod, _), _)| pod == uid);
        let averages: Option<Vec<_>> = own
            .map(|(key, _)| Some((key.1.clone(), self.average(key)?)))
            .collect();
        averages.filter(|averages| !averages.is_empty())
    }

    /// When it scrapes after the scrape at `at`.
    fn next(&self, at: Timestamp) -> Timestamp {
        let mut random = Random::new(self.seed ^ at.as_second().unsigned_abs());
        let jitter = random.below(2 * JITTER.unsigned_abs()) as i64 - JITTER;
        at + RESOLUTION + SignedDuration::from_millis(jitter)
    }
}

impl World {
    /// The metrics server starts to ask, shortly before the world is looked at.
    pub(super) fn start_metrics_server(&mut self, begin: Timestamp, now: Timestamp) {
        let phase = Random::new(self.metrics.seed).below(15_000) as i64;
        let first = now - BEFORE + SignedDuration::from_millis(phase);
        self.schedule(first.max(begin), Due::Scrape);
    }

    /// The metrics server goes down or comes back; what it knew is gone with it.
    pub(super) fn set_metrics(&mut self, state: MetricsApi) {
        self.metrics = MetricsServer::new(state, self.metrics.seed);
    }

    /// The metrics server.
    pub fn metrics(&self) -> &MetricsServer {
        &self.metrics
    }

    /// The `/metrics` page of the service's process in a pod; `None` when its port is closed.
    pub fn own_metrics(&self, uid: &str, at: Timestamp) -> Option<String> {
        self.service.metrics(uid, at)
    }

    pub(super) fn scrape(&mut self, at: Timestamp) {
        self.schedule(self.metrics.next(at), Due::Scrape);
        if self.metrics.state == MetricsApi::Served {
            let mut batch = self.measure_containers(at);
            self.measure_nodes(at, &mut batch);
            self.metrics.store(batch);
        }
    }

    fn measure_containers(&self, at: Timestamp) -> Batch {
        let mut batch = Batch::new();
        for (uid, run) in &self.pods {
            if run.node.as_ref().is_none_or(|(node, _)| self.is_off(node)) {
                continue;
            }
            for container in &run.containers[run.inits..] {
                let ContainerState::Running(started) = container.state else {
                    continue;
                };
                if let Some(used) = self.used_by(at, uid, &container.name, started) {
                    let point = Point { started, at, used };
                    batch.insert((uid.clone(), container.name.clone()), point);
                }
            }
        }
        batch
    }

    fn used_by(&self, at: Timestamp, uid: &str, container: &str, started: Timestamp) -> Option<Usage> {
        if container == CONTAINER {
            return self.service.usage(uid, at);
        }
        let age = u64::try_from(at.duration_since(started).as_millis()).unwrap_or(0);
        Some(Usage {
            cpu_nanos: age * 1_000 * OTHER.0,
            memory_bytes: OTHER.1,
        })
    }

    /// The use of the nodes: that of their pods and of everything else on them.
    fn measure_nodes(&self, at: Timestamp, batch: &mut Batch) {
        let mut points = Batch::new();
        for node in self.nodes.iter().filter(|node| node.stopped.is_none()) {
            let key = (node.name.to_owned(), String::new());
            let last = self.metrics.last.get(&key);
            let since = last.map_or(at - RESOLUTION, |last| last.at);
            let millis = u64::try_from(at.duration_since(since).as_millis()).unwrap_or(0);
            let mut used = last.map_or(0, |last| last.used.cpu_nanos) + millis * 1_000 * REST.0;
            let mut memory_bytes = REST.1;
            for run in self.pods_on(node.name) {
                let own = batch
                    .range((run.uid.clone(), String::new())..)
                    .take_while(|((pod, _), _)| *pod == run.uid);
                for (key, point) in own {
                    let before = self.metrics.last.get(key);
                    let before = before.filter(|before| before.started == point.started);
                    let spent = before.map_or(0, |before| before.used.cpu_nanos);
                    used += point.used.cpu_nanos.saturating_sub(spent);
                    memory_bytes += point.used.memory_bytes;
                }
            }
            let point = Point {
                started: Timestamp::UNIX_EPOCH,
                at,
                used: Usage {
                    cpu_nanos: used,
                    memory_bytes,
                },
            };
            points.insert(key, point);
        }
        batch.extend(points);
    }

    /// Gives the service the limits of its process in a pod.
    pub(super) fn bound_process(&mut self, uid: &str) {
        let Some(pod) = self.pod_object(uid) else {
            return;
        };
        let containers = pod["spec"]["containers"].as_array();
        let mut containers = containers.into_iter().flatten();
        let Some(container) = containers.find(|container| container["name"] == CONTAINER) else {
            return;
        };
        let limit = |name: &str| container["resources"]["limits"][name].as_str();
        // a container without a limit has its node's
        let bounds = ResourceLimits {
            cpu_millis: limit("cpu").map_or(4_000, thousandths).unsigned_abs(),
            memory_bytes: limit("memory").map_or(15 << 30, bytes).unsigned_abs(),
        };
        self.service.bound(uid, bounds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn batch(started: i64, at: i64, millis: u64) -> Batch {
        let used = Usage {
            cpu_nanos: (at - started).unsigned_abs() * millis * 1_000_000,
            memory_bytes: 45 << 20,
        };
        let point = Point {
            started: second(started),
            at: second(at),
            used,
        };
        Batch::from([(("u".to_owned(), "service".to_owned()), point)])
    }

    /// What is known of the pod after each batch: thousandths of a CPU and the window.
    fn after(batches: &[Batch]) -> Vec<Option<(u64, i64)>> {
        let mut server = MetricsServer::new(MetricsApi::Served, 7);
        let known = |server: &MetricsServer| {
            let pod = server.pod("u")?;
            Some((pod[0].1.cpu_nanos / 1_000_000, pod[0].1.window.as_secs()))
        };
        let each = batches.iter().map(|batch| {
            server.store(batch.clone());
            known(&server)
        });
        each.collect()
    }

    #[test]
    fn a_pod_is_known_from_its_second_point_on_and_none_spans_a_restart() {
        type Known = Option<(u64, i64)>;
        let table: [(&str, &[Batch], &[Known]); 5] = [
            (
                "old",
                &[batch(0, 100, 5), batch(0, 115, 5)],
                &[None, Some((5, 15))],
            ),
            (
                "young enough for its start",
                &[batch(100, 112, 8)],
                &[Some((8, 12))],
            ),
            (
                "too young for its start",
                &[batch(100, 105, 8), batch(100, 120, 8)],
                &[None, Some((8, 15))],
            ),
            (
                "restarted between",
                &[
                    batch(0, 100, 5),
                    batch(0, 115, 5),
                    batch(110, 130, 5),
                    batch(110, 145, 5),
                ],
                &[None, Some((5, 15)), None, Some((5, 15))],
            ),
            (
                "not running for a while",
                &[batch(0, 100, 5), Batch::new(), batch(0, 130, 5), batch(0, 145, 5)],
                &[None, None, None, Some((5, 15))],
            ),
        ];
        for (what, batches, expected) in table {
            assert_eq!(after(batches), expected, "{what}");
        }
    }
}
