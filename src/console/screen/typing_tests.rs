//! Whatever is typed, nothing is sent.

use std::collections::BTreeMap;

use crossterm::event::{KeyCode, KeyEvent};
use jiff::SignedDuration;

use super::fixture;
use crate::app::event::{Effect, Event, Outcome};
use crate::app::{App, DryRun};
use crate::dialogs::Dialog;
use crate::dialogs::confirmation_screen_tests::console;
use crate::keymap::Keymap;
use crate::panes::Pane;
use sopwatch_core::observe::observation::Observation;
use sopwatch_core::observe::source::{SourceId, SourceState};

/// How many strings are typed.
const STRINGS: usize = 10_000;

/// What they are made of.
const CHARACTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:";

/// Numbers that look random and are the same in each run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % count
    }
}

/// Consoles in all kinds of states, each on stage and in production, with the default keys and with a user's.
fn worlds() -> Vec<App> {
    let mut unchosen = console(false);
    unchosen.checklist.sop = String::new();
    let mut down = fixture::pods_down();
    down.session.read_only = false;
    let worlds = vec![
        console(false),
        fixture::no_leader(),
        down,
        fixture::failing_all(),
        fixture::failing_all(),
        fixture::silent(),
        unchosen,
    ];
    let user = [("apply", "y"), ("restart-pod", "K"), ("restart-all", "o")]
        .map(|(action, key)| (action.to_owned(), vec![key.to_owned()]));
    let user = Keymap::with(&BTreeMap::from(user)).unwrap();
    let mut all = Vec::new();
    for world in worlds {
        for production in [false, true] {
            for keymap in [Keymap::default(), user.clone()] {
                let mut world = world.clone();
                for id in [SourceId::Pods, SourceId::Deployment] {
                    fixture::learn(&mut world, 1, Observation::Source(id, SourceState::Live));
                }
                if let Some(environment) = &mut world.session.environment {
                    environment.production = production;
                }
                world.keymap = keymap;
                world.judge();
                all.push(world);
            }
        }
    }
    all
}

/// Answers what the console had the server try, and tells whether it sent something.
fn sends(app: &mut App, effects: Vec<Effect>) -> bool {
    let now = app.clock.now;
    let mut sent = false;
    for effect in effects {
        match effect {
            Effect::DryRun { number, .. } => {
                let answer = DryRun::Passed;
                let answered = Event::Outcome(Outcome::DryRunAnswered { number, answer });
                let effects = app.update(answered, now);
                sent |= sends(app, effects);
            }
            Effect::Do { .. } => sent = true,
            _ => {}
        }
    }
    sent
}

#[test]
fn ten_thousand_strings_of_letters_digits_and_colons_send_nothing() {
    let worlds = worlds();
    let mut chance = Chance(20_261_124);
    // Confirmations that could have been given when the string ended, by a button and by a typed name.
    let mut asked = [0_usize; 2];
    for number in 0..STRINGS {
        let mut app = worlds[number % worlds.len()].clone();
        app.panes.focus = Pane::ALL[chance.below(Pane::ALL.len())];
        app.panes.pod = chance.below(3);
        let mut typed = String::new();
        for _ in 0..3 + chance.below(12) {
            let character = char::from(CHARACTERS[chance.below(CHARACTERS.len())]);
            typed.push(character);
            let mut now = app.clock.now;
            let key = Event::Key(KeyEvent::from(KeyCode::Char(character)));
            let effects = app.update(key, now);
            assert!(!sends(&mut app, effects), "{typed}");
            if chance.below(4) == 0 {
                now += SignedDuration::from_secs(1);
                let effects = app.update(Event::Tick, now);
                assert!(!sends(&mut app, effects), "{typed}");
                // As before a frame; not each time, for it takes the most time.
                if number % 4 == 0 {
                    app.judge();
                }
            }
        }
        assert!(
            app.remediation.execution.is_none() && app.remediation.commands.is_empty(),
            "{typed}"
        );
        if let Some(Dialog::Confirm(confirm)) = app.dialog()
            && confirm.is_open()
            && confirm.dry_run == DryRun::Passed
        {
            let named = app.to_type(&confirm.plan).is_some();
            asked[usize::from(named)] += 1;
        }
    }
    assert!(
        asked.iter().all(|count| *count > 50),
        "too few strings came near to it: {asked:?}"
    );
}
