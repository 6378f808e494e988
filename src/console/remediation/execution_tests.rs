//! When an execution goes on, waits and stops, a second or a pod either way; and what it says of itself when only a part was sent.

use jiff::SignedDuration;

use sopwatch_core::diagnose::Diagnosis;
use sopwatch_core::diagnose::leaders::Verdict;
use sopwatch_core::observe::observation::{Observation, Pod, PodUid, Reading};
use sopwatch_core::observe::source::{ProblemKind, SourceId, SourceState};
use sopwatch_core::observe::state::State;
use sopwatch_core::profile::Profile;
use sopwatch_core::record::Intent;
use sopwatch_core::remediate::applied_command::AppliedCommand;
use sopwatch_core::remediate::command::{Command, CommandOutcome, PlanKind};
use sopwatch_core::remediate::execution::{Execution, Next, Phase};
use sopwatch_core::remediate::plan::Plan;
use sopwatch_core::testkit::{
    ago, deployment, failing, leader, look_at, now, pod, profile, reading, waiting_pod,
};

const OLD: [&str; 3] = ["blf5h", "lzxms", "2mgcp"];

fn delete(short: &str) -> Command {
    Command::DeletePod {
        pod: format!("msa-x-{short}").as_str().into(),
        uid: PodUid(short.into()),
    }
}

fn restart_all() -> Plan {
    Plan {
        aim: PlanKind::RestartAll,
        commands: OLD.map(delete).to_vec(),
        cause: None,
    }
}

fn seen(pods: Vec<Pod>) -> State {
    let mut state = State::default();
    state.apply(Observation::Pods(pods), now());
    state.apply(Observation::Deployment(Some(deployment(3))), now());
    state
}

fn unready(short: &str) -> Pod {
    let mut one = pod(short, 30);
    one.conditions.clear();
    one
}

/// An execution, the pods that were there when it began, and the moment that it is looked at.
struct Scene {
    plan: Plan,
    sent: usize,
    stopping: bool,
    waited: i64,
    profile: Profile,
    diagnosis: Diagnosis,
    state: State,
}

impl Scene {
    /// Of a restart of all, the first was sent; these pods are there now.
    fn replacing(pods: Vec<Pod>) -> Self {
        Self {
            plan: restart_all(),
            sent: 1,
            stopping: false,
            waited: 40,
            profile: profile(),
            diagnosis: Diagnosis {
                leaders: vec![leader("Kafka", Verdict::One, "msa-x-2mgcp")],
                ..Diagnosis::default()
            },
            state: seen(pods),
        }
    }

    fn next(&self) -> Next {
        let before = seen(OLD.map(|short| pod(short, 900)).to_vec());
        let began = (&before, &self.profile, &self.diagnosis);
        let mut execution = look_at(began, ago(self.waited), |account| {
            Execution::new(self.plan.clone(), account)
        });
        (execution.phase, execution.sent, execution.stopping) = (Phase::Replacing, self.sent, self.stopping);
        execution.since = ago(self.waited);
        let known = (&self.state, &self.profile, &self.diagnosis);
        look_at(known, now(), |account| execution.next(account, None))
    }
}

/// The words with which it stops.
fn stopped(next: &Next) -> Option<&str> {
    match next {
        Next::Reached(words, Phase::Over(Some(false))) => Some(words),
        _ => None,
    }
}

fn is_sent(next: &Next) -> bool {
    matches!(next, Next::Send(_))
}

/// The first was replaced, and the others are as they were.
fn replaced() -> Vec<Pod> {
    vec![pod("fresh", 30), pod("lzxms", 900), pod("2mgcp", 900)]
}

#[test]
fn the_next_pod_is_taken_when_the_one_before_is_replaced_and_enough_are_ready() {
    let with = |pods: Vec<Pod>, keep: Option<u32>| {
        let mut scene = Scene::replacing(pods);
        scene.profile.service.keep_ready = keep;
        scene.next()
    };
    assert!(is_sent(&with(replaced(), None)), "3 are ready, 2 must stay so");
    assert!(is_sent(&with(replaced(), Some(2))));
    assert_eq!(with(replaced(), Some(3)), Next::Wait);
    let mut fewer = replaced();
    fewer[2] = unready("2mgcp");
    assert_eq!(
        with(fewer.clone(), None),
        Next::Wait,
        "2 are ready, 2 must stay so"
    );
    assert!(is_sent(&with(fewer.clone(), Some(1))));
    // the one whose turn it is serves nobody
    let mut next_down = replaced();
    next_down[1] = unready("lzxms");
    assert!(is_sent(&with(next_down, None)));
    // the first is still there, or its replacement is not ready, or there is none
    let mut both = replaced();
    both.push(pod("blf5h", 900));
    assert_eq!(with(both, None), Next::Wait);
    let mut starting = replaced();
    starting[0] = waiting_pod("fresh", 30, "ContainerCreating");
    assert_eq!(with(starting, None), Next::Wait);
    assert_eq!(with(replaced().split_off(1), None), Next::Wait);
}

