//! How far an execution is said to be.

use super::progress::{ExecutionProgress, PartState, progress};
use sopwatch_core::diagnose::Diagnosis;
use sopwatch_core::observe::observation::PodUid;
use sopwatch_core::observe::state::State;
use sopwatch_core::record::Intent;
use sopwatch_core::remediate::applied_command::AppliedCommand;
use sopwatch_core::remediate::command::{Command, CommandOutcome, PlanKind};
use sopwatch_core::remediate::execution::{Execution, Phase};
use sopwatch_core::remediate::plan::Plan;
use sopwatch_core::testkit::{ago, look_at, now, profile};

const PODS: [&str; 3] = ["ccxhk", "m7m9s", "qd74q"];

fn delete(short: &str) -> Command {
    Command::DeletePod {
        pod: format!("msa-x-{short}").as_str().into(),
        uid: PodUid(short.into()),
    }
}

/// A command that was sent 21 seconds ago, with its outcome and the stages it has passed.
fn applied(outcome: Option<CommandOutcome>, stages: usize) -> AppliedCommand {
    AppliedCommand {
        at: ago(21),
        intent: Intent {
            id: 7,
            command: delete(PODS[0]),
            aim: PlanKind::RestartAll,
            cause: None,
            user: "oncall".into(),
            part: None,
            advice: None,
            rest: Vec::new(),
        },
        outcome: outcome.map(|outcome| (ago(20), outcome)),
        stages: (0..stages).map(|_| (ago(19), "passed".into(), None)).collect(),
    }
}

fn of(sent: usize, phase: Phase, last: &AppliedCommand) -> ExecutionProgress {
    let (state, profile, diagnosis) = (State::default(), profile(), Diagnosis::default());
    let plan = Plan {
        aim: PlanKind::RestartAll,
        commands: PODS.map(delete).to_vec(),
        cause: None,
    };
    let mut execution = look_at((&state, &profile, &diagnosis), ago(60), |account| {
        Execution::new(plan.clone(), account)
    });
    (execution.sent, execution.id, execution.phase) = (sent, 7, phase);
    execution.since = ago(5);
    progress(&execution, std::slice::from_ref(last), &diagnosis)
}

fn done() -> CommandOutcome {
    CommandOutcome::Applied { how: "said".into() }
}

#[test]
fn the_parts_are_done_under_way_next_and_left() {
    let second = of(2, Phase::Replacing, &applied(Some(done()), 1));
    assert_eq!(
        second,
        ExecutionProgress {
            done: vec![("ccxhk".to_owned(), PartState::Replaced)],
            current: Some("m7m9s".to_owned()),
            since: ago(21),
            next: Some("qd74q".to_owned()),
            remaining: 1,
            problem_fixed: false,
        }
    );
    let first = of(1, Phase::Sent, &applied(None, 0));
    assert_eq!(
        (first.done.len(), first.current.as_deref(), first.remaining),
        (0, Some("ccxhk"), 2)
    );
    let leading = of(3, Phase::Leading, &applied(Some(done()), 2));
    assert_eq!(
        (leading.done.len(), leading.current, leading.next),
        (3, None, None)
    );
    assert_eq!(leading.since, ago(5), "since leaders are awaited");
    assert!(leading.since < now());
}

#[test]
fn the_last_part_is_said_to_have_failed_only_where_its_pod_did() {
    let refused = || Some(CommandOutcome::Refused { why: "no".into() });
    let lost = || Some(CommandOutcome::Unknown { why: "cut".into() });
    for (good, outcome, stages, state) in [
        (Some(true), Some(done()), 2, PartState::Replaced),
        // No leader came; the pods are new all the same.
        (Some(false), Some(done()), 2, PartState::Replaced),
        (Some(false), Some(done()), 1, PartState::Failed),
        (Some(false), refused(), 0, PartState::Failed),
        (Some(false), lost(), 0, PartState::Unknown),
        (Some(false), None, 0, PartState::Unknown),
        (None, Some(done()), 1, PartState::Unknown),
    ] {
        let over = of(2, Phase::Over(good), &applied(outcome.clone(), stages));
        let expected = [
            ("ccxhk".to_owned(), PartState::Replaced),
            ("m7m9s".to_owned(), state),
        ];
        assert_eq!(over.done, expected, "{good:?} {outcome:?} {stages}");
        assert_eq!((over.current, over.next, over.remaining), (None, None, 1));
    }
}
