//! The strip on top: where we are, read from the live connection, and since when.

use jiff::SignedDuration;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::App;
use crate::style::age;
use crate::style::styled_text;
use crate::style::styled_text::StyledText;
use crate::style::theme::{Meaning, Theme};
use sopwatch_core::observe::observation::Connection;
use sopwatch_core::safe;
use sopwatch_core::text::duration;

/// A token that lives shorter than this is a warning: an incident may outlast it.
const TOKEN_SHORT: SignedDuration = SignedDuration::from_mins(30);

pub(crate) fn render(app: &App, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let new = || StyledText::new(theme);
    let room = usize::from(area.width).saturating_sub(2);
    let right = styled_text::fit(right(app, theme), 2, room / 2);
    let right = right
        .into_iter()
        .reduce(|line, words| line.gap(2).join(words))
        .unwrap_or_else(new);
    let room = room.saturating_sub(right.width() + 2);
    let left = styled_text::fit(left(app, theme), 2, room);
    let left = left
        .into_iter()
        .reduce(|line, words| line.gap(2).join(words))
        .unwrap_or_else(new);
    let left = left.cut(room);
    let between = (room + 2).saturating_sub(left.width());
    new()
        .gap(1)
        .join(left)
        .gap(between)
        .join(right)
        .draw(area, buffer);
}

/// Who and where. What stays longest: drill, environment and read-only, then the place, which is cut at last.
fn left<'t>(app: &App, theme: &'t Theme) -> Vec<(u8, StyledText<'t>)> {
    let new = || StyledText::new(theme);
    let mut pieces = vec![(4, new().add(Meaning::Brand, "sopwatch"))];
    if let Some(scenario) = &app.session.drill {
        let badge = match app.clock.speed {
            None => " DRILL ".into(),
            Some(speed) => safe!(" DRILL {}{speed} ", theme.glyphs.times),
        };
        pieces.push((0, new().add(Meaning::Drill, badge)));
        pieces.push((2, new().add(Meaning::Drill, safe!(" {scenario} "))));
    }
    if app.player.is_some() {
        pieces.push((0, new().add(Meaning::Drill, " REPLAY ")));
    }
    pieces.push((0, environment(app, theme)));
    // Before the place, which may be cut: without an SOP there is no advice.
    if app.lacks_sop() {
        pieces.push((0, new().add(Meaning::Notice, "NO SOP CHOSEN")));
    }
    // A replay changes nothing in any case.
    if app.session.read_only && app.player.is_none() {
        pieces.push((0, new().add(Meaning::Notice, "READ-ONLY")));
    }
    if app.incident.status.failing.is_some() {
        pieces.push((0, new().add(Meaning::Alarm, " NOT RECORDED ")));
    } else if app.incident.status.lost > 0 {
        let lost = safe!("{} not recorded", app.incident.status.lost);
        pieces.push((1, new().add(Meaning::Doubtful, lost)));
    }
    if let Some(connection) = &app.state.connection {
        pieces.push((0, place(connection, theme)));
    } else {
        let text = safe!("connecting to {} …", app.session.namespace);
        pieces.push((0, new().add(Meaning::Doubtful, text)));
    }
    if let Some(sop) = app.sop() {
        pieces.push((3, new().add(Meaning::Heading, theme.clean(&sop.title))));
    }
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

fn place<'t>(connection: &Connection, theme: &'t Theme) -> StyledText<'t> {
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

fn right<'t>(app: &App, theme: &'t Theme) -> Vec<(u8, StyledText<'t>)> {
    let clock = age::incident_clock(app.clock.now.duration_since(app.session.started_at));
    let mut pieces = vec![(0, StyledText::new(theme).add(Meaning::Heading, clock))];
    if !app.clock.skew.is_zero() {
        let behind = if app.clock.skew.is_positive() {
            "behind"
        } else {
            "ahead"
        };
        let text = safe!(" clock here {} {behind} ", duration::brief(app.clock.skew.abs()));
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
    pieces
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
