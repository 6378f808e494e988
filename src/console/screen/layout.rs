//! Where everything is, from the size of the screen and what is to be shown.
//!
//! ```text
//! identity ─────────────────────────────────────────────────
//! (in a replay: where it is) ───────────────────────────────
//! ┌ Pods ───────────────────────────┐┌ SOP ────────────────┐
//! │                                 ││                     │
//! ├ Leaders ────────────────────────┤│                     │
//! │                                 │├ Database ───────────┤
//! ├ Logs ───────────────────────────┤│                     │
//! │                                 ││                     │
//! └─────────────────────────────────┘└─────────────────────┘
//! recommendation bar ───────────────────────────────────────
//! footer ───────────────────────────────────────────────────
//! ```
//!
//! Regions of one column share the line between them. Zoomed, or on a screen smaller than [`FOUR_PANES`], the focused pane has the
//! whole middle (the pods keep the leaders under them); smaller than [`SMALLEST`] nothing is drawn but a word that says so.

use ratatui::layout::Rect;

use crate::app::App;
use crate::panes::Pane;

/// The smallest screen with four panes: columns, rows.
pub const FOUR_PANES: (u16, u16) = (80, 24);

/// The smallest screen with anything: columns, rows.
pub const SMALLEST: (u16, u16) = (40, 10);

/// Cells that the right column wants at most: what the SOP and the database need.
const RIGHT_AT_MOST: u16 = 72;

/// What a framed region shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// One of the four panes.
    Pane(Pane),
    /// The strip of leaders.
    Leaders,
}

/// A framed region. Its area has the frame in it; a line that it shares with a neighbour is in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// What it shows.
    pub content: Content,
    /// With its frame.
    pub area: Rect,
    /// Whether it shares its upper line.
    pub above: bool,
    /// Whether it shares its lower line.
    pub below: bool,
}

impl Region {
    /// What is within the frame.
    pub fn inner(&self) -> Rect {
        let Rect { x, y, width, height } = self.area;
        Rect {
            x: x.saturating_add(1),
            y: y.saturating_add(1),
            width: width.saturating_sub(2),
            height: height.saturating_sub(2),
        }
    }
}

/// The places of everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regions {
    /// Who, where, since when.
    pub identity: Rect,
    /// In a replay: where it is, and whether all is found as recorded.
    pub replay: Option<Rect>,
    /// The framed ones.
    pub framed: Vec<Region>,
    /// The one thing to say.
    pub bar: Rect,
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

/// Whether a screen is too small for four panes: dialogs take all of it then.
pub fn is_small(area: Rect) -> bool {
    area.width < FOUR_PANES.0 || area.height < FOUR_PANES.1
}

/// Lays out the screen.
pub fn plan(area: Rect, app: &App) -> Plan {
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        return Plan::TooSmall;
    }
    let row = |y| Rect { y, height: 1, ..area };
    let replay = app.player.as_ref().map(|_| row(area.y + 1));
    let above = 1 + u16::from(replay.is_some());
    let middle = Rect {
        y: area.y + above,
        height: area.height - above - 2,
        ..area
    };
    let framed = if app.panes.zoomed || is_small(area) {
        one_pane(middle, app)
    } else {
        four_panes(middle, app)
    };
    Plan::Console(Regions {
        identity: row(area.y),
        replay,
        framed,
        bar: row(area.bottom() - 2),
        footer: row(area.bottom() - 1),
    })
}

fn one_pane(area: Rect, app: &App) -> Vec<Region> {
    let leaders = leader_rows(app);
    if app.panes.focus == Pane::Pods && area.height >= leaders + 8 {
        let pods = area.height - leaders - 3;
        return stacked(
            area,
            &[(Content::Pane(Pane::Pods), pods), (Content::Leaders, leaders)],
        );
    }
    stacked(area, &[(Content::Pane(app.panes.focus), area.height)])
}

