//! One log record as rows of the log pane.

use jiff::tz::TimeZone;

use crate::app::App;
use crate::panes::leaders::short_titles;
use crate::panes::logs::buffer::Entry;
use crate::style::styled_text;
use crate::style::styled_text::{CellText, StyledText};
use crate::style::theme::{Meaning, Theme};
use sopwatch_core::logparse::{Header, Severity};
use sopwatch_core::safe;
use sopwatch_core::text::SafeText;

/// Continuation lines of a record that are shown; the dialog has them all.
const CONTINUED: usize = 3;

/// A row of fewer cells leaves out a glog line's file, so that what it says shows.
const NARROW: usize = 100;

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
        let mut lines = text.split('\n');
        let head = self.head(entry);
        let first = without_header(lines.next().unwrap_or_default(), self.is_narrow());
        let mut rows = self.spread(head, first, line_meaning(entry.record.severity), INDENT);
        let more = text.bytes().filter(|byte| *byte == b'\n').count();
        for line in lines.take(CONTINUED) {
            let lead = StyledText::new(self.theme).gap(INDENT + 2);
            rows.extend(self.spread(lead, line, Meaning::Faint, INDENT + 2));
        }
        if more > CONTINUED {
            let text = safe!("{} +{} lines", self.theme.glyphs.ellipsis, more - CONTINUED);
            rows.push(
                StyledText::new(self.theme)
                    .gap(INDENT + 2)
                    .add(Meaning::Faint, text),
            );
        }
        rows.truncate(self.most.max(1));
        rows
    }

    fn stamp(&self, entry: &Entry) -> StyledText<'a> {
        let time = entry
            .record
            .at
            .to_zoned(TimeZone::UTC)
            .strftime("%H:%M:%S")
            .to_string();
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

    /// Adds text with what the search found marked; without a search, what the filter found.
    fn marked(&self, mut line: StyledText<'a>, text: &CellText, meaning: Meaning) -> StyledText<'a> {
        let search = self.app.panes.search.as_ref();
        let filter = self.app.logs.buffer.filter.as_ref();
        let marks: Vec<_> = match (search, filter) {
            (Some(search), _) => search.places_in(text).collect(),
            (None, Some(filter)) => filter.find_iter(text).map(|found| found.range()).collect(),
            (None, None) => Vec::new(),
        };
        let mut from = 0;
        for mark in marks.into_iter().filter(|mark| !mark.is_empty()) {
            line = line
                .add(meaning, text.part(from..mark.start))
                .add(Meaning::Match, text.part(mark.clone()));
            from = mark.end;
        }
        line.add(meaning, text.part(from..text.len()))
    }
}

/// The pod's short name; with the container, where it is not the service's own.
pub(crate) fn label(app: &App, entry: &Entry) -> SafeText {
    let source = &entry.source;
    let pod = source.short_name();
    if *source.container == *app.session.profile.service.container {
        pod.into()
    } else {
        safe!("{pod}/{}", source.container)
    }
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

/// A glog line without its header: the row says severity and time already. Where it is narrow the file goes too. Other lines stay whole.
fn without_header(line: &str, narrow: bool) -> &str {
    match Header::parse(line) {
        Some(header) if header.place.is_some() && narrow => header.message,
        Some(header) if header.place.is_some() => header.words,
        _ => line,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glog_header_is_left_out_and_nothing_else() {
        let running = "I0115 13:24:01.482913       1 leader_election_mgr.go:80] [opid=1] Running";
        let cases = [
            (
                running,
                "leader_election_mgr.go:80] [opid=1] Running",
                "[opid=1] Running",
            ),
            ("E0115 13:24:01.482913   29044 a.go:1] é", "a.go:1] é", "é"),
            ("I0115 not a header", "I0115 not a header", "I0115 not a header"),
            ("I0115 13:24:01", "I0115 13:24:01", "I0115 13:24:01"),
            (
                "2021/01/15 13:24:01 sent",
                "2021/01/15 13:24:01 sent",
                "2021/01/15 13:24:01 sent",
            ),
            (
                "{\"level\":\"info\"}",
                "{\"level\":\"info\"}",
                "{\"level\":\"info\"}",
            ),
            ("a.go:80] no header", "a.go:80] no header", "a.go:80] no header"),
            ("", "", ""),
        ];
        for (line, wide, narrow) in cases {
            assert_eq!(without_header(line, false), wide);
            assert_eq!(without_header(line, true), narrow);
        }
    }
}
