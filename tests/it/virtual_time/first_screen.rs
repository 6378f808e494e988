//! What the screen says without a key: the SOP, the reason of the recommendation, and the words that decide, each whole.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use sopwatch_console::app::App;
use sopwatch_console::screen::{self, Theme};
use sopwatch_drill::scenario::Expectation;

/// The screens that show them: columns and rows.
const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];

/// What is not on the first screen of a moment, a text each.
pub fn missing(app: &App, expected: &Expectation) -> Vec<String> {
    let mut missing = Vec::new();
    for size in SIZES {
        let screen = drawn(app, size);
        let lacks = |what: &str, words: &str| {
            let (columns, rows) = size;
            format!("  {columns}x{rows}: {what} `{words}` is not on it whole:\n{screen}")
        };
        let header = screen.lines().next().unwrap_or_default();
        if let Some(sop) = app.sop()
            && !header.contains(&sop.title)
            && !header.contains(&sop.id)
        {
            missing.push(lacks("the SOP", &sop.title));
        }
        let text = in_one_line(&screen);
        let because = &app.diagnosis.decision.recommendation.because;
        if let Some(reason) = because.first()
            && !text.contains(&in_one_line(reason))
        {
            missing.push(lacks("the reason", reason));
        }
        for words in &expected.shown {
            if !text.contains(words) {
                missing.push(lacks("what decides,", words));
            }
        }
    }
    missing
}

/// The console's screen as text, a line a row.
pub fn drawn(app: &App, (columns, rows): (u16, u16)) -> String {
    let theme = Theme::named("dark", false, false).unwrap();
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal
        .draw(|frame| {
            screen::render(app, &theme, frame);
        })
        .unwrap();
    let buffer = terminal.backend().buffer();
    let row = |y: u16| -> String { (0..columns).map(|x| buffer[(x, y)].symbol()).collect() };
    (0..rows)
        .map(|y| row(y).trim_end().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Words with one blank between them: a line that was broken reads as one that was not.
fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
