//! What stands between a key and a change: the dry run, the gate at the moment of the key, and what is sent then.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent};
use jiff::{SignedDuration, Timestamp};

use crate::app::event::{Effect, Event, Outcome};
use crate::app::{App, DryRun, Phase, Session};
use crate::dialogs::Dialog;
use crate::keymap::Keymap;
use sopwatch_core::observe::observation::{Connection, Observation, Pod, PodUid};
use sopwatch_core::observe::source::{SourceId, SourceState};
use sopwatch_core::profile::rule::Advice;
use sopwatch_core::record::{Entry, Intent, Line};
use sopwatch_core::remediate::applied_command::{self, AppliedCommand};
use sopwatch_core::remediate::command::{Command, CommandOutcome, PlanKind};
use sopwatch_core::testkit::{SHORT, ago, deployment, now, pod, profile_with, sop};

/// A console on which all that acting asks for is known. What it advises is nothing: its profile has no rules.
fn console() -> App {
    let profile = profile_with(|profile| profile.sops.push(sop()));
    let session = Session {
        environment: profile.environments.first().cloned(),
        namespace: "msa-stage".to_owned(),
        started_at: ago(600),
        ..Session::sample(profile)
    };
    let mut app = App::new(session, "x", Keymap::default());
    let connection = Connection {
        server: "https://api.stage:6443".into(),
        context: None,
        user: "oncall".into(),
        namespace: "msa-stage".into(),
        version: None,
        expires_at: None,
        unverified: false,
    };
    learn(&mut app, Observation::Connection(connection));
    learn(
        &mut app,
        Observation::Pods(SHORT.map(|short| pod(short, 90_000)).to_vec()),
    );
    learn(&mut app, Observation::Deployment(Some(deployment(3))));
    learn(&mut app, Observation::Source(SourceId::Api, SourceState::Live));
    app
}

fn learn(app: &mut App, observation: Observation) -> Vec<Effect> {
    app.update(Event::Observation(observation), now())
}

fn press_at(app: &mut App, key: char, at: Timestamp) -> Vec<Effect> {
    app.update(Event::Key(KeyEvent::from(KeyCode::Char(key))), at)
}

fn press(app: &mut App, keys: &str) -> Vec<Effect> {
    keys.chars().flat_map(|key| press_at(app, key, now())).collect()
}

/// Confirms what is asked, where no name is to be typed.
fn confirm_at(app: &mut App, at: Timestamp) -> Vec<Effect> {
    app.update(Event::Key(KeyEvent::from(KeyCode::Right)), at);
    app.update(Event::Key(KeyEvent::from(KeyCode::Enter)), at)
}

fn confirm(app: &mut App) -> Vec<Effect> {
    confirm_at(app, now())
}

fn question(app: &App) -> &crate::app::Confirm {
    match app.dialog() {
        Some(Dialog::Confirm(confirm)) => confirm,
        other => panic!("nothing is asked: {other:?}, {:?}", app.notice),
    }
}

fn answered(app: &mut App, number: u64, answer: DryRun) {
    app.update(Event::Outcome(Outcome::DryRunAnswered { number, answer }), now());
}

/// Asks by this key, and the dry run passes.
fn asked(app: &mut App, key: &str) {
    press(app, "1");
    press(app, key);
    let number = question(app).number;
    answered(app, number, DryRun::Passed);
}

/// What is sent.
fn sent(effects: &[Effect]) -> Vec<Intent> {
    let intent = |effect: &Effect| match effect {
        Effect::Do { intent, .. } => Some(intent.clone()),
        _ => None,
    };
    effects.iter().filter_map(intent).collect()
}

#[test]
fn what_the_server_would_refuse_or_has_not_said_can_not_be_confirmed() {
    let cases = [
        (None, false),
        (Some(DryRun::Asked), false),
        (Some(DryRun::Refused("no".into())), false),
        (Some(DryRun::Passed), true),
        (Some(DryRun::Untried("a webhook".into())), true),
    ];
    for (answer, may) in cases {
        for typed in [false, true] {
            let mut app = console();
            if typed {
                app.session.environment = None;
            }
            press(&mut app, "1R");
            let number = question(&app).number;
            if let Some(answer) = answer.clone() {
                answered(&mut app, number, answer);
            }
            let effects = if typed {
                press(&mut app, "msa");
                app.update(Event::Key(KeyEvent::from(KeyCode::Enter)), now())
            } else {
                confirm(&mut app)
            };
            assert_eq!(
                sent(&effects).len(),
                usize::from(may),
                "{answer:?}, typed: {typed}"
            );
            assert_eq!(app.remediation.execution.is_some(), may, "{answer:?}");
            assert_eq!(app.dialog().is_none(), may, "{answer:?}: the question stays");
        }
    }
}

