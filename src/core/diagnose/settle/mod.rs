//! The settle window: until when nothing can be concluded from the pods, and why.
//!
//! Who leads, the rules, the gate and an execution all ask here, so that none of them waits while another concludes. After any start the
//! lease of an old leader may have to run out first. A crash loop does not settle: its newest start is always new. Where no pod is ready,
//! only a pod that can still become ready by itself is worth waiting for.

#[cfg(test)]
mod settle_tests;

use jiff::{SignedDuration, Timestamp};

use super::waiting::{missing_volume, stuck_in, waiting_for};
use crate::observe::SKEW;
use crate::observe::observation::{Condition, Container, ContainerState, Pod};
use crate::observe::source::SourceId;
use crate::observe::state::State;
use crate::profile::Leaders;
use crate::safe;
use crate::text::{SafeText, counted, duration};

/// How long a process may take until its pod is ready: twice the delay of the readiness probe (20 s, then every 10 s).
const READY_SOON: SignedDuration = SignedDuration::from_mins(1);

/// For how long a node may be late before it counts as lost: the node controller's grace period (40 s, from Kubernetes 1.32 on 50 s).
/// After an outage of the API server all nodes are late. They report within 10 s, and then their kubelets write that the pods are ready.
const NODE_GRACE: SignedDuration = SignedDuration::from_secs(50);

/// Restarts of a pod within the window from which on it is in a crash loop.
const CLIMBING: u32 = 2;

/// A pod that became unready later than this after its process started had been ready before; a kubelet dates both by whole seconds.
const SAME_MOMENT: SignedDuration = SignedDuration::from_secs(5);

/// The least that is looked back.
pub const WINDOW: SignedDuration = SignedDuration::from_mins(30);

/// Nothing can be concluded yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settling {
    /// Until when.
    pub until: Timestamp,
    /// Why, in a few words.
    pub why: SafeText,
}

/// Why there is nothing to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// No pod is ready, and none will be by itself.
    Hopeless,
    /// No pod started of late, but for those in a crash loop.
    LongAgo,
}

impl Settled {
    /// The same in words.
    pub fn words(self, leaders: &Leaders) -> String {
        match self {
            Self::Hopeless => "no pod is ready, and none is starting".to_owned(),
            Self::LongAgo => format!("no pod started in the last {}", duration::brief(length(leaders))),
        }
    }
}

/// How long after a start nothing can be concluded.
pub fn length(leaders: &Leaders) -> SignedDuration {
    duration::of(leaders.settle())
}

/// Since when what happened counts: the incident's beginning, or half an hour ago where that is earlier.
pub fn window(state: &State, now: Timestamp) -> Timestamp {
    let half_an_hour_ago = now.saturating_sub(WINDOW).unwrap_or(Timestamp::MIN);
    let began = state.began_at;
    began.map_or(half_an_hour_ago, |began| began.min(half_an_hour_ago))
}

/// Until when nothing can be concluded, as far as the pods show; the pods must be current.
pub fn settling(state: &State, leaders: &Leaders, now: Timestamp) -> Result<Settling, Settled> {
    let scene = Input { state, leaders, now };
    let ready = living(state).any(Pod::is_ready);
    let starts = if ready { scene.starts() } else { scene.hopes() };
    let all = [starts, scene.late_nodes(), scene.server_was_away(ready)];
    let open = all.into_iter().flatten().filter(|one| one.until > now);
    open.max_by_key(|one| one.until).ok_or(if ready {
        Settled::LongAgo
    } else {
        Settled::Hopeless
    })
}

/// Until when it can't be known whether a restart helped that was asked for at `restarted_at`. It is known at once where no pod is ready
/// and none will be: but not before the new pods had their time to come.
pub fn settled_after(
    restarted_at: Timestamp,
    state: &State,
    leaders: &Leaders,
    now: Timestamp,
) -> Option<Timestamp> {
    let until = restarted_at.checked_add(length(leaders)).ok()?;
    let hopeless = settling(state, leaders, now) == Err(Settled::Hopeless);
    let had_time = now.duration_since(restarted_at) > READY_SOON;
    (until > now && !(hopeless && had_time)).then_some(until)
}

/// Pods that are neither over nor being deleted.
pub fn living(state: &State) -> impl Iterator<Item = &Pod> {
    let pods = state.pods.values();
    pods.filter(|pod| pod.deletion_at.is_none() && !pod.is_over())
}

/// Whether a pod is in a crash loop: it was restarted often, and more than once within the window.
pub fn is_climbing(state: &State, pod: &Pod, now: Timestamp) -> bool {
    let since = window(state, now);
    let ended = pod.restarted_at.or(pod.newest_start()).or(pod.created_at);
    pod.restarts >= CLIMBING && ended.is_some_and(|at| at >= since) && !is_first_of_late(pod, since)
}

