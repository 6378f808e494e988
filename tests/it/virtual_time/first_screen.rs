//! What the screen says without a key: the SOP, the reason of the recommendation, and the words that decide, each whole.

use std::collections::BTreeMap;
use std::sync::Mutex;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use sopwatch_console::app::App;
use sopwatch_console::screen::{self, Theme};
use sopwatch_drill::scenario::Expectation;

use crate::support::virtual_console::VirtualConsole;
use crate::support::virtual_time;

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

/// Incidents of each kind; that of a database which is down names a socket in a folder of the moment.
const TEN: [&str; 10] = [
    "api-down-quota",
    "crash-loop-oom",
    "deletion-errors",
    "kafka-stuck-two-days",
    "no-kafka-leader",
    "ocm-outage",
    "panic-loop",
    "saturation",
    "sso-outage",
    "two-leaders",
];

/// From a split of a laptop's terminal to a large screen.
const FIVE: [(u16, u16); 5] = [(60, 40), (80, 24), (100, 30), (120, 40), (200, 60)];

#[test]
fn ten_incidents_at_five_sizes() {
    let work = Mutex::new(TEN.iter().collect::<Vec<_>>());
    let screens = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(id) = { work.lock().unwrap().pop() } {
                    let drawn = screens_of(id);
                    screens.lock().unwrap().insert(*id, drawn);
                }
            });
        }
    });
    for (id, screens) in screens.into_inner().unwrap() {
        insta::assert_snapshot!(format!("first_screen_{id}"), screens);
    }
}

/// The API server's port is another one each time; the letters for it are as wide.
fn without_port(text: &str) -> String {
    const HOST: &str = "127.0.0.1:";
    let mut parts = text.split(HOST);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |whole, part| {
        let digits = part.chars().take_while(char::is_ascii_digit).count();
        format!("{whole}{HOST}{}{}", "N".repeat(digits), &part[digits..])
    })
}

/// The screens of a scenario at the first moment of which its file says what is recommended, one size under the other.
fn screens_of(id: &str) -> String {
    let scenario = sopwatch_drill::scenario(id).unwrap();
    let moments = scenario.expect.iter();
    let advised = moments.filter(|expected| expected.recommendation.is_some());
    let at = advised.map(|expected| expected.at).min().unwrap();
    virtual_time::run(|breath| async move {
        let mut console = VirtualConsole::start(scenario, 1, &breath).await;
        console.run_until(at).await;
        let one = |size: (u16, u16)| format!("{}x{}\n{}\n", size.0, size.1, drawn(console.app(), size));
        without_port(&FIVE.map(one).join("\n"))
    })
}
