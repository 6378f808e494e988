//! The service's vital signs: how many requests, how many fail or are slow, what the pods use, whether the services that it calls answer.
//!
//! Each sign names its source, how much of the window it covers, how old it is, and what is missing from it. A source that is absent, not
//! verbose enough, not read to its end or stopped gives no value: unknown is never zero.

mod counters;
mod plot;
mod requests;
mod series;
mod sign;
mod usage;
#[cfg(test)]
mod vitals_tests;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use self::counters::{counted_by, outbound_by};
pub use self::plot::plot;
use self::requests::logged_by;
pub use self::series::{SLOTS, Series};
pub use self::sign::Sign;
use self::sign::{Part, together};
pub use self::usage::{Sustained, sustained};
use self::usage::{used_by, used_together};
use crate::observe::observation::{Container, Pod, PodUid};
use crate::observe::state::State;
use crate::profile::Profile;
use crate::text::SafeText;

/// How far back the signs look, unless a rule says otherwise.
pub const WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// How the service does.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Vitals {
    /// How far back, seconds.
    pub window_s: u64,
    /// All pods together.
    pub together: Signs,
    /// Each living pod, by name.
    pub pods: Vec<PodVitals>,
    /// How the signs of all pods together moved over the window; empty where only the signs were asked for.
    pub series: Series,
}

/// The signs of one pod, or of all together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Signs {
    /// Requests by the request log, the kubelet's probes aside.
    pub logged: Sign<Requests>,
    /// Requests by the pods' own counters, the kubelet's probes aside.
    pub counted: Sign<Requests>,
    /// What the containers use.
    pub usage: Sign<Usage>,
    /// Requests to the services that it calls, by the pods' own counters.
    pub outbound: Sign<Vec<Outbound>>,
}

/// The signs of one pod.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PodVitals {
    /// Which.
    pub uid: PodUid,
    /// Its name.
    pub name: SafeText,
    /// How it does.
    pub signs: Signs,
    /// How its signs moved over the window; empty unless that was asked for.
    pub series: Series,
}

/// Requests that were answered within the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Requests {
    /// All.
    pub answered: u64,
    /// With a status of 500 or more.
    pub failed: u64,
    /// Those whose time is known.
    pub timed: u64,
    /// Of those, slower than 100 ms.
    pub slow: u64,
    /// Of those, slower than 1 s.
    pub very_slow: u64,
    /// How many a second.
    pub per_second: f64,
}

impl Requests {
    /// Percent that failed; `None` without a request.
    pub fn failed_percent(&self) -> Option<f64> {
        percent(self.failed, self.answered)
    }

    /// Percent slower than 100 ms; `None` without one whose time is known.
    pub fn slow_percent(&self) -> Option<f64> {
        percent(self.slow, self.timed)
    }

    /// Percent slower than 1 s; `None` without one whose time is known.
    pub fn very_slow_percent(&self) -> Option<f64> {
        percent(self.very_slow, self.timed)
    }
}

/// Requests to one service within the window.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Outbound {
    /// `ocm-clusters-service`, …
    pub service: SafeText,
    /// All.
    pub sent: u64,
    /// Without an answer, or with a status of 500 or more.
    pub failed: u64,
    /// With a status of 400 to 499.
    pub refused: u64,
    /// Those whose time is known.
    pub timed: u64,
    /// Of those, slower than 1 s.
    pub very_slow: u64,
    /// How many a second.
    pub per_second: f64,
}

impl Outbound {
    /// Percent that failed; `None` without a request.
    pub fn failed_percent(&self) -> Option<f64> {
        percent(self.failed, self.sent)
    }

    /// Percent slower than 1 s; `None` without one whose time is known.
    pub fn very_slow_percent(&self) -> Option<f64> {
        percent(self.very_slow, self.timed)
    }
}

/// What containers used of late, by the metrics server's newest window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Usage {
    /// CPU, thousandths.
    pub cpu_millis: u64,
    /// CPU as a percentage of its limit: of a pod that of the container nearest to it, which is the one that is slowed down; of all pods
    /// together that of the sum. `None` without a limit.
    pub cpu_percent: Option<u64>,
    /// Memory, bytes.
    pub memory_bytes: u64,
    /// Memory as a percentage of its limit, in the same way.
    pub memory_percent: Option<u64>,
}

