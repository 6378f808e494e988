//! The whole screen, in known states and sizes, and under hostile input.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use super::fixture::{self, learn};
use super::{Theme, render};
use crate::app::App;
use crate::app::event::Event;
use crate::app::log_buffer::LogMode;
use crate::app::panes::Pane;
use crate::incident::fact::{Fact, Rows};
use crate::incident::feed::{FeedId, FeedState, Problem, ProblemKind};
use crate::incident::log::Severity;

fn themed(app: &App, width: u16, height: u16, theme: &Theme) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| render(app, theme, frame)).unwrap();
    terminal
}

fn screen(app: &App, width: u16, height: u16) -> String {
    let theme = Theme::named("dark", true, false).unwrap();
    themed(app, width, height, &theme).backend().to_string()
}

fn buffer(app: &App, width: u16, height: u16, ascii: bool) -> Buffer {
    let theme = Theme::named("dark", false, ascii).unwrap();
    themed(app, width, height, &theme).backend().buffer().clone()
}

fn press(app: &mut App, keys: &str) {
    for key in keys.chars() {
        let code = match key {
            '\n' => KeyCode::Enter,
            '\u{1b}' => KeyCode::Esc,
            key => KeyCode::Char(key),
        };
        let now = app.now;
        app.update(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)), now);
    }
}

macro_rules! snapshot {
    ($name:literal, $screen:expr) => {
        insta::assert_snapshot!($name, $screen)
    };
}

#[test]
fn all_is_well() {
    let app = fixture::well();
    snapshot!("well_120x40", screen(&app, 120, 40));
    snapshot!("well_100x30", screen(&app, 100, 30));
    snapshot!("well_80x24", screen(&app, 80, 24));
    snapshot!("well_60x20", screen(&app, 60, 20));
}

#[test]
fn no_pod_leads() {
    let app = fixture::no_leader();
    snapshot!("no_leader_120x40", screen(&app, 120, 40));
    snapshot!("no_leader_100x30", screen(&app, 100, 30));
    snapshot!("no_leader_80x24", screen(&app, 80, 24));
}

#[test]
fn pods_are_down() {
    let mut app = fixture::pods_down();
    snapshot!("pods_down_120x40", screen(&app, 120, 40));
    snapshot!("pods_down_80x24", screen(&app, 80, 24));
    snapshot!("pods_down_60x20", screen(&app, 60, 20));
    app.panes.zoomed = true;
    snapshot!("pods_down_zoomed_120x40", screen(&app, 120, 40));
}

#[test]
fn nothing_answers() {
    let app = fixture::failing_all();
    snapshot!("failing_120x40", screen(&app, 120, 40));
    snapshot!("failing_80x24", screen(&app, 80, 24));
}

#[test]
fn nothing_is_known_yet() {
    let mut app = fixture::silent();
    snapshot!("silent_100x30", screen(&app, 100, 30));
    snapshot!("too_small_39x9", screen(&app, 39, 9));
    app.checklist.sop = "kafka-deletion-correctness".to_owned();
    app.panes.focus = Pane::Sop;
    snapshot!("referred_60x20", screen(&app, 60, 20));
}

#[test]
fn no_colour_and_ascii() {
    let app = fixture::no_leader();
    let ascii = Theme::named("dark", false, true).unwrap();
    let terminal = themed(&app, 120, 40, &ascii);
    snapshot!("ascii_120x40", terminal.backend().to_string());
    let plain = buffer(&app, 120, 40, false);
    let coloured = |cell: &&ratatui::buffer::Cell| {
        cell.fg != ratatui::style::Color::Reset || cell.bg != ratatui::style::Color::Reset
    };
    assert_eq!(plain.content().iter().find(coloured), None);
}

#[test]
fn logs_in_full() {
    let mut app = fixture::well();
    let panic = "panic: runtime error: index out of range\ngoroutine 1 [running]:\nmain.main()\n\t/app/main.go:12\nfive\nsix\nseven";
    learn(
        &mut app,
        2,
        fixture::batch(
            "2mgcp",
            vec![
                fixture::record(60, Severity::Plain, "{\"level\":\"info\",\"message\":\"hello\"}"),
                fixture::record(
                    50,
                    Severity::Warning,
                    "W0115 13:29:10.482913       1 kafkas_mgr.go:203] No available cluster found for Kafka 1n5Gdef with a long tail of words that goes beyond the width of the pane",
                ),
                fixture::record(40, Severity::Fatal, panic),
                fixture::record(
                    30,
                    Severity::Error,
                    "E0115 13:29:30.482913       1 logger.go:71] failed to reconcile accepted cluster",
                ),
            ],
        ),
    );
    let note = Fact::LogNote {
        source: fixture::source("lzxms"),
        missed: 3,
        text: "reconnected, 3 lines missed".into(),
    };
    learn(&mut app, 20, note);
    app.log.set_mode(LogMode::All);
    press(&mut app, "z");
    snapshot!("logs_120x40", screen(&app, 120, 40));
    app.log.wrap = true;
    press(&mut app, "kkkk");
    snapshot!("logs_wrapped_held_60x20", screen(&app, 60, 20));
    press(&mut app, "/cluster");
    snapshot!("logs_filter_80x24", screen(&app, 80, 24));
    press(&mut app, "(");
    snapshot!("logs_filter_wrong_60x20", screen(&app, 60, 20));
}

