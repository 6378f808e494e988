//! The rows of the SOP pane, for the room there is: where it is short, the steps that pass are a count.

use crate::app::App;
use crate::panes::Pane;
use crate::panes::errors_over_time;
use crate::panes::sop::{age_words, finding_of, mark, value_words};
use crate::style::styled_text::{self, StyledText};
use crate::style::theme::{Meaning, Theme};
use sopwatch_core::diagnose::steps::Check;
use sopwatch_core::profile::sop::StepStatus;
use sopwatch_core::safe;
use sopwatch_core::text::{SafeText, counted};

/// A row of the pane.
pub(super) struct Row<'t> {
    /// The step whose line it is, by its place in the SOP; `None` for evidence and for the count.
    pub(super) step: Option<usize>,
    /// What it says.
    pub(super) line: StyledText<'t>,
}

/// The most rows of evidence under one step.
const EVIDENCE: usize = 4;

/// Rows of evidence for which the steps that pass become a count.
const LEAST_EVIDENCE: usize = 2;

/// Cells before the evidence.
const INDENT: usize = 5;

/// Rows that all steps want in so many columns, with their evidence.
pub(crate) fn wanted(app: &App, theme: &Theme, width: usize) -> usize {
    let steps = steps(app, theme);
    let widths = Widths::of(&steps, width);
    let evidence: usize = steps
        .iter()
        .map(|step| evidence(app, theme, step, width, &widths).len())
        .sum();
    (steps.len() + evidence).max(2)
}

/// Rows that the pane wants in so many columns where the steps that pass are a count.
pub(crate) fn wanted_folded(app: &App, theme: &Theme, width: usize) -> usize {
    let steps = steps(app, theme);
    let widths = Widths::of(&steps, width);
    let shown: Vec<_> = steps.iter().filter(|step| step.urgency < PASSED).collect();
    let evidence: usize = shown
        .iter()
        .map(|step| evidence(app, theme, step, width, &widths).len())
        .sum();
    (shown.len() + usize::from(shown.len() < steps.len()) + evidence).max(1)
}

/// The rows for so many columns and rows. With the focus all steps are there, in the SOP's order, and the caller scrolls.
pub(super) fn rows<'t>(app: &App, theme: &'t Theme, width: usize, height: usize) -> Vec<Row<'t>> {
    let steps = steps(app, theme);
    let widths = Widths::of(&steps, width);
    let focused = app.panes.focus == Pane::Sop;
    let of_step = |step: &Step| {
        evidence(app, theme, step, width, &widths)
            .len()
            .min(LEAST_EVIDENCE)
    };
    let failing = steps.iter().filter(|step| step.urgency == 0);
    // What shows that a step fails is worth more than the steps that pass.
    let folded = steps.len() + failing.map(of_step).sum::<usize>() > height && !focused;
    let mut shown: Vec<&Step> = steps
        .iter()
        .filter(|step| !folded || step.urgency < PASSED)
        .collect();
    if folded {
        shown.sort_by_key(|step| (step.urgency, step.place));
    }
    let passed = steps.len() - shown.len();
    let counted = usize::from(folded && passed > 0);
    let most = height.saturating_sub(counted);
    let left_out = if folded {
        shown.len().saturating_sub(most)
    } else {
        0
    };
    shown.truncate(shown.len() - left_out);
    let mut spare = height.saturating_sub(shown.len() + counted);
    let mut waiting = shown.iter().filter(|step| step.urgency == 0).count();
    let mut rows = Vec::new();
    for step in shown {
        rows.push(Row {
            step: Some(step.place),
            line: step_line(app, theme, step, &widths),
        });
        let lines = evidence(app, theme, step, width, &widths);
        // Each failing step after this one may show a row of its own.
        waiting = waiting.saturating_sub(usize::from(step.urgency == 0));
        let shown = lines.len().min(spare.saturating_sub(waiting));
        spare -= shown;
        let is_cut = shown < lines.len();
        let lines = lines.into_iter().take(shown).enumerate();
        rows.extend(lines.map(|(index, line)| Row {
            step: None,
            line: if is_cut && index + 1 == shown {
                line.goes_on(width)
            } else {
                line
            },
        }));
    }
    if counted > 0 {
        rows.push(Row {
            step: None,
            line: passed_line(&steps, left_out, theme).cut(width),
        });
    }
    rows
}

/// `✔ 6 steps ok: Pods running, API ready`, and how many others have no row.
fn passed_line<'t>(steps: &[Step], left_out: usize, theme: &'t Theme) -> StyledText<'t> {
    let passed: Vec<_> = steps.iter().filter(|step| step.urgency == PASSED).collect();
    let titles: Vec<_> = passed.iter().map(|step| step.title.as_str()).collect();
    let mut line = StyledText::new(theme).gap(1);
    if left_out > 0 {
        line = line.add(Meaning::Doubtful, safe!("+{left_out} more")).gap(2);
    }
    line.add(Meaning::Good, theme.glyphs.pass)
        .gap(1)
        .add(Meaning::Text, counted(passed.len(), "step ok", "steps ok"))
        .add(Meaning::Faint, safe!(": {}", titles.join(", ")))
}

