//! The kubelet and the scheduler: a pod's way from accepted to ready, and from deleted to gone.
//!
//! Order of status changes and their spacing follow a recorded deletion and replacement on a real 1.32 cluster;
//! the readiness delay is the service's (20 s, then every 10 s).

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::events::{Occurrence, seconds};
use super::logs::Instance;
use super::objects::CONTAINER;
use super::pod_run::{ContainerState, PodRun};
use super::resource::Resource;
use super::{Due, PodStep, World};
use crate::drill::service::Process;

const BINDING: SignedDuration = SignedDuration::from_millis(40);
const ADMISSION: SignedDuration = SignedDuration::from_millis(160);
const SANDBOX: SignedDuration = SignedDuration::from_millis(700);
const INIT_RUNS: [SignedDuration; 2] = [
    SignedDuration::from_millis(300),
    SignedDuration::from_millis(1_400),
];
const BETWEEN_CONTAINERS: SignedDuration = SignedDuration::from_millis(350);
const READINESS_DELAY: SignedDuration = SignedDuration::from_secs(20);
/// From SIGTERM to the status that says so: the process has no handler and is gone at once, the kubelet notices within a second.
const STOPPING: SignedDuration = SignedDuration::from_millis(900);
const CLEANING: SignedDuration = SignedDuration::from_millis(120);
/// How long a removed pod's files stay readable to followers.
const LOG_RETENTION: SignedDuration = SignedDuration::from_mins(2);
/// A Go program that does not handle SIGTERM exits with 2 when it is process 1 of its container.
const EXIT_ON_TERMINATION: i32 = 2;

/// The nodes pods are spread over: name and address.
pub const NODES: [(&str, &str); 3] = [
    ("ip-10-0-134-21.ec2.internal", "10.0.134.21"),
    ("ip-10-0-159-87.ec2.internal", "10.0.159.87"),
    ("ip-10-0-172-140.ec2.internal", "10.0.172.140"),
];

impl World {
    /// The API server accepted a pod.
    pub(super) fn accept_pod(&mut self, at: Timestamp, pod: Value) {
        let run = PodRun::of(&pod);
        let uid = run.uid.clone();
        self.store.put(Resource::Pods, pod);
        self.pods.insert(uid.clone(), run);
        self.schedule_step(at + BINDING, &uid, PodStep::Bind);
    }

    pub(super) fn step(&mut self, at: Timestamp, uid: &str, step: PodStep) {
        let Some(run) = self.pods.get(uid) else {
            return;
        };
        if run.deleting.is_some() && !matches!(step, PodStep::Stop | PodStep::Remove) {
            return;
        }
        match step {
            PodStep::Bind => self.bind(at, uid),
            PodStep::Admit => self.admit(at, uid),
            PodStep::Start(index) => self.start_container(at, uid, index),
            PodStep::Pulled(index) => self.finish_pull(at, uid, index),
            PodStep::FinishInit(index) => self.finish_init(at, uid, index),
            PodStep::Ready(restart) => self.become_ready(at, uid, restart),
            PodStep::FailPull(index) => self.fail_pull(at, uid, index),
            PodStep::LookAtPull(index, look) => self.look_at_pull(at, uid, index, look),
            PodStep::Crash(index) => self.crash(at, uid, index),
            PodStep::BackOffCrash(index, restart) => self.back_off_crash(at, uid, index, restart),
            PodStep::Restart(index) => self.restart_container(at, uid, index),
            PodStep::Stop => self.stop(at, uid),
            PodStep::Remove => self.remove_pod(at, uid),
        }
    }

    fn bind(&mut self, at: Timestamp, uid: &str) {
        let (name, address) = NODES[self.next_node % NODES.len()];
        self.next_node += 1;
        let Some(run) = self.pods.get_mut(uid) else {
            return;
        };
        run.node = Some((name.to_owned(), address.to_owned()));
        let status = run.status(at);
        let Some(mut object) = self.pod_object(uid) else {
            return;
        };
        self.record_scheduled(at, &object, name);
        object["spec"]["nodeName"] = json!(name);
        object["status"] = status;
        self.store.put(Resource::Pods, object);
        let notices = SignedDuration::from_millis(self.random.below(250) as i64);
        self.schedule_step(at + ADMISSION + notices, uid, PodStep::Admit);
    }

    fn admit(&mut self, at: Timestamp, uid: &str) {
        if let Some(run) = self.pods.get_mut(uid) {
            run.admitted = Some(at);
        }
        self.publish(at, uid);
        self.schedule_step(at + SANDBOX, uid, PodStep::Start(0));
    }

