//! What lies over the panes: pages to read and the picker of SOPs.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::App;
use crate::dialogs::Dialog;
use crate::dialogs::dialog_text::{DialogText, PageLine, Tone};
use crate::palette;
use crate::screen::layout;
use crate::style::styled_text;
use crate::style::styled_text::{CellText, StyledText};
use crate::style::theme::{Meaning, Theme};
use sopwatch_core::diagnose::Recommendation;
use sopwatch_core::diagnose::monitoring::alerts::{AlertState, ServiceAlert};
use sopwatch_core::profile::rule::Advice;
use sopwatch_core::safe;
use sopwatch_core::text::SafeText;

/// Cells that a page wants at most: longer lines are hard to read.
const WIDEST: u16 = 124;

/// Draws the topmost dialog. How far down its text can be scrolled: what holds [`crate::dialogs::Scroll`] within the text, so that one
/// key moves it back from the end; `None` where nothing scrolls.
pub(crate) fn render(app: &App, theme: &Theme, screen: Rect, buffer: &mut Buffer) -> Option<usize> {
    let dialog = app.dialog()?;
    match dialog {
        Dialog::Sops { chosen } => sops(app, theme, *chosen, screen, buffer),
        Dialog::Contacts { chosen } => contacts(app, theme, *chosen, screen, buffer),
        Dialog::LogSources { chosen } => log_sources(app, theme, *chosen, screen, buffer),
        Dialog::Palette { input, chosen } => {
            palette::drawing::render(app, theme, (input.value(), *chosen), screen, buffer);
        }
        _ => return Some(draw_page(&app.page()?, place_of(dialog), theme, screen, buffer)),
    }
    None
}

fn place_of(dialog: &Dialog) -> usize {
    match dialog {
        Dialog::Help(scroll)
        | Dialog::Why(scroll)
        | Dialog::Vitals(scroll)
        | Dialog::Incident(scroll)
        | Dialog::Sources(scroll)
        | Dialog::Hints(scroll)
        | Dialog::Debriefing(scroll)
        | Dialog::Mismatches(scroll)
        | Dialog::HandOff { scroll, .. }
        | Dialog::Step { scroll, .. }
        | Dialog::Rows { scroll, .. }
        | Dialog::Pod { scroll, .. }
        | Dialog::Record { scroll, .. } => scroll.0,
        Dialog::Confirm(confirm) => confirm.scroll.0,
        Dialog::Sops { .. }
        | Dialog::Contacts { .. }
        | Dialog::LogSources { .. }
        | Dialog::Answer { .. }
        | Dialog::Prompt { .. }
        | Dialog::Palette { .. }
        | Dialog::Stop(_)
        | Dialog::NextScenario { .. }
        | Dialog::ResumePrompt(_) => 0,
    }
}

/// A page wrapped for its place.
struct Sheet<'t> {
    lines: Vec<StyledText<'t>>,
    area: Rect,
}

impl Sheet<'_> {
    fn height(&self) -> usize {
        usize::from(self.area.height).saturating_sub(2)
    }

    fn limit(&self) -> usize {
        self.lines.len().saturating_sub(self.height())
    }
}

fn sheet_of<'t>(page: &DialogText, theme: &'t Theme, screen: Rect) -> Sheet<'t> {
    let width = usize::from(frame_of(screen, u16::MAX).width).saturating_sub(4);
    let lines = page_lines(page, theme, width);
    let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
    let area = frame_of(screen, rows);
    Sheet { lines, area }
}

/// Draws a page; how far down it can be scrolled.
fn draw_page(page: &DialogText, scroll: usize, theme: &Theme, screen: Rect, buffer: &mut Buffer) -> usize {
    let sheet = sheet_of(page, theme, screen);
    let limit = sheet.limit();
    let first = scroll.min(limit);
    let place = place_words(first, sheet.height(), sheet.lines.len());
    draw_frame(&page.title, &place, theme, sheet.area, buffer);
    styled_text::draw_lines(sheet.lines.into_iter().skip(first), text_area(sheet.area), buffer);
    limit
}

/// A dialog's place for so many rows, frame included: centred, on a small screen all of it but the footer.
pub(crate) fn frame_of(screen: Rect, rows: u16) -> Rect {
    let above_footer = Rect {
        height: screen.height.saturating_sub(1),
        ..screen
    };
    if layout::is_small(screen) {
        return above_footer;
    }
    // Little would be seen of the panes beside it, and nothing to be understood.
    let beside = above_footer.width > WIDEST + 20;
    let width = if beside { WIDEST } else { above_footer.width };
    let height = rows.min(above_footer.height.saturating_sub(2));
    Rect {
        x: screen.x + (above_footer.width - width) / 2,
        y: screen.y + (above_footer.height - height) / 2,
        width,
        height,
    }
}

