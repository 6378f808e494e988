//! The log pane as an operator works in it: what keys make it show.

use crossterm::event::KeyEvent;

use super::tests::screen;
use crate::app::App;
use crate::app::event::{Effect, Event};
use crate::keymap::Key;
use crate::screen::fixture;
use crate::screen::fixture::state::{batch, record};
use sopwatch_core::logparse::Severity::{Error, Info, Warning};
use sopwatch_core::logparse::{ContainerKey, ErrorCounts, ErrorSighting, ErrorTimes, LogRecord};
use sopwatch_core::observe::observation::{Container, ContainerState, Limits, Observation};
use sopwatch_core::observe::source::{ProblemKind, SourceId};

/// Presses keys, named as in the configuration; what follows from them.
fn keys(app: &mut App, names: &str) -> Vec<Effect> {
    let keys = Key::parse_all(names).unwrap().into_iter();
    let now = app.clock.now;
    keys.flat_map(|key| app.update(Event::Key(KeyEvent::from(key)), now))
        .collect()
}

fn notice(app: &App) -> String {
    app.notice
        .as_ref()
        .map_or(String::new(), |notice| notice.text.to_string())
}

const FAILED: &str = "E0115 13:24:01.482913       1 clusters_mgr.go:130] [opid=OPID][tx_id=7] failed to reconcile accepted cluster \
                      3Mlv1zUdnBpzGk7jRJGWPuVN3c1: failed to create cluster: identifier is '503': the service is unavailable";

/// A request's line, with its id.
fn asked(seconds_ago: i64, id: &str) -> LogRecord {
    let text = format!("I0115 13:24:05.000301       1 logger.go:71] [opid={id}] GET /kafkas/{id}");
    record(seconds_ago, Info, &text)
}

/// The console with three pods that log: requests all along, the same error five times on two pods, a warning, a replaced container.
fn console() -> App {
    let mut app = fixture::well();
    let requests = (0..60).map(|tick| asked(600 - tick * 10, &format!("req{tick:04}")));
    let failed = |seconds_ago, id: &str| record(seconds_ago, Error, &FAILED.replace("OPID", id));
    let warned = record(
        200,
        Warning,
        "W0115 13:24:01.482913       1 a.go:1] Slow answer from OCM: 9.4s",
    );
    let of_first = requests.chain([
        failed(400, "1aaaaa"),
        failed(300, "1bbbbb"),
        failed(100, "1ccccc"),
    ]);
    let mut of_first: Vec<_> = of_first.collect();
    of_first.sort_by_key(|record| record.at);
    let logs = [
        ("blf5h", of_first),
        ("2mgcp", vec![failed(350, "1ddddd"), warned, failed(50, "1eeeee")]),
    ];
    for (pod, records) in logs {
        fixture::learn(&mut app, 1, batch(pod, records));
    }
    keys(&mut app, "2");
    app
}

/// The lines of the log pane at this size.
fn pane(app: &App, (columns, rows): (u16, u16)) -> Vec<String> {
    let screen = screen(app, columns, rows);
    let lines = screen.lines().map(|line| line.trim_matches('"').to_owned());
    let from_logs = lines.skip_while(|line| !line.contains("2 Logs"));
    from_logs.collect()
}

fn shown(app: &App) -> Vec<String> {
    let entries = app.logs.buffer.shown().iter();
    entries.map(|entry| entry.visible_text()).collect()
}

#[test]
fn the_message_comes_first_and_its_cause_stays_where_the_row_is_short() {
    let mut app = console();
    keys(&mut app, "E");
    for size in [(60, 40), (80, 24), (120, 40), (200, 60)] {
        let pane = pane(&app, size).join("\n");
        let words = pane.split_whitespace().collect::<Vec<_>>().join(" ");
        for text in ["failed to", "service is", "unavailable", "×5"] {
            assert!(
                words.contains(text),
                "{text} is not in the pane at {size:?}\n{pane}"
            );
        }
        assert!(!words.contains("E0115"), "{pane}");
    }
    let wide = pane(&app, (200, 60)).join("\n");
    let place = |text: &str| wide.find(text).unwrap_or_else(|| panic!("{text}\n{wide}"));
    assert!(place("unavailable") < place("since 13:"), "{wide}");
    assert!(place("since 13:") < place("clusters_mgr.go:130"), "{wide}");
    keys(&mut app, "W");
    let wrapped = pane(&app, (200, 60)).join("\n");
    assert!(
        wrapped.contains("clusters_mgr.go:130 opid=1eeeee tx_id=7"),
        "{wrapped}"
    );
}

