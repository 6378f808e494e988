//! The screen: drawn from the state, which it never changes. One region a file; [`layout`] says where each is.
//!
//! Everything that is drawn is a `StyledText`, and that takes safe text only: no byte from outside reaches the terminal as a control
//! sequence.

pub(crate) mod borders;
#[cfg(test)]
pub(crate) mod fixture;
pub(crate) mod footer;
pub(crate) mod header;
mod highlight;
#[cfg(test)]
pub(crate) mod hostile;
#[cfg(test)]
pub(crate) mod keys_tests;
pub mod layout;
#[cfg(test)]
mod log_tests;
pub(crate) mod recommendation_bar;
mod shell_page;
pub(crate) mod source_error;
#[cfg(test)]
pub(crate) mod tests;
#[cfg(test)]
pub(crate) mod typing_tests;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

pub use self::shell_page::shell_page;
pub use crate::style::svg::svg;
pub use crate::style::theme::{Meaning, Theme};

use self::layout::{Content, Plan, Region, Regions, SMALLEST};
use crate::app::App;
use crate::dialogs::Dialog;
use crate::panes::Pane;
use crate::style::styled_text::{self, StyledText};
use crate::{dialogs, panes, prompts, replay};
use sopwatch_core::safe;

/// Draws the console as `app` has it. Only reads. How far down the topmost dialog's text can be scrolled; `None` where nothing scrolls.
pub fn render(app: &App, theme: &Theme, frame: &mut Frame<'_>) -> Option<usize> {
    let area = frame.area();
    match layout::plan(area, app, theme) {
        Plan::TooSmall => {
            too_small(theme, area, frame.buffer_mut());
            None
        }
        Plan::Console(regions) => {
            console(app, theme, &regions, frame.buffer_mut());
            overlay(app, theme, area, frame)
        }
    }
}

/// Draws the header alone, in `area`: it has the clock.
pub fn render_header(app: &App, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    header::render(app, theme, area, buffer);
}

fn too_small(theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let (width, height) = SMALLEST;
    let text = safe!("terminal too small: needs {width}x{height}");
    let lines = styled_text::wrap(&theme.clean(text), usize::from(area.width).max(1), 0);
    styled_text::draw_lines(
        lines
            .iter()
            .map(|line| StyledText::new(theme).add(Meaning::Doubtful, line)),
        area,
        buffer,
    );
}

fn console(app: &App, theme: &Theme, regions: &Regions, buffer: &mut Buffer) {
    header::render(app, theme, regions.header, buffer);
    if let (Some(player), Some(row)) = (&app.player, regions.replay) {
        replay::bar::render(app, player, theme, row, buffer);
    }
    recommendation_bar::render(app, theme, regions.bar, regions.bar_most, buffer);
    let focused = |region: &&Region| borders::is_focused(region, app.panes.focus);
    // The focused frame last: it shares lines with its neighbours.
    regions
        .panes
        .iter()
        .filter(|region| !focused(region))
        .for_each(|region| borders::lines(region, false, theme, buffer));
    regions
        .panes
        .iter()
        .filter(focused)
        .for_each(|region| borders::lines(region, true, theme, buffer));
    for joint in &regions.joints {
        borders::joint(*joint, app.panes.focus == Pane::Logs, theme, buffer);
    }
    for region in &regions.panes {
        match region.content {
            Content::Pane(Pane::Pods) => panes::pods::render(app, theme, region, buffer),
            Content::Pane(Pane::Logs) => panes::logs::render(app, theme, region, buffer),
            Content::Pane(Pane::Database) => panes::database::render(app, theme, region, buffer),
            Content::Pane(Pane::Sop) => panes::sop::render(app, theme, region, buffer),
            Content::Summary(pane) => summary(app, theme, pane, region, buffer),
            Content::Leaders => panes::leaders::render(app, theme, region, buffer),
        }
        // The log marks what it finds itself, in lines that may be cut.
        if let Some(search) = app.panes.search.as_ref()
            && region.content != Content::Pane(Pane::Logs)
        {
            highlight::matches(search, region.inner(), theme, buffer);
        }
    }
    footer::render(app, theme, regions.footer, buffer);
}

fn summary(app: &App, theme: &Theme, pane: Pane, region: &Region, buffer: &mut Buffer) {
    let width = usize::from(region.area.width);
    let lines = match pane {
        Pane::Pods => panes::pods::summary::lines(app, theme, width),
        Pane::Database => panes::database::summary::lines(app, theme, width),
        // They are never folded.
        Pane::Logs | Pane::Sop => Vec::new(),
    };
    styled_text::draw_lines(lines, region.area, buffer);
}

fn overlay(app: &App, theme: &Theme, area: Rect, frame: &mut Frame<'_>) -> Option<usize> {
    match app.dialog()? {
        prompt @ Dialog::Prompt { .. } => prompts::drawing::render(prompt, theme, area, frame),
        Dialog::Answer { chosen, sure } => {
            dialogs::answer_drawing::render(app, theme, (*chosen, *sure), area, frame.buffer_mut());
        }
        _ => return dialogs::drawing::render(app, theme, area, frame.buffer_mut()),
    }
    None
}