#[test]
fn two_that_were_deleted_need_two_replacements() {
    let after_two = |pods: Vec<Pod>| {
        let mut scene = Scene::replacing(pods);
        scene.sent = 2;
        scene.profile.service.keep_ready = Some(1);
        scene.next()
    };
    let two = || vec![pod("fresh", 30), pod("newer", 20), pod("2mgcp", 900)];
    assert!(is_sent(&after_two(two())));
    assert_eq!(after_two(vec![pod("fresh", 30), pod("2mgcp", 900)]), Next::Wait);
    let mut ending = two();
    ending[1].deletion_at = Some(ago(1));
    assert_eq!(after_two(ending), Next::Wait, "a replacement that ends is none");
}

#[test]
fn it_waits_five_minutes_for_a_replacement_and_then_stops() {
    let after = |pods: Vec<Pod>, waited: i64| {
        let mut scene = Scene::replacing(pods);
        scene.waited = waited;
        scene.next()
    };
    let mut starting = replaced();
    starting[0] = waiting_pod("fresh", 30, "ContainerCreating");
    assert_eq!(after(starting.clone(), 300), Next::Wait);
    let next = after(starting, 301);
    let words = stopped(&next).unwrap();
    assert!(
        words.starts_with("stopped after 1 of 3: not ready after 5m"),
        "{words}"
    );
    assert!(words.contains("fresh ContainerCreating"), "{words}");
    let next = after(replaced().split_off(1), 301);
    assert!(stopped(&next).unwrap().contains("no new pod was created"));
    // replaced, and too few are ready to go on
    let mut fewer = replaced();
    fewer[2] = unready("2mgcp");
    assert_eq!(after(fewer.clone(), 300), Next::Wait);
    let next = after(fewer, 301);
    let words = stopped(&next).unwrap();
    assert_eq!(words, "stopped after 1 of 3: too few pods are ready to continue");
    assert!(is_sent(&after(replaced(), 301)), "what is ready late is ready");
}

#[test]
fn a_replacement_that_can_not_start_stops_it_and_no_other_pod_does() {
    let with = |place: usize, pod: Pod| {
        let mut pods = replaced();
        pods[place] = pod;
        Scene::replacing(pods).next()
    };
    for reason in [
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "CreateContainerConfigError",
    ] {
        let next = with(0, waiting_pod("fresh", 30, reason));
        let words = stopped(&next).unwrap();
        assert_eq!(
            words,
            format!("stopped after 1 of 3: the replacement fresh is in {reason}")
        );
    }
    for reason in ["ContainerCreating", "PodInitializing"] {
        assert_eq!(with(0, waiting_pod("fresh", 30, reason)), Next::Wait, "{reason}");
    }
    // one that is on its way out is none either
    let mut ending = waiting_pod("fresh", 30, "CrashLoopBackOff");
    ending.deletion_at = Some(ago(1));
    assert_eq!(with(0, ending), Next::Wait);
    // one that was there before is no replacement
    let mut old = waiting_pod("2mgcp", 900, "CrashLoopBackOff");
    old.created_at = Some(ago(902));
    assert_eq!(with(2, old), Next::Wait, "2 are ready, 2 must stay so");
}

#[test]
fn a_pod_that_somebody_else_deleted_stops_it_whichever_it_is() {
    let mut ending = replaced();
    ending[1].deletion_at = Some(ago(1));
    let mut last_ending = replaced();
    last_ending[2].deletion_at = Some(ago(1));
    let mut last_gone = replaced();
    last_gone.pop();
    let mut gone = replaced();
    gone.remove(1);
    for (pods, short) in [
        (ending, "lzxms"),
        (gone, "lzxms"),
        (last_ending, "2mgcp"),
        (last_gone, "2mgcp"),
    ] {
        let next = Scene::replacing(pods).next();
        let words = stopped(&next).unwrap();
        let expected = format!("stopped after 1 of 3: msa-x-{short} ended, but not by this restart");
        assert_eq!(words, expected);
    }
}

#[test]
fn what_it_sees_is_believed_for_fifteen_seconds() {
    for (seconds, believed) in [(15, true), (16, false)] {
        let mut crashing = replaced();
        crashing[0] = waiting_pod("fresh", 30, "CrashLoopBackOff");
        for (pods, does) in [
            (replaced(), is_sent as fn(&Next) -> bool),
            (crashing, |next| stopped(next).is_some()),
        ] {
            let mut scene = Scene::replacing(pods);
            scene.waited = 400;
            let state = &mut scene.state;
            state.apply(
                Observation::Source(SourceId::Pods, SourceState::Live),
                ago(seconds),
            );
            state.apply(failing(SourceId::Pods, ProblemKind::Refused, "no answer"), now());
            let next = scene.next();
            assert_eq!(does(&next), believed, "{seconds} s: {next:?}");
            assert!(believed || next == Next::Wait, "{next:?}");
        }
    }
}