#[test]
fn an_intent_has_one_time_on_the_screen_and_in_the_record() {
    let mut app = console();
    asked(&mut app, "R");
    let later = now() + SignedDuration::from_secs(2);
    let effects = confirm_at(&mut app, later);
    let lines: Vec<Line> = effects.into_iter().filter_map(intent_line).collect();
    assert_eq!(lines[0].at, later);
    assert_eq!(applied_command::changes(&lines), app.remediation.commands);
}

/// What the record has of an effect that sends something.
fn intent_line(effect: Effect) -> Option<Line> {
    match effect {
        Effect::Do { at, intent } => Some(Line {
            at,
            entry: Entry::Intent(Box::new(intent)),
        }),
        _ => None,
    }
}

#[test]
fn the_dry_run_of_another_question_answers_nothing() {
    let mut app = console();
    press(&mut app, "1R");
    let first = question(&app).number;
    app.update(Event::Key(KeyEvent::from(KeyCode::Esc)), now());
    press(&mut app, "R");
    assert_ne!(question(&app).number, first);
    answered(&mut app, first, DryRun::Passed);
    assert_eq!(question(&app).dry_run, DryRun::Asked);
    assert_eq!(sent(&confirm(&mut app)), []);
}

#[test]
fn what_the_gate_refuses_is_not_tried_and_not_sent() {
    let mut app = console();
    app.session.read_only = true;
    let effects = press(&mut app, "1R");
    assert!(
        !effects
            .iter()
            .any(|effect| matches!(effect, Effect::DryRun { .. }))
    );
    let number = question(&app).number;
    answered(&mut app, number, DryRun::Passed);
    assert!(!question(&app).is_open());
    assert_eq!(sent(&confirm(&mut app)), []);
}

#[test]
fn the_gate_is_asked_once_more_at_the_moment_of_the_key() {
    for (seconds, may) in [(15, true), (16, false)] {
        let mut app = console();
        asked(&mut app, "R");
        let later = now() + SignedDuration::from_secs(seconds);
        let effects = confirm_at(&mut app, later);
        assert_eq!(
            sent(&effects).len(),
            usize::from(may),
            "{seconds} s after the last sign of life"
        );
        if !may {
            assert!(question(&app).closed.is_some(), "it says why");
        }
    }
}

#[test]
fn an_object_that_changed_closes_the_question() {
    let ending = || {
        let mut ending = pod("2mgcp", 90_000);
        ending.deletion_at = Some(now());
        Observation::Pod(ending)
    };
    let deployed = |change: fn(&mut sopwatch_core::observe::observation::Deployment)| {
        let mut other = deployment(3);
        change(&mut other);
        Observation::Deployment(Some(other))
    };
    let cases = [
        ("R", Observation::PodGone(PodUid("2mgcp".into())), true),
        ("R", ending(), true),
        ("R", Observation::Pod(pod("another", 100)), false),
        ("+", deployed(|other| other.replicas = 4), true),
        ("+", deployed(|other| other.uid = "e".into()), true),
        ("+", Observation::Deployment(None), true),
        ("+", deployed(|other| other.resource_version = "2".into()), false),
        ("O", deployed(|other| other.uid = "e".into()), true),
        ("O", deployed(|other| other.paused = true), true),
        ("O", deployed(|other| other.resource_version = "2".into()), false),
    ];
    for (key, observation, closes) in cases {
        let mut app = console();
        asked(&mut app, key);
        let what = format!("{key}: {observation:?}");
        learn(&mut app, observation);
        assert_eq!(question(&app).closed.is_some(), closes, "{what}");
        assert_eq!(sent(&confirm(&mut app)).len(), usize::from(!closes), "{what}");
    }
}

#[test]
fn a_command_is_sent_with_the_version_that_is_seen_at_that_moment() {
    for key in ["+", "O"] {
        let mut app = console();
        asked(&mut app, key);
        let mut newer = deployment(3);
        newer.resource_version = "2".into();
        learn(&mut app, Observation::Deployment(Some(newer)));
        let later = now() + SignedDuration::from_secs(7);
        let intents = sent(&confirm_at(&mut app, later));
        let expected = if key == "+" {
            Command::Scale {
                deployment: "msa".into(),
                uid: "d".into(),
                from: 3,
                to: 4,
                resource_version: "2".into(),
            }
        } else {
            Command::RestartDeployment {
                deployment: "msa".into(),
                uid: "d".into(),
                resource_version: "2".into(),
                mark: later,
            }
        };
        assert_eq!(intents[0].command, expected);
    }
}

fn applied(app: &mut App, id: u64) -> Vec<Effect> {
    let outcome = CommandOutcome::Applied { how: "said".into() };
    app.update(Event::Outcome(Outcome::Done { id, outcome }), now())
}

