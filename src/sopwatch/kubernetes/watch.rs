//! One watch: a list once, then changes, over as many connections and requests as it takes.
//!
//! It keeps its own position, so that a cut costs one request and no list; it counts its own requests, so that no server can make it ask
//! more than once a second: one that refuses, one that forgot the version (410), and one that accepts and closes at once.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::time::Duration;

use futures::{Stream, StreamExt};
use k8s_openapi::NamespaceResourceScope;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use super::clock::{Instant, now, sleep_until};
use super::errors::{ended, explain, explain_status, frozen};
use super::open_stream::{WORKS_AGAIN_AFTER, has_worked};
use super::task_context::{ApiSession, ConnectionState, TaskContext, wait_after};
use crate::net::backoff::{FLOOR, jitter};
use sopwatch_core::observe::observation::Observation;
use sopwatch_core::observe::source::{Problem, ProblemKind, SourceId, SourceState};

/// How long the server is asked to keep a watch open; jitter makes it up to a quarter more. Short, because a watch that died behind a proxy or
/// a load balancer that lives is noticed only then, and is taken for current until then.
const WATCH_FOR: Duration = Duration::from_mins(1);

/// The same for what the most rests on. Each time it is opened again is a request: these two make five a minute.
const WATCH_CLOSELY_FOR: Duration = Duration::from_secs(20);

/// How much later than asked a watch may end before it counts as dead.
const GRACE: Duration = Duration::from_secs(4);

/// How long after a refusal an optional source is tried again, unless another connection comes before.
const OPTIONAL_AGAIN_AFTER: Duration = Duration::from_mins(2);

/// Objects a page when listing.
const PAGE: u32 = 500;

