//! The choice of a drill's scenario, on a screen of its own before the console begins: the scenarios by SOP, and the story of the chosen one.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::screen::borders::{first_row, select};
use crate::style::styled_text::{self, CellText, StyledText};
use crate::style::theme::{Meaning, Theme};

/// Rows that the story takes at most.
const STORY_ROWS: u16 = 4;

/// Columns of the list before a title begins.
const INDENT: usize = 2;

/// A scenario in the list. Those of one SOP follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioItem {
    /// Its name.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What the pager says.
    pub story: String,
    /// The SOP that it is about, as its heading says it.
    pub sop: String,
}

/// What a key led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScenarioOutcome {
    /// The list stays.
    Open,
    /// This scenario is to be started.
    Start(String),
    /// None is.
    Quit,
}

/// The list, what is typed to find a scenario, and the chosen one.
#[derive(Clone, Debug)]
pub struct ScenarioChoice {
    items: Vec<ScenarioItem>,
    typed: String,
    /// Whether every letter is typed, also those that move: after `/` or another letter.
    typing: bool,
    /// Place among the items that are shown.
    chosen: usize,
}

/// A line of the list.
enum Row<'a> {
    Heading(&'a str),
    Scenario(usize, &'a ScenarioItem),
}

impl ScenarioChoice {
    /// A list with the scenario of this id chosen.
    pub fn new(items: Vec<ScenarioItem>, chosen: &str) -> Self {
        let chosen = items.iter().position(|item| item.id == chosen).unwrap_or(0);
        Self {
            items,
            typed: String::new(),
            typing: false,
            chosen,
        }
    }

    /// Takes a key.
    pub fn press(&mut self, key: KeyEvent) -> ScenarioOutcome {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if control => return ScenarioOutcome::Quit,
            KeyCode::Esc if self.typing => self.type_text(String::new(), false),
            KeyCode::Esc => return ScenarioOutcome::Quit,
            KeyCode::Enter => {
                let chosen = self.shown().get(self.chosen).map(|item| item.id.clone());
                return chosen.map_or(ScenarioOutcome::Open, ScenarioOutcome::Start);
            }
            KeyCode::Up => self.move_by(-1),
            KeyCode::Down => self.move_by(1),
            KeyCode::PageUp => self.move_by(-10),
            KeyCode::PageDown => self.move_by(10),
            KeyCode::Home => self.chosen = 0,
            KeyCode::End => self.move_by(isize::MAX),
            KeyCode::Backspace => {
                let mut typed = self.typed.clone();
                typed.pop();
                let typing = !typed.is_empty();
                self.type_text(typed, typing);
            }
            KeyCode::Char(letter) if !control => return self.letter(letter),
            _ => {}
        }
        ScenarioOutcome::Open
    }

    fn letter(&mut self, letter: char) -> ScenarioOutcome {
        match letter {
            _ if self.typing => self.type_text(format!("{}{letter}", self.typed), true),
            'q' => return ScenarioOutcome::Quit,
            'j' => self.move_by(1),
            'k' => self.move_by(-1),
            'g' => self.chosen = 0,
            'G' => self.move_by(isize::MAX),
            '/' => self.typing = true,
            ' ' => {}
            letter => self.type_text(letter.to_string(), true),
        }
        ScenarioOutcome::Open
    }

    /// Takes a text that was pasted: its first line is looked for.
    pub fn paste(&mut self, text: &str) {
        // Terminals paste a line's end as a carriage return.
        let line = text.split(['\r', '\n']).next().unwrap_or_default();
        let line: String = line.chars().filter(|c| !c.is_control()).take(80).collect();
        self.type_text(format!("{}{line}", self.typed), true);
    }

    /// Another text to find; the chosen scenario stays chosen where it is shown.
    fn type_text(&mut self, typed: String, typing: bool) {
        let before = self.shown().get(self.chosen).map(|item| item.id.clone());
        self.typed = typed;
        self.typing = typing;
        let now = self
            .shown()
            .iter()
            .position(|item| Some(&item.id) == before.as_ref());
        self.chosen = now.unwrap_or(0);
    }

    fn move_by(&mut self, rows: isize) {
        let last = self.shown().len().saturating_sub(1);
        self.chosen = self.chosen.saturating_add_signed(rows).min(last);
    }

    /// The scenarios that hold every word that is typed.
    fn shown(&self) -> Vec<&ScenarioItem> {
        let typed = self.typed.to_lowercase();
        let words: Vec<&str> = typed.split_whitespace().collect();
        let holds_all = |item: &&ScenarioItem| {
            let text = format!("{} {} {} {}", item.id, item.title, item.story, item.sop).to_lowercase();
            words.iter().all(|word| text.contains(word))
        };
        self.items.iter().filter(holds_all).collect()
    }

    /// Draws the list over the whole screen.
    pub fn render(&self, theme: &Theme, frame: &mut Frame<'_>) {
        let area = frame.area();
        let buffer = frame.buffer_mut();
        let shown = self.shown();
        let story = self.story(theme, &shown, usize::from(area.width));
        let story_rows = u16::try_from(story.len()).unwrap_or(STORY_ROWS);
        let row = |y: u16, height: u16| Rect {
            y: area.y + y,
            height,
            ..area
        };
        self.head(theme).draw(row(0, 1), buffer);
        let below = story_rows + 1 + u16::from(story_rows > 0);
        let list = row(1, area.height.saturating_sub(1 + below));
        self.draw_list(theme, &shown, list, buffer);
        let end = list.bottom().saturating_sub(area.y);
        styled_text::draw_lines(story, row(end + 1, story_rows), buffer);
        let last = area.height.saturating_sub(1);
        self.keys(theme).draw(row(last, 1), buffer);
    }

    fn head<'t>(&self, theme: &'t Theme) -> StyledText<'t> {
        let line = StyledText::new(theme).add(Meaning::Title, "sopwatch drill: choose a scenario");
        if !self.typing {
            return line;
        }
        line.gap(2)
            .add(Meaning::Key, "find ")
            .add(Meaning::Text, theme.clean(&self.typed))
            .add(Meaning::Focus, "_")
    }

    fn draw_list(&self, theme: &Theme, shown: &[&ScenarioItem], area: Rect, buffer: &mut Buffer) {
        if shown.is_empty() {
            let none = "no scenario has these words · Backspace";
            StyledText::new(theme)
                .gap(INDENT)
                .add(Meaning::Faint, none)
                .draw(area, buffer);
            return;
        }
        let rows = rows(shown);
        let is_chosen = |row: &Row<'_>| matches!(row, Row::Scenario(place, _) if *place == self.chosen);
        let chosen = rows.iter().position(is_chosen).unwrap_or(0);
        let width = shown.iter().map(|item| styled_text::width(&item.id)).max();
        let first = first_row(chosen, rows.len(), usize::from(area.height));
        for (row, place) in rows.iter().skip(first).zip(area.rows()) {
            match row {
                Row::Heading(sop) => StyledText::new(theme)
                    .add(Meaning::Heading, theme.clean(*sop))
                    .draw(place, buffer),
                Row::Scenario(_, item) => {
                    StyledText::new(theme)
                        .column(
                            Meaning::Focus,
                            if is_chosen(row) { theme.glyphs.chosen } else { "" },
                            INDENT,
                        )
                        .column(Meaning::Code, theme.clean(&item.id), width.unwrap_or(0))
                        .gap(2)
                        .add(Meaning::Text, theme.clean(&item.title))
                        .draw(place, buffer);
                    if is_chosen(row) {
                        select(place, theme, buffer);
                    }
                }
            }
        }
    }

    /// The story of the chosen scenario.
    fn story<'t>(&self, theme: &'t Theme, shown: &[&ScenarioItem], width: usize) -> Vec<StyledText<'t>> {
        let Some(item) = shown.get(self.chosen) else {
            return Vec::new();
        };
        let lines = styled_text::wrap(&theme.clean(&item.story), width.saturating_sub(2 * INDENT), 0);
        let line = |text: CellText| StyledText::new(theme).gap(INDENT).add(Meaning::Text, text);
        lines
            .into_iter()
            .take(usize::from(STORY_ROWS))
            .map(line)
            .collect()
    }

    fn keys<'t>(&self, theme: &'t Theme) -> StyledText<'t> {
        let keys: &[(&'static str, &'static str)] = if self.typing {
            &[("Enter", "start"), ("Backspace", "delete"), ("esc", "clear")]
        } else {
            &[("Enter", "start"), ("j k", "move"), ("/", "find"), ("q", "quit")]
        };
        keys.iter().fold(StyledText::new(theme), |line, (key, what)| {
            line.add(Meaning::Key, *key)
                .gap(1)
                .add(Meaning::Text, *what)
                .gap(3)
        })
    }
}

