//! The first row: the environment and the namespace, read from the live connection, the SOP, the sources, and for how long.

use jiff::SignedDuration;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::App;
use crate::keymap::action::{Action, Context};
use crate::screen::layout::SIDE_BY_SIDE;
use crate::style::age;
use crate::style::styled_text;
use crate::style::styled_text::StyledText;
use crate::style::theme::{Meaning, Theme};
use sopwatch_core::observe::observation::Connection;
use sopwatch_core::observe::source::{Freshness, SourceId, SourceState};
use sopwatch_core::safe;
use sopwatch_core::text::{SafeText, duration};

/// A token that lives shorter than this is a warning: an incident may outlast it.
const TOKEN_SHORT: SignedDuration = SignedDuration::from_mins(30);

pub(crate) fn render(app: &App, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let whole = usize::from(area.width).saturating_sub(2);
    let wide = area.width >= SIDE_BY_SIDE;
    let forms: &[(Healthy, usize)] = if wide { &WIDE } else { &NARROW };
    let rights: Vec<_> = forms
        .iter()
        .map(|(healthy, alert)| {
            let pieces = right(app, theme, wide, (*healthy, *alert));
            let right = joined(styled_text::fit(pieces, 2, whole / 2), theme);
            let room = whole.saturating_sub(right.width() + 2);
            (right, room)
        })
        .collect();
    let rooms: Vec<_> = rights.iter().map(|(_, room)| *room).collect();
    let (left, form) = left(app, theme, &rooms);
    let Some((right, room)) = rights.into_iter().nth(form) else {
        return;
    };
    let left = left.cut(room);
    let between = (room + 2).saturating_sub(left.width());
    StyledText::new(theme)
        .gap(1)
        .join(left)
        .gap(between)
        .join(right)
        .draw(area, buffer);
}

fn joined<'t>(pieces: Vec<StyledText<'t>>, theme: &'t Theme) -> StyledText<'t> {
    let line = pieces.into_iter().reduce(|line, words| line.gap(2).join(words));
    line.unwrap_or_else(|| StyledText::new(theme))
}

/// How important a source is that answers.
const HEALTHY: u8 = 4;

/// Fewer cells for the namespace say nothing.
const NAMESPACE: usize = 8;

/// How much is said of the sources that are well.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Healthy {
    /// `● k8s  ● logs`.
    Named,
    /// `●●`.
    Signs,
    /// Nothing.
    Unsaid,
}

/// What stands at the right on a wide screen, from the most on: the sources and the cells of an alert's name, which stays whole there. Where
/// we are goes before the names of what is well.
const WIDE: [(Healthy, usize); 2] = [(Healthy::Named, usize::MAX), (Healthy::Signs, usize::MAX)];

/// The same on a narrow screen: the SOP's own name has to fit beside it.
const NARROW: [(Healthy, usize); 3] = [(Healthy::Unsaid, 18), (Healthy::Unsaid, 12), (Healthy::Unsaid, 8)];

/// Where we are and which SOP it is, and which of the rooms it fits into. The SOP stays at every size, by its id where its title does not
/// fit; the server, the user and the namespace give way to it.
fn left<'t>(app: &App, theme: &'t Theme, rooms: &[usize]) -> (StyledText<'t>, usize) {
    let sop = app.sop();
    let names = sop.map_or((None, None), |sop| (Some(&*sop.title), Some(&*sop.id)));
    let (title, id) = names;
    let titles: &[Option<&str>] = if title.is_some() { &[title, id] } else { &[None] };
    for title in titles {
        let fixed = joined(pieces(app, theme, *title, StyledText::new(theme)), theme);
        for place in [Place::Whole, Place::User, Place::Namespace, Place::Cut] {
            // For a namespace that is cut nothing else gives way.
            let forms = if matches!(place, Place::Cut) {
                1
            } else {
                rooms.len()
            };
            for (form, room) in rooms.iter().enumerate().take(forms) {
                let left = room.saturating_sub(fixed.width() + 2);
                let place = place_words(app, theme, place, left);
                if place.width() > 0 && place.width() <= left {
                    return (joined(pieces(app, theme, *title, place), theme), form);
                }
            }
        }
    }
    // Without a place; of the shortest the SOP is cut where it must be.
    let lines = titles.iter().chain([&id]).flat_map(|title| {
        let line = joined(pieces(app, theme, *title, StyledText::new(theme)), theme);
        rooms
            .iter()
            .enumerate()
            .map(move |(form, room)| (line.clone(), form, *room))
    });
    let mut fitting = lines.filter(|(line, _, room)| line.width() <= *room);
    fitting.next().map_or_else(
        || {
            let line = joined(pieces(app, theme, id, StyledText::new(theme)), theme);
            (line, rooms.len().saturating_sub(1))
        },
        |(line, form, _)| (line, form),
    )
}

