//! What to do and why, in as many lines as it needs; without a decision table, the first failing step.

use jiff::SignedDuration;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::escape::Escape;
use crate::app::{App, Execution, Phase};
use crate::keymap::action::{Action, Context};
use crate::panes::Pane;
use crate::panes::sop;
use crate::remediation::progress::{ExecutionProgress, PartState};
use crate::style::styled_text::{self, CellText, Drawn, StyledText};
use crate::style::theme::{Meaning, Theme};
use sopwatch_core::diagnose::leaders::Verdict;
use sopwatch_core::diagnose::{Recommendation, StepFinding};
use sopwatch_core::observe::source::SourceId;
use sopwatch_core::profile::rule::Advice;
use sopwatch_core::profile::sop::StepStatus;
use sopwatch_core::safe;
use sopwatch_core::text::{SafeText, counted, duration};

/// Draws the bar on an area that is as high as its lines with this `most`.
pub(crate) fn render(app: &App, theme: &Theme, area: Rect, most: usize, buffer: &mut Buffer) {
    let lines = lines(app, theme, usize::from(area.width), most);
    styled_text::draw_lines(lines, area, buffer);
}

/// The bar in lines of `width` cells, `most` of them at most and one at least.
pub(crate) fn lines<'t>(app: &App, theme: &'t Theme, width: usize, most: usize) -> Vec<StyledText<'t>> {
    message(app, theme).lines(theme, width, most)
}

/// What the bar says.
struct Message<'t> {
    /// What to do, or what is being done.
    headline: StyledText<'t>,
    /// Why. It is cut only where it does not fit into all the lines there are.
    reason: (Meaning, SafeText),
    /// What else was found, in a line of its own where there is one.
    also: Option<SafeText>,
    /// The same as a count, where there is no such line.
    others: Option<StyledText<'t>>,
    /// What else is to be known: what can't be checked, what is more urgent, what was left undone.
    counts: Vec<StyledText<'t>>,
    /// What to press.
    keys: StyledText<'t>,
}

impl<'t> Message<'t> {
    fn new(theme: &'t Theme, headline: StyledText<'t>) -> Self {
        Self {
            headline,
            reason: (Meaning::Text, SafeText::default()),
            also: None,
            others: None,
            counts: Vec::new(),
            keys: StyledText::new(theme),
        }
    }

    fn because(self, reason: impl Into<SafeText>) -> Self {
        Self {
            reason: (Meaning::Text, reason.into()),
            ..self
        }
    }