    /// The image is there: create and start the container.
    pub(super) fn run_container(&mut self, at: Timestamp, uid: &str, index: usize) {
        let id = format!("containerd://{}", self.random.hexadecimal(64));
        let Some(run) = self.pods.get_mut(uid) else {
            return;
        };
        let container = &mut run.containers[index];
        container.state = ContainerState::Running(at);
        container.id = Some(id);
        let (name, restart) = (container.name.clone(), container.restarts);
        let process = Process {
            pod_uid: uid.to_owned(),
            pod_name: run.name.clone(),
            restart,
        };
        let init = index < run.inits;
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
        if init {
            self.write_init_log(at, uid, &name);
            let takes = INIT_RUNS.get(index).copied().unwrap_or(INIT_RUNS[0]);
            self.schedule_step(at + takes, uid, PodStep::FinishInit(index));
        } else {
            if name == CONTAINER {
                self.service.start(process, at);
            }
            let probe = SignedDuration::from_millis(self.random.below(3_000) as i64);
            self.schedule_step(at + READINESS_DELAY + probe, uid, PodStep::Ready(restart));
        }
        self.publish(at, uid);
    }

    fn write_init_log(&mut self, at: Timestamp, uid: &str, container: &str) {
        let file = instance(uid, container, 0);
        let glog =
            |at: Timestamp, text: &str| format!("I{}       1 {text}", at.strftime("%m%d %H:%M:%S.%6f"));
        let lines = match container {
            "migration" => vec![
                glog(at, "environment.go:94] Initializing stage environment"),
                glog(at, "migrate.go:33] Migrating db: 202101041200"),
                glog(at, "migrate.go:52] Migration finished"),
            ],
            _ => vec!["uid=1000640000(1000640000) gid=0(root) groups=0(root),1000640000".to_owned()],
        };
        for (number, line) in (1..).zip(lines) {
            self.logs.append(
                &file,
                at + SignedDuration::from_micros(number * 140),
                line.into_bytes(),
            );
        }
    }

    fn finish_init(&mut self, at: Timestamp, uid: &str, index: usize) {
        let Some(run) = self.pods.get_mut(uid) else {
            return;
        };
        let container = &mut run.containers[index];
        if let Some(end) = container.ended(0, "Completed", at) {
            container.state = ContainerState::Terminated(end);
            container.ready = true;
        }
        let file = instance(uid, &container.name, container.restarts);
        self.logs.close(&file);
        self.publish(at, uid);
        self.schedule_step(at + BETWEEN_CONTAINERS, uid, PodStep::Start(index + 1));
    }

    fn become_ready(&mut self, at: Timestamp, uid: &str, restart: u32) {
        let Some(run) = self.pods.get_mut(uid) else {
            return;
        };
        let inits = run.inits;
        for container in &mut run.containers[inits..] {
            if container.restarts == restart && matches!(container.state, ContainerState::Running(_)) {
                container.ready = true;
            }
        }
        self.publish(at, uid);
    }

    /// The pod is asked to go within `grace` seconds; 0 removes it at once.
    pub(super) fn terminate(&mut self, at: Timestamp, uid: &str, grace: i64) {
        let Some(run) = self.pods.get_mut(uid) else {
            return;
        };
        let already = run.deleting.is_some();
        if already && grace > 0 {
            return;
        }
        run.deleting = Some(at);
        let running: Vec<usize> = (0..run.containers.len())
            .filter(|index| matches!(run.containers[*index].state, ContainerState::Running(_)))
            .collect();
        self.mark_deleted(uid, at + SignedDuration::from_secs(grace), grace);
        if !already {
            for index in running {
                let message = format!("Stopping container {}", self.container_name(uid, index));
                self.container_event(at, uid, index, "Normal", "Killing", message);
            }
        }
        self.service.kill(uid);
        if grace == 0 {
            self.stop_containers(at, uid);
            self.drop_pod(at, uid);
        } else {
            self.schedule_step(at + STOPPING, uid, PodStep::Stop);
        }
        self.touch(at);
    }

    fn stop(&mut self, at: Timestamp, uid: &str) {
        self.stop_containers(at, uid);
        self.publish(at, uid);
        self.schedule_step(at + CLEANING, uid, PodStep::Remove);
    }

    fn stop_containers(&mut self, at: Timestamp, uid: &str) {
        let Some(run) = self.pods.get_mut(uid) else {
            return;
        };
        let finished = run.deleting.unwrap_or(at);
        run.stopped = true;
        for container in &mut run.containers {
            if let Some(end) = container.ended(EXIT_ON_TERMINATION, "Error", finished) {
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

    fn pod_object(&self, uid: &str) -> Option<Value> {
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
        self.record(
            at,
            &Occurrence {
                about: &pod,
                field: Some(field),
                kind,
                reason,
                message,
                component: "kubelet",
                host: host.as_deref(),
            },
        );
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