#[test]
fn dialogs() {
    let mut app = fixture::no_leader();
    press(&mut app, "?");
    snapshot!("help_100x30", screen(&app, 100, 30));
    press(&mut app, "G");
    snapshot!("help_end_60x20", screen(&app, 60, 20));
    press(&mut app, "q4jj\n");
    snapshot!("step_100x30", screen(&app, 100, 30));
    press(&mut app, "qsj");
    snapshot!("picker_80x24", screen(&app, 80, 24));
}

#[test]
fn a_notice_takes_the_footer_and_no_line_of_a_pane() {
    let mut app = fixture::well();
    let before = screen(&app, 100, 30);
    press(&mut app, "r");
    let after = screen(&app, 100, 30);
    let changed: Vec<_> = before
        .lines()
        .zip(after.lines())
        .filter(|(one, other)| one != other)
        .collect();
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert!(
        changed[0].1.contains("asking the database") && changed[0].1.contains("? help"),
        "{changed:?}"
    );
}

#[test]
fn a_fault_names_itself_on_its_pane() {
    let mut app = fixture::well();
    let problem = Problem::new(ProblemKind::Forbidden, "events may not be listed by oncall");
    let state = FeedState::Failing {
        problem,
        attempt: 1,
        retry_in: std::time::Duration::from_secs(3),
    };
    learn(&mut app, 0, Fact::Feed(FeedId::ClusterEvents, state));
    let screen = screen(&app, 120, 40);
    let shown = |text: &str| screen.lines().position(|line| line.contains(text));
    let (what, why) = (
        shown("events forbidden, again in 3s"),
        shown("events may not be listed by oncall"),
    );
    assert!(what.is_some() && why == what.map(|line| line + 1), "{screen}");
}

#[test]
fn a_second_changes_few_cells() {
    let mut app = fixture::well();
    let theme = Theme::named("dark", true, false).unwrap();
    let mut changed = 0;
    for _ in 0..10 {
        let before = themed(&app, 120, 40, &theme).backend().buffer().clone();
        app.now += jiff::SignedDuration::from_secs(1);
        let at = app.now;
        app.update(Event::Fact(Fact::Feed(FeedId::Api, FeedState::Live)), at);
        let after = themed(&app, 120, 40, &theme).backend().buffer().clone();
        changed += before.diff(&after).len();
    }
    assert!(changed < 40, "{changed} cells in 10 s");
}

/// What an attacker may write into a log, a name or a row.
const HOSTILE: &str = "\u{1b}[31m\u{1b}]0;title\u{7}\u{9b}2J\u{202e}evil\u{2066}\u{200b}\r\n\u{0}\u{7f}\u{e000}é日本\u{301}\u{fe0f}";

