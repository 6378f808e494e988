//! What is asked before a change, what is shown of it, and what is said when nothing can be recorded.

use crossterm::event::{KeyCode, KeyEvent};

use crate::app::event::{Effect, Event, Outcome};
use crate::app::{App, DryRun};
use crate::dialogs::{Dialog, ResumePrompt};
use crate::screen::fixture;
use crate::screen::fixture::learn;
use crate::screen::tests::{press, screen};
use sopwatch_core::observe::observation::{Observation, PodUid};
use sopwatch_core::observe::source::{SourceId, SourceState};
use sopwatch_core::record::{Entry, Line};
use sopwatch_core::remediate::command::CommandOutcome;
use sopwatch_core::text::SafeText;

/// A move to the other button, and enter.
pub(crate) const CONFIRM: &str = "→\n";

/// A console on which all that acting asks for is known.
pub(crate) fn console(production: bool) -> App {
    let mut app = fixture::well();
    for id in [SourceId::Pods, SourceId::Deployment] {
        learn(&mut app, 1, Observation::Source(id, SourceState::Live));
    }
    if let Some(environment) = &mut app.session.environment {
        environment.production = production;
    }
    app
}

pub(crate) fn answered(app: &mut App, answer: DryRun) {
    let now = app.clock.now;
    let Some(Dialog::Confirm(confirm)) = app.dialog() else {
        panic!("nothing is asked");
    };
    let number = confirm.number;
    app.update(Event::Outcome(Outcome::DryRunAnswered { number, answer }), now);
}

#[test]
fn a_question_says_where_what_and_how_by_hand() {
    let mut app = console(false);
    press(&mut app, "1X");
    answered(&mut app, DryRun::Passed);
    insta::assert_snapshot!("confirm_120x40", screen(&app, 120, 40));
    insta::assert_snapshot!("confirm_80x24", screen(&app, 80, 24));
    insta::assert_snapshot!("confirm_60x20", screen(&app, 60, 20));
}

#[test]
fn the_risk_is_seen_without_scrolling_and_the_commands_with_it() {
    let mut app = console(false);
    press(&mut app, "1R");
    answered(&mut app, DryRun::Passed);
    insta::assert_snapshot!("confirm_all_80x24", screen(&app, 80, 24));
    press(&mut app, "jjjjjjjj");
    insta::assert_snapshot!("confirm_all_scrolled_80x24", screen(&app, 80, 24));
}

#[test]
fn in_production_a_name_is_typed() {
    let mut app = console(true);
    press(&mut app, "1Xmanaged-services");
    answered(
        &mut app,
        DryRun::Untried(SafeText::new("a webhook does not support dry run")),
    );
    insta::assert_snapshot!("confirm_production_80x24", screen(&app, 80, 24));
}

#[test]
fn a_refusal_says_why() {
    let mut app = console(false);
    app.cannot_record("the state directory can't be written: read-only file system");
    press(&mut app, "1X");
    app.notice = None;
    insta::assert_snapshot!("refused_80x24", screen(&app, 80, 24));
    press(&mut app, "\u{1b}I");
    app.notice = None;
    insta::assert_snapshot!("incident_not_recorded_80x24", screen(&app, 80, 24));
}

#[test]
fn what_is_carried_out_is_in_the_bar_and_on_the_page() {
    let mut app = console(false);
    press(&mut app, "1R");
    answered(&mut app, DryRun::Passed);
    press(&mut app, CONFIRM);
    insta::assert_snapshot!("sent_80x24", screen(&app, 80, 24));
    let now = app.clock.now;
    let outcome = CommandOutcome::Applied {
        how: "accepted by the server".into(),
    };
    app.update(Event::Outcome(Outcome::Done { id: 1, outcome }), now);
    press(&mut app, "I");
    insta::assert_snapshot!("incident_80x24", screen(&app, 80, 24));
    insta::assert_snapshot!("incident_120x40", screen(&app, 120, 40));
}

#[test]
fn while_an_older_record_is_opened_nothing_is_changed() {
    let mut app = console(false);
    app.incident.status.opening = true;
    press(&mut app, "1X");
    let shown = screen(&app, 80, 24);
    assert!(
        shown.contains("Blocked: the record is still being opened"),
        "{shown}"
    );
}

