//! What the watch tells of a command whose answer was lost.

use jiff::Timestamp;

use super::command::{Command, CommandOutcome, PlanKind};
use crate::observe::observation::{Observation, Pod, PodUid};
use crate::observe::source::{SourceId, SourceState};
use crate::observe::state::State;
use crate::record::Intent;
use crate::remediate::applied_command::AppliedCommand;
use crate::testkit::{ago, deployment, now, pod};

/// What the console says once it has looked.
#[derive(Debug, PartialEq)]
pub(super) enum Told {
    Done,
    NotDone,
    Nothing,
}

pub(super) fn change(command: Command, seconds: i64) -> AppliedCommand {
    let intent = Intent {
        id: 1,
        command,
        aim: PlanKind::RestartPod,
        cause: None,
        user: "oncall".into(),
        part: None,
        advice: None,
        rest: Vec::new(),
    };
    AppliedCommand::new(ago(seconds), intent)
}

pub(super) fn told(state: &State, command: &Command, seconds: i64) -> Told {
    match change(command.clone(), seconds).resolve(state, now()) {
        Some(CommandOutcome::Applied { .. }) => Told::Done,
        Some(CommandOutcome::Failed { .. }) => Told::NotDone,
        None => Told::Nothing,
        Some(other) => panic!("{other:?}"),
    }
}

pub(super) fn watched(observation: Observation) -> State {
    let mut state = State::default();
    state.apply(observation, now());
    for id in [SourceId::Pods, SourceId::Deployment] {
        state.apply(Observation::Source(id, SourceState::Live), now());
    }
    state
}

#[test]
fn a_deleted_pod_is_seen_to_go() {
    let ending = Pod {
        deletion_at: Some(now()),
        ..pod("2mgcp", 900)
    };
    let delete = Command::DeletePod {
        pod: "msa-x-2mgcp".into(),
        uid: PodUid("2mgcp".into()),
    };
    let cases = [
        ("gone", Vec::new(), 1, Told::Done),
        ("ending", vec![ending], 1, Told::Done),
        ("there, just sent", vec![pod("2mgcp", 900)], 5, Told::Nothing),
        ("there, heard since", vec![pod("2mgcp", 900)], 25, Told::NotDone),
        ("another of its name", vec![pod("blf5h", 1)], 1, Told::Done),
    ];
    for (what, pods, seconds, expected) in cases {
        let state = watched(Observation::Pods(pods));
        assert_eq!(told(&state, &delete, seconds), expected, "{what}");
    }
}

#[test]
fn a_new_number_of_pods_is_seen() {
    let scale = Command::Scale {
        deployment: "msa".into(),
        uid: "d".into(),
        from: 3,
        to: 4,
        resource_version: "7".into(),
    };
    let cases = [
        ("as asked", 4, 1, Told::Done),
        ("as before, just sent", 3, 5, Told::Nothing),
        ("as before, heard since", 3, 25, Told::NotDone),
        ("by somebody else", 6, 25, Told::Nothing),
    ];
    for (what, replicas, seconds, expected) in cases {
        let state = watched(Observation::Deployment(Some(deployment(replicas))));
        assert_eq!(told(&state, &scale, seconds), expected, "{what}");
    }
}

#[test]
fn a_rollout_is_known_by_its_mark() {
    let mark = ago(25);
    let roll = |mark: Timestamp| Command::RestartDeployment {
        deployment: "msa".into(),
        uid: "d".into(),
        resource_version: "7".into(),
        mark,
    };
    let ours = super::command::restart_mark(mark);
    let cases = [
        ("ours", Some(ours.as_str()), 25, Told::Done),
        ("one before", Some("2020-01-01T00:00:00Z"), 25, Told::NotDone),
        (
            "somebody else's after it",
            Some("2199-01-01T01:00:00+01:00"),
            25,
            Told::Nothing,
        ),
        ("none, heard since", None, 25, Told::NotDone),
        ("none, just sent", None, 5, Told::Nothing),
        ("no time", Some("yesterday"), 5, Told::Nothing),
    ];
    for (what, seen, seconds, expected) in cases {
        let mut seen_now = deployment(3);
        seen_now.restarted_at = seen.map(Into::into);
        let state = watched(Observation::Deployment(Some(seen_now)));
        assert_eq!(told(&state, &roll(mark), seconds), expected, "{what}");
    }
}

#[test]
fn nothing_is_told_by_a_watch_that_is_not_heard() {
    let delete = Command::DeletePod {
        pod: "msa-x-2mgcp".into(),
        uid: PodUid("2mgcp".into()),
    };
    assert_eq!(told(&State::default(), &delete, 10_000), Told::Nothing);
}
