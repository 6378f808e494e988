//! A console for which no SOP was named: it asks, and advises nothing until one is chosen.

use crate::app::App;
use crate::app::event::{Effect, Event, Outcome};
use crate::dialogs::{Dialog, ResumePrompt};
use crate::keymap::Keymap;
use crate::replay::sample::incident;
use crate::screen::fixture;
use crate::screen::tests::{press, screen};
use sopwatch_core::profile::rule::Advice;
use sopwatch_core::record::{Entry, Line};

/// A console that sees pods without a leader, and was not told which alert fired.
fn unchosen() -> App {
    let mut app = fixture::no_leader();
    app.session.drill = None;
    app.checklist.sop = String::new();
    app.judge();
    app
}

fn opened(app: &mut App, lines: Vec<Line>) {
    let now = app.clock.now;
    let outcome = Outcome::Opened {
        file: "the-record.jsonl".into(),
        lines,
        instead: None,
    };
    app.update(Event::Outcome(outcome), now);
}

fn begun_with(sop: &str) -> Vec<Line> {
    let (mut lines, _) = incident();
    lines.truncate(1);
    if let Entry::Began(began) = &mut lines[0].entry {
        sop.clone_into(&mut began.sop);
    }
    lines
}

fn is_asked(app: &App) -> bool {
    matches!(app.dialog(), Some(Dialog::Sops { .. }))
}

#[test]
fn no_sop_is_taken_for_the_right_one() {
    let session = fixture::silent().session;
    for named in ["", "unheard-of"] {
        let app = App::new(session.clone(), named, Keymap::default());
        assert!(app.sop().is_none(), "{named}");
    }
    let mut app = unchosen();
    assert!(app.diagnosis.steps.is_empty() && app.diagnosis.decision.rules.is_empty());
    assert_eq!(app.diagnosis.leaders.len(), 2, "who leads is no matter of an SOP");
    assert_eq!(app.news(), None);
    for (width, height) in [(120, 40), (80, 24), (60, 20)] {
        let shown = screen(&app, width, height);
        let first = shown.lines().next().unwrap_or_default();
        assert!(first.contains("NO SOP CHOSEN"), "{shown}");
        assert!(shown.contains("s choose"), "{shown}");
        assert!(
            !shown.contains("RESTART THE PODS") && !shown.contains("NOTHING TO DO"),
            "{shown}"
        );
    }
    insta::assert_snapshot!("unchosen_80x24", screen(&app, 80, 24));
    for key in ["a", "w", "h", "1X", "R"] {
        app.notice = None;
        press(&mut app, key);
        let said = app.notice.as_ref().map(|notice| notice.text.to_string());
        assert_eq!(said.as_deref(), Some("choose an SOP first: s chooses"), "{key}");
        assert!(app.dialog().is_none(), "{key}");
    }
}

#[test]
fn each_sop_is_offered_with_what_it_would_recommend() {
    let mut app = unchosen();
    app.ask_for_sop();
    assert_eq!(app.outlook.len(), 2);
    insta::assert_snapshot!("choose_120x40", screen(&app, 120, 40));
    insta::assert_snapshot!("choose_80x24", screen(&app, 80, 24));
    // Letters choose nothing, and escape leaves it open.
    press(&mut app, "jkGy\u{1b}");
    assert!(app.dialog().is_none() && app.sop().is_none());
    app.judge();
    assert!(app.outlook.is_empty(), "what nobody sees is not judged");
    let now = app.clock.now;
    let enter = crossterm::event::KeyEvent::from(crossterm::event::KeyCode::Enter);
    press(&mut app, "s");
    let effects = app.update(Event::Key(enter), now);
    let id = "kafka-provisioning-latency".to_owned();
    assert_eq!(effects, [Effect::Record(Entry::Sop { id, alert: None })]);
    assert!(!screen(&app, 80, 24).contains("NO SOP CHOSEN"));
    app.ask_for_sop();
    assert!(app.dialog().is_none(), "one that is chosen is not asked for");
}

