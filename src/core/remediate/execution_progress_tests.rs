//! What follows from what is seen after a command: its answer, the pods that come in place of others, and how it ends.

use super::applied_command::AppliedCommand;
use super::command::{Command, CommandOutcome, PlanKind};
use super::execution::{Execution, Next, Phase};
use super::plan::Plan;
use crate::diagnose::leaders::Verdict;
use crate::diagnose::{Diagnosis, RuleFinding, Truth};
use crate::observe::observation::{Deployment, Observation, Pod, PodUid};
use crate::observe::state::State;
use crate::profile::Profile;
use crate::profile::rule::{Advice, RuleAdvice};
use crate::record::Intent;
use crate::testkit::{
    SHORT, ago, deployment, leader, look_at, now, pod, profile, reading, state, waiting_pod,
};
use crate::text::SafeText;

/// Longer than any settle window.
const OLD: i64 = 90_000;

fn delete(short: &str) -> Command {
    Command::DeletePod {
        pod: format!("msa-x-{short}").as_str().into(),
        uid: PodUid(short.into()),
    }
}

fn restart(shorts: &[&str]) -> Plan {
    Plan {
        aim: PlanKind::RestartAll,
        commands: shorts.iter().map(|short| delete(short)).collect(),
        cause: None,
    }
}

fn scale(aim: PlanKind, from: u32, to: u32) -> Plan {
    let command = Command::Scale {
        deployment: "msa".into(),
        uid: "d".into(),
        from,
        to,
        resource_version: "1".into(),
    };
    Plan {
        aim,
        commands: vec![command],
        cause: None,
    }
}

fn roll_out() -> Plan {
    let command = Command::RestartDeployment {
        deployment: "msa".into(),
        uid: "d".into(),
        resource_version: "1".into(),
        mark: now(),
    };
    Plan {
        aim: PlanKind::RollOut,
        commands: vec![command],
        cause: None,
    }
}

fn sent(command: Command, outcome: Option<CommandOutcome>) -> AppliedCommand {
    let intent = Intent {
        id: 7,
        command,
        aim: PlanKind::RestartAll,
        cause: Some("no-leader".to_owned()),
        user: "oncall".into(),
        part: None,
        advice: None,
        rest: Vec::new(),
    };
    AppliedCommand {
        at: ago(100),
        intent,
        outcome: outcome.map(|outcome| (ago(99), outcome)),
        stages: Vec::new(),
    }
}

fn in_words(next: Next) -> String {
    match next {
        Next::Wait => "wait".to_owned(),
        Next::Send(words) => format!("send the next: {words}"),
        Next::Reached(words, phase) => format!("{phase:?}: {words}"),
    }
}

/// How the pods, the deployment and the execution differ from three old pods that are ready.
type Change = fn(&mut State, &mut Execution);

/// What is called so; the change; for how long it is so; what follows.
type Case = (&'static str, Change, i64, &'static str);

/// Checks what follows where so many commands of a plan were applied, and pods are awaited.
fn follows(plan: &Plan, applied: usize, cases: &[Case]) {
    for (what, change, waited, expected) in cases {
        let (profile, diagnosis) = (profile(), led());
        let mut state = state(SHORT.map(|short| pod(short, OLD)).to_vec());
        state.apply(Observation::Deployment(Some(deployment(3))), now());
        let mut execution = started(plan, &state, &profile, &diagnosis);
        (execution.phase, execution.sent) = (Phase::Replacing, applied);
        execution.since = ago(*waited);
        change(&mut state, &mut execution);
        let next = next(&execution, (&state, &profile, &diagnosis));
        assert_eq!(next, *expected, "{what}");
    }
}

/// A plan that is set out for now.
fn started(plan: &Plan, state: &State, profile: &Profile, diagnosis: &Diagnosis) -> Execution {
    look_at((state, profile, diagnosis), now(), |account| {
        Execution::new(plan.clone(), account)
    })
}

/// What an earlier console sent, as it is watched now.
fn watched(sent: &[&AppliedCommand], state: &State) -> Option<Execution> {
    look_at((state, &profile(), &led()), now(), |account| {
        Execution::again(sent, account)
    })
}