/// What the row of a step is made of.
struct Step {
    /// Its place in the SOP.
    place: usize,
    title: String,
    status: StepStatus,
    ticked: bool,
    /// What comes first where not all fit: 0 for a failing step.
    urgency: u8,
    value: SafeText,
    age: SafeText,
    /// What shows that it fails.
    evidence: Vec<SafeText>,
    /// Whether it is about the errors in the logs, and fails.
    counts_errors: bool,
}

/// Steps of this urgency wait for the operator.
const MANUAL: u8 = 3;

/// Steps of this urgency pass, or were ticked.
const PASSED: u8 = 4;

fn steps(app: &App, theme: &Theme) -> Vec<Step> {
    let steps = app.steps().into_iter().enumerate();
    steps
        .map(|(place, (id, step))| {
            let finding = finding_of(app, id);
            let tick = app.checklist.ticks.get(id);
            let status = finding.map_or(StepStatus::Unknown, |finding| finding.status);
            let urgency = match status {
                StepStatus::Fail => 0,
                StepStatus::Pass => PASSED,
                _ if tick.is_some() => PASSED,
                StepStatus::Waiting => 1,
                StepStatus::Unknown | StepStatus::Stale => 2,
                StepStatus::Manual => MANUAL,
            };
            let failing = finding.filter(|_| status == StepStatus::Fail);
            Step {
                place,
                title: step.title.clone(),
                status,
                ticked: tick.is_some(),
                urgency,
                value: value_words(app, theme, finding, tick),
                age: age_words(app, finding, tick),
                evidence: failing.map_or_else(Vec::new, |finding| finding.evidence.clone()),
                counts_errors: failing.is_some() && matches!(step.check, Check::LogErrors(_)),
            }
        })
        .collect()
}

/// Widths of the columns.
struct Widths {
    number: usize,
    title: usize,
    value: usize,
    age: usize,
}

impl Widths {
    fn of(steps: &[Step], room: usize) -> Self {
        let widest = steps.iter().map(|step| styled_text::width(&step.title)).max();
        let number = steps.len().to_string().len();
        let fixed = 3 + number + 1;
        let age = if room >= 50 { 6 } else { 0 };
        // Where it is narrow the value counts more: the number says which step it is.
        let share = if room < 48 { 45 } else { 52 };
        let title = widest
            .unwrap_or(0)
            .min(room.saturating_sub(fixed + age) * share / 100);
        Self {
            number,
            title,
            value: room.saturating_sub(fixed + title + 2 + age),
            age,
        }
    }
}

fn step_line<'t>(app: &App, theme: &'t Theme, step: &Step, widths: &Widths) -> StyledText<'t> {
    let chosen = app.panes.focus == Pane::Sop && app.panes.step == step.place;
    let (glyph, meaning) = mark(theme, step.status, step.ticked);
    let title = if step.status == StepStatus::Fail {
        Meaning::Heading
    } else {
        Meaning::Text
    };
    let line = StyledText::new(theme)
        .column(Meaning::Focus, if chosen { theme.glyphs.chosen } else { "" }, 1)
        .column(meaning, glyph, 2)
        .right(Meaning::Faint, step.place + 1, widths.number)
        .gap(1)
        .column(title, theme.clean(&step.title), widths.title)
        .gap(2)
        .column(meaning, &step.value, widths.value);
    let line = if widths.age > 0 {
        line.right(Meaning::Faint, &step.age, widths.age - 1)
    } else {
        line
    };
    if step.status == StepStatus::Stale {
        line.over(Meaning::Stale)
    } else {
        line
    }
}

/// What goes under a step: a value that its column would cut, and what shows that the step fails.
fn evidence<'t>(
    app: &App,
    theme: &'t Theme,
    step: &Step,
    width: usize,
    widths: &Widths,
) -> Vec<StyledText<'t>> {
    let room = width.saturating_sub(INDENT + 1).max(1);
    let is_cut = step.urgency < MANUAL && styled_text::width(&step.value) > widths.value;
    let value = is_cut.then_some((Meaning::Text, &step.value)).into_iter();
    let texts = value.chain(step.evidence.iter().map(|text| (Meaning::Faint, text)));
    let lines = texts.flat_map(|(meaning, text)| {
        let lines = styled_text::wrap(&theme.clean(text), room, 2);
        lines
            .into_iter()
            .map(move |line| StyledText::new(theme).gap(INDENT).add(meaning, line))
    });
    let mut shown = if step.counts_errors {
        errors_over_time::lines(app, theme, INDENT)
    } else {
        Vec::new()
    };
    let mut lines: Vec<_> = lines.collect();
    let is_cut = lines.len() > EVIDENCE;
    lines.truncate(EVIDENCE);
    if let Some(last) = lines.pop_if(|_| is_cut) {
        lines.push(last.goes_on(width));
    }
    shown.extend(lines);
    shown
}