#[test]
fn equal_entries_fold_in_each_view_in_the_order_of_time_and_a_key_unfolds_them() {
    let mut app = console();
    for (view, least) in [("E", 2), ("A", 10), ("L", 2)] {
        keys(&mut app, view);
        let folded = app.logs.buffer.shown().clone();
        let stands_for: u64 = folded.iter().map(|entry| entry.repeats).sum();
        keys(&mut app, "u");
        let each = app.logs.buffer.shown().clone();
        assert!(
            each.iter().all(|entry| entry.repeats == 1) || view == "L",
            "{view}"
        );
        assert!(each.len() >= folded.len() && each.len() >= least, "{view}");
        if view != "L" {
            assert_eq!(stands_for, each.len() as u64, "{view}");
            let times: Vec<_> = folded.iter().map(|entry| entry.record.at).collect();
            assert!(times.is_sorted(), "{view}: {times:?}");
        }
        keys(&mut app, "u");
        assert_eq!(*app.logs.buffer.shown(), folded, "{view}");
    }
    keys(&mut app, "E");
    let errors = app.logs.buffer.shown().clone();
    let entry = errors.iter().find(|entry| entry.repeats == 5).unwrap();
    let times = (entry.first_at, entry.record.at);
    assert_eq!(times, (fixture::state::ago(400), fixture::state::ago(50)));
    assert!(
        pane(&app, (120, 40)).join("\n").contains("2mgcp+1"),
        "both pods are counted"
    );
}

#[test]
fn a_search_goes_from_match_to_match_with_the_lines_around_each() {
    let mut app = console();
    keys(&mut app, "A u / 'req0030' enter");
    assert_eq!(notice(&app), "match 1 of 1");
    let pane = pane(&app, (100, 40)).join("\n");
    for id in ["req0029", "req0030", "req0031"] {
        assert!(pane.contains(id), "{id}\n{pane}");
    }
    keys(&mut app, "/ 'unavailable' enter");
    let last = app.logs.buffer.chosen();
    keys(&mut app, "n");
    assert_ne!(app.logs.buffer.chosen(), last);
    assert_eq!(
        notice(&app),
        "match 3 of 5",
        "the search began at the line before"
    );
    // What a row does not show is not found.
    keys(&mut app, "/ 'E0115' enter");
    assert_eq!(notice(&app), "no line in Logs has `E0115`");
}

#[test]
fn a_match_far_to_the_right_is_in_view() {
    let mut app = console();
    let long = format!(
        "I0115 13:24:05.000301       1 a.go:1] {} needle in it {}",
        "hay ".repeat(60),
        "hay ".repeat(60)
    );
    fixture::learn(&mut app, 1, batch("lzxms", vec![record(5, Info, &long)]));
    keys(&mut app, "A / 'needle' enter");
    let pane = pane(&app, (80, 24)).join("\n");
    assert!(pane.contains("needle in it"), "{pane}");
}

#[test]
fn a_filter_keeps_or_hides_what_rows_show_and_is_always_said() {
    let mut app = console();
    keys(&mut app, "A f 'get /KAFKAS' enter");
    assert_eq!(shown(&app).len(), 0, "an upper-case letter minds case");
    keys(&mut app, "f ctrl-u 'get /kafkas' enter");
    assert!(shown(&app).len() > 50 && shown(&app).iter().all(|line| line.contains("GET")));
    keys(&mut app, "F 'req00[0-4]' enter");
    assert_eq!(shown(&app).len(), 10);
    for size in [(60, 24), (80, 24), (120, 40)] {
        let title = pane(&app, size)[0].clone();
        assert!(
            title.contains("/get /") && title.contains("not /req"),
            "{size:?} {title}"
        );
    }
    // Esc leaves a filter as it was before it was typed.
    keys(&mut app, "F 'xyz' esc");
    assert_eq!(shown(&app).len(), 10);
    keys(&mut app, "x");
    assert!(!app.logs.buffer.is_narrowed() && shown(&app).len() > 60);
    // The header is not what a row shows.
    keys(&mut app, "f 'I0115' enter");
    assert_eq!(shown(&app).len(), 0);
}

