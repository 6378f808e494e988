//! The bar that always says one thing: what to do and why; without a decision table, the first failing step.

use jiff::SignedDuration;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::escape::Escape;
use crate::app::{App, Execution, Phase};
use crate::keymap::action::{Action, Context};
use crate::panes::Pane;
use crate::panes::sop;
use crate::style::styled_text::{self, CellText, Drawn, StyledText};
use crate::style::theme::{Meaning, Theme};
use sopwatch_core::diagnose::leaders::Verdict;
use sopwatch_core::diagnose::{Recommendation, StepFinding};
use sopwatch_core::observe::source::SourceId;
use sopwatch_core::profile::rule::Advice;
use sopwatch_core::profile::sop::StepStatus;
use sopwatch_core::safe;
use sopwatch_core::text::{SafeText, duration};

pub(crate) fn render(app: &App, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let room = usize::from(area.width).saturating_sub(1);
    let words = if let Some(execution) = app
        .remediation
        .execution
        .as_ref()
        .filter(|execution| is_shown(execution, app))
    {
        under_way(app, theme, execution, room)
    } else if app.lacks_sop() {
        unchosen(app, theme, room)
    } else if app.diagnosis.decision.rules.is_empty() {
        words(app, theme, room)
    } else if app.holds_back() {
        held_back(app, theme, room)
    } else {
        decided(app, theme, room)
    };
    StyledText::new(theme).gap(1).join(words).draw(area, buffer);
}

/// How long the end of what was carried out stands in the bar.
const STAYS: SignedDuration = SignedDuration::from_secs(30);

/// Whether something is being carried out, or ended just now.
fn is_shown(execution: &Execution, app: &App) -> bool {
    execution.is_under_way() || app.clock.now.duration_since(execution.since) < STAYS
}

/// What is being carried out: how far it is, and how to stop it.
fn under_way<'t>(app: &App, theme: &'t Theme, execution: &Execution, room: usize) -> StyledText<'t> {
    let (meaning, mark) = match execution.phase {
        Phase::Over(Some(true)) => (Meaning::Good, theme.glyphs.pass),
        Phase::Over(Some(false)) => (Meaning::Complaint, theme.glyphs.fail),
        Phase::Over(None) => (Meaning::Doubtful, theme.glyphs.unknown),
        _ => (Meaning::Waiting, theme.glyphs.chosen),
    };
    let (sent, all) = (execution.sent, execution.confirmed);
    let what = execution.plan.aim.short_words().to_uppercase();
    let words = StyledText::new(theme).add(meaning, safe!("{mark} {what} {sent}/{all}"));
    let mut tail = key(app, theme, Action::Incident, " incident");
    let more = execution.is_under_way() && execution.due().is_some();
    let words = if more && execution.stopping {
        words.add(Meaning::Complaint, " STOPS HERE")
    } else {
        words
    };
    if Action::RestartRest.available(app) {
        tail = key(app, theme, Action::RestartRest, the_rest(app)).join(tail);
    }
    // Where something else lies topmost, the key ends that first.
    if app.dialog().is_none() && app.escape() == Escape::Execution {
        tail = key(app, theme, Action::Close, " stop").join(tail);
    }
    let waits = pending_sources(app, execution.phase);
    let since = duration::clock(
        app.clock
            .now
            .duration_since(execution.since)
            .max(SignedDuration::ZERO),
    );
    let told = if waits.is_empty() {
        execution.words.clone()
    } else {
        let gone = if execution.is_needless(&app.diagnosis) {
            "its cause is gone; "
        } else {
            ""
        };
        safe!("{gone}waits {since} for {waits}; {}", execution.words)
    };
    let left = room.saturating_sub(words.width() + tail.width());
    words.add(Meaning::Text, fitted(told, left, theme)).join(tail)
}

/// What it waits for; nothing where it is over.
fn pending_sources(app: &App, phase: Phase) -> SafeText {
    match phase {
        Phase::Sent => "the answer".into(),
        Phase::Replacing if app.state.is_fresh(&SourceId::Pods, app.clock.now) => "pods to be ready".into(),
        Phase::Replacing => "the pods to be heard again".into(),
        Phase::Leading => {
            let leaders = app.diagnosis.leaders.iter();
            let missing = leaders.filter(|leader| leader.verdict != Verdict::One);
            let workers: Vec<&str> = missing.map(|leader| &*leader.worker).collect();
            safe!("the {} leader", workers.join(" and "))
        }
        Phase::Moving => "rows to move".into(),
        Phase::Over(_) => SafeText::default(),
    }
}

/// Before an SOP is chosen: what another alert's SOP would say is no advice for this one.
fn unchosen<'t>(app: &App, theme: &'t Theme, room: usize) -> StyledText<'t> {
    let words = StyledText::new(theme).add(Meaning::Notice, "NO SOP CHOSEN");
    let tail = key(app, theme, Action::PickSop, " choose");
    let left = room.saturating_sub(words.width() + tail.width());
    let why = "the advice depends on which alert fired";
    words.add(Meaning::Text, fitted(why, left, theme)).join(tail)
}

