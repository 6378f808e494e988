//! Where everything is, from the size of the screen and what is to be shown.
//!
//! From [`SIDE_BY_SIDE`] columns on, the panes stand side by side, each as high as its content needs, and the log has the rest:
//!
//! ```text
//! header ───────────────────────────────────────────────────
//! (in a replay: where it is) ───────────────────────────────
//! recommendation, as many lines as it needs ────────────────
//! ┌ SOP ────────────────────────────┐┌ Pods ───────────────┐
//! │                                 │├ Leaders ────────────┤
//! │                                 │├ Database ───────────┤
//! ├ Logs ───────────────────────────┴┴─────────────────────┤
//! └────────────────────────────────────────────────────────┘
//! footer ───────────────────────────────────────────────────
//! ```
//!
//! On a narrower screen they are stacked at full width under a rule each: the SOP, a line for pods and leaders, a line for the database,
//! the log. The pane with the focus is shown whole there. Zoomed, it has the whole middle. Smaller than [`SMALLEST`] nothing is drawn but
//! a word that says so.

use ratatui::layout::Rect;

use crate::app::App;
use crate::panes::{self, Pane};
use crate::screen::recommendation_bar;
use crate::style::theme::Theme;

/// Columns from which panes stand side by side.
pub const SIDE_BY_SIDE: u16 = 100;

/// The least height of the middle in which panes stand side by side.
const SIDE_BY_SIDE_ROWS: u16 = 16;

/// The least height of the middle in which all panes are stacked.
const STACKED_ROWS: u16 = 10;

/// A smaller screen gives all of it to a dialog: columns, rows.
pub const ROOMY: (u16, u16) = (80, 24);

/// The smallest screen with anything: columns, rows.
pub const SMALLEST: (u16, u16) = (40, 10);

/// What a region shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// One of the four panes.
    Pane(Pane),
    /// One of the four panes, in as few lines as tell what counts.
    Summary(Pane),
    /// The strip of leaders.
    Leaders,
}

/// What is around a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Lines on all sides, of which the upper and the lower may be shared with a neighbour.
    Box {
        /// Whether it shares its upper line.
        above: bool,
        /// Whether it shares its lower line.
        below: bool,
    },
    /// A line above it.
    Rule,
    /// Nothing.
    None,
}

/// A part of the screen. Its area has the frame in it; a line that it shares with a neighbour is in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// What it shows.
    pub content: Content,
    /// With its frame.
    pub area: Rect,
    /// What is around it.
    pub frame: Frame,
}

impl Region {
    /// What is within the frame.
    pub fn inner(&self) -> Rect {
        let Rect { x, y, width, height } = self.area;
        match self.frame {
            Frame::Box { .. } => Rect {
                x: x.saturating_add(1),
                y: y.saturating_add(1),
                width: width.saturating_sub(2),
                height: height.saturating_sub(2),
            },
            Frame::Rule => Rect {
                y: y.saturating_add(1),
                height: height.saturating_sub(1),
                ..self.area
            },
            Frame::None => self.area,
        }
    }
}

/// The places of everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regions {
    /// Who, where, which SOP, since when.
    pub header: Rect,
    /// In a replay: where it is, and whether all is found as recorded.
    pub replay: Option<Rect>,
    /// What to do and why.
    pub bar: Rect,
    /// The most lines that it may have.
    pub bar_most: usize,
    /// The panes.
    pub panes: Vec<Region>,
    /// Where a side ends on the line below it: column and row.
    pub joints: Vec<(u16, u16)>,
    /// The keys.
    pub footer: Rect,
}

/// What can be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// A word that says so.
    TooSmall,
    /// The console.
    Console(Regions),
}

/// Whether a screen is so small that a dialog takes all of it.
pub fn is_small(area: Rect) -> bool {
    area.width < ROOMY.0 || area.height < ROOMY.1
}

/// The place of the header on a screen; `None` on one that is too small.
pub fn header(area: Rect) -> Option<Rect> {
    let is_enough = area.width >= SMALLEST.0 && area.height >= SMALLEST.1;
    is_enough.then_some(Rect { height: 1, ..area })
}

