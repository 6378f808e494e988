//! What keys do to the cluster, to dialogs and to prompts.

use std::collections::BTreeMap;

use crossterm::event::KeyEvent;

use super::tests::screen;
use crate::app::escape::Escape;
use crate::app::event::{Effect, Event, TerminalRequest};
use crate::app::{App, DryRun};
use crate::dialogs::Dialog;
use crate::dialogs::button::Button;
use crate::dialogs::confirmation_screen_tests::{answered, console};
use crate::keymap::{Key, Keymap};
use crate::screen::fixture;
use sopwatch_core::profile::rule::Advice;
use sopwatch_core::text::SafeText;

/// Presses keys, named as in the configuration; what follows from them.
fn keys(app: &mut App, names: &str) -> Vec<Effect> {
    let keys = Key::parse_all(names).unwrap().into_iter();
    let now = app.clock.now;
    keys.flat_map(|key| app.update(Event::Key(KeyEvent::from(key)), now))
        .collect()
}

fn sends(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Do { .. }))
}

fn notice(app: &App) -> String {
    app.notice
        .as_ref()
        .map_or(String::new(), |notice| notice.text.to_string())
}

/// A console that asks whether to restart the chosen pod, with the dry run's answer.
fn asked(production: bool, answer: Option<DryRun>) -> App {
    let mut app = console(production);
    let effects = keys(&mut app, "1 X");
    assert!(matches!(effects[..], [Effect::DryRun { .. }]), "{effects:?}");
    if let Some(answer) = answer {
        answered(&mut app, answer);
    }
    app
}

/// A console that has sent the first command of three.
fn under_way() -> App {
    let mut app = console(false);
    keys(&mut app, "1 R");
    answered(&mut app, DryRun::Passed);
    assert!(sends(&keys(&mut app, "right enter")));
    app.notice = None;
    app
}

#[test]
fn a_change_is_sent_by_a_move_to_the_other_button_and_enter_and_by_nothing_else() {
    for (pressed, sent, open) in [
        ("right enter", true, false),
        ("tab enter", true, false),
        ("backtab enter", true, false),
        ("left right enter", true, false),
        ("enter", false, false),
        ("right left enter", false, false),
        ("tab tab enter", false, false),
        ("y", false, true),
        ("y e s space l X a", false, true),
        ("n q", false, true),
        ("right y", false, true),
        ("right esc", false, false),
    ] {
        let mut app = asked(false, Some(DryRun::Passed));
        let effects = keys(&mut app, pressed);
        assert_eq!(sends(&effects), sent, "{pressed}: {effects:?}");
        assert_eq!(app.dialog().is_some(), open, "{pressed}");
    }
}

#[test]
fn the_safe_button_has_the_focus_and_the_other_names_what_happens() {
    let mut app = asked(false, Some(DryRun::Passed));
    let shown = screen(&app, 80, 24);
    assert!(shown.contains("[ Cancel ]   Restart pod 2mgcp"), "{shown}");
    keys(&mut app, "right");
    let shown = screen(&app, 80, 24);
    assert!(shown.contains("Cancel   [ Restart pod 2mgcp ]"), "{shown}");
    for (key, name) in [
        ("R", "Restart 3 pods"),
        ("+", "Scale from 3 to 4"),
        ("O", "Restart by a rollout"),
    ] {
        let mut app = console(false);
        keys(&mut app, &format!("1 {key}"));
        let shown = screen(&app, 80, 24);
        assert!(shown.contains(&format!("[ Cancel ]   {name}")), "{key}: {shown}");
    }
}

