//! Errors a minute, by class, under the step of the errors in the logs.

use jiff::{SignedDuration, Timestamp};

use crate::app::App;
use crate::style::styled_text::{self, StyledText};
use crate::style::theme::{Meaning, Theme};
use sopwatch_core::diagnose::vitals::plot;
use sopwatch_core::observe::observation::ContainerState;
use sopwatch_core::safe;
use sopwatch_core::text::SafeText;

/// Minutes that are shown.
const MINUTES: usize = 15;

/// Classes that are shown, those with the newest errors first.
const CLASSES: usize = 2;

/// A line a class: `Database  ▁▁▃▇▇|▂  newest right, | restart`. Only the newest errors of each log are known one by one, so that a long
/// series is higher than it is drawn, never lower.
pub(super) fn lines<'t>(app: &App, theme: &'t Theme, indent: usize) -> Vec<StyledText<'t>> {
    let now = app.clock.now;
    let window = SignedDuration::from_mins(MINUTES as i64);
    let Ok(since) = now.checked_sub(window) else {
        return Vec::new();
    };
    let restarts = restarts(app, since);
    let summaries = app.state.errors.summaries(since);
    let profile = &app.session.profile;
    let shown: Vec<_> = summaries.iter().take(CLASSES).collect();
    let title = |class: &str| profile.class_title(class).to_owned();
    let titles = shown
        .iter()
        .map(|summary| styled_text::width(&title(summary.class)));
    let widest = titles.max().unwrap_or(0);
    shown
        .into_iter()
        .map(|summary| {
            let mut minutes = [0.0; MINUTES];
            for (_, sighting) in app.state.errors.since(summary.class, since) {
                if let Some(count) = minutes.get_mut(minute_of(sighting.at, since)) {
                    *count += 1.0;
                }
            }
            let counts: Vec<_> = minutes.iter().map(|count| Some(*count)).collect();
            let most = minutes.iter().copied().fold(0.0, f64::max);
            let mut line = StyledText::new(theme)
                .gap(indent)
                .column(Meaning::Faint, theme.clean(title(summary.class)), widest)
                .gap(1);
            for (minute, bar) in plot(&counts, None).chars().enumerate() {
                line = if restarts.contains(&minute) {
                    line.add(Meaning::Note, theme.glyphs.vertical)
                } else {
                    line.add(Meaning::Error, theme.clean(&*bar.encode_utf8(&mut [0; 4])))
                };
            }
            let mark = if restarts.is_empty() {
                SafeText::default()
            } else {
                safe!(", {} pod start", theme.glyphs.vertical)
            };
            line.add(
                Meaning::Faint,
                safe!(" {most:.0}/min at most, last {MINUTES}m{mark}"),
            )
        })
        .collect()
}

/// The minute of the window that a moment is in.
fn minute_of(at: Timestamp, since: Timestamp) -> usize {
    usize::try_from(at.duration_since(since).as_mins())
        .unwrap_or(0)
        .min(MINUTES - 1)
}

/// The minutes in which a container of the service was started.
fn restarts(app: &App, since: Timestamp) -> Vec<usize> {
    let containers = app.state.pods.values().flat_map(|pod| &pod.containers);
    let started = containers.filter_map(|container| match &container.state {
        ContainerState::Running { since } => *since,
        ContainerState::Waiting { .. } | ContainerState::Terminated(_) => None,
    });
    started
        .filter(|at| *at >= since)
        .map(|at| minute_of(at, since))
        .collect()
}
