//! The autoscalers: they scale deployments to the number of pods that the load needs (`pkg/controller/podautoscaler`). The load is that of
//! their status, and does not change.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::event_recorder::{Occurrence, seconds};
use super::objects::NAMESPACE;
use super::resource::Resource;
use super::{Due, World};

/// How often they compare (`--horizontal-pod-autoscaler-sync-period`).
const PERIOD: SignedDuration = SignedDuration::from_secs(15);

impl World {
    /// Each autoscaler sets the number of pods that its deployment should have.
    pub(super) fn autoscale(&mut self, at: Timestamp) {
        let all: Vec<Arc<Value>> = self.store.all(Resource::Autoscalers).cloned().collect();
        for autoscaler in &all {
            self.autoscale_one(at, autoscaler);
        }
        // The timer stops when there is no autoscaler: none is created while the world runs.
        if !all.is_empty() {
            self.schedule(at + PERIOD, Due::Autoscale);
        }
    }

    fn autoscale_one(&mut self, at: Timestamp, autoscaler: &Value) {
        let target = autoscaler["spec"]["scaleTargetRef"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let Some(deployment) = self.store.get(Resource::Deployments, NAMESPACE, &target) else {
            return;
        };
        let asked = deployment["spec"]["replicas"].as_u64().unwrap_or(0);
        let current = deployment["status"]["replicas"].as_u64().unwrap_or(0);
        let mut next = autoscaler.clone();
        next["status"]["currentReplicas"] = json!(current);
        let count = |field: &Value| field.as_u64();
        let least = count(&autoscaler["spec"]["minReplicas"]).unwrap_or(1);
        let most = count(&autoscaler["spec"]["maxReplicas"]).unwrap_or(least);
        let load = count(&autoscaler["status"]["desiredReplicas"]).unwrap_or(asked);
        let wanted = load.clamp(least, most.max(least));
        // A deployment of 0 pods is switched off: nobody scales it.
        if asked != 0 && asked != wanted {
            next["status"]["lastScaleTime"] = json!(seconds(at));
            let reason = if asked > wanted {
                "All metrics below target"
            } else {
                "cpu resource utilization (percentage of request) above target"
            };
            self.scale(at, &target, u32::try_from(wanted).unwrap_or(u32::MAX));
            self.record(
                at,
                &Occurrence {
                    about: autoscaler,
                    field: None,
                    kind: "Normal",
                    reason: "SuccessfulRescale",
                    message: format!("New size: {wanted}; reason: {reason}"),
                    component: "horizontal-pod-autoscaler",
                    host: None,
                },
            );
        }
        next["status"]["desiredReplicas"] = json!(wanted);
        self.store.put(Resource::Autoscalers, next);
    }
}
