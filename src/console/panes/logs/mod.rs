//! The logs: only the rows that show are made.

pub mod buffer;
mod entry;
pub(crate) mod filter;
pub(crate) mod focus;
pub(crate) mod keys;
pub(crate) mod log_row;
pub(crate) mod moment;
mod ring;
pub(crate) mod saved;
pub(crate) mod source_choice;

use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::App;
use crate::keymap::action::{Action, Context};
use crate::panes::Pane;
use crate::panes::errors_over_time;
use crate::panes::logs::buffer::{Entry, LogBuffer, LogMode};
use crate::panes::logs::log_row::Sheet;
use crate::screen::borders;
use crate::screen::layout::Region;
use crate::screen::source_error;
use crate::style::styled_text;
use crate::style::styled_text::{CellText, StyledText};
use crate::style::theme::{Meaning, Theme};
use sopwatch_core::logparse::LogFocus;
use sopwatch_core::observe::observation::{ContainerState, PodUid, short_name};
use sopwatch_core::observe::source::{Freshness, SourceId};
use sopwatch_core::observe::state::LogsRead;
use sopwatch_core::safe;
use sopwatch_core::text::{SafeText, counted};

/// What the pane of the logs shows, and what is said to those who follow them.
#[derive(Clone, Debug, Default)]
pub struct Logs {
    /// The scroll-back.
    pub buffer: LogBuffer,
    /// Whether the operator chose the view. Until then it follows what is found.
    pub view_is_chosen: bool,
    /// Which pods' logs were said to matter most.
    pub(crate) focus: LogFocus,
}

pub(crate) fn render(app: &App, theme: &Theme, region: &Region, buffer: &mut Buffer) {
    borders::title(
        region,
        app.panes.focus == Pane::Logs,
        title(app, theme, region),
        theme,
        buffer,
    );
    let inner = region.inner();
    let most = usize::from(inner.height / 4).clamp(1, 4);
    let faults = source_error::lines(&source_error::of_logs(app), theme, app.clock.now, most);
    let rates = if inner.height >= ROOMY {
        error_rates(app, theme, usize::from(inner.width))
    } else {
        None
    };
    let strip = u16::from(rates.is_some());
    styled_text::draw_lines(rates, inner, buffer);
    let height = inner.height.saturating_sub(faults.len() as u16);
    let list = Rect {
        y: inner.y + strip,
        height: height - strip,
        ..inner
    };
    if app.logs.buffer.shown().is_empty() {
        draw_empty(app, theme, list, buffer);
    } else {
        draw_entries(app, theme, list, buffer);
    }
    let below = Rect {
        y: inner.y + height,
        height: inner.height - height,
        ..inner
    };
    styled_text::draw_lines(faults, below, buffer);
}

/// Rows from which one of them goes to the errors a minute.
const ROOMY: u16 = 10;

/// Errors of all classes a minute, with pod starts marked: a strip above the lines.
fn error_rates<'t>(app: &App, theme: &'t Theme, width: usize) -> Option<StyledText<'t>> {
    let minutes = if width >= 60 { 30 } else { 15 };
    let strip = errors_over_time::strip(app, theme, None, minutes)?;
    Some(
        StyledText::new(theme)
            .add(Meaning::Faint, "errors/min ")
            .join(strip)
            .cut(width),
    )
}

/// A piece of a title with its rank: where there is no room, those of the highest rank are left out first.
type Piece<'t> = (u8, StyledText<'t>);