    fn lines(self, theme: &'t Theme, width: usize, most: usize) -> Vec<StyledText<'t>> {
        let new = || StyledText::new(theme);
        let room = width.saturating_sub(2);
        let mut lines = self.reason_lines(theme, room);
        if lines.len() > most {
            lines.truncate(most);
            if let Some(last) = lines.pop() {
                lines.push(last.goes_on(room));
            }
        }
        let also = self.also.filter(|_| lines.len() + 1 < most);
        let others = self.others.filter(|_| also.is_none());
        let counts = others
            .into_iter()
            .chain(self.counts)
            .fold(new(), |line, words| line.gap(3).join(words));
        let tails = [counts.clone().join(self.keys.clone()), self.keys, counts];
        let last = lines.last().map_or(0, StyledText::width);
        let on_last_line = tails.iter().find(|tail| last + tail.width() <= room);
        match on_last_line {
            // All of it fits on the last line, or there is no other line for it.
            Some(tail) if tail.width() == tails[0].width() || lines.len() >= most => {
                if let Some(line) = lines.pop() {
                    lines.push(line.join(tail.clone()));
                }
            }
            _ if lines.len() < most => {
                let fits = tails.iter().find(|tail| tail.width() <= room + 1);
                if let Some(tail) = fits.filter(|tail| tail.width() > 0) {
                    lines.push(tail.clone());
                }
            }
            _ => {}
        }
        if let Some(also) = also {
            let also = styled_text::wrap(&theme.clean(&also), room.saturating_sub(ALSO.len() + 2), 0);
            let left = most.saturating_sub(lines.len()).min(ALSO_LINES);
            let is_cut = also.len() > left;
            for (index, text) in also.into_iter().take(left).enumerate() {
                let head = if index == 0 { ALSO } else { "" };
                let line = new()
                    .gap(2)
                    .column(Meaning::Faint, head, ALSO.len())
                    .add(Meaning::Doubtful, text);
                lines.push(if is_cut && index + 1 == left {
                    line.goes_on(room)
                } else {
                    line
                });
            }
        }
        lines.into_iter().map(|line| new().gap(1).join(line)).collect()
    }

    /// Headline and reason, broken at blanks; what follows the first line is indented.
    fn reason_lines(&self, theme: &'t Theme, room: usize) -> Vec<StyledText<'t>> {
        const INDENT: usize = 2;
        let (meaning, reason) = &self.reason;
        let reason = theme.clean(reason);
        let headline = self.headline.clone();
        if reason.is_empty() {
            return vec![headline];
        }
        let beside = room.saturating_sub(headline.width() + 2);
        let first = if beside < SHORT_LINE.min(styled_text::width(&reason)) {
            CellText::default()
        } else {
            styled_text::wrap(&reason, beside, 0)
                .into_iter()
                .next()
                .unwrap_or_default()
        };
        let rest = reason.part(first.len()..reason.len()).trimmed_start();
        let mut lines = vec![if first.is_empty() {
            headline
        } else {
            headline.gap(2).add(*meaning, first)
        }];
        if !rest.is_empty() {
            let more = styled_text::wrap(&rest, room.saturating_sub(INDENT), 0).into_iter();
            lines.extend(more.map(|line| StyledText::new(theme).gap(INDENT).add(*meaning, line)));
        }
        lines
    }
}

/// Begins the line of what else was found.
const ALSO: &str = "also: ";

/// Lines that it may take.
const ALSO_LINES: usize = 2;

/// Fewer cells beside the headline are no place to begin a sentence.
const SHORT_LINE: usize = 16;

fn message<'t>(app: &App, theme: &'t Theme) -> Message<'t> {
    let execution = app.remediation.execution.as_ref();
    if let Some(execution) = execution.filter(|execution| is_shown(execution, app)) {
        under_way(app, theme, execution)
    } else if app.lacks_sop() {
        unchosen(app, theme)
    } else if app.diagnosis.decision.rules.is_empty() {
        without_table(app, theme)
    } else if app.holds_back() {
        held_back(app, theme)
    } else {
        decided(app, theme)
    }
}

/// How long the end of what was carried out stands in the bar.
const STAYS: SignedDuration = SignedDuration::from_secs(30);

/// Whether something is being carried out, or ended just now.
fn is_shown(execution: &Execution, app: &App) -> bool {
    execution.is_under_way() || app.clock.now.duration_since(execution.since) < STAYS
}

/// What is being carried out: how far it is, and how to stop it.
fn under_way<'t>(app: &App, theme: &'t Theme, execution: &Execution) -> Message<'t> {
    let (meaning, mark) = match execution.phase {
        Phase::Over(Some(true)) => (Meaning::Good, theme.glyphs.pass),
        Phase::Over(Some(false)) => (Meaning::Complaint, theme.glyphs.fail),
        Phase::Over(None) => (Meaning::Doubtful, theme.glyphs.unknown),
        _ => (Meaning::Waiting, theme.glyphs.chosen),
    };
    let (sent, all) = (execution.sent, execution.confirmed);
    let what = execution.plan.aim.short_words().to_uppercase();
    let mut headline = StyledText::new(theme).add(meaning, safe!("{mark} {what} {sent}/{all}"));
    let more = execution.is_under_way() && execution.due().is_some();
    if more && execution.stopping {
        headline = headline.add(Meaning::Complaint, "  STOPPING AFTER THIS POD");
    }
    let mut keys = StyledText::new(theme);
    // Where something else lies topmost, the key ends that first.
    if app.dialog().is_none() && app.escape() == Escape::Execution {
        keys = keys.join(key(app, theme, Action::Close, " stop"));
    }
    if Action::RestartRest.available(app) {
        keys = keys.join(key(app, theme, Action::RestartRest, the_rest(app)));
    }
    keys = keys.join(key(app, theme, Action::Incident, " incident"));
    let waits = pending_sources(app, execution.phase);
    let parts = app
        .execution_progress()
        .map_or_else(SafeText::default, |progress| parts(&progress, app, theme));
    let wait = if waits.is_empty() {
        execution.words.clone()
    } else {
        safe!("waiting for {waits}")
    };
    let pieces = [app.problem_fixed_words().unwrap_or_default(), parts, wait];
    let pieces: Vec<_> = pieces.into_iter().filter(|piece| !piece.is_empty()).collect();
    let reason = pieces.join(&*safe!(" {} ", theme.glyphs.dot));
    Message {
        keys,
        ..Message::new(theme, headline).because(reason)
    }
}

