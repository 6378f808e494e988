//! An answer as it is put together, and what the state of its source makes of it.

use jiff::SignedDuration;

use super::evaluation::Evaluation;
use crate::observe::source::{Freshness, Problem, SourceId, SourceState};
use crate::profile::sop::StepStatus;
use crate::safe;
use crate::text::{SafeText, duration};

/// The answer to a step.
#[derive(Debug)]
pub(crate) struct StepResult {
    pub(super) status: StepStatus,
    pub(super) value: SafeText,
    pub(super) threshold: SafeText,
    pub(super) evidence: Vec<SafeText>,
    pub(super) source: &'static str,
    pub(super) age: Option<SignedDuration>,
}

impl StepResult {
    pub(super) fn new(status: StepStatus, source: &'static str) -> Self {
        Self {
            status,
            value: SafeText::default(),
            threshold: SafeText::default(),
            evidence: Vec::new(),
            source,
            age: None,
        }
    }

    /// Nothing can be said, and why.
    pub(super) fn unknown(source: &'static str, value: &str, why: impl Into<SafeText>) -> Self {
        Self::new(StepStatus::Unknown, source).value(value).because(why)
    }

    pub(super) fn value(mut self, value: impl Into<SafeText>) -> Self {
        self.value = value.into();
        self
    }

    pub(super) fn against(mut self, threshold: impl Into<SafeText>) -> Self {
        self.threshold = threshold.into();
        self
    }

    /// Adds a line of evidence; one that is there already is not repeated.
    pub(super) fn because(mut self, line: impl Into<SafeText>) -> Self {
        let line = line.into();
        if !self.evidence.contains(&line) {
            self.evidence.push(line);
        }
        self
    }

    pub(super) fn evidence(self, lines: impl IntoIterator<Item: Into<SafeText>>) -> Self {
        lines.into_iter().fold(self, Self::because)
    }

    /// As old as a sign of the vitals, in seconds.
    pub(super) fn aged(mut self, age_s: Option<u64>) -> Self {
        let seconds = age_s.map(|age| i64::try_from(age).unwrap_or(i64::MAX));
        self.age = seconds.map(SignedDuration::from_secs);
        self
    }

    /// As old as its source, and stale where that has stopped.
    pub(super) fn heard(mut self, heard: &SourceCheck) -> Self {
        match heard {
            SourceCheck::Never(_) => {}
            SourceCheck::Current(age) => self.age = Some(*age),
            SourceCheck::Stopped(age, why) => {
                self.age = Some(*age);
                self.status = StepStatus::Stale;
                self.evidence.insert(0, why.clone());
            }
        }
        self
    }
}

/// How a source is, with words for what is wrong.
#[derive(Clone, Debug)]
pub(super) enum SourceCheck {
    /// It never said anything.
    Never(SafeText),
    /// It is current as of so long ago.
    Current(SignedDuration),
    /// It has said nothing for so long.
    Stopped(SignedDuration, SafeText),
}

impl SourceCheck {
    /// Why nothing can be concluded from the source now; `None` when it is current.
    pub(super) fn trouble(self) -> Option<SafeText> {
        match self {
            Self::Current(_) => None,
            Self::Never(why) | Self::Stopped(_, why) => Some(why),
        }
    }

    /// How old the newest that the source said is; `None` when it never said anything.
    pub(super) fn age(&self) -> Option<SignedDuration> {
        match self {
            Self::Current(age) | Self::Stopped(age, _) => Some(*age),
            Self::Never(_) => None,
        }
    }

    /// The worse of two sources that an answer rests on.
    pub(super) fn and(self, other: Self) -> Self {
        let rank = |heard: &Self| match heard {
            Self::Current(age) => (0, *age),
            Self::Stopped(age, _) => (1, *age),
            Self::Never(_) => (2, SignedDuration::ZERO),
        };
        if rank(&other) > rank(&self) { other } else { self }
    }
}

/// Characters of a problem that a reason has room for.
const SHORT: usize = 90;

/// A problem in its own words; where these are long, in a word or two: the pane of its source has them whole.
fn in_short(problem: &Problem) -> SafeText {
    if problem.what.chars().count() <= SHORT {
        (&problem.what).into()
    } else {
        problem.kind.in_words().into()
    }
}

impl Evaluation<'_> {
    /// How a source is at the moment; `name` is how people call it.
    pub(super) fn hear(&self, id: &SourceId, name: &str) -> SourceCheck {
        let trouble = match self
            .state
            .source(id)
            .map(|source| (&source.state, source.problem()))
        {
            Some((_, Some(problem))) => Some(in_short(problem)),
            Some((SourceState::Off(why), None)) => Some(SafeText::from(why)),
            Some((SourceState::Resting, None)) => Some("read in turns".into()),
            _ => None,
        };
        let behind = self.state.standby_behind().filter(|_| *id == SourceId::Database);
        if let (None, Some((_, standby))) = (&trouble, behind) {
            let why = safe!("{name}: {}", standby.words());
            return match self.state.freshness(id, self.now) {
                Freshness::Stale(age) => SourceCheck::Stopped(age, why),
                Freshness::Missing | Freshness::Fresh(_) => SourceCheck::Never(why),
            };
        }
        match self.state.freshness(id, self.now) {
            Freshness::Missing => {
                let why = trouble.unwrap_or_else(|| "no data yet".into());
                SourceCheck::Never(safe!("{name}: {why}"))
            }
            Freshness::Fresh(age) => SourceCheck::Current(age),
            Freshness::Stale(age) => {
                let why = trouble.unwrap_or_else(|| "no answer".into());
                SourceCheck::Stopped(
                    age,
                    safe!("{name}: {why}, last data {} ago", duration::brief(age)),
                )
            }
        }
    }
}
