//! One log record as rows of the log pane.

use std::collections::BTreeSet;
use std::ops::Range;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::app::App;
use crate::panes::leaders::short_titles;
use crate::panes::logs::buffer::Entry;
use crate::style::styled_text;
use crate::style::styled_text::{CellText, StyledText};
use crate::style::theme::{Meaning, Theme};
use sopwatch_core::diagnose::quoting::{code_in, in_short};
use sopwatch_core::logparse::{ContainerKey, LineParts, Severity};
use sopwatch_core::safe;
use sopwatch_core::text::{SafeText, counted};

/// Characters of a line that a row looks at: a line may be a megabyte long.
const LONGEST: usize = 4_000;

/// Continuation lines of a record that are shown; the dialog has them all.
const CONTINUED: usize = 3;

/// In a row of fewer cells the worker that a leader line is about stands first.
const NARROW: usize = 100;

/// Cells that the two ends of a line need for its code to be shown between them.
const ROOM_OF_ENDS: usize = 24;

/// Where the rows after the first start: under the pod.
const INDENT: usize = 9;

/// What a row of the pane is drawn with.
pub(crate) struct Sheet<'a> {
    pub(crate) app: &'a App,
    pub(crate) theme: &'a Theme,
    /// Cells of a row.
    pub(crate) width: usize,
    /// Cells of the column of pods.
    pub(crate) label: usize,
    /// Rows that one record may take.
    pub(crate) most: usize,
    /// Whether long lines go on in the next row.
    pub(crate) wrap: bool,
}