/// Lays out the screen.
pub fn plan(area: Rect, app: &App, theme: &Theme) -> Plan {
    let Some(header) = header(area) else {
        return Plan::TooSmall;
    };
    let rows_at = |y, height| Rect { y, height, ..area };
    let replay = app.player.as_ref().map(|_| rows_at(area.y + 1, 1));
    let above = 1 + u16::from(replay.is_some());
    let bar_most = bar_lines(area.height);
    let bar = recommendation_bar::lines(app, theme, usize::from(area.width), bar_most);
    let bar = rows_at(area.y + above, rows(bar.len()));
    let middle = Rect {
        y: bar.bottom(),
        height: area.bottom().saturating_sub(bar.bottom() + 1),
        ..area
    };
    let (panes, joints) = if app.panes.zoomed {
        (zoomed(middle, app, theme), Vec::new())
    } else if area.width >= SIDE_BY_SIDE && middle.height >= SIDE_BY_SIDE_ROWS {
        side_by_side(middle, app, theme)
    } else {
        (stacked(middle, app, theme), Vec::new())
    };
    Plan::Console(Regions {
        header,
        replay,
        bar,
        bar_most,
        panes,
        joints,
        footer: rows_at(area.bottom() - 1, 1),
    })
}

/// The most lines of the recommendation on a screen of so many rows.
fn bar_lines(height: u16) -> usize {
    match height {
        0..=13 => 1,
        14..=19 => 2,
        20..=35 => 4,
        _ => 6,
    }
}

fn zoomed(area: Rect, app: &App, theme: &Theme) -> Vec<Region> {
    let boxed = |content, area| Region {
        content,
        area,
        frame: Frame::Box {
            above: false,
            below: false,
        },
    };
    let leaders = leader_rows(app, theme, area.width);
    if app.panes.focus == Pane::Pods && area.height >= leaders + 8 {
        return column(
            area,
            &[
                (Content::Pane(Pane::Pods), area.height - leaders - 3),
                (Content::Leaders, leaders),
            ],
            false,
        );
    }
    vec![boxed(Content::Pane(app.panes.focus), area)]
}

/// The SOP on the left, what its steps rest on to the right, the log below them.
fn side_by_side(area: Rect, app: &App, theme: &Theme) -> (Vec<Region>, Vec<(u16, u16)>) {
    let left = u16::try_from(u32::from(area.width) * 11 / 20).unwrap_or(u16::MAX);
    let right = area.width - left;
    let (narrow, wide) = (usize::from(left) - 2, usize::from(right) - 2);
    let sop = rows(panes::sop::wanted(app, theme, narrow));
    let pods = rows(panes::pods::wanted(app, theme, wide));
    let leaders = leader_rows(app, theme, right - 2);
    let database = rows(panes::database::wanted(app, theme, wide));
    let logs = least_log(area.height, app);
    let most = area.height.saturating_sub(logs);
    // The lines around a column: one above each region, and the one that it shares with the log.
    let upper = (sop + 2).max(pods + leaders + database + 4).min(most);
    let room = upper.saturating_sub(4 + leaders);
    // Where not all fits the vital signs under the pods go first, then the database scrolls.
    let pods = if pods + database <= room {
        pods
    } else {
        (pods - 1).min((room * 2 / 3).max(room.saturating_sub(database)))
    };
    let columns = [
        (area.x, left, vec![(Content::Pane(Pane::Sop), 0)]),
        (
            area.x + left,
            right,
            vec![
                (Content::Pane(Pane::Pods), pods),
                (Content::Leaders, leaders),
                (Content::Pane(Pane::Database), 0),
            ],
        ),
    ];
    let mut regions = Vec::new();
    for (x, width, contents) in columns {
        let of_column = Rect {
            x,
            width,
            height: upper,
            ..area
        };
        regions.extend(column(of_column, &contents, true));
    }
    let line = area.y + upper.saturating_sub(1);
    regions.push(Region {
        content: Content::Pane(Pane::Logs),
        area: Rect {
            y: line,
            height: area.bottom().saturating_sub(line),
            ..area
        },
        frame: Frame::Box {
            above: true,
            below: false,
        },
    });
    let side = area.x + left;
    (regions, vec![(side - 1, line), (side, line)])
}

/// Rows that are not taken yet.
struct RowsLeft(u16);

