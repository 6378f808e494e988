//! A lesson taken by keys, and its debriefing.

use sopwatch_core::profile::rule::Advice;

use crossterm::event::KeyEvent;
use jiff::SignedDuration;

use super::*;
use crate::app::event::{Effect, Event};
use crate::app::{App, Session};
use crate::dialogs::Dialog;
use crate::keymap::{Key, Keymap};
use sopwatch_core::observe::audit::AuditEffect;
use sopwatch_core::profile::Contact;
use sopwatch_core::profile::sop::StepStatus;
use sopwatch_core::testkit::{now, profile};

fn lesson(action: Advice, contact: Option<&str>) -> Lesson {
    Lesson {
        id: "x".to_owned(),
        title: "Title".to_owned(),
        story: "The story.".to_owned(),
        right: Right {
            choice: Choice {
                action,
                contact: contact.map(str::to_owned),
            },
            or: Vec::new(),
            harmful: vec![Advice::RestartPods],
        },
        hints: vec!["first hint".to_owned(), "second hint".to_owned()],
        because: "The reason.".to_owned(),
        expected: vec![(
            SignedDuration::from_secs(20),
            FindingKind::Step("unheard-of".to_owned(), StepStatus::Fail),
        )],
    }
}

fn console() -> App {
    let mut profile = profile();
    let contact = Contact {
        title: "Team A".to_owned(),
        ..sopwatch_core::profile::Contact::default()
    };
    profile.contacts.insert("a".to_owned(), contact);
    let session = Session {
        drill: Some("Title".to_owned()),
        ..Session::sample(profile)
    };
    App::new(session, "", Keymap::default())
}

fn taught() -> App {
    let mut app = console();
    app.teach(lesson(Advice::Escalate, Some("a")));
    app
}

/// Presses keys, the first so many seconds after the start and the others with it.
fn press(app: &mut App, seconds: i64, keys: &str) -> Vec<Effect> {
    let at = now() + SignedDuration::from_secs(seconds);
    let keys = Key::parse_all(keys).unwrap().into_iter();
    keys.flat_map(|key| app.update(Event::Key(KeyEvent::from(key)), at))
        .collect()
}

fn page(app: &App) -> String {
    app.page().unwrap().text().to_string()
}

fn printed(app: &App) -> String {
    markdown(&app.debriefing().unwrap()).to_string()
}

#[test]
fn the_recommendation_is_held_back_until_the_operator_has_judged_or_asks_for_it() {
    assert!(
        !console().holds_back(),
        "without a lesson nothing is to be judged"
    );
    for (keys, shown) in [
        ("H esc", false),
        ("w", false),
        ("T esc", false),
        ("T enter", false),
        ("D", false),
        ("D D esc", true),
        ("T enter enter", true),
        ("V", true),
    ] {
        let mut app = taught();
        press(&mut app, 60, keys);
        assert_eq!(!app.holds_back(), shown, "{keys}");
        press(&mut app, 70, "esc esc w");
        let why = matches!(app.dialogs.last(), Some(Dialog::Why(_)));
        assert_eq!(why, shown, "{keys}");
    }
}

#[test]
fn who_reveals_the_recommendation_before_an_answer_reads_so_in_the_debriefing() {
    let told = "revealed the recommendation at 1m30s, before an answer";
    let mut app = taught();
    press(&mut app, 90, "V");
    press(&mut app, 100, "V T enter enter");
    assert!(printed(&app).contains(told), "{}", printed(&app));
    let mut app = taught();
    press(&mut app, 90, "T enter enter V");
    assert!(!printed(&app).contains("You revealed"), "{}", printed(&app));
}

#[test]
fn without_a_lesson_its_keys_do_not_exist() {
    let mut app = console();
    assert_eq!(press(&mut app, 1, "H T D"), []);
    assert!(app.dialogs.is_empty());
    let said = app.notice.as_ref().map(|notice| notice.text.to_string());
    assert_eq!(said.as_deref(), Some("D does nothing here · ? help"));
    press(&mut app, 1, "?");
    assert!(!page(&app).contains("a hint"), "{}", page(&app));
    let mut app = taught();
    press(&mut app, 1, "?");
    assert!(
        page(&app).contains("Drill") && page(&app).contains("a hint"),
        "{}",
        page(&app)
    );
}

#[test]
fn each_press_shows_one_more_hint_with_its_time() {
    let mut app = taught();
    press(&mut app, 65, "H");
    let first = page(&app);
    assert!(
        first.contains("1m05s") && first.contains("first hint") && first.contains("one more"),
        "{first}"
    );
    assert!(!first.contains("second hint"), "{first}");
    press(&mut app, 70, "H");
    assert!(page(&app).contains("second hint"), "{}", page(&app));
    press(&mut app, 80, "H H");
    assert!(page(&app).contains("There are no more."), "{}", page(&app));
    assert_eq!(app.dialogs.len(), 1);
    assert_eq!(app.attempt.as_ref().unwrap().hints.len(), 2);
    assert!(
        printed(&app).contains("Hints: 2 of 2, at 1m05s, 1m10s."),
        "{}",
        printed(&app)
    );
}

