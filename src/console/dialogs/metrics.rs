//! The figures of the metrics source on the page of the vital signs: the last hour as charts, and each figure with its window and its age.

use jiff::{SignedDuration, Timestamp};

use super::Dialog;
use super::charts::{self, Chart};
use super::dialog_text::{DialogText, Tone};
use crate::app::App;
use sopwatch_core::diagnose::monitoring::is_configured;
use sopwatch_core::observe::observation::{FigureHistory, FigureReading};
use sopwatch_core::observe::source::SourceId;
use sopwatch_core::profile::monitoring::{Figure, Thresholds};
use sopwatch_core::text::duration;

/// Bars of a chart, two minutes each.
const BARS: usize = 30;

/// Minutes of a bar.
const MINUTES: i64 = 2;

/// Cells that the charts may take beside one another: a dialog on 80 columns.
const ROOM: usize = 76;

impl App {
    /// Whether somebody looks at the charts of the metrics source: they are asked for only then.
    pub fn shows_metric_charts(&self) -> bool {
        matches!(self.dialog(), Some(Dialog::Vitals { .. })) && self.has_metrics_source()
    }

    /// Whether a metrics source is configured.
    pub(super) fn has_metrics_source(&self) -> bool {
        let sources = [SourceId::Metrics, SourceId::ClusterMetrics];
        sources.iter().any(|id| is_configured(&self.state, id))
    }

    /// Adds the last hour of the metrics source, where one is configured.
    pub(super) fn add_metric_charts(&self, page: &mut DialogText) {
        if let Some(monitoring) = &self.session.profile.monitoring
            && self.has_metrics_source()
        {
            self.add_last_hour(page, &monitoring.thresholds);
        }
    }

    /// Adds the figures of the metrics source, where one is configured.
    pub(super) fn add_metric_figures(&self, page: &mut DialogText) {
        if self.session.profile.monitoring.is_none() || !self.has_metrics_source() {
            return;
        }
        page.section("Figures of the metrics source");
        let figures: Vec<_> = self.state.monitoring.figures().collect();
        if figures.is_empty() {
            page.add(Tone::Doubtful, "no answer yet");
        }
        for (at, reading) in figures {
            let (tone, text) = figure_words(reading, self.age_of(*at));
            page.add(tone, text);
        }
    }

    fn age_of(&self, at: Timestamp) -> SignedDuration {
        self.clock.now.duration_since(at).max(SignedDuration::ZERO)
    }

    fn add_last_hour(&self, page: &mut DialogText, thresholds: &Thresholds) {
        let told: Vec<_> = Figure::CHARTS
            .into_iter()
            .filter_map(|figure| self.state.monitoring.history(figure))
            .collect();
        let Some((at, _)) = told.first() else {
            page.section("Metrics over the last hour");
            page.add(Tone::Faint, "asked for while this page is open");
            return;
        };
        let age = duration::brief(self.age_of(*at));
        page.section(&format!(
            "Metrics over the last hour, {age} ago (·: threshold, ┴: the incident began)"
        ));
        let began = self.clock.now.duration_since(self.incident_began());
        let mark = bar_of(began.max(SignedDuration::ZERO));
        let drawn: Vec<_> = told
            .iter()
            .filter_map(|(_, history)| Some((history.figure, self.bars(history)?)))
            .collect();
        let titles: Vec<_> = drawn.iter().map(|(figure, _)| title_of(*figure)).collect();
        let charts: Vec<_> = drawn
            .iter()
            .zip(&titles)
            .map(|((figure, values), title)| Chart {
                title,
                values,
                least_top: if figure.is_share() { 10.0 } else { 1.0 },
                threshold: threshold_of(*figure, thresholds).map(|share| share * 100.0),
                since: "-1h",
                mark,
            })
            .collect();
        for line in charts::in_rows(&charts, ROOM) {
            page.add(Tone::Code, line);
        }
        for (_, history) in told {
            let title = history.figure.title();
            if let Err(why) = &history.points {
                page.add(Tone::Doubtful, format!("{title}: {why}"));
            }
            if let Some(warning) = history.warnings.first() {
                page.add(
                    Tone::Doubtful,
                    format!("{title}: data may be missing ({warning})"),
                );
            }
        }
    }

    /// The highest value of each bar, oldest first; `None` where it can't be read.
    fn bars(&self, history: &FigureHistory) -> Option<Vec<Option<f64>>> {
        let points = history.points.as_ref().ok()?;
        let mut bars = vec![None; BARS];
        let scale = if history.figure.is_share() { 100.0 } else { 1.0 };
        for (at, value) in points {
            let ago = self.clock.now.duration_since(*at);
            if let (Some(bar), Some(value)) = (bar_of(ago.max(SignedDuration::ZERO)), value.finite()) {
                let highest = bars[bar].map_or(value * scale, |known: f64| known.max(value * scale));
                bars[bar] = Some(highest);
            }
        }
        Some(bars)
    }
}

/// The bar of a moment so long ago; `None` where that is before the chart.
fn bar_of(ago: SignedDuration) -> Option<usize> {
    let back = usize::try_from(ago.as_mins() / MINUTES).ok()?;
    (back < BARS).then(|| BARS - 1 - back)
}

