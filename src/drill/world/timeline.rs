//! The objects at the world's beginning, the events of the scenario's timeline, and the changes that come through the API.

use std::cmp::Reverse;
use std::sync::PoisonError;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::container_run::ContainerState;
use super::event_recorder::seconds;
use super::objects::{self, DATABASE_SECRET, NAMESPACE, SERVICE};
use super::resource::Resource;
use super::{Due, FaultRequest, World};
use crate::scenario::{InfrastructureEvent, MetricsApi, Scenario, TimelineEvent};

/// The release before the one that runs.
const PREVIOUS_TAG: &str = "5c1d0aa";
const FIRST_REVISION: u32 = 6;
/// What the service's own secret holds.
const SERVICE_KEYS: [&str; 4] = [
    "ocm-service.clientId",
    "ocm-service.clientSecret",
    "ocm-service.token",
    "sentry.key",
];

impl World {
    /// Creates the objects that exist at the beginning of the world's past.
    pub(super) fn create_objects(
        &mut self,
        scenario: &Scenario,
        now: Timestamp,
        database: &[(&str, String)],
    ) {
        let created = now - scenario.deployment.age;
        let begin = now - scenario.deployment.pods_age;
        self.images.keep_everywhere(&scenario.deployment.image);
        self.images.lose(&scenario.registry.missing);
        let namespace = objects::namespace(&self.random.uuid(), created);
        self.store.put(Resource::Namespaces, namespace);
        let secret = objects::secret(DATABASE_SECRET, &self.random.uuid(), created, database);
        self.store.put(Resource::Secrets, secret);
        let keys = SERVICE_KEYS.map(|key| (key, self.random.hexadecimal(32)));
        let secret = objects::secret(SERVICE, &self.random.uuid(), created, &keys);
        self.store.put(Resource::Secrets, secret);
        self.furnish_nodes(created, begin);
        let image = &scenario.deployment.image;
        let previous = previous_image(image);
        let uid = self.random.uuid();
        let before = objects::pod_template(&previous, &previous);
        let old = objects::deployment(&uid, created, &scenario.deployment, &before, FIRST_REVISION);
        self.put_previous_set(&old, created);
        let template = objects::pod_template(image, image);
        let mut deployment =
            objects::deployment(&uid, created, &scenario.deployment, &template, FIRST_REVISION);
        deployment["metadata"]["generation"] = json!(14);
        self.store.put(Resource::Deployments, deployment);
        self.schedule(begin, Due::Controllers);
        for object in &scenario.objects {
            self.put_foreign(object.clone(), created, begin);
        }
    }

    /// Creates an object of the scenario, with defaults for what it leaves out.
    fn put_foreign(&mut self, mut object: Value, created: Timestamp, begin: Timestamp) {
        let kind = object["kind"].as_str().unwrap_or_default();
        let Some(resource) = Resource::ALL.into_iter().find(|one| one.kind() == kind) else {
            return;
        };
        let uid = self.random.uuid();
        let metadata = &mut object["metadata"];
        let uid = metadata["uid"].as_str().map_or(uid, str::to_owned);
        match resource {
            Resource::Deployments | Resource::ReplicaSets => drop(self.unattended.insert(uid.clone())),
            Resource::Autoscalers => self.schedule(begin, Due::Autoscale),
            _ => {}
        }
        // A scenario's pods are as old as the service's.
        let created = if resource == Resource::Pods {
            begin
        } else {
            created
        };
        for (field, value) in [
            ("namespace", json!(NAMESPACE)),
            ("uid", json!(uid)),
            ("creationTimestamp", json!(seconds(created))),
        ] {
            if metadata[field].is_null() {
                metadata[field] = value;
            }
        }
        if resource == Resource::Pods {
            start_foreign(&mut object);
        }
        self.store.put(resource, object);
    }

    fn put_previous_set(&mut self, deployment: &Value, created: Timestamp) {
        let hash = crate::random::template_hash(&deployment["spec"]["template"].to_string());
        let uid = self.random.uuid();
        let mut set = objects::replica_set(deployment, &hash, &uid, created, 0);
        set["metadata"]["annotations"]["deployment.kubernetes.io/revision"] =
            json!(FIRST_REVISION.to_string());
        self.store.put(Resource::ReplicaSets, set);
    }

