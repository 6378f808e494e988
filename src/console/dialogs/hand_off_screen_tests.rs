//! The hand-off on the screen: who is asked, what is copied, and that a lesson's answer stays kept back.

use std::path::PathBuf;
use std::sync::Arc;

use crate::app::App;
use crate::app::event::{Effect, Event, Outcome, TerminalRequest};
use crate::dialogs::Dialog;
use crate::screen::fixture;
use crate::screen::tests::{press, screen};
use crate::training::screen_tests::taught;
use sopwatch_core::profile::Contact;
use sopwatch_core::text::SafeText;

fn with_contacts(mut app: App) -> App {
    let profile = Arc::make_mut(&mut app.session.profile);
    for (id, title, reach) in [
        ("control-plane", "Control Plane team", None),
        ("ocm-support", "OCM support", Some("#ocm-support, page 4711")),
    ] {
        let contact = Contact {
            title: title.to_owned(),
            reach: reach.into_iter().map(str::to_owned).collect(),
            ..Contact::default()
        };
        profile.contacts.insert(id.to_owned(), contact);
    }
    app
}

/// The recommendation is to turn to the Control Plane.
fn escalating() -> App {
    with_contacts(fixture::pods_down())
}

fn snapshot(name: &str, app: &App, width: u16, height: u16) {
    let shown = screen(app, width, height).replace(env!("CARGO_PKG_VERSION"), "VERSION");
    insta::assert_snapshot!(name, shown);
}

/// What pressing the keys wants copied.
fn copied(app: &mut App, key: crossterm::event::KeyCode) -> Option<SafeText> {
    let now = app.clock.now;
    let effects = app.update(Event::Key(key.into()), now);
    effects.into_iter().find_map(|effect| match effect {
        Effect::Copy(text) => Some(text),
        _ => None,
    })
}

#[test]
fn an_escalation_opens_the_text_for_whom_it_names() {
    use crossterm::event::KeyCode::{Char, Enter, Tab};
    let mut app = escalating();
    press(&mut app, "h");
    snapshot("hand_off_80x24", &app, 80, 24);
    for key in [Char('y'), Enter] {
        let text = copied(&mut app, key).unwrap();
        assert!(text.starts_with("Control Plane team: "), "{text}");
        assert!(!text.contains("[contacts]"), "only the text: {text}");
    }
    assert_eq!(copied(&mut app, Tab), None);
    let text = copied(&mut app, Char('y')).unwrap();
    assert!(text.starts_with("OCM support: "), "{text}");
    snapshot("hand_off_next_120x40", &app, 120, 40);
    assert_eq!(copied(&mut app, Tab), None);
    assert!(
        copied(&mut app, Enter)
            .unwrap()
            .starts_with("Control Plane team: ")
    );
}

#[test]
fn where_it_went_stays_to_be_read() {
    let mut app = escalating();
    press(&mut app, "h");
    let request = TerminalRequest::osc52("YQ==").unwrap();
    let outcome = Outcome::Copied {
        to: Some("the terminal's clipboard, if it takes OSC 52".into()),
        file: Some(PathBuf::from("/home/oncall/.local/state/sopwatch/copied.md")),
        request: Some(request.clone()),
    };
    let now = app.clock.now;
    let effects = app.update(Event::Outcome(outcome), now);
    assert_eq!(effects, [Effect::Write(request)]);
    snapshot("hand_off_copied_80x24", &app, 80, 24);
    copied(&mut app, crossterm::event::KeyCode::Right);
    let page = app.page().unwrap().text();
    assert!(!page.contains("copied to"), "another text was not copied: {page}");
}

#[test]
fn where_nobody_is_named_one_chooses() {
    let mut app = with_contacts(fixture::no_leader());
    press(&mut app, "h");
    snapshot("contacts_80x24", &app, 80, 24);
    press(&mut app, "j\n");
    assert!(screen(&app, 80, 24).contains("Hand-off to OCM support"));
    press(&mut app, "q");
    assert!(app.dialogs.is_empty());
}

#[test]
fn a_lesson_that_keeps_its_advice_back_tells_nothing_by_a_hand_off() {
    let mut app = with_contacts(taught());
    app.diagnosis = escalating().diagnosis;
    assert!(app.holds_back());
    press(&mut app, "h");
    assert!(
        matches!(app.dialog(), Some(Dialog::Contacts { chosen: 0 })),
        "one chooses"
    );
    press(&mut app, "\n");
    let told = |app: &App| app.page().unwrap().text();
    let text = told(&app);
    assert!(text.contains("DRILL") && text.contains("deleted pod"), "{text}");
    for word in ["escalate", "decision table", "rule "] {
        assert!(!text.contains(word), "{word} in\n{text}");
    }
    press(&mut app, "q");
    press(&mut app, "Vh");
    assert!(matches!(app.dialog(), Some(Dialog::HandOff { contact: 0, .. })));
    assert!(told(&app).contains("escalate to Control Plane team"));
}
