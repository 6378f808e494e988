//! A figure as it may be used: its rows, or why there are none; what has warnings proves nothing by what it lacks.

use crate::safe;
use crate::text::{SafeText, counted};
use std::borrow::Cow;
use std::time::Duration;

use jiff::SignedDuration;

use super::is_configured;
use crate::diagnose::evaluation::Evaluation;
use crate::diagnose::quoting;
use crate::diagnose::step_result::SourceCheck;
use crate::observe::observation::{Answer, Sample};
use crate::observe::source::SourceId;
use crate::observe::state::State;
use crate::profile::monitoring::{Figure, Monitoring};
use crate::profile::sop::StepStatus;
use crate::text::duration;

/// Polls without an answer after which a figure is stale.
const MISSED: u32 = 3;

/// Why a figure can't be used.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Missing {
    /// [`StepStatus::Unknown`], or [`StepStatus::Stale`] where it was known and is too old.
    pub(super) status: StepStatus,
    /// Why.
    pub(super) why: SafeText,
}

/// A figure that was answered of late.
#[derive(Clone, Debug)]
pub(super) struct Known<'a> {
    answer: &'a Answer,
    /// Those of its rows that are of the service.
    rows: Cow<'a, [Sample]>,
    /// How old the answer is.
    pub(super) age: SignedDuration,
    figure: Figure,
}

impl Known<'_> {
    /// The rows of the service that are there: enough to see that something fails.
    pub(super) fn rows(&self) -> &[Sample] {
        &self.rows
    }

    /// The numbers of the rows.
    pub(super) fn numbers(&self) -> impl Iterator<Item = f64> {
        self.rows.iter().filter_map(|row| row.value.finite())
    }

    /// The one number of a figure that has one row.
    pub(super) fn number(&self) -> Option<f64> {
        self.numbers().next()
    }

    /// Why what is not in the answer proves nothing; `None` where the answer is whole.
    pub(super) fn incomplete(&self) -> Option<Missing> {
        let title = self.figure.title();
        let why = if let [first, ..] = self.answer.warnings.as_slice() {
            safe!(
                "{title}: the metrics source warns that data may be missing ({})",
                quoting::gist(first)
            )
        } else if self.answer.left_out > 0 {
            safe!(
                "{title}: {} not shown",
                counted(self.answer.left_out, "row is", "rows are")
            )
        } else {
            return None;
        };
        Some(unknown(why))
    }

    /// All numbers, one a row, where the answer is whole and each row has one.
    pub(super) fn complete(&self) -> Result<Vec<f64>, Missing> {
        if let Some(missing) = self.incomplete() {
            return Err(missing);
        }
        let title = self.figure.title();
        let numbers: Vec<_> = self.numbers().collect();
        if numbers.is_empty() && self.rows().is_empty() {
            let of_own = if self.answer.rows.is_empty() {
                ""
            } else {
                " of the service's pods"
            };
            return Err(unknown(safe!("{title}: the metrics source has no row{of_own}")));
        }
        if numbers.len() < self.rows().len() {
            return Err(unknown(safe!("{title}: no number (nothing to divide by)")));
        }
        Ok(numbers)
    }
}

pub(super) fn unknown(why: SafeText) -> Missing {
    Missing {
        status: StepStatus::Unknown,
        why,
    }
}

impl Evaluation<'_> {
    /// A figure, if it was answered of late.
    pub(super) fn known_figure(
        &self,
        figure: Figure,
        window: Option<Duration>,
    ) -> Result<Known<'_>, Missing> {
        let missing = |status, why| Missing { status, why };
        match self.hear(&source_of(self.state, figure), self.source_name(figure)) {
            SourceCheck::Current(_) => {}
            SourceCheck::Never(why) => return Err(missing(StepStatus::Unknown, why)),
            SourceCheck::Stopped(_, why) => return Err(missing(StepStatus::Stale, why)),
        }
        let title = figure.title();
        let Some((at, reading)) = self.state.monitoring.figure(figure, window) else {
            return Err(unknown(safe!("{title}: not asked for")));
        };
        let age = self.since(*at);
        let answer = reading.answer.as_ref();
        let answer = answer.map_err(|why| unknown(safe!("{title}: {why}")))?;
        if age > self.state.paced(duration::of(figure.every(window) * MISSED)) {
            let why = safe!("{title}: last answer {} ago", duration::brief(age));
            return Err(missing(StepStatus::Stale, why));
        }
        let rows = self.own_rows(figure, &answer.rows)?;
        Ok(Known {
            answer,
            rows,
            age,
            figure,
        })
    }

    /// A figure of the service's own counters: they tell nothing where the newest scrape is too old.
    pub(super) fn scraped_figure(
        &self,
        monitoring: &Monitoring,
        figure: Figure,
        window: Option<Duration>,
    ) -> Result<Known<'_>, Missing> {
        let ages = self.known_figure(Figure::SampleAge, None)?.complete()?;
        if let Some(why) = too_old(&ages, monitoring) {
            return Err(Missing {
                status: StepStatus::Stale,
                why,
            });
        }
        self.known_figure(figure, window)
    }

    /// That the metrics source has no scrape of a pod that is new enough, where that is known.
    pub(in crate::diagnose) fn old_samples(&self) -> Option<SafeText> {
        let known = self.known_figure(Figure::SampleAge, None).ok()?;
        if known.rows().is_empty() {
            return Some("the metrics source has no scrape of a pod".into());
        }
        let ages: Vec<_> = known.numbers().collect();
        too_old(&ages, self.profile.monitoring.as_ref()?)
    }
}

/// That the oldest of the newest scrapes proves nothing any more.
fn too_old(ages: &[f64], monitoring: &Monitoring) -> Option<SafeText> {
    let oldest = ages.iter().copied().fold(0.0, f64::max);
    let limit = monitoring.thresholds.sample_age;
    (oldest > limit.as_secs_f64()).then(|| {
        safe!(
            "the newest scrape of a pod is {} old (at most {})",
            duration::brief(SignedDuration::from_secs(oldest as i64)),
            duration::brief(duration::of(limit))
        )
    })
}

/// The source that a figure comes from: of what the cluster counts the second metrics source, where there is one.
pub(crate) fn source_of(state: &State, figure: Figure) -> SourceId {
    let second = figure.is_of_cluster() && is_configured(state, &SourceId::ClusterMetrics);
    if second {
        SourceId::ClusterMetrics
    } else {
        SourceId::Metrics
    }
}

/// A share as people read it: `0.2 %`, `12 %`.
pub(super) fn percent(share: f64) -> SafeText {
    let percent = share * 100.0;
    if percent.abs() < 10.0 && percent != 0.0 {
        safe!("{percent:.1} %")
    } else {
        safe!("{percent:.0} %")
    }
}

/// A window as text: `5m`, `3d`.
pub(super) fn span(window: Duration) -> SafeText {
    let text = duration::brief(duration::of(window));
    text.strip_suffix(" 0h").unwrap_or(&text).into()
}