/// `ccxhk ✔ → m7m9s 21s → qd74q, 2 to do`: which pods are done, which one is being replaced and for how long, what comes next.
fn parts(progress: &ExecutionProgress, app: &App, theme: &Theme) -> SafeText {
    let glyphs = theme.glyphs;
    let mut parts: Vec<SafeText> = progress
        .done
        .iter()
        .map(|(name, state)| {
            let mark = match state {
                PartState::Replaced => glyphs.pass,
                PartState::Failed => glyphs.fail,
                PartState::Unknown => glyphs.unknown,
            };
            safe!("{name} {mark}")
        })
        .collect();
    let since = app
        .clock
        .now
        .duration_since(progress.since)
        .max(SignedDuration::ZERO);
    if let Some(current) = &progress.current {
        parts.push(safe!("{current} {}", duration::brief(since)));
    }
    if let Some(next) = &progress.next {
        parts.push(match progress.remaining {
            0 | 1 => next.into(),
            more => safe!("{next}, {more} to do"),
        });
    }
    parts.join(&*safe!(" {} ", glyphs.then)).into()
}

/// What it waits for; nothing where it is over.
fn pending_sources(app: &App, phase: Phase) -> SafeText {
    match phase {
        Phase::Sent => "the answer".into(),
        Phase::Replacing if app.state.is_fresh(&SourceId::Pods, app.clock.now) => {
            "the pods to be ready".into()
        }
        Phase::Replacing => "news of the pods".into(),
        Phase::Leading => {
            let leaders = app.diagnosis.leaders.iter();
            let missing = leaders.filter(|leader| leader.verdict != Verdict::One);
            let workers: Vec<&str> = missing.map(|leader| &*leader.worker).collect();
            safe!("the {} leader", workers.join(" and "))
        }
        Phase::Moving => "requests to move on".into(),
        Phase::Over(_) => SafeText::default(),
    }
}

/// Before an SOP is chosen: what another alert's SOP would say is no advice for this one.
fn unchosen<'t>(app: &App, theme: &'t Theme) -> Message<'t> {
    let headline = StyledText::new(theme).add(Meaning::Notice, "NO SOP CHOSEN");
    Message {
        keys: key(app, theme, Action::PickSop, " choose"),
        ..Message::new(theme, headline).because("the advice depends on which alert fired")
    }
}

