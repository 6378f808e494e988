//! The leaders: for each worker who leads, who led over the last minutes, and what that rests on.

use ratatui::buffer::Buffer;

use crate::app::App;
use crate::screen::borders;
use crate::screen::layout::Region;
use crate::screen::source_error;
use crate::style::styled_text;
use crate::style::styled_text::StyledText;
use crate::style::theme::{Meaning, Theme};
use jiff::SignedDuration;
use sopwatch_core::diagnose::leaders::{Awaited, LeaderReading, LeaseReading, Led, Verdict, led_over};
use sopwatch_core::diagnose::steps::Check;
use sopwatch_core::observe::observation::short_name;
use sopwatch_core::observe::source::SourceId;
use sopwatch_core::safe;
use sopwatch_core::text::{SafeText, duration};

/// How far back a strip goes.
pub const WINDOW: SignedDuration = SignedDuration::from_mins(15);

/// Fewer cells show nothing of fifteen minutes.
const LEAST_STRIP: usize = 8;

/// The most cells of a strip in the pane: a quarter of a minute each.
const MOST_STRIP: usize = 60;

/// Workers that have a row of evidence each; more have one row each and no evidence.
const WITH_EVIDENCE: usize = 3;

pub(crate) fn render(app: &App, theme: &Theme, region: &Region, buffer: &mut Buffer) {
    borders::title(region, false, Vec::new(), theme, buffer);
    let inner = region.inner();
    let lines = lines(app, theme, usize::from(inner.width), usize::from(inner.height));
    styled_text::draw_lines(lines, inner, buffer);
}

/// Rows that the leaders want in so many columns.
pub(crate) fn wanted(app: &App, theme: &Theme, width: usize) -> usize {
    lines(app, theme, width, MOST_ROWS).len().clamp(1, MOST_ROWS)
}

/// The most rows that the pane wants.
const MOST_ROWS: usize = 8;

/// The readings, those of the SOP's own workers first: where there is room for few, theirs are shown.
pub(crate) fn in_order(app: &App) -> Vec<&LeaderReading> {
    let steps = app.steps();
    let place = |reading: &&LeaderReading| {
        let is_its = |check: &Check| matches!(check, Check::Leader(one) if one.worker == reading.log_type);
        let place = steps.iter().position(|(_, step)| is_its(&step.check));
        place.unwrap_or(steps.len())
    };
    let mut readings: Vec<_> = app.diagnosis.leaders.iter().collect();
    readings.sort_by_key(place);
    readings
}

/// The lines for so many rows. Where nobody is known to lead and the evidence is too long for one row it has two, if there is room.
fn lines<'t>(app: &App, theme: &'t Theme, width: usize, height: usize) -> Vec<StyledText<'t>> {
    let whole = all_lines(app, theme, width, true);
    if whole.len() > height {
        all_lines(app, theme, width, false)
    } else {
        whole
    }
}

fn all_lines<'t>(app: &App, theme: &'t Theme, width: usize, wraps: bool) -> Vec<StyledText<'t>> {
    let readings = in_order(app);
    if readings.is_empty() {
        return silent_lines(app, theme);
    }
    let titles: Vec<_> = readings.iter().map(|reading| reading.worker.clone()).collect();
    let titles = short_titles(&titles);
    let verdicts: Vec<_> = readings
        .iter()
        .map(|reading| verdict_words(app, theme, reading))
        .collect();
    let title = widest(&titles);
    let verdict = verdicts.iter().map(StyledText::width).max().unwrap_or(0);
    let strip = width
        .saturating_sub(1 + title + 1 + 2 + verdict + 1)
        .min(MOST_STRIP);
    let mut lines = Vec::new();
    if strip >= LEAST_STRIP {
        lines.push(axis(theme, 1 + title + 1, strip));
    }
    for ((reading, title_words), verdict) in readings.iter().copied().zip(&titles).zip(verdicts) {
        let mut line = StyledText::new(theme)
            .gap(1)
            .column(Meaning::Text, title_words, title)
            .gap(1);
        if strip >= LEAST_STRIP {
            line = line.join(strip_of(app, theme, reading, strip)).gap(2);
        }
        lines.push(line.join(verdict));
        if readings.len() <= WITH_EVIDENCE {
            let indent = 1 + title + 1;
            let evidence = evidence(app, theme, reading, width.saturating_sub(indent), wraps);
            let indented = |line| StyledText::new(theme).gap(indent).join(line);
            lines.extend(evidence.into_iter().map(indented));
        }
    }
    lines
}

