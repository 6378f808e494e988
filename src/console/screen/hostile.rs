//! The screen under hostile input, at every size.

use super::fixture::{self, learn};
use super::tests::{buffer, press};
use crate::app::App;
use crate::panes::logs::buffer::LogMode;
use sopwatch_core::logparse::Severity;
use sopwatch_core::observe::observation::{Observation, Rows};
use sopwatch_core::observe::source::{Problem, ProblemKind, SourceId, SourceState};

/// What an attacker may write into a log, a name or a row.
const HOSTILE: &str = "\u{1b}[31m\u{1b}]0;title\u{7}\u{9b}2J\u{202e}evil\u{2066}\u{200b}\r\n\u{0}\u{7f}\u{e000}é日本\u{301}\u{fe0f}";

/// A console with hostile text in every field that comes from outside.
fn hostile() -> App {
    let mut app = fixture::no_leader();
    let mut connection = fixture::connection();
    connection.server = HOSTILE.into();
    connection.user = HOSTILE.into();
    connection.namespace = HOSTILE.into();
    learn(&mut app, 1, Observation::Connection(connection));
    let mut pod = fixture::pod("blf5h", HOSTILE, false);
    pod.name = format!("{HOSTILE}-{HOSTILE}").into();
    pod.node = Some(HOSTILE.into());
    learn(&mut app, 1, Observation::Pod(pod));
    let long = format!("{HOSTILE}{}{HOSTILE}", "x\u{301}".repeat(5_000));
    let records = [Severity::Plain, Severity::Error].map(|severity| fixture::record(1, severity, &long));
    learn(&mut app, 1, fixture::batch("blf5h", records.to_vec()));
    let text = HOSTILE.into();
    learn(
        &mut app,
        1,
        Observation::LogNote {
            source: fixture::source("blf5h"),
            missed: 1,
            text,
        },
    );
    let problem = Problem::new(ProblemKind::ServerError, HOSTILE).advise(HOSTILE);
    let state = || SourceState::Failing {
        problem: problem.clone(),
        attempt: 1,
        retry_in: std::time::Duration::MAX,
    };
    let log = SourceId::Log(fixture::source("blf5h"));
    for id in [SourceId::Api, SourceId::Pods, SourceId::Database, log] {
        learn(&mut app, 1, Observation::Source(id, state()));
    }
    learn(
        &mut app,
        1,
        Observation::Source(SourceId::Access, SourceState::Off(HOSTILE.into())),
    );
    let status = |status: &str| sopwatch_core::observe::observation::StatusCount {
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
        step.value = HOSTILE.into();
        step.age = Some(jiff::SignedDuration::MAX);
    }
    for reading in &mut app.diagnosis.leaders {
        reading.worker = HOSTILE.into();
        reading.log = HOSTILE.into();
        reading.log_unnamed.clone_from(&reading.log);
    }
    let mut taught = crate::training::screen_tests::taught();
    if let Some(attempt) = &mut taught.attempt {
        attempt.lesson.title = HOSTILE.to_owned();
        attempt.lesson.because = long.clone();
        attempt.lesson.hints = vec![HOSTILE.to_owned()];
        attempt.lesson.right.choice.contact = Some(HOSTILE.to_owned());
        attempt
            .acts
            .iter_mut()
            .for_each(|noted| noted.act.name = HOSTILE.into());
    }
    app.attempt = taught.attempt;
    app.session.drill = Some(HOSTILE.to_owned());
    app.logs.buffer.set_mode(LogMode::All);
    app
}

fn consoles_in_every_place(app: App) -> Vec<App> {
    let mut consoles = Vec::new();
    for keys in [
        "1", "2", "3", "4", "1z", "2zW", "2kkk", "3G", "4G", "?", "iG", "s", "1\n", "2\n", "3\n", "4\n",
        "/(a", "4G /x", "H", "TG\n", "DD", "DDG",
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
        of: sopwatch_core::observe::observation::RowsOf {
            table: "clusters".into(),
            status: "ready".into(),
        },
        rows: Err(HOSTILE.into()),
        more: true,
    };
    learn(&mut app, 1, Observation::Rows(rows));
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
fn every_size_is_filled_and_no_control_character_is_in_it() {
    let drawn = |app: &App, width: u16, height: u16, ascii: bool| {
        let buffer = buffer(app, width, height, ascii);
        assert_eq!((buffer.area.width, buffer.area.height), (width, height));
        let mut symbols = buffer.content.iter().flat_map(|cell| cell.symbol().chars());
        assert!(!symbols.any(char::is_control), "{width}x{height}");
    };
    let mut consoles = consoles_in_every_place(hostile());
    consoles.push(fixture::silent());
    consoles.push(fixture::failing_all());
    for (index, app) in consoles.iter().enumerate() {
        for width in 1..=60 {
            let height = 1 + (width as usize * 7 + index) as u16 % 20;
            drawn(app, width, height, index % 2 == 0);
        }
        for (width, height) in [(80, 24), (81, 25), (500, 24), (80, 200), (1_000, 30)] {
            drawn(app, width, height, false);
        }
    }
    let app = hostile();
    for width in 1..=60 {
        for height in 1..=20 {
            drawn(&app, width, height, false);
        }
    }
}

#[test]
fn what_overflows_is_held_back() {
    let mut app = fixture::well();
    for now in [jiff::Timestamp::MAX, jiff::Timestamp::MIN] {
        app.clock.now = now;
        let buffer = buffer(&app, 120, 40, false);
        let screen: String = buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect();
        assert!(screen.contains("3 of 3 ready"), "{screen}");
    }
}