    pub(super) fn plan_timeline(&mut self, scenario: &Scenario, now: Timestamp) {
        for entry in &scenario.timeline {
            self.schedule(now + entry.at, Due::TimelineEvent(entry.event.clone()));
        }
    }

    /// Schedules an event.
    pub fn schedule_event(&mut self, at: Timestamp, event: TimelineEvent) {
        self.schedule(at, Due::TimelineEvent(event));
    }

    pub(super) fn apply_event(&mut self, at: Timestamp, event: &TimelineEvent) {
        match event {
            TimelineEvent::Scale(replicas) => {
                self.scale(at, SERVICE, *replicas);
            }
            TimelineEvent::SetImage(image) => self.set_image(at, image, &["containers"]),
            TimelineEvent::Promote(image) => self.set_image(at, image, &["initContainers", "containers"]),
            TimelineEvent::DeletePods(count) => {
                for uid in self.oldest_pods(*count) {
                    self.terminate(at, &uid, 30);
                }
            }
            TimelineEvent::CrashPods(count) => {
                for uid in self.oldest_pods(*count) {
                    self.service.crash(at, &uid);
                }
            }
            TimelineEvent::DeleteLeader(lease_type) => {
                let leader = {
                    let tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
                    self.service.leader(lease_type, &tables)
                };
                if let Some(uid) = leader {
                    self.terminate(at, &uid, 30);
                }
            }
            TimelineEvent::OomPods(count) => {
                for uid in self.oldest_pods(*count) {
                    self.kill_for_memory(at, &uid);
                }
            }
            TimelineEvent::OomAfter(span) => self.set_out_of_memory(at, Some(*span)),
            TimelineEvent::OomEnds => self.set_out_of_memory(at, None),
            TimelineEvent::Cluster(event) => self.happen_to_cluster(at, event),
            TimelineEvent::Service(event) => {
                let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
                self.service.apply_event(at, event, &mut tables);
            }
            TimelineEvent::Database(fault) => {
                self.service.database(Some(*fault));
                self.requests.push_back(FaultRequest::Database(Some(*fault)));
            }
            TimelineEvent::DatabaseHeals => {
                self.service.database(None);
                self.requests.push_back(FaultRequest::Database(None));
            }
            TimelineEvent::Api(fault) => self.requests.push_back(FaultRequest::Api(Some(fault.clone()))),
            TimelineEvent::Monitoring(event) => self.monitoring.set_fault(at, event.server, event.fault),
            TimelineEvent::ApiHeals => self.requests.push_back(FaultRequest::Api(None)),
        }
    }

    fn happen_to_cluster(&mut self, at: Timestamp, event: &InfrastructureEvent) {
        match event {
            InfrastructureEvent::NodeFails(node) => self.stop_node(at, node),
            InfrastructureEvent::NodeRecovers(node) => self.start_node(at, node),
            InfrastructureEvent::NodesLate(seconds) => self.delay_nodes(at, *seconds),
            InfrastructureEvent::DiskFull(node) => self.fill_disk(at, node),
            InfrastructureEvent::DiskFreed(node) => self.free_disk(at, node),
            InfrastructureEvent::NodesFull(resource) => self.short_of = Some(resource.clone()),
            InfrastructureEvent::NodesFree => {
                self.short_of = None;
                self.retry_scheduling(at);
            }
            InfrastructureEvent::QuotaPods(pods) => self.quota = Some(*pods),
            InfrastructureEvent::QuotaLifted => {
                self.quota = None;
                self.touch(at);
            }
            InfrastructureEvent::MetricsFail => self.set_metrics(MetricsApi::Down),
            InfrastructureEvent::MetricsReturn => self.set_metrics(MetricsApi::Served),
            InfrastructureEvent::LoseSecret(name) => {
                let secret = self.store.remove(Resource::Secrets, NAMESPACE, name);
                self.lost_secrets.extend(secret.map(|secret| (*secret).clone()));
            }
            InfrastructureEvent::SecretsReturn => {
                for secret in std::mem::take(&mut self.lost_secrets) {
                    self.store.put(Resource::Secrets, secret);
                }
            }
        }
    }

