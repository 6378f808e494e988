//! What is asked before a change, what is shown of it, and what is said when nothing can be recorded.

use super::fixture::{self, learn};
use super::tests::{press, screen};
use crate::app::dialog::Dialog;
use crate::app::event::{Event, Outcome};
use crate::app::{App, Rehearsal};
use crate::incident::command::CommandOutcome;
use crate::incident::fact::Fact;
use crate::incident::feed::{FeedId, FeedState};
use crate::incident::text::SafeText;

/// A console on which all that acting asks for is known.
fn console(production: bool) -> App {
    let mut app = fixture::well();
    for id in [FeedId::Pods, FeedId::Deployment] {
        learn(&mut app, 1, Fact::Feed(id, FeedState::Live));
    }
    if let Some(environment) = &mut app.session.environment {
        environment.production = production;
    }
    app
}

fn answered(app: &mut App, answer: Rehearsal) {
    let now = app.now;
    let Some(Dialog::Confirm(confirm)) = app.dialog() else {
        panic!("nothing is asked");
    };
    let number = confirm.number;
    app.update(Event::Outcome(Outcome::Rehearsed { number, answer }), now);
}

#[test]
fn a_question_says_where_what_and_how_by_hand() {
    let mut app = console(false);
    press(&mut app, "1d");
    answered(&mut app, Rehearsal::Passed);
    insta::assert_snapshot!("confirm_120x40", screen(&app, 120, 40));
    insta::assert_snapshot!("confirm_80x24", screen(&app, 80, 24));
    insta::assert_snapshot!("confirm_60x20", screen(&app, 60, 20));
}

#[test]
fn the_risk_is_seen_without_scrolling_and_the_commands_with_it() {
    let mut app = console(false);
    press(&mut app, "1R");
    answered(&mut app, Rehearsal::Passed);
    insta::assert_snapshot!("confirm_all_80x24", screen(&app, 80, 24));
    press(&mut app, "jjjjjjjj");
    insta::assert_snapshot!("confirm_all_scrolled_80x24", screen(&app, 80, 24));
}

#[test]
fn in_production_a_name_is_typed() {
    let mut app = console(true);
    press(&mut app, "1d2mg");
    answered(
        &mut app,
        Rehearsal::Untried(SafeText::new("a webhook does not support dry run")),
    );
    insta::assert_snapshot!("confirm_production_80x24", screen(&app, 80, 24));
}

#[test]
fn a_refusal_says_why() {
    let mut app = console(false);
    app.cannot_record("the state directory can't be written: read-only file system");
    press(&mut app, "1d");
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
    answered(&mut app, Rehearsal::Passed);
    press(&mut app, "y");
    insta::assert_snapshot!("sent_80x24", screen(&app, 80, 24));
    let now = app.now;
    let outcome = CommandOutcome::Applied {
        how: "the server says so".into(),
    };
    app.update(Event::Outcome(Outcome::Done { id: 1, outcome }), now);
    press(&mut app, "I");
    insta::assert_snapshot!("incident_80x24", screen(&app, 80, 24));
    insta::assert_snapshot!("incident_120x40", screen(&app, 120, 40));
}

#[test]
fn while_an_older_record_is_opened_nothing_is_changed() {
    let mut app = console(false);
    app.record.opening = true;
    press(&mut app, "1d");
    let shown = screen(&app, 80, 24);
    assert!(
        shown.contains("refused: the record is still being opened"),
        "{shown}"
    );
}
