//! The strip of leaders: one line a worker.

use ratatui::buffer::Buffer;

use crate::app::App;
use crate::screen::borders;
use crate::screen::layout::Region;
use crate::screen::source_error;
use crate::style::age;
use crate::style::styled_text;
use crate::style::styled_text::StyledText;
use crate::style::theme::{Meaning, Theme};
use jiff::SignedDuration;
use sopwatch_core::diagnose::leaders::{LeaderReading, LeaseReading, Verdict};
use sopwatch_core::observe::observation::short_name;
use sopwatch_core::observe::source::SourceId;
use sopwatch_core::safe;
use sopwatch_core::text::{SafeText, duration};

pub(crate) fn render(app: &App, theme: &Theme, region: &Region, buffer: &mut Buffer) {
    borders::title(region, false, Vec::new(), theme, buffer);
    let inner = region.inner();
    let room = usize::from(inner.width).saturating_sub(1);
    let lines = if app.diagnosis.leaders.is_empty() {
        silent_lines(app, theme)
    } else {
        worker_lines(app, theme, room)
    };
    styled_text::draw_lines(
        lines
            .into_iter()
            .map(|line| StyledText::new(theme).gap(1).join(line)),
        inner,
        buffer,
    );
}

/// Before anything was judged.
fn silent_lines<'t>(app: &App, theme: &'t Theme) -> Vec<StyledText<'t>> {
    let workers = &app.session.profile.leaders.workers;
    let titles: Vec<_> = workers
        .iter()
        .map(|worker| SafeText::from(&worker.title))
        .collect();
    let cells = widest(&titles);
    let line = |title: &SafeText| {
        let unknown = safe!("{} UNKNOWN  no evidence yet", theme.glyphs.unknown);
        StyledText::new(theme)
            .column(Meaning::Text, title, cells)
            .gap(2)
            .add(Meaning::Doubtful, unknown)
    };
    titles.iter().map(line).collect()
}

fn widest(titles: &[SafeText]) -> usize {
    titles
        .iter()
        .map(|title| styled_text::width(title))
        .max()
        .unwrap_or(0)
}

/// How much a line says, from most to least.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    /// In columns: what the logs say, then the lease.
    Whole,
    /// In columns: the lease, then as much as fits of what the logs say.
    LeaseFirst,
    /// The lease alone, and no columns.
    Terse,
}

/// The workers' lines, as much as fits of each; whole titles where all of it does.
fn worker_lines<'t>(app: &App, theme: &'t Theme, room: usize) -> Vec<StyledText<'t>> {
    let readings = &app.diagnosis.leaders;
    let whole: Vec<_> = readings.iter().map(|reading| reading.worker.clone()).collect();
    let short = short_titles(&whole);
    let fit = |lines: &[StyledText<'_>]| lines.iter().all(|line| line.width() <= room);
    let lines = lines_of(app, theme, &whole, Shape::Whole);
    if fit(&lines) {
        return lines;
    }
    let whole = lines_of(app, theme, &short, Shape::Whole);
    let lease = lines_of(app, theme, &short, Shape::LeaseFirst);
    if !fit(&lease) {
        return lines_of(app, theme, &short, Shape::Terse);
    }
    let rows = whole.into_iter().zip(lease).zip(readings);
    rows.map(|((whole, lease), reading)| {
        if whole.width() <= room {
            whole
        } else {
            with_log(lease, reading, room)
        }
    })
    .collect()
}

/// Adds what fits of what the logs say, if that is enough to mean anything.
fn with_log<'t>(line: StyledText<'t>, reading: &LeaderReading, room: usize) -> StyledText<'t> {
    if room < line.width() + 14 {
        return line;
    }
    line.gap(2).add(Meaning::Faint, &reading.log_unnamed).cut(room)
}

fn lines_of<'t>(app: &App, theme: &'t Theme, titles: &[SafeText], shape: Shape) -> Vec<StyledText<'t>> {
    let readings = &app.diagnosis.leaders;
    let verdicts: Vec<_> = readings
        .iter()
        .map(|reading| verdict_words(app, theme, reading))
        .collect();
    let columns = shape != Shape::Terse;
    let cells = verdicts
        .iter()
        .map(StyledText::width)
        .max()
        .filter(|_| columns)
        .unwrap_or(0);
    let rows = readings.iter().zip(titles).zip(verdicts);
    rows.map(|((reading, title), verdict)| {
        let rest = cells.saturating_sub(verdict.width());
        let line = StyledText::new(theme)
            .column(Meaning::Text, title, widest(titles))
            .gap(if columns { 2 } else { 1 })
            .join(verdict)
            .gap(rest);
        evidence(app, theme, reading, line, shape)
    })
    .collect()
}

/// What the verdict rests on: the pod, what the logs say, what the lease says.
fn evidence<'t>(
    app: &App,
    theme: &'t Theme,
    reading: &LeaderReading,
    mut line: StyledText<'t>,
    shape: Shape,
) -> StyledText<'t> {
    let gap = if shape == Shape::Terse { 1 } else { 2 };
    if let Some(pod) = &reading.pod {
        let label = styled_text::cut_left(&theme.clean(short_name(pod)), 10, theme.glyphs.ellipsis);
        line = line.gap(gap).add(Meaning::Pod, label);
    }
    let lease = lease_words(app, theme, reading, shape == Shape::Terse);
    let log = &reading.log_unnamed;
    if !log.is_empty() && (shape == Shape::Whole || lease.width() == 0) {
        line = line.gap(gap).add(Meaning::Text, log);
    }
    if lease.width() > 0 {
        line.gap(gap).join(lease)
    } else {
        line
    }
}

