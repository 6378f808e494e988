//! The chosen SOP: one line a step.

pub mod checklist;
#[cfg(test)]
pub(crate) mod overdue_tests;

use ratatui::buffer::Buffer;

use crate::app::App;
use crate::keymap::action::{Action, Context};
use crate::panes::Pane;
use crate::panes::sop::checklist::Tick;
use crate::screen::borders;
use crate::screen::layout::Region;
use crate::style::age;
use crate::style::styled_text;
use crate::style::styled_text::StyledText;
use crate::style::theme::{Meaning, Theme};
use sopwatch_core::diagnose::StepFinding;
use sopwatch_core::profile::sop::{Sop, StepStatus};
use sopwatch_core::safe;
use sopwatch_core::text::SafeText;

pub(crate) fn render(app: &App, theme: &Theme, region: &Region, buffer: &mut Buffer) {
    let focused = app.panes.focus == Pane::Sop;
    let steps = app.steps();
    let mut area = region.inner();
    let referred = app.sop().and_then(|sop| sop.steps_from.as_deref());
    if let Some(other) = referred.filter(|_| area.height > 2) {
        let title = app.session.profile.sop(other).map_or(other, |sop| &sop.title);
        StyledText::new(theme)
            .gap(1)
            .add(Meaning::Faint, safe!("steps of: {title}"))
            .draw(area, buffer);
        area.y += 1;
        area.height -= 1;
    }
    let height = usize::from(area.height);
    let first = borders::first_row(app.panes.step, steps.len(), height);
    borders::title(
        region,
        focused,
        title(app, theme, borders::range(theme, first, height, steps.len())),
        theme,
        buffer,
    );
    if steps.is_empty() {
        let why = match app.sop() {
            Some(_) => "this SOP has no steps in the profile".into(),
            None => unchosen(app),
        };
        StyledText::new(theme)
            .gap(1)
            .add(Meaning::Doubtful, why)
            .draw(area, buffer);
    }
    let lines = step_lines(app, theme, usize::from(area.width));
    for ((index, line), row) in lines.into_iter().enumerate().skip(first).zip(area.rows()) {
        line.draw(row, buffer);
        if focused && index == app.panes.step {
            borders::select(row, theme, buffer);
        }
    }
}

fn title<'t>(app: &App, theme: &'t Theme, range: StyledText<'t>) -> Vec<(u8, StyledText<'t>)> {
    let new = || StyledText::new(theme);
    let title = app.sop().map_or("none chosen", |sop: &Sop| &sop.title);
    let steps = app.steps();
    let answered = steps.iter().filter(|(id, _)| is_answered(app, id)).count();
    vec![
        (2, new().add(Meaning::Text, theme.clean(title))),
        (
            0,
            new().add(Meaning::Heading, safe!("{answered}/{}", steps.len())),
        ),
        (1, range),
    ]
}

fn unchosen(app: &App) -> SafeText {
    let key = app.keymap.key_of(Action::PickSop, Context::Console);
    let how = key.map_or(SafeText::default(), |key| safe!(": {key} chooses"));
    safe!("no SOP is chosen{how}")
}

fn is_answered(app: &App, id: &str) -> bool {
    let known = |finding: &StepFinding| matches!(finding.status, StepStatus::Pass | StepStatus::Fail);
    app.checklist.ticks.contains_key(id) || finding_of(app, id).is_some_and(known)
}

/// What was found for a step.
pub(crate) fn finding_of<'a>(app: &'a App, id: &str) -> Option<&'a StepFinding> {
    app.diagnosis.steps.iter().find(|finding| finding.id == id)
}

fn step_lines<'t>(app: &App, theme: &'t Theme, room: usize) -> Vec<StyledText<'t>> {
    let steps = app.steps();
    let longest = steps
        .iter()
        .map(|(_, step)| styled_text::width(&step.title))
        .max()
        .unwrap_or(0);
    let number = steps.len().to_string().len();
    let fixed = 3 + number + 1;
    let age_width = if room >= 40 { 6 } else { 0 };
    // Where it is narrow the value counts more: the number says which step it is.
    let share = if room < 48 { 45 } else { 55 };
    let title = longest.min(room.saturating_sub(fixed + age_width) * share / 100);
    let value = room.saturating_sub(fixed + title + 2 + age_width);
    let widths = Widths {
        number,
        title,
        value,
        age: age_width,
    };
    steps
        .iter()
        .enumerate()
        .map(|(index, (id, step))| step_line(app, theme, index, id, &step.title, &widths))
        .collect()
}

struct Widths {
    number: usize,
    title: usize,
    value: usize,
    age: usize,
}

fn step_line<'t>(
    app: &App,
    theme: &'t Theme,
    index: usize,
    id: &str,
    title: &str,
    widths: &Widths,
) -> StyledText<'t> {
    let chosen = app.panes.focus == Pane::Sop && app.panes.step == index;
    let finding = finding_of(app, id);
    let tick = app.checklist.ticks.get(id);
    let status = finding.map_or(StepStatus::Unknown, |finding| finding.status);
    let (glyph, meaning) = mark(theme, status, tick.is_some());
    let line = StyledText::new(theme)
        .column(Meaning::Focus, if chosen { theme.glyphs.chosen } else { "" }, 1)
        .column(meaning, glyph, 2)
        .right(Meaning::Faint, index + 1, widths.number)
        .gap(1)
        .column(title_meaning(status), theme.clean(title), widths.title)
        .gap(2)
        .column(meaning, value_words(app, theme, finding, tick), widths.value);
    let line = if widths.age > 0 {
        line.right(Meaning::Faint, age_words(app, finding, tick), widths.age - 1)
    } else {
        line
    };
    if status == StepStatus::Stale {
        line.over(Meaning::Stale)
    } else {
        line
    }
}

fn title_meaning(status: StepStatus) -> Meaning {
    if status == StepStatus::Fail {
        Meaning::Heading
    } else {
        Meaning::Text
    }
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
        (StepStatus::Manual, Some(tick)) if tick.note.is_empty() => "looked at".into(),
        (StepStatus::Manual, Some(tick)) => tick.note.clone(),
        (StepStatus::Manual, None) => {
            let key = app.keymap.key_of(Action::Tick, Context::In(Pane::Sop));
            let look = key.map_or_else(|| "look".into(), |key| safe!("look, then {key}"));
            if value.is_empty() {
                look
            } else {
                safe!("{value} {} {look}", theme.glyphs.dot)
            }
        }
        (StepStatus::Stale, _) => safe!("stale: {value}"),
        (StepStatus::Unknown, _) if value.is_empty() => "unknown".into(),
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
