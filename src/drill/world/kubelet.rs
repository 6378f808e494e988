//! The kubelet: it takes a pod from accepted to ready, and from deleted to gone.
//!
//! The order and the spacing of status changes follow a recorded deletion and replacement on a real 1.32 cluster. Scheduler, volumes,
//! probes and failures are in files of their own.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::container_run::{ContainerRun, ContainerState};
use super::event_recorder::{Occurrence, seconds};
use super::logs::Instance;
use super::objects::{CONTAINER, INIT_CONTAINERS};
use super::pod_run::PodRun;
use super::resource::Resource;
use super::{Due, PodStep, World};
use crate::service::Process;

const BINDING: SignedDuration = SignedDuration::from_millis(40);
const SANDBOX: SignedDuration = SignedDuration::from_millis(700);
const INIT_RUNS: [SignedDuration; 2] = [
    SignedDuration::from_millis(300),
    SignedDuration::from_millis(1_400),
];
const BETWEEN_CONTAINERS: SignedDuration = SignedDuration::from_millis(350);
/// From SIGTERM to the status that says so: the process has no handler and is gone at once, the kubelet notices within a second.
const STOPPING: SignedDuration = SignedDuration::from_millis(900);
const CLEANING: SignedDuration = SignedDuration::from_millis(120);
/// How long a removed pod's files stay readable to followers.
const LOG_RETENTION: SignedDuration = SignedDuration::from_mins(2);
/// A Go program that does not handle SIGTERM exits with 2 when it is process 1 of its container.
const EXIT_ON_TERMINATION: i32 = 2;

/// The last line of the migration of a broken release.
const MIGRATION_FAILS: &str = "migrations.go:31] Could not migrate: pq: column \"failed_reason\" of relation \"kafka_requests\" already exists";

impl World {
    /// The API server accepted a pod.
    pub(super) fn accept_pod(&mut self, at: Timestamp, pod: Value) {
        let run = PodRun::of(&pod, at);
        let uid = run.uid.clone();
        self.store.put(Resource::Pods, pod);
        self.pods.insert(uid.clone(), run);
        self.plan_binding(at + BINDING, &uid);
    }

    pub(super) fn step(&mut self, at: Timestamp, uid: &str, step: PodStep) {
        let Some(run) = self.pods.get(uid) else {
            return;
        };
        let going = run.deleting.is_some() || run.stopped;
        if going && !matches!(step, PodStep::Stop | PodStep::Remove) {
            return;
        }
        match step {
            PodStep::Bind => self.bind(at, uid),
            PodStep::Admit => self.admit(at, uid),
            PodStep::Mount(attempt) => self.mount(at, uid, attempt),
            PodStep::Start(index) => self.start_container(at, uid, index),
            PodStep::Pulled(index) => self.finish_pull(at, uid, index),
            PodStep::FinishInit(index, restart) => self.finish_init(at, uid, index, restart),
            PodStep::Probe(index, probe) => self.tick_probe(at, uid, index, probe),
            PodStep::FailPull(index) => self.fail_pull(at, uid, index),
            PodStep::LookAtPull(index, look) => self.look_at_pull(at, uid, index, look),
            PodStep::LookAtCrash(index, restart, look) => self.look_at_crash(at, uid, index, restart, look),
            PodStep::OutOfMemory(index, restart) => self.run_out_of_memory(at, uid, index, restart),
            PodStep::Stop => self.stop(at, uid),
            PodStep::Remove => self.remove_pod(at, uid),
        }
    }

    fn admit(&mut self, at: Timestamp, uid: &str) {
        if let Some(run) = self.pods.get_mut(uid) {
            run.admitted = Some(at);
        }
        self.publish(at, uid);
        self.start_probes(at, uid);
        self.schedule_step(at + SANDBOX, uid, PodStep::Mount(0));
    }

    /// The image is there: creates and starts the container.
    pub(super) fn run_container(&mut self, at: Timestamp, uid: &str, index: usize) {
        let id = format!("containerd://{}", self.random.hexadecimal(64));
        let Some(run) = self.pods.get_mut(uid) else {
            return;
        };
        let container = &mut run.containers[index];
        container.begin(at, id);
        let (name, restart) = (container.name.clone(), container.restarts);
        let process = Process {
            pod_uid: uid.to_owned(),
            pod_name: run.name.clone(),
            restart,
        };
        self.container_event(
            at,
            uid,
            index,
            "Normal",
            "Created",
            format!("Created container: {name}"),
        );
        self.container_event(
            at,
            uid,
            index,
            "Normal",
            "Started",
            format!("Started container {name}"),
        );
        self.logs.open(instance(uid, &name, restart));
        if name == CONTAINER {
            self.service.start(process, at);
            self.bound_process(uid);
            self.plan_out_of_memory(at, uid);
        }
        self.go_on(at, uid, index);
        self.publish(at, uid);
    }

