//! What a drill's lesson looks like, in known states and sizes.

use sopwatch_core::diagnose::leaders::VerdictKind;
use sopwatch_core::profile::rule::Advice;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::app::App;
use crate::app::event::Event;
use crate::screen::Theme;
use crate::screen::fixture;
use crate::screen::tests::{press, screen, themed};
use crate::training::{Choice, FindingKind, Lesson, Right};
use sopwatch_core::observe::audit::{AuditEffect, AuditEntry};
use sopwatch_core::profile::Contact;
use sopwatch_core::profile::sop::StepStatus;

const SIZES: [(u16, u16); 3] = [(120, 40), (80, 24), (60, 20)];

fn ago(seconds: i64) -> Timestamp {
    fixture::now() - SignedDuration::from_secs(seconds)
}

fn lesson() -> Lesson {
    let from = SignedDuration::from_secs(20);
    Lesson {
        id: "no-kafka-leader".to_owned(),
        title: "No Kafka leader".to_owned(),
        story: "All three pods are healthy, but nobody has led the Kafka manager for seven minutes."
            .to_owned(),
        right: Right {
            choice: Choice {
                action: Advice::RestartPods,
                contact: None,
            },
            or: Vec::new(),
            harmful: vec![Advice::Escalate, Advice::ScaleUp],
        },
        hints: vec![
            "Look at the leader strip: which worker has no leader, and for how long?".to_owned(),
            "All three pods say that they do not lead, and the lease ran out: the evidence is complete."
                .to_owned(),
        ],
        because:
            "Every pod says in its log that it does not lead, and the lease row agrees. Nothing is settling."
                .to_owned(),
        expected: vec![
            (from, FindingKind::Leader("kafka".to_owned(), VerdictKind::None)),
            (from, FindingKind::Leader("cluster".to_owned(), VerdictKind::One)),
            (
                from,
                FindingKind::Step("kafka-leader".to_owned(), StepStatus::Fail),
            ),
        ],
    }
}

fn act(seconds_ago: i64, name: &str, code: u16, effect: AuditEffect) -> Event {
    Event::AuditEntry(AuditEntry {
        at: ago(seconds_ago),
        agent: "kubectl".into(),
        verb: "delete",
        resource: "pods".into(),
        name: name.into(),
        code,
        effect,
    })
}

/// A drill some minutes old, in which the operator has looked, answered and acted.
pub(crate) fn taught() -> App {
    let mut app = fixture::no_leader();
    app.session.drill = Some("No Kafka leader".to_owned());
    let contact = Contact {
        title: "OCM support".to_owned(),
        ..sopwatch_core::profile::Contact::default()
    };
    let profile = Arc::make_mut(&mut app.session.profile);
    profile.contacts.insert("ocm-support".to_owned(), contact);
    app.teach(lesson());
    let (diagnosis, profile) = (app.diagnosis.clone(), app.session.profile.clone());
    if let Some(attempt) = &mut app.attempt {
        attempt.watch(&diagnosis, &profile, ago(860));
    }
    press(&mut app, "H\u{1b}4jj\n\u{1b}");
    let deleted = |ready_left| AuditEffect::Deleted {
        pods: 1,
        youngest: Some(ago(9_000)),
        ready: 1,
        ready_left,
        others: 0,
    };
    let pod = "managed-services-api-6b4d8b649-blf5h";
    for event in [
        act(90, pod, 403, AuditEffect::Other),
        act(60, pod, 200, deleted(2)),
        act(30, pod, 200, deleted(0)),
    ] {
        let now = app.clock.now;
        app.update(event, now);
    }
    app
}

fn in_all_sizes(name: &str, app: &App) {
    for (width, height) in SIZES {
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), screen(app, width, height));
    }
}

#[test]
fn hints() {
    let mut app = taught();
    press(&mut app, "H");
    in_all_sizes("hints", &app);
}

#[test]
fn the_answer() {
    let mut app = taught();
    press(&mut app, "Tjjjj\n");
    in_all_sizes("answer_to_confirm", &app);
    press(&mut app, "\nT");
    insta::assert_snapshot!("answer_noted_80x24", screen(&app, 80, 24));
}

#[test]
fn the_debriefing() {
    let mut app = taught();
    press(&mut app, "Tjjjj\n\nD");
    in_all_sizes("debriefing", &app);
    press(&mut app, "G");
    insta::assert_snapshot!("debriefing_end_80x24", screen(&app, 80, 24));
    let ascii = Theme::named("dark", false, true).unwrap();
    insta::assert_snapshot!(
        "debriefing_ascii_80x24",
        themed(&app, 80, 24, &ascii).backend().to_string()
    );
    let plain = Theme::named("dark", false, false).unwrap();
    let terminal = themed(&app, 80, 24, &plain);
    let coloured = |cell: &&ratatui::buffer::Cell| {
        cell.fg != ratatui::style::Color::Reset || cell.bg != ratatui::style::Color::Reset
    };
    assert_eq!(terminal.backend().buffer().content().iter().find(coloured), None);
}

#[test]
fn the_bar_holds_its_recommendation_back_until_it_is_answered_or_revealed() {
    let bar = |app: &App, width| {
        let screen = screen(app, width, 24);
        let bar = screen.lines().rev().nth(1).unwrap_or_default();
        format!("{}\n", bar.trim_matches('"').trim_end())
    };
    let mut bars = String::new();
    for width in [120, 80, 40] {
        bars += &bar(&taught(), width);
    }
    for keys in ["V", "T\n\n", "DD\u{1b}"] {
        let mut app = taught();
        press(&mut app, keys);
        bars += &bar(&app, 80);
    }
    insta::assert_snapshot!("the_bar_of_a_lesson", bars);
    let mut app = taught();
    press(&mut app, "w");
    insta::assert_snapshot!("why_held_back_80x24", screen(&app, 80, 24));
}

#[test]
fn the_badge_stays_and_says_how_fast_the_clock_runs() {
    let mut app = taught();
    for (width, height) in SIZES {
        assert!(
            screen(&app, width, height)
                .lines()
                .next()
                .unwrap()
                .contains(" DRILL ")
        );
    }
    app.set_speed(20.0);
    for (width, height) in SIZES {
        assert!(
            screen(&app, width, height)
                .lines()
                .next()
                .unwrap()
                .contains(" DRILL ×20 ")
        );
    }
}

#[test]
fn outside_a_drill_nothing_is_said_of_lessons() {
    for (app, there) in [(fixture::well(), false), (taught(), true)] {
        let mut app = app;
        assert_eq!(screen(&app, 120, 40).contains("H hint"), there);
        press(&mut app, "?");
        let page = app.page().unwrap().text();
        assert_eq!(page.contains("what you would do"), there, "{page}");
    }
}