#[test]
fn a_dry_run_that_is_refused_or_still_running_cannot_be_confirmed() {
    let mut running = asked(false, None);
    assert!(!sends(&keys(&mut running, "right enter")));
    assert_eq!(notice(&running), "dry run still running");
    assert!(screen(&running, 80, 24).contains("Dry run running … 0s"));
    assert!(running.dialog().is_some());
    let refusal = || DryRun::Refused("exceeded quota".into());
    // Both where the focus had moved already and where it had not.
    for before in ["", "right"] {
        let mut app = asked(false, None);
        keys(&mut app, before);
        answered(&mut app, refusal());
        for pressed in ["enter", "right enter", "tab enter"] {
            assert!(!sends(&keys(&mut app, pressed)), "{before} {pressed}");
        }
        assert!(app.dialog().is_some(), "why it is refused stays on the screen");
        let shown = screen(&app, 80, 24);
        assert!(
            shown.contains("Dry run refused: exceeded quota") && !shown.contains("Restart pod 2mgcp ]"),
            "{shown}"
        );
        keys(&mut app, "esc");
        assert!(app.dialog().is_none());
    }
    let mut typed = asked(true, Some(refusal()));
    assert!(!sends(&keys(
        &mut typed,
        "'managed-services-api-6d9fc8b649-2mgcp' enter"
    )));
    let mut early = asked(true, None);
    assert!(!sends(&keys(
        &mut early,
        "'managed-services-api-6d9fc8b649-2mgcp' enter"
    )));
    answered(&mut early, DryRun::Passed);
    assert!(sends(&keys(&mut early, "enter")));
}

#[test]
fn in_production_no_button_sends() {
    let mut app = asked(true, Some(DryRun::Passed));
    assert!(!sends(&keys(
        &mut app,
        "right enter tab enter '2mgcp' enter ctrl-u 'managed-services-api-6d9fc8b649-2mgc' enter"
    )));
    assert!(sends(&keys(&mut app, "p enter")));
}

#[test]
fn a_users_key_opens_the_same_confirmation() {
    let user = BTreeMap::from([
        ("apply".to_owned(), vec!["y".to_owned()]),
        ("restart-all".to_owned(), vec!["o".to_owned(), "Y".to_owned()]),
    ]);
    let mut app = console(false);
    app.keymap = Keymap::with(&user).unwrap();
    let effects = keys(&mut app, "1 o");
    assert!(matches!(effects[..], [Effect::DryRun { .. }]), "{effects:?}");
    answered(&mut app, DryRun::Passed);
    assert_eq!(keys(&mut app, "o Y y o"), []);
    assert!(matches!(app.dialog(), Some(Dialog::Confirm(_))));
}

#[test]
fn the_key_that_deleted_a_pod_opens_it() {
    let mut app = console(false);
    assert_eq!(keys(&mut app, "1 d"), []);
    let Some(Dialog::Pod { .. }) = app.dialog() else {
        panic!("{:?}", app.dialog());
    };
    let page = app.page().unwrap().text();
    for part in ["2mgcp", "Containers", "Conditions", "Events", "uid "] {
        assert!(page.contains(part), "{part}:\n{page}");
    }
}

#[test]
fn escape_ends_what_lies_topmost_and_asks_last_whether_to_stop() {
    let mut app = under_way();
    keys(&mut app, "2 f 'leader' enter p z");
    keys(&mut app, "?");
    for topmost in [
        Escape::Zoom,
        Escape::Zoom,
        Escape::Pause,
        Escape::Filter,
        Escape::Execution,
    ] {
        assert_eq!(app.escape(), topmost);
        // The first closes the help; the others end what they name.
        keys(&mut app, "esc");
    }
    assert!(matches!(app.dialog(), Some(Dialog::Stop(Button::Safe))));
    insta::assert_snapshot!("stop_80x24", screen(&app, 80, 24));
    assert!(!app.remediation.execution.as_ref().unwrap().stopping);
}

#[test]
fn a_pause_ends_with_escape_in_any_pane() {
    let mut app = console(false);
    keys(&mut app, "2 p 1 esc");
    assert!(!app.logs.buffer.is_held());
}

