//! The whole screen, in known states and sizes.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use super::fixture::{self, learn};
use super::{Theme, render};
use crate::app::App;
use crate::app::event::Event;
use crate::panes::Pane;
use crate::panes::logs::buffer::LogMode;
use sopwatch_core::logparse::Severity;
use sopwatch_core::observe::observation::{Container, ContainerState, Limits, Observation};
use sopwatch_core::observe::source::{Problem, ProblemKind, SourceId, SourceState};

pub(crate) fn themed(app: &App, width: u16, height: u16, theme: &Theme) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| {
            render(app, theme, frame);
        })
        .unwrap();
    terminal
}

pub(crate) fn screen(app: &App, width: u16, height: u16) -> String {
    let theme = Theme::named("dark", true, false).unwrap();
    themed(app, width, height, &theme).backend().to_string()
}

pub(crate) fn buffer(app: &App, width: u16, height: u16, ascii: bool) -> Buffer {
    let theme = Theme::named("dark", false, ascii).unwrap();
    themed(app, width, height, &theme).backend().buffer().clone()
}

pub(crate) fn press(app: &mut App, keys: &str) {
    for key in keys.chars() {
        let code = match key {
            '\n' => KeyCode::Enter,
            '\u{1b}' => KeyCode::Esc,
            '→' => KeyCode::Right,
            '←' => KeyCode::Left,
            '\t' => KeyCode::Tab,
            key => KeyCode::Char(key),
        };
        let now = app.clock.now;
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
fn rows_are_shown_with_the_time_to_their_limit_and_since_when_they_are_seen() {
    let mut app = fixture::no_leader();
    press(&mut app, "3jj\n");
    learn(&mut app, 2, fixture::accepted_rows());
    snapshot!("rows_120x40", screen(&app, 120, 40));
    snapshot!("rows_80x24", screen(&app, 80, 24));
}

#[test]
fn an_age_from_first_sight_is_told_as_the_least_it_can_be() {
    let mut app = fixture::no_leader();
    let mut profile = (*app.session.profile).clone();
    let tables = profile
        .database
        .iter_mut()
        .flat_map(|database| &mut database.tables);
    for status in tables.flat_map(|table| &mut table.statuses) {
        status.clock = sopwatch_core::profile::ClockBasis::FirstSeen;
    }
    app.session.profile = std::sync::Arc::new(profile);
    assert!(
        screen(&app, 120, 40).contains(" ≥20m "),
        "{}",
        screen(&app, 120, 40)
    );
}

#[test]
fn the_bar_says_what_to_do_and_why() {
    use sopwatch_core::profile::rule::Advice::{Escalate, Gather, ScaleUp, StartPods, Wait};
    let mut app = fixture::no_leader();
    let mut bars = String::new();
    for (action, contact, because) in [
        (
            Wait,
            None,
            "the newest container started less than 4m ago: settled in 2m31s",
        ),
        (Gather, None, "pods: pods are forbidden"),
        (StartPods, None, "the deployment asks for 0 pods"),
        (
            ScaleUp,
            None,
            "61 requests within 5m: 12 % failed, 80 % over 100 ms, 8 % over 1 s",
        ),
        (Escalate, Some("control-plane"), "0 of 3 pods ready"),
    ] {
        fixture::decide(&mut app, action, contact, because);
        for width in [120, 80, 60] {
            let screen = screen(&app, width, 24);
            let bar = screen.lines().rev().nth(1).unwrap_or_default();
            bars.push_str(bar.trim_matches('"').trim_end());
            bars.push('\n');
        }
    }
    snapshot!("bars", bars);
}

#[test]
fn what_is_unclear_though_all_was_read_is_no_want_of_access() {
    use sopwatch_core::profile::rule::Advice::Gather;
    let mut app = fixture::no_leader();
    fixture::decide(&mut app, Gather, None, "pods: pods are forbidden");
    let shown = screen(&app, 120, 24);
    assert!(
        shown.contains("NO ACCESS") && shown.contains("i sources"),
        "{shown}"
    );
    app.diagnosis.decision.recommendation.unclear = true;
    let shown = screen(&app, 120, 24);
    assert!(shown.contains("? CHECK YOURSELF"), "{shown}");
    assert!(
        !shown.contains("NO ACCESS") && !shown.contains("i sources"),
        "{shown}"
    );
    press(&mut app, "w");
    let why = screen(&app, 100, 40);
    assert!(
        why.contains("What to check yourself") && !why.contains("What to restore"),
        "{why}"
    );
}

#[test]
fn what_was_said_before_goes_where_a_dialog_opens() {
    let mut app = fixture::no_leader();
    app.complain("nothing to apply");
    assert!(screen(&app, 120, 24).contains("nothing to apply"));
    press(&mut app, "w");
    assert!(!screen(&app, 120, 24).contains("nothing to apply"));
}

#[test]
fn the_namespace_and_the_user_go_before_the_names_of_the_sources() {
    let mut app = fixture::no_leader();
    for id in [
        SourceId::Metrics,
        SourceId::Alerts,
        SourceId::Tracker,
        SourceId::Database,
    ] {
        let now = app.clock.now;
        app.state.apply(Observation::Source(id, SourceState::Live), now);
    }
    let connection = app.state.connection.clone().unwrap();
    let head = screen(&app, 120, 40);
    let head = head.lines().next().unwrap();
    assert!(head.contains(connection.namespace.as_str()), "{head}");
    assert!(head.contains(&format!("as {}", connection.user)), "{head}");
}

#[test]
fn every_rule_is_one_key_away() {
    let mut app = fixture::no_leader();
    press(&mut app, "w");
    snapshot!("why_100x30", screen(&app, 100, 30));
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
    let note = Observation::LogNote {
        source: fixture::source("lzxms"),
        missed: 3,
        text: "reconnected, 3 lines missed".into(),
    };
    learn(&mut app, 20, note);
    app.logs.buffer.set_mode(LogMode::All);
    press(&mut app, "z");
    snapshot!("logs_120x40", screen(&app, 120, 40));
    app.logs.buffer.wrap = true;
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
    let theme = Theme::named("dark", true, false).unwrap();
    let mut limit = None;
    let mut terminal = Terminal::new(TestBackend::new(60, 20)).unwrap();
    terminal
        .draw(|frame| limit = render(&app, &theme, frame))
        .unwrap();
    assert_eq!(limit, Some(126 - 17));
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
        changed[0].1.contains("asking again") && changed[0].1.contains("? help"),
        "{changed:?}"
    );
}

#[test]
fn a_fault_names_itself_on_its_pane() {
    let mut app = fixture::well();
    let problem = Problem::new(ProblemKind::Forbidden, "events may not be listed by oncall");
    let state = SourceState::Failing {
        problem,
        attempt: 1,
        retry_in: std::time::Duration::from_secs(3),
    };
    learn(&mut app, 0, Observation::Source(SourceId::ClusterEvents, state));
    let screen = screen(&app, 120, 40);
    let shown = |text: &str| screen.lines().position(|line| line.contains(text));
    let (what, why) = (
        shown("events forbidden, retry in 3s"),
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
        app.clock.now += jiff::SignedDuration::from_secs(1);
        let at = app.clock.now;
        app.update(
            Event::Observation(Observation::Source(SourceId::Api, SourceState::Live)),
            at,
        );
        let after = themed(&app, 120, 40, &theme).backend().buffer().clone();
        changed += before.diff(&after).len();
    }
    assert!(changed < 40, "{changed} cells in 10 s");
}

#[test]
fn the_environment_is_the_one_of_the_live_connection() {
    let mut app = fixture::well();
    assert!(screen(&app, 120, 40).contains(" STAGE "));
    let mut connection = fixture::connection();
    connection.namespace = "managed-services-production".into();
    learn(&mut app, 0, Observation::Connection(connection));
    assert!(screen(&app, 120, 40).contains(" UNKNOWN ENVIRONMENT "));
}

#[test]
fn an_empty_log_pane_says_why() {
    let mut app = fixture::silent();
    learn(
        &mut app,
        1,
        Observation::Pods(vec![fixture::pod("blf5h", "Running", true)]),
    );
    assert!(screen(&app, 120, 40).contains("0 of 1 log read yet"));
    let mut waiting = fixture::pod("blf5h", "ImagePullBackOff", false);
    let (reason, message) = ("ImagePullBackOff".into(), "".into());
    waiting.containers.push(Container {
        name: "service".into(),
        init: false,
        image: "".into(),
        ready: false,
        restarts: 0,
        id: "".into(),
        state: ContainerState::Waiting { reason, message },
        last: None,
        limits: Limits::default(),
    });
    learn(&mut app, 1, Observation::Pods(vec![waiting]));
    assert!(screen(&app, 120, 40).contains("no pod has started its container service"));
    learn(
        &mut app,
        1,
        Observation::Pods(vec![fixture::pod("blf5h", "Running", true)]),
    );
    learn(&mut app, 1, fixture::batch("blf5h", Vec::new()));
    assert!(screen(&app, 120, 40).contains("no leader line yet: 1 of 1 log read from the start"));
    if let Some(log) = app.state.logs.values_mut().next() {
        log.progress.caught_up = false;
    }
    assert!(screen(&app, 120, 40).contains("reading backlog"));
    learn(&mut app, 1, Observation::Pods(Vec::new()));
    assert!(screen(&app, 120, 40).contains("no pod, so no log"));
}

#[test]
fn of_many_logs_it_is_said_that_not_all_are_followed() {
    let mut app = fixture::well();
    let shown = screen(&app, 120, 40);
    assert!(!shown.contains("in turns"), "{shown}");
    learn(
        &mut app,
        1,
        Observation::Source(SourceId::Log(fixture::source("2mgcp")), SourceState::Resting),
    );
    let long = "2 of 3 logs open, the others read in turns";
    let short = "2 of 3 logs open";
    for (width, height, words) in [(200, 60, long), (100, 30, long), (79, 30, short)] {
        let shown = screen(&app, width, height);
        assert!(shown.contains(words), "{shown}");
    }
}

#[test]
fn a_database_that_is_not_read_says_why() {
    let mut app = fixture::silent();
    let off = SourceState::Off("--no-database".into());
    learn(&mut app, 1, Observation::Source(SourceId::Database, off));
    assert!(screen(&app, 120, 40).contains("off: --no-database"));
    let problem =
        Problem::new(ProblemKind::SecretMissing, "the secret s may not be read").advise("use --database-url");
    let failing = SourceState::Failing {
        problem,
        attempt: 1,
        retry_in: std::time::Duration::from_secs(5),
    };
    learn(&mut app, 0, Observation::Source(SourceId::Database, failing));
    let screen = screen(&app, 120, 40);
    assert!(
        screen.contains("secret missing, retry in 5s: the secret s may")
            && screen.contains("use --database-url")
    );
}

#[test]
fn themes_draw_the_same_words() {
    let app = fixture::no_leader();
    let words = |name| {
        themed(&app, 120, 40, &Theme::named(name, true, false).unwrap())
            .backend()
            .to_string()
    };
    assert_eq!(words("dark"), words("light"));
}

#[test]
fn a_stale_deployment_is_marked_though_the_pods_are_current() {
    let mut app = fixture::well();
    let cut_at = app.clock.now;
    app.clock.now += jiff::SignedDuration::from_secs(40);
    let now = app.clock.now;
    let problem = Problem::new(ProblemKind::Forbidden, "deployments may not be watched by oncall");
    let failing = SourceState::Failing {
        problem,
        attempt: 1,
        retry_in: std::time::Duration::from_secs(5),
    };
    for (observation, at) in [
        (Observation::Source(SourceId::Deployment, failing), cut_at),
        (Observation::Source(SourceId::Api, SourceState::Live), now),
    ] {
        app.update(Event::Observation(observation), at);
    }
    let screen = screen(&app, 120, 40);
    assert!(
        screen.contains("3 of 3 ready  deployment ~ stale 41s"),
        "{screen}"
    );
}

#[test]
fn pods_of_others_are_told_apart_and_so_is_how() {
    let mut app = fixture::well();
    let mut job = fixture::pod("7xk2p", "Running", true);
    job.name = "managed-services-api-reindex-7xk2p".into();
    job.owner = Some(("Job".into(), "reindex".into()));
    learn(&mut app, 1, Observation::Pod(job));
    for (width, height) in [(80, 24), (120, 40)] {
        let shown = screen(&app, width, height);
        assert!(shown.contains("not counted: 1 of Job reindex"), "{shown}");
        assert!(!shown.contains("by name"), "{shown}");
        assert!(!shown.contains("7xk2p"), "it is no pod of the list: {shown}");
    }
    let own = fixture::pod("blf5h", "Running", true);
    let mut app = fixture::silent();
    let off = SourceState::Off("ReplicaSets are forbidden".into());
    learn(&mut app, 1, Observation::Source(SourceId::ReplicaSets, off));
    learn(&mut app, 1, Observation::Pods(vec![own]));
    let shown = screen(&app, 120, 40);
    assert!(
        shown.contains("ownership by name: no right to read ReplicaSets"),
        "{shown}"
    );
}
