//! Sources and their state. Everything derived from a source that stopped is stale.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::logparse::ContainerKey;
use crate::observe::observation::PodUid;
use crate::safe;
use crate::text::Redacted;
use crate::text::SafeText;

/// Names one source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
pub enum SourceId {
    /// The API server itself, asked for a sign of life every few seconds.
    Api,
    /// The watch of the deployment.
    Deployment,
    /// The watch of the pods.
    Pods,
    /// The watch of the ReplicaSets, which tell whose a pod is.
    ReplicaSets,
    /// The watch of the deployment's autoscaler.
    Autoscaler,
    /// The watch of the events.
    ClusterEvents,
    /// The access review.
    Access,
    /// The log of one container instance.
    Log(ContainerKey),
    /// The database poll.
    Database,
    /// What the pods use, from `metrics.k8s.io`.
    Usage,
    /// The own counters of one pod, through the API server's pod proxy.
    Scrape(PodUid),
    /// The metrics source: Prometheus, Thanos, or either behind a proxy.
    Metrics,
    /// A second metrics source, which has what the cluster counts of the pods.
    ClusterMetrics,
    /// Alertmanager.
    Alerts,
    /// The alerting rules, of the metrics source.
    AlertRules,
    /// The error tracker.
    Tracker,
}

impl SourceId {
    /// The source as the operator knows it.
    pub fn name(&self) -> SafeText {
        match self {
            Self::Api => "API server".into(),
            Self::Deployment => "deployment".into(),
            Self::Pods => "pods".into(),
            Self::ReplicaSets => "ReplicaSets".into(),
            Self::Autoscaler => "autoscaler".into(),
            Self::ClusterEvents => "events".into(),
            Self::Access => "access review".into(),
            Self::Log(key) if key.restart > 0 => safe!(
                "log {}/{} restart {}",
                key.short_name(),
                key.container,
                key.restart
            ),
            Self::Log(key) => safe!("log {}/{}", key.short_name(), key.container),
            Self::Database => "database".into(),
            Self::Usage => "usage of the pods".into(),
            Self::Scrape(pod) => safe!("metrics of {}", pod.0),
            Self::Metrics => "metrics".into(),
            Self::Alerts => "alerts".into(),
            Self::AlertRules => "alert rules".into(),
            Self::Tracker => "error tracker".into(),
            Self::ClusterMetrics => "cluster metrics".into(),
        }
    }
}

/// How a source is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum SourceState {
    /// First attempt under way.
    Connecting,
    /// It works: what it told is current as of this observation.
    Live,
    /// It fails and will be tried again by itself.
    Failing {
        /// Why.
        problem: Problem,
        /// Failures in a row, from 1.
        attempt: u32,
        /// How long until the next try.
        retry_in: Duration,
    },
    /// It came to its proper end: a container that has finished.
    Ended,
    /// It was read to its end, and is read again when its turn comes: there are more logs than are followed at a time.
    Resting,
    /// It is not used, and why.
    Off(Redacted),
}

/// What kind of trouble, so that the screen and the rules can tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
pub enum ProblemKind {
    /// Nobody listens there.
    Refused,
    /// The connection was cut.
    Reset,
    /// No answer in time, or a connection that went silent.
    Frozen,
    /// The name can't be resolved.
    Dns,
    /// The certificate is not trusted, or TLS is not spoken.
    Tls,
    /// 401: the token died.
    Unauthorized,
    /// 403: not allowed.
    Forbidden,
    /// 404.
    NotFound,
    /// 410: the resource version is too old.
    Gone,
    /// 429.
    Throttled,
    /// Any other answer that is an error.
    ServerError,
    /// A stream ended that should not.
    Ended,
    /// The secret does not exist or may not be read.
    SecretMissing,
    /// The secret lacks a key or holds something unusable.
    SecretIncomplete,
    /// The database refuses the credentials.
    WrongPassword,
    /// The database has no connection to spare.
    TooManyConnections,
    /// A lock was not granted in time.
    Locked,
    /// A statement took too long.
    SlowStatement,
    /// The database is starting, stopping or recovering.
    Starting,
    /// A table or column is not as the profile says, or may not be read.
    Schema,
    /// The configuration can't work.
    Configuration,
}

impl ProblemKind {
    /// In a word or two, for a screen: `wrong password`.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Reset => "cut off",
            Self::Frozen => "frozen",
            Self::Dns => "name unknown",
            Self::Tls => "TLS failed",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not found",
            Self::Gone => "expired",
            Self::Throttled => "throttled",
            Self::ServerError => "server error",
            Self::Ended => "ended",
            Self::SecretMissing => "secret missing",
            Self::SecretIncomplete => "secret incomplete",
            Self::WrongPassword => "wrong password",
            Self::TooManyConnections => "too many connections",
            Self::Locked => "locked",
            Self::SlowStatement => "too slow",
            Self::Starting => "starting",
            Self::Schema => "schema differs",
            Self::Configuration => "misconfigured",
        }
    }
}

/// What failed, why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, thiserror::Error)]
#[error("{what}")]
pub struct Problem {
    /// What kind.
    pub kind: ProblemKind,
    /// What failed, on what and why, in one sentence without a full stop.
    pub what: Redacted,
    /// What the operator can do, where there is something: `oc login`.
    pub advice: Option<SafeText>,
    /// How long the server asks to wait before the next try. Only who asks needs it: it is not recorded.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
}

