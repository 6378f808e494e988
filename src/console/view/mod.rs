//! Floor 2: the screen, drawn from the state and never changing it. One region a file; [`layout`] says where each is.
//!
//! Everything that is drawn passes `Theme::clean`: no byte from outside reaches the terminal as a control sequence.

#[cfg(test)]
mod acting_tests;
mod age;
mod answer;
mod bar;
#[cfg(test)]
mod choosing_tests;
mod database;
mod dialog;
mod fault;
#[cfg(test)]
mod fixture;
mod footer;
mod frame;
mod glyphs;
mod grid;
#[cfg(test)]
mod handoff_tests;
#[cfg(test)]
mod hostile;
mod identity;
#[cfg(test)]
mod keys_tests;
pub mod layout;
mod leaders;
#[cfg(test)]
mod lesson_tests;
mod logs;
mod others;
mod pods;
mod prompt;
mod record;
mod replay;
#[cfg(test)]
mod replay_tests;
mod sop;
mod svg;
#[cfg(test)]
mod tests;
mod theme;
#[cfg(test)]
mod typing_tests;
mod vitals;
#[cfg(test)]
mod vitals_tests;
mod words;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

pub use self::dialog::scroll_limit;
pub use self::svg::svg;
pub use self::theme::{Meaning, Theme};

use self::layout::{Content, Plan, Region, Regions, SMALLEST};
use self::words::Words;
use crate::app::App;
use crate::app::dialog::Dialog;
use crate::app::panes::Pane;

/// Draws the console as `app` has it. Only reads.
pub fn render(app: &App, theme: &Theme, frame: &mut Frame<'_>) {
    let area = frame.area();
    match layout::plan(area, app) {
        Plan::TooSmall => too_small(theme, area, frame.buffer_mut()),
        Plan::Console(regions) => {
            console(app, theme, &regions, frame.buffer_mut());
            overlay(app, theme, area, frame);
        }
    }
}

fn too_small(theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let (width, height) = SMALLEST;
    let text = format!("terminal too small: needs {width}x{height}");
    let lines = words::wrap(&text, usize::from(area.width).max(1), 0);
    words::draw_lines(
        lines
            .iter()
            .map(|line| Words::new(theme).add(Meaning::Doubtful, line)),
        area,
        buffer,
    );
}

fn console(app: &App, theme: &Theme, regions: &Regions, buffer: &mut Buffer) {
    identity::render(app, theme, regions.identity, buffer);
    if let (Some(player), Some(row)) = (&app.player, regions.replay) {
        replay::render(app, player, theme, row, buffer);
    }
    let focused = |region: &&Region| frame::is_focused(region, app.panes.focus);
    // The focused frame last: it shares lines with its neighbours.
    regions
        .framed
        .iter()
        .filter(|region| !focused(region))
        .for_each(|region| frame::lines(region, false, theme, buffer));
    regions
        .framed
        .iter()
        .filter(focused)
        .for_each(|region| frame::lines(region, true, theme, buffer));
    for region in &regions.framed {
        match region.content {
            Content::Pane(Pane::Pods) => pods::render(app, theme, region, buffer),
            Content::Pane(Pane::Logs) => logs::render(app, theme, region, buffer),
            Content::Pane(Pane::Database) => database::render(app, theme, region, buffer),
            Content::Pane(Pane::Sop) => sop::render(app, theme, region, buffer),
            Content::Leaders => leaders::render(app, theme, region, buffer),
        }
    }
    bar::render(app, theme, regions.bar, buffer);
    footer::render(app, theme, regions.footer, buffer);
}

fn overlay(app: &App, theme: &Theme, area: Rect, frame: &mut Frame<'_>) {
    match app.dialog() {
        Some(prompt @ Dialog::Prompt { .. }) => prompt::render(prompt, theme, area, frame),
        Some(Dialog::Answer { chosen, sure }) => {
            answer::render(app, theme, (*chosen, *sure), area, frame.buffer_mut());
        }
        Some(_) => dialog::render(app, theme, area, frame.buffer_mut()),
        None => {}
    }
}