fn title<'t>(app: &App, theme: &'t Theme, region: &Region) -> Vec<Piece<'t>> {
    let new = || StyledText::new(theme);
    let mut pieces = vec![(0, mode(app, theme, region.area.width < 60))];
    if app.logs.buffer.is_held() {
        let text = safe!(" PAUSED, {} new ", app.logs.buffer.arrived);
        pieces.push((0, new().add(Meaning::Alarm, text)));
    }
    pieces.extend(narrowing(app, theme, region.area.width));
    if app.logs.buffer.unfolded {
        pieces.push((5, new().add(Meaning::Faint, "unfolded")));
    }
    pieces.extend(lost_lines(app, theme));
    let of_pods = match turns_words(app, theme, region.area.width < 80) {
        Some(words) => (1, words),
        None if app.logs.buffer.only.is_some() => (3, new()),
        None => (3, pods_words(app, theme)),
    };
    pieces.push(of_pods);
    let dropped = app.logs.buffer.dropped();
    if dropped > 0 {
        let text = counted(dropped, "older line dropped", "older lines dropped");
        pieces.push((5, new().add(Meaning::Faint, text)));
    }
    if app.logs.buffer.wrap {
        pieces.push((6, new().add(Meaning::Faint, "wrapped")));
    }
    pieces.push((7, new().add(Meaning::Faint, "UTC")));
    pieces
}

/// What narrows the view; it is always said: a line that is not there may be hidden by it.
fn narrowing<'t>(app: &App, theme: &'t Theme, width: u16) -> Vec<Piece<'t>> {
    let room = usize::from(width / 5).clamp(8, 24);
    let piece = |text: SafeText| (0, StyledText::new(theme).add(Meaning::Match, text));
    let buffer = &app.logs.buffer;
    let mut pieces = Vec::new();
    for (filter, sign) in [(&buffer.filter, ""), (&buffer.hidden, "not ")] {
        if let Some(filter) = filter {
            let text = styled_text::cut(&theme.clean(filter.as_str()), room, theme.glyphs.ellipsis);
            pieces.push(piece(safe!("{sign}/{text}/")));
        }
    }
    pieces.extend(saved::level_words(buffer.level).map(|words| piece(words.into())));
    if let Some(only) = &buffer.only {
        let container = only.container.as_ref();
        let container = container.map_or(String::new(), |name| format!("/{name}"));
        let name = format!("{}{container}", short_name(&only.pod));
        let name = styled_text::cut_left(&theme.clean(&name), room, theme.glyphs.ellipsis);
        pieces.push(piece(safe!("only {name}")));
    }
    pieces
}

/// How many lines were lost on the way, and how many a record does not have. That there is no gap is only said where all lines are there.
fn lost_lines<'t>(app: &App, theme: &'t Theme) -> Vec<Piece<'t>> {
    let missed: u64 = app.state.logs.values().map(|log| log.missed).sum();
    let left_out = app.player.as_ref().map_or(0, |player| player.left_out);
    let mut pieces = Vec::new();
    if missed > 0 {
        // How many lines a gap holds can't be known: each counts as one at least.
        let lines = counted(missed, "line", "lines");
        let text = safe!("gap: at least {lines} lost");
        pieces.push((1, StyledText::new(theme).add(Meaning::Bad, text)));
    } else if left_out == 0 && has_whole_logs(app) {
        pieces.push((4, StyledText::new(theme).add(Meaning::Faint, "no gaps")));
    }
    if left_out > 0 {
        let text = counted(left_out, "line not in the record", "lines not in the record");
        pieces.push((2, StyledText::new(theme).add(Meaning::Doubtful, text)));
    }
    pieces
}

/// The modes, where there is room the others too.
fn mode<'t>(app: &App, theme: &'t Theme, narrow: bool) -> StyledText<'t> {
    let mut words = StyledText::new(theme);
    for mode in LogMode::ALL
        .into_iter()
        .filter(|mode| !narrow || *mode == app.logs.buffer.mode)
    {
        if words.width() > 0 {
            words = words.gap(1);
        }
        words = if mode == app.logs.buffer.mode {
            words.add(Meaning::Heading, safe!("[{}]", mode.title()))
        } else {
            words.add(Meaning::Faint, mode.title())
        };
    }
    words
}

/// Of how many logs not all are followed.
fn turns_words<'t>(app: &App, theme: &'t Theme, narrow: bool) -> Option<StyledText<'t>> {
    let LogsRead { followed, in_turns } = app.state.logs_read();
    let logs = counted(followed + in_turns, "log", "logs");
    let text = if narrow {
        safe!("{followed} of {logs} open")
    } else {
        safe!("{followed} of {logs} open, the others read in turns")
    };
    (in_turns > 0).then(|| StyledText::new(theme).add(Meaning::Doubtful, text))
}