/// The first pod of a restart of all is gone, and another is ready in its place.
fn replaced(app: &mut App, short: &str, by: &str) -> Vec<Effect> {
    let mut effects = learn(app, Observation::PodGone(PodUid(short.into())));
    effects.extend(learn(app, Observation::Pod(pod(by, 5))));
    effects
}

#[test]
fn each_command_names_what_is_sent_after_it_and_what_was_advised_then() {
    let mut app = console();
    asked(&mut app, "R");
    let first = sent(&confirm(&mut app)).remove(0);
    let uid = |command: &Command| match command {
        Command::DeletePod { uid, .. } => uid.0.to_string(),
        other => other.words().to_string(),
    };
    assert_eq!(uid(&first.command), "2mgcp");
    assert_eq!(first.rest.iter().map(uid).collect::<Vec<_>>(), ["blf5h", "lzxms"]);
    assert_eq!(first.part, Some((1, 3)));
    let advised = app.diagnosis.decision.recommendation.action;
    assert_eq!(first.advice.as_ref().map(|advice| advice.action), Some(advised));
    applied(&mut app, 1);
    let second = sent(&replaced(&mut app, "2mgcp", "fresh")).remove(0);
    assert_eq!(uid(&second.command), "blf5h");
    assert_eq!(
        (second.rest, second.part),
        (Vec::new(), Some((2, 3))),
        "the first names them all"
    );
}

/// The advice of a moment is that of the observations of that moment, not of those before the last ones came.
#[test]
fn the_advice_is_taken_at_the_moment_that_a_command_is_sent() {
    let text = "id = 'settling'\ntitle = 't'\nbasis = 'b'\nwhen = { kind = 'settling' }\nthen = { action = 'wait' }\n";
    let rule: Result<sopwatch_core::profile::rule::Rule, _> = toml::from_str(text);
    let mut app = console();
    asked(&mut app, "R");
    let mut profile = (*app.session.profile).clone();
    profile.rules.extend(rule.ok());
    assert_eq!(profile.rules.len(), 1, "the rule is understood");
    let first = sent(&confirm(&mut app)).remove(0);
    assert_ne!(first.advice.map(|advice| advice.action), Some(Advice::Wait));
    app.session.profile = Arc::new(profile);
    applied(&mut app, 1);
    // A pod that was made just now settles; nothing was judged between that and what is sent.
    let second = sent(&replaced(&mut app, "2mgcp", "fresh")).remove(0);
    let advice = second.advice.unwrap();
    assert_eq!(
        (advice.action, advice.rule.as_deref()),
        (Advice::Wait, Some("settling"))
    );
    let change = app.remediation.commands.last().unwrap();
    assert!(change.words().contains("advice then: wait"), "{}", change.words());
}

/// The lines of a restart of all that was killed after its first pod, `seconds` ago.
fn killed(seconds: i64) -> Vec<Line> {
    let delete = |short: &str| Command::DeletePod {
        pod: format!("msa-x-{short}").as_str().into(),
        uid: PodUid(short.into()),
    };
    let intent = Intent {
        id: 1,
        command: delete("gone"),
        aim: PlanKind::RestartAll,
        cause: None,
        user: "oncall".into(),
        part: Some((1, 3)),
        advice: None,
        rest: ["2mgcp", "blf5h"].map(delete).to_vec(),
    };
    let outcome = CommandOutcome::Applied { how: "said".into() };
    let line = |entry| Line {
        at: ago(seconds),
        entry,
    };
    vec![
        line(Entry::Intent(Box::new(intent))),
        line(Entry::Outcome { id: 1, outcome }),
    ]
}

fn resumed(seconds: i64) -> App {
    let mut app = console();
    let outcome = Outcome::Opened {
        file: "x.jsonl".into(),
        lines: killed(seconds),
        instead: None,
    };
    app.update(Event::Outcome(outcome), now());
    app
}

fn planned(app: &App) -> Vec<String> {
    let commands = question(app).plan.commands.iter();
    commands.map(|command| command.words().to_string()).collect()
}

#[test]
fn one_key_offers_the_pods_that_an_interrupted_restart_left_through_gate_and_confirmation() {
    let mut app = resumed(1_000);
    let notice = app.notice.clone().unwrap().text.to_string();
    assert!(
        notice.contains("restart interrupted: 2 of 3 pods not restarted (U: restart them)"),
        "{notice}"
    );
    // From any pane; it asks first, has the server try it, and sends exactly those.
    let effects = press(&mut app, "3U");
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::DryRun { commands, .. } if commands.len() == 2))
    );
    assert_eq!(sent(&effects), []);
    assert_eq!(
        planned(&app),
        ["delete pod msa-x-2mgcp", "delete pod msa-x-blf5h"]
    );
    assert_eq!(question(&app).plan.aim, PlanKind::RestartRest);
    let number = question(&app).number;
    answered(&mut app, number, DryRun::Passed);
    let intents = sent(&confirm(&mut app));
    assert_eq!(intents.len(), 1);
    assert_eq!(intents[0].part, Some((1, 2)));
    // While that is carried out nothing is left over.
    assert_eq!(app.left_to_restart(), 0);
}

