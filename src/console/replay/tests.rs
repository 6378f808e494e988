//! A replay by keys and by the passing of time.

use crossterm::event::KeyEvent;
use jiff::{SignedDuration, Timestamp};

use super::sample::{END, JOINED, LEFT, doctored, incident, reworded};
use crate::app::App;
use crate::app::event::{Effect, Event};
use crate::keymap::{Key, Keymap};
use crate::panes::Pane;
use sopwatch_core::record::{Entry, Snapshot};
use sopwatch_core::testkit::now;

/// A replay, and the world's clock beside it.
struct Watched {
    app: App,
    world: Timestamp,
}

impl Watched {
    fn of(app: App) -> Self {
        let world = now() + SignedDuration::from_hours(99);
        let mut watched = Self { app, world };
        watched.app.update(Event::Tick, world);
        watched
    }

    fn start() -> Self {
        Self::of(App::replay(incident().0, None, Keymap::default()).unwrap())
    }

    fn press(&mut self, keys: &str) -> Vec<Effect> {
        let keys = Key::parse_all(keys).unwrap();
        let effects = keys
            .into_iter()
            .flat_map(|key| self.app.update(Event::Key(KeyEvent::from(key)), self.world))
            .collect();
        self.app.judge();
        effects
    }

    /// So many seconds pass in the world, a tick each.
    fn wait(&mut self, seconds: i64) {
        for _ in 0..seconds {
            self.world += SignedDuration::from_secs(1);
            self.app.update(Event::Tick, self.world);
        }
        self.app.judge();
    }

    fn second(&self) -> i64 {
        self.app.player.as_ref().unwrap().position().as_secs()
    }

    fn found(&self) -> Snapshot {
        Snapshot::of(&self.app.checklist.sop, &self.app.diagnosis)
    }

    fn notice(&self) -> &str {
        let notice = self
            .app
            .notice
            .as_ref()
            .filter(|notice| notice.is_current(self.app.clock.now));
        notice.map_or("", |notice| notice.text.as_str())
    }

    /// All that the record decides of what the screen shows.
    fn state(&self) -> String {
        let app = &self.app;
        format!(
            "{:?} {:?} {:?} {:?} {:?} {}",
            app.clock.now,
            app.state,
            app.diagnosis,
            app.checklist,
            app.logs.buffer.shown(),
            app.player.as_ref().unwrap().summary()
        )
    }
}

#[test]
fn each_second_of_a_replay_says_what_the_console_said_then() {
    let (_, found) = incident();
    let mut watched = Watched::start();
    watched.press("space");
    for second in (1..=LEFT).chain(JOINED..=END) {
        watched.wait(1);
        assert_eq!(watched.second(), second);
        let then = &found[&second];
        assert!(
            watched.found().is_like(then),
            "at {second} s:\n{:#?}\n{then:#?}",
            watched.found()
        );
    }
    let player = watched.app.player.as_ref().unwrap();
    assert!(player.findings() >= 5, "{}", player.summary());
    assert!(player.differences().is_empty(), "{:#?}", player.differences());
}

#[test]
fn the_time_when_no_console_ran_is_not_waited_for_and_the_end_is_told() {
    let mut watched = Watched::start();
    watched.press("$");
    watched.press("space");
    assert_eq!(watched.notice(), "end of the record");
    watched.press("0 } } } } } } right right right right space");
    assert_eq!(watched.second(), LEFT);
    watched.wait(1);
    assert_eq!(watched.second(), JOINED);
    watched.wait(END - JOINED);
    assert_eq!(watched.second(), END);
    assert_eq!(watched.notice(), "end of the record");
    assert!(!watched.app.player.as_ref().unwrap().is_playing());
    watched.wait(10);
    assert_eq!(
        (watched.second(), watched.notice()),
        (END, ""),
        "a word goes away by the world's time"
    );
}

#[test]
fn there_and_back_again_shows_the_same_as_going_there_straight() {
    let cases = [
        ("forward and back", "right right", "right right right left"),
        ("past the gone pod and back", "} right", "} } } { { right"),
        ("from the end", "} } } } right", "$ 0 } } } } right"),
        ("before another SOP was opened", "} } } }", "} } } } } {"),
        ("by moments", ". . .", ". . . . . , ,"),
        ("to the first line", "", "} } 0"),
        ("back by moments to the first line", "", ". . , , , ,"),
    ];
    for (what, straight, around) in cases {
        let [straight, around] = [straight, around].map(|keys| {
            let mut watched = Watched::start();
            watched.press(keys);
            watched
        });
        assert_eq!(straight.second(), around.second(), "{what}");
        assert_eq!(straight.state(), around.state(), "{what}");
    }
}

#[test]
fn moments_are_where_something_was_found_or_done() {
    let (lines, _) = incident();
    let told = |entry: &Entry| {
        matches!(
            entry,
            Entry::Snapshot(_)
                | Entry::Ticked { .. }
                | Entry::Note { .. }
                | Entry::Sop { .. }
                | Entry::Left { .. }
                | Entry::Joined(_)
                | Entry::Closed(_)
        )
    };
    let wanted: Vec<i64> = lines
        .iter()
        .filter(|line| told(&line.entry))
        .map(|line| line.at.duration_since(lines[0].at).as_secs())
        .collect();
    let mut watched = Watched::start();
    let mut seen = Vec::new();
    watched.press(".");
    while watched.notice().is_empty() {
        assert!(seen.len() <= wanted.len(), "more moments than {wanted:?}");
        seen.push(watched.second());
        watched.press(".");
    }
    assert_eq!(seen, wanted);
    let mut back = vec![watched.second()];
    while back.len() < wanted.len() {
        watched.press(",");
        back.push(watched.second());
    }
    back.reverse();
    assert_eq!(back, wanted);
}