    fn oldest_pods(&self, count: usize) -> Vec<String> {
        let mut pods: Vec<_> = self.pods.values().filter(|run| run.is_active()).collect();
        pods.sort_by_key(|run| Reverse(run.admitted));
        pods.reverse();
        pods.into_iter().take(count).map(|run| run.uid.clone()).collect()
    }

    /// Sets the number of pods that the deployment should have. Returns whether it exists.
    pub fn scale(&mut self, at: Timestamp, deployment: &str, replicas: u32) -> bool {
        self.change_deployment(at, deployment, |spec| spec["replicas"] = json!(replicas))
    }

    /// Sets the image of the deployment's containers in these lists.
    pub(super) fn set_image(&mut self, at: Timestamp, image: &str, lists: &[&str]) {
        self.change_deployment(at, SERVICE, |spec| {
            for list in lists {
                let containers = spec["template"]["spec"][*list].as_array_mut();
                for container in containers.into_iter().flatten() {
                    container["image"] = json!(image);
                }
            }
        });
    }

    /// Changes a deployment's spec.
    fn change_deployment(&mut self, at: Timestamp, name: &str, change: impl FnOnce(&mut Value)) -> bool {
        let Some(deployment) = self.store.get(Resource::Deployments, NAMESPACE, name) else {
            return false;
        };
        let mut deployment = (**deployment).clone();
        change(&mut deployment["spec"]);
        self.replace(at, Resource::Deployments, deployment);
        true
    }

    /// Writes an object that the API server accepted. Its generation rises when its spec changed (events, pods and nodes have none), and
    /// the controllers react. A write that changes nothing makes no version.
    pub fn replace(&mut self, at: Timestamp, resource: Resource, mut object: Value) {
        if matches!(resource, Resource::Deployments | Resource::ReplicaSets) {
            let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
            let before = self.store.get(resource, text("namespace"), text("name"));
            let generation = before.map_or(1, |before| {
                let changed = before["spec"] != object["spec"];
                before["metadata"]["generation"].as_u64().unwrap_or(0) + u64::from(changed)
            });
            object["metadata"]["generation"] = json!(generation);
        }
        self.store.put(resource, object);
        self.touch(at);
        if resource == Resource::Nodes {
            self.retry_scheduling(at);
        }
    }

    /// Deletes a pod as `kubectl delete` does, within `grace` seconds.
    pub fn delete_pod(&mut self, at: Timestamp, uid: &str, grace: i64) {
        self.terminate(at, uid, grace);
    }

    /// The kubelet's reason why a container waits; `None` when it runs or ended.
    pub fn waits_for(&self, uid: &str, container: &str) -> Option<String> {
        let run = self.pods.get(uid)?;
        let container = run.containers.iter().find(|run| run.name == container)?;
        match &container.state {
            ContainerState::Waiting(reason, _) => Some(reason.clone()),
            _ => None,
        }
    }

    /// How often a container was restarted, and whether an instance ended before the current one.
    pub fn restarts(&self, uid: &str, container: &str) -> Option<(u32, bool)> {
        let run = self.pods.get(uid)?;
        let container = run.containers.iter().find(|run| run.name == container)?;
        Some((container.restarts, container.last.is_some()))
    }
}

/// The start of a pod that runs and of its containers, where they are not given: when it was created.
fn start_foreign(pod: &mut Value) {
    let created = pod["metadata"]["creationTimestamp"].clone();
    let status = &mut pod["status"];
    if status["phase"] != "Running" {
        return;
    }
    if status["startTime"].is_null() {
        status["startTime"] = created.clone();
    }
    let containers = status["containerStatuses"].as_array_mut();
    for container in containers.into_iter().flatten() {
        if let Some(running) = container.pointer_mut("/state/running")
            && running["startedAt"].is_null()
        {
            running["startedAt"] = created.clone();
        }
    }
}

fn previous_image(image: &str) -> String {
    let name = image.rsplit_once(':').map_or(image, |(name, _)| name);
    format!("{name}:{PREVIOUS_TAG}")
}