#[test]
fn leaving_a_filter_keeps_the_place() {
    let mut app = console();
    keys(&mut app, "A u f 'req0030|unavailable' enter g");
    let chosen = |app: &App| app.logs.buffer.chosen_entry().unwrap().visible_text();
    let line = chosen(&app);
    for leave in ["f ctrl-u enter", "E", "u u", "A", "x"] {
        keys(&mut app, leave);
        assert!(app.logs.buffer.is_held(), "{leave}");
        assert_eq!(chosen(&app), line, "{leave}");
    }
    // A place whose line is not there any more is the one nearest in time.
    keys(&mut app, "A / 'req0030' enter f 'unavailable' enter");
    assert_eq!(
        app.logs.buffer.chosen_entry().unwrap().record.at,
        fixture::state::ago(300)
    );
}

#[test]
fn levels_are_gone_through_and_said() {
    let mut app = console();
    keys(&mut app, "A");
    let all = shown(&app).len();
    keys(&mut app, "l");
    let warnings = shown(&app);
    assert!(warnings.len() < all && warnings.iter().any(|line| line.contains("Slow answer")));
    assert!(pane(&app, (80, 24))[0].contains("warnings and worse"));
    keys(&mut app, "l");
    assert!(!shown(&app).iter().any(|line| line.contains("Slow answer")) && !shown(&app).is_empty());
    assert!(pane(&app, (80, 24))[0].contains("errors and worse"));
    keys(&mut app, "l");
    assert_eq!(shown(&app).len(), all);
}

#[test]
fn one_pod_is_chosen_inside_the_pane() {
    let mut app = console();
    keys(&mut app, "A o");
    let dialog = screen(&app, 100, 30);
    for row in ["every pod", "2mgcp", "blf5h", "lzxms"] {
        assert!(dialog.contains(row), "{row}\n{dialog}");
    }
    keys(&mut app, "down enter");
    let pods: Vec<_> = app
        .logs
        .buffer
        .shown()
        .iter()
        .map(|entry| entry.source.short_name().to_owned())
        .collect();
    assert!(
        !pods.is_empty() && pods.iter().all(|pod| pod == "2mgcp"),
        "{pods:?}"
    );
    assert!(pane(&app, (80, 24))[0].contains("only 2mgcp"));
    keys(&mut app, "o home enter");
    assert!(app.logs.buffer.only.is_none());
}

#[test]
fn a_container_that_was_replaced_is_marked() {
    let mut app = console();
    let mut pod = fixture::state::pod("blf5h", "Running", true);
    for container in &mut pod.containers {
        container.restarts = 1;
    }
    let others = ["2mgcp", "lzxms"].map(|suffix| fixture::state::pod(suffix, "Running", true));
    fixture::learn(
        &mut app,
        1,
        Observation::Pods([vec![pod], others.to_vec()].concat()),
    );
    let Observation::Log(mut logged) = batch("blf5h", vec![asked(3, "req9999")]) else {
        panic!("a batch of a log");
    };
    logged.source = ContainerKey {
        restart: 1,
        ..logged.source
    };
    fixture::learn(&mut app, 1, Observation::Log(logged));
    keys(&mut app, "A");
    let pane = pane(&app, (120, 40)).join("\n");
    let row = |id: &str| pane.lines().find(|line| line.contains(id)).unwrap().to_owned();
    assert!(row("req0059").contains("blf5h prev"), "{pane}");
    assert!(!row("req9999").contains("prev"), "{pane}");
}

#[test]
fn a_time_and_the_beginning_are_one_jump_away() {
    let mut app = console();
    let at = |app: &App| app.logs.buffer.chosen_entry().unwrap().record.at;
    keys(&mut app, "A u t '5m' enter");
    assert_eq!(at(&app), fixture::state::ago(300));
    let clock = fixture::state::ago(410).strftime("%H:%M:%S").to_string();
    keys(&mut app, &format!("t '{clock}' enter"));
    assert_eq!(at(&app), fixture::state::ago(410));
    keys(&mut app, "t 'soon' enter");
    assert!(
        screen(&app, 80, 24).contains("a time is 13:05"),
        "a wrong one is explained"
    );
    keys(&mut app, "esc end b");
    assert!(app.logs.buffer.is_held());
}

