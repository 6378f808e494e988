//! What is said of the leaders after a change.

use jiff::SignedDuration;

use crate::diagnose::leaders::Verdict;
use crate::diagnose::{Diagnosis, RuleFinding, Truth};
use crate::observe::observation::PodUid;
use crate::observe::state::State;
use crate::profile::rule::{Advice, RuleAdvice};
use crate::remediate::command::{Command, PlanKind};
use crate::remediate::execution::{Execution, Next, Phase};
use crate::remediate::plan::Plan;
use crate::testkit::{ago, leader, look_at, now, profile};
use crate::text::SafeText;

/// What follows when the pods are ready for so long, and the leaders are as they are.
fn next(cluster: Verdict, kafka: Verdict, waited: i64) -> Next {
    let profile = profile();
    let diagnosis = Diagnosis {
        leaders: [("Cluster", cluster), ("Kafka", kafka)]
            .map(|(worker, verdict)| leader(worker, verdict, "msa-x-2mgcp"))
            .to_vec(),
        ..Diagnosis::default()
    };
    let plan = Plan {
        aim: PlanKind::RestartPod,
        commands: Vec::new(),
        cause: None,
    };
    look_at((&State::default(), &profile, &diagnosis), now(), |account| {
        let mut execution = Execution::new(plan, account);
        (execution.phase, execution.since) = (Phase::Leading, ago(waited));
        execution.next(account, None)
    })
}

#[test]
fn a_change_helped_when_all_lead_again_and_not_when_none_is_seen_to_and_else_nobody_knows() {
    let settling = Verdict::Settling { until: now() };
    let leaders = profile().leaders;
    let within = leaders.settle() + leaders.tick + leaders.lease;
    let within = SignedDuration::try_from(within).unwrap().as_secs();
    let cases = [
        (
            Verdict::One,
            1,
            Some("leaders elected: Cluster 2mgcp, Kafka 2mgcp"),
            None,
        ),
        (Verdict::None, within, None, None),
        (Verdict::Unknown, within, None, None),
        (settling, within, None, None),
        (Verdict::None, within + 1, Some("no improvement: "), Some(false)),
        (Verdict::Many, within + 1, Some("no improvement: "), Some(false)),
        (
            Verdict::Unknown,
            within + 1,
            Some("unknown whether it helped: "),
            None,
        ),
        (settling, within + 1, Some("unknown whether it helped: "), None),
    ];
    for (kafka, waited, expected, helped) in cases {
        let words = match next(Verdict::One, kafka, waited) {
            Next::Reached(words, phase) => {
                let expected = if kafka == Verdict::One {
                    Phase::Moving
                } else {
                    Phase::Over(helped)
                };
                assert_eq!(phase, expected, "{}", kafka.name());
                Some(words)
            }
            _ => None,
        };
        let starts = |start: &str| words.as_ref().is_some_and(|words| words.starts_with(start));
        assert!(
            expected.map_or(words.is_none(), starts),
            "{}: {words:?}",
            kafka.name()
        );
        assert!(expected.is_none() || words.unwrap().contains("Kafka"));
    }
}

fn two_pods() -> Plan {
    let delete = |short: &str| Command::DeletePod {
        pod: short.into(),
        uid: PodUid(short.into()),
    };
    Plan {
        aim: PlanKind::RestartAll,
        commands: ["blf5h", "2mgcp"].map(delete).to_vec(),
        cause: Some("no-leader".to_owned()),
    }
}

#[test]
fn nothing_else_is_set_out_for_while_more_is_to_be_sent_or_an_answer_is_awaited() {
    let cases = [
        (
            "an answer, and more",
            1,
            Phase::Sent,
            false,
            "esc stops it after this pod",
        ),
        ("more", 1, Phase::Replacing, false, "esc stops it after this pod"),
        (
            "it is stopped",
            1,
            Phase::Replacing,
            true,
            "will stop after the current pod",
        ),
        (
            "the last answer",
            2,
            Phase::Sent,
            false,
            "waiting for the server's answer",
        ),
        ("pods are watched", 2, Phase::Replacing, false, ""),
        ("leaders are watched", 2, Phase::Leading, false, ""),
        ("rows are watched", 2, Phase::Moving, false, ""),
        ("it was stopped", 1, Phase::Over(Some(false)), true, ""),
    ];
    let known = (&State::default(), &profile(), &Diagnosis::default());
    for (what, sent, phase, stopping, expected) in cases {
        look_at(known, now(), |account| {
            let mut execution = Execution::new(two_pods(), account);
            (execution.sent, execution.phase, execution.stopping) = (sent, phase, stopping);
            let why = execution.blocks_others().unwrap_or_default();
            assert_eq!(why.is_empty(), expected.is_empty(), "{what}: {why}");
            assert!(why.contains(expected), "{what}: {why}");
        });
    }
}

#[test]
fn what_is_left_of_a_plan_is_needless_when_its_cause_is_gone_and_all_are_led() {
    let gone = || Truth::False {
        because: "one leads".into(),
    };
    let holds = || Truth::True {
        because: Vec::new(),
        again: false,
    };
    let cases = [
        ("gone", gone(), Verdict::One, 1, true),
        ("gone, but nothing is left", gone(), Verdict::One, 2, false),
        ("it holds", holds(), Verdict::One, 1, false),
        ("a worker has no leader", gone(), Verdict::None, 1, false),
        ("nobody knows yet who leads", gone(), Verdict::Unknown, 1, false),
    ];
    for (what, truth, kafka, sent, expected) in cases {
        let rule = RuleFinding {
            id: "no-leader".to_owned(),
            title: SafeText::default(),
            truth,
            advice: RuleAdvice {
                action: Advice::RestartPods,
                contact: None,
            },
            flips: SafeText::default(),
        };
        let mut diagnosis = Diagnosis {
            leaders: vec![leader("Kafka", kafka, "msa-x-2mgcp")],
            ..Diagnosis::default()
        };
        diagnosis.decision.rules.push(rule);
        look_at((&State::default(), &profile(), &diagnosis), now(), |account| {
            let mut execution = Execution::new(two_pods(), account);
            (execution.phase, execution.sent) = (Phase::Replacing, sent);
            assert_eq!(execution.is_needless(account.diagnosis), expected, "{what}");
        });
    }
}
