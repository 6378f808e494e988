//! The adapter on a scripted server, and the observations that it tells.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::FutureExt;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::fake::Fake;
use crate::kubernetes::client::{Connect, Connected};
use crate::kubernetes::clock::{Instant, now, timeout_at};
use crate::kubernetes::{CommandRequest, Requests, SecretRequest, Target, run_with};
use sopwatch_console::app::event::Event;
use sopwatch_core::logparse::{ContainerKey, LogFocus};
use sopwatch_core::observe::observation::Observation;
use sopwatch_core::observe::source::{Problem, ProblemKind, SourceId, SourceState};
use sopwatch_core::profile::Profile;
use sopwatch_core::testkit::profile_with;

/// Long enough for every back-off; on a paused clock it costs nothing.
const PATIENCE: Duration = Duration::from_mins(5);

/// The adapter at work.
pub(super) struct Console {
    pub(super) fake: Fake,
    pub(super) connects: Arc<AtomicU32>,
    pub(super) secrets: mpsc::Sender<SecretRequest>,
    pub(super) commands: mpsc::Sender<CommandRequest>,
    pub(super) focus: watch::Sender<LogFocus>,
    pub(super) reviews: watch::Sender<u64>,
    state: mpsc::Receiver<Event>,
    /// All that was told so far, and when.
    pub(super) told: Vec<(Instant, Observation)>,
    task: JoinHandle<()>,
}

impl Drop for Console {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Console {
    /// Starts it on a server.
    pub(super) fn on(fake: &Fake) -> Self {
        Self::with(fake, profile())
    }

    /// The same for a service of another profile.
    pub(super) fn with(fake: &Fake, profile: Profile) -> Self {
        let connects = Arc::new(AtomicU32::new(0));
        let (events, state) = mpsc::channel(256);
        let (secrets, requests) = mpsc::channel(4);
        let connect = connect_to(fake, &connects);
        let (commands, commanded) = mpsc::channel(4);
        let (focus, focused) = watch::channel(LogFocus::default());
        let (reviews, reviewed) = watch::channel(0);
        let asked = Requests {
            secrets: requests,
            paths: mpsc::channel(1).1,
            commands: commanded,
            focus: focused,
            reviews: reviewed,
        };
        let run = run_with(connect, Duration::from_secs(10), Arc::new(profile), asked, events);
        let task = tokio::spawn(run);
        Self {
            fake: fake.clone(),
            connects,
            secrets,
            commands,
            focus,
            reviews,
            state,
            told: Vec::new(),
            task,
        }
    }

    /// Waits for an observation.
    pub(super) async fn until(
        &mut self,
        what: &str,
        mut is_it: impl FnMut(&Observation) -> bool,
    ) -> Observation {
        let deadline = now() + PATIENCE;
        loop {
            let Ok(event) = timeout_at(deadline, self.state.recv()).await else {
                let last: Vec<_> = self.told.iter().rev().take(12).collect();
                unreachable!("no fact: {what}; the last were {last:#?}");
            };
            let Some(Event::Observation(observation)) = event else {
                unreachable!("the adapter ended before: {what}");
            };
            self.told.push((now(), observation.clone()));
            if is_it(&observation) {
                return observation;
            }
        }
    }

    /// The same, of what was told from a moment on.
    pub(super) async fn since(&mut self, mark: usize, what: &str, is_it: impl Fn(&Observation) -> bool) {
        if !self.told[mark..]
            .iter()
            .any(|(_, observation)| is_it(observation))
        {
            self.until(what, is_it).await;
        }
    }

    /// Takes in what is told for so long.
    pub(super) async fn listen(&mut self, span: Duration) {
        let deadline = now() + span;
        while let Ok(Some(Event::Observation(observation))) = timeout_at(deadline, self.state.recv()).await {
            self.told.push((now(), observation));
        }
    }

    /// Waits until a source works.
    pub(super) async fn live(&mut self, id: &SourceId) {
        self.until(&format!("{id:?} is live"), |observation| {
            *observation == Observation::Source(id.clone(), SourceState::Live)
        })
        .await;
    }

    /// Waits until a source fails in this way.
    pub(super) async fn fails(&mut self, id: &SourceId, kind: ProblemKind) -> Problem {
        let mut found = None;
        self.until(&format!("{id:?} fails: {kind:?}"), |observation| {
            found = problem_of(observation, id)
                .filter(|problem| problem.kind == kind)
                .cloned();
            found.is_some()
        })
        .await;
        found.unwrap()
    }

