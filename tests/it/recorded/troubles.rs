//! Pods in trouble.

use serde_json::Value;

use super::exchange::Exchange;
use super::judge::Judge;
use super::logs;
use super::stage::Stage;

/// What is wrong with a pod, and what was asked while it was.
pub struct Trouble {
    /// The scenario's text.
    pub scenario: &'static str,
    /// The recorded pod in trouble.
    pub pod: &'static str,
    /// The reason for which its service waits, when the requests are made; empty when it runs.
    pub waits: &'static str,
    /// Its restarts then.
    pub restarts: u64,
    pub exchanges: &'static [&'static str],
    /// What `kubectl` was asked.
    pub commands: &'static [&'static str],
}

/// The situations of the recordings.
pub const TROUBLES: &[Trouble] = &[CRASH_LOOP, IMAGE_PULL];

const CRASH_LOOP: Trouble = Trouble {
    scenario: "
id = 'recorded'
title = 'Crash loop'
story = 'One of three pods crashes again and again.'
sop = 'api-down'
[deployment]
age = '75m'
pods_age = '4m'
[[timeline]]
at = '-3m50s'
crash_pods = 1
[[timeline]]
at = '-3m'
crash_pods = 1
[[timeline]]
at = '-2m'
crash_pods = 1
[[timeline]]
at = '-15s'
crash_pods = 1
",
    pod: "managed-services-api-64d78545d9-6qmtx",
    waits: "CrashLoopBackOff",
    restarts: 3,
    exchanges: &[
        "state-crashloop-pods",
        "events-of-a-crash-loop",
        "log-of-a-crashed-container",
        "log-previous",
    ],
    commands: &[
        "kubectl-state-crashloop-get-pods",
        "kubectl-state-crashloop-describe",
        "kubectl-logs-previous",
    ],
};

const IMAGE_PULL: Trouble = Trouble {
    scenario: "
id = 'recorded'
title = 'Image pull'
story = 'A release whose image is not there.'
sop = 'api-down'
[deployment]
age = '75m'
pods_age = '2m'
[registry]
missing = ['quay.io/app-sre/managed-services-api:0000000']
[[timeline]]
at = '-26s'
set_image = 'quay.io/app-sre/managed-services-api:0000000'
",
    pod: "managed-services-api-746657bb68-zs9zs",
    waits: "ErrImagePull",
    restarts: 0,
    exchanges: &[
        "state-imagepull-pods",
        "state-imagepull-deployment",
        "state-imagepull-events",
        "log-of-a-waiting-container",
    ],
    commands: &[
        "kubectl-state-imagepull-get-pods",
        "kubectl-state-imagepull-describe",
    ],
};

impl Trouble {
    /// Brings the trouble about, makes the recorded requests, and compares.
    pub async fn hold(&self, judge: &mut Judge) {
        let mut stage = Stage::set(self.scenario).await;
        stage
            .until(self.waits, |pods| pods.iter().any(|pod| self.is_met_by(pod)))
            .await;
        let pod = stage.pod(self.waits, |pod| self.is_met_by(pod)).await;
        stage.part(self.pod, pod["metadata"]["name"].as_str().unwrap());
        for name in self.exchanges {
            let exchange = Exchange::read(name);
            let answer = stage.play(&exchange).await;
            if name.starts_with("log-") {
                logs::hold(judge, &exchange, &answer);
            } else {
                judge.answer(&exchange, &answer);
            }
        }
    }

    /// Whether the pod is in this trouble.
    pub fn is_met_by(&self, pod: &Value) -> bool {
        let service = &pod["status"]["containerStatuses"][0];
        let reason = service["state"]["waiting"]["reason"].as_str().unwrap_or_default();
        service["ready"] == false && reason == self.waits && service["restartCount"] == self.restarts
    }
}