#[test]
fn what_is_carried_out_stops_by_a_move_and_enter_alone() {
    for (pressed, stops, open) in [
        ("enter", false, false),
        ("esc", false, false),
        ("y s q n", false, true),
        ("right left enter", false, false),
        ("right enter", true, false),
    ] {
        let mut app = under_way();
        keys(&mut app, "esc");
        assert_eq!(keys(&mut app, pressed), [], "{pressed}");
        assert_eq!(
            app.remediation.execution.as_ref().unwrap().stopping,
            stops,
            "{pressed}"
        );
        assert_eq!(app.dialog().is_some(), open, "{pressed}");
    }
    let mut app = under_way();
    keys(&mut app, "esc right enter");
    assert_eq!(notice(&app), "will stop after the current pod");
    assert_eq!(app.escape(), Escape::Nothing, "it is asked once");
}

#[test]
fn the_bar_offers_to_stop_only_where_escape_would_ask() {
    let mut app = under_way();
    assert!(screen(&app, 120, 40).contains("esc stop"));
    keys(&mut app, "z");
    assert!(!screen(&app, 120, 40).contains("esc stop"));
}

#[test]
fn a_question_about_stopping_what_has_ended_stays_until_it_is_put_away() {
    let mut app = under_way();
    keys(&mut app, "esc right");
    app.remediation.execution.as_mut().unwrap().phase = crate::app::Phase::Over(Some(true));
    assert_eq!(keys(&mut app, "enter q"), []);
    assert!(screen(&app, 80, 24).contains("Nothing left to stop"));
    keys(&mut app, "esc");
    assert!(app.dialog().is_none());
}

#[test]
fn ctrl_c_leaves_a_text_field_and_not_the_console() {
    for opens in [": q", "c 'a note'", "2 / 'x'", "2 f 'x'", "1 / 'x'"] {
        let mut app = console(false);
        keys(&mut app, opens);
        assert!(app.dialog().is_some(), "{opens}");
        assert_eq!(keys(&mut app, "ctrl-c"), [], "{opens}");
        assert!(
            app.dialog().is_none() && app.logs.buffer.filter.is_none(),
            "{opens}"
        );
        assert_eq!(keys(&mut app, "ctrl-c"), [Effect::Quit], "{opens}");
    }
    let mut app = asked(true, Some(DryRun::Passed));
    assert_eq!(keys(&mut app, "2 m ctrl-c"), []);
    assert!(app.dialog().is_none());
}

#[test]
fn the_prompt_takes_all_keys_until_enter_or_escape() {
    // A letter that a user gave to an action which works everywhere is text all the same.
    let user = BTreeMap::from([("force-quit".to_owned(), vec!["Q".to_owned()])]);
    let mut app = console(false);
    app.keymap = Keymap::with(&user).unwrap();
    assert_eq!(keys(&mut app, "1 : d e p l o y X R Q : 1 ?"), []);
    let Some(Dialog::Palette { input, .. }) = app.dialog() else {
        panic!("{:?}", app.dialog());
    };
    assert_eq!(input.value(), "deployXRQ:1?");
    assert_eq!(keys(&mut app, "esc Q"), [Effect::Quit]);
}

/// What the keys want copied.
fn copied(app: &mut App, names: &str) -> Option<SafeText> {
    let effects = keys(app, names).into_iter();
    let copied = effects.filter_map(|effect| match effect {
        Effect::Copy(text) => Some(text),
        _ => None,
    });
    copied.last()
}

#[test]
fn a_search_selects_and_counts_its_matches_in_every_pane() {
    let mut app = fixture::no_leader();
    keys(&mut app, "1 / 'LZX' enter");
    assert_eq!((app.panes.pod, notice(&app)), (2, "match 1 of 1".to_owned()));
    // The same text is searched for in the next pane, and one that is not there is said to be missing.
    keys(&mut app, "4 n");
    assert_eq!(notice(&app), "no row in SOP has `LZX`");
    keys(&mut app, "3 g / 'kafka_requests' enter");
    let first = app.panes.status;
    keys(&mut app, "n");
    assert_eq!(app.panes.status, first + 1);
    keys(&mut app, "N N");
    assert!(notice(&app).starts_with("match "), "{}", notice(&app));
    assert!(app.panes.status > first, "before the first comes the last");
    keys(&mut app, "4 g / 'leader' enter");
    let step = app.panes.step;
    keys(&mut app, "n n");
    assert_eq!(app.panes.step, step, "two steps are about leaders");
}

