//! The chosen SOP: a line a step, and under a failing one what shows it.

pub mod checklist;
pub(crate) mod keys;
#[cfg(test)]
pub(crate) mod overdue_tests;
mod rows;

use ratatui::buffer::Buffer;

use crate::app::App;
use crate::keymap::action::{Action, Context};
use crate::panes::Pane;
use crate::panes::sop::checklist::Tick;
use crate::panes::sop::rows::Row;
pub(crate) use crate::panes::sop::rows::{wanted, wanted_folded};
use crate::screen::borders;
use crate::screen::layout::Region;
use crate::style::age;
use crate::style::styled_text::StyledText;
use crate::style::theme::{Meaning, Theme};
use sopwatch_core::diagnose::StepFinding;
use sopwatch_core::profile::sop::StepStatus;
use sopwatch_core::safe;
use sopwatch_core::text::SafeText;

pub(crate) fn render(app: &App, theme: &Theme, region: &Region, buffer: &mut Buffer) {
    let focused = app.panes.focus == Pane::Sop;
    let area = region.inner();
    let height = usize::from(area.height);
    let rows = rows::rows(app, theme, usize::from(area.width), height);
    let chosen = rows.iter().position(|row| row.step == Some(app.panes.step));
    let first = if focused {
        borders::first_row(chosen.unwrap_or(0), rows.len(), height)
    } else {
        0
    };
    let range = borders::range(theme, first, height, rows.len());
    borders::title(region, focused, title(app, theme, range), theme, buffer);
    if app.steps().is_empty() {
        let why = match app.sop() {
            Some(_) => "this SOP has no steps in the profile".into(),
            None => unchosen(app),
        };
        StyledText::new(theme)
            .gap(1)
            .add(Meaning::Doubtful, why)
            .draw(area, buffer);
    }
    for (Row { step, line }, row) in rows.into_iter().skip(first).zip(area.rows()) {
        line.draw(row, buffer);
        if focused && step == Some(app.panes.step) {
            borders::select(row, theme, buffer);
        }
    }
}

/// `2 fail · 6 ok · 2 to do`, and whose steps they are, where they are another SOP's.
fn title<'t>(app: &App, theme: &'t Theme, range: StyledText<'t>) -> Vec<(u8, StyledText<'t>)> {
    let new = || StyledText::new(theme);
    let count = |wanted: fn(StepStatus, bool) -> bool| {
        let steps = app.steps();
        let statuses = steps.iter().map(|(id, _)| {
            let status = finding_of(app, id).map_or(StepStatus::Unknown, |finding| finding.status);
            (status, app.checklist.ticks.contains_key(*id))
        });
        statuses
            .filter(|(status, ticked)| wanted(*status, *ticked))
            .count()
    };
    let counts = [
        (
            Meaning::Bad,
            "fail",
            count(|status, _| status == StepStatus::Fail),
        ),
        (
            Meaning::Doubtful,
            "no data",
            count(|status, ticked| !ticked && matches!(status, StepStatus::Unknown | StepStatus::Stale)),
        ),
        (
            Meaning::Waiting,
            "waiting",
            count(|status, ticked| !ticked && status == StepStatus::Waiting),
        ),
        (
            Meaning::Good,
            "ok",
            count(|status, ticked| status == StepStatus::Pass || (ticked && status != StepStatus::Fail)),
        ),
        (
            Meaning::Manual,
            "to do",
            count(|status, ticked| !ticked && status == StepStatus::Manual),
        ),
    ];
    let mut words = new();
    for (meaning, name, count) in counts.into_iter().filter(|(_, _, count)| *count > 0) {
        if words.width() > 0 {
            words = words.add(Meaning::Faint, safe!(" {} ", theme.glyphs.dot));
        }
        words = words.add(meaning, safe!("{count} {name}"));
    }
    let referred = app.sop().and_then(|sop| sop.steps_from.as_deref());
    let referred = referred.map_or_else(new, |other| {
        let title = app.session.profile.sop(other).map_or(other, |sop| &sop.title);
        new().add(Meaning::Faint, safe!("uses the steps of {title}"))
    });
    vec![(0, words), (2, referred), (1, range)]
}

fn unchosen(app: &App) -> SafeText {
    let key = app.keymap.key_of(Action::PickSop, Context::Console);
    let how = key.map_or(SafeText::default(), |key| safe!(": {key} chooses"));
    safe!("no SOP is chosen{how}")
}

/// What was found for a step.
pub(crate) fn finding_of<'a>(app: &'a App, id: &str) -> Option<&'a StepFinding> {
    app.diagnosis.steps.iter().find(|finding| finding.id == id)
}

/// A status as a sign and a style: neither stands alone.
pub(crate) fn mark(theme: &Theme, status: StepStatus, ticked: bool) -> (&'static str, Meaning) {
    let glyphs = theme.glyphs;
    match status {
        StepStatus::Pass => (glyphs.pass, Meaning::Good),
        StepStatus::Fail => (glyphs.fail, Meaning::Bad),
        _ if ticked => (glyphs.ticked, Meaning::Good),
        StepStatus::Unknown => (glyphs.unknown, Meaning::Doubtful),
        StepStatus::Stale => (glyphs.stale, Meaning::Doubtful),
        StepStatus::Waiting => (glyphs.waiting, Meaning::Waiting),
        StepStatus::Manual => (glyphs.manual, Meaning::Manual),
    }
}

fn value_words(app: &App, theme: &Theme, finding: Option<&StepFinding>, tick: Option<&Tick>) -> SafeText {
    let Some(finding) = finding else {
        return "not judged yet".into();
    };
    let value = &finding.value;
    match (finding.status, tick) {
        (StepStatus::Manual, Some(tick)) if tick.note.is_empty() => "checked".into(),
        (StepStatus::Manual, Some(tick)) => tick.note.clone(),
        (StepStatus::Manual, None) => {
            let key = app.keymap.key_of(Action::Tick, Context::In(Pane::Sop));
            let look = key.map_or_else(|| "check".into(), |key| safe!("check, then press {key}"));
            if value.is_empty() {
                look
            } else {
                safe!("{value} {} {look}", theme.glyphs.dot)
            }
        }
        (StepStatus::Stale, _) => safe!("stale: {value}"),
        (StepStatus::Unknown, _) if value.is_empty() => "no data".into(),
        (StepStatus::Waiting, _) if value.is_empty() => "waiting".into(),
        _ => value.clone(),
    }
}

fn age_words(app: &App, finding: Option<&StepFinding>, tick: Option<&Tick>) -> SafeText {
    match (tick, finding.and_then(|finding| finding.age)) {
        (Some(tick), _) => age::since(tick.at, app.clock.now),
        (None, Some(age)) => age::age(age),
        (None, None) => SafeText::default(),
    }
}
