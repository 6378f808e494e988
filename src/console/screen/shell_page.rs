//! A command and what it prints, as a shell shows it: what a film shows after the console was left.

use ratatui::Frame;

use super::Theme;
use crate::style::styled_text::{self, StyledText};
use crate::style::theme::Meaning;
use sopwatch_core::text::SafeText;

/// Draws a command after a prompt, and as much of its output as fits.
pub fn shell_page(command: &SafeText, output: &SafeText, theme: &Theme, frame: &mut Frame<'_>) {
    let area = frame.area();
    let prompt = StyledText::new(theme)
        .add(Meaning::Good, "$ ")
        .add(Meaning::Title, command);
    let width = usize::from(area.width);
    let lines = output.lines().take(usize::from(area.height)).flat_map(|line| {
        let is_heading = line.starts_with('#');
        let meaning = if is_heading { Meaning::Title } else { Meaning::Text };
        let rows = styled_text::wrap(&theme.clean(SafeText::new(line)), width, 0);
        rows.into_iter().map(move |row| (meaning, row))
    });
    let lines = lines.map(|(meaning, row)| StyledText::new(theme).add(meaning, row));
    styled_text::draw_lines([prompt].into_iter().chain(lines), area, frame.buffer_mut());
}
