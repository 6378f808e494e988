//! What is wrong with a source, in a line on the pane that depends on it.

use jiff::{SignedDuration, Timestamp};

use crate::app::App;
use crate::style::styled_text::StyledText;
use crate::style::theme::{Meaning, Theme};
use sopwatch_core::observe::source::{Freshness, Problem, ProblemKind, Source, SourceId, SourceState};
use sopwatch_core::safe;
use sopwatch_core::text::{Redacted, SafeText, counted, duration};

/// Sources that fail in the same way.
#[derive(Clone, Debug)]
pub(crate) struct SourceError {
    names: Vec<SafeText>,
    kind: Option<ProblemKind>,
    problem: Option<Problem>,
    /// How old what they told is, where that is too old.
    stale: Option<SignedDuration>,
    retry_at: Option<Timestamp>,
    /// Why it is not used at all.
    off: Option<Redacted>,
    /// Why what it says is old, where it fails in nothing.
    behind: Option<SafeText>,
}

/// The faults of what the pods pane shows. Those of the vital signs are shown with them, and those of the ReplicaSets with the pods: what
/// need not be there takes no row for good. The steps show those of monitoring servers.
pub(crate) fn of_cluster(app: &App) -> Vec<SourceError> {
    faults(app, |id| {
        use SourceId::{
            AlertRules, Alerts, Autoscaler, Database, Log, Metrics, ReplicaSets, Scrape, Tracker, Usage,
        };
        let of_monitoring = matches!(id, Metrics | Alerts | AlertRules | Tracker);
        let elsewhere = matches!(
            id,
            Log(_) | Database | Usage | Scrape(_) | Autoscaler | ReplicaSets
        );
        !of_monitoring && !elsewhere
    })
}

/// The faults of the logs.
pub(crate) fn of_logs(app: &App) -> Vec<SourceError> {
    faults(app, |id| matches!(id, SourceId::Log(_)))
}

/// The faults of the database.
pub(crate) fn of_database(app: &App) -> Vec<SourceError> {
    faults(app, |id| matches!(id, SourceId::Database))
}

fn faults(app: &App, wanted: impl Fn(&SourceId) -> bool) -> Vec<SourceError> {
    let mut faults: Vec<SourceError> = Vec::new();
    for (id, source) in app.state.sources().filter(|(id, _)| wanted(id)) {
        let behind = app.state.standby_behind().filter(|_| *id == SourceId::Database);
        let behind = behind.map(|(_, standby)| standby.words());
        let Some(fault) = error_of(id, source, app.state.freshness(id, app.clock.now), behind) else {
            continue;
        };
        match faults.iter_mut().find(|other| other.is_like(&fault)) {
            Some(other) => other.absorb(fault),
            None => faults.push(fault),
        }
    }
    faults
}

fn error_of(
    id: &SourceId,
    source: &Source,
    freshness: Freshness,
    behind: Option<SafeText>,
) -> Option<SourceError> {
    let stale = match freshness {
        Freshness::Stale(age) => Some(age),
        Freshness::Missing | Freshness::Fresh(_) => None,
    };
    let off = match &source.state {
        SourceState::Off(reason) => Some(reason.clone()),
        _ => None,
    };
    let problem = source.problem().cloned();
    let rests = matches!(source.state, SourceState::Ended | SourceState::Resting);
    let fine = stale.is_none() || rests;
    if problem.is_none() && off.is_none() && behind.is_none() && fine {
        return None;
    }
    Some(SourceError {
        behind,
        names: vec![id.name()],
        kind: problem.as_ref().map(|problem| problem.kind),
        problem,
        stale,
        retry_at: source.retry_at,
        off,
    })
}

impl SourceError {
    fn is_like(&self, other: &Self) -> bool {
        self.kind == other.kind && self.off == other.off
    }

    fn absorb(&mut self, other: Self) {
        self.names.extend(other.names);
        self.stale = self.stale.max(other.stale);
        self.retry_at = match (self.retry_at, other.retry_at) {
            (Some(one), Some(another)) => Some(one.min(another)),
            (one, another) => one.or(another),
        };
    }

    fn name(&self) -> SafeText {
        match self.names.as_slice() {
            [] => SafeText::default(),
            [one] => one.clone(),
            [one, other] => safe!("{one} and {other}"),
            [one, rest @ ..] => safe!("{one} and {} more", rest.len()),
        }
    }

    /// When it is tried again.
    pub(crate) fn retry(&self, now: Timestamp) -> SafeText {
        match self.retry_at.map(|at| at.duration_since(now)) {
            Some(span) if span.as_secs() > 0 => safe!(", retry in {}s", span.as_secs()),
            Some(_) => ", retrying".into(),
            None => SafeText::default(),
        }
    }

