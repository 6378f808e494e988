//! The alert that fires chooses the SOP, while nobody else did.

use std::sync::Arc;

use crate::app::App;
use crate::app::event::{Effect, Event};
use crate::dialogs::Dialog;
use crate::screen::fixture;
use crate::screen::tests::{press, screen};
use sopwatch_core::observe::observation::{AlertsReading, Alive, FiringAlert, Labels, Observation};
use sopwatch_core::record::{Entry, Line};
use sopwatch_core::testkit::built_in_profile;

/// A console without an SOP, on the built-in profile.
fn unchosen() -> App {
    let mut app = fixture::no_leader();
    app.session.drill = None;
    app.session.profile = Arc::new(built_in_profile());
    app.checklist.sop = String::new();
    app.judge();
    app
}

fn alert(name: &str) -> FiringAlert {
    FiringAlert {
        fingerprint: name.into(),
        labels: Labels::from([
            ("alertname".into(), name.into()),
            ("severity".into(), "critical".into()),
        ]),
        annotations: Labels::new(),
        starts_at: fixture::now(),
        updated_at: fixture::now(),
        ends_at: None,
        silenced_by: Vec::new(),
        inhibited: false,
        expression: None,
    }
}

fn hear(app: &mut App, names: &[&str]) -> Vec<Effect> {
    let reading = AlertsReading {
        alerts: names.iter().map(|name| alert(name)).collect(),
        alive: Some(Alive {
            name: "Watchdog".into(),
            updated_at: fixture::now(),
        }),
        ..AlertsReading::default()
    };
    let now = app.clock.now;
    let effects = app.update(Event::Observation(Observation::Alerts(reading)), now);
    app.judge();
    effects
}

#[test]
fn one_alert_opens_its_sop_and_the_header_says_so() {
    let mut app = unchosen();
    app.ask_for_sop();
    let effects = hear(&mut app, &["ManagedServicesApiLatency"]);
    let id = "api-latency".to_owned();
    assert!(
        effects.contains(&Effect::Record(Entry::Sop {
            id,
            alert: Some("ManagedServicesApiLatency".into())
        })),
        "{effects:?}"
    );
    assert!(app.dialogs.is_empty(), "the question is answered");
    let shown = screen(&app, 160, 40);
    let header = shown.lines().next().unwrap();
    assert!(
        header.contains("by alert ManagedServicesApiLatency · s other SOP"),
        "{header}"
    );
    assert_eq!(
        app.steps().len(),
        app.diagnosis.steps.len(),
        "each finding stands beside its step"
    );
    hear(&mut app, &[]);
    let shown = screen(&app, 160, 40);
    assert!(
        shown
            .lines()
            .next()
            .unwrap()
            .contains("ManagedServicesApiLatency resolved"),
        "{shown}"
    );
}

#[test]
fn the_header_names_the_alert_and_its_end_at_every_size() {
    let mut app = unchosen();
    hear(&mut app, &["ManagedServicesApiAvailability"]);
    let header = |app: &App, columns: u16, rows: u16| {
        let shown = screen(app, columns, rows);
        shown.lines().next().unwrap().to_owned()
    };
    // columns, rows, what the header has
    for (columns, rows, words) in [
        (80, 24, "by alert ManagedSe…lability"),
        (99, 30, "by alert Manage…ility"),
        (120, 40, "by alert ManagedServicesApiAvailability · s other SOP"),
        (160, 50, "by alert ManagedServicesApiAvailability · s other SOP"),
    ] {
        let header = header(&app, columns, rows);
        assert!(header.contains(words), "{columns}: {header}");
        // By its title or by its id; the alert's name has a capital.
        assert!(header.contains("availability"), "the SOP stays: {header}");
    }
    app.session.drill = Some("All is well".to_owned());
    app.clock.speed = Some(20.0);
    let drill = header(&app, 80, 24);
    assert!(
        drill.contains("by alert ") && drill.contains("api-availability"),
        "{drill}"
    );
    hear(&mut app, &[]);
    let over = header(&app, 80, 24);
    assert!(
        over.contains("alert resolved") && over.contains("availability"),
        "{over}"
    );
}

#[test]
fn a_replay_says_which_alert_chose_the_sop_and_that_a_person_chose_another() {
    let mut app = unchosen();
    let line = |entry: Entry| Line {
        at: fixture::now(),
        entry,
    };
    let by_alert = Entry::Sop {
        id: "api-latency".to_owned(),
        alert: Some("ManagedServicesApiLatency".into()),
    };
    app.follow(&line(by_alert));
    app.judge();
    let header = |app: &App| screen(app, 160, 40).lines().next().unwrap().to_owned();
    assert!(
        header(&app).contains("by alert ManagedServicesApiLatency"),
        "{}",
        header(&app)
    );
    app.follow(&line(Entry::Sop {
        id: "api-down".to_owned(),
        alert: None,
    }));
    app.judge();
    assert!(!header(&app).contains("by alert"), "{}", header(&app));
}

#[test]
fn several_alerts_choose_none_and_the_picker_stands_on_the_worst() {
    let mut app = unchosen();
    hear(
        &mut app,
        &["ManagedServicesApiLatency", "KafkaClusterProvisioningLatency"],
    );
    assert!(app.sop().is_none());
    app.ask_for_sop();
    let Some(Dialog::Sops { chosen }) = app.dialog() else {
        panic!("it asks");
    };
    let first = &app.session.profile.sops[*chosen].id;
    let worst = app.alerts().into_iter().find_map(|alert| alert.sop);
    assert_eq!(Some(first.clone()), worst);
    let shown = screen(&app, 160, 40);
    assert!(shown.contains("alert fires"), "{shown}");
}

#[test]
fn a_persons_choice_stays() {
    let mut app = unchosen();
    app.ask_for_sop();
    press(&mut app, "\n");
    let chosen = app.checklist.sop.clone();
    assert!(!chosen.is_empty());
    hear(&mut app, &["ManagedServicesApiLatency"]);
    assert_eq!(app.checklist.sop, chosen);
    assert_eq!(app.checklist.by_alert, None);
}
