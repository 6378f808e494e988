//! What the palette finds, and that it opens a confirmation where its entry changes the cluster, and never more.

use crossterm::event::KeyEvent;

use super::Target;
use crate::app::App;
use crate::app::event::{Effect, Event};
use crate::dialogs::Dialog;
use crate::dialogs::confirmation_screen_tests::console;
use crate::keymap::Key;
use crate::keymap::action::Action;
use crate::panes::Pane;
use crate::screen::fixture;
use crate::screen::tests::screen;
use sopwatch_core::text::SafeText;

fn keys(app: &mut App, names: &str) -> Vec<Effect> {
    let keys = Key::parse_all(names).unwrap().into_iter();
    let now = app.clock.now;
    keys.flat_map(|key| app.update(Event::Key(KeyEvent::from(key)), now))
        .collect()
}

fn found(app: &App, typed: &str) -> Vec<SafeText> {
    let entries = app.palette_matches(typed).into_iter();
    entries.map(|entry| entry.name).collect()
}

#[test]
fn a_name_is_found_by_some_of_its_letters_and_a_whole_name_comes_first() {
    let app = console(false);
    for (typed, first) in [
        ("sources", "sources"),
        ("why", "why"),
        ("rsall", "restart-all"),
        ("RESTART-ALL", "restart-all"),
        ("errln", "error-lines"),
        ("delcorr", "Kafka deletion correctness"),
        ("2mgcp", "log of 2mgcp"),
        ("rollout", "roll-out"),
    ] {
        let found = found(&app, typed);
        assert_eq!(
            found.first().map(SafeText::as_str),
            Some(first),
            "{typed}: {found:?}"
        );
    }
    // What is said about it is searched for whole words only.
    assert!(found(&app, "regular expression").contains(&"filter".into()));
    assert!(found(&app, "qxqxqx").is_empty());
}

#[test]
fn only_what_would_do_something_is_offered() {
    let offers = |app: &App, name: &str| found(app, "").iter().any(|known| known == name);
    let app = console(false);
    assert!(offers(&app, "restart-all") && !offers(&app, "hint") && !offers(&app, "faster"));
    assert!(!offers(&app, "prompt"), "it is open");
    assert!(!offers(&app, "close-dialog"));
    let mut read_only = console(false);
    read_only.session.read_only = true;
    assert!(!offers(&read_only, "restart-all"));
    let taught = crate::training::screen_tests::taught();
    assert!(offers(&taught, "hint"));
}

#[test]
fn it_shows_what_matches_with_the_key_of_each() {
    let mut app = console(false);
    keys(&mut app, ": 'sour'");
    let shown = screen(&app, 80, 24);
    assert!(shown.contains(": sour") && shown.contains("sources"), "{shown}");
    insta::assert_snapshot!("palette_80x24", shown);
    keys(&mut app, "'qxqx'");
    assert!(screen(&app, 80, 24).contains("nothing matches"));
    assert_eq!(keys(&mut app, "enter"), []);
    assert!(
        matches!(app.dialog(), Some(Dialog::Palette { .. })),
        "it stays to be corrected"
    );
}

#[test]
fn enter_opens_what_is_chosen() {
    let mut app = console(false);
    keys(&mut app, ": 'sources' enter");
    assert!(matches!(app.dialog(), Some(Dialog::Sources(_))));
    keys(&mut app, "esc 4 : 'error-lines' enter");
    assert_eq!(app.panes.focus, Pane::Logs);
    assert_eq!(app.logs.buffer.mode, crate::panes::logs::buffer::LogMode::Errors);
    keys(&mut app, ": 'deletion correctness' enter");
    assert_eq!(app.checklist.sop, "kafka-deletion-correctness");
    keys(&mut app, ": 'log of lzxms' enter");
    assert_eq!(app.logs.buffer.only.as_ref().unwrap().pod_uid.0.as_str(), "lzxms");
    let name = app.pods()[1].name.to_string();
    keys(&mut app, &format!(": '{name}' enter"));
    assert!(matches!(app.dialog(), Some(Dialog::Pod { .. })));
    assert_eq!((app.panes.focus, app.panes.pod), (Pane::Pods, 1));
}

#[test]
fn the_arrows_choose_and_what_is_typed_begins_at_the_first_again() {
    let mut app = console(false);
    let chosen = |app: &App| match app.dialog() {
        Some(Dialog::Palette { chosen, .. }) => *chosen,
        other => panic!("{other:?}"),
    };
    keys(&mut app, ": down down up tab");
    assert_eq!(chosen(&app), 2);
    keys(&mut app, "e");
    assert_eq!(chosen(&app), 0);
    keys(&mut app, "up");
    assert_eq!(chosen(&app), 0);
}

#[test]
fn enter_on_an_entry_sends_nothing_and_on_a_change_opens_its_confirmation() {
    let mut asked = Vec::new();
    let worlds: [fn() -> App; 5] = [
        || console(false),
        || console(true),
        fixture::no_leader,
        fixture::failing_all,
        fixture::silent,
    ];
    for world in worlds.map(|world| Box::new(world())) {
        let entries = world.palette_matches("");
        assert!(entries.len() > 30, "{}", entries.len());
        for (place, entry) in entries.iter().enumerate() {
            let mut app = world.clone();
            keys(&mut app, ":");
            keys(&mut app, &"down ".repeat(place));
            let effects = keys(&mut app, "enter");
            assert!(
                !effects.iter().any(|effect| matches!(effect, Effect::Do { .. })),
                "{}",
                entry.name
            );
            let Target::Action(action, _) = entry.target else {
                continue;
            };
            if matches!(app.dialog(), Some(Dialog::Confirm(_))) {
                assert!(action.changes_cluster(), "{}", entry.name);
                // The enter that chose it is not the one that confirms it.
                assert!(
                    !keys(&mut app, "enter")
                        .iter()
                        .any(|effect| matches!(effect, Effect::Do { .. }))
                );
                asked.push(action);
            }
        }
    }
    for action in [
        Action::RestartPod,
        Action::RestartAll,
        Action::RollOut,
        Action::ScaleUp,
    ] {
        assert!(asked.contains(&action), "{action:?}");
    }
}