fn title_of(figure: Figure) -> String {
    let unit = if figure.is_share() { " %" } else { "" };
    format!("{}{unit}", figure.title())
}

fn threshold_of(figure: Figure, thresholds: &Thresholds) -> Option<f64> {
    match figure {
        Figure::Errors => Some(thresholds.budget()),
        Figure::Slow => Some(thresholds.slow),
        Figure::VerySlow => Some(thresholds.very_slow),
        Figure::Cpu => Some(thresholds.cpu.fail),
        Figure::Memory => Some(thresholds.memory.fail),
        _ => None,
    }
}

/// `5xx in 5m   0.2 %   12s ago`.
fn figure_words(reading: &FigureReading, age: SignedDuration) -> (Tone, String) {
    let seconds = |window: u64| SignedDuration::from_secs(i64::try_from(window).unwrap_or(i64::MAX));
    let window = reading.window_s.map_or(String::new(), |window| {
        format!(" in {}", duration::brief(seconds(window)))
    });
    let name = format!("{}{window}", reading.figure.title());
    let (tone, value) = match &reading.answer {
        Err(why) => (Tone::Doubtful, why.to_string()),
        Ok(answer) if answer.rows.is_empty() => (Tone::Faint, "no row".to_owned()),
        Ok(answer) => {
            let values: Vec<_> = answer
                .rows
                .iter()
                .take(4)
                .map(|row| match row.value.finite() {
                    None => "no number".to_owned(),
                    Some(value) if reading.figure.is_share() => format!("{:.1} %", value * 100.0),
                    Some(value) => format!("{value:.1}"),
                })
                .collect();
            let tone = if answer.warnings.is_empty() {
                Tone::Plain
            } else {
                Tone::Doubtful
            };
            let more = answer.rows.len().saturating_sub(values.len());
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            (tone, format!("{}{more}", values.join(", ")))
        }
    };
    (
        tone,
        format!("{name:<32} {value}  ({} ago)", duration::brief(age)),
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::app::event::Event;
    use crate::screen::fixture;
    use crate::screen::tests::{press, screen};
    use sopwatch_core::observe::observation::{Answer, Observation, Sample, Value};
    use sopwatch_core::testkit::built_in_profile;

    fn measured() -> App {
        let mut app = fixture::no_leader();
        app.session.profile = Arc::new(built_in_profile());
        let now = app.clock.now;
        let reading = FigureReading {
            figure: Figure::Errors,
            window_s: Some(300),
            answer: Ok(Answer {
                rows: vec![Sample {
                    labels: Vec::new(),
                    value: Value(0.032),
                }],
                ..Answer::default()
            }),
        };
        app.update(Event::Observation(Observation::Metrics(vec![reading])), now);
        app
    }

    fn history(app: &App) -> Observation {
        let at = |minutes| {
            app.clock
                .now
                .checked_sub(SignedDuration::from_mins(minutes))
                .unwrap()
        };
        let points = [(70, 0.9), (59, 0.01), (30, f64::NAN), (1, 0.032)];
        let points = points.map(|(minutes, value)| (at(minutes), Value(value)));
        Observation::MetricsHistory(vec![
            FigureHistory {
                figure: Figure::Errors,
                points: Ok(points.to_vec()),
                warnings: Vec::new(),
            },
            FigureHistory {
                figure: Figure::Cpu,
                points: Err("the query timed out on the server".into()),
                warnings: Vec::new(),
            },
        ])
    }

    #[test]
    fn the_last_hour_is_drawn_while_the_page_is_open() {
        let mut app = measured();
        assert!(!app.shows_metric_charts());
        press(&mut app, "v");
        assert!(app.shows_metric_charts(), "{:?}", app.dialog());
        let text = app.vitals_page().text();
        assert!(text.contains("asked for while this page is open"), "{text}");
        assert!(text.contains("5xx in 5m") && text.contains("3.2 %"), "{text}");
        let (observation, now) = (history(&app), app.clock.now);
        app.update(Event::Observation(observation), now);
        let text = app.vitals_page().text();
        let place = |words: &str| text.find(words);
        let of_source = place("Metrics over the last hour").unwrap();
        let own = place("All pods over time");
        assert!(
            own.is_none_or(|own| of_source < own),
            "its charts come first: {text}"
        );
        assert!(text.contains("┴: the incident began"), "{text}");
        assert!(text.contains("10│"), "what is before the hour has no bar: {text}");
        assert!(
            text.contains("CPU of its limit: the query timed out on the server"),
            "{text}"
        );
        assert!(screen(&app, 80, 24).contains("Vital signs"));
    }

    #[test]
    fn without_a_metrics_source_the_page_is_as_ever() {
        let app = fixture::no_leader();
        assert!(!app.vitals_page().text().contains("metrics source"));
        assert!(!app.shows_metric_charts());
    }

    #[test]
    fn a_bar_is_two_minutes_and_the_newest_is_the_last() {
        let bar = |seconds| bar_of(SignedDuration::from_secs(seconds));
        assert_eq!((bar(0), bar(119), bar(120)), (Some(29), Some(29), Some(28)));
        assert_eq!((bar(3_599), bar(3_600)), (Some(0), None));
    }
}