/// How much is said of where we are.
#[derive(Clone, Copy)]
enum Place {
    Whole,
    /// The namespace and the user.
    User,
    Namespace,
    /// The namespace, cut in its middle to what is left.
    Cut,
}

/// The header's pieces but the clock's, those that are not empty.
fn pieces<'t>(app: &App, theme: &'t Theme, sop: Option<&str>, place: StyledText<'t>) -> Vec<StyledText<'t>> {
    let new = || StyledText::new(theme);
    let mut pieces = Vec::new();
    if app.session.drill.is_some() {
        let badge = match app.clock.speed {
            None => " DRILL ".into(),
            Some(speed) => safe!(" DRILL {}{speed} ", theme.glyphs.times),
        };
        pieces.push(new().add(Meaning::Drill, badge));
    }
    if app.player.is_some() {
        pieces.push(new().add(Meaning::Drill, " REPLAY "));
    }
    pieces.push(environment(app, theme));
    // A replay changes nothing in any case.
    if app.session.read_only && app.player.is_none() {
        pieces.push(new().add(Meaning::Notice, "READ-ONLY"));
    }
    if app.incident.status.failing.is_some() {
        pieces.push(new().add(Meaning::Alarm, " NOT RECORDED "));
    }
    pieces.push(place);
    pieces.push(match sop {
        Some(sop) => new().add(Meaning::Heading, theme.clean(sop)),
        // Without an SOP there is no advice.
        None if app.lacks_sop() => new().add(Meaning::Notice, "NO SOP CHOSEN"),
        None => new(),
    });
    if app.incident.status.failing.is_none() && app.incident.status.lost > 0 {
        let lost = safe!("{} not recorded", app.incident.status.lost);
        pieces.push(new().add(Meaning::Doubtful, lost));
    }
    pieces.retain(|words| words.width() > 0);
    pieces
}

fn environment<'t>(app: &App, theme: &'t Theme) -> StyledText<'t> {
    let words = StyledText::new(theme);
    let lives_in = app
        .state
        .connection
        .as_ref()
        .map(|connection| &*connection.namespace);
    // An environment that the live connection is not in would be a lie.
    let environment = app.session.environment.as_ref();
    let environment =
        environment.filter(|environment| lives_in.is_none_or(|namespace| namespace == environment.namespace));
    match environment {
        Some(environment) => {
            let meaning = if environment.production {
                Meaning::Production
            } else {
                Meaning::Stage
            };
            words.add(meaning, safe!(" {} ", environment.name.to_uppercase()))
        }
        None => words.add(Meaning::Alarm, " UNKNOWN ENVIRONMENT "),
    }
}

fn place_words<'t>(app: &App, theme: &'t Theme, place: Place, room: usize) -> StyledText<'t> {
    let words = StyledText::new(theme);
    let Some(connection) = &app.state.connection else {
        let text = match place {
            Place::Whole => safe!(
                "connecting to {} {}",
                app.session.namespace,
                theme.glyphs.ellipsis
            ),
            Place::User | Place::Namespace | Place::Cut => safe!("connecting {}", theme.glyphs.ellipsis),
        };
        return words.add(Meaning::Doubtful, text);
    };
    match place {
        Place::Whole => whole_place(connection, theme),
        Place::User => words
            .add(Meaning::Heading, &connection.namespace)
            .add(Meaning::Faint, " as ")
            .add(Meaning::Text, &connection.user),
        Place::Namespace => words.add(Meaning::Heading, &connection.namespace),
        Place::Cut if room < NAMESPACE => words,
        Place::Cut => {
            let namespace = theme.clean(&connection.namespace);
            words.add(
                Meaning::Heading,
                styled_text::cut_middle(&namespace, room, theme.glyphs.ellipsis),
            )
        }
    }
}