#[test]
fn an_answer_is_confirmed_noted_and_may_be_changed() {
    let mut app = taught();
    assert_eq!(press(&mut app, 10, "T down enter"), [], "not confirmed yet");
    assert_eq!(press(&mut app, 10, "down enter"), [], "another row asks again");
    let wait = Choice {
        action: Advice::Gather,
        contact: None,
    };
    assert_eq!(press(&mut app, 11, "enter"), [Effect::Answer(wait)]);
    assert!(app.dialogs.is_empty());
    assert_eq!(press(&mut app, 12, "T esc"), [], "looked, not answered");
    press(&mut app, 20, "T");
    assert!(
        matches!(app.dialog(), Some(Dialog::Answer { chosen: 2, .. })),
        "it begins at the last answer"
    );
    let right = Choice {
        action: Advice::Escalate,
        contact: Some("a".to_owned()),
    };
    assert_eq!(press(&mut app, 75, "end enter enter"), [Effect::Answer(right)]);
    let told = printed(&app);
    assert!(
        told.contains("-   11s  restore access or check yourself: not what was needed\n"),
        "{told}"
    );
    assert!(told.contains("- 1m15s  escalate to Team A: right\n"), "{told}");
    assert!(
        told.contains("Right: escalate to Team A. Harmful: restart the pods."),
        "{told}"
    );
}

#[test]
fn the_debriefing_tells_the_answer_only_to_those_who_gave_theirs_or_insist() {
    let mut app = taught();
    press(&mut app, 5, "D");
    assert!(app.dialogs.is_empty() && app.notice.as_ref().is_some_and(|notice| notice.bad));
    press(&mut app, 6, "D");
    assert!(page(&app).contains("The reason."), "{}", page(&app));
    press(&mut app, 9, "esc T enter enter");
    assert!(
        printed(&app).contains("do nothing, after the debriefing: not what"),
        "{}",
        printed(&app)
    );
    let mut app = taught();
    press(&mut app, 5, "T enter enter D");
    assert!(matches!(app.dialog(), Some(Dialog::Debriefing(_))));
}

#[test]
fn what_was_opened_done_and_missed_is_told() {
    let mut app = taught();
    press(&mut app, 30, "2 E f 'x' enter");
    press(&mut app, 31, "i esc");
    press(&mut app, 32, "i esc V w");
    let act = AuditEntry {
        at: now() + SignedDuration::from_secs(40),
        agent: "kubectl".into(),
        verb: "delete",
        resource: "pods".into(),
        name: "p".into(),
        code: 200,
        effect: AuditEffect::Deleted {
            pods: 1,
            youngest: None,
            ready: 1,
            ready_left: 2,
            others: 0,
        },
    };
    app.update(Event::AuditEntry(act), now());
    app.update(Event::Tick, now() + SignedDuration::from_secs(4_000));
    let told = printed(&app);
    for line in [
        "Scenario x, 1h06m.",
        "-   30s  the errors in the log\n",
        "-   30s  the log, filtered by `x`\n",
        "-   31s  the sources\n",
        "-   32s  the explanation of the advice\n",
        "-   40s  kubectl deleted pod p – harmful: a restart makes it worse here\n",
        "step unheard-of: fail: not shown before the end\n",
        "- step unheard-of: fail: visible from 20s on, if nobody acts\n",
        "- You did not answer (T).\n",
    ] {
        assert!(told.contains(line), "`{line}` is not in\n{told}");
    }
    assert_eq!(told.matches("the sources").count(), 1, "told once\n{told}");
    assert!(told.lines().all(|line| line.chars().count() <= 80), "{told}");
}

#[test]
fn what_was_to_be_done_and_was_not_is_missed() {
    let mut app = console();
    app.teach(lesson(Advice::StartPods, None));
    assert!(
        printed(&app).contains("- No pod was started."),
        "{}",
        printed(&app)
    );
}

#[test]
fn without_a_console_only_what_is_known_is_told() {
    let attempt = Attempt::new(lesson(Advice::Wait, None), now());
    let told = markdown(&debriefing(&attempt, &profile(), None, now()));
    assert!(
        told.contains("No console was open") && told.contains("Right: wait."),
        "{told}"
    );
    for unknown in [
        "What you opened",
        "No answer",
        "Hints",
        "not shown",
        "What was missed",
    ] {
        assert!(!told.contains(unknown), "{unknown}\n{told}");
    }
}
