//! Which pods an execution left that ended before all of its commands were sent.

use super::command::{Command, CommandOutcome, PlanKind};
use super::interrupted::Interrupted;
use super::plan::Plan;
use crate::diagnose::Diagnosis;
use crate::diagnose::leaders::Verdict;
use crate::export::case_snapshot::CaseSnapshot;
use crate::observe::observation::{Observation, PodUid};
use crate::observe::state::State;
use crate::record::Intent;
use crate::remediate::applied_command::AppliedCommand;
use crate::testkit::{ago, leader, look_at, now, pod, profile, state};
use crate::text::SafeText;

fn delete(short: &str) -> Command {
    Command::DeletePod {
        pod: format!("msa-x-{short}").as_str().into(),
        uid: PodUid(short.into()),
    }
}

/// The command of this place among those that were confirmed together, and what came of it.
fn sent(aim: PlanKind, (place, all): (usize, &[&str]), outcome: Option<CommandOutcome>) -> AppliedCommand {
    let rest = all.iter().skip(1).filter(|_| place == 0);
    let intent = Intent {
        id: place as u64 + 1,
        command: delete(all[place]),
        aim,
        cause: None,
        user: "oncall".into(),
        part: (all.len() > 1).then_some((place + 1, all.len())),
        advice: None,
        rest: rest.map(|short| delete(short)).collect(),
    };
    AppliedCommand {
        at: ago(100),
        intent,
        outcome: outcome.map(|outcome| (ago(99), outcome)),
        stages: Vec::new(),
    }
}

fn applied() -> CommandOutcome {
    CommandOutcome::Applied { how: "".into() }
}

fn refused() -> CommandOutcome {
    CommandOutcome::Refused { why: "".into() }
}

const ALL: [&str; 3] = ["2mgcp", "blf5h", "lzxms"];

/// What is called so: what was done, and which pods are left by it.
type Case = (&'static str, Vec<AppliedCommand>, &'static [&'static str]);

#[test]
fn pods_that_were_confirmed_and_not_deleted_are_left() {
    let part = |place, outcome| sent(PlanKind::RestartAll, (place, &ALL), outcome);
    let one = |short: &'static str, outcome| sent(PlanKind::RestartPod, (0, &[short]), outcome);
    let cases: Vec<Case> = vec![
        ("nothing was done", vec![], &[]),
        ("one pod alone", vec![one("2mgcp", Some(applied()))], &[]),
        (
            "one of three",
            vec![part(0, Some(applied()))],
            &["blf5h", "lzxms"],
        ),
        (
            "the first was refused",
            vec![part(0, Some(refused()))],
            &["2mgcp", "blf5h", "lzxms"],
        ),
        (
            "the first has no outcome: it may have happened",
            vec![part(0, None)],
            &["blf5h", "lzxms"],
        ),
        (
            "the second never left",
            vec![part(0, Some(applied())), part(1, Some(refused()))],
            &["blf5h", "lzxms"],
        ),
        (
            "two of three",
            vec![part(0, Some(applied())), part(1, Some(applied()))],
            &["lzxms"],
        ),
        (
            "one by one, another by itself since",
            vec![part(0, Some(applied())), one("blf5h", Some(applied()))],
            &["lzxms"],
        ),
        (
            "all of three",
            vec![
                part(0, Some(applied())),
                part(1, Some(applied())),
                part(2, Some(applied())),
            ],
            &[],
        ),
        (
            "the rest of it was confirmed since, and one of that sent",
            vec![
                part(0, Some(applied())),
                sent(PlanKind::RestartRest, (0, &["blf5h", "lzxms"]), Some(applied())),
            ],
            &["lzxms"],
        ),
    ];
    for (what, changes, expected) in cases {
        let left = Interrupted::of(&changes).map_or_else(Vec::new, |interrupted| interrupted.left);
        let expected: Vec<PodUid> = expected.iter().map(|short| PodUid((*short).into())).collect();
        assert_eq!(left, expected, "{what}");
    }
}

#[test]
fn a_record_of_an_older_version_does_not_name_what_is_left() {
    let mut old = sent(PlanKind::RestartAll, (0, &ALL), Some(applied()));
    old.intent.rest.clear();
    assert_eq!(Interrupted::of(&[old]), None);
}

fn with_rest<T>(
    state: &State,
    of: PlanKind,
    look: impl FnOnce(Result<Plan, SafeText>, &CaseSnapshot<'_>) -> T,
) -> T {
    let interrupted = Interrupted::of(&[sent(of, (0, &ALL), Some(refused()))]).unwrap();
    let profile = profile();
    let diagnosis = Diagnosis {
        leaders: vec![leader("Kafka", Verdict::One, "msa-x-2mgcp")],
        ..Diagnosis::default()
    };
    look_at((state, &profile, &diagnosis), now(), |account| {
        look(Plan::restart_rest(account, &interrupted), account)
    })
}

#[test]
fn the_remaining_pods_are_planned_by_uid_leaders_last_and_those_that_were_replaced_fall_out() {
    let pods = |shorts: &[&str]| state(shorts.iter().map(|short| pod(short, 900)).collect());
    let planned = |state: &State| with_rest(state, PlanKind::RestartAll, |plan, _| plan);
    let plan = planned(&pods(&["2mgcp", "blf5h", "lzxms", "other"])).unwrap();
    assert_eq!(
        plan.commands,
        ["blf5h", "lzxms", "2mgcp"].map(delete),
        "no other pod, and the one that leads last"
    );
    assert_eq!(plan.aim, PlanKind::RestartRest);
    let plan = planned(&pods(&["2mgcp", "other"])).unwrap();
    assert_eq!(plan.commands, [delete("2mgcp")]);
    let mut some = pods(&["blf5h"]);
    let mut ending = pod("2mgcp", 900);
    ending.deletion_at = Some(ago(1));
    let mut over = pod("lzxms", 900);
    over.phase = "Failed".into();
    some.apply(Observation::Pod(ending), now());
    some.apply(Observation::Pod(over), now());
    assert_eq!(planned(&some).unwrap().commands, [delete("blf5h")]);
    let none = planned(&pods(&["other"])).unwrap_err();
    assert!(none.contains("gone or were replaced since"), "{none}");
    let start = with_rest(&pods(&ALL), PlanKind::Start, |plan, _| plan).unwrap();
    assert_eq!(start.aim, PlanKind::Start, "what starts pods goes on as such");
}

#[test]
fn what_is_left_is_counted_among_what_is_there() {
    let interrupted = Interrupted::of(&[sent(PlanKind::RestartAll, (0, &ALL), Some(applied()))]).unwrap();
    let left = |shorts: &[&str]| {
        let state = state(shorts.iter().map(|short| pod(short, 900)).collect());
        interrupted.living(&state).len()
    };
    assert_eq!(left(&ALL), 2);
    assert_eq!(left(&["lzxms", "other"]), 1);
    assert_eq!(left(&["other"]), 0);
    assert_eq!(
        interrupted.words(2),
        "restart interrupted: 2 of 3 pods not restarted"
    );
}

#[test]
fn the_plan_for_one_pod_that_is_left_says_which() {
    let one = state(vec![pod("lzxms", 900)]);
    with_rest(&one, PlanKind::RestartAll, |plan, account| {
        let plan = plan.unwrap();
        assert_eq!(
            plan.words(),
            "restart the remaining pods, one by one: delete pod msa-x-lzxms"
        );
        assert_eq!(plan.effect(), "the deployment creates a new pod in its place");
        assert!(!plan.risks(account).is_empty());
    });
}
