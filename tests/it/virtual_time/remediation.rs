//! What the operator does to the cluster from the console, under everything that can come between.

use jiff::SignedDuration;
use kube::api::DeleteParams;
use sopwatch_console::app::Phase;
use sopwatch_console::dialogs::Dialog;
use sopwatch_console::dialogs::button::Button;
use sopwatch_core::profile::rule::Advice;
use sopwatch_core::record::{Entry, Line};
use sopwatch_core::remediate::command::{Command, CommandOutcome};
use sopwatch_drill::ApiFault;

use crate::support::virtual_console::VirtualConsole;
use crate::support::virtual_disk::RecordStatus;
use crate::support::virtual_time::{self, Breath};

/// A console that looks at a scenario for so long, and its record.
async fn looking(id: &str, seconds: i64, breath: &Breath) -> (VirtualConsole, RecordStatus) {
    let mut console = VirtualConsole::start(sopwatch_drill::scenario(id).unwrap(), 1, breath).await;
    let recorded = console.record();
    console.run_until(SignedDuration::from_secs(seconds)).await;
    (console, recorded)
}

/// What of a record tells of changes.
fn told(recorded: &RecordStatus) -> Vec<Line> {
    let tells = |line: &&Line| {
        matches!(
            line.entry,
            Entry::Intent(_) | Entry::Outcome { .. } | Entry::Stage { .. }
        )
    };
    recorded.lock().unwrap().iter().filter(tells).cloned().collect()
}

fn notice(console: &VirtualConsole) -> String {
    let notice = console.app().notice.as_ref();
    notice.map_or(String::new(), |notice| notice.text.to_string())
}

#[test]
fn the_recommended_restart_is_walked_to_a_leader_and_rows_that_move_and_is_not_done_twice() {
    virtual_time::run(|breath| async move {
        let (mut console, recorded) = looking("no-kafka-leader", 20, &breath).await;
        let before = console.living().await;
        console.press("a");
        console.run_until(SignedDuration::from_secs(22)).await;
        assert!(
            told(&recorded).is_empty(),
            "nothing is sent before it is confirmed"
        );
        console.confirm();
        console.run_until(SignedDuration::from_mins(9)).await;
        let walk = console.app().remediation.execution.clone().unwrap();
        assert_eq!(walk.phase, Phase::Over(Some(true)), "{}", walk.words);
        assert!(walk.words.starts_with("it worked: "), "{}", walk.words);
        let after = console.living().await;
        assert_eq!(after.len(), 3);
        assert!(
            after.iter().all(|uid| !before.contains(uid)),
            "every pod is another"
        );
        // the pod that led the clusters went last, and each intent has its outcome before the next
        let lines = told(&recorded);
        let kinds: Vec<&str> = lines
            .iter()
            .filter(|line| !matches!(line.entry, Entry::Stage { .. }))
            .map(|line| line.entry.name())
            .collect();
        assert_eq!(
            kinds,
            ["intent", "outcome", "intent", "outcome", "intent", "outcome"]
        );
        let words: Vec<String> = lines
            .iter()
            .filter_map(|line| match &line.entry {
                Entry::Stage { words, .. } => Some(words.to_string()),
                _ => None,
            })
            .collect();
        assert!(
            words.iter().any(|words| words.starts_with("leaders elected")),
            "{words:?}"
        );
        // the evidence before and after
        let all = recorded.lock().unwrap().clone();
        let intent = all
            .iter()
            .position(|line| matches!(line.entry, Entry::Intent(_)))
            .unwrap();
        let advised = |line: &Line| match &line.entry {
            Entry::Snapshot(found) => Some(found.recommendation.action),
            _ => None,
        };
        assert_eq!(
            all[..intent].iter().rev().find_map(advised),
            Some(Advice::RestartPods)
        );
        assert_ne!(all.iter().rev().find_map(advised), Some(Advice::RestartPods));
    });
}

#[test]
fn a_second_restart_within_the_settle_window_is_refused_with_the_reason() {
    virtual_time::run(|breath| async move {
        let (mut console, recorded) = looking("no-kafka-leader", 20, &breath).await;
        console.press("1 X");
        console.run_until(SignedDuration::from_secs(22)).await;
        console.confirm();
        // what is only watched stands before nothing: the gate says why not
        console.run_until(SignedDuration::from_secs(30)).await;
        assert!(
            console
                .app()
                .remediation
                .execution
                .as_ref()
                .unwrap()
                .is_under_way()
        );
        console.press("X");
        let Some(Dialog::Confirm(confirm)) = console.app().dialog() else {
            panic!("{}", notice(&console));
        };
        assert!(!confirm.gate.refusals.is_empty());
        console.press("esc");
        console.run_until(SignedDuration::from_secs(150)).await;
        assert_eq!(
            console.app().remediation.execution.as_ref().unwrap().phase,
            Phase::Over(Some(true))
        );
        console.press("R");
        let Some(Dialog::Confirm(confirm)) = console.app().dialog() else {
            panic!("{}", notice(&console));
        };
        let refused = confirm.gate.refusals.join("; ");
        assert!(refused.contains("deleted pod"), "{refused}");
        assert!(refused.contains("to see if the last restart helped"), "{refused}");
        console.confirm();
        console.run_until(SignedDuration::from_secs(155)).await;
        let intents = |lines: &[Line]| {
            lines
                .iter()
                .filter(|line| matches!(line.entry, Entry::Intent(_)))
                .count()
        };
        assert_eq!(intents(&told(&recorded)), 1);
    });
}