#[test]
fn a_question_whose_ground_has_gone_stays_until_it_is_put_away() {
    let mut app = console(true);
    press(&mut app, "1Xmanaged-services-api-6d9fc8b649-2m");
    answered(&mut app, DryRun::Passed);
    learn(&mut app, 1, Observation::PodGone(PodUid("2mgcp".into())));
    press(&mut app, "gcp\nqd");
    insta::assert_snapshot!("closed_80x24", screen(&app, 80, 24));
    press(&mut app, "\u{1b}");
    assert!(app.dialog().is_none());
}

#[test]
fn a_name_that_is_another_is_told_so() {
    let mut app = console(true);
    press(&mut app, "1Xx");
    answered(&mut app, DryRun::Passed);
    let shown = screen(&app, 80, 24);
    assert!(
        shown.contains("Type managed-services-api-6d9fc8b649-2mgcp, then Enter")
            && shown.contains("x▏   does not match"),
        "{shown}"
    );
}

#[test]
fn an_open_incident_is_offered_with_what_was_done_and_what_else_is_open() {
    let mut app = console(false);
    let before = |seconds: i64| app.clock.now - jiff::SignedDuration::from_secs(seconds);
    let offer = ResumePrompt {
        name: "20261123T174351Z-managed-services-stage".to_owned(),
        began_at: before(700),
        last_at: before(60),
        by: "anna on bastion-1".into(),
        sop: "Kafka cluster provisioning latency".to_owned(),
        actions: 2,
        last_change: Some((
            before(90),
            "delete pod msa-x-2mgcp (2 of 3) for rule no-leader: under way".into(),
        )),
        broken: None,
        others: vec![("20261123T174000Z-managed-services-stage-2".to_owned(), 1)],
    };
    app.offer(offer);
    insta::assert_snapshot!("offer_80x24", screen(&app, 80, 24));
    press(&mut app, "\u{1b}");
    assert!(
        app.dialog().is_some(),
        "nothing is begun by the key that puts things away"
    );
}

#[test]
fn who_leaves_in_the_middle_is_told_what_is_left() {
    let mut app = console(false);
    press(&mut app, "1R");
    answered(&mut app, DryRun::Passed);
    press(&mut app, CONFIRM);
    press(&mut app, "q");
    let shown = screen(&app, 80, 24);
    assert!(shown.contains("Only 1 of 3 pods restarted"), "{shown}");
    let q = KeyEvent::from(KeyCode::Char('q'));
    assert_eq!(app.update(Event::Key(q), app.clock.now), [Effect::Quit]);
}

#[test]
fn an_interrupted_restart_is_on_the_screen_with_the_key_that_offers_the_rest() {
    let mut killed = console(false);
    press(&mut killed, "1R");
    answered(&mut killed, DryRun::Passed);
    press(&mut killed, CONFIRM);
    let change = killed.remediation.commands[0].clone();
    let applied = CommandOutcome::Applied {
        how: "accepted by the server".into(),
    };
    let line = |entry| Line { at: change.at, entry };
    let mut app = console(false);
    let outcome = Outcome::Opened {
        file: "x.jsonl".into(),
        lines: vec![
            line(Entry::Intent(Box::new(change.intent.clone()))),
            line(Entry::Outcome {
                id: 1,
                outcome: applied,
            }),
        ],
        instead: None,
    };
    let now = app.clock.now;
    app.update(Event::Outcome(outcome), now);
    let words = "restart interrupted: 2 of 3 pods not restarted";
    let page = |app: &mut App| {
        press(app, "I");
        let shown = screen(app, 120, 40);
        press(app, "\u{1b}");
        shown
    };
    let shown = page(&mut app);
    assert!(shown.contains(&format!("{words} (U: restart them)")), "{shown}");
    app.notice = None;
    for (width, height) in [(80, 24), (120, 40), (200, 50)] {
        let shown = screen(&app, width, height);
        assert!(shown.contains("U restart"), "{width}x{height}\n{shown}");
    }
    press(&mut app, "U");
    let shown = screen(&app, 120, 40);
    assert!(
        shown.contains("Blocked: Restart the remaining 2 pods, one by one"),
        "{shown}"
    );
}
