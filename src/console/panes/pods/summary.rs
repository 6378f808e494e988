//! Pods and leaders in as few lines as tell what counts, for a narrow screen.

use super::{others, ready_words, stale_words, status_meaning, status_of};
use crate::app::App;
use crate::panes::Pane;
use crate::panes::leaders::{self, short_titles};
use crate::screen::source_error;
use crate::style::styled_text::StyledText;
use crate::style::theme::{Meaning, Theme};
use sopwatch_core::diagnose::leaders::Verdict;
use sopwatch_core::safe;
use sopwatch_core::text::{SafeText, counted};

/// Cells of a leader's strip.
const STRIP: usize = 10;

/// Pods that are named with their status.
const NAMED: usize = 3;

/// How many pods are ready and who leads, then the pods that are not ready, others with the label, and the faults of their sources.
pub(crate) fn lines<'t>(app: &App, theme: &'t Theme, width: usize) -> Vec<StyledText<'t>> {
    let new = || StyledText::new(theme);
    let number = safe!("{} {}", Pane::Pods.number(), Pane::Pods.title());
    let head = new()
        .gap(1)
        .add(Meaning::Title, number)
        .gap(2)
        .join(ready_words(app, theme));
    let stale = stale_words(app, theme);
    let head = if stale.width() > 0 {
        head.gap(2).join(stale)
    } else {
        head
    };
    let mut lines = vec![head];
    for words in workers(app, theme) {
        let fits = lines
            .last()
            .is_some_and(|line| line.width() + 3 + words.width() < width);
        match lines.pop_if(|_| fits) {
            Some(line) => lines.push(line.gap(3).join(words)),
            None => lines.push(new().gap(3).join(words)),
        }
    }
    lines.extend(not_ready(app, theme));
    lines.extend(
        others::lines(app, theme)
            .into_iter()
            .map(|line| new().gap(3).join(line)),
    );
    let faults = source_error::of_cluster(app);
    lines.extend(
        source_error::lines(&faults, theme, app.clock.now, 2)
            .into_iter()
            .map(|line| new().gap(2).join(line)),
    );
    lines
}

/// Each worker with its strip and its leader.
fn workers<'t>(app: &App, theme: &'t Theme) -> Vec<StyledText<'t>> {
    let readings = leaders::in_order(app);
    let titles: Vec<_> = readings.iter().map(|reading| reading.worker.clone()).collect();
    let rows = readings.iter().zip(short_titles(&titles));
    rows.map(|(reading, title)| {
        let meaning = match reading.verdict {
            Verdict::None | Verdict::Many => Meaning::Heading,
            Verdict::One | Verdict::Settling { .. } | Verdict::Unknown => Meaning::Text,
        };
        StyledText::new(theme)
            .add(meaning, title)
            .gap(1)
            .join(leaders::strip_of(app, theme, reading, STRIP))
            .gap(1)
            .join(leaders::verdict_words(app, theme, reading))
    })
    .collect()
}

/// `ccxhk CrashLoopBackOff, 12 restarts`.
fn not_ready<'t>(app: &App, theme: &'t Theme) -> Option<StyledText<'t>> {
    let pods = app.pods();
    let bad: Vec<_> = pods.into_iter().filter(|pod| !pod.is_ready()).collect();
    let (first, rest) = (bad.iter().take(NAMED), bad.len().saturating_sub(NAMED));
    let mut line = StyledText::new(theme).gap(1);
    for pod in first {
        let restarts = match pod.restarts {
            0 => SafeText::default(),
            more => safe!(", {}", counted(more, "restart", "restarts")),
        };
        line = line
            .gap(2)
            .add(Meaning::Pod, theme.clean(pod.short_name()))
            .gap(1)
            .add(status_meaning(pod), status_of(pod))
            .add(Meaning::Faint, restarts);
    }
    if rest > 0 {
        line = line.gap(2).add(Meaning::Faint, safe!("+{rest} more"));
    }
    (!bad.is_empty()).then_some(line)
}