/// Whether what ended last had run since before the window: then it is the only end within it.
fn is_first_of_late(pod: &Pod, since: Timestamp) -> bool {
    let lasts = pod.containers.iter().filter_map(|one| one.last.as_ref());
    let mut recent = lasts
        .filter(|ended| ended.finished_at.is_some_and(|at| at >= since))
        .peekable();
    recent.peek().is_some() && recent.all(|ended| ended.started_at.is_some_and(|at| at < since))
}

/// When the newest pod came or its process started; of pods in a crash loop only where there is no other.
pub fn newest_start(state: &State, now: Timestamp) -> Option<Timestamp> {
    let steady = living(state).filter(|pod| !is_climbing(state, pod, now));
    steady
        .filter_map(|pod| started(pod, now))
        .max()
        .or_else(|| living(state).filter_map(|pod| started(pod, now)).max())
}

/// When a pod came or its process started, whichever was later. A moment that lies ahead of ours by more than the skew is not believed:
/// everybody would wait for it.
pub fn started(pod: &Pod, now: Timestamp) -> Option<Timestamp> {
    let past = |at: &Timestamp| is_past(*at, now);
    pod.newest_start().filter(past).max(pod.created_at.filter(past))
}

fn is_past(at: Timestamp, now: Timestamp) -> bool {
    at.duration_since(now) <= SKEW
}

/// Whether a pod starts as pods do: it came or its process started within the settle window, has not been ready since, and nothing in its
/// status is in its way.
pub fn is_starting(state: &State, leaders: &Leaders, pod: &Pod, now: Timestamp) -> bool {
    let young = |start: Timestamp| now.duration_since(start) < length(leaders);
    let normal = match &*pod.status {
        "Pending" | "Running" => true,
        word => match waiting_for(word) {
            Some(row) => !row.ends_wait,
            // `Init:0/1` counts init containers; `Init:Error` is trouble.
            None => word.starts_with("Init:") && word.contains('/'),
        },
    };
    normal
        && started(pod, now).is_some_and(young)
        && stuck_in(pod).is_none()
        && missing_volume(state, pod).is_none()
        && !is_unscheduled(pod)
        && !was_ready(pod)
        && !is_lost_with_node(pod)
        && !is_climbing(state, pod, now)
}

/// Whether an unready pod was ready after its process started: something else is wrong than that it starts.
fn was_ready(pod: &Pod) -> bool {
    let unready_at = unready(pod).and_then(|ready| ready.since);
    let start = pod.newest_start().zip(unready_at);
    start.is_some_and(|(start, unready_at)| unready_at.duration_since(start) > SAME_MOMENT)
}

/// Whether the scheduler finds no node for a pod.
pub fn is_unscheduled(pod: &Pod) -> bool {
    condition(pod, "PodScheduled").is_some_and(|scheduled| &*scheduled.status == "False")
}

/// Whether a pod is not ready because its node does not report. The node controller then turns the pod's `Ready` condition and touches
/// nothing else: the containers still count as ready. A kubelet that turns it gives a reason.
pub fn is_lost_with_node(pod: &Pod) -> bool {
    let untouched = pod.total > 0 && pod.ready >= pod.total;
    unready(pod).is_some_and(|ready| match &*ready.reason {
        "" => untouched,
        reason => matches!(reason, "NodeNotReady" | "NodeLost" | "NodeStatusUnknown"),
    })
}

/// Since when a pod is not ready, by its condition.
pub fn unready_since(pod: &Pod) -> Option<Timestamp> {
    unready(pod)?.since
}

fn unready(pod: &Pod) -> Option<&Condition> {
    condition(pod, "Ready").filter(|ready| &*ready.status != "True")
}

/// A condition of a pod, by its type.
pub fn condition<'a>(pod: &'a Pod, kind: &str) -> Option<&'a Condition> {
    pod.conditions.iter().find(|condition| *condition.kind == *kind)
}

struct Input<'a> {
    state: &'a State,
    leaders: &'a Leaders,
    now: Timestamp,
}