    /// Waits until everything is read and watched.
    pub(super) async fn settled(&mut self) {
        self.since(0, "a connection", |observation| {
            matches!(observation, Observation::Connection(_))
        })
        .await;
        self.listen(Duration::from_secs(2)).await;
        for kind in ["pods", "deployments", "events"] {
            assert!(self.fake.is_watched(kind), "{kind} are watched");
        }
    }

    /// Waits until a container's log has told this line.
    pub(super) async fn line(&mut self, text: &str) {
        if !self.lines("").iter().any(|line| line == text) {
            self.until(&format!("the line {text}"), |observation| {
                lines_of(observation, "").iter().any(|line| line == text)
            })
            .await;
        }
    }

    /// All lines told of a pod's log, in order.
    pub(super) fn lines(&self, pod: &str) -> Vec<String> {
        self.told
            .iter()
            .flat_map(|(_, observation)| lines_of(observation, pod))
            .collect()
    }

    /// What was said in the log pane.
    pub(super) fn notes(&self) -> Vec<(u64, String)> {
        let note = |(_, observation): &(Instant, Observation)| match observation {
            Observation::LogNote { missed, text, .. } => Some((*missed, text.to_string())),
            _ => None,
        };
        self.told.iter().filter_map(note).collect()
    }

    /// How often a source was told to fail.
    pub(super) fn failures(&self, id: &SourceId) -> usize {
        self.told
            .iter()
            .filter(|(_, observation)| problem_of(observation, id).is_some())
            .count()
    }
}

fn problem_of<'a>(observation: &'a Observation, id: &SourceId) -> Option<&'a Problem> {
    match observation {
        Observation::Source(of, SourceState::Failing { problem, .. }) if of == id => Some(problem),
        _ => None,
    }
}

/// The records of a pod's log that an observation brings.
pub(super) fn lines_of(observation: &Observation, pod: &str) -> Vec<String> {
    match observation {
        Observation::Log(batch) if pod.is_empty() || &*batch.source.pod == pod => batch
            .records
            .iter()
            .map(|record| record.text.to_string())
            .collect(),
        _ => Vec::new(),
    }
}

fn connect_to(fake: &Fake, connects: &Arc<AtomicU32>) -> Connect {
    let (fake, connects) = (fake.clone(), Arc::clone(connects));
    Arc::new(move || {
        connects.fetch_add(1, Ordering::SeqCst);
        let client = fake.client();
        let target = Target {
            server: "https://api.stage:6443".into(),
            context: Some("stage".into()),
            user: Some("of-kubeconfig".into()),
            namespace: "managed-services-stage".into(),
        };
        async move {
            Ok(Connected {
                client,
                target,
                expires_at: None,
                unverified: false,
            })
        }
        .boxed()
    })
}

/// The log of the first instance of a pod's container.
pub(super) fn log_of(pod: &str, restart: u32) -> SourceId {
    SourceId::Log(ContainerKey {
        pod_uid: sopwatch_core::observe::observation::PodUid(format!("uid-{pod}").into()),
        pod: pod.into(),
        container: "service".into(),
        restart,
    })
}

/// A running pod.
pub(super) fn pod(name: &str) -> Value {
    pod_in(
        name,
        0,
        &json!({"running": {"startedAt": "2026-11-22T08:00:00Z"}}),
        &json!({}),
    )
}

/// A pod whose container is in this state.
pub(super) fn pod_in(name: &str, restarts: u32, state: &Value, last: &Value) -> Value {
    json!({
        "metadata": {"name": name, "uid": format!("uid-{name}"),
            "labels": {"app": "managed-services-api", "pod-template-hash": "x"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "managed-services-api-x",
                "uid": "uid-set", "controller": true}]},
        "spec": {"containers": [{"name": "service", "image": "kas:1"}]},
        "status": {"phase": "Running", "containerStatuses": [{
            "name": "service", "ready": true, "restartCount": restarts, "image": "kas:1", "imageID": "",
            "state": state, "lastState": last}]}
    })
}

pub(super) fn deployment(replicas: u32) -> Value {
    json!({
        "metadata": {"name": "managed-services-api", "uid": "uid-deployment", "generation": 1},
        "spec": {"replicas": replicas, "selector": {}, "template": {"spec": {"containers": [{"name": "service", "image": "kas:1"}]}}},
        "status": {"replicas": replicas, "readyReplicas": replicas, "observedGeneration": 1}
    })
}

/// The service, as the fake server has it.
pub(super) fn profile() -> Profile {
    profile_with(|profile| {
        profile.service.deployment = "managed-services-api".into();
        profile.service.selector = "app=managed-services-api".into();
    })
}