/// What follows from what is known now.
fn next(execution: &Execution, (state, profile, diagnosis): (&State, &Profile, &Diagnosis)) -> String {
    let next = look_at((state, profile, diagnosis), now(), |account| {
        execution.next(account, None)
    });
    in_words(next)
}

fn led() -> Diagnosis {
    Diagnosis {
        leaders: vec![leader("Kafka", Verdict::One, "msa-x-2mgcp")],
        ..Diagnosis::default()
    }
}

fn goes(state: &mut State, short: &str) {
    state.apply(Observation::PodGone(PodUid(short.into())), now());
}

fn comes(state: &mut State, pod: Pod) {
    state.apply(Observation::Pod(pod), now());
}

fn ends(state: &mut State, mut pod: Pod) {
    pod.deletion_at = Some(now());
    comes(state, pod);
}

fn unready(state: &mut State, short: &str) {
    let mut pod = pod(short, OLD);
    pod.conditions.clear();
    comes(state, pod);
}

/// A pod is gone, and another is ready in its place.
fn is_replaced(state: &mut State, short: &str, by: &str) {
    goes(state, short);
    comes(state, pod(by, 10));
}

fn has(state: &mut State, deployment: Deployment) {
    state.apply(Observation::Deployment(Some(deployment)), now());
}

#[test]
fn the_answer_to_a_command_decides_and_without_one_it_is_waited_for_two_minutes() {
    let refused = || CommandOutcome::Refused {
        why: "not allowed".into(),
    };
    let failed = || CommandOutcome::Failed {
        why: "no route".into(),
    };
    let unknown = || CommandOutcome::Unknown { why: "cut".into() };
    let applied = || CommandOutcome::Applied { how: "said".into() };
    let one = || delete("2mgcp");
    let lost = "Over(Some(false)): delete pod msa-x-2mgcp: outcome unknown";
    let cases = [
        ("it is not written yet", None, 121, "wait"),
        (
            "applied",
            Some(sent(one(), Some(applied()))),
            1,
            "Replacing: delete pod msa-x-2mgcp: done",
        ),
        (
            "applied after long",
            Some(sent(one(), Some(applied()))),
            121,
            "Replacing: delete pod msa-x-2mgcp: done",
        ),
        (
            "refused",
            Some(sent(one(), Some(refused()))),
            1,
            "Over(Some(false)): delete pod msa-x-2mgcp: not allowed",
        ),
        (
            "failed",
            Some(sent(one(), Some(failed()))),
            1,
            "Over(Some(false)): delete pod msa-x-2mgcp: no route",
        ),
        ("no answer yet", Some(sent(one(), None)), 120, "wait"),
        ("no answer", Some(sent(one(), None)), 121, lost),
        ("cut", Some(sent(one(), Some(unknown()))), 120, "wait"),
        ("cut for long", Some(sent(one(), Some(unknown()))), 121, lost),
    ];
    for (what, change, waited, expected) in cases {
        let known = (&State::default(), &profile(), &Diagnosis::default());
        look_at(known, now(), |account| {
            let mut execution = Execution::new(restart(&["2mgcp"]), account);
            execution.since = ago(waited);
            let next = execution.next(account, change.as_ref());
            assert_eq!(in_words(next), expected, "{what}");
        });
    }
}

#[test]
fn the_next_pod_is_taken_when_the_one_before_is_replaced_and_enough_are_ready() {
    follows(
        &restart(&["blf5h", "2mgcp"]),
        1,
        &[
            ("the pod is there", |_, _| (), 300, "wait"),
            ("it is gone", |state, _| goes(state, "blf5h"), 300, "wait"),
            (
                "another is ready and it is there",
                |state, _| comes(state, pod("new", 10)),
                300,
                "wait",
            ),
            (
                "another is ready in its place",
                |state, _| is_replaced(state, "blf5h", "new"),
                1,
                "send the next: ready: new",
            ),
            (
                "the same after long",
                |state, _| is_replaced(state, "blf5h", "new"),
                301,
                "send the next: ready: new",
            ),
            (
                "it ends, and another is ready",
                |state, _| {
                    ends(state, pod("blf5h", OLD));
                    comes(state, pod("new", 10));
                },
                1,
                "send the next: ready: new",
            ),
            (
                "another was ready and ends",
                |state, _| {
                    goes(state, "blf5h");
                    ends(state, pod("new", 10));
                },
                1,
                "wait",
            ),
            (
                "a third is not ready: two would not stay so",
                |state, _| {
                    is_replaced(state, "blf5h", "new");
                    unready(state, "lzxms");
                },
                300,
                "wait",
            ),
            (
                "a third is not ready for long",
                |state, _| {
                    is_replaced(state, "blf5h", "new");
                    unready(state, "lzxms");
                },
                301,
                "Over(Some(false)): stopped after 1 of 2: too few pods are ready to continue",
            ),
            (
                "the next is not ready itself",
                |state, _| {
                    is_replaced(state, "blf5h", "new");
                    unready(state, "lzxms");
                    unready(state, "2mgcp");
                },
                1,
                "send the next: ready: new",
            ),
        ],
    );
}