fn whole_place<'t>(connection: &Connection, theme: &'t Theme) -> StyledText<'t> {
    let server = connection
        .server
        .strip_prefix("https://")
        .unwrap_or(&connection.server);
    StyledText::new(theme)
        .add(Meaning::Heading, &connection.namespace)
        .add(Meaning::Faint, " @ ")
        .add(Meaning::Text, theme.clean(server))
        .add(Meaning::Faint, " as ")
        .add(Meaning::Text, &connection.user)
}

/// The sources in a sign each: those that answer, those that don't yet, those that fail. Those that answer go first where only their signs
/// are shown.
fn sources<'t>(app: &App, theme: &'t Theme, healthy: Healthy) -> Vec<(u8, StyledText<'t>)> {
    let all = each_source(app, theme);
    if healthy == Healthy::Named {
        return all
            .into_iter()
            .map(|(rank, sign, name)| (rank, sign.gap(1).join(name)))
            .collect();
    }
    let (well, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|(rank, ..)| *rank == HEALTHY);
    let signs = well.into_iter().map(|(_, sign, _)| sign);
    let signs = signs
        .reduce(StyledText::join)
        .filter(|_| healthy == Healthy::Signs);
    let signs = signs.map(|signs| (HEALTHY, signs));
    let others = others
        .into_iter()
        .map(|(rank, sign, name)| (rank, sign.gap(1).join(name)));
    signs.into_iter().chain(others).collect()
}

/// How important it is, its sign and its name, of each source.
fn each_source<'t>(app: &App, theme: &'t Theme) -> Vec<(u8, StyledText<'t>, StyledText<'t>)> {
    // A database that answers and lacks a table is not well.
    let reading = app.state.reading.as_ref().map(|(_, reading)| reading);
    let unread = reading.is_some_and(|reading| reading.tables.iter().any(|table| table.statuses.is_err()));
    let of = |name: &'static str, wanted: fn(&SourceId) -> bool, unwell: bool| {
        let mut sources = app.state.sources().filter(|(id, _)| wanted(id)).peekable();
        sources.peek()?;
        let mut failing = unwell;
        let mut missing = false;
        for (id, source) in sources {
            let freshness = app.state.freshness(id, app.clock.now);
            let rests = matches!(source.state, SourceState::Ended | SourceState::Resting);
            failing |= source.problem().is_some() || (matches!(freshness, Freshness::Stale(_)) && !rests);
            missing |= matches!(freshness, Freshness::Missing) && !rests;
        }
        let new = || StyledText::new(theme);
        let (rank, meaning, sign) = if failing {
            (1, Meaning::Bad, theme.glyphs.fail)
        } else if missing {
            (3, Meaning::Doubtful, theme.glyphs.empty_dot)
        } else {
            (HEALTHY, Meaning::Good, theme.glyphs.full_dot)
        };
        Some((rank, new().add(meaning, sign), new().add(Meaning::Faint, name)))
    };
    let all = [
        of(
            "k8s",
            |id| matches!(id, SourceId::Pods | SourceId::Deployment),
            false,
        ),
        of("logs", |id| matches!(id, SourceId::Log(_)), false),
        of("db", |id| matches!(id, SourceId::Database), unread),
        of(
            "prom",
            |id| {
                matches!(
                    id,
                    SourceId::Metrics | SourceId::ClusterMetrics | SourceId::AlertRules
                )
            },
            false,
        ),
        of("alerts", |id| matches!(id, SourceId::Alerts), false),
        of("tracker", |id| matches!(id, SourceId::Tracker), false),
    ];
    all.into_iter().flatten().collect()
}