/// `-15m ──── now` over the strips.
fn axis(theme: &Theme, before: usize, cells: usize) -> StyledText<'_> {
    let (from, to) = (safe!("-{}", duration::brief(WINDOW)), "now");
    let between = cells.saturating_sub(from.len() + to.len());
    StyledText::new(theme)
        .gap(before)
        .add(Meaning::Faint, from)
        .gap(between)
        .add(Meaning::Faint, to)
}

/// What a cell of a strip shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cell {
    /// No log tells who led.
    Unseen,
    Nobody,
    Several,
    /// The pod in this place of the legend; the first is the one that leads now.
    Led(usize),
}

impl Cell {
    fn sign(self, theme: &Theme) -> &'static str {
        let glyphs = theme.glyphs;
        match self {
            Self::Unseen => glyphs.unseen,
            Self::Nobody => glyphs.gap,
            Self::Several => glyphs.two_led,
            Self::Led(place) => glyphs.led[if place < 3 { place } else { 1 + place % 2 }],
        }
    }

    fn meaning(self) -> Meaning {
        match self {
            Self::Unseen => Meaning::Faint,
            Self::Nobody | Self::Several => Meaning::Bad,
            Self::Led(0) => Meaning::Good,
            Self::Led(_) => Meaning::Pod,
        }
    }
}

/// The cells of a strip, and the pods that led by their places.
fn cells_of(
    app: &App,
    reading: &LeaderReading,
    window: SignedDuration,
    count: usize,
) -> (Vec<Cell>, Vec<(usize, String)>) {
    let leader = reading.pod.as_deref().map(short_name);
    let (state, profile) = (&app.state, &app.session.profile);
    let strip = led_over(state, profile, reading, app.clock.now, window, count);
    // The pods in the order in which they led, that of now first. Where nobody leads now, the newest leader has the second sign: the
    // first is that of who leads.
    let mut pods: Vec<String> = leader.map(str::to_owned).into_iter().collect();
    for led in strip.iter().rev() {
        if let Led::One(pod) = led
            && !pods.contains(&pod.to_string())
        {
            pods.push(pod.to_string());
        }
    }
    let first = usize::from(leader.is_none());
    let cell = |led: &Led| match led {
        Led::Unseen => Cell::Unseen,
        Led::Nobody => Cell::Nobody,
        Led::Several => Cell::Several,
        Led::One(pod) => {
            let place = pods.iter().position(|known| *known == **pod);
            Cell::Led(first + place.unwrap_or(0))
        }
    };
    let cells = strip.iter().map(cell).collect();
    let places = pods.into_iter().enumerate();
    (cells, places.map(|(place, pod)| (first + place, pod)).collect())
}

/// Who led a worker over the last minutes: a sign for the pod that leads now, others for others, for nobody and for what nobody saw.
pub(crate) fn strip_of<'t>(
    app: &App,
    theme: &'t Theme,
    reading: &LeaderReading,
    cells: usize,
) -> StyledText<'t> {
    let (cells, _) = cells_of(app, reading, WINDOW, cells);
    let mut line = StyledText::new(theme);
    let mut run = (Meaning::Faint, String::new());
    for cell in cells {
        if cell.meaning() != run.0 {
            line = line.add(run.0, theme.clean(run.1));
            run = (cell.meaning(), String::new());
        }
        run.1.push_str(cell.sign(theme));
    }
    line.add(run.0, theme.clean(run.1))
}

/// How far back a leader's page goes.
pub const LONG_WINDOW: SignedDuration = SignedDuration::from_hours(1);

/// Cells of the strip on a leader's page: a minute each.
const LONG_STRIP: usize = 60;