#[test]
fn an_operator_who_wants_no_further_one_stops_it_when_the_pod_before_is_replaced() {
    follows(
        &restart(&["blf5h", "2mgcp"]),
        1,
        &[
            (
                "it is replaced",
                |state, execution| {
                    is_replaced(state, "blf5h", "new");
                    execution.stopping = true;
                },
                1,
                "Over(Some(false)): stopped after 1 of 2: stopped by the operator",
            ),
            (
                "it is not replaced",
                |_, execution| execution.stopping = true,
                1,
                "wait",
            ),
        ],
    );
}

#[test]
fn an_execution_stops_at_the_first_surprise() {
    follows(
        &restart(&["blf5h", "2mgcp"]),
        1,
        &[
            (
                "the other has no image",
                |state, _| {
                    goes(state, "blf5h");
                    comes(state, waiting_pod("new", 10, "ImagePullBackOff"));
                },
                1,
                "Over(Some(false)): stopped after 1 of 2: the replacement new is in ImagePullBackOff",
            ),
            (
                "an old pod has no image: that is not of this change",
                |state, _| comes(state, waiting_pod("lzxms", OLD, "ImagePullBackOff")),
                1,
                "wait",
            ),
            (
                "the next pod is gone",
                |state, _| goes(state, "2mgcp"),
                1,
                "Over(Some(false)): stopped after 1 of 2: msa-x-2mgcp ended, but not by this restart",
            ),
            (
                "the next pod ends",
                |state, _| ends(state, pod("2mgcp", OLD)),
                1,
                "Over(Some(false)): stopped after 1 of 2: msa-x-2mgcp ended, but not by this restart",
            ),
            (
                "a pod that is not in the plan is gone",
                |state, _| goes(state, "lzxms"),
                1,
                "wait",
            ),
            (
                "nothing came",
                |state, _| goes(state, "blf5h"),
                301,
                "Over(Some(false)): stopped after 1 of 2: not ready after 5m: no new pod was created",
            ),
            (
                "what came starts",
                |state, _| {
                    goes(state, "blf5h");
                    comes(state, waiting_pod("new", 10, "ContainerCreating"));
                },
                300,
                "wait",
            ),
            (
                "what came still starts",
                |state, _| {
                    goes(state, "blf5h");
                    comes(state, waiting_pod("new", 10, "ContainerCreating"));
                },
                301,
                "Over(Some(false)): stopped after 1 of 2: not ready after 5m: new ContainerCreating",
            ),
            (
                "what was deleted is there",
                |state, _| comes(state, pod("new", 10)),
                301,
                "Over(Some(false)): stopped after 1 of 2: not ready after 5m: \
                 the new pods are ready; others are still starting or ending",
            ),
        ],
    );
}

#[test]
fn pods_that_are_not_heard_of_are_waited_for_whatever_was_seen_last() {
    let (profile, diagnosis) = (profile(), led());
    let mut state = state(SHORT.map(|short| pod(short, OLD)).to_vec());
    let plan = restart(&["blf5h", "2mgcp"]);
    let mut execution = started(&plan, &state, &profile, &diagnosis);
    (execution.phase, execution.sent) = (Phase::Replacing, 1);
    goes(&mut state, "2mgcp");
    for (later, waits) in [(15, false), (16, true)] {
        let next = look_at((&state, &profile, &diagnosis), ago(-later), |account| {
            execution.next(account, None)
        });
        assert_eq!(next == Next::Wait, waits, "{later} s later: {next:?}");
    }
}