#[test]
fn a_time_among_the_lines_that_a_row_stands_for_is_found_in_it() {
    let mut app = console();
    let clock = |seconds_ago| fixture::state::ago(seconds_ago).strftime("%H:%M:%S").to_string();
    keys(&mut app, "E t '3m' enter");
    assert_eq!(
        notice(&app),
        format!(
            "{} UTC: in a row of 5 similar lines, {} to {}",
            clock(180),
            clock(400),
            clock(50)
        )
    );
    keys(&mut app, "t '9m' enter");
    assert_eq!(
        notice(&app),
        format!("{} UTC: the nearest line is of {}", clock(540), clock(400))
    );
}

#[test]
fn that_there_is_no_gap_is_said_only_where_every_log_is_read() {
    let says = |app: &App| pane(app, (120, 40))[0].contains("no gaps");
    let read = || {
        let mut app = console();
        fixture::learn(&mut app, 1, batch("lzxms", vec![asked(3, "req9999")]));
        app
    };
    assert!(says(&read()), "{}", pane(&read(), (120, 40))[0]);
    let mut app = read();
    let fault = fixture::state::failing(ProblemKind::Forbidden, "logs are forbidden", "ask for access");
    let log = SourceId::Log(fixture::state::source("blf5h"));
    fixture::learn(&mut app, 1, Observation::Source(log, fault));
    assert!(!says(&app), "a log is forbidden");
    let mut app = read();
    let pods =
        ["blf5h", "2mgcp", "lzxms", "qd74q"].map(|suffix| fixture::state::pod(suffix, "Running", true));
    fixture::learn(&mut app, 1, Observation::Pods(pods.to_vec()));
    let title = &pane(&app, (120, 40))[0];
    assert!(!says(&app) && title.contains("3 of 4 pods read"), "{title}");
}

#[test]
fn the_code_of_an_error_stays_where_its_middle_is_cut_out() {
    let mut app = console();
    let text = "E0115 13:24:01.482913       1 clusters_mgr.go:130] failed to reconcile accepted cluster \
                3Mlv1zUdnBpzGk7jRJGWPuVN3c1: failed to create cluster for request 3Mlv1zUdnBpzGk7jRJGWPuVN3c1: MGD-SERV-API-9: identifier is \
                '503', code is 'CLUSTERS-MGMT-503' and operation identifier is 'u471st4a26ge5l97df6p3uck4sa1uptq': The service is \
                temporarily unavailable";
    fixture::learn(&mut app, 1, batch("lzxms", vec![record(2, Error, text)]));
    keys(&mut app, "E");
    for size in [(80, 24), (100, 30)] {
        let pane = pane(&app, size).join("\n");
        for text in ["failed to", "CLUSTERS-MGMT-503", "unavailable"] {
            assert!(
                pane.contains(text),
                "{text} is not in the pane at {size:?}\n{pane}"
            );
        }
    }
}

#[test]
fn a_minute_with_a_pod_start_shows_its_errors_too() {
    let mut app = console();
    let at = |seconds_ago: &i64| ErrorSighting {
        at: fixture::state::ago(*seconds_ago),
        text: "E0115 13:24:32.110457       1 a.go:1] what".into(),
        line: "".into(),
    };
    let seconds = [155, 152, 92, 91, 90, 5];
    let Observation::Log(mut logged) = batch("blf5h", Vec::new()) else {
        panic!("a batch of a log");
    };
    logged.errors = vec![ErrorCounts {
        class: "service".into(),
        count: 6,
        first_at: fixture::state::ago(155),
        last_at: fixture::state::ago(5),
        times: ErrorTimes::default(),
        newest: seconds.iter().map(at).collect(),
    }];
    let mut pods = ["blf5h", "2mgcp", "lzxms"].map(|suffix| fixture::state::pod(suffix, "Running", true));
    pods[0].containers = vec![Container {
        name: "service".into(),
        init: false,
        image: "".into(),
        ready: true,
        restarts: 0,
        id: "".into(),
        state: ContainerState::Running {
            since: Some(fixture::state::ago(95)),
        },
        last: None,
        limits: Limits::default(),
    }];
    let strip = |app: &App| {
        let pane = pane(app, (200, 60));
        let strip = pane.iter().find(|line| line.contains("errors/min"));
        strip.cloned().unwrap_or_else(|| pane.join("\n"))
    };
    fixture::learn(&mut app, 1, Observation::Pods(pods.to_vec()));
    fixture::learn(&mut app, 1, Observation::Log(logged.clone()));
    let found = strip(&app);
    assert!(
        found.contains("▁▆│█▃ peak 3/min, last 30m, │ pod start "),
        "{found}"
    );
    // An older version's record: of most errors no time is known.
    logged.errors[0].count = 60;
    logged.errors[0].first_at = fixture::state::ago(1_500);
    logged.source.restart = 1;
    fixture::learn(&mut app, 1, Observation::Log(logged));
    let found = strip(&app);
    assert!(
        found.contains(" │█▃ peak 6/min") && found.contains("blank: no data"),
        "{found}"
    );
}