/// The recommendation: what, why, how much else holds or is not ruled out, and the key to all of it.
fn decided<'t>(app: &App, theme: &'t Theme, room: usize) -> StyledText<'t> {
    let decision = &app.diagnosis.decision;
    let words = headline(app, theme, &decision.recommendation);
    let mut tail = StyledText::new(theme);
    for (count, what) in [
        (decision.also.len(), "also"),
        (decision.not_ruled_out.len(), "not ruled out"),
    ] {
        if count > 0 {
            tail = tail.gap(2).add(Meaning::Doubtful, safe!("{count} {what}"));
        }
    }
    let why = key(app, theme, Action::Why, " why");
    if decision.recommendation.action.is_change() && Action::Apply.available(app) {
        tail = tail.join(key(app, theme, Action::Apply, " apply"));
    }
    if decision.recommendation.action == Advice::Escalate {
        let hand_off = key(app, theme, Action::HandOff, " hand-off");
        if words.width() + tail.width() + hand_off.width() + why.width() <= room {
            tail = tail.join(hand_off);
        }
    }
    let because = SafeText::from(decision.recommendation.because.join("; "));
    if Action::RestartRest.available(app) {
        let taken = words.width() + tail.width() + why.width();
        let wanted = taken + 2 + because.chars().count();
        tail = tail.join(interrupted(
            app,
            theme,
            (room.saturating_sub(taken), room.saturating_sub(wanted)),
        ));
    }
    let tail = tail.join(why);
    // What is cut off is the evidence, never the way to it.
    let left = room.saturating_sub(words.width() + tail.width());
    words.add(Meaning::Text, fitted(because, left, theme)).join(tail)
}

/// What an interrupted restart left, and the key that proposes it: whole where the reason stays whole beside it, else the key alone, where
/// it fits. `left`: what is left of the row, and what is left of it beside the whole reason.
fn interrupted<'t>(app: &App, theme: &'t Theme, left: (usize, usize)) -> StyledText<'t> {
    let whole = StyledText::new(theme)
        .gap(2)
        .add(Meaning::Doubtful, app.interrupted_words().unwrap_or_default())
        .join(key(app, theme, Action::RestartRest, " restart them"));
    if whole.width() <= left.1 {
        return whole;
    }
    let short = key(app, theme, Action::RestartRest, the_rest(app));
    if short.width() <= left.0 {
        short
    } else {
        StyledText::new(theme)
    }
}

/// ` restart the other 2`.
fn the_rest(app: &App) -> SafeText {
    safe!(" restart the other {}", app.left_to_restart())
}

/// Three blanks, the key and what it does; nothing where no key does it.
fn key<'t>(app: &App, theme: &'t Theme, action: Action, what: impl Drawn) -> StyledText<'t> {
    let words = StyledText::new(theme);
    match app.keymap.key_of(action, Context::Console) {
        Some(key) => words
            .gap(3)
            .add(Meaning::Key, theme.clean(key))
            .add(Meaning::Faint, what),
        None => words,
    }
}

/// In a drill that teaches: who reads the answer first learns nothing.
fn held_back<'t>(app: &App, theme: &'t Theme, room: usize) -> StyledText<'t> {
    let words = StyledText::new(theme).add(Meaning::Notice, "JUDGE IT YOURSELF");
    let mut tail = StyledText::new(theme);
    for (action, what) in [(Action::GiveAnswer, " answer"), (Action::Reveal, " reveal")] {
        if let Some(key) = app.keymap.key_of(action, Context::Drill) {
            tail = tail
                .gap(3)
                .add(Meaning::Key, theme.clean(key))
                .add(Meaning::Faint, what);
        }
    }
    let left = room.saturating_sub(words.width() + tail.width());
    let why = "the advice follows your answer";
    words.add(Meaning::Text, fitted(why, left, theme)).join(tail)
}

/// Two blanks and as much of the evidence as fits.
fn fitted(because: impl Drawn, room: usize, theme: &Theme) -> CellText {
    let because = because.cells(theme);
    if because.is_empty() || room < 8 {
        return CellText::default();
    }
    let fitting = styled_text::cut(&because, room - 2, theme.glyphs.ellipsis);
    theme.clean(safe!("  {fitting}"))
}

fn headline<'t>(app: &App, theme: &'t Theme, recommendation: &Recommendation) -> StyledText<'t> {
    let mark = |status| sop::mark(theme, status, false).0;
    let what = app.advice_in_words(recommendation.action, recommendation.contact.as_deref());
    let (meaning, text) = match recommendation.action {
        Advice::None => (Meaning::Good, safe!("{} NOTHING TO DO", mark(StepStatus::Pass))),
        Advice::Wait => {
            let until = recommendation.until;
            let left = until.map(|until| until.duration_since(app.clock.now).max(SignedDuration::ZERO));
            let left = left.map_or(SafeText::default(), |left| safe!(" {}", duration::clock(left)));
            (
                Meaning::Waiting,
                safe!("{} WAIT{left}", mark(StepStatus::Waiting)),
            )
        }
        Advice::Gather if app.is_looking() => {
            (Meaning::Faint, safe!("{} LOOKING", mark(StepStatus::Waiting)))
        }
        Advice::Gather => (Meaning::Doubtful, safe!("{} GATHER", mark(StepStatus::Unknown))),
        Advice::StartPods | Advice::RestartPods | Advice::ScaleUp | Advice::Escalate => (
            Meaning::Alarm,
            safe!(" {} {} ", theme.glyphs.chosen, what.to_uppercase()),
        ),
    };
    StyledText::new(theme).add(meaning, text)
}