/// Of how many pods the log is read.
fn pods_words<'t>(app: &App, theme: &'t Theme) -> StyledText<'t> {
    let (_, read, all) = progress(app);
    let pods = counted(all, "pod", "pods");
    if read == all {
        return StyledText::new(theme).add(Meaning::Faint, pods);
    }
    StyledText::new(theme).add(Meaning::Doubtful, safe!("{read} of {pods} read"))
}

/// Pods whose service has a log, those of them whose logs were all read up to now, and all pods.
fn progress(app: &App) -> (usize, usize, usize) {
    let service = app.session.profile.service.container.as_str();
    let of_service = || {
        app.state
            .logs
            .iter()
            .filter(|(key, _)| &*key.container == service)
    };
    let begun: BTreeSet<&PodUid> = of_service().map(|(key, _)| &key.pod_uid).collect();
    let behind = of_service().filter(|(_, log)| !log.progress.caught_up);
    let behind: BTreeSet<&PodUid> = behind.map(|(key, _)| &key.pod_uid).collect();
    (begun.len(), begun.len() - behind.len(), app.state.pods.len())
}

/// Whether the log of every pod is read, and goes on being read.
fn has_whole_logs(app: &App) -> bool {
    let (_, read, all) = progress(app);
    read == all && app.state.logs_read().in_turns == 0 && source_error::of_logs(app).is_empty()
}

/// Whether every log that there is was read up to now.
fn all_are_read(app: &App) -> bool {
    let (begun, read, _) = progress(app);
    begun > 0 && begun == read
}

/// Whether the service's container waits to be started in every pod that is known to have one.
fn none_has_started(app: &App) -> bool {
    let service = app.session.profile.service.container.as_str();
    let containers = app.state.pods.values().flat_map(|pod| &pod.containers);
    let of_service: Vec<_> = containers
        .filter(|container| &*container.name == service)
        .collect();
    let waits = |state: &ContainerState| matches!(state, ContainerState::Waiting { .. });
    !of_service.is_empty()
        && of_service
            .iter()
            .all(|container| container.restarts == 0 && waits(&container.state))
}

fn draw_empty(app: &App, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let lines = styled_text::wrap(
        &theme.clean(empty_words(app)),
        usize::from(area.width).saturating_sub(2),
        0,
    );
    let line = |text: CellText| StyledText::new(theme).gap(1).add(Meaning::Doubtful, text);
    styled_text::draw_lines(lines.into_iter().map(line), area, buffer);
}

/// Why there is nothing to see.
fn empty_words(app: &App) -> SafeText {
    let (read, caught_up, all) = progress(app);
    let what = match app.logs.buffer.mode {
        LogMode::Leader => "leader line",
        LogMode::Errors => "error or warning",
        LogMode::All => "line",
    };
    if app.state.source(&SourceId::Pods).is_none() {
        return "connecting …".into();
    }
    if app.state.freshness(&SourceId::Pods, app.clock.now) == Freshness::Missing {
        return "no log yet: no pods known".into();
    }
    if all == 0 {
        return "no pod, so no log".into();
    }
    let logs = counted(all, "log", "logs");
    if read == 0 && none_has_started(app) {
        let container = &app.session.profile.service.container;
        return safe!("no pod has started its container {container}, so nothing is logged");
    }
    if read == 0 {
        return safe!("0 of {logs} read yet");
    }
    if caught_up < read {
        let lines: u64 = app.state.logs.values().map(|log| log.progress.lines).sum();
        let lines = counted(lines, "line", "lines");
        return safe!("reading backlog … {caught_up} of {logs} read, {lines} so far, no {what} among them");
    }
    if app.logs.buffer.is_narrowed() {
        return match app.keymap.key_of(Action::ClearFilter, Context::In(Pane::Logs)) {
            Some(key) => safe!("no match (filter, level or pod selection is on, {key} clears)"),
            None => "no match (filter, level or pod selection is on)".into(),
        };
    }
    safe!("no {what} yet: {caught_up} of {logs} read from the start")
}