fn four_panes(area: Rect, app: &App) -> Vec<Region> {
    // On a narrow screen the log needs the room more.
    let share = if area.width < 110 {
        area.width.saturating_mul(9) / 20
    } else {
        area.width / 2
    };
    let right = share.clamp(38, RIGHT_AT_MOST);
    let left = area.width - right;
    let column = |x, width| Rect { x, width, ..area };
    let mut regions = left_column(column(area.x, left), app);
    regions.extend(right_column(column(area.x + left, right), app));
    regions
}

fn left_column(area: Rect, app: &App) -> Vec<Region> {
    let leaders = leader_rows(app).min(area.height / 5);
    let strip = u16::from(crate::panes::pods::vitals::has_room(area.height));
    let listed = app.state.pods.len().max(2) + crate::panes::pods::others::rows(app);
    let wanted = rows(listed + 1) + error_rows(app) + strip;
    let pods = wanted.min(area.height / 3);
    let contents = [
        (Content::Pane(Pane::Pods), pods),
        (Content::Leaders, leaders),
        (Content::Pane(Pane::Logs), 0),
    ];
    stacked(area, &contents)
}

fn right_column(area: Rect, app: &App) -> Vec<Region> {
    let referred = usize::from(app.sop().is_some_and(|sop| sop.steps_from.is_some()));
    let wanted = rows(app.steps().len().max(3) + referred);
    let grid = app.grid();
    let tables = app
        .session
        .profile
        .database
        .as_ref()
        .map_or(0, |database| database.tables.len());
    let database = rows(grid.len().max(4) + tables);
    let room = area.height.saturating_sub(3);
    let sop = wanted.min(room.saturating_sub(database.min(room / 2)));
    stacked(
        area,
        &[
            (Content::Pane(Pane::Sop), sop),
            (Content::Pane(Pane::Database), 0),
        ],
    )
}

fn rows(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

fn leader_rows(app: &App) -> u16 {
    rows(app.session.profile.leaders.workers.len().clamp(1, 6))
}

/// What fails gets lines of its own below the pods, so that it does not push a pod out.
fn error_rows(app: &App) -> u16 {
    if crate::screen::source_error::of_cluster(app).is_empty() {
        0
    } else {
        2
    }
}

/// One region under the other with inner rows as told; the last has what is left.
fn stacked(area: Rect, contents: &[(Content, u16)]) -> Vec<Region> {
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
            above: index > 0,
            below: !last,
        });
        y = (y + height).saturating_sub(1);
    }
    regions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::fixture;

    #[test]
    fn regions_stay_within_any_screen_and_share_only_lines() {
        let mut app = fixture::well();
        for (width, height) in [
            (40, 10),
            (79, 50),
            (80, 24),
            (100, 30),
            (120, 40),
            (300, 90),
            (u16::MAX, 24),
        ] {
            for zoomed in [false, true] {
                app.panes.zoomed = zoomed;
                let area = Rect::new(0, 0, width, height);
                let Plan::Console(regions) = plan(area, &app) else {
                    panic!("{width}x{height}");
                };
                for region in &regions.framed {
                    assert_eq!(
                        region.area.intersection(area),
                        region.area,
                        "{width}x{height} {region:?}"
                    );
                    assert!(region.inner().height > 0, "{width}x{height} {region:?}");
                }
            }
        }
    }

    #[test]
    fn four_panes_from_80_by_24_on_one_below_none_below_40_by_10() {
        let app = fixture::well();
        let count = |width, height| match plan(Rect::new(0, 0, width, height), &app) {
            Plan::TooSmall => 0,
            Plan::Console(regions) => regions.framed.len(),
        };
        assert_eq!(
            [count(80, 24), count(79, 24), count(80, 23), count(40, 10)],
            [5, 1, 1, 1]
        );
        assert_eq!([count(39, 10), count(40, 9)], [0, 0]);
    }
}