/// The recommendation: what, why, what else was found or can't be checked, and the keys to all of it.
fn decided<'t>(app: &App, theme: &'t Theme) -> Message<'t> {
    let decision = &app.diagnosis.decision;
    let words = |text: SafeText| StyledText::new(theme).add(Meaning::Doubtful, text);
    let others = match decision.also.len() {
        0 => None,
        others => {
            let others = counted(others, "other finding", "other findings");
            Some(words(safe!("+{others}")))
        }
    };
    let mut counts = Vec::new();
    match decision.not_ruled_out.len() {
        0 => {}
        rules => counts.push(words(counted(
            rules,
            "rule still unchecked",
            "rules still unchecked",
        ))),
    }
    if let Some((sop, found)) = app.more_urgent_sop() {
        let what = found.in_words(&app.session.profile);
        counts.insert(0, words(safe!("more urgent: {what} ({})", sop.id)));
    }
    let mut keys = StyledText::new(theme);
    if decision.recommendation.action.is_change() && Action::Apply.available(app) {
        keys = keys.join(key(app, theme, Action::Apply, " apply"));
    }
    if Action::RestartRest.available(app) {
        counts.push(words(app.interrupted_words().unwrap_or_default()));
        keys = keys.join(key(app, theme, Action::RestartRest, the_rest(app)));
    }
    keys = keys.join(key(app, theme, Action::Why, " why"));
    if decision.recommendation.action == Advice::Escalate {
        keys = keys.join(key(app, theme, Action::HandOff, " hand-off"));
    }
    // What a source says that can't be read, and what helps.
    if lacks_access(app, &decision.recommendation) {
        keys = keys.join(key(app, theme, Action::Sources, " sources"));
    }
    // The first says what decides; the others are in the steps and on the page of the rules.
    let because = &decision.recommendation.because;
    let reason = because.first().cloned().unwrap_or_default();
    Message {
        also: also(app),
        others,
        counts,
        keys,
        ..Message::new(theme, headline(app, theme, &decision.recommendation)).because(reason)
    }
}

/// Whether a source has to be made to answer first.
fn lacks_access(app: &App, recommendation: &Recommendation) -> bool {
    recommendation.action == Advice::Gather && !recommendation.unclear && !app.is_looking()
}

/// The first other finding, and how many there are beside it.
fn also(app: &App) -> Option<SafeText> {
    let decision = &app.diagnosis.decision;
    let (first, others) = decision.also.split_first()?;
    let what = first.in_words(&app.session.profile);
    let why = first.because.first().map_or("", SafeText::as_str);
    let more = match others.len() {
        0 => SafeText::default(),
        others => safe!(" (+{others} more)"),
    };
    Some(safe!("{what}{more}: {why}"))
}

/// ` restart the other 2`.
fn the_rest(app: &App) -> SafeText {
    safe!(" restart the other {}", app.left_to_restart())
}

/// Three blanks, the key and what it does; nothing where no key does it.
fn key<'t>(app: &App, theme: &'t Theme, action: Action, what: impl Drawn) -> StyledText<'t> {
    let words = StyledText::new(theme);
    match app.keymap.key_of(action, Context::Console) {
        Some(key) => words.gap(3).add(Meaning::Key, key).add(Meaning::Faint, what),
        None => words,
    }
}

/// In a drill that teaches: the advice is not shown before the answer, which would else teach nothing.
fn held_back<'t>(app: &App, theme: &'t Theme) -> Message<'t> {
    let headline = StyledText::new(theme).add(Meaning::Notice, "YOUR CALL FIRST");
    let mut keys = StyledText::new(theme);
    for (action, what) in [(Action::GiveAnswer, " answer"), (Action::Reveal, " show advice")] {
        if let Some(key) = app.keymap.key_of(action, Context::Drill) {
            keys = keys.gap(3).add(Meaning::Key, key).add(Meaning::Faint, what);
        }
    }
    Message {
        keys,
        ..Message::new(theme, headline).because("the advice is shown after your answer")
    }
}