/// A change of one object.
pub(super) enum Change<'a, K> {
    /// It is new or changed.
    Applied(&'a K),
    /// It is gone.
    Gone(&'a K),
}

/// Who changed which field when is of no use to us, and half of an object.
fn slim<K: Resource>(mut object: K) -> K {
    object.meta_mut().managed_fields = None;
    object
}

/// Makes an observation of all objects.
type Snapshot<K> = Box<dyn Fn(&[K]) -> Observation + Send + Sync>;

/// Makes an observation of a change.
type DescribeChange<K> = Box<dyn Fn(Change<'_, K>) -> Observation + Send + Sync>;

/// Whether an object concerns us.
type Concern<K> = Box<dyn Fn(&K) -> bool + Send + Sync>;

/// What is watched, and which observations it makes.
pub(super) struct WatchSpec<K> {
    /// The source whose state it reports.
    pub(super) id: SourceId,
    /// In the operator's words: `pods`.
    pub(super) what: String,
    /// What is listed and watched.
    pub(super) list: ListParams,
    /// Others are dropped as they come.
    pub(super) concerns: Concern<K>,
    /// Makes the observation of a list.
    pub(super) snapshot: Snapshot<K>,
    /// Makes the observation of one change.
    pub(super) change: DescribeChange<K>,
    /// Another receiver of each observation.
    pub(super) also: Option<mpsc::Sender<Observation>>,
    /// Whether all works without it: where it is forbidden or the cluster does not serve it, it is off and rarely tried.
    pub(super) optional: bool,
}

/// Runs for ever.
pub(super) async fn run<K>(spec: WatchSpec<K>, context: TaskContext)
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
{
    context.source(&spec.id, SourceState::Connecting).await;
    let mut watch = Watch {
        spec,
        context,
        version: None,
        concerning: BTreeSet::new(),
        failures: 0,
        next: now(),
    };
    loop {
        let id = watch.spec.id.clone();
        let session = watch.context.session(&id).await;
        if let Err(problem) = watch.follow(&session).await {
            watch.fail(&session, problem).await;
        }
    }
}

struct Watch<K> {
    spec: WatchSpec<K>,
    context: TaskContext,
    /// From where to go on; `None`: everything must be listed.
    version: Option<String>,
    /// Names of the objects that concern us.
    concerning: BTreeSet<String>,
    /// Failures in a row.
    failures: u32,
    /// No request before.
    next: Instant,
}

impl<K> Watch<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
{
    /// Lists if needed, then follows one watch to its end. `Ok` means: go on.
    async fn follow(&mut self, session: &ApiSession) -> Result<(), Problem> {
        let api: Api<K> = Api::namespaced(session.client.clone(), &session.namespace);
        let doing = format!("watch {} in {}", self.spec.what, session.namespace);
        if self.version.is_none() {
            self.list(session, &api).await?;
        }
        sleep_until(self.next).await;
        self.next = now() + FLOOR;
        let asked = match self.spec.id {
            SourceId::Pods | SourceId::Deployment => WATCH_CLOSELY_FOR,
            _ => WATCH_FOR,
        };
        let lasts = asked.mul_f64(1.0 + jitter() / 4.0);
        let parameters = WatchParams {
            label_selector: self.spec.list.label_selector.clone(),
            field_selector: self.spec.list.field_selector.clone(),
            timeout: Some(lasts.as_secs() as u32),
            ..WatchParams::default()
        };
        let version = self.version.clone().unwrap_or_default();
        let stream = self
            .context
            .ask(session, &doing, api.watch(&parameters, &version))
            .await?;
        self.read(session, &doing, lasts, Box::pin(stream)).await
    }

    /// Everything as it is now, as one observation.
    async fn list(&mut self, session: &ApiSession, api: &Api<K>) -> Result<(), Problem> {
        let doing = format!("list {} in {}", self.spec.what, session.namespace);
        let mut page = self.spec.list.clone().limit(PAGE);
        let mut all = Vec::new();
        loop {
            sleep_until(self.next).await;
            if self.failures > 0 {
                self.next = now() + FLOOR;
            }
            let list = self.context.ask(session, &doing, api.list(&page)).await?;
            all.extend(
                list.items
                    .into_iter()
                    .filter(|object| (self.spec.concerns)(object))
                    .map(slim),
            );
            page.continue_token = list.metadata.continue_.filter(|token| !token.is_empty());
            if page.continue_token.is_none() {
                self.version = list.metadata.resource_version;
                break;
            }
        }
        self.concerning = all
            .iter()
            .filter_map(|object| object.meta().name.clone())
            .collect();
        self.emit((self.spec.snapshot)(&all)).await;
        Ok(())
    }

    async fn read(
        &mut self,
        session: &ApiSession,
        doing: &str,
        lasts: Duration,
        mut stream: impl Stream<Item = kube::Result<WatchEvent<K>>> + Unpin,
    ) -> Result<(), Problem> {
        let opened = now();
        let mut brought = false;
        if self.failures == 0 {
            self.context.source(&self.spec.id, SourceState::Live).await;
        }
        loop {
            let recovering = self.failures > 0;
            tokio::select! {
                item = stream.next() => match item {
                    Some(Ok(event)) => {
                        brought = true;
                        self.take(event, doing).await?;
                    }
                    Some(Err(error)) => return Err(explain(&error, doing)),
                    None if has_worked(opened, brought) => return Ok(()),
                    None => return Err(ended(doing)),
                },
                () = sleep_until(opened + WORKS_AGAIN_AFTER), if recovering => self.works_again().await,
                () = sleep_until(opened + lasts + GRACE) => return Err(frozen(doing, lasts + GRACE)),
                () = self.context.changed() => {
                    if self.connection_changed(session).await {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Whether to go on over another connection.
    async fn connection_changed(&mut self, session: &ApiSession) -> bool {
        match self.context.connection_state() {
            ConnectionState::Up(now) => now.epoch != session.epoch,
            ConnectionState::Down {
                problem,
                attempt,
                retry_in,
            } if problem.kind == ProblemKind::Frozen => {
                self.context
                    .failing(&self.spec.id, problem, attempt, retry_in)
                    .await;
                false
            }
            ConnectionState::Down { .. } | ConnectionState::Connecting => false,
        }
    }

    async fn works_again(&mut self) {
        self.failures = 0;
        self.context.source(&self.spec.id, SourceState::Live).await;
    }

    async fn take(&mut self, event: WatchEvent<K>, doing: &str) -> Result<(), Problem> {
        let (change, version) = match &event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => (
                Some(Change::Applied(object)),
                object.meta().resource_version.clone(),
            ),
            WatchEvent::Deleted(object) => {
                (Some(Change::Gone(object)), object.meta().resource_version.clone())
            }
            WatchEvent::Bookmark(bookmark) => (None, Some(bookmark.metadata.resource_version.clone())),
            WatchEvent::Error(status) => return Err(explain_status(status, doing)),
        };
        self.version = version.or(self.version.take());
        if self.failures > 0 {
            self.works_again().await;
        }
        if let Some(change) = change.and_then(|change| self.concerning(change)) {
            self.emit((self.spec.change)(change)).await;
        }
        Ok(())
    }

    /// The change as it concerns us: an object that no longer does is gone for us.
    fn concerning<'a>(&mut self, change: Change<'a, K>) -> Option<Change<'a, K>> {
        let (Change::Applied(object) | Change::Gone(object)) = change;
        let name = object.meta().name.clone().unwrap_or_default();
        if matches!(change, Change::Applied(_)) && (self.spec.concerns)(object) {
            self.concerning.insert(name);
            return Some(change);
        }
        self.concerning.remove(&name).then_some(Change::Gone(object))
    }

    async fn emit(&self, observation: Observation) {
        let also = self.spec.also.as_ref().map(|also| (also, observation.clone()));
        self.context.emit(observation).await;
        if let Some((also, observation)) = also {
            // Its end is ours: all tasks stop together.
            let _ = also.send(observation).await;
        }
    }

    async fn fail(&mut self, session: &ApiSession, problem: Problem) {
        if problem.kind == ProblemKind::Gone {
            self.version = None;
        }
        self.context.note(session, &problem);
        if self.spec.optional && matches!(problem.kind, ProblemKind::Forbidden | ProblemKind::NotFound) {
            self.next = self.next.max(now() + FLOOR);
            // Who may list and not watch lists now and then.
            if self.version.take().is_none() {
                let off = SourceState::Off(problem.what);
                self.context.source(&self.spec.id, off).await;
            }
            return self.context.rest(OPTIONAL_AGAIN_AFTER, session.epoch).await;
        }
        self.failures += 1;
        let wait = wait_after(&problem, self.failures);
        self.next = self.next.max(now() + FLOOR);
        self.context
            .failing(&self.spec.id, problem, self.failures, wait)
            .await;
        self.context.rest(wait, session.epoch).await;
    }
}