#[test]
fn in_the_log_a_search_begins_with_the_newest_line_and_holds_still() {
    let mut app = console(false);
    let theme = super::Theme::named("dark", false, false).unwrap();
    let marked = |app: &App| {
        let buffer = super::tests::buffer(app, 120, 40, false);
        let style = theme.style(super::Meaning::Match);
        let is_marked = |cell: &&ratatui::buffer::Cell| cell.modifier.contains(style.add_modifier);
        buffer.content().iter().filter(is_marked).count()
    };
    assert_eq!(marked(&app), 0);
    keys(&mut app, "2 A / 'LEADER' enter");
    assert!(app.logs.buffer.is_held() && !app.logs.buffer.is_narrowed());
    let (newest, count) = (app.logs.buffer.chosen().unwrap(), notice(&app));
    let count: usize = count.rsplit(' ').next().unwrap().parse().unwrap();
    assert_eq!(notice(&app), format!("match {count} of {count}"));
    keys(&mut app, "N");
    assert!(app.logs.buffer.chosen().unwrap() < newest);
    keys(&mut app, "n n");
    assert_eq!(notice(&app), format!("match 1 of {count}"), "around the end");
    assert!(marked(&app) > 0);
    // Escape ends the pause, and then the search.
    keys(&mut app, "esc");
    assert_eq!(app.escape(), Escape::Filter);
    keys(&mut app, "esc");
    assert!(app.panes.search.is_none() && marked(&app) == 0);
}

#[test]
fn the_filter_has_its_own_key_in_every_pane() {
    for pane in ["1", "2", "3", "4"] {
        let mut app = console(false);
        keys(&mut app, &format!("{pane} f 'not cur' enter"));
        let filter = app
            .logs
            .buffer
            .filter
            .as_ref()
            .map(|filter| filter.as_str().to_owned());
        assert_eq!(filter.as_deref(), Some("not cur"), "{pane}");
    }
}

#[test]
fn one_key_copies_what_is_selected() {
    let mut app = fixture::no_leader();
    assert_eq!(
        copied(&mut app, "1 g y").as_deref(),
        Some("managed-services-api-6d9fc8b649-2mgcp")
    );
    let line = copied(&mut app, "2 A G y").unwrap();
    assert_eq!(line, *app.logs.buffer.shown().back().unwrap().record.text);
    let status = copied(&mut app, "3 G y").unwrap();
    assert!(
        status.starts_with("kafka_requests ") && status.contains(": "),
        "{status}"
    );
    let step = copied(&mut app, "4 g j j y").unwrap();
    assert!(step.contains(": fail, none for 7m12s"), "{step}");
    let mut empty = fixture::silent();
    assert_eq!(copied(&mut empty, "1 y"), None);
    assert_eq!(notice(&empty), "nothing is selected here");
}

#[test]
fn a_page_goes_as_far_as_the_pane_is_high_and_half_a_page_half_of_it() {
    let moved = |size: Option<(u16, u16)>, names: &str| {
        let mut app = fixture::no_leader();
        app.panes.zoomed = true;
        if let Some(size) = size {
            app.note_size(size);
        }
        keys(&mut app, "2 A u");
        let last = app.logs.buffer.shown().len() - 1;
        keys(&mut app, names);
        last - app.logs.buffer.chosen().unwrap()
    };
    let most = fixture::no_leader().logs.buffer.size().0 - 1;
    let full = moved(Some((80, 24)), "pageup");
    assert!((15..24).contains(&full), "{full}");
    assert_eq!(moved(Some((80, 24)), "ctrl-u"), full / 2);
    assert_eq!(moved(None, "pageup"), 10.min(most), "before the first frame");
    let down = moved(Some((80, 24)), "pageup pageup ctrl-d");
    assert_eq!(down, full * 2 - full / 2);
}