/// The lines of the list: a heading before the first scenario of each SOP.
fn rows<'a>(shown: &[&'a ScenarioItem]) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    let mut sop = "";
    for (place, item) in shown.iter().enumerate() {
        if item.sop != sop {
            sop = &item.sop;
            rows.push(Row::Heading(sop));
        }
        rows.push(Row::Scenario(place, item));
    }
    rows
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;

    fn choice() -> ScenarioChoice {
        let item = |id: &str, title: &str, story: &str, sop: &str| ScenarioItem {
            id: id.to_owned(),
            title: title.to_owned(),
            story: story.to_owned(),
            sop: sop.to_owned(),
        };
        let items = vec![
            item("api-down-quota", "No pod starts", "There is no pod.", "API down"),
            item("crash-loop-oom", "Out of memory", "Pods restart.", "API down"),
            item(
                "all-well",
                "All is well",
                "Nothing is wrong any more.",
                "Kafka latency",
            ),
            item(
                "no-kafka-leader",
                "No leader",
                "Nobody leads Kafka.",
                "Kafka latency",
            ),
        ];
        ScenarioChoice::new(items, "no-kafka-leader")
    }

    fn key(code: KeyCode) -> KeyEvent {
        KeyEvent::from(code)
    }

    /// Presses keys: letters, `<` for backspace, `!` for Enter, `~` for esc, `^` and `v` for the arrows; the last outcome.
    fn press(choice: &mut ScenarioChoice, keys: &str) -> ScenarioOutcome {
        keys.chars().fold(ScenarioOutcome::Open, |_, letter| {
            choice.press(key(match letter {
                '<' => KeyCode::Backspace,
                '!' => KeyCode::Enter,
                '~' => KeyCode::Esc,
                '^' => KeyCode::Up,
                'v' => KeyCode::Down,
                letter => KeyCode::Char(letter),
            }))
        })
    }

    fn drawn(choice: &ScenarioChoice, columns: u16, rows: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        let theme = Theme::named("dark", false, true).unwrap();
        terminal.draw(|frame| choice.render(&theme, frame)).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn keys_choose_find_start_and_quit() {
        let start = |id: &str| ScenarioOutcome::Start(id.to_owned());
        let cases = [
            ("!", start("no-kafka-leader")),
            ("k!", start("all-well")),
            ("^^!", start("crash-loop-oom")),
            ("kkkkkkj!", start("crash-loop-oom")),
            ("g!", start("api-down-quota")),
            ("gG!", start("no-kafka-leader")),
            ("gv!", start("crash-loop-oom")),
            // a letter that moves nothing begins to find, and then every letter is typed
            ("oom!", start("crash-loop-oom")),
            ("/quota!", start("api-down-quota")),
            ("/kafka!", start("no-kafka-leader")),
            ("memory pods!", start("crash-loop-oom")),
            ("xyz!", ScenarioOutcome::Open),
            ("xyz<<<!", start("api-down-quota")),
            ("oom~!", start("crash-loop-oom")),
            ("q", ScenarioOutcome::Quit),
            ("~", ScenarioOutcome::Quit),
            ("oom~~", ScenarioOutcome::Quit),
            ("/q", ScenarioOutcome::Open),
        ];
        for (keys, outcome) in cases {
            assert_eq!(press(&mut choice(), keys), outcome, "{keys}");
        }
        let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(choice().press(control_c), ScenarioOutcome::Quit);
    }

    #[test]
    fn a_pasted_text_is_looked_for_and_starts_nothing() {
        let mut choice = choice();
        choice.paste("oom\rq\n");
        assert_eq!(choice.shown().len(), 1);
        choice.paste("\u{1b}[2J");
        assert!(choice.shown().is_empty());
    }

    #[test]
    fn the_list_shows_headings_the_chosen_story_and_the_keys() {
        let screen = drawn(&choice(), 60, 12);
        for text in [
            "choose a scenario",
            "API down",
            "crash-loop-oom",
            "Kafka latency",
            "Nobody leads Kafka.",
            "Enter start",
            "q quit",
        ] {
            assert!(screen.contains(text), "{text} is not in\n{screen}");
        }
        assert!(!screen.contains("There is no pod."), "{screen}");
    }

    #[test]
    fn any_size_is_drawn_with_the_chosen_row_in_view() {
        for (columns, rows) in [(1, 1), (5, 2), (20, 4), (40, 6), (80, 24), (200, 60)] {
            let mut choice = choice();
            for keys in ["", "g", "/xyz"] {
                press(&mut choice, keys);
                let _ = drawn(&choice, columns, rows);
            }
        }
        let screen = drawn(&choice(), 60, 6);
        assert!(screen.contains("no-kafka-leader"), "{screen}");
    }
}
