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

/// A line a class: `Database  ▁▁▃▇▇│▂ peak 12/min, last 15m, │ pod start`. A minute of which not all errors are known is blank.
pub(crate) fn lines<'t>(app: &App, theme: &'t Theme, indent: usize) -> Vec<StyledText<'t>> {
    let Ok(since) = app.clock.now.checked_sub(window(MINUTES)) else {
        return Vec::new();
    };
    let summaries = app.state.errors.summaries(since);
    let profile = &app.session.profile;
    let shown: Vec<_> = summaries.iter().take(CLASSES).collect();
    let title = |class: &str| profile.class_title(class).to_owned();
    let titles = shown
        .iter()
        .map(|summary| styled_text::width(&title(summary.class)));
    let widest = titles.max().unwrap_or(0);
    let line = |class: &str| {
        let head = StyledText::new(theme)
            .gap(indent)
            .column(Meaning::Faint, theme.clean(title(class)), widest)
            .gap(1);
        strip(app, theme, Some(class), MINUTES).map(|strip| head.join(strip))
    };
    shown
        .into_iter()
        .filter_map(|summary| line(summary.class))
        .collect()
}

/// The errors of a class, or of all, in each of the last minutes, and what the bars mean; `None` where there were none.
pub(crate) fn strip<'t>(
    app: &App,
    theme: &'t Theme,
    class: Option<&str>,
    count: usize,
) -> Option<StyledText<'t>> {
    let since = app.clock.now.checked_sub(window(count)).ok()?;
    let restarts = restarts(app, since, count);
    let mut minutes = vec![0.0; count];
    let mut known_from = since;
    let errors = &app.state.errors;
    let classes = errors.summaries(since);
    let classes = classes.iter().map(|summary| summary.class);
    for class in classes.filter(|known| class.is_none_or(|class| ***known == *class)) {
        known_from = known_from.max(errors.times_known_from(class, since));
        for (_, at, some) in errors.times(class, since) {
            if let Some(errors) = minutes.get_mut(minute_of(at, since, count)) {
                *errors += some as f64;
            }
        }
    }
    let unknown = known_from.duration_since(since).as_secs();
    let unknown = usize::try_from(unknown).unwrap_or(0).div_ceil(60);
    let counts = minutes.iter().enumerate();
    let counts: Vec<_> = counts
        .map(|(minute, errors)| (minute >= unknown).then_some(*errors))
        .collect();
    let most = counts.iter().flatten().copied().fold(0.0, f64::max);
    if most == 0.0 {
        return None;
    }
    let mut line = StyledText::new(theme);
    for (minute, bar) in plot(&counts, None).chars().enumerate() {
        // It stands before its minute: the errors of a start are the ones that are looked for.
        if restarts.contains(&minute) {
            line = line.add(Meaning::Note, theme.glyphs.vertical);
        }
        line = line.add(Meaning::Error, theme.clean(&*bar.encode_utf8(&mut [0; 4])));
    }
    let mark = if restarts.is_empty() {
        SafeText::default()
    } else {
        safe!(", {} pod start", theme.glyphs.vertical)
    };
    let blank = if unknown > 0 { ", blank: no data" } else { "" };
    Some(line.add(
        Meaning::Faint,
        safe!(" peak {most:.0}/min, last {count}m{mark}{blank}"),
    ))
}

fn window(minutes: usize) -> SignedDuration {
    SignedDuration::from_mins(minutes as i64)
}

/// The minute of the window that a moment is in.
fn minute_of(at: Timestamp, since: Timestamp, count: usize) -> usize {
    usize::try_from(at.duration_since(since).as_mins())
        .unwrap_or(0)
        .min(count.saturating_sub(1))
}

/// The minutes in which a container of the service was started.
fn restarts(app: &App, since: Timestamp, count: usize) -> Vec<usize> {
    let containers = app.state.pods.values().flat_map(|pod| &pod.containers);
    let started = containers.filter_map(|container| match &container.state {
        ContainerState::Running { since } => *since,
        ContainerState::Waiting { .. } | ContainerState::Terminated(_) => None,
    });
    started
        .filter(|at| *at >= since)
        .map(|at| minute_of(at, since, count))
        .collect()
}