/// The last hour of a worker's leaders, for its page: the axis, the strip, and what its signs mean.
pub(crate) fn long_strip(app: &App, reading: &LeaderReading) -> Vec<SafeText> {
    let theme = Theme::plain();
    let (cells, pods) = cells_of(app, reading, LONG_WINDOW, LONG_STRIP);
    let from = safe!("-{}", duration::brief(LONG_WINDOW));
    let gap = LONG_STRIP.saturating_sub(from.len() + "now".len());
    let strip: String = cells.iter().map(|cell| cell.sign(theme)).collect();
    let mut legend: Vec<SafeText> = pods
        .iter()
        .map(|(place, pod)| safe!("{} {pod}", Cell::Led(*place).sign(theme)))
        .collect();
    for (cell, words) in [
        (Cell::Nobody, "no leader"),
        (Cell::Several, "two leaders"),
        (Cell::Unseen, "no data"),
    ] {
        if cells.contains(&cell) {
            legend.push(safe!("{} {words}", cell.sign(theme)));
        }
    }
    vec![
        safe!("{from}{:gap$}now", ""),
        strip.into(),
        legend.join("   ").into(),
    ]
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
        let unknown = safe!("{} no evidence yet", theme.glyphs.unknown);
        StyledText::new(theme)
            .gap(1)
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

/// What the verdict rests on: what the logs say, what the lease says. Where one row is too short for both, and `wraps` is not wanted, the lease
/// comes first: it decides, and is not cut.
fn evidence<'t>(
    app: &App,
    theme: &'t Theme,
    reading: &LeaderReading,
    room: usize,
    wraps: bool,
) -> Vec<StyledText<'t>> {
    let lease = lease_words(app, theme, reading);
    let log = &reading.log_unnamed;
    let log_line = || StyledText::new(theme).add(Meaning::Faint, log);
    let dot = safe!(" {} ", theme.glyphs.dot);
    match (log.is_empty(), lease.width()) {
        (_, 0) => return vec![log_line()],
        (true, _) => return vec![lease],
        (false, _) => {}
    }
    let fits = log_line().width() + styled_text::width(&dot) + lease.width() <= room;
    // Who leads is in the row above. What shows it changes in length with every age in it: the rows below must not jump for that.
    if fits || reading.verdict == Verdict::One {
        vec![log_line().add(Meaning::Faint, dot).join(lease)]
    } else if wraps {
        vec![log_line(), lease]
    } else {
        vec![lease.add(Meaning::Faint, dot).add(Meaning::Faint, log)]
    }
}

/// The pod that leads, or that none or several do.
pub(crate) fn verdict_words<'t>(app: &App, theme: &'t Theme, reading: &LeaderReading) -> StyledText<'t> {
    let glyphs = theme.glyphs;
    let (meaning, text) = match reading.verdict {
        Verdict::One => {
            let pod = reading.pod.as_deref().map_or("one leader", short_name);
            (Meaning::Good, safe!("{} {pod}", glyphs.pass))
        }
        Verdict::Many => (
            Meaning::Bad,
            safe!("{} {} LEADERS", glyphs.fail, reading.leading.len().max(2)),
        ),
        Verdict::None => (Meaning::Bad, safe!("{} NONE", glyphs.fail)),
        Verdict::Settling { until } => {
            let left = until.duration_since(app.clock.now).max(SignedDuration::ZERO);
            let left = duration::brief(left);
            let words = match reading.awaited {
                Awaited::Election => safe!("ELECTING, at most {left}"),
                Awaited::Leader => safe!("NOT CONFIRMED, at most {left}"),
                Awaited::Pod => "NONE YET".into(),
            };
            (Meaning::Waiting, safe!("{} {words}", glyphs.waiting))
        }
        Verdict::Unknown => (Meaning::Doubtful, safe!("{} NO DATA", glyphs.unknown)),
    };
    StyledText::new(theme).add(meaning, text)
}