#[test]
fn the_question_which_incident_this_is_comes_first() {
    let offer = ResumePrompt {
        name: "one".to_owned(),
        began_at: fixture::now(),
        last_at: fixture::now(),
        by: "anna".into(),
        sop: "no SOP chosen".to_owned(),
        actions: 0,
        last_change: None,
        broken: None,
        others: Vec::new(),
    };
    for (key, sop, asked) in [
        ("n", "", true),
        ("\n", "", true),
        ("\n", "kafka-provisioning-latency", false),
        ("\n", "one-that-the-profile-has-no-more", true),
    ] {
        let mut app = unchosen();
        app.offer(offer.clone());
        app.ask_for_sop();
        assert_eq!(app.dialogs.len(), 1, "one question at a time");
        press(&mut app, key);
        if key == "\n" {
            assert!(app.dialog().is_none(), "the record may know it");
            app.incident.status.opening = true;
            app.ask_for_sop();
            assert!(app.dialog().is_none(), "the record may know it");
            opened(&mut app, begun_with(sop));
        }
        assert_eq!(is_asked(&app), asked, "{key:?} {sop}");
    }
    // A record that was begun just now does not ask again who has put the question away.
    let mut app = unchosen();
    app.ask_for_sop();
    press(&mut app, "\u{1b}");
    opened(&mut app, Vec::new());
    assert!(app.dialog().is_none());
}

#[test]
fn a_record_in_which_none_was_chosen_at_first_is_replayed_as_it_was() {
    let (mut lines, _) = incident();
    lines.retain(|line| !matches!(line.entry, Entry::Snapshot(_)));
    if let Entry::Began(began) = &mut lines[0].entry {
        began.sop = String::new();
    }
    let mut app = App::replay(lines, None, Keymap::default()).unwrap();
    press(&mut app, "}}");
    app.judge();
    assert!(app.sop().is_none() && app.dialog().is_none());
    assert!(screen(&app, 120, 40).contains("NO SOP CHOSEN"));
    // One of the operator's own choice stays open, and the record's is followed where there is none.
    let mut own = app.clone();
    press(&mut own, "sG\n$");
    press(&mut app, "$");
    assert_eq!(app.checklist.sop, "api-down");
    assert_eq!(own.checklist.sop, "kafka-deletion-correctness");
}

#[test]
fn the_other_sops_are_judged_beside_the_chosen_one_one_of_them_a_second() {
    let mut app = fixture::no_leader();
    app.judge();
    assert_eq!(app.outlook.len(), 2);
    assert_eq!(app.outlook[0], app.diagnosis.decision.recommendation);
    let judged = app.outlook[1].clone();
    assert_ne!(judged.action, Advice::Wait);
    let mut after = |millis: i64| {
        app.outlook[1].action = Advice::Wait;
        app.clock.now += jiff::SignedDuration::from_millis(millis);
        app.judge();
        app.outlook[1].action
    };
    assert_eq!(after(999), Advice::Wait, "not yet");
    // The two take turns: the chosen one, which was judged anyway, and the other.
    let turns = [after(1), after(1_000), after(1_000), after(1_000)];
    let of_other = |action: &Advice| *action == judged.action;
    assert_eq!(
        turns.iter().filter(|action| of_other(action)).count(),
        2,
        "{turns:?}"
    );
    assert_ne!(of_other(&turns[0]), of_other(&turns[1]), "{turns:?}");
    assert_eq!(after(-5_000), judged.action, "the clock went back");
}

#[test]
fn another_sop_is_named_where_it_is_more_urgent_than_the_chosen_one() {
    use Advice::{Escalate, Gather, RestartPods, ScaleUp, StartPods, Wait};
    for (own, other, named) in [
        // that it waits, or lacks data, is no reason to go there
        (Advice::None, Wait, false),
        (Advice::None, Gather, false),
        (Wait, Gather, false),
        (Wait, Escalate, true),
        (Gather, Escalate, true),
        (Escalate, RestartPods, true),
        (Escalate, StartPods, true),
        (RestartPods, ScaleUp, false),
        (RestartPods, Escalate, false),
        (Escalate, Gather, false),
        (Wait, Wait, false),
        (Wait, Advice::None, false),
    ] {
        let mut app = fixture::no_leader();
        app.judge();
        app.diagnosis.decision.recommendation.action = own;
        app.outlook[1].action = other;
        let more = app
            .more_urgent_sop()
            .map(|(sop, found)| (sop.id.as_str(), found.action));
        let expected = named.then_some(("kafka-deletion-correctness", other));
        assert_eq!(more, expected, "{own:?} {other:?}");
    }
    let mut taught = crate::training::screen_tests::taught();
    taught.judge();
    assert!(taught.outlook.is_empty(), "a lesson keeps its advice back");
    assert_eq!(taught.more_urgent_sop(), None);
}

#[test]
fn what_another_sop_would_recommend_is_judged_again_before_it_is_named() {
    let mut app = fixture::well();
    app.judge();
    assert_eq!(app.more_urgent_sop(), None);
    // As it was judged before a source stopped; another SOP is the next in turn.
    for found in &mut app.outlook {
        found.action = Advice::RestartPods;
    }
    app.judge();
    assert_eq!(app.more_urgent_sop(), None);
}
