//! What a replay looks like.

use crossterm::event::KeyEvent;

use crate::app::App;
use crate::app::event::Event;
use crate::keymap::{Key, Keymap};
use crate::replay::sample::{doctored, incident};
use crate::screen::Theme;
use crate::screen::tests::{screen, themed};
use sopwatch_core::record::{Entry, Line};
use sopwatch_core::text::SafeText;

fn replay(lines: Vec<Line>, flaw: Option<&str>, keys: &str) -> App {
    let mut app = App::replay(lines, flaw.map(SafeText::new), Keymap::default()).unwrap();
    for key in Key::parse_all(keys).unwrap() {
        let now = app.clock.now;
        app.update(Event::Key(KeyEvent::from(key)), now);
    }
    app.judge();
    app
}

#[test]
fn a_replay_that_plays_and_one_that_stands_on_a_moment() {
    let playing = replay(incident().0, None, "} } right space + +");
    insta::assert_snapshot!("playing_120x40", screen(&playing, 120, 40));
    insta::assert_snapshot!("playing_80x24", screen(&playing, 80, 24));
    let stepped = replay(doctored(), None, "} , . .");
    insta::assert_snapshot!("differs_120x40", screen(&stepped, 120, 40));
    insta::assert_snapshot!("differs_80x24", screen(&stepped, 80, 24));
    insta::assert_snapshot!("differs_60x20", screen(&stepped, 60, 20));
    let ascii = themed(&playing, 80, 24, &Theme::named("dark", true, true).unwrap());
    insta::assert_snapshot!("playing_ascii_80x24", ascii.backend().to_string());
}

#[test]
fn what_differs_is_on_a_page() {
    let app = replay(doctored(), Some("the record is broken at line 7"), "$ D");
    insta::assert_snapshot!("differences_80x24", screen(&app, 80, 24));
}

#[test]
fn a_damaged_record_is_marked() {
    let mut app = replay(incident().0, Some("the record is broken at line 7"), "}");
    assert!(screen(&app, 80, 24).contains("broken at line 7"));
    app.notice = None;
    let screen = screen(&app, 80, 24);
    assert!(screen.contains("DAMAGED"), "{screen}");
}

#[test]
fn a_replay_fits_the_smallest_screen_and_a_drills_says_so_too() {
    let mut lines = incident().0;
    if let Entry::Began(began) = &mut lines[0].entry {
        began.drill = Some("No Kafka leader".to_owned());
    }
    let app = replay(lines, None, "}");
    let smallest = screen(&app, 40, 10);
    for word in ["REPLAY", "DRILL", "1m00s of"] {
        assert!(smallest.contains(word), "{word}:\n{smallest}");
    }
}