fn draw_entries(app: &App, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let held = app.logs.buffer.chosen();
    let shown = app.logs.buffer.shown();
    let mark = if held.is_some() { 2 } else { 0 };
    let height = usize::from(area.height);
    let roomy = height.div_ceil(2).max(4);
    let sheet = |wrap, most| Sheet {
        app,
        theme,
        width: usize::from(area.width).saturating_sub(mark),
        label: label_width(app, shown, height, held),
        most,
        wrap,
    };
    // Where there are rows for all of it nothing is cut; where entries are few, each has its share of the rows.
    let sheet = if app.logs.buffer.wrap || fits_wrapped(shown, height, &sheet(true, roomy)) {
        sheet(true, roomy)
    } else {
        let share = height / shown.len().max(1);
        if share > 1 {
            sheet(true, share)
        } else {
            sheet(false, roomy)
        }
    };
    let rows = visible(shown, held, height, &sheet);
    for (row, (index, words)) in area.rows().zip(rows) {
        words.draw(row, buffer);
        if held == Some(index) {
            borders::select(row, theme, buffer);
        }
    }
}

/// Whether all entries fit with their lines wrapped.
fn fits_wrapped(shown: &VecDeque<Arc<Entry>>, height: usize, sheet: &Sheet<'_>) -> bool {
    let mut rows = 0;
    shown.len() <= height
        && shown.iter().all(|entry| {
            rows += sheet.rows(entry).len();
            rows <= height
        })
}

/// Cells of the column of pods: as wide as the widest near the end needs, within reason.
fn label_width(app: &App, shown: &VecDeque<Arc<Entry>>, height: usize, held: Option<usize>) -> usize {
    let end = held.map_or(shown.len(), |chosen| (chosen + height).min(shown.len()));
    let near = shown.range(end.saturating_sub(height * 2)..end);
    near.map(|entry| styled_text::width(&log_row::label(app, entry)))
        .max()
        .unwrap_or(5)
        .clamp(5, 14)
}

/// The rows in view, each with its entry's place. Following, the newest is the last; held, the chosen entry is in view with what
/// stands around it.
fn visible<'a>(
    shown: &VecDeque<Arc<Entry>>,
    held: Option<usize>,
    height: usize,
    sheet: &Sheet<'a>,
) -> VecDeque<(usize, StyledText<'a>)> {
    let rows_of = |index: usize| -> Vec<(usize, StyledText<'a>)> {
        let Some(entry) = shown.get(index) else {
            return Vec::new();
        };
        let rows = sheet.rows(entry);
        let rows = if held.is_some() {
            log_row::with_mark(sheet.theme, rows, held == Some(index))
        } else {
            rows
        };
        rows.into_iter().map(|row| (index, row)).collect()
    };
    let last = shown.len().saturating_sub(1);
    let chosen = held.unwrap_or(last).min(last);
    let mut rows: VecDeque<_> = rows_of(chosen).into();
    let (mut before, mut after) = (chosen, chosen + 1);
    while rows.len() < height && after <= last && rows.len() < height / 2 {
        rows.extend(rows_of(after));
        after += 1;
    }
    while rows.len() < height && before > 0 {
        before -= 1;
        rows_of(before)
            .into_iter()
            .rev()
            .for_each(|row| rows.push_front(row));
    }
    while rows.len() < height && after <= last {
        rows.extend(rows_of(after));
        after += 1;
    }
    let surplus = rows.len().saturating_sub(height);
    if held.is_some() {
        keep_chosen(&mut rows, chosen, surplus, height);
    } else {
        rows.drain(..surplus);
    }
    rows
}

/// Takes surplus rows off the top, unless that would take the chosen entry's first row.
fn keep_chosen<T>(rows: &mut VecDeque<(usize, T)>, chosen: usize, surplus: usize, height: usize) {
    let at = rows.iter().position(|(index, _)| *index == chosen).unwrap_or(0);
    rows.drain(..surplus.min(at));
    rows.truncate(height);
}
