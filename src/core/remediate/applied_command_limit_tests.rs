//! After how long the watch says of a command without an answer that it did not happen, one second either way.

use super::command::{Command, CommandOutcome, restart_mark};
use crate::observe::observation::{Observation, PodUid};
use crate::observe::source::{ProblemKind, SourceId, SourceState};
use crate::profile::rule::Advice;
use crate::record::AdviceThen;
use crate::remediate::applied_command::AppliedCommand;
use crate::remediate::applied_command_tests::{Told, change, told, watched};
use crate::testkit::{ago, deployment, failing, now, pod};

fn commands() -> [(Command, Observation); 3] {
    [
        (
            Command::DeletePod {
                pod: "msa-x-2mgcp".into(),
                uid: PodUid("2mgcp".into()),
            },
            Observation::Pods(vec![pod("2mgcp", 900)]),
        ),
        (
            Command::Scale {
                deployment: "msa".into(),
                uid: "d".into(),
                from: 3,
                to: 4,
                resource_version: "7".into(),
            },
            Observation::Deployment(Some(deployment(3))),
        ),
        (
            Command::RestartDeployment {
                deployment: "msa".into(),
                uid: "d".into(),
                resource_version: "7".into(),
                mark: now(),
            },
            Observation::Deployment(Some(deployment(3))),
        ),
    ]
}

#[test]
fn what_the_watch_does_not_show_for_twenty_seconds_did_not_happen() {
    for (command, seen) in commands() {
        let state = watched(seen);
        assert_eq!(told(&state, &command, 19), Told::Nothing, "{}", command.words());
        assert_eq!(told(&state, &command, 20), Told::NotDone, "{}", command.words());
    }
}

#[test]
fn the_twenty_seconds_count_from_the_answer_that_was_lost() {
    for (command, seen) in commands() {
        let state = watched(seen);
        for (seconds, expected) in [(19, None), (20, Some("failed"))] {
            let mut change = change(command.clone(), 100);
            change.outcome = Some((ago(seconds), CommandOutcome::Unknown { why: "cut".into() }));
            let outcome = change.resolve(&state, now());
            assert_eq!(
                outcome.as_ref().map(CommandOutcome::name),
                expected,
                "{}",
                command.words()
            );
        }
    }
}

#[test]
fn a_watch_that_is_stale_tells_nothing_of_its_own_objects() {
    for (command, seen) in commands() {
        let id = match seen {
            Observation::Pods(_) => SourceId::Pods,
            _ => SourceId::Deployment,
        };
        for (seconds, expected) in [(15, Told::NotDone), (16, Told::Nothing)] {
            let mut state = watched(seen.clone());
            state.apply(Observation::Source(id.clone(), SourceState::Live), ago(seconds));
            state.apply(failing(id.clone(), ProblemKind::Refused, "no answer"), now());
            assert_eq!(
                told(&state, &command, 100),
                expected,
                "{}, {seconds} s",
                command.words()
            );
        }
    }
}

#[test]
fn a_mark_of_the_same_second_is_ours_and_those_of_the_seconds_beside_it_are_not() {
    let mark = ago(30);
    let command = Command::RestartDeployment {
        deployment: "msa".into(),
        uid: "d".into(),
        resource_version: "7".into(),
        mark: mark + jiff::SignedDuration::from_millis(999),
    };
    for (at, expected) in [
        (mark, Told::Done),
        (ago(31), Told::NotDone),
        (ago(29), Told::Nothing),
    ] {
        let mut seen = deployment(3);
        seen.restarted_at = Some(restart_mark(at).as_str().into());
        assert_eq!(
            told(&watched(Observation::Deployment(Some(seen))), &command, 30),
            expected
        );
    }
}

#[test]
fn a_command_says_what_was_advised_then_where_that_was_something_else() {
    let (command, _) = commands()[0].clone();
    let words = |cause: Option<&str>, advice: Option<(Advice, Option<&str>)>| {
        let mut change: AppliedCommand = change(command.clone(), 1);
        change.intent.cause = cause.map(str::to_owned);
        change.intent.part = Some((2, 3));
        change.intent.advice = advice.map(|(action, rule)| AdviceThen {
            action,
            contact: None,
            rule: rule.map(str::to_owned),
        });
        assert_eq!(change.not_sent(), 1);
        change.words()
    };
    let restart = Some((Advice::RestartPods, Some("no-leader")));
    let wait = Some((Advice::Wait, Some("settling")));
    let other = Some((Advice::RestartPods, Some("crashing")));
    let start = "delete pod msa-x-2mgcp (2 of 3)";
    let cases = [
        (Some("no-leader"), restart, " for rule no-leader"),
        (Some("no-leader"), None, " for rule no-leader"),
        (Some("no-leader"), wait, " for rule no-leader, advice then: wait"),
        (
            Some("no-leader"),
            other,
            " for rule no-leader, advice then: restart the pods",
        ),
        (None, wait, ", advice then: wait"),
        (None, other, ""),
        (None, None, ""),
    ];
    for (cause, advice, expected) in cases {
        assert_eq!(words(cause, advice), format!("{start}{expected}: no outcome yet"));
    }
}