impl RowsLeft {
    /// As many as are wanted, but for those that the regions below keep.
    fn take(&mut self, wanted: u16, kept: u16) -> u16 {
        let taken = wanted.min(self.0.saturating_sub(kept));
        self.0 -= taken;
        taken
    }
}

/// One region under the other at full width, each under a rule. The pane with the focus is whole, pods and database are lines otherwise.
fn stacked(area: Rect, app: &App, theme: &Theme) -> Vec<Region> {
    let width = usize::from(area.width);
    let focus = app.panes.focus;
    if area.height < STACKED_ROWS && focus != Pane::Sop {
        return focus_alone(area, app, theme);
    }
    let pods_lines = rows(panes::pods::summary::lines(app, theme, width).len());
    let database_lines = rows(panes::database::summary::lines(app, theme, width).len());
    let sop = 1 + rows(if focus == Pane::Sop {
        panes::sop::wanted(app, theme, width)
    } else {
        panes::sop::wanted_folded(app, theme, width)
    });
    let mut left = RowsLeft(area.height);
    let sop = left.take(sop, kept_below_sop(area, app, theme, pods_lines + database_lines));
    let mut regions = vec![(Content::Pane(Pane::Sop), sop, Frame::Rule)];
    if focus == Pane::Pods {
        let pods = 1 + rows(panes::pods::wanted(app, theme, width));
        let leaders = 1 + leader_rows(app, theme, area.width);
        let pods = left.take(pods, LEAST_STACKED_LOG + leaders);
        regions.push((Content::Pane(Pane::Pods), pods, Frame::Rule));
        let leaders = left.take(leaders, LEAST_STACKED_LOG);
        regions.push((Content::Leaders, leaders, Frame::Rule));
    } else {
        let pods = left.take(pods_lines, LEAST_STACKED_LOG);
        regions.push((Content::Summary(Pane::Pods), pods, Frame::None));
    }
    if focus == Pane::Database {
        let database = 1 + rows(panes::database::wanted(app, theme, width));
        let database = left.take(database, LEAST_STACKED_LOG);
        regions.push((Content::Pane(Pane::Database), database, Frame::Rule));
    } else {
        let database = left.take(database_lines, LEAST_STACKED_LOG);
        regions.push((Content::Summary(Pane::Database), database, Frame::None));
    }
    regions.push((Content::Pane(Pane::Logs), left.0, Frame::Rule));
    one_below_the_other(area, regions)
}

/// Rows that the log keeps at least below stacked panes: lines under its rule.
const LEAST_STACKED_LOG: u16 = 3;

/// Rows that the log, the summaries and the pane with the focus keep, however many the SOP above them wants.
fn kept_below_sop(area: Rect, app: &App, theme: &Theme, summaries: u16) -> u16 {
    let width = usize::from(area.width);
    let focus = app.panes.focus;
    let log = area.height / if focus == Pane::Logs { 3 } else { 4 };
    let focused = match focus {
        Pane::Pods => rows(panes::pods::wanted(app, theme, width)) + leader_rows(app, theme, area.width) + 2,
        Pane::Database => rows(panes::database::wanted(app, theme, width)) + 1,
        Pane::Logs | Pane::Sop => 0,
    };
    LEAST_STACKED_LOG.max(log) + summaries.min(area.height / 6) + focused.min(area.height * 2 / 5)
}

/// Regions with their heights, from the top on; one that has no row inside is left out.
fn one_below_the_other(area: Rect, regions: Vec<(Content, u16, Frame)>) -> Vec<Region> {
    let mut y = area.y;
    let mut placed = Vec::with_capacity(regions.len());
    for (content, height, frame) in regions {
        let region = Region {
            content,
            area: Rect { y, height, ..area },
            frame,
        };
        y += height;
        if region.inner().height > 0 {
            placed.push(region);
        }
    }
    placed
}

/// The SOP's failing steps and the pane with the focus, where there is no room for more.
fn focus_alone(area: Rect, app: &App, theme: &Theme) -> Vec<Region> {
    let steps = rows(panes::sop::wanted_folded(app, theme, usize::from(area.width)));
    let sop = (1 + steps).min(area.height / 2);
    let region = |content, y, height| Region {
        content,
        area: Rect { y, height, ..area },
        frame: Frame::Rule,
    };
    vec![
        region(Content::Pane(Pane::Sop), area.y, sop),
        region(Content::Pane(app.panes.focus), area.y + sop, area.height - sop),
    ]
}

