//! What Prometheus finds in the world when it scrapes: the pods, their kubelets, and the deployment.

use std::sync::PoisonError;

use jiff::Timestamp;

use super::objects::{CONTAINER, NAMESPACE, SERVICE};
use super::pod_run::PodRun;
use super::resource::Resource;
use super::{ContainerState, World};
use crate::monitoring::{Monitoring, ScrapedDeployment, ScrapedPod};

/// The port of the service's own page.
const METRICS_PORT: u16 = 8080;

impl World {
    /// What the monitoring knows.
    pub fn monitoring_mut(&mut self) -> &mut Monitoring {
        &mut self.monitoring
    }

    /// Prometheus scrapes everything.
    pub(super) fn scrape_for_monitoring(&mut self, at: Timestamp) {
        let pods: Vec<ScrapedPod> = self
            .pods
            .values()
            .filter_map(|run| self.scraped(at, run))
            .collect();
        let deployment = self.store.get(Resource::Deployments, NAMESPACE, SERVICE);
        let deployment = deployment.map_or_else(ScrapedDeployment::default, |deployment| {
            let count = |pointer: &str| {
                let count = deployment.pointer(pointer).and_then(serde_json::Value::as_u64);
                u32::try_from(count.unwrap_or(0)).unwrap_or(u32::MAX)
            };
            ScrapedDeployment {
                wanted: count("/spec/replicas"),
                ready: count("/status/readyReplicas"),
            }
        });
        let trouble = {
            let tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
            self.service.is_in_trouble(at, &tables)
        };
        self.monitoring.scrape(at, pods, deployment, trouble);
    }

    /// A pod as it is scraped; `None` where Prometheus has no target for it.
    fn scraped(&self, at: Timestamp, run: &PodRun) -> Option<ScrapedPod> {
        let node = run.node.clone()?;
        let address = run.address.clone()?;
        let container = run
            .containers
            .iter()
            .skip(run.inits)
            .find(|container| container.name == CONTAINER)?;
        if run.stopped || run.evicted.is_some() {
            return None;
        }
        let runs = matches!(container.state, ContainerState::Running(_));
        let is_off = self.is_off(&node.0);
        let last = match &container.state {
            ContainerState::Terminated(ended) => Some(ended),
            _ => container.last.as_ref(),
        };
        Some(ScrapedPod {
            uid: run.uid.clone(),
            name: run.name.clone(),
            instance: format!("{address}:{METRICS_PORT}"),
            counters: (!is_off).then(|| self.service.counters(&run.uid, at)).flatten(),
            usage: (runs && !is_off)
                .then(|| self.service.usage(&run.uid, at))
                .flatten(),
            limits: self.service.limits(&run.uid),
            node,
            restarts: container.restarts,
            oom_killed: last.is_some_and(|ended| ended.reason == "OOMKilled"),
        })
    }
}