/// A step of the chosen SOP with its number.
struct Numbered<'a> {
    number: usize,
    id: &'a str,
    title: &'a str,
    finding: &'a StepFinding,
}

impl Numbered<'_> {
    fn name(&self) -> SafeText {
        safe!("{} {}", self.number, self.title)
    }
}

fn findings(app: &App) -> Vec<Numbered<'_>> {
    let steps = app.steps().into_iter().enumerate();
    steps
        .filter_map(|(index, (id, step))| {
            let finding = sop::finding_of(app, id)?;
            Some(Numbered {
                number: index + 1,
                id,
                title: &step.title,
                finding,
            })
        })
        .collect()
}

fn words<'t>(app: &App, theme: &'t Theme, room: usize) -> StyledText<'t> {
    let findings = findings(app);
    let having = |wanted: &[StepStatus]| -> Vec<&Numbered<'_>> {
        findings
            .iter()
            .filter(|numbered| wanted.contains(&numbered.finding.status))
            .collect()
    };
    if findings.is_empty() {
        return StyledText::new(theme).add(Meaning::Doubtful, "? nothing is judged yet");
    }
    let failing = having(&[StepStatus::Fail]);
    let waiting = having(&[StepStatus::Waiting]);
    let open = having(&[StepStatus::Unknown, StepStatus::Stale]);
    match (failing.first(), waiting.first()) {
        (Some(first), _) => failing_words(app, theme, first, failing.len() - 1, room),
        (None, Some(first)) => waiting_words(theme, first),
        (None, None) if !open.is_empty() => open_words(theme, &open),
        (None, None) => clear_words(app, theme, &having(&[StepStatus::Manual])),
    }
}

fn failing_words<'t>(
    app: &App,
    theme: &'t Theme,
    first: &Numbered<'_>,
    more: usize,
    room: usize,
) -> StyledText<'t> {
    let (glyph, _) = sop::mark(theme, StepStatus::Fail, false);
    let mut words = StyledText::new(theme)
        .add(Meaning::Alarm, safe!(" {glyph} FAILS "))
        .add(Meaning::Bad, safe!(" {}: {}", first.name(), first.finding.value));
    if more > 0 {
        words = words.add(Meaning::Doubtful, safe!("  and {more} more"));
    }
    if let Some(why) = first.finding.evidence.first() {
        words = words.add(Meaning::Text, safe!("  ({why})"));
    }
    let Some(key) = app.keymap.key_of(Action::Open, Context::In(Pane::Sop)) else {
        return words;
    };
    let hint = StyledText::new(theme)
        .gap(3)
        .add(Meaning::Key, theme.clean(key))
        .add(Meaning::Faint, " on the step: how to handle");
    if words.width() + hint.width() <= room {
        words.join(hint)
    } else {
        words
    }
}

fn waiting_words<'t>(theme: &'t Theme, first: &Numbered<'_>) -> StyledText<'t> {
    let (glyph, meaning) = sop::mark(theme, StepStatus::Waiting, false);
    StyledText::new(theme).add(meaning, safe!("{glyph} WAIT")).add(
        Meaning::Text,
        safe!("  {}: {}", first.name(), first.finding.value),
    )
}

fn open_words<'t>(theme: &'t Theme, open: &[&Numbered<'_>]) -> StyledText<'t> {
    let stale = open
        .iter()
        .any(|numbered| numbered.finding.status == StepStatus::Stale);
    let names = open
        .iter()
        .map(|numbered| numbered.name())
        .collect::<Vec<_>>()
        .join(", ");
    let noun = if open.len() == 1 { "step" } else { "steps" };
    let why = if stale { " (stale)" } else { "" };
    let text = safe!("? {} {noun} can't be answered{why}: {names}", open.len());
    StyledText::new(theme).add(Meaning::Doubtful, text)
}

fn clear_words<'t>(app: &App, theme: &'t Theme, manual: &[&Numbered<'_>]) -> StyledText<'t> {
    let (glyph, meaning) = sop::mark(theme, StepStatus::Pass, false);
    let open = manual
        .iter()
        .filter(|numbered| !app.checklist.ticks.contains_key(numbered.id))
        .count();
    let rest = match open {
        0 => "every step is answered".into(),
        1 => "1 manual step to look at".into(),
        open => safe!("{open} manual steps to look at"),
    };
    StyledText::new(theme)
        .add(meaning, safe!("{glyph} no failing step"))
        .add(Meaning::Text, safe!("; {rest}"))
}