/// What the lease row says; nothing where the service has no table of leases.
fn lease_words<'t>(app: &App, theme: &'t Theme, reading: &LeaderReading) -> StyledText<'t> {
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
    let words = match (lease.live, lease.ttl_s) {
        (false, ttl) if ttl < 0 => {
            let ago = duration::brief(SignedDuration::from_secs(-ttl));
            words.add(Meaning::Bad, safe!("lease expired {ago} ago"))
        }
        (false, _) => words.add(Meaning::Bad, "nobody holds the lease"),
        (true, ttl) => {
            let (meaning, text) = live_lease(ttl, renewed(reading.verdict, lease));
            words.add(meaning, text)
        }
    };
    if source_error::is_stale(app, &SourceId::Database) {
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

/// The time left of a lease that is being renewed, or has so long to go, is in tens of seconds: a figure that ticks draws the eye, and
/// each tick is a frame on a bad link.
fn live_lease(ttl_s: i64, advancing: Option<bool>) -> (Meaning, SafeText) {
    let brief = |seconds| duration::brief(SignedDuration::from_secs(seconds));
    let tens = brief(ttl_s / 10 * 10);
    match advancing {
        Some(true) => (Meaning::Text, safe!("lease renewed, {tens} left")),
        Some(false) => (
            Meaning::Doubtful,
            safe!("lease not renewed, {} left", brief(ttl_s)),
        ),
        None if ttl_s >= 20 => (Meaning::Text, safe!("lease {tens} left")),
        None => (Meaning::Text, safe!("lease {} left", brief(ttl_s))),
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
    use crate::screen::fixture::{self, leader, lease};
    use ratatui::layout::Rect;

    /// 19 and 20 seconds are the two sides of the limit.
    #[test]
    fn the_time_left_of_a_lease_ticks_only_near_its_end() {
        for (ttl_s, advancing, words) in [
            (49, None, "lease 40s left"),
            (20, None, "lease 20s left"),
            (19, None, "lease 19s left"),
            (119, None, "lease 1m50s left"),
            (49, Some(true), "lease renewed, 40s left"),
            (19, Some(true), "lease renewed, 10s left"),
            (49, Some(false), "lease not renewed, 49s left"),
        ] {
            assert_eq!(live_lease(ttl_s, advancing).1.as_str(), words);
        }
    }

    /// A line as it is drawn.
    fn drawn(line: StyledText<'_>) -> String {
        let area = Rect::new(0, 0, u16::try_from(line.width()).unwrap().max(1), 1);
        let mut buffer = Buffer::empty(area);
        line.draw(area, &mut buffer);
        let cells = buffer.content.iter().map(ratatui::buffer::Cell::symbol);
        cells.collect::<String>().trim_end().to_owned()
    }

    /// The pane's rows in so many columns and rows.
    fn pane(app: &App, width: usize, height: usize) -> Vec<String> {
        let lines = lines(app, Theme::plain(), width, height);
        lines.into_iter().map(drawn).collect()
    }

    #[test]
    fn evidence_that_is_too_long_for_a_row_has_two_where_nobody_is_known_to_lead() {
        let mut app = fixture::no_leader();
        let log = "none of 3 pods can read the lease";
        app.diagnosis.leaders[1] = leader("KafkaManager", Verdict::None, None, log, Some(lease(-433, false)));
        let rows = pane(&app, 50, 8);
        let has = |rows: &[String], words: &str| rows.iter().any(|row| row.trim() == words);
        assert!(
            has(&rows, log) && has(&rows, "lease expired 7m13s ago"),
            "{rows:#?}"
        );
        // without a row to spare, what decides is not cut
        let rows = pane(&app, 50, rows.len() - 1);
        let cut = rows.iter().find(|row| row.contains(log)).unwrap();
        assert!(cut.trim().starts_with("lease expired 7m13s ago"), "{cut}");
        let rows = pane(&app, 90, 8);
        assert!(
            rows.iter()
                .any(|row| row.trim().starts_with(log) && row.ends_with("lease expired 7m13s ago")),
            "{rows:#?}"
        );
    }

    #[test]
    fn the_workers_that_the_sop_asks_about_come_first() {
        let mut app = fixture::no_leader();
        let workers = |app: &App| -> Vec<String> {
            let readings = in_order(app).into_iter();
            readings.map(|reading| reading.worker.to_string()).collect()
        };
        assert_eq!(workers(&app), ["ClusterManager", "KafkaManager"]);
        let profile = std::sync::Arc::make_mut(&mut app.session.profile);
        profile.sops[0].steps.retain(|step| step != "cluster-leader");
        assert_eq!(workers(&app), ["KafkaManager", "ClusterManager"]);
    }

    #[test]
    fn what_is_waited_for_is_named() {
        let mut app = fixture::no_leader();
        let until = fixture::now() + SignedDuration::from_secs(72);
        for (awaited, words) in [
            (Awaited::Election, "ELECTING, at most 1m12s"),
            (Awaited::Leader, "NOT CONFIRMED, at most 1m12s"),
            (Awaited::Pod, "NONE YET"),
        ] {
            let mut reading = leader("KafkaManager", Verdict::Settling { until }, None, "", None);
            reading.awaited = awaited;
            app.diagnosis.leaders[1] = reading;
            let shown = drawn(verdict_words(&app, Theme::plain(), &app.diagnosis.leaders[1]));
            assert!(shown.ends_with(words), "{shown}");
        }
    }

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
