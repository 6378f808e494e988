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
    /// How it is when the requests are made.
    pub state: State,
    pub exchanges: &'static [&'static str],
    /// What `kubectl` was asked.
    pub commands: &'static [&'static str],
}

/// How a pod in trouble is.
#[derive(Clone, Copy, Debug)]
pub enum State {
    /// Its service waits for this reason, after so many restarts.
    Waits(&'static str, u64),
    /// Its service runs and is not ready, after so many restarts.
    Unready(u64),
    /// An init container has just failed, after so many restarts.
    InitFailed(u64),
    /// It is on no node.
    Unscheduled,
}

/// The situations of the recordings.
pub const TROUBLES: &[Trouble] = &[
    CRASH_LOOP,
    IMAGE_PULL,
    OUT_OF_MEMORY,
    INIT_FAILURE,
    UNREADY,
    UNSCHEDULABLE,
];

const OUT_OF_MEMORY: Trouble = Trouble {
    scenario: "
id = 'recorded'
title = 'Out of memory'
story = 'One of three pods needs more memory than it may have.'
sop = 'api-down'
[deployment]
age = '75m'
pods_age = '3m'
[[timeline]]
at = '-40s'
oom_pods = 1
[[timeline]]
at = '-4s'
oom_pods = 1
",
    pod: "managed-services-api-64d78545d9-6qmtx",
    state: State::Waits("CrashLoopBackOff", 1),
    exchanges: &["state-oom-pods", "state-oom-deployment"],
    commands: &["kubectl-state-oom-get-pods", "kubectl-state-oom-describe"],
};

const INIT_FAILURE: Trouble = Trouble {
    scenario: "
id = 'recorded'
title = 'Migration'
story = 'A release whose migration fails.'
sop = 'api-down'
[deployment]
age = '75m'
pods_age = '3m'
[releases]
migration_fails = ['quay.io/app-sre/managed-services-api:0000000']
[[timeline]]
at = '-15s'
promote = 'quay.io/app-sre/managed-services-api:0000000'
",
    pod: "managed-services-api-75899cc66f-s6s4g",
    state: State::InitFailed(2),
    exchanges: &["state-initfail-pods"],
    commands: &["kubectl-state-initfail-get-pods"],
};

const UNREADY: Trouble = Trouble {
    scenario: "
id = 'recorded'
title = 'Unready'
story = 'One of three pods runs and is not ready.'
sop = 'api-down'
[deployment]
age = '75m'
pods_age = '3m'
[[timeline]]
at = '-40s'
oom_pods = 1
[[timeline]]
at = '-11s'
oom_pods = 1
",
    pod: "managed-services-api-64d78545d9-6qmtx",
    state: State::Unready(2),
    exchanges: &["state-unready-pods"],
    commands: &["kubectl-state-unready-get-pods"],
};

const UNSCHEDULABLE: Trouble = Trouble {
    scenario: "
id = 'recorded'
title = 'Unschedulable'
story = 'A release for whose pods no node has room.'
sop = 'api-down'
[deployment]
age = '75m'
pods_age = '3m'
[[timeline]]
at = '-10s'
cluster = { nodes_full = 'cpu' }
[[timeline]]
at = '-7s'
promote = 'quay.io/app-sre/managed-services-api:1111111'
",
    pod: "managed-services-api-5c5c589f4f-whn9m",
    state: State::Unscheduled,
    exchanges: &["state-unschedulable-pods"],
    commands: &["kubectl-state-unschedulable-get-pods"],
};

const CRASH_LOOP: Trouble = Trouble {
    scenario: "
id = 'recorded'
title = 'Crash loop'
story = 'One of three pods crashed and cannot start again.'
sop = 'api-down'
[deployment]
age = '75m'
pods_age = '4m'
[[timeline]]
at = '-70s'
crash_pods = 1
[[timeline]]
at = '-70s'
service = { start_fails = 'environment' }
",
    pod: "managed-services-api-64d78545d9-6qmtx",
    state: State::Waits("CrashLoopBackOff", 3),
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
at = '-6s'
set_image = 'quay.io/app-sre/managed-services-api:0000000'
",
    pod: "managed-services-api-746657bb68-zs9zs",
    state: State::Waits("ErrImagePull", 0),
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
        let what = format!("{:?}", self.state);
        stage
            .until(&what, |pods| pods.iter().any(|pod| self.state.is_of(pod)))
            .await;
        let pod = stage.pod(&what, |pod| self.state.is_of(pod)).await;
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
}

impl State {
    /// Whether the pod is so.
    pub fn is_of(self, pod: &Value) -> bool {
        let service = &pod["status"]["containerStatuses"][0];
        match self {
            State::Waits(reason, restarts) => {
                service["ready"] == false
                    && service["state"]["waiting"]["reason"] == reason
                    && service["restartCount"] == restarts
            }
            State::Unready(restarts) => {
                service["ready"] == false
                    && service["state"]["running"].is_object()
                    && service["restartCount"] == restarts
            }
            State::InitFailed(restarts) => {
                let inits = pod["status"]["initContainerStatuses"].as_array();
                inits.into_iter().flatten().any(|init| {
                    init["restartCount"] == restarts
                        && init["state"]["terminated"]["exitCode"]
                            .as_i64()
                            .is_some_and(|code| code != 0)
                })
            }
            State::Unscheduled => pod["status"]["conditions"][0]["reason"] == "Unschedulable",
        }
    }
}