fn verdict_words<'t>(app: &App, theme: &'t Theme, reading: &LeaderReading) -> StyledText<'t> {
    let glyphs = theme.glyphs;
    let (meaning, text) = match reading.verdict {
        Verdict::One => (Meaning::Good, safe!("{} ONE", glyphs.pass)),
        Verdict::Many => (Meaning::Bad, safe!("{} MANY", glyphs.fail)),
        Verdict::None => (Meaning::Bad, safe!("{} NONE", glyphs.fail)),
        Verdict::Settling { until } => (
            Meaning::Waiting,
            safe!("{} SETTLING {}", glyphs.waiting, age::exact(app.clock.now, until)),
        ),
        Verdict::Unknown => (Meaning::Doubtful, safe!("{} UNKNOWN", glyphs.unknown)),
    };
    StyledText::new(theme).add(meaning, text)
}

/// What the lease row says; nothing where the service has no table of leases.
fn lease_words<'t>(app: &App, theme: &'t Theme, reading: &LeaderReading, terse: bool) -> StyledText<'t> {
    let words = StyledText::new(theme);
    if app.session.profile.leaders.lease_table.is_none() {
        return words;
    }
    let read = app
        .state
        .reading
        .as_ref()
        .is_some_and(|(_, reading)| reading.leases.is_ok());
    let Some(lease) = &reading.lease else {
        let text = if read { "no lease row" } else { "lease not read" };
        return words.add(Meaning::Doubtful, text);
    };
    let stale = source_error::is_stale(app, &SourceId::Database);
    if stale && terse {
        return words.add(Meaning::Doubtful, "lease stale");
    }
    let words = match (lease.live, lease.ttl_s) {
        (false, ttl) if ttl < 0 => {
            let ago = duration::clock(SignedDuration::from_secs(-ttl));
            words.add(Meaning::Bad, safe!("lease ran out {ago} ago"))
        }
        (false, _) => words.add(Meaning::Bad, "lease has no holder"),
        (true, ttl) => live_lease(words, ttl, renewed(reading.verdict, lease), terse),
    };
    if stale {
        words.over(Meaning::Stale).add(Meaning::Doubtful, " (stale)")
    } else {
        words
    }
}

/// Whether the lease is being renewed. Where nobody leads, an end that advanced a while ago was moved by a process that is gone: then
/// only what is left of it counts.
fn renewed(verdict: Verdict, lease: &LeaseReading) -> Option<bool> {
    let led = !matches!(verdict, Verdict::None | Verdict::Settling { .. });
    lease.advancing.filter(|advancing| led || !advancing)
}

/// A lease that is being renewed, or has long to go, is told in tens of seconds: that it lives is what counts.
fn live_lease(words: StyledText<'_>, ttl_s: i64, advancing: Option<bool>, terse: bool) -> StyledText<'_> {
    let brief = |seconds| duration::brief(SignedDuration::from_secs(seconds));
    let tens = ttl_s / 10 * 10;
    let lease = if terse { "" } else { "lease " };
    match advancing {
        Some(true) => words.add(Meaning::Text, safe!("{lease}{}, advancing", brief(tens))),
        Some(false) => words.add(Meaning::Doubtful, safe!("{lease}{}, not renewed", brief(ttl_s))),
        None if ttl_s >= 60 => words.add(Meaning::Text, safe!("{lease}{}", brief(tens))),
        None => words.add(Meaning::Text, safe!("{lease}{}", brief(ttl_s))),
    }
}

/// Titles without the ending that all share: `Cluster`, `Kafka`.
pub(crate) fn short_titles(titles: &[SafeText]) -> Vec<SafeText> {
    let shared = shared_ending(titles);
    titles
        .iter()
        .map(|title| SafeText::from(&title[..title.len() - shared]))
        .collect()
}

/// Bytes of the ending, from a capital letter on, that all titles share and that is none of them whole.
fn shared_ending(titles: &[SafeText]) -> usize {
    let Some((first, others)) = titles.split_first() else {
        return 0;
    };
    if others.is_empty() {
        return 0;
    }
    let ending = |(at, c): (usize, char)| (at > 0 && c.is_uppercase()).then(|| &first[at..]);
    let shared = |ending: &&str| {
        others
            .iter()
            .all(|title| title.len() > ending.len() && title.ends_with(*ending))
    };
    first
        .char_indices()
        .filter_map(ending)
        .find(shared)
        .map_or(0, str::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_lose_the_ending_they_share() {
        let short = |titles: [&str; 2]| short_titles(&titles.map(SafeText::from));
        assert_eq!(short(["ClusterManager", "KafkaManager"]), ["Cluster", "Kafka"]);
        assert_eq!(
            short(["ClusterManager", "Manager"]),
            ["ClusterManager", "Manager"]
        );
        assert_eq!(short(["Éa", "Öa"]), ["Éa", "Öa"]);
        assert_eq!(short_titles(&["KafkaManager".into()]), ["KafkaManager"]);
    }
}