#[test]
fn the_operator_stops_it_when_the_pod_is_replaced_and_not_before() {
    let mut scene = Scene::replacing(replaced());
    scene.stopping = true;
    let next = scene.next();
    assert_eq!(
        stopped(&next),
        Some("stopped after 1 of 3: stopped by the operator")
    );
    scene.state = seen(replaced().split_off(1));
    assert_eq!(scene.next(), Next::Wait);
    // with all of it sent there is nothing to stop
    scene.state = seen(["f1", "f2", "f3"].map(|short| pod(short, 30)).to_vec());
    scene.sent = 3;
    assert_eq!(
        scene.next(),
        Next::Reached("ready: f1, f2, f3".into(), Phase::Leading)
    );
    scene.diagnosis.leaders.clear();
    assert!(
        matches!(scene.next(), Next::Reached(_, Phase::Moving)),
        "a service without workers"
    );
}

#[test]
fn a_scale_is_over_when_so_many_pods_are_ready_and_the_deployment_is_calm() {
    let scaled = |replicas: u32, available: u32, pods: usize| {
        let mut scene = Scene::replacing(["a", "b", "c", "d"].map(|short| pod(short, 30))[..pods].to_vec());
        let mut now_wants = deployment(replicas);
        now_wants.available = available;
        scene.state.apply(Observation::Deployment(Some(now_wants)), now());
        scene.plan = Plan {
            aim: PlanKind::ScaleUp,
            commands: vec![Command::Scale {
                deployment: "msa".into(),
                uid: "d".into(),
                from: 3,
                to: 4,
                resource_version: "1".into(),
            }],
            cause: None,
        };
        scene.next()
    };
    assert_eq!(
        scaled(4, 4, 4),
        Next::Reached("4 of 4 pods are ready".into(), Phase::Over(Some(true)))
    );
    assert_eq!(scaled(4, 4, 3), Next::Wait, "one is missing");
    assert_eq!(scaled(4, 3, 4), Next::Wait, "it is rolling");
    assert_eq!(scaled(5, 5, 4), Next::Wait, "somebody else chose another number");
}

#[test]
fn a_rollout_is_over_when_no_pod_from_before_serves() {
    let rolled = |pods: Vec<Pod>| {
        let mut scene = Scene::replacing(pods);
        scene.plan = Plan {
            aim: PlanKind::RollOut,
            commands: vec![Command::RestartDeployment {
                deployment: "msa".into(),
                uid: "d".into(),
                resource_version: "1".into(),
                mark: now(),
            }],
            cause: None,
        };
        scene.next()
    };
    let new = || ["f1", "f2", "f3"].map(|short| pod(short, 30)).to_vec();
    assert!(
        matches!(rolled(new()), Next::Reached(words, Phase::Leading) if words == "all 3 pods are new and ready")
    );
    assert_eq!(rolled(new().split_off(1)), Next::Wait);
    let with = |old: Pod| new().into_iter().chain([old]).collect::<Vec<_>>();
    assert_eq!(rolled(with(pod("2mgcp", 900))), Next::Wait);
    let mut ending = pod("2mgcp", 900);
    ending.deletion_at = Some(ago(1));
    assert!(matches!(rolled(with(ending)), Next::Reached(..)));
    let mut over = pod("2mgcp", 900);
    over.phase = "Failed".into();
    over.conditions.clear();
    assert!(matches!(rolled(with(over)), Next::Reached(..)));
}

/// A command of an earlier console, sent so long ago and applied.
fn change(place: usize, of: usize, seconds: i64) -> AppliedCommand {
    let intent = Intent {
        id: place as u64 + 1,
        command: delete(OLD[place]),
        aim: PlanKind::RestartAll,
        cause: None,
        user: "oncall".into(),
        part: (of > 1).then_some((place + 1, of)),
        advice: None,
        rest: Vec::new(),
    };
    let applied = CommandOutcome::Applied { how: "".into() };
    AppliedCommand {
        at: ago(seconds),
        intent,
        outcome: Some((ago(seconds), applied)),
        stages: Vec::new(),
    }
}