#[test]
fn the_clock_runs_as_fast_as_is_chosen_and_stands_while_it_is_held() {
    for (keys, seconds, second) in [
        ("", 5, 0),
        ("space", 5, 5),
        ("space +", 5, 10),
        ("space + + +", 5, 50),
        ("space - -", 8, 2),
        ("space - - - -", 8, 2),
        ("space + + + + + + + + +", 2, 200),
        ("space space", 5, 0),
        ("space .", 5, 1),
        ("space right", 5, 15),
        ("space } {", 5, 5),
    ] {
        let mut watched = Watched::start();
        watched.press(keys);
        watched.wait(seconds);
        assert_eq!(watched.second(), second, "{keys}");
    }
}

#[test]
fn a_console_that_was_suspended_goes_on_where_it_was() {
    let mut watched = Watched::start();
    watched.press("space");
    watched.world += SignedDuration::from_mins(5);
    watched.app.update(Event::Tick, watched.world);
    assert_eq!(watched.second(), 2);
}

#[test]
fn nothing_is_asked_or_changed_and_that_is_said() {
    let mut watched = Watched::start();
    watched.press("} right");
    for keys in ["r", "4 G space"] {
        watched.app.notice = None;
        assert_eq!(watched.press(keys), Vec::new(), "{keys}");
    }
    assert!(
        watched.app.player.as_ref().unwrap().is_playing(),
        "space is the replay's"
    );
    watched.press("space r");
    assert_eq!(watched.notice(), "replay: actions are disabled");
    assert_eq!(watched.app.checklist.ticks.len(), 0);
    // Rows are asked for where their page is opened.
    assert_eq!(watched.press("3 enter esc"), Vec::new());
    assert!(matches!(watched.press("w y")[..], [Effect::Copy(_)]));
    assert_eq!(watched.press("esc q"), vec![Effect::Quit]);
}

#[test]
fn what_the_operator_looks_at_stays_when_one_goes_back() {
    let mut watched = Watched::start();
    watched.press("} right 1 z / 'new' enter w");
    let panes = watched.app.panes.clone();
    watched.press("{ ,");
    assert_eq!((watched.second(), watched.app.panes.pod), (1, 2));
    assert_eq!(watched.app.panes, panes);
    assert_eq!(watched.app.panes.focus, Pane::Pods);
    assert_eq!(watched.app.dialogs.len(), 1);
}

#[test]
fn another_sop_may_be_looked_at_and_the_recorded_one_is_compared_all_the_same() {
    let mut watched = Watched::start();
    watched.press("right s g enter");
    assert_eq!(watched.app.checklist.sop, "api-down");
    let mut other = Watched::start();
    other.press("right s g j enter");
    assert_eq!(other.app.checklist.sop, "api-availability");
    for watched in [&mut watched, &mut other] {
        watched.press("} } }");
        let player = watched.app.player.as_ref().unwrap();
        assert!(player.findings() > 3);
        assert!(player.differences().is_empty(), "{:#?}", player.differences());
        watched.press("} } }");
    }
    // The record went on with this one itself, so that it is followed again when one goes back.
    assert_eq!(watched.app.checklist.sop, "api-down");
    watched.press("0");
    assert_eq!(watched.app.checklist.sop, "kafka-provisioning-latency");
    assert_eq!(other.app.checklist.sop, "api-availability");
}

#[test]
fn what_differs_is_counted_and_told() {
    let mut app = App::replay(doctored(), Some("a flaw".into()), Keymap::default()).unwrap();
    app.play_out();
    let player = app.player.as_ref().unwrap();
    assert_eq!(player.differences().len(), 1);
    let text = app.differences_page().text();
    for part in [
        "a flaw",
        "1m00s  kafka-provisioning-latency",
        "recommendation",
        "escalate",
        "step ",
        "UNKNOWN",
        "1 differ",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    assert_eq!(
        text.matches("recorded  ").count(),
        2,
        "only what differs is told:\n{text}"
    );
}

#[test]
fn a_finding_in_other_words_is_the_same_finding() {
    let mut app = App::replay(reworded(), None, Keymap::default()).unwrap();
    app.play_out();
    let player = app.player.as_ref().unwrap();
    assert!(player.differences().is_empty(), "{:#?}", player.differences());
    assert!(player.summary().ends_with(" match"), "{}", player.summary());
}

#[test]
fn what_is_no_record_is_refused() {
    let (lines, _) = incident();
    let replay = |lines: &[_]| App::replay(lines.to_vec(), None, Keymap::default());
    assert_eq!(replay(&[]).unwrap_err(), "it holds no line");
    let problem = replay(&lines[1..]).unwrap_err();
    assert!(problem.starts_with("its first line says `"), "{problem}");
}