#[test]
fn the_rest_is_refused_where_any_restart_is() {
    let mut app = resumed(30);
    press(&mut app, "U");
    let refused = question(&app).gate.refusals.join("; ");
    assert!(refused.contains("to see if the last restart helped"), "{refused}");
    let mut app = resumed(1_000);
    app.session.read_only = true;
    assert!(!crate::keymap::action::Action::RestartRest.available(&app));
    press(&mut app, "U");
    assert!(!question(&app).gate.refusals.is_empty());
}

#[test]
fn pods_that_were_replaced_since_fall_out_of_the_rest() {
    let mut app = resumed(1_000);
    learn(&mut app, Observation::PodGone(PodUid("2mgcp".into())));
    learn(
        &mut app,
        Observation::Pod(Pod {
            name: "msa-x-2mgcp".into(),
            ..pod("another", 400)
        }),
    );
    assert_eq!(app.left_to_restart(), 1);
    assert_eq!(
        app.interrupted_words().as_deref(),
        Some("restart interrupted: 1 of 3 pods not restarted")
    );
    press(&mut app, "U");
    assert_eq!(planned(&app), ["delete pod msa-x-blf5h"]);
    app.update(Event::Key(KeyEvent::from(KeyCode::Esc)), now());
    learn(&mut app, Observation::PodGone(PodUid("blf5h".into())));
    assert_eq!((app.left_to_restart(), app.interrupted_words()), (0, None));
    press(&mut app, "U");
    assert!(app.dialog().is_none());
    assert!(app.notice.clone().unwrap().text.contains("replaced since"));
}

#[test]
fn a_restart_that_was_stopped_in_this_console_leaves_its_rest_too() {
    let mut app = console();
    asked(&mut app, "R");
    confirm(&mut app);
    assert_eq!(app.left_to_restart(), 0, "more is to be sent");
    let outcome = CommandOutcome::Refused { why: "no".into() };
    app.update(Event::Outcome(Outcome::Done { id: 1, outcome }), now());
    assert_eq!(
        app.remediation.execution.as_ref().unwrap().phase,
        Phase::Over(Some(false))
    );
    assert_eq!(app.left_to_restart(), 3, "the first was refused");
    let mut whole = console();
    press(&mut whole, "U");
    assert!(whole.dialog().is_none(), "nothing was interrupted");
    assert!(!crate::keymap::action::Action::RestartRest.available(&whole));
}

/// The last change of an earlier console is watched again for ten minutes.
#[test]
fn what_was_done_last_is_watched_again_within_ten_minutes() {
    let database = || Observation::Source(SourceId::Database, SourceState::Off("none".into()));
    for (seconds, watched) in [(600, true), (601, false)] {
        let mut app = resumed(seconds);
        learn(&mut app, database());
        assert_eq!(app.remediation.execution.is_some(), watched, "{seconds} s ago");
        if let Some(execution) = &app.remediation.execution {
            assert_eq!((execution.sent, execution.confirmed), (1, 3));
        }
    }
    // Not what ended.
    let mut app = console();
    let mut lines = killed(100);
    lines.push(Line {
        at: ago(50),
        entry: Entry::Stage {
            id: 1,
            words: "w".into(),
            good: Some(false),
        },
    });
    let outcome = Outcome::Opened {
        file: "x.jsonl".into(),
        lines,
        instead: None,
    };
    app.update(Event::Outcome(outcome), now());
    learn(&mut app, database());
    assert!(app.remediation.execution.is_none());
}

#[test]
fn a_name_is_typed_in_production_and_where_nobody_knows_whether_it_is() {
    let mut app = console();
    asked(&mut app, "R");
    let plan = question(&app).plan.clone();
    assert_eq!(app.to_type(&plan), None);
    if let Some(environment) = &mut app.session.environment {
        environment.production = true;
    }
    assert_eq!(app.to_type(&plan).as_deref(), Some("msa"));
    app.session.environment = None;
    assert_eq!(app.to_type(&plan).as_deref(), Some("msa"));
    let changes: Vec<AppliedCommand> = app.remediation.commands.clone();
    assert_eq!(sent(&confirm(&mut app)), [], "no letter confirms it");
    assert_eq!(app.remediation.commands, changes);
}