#[test]
fn when_all_are_replaced_leaders_are_awaited_where_there_are_any() {
    let both = restart(&["blf5h", "2mgcp"]);
    follows(
        &both,
        2,
        &[
            (
                "one of two is replaced",
                |state, _| {
                    is_replaced(state, "blf5h", "new1");
                    goes(state, "2mgcp");
                },
                300,
                "wait",
            ),
            (
                "both are replaced, and one is there yet",
                |state, _| {
                    is_replaced(state, "blf5h", "new1");
                    comes(state, pod("new2", 10));
                },
                300,
                "wait",
            ),
            (
                "both are",
                |state, _| {
                    is_replaced(state, "blf5h", "new1");
                    is_replaced(state, "2mgcp", "new2");
                },
                301,
                "Leading: ready: new1, new2",
            ),
            (
                "both are, and the operator wants no further one: there is none",
                |state, execution| {
                    is_replaced(state, "blf5h", "new1");
                    is_replaced(state, "2mgcp", "new2");
                    execution.stopping = true;
                },
                1,
                "Leading: ready: new1, new2",
            ),
        ],
    );
    let (profile, none) = (profile(), Diagnosis::default());
    let mut all = state(vec![pod("a", OLD)]);
    let mut execution = started(&restart(&["a"]), &all, &profile, &none);
    (execution.phase, execution.sent) = (Phase::Replacing, 1);
    is_replaced(&mut all, "a", "b");
    assert_eq!(
        next(&execution, (&all, &profile, &none)),
        "Moving: ready: b",
        "a service without workers has no leaders"
    );
}

#[test]
fn another_number_of_pods_is_reached_when_the_deployment_has_them_all_ready() {
    follows(
        &scale(PlanKind::ScaleUp, 3, 4),
        1,
        &[
            (
                "it wants three",
                |state, _| comes(state, pod("new", 10)),
                300,
                "wait",
            ),
            (
                "it wants four, and three are ready",
                |state, _| has(state, deployment(4)),
                300,
                "wait",
            ),
            (
                "it wants four for long",
                |state, _| {
                    has(state, deployment(4));
                    comes(state, waiting_pod("new", 10, "Pending"));
                },
                301,
                "Over(Some(false)): not ready after 5m: new Pending",
            ),
            (
                "four are ready",
                |state, _| {
                    has(state, deployment(4));
                    comes(state, pod("new", 10));
                },
                1,
                "Over(Some(true)): 4 of 4 pods are ready",
            ),
            (
                "five are ready",
                |state, _| {
                    has(state, deployment(4));
                    comes(state, pod("new", 10));
                    comes(state, pod("more", 10));
                },
                1,
                "Over(Some(true)): 5 of 4 pods are ready",
            ),
            (
                "the deployment has not seen it yet",
                |state, _| {
                    let mut seen = deployment(4);
                    seen.observed = false;
                    has(state, seen);
                    comes(state, pod("new", 10));
                },
                1,
                "wait",
            ),
            (
                "the deployment is gone",
                |state, _| {
                    state.apply(Observation::Deployment(None), now());
                    comes(state, pod("new", 10));
                },
                1,
                "wait",
            ),
        ],
    );
}

#[test]
fn fewer_pods_change_no_leader_and_pods_that_were_started_have_to_lead() {
    let fewer = |state: &mut State, _: &mut Execution| {
        has(state, deployment(2));
        goes(state, "lzxms");
    };
    let down = scale(PlanKind::ScaleDown, 3, 2);
    follows(
        &down,
        1,
        &[("fewer", fewer, 1, "Over(Some(true)): 2 of 2 pods are ready")],
    );
    let start = scale(PlanKind::Start, 0, 3);
    follows(
        &start,
        1,
        &[("started", |_, _| (), 1, "Leading: 3 of 3 pods are ready")],
    );
}

/// Three new pods are ready.
fn new_ones(state: &mut State) {
    for short in ["new1", "new2", "new3"] {
        comes(state, pod(short, 10));
    }
}

fn no_old_one(state: &mut State) {
    for short in SHORT {
        goes(state, short);
    }
}

fn all_replaced(state: &mut State) {
    no_old_one(state);
    new_ones(state);
}