impl Vitals {
    /// The signs over [`WINDOW`], and how they moved, of each pod as well.
    pub fn of(state: &State, profile: &Profile, now: Timestamp) -> Self {
        let view = View::of(state, profile, now);
        let living = view.living();
        let mut vitals = view.vitals(&living);
        vitals.series = Series::of(&view, &living);
        for (of_pod, pod) in vitals.pods.iter_mut().zip(living) {
            of_pod.series = Series::of(&view, &[pod]);
        }
        vitals
    }

    /// The signs over a window, without how they moved: what is judged by.
    pub fn within(state: &State, profile: &Profile, now: Timestamp, window: SignedDuration) -> Self {
        let view = View {
            state,
            profile,
            now,
            window,
        };
        view.vitals(&view.living())
    }
}

/// What the signs are reckoned from.
struct View<'a> {
    state: &'a State,
    profile: &'a Profile,
    now: Timestamp,
    window: SignedDuration,
}

impl<'a> View<'a> {
    fn of(state: &'a State, profile: &'a Profile, now: Timestamp) -> Self {
        Self {
            state,
            profile,
            now,
            window: WINDOW,
        }
    }

    /// The pods that do their work, by name.
    fn living(&self) -> Vec<&'a Pod> {
        let mut living: Vec<_> = self.state.pods.values().filter(|pod| lives(pod)).collect();
        living.sort_by(|a, b| a.name.cmp(&b.name));
        living
    }

    fn vitals(&self, living: &[&Pod]) -> Vitals {
        let parts: Vec<_> = living.iter().map(|pod| self.parts_of(pod)).collect();
        let pods = living.iter().zip(&parts).map(|(pod, parts)| PodVitals {
            uid: pod.uid.clone(),
            name: pod.name.clone(),
            signs: parts.signs(),
            series: Series::default(),
        });
        Vitals {
            window_s: self.window.as_secs().unsigned_abs(),
            together: Signs {
                logged: together(requests::SOURCE, parts.iter().map(|parts| &parts.logged)),
                counted: together(counters::SOURCE, parts.iter().map(|parts| &parts.counted)),
                usage: used_together(self, living),
                outbound: together(counters::SOURCE, parts.iter().map(|parts| &parts.outbound)),
            },
            pods: pods.collect(),
            series: Series::default(),
        }
    }

    /// When the window begins.
    fn since(&self) -> Timestamp {
        self.now.saturating_sub(self.window).unwrap_or(Timestamp::MIN)
    }

    fn age(&self, at: Timestamp) -> SignedDuration {
        self.now.duration_since(at).max(SignedDuration::ZERO)
    }

    /// The container that does the work.
    fn container<'p>(&self, pod: &'p Pod) -> Option<&'p Container> {
        let name = &self.profile.service.container;
        pod.containers.iter().find(|container| *container.name == **name)
    }

    fn parts_of(&self, pod: &Pod) -> Parts {
        Parts {
            logged: logged_by(self, pod),
            counted: counted_by(self, pod),
            usage: used_by(self, pod),
            outbound: outbound_by(self, pod),
        }
    }
}

/// What each source says of one pod.
struct Parts {
    logged: Part<Requests>,
    counted: Part<Requests>,
    usage: Part<Usage>,
    outbound: Part<Vec<Outbound>>,
}

impl Parts {
    fn signs(&self) -> Signs {
        Signs {
            logged: self.logged.sign(requests::SOURCE),
            counted: self.counted.sign(counters::SOURCE),
            usage: self.usage.sign(usage::SOURCE),
            outbound: self.outbound.sign(counters::SOURCE),
        }
    }
}

/// Whether a pod does its work: one that is over or on its way out is no part of the service any more.
fn lives(pod: &Pod) -> bool {
    pod.deletion_at.is_none() && !pod.is_over()
}

fn percent(part: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| part as f64 * 100.0 / of as f64)
}

/// How many a second over a span.
fn per_second(count: u64, span: SignedDuration) -> f64 {
    count as f64 / span.as_secs_f64().max(1.0)
}