impl<'a> Sheet<'a> {
    /// The rows of an entry.
    pub(crate) fn rows(&self, entry: &Entry) -> Vec<StyledText<'a>> {
        if entry.note {
            return vec![self.note(entry)];
        }
        let text = &*entry.record.text;
        let parts = LineParts::of(text);
        let mut rows = self.first_rows(entry, &parts);
        // A block of gorm is one message over several lines: all of it is in the first row.
        let lines = text.split('\n').skip(1).filter(|_| !text.starts_with('␛'));
        let more = lines.clone().count();
        for line in lines.take(CONTINUED) {
            let lead = StyledText::new(self.theme).gap(INDENT + 2);
            rows.extend(self.spread(lead, line, Meaning::Faint, INDENT + 2));
        }
        if more > CONTINUED {
            let lines = counted(more - CONTINUED, "line", "lines");
            let text = safe!("{} +{lines}", self.theme.glyphs.ellipsis);
            rows.push(
                StyledText::new(self.theme)
                    .gap(INDENT + 2)
                    .add(Meaning::Faint, text),
            );
        }
        rows.truncate(self.most.max(1));
        rows
    }

    /// What the first line says, and behind it, faint, where and with which ids it said so.
    fn first_rows(&self, entry: &Entry, parts: &LineParts<'_>) -> Vec<StyledText<'a>> {
        let head = self.head(entry);
        let meaning = line_meaning(entry.record.severity);
        let details = self.details(entry, parts);
        let ends_with_cause = entry.record.severity >= Severity::Warning;
        if !self.wrap {
            let room = self.width.saturating_sub(head.width());
            let message = self.cut_message(&parts.message, room, ends_with_cause);
            let row = self.marked(head, &message, meaning);
            return vec![self.with_details(row, &details)];
        }
        // What does not fit in as many rows is shortened like what does not fit in one.
        let first = self.width.saturating_sub(head.width());
        let later = self.width.saturating_sub(INDENT) * self.most.saturating_sub(1);
        let ends_of_rows = 8 * self.most;
        let message = self.cut_message(
            &parts.message,
            (first + later).saturating_sub(ends_of_rows),
            ends_with_cause,
        );
        let mut rows = self.spread(head, &message, meaning, INDENT);
        if let Some(last) = rows.pop() {
            let fits = last.width() + 2 + styled_text::width(&details) <= self.width;
            // A row of details alone is for those who asked for all of it.
            if fits || details.is_empty() || !self.app.logs.buffer.wrap {
                rows.push(self.with_details(last, &details));
            } else {
                rows.push(last);
                let lead = StyledText::new(self.theme).gap(INDENT);
                rows.extend(self.spread(lead, &details, Meaning::Faint, INDENT));
            }
        }
        rows
    }

    /// A message in so many cells. Where it is too long its ids and addresses are shortened first, then its end goes, or the middle of one
    /// that ends with its cause; what the search or the filter found in it stays in view.
    fn cut_message(&self, message: &str, room: usize, ends_with_cause: bool) -> CellText {
        let sign = self.theme.glyphs.ellipsis;
        // Only what can show is cleaned: a line may be a megabyte long.
        let known = self.theme.clean(styled_text::beginning(message, LONGEST));
        if styled_text::width(&known) <= room {
            return known;
        }
        if let Some(mark) = self.marks(&known).into_iter().find(|mark| !mark.is_empty()) {
            let before = &known[..mark.end];
            if styled_text::width(before) < room {
                return styled_text::cut(&known, room, sign);
            }
            // A third of the row before it, the rest after it.
            let lead = styled_text::end(&known[..mark.start], room / 3);
            let from = mark.start - lead.len();
            let rest = self.theme.clean(format!("{sign}{}", &known[from..]));
            return styled_text::cut(&rest, room, sign);
        }
        let short = self.theme.clean(in_short(&known).replace('…', sign));
        if ends_with_cause {
            let cut = styled_text::cut_middle(&short, room, sign);
            self.with_code(&short, room)
                .filter(|_| cut != short)
                .unwrap_or(cut)
        } else {
            styled_text::cut(&short, room, sign)
        }
    }

    /// A line that is too long, with its beginning, the code of its error and its end; `None` where it has no code, the code is in one of
    /// the ends anyway, or there is no room for all three.
    fn with_code(&self, line: &CellText, room: usize) -> Option<CellText> {
        let sign = self.theme.glyphs.ellipsis;
        let place = code_in(line)?;
        let code = &line[place.clone()];
        let ends = room.checked_sub(styled_text::width(code) + 2 * styled_text::width(sign))?;
        if ends < ROOM_OF_ENDS || styled_text::cut_middle(line, room, sign).contains(code) {
            return None;
        }
        let tail = styled_text::end(&line[place.end..], ends / 2);
        let head = styled_text::beginning(&line[..place.start], ends - styled_text::width(tail));
        Some(self.theme.clean(format!("{head}{sign}{code}{sign}{tail}")))
    }

    /// When the first of equal lines came, the place in the code, and the ids.
    fn details(&self, entry: &Entry, parts: &LineParts<'_>) -> CellText {
        let since = (entry.repeats > 1).then(|| format!("since {}", clock(entry.first_at)));
        let details = parts.details.iter().map(ToString::to_string);
        let details: Vec<_> = since.into_iter().chain(details).collect();
        let text = details.join(" ");
        self.theme.clean(styled_text::beginning(&text, LONGEST))
    }

    /// Adds details where there is room for them.
    fn with_details(&self, row: StyledText<'a>, details: &CellText) -> StyledText<'a> {
        let room = self.width.saturating_sub(row.width() + 2);
        if details.is_empty() || room < 8 {
            return row.cut(self.width);
        }
        let shown = styled_text::cut(details, room, self.theme.glyphs.ellipsis);
        self.marked(row.gap(2), &shown, Meaning::Faint)
    }

    fn stamp(&self, entry: &Entry) -> StyledText<'a> {
        let time = clock(entry.record.at);
        let label = styled_text::cut_left(
            &self.theme.clean(label(self.app, entry)),
            self.label,
            self.theme.glyphs.ellipsis,
        );
        StyledText::new(self.theme)
            .add(Meaning::Faint, self.theme.clean(time))
            .gap(1)
            .column(Meaning::Pod, label, self.label)
            .gap(1)
    }

    fn note(&self, entry: &Entry) -> StyledText<'a> {
        let rule = self.theme.glyphs.horizontal.repeat(2);
        self.stamp(entry)
            .add(Meaning::Note, safe!("{rule} {} {rule}", entry.record.text))
    }

    /// Whether a line would be cut before it says what it is about.
    fn is_narrow(&self) -> bool {
        self.width < NARROW && !self.wrap
    }

    fn head(&self, entry: &Entry) -> StyledText<'a> {
        let (letter, meaning) = severity_mark(entry.record.severity);
        let mut head = self.stamp(entry).add(meaning, letter).gap(1);
        if entry.repeats > 1 {
            head = head.add(
                Meaning::Faint,
                safe!("{}{} ", self.theme.glyphs.times, entry.repeats),
            );
        }
        match self.worker(entry) {
            Some(worker) => head.add(Meaning::Heading, worker).add(Meaning::Faint, ": "),
            None => head,
        }
    }

    /// The worker that a leader line is about: its name stands last in the line, and would be cut off.
    fn worker(&self, entry: &Entry) -> Option<SafeText> {
        let leader = entry.record.leader.as_ref().filter(|_| self.is_narrow())?;
        let workers = &self.app.session.profile.leaders.workers;
        let place = workers
            .iter()
            .position(|worker| *worker.log_type == *leader.worker)?;
        let titles: Vec<_> = workers
            .iter()
            .map(|worker| SafeText::from(&worker.title))
            .collect();
        short_titles(&titles).into_iter().nth(place)
    }

    /// A line after its head: cut at the width, or wrapped over rows.
    fn spread(
        &self,
        head: StyledText<'a>,
        text: &str,
        meaning: Meaning,
        indent: usize,
    ) -> Vec<StyledText<'a>> {
        // Only what can show is cleaned: a line may be a megabyte long.
        let most = if self.wrap { self.most } else { 1 };
        let shown = styled_text::beginning(text, self.width.saturating_mul(most).saturating_add(1));
        let shown = self.theme.clean(shown);
        if !self.wrap {
            return vec![self.marked(head, &shown, meaning).cut(self.width)];
        }
        let room = self.width.saturating_sub(head.width()).max(8);
        let first = styled_text::wrap(&shown, room, 0)
            .into_iter()
            .next()
            .unwrap_or_default();
        let rest = shown.part(first.len()..shown.len()).trimmed_start();
        let mut rows = vec![self.marked(head, &first, meaning)];
        if !rest.is_empty() {
            let room = self.width.saturating_sub(indent).max(8);
            let later = styled_text::wrap(&rest, room, 0).into_iter();
            rows.extend(
                later.map(|line| self.marked(StyledText::new(self.theme).gap(indent), &line, meaning)),
            );
        }
        rows
    }

    /// What the search found; without a search, what the filter found.
    fn marks(&self, text: &str) -> Vec<Range<usize>> {
        let search = self.app.panes.search.as_ref();
        let filter = self.app.logs.buffer.filter.as_ref();
        match (search, filter) {
            (Some(search), _) => search.places_in(text).collect(),
            (None, Some(filter)) => filter.places_in(text).collect(),
            (None, None) => Vec::new(),
        }
    }

    /// Adds text with what was found in it marked.
    fn marked(&self, mut line: StyledText<'a>, text: &CellText, meaning: Meaning) -> StyledText<'a> {
        let mut from = 0;
        for mark in self.marks(text).into_iter().filter(|mark| !mark.is_empty()) {
            line = line
                .add(meaning, text.part(from..mark.start))
                .add(Meaning::Match, text.part(mark.clone()));
            from = mark.end;
        }
        line.add(meaning, text.part(from..text.len()))
    }
}