#[test]
fn a_rollout_is_done_when_no_old_pod_serves_and_all_new_ones_are_ready() {
    follows(
        &roll_out(),
        1,
        &[
            ("nothing yet", |_, _| (), 300, "wait"),
            (
                "all are new",
                |state, _| all_replaced(state),
                1,
                "Leading: all 3 pods are new and ready",
            ),
            (
                "one old pod is there yet",
                |state, _| {
                    new_ones(state);
                    goes(state, "2mgcp");
                    goes(state, "blf5h");
                },
                1,
                "wait",
            ),
            (
                "an old pod ends",
                |state, _| {
                    all_replaced(state);
                    ends(state, pod("lzxms", OLD));
                },
                1,
                "Leading: all 3 pods are new and ready",
            ),
            (
                "an old pod is over",
                |state, _| {
                    all_replaced(state);
                    let mut over = pod("lzxms", OLD);
                    over.phase = "Failed".into();
                    over.conditions.clear();
                    comes(state, over);
                },
                1,
                "Leading: all 3 pods are new and ready",
            ),
            (
                "two of three are ready",
                |state, _| {
                    no_old_one(state);
                    comes(state, pod("new1", 10));
                    comes(state, pod("new2", 10));
                },
                1,
                "wait",
            ),
            (
                "four are ready where three are wanted",
                |state, _| {
                    all_replaced(state);
                    comes(state, pod("new4", 10));
                },
                1,
                "Leading: all 4 pods are new and ready",
            ),
            (
                "the deployment still rolls",
                |state, _| {
                    all_replaced(state);
                    let mut rolls = deployment(3);
                    rolls.updated = 2;
                    has(state, rolls);
                },
                1,
                "wait",
            ),
        ],
    );
}

#[test]
fn rows_are_the_last_that_is_waited_for_and_then_it_is_over() {
    let (profile, diagnosis) = (profile(), led());
    let mut state = State::default();
    let started = |state: &State| {
        let mut execution = started(&restart(&["a"]), state, &profile, &diagnosis);
        (execution.phase, execution.sent, execution.since) = (Phase::Moving, 1, ago(10));
        execution
    };
    let next = |state: &State, execution: &Execution| next(execution, (state, &profile, &diagnosis));
    assert_eq!(
        next(&state, &started(&state)),
        "Over(None): leaders elected; no data on rows: the database can't be read"
    );
    state.apply(Observation::Database(reading(None, &[])), now());
    let mut execution = started(&state);
    assert_eq!(
        next(&state, &execution),
        "Over(Some(true)): done: pods ready, leaders elected"
    );
    execution.confirmed = 3;
    assert_eq!(
        next(&state, &execution),
        "Over(Some(false)): 1 of 3 pods restarted; pods ready, leaders elected"
    );
    execution.phase = Phase::Over(Some(true));
    assert_eq!(next(&state, &execution), "wait", "nothing follows after the end");
}

#[test]
fn what_an_earlier_console_sent_is_watched_and_pods_made_since_are_new() {
    let (profile, diagnosis) = (profile(), led());
    let mut all = state(vec![pod("old", OLD)]);
    let mut first = sent(delete("a"), None);
    (first.intent.id, first.intent.part, first.at) = (6, Some((1, 3)), ago(100));
    let mut last = sent(delete("b"), None);
    (last.intent.id, last.intent.part, last.at) = (7, Some((2, 3)), ago(50));
    assert_eq!(watched(&[], &all), None);
    // Pods are dated by whole seconds of a clock that may be almost five seconds behind.
    first.at = first
        .at
        .checked_add(jiff::SignedDuration::from_millis(900))
        .unwrap();
    let with = |all: &State| watched(&[&first, &last], all).unwrap();
    let execution = with(&all);
    assert_eq!(
        (execution.sent, execution.confirmed, execution.id),
        (2, 3, 7),
        "two of three were sent"
    );
    assert_eq!(
        (execution.phase, execution.since, execution.is_again()),
        (Phase::Replacing, ago(50), true)
    );
    assert_eq!(execution.plan.commands, [delete("a"), delete("b")]);
    assert_eq!(execution.plan.cause.as_deref(), Some("no-leader"));
    // What is there when the console comes back may have been made before or since.
    let next = |all: &State| next(&with(all), (all, &profile, &diagnosis));
    assert_eq!(next(&all), "wait");
    let made = |short: &str, seconds: i64| {
        let mut made = pod(short, 10);
        made.created_at = Some(ago(seconds));
        made
    };
    comes(&mut all, made("new1", 105));
    comes(&mut all, made("new2", 106));
    assert_eq!(next(&all), "wait", "one of them was made before");
    comes(&mut all, made("new3", 20));
    assert_eq!(next(&all), "Leading: ready: new1, new3");
    let mut alone = sent(delete("a"), None);
    alone.intent.part = None;
    let alone = watched(&[&alone], &all).unwrap();
    assert_eq!((alone.sent, alone.confirmed), (1, 1));
    let own = started(&restart(&["a"]), &all, &profile, &diagnosis);
    assert!(!own.is_again());
}

