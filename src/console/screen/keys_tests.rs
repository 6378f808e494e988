//! What keys do to the cluster, to dialogs and to prompts.

use std::collections::BTreeMap;

use crossterm::event::KeyEvent;

use super::tests::screen;
use crate::app::escape::Escape;
use crate::app::event::{Effect, Event};
use crate::app::{App, DryRun};
use crate::dialogs::Dialog;
use crate::dialogs::button::Button;
use crate::dialogs::confirmation_screen_tests::{answered, console};
use crate::keymap::{Key, Keymap};

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
    keys(&mut app, "2 / 'leader' enter p z");
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
    for opens in [": q", "c 'a note'", "2 / 'x'", "1 / 'x'"] {
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
    let Some(Dialog::Prompt { input, .. }) = app.dialog() else {
        panic!("{:?}", app.dialog());
    };
    assert_eq!(input.value(), "deployXRQ:1?");
    assert_eq!(keys(&mut app, "esc Q"), [Effect::Quit]);
}

#[test]
fn the_prompt_runs_an_action_by_its_name_unless_it_changes_the_cluster() {
    let mut app = console(false);
    keys(&mut app, ": 'sour'");
    insta::assert_snapshot!("prompt_80x24", screen(&app, 80, 24));
    keys(&mut app, "'ces' enter");
    assert!(matches!(app.dialog(), Some(Dialog::Sources(_))));
    keys(&mut app, "esc");
    for (name, said) in [
        ("deploy", "no action is called `deploy`; ? lists the actions"),
        (
            "restart-all",
            "restart-all changes the cluster: use its key R in the pane Pods",
        ),
        ("apply", "apply changes the cluster: use its key a"),
        ("hint", "hint is for drills that teach"),
        ("faster", "faster is for replays"),
        (
            "close-dialog",
            "no action is called `close-dialog`; ? lists the actions",
        ),
    ] {
        assert_eq!(keys(&mut app, &format!(": '{name}' enter")), [], "{name}");
        assert_eq!(notice(&app), said);
        assert!(app.dialog().is_none(), "{name}");
    }
    assert_eq!(keys(&mut app, ": enter"), []);
    // An action of a pane is run there.
    keys(&mut app, "1 : 'find-step' enter");
    assert_eq!(app.panes.focus, crate::panes::Pane::Sop);
    assert!(app.dialog().is_some_and(Dialog::is_prompt));
}
