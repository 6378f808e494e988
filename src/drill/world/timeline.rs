//! The world's furniture, and what happens to it: by the scenario, and by the operator through the API.

use std::cmp::Reverse;
use std::sync::PoisonError;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::events::seconds;
use super::objects::{self, CONTAINER, DATABASE_SECRET, NAMESPACE, SERVICE};
use super::pod_run::ContainerState;
use super::resource::Resource;
use super::{Due, PodStep, Request, World};
use crate::drill::scenario::{Happening, Scenario};

/// The release before the one that runs.
const PREVIOUS_TAG: &str = "5c1d0aa";
const FIRST_REVISION: u32 = 6;

impl World {
    /// Makes the objects that are there before the world's past begins.
    pub(super) fn furnish(&mut self, scenario: &Scenario, now: Timestamp, database: &[(&str, String)]) {
        let created = now - scenario.deployment.age;
        let begin = now - scenario.deployment.pods_age;
        self.images.keep_everywhere(&scenario.deployment.image);
        self.images.lose(&scenario.registry.missing);
        let namespace = objects::namespace(&self.random.uuid(), created);
        self.store.put(Resource::Namespaces, namespace);
        let secret = objects::secret(DATABASE_SECRET, &self.random.uuid(), created, database);
        self.store.put(Resource::Secrets, secret);
        let image = &scenario.deployment.image;
        let previous = previous_image(image);
        let uid = self.random.uuid();
        let before = objects::pod_template(&previous, &previous);
        let old = objects::deployment(
            &uid,
            created,
            scenario.deployment.replicas,
            &before,
            FIRST_REVISION,
        );
        self.put_previous_set(&old, created);
        let template = objects::pod_template(image, image);
        let mut deployment = objects::deployment(
            &uid,
            created,
            scenario.deployment.replicas,
            &template,
            FIRST_REVISION,
        );
        deployment["metadata"]["generation"] = json!(14);
        self.store.put(Resource::Deployments, deployment);
        self.schedule(begin, Due::Controllers);
        for object in &scenario.objects {
            self.put_foreign(object.clone(), created);
        }
    }

    /// An object that the scenario gives; what it leaves out is filled in.
    fn put_foreign(&mut self, mut object: Value, created: Timestamp) {
        let kind = object["kind"].as_str().unwrap_or_default();
        let Some(resource) = Resource::ALL.into_iter().find(|one| one.kind() == kind) else {
            return;
        };
        let uid = self.random.uuid();
        let metadata = &mut object["metadata"];
        for (field, value) in [
            ("namespace", json!(NAMESPACE)),
            ("uid", json!(uid)),
            ("creationTimestamp", json!(seconds(created))),
        ] {
            if metadata[field].is_null() {
                metadata[field] = value;
            }
        }
        self.store.put(resource, object);
    }

    fn put_previous_set(&mut self, deployment: &Value, created: Timestamp) {
        let hash = super::random::template_hash(&deployment["spec"]["template"].to_string());
        let uid = self.random.uuid();
        let mut set = objects::replica_set(deployment, &hash, &uid, created, 0);
        set["metadata"]["annotations"]["deployment.kubernetes.io/revision"] =
            json!(FIRST_REVISION.to_string());
        self.store.put(Resource::ReplicaSets, set);
    }

    pub(super) fn plan_timeline(&mut self, scenario: &Scenario, now: Timestamp) {
        for entry in &scenario.timeline {
            self.schedule(now + entry.at, Due::Happening(entry.happening.clone()));
        }
    }

    /// Lets something happen at a moment to come.
    pub fn schedule_happening(&mut self, at: Timestamp, happening: Happening) {
        self.schedule(at, Due::Happening(happening));
    }

    pub(super) fn happen(&mut self, at: Timestamp, happening: &Happening) {
        match happening {
            Happening::Scale(replicas) => {
                self.scale(at, SERVICE, *replicas);
            }
            Happening::SetImage(image) => self.set_image(at, image),
            Happening::DeletePods(count) => {
                for uid in self.oldest_pods(*count) {
                    self.terminate(at, &uid, 30);
                }
            }
            Happening::CrashPods(count) => {
                for uid in self.oldest_pods(*count) {
                    let inits = self.pods[&uid].inits;
                    self.schedule_step(at, &uid, PodStep::Crash(inits));
                }
            }
            Happening::Service(happening) => {
                let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
                self.service.happen(at, happening, &mut tables);
            }
            Happening::Database(fault) => self.requests.push_back(Request::Database(Some(*fault))),
            Happening::DatabaseHeals => self.requests.push_back(Request::Database(None)),
            Happening::Api(fault) => self.requests.push_back(Request::Api(Some(fault.clone()))),
            Happening::ApiHeals => self.requests.push_back(Request::Api(None)),
        }
    }

    fn oldest_pods(&self, count: usize) -> Vec<String> {
        let mut pods: Vec<_> = self.pods.values().filter(|run| run.is_active()).collect();
        pods.sort_by_key(|run| Reverse(run.admitted));
        pods.reverse();
        pods.into_iter().take(count).map(|run| run.uid.clone()).collect()
    }

    /// Asks for another number of pods. Returns whether the deployment exists.
    pub fn scale(&mut self, at: Timestamp, deployment: &str, replicas: u32) -> bool {
        self.change_deployment(at, deployment, |spec| spec["replicas"] = json!(replicas))
    }

    fn set_image(&mut self, at: Timestamp, image: &str) {
        self.change_deployment(at, SERVICE, |spec| {
            let containers = spec["template"]["spec"]["containers"].as_array_mut();
            for container in containers.into_iter().flatten() {
                if container["name"] == CONTAINER {
                    container["image"] = json!(image);
                }
            }
        });
    }

    /// Changes a deployment's spec; its generation counts up when that makes a difference.
    fn change_deployment(&mut self, at: Timestamp, name: &str, change: impl FnOnce(&mut Value)) -> bool {
        let Some(deployment) = self.store.get(Resource::Deployments, NAMESPACE, name) else {
            return false;
        };
        let mut deployment = (**deployment).clone();
        let before = deployment["spec"].clone();
        change(&mut deployment["spec"]);
        if deployment["spec"] != before {
            let generation = deployment["metadata"]["generation"].as_u64().unwrap_or(0) + 1;
            deployment["metadata"]["generation"] = json!(generation);
            self.store.put(Resource::Deployments, deployment);
            self.touch(at);
        }
        true
    }

    /// Deletes a pod as `kubectl delete` does, within `grace` seconds.
    pub fn delete_pod(&mut self, at: Timestamp, uid: &str, grace: i64) {
        self.terminate(at, uid, grace);
    }

    /// What a container waits for, or `None` when it runs or ended: the reason the kubelet gives.
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

fn previous_image(image: &str) -> String {
    let name = image.rsplit_once(':').map_or(image, |(name, _)| name);
    format!("{name}:{PREVIOUS_TAG}")
}
