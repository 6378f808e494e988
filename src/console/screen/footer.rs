//! The keys that do something now, and the console's newest word.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::App;
use crate::style::styled_text::StyledText;
use crate::style::theme::{Meaning, Theme};
use sopwatch_core::safe;

pub(crate) fn render(app: &App, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let room = usize::from(area.width).saturating_sub(2);
    let line = match app
        .notice
        .as_ref()
        .filter(|notice| notice.is_current(app.clock.now))
    {
        Some(notice) => {
            let meaning = if notice.bad {
                Meaning::Complaint
            } else {
                Meaning::Notice
            };
            let sign = if notice.bad {
                theme.glyphs.fail
            } else {
                theme.glyphs.dot
            };
            let word = StyledText::new(theme)
                .add(meaning, safe!("{sign} {}", notice.text))
                .cut(room);
            let left = room.saturating_sub(word.width() + 3);
            if left < 10 {
                word
            } else {
                word.gap(3).join(keys(app, theme, left))
            }
        }
        None => keys(app, theme, room),
    };
    StyledText::new(theme).gap(1).join(line).draw(area, buffer);
}

/// As many keys as fit; the one for help always.
fn keys<'t>(app: &App, theme: &'t Theme, room: usize) -> StyledText<'t> {
    let mut help = None;
    let mut items = Vec::new();
    for key in app.footer_keys() {
        let item = StyledText::new(theme)
            .add(Meaning::Key, &key.key)
            .gap(1)
            .add(Meaning::Faint, key.what);
        if key.is_help {
            help = Some(item);
        } else {
            items.push(item);
        }
    }
    let reserved = help.as_ref().map_or(0, |help| help.width() + 2);
    let mut line = StyledText::new(theme);
    for item in items {
        let gap = if line.width() == 0 { 0 } else { 2 };
        if line.width() + gap + item.width() + reserved > room {
            break;
        }
        line = line.gap(gap).join(item);
    }
    match help {
        Some(help) if line.width() == 0 => help,
        Some(help) => line.gap(2).join(help),
        None => line,
    }
}