/// Rows that the log keeps at least, with its frame.
fn least_log(height: u16, app: &App) -> u16 {
    let share = if app.panes.focus == Pane::Logs {
        height * 2 / 5
    } else {
        height / 3
    };
    // A short log leaves its rows to the panes above it.
    let lines = rows(app.logs.buffer.shown().len());
    share.min(lines.saturating_add(LOG_FRAME)).max(6)
}

/// Rows around the lines of the log: its frame, and one for a source that fails.
const LOG_FRAME: u16 = 3;

fn rows(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

fn leader_rows(app: &App, theme: &Theme, width: u16) -> u16 {
    rows(panes::leaders::wanted(app, theme, usize::from(width)))
}

/// One boxed region under the other with so many inner rows; the last has what is left. `shared`: whether its lower line is a neighbour's.
fn column(area: Rect, contents: &[(Content, u16)], shared: bool) -> Vec<Region> {
    let mut y = area.y;
    let mut regions = Vec::with_capacity(contents.len());
    for (index, (content, inner)) in contents.iter().enumerate() {
        let last = index + 1 == contents.len();
        let left = area.bottom().saturating_sub(y);
        let height = if last {
            left
        } else {
            inner.saturating_add(2).min(left)
        };
        regions.push(Region {
            content: *content,
            area: Rect { y, height, ..area },
            frame: Frame::Box {
                above: index > 0,
                below: !last || shared,
            },
        });
        y = (y + height).saturating_sub(1);
    }
    regions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::fixture;

    fn regions(app: &App, (width, height): (u16, u16)) -> Option<Regions> {
        match plan(Rect::new(0, 0, width, height), app, Theme::plain()) {
            Plan::TooSmall => None,
            Plan::Console(regions) => Some(regions),
        }
    }

    const SIZES: [(u16, u16); 9] = [
        (40, 10),
        (60, 40),
        (79, 50),
        (80, 24),
        (99, 24),
        (100, 30),
        (120, 40),
        (300, 90),
        (u16::MAX, 24),
    ];

    #[test]
    fn regions_stay_within_any_screen_and_each_has_a_row() {
        let mut app = fixture::well();
        for size in SIZES {
            for focus in Pane::ALL {
                for zoomed in [false, true] {
                    app.panes.focus = focus;
                    app.panes.zoomed = zoomed;
                    let area = Rect::new(0, 0, size.0, size.1);
                    let regions = regions(&app, size).expect("large enough");
                    for region in &regions.panes {
                        assert_eq!(region.area.intersection(area), region.area, "{size:?} {region:?}");
                        assert!(region.inner().height > 0, "{size:?} {region:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_pane_with_the_focus_is_always_there_with_rows_to_read() {
        // Without a reading the database has one row to say so.
        for (mut app, wanted) in [
            (fixture::well(), 2),
            (fixture::no_leader(), 2),
            (fixture::silent(), 1),
        ] {
            for size in SIZES {
                for focus in Pane::ALL {
                    app.panes.focus = focus;
                    let regions = regions(&app, size).expect("large enough");
                    let mut shown = regions.panes.iter();
                    let region = shown.find(|region| region.content == Content::Pane(focus));
                    let rows = region.map_or(0, |region| region.inner().height);
                    let least = if size.1 < 24 { 1 } else { wanted };
                    assert!(rows >= least, "{size:?} {focus:?}: {rows} rows");
                }
            }
        }
    }

    #[test]
    fn side_by_side_from_100_columns_on_stacked_below_and_nothing_below_40_by_10() {
        let app = fixture::well();
        let boxed = |size| {
            let regions = regions(&app, size)?;
            let is_box = |region: &Region| matches!(region.frame, Frame::Box { .. });
            Some(regions.panes.iter().filter(|region| is_box(region)).count())
        };
        assert_eq!(
            [
                boxed((100, 30)),
                boxed((99, 30)),
                boxed((80, 24)),
                boxed((40, 10))
            ],
            [Some(5), Some(0), Some(0), Some(0)]
        );
        assert_eq!([boxed((39, 10)), boxed((40, 9))], [None, None]);
    }
}
