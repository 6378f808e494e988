//! A replay's line: whether its clock runs, where it is, whether all is found as recorded, and what was found or done last.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::App;
use crate::replay::Player;
use crate::style::age::incident_clock;
use crate::style::styled_text;
use crate::style::styled_text::StyledText;
use crate::style::theme::{Meaning, Theme};
use sopwatch_core::safe;
use sopwatch_core::text::counted;

/// Cells below which the last moment is not worth its place.
const MOMENT_ROOM: usize = 12;

pub(crate) fn render(app: &App, player: &Player, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let room = usize::from(area.width).saturating_sub(2);
    let pieces = vec![
        (3, StyledText::new(theme).add(Meaning::Drill, " REPLAY ")),
        (1, pace(player, theme)),
        (0, place(player, theme)),
        (2, comparison(player, theme)),
        (0, differing(player, theme)),
        (1, own_sop(app, player, theme)),
        (1, damage(player, theme)),
    ];
    let pieces = pieces
        .into_iter()
        .filter(|(_, words)| words.width() > 0)
        .collect();
    let line = styled_text::fit(pieces, 2, room)
        .into_iter()
        .reduce(|line, words| line.gap(2).join(words))
        .unwrap_or_else(|| StyledText::new(theme));
    let left = room.saturating_sub(line.width() + 2);
    let moment = player.last_moment(&app.session.profile);
    let line = match moment.filter(|_| left >= MOMENT_ROOM) {
        Some(moment) => {
            let moment = StyledText::new(theme).add(Meaning::Text, moment);
            line.gap(2).join(moment.cut(left))
        }
        None => line,
    };
    StyledText::new(theme)
        .gap(1)
        .join(line.cut(room))
        .draw(area, buffer);
}

fn pace<'t>(player: &Player, theme: &'t Theme) -> StyledText<'t> {
    let speed = safe!("{}{}", theme.glyphs.times, player.speed());
    if player.is_playing() {
        StyledText::new(theme).add(Meaning::Good, safe!("{} {speed}", theme.glyphs.chosen))
    } else {
        StyledText::new(theme).add(Meaning::Waiting, safe!("paused {speed}"))
    }
}

fn place<'t>(player: &Player, theme: &'t Theme) -> StyledText<'t> {
    StyledText::new(theme)
        .add(Meaning::Heading, incident_clock(player.position()))
        .add(Meaning::Faint, " of ")
        .add(Meaning::Text, incident_clock(player.length()))
}

/// The page of the differences tells what is wrong with the file.
fn damage<'t>(player: &Player, theme: &'t Theme) -> StyledText<'t> {
    let words = StyledText::new(theme);
    if player.flaw().is_none() {
        words
    } else {
        words.add(Meaning::Alarm, " DAMAGED ")
    }
}

fn comparison<'t>(player: &Player, theme: &'t Theme) -> StyledText<'t> {
    let words = StyledText::new(theme);
    let (findings, differ) = (player.findings(), player.differences().len());
    let (alike, meaning) = match differ {
        0 => (findings, Meaning::Good),
        _ => (findings.saturating_sub(differ), Meaning::Text),
    };
    let findings = counted(findings, "finding matches", "findings match");
    words.add(meaning, safe!("{alike} of {findings}"))
}

fn differing<'t>(player: &Player, theme: &'t Theme) -> StyledText<'t> {
    let words = StyledText::new(theme);
    match player.differences().len() {
        0 => words,
        differ => words.add(
            Meaning::Alarm,
            safe!(" {} ", counted(differ, "differs", "differ")),
        ),
    }
}

/// What would have been found for an SOP that was not open then is not what was found.
fn own_sop<'t>(app: &App, player: &Player, theme: &'t Theme) -> StyledText<'t> {
    let words = StyledText::new(theme);
    if app.checklist.sop == player.sop() {
        words
    } else {
        words.add(Meaning::Doubtful, "not the recorded SOP")
    }
}