    /// Schedules what follows the start of a container: the end of an init container, or the start of the next container.
    fn go_on(&mut self, at: Timestamp, uid: &str, index: usize) {
        let Some(run) = self.pods.get_mut(uid) else {
            return;
        };
        if index < run.inits {
            let restart = run.containers[index].restarts;
            let takes = INIT_RUNS.get(index).copied().unwrap_or(INIT_RUNS[0]);
            self.write_init_log(at, at + takes, uid, index);
            self.schedule_step(at + takes, uid, PodStep::FinishInit(index, restart));
            return;
        }
        run.containers[index].ready = !run.containers[index].has_readiness_probe();
        let next = run.containers.get(index + 1);
        if next.is_some_and(ContainerRun::is_new) {
            self.schedule_step(at + BETWEEN_CONTAINERS, uid, PodStep::Start(index + 1));
        }
    }

    /// What an init container writes from its start to its end.
    fn write_init_log(&mut self, start: Timestamp, end: Timestamp, uid: &str, index: usize) {
        let Some(container) = self.pods.get(uid).map(|run| &run.containers[index]) else {
            return;
        };
        let file = instance(uid, &container.name, container.restarts);
        let fails = self.migration_failure(uid, index).is_some();
        let line = |severity: char, at: Timestamp, text: &str| {
            format!("{severity}{}       1 {text}", at.strftime("%m%d %H:%M:%S.%6f"))
        };
        let micros = |at: Timestamp, micros: i64| at + SignedDuration::from_micros(micros);
        let mut lines = Vec::new();
        if container.name == INIT_CONTAINERS[1] {
            let (first, second) = (micros(start, 140), micros(start, 280));
            lines.push((
                first,
                line('I', first, "environment.go:94] Initializing stage environment"),
            ));
            lines.push((
                second,
                line('I', second, "migrate.go:33] Migrating db: 202101041200"),
            ));
            let last = micros(end, -9_000);
            let text = if fails {
                line('F', last, MIGRATION_FAILS)
            } else {
                line('I', last, "migrate.go:52] Migration finished")
            };
            lines.push((last, text));
        } else {
            let id = "uid=1000640000(1000640000) gid=0(root) groups=0(root),1000640000";
            lines.push((micros(start, 140), id.to_owned()));
        }
        for (at, line) in lines {
            self.logs.append(&file, at, line.into_bytes());
        }
    }

    fn finish_init(&mut self, at: Timestamp, uid: &str, index: usize, restart: u32) {
        if let Some(how) = self.migration_failure(uid, index) {
            self.end_container(at, uid, index, how);
            return;
        }
        let Some(run) = self.pods.get_mut(uid) else {
            return;
        };
        let container = &mut run.containers[index];
        let Some(end) = container
            .ended(0, "Completed", at)
            .filter(|_| container.restarts == restart)
        else {
            return;
        };
        container.state = ContainerState::Terminated(end);
        container.ready = true;
        container.failures = 0;
        let file = instance(uid, &container.name, container.restarts);
        self.logs.close(&file);
        self.publish(at, uid);
        self.schedule_step(at + BETWEEN_CONTAINERS, uid, PodStep::Start(index + 1));
    }

    /// Deletes the pod with this grace period in seconds; 0 removes it at once.
    pub(super) fn terminate(&mut self, at: Timestamp, uid: &str, grace: i64) {
        let Some(run) = self.pods.get_mut(uid) else {
            return;
        };
        let already = run.deleting.is_some();
        if already && grace > 0 {
            return;
        }
        // The API server gives no grace to a pod that is on no node or has ended.
        let grace = if run.node.is_none() || run.evicted.is_some() {
            0
        } else {
            grace
        };
        run.deleting = Some(at);
        let off = run.node.clone().is_some_and(|(node, _)| self.is_off(&node));
        self.mark_deleted(uid, at + SignedDuration::from_secs(grace), grace);
        if !already && !off {
            self.say_stopping(at, uid);
        }
        self.service.kill(uid);
        if grace == 0 {
            self.stop_containers(at, uid, EXIT_ON_TERMINATION);
            self.drop_pod(at, uid);
        } else if !off {
            self.schedule_step(at + STOPPING, uid, PodStep::Stop);
        }
        self.touch(at);
    }