impl Problem {
    /// A problem without advice. Secrets in what is quoted are replaced.
    pub fn new(kind: ProblemKind, what: impl Into<Redacted>) -> Self {
        Self {
            kind,
            what: what.into(),
            advice: None,
            retry_after: None,
        }
    }

    /// The same with advice.
    pub fn advise(mut self, advice: impl Into<SafeText>) -> Self {
        self.advice = Some(advice.into());
        self
    }
}

/// A source as the console knows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Source {
    /// How it is.
    pub state: SourceState,
    /// Since when it is in this kind of state.
    pub since: Timestamp,
    /// When it was last known to work.
    pub heard_at: Option<Timestamp>,
    /// When the next try comes, while failing.
    pub retry_at: Option<Timestamp>,
}

/// How current what a source told is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Never heard.
    Missing,
    /// Current; carries the age.
    Fresh(SignedDuration),
    /// Stale: too old to conclude from; carries the age.
    Stale(SignedDuration),
}

impl Source {
    /// A source that has not been heard yet.
    pub fn new(now: Timestamp) -> Self {
        Self {
            state: SourceState::Connecting,
            since: now,
            heard_at: None,
            retry_at: None,
        }
    }

    /// Takes over a state told at `now`.
    pub fn apply(&mut self, state: SourceState, now: Timestamp) {
        if std::mem::discriminant(&self.state) != std::mem::discriminant(&state) {
            self.since = now;
        }
        // One that was followed until now was last heard before.
        let turn_over = state == SourceState::Resting && self.state != SourceState::Live;
        if turn_over || matches!(state, SourceState::Live | SourceState::Ended) {
            self.heard_at = Some(now);
        }
        self.retry_at = match &state {
            SourceState::Failing { retry_in, .. } => SignedDuration::try_from(*retry_in)
                .ok()
                .and_then(|span| now.checked_add(span).ok()),
            SourceState::Connecting
            | SourceState::Live
            | SourceState::Ended
            | SourceState::Resting
            | SourceState::Off(_) => None,
        };
        self.state = state;
    }

    /// Every moment that it holds.
    pub(super) fn moments(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        let maybe = [self.heard_at.as_mut(), self.retry_at.as_mut()];
        std::iter::once(&mut self.since).chain(maybe.into_iter().flatten())
    }

    /// The trouble it has now.
    pub fn problem(&self) -> Option<&Problem> {
        match &self.state {
            SourceState::Failing { problem, .. } => Some(problem),
            SourceState::Connecting
            | SourceState::Live
            | SourceState::Ended
            | SourceState::Resting
            | SourceState::Off(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{ago, now};

    fn failing(attempt: u32) -> SourceState {
        SourceState::Failing {
            problem: Problem::new(ProblemKind::Refused, "nobody listens").advise("start it"),
            attempt,
            retry_in: Duration::from_secs(4),
        }
    }

    #[test]
    fn a_source_says_since_when_it_is_as_it_is_and_when_it_was_last_heard() {
        let mut source = Source::new(ago(60));
        source.apply(SourceState::Live, ago(50));
        source.apply(SourceState::Live, ago(40));
        assert_eq!(
            (source.since, source.heard_at, source.problem()),
            (ago(50), Some(ago(40)), None)
        );
        source.apply(failing(1), ago(30));
        source.apply(failing(2), ago(20));
        assert_eq!((source.since, source.heard_at), (ago(30), Some(ago(40))));
        assert_eq!(source.retry_at, Some(ago(16)));
        assert_eq!(
            source.problem().map(|problem| problem.kind),
            Some(ProblemKind::Refused)
        );
        source.apply(SourceState::Ended, now());
        assert_eq!(
            (source.heard_at, source.retry_at, source.problem()),
            (Some(now()), None, None)
        );
    }

    #[test]
    fn a_problem_reads_as_its_sentence() {
        let problem = Problem::new(ProblemKind::Tls, "the certificate\u{1b}[2J is not trusted");
        assert_eq!(problem.to_string(), "the certificate␛[2J is not trusted");
        assert_eq!(problem.advice, None);
    }

    #[test]
    fn a_problem_holds_neither_a_secret_nor_a_control_sequence_however_it_is_made() {
        let hostile = "\u{1b}[2Jpostgres://u:hunter2@db/x is cut, Authorization: Bearer s3kret";
        let made = Problem {
            what: hostile.into(),
            ..Problem::new(ProblemKind::Reset, "cut")
        };
        let new = Problem::new(ProblemKind::Reset, hostile);
        let read: Problem = serde_json::from_value(serde_json::json!({
            "kind": "Reset", "what": hostile, "advice": null,
        }))
        .unwrap();
        for problem in [made, new, read] {
            let what = "␛[2Jpostgres://u:⟨redacted⟩@db/x is cut, Authorization: Bearer ⟨redacted⟩";
            assert_eq!(problem.to_string(), what);
        }
    }

    #[test]
    fn a_wait_beyond_all_time_has_no_end() {
        let mut source = Source::new(now());
        let retry_in = Duration::MAX;
        let problem = Problem::new(ProblemKind::Frozen, "no answer");
        source.apply(
            SourceState::Failing {
                problem,
                attempt: 1,
                retry_in,
            },
            now(),
        );
        assert_eq!(source.retry_at, None);
    }
}