#[test]
fn what_came_of_a_command_decides_how_it_goes_on_and_no_answer_is_waited_for_two_minutes() {
    let after = |outcome: Option<CommandOutcome>, waited: i64| {
        let mut sent = change(0, 3, waited);
        sent.outcome = outcome.map(|outcome| (now(), outcome));
        let (state, profile, diagnosis) = (State::default(), profile(), Diagnosis::default());
        look_at((&state, &profile, &diagnosis), now(), |account| {
            let mut execution = Execution::new(restart_all(), account);
            (execution.sent, execution.since) = (1, ago(waited));
            execution.next(account, Some(&sent))
        })
    };
    let applied = Some(CommandOutcome::Applied { how: "".into() });
    assert!(matches!(after(applied, 500), Next::Reached(_, Phase::Replacing)));
    let no = [
        CommandOutcome::Refused { why: "no".into() },
        CommandOutcome::Failed { why: "no".into() },
    ];
    for outcome in no {
        let next = after(Some(outcome), 1);
        assert_eq!(
            stopped(&next),
            Some("stopped after 1 of 3: delete pod msa-x-blf5h: no")
        );
    }
    for outcome in [None, Some(CommandOutcome::Unknown { why: "cut".into() })] {
        assert_eq!(after(outcome.clone(), 120), Next::Wait);
        let next = after(outcome, 121);
        assert!(stopped(&next).unwrap().contains("outcome unknown"));
    }
}

/// How what an earlier console sent in part (or whole) ends, where it is looked at in this phase for so long.
fn ended(
    sent: usize,
    of: usize,
    phase: Phase,
    waited: i64,
    (verdict, rows): (Verdict, Option<Reading>),
) -> Next {
    let all: Vec<AppliedCommand> = (0..sent).map(|place| change(place, of, 400)).collect();
    let profile = profile();
    let diagnosis = Diagnosis {
        leaders: vec![leader("Kafka", verdict, "msa-x-fresh")],
        ..Diagnosis::default()
    };
    let mut state = seen(Vec::new());
    let known =
        |state: &State,
         look: &mut dyn FnMut(&sopwatch_core::export::case_snapshot::CaseSnapshot<'_>) -> Next| {
            look_at((state, &profile, &diagnosis), now(), look)
        };
    if let Some(rows) = rows {
        state.apply(Observation::Database(rows), ago(1_000));
    }
    known(&state, &mut |account| {
        let mut execution = Execution::again(&all.iter().collect::<Vec<_>>(), account).unwrap();
        (execution.phase, execution.since) = (phase, ago(waited));
        execution.next(account, None)
    })
}

#[test]
fn of_a_part_nobody_says_that_it_worked() {
    let well = || (Verdict::One, Some(reading(None, &[])));
    let whole = ended(3, 3, Phase::Moving, 1, well());
    let words = "done: pods ready, leaders elected".to_owned();
    assert_eq!(whole, Next::Reached(words.into(), Phase::Over(Some(true))));
    let one = ended(1, 1, Phase::Moving, 1, well());
    assert!(matches!(one, Next::Reached(words, Phase::Over(Some(true))) if words.starts_with("done: ")));
    for sent in [1, 2] {
        let part = ended(sent, 3, Phase::Moving, 1, well());
        let words = format!("{sent} of 3 pods restarted; pods ready, leaders elected");
        assert_eq!(part, Next::Reached(words.into(), Phase::Over(Some(false))));
    }
    let late = ended(1, 3, Phase::Leading, 10_000, (Verdict::None, None));
    let words = stopped(&late).unwrap();
    assert!(
        words.starts_with("1 of 3 pods restarted; no improvement: leaders after "),
        "{words}"
    );
    let unknown = ended(1, 3, Phase::Moving, 1, (Verdict::One, None));
    let words = stopped(&unknown).unwrap();
    assert!(
        words.starts_with("1 of 3 pods restarted; leaders elected"),
        "{words}"
    );
    // on the way there nothing is over
    let led = ended(1, 3, Phase::Leading, 1, well());
    assert!(matches!(led, Next::Reached(_, Phase::Moving)), "{led:?}");
}

#[test]
fn what_an_earlier_console_deleted_is_replaced_by_pods_that_were_made_since() {
    let sent_at = now() - SignedDuration::from_millis(100_500);
    let with = |created: i64| {
        let mut one = change(0, 3, 0);
        one.at = sent_at;
        let mut fresh = pod("fresh", 30);
        fresh.created_at = Some(ago(created));
        let state = seen(vec![fresh, pod("lzxms", 900), pod("2mgcp", 900)]);
        let profile = profile();
        let diagnosis = Diagnosis {
            leaders: vec![leader("Kafka", Verdict::One, "msa-x-2mgcp")],
            ..Diagnosis::default()
        };
        look_at((&state, &profile, &diagnosis), now(), |account| {
            let execution = Execution::again(&[&one], account).unwrap();
            assert!(
                execution.is_again() && execution.due().is_none(),
                "nothing more is sent"
            );
            execution.next(account, None)
        })
    };
    // Pods are dated by whole seconds of a clock that may be almost five seconds behind.
    assert!(matches!(with(106), Next::Reached(_, Phase::Leading)));
    assert_eq!(with(107), Next::Wait);
}