#[test]
fn escape_stops_a_restart_of_all_before_its_next_pod() {
    virtual_time::run(|breath| async move {
        let (mut console, recorded) = looking("no-kafka-leader", 20, &breath).await;
        console.press("1 R");
        console.run_until(SignedDuration::from_secs(22)).await;
        console.confirm();
        console.run_until(SignedDuration::from_secs(24)).await;
        console.press("esc");
        assert!(
            matches!(console.app().dialog(), Some(Dialog::Stop(Button::Safe))),
            "it asks, and the key that lets it go on has the focus"
        );
        console.press("enter");
        assert!(!console.app().remediation.execution.as_ref().unwrap().stopping);
        console.press("esc right enter");
        console.run_until(SignedDuration::from_mins(4)).await;
        let walk = console.app().remediation.execution.clone().unwrap();
        assert_eq!(
            (walk.sent, walk.phase),
            (1, Phase::Over(Some(false))),
            "{}",
            walk.words
        );
        assert!(
            walk.words
                .contains("stopped after 1 of 3: stopped by the operator"),
            "{}",
            walk.words
        );
        let intents = told(&recorded)
            .into_iter()
            .filter(|line| matches!(line.entry, Entry::Intent(_)));
        assert_eq!(intents.count(), 1);
    });
}

#[test]
fn a_pod_that_is_replaced_between_look_and_confirmation_closes_the_question_and_nothing_is_sent() {
    virtual_time::run(|breath| async move {
        let (mut console, recorded) = looking("no-kafka-leader", 20, &breath).await;
        console.press("1 X");
        console.run_until(SignedDuration::from_secs(22)).await;
        let Some(Dialog::Confirm(confirm)) = console.app().dialog() else {
            panic!("no question");
        };
        let Command::DeletePod { pod, .. } = confirm.plan.commands[0].clone() else {
            panic!("no pod");
        };
        console
            .pods()
            .delete(&pod, &DeleteParams::default())
            .await
            .unwrap();
        console.run_until(SignedDuration::from_secs(24)).await;
        let closed = |console: &VirtualConsole| match console.app().dialog() {
            Some(Dialog::Confirm(confirm)) => confirm.closed.clone(),
            _ => None,
        };
        assert!(closed(&console).is_some_and(|why| why.contains("terminating")));
        // What was on its way to the question goes nowhere else: neither `q` nor `d` is the console's.
        console.press("y q d right enter");
        assert!(closed(&console).is_some());
        console.press("esc");
        assert!(console.app().dialog().is_none());
        console.run_until(SignedDuration::from_secs(30)).await;
        assert!(told(&recorded).is_empty());
        assert_eq!(
            console.living().await.len(),
            3,
            "two that were left and a new one"
        );
    });
}

/// What is on the screen, in the record and in the world after a pod's restart was confirmed under a fault that began after the dry run.
struct Case {
    fault: ApiFault,
    /// How long the fault lasts, seconds.
    lasts: i64,
    /// What is known a minute after it.
    outcome: &'static str,
    /// Whether the pod is gone in the world.
    gone: bool,
}

#[test]
fn whatever_comes_between_the_outcome_on_screen_and_in_the_record_is_the_truth() {
    let case = |fault, lasts, outcome, gone| Case {
        fault,
        lasts,
        outcome,
        gone,
    };
    let cases = [
        case(ApiFault::Answer(403), 5, "refused", false),
        case(ApiFault::Answer(409), 5, "refused", false),
        case(ApiFault::Answer(429), 5, "refused", false),
        case(ApiFault::Answer(500), 5, "failed", false),
        case(ApiFault::LoseAnswers, 5, "applied", true),
        case(ApiFault::Refuse, 5, "failed", false),
        case(ApiFault::Freeze, 20, "failed", false),
        case(ApiFault::Restart(8), 0, "failed", false),
    ];
    for case in cases {
        virtual_time::run(|breath| async move {
            let name = format!("{:?}", case.fault);
            let (mut console, recorded) = looking("no-kafka-leader", 20, &breath).await;
            let before = console.living().await;
            console.press("1 X");
            console.run_until(SignedDuration::from_secs(22)).await;
            let Some(Dialog::Confirm(confirm)) = console.app().dialog() else {
                panic!("{name}: no question");
            };
            let Command::DeletePod { uid, .. } = confirm.plan.commands[0].clone() else {
                panic!("{name}: no pod");
            };
            console.drill.api().set_fault(Some(case.fault.clone()));
            console.confirm();
            console
                .run_until(SignedDuration::from_secs(22 + case.lasts.max(1)))
                .await;
            if case.lasts > 0 {
                console.drill.api().set_fault(None);
            }
            console.run_until(SignedDuration::from_secs(100)).await;
            let changes = &console.app().remediation.commands;
            assert_eq!(changes.len(), 1, "{name}");
            let shown = &changes[0].outcome.as_ref().unwrap().1;
            assert_eq!(shown.name(), case.outcome, "{name}: {shown:?}");
            let outcomes: Vec<CommandOutcome> = told(&recorded)
                .into_iter()
                .filter_map(|line| match line.entry {
                    Entry::Outcome { outcome, .. } => Some(outcome),
                    _ => None,
                })
                .collect();
            assert_eq!(outcomes.last(), Some(shown), "{name}: {outcomes:?}");
            let after = console.living().await;
            assert_eq!(!after.contains(&uid.0.to_string()), case.gone, "{name}");
            let others = before.iter().filter(|other| **other != *uid.0);
            assert!(
                others.clone().all(|other| after.contains(other)),
                "{name}: another pod was touched"
            );
        });
    }
}