#[test]
fn a_key_that_does_nothing_is_said_to_do_nothing_once() {
    let mut app = console(false);
    keys(&mut app, "1 f9");
    assert_eq!(notice(&app), "F9 does nothing here · ? help");
    app.notice = None;
    keys(&mut app, "f9");
    assert_eq!(notice(&app), "");
    keys(&mut app, "1 m");
    assert_eq!(notice(&app), "m works in Logs · press 2 first");
    keys(&mut app, "? f8");
    assert_eq!(notice(&app), "F8 does nothing here · esc close");
}

#[test]
fn the_help_begins_with_the_keys_of_the_focused_pane() {
    for (pane, title) in [("1", "Pods"), ("2", "Logs"), ("3", "Database"), ("4", "SOP")] {
        let mut app = console(false);
        keys(&mut app, &format!("{pane} ?"));
        let page = app.page().unwrap();
        assert_eq!(page.lines[0].text, title);
    }
}

#[test]
fn the_footer_under_a_question_has_the_keys_of_the_question() {
    let words = |app: &App| {
        let keys = app.footer_keys().into_iter();
        keys.map(|key| format!("{} {}", key.key, key.what))
            .collect::<Vec<_>>()
            .join("  ")
    };
    let app = asked(false, Some(DryRun::Passed));
    assert_eq!(
        words(&app),
        "←→ choose  enter press the button  esc cancel  ↑↓ scroll"
    );
    let app = asked(true, Some(DryRun::Passed));
    assert_eq!(words(&app), "enter confirm the typed name  esc cancel  ↑↓ scroll");
    let app = asked(false, Some(DryRun::Refused("no".into())));
    assert_eq!(words(&app), "esc go back  ↑↓ scroll");
    let mut app = console(false);
    keys(&mut app, "?");
    assert_eq!(words(&app), "y copy  esc close");
}

#[test]
fn a_refused_change_shows_the_command_that_would_do_it() {
    let mut app = console(false);
    app.session.read_only = true;
    assert_eq!(keys(&mut app, "1 X"), [], "nothing is tried");
    let page = app.page().unwrap();
    assert_eq!(page.title, "Blocked: Restart pod 2mgcp");
    let text = page.text();
    assert!(text.contains("Blocked: "), "{text}");
    assert!(
        text.contains("Commands (sopwatch sends nothing)\n  oc -n managed-services-stage delete pod "),
        "{text}"
    );
}

#[test]
fn an_escalation_is_applied_by_opening_the_hand_off() {
    let mut app = console(false);
    fixture::decide(&mut app, Advice::Escalate, None, "x");
    keys(&mut app, "a");
    assert!(!matches!(app.dialog(), Some(Dialog::Confirm(_))));
    assert!(notice(&app).contains("[contacts]") || app.dialog().is_some());
}

#[test]
fn the_bell_rings_for_another_recommendation_and_not_while_it_is_off() {
    let rings = |on: bool, advice: &[Advice]| {
        let mut app = console(false);
        app.bell.on = on;
        for action in advice {
            fixture::decide(&mut app, *action, None, "x");
            app.note_advice();
        }
        let now = app.clock.now;
        app.update(Event::Tick, now)
            .contains(&Effect::Write(TerminalRequest::bell()))
    };
    let (wait, restart) = (Advice::Wait, Advice::RestartPods);
    assert!(!rings(true, &[wait]), "what is found first is no change");
    assert!(!rings(true, &[wait, wait]));
    assert!(rings(true, &[wait, restart]));
    assert!(!rings(false, &[wait, restart]));
}