/// A console with hostile text in every field that comes from outside.
fn hostile() -> App {
    let mut app = fixture::no_leader();
    let mut connection = fixture::connection();
    connection.server = HOSTILE.into();
    connection.user = HOSTILE.into();
    connection.namespace = HOSTILE.into();
    learn(&mut app, 1, Fact::Connection(connection));
    let mut pod = fixture::pod("blf5h", HOSTILE, false);
    pod.name = format!("{HOSTILE}-{HOSTILE}").into();
    pod.node = Some(HOSTILE.into());
    learn(&mut app, 1, Fact::Pod(pod));
    let long = format!("{HOSTILE}{}{HOSTILE}", "x\u{301}".repeat(5_000));
    let records = [Severity::Plain, Severity::Error].map(|severity| fixture::record(1, severity, &long));
    learn(&mut app, 1, fixture::batch("blf5h", records.to_vec()));
    let text = HOSTILE.into();
    learn(
        &mut app,
        1,
        Fact::LogNote {
            source: fixture::source("blf5h"),
            missed: 1,
            text,
        },
    );
    let problem = Problem::new(ProblemKind::ServerError, HOSTILE).advise(HOSTILE);
    let state = || FeedState::Failing {
        problem: problem.clone(),
        attempt: 1,
        retry_in: std::time::Duration::MAX,
    };
    let log = FeedId::Log(fixture::source("blf5h"));
    for id in [FeedId::Api, FeedId::Pods, FeedId::Database, log] {
        learn(&mut app, 1, Fact::Feed(id, state()));
    }
    learn(
        &mut app,
        1,
        Fact::Feed(FeedId::Access, FeedState::Off(HOSTILE.into())),
    );
    let status = |status: &str| crate::incident::fact::StatusCount {
        status: status.into(),
        count: u64::MAX,
        oldest_s: Some(i64::MAX / 2),
        over_limit: Some(u64::MAX),
    };
    learn(
        &mut app,
        1,
        fixture::reading(vec![status(HOSTILE), status("ready")], vec![status("accepted")]),
    );
    for step in &mut app.diagnosis.steps {
        step.value = HOSTILE.to_owned();
        step.age = Some(jiff::SignedDuration::MAX);
    }
    for reading in &mut app.diagnosis.leaders {
        reading.worker = HOSTILE.to_owned();
        reading.log = HOSTILE.to_owned();
    }
    app.session.drill = Some(HOSTILE.to_owned());
    app.log.set_mode(LogMode::All);
    app
}

fn consoles_in_every_place(app: App) -> Vec<App> {
    let mut consoles = Vec::new();
    for keys in [
        "1", "2", "3", "4", "1z", "2zW", "2kkk", "3G", "4G", "?", "iG", "s", "1\n", "2\n", "3\n", "4\n",
        "/(a", "4G /x",
    ] {
        let mut app = app.clone();
        press(&mut app, keys);
        consoles.push(app);
    }
    consoles
}

#[test]
fn no_control_character_is_drawn() {
    let mut app = hostile();
    let rows = Rows {
        of: crate::incident::fact::RowsOf {
            table: "clusters".into(),
            status: "ready".into(),
        },
        rows: Err(HOSTILE.into()),
        more: true,
    };
    learn(&mut app, 1, Fact::Rows(rows));
    let steers = |c: char| {
        c.is_control()
            || ('\u{200b}'..='\u{200f}').contains(&c)
            || ('\u{202a}'..='\u{202e}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c)
    };
    for app in consoles_in_every_place(app) {
        for (width, height) in [(120, 40), (80, 24), (60, 20), (200, 60)] {
            for cell in buffer(&app, width, height, false).content() {
                assert!(!cell.symbol().contains(steers), "{:?}", cell.symbol());
            }
            for cell in buffer(&app, width, height, true).content() {
                assert!(cell.symbol().is_ascii(), "{:?}", cell.symbol());
            }
        }
    }
}

#[test]
fn no_size_is_too_odd() {
    let mut consoles = consoles_in_every_place(hostile());
    consoles.push(fixture::silent());
    consoles.push(fixture::failing_all());
    for (index, app) in consoles.iter().enumerate() {
        for width in 1..=60 {
            let height = 1 + (width as usize * 7 + index) as u16 % 20;
            buffer(app, width, height, index % 2 == 0);
        }
        for (width, height) in [(80, 24), (81, 25), (500, 24), (80, 200), (1_000, 30)] {
            buffer(app, width, height, false);
        }
    }
    let app = hostile();
    for width in 1..=60 {
        for height in 1..=20 {
            buffer(&app, width, height, false);
        }
    }
}

#[test]
fn what_overflows_is_held_back() {
    let mut app = fixture::well();
    app.now = jiff::Timestamp::MAX;
    buffer(&app, 120, 40, false);
    app.now = jiff::Timestamp::MIN;
    buffer(&app, 120, 40, false);
}

#[test]
fn tmp_dump_svg() {
    for theme in ["dark", "light"] {
        let t = Theme::named(theme, true, false).unwrap();
        for (name, app) in [
            ("no_leader", fixture::no_leader()),
            ("failing", fixture::failing_all()),
            ("pods_down", fixture::pods_down()),
        ] {
            let term = themed(&app, 120, 40, &t);
            std::fs::write(
                format!("/tmp/v_{theme}_{name}.svg"),
                super::svg(term.backend().buffer(), name),
            )
            .unwrap();
        }
    }
    let app = fixture::no_leader();
    let t = Theme::named("dark", true, false).unwrap();
    let start = std::time::Instant::now();
    for _ in 0..100 {
        themed(&app, 120, 40, &t);
    }
    println!("render {:?}", start.elapsed() / 100);
}