#[test]
fn an_execution_is_under_way_until_it_is_over() {
    let known = (&State::default(), &profile(), &Diagnosis::default());
    let mut execution = look_at(known, now(), |account| Execution::new(restart(&["a"]), account));
    for (phase, under_way) in [
        (Phase::Sent, true),
        (Phase::Replacing, true),
        (Phase::Leading, true),
        (Phase::Moving, true),
        (Phase::Over(None), false),
        (Phase::Over(Some(true)), false),
    ] {
        execution.phase = phase;
        assert_eq!(execution.is_under_way(), under_way, "{phase:?}");
    }
}

#[test]
fn with_the_first_command_those_that_follow_it_are_written_down() {
    let known = (&State::default(), &profile(), &Diagnosis::default());
    let three = restart(&["a", "b", "c"]);
    let mut execution = look_at(known, now(), |account| Execution::new(three, account));
    assert_eq!(execution.rest(), [delete("b"), delete("c")]);
    for sent in [1, 2, 3] {
        execution.sent = sent;
        assert_eq!(execution.rest(), [], "{sent} were sent");
    }
}

#[test]
fn who_leaves_the_console_is_told_once_what_is_not_done() {
    let more = "Only 1 of 2 pods restarted. Press q again to quit anyway.".into();
    let answer = "No answer yet: restart all pods, one by one. Press q again to quit anyway.".into();
    let cases = [
        ("more is to be sent", 1, Phase::Replacing, Some(&more)),
        ("more, and an answer", 1, Phase::Sent, Some(&more)),
        ("the last answer", 2, Phase::Sent, Some(&answer)),
        ("pods are watched", 2, Phase::Replacing, None),
        ("leaders are watched", 2, Phase::Leading, None),
        ("it was stopped", 1, Phase::Over(Some(false)), None),
    ];
    let known = (&State::default(), &profile(), &Diagnosis::default());
    for (what, sent, phase, expected) in cases {
        let two = restart(&["a", "b"]);
        let mut execution = look_at(known, now(), |account| Execution::new(two, account));
        (execution.sent, execution.phase) = (sent, phase);
        assert_eq!(execution.warns_of_leaving().as_ref(), expected, "{what}");
        assert_eq!(execution.warns_of_leaving(), None, "{what}: once");
    }
}

#[test]
fn only_its_own_cause_and_only_while_it_is_under_way_makes_the_rest_needless() {
    let rule = |id: &str, holds: bool| {
        let truth = if holds {
            Truth::True {
                because: Vec::new(),
                again: false,
            }
        } else {
            Truth::False {
                because: "one leads".into(),
            }
        };
        RuleFinding {
            id: id.to_owned(),
            title: SafeText::default(),
            truth,
            advice: RuleAdvice {
                action: Advice::RestartPods,
                contact: None,
            },
            flips: SafeText::default(),
        }
    };
    // the rule that it was recommended by, and another; the phase; whether the rest is needless
    let cases = [
        (false, true, Phase::Replacing, true),
        (true, false, Phase::Replacing, false),
        (false, false, Phase::Over(Some(false)), false),
    ];
    for (own, other, phase, needless) in cases {
        let mut diagnosis = led();
        diagnosis.decision.rules = vec![rule("crashing", other), rule("no-leader", own)];
        let mut plan = restart(&["a", "b"]);
        plan.cause = Some("no-leader".to_owned());
        look_at((&State::default(), &profile(), &diagnosis), now(), |account| {
            let mut execution = Execution::new(plan, account);
            (execution.sent, execution.phase) = (1, phase);
            assert_eq!(execution.is_needless(account.diagnosis), needless, "{phase:?}");
        });
    }
}