pub(crate) fn text_area(area: Rect) -> Rect {
    Rect {
        x: area.x.saturating_add(2),
        y: area.y.saturating_add(1),
        width: area.width.saturating_sub(4),
        height: area.height.saturating_sub(2),
    }
}

/// Which lines are in view: nothing when all are.
pub(crate) fn place_words(first: usize, height: usize, count: usize) -> SafeText {
    if count <= height {
        SafeText::default()
    } else {
        safe!(" {}-{}/{count} ", first + 1, (first + height).min(count))
    }
}

pub(crate) fn draw_frame(title: &SafeText, place: &SafeText, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let area = area.intersection(buffer.area);
    for row in area.rows() {
        StyledText::new(theme)
            .gap(usize::from(row.width))
            .draw(row, buffer);
        buffer.set_style(row, ratatui::style::Style::reset());
    }
    if area.width < 4 || area.height < 2 {
        return;
    }
    crate::screen::borders::boxed(area, theme, buffer);
    let row = Rect {
        x: area.x + 2,
        width: area.width - 4,
        height: 1,
        ..area
    };
    StyledText::new(theme)
        .add(Meaning::FocusedTitle, safe!(" {title} "))
        .draw(row, buffer);
    let width = styled_text::width(place).min(usize::from(row.width)) as u16;
    let corner = Rect {
        x: row.right() - width,
        y: area.bottom() - 1,
        width,
        height: 1,
    };
    StyledText::new(theme)
        .add(Meaning::Focus, place)
        .draw(corner, buffer);
}

fn page_lines<'t>(page: &DialogText, theme: &'t Theme, width: usize) -> Vec<StyledText<'t>> {
    page.lines
        .iter()
        .flat_map(|line| lines_of(line, theme, width))
        .collect()
}

/// A line wrapped to the width: what is cut off could be what one looks for.
fn lines_of<'t>(line: &PageLine, theme: &'t Theme, width: usize) -> Vec<StyledText<'t>> {
    let meaning = meaning_of(line.tone);
    let text = theme.clean(&line.text);
    let lead = text.len() - text.trim_start_matches([' ', '-']).len();
    let indent = if line.tone == Tone::Code {
        lead + 4
    } else {
        lead.max(2)
    };
    let rows = styled_text::wrap(&text, width, indent);
    rows.into_iter()
        .map(|row| StyledText::new(theme).add(meaning, row))
        .collect()
}

fn meaning_of(tone: Tone) -> Meaning {
    match tone {
        Tone::Heading => Meaning::Heading,
        Tone::Plain => Meaning::Text,
        Tone::Code => Meaning::Code,
        Tone::Good => Meaning::Good,
        Tone::Bad => Meaning::Bad,
        Tone::Doubtful => Meaning::Doubtful,
        Tone::Faint => Meaning::Faint,
    }
}

/// One row of a picker.
struct Choice {
    title: CellText,
    /// Stands beside the title.
    beside: CellText,
    /// Its style.
    meaning: Meaning,
    /// Whether it is what holds now.
    current: bool,
}

fn sops(app: &App, theme: &Theme, chosen: usize, screen: Rect, buffer: &mut Buffer) {
    let sops = &app.session.profile.sops;
    let mut advice: Vec<_> = app.outlook.iter().map(|advice| outlook(app, advice)).collect();
    let alerts = app.alerts();
    for (sop, (meaning, words)) in sops.iter().zip(&mut advice) {
        let mut of_sop = alerts.iter().filter(|alert| alert.sop.as_ref() == Some(&sop.id));
        if let Some(alert) = of_sop.next() {
            *words = safe!("{} · {words}", alert_in_brief(alert));
            if alert.is_firing() {
                *meaning = Meaning::Bad;
            }
        }
    }
    let choices: Vec<_> = sops
        .iter()
        .enumerate()
        .map(|(index, sop)| {
            let (meaning, beside) = match advice.get(index) {
                Some((meaning, words)) => (*meaning, theme.clean(words)),
                None => (Meaning::Faint, theme.clean(&sop.id)),
            };
            Choice {
                title: theme.clean(&sop.title),
                beside,
                meaning,
                current: sop.id == app.checklist.sop,
            }
        })
        .collect();
    let reason = app
        .outlook
        .get(chosen)
        .and_then(|advice| advice.because.first().cloned());
    let reason = reason.filter(|reason| !reason.is_empty() && !app.is_looking());
    let impact = sops.get(chosen).map(|sop| safe!("{}: {}", sop.id, sop.impact));
    let of_chosen = sops.get(chosen).map(|sop| &sop.id);
    let alerts = alerts
        .iter()
        .filter(|alert| alert.sop.is_none() || alert.sop.as_ref() == of_chosen);
    let alerts = alerts.map(|alert| alert.words(app.clock.now));
    let about: Vec<SafeText> = reason.into_iter().chain(impact).chain(alerts).collect();
    let title = if app.sop().is_some() || app.holds_back() {
        "Choose an SOP"
    } else {
        "Choose the SOP of the alert · Enter choose · Esc later"
    };
    picker(&title.into(), &choices, (chosen, &about), theme, screen, buffer);
}

