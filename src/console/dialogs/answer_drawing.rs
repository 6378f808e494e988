//! The dialog that asks what the operator would do.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::App;
use crate::dialogs::drawing::{draw_frame, frame_of, place_words, text_area};
use crate::style::styled_text;
use crate::style::styled_text::StyledText;
use crate::style::theme::{Meaning, Theme};
use crate::training::Choice;
use crate::training::answer;
use sopwatch_core::text::duration;

pub(crate) fn render(
    app: &App,
    theme: &Theme,
    (chosen, sure): (usize, bool),
    screen: Rect,
    buffer: &mut Buffer,
) {
    let choices = app.choices();
    let room = usize::from(frame_of(screen, u16::MAX).width).saturating_sub(4);
    let below = below(app, theme, choices.get(chosen), sure, room);
    let wanted = choices.len() + 1 + below.len() + 2;
    let area = frame_of(screen, u16::try_from(wanted).unwrap_or(u16::MAX));
    let text = text_area(area);
    let below_rows = (below.len() + 1).min(usize::from(text.height / 2)) as u16;
    let list = Rect {
        height: text.height - below_rows,
        ..text
    };
    let height = usize::from(list.height);
    let first = crate::screen::borders::first_row(chosen, choices.len(), height);
    let place = place_words(first, height, choices.len());
    draw_frame(&"What would you do?".into(), &place, theme, area, buffer);
    let lines = rows(app, theme, &choices, chosen);
    for ((index, line), row) in lines.into_iter().enumerate().skip(first).zip(list.rows()) {
        line.draw(row, buffer);
        if index == chosen {
            crate::screen::borders::select(row, theme, buffer);
        }
    }
    let rest = Rect {
        y: list.bottom() + 1,
        height: below_rows.saturating_sub(1),
        ..list
    };
    styled_text::draw_lines(below, rest, buffer);
}

fn rows<'t>(app: &App, theme: &'t Theme, choices: &[Choice], chosen: usize) -> Vec<StyledText<'t>> {
    let profile = &app.session.profile;
    let given = app.attempt.iter().filter_map(|attempt| attempt.answers.last());
    let given = given.map(|given| &given.choice).next();
    let titles: Vec<_> = choices.iter().map(|choice| choice.words(profile)).collect();
    let row = |(index, (choice, title)): (usize, (&Choice, &String))| {
        let mark = if index == chosen { theme.glyphs.chosen } else { "" };
        let current = if Some(choice) == given {
            theme.glyphs.pass
        } else {
            ""
        };
        StyledText::new(theme)
            .column(Meaning::Focus, mark, 2)
            .column(Meaning::Good, current, 2)
            .add(Meaning::Text, theme.clean(title))
    };
    choices.iter().zip(&titles).enumerate().map(row).collect()
}

/// When the chosen one is the one, what the next enter does, and what is noted so far.
fn below<'t>(
    app: &App,
    theme: &'t Theme,
    chosen: Option<&Choice>,
    sure: bool,
    room: usize,
) -> Vec<StyledText<'t>> {
    let profile = &app.session.profile;
    let when = chosen.map(|choice| (Meaning::Text, answer::when(choice.action).to_owned()));
    let next = match chosen.filter(|_| sure) {
        Some(choice) => (
            Meaning::Notice,
            format!("Enter again to confirm: {}", choice.words(profile)),
        ),
        None => (
            Meaning::Faint,
            "Enter select · only saved, the cluster is not changed".to_owned(),
        ),
    };
    let noted = app.attempt.as_ref().and_then(|attempt| {
        let given = attempt.answers.last()?;
        let at = duration::brief(given.at.duration_since(attempt.began));
        let words = given.choice.words(profile);
        Some((Meaning::Good, format!("answer saved at {at}: {words}")))
    });
    let lines = [when, Some(next), noted].into_iter().flatten();
    let wrapped = lines.flat_map(|(meaning, line)| {
        let rows = styled_text::wrap(&theme.clean(&line), room, 2);
        rows.into_iter().map(move |row| (meaning, row))
    });
    wrapped
        .map(|(meaning, row)| StyledText::new(theme).add(meaning, row))
        .collect()
}
