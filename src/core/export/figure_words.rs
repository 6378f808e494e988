//! The figures that a report and a hand-off tell of: how the requests and the pods were when the console began to look, and how they are last.

use jiff::{SignedDuration, Timestamp};

use crate::diagnose::monitoring::source_of;
use crate::observe::observation::{Answer, FigureReading};
use crate::observe::state::State;
use crate::profile::monitoring::Figure;
use crate::safe;
use crate::text::{SafeText, counted, duration};

/// The figures of a report; of each the shortest window.
const REPORTED: [Figure; 12] = [
    Figure::Up,
    Figure::Volume,
    Figure::Errors,
    Figure::Slow,
    Figure::VerySlow,
    Figure::OutboundErrors,
    Figure::Cpu,
    Figure::Throttled,
    Figure::Memory,
    Figure::Restarts,
    Figure::NetworkErrors,
    Figure::NetworkDrops,
];

/// A figure as it was and as it is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ReportedFigure {
    /// Its name in files: `errors`.
    pub(super) figure: Figure,
    /// How far back, seconds; `None` where it has no window.
    pub(super) window_s: Option<u64>,
    /// `metrics` or `cluster metrics`.
    pub(super) source: SafeText,
    /// The first answer, and when it came.
    pub(super) first: (Timestamp, SafeText),
    /// The newest answer, and when it came.
    pub(super) last: (Timestamp, SafeText),
}

impl ReportedFigure {
    /// `5xx in 5m`.
    pub(super) fn title(&self) -> SafeText {
        let seconds = |window: u64| SignedDuration::from_secs(i64::try_from(window).unwrap_or(i64::MAX));
        let window = self
            .window_s
            .map(|window| safe!(" in {}", duration::brief(seconds(window))));
        safe!("{}{}", self.figure.title(), window.unwrap_or_default())
    }
}

/// The figures that were answered.
pub(super) fn reported(state: &State) -> Vec<ReportedFigure> {
    let reported = |figure: Figure| {
        let mut of_figure = state.monitoring.figures().filter(|(_, one)| one.figure == figure);
        let (at, last) = of_figure.next()?;
        let (first_at, first) = state.monitoring.first(figure, last.window_s)?;
        Some(ReportedFigure {
            figure,
            window_s: last.window_s,
            source: source_of(state, figure).name(),
            first: (*first_at, value(first)),
            last: (*at, value(last)),
        })
    };
    REPORTED.into_iter().filter_map(reported).collect()
}

/// `0.2 %`, `3 of 3`, `0.1 % to 31 % (3 rows)`, or why there is none.
fn value(reading: &FigureReading) -> SafeText {
    let answer = match &reading.answer {
        Ok(answer) => answer,
        Err(why) => return safe!("no data ({why})"),
    };
    let words = in_words(reading.figure, answer);
    if answer.warnings.is_empty() {
        words
    } else {
        safe!("{words} (data may be missing)")
    }
}

fn in_words(figure: Figure, answer: &Answer) -> SafeText {
    let numbers: Vec<f64> = answer.rows.iter().filter_map(|row| row.value.finite()).collect();
    let number = |number: f64| {
        if figure.is_share() {
            safe!("{:.1} %", number * 100.0)
        } else if figure.counts() {
            safe!("{number:.0}")
        } else {
            safe!("{number:.1}")
        }
    };
    if figure == Figure::Up {
        let up = numbers.iter().filter(|up| **up >= 1.0).count();
        return safe!("{up} of {}", answer.rows.len());
    }
    let lowest = numbers.iter().copied().reduce(f64::min);
    let highest = numbers.iter().copied().reduce(f64::max);
    match (lowest, highest, answer.rows.len()) {
        (_, _, 0) => "no row".into(),
        (Some(lowest), Some(_), 1) => number(lowest),
        (Some(lowest), Some(highest), rows) => {
            let of_pods = answer.rows.iter().all(|row| row.label("pod").is_some());
            let of = if of_pods {
                counted(rows, "pod", "pods")
            } else {
                counted(rows, "row", "rows")
            };
            let (lowest, highest) = (number(lowest), number(highest));
            if lowest == highest {
                safe!("{lowest} ({of})")
            } else {
                safe!("{lowest} to {highest} ({of})")
            }
        }
        _ => "no number".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::observation::{Observation, Sample, Value};
    use crate::testkit::{ago, now};

    fn reading(figure: Figure, window_s: Option<u64>, values: &[f64]) -> FigureReading {
        let row = |value: &f64| Sample {
            labels: Vec::new(),
            value: Value(*value),
        };
        FigureReading {
            figure,
            window_s,
            answer: Ok(Answer {
                rows: values.iter().map(row).collect(),
                ..Answer::default()
            }),
        }
    }

    #[test]
    fn a_figure_is_reported_as_it_was_first_and_last_with_its_source() {
        let mut state = State::default();
        let errors = |share: f64| reading(Figure::Errors, Some(300), &[share]);
        state.apply(
            Observation::Metrics(vec![errors(0.31), reading(Figure::Errors, Some(1800), &[0.1])]),
            ago(600),
        );
        state.apply(Observation::Metrics(vec![errors(0.5)]), ago(300));
        state.apply(Observation::Metrics(vec![errors(0.002)]), ago(10));
        state.apply(
            Observation::ClusterMetrics(vec![reading(Figure::Cpu, Some(300), &[0.2, 0.9])]),
            now(),
        );
        let reported = reported(&state);
        let lines: Vec<_> = reported
            .iter()
            .map(|one| {
                let (first, last) = (&one.first.1, &one.last.1);
                format!("{}: {first} -> {last} ({})", one.title(), one.source)
            })
            .collect();
        assert_eq!(
            lines,
            [
                "5xx in 5m: 31.0 % -> 0.2 % (metrics)",
                "CPU of its limit in 5m: 20.0 % to 90.0 % (2 rows) -> 20.0 % to 90.0 % (2 rows) (cluster metrics)",
            ]
        );
        assert_eq!((reported[0].first.0, reported[0].last.0), (ago(600), ago(10)));
    }

    fn of_pods(figure: Figure, values: &[f64]) -> FigureReading {
        let mut reading = reading(figure, Some(1800), values);
        for row in reading.answer.iter_mut().flat_map(|answer| &mut answer.rows) {
            row.labels.push(("pod".into(), "msa-1".into()));
        }
        reading
    }

    #[test]
    fn what_is_no_number_says_so() {
        // the reading, and its words
        let mut warned = reading(Figure::Volume, Some(300), &[2.0]);
        if let Ok(answer) = &mut warned.answer {
            answer.warnings.push("a store did not answer".into());
        }
        let failed = FigureReading {
            answer: Err("timed out".into()),
            ..reading(Figure::Volume, Some(300), &[])
        };
        let table = [
            (reading(Figure::Up, None, &[1.0, 0.0, 1.0]), "2 of 3"),
            (reading(Figure::Errors, Some(300), &[f64::NAN]), "no number"),
            (reading(Figure::Errors, Some(300), &[]), "no row"),
            (of_pods(Figure::Restarts, &[0.0; 5]), "0 (5 pods)"),
            (of_pods(Figure::Restarts, &[0.0, 3.0]), "0 to 3 (2 pods)"),
            (reading(Figure::Volume, Some(300), &[2.0, 2.0]), "2.0 (2 rows)"),
            (warned, "2.0 (data may be missing)"),
            (failed, "no data (timed out)"),
        ];
        for (reading, expected) in table {
            assert_eq!(&*value(&reading), expected);
        }
    }
}