fn headline<'t>(app: &App, theme: &'t Theme, recommendation: &Recommendation) -> StyledText<'t> {
    let mark = |status| sop::mark(theme, status, false).0;
    let what = recommendation.in_words(&app.session.profile);
    let (meaning, text) = match recommendation.action {
        Advice::None => (
            Meaning::Good,
            safe!("{} NO ACTION NEEDED", mark(StepStatus::Pass)),
        ),
        Advice::Wait => {
            let until = recommendation.until;
            let left = until.map(|until| until.duration_since(app.clock.now).max(SignedDuration::ZERO));
            let left = left.map_or(SafeText::default(), |left| safe!(" {}", duration::brief(left)));
            (
                Meaning::Waiting,
                safe!("{} WAIT{left}", mark(StepStatus::Waiting)),
            )
        }
        Advice::Gather if app.is_looking() => {
            (Meaning::Faint, safe!("{} CHECKING", mark(StepStatus::Waiting)))
        }
        Advice::Gather => {
            let words = if recommendation.unclear {
                what.to_uppercase()
            } else {
                "NO ACCESS".to_owned()
            };
            (Meaning::Doubtful, safe!("{} {words}", mark(StepStatus::Unknown)))
        }
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

/// For a profile without a decision table: the first failing step, or what can't be told.
fn without_table<'t>(app: &App, theme: &'t Theme) -> Message<'t> {
    let findings = findings(app);
    let having = |wanted: &[StepStatus]| -> Vec<&Numbered<'_>> {
        findings
            .iter()
            .filter(|numbered| wanted.contains(&numbered.finding.status))
            .collect()
    };
    if findings.is_empty() {
        let headline = StyledText::new(theme).add(Meaning::Doubtful, "? nothing is judged yet");
        return Message::new(theme, headline);
    }
    let failing = having(&[StepStatus::Fail]);
    let waiting = having(&[StepStatus::Waiting]);
    let open = having(&[StepStatus::Unknown, StepStatus::Stale]);
    match (failing.first(), waiting.first()) {
        (Some(first), _) => failing_words(app, theme, first, failing.len() - 1),
        (None, Some(first)) => waiting_words(theme, first),
        (None, None) if !open.is_empty() => open_words(theme, &open),
        (None, None) => clear_words(app, theme, &having(&[StepStatus::Manual])),
    }
}

fn failing_words<'t>(app: &App, theme: &'t Theme, first: &Numbered<'_>, more: usize) -> Message<'t> {
    let (glyph, _) = sop::mark(theme, StepStatus::Fail, false);
    let headline = StyledText::new(theme).add(Meaning::Alarm, safe!(" {glyph} FAILS "));
    let mut reason = safe!("{}: {}", first.name(), first.finding.value);
    if let Some(why) = first.finding.evidence.first() {
        reason = safe!("{reason} ({why})");
    }
    let mut counts = Vec::new();
    if more > 0 {
        counts.push(StyledText::new(theme).add(Meaning::Doubtful, safe!("and {more} more")));
    }
    let mut keys = StyledText::new(theme);
    if let Some(key) = app.keymap.key_of(Action::Open, Context::In(Pane::Sop)) {
        keys = keys
            .gap(3)
            .add(Meaning::Key, key)
            .add(Meaning::Faint, " on the step: how to handle it");
    }
    Message {
        reason: (Meaning::Bad, reason),
        counts,
        keys,
        ..Message::new(theme, headline)
    }
}

fn waiting_words<'t>(theme: &'t Theme, first: &Numbered<'_>) -> Message<'t> {
    let (glyph, meaning) = sop::mark(theme, StepStatus::Waiting, false);
    let headline = StyledText::new(theme).add(meaning, safe!("{glyph} WAIT"));
    Message::new(theme, headline).because(safe!("{}: {}", first.name(), first.finding.value))
}

fn open_words<'t>(theme: &'t Theme, open: &[&Numbered<'_>]) -> Message<'t> {
    let stale = open
        .iter()
        .any(|numbered| numbered.finding.status == StepStatus::Stale);
    let names = open
        .iter()
        .map(|numbered| numbered.name())
        .collect::<Vec<_>>()
        .join(", ");
    let steps = counted(open.len(), "step has", "steps have");
    let why = if stale { " (stale)" } else { "" };
    let text = safe!("? {steps} no data{why}");
    let headline = StyledText::new(theme).add(Meaning::Doubtful, text);
    Message::new(theme, headline).because(names)
}

fn clear_words<'t>(app: &App, theme: &'t Theme, manual: &[&Numbered<'_>]) -> Message<'t> {
    let (glyph, meaning) = sop::mark(theme, StepStatus::Pass, false);
    let open = manual
        .iter()
        .filter(|numbered| !app.checklist.ticks.contains_key(numbered.id))
        .count();
    let rest = match open {
        0 => "every step is answered".into(),
        open => counted(open, "manual step to do", "manual steps to do"),
    };
    let headline = StyledText::new(theme).add(meaning, safe!("{glyph} no failing step"));
    Message::new(theme, headline).because(rest)
}
