//! A sign with what it rests on, and how those of several pods are put together.

use std::collections::HashSet;

use jiff::SignedDuration;
use serde::Serialize;

use super::{Outbound, Requests, Usage};
use crate::observe::source::{Freshness, SourceId, SourceState};
use crate::safe;
use crate::text::{SafeText, duration};

use super::View;

/// One sign.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sign<T> {
    /// Which source tells it.
    pub source: &'static str,
    /// What it says; `None`: unknown.
    pub value: Option<T>,
    /// How much of the window it rests on, seconds: of several pods the least.
    pub covers_s: Option<u64>,
    /// How old what it rests on is, seconds: of several pods the oldest.
    pub age_s: Option<u64>,
    /// Whether a source of it has told something and stopped.
    pub stale: bool,
    /// What is not in it, and why.
    pub missing: Vec<SafeText>,
}

impl<T> Sign<T> {
    /// The value where nothing is missing from it.
    pub fn complete(&self) -> Option<&T> {
        self.value.as_ref().filter(|_| self.missing.is_empty())
    }

    /// Why it is not known, or not of all.
    pub fn why(&self) -> SafeText {
        match self.missing.as_slice() {
            [] => safe!("{}: no data yet", self.source),
            [why] => why.clone(),
            [why, more @ ..] => safe!("{why}, and {} more", more.len()),
        }
    }
}

/// What one source says of one pod.
pub(super) enum Part<T> {
    /// It says this, of so much of the window, so long ago.
    Told {
        value: T,
        covers: SignedDuration,
        age: SignedDuration,
    },
    /// It should say something and does not.
    Missing {
        why: SafeText,
        /// Whether it did before.
        stale: bool,
    },
    /// There is nothing to be said: the pod does no work yet.
    Idle(SafeText),
}

impl<T: Clone> Part<T> {
    pub(super) fn sign(&self, source: &'static str) -> Sign<T> {
        let mut sign = unknown(source);
        match self {
            Self::Told { value, covers, age } => {
                sign.value = Some(value.clone());
                sign.covers_s = Some(seconds(*covers));
                sign.age_s = Some(seconds(*age));
            }
            Self::Missing { why, stale } => {
                sign.missing = vec![why.clone()];
                sign.stale = *stale;
            }
            Self::Idle(why) => sign.missing = vec![why.clone()],
        }
        sign
    }
}

/// What can be summed over pods.
pub(super) trait Sum: Clone + Default {
    fn add(&mut self, other: &Self);
}

impl Sum for Requests {
    fn add(&mut self, other: &Self) {
        self.answered += other.answered;
        self.failed += other.failed;
        self.timed += other.timed;
        self.slow += other.slow;
        self.very_slow += other.very_slow;
        self.per_second += other.per_second;
    }
}

impl Sum for Vec<Outbound> {
    fn add(&mut self, other: &Self) {
        for outbound in other {
            match self.iter_mut().find(|known| known.service == outbound.service) {
                Some(known) => {
                    known.sent += outbound.sent;
                    known.failed += outbound.failed;
                    known.refused += outbound.refused;
                    known.timed += outbound.timed;
                    known.very_slow += outbound.very_slow;
                    known.per_second += outbound.per_second;
                }
                None => self.push(outbound.clone()),
            }
        }
        self.sort_by(|a, b| a.service.cmp(&b.service));
    }
}

/// The sum over the pods, with what is missing from it.
pub(super) fn together<'p, T: Sum + 'p>(
    source: &'static str,
    parts: impl Iterator<Item = &'p Part<T>>,
) -> Sign<T> {
    let mut sign = unknown(source);
    // With thousands of pods there are as many reasons.
    let mut reasons = HashSet::new();
    for part in parts {
        match part {
            Part::Told { value, covers, age } => {
                sign.value.get_or_insert_with(T::default).add(value);
                let (covers, age) = (seconds(*covers), seconds(*age));
                sign.covers_s = Some(sign.covers_s.map_or(covers, |known: u64| known.min(covers)));
                sign.age_s = Some(sign.age_s.map_or(age, |known: u64| known.max(age)));
            }
            Part::Missing { why, stale } => {
                if reasons.insert(why) {
                    sign.missing.push(why.clone());
                }
                sign.stale |= stale;
            }
            Part::Idle(_) => {}
        }
    }
    sign
}

pub(super) fn unknown<T>(source: &'static str) -> Sign<T> {
    Sign {
        source,
        value: None,
        covers_s: None,
        age_s: None,
        stale: false,
        missing: Vec::new(),
    }
}

pub(super) fn seconds(span: SignedDuration) -> u64 {
    span.max(SignedDuration::ZERO).as_secs().unsigned_abs()
}

impl View<'_> {
    /// How long ago a source was heard, or why nothing can be concluded from it now; `name` is how people call it.
    pub(super) fn hear<T>(&self, id: &SourceId, name: &str) -> Result<SignedDuration, Part<T>> {
        let source = self.state.source(id);
        let trouble = match source.map(|source| (&source.state, source.problem())) {
            Some((_, Some(problem))) => Some(problem.what.to_string()),
            Some((SourceState::Off(why), None)) => Some(why.to_string()),
            Some((SourceState::Resting, None)) => Some("read in turns".into()),
            _ => None,
        };
        match self.state.freshness(id, self.now) {
            Freshness::Fresh(age) => Ok(age),
            Freshness::Missing => {
                let why = trouble.unwrap_or_else(|| "no data yet".into());
                Err(missing(safe!("{name}: {why}"), false))
            }
            Freshness::Stale(age) => {
                let why = trouble.unwrap_or_else(|| "no answer".into());
                let why = safe!("{name}: {why}, last data {} ago", duration::brief(age));
                Err(missing(why, true))
            }
        }
    }
}

pub(super) fn missing<T>(why: impl Into<SafeText>, stale: bool) -> Part<T> {
    Part::Missing {
        why: why.into(),
        stale,
    }
}

/// The parts of a usage in percent of its limits.
pub(super) fn limited(usage: u64, limit: u64) -> Option<u64> {
    let percent = u128::from(usage) * 100 / u128::from(limit.max(1));
    (limit > 0).then(|| u64::try_from(percent).unwrap_or(u64::MAX))
}

impl Usage {
    /// Whether neither has a limit.
    pub fn is_unlimited(&self) -> bool {
        self.cpu_percent.is_none() && self.memory_percent.is_none()
    }
}