/// What an alert does, in a word or two.
fn alert_in_brief(alert: &ServiceAlert) -> &'static str {
    match alert.state {
        AlertState::Firing => "alert fires",
        AlertState::Pending { .. } => "alert pending",
        AlertState::Silenced { .. } => "alert silenced",
        AlertState::Inhibited => "alert held back",
    }
}

/// What an SOP would recommend now.
fn outlook(app: &App, advice: &Recommendation) -> (Meaning, SafeText) {
    let meaning = match advice.action {
        Advice::Gather if app.is_looking() => return (Meaning::Faint, "still reading".into()),
        Advice::None => Meaning::Good,
        Advice::Wait => Meaning::Waiting,
        Advice::Gather => Meaning::Doubtful,
        Advice::StartPods | Advice::RestartPods | Advice::ScaleUp | Advice::Escalate => Meaning::Bad,
    };
    (meaning, advice.in_words(&app.session.profile))
}

fn contacts(app: &App, theme: &Theme, chosen: usize, screen: Rect, buffer: &mut Buffer) {
    let contacts = &app.session.profile.contacts;
    let reach: Vec<_> = contacts
        .values()
        .map(|contact| contact.reach.join(", "))
        .collect();
    let choices: Vec<_> = contacts
        .values()
        .zip(&reach)
        .map(|(contact, reach)| Choice {
            title: theme.clean(&contact.title),
            beside: theme.clean(reach),
            meaning: Meaning::Faint,
            current: false,
        })
        .collect();
    let about = ["Each message says what the team is asked to do, with the evidence it needs.".into()];
    picker(
        &"Hand off to which team?".into(),
        &choices,
        (chosen, &about),
        theme,
        screen,
        buffer,
    );
}

fn log_sources(app: &App, theme: &Theme, chosen: usize, screen: Rect, buffer: &mut Buffer) {
    let sources = app.log_sources();
    let choices: Vec<_> = sources
        .iter()
        .map(|source| Choice {
            title: theme.clean(&source.title),
            beside: theme.clean(&source.about),
            meaning: Meaning::Faint,
            current: source.only == app.logs.buffer.only,
        })
        .collect();
    picker(
        &"Show the log of · Enter choose · Esc leave".into(),
        &choices,
        (chosen, &[]),
        theme,
        screen,
        buffer,
    );
}

/// Rows to choose from, and below them what is to be said about the chosen one.
fn picker(
    title: &SafeText,
    choices: &[Choice],
    (chosen, about): (usize, &[SafeText]),
    theme: &Theme,
    screen: Rect,
    buffer: &mut Buffer,
) {
    let widest = usize::from(frame_of(screen, u16::MAX).width).saturating_sub(4);
    let about: Vec<CellText> = about
        .iter()
        .flat_map(|line| styled_text::wrap(&theme.clean(line), widest, 2))
        .collect();
    let wanted = choices.len() + about.len() + 3;
    let area = frame_of(screen, u16::try_from(wanted).unwrap_or(u16::MAX));
    let text = text_area(area);
    // What the choices leave, and on a small screen half of the room.
    let height = usize::from(text.height);
    let room = height.saturating_sub(choices.len()).max(height / 2);
    let about_rows = (about.len() + 1).min(room) as u16;
    let list = Rect {
        height: text.height - about_rows,
        ..text
    };
    let height = usize::from(list.height);
    let first = crate::screen::borders::first_row(chosen, choices.len(), height);
    let place = place_words(first, height, choices.len());
    draw_frame(title, &place, theme, area, buffer);
    let titles = choices.iter().map(|choice| styled_text::width(&choice.title));
    let title_width = titles.max().unwrap_or(0);
    for ((index, choice), row) in choices.iter().enumerate().skip(first).zip(list.rows()) {
        let mark = if index == chosen { theme.glyphs.chosen } else { "" };
        let current = if choice.current { theme.glyphs.pass } else { "" };
        StyledText::new(theme)
            .column(Meaning::Focus, mark, 2)
            .column(Meaning::Good, current, 2)
            .column(Meaning::Text, &choice.title, title_width)
            .gap(2)
            .add(choice.meaning, &choice.beside)
            .draw(row, buffer);
        if index == chosen {
            crate::screen::borders::select(row, theme, buffer);
        }
    }
    let below = Rect {
        y: list.bottom() + 1,
        height: about_rows.saturating_sub(1),
        ..list
    };
    let line = |line: CellText| StyledText::new(theme).add(Meaning::Text, line);
    styled_text::draw_lines(about.into_iter().map(line), below, buffer);
}