#[test]
fn in_production_the_pods_name_is_typed_in_full_and_nothing_else_will_do() {
    virtual_time::run(|breath| async move {
        let (mut console, recorded) = looking("no-kafka-leader", 20, &breath).await;
        let environment = console.console.app.session.environment.as_mut();
        environment.unwrap().production = true;
        console.press("1 X");
        console.run_until(SignedDuration::from_secs(22)).await;
        let Some(Dialog::Confirm(confirm)) = console.app().dialog() else {
            panic!("no question");
        };
        let wanted = console.app().to_type(&confirm.plan).unwrap();
        assert!(wanted.starts_with("managed-services-api-"), "{wanted}");
        for keys in ["y", "right enter", "backspace y e s enter"] {
            console.press(keys);
            console.run_until(SignedDuration::from_secs(23)).await;
            assert!(told(&recorded).is_empty(), "{keys}");
        }
        console.press("backspace backspace backspace");
        let typed: Vec<String> = wanted.chars().map(|letter| letter.to_string()).collect();
        console.press(&typed.join(" "));
        console.press("enter");
        console.run_until(SignedDuration::from_secs(25)).await;
        assert!(matches!(told(&recorded)[0].entry, Entry::Intent(_)));
    });
}

#[test]
fn pods_are_started_added_and_rolled_out_again_as_the_rights_allow() {
    // scenario, seconds until it is acted, keys, minutes until it is over, words of its end
    let cases = [
        ("scaled-to-zero", 30, "a", 7, "leaders elected"),
        ("saturation", 60, "a", 3, "4 of 4 pods are ready"),
        ("all-well", 30, "1 O", 9, "leaders elected"),
    ];
    for (id, at, keys, minutes, end) in cases {
        virtual_time::run(|breath| async move {
            let mut scenario = sopwatch_drill::scenario(id).unwrap();
            scenario.rights.also.push("deployments:patch".to_owned());
            let mut console = VirtualConsole::start(scenario, 1, &breath).await;
            let recorded = console.record();
            console.run_until(SignedDuration::from_secs(at)).await;
            console.press(keys);
            console.run_until(SignedDuration::from_secs(at + 2)).await;
            assert!(
                matches!(console.app().dialog(), Some(Dialog::Confirm(_))),
                "{id}: {}",
                notice(&console)
            );
            console.confirm();
            console.run_until(SignedDuration::from_mins(minutes)).await;
            let Some(walk) = console.app().remediation.execution.clone() else {
                panic!("{id}: {:?}", console.app().dialog());
            };
            assert_eq!(walk.phase, Phase::Over(Some(true)), "{id}: {}", walk.words);
            assert!(walk.words.contains(end), "{id}: {}", walk.words);
            let applied = told(&recorded).into_iter().any(|line| {
                matches!(
                    line.entry,
                    Entry::Outcome {
                        outcome: CommandOutcome::Applied { .. },
                        ..
                    }
                )
            });
            assert!(applied, "{id}");
        });
    }
}

#[test]
fn what_the_role_may_not_do_is_not_tried() {
    virtual_time::run(|breath| async move {
        let mut scenario = sopwatch_drill::scenario("no-kafka-leader").unwrap();
        scenario.rights.without.push("pods:delete".to_owned());
        scenario.rights.also.push("deployments:patch".to_owned());
        let mut console = VirtualConsole::start(scenario, 1, &breath).await;
        let recorded = console.record();
        console.run_until(SignedDuration::from_secs(20)).await;
        console.press("1 X");
        let Some(Dialog::Confirm(confirm)) = console.app().dialog() else {
            panic!("{}", notice(&console));
        };
        let refused = confirm.gate.refusals.join("; ");
        assert!(refused.contains("no permission to delete pods"), "{refused}");
        console.press("right enter esc a");
        // by other means: the role may change the deployment
        let Some(Dialog::Confirm(confirm)) = console.app().dialog() else {
            panic!("{}", notice(&console));
        };
        assert!(matches!(
            confirm.plan.commands[0],
            Command::RestartDeployment { .. }
        ));
        assert!(told(&recorded).is_empty());
    });
}