impl Input<'_> {
    /// A pod started within the settle window.
    fn starts(&self) -> Option<Settling> {
        let steady = living(self.state).filter(|pod| !is_climbing(self.state, pod, self.now));
        let dated = steady.filter_map(|pod| Some((started(pod, self.now)?, pod)));
        let (newest, pod) = dated.max_by_key(|(at, _)| *at)?;
        let until = newest.checked_add(length(self.leaders)).ok()?;
        Some(Settling {
            until,
            why: safe!(
                "{}; electing a leader can take {}",
                self.what_started(pod, newest),
                duration::brief(length(self.leaders))
            ),
        })
    }

    /// `a pod started 21s ago`, `leader qd74q restarted 21s ago (OOMKilled)`: a container that was restarted makes no new pod.
    fn what_started(&self, pod: &Pod, at: Timestamp) -> SafeText {
        let ago = self.ago(at);
        if let Some(rollout) = self.rollout() {
            return safe!("{rollout}, newest pod started {ago} ago");
        }
        let is_newest = |one: &&Container| {
            let runs = matches!(one.state, ContainerState::Running { since } if since == Some(at));
            runs && !one.init && one.restarts > 0
        };
        let Some(container) = pod.containers.iter().find(is_newest) else {
            return safe!("a pod started {ago} ago");
        };
        let ended = container.last.as_ref();
        let history = self.state.leaders.history();
        let led = history.led_to_the_end(
            &pod.uid,
            container.restarts,
            ended.and_then(|ended| ended.finished_at),
        );
        let what = if led { "leader" } else { "pod" };
        let reason = ended.map_or("", |ended| &*ended.reason);
        let reason = if reason.is_empty() {
            SafeText::default()
        } else {
            safe!(" ({reason})")
        };
        safe!("{what} {} restarted {ago} ago{reason}", pod.short_name())
    }

    /// `a rollout is running (1 of 3 pods updated)`: pods of an older template are still there.
    fn rollout(&self) -> Option<SafeText> {
        let deployment = self.state.deployment.as_ref()?;
        let runs = deployment.current > deployment.updated && deployment.updated < deployment.replicas;
        let fresh = self.state.is_fresh(&SourceId::Deployment, self.now);
        (runs && fresh).then(|| {
            safe!(
                "a rollout is running ({} of {} updated)",
                deployment.updated,
                counted(deployment.replicas, "pod", "pods")
            )
        })
    }

    /// No pod is ready, and one may become ready by itself.
    fn hopes(&self) -> Option<Settling> {
        let coming = living(self.state).filter_map(|pod| self.hope(pod)).max();
        let until = match coming {
            Some(until) => until,
            None => self.replacements_due()?,
        };
        Some(Settling {
            until,
            why: safe!(
                "no pod is ready yet; the newest may be ready in {}",
                self.left(until)
            ),
        })
    }

    /// When a pod should be ready: its process soon after its start, and all else before a start like any other would have settled.
    fn hope(&self, pod: &Pod) -> Option<Timestamp> {
        if !is_starting(self.state, self.leaders, pod, self.now) {
            return None;
        }
        let within = if &*pod.status == "Running" {
            READY_SOON
        } else {
            length(self.leaders)
        };
        started(pod, self.now)?.checked_add(within).ok()
    }

    /// When the last of the pods that go is gone, where no other has come yet. One that its node holds never goes.
    fn replacements_due(&self) -> Option<Timestamp> {
        let deployment = self.state.deployment.as_ref();
        let wanted = deployment.is_none_or(|deployment| deployment.replicas > 0);
        let none = living(self.state).next().is_none();
        let pods = self
            .state
            .pods
            .values()
            .filter(|pod| !pod.is_over() && !is_lost_with_node(pod));
        let gone = pods.filter_map(|pod| pod.deletion_at).max()?;
        let longest = self.now.checked_add(length(self.leaders)).ok()?;
        (wanted && none).then_some(gone.min(longest))
    }

    /// A node was late a moment ago: one that is not lost reports again.
    fn late_nodes(&self) -> Option<Settling> {
        let lost = living(self.state).filter(|pod| is_lost_with_node(pod));
        let recent = lost.filter_map(|pod| {
            let since = unready_since(pod).filter(|at| is_past(*at, self.now))?;
            Some((since, pod))
        });
        let (since, pod) = recent.max_by_key(|(since, _)| *since)?;
        let until = since.checked_add(NODE_GRACE).ok()?;
        Some(Settling {
            until,
            why: safe!(
                "{} is not ready: its node stopped reporting {} ago, and a live node reports again within {}",
                pod.short_name(),
                self.ago(since),
                self.left(until)
            ),
        })
    }

    /// All pods became unready when the API server came back: their nodes could not report to it, and their processes run on.
    fn server_was_away(&self, ready: bool) -> Option<Settling> {
        let back_at = self.state.api_back_at.filter(|_| !ready)?;
        let earliest = back_at.checked_sub(NODE_GRACE).ok()?;
        let mut pods = living(self.state).peekable();
        pods.peek()?;
        let turned = |pod: &Pod| {
            let runs = &*pod.status == "Running" && !is_climbing(self.state, pod, self.now);
            runs && was_ready(pod) && unready_since(pod).is_some_and(|at| at >= earliest)
        };
        let until = back_at.checked_add(NODE_GRACE).ok()?;
        pods.all(turned).then(|| Settling {
            until,
            why: safe!(
                "the API server was away until {} ago; nodes can look lost for up to {} after it",
                self.ago(back_at),
                duration::brief(NODE_GRACE)
            ),
        })
    }

    fn ago(&self, at: Timestamp) -> String {
        duration::brief(self.now.duration_since(at).max(SignedDuration::ZERO))
    }

    fn left(&self, until: Timestamp) -> String {
        duration::brief(until.duration_since(self.now).max(SignedDuration::ZERO))
    }
}