    /// The whole in one line, the most important first.
    fn words<'t>(&self, theme: &'t Theme, now: Timestamp) -> StyledText<'t> {
        let words = self.summary(theme, now);
        match &self.problem {
            Some(problem) if problem.advice.is_none() => {
                words.add(Meaning::Text, ": ").join(self.details(theme))
            }
            Some(_) => words.gap(1).join(self.details(theme)),
            None => words,
        }
    }

    /// What fails, how, and when it is tried again.
    fn summary<'t>(&self, theme: &'t Theme, now: Timestamp) -> StyledText<'t> {
        let words = StyledText::new(theme);
        if let Some(reason) = &self.off {
            return words.add(Meaning::Faint, safe!("{} off: {reason}", self.name()));
        }
        let mut words = words.add(Meaning::Bad, safe!("{} {}", theme.glyphs.fail, self.name()));
        if let Some(age) = self.stale {
            words = words.add(Meaning::Doubtful, safe!(" stale {}", duration::brief(age)));
        }
        if let Some(problem) = &self.problem {
            let retry = self.retry(now);
            return words.add(Meaning::Bad, safe!(" {}{retry}", problem.kind.in_words()));
        }
        let why = self.behind.as_deref().unwrap_or("no answer");
        words.add(Meaning::Text, safe!(", {why}"))
    }

    /// What to do, and why it fails.
    fn details<'t>(&self, theme: &'t Theme) -> StyledText<'t> {
        let words = StyledText::new(theme);
        let Some(problem) = &self.problem else {
            return words;
        };
        let words = match &problem.advice {
            Some(advice) => words.add(Meaning::Key, safe!("→ {advice}: ")),
            None => words,
        };
        words.add(Meaning::Text, &problem.what)
    }

    /// All of it in a paragraph, for a pane that has nothing else to show.
    pub(crate) fn paragraph(&self, now: Timestamp) -> Option<SafeText> {
        let kind = ProblemKind::in_words(self.problem.as_ref()?.kind);
        let (name, retry) = (self.name(), self.retry(now));
        Some(safe!("{name} {kind}{retry}: {}", self.reason()?))
    }

    /// Why and what to do, for a pane that has nothing else to show.
    pub(crate) fn reason(&self) -> Option<SafeText> {
        let problem = self.problem.as_ref()?;
        let advice = problem.advice.as_ref().map(|advice| safe!(" → {advice}"));
        Some(safe!("{}{}", problem.what, advice.unwrap_or_default()))
    }
}

/// The lines of these faults, at most `most`: two for each where there is room, else one; the last says how many more there are.
pub(crate) fn lines<'t>(
    faults: &[SourceError],
    theme: &'t Theme,
    now: Timestamp,
    most: usize,
) -> Vec<StyledText<'t>> {
    if faults.len() * 2 <= most {
        return faults
            .iter()
            .flat_map(|fault| two_lines(fault, theme, now))
            .collect();
    }
    let shown = if faults.len() > most {
        most.saturating_sub(1)
    } else {
        faults.len()
    };
    let mut lines: Vec<_> = faults
        .iter()
        .take(shown)
        .map(|fault| fault.words(theme, now))
        .collect();
    if shown < faults.len() && most > 0 {
        let more = counted(faults.len() - shown, "more source fails", "more sources fail");
        let more = safe!("{} {more}", theme.glyphs.fail);
        lines.push(StyledText::new(theme).add(Meaning::Bad, more));
    }
    lines
}

fn two_lines<'t>(fault: &SourceError, theme: &'t Theme, now: Timestamp) -> Vec<StyledText<'t>> {
    let mut lines = vec![fault.summary(theme, now)];
    if fault.problem.is_some() {
        lines.push(StyledText::new(theme).gap(2).join(fault.details(theme)));
    }
    lines
}

/// How current a source is, for a title: nothing while fresh.
pub(crate) fn stale_words<'t>(app: &App, id: &SourceId, theme: &'t Theme) -> StyledText<'t> {
    let words = StyledText::new(theme);
    match app.state.freshness(id, app.clock.now) {
        Freshness::Stale(age) => words.add(
            Meaning::Doubtful,
            safe!("{} stale {}", theme.glyphs.stale, duration::brief(age)),
        ),
        Freshness::Missing | Freshness::Fresh(_) => words,
    }
}

/// Whether nothing may be concluded from a source any more.
pub(crate) fn is_stale(app: &App, id: &SourceId) -> bool {
    matches!(app.state.freshness(id, app.clock.now), Freshness::Stale(_))
}