    pub(super) fn say_stopping(&mut self, at: Timestamp, uid: &str) {
        let Some(run) = self.pods.get(uid) else {
            return;
        };
        let running: Vec<usize> = (0..run.containers.len())
            .filter(|index| run.containers[*index].is_running())
            .collect();
        for index in running {
            let message = format!("Stopping container {}", self.container_name(uid, index));
            self.container_event(at, uid, index, "Normal", "Killing", message);
        }
    }

    fn stop(&mut self, at: Timestamp, uid: &str) {
        self.stop_containers(at, uid, EXIT_ON_TERMINATION);
        self.publish(at, uid);
        self.schedule_step(at + CLEANING, uid, PodStep::Remove);
    }

    /// All containers end with that code.
    pub(super) fn stop_containers(&mut self, at: Timestamp, uid: &str, code: i32) {
        let Some(run) = self.pods.get_mut(uid) else {
            return;
        };
        let finished = run.deleting.unwrap_or(at);
        run.stopped = true;
        for container in &mut run.containers {
            if let Some(end) = container.ended(code, "Error", finished) {
                container.state = ContainerState::Terminated(end);
                container.ready = false;
                self.logs
                    .close(&instance(uid, &container.name, container.restarts));
            }
        }
    }

    fn remove_pod(&mut self, at: Timestamp, uid: &str) {
        let asked = self.pods.get(uid).and_then(|run| run.deleting).unwrap_or(at);
        self.mark_deleted(uid, asked, 0);
        self.drop_pod(at, uid);
    }

    fn drop_pod(&mut self, at: Timestamp, uid: &str) {
        if let Some(run) = self.pods.remove(uid) {
            self.store.remove(Resource::Pods, &run.namespace, &run.name);
            self.retry_scheduling(at);
        }
        self.schedule(at + LOG_RETENTION, Due::ForgetLogs(uid.to_owned()));
        self.touch(at);
    }

    fn mark_deleted(&mut self, uid: &str, by: Timestamp, grace: i64) {
        let Some(mut pod) = self.pod_object(uid) else {
            return;
        };
        pod["metadata"]["deletionTimestamp"] = json!(seconds(by));
        pod["metadata"]["deletionGracePeriodSeconds"] = json!(grace);
        self.store.put(Resource::Pods, pod);
    }

    /// Writes the pod's status as the kubelet sees it now.
    pub(super) fn publish(&mut self, at: Timestamp, uid: &str) {
        let Some(mut pod) = self.pod_object(uid) else {
            return;
        };
        if let Some(run) = self.pods.get_mut(uid) {
            pod["status"] = run.status(at);
        }
        self.store.put(Resource::Pods, pod);
        self.touch(at);
    }

    /// Cancels what was scheduled for the pod.
    pub(super) fn cancel_steps(&mut self, uid: &str) {
        self.queue
            .retain(|_, due| !matches!(due, Due::Pod(pod, _) if pod == uid));
    }

    pub(super) fn pod_object(&self, uid: &str) -> Option<Value> {
        let run = self.pods.get(uid)?;
        let pod = self.store.get(Resource::Pods, &run.namespace, &run.name)?;
        Some((**pod).clone())
    }

    pub(super) fn container_name(&self, uid: &str, index: usize) -> String {
        self.pods
            .get(uid)
            .map(|run| run.containers[index].name.clone())
            .unwrap_or_default()
    }

    /// An event of the kubelet about one container.
    pub(super) fn container_event(
        &mut self,
        at: Timestamp,
        uid: &str,
        index: usize,
        kind: &str,
        reason: &str,
        message: String,
    ) {
        let (Some(pod), Some(run)) = (self.pod_object(uid), self.pods.get(uid)) else {
            return;
        };
        let list = if index < run.inits {
            "initContainers"
        } else {
            "containers"
        };
        let field = format!("spec.{list}{{{}}}", run.containers[index].name);
        let host = run.node.as_ref().map(|(name, _)| name.clone());
        let occurrence = Occurrence {
            field: Some(field),
            message,
            ..about_pod(&pod, host.as_deref(), kind, reason)
        };
        self.record(at, &occurrence);
    }
}

/// An occurrence about a pod, as its kubelet tells of it, without its message.
pub(super) fn about_pod<'a>(
    pod: &'a Value,
    host: Option<&'a str>,
    kind: &'a str,
    reason: &'a str,
) -> Occurrence<'a> {
    Occurrence {
        about: pod,
        field: None,
        kind,
        reason,
        message: String::new(),
        component: "kubelet",
        host,
    }
}

/// The log file of a container instance.
pub(super) fn instance(uid: &str, container: &str, restart: u32) -> Instance {
    Instance {
        pod_uid: uid.to_owned(),
        container: container.to_owned(),
        restart,
    }
}