/// What gives way to the SOP's name on a narrow screen: that another is more urgent is in the bar there, and what is well is not said.
fn right<'t>(
    app: &App,
    theme: &'t Theme,
    wide: bool,
    (healthy, alert): (Healthy, usize),
) -> Vec<(u8, StyledText<'t>)> {
    let clock = age::incident_clock(app.clock.now.duration_since(app.incident_began()));
    let mut pieces = sources(app, theme, healthy);
    if !app.clock.skew.is_zero() {
        let behind = if app.clock.skew.is_positive() {
            "behind"
        } else {
            "ahead of"
        };
        let skew = duration::brief(app.clock.skew.abs());
        let text = safe!(" local clock {skew} {behind} the cluster ");
        pieces.push((1, StyledText::new(theme).add(Meaning::Alarm, text)));
    }
    let expires_at = app
        .state
        .connection
        .as_ref()
        .and_then(|connection| connection.expires_at);
    if let Some(at) = expires_at {
        pieces.push(token(at.duration_since(app.clock.now), theme));
    }
    if app
        .state
        .connection
        .as_ref()
        .is_some_and(|connection| connection.unverified)
    {
        pieces.push((
            1,
            StyledText::new(theme).add(Meaning::Alarm, " TLS not verified "),
        ));
    }
    if let Some((sop, _)) = app.more_urgent_sop().filter(|_| wide) {
        let key = app.keymap.key_of(Action::PickSop, Context::Console);
        let key = key.map_or_else(SafeText::default, |key| safe!("{key}: "));
        let text = safe!("{key}{} is more urgent", sop.id);
        pieces.push((2, StyledText::new(theme).add(Meaning::Notice, text)));
    }
    if let Some(by_alert) = chosen_by(app, theme, alert) {
        // It says which alert this is about, and stays at every size.
        pieces.push((0, by_alert));
    }
    pieces.push((0, StyledText::new(theme).add(Meaning::Heading, clock)));
    pieces
}

/// The alert that chose the SOP, and how to choose another; once it is over, that. Where there is little room for its name, that is cut in the
/// middle.
fn chosen_by<'t>(app: &App, theme: &'t Theme, room: usize) -> Option<StyledText<'t>> {
    let whole = app.checklist.by_alert.as_ref()?;
    let wide = room == usize::MAX;
    let name = styled_text::cut_middle(&theme.clean(whole), room, theme.glyphs.ellipsis);
    let words = StyledText::new(theme);
    if let Some(at) = app.state.monitoring.ended_at(whole) {
        let ago = duration::brief(app.clock.now.duration_since(at).max(SignedDuration::ZERO));
        if !wide {
            return Some(words.add(Meaning::Good, safe!("alert resolved {ago} ago")));
        }
        let over = safe!(" resolved {ago} ago");
        return Some(words.add(Meaning::Good, name).add(Meaning::Good, over));
    }
    let key = app.keymap.key_of(Action::PickSop, Context::Console);
    let other = key.filter(|_| wide).map(|key| safe!(" · {key} other SOP"));
    let words = words.add(Meaning::Notice, "by alert ").add(Meaning::Notice, name);
    Some(match other {
        Some(other) => words.add(Meaning::Notice, other),
        None => words,
    })
}

fn token(left: SignedDuration, theme: &Theme) -> (u8, StyledText<'_>) {
    let words = StyledText::new(theme);
    if !left.is_positive() {
        (1, words.add(Meaning::Alarm, " token expired "))
    } else if left < TOKEN_SHORT {
        (
            1,
            words.add(Meaning::Alarm, safe!(" token {} ", whole_minutes(left))),
        )
    } else {
        (
            2,
            words.add(Meaning::Faint, safe!("token {}", whole_minutes(left))),
        )
    }
}

fn whole_minutes(left: SignedDuration) -> String {
    if left < SignedDuration::from_mins(1) {
        return "<1m".to_owned();
    }
    duration::brief(SignedDuration::from_mins(left.as_mins()))
}