/// The pod's short name; with the container, where it is not the service's own, and a word where it is one that was replaced.
pub(crate) fn label(app: &App, entry: &Entry) -> SafeText {
    let source = &entry.source;
    let pod = source.short_name();
    let previous = if is_previous(app, source) { " prev" } else { "" };
    let others: BTreeSet<_> = entry.others.iter().map(|other| &other.pod_uid).collect();
    let others = others.iter().filter(|uid| ***uid != source.pod_uid).count();
    if others > 0 {
        return safe!("{pod}+{others}");
    }
    if *source.container == *app.session.profile.service.container {
        safe!("{pod}{previous}")
    } else {
        safe!("{pod}/{}{previous}", source.container)
    }
}

/// Whether a log is of a container that another one has replaced since.
pub(crate) fn is_previous(app: &App, source: &ContainerKey) -> bool {
    let pod = app.state.pods.get(&source.pod_uid);
    let containers = pod.iter().flat_map(|pod| &pod.containers);
    let mut replaced = containers.filter(|container| container.restarts > source.restart);
    let of_later = || {
        let first = ContainerKey {
            restart: source.restart.saturating_add(1),
            ..source.clone()
        };
        let last = ContainerKey {
            restart: u32::MAX,
            ..source.clone()
        };
        source.restart < u32::MAX && app.state.logs.range(first..=last).next().is_some()
    };
    replaced.any(|container| container.name == source.container) || of_later()
}

/// A time of day.
fn clock(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%H:%M:%S").to_string()
}

fn severity_mark(severity: Severity) -> (&'static str, Meaning) {
    match severity {
        Severity::Plain => (" ", Meaning::Text),
        Severity::Info => ("I", Meaning::Faint),
        Severity::Warning => ("W", Meaning::Warning),
        Severity::Error => ("E", Meaning::Error),
        Severity::Fatal => ("F", Meaning::Fatal),
    }
}

fn line_meaning(severity: Severity) -> Meaning {
    match severity {
        Severity::Plain | Severity::Info => Meaning::Text,
        Severity::Warning => Meaning::Warning,
        Severity::Error | Severity::Fatal => Meaning::Error,
    }
}

/// Puts a mark for the chosen entry before its rows.
pub(crate) fn with_mark<'a>(
    theme: &'a Theme,
    rows: Vec<StyledText<'a>>,
    chosen: bool,
) -> Vec<StyledText<'a>> {
    let mark = |(index, row): (usize, StyledText<'a>)| {
        let sign = if chosen && index == 0 {
            theme.glyphs.chosen
        } else {
            ""
        };
        StyledText::new(theme).column(Meaning::Focus, sign, 2).join(row)
    };
    rows.into_iter().enumerate().map(mark).collect()
}