#[test]
fn what_shows_is_saved_and_paged_whole() {
    let mut app = console();
    keys(&mut app, "E");
    for (key, paged) in [("S", false), ("P", true)] {
        let effects = keys(&mut app, key);
        let text = match &effects[..] {
            [Effect::SaveLines(text)] if !paged => text,
            [Effect::Page(text)] if paged => text,
            other => panic!("{key}: {other:?}"),
        };
        assert!(
            text.starts_with("# errors and warnings of managed-services-stage"),
            "{text}"
        );
        assert!(
            text.contains("[5 times since ") && text.contains("opid=1eeeee"),
            "{text}"
        );
        assert!(text.contains("the service is unavailable"), "{text}");
    }
    keys(&mut app, "f 'nothing has this' enter");
    assert_eq!(keys(&mut app, "S"), []);
    assert_eq!(notice(&app), "no line is shown, so there is nothing to save");
}

#[test]
fn an_entry_s_page_shows_json_by_field_and_stacks_aligned() {
    let mut app = console();
    let json = "{\"level\":\"info\",\"msg\":\"it runs\",\"who\":{\"name\":\"anna\"}}";
    let stack = "2021-01-15 13:24:01,483 ERROR it failed\n      File a.py\n        in run";
    fixture::learn(
        &mut app,
        1,
        batch("lzxms", vec![record(4, Info, json), record(3, Error, stack)]),
    );
    keys(&mut app, "A / 'it runs' enter enter");
    let page = app.page().unwrap().text();
    assert!(
        page.contains("\n  \"who\": {\n    \"name\": \"anna\"\n  }"),
        "{page}"
    );
    keys(&mut app, "esc / 'it failed' enter enter");
    let page = app.page().unwrap().text();
    assert!(page.contains("it failed\n  File a.py\n    in run"), "{page}");
}

#[test]
fn a_line_is_copied_without_being_opened() {
    let mut app = console();
    let effects = keys(&mut app, "A / 'req0030' enter y");
    let line = "I0115 13:24:05.000301       1 logger.go:71] [opid=req0030] GET /kafkas/req0030";
    assert_eq!(effects, [Effect::Copy(line.into())]);
    assert!(app.dialog().is_none());
}

#[test]
fn the_view_goes_to_the_errors_where_they_decide_until_somebody_chose_one() {
    use crate::panes::logs::buffer::LogMode;
    let mut app = fixture::failing_all();
    app.logs.view_is_chosen = false;
    let before = app.logs.buffer.mode;
    app.follow_findings();
    let leader_fails = before == app.logs.buffer.mode;
    assert!(leader_fails, "a missing leader is what the leader lines are for");
    let mut app = console();
    keys(&mut app, "L");
    assert!(app.logs.view_is_chosen);
    app.judge();
    assert_eq!(app.logs.buffer.mode, LogMode::Leader);
}

#[test]
fn where_no_log_speaks_of_leaders_the_errors_show() {
    use crate::panes::logs::buffer::LogMode;
    let mut app = fixture::silent();
    let pods = vec![fixture::state::pod("2mgcp", "CrashLoopBackOff", false)];
    fixture::learn(&mut app, 2, Observation::Pods(pods));
    fixture::learn(&mut app, 2, batch("2mgcp", Vec::new()));
    app.follow_findings();
    assert_eq!(app.logs.buffer.mode, LogMode::Leader, "and no error");
    let died = record(3, Error, "panic: unable to read config file");
    fixture::learn(&mut app, 1, batch("2mgcp", vec![died]));
    app.follow_findings();
    assert_eq!(app.logs.buffer.mode, LogMode::Errors);
    assert!(
        pane(&app, (80, 24))
            .join("\n")
            .contains("unable to read config file")
    );
}
