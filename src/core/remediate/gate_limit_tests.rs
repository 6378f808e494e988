//! The gate's limits, each from both sides: a second or a pod more, and it says the other thing.

use jiff::SignedDuration;

use super::command::{CommandOutcome, PlanKind};
use super::gate::{Gate, GateInput, gate};
use super::gate_tests::{Moment, applied, done};
use super::plan::Plan;
use crate::diagnose::{RuleFinding, Truth};
use crate::export::case_snapshot::CaseSnapshot;
use crate::observe::observation::{Access, Observation, Permission, Pod, PodUid};
use crate::observe::source::{ProblemKind, SourceId, SourceState};
use crate::profile::rule::{Advice, RuleAdvice};
use crate::safe;
use crate::testkit::{ago, deployment, failing, now, pod};
use crate::text::{SafeText, duration};

/// How a plan is made.
type Make = fn(&CaseSnapshot<'_>) -> Result<Plan, SafeText>;

const RESTART: Make = |account| Plan::restart_pod(account, &PodUid("2mgcp".into()));
const SCALE: Make = |account| Plan::scale(account, 1);
const LESS: Make = |account| Plan::scale(account, -1);

fn said(moment: &Moment, make: Make) -> Gate {
    moment.with_account(|account| {
        let situation = GateInput {
            account,
            past: &moment.past,
            read_only: moment.read_only,
        };
        gate(&make(account).unwrap(), &situation)
    })
}

fn refused(moment: &Moment, make: Make) -> String {
    said(moment, make).refusals.join("; ")
}

/// A good moment with one thing changed.
fn but(change: impl FnOnce(&mut Moment)) -> Moment {
    let mut moment = Moment::well();
    change(&mut moment);
    moment
}

fn unheard(moment: &mut Moment, id: SourceId, seconds: i64) {
    let live = |id| Observation::Source(id, SourceState::Live);
    for id in [id.clone(), SourceId::Api] {
        moment.state.apply(live(id), ago(seconds));
    }
    if id != SourceId::Api {
        // A watch whose stream stands is as current as the server: this one broke then, and the server lives.
        let broken = failing(id, ProblemKind::Refused, "no answer");
        moment.state.apply(broken, ago(seconds));
        moment.state.apply(live(SourceId::Api), now());
    }
}

#[test]
fn a_source_that_a_change_rests_on_is_heard_within_fifteen_seconds() {
    let names = [SourceId::Pods, SourceId::Deployment, SourceId::Api];
    for make in [RESTART, SCALE, Plan::roll_out, Plan::restart_all] {
        assert_eq!(refused(&Moment::well(), make), "");
    }
    // whether a command to a pod rests on it, and one to the deployment
    for (id, pods, deployments) in [
        (&names[0], true, true),
        (&names[1], false, true),
        (&names[2], true, true),
    ] {
        let name = id.name();
        for (make, rests) in [
            (RESTART, pods),
            (Plan::restart_all as Make, pods),
            (SCALE, deployments),
            (Plan::roll_out as Make, deployments),
        ] {
            let fresh = but(|moment| unheard(moment, id.clone(), 15));
            assert_eq!(refused(&fresh, make), "", "{name}, 15 s");
            let stale = but(|moment| unheard(moment, id.clone(), 16));
            let words = refused(&stale, make);
            assert_eq!(
                words.contains(&format!("{name}: last data 16s ago")),
                rests,
                "{words}"
            );
            assert_eq!(words.is_empty(), !rests, "{name}: {words}");
        }
    }
}

#[test]
fn a_server_that_was_never_heard_is_no_ground_for_a_change() {
    let mut moment = Moment::well();
    let mut state = crate::observe::state::State::default();
    state.connection.clone_from(&moment.state.connection);
    state.apply(
        Observation::Pods(vec![pod("2mgcp", 900), pod("a", 900), pod("b", 900)]),
        now(),
    );
    moment.state = state;
    let words = refused(&moment, RESTART);
    assert!(words.contains("no data yet"), "{words}");
}

#[test]
fn an_unknown_outcome_stands_before_everything_for_two_minutes_from_when_it_was_asked() {
    let unknown = || CommandOutcome::Unknown { why: "cut".into() };
    for make in [RESTART, SCALE] {
        for (seconds, stands) in [(120, true), (121, false)] {
            let moment = but(|moment| {
                let mut one = done(10_000, None, unknown());
                one.outcome = Some((ago(seconds), unknown()));
                moment.past.push(one);
            });
            let gate = said(&moment, make);
            assert_eq!(
                gate.refusals.join("").contains("outcome still unknown"),
                stands,
                "{seconds} s"
            );
            assert_eq!(
                gate.cautions.join("").contains("outcome never known"),
                !stands,
                "{seconds} s"
            );
        }
        let moment = but(|moment| {
            let mut one = done(100, None, unknown());
            one.outcome = None;
            moment.past.push(one);
        });
        assert!(
            refused(&moment, make).contains("outcome still unknown"),
            "no outcome at all"
        );
    }
}

#[test]
fn a_restart_settles_before_the_next_and_only_restarts_wait_for_it() {
    let settle = SignedDuration::try_from(Moment::well().profile.leaders.settle()).unwrap();
    let settle = settle.as_secs();
    let after = |seconds: i64, aim| {
        but(|moment| {
            let mut one = done(seconds, None, applied());
            one.intent.aim = aim;
            moment.past.push(one);
        })
    };
    for make in [RESTART, Plan::restart_all as Make, Plan::roll_out as Make] {
        let words = refused(&after(settle - 1, PlanKind::RestartAll), make);
        assert!(
            words.contains("wait 1s to see if the last restart helped"),
            "{words}"
        );
        assert_eq!(refused(&after(settle, PlanKind::RestartAll), make), "");
        assert_eq!(
            refused(&after(1, PlanKind::ScaleUp), make),
            "",
            "it restarted nothing"
        );
        let words = refused(&after(1, PlanKind::RestartRest), make);
        assert!(words.contains("to see if the last restart helped"), "{words}");
    }
    assert_eq!(refused(&after(1, PlanKind::RestartAll), SCALE), "");
    // the last one counts
    let mut two = after(settle + 100, PlanKind::RestartAll);
    two.past.push(done(10, None, applied()));
    let words = refused(&two, RESTART);
    assert!(
        words.contains(&duration::brief(SignedDuration::from_secs(settle - 10))),
        "{words}"
    );
}

fn rule(action: Advice, truth: Truth) -> RuleFinding {
    RuleFinding {
        id: "r".to_owned(),
        title: "the title".into(),
        truth,
        advice: RuleAdvice {
            action,
            contact: None,
        },
        flips: SafeText::default(),
    }
}

#[test]
fn only_a_rule_to_wait_that_holds_makes_a_change_wait() {
    let holds = |because: &[&str]| Truth::True {
        because: because.iter().map(|&why| why.into()).collect(),
        again: false,
    };
    let no = Truth::False { because: "no".into() };
    for (action, truth, expected) in [
        (Advice::Wait, holds(&["a pod started"]), "wait: a pod started"),
        (Advice::Wait, holds(&[]), "wait: the title"),
        (Advice::Wait, no.clone(), ""),
        (Advice::RestartPods, holds(&["x"]), ""),
        (Advice::Escalate, holds(&["x"]), ""),
    ] {
        let moment = but(|moment| moment.diagnosis.decision.rules.push(rule(action, truth.clone())));
        assert_eq!(refused(&moment, RESTART), expected);
        assert_eq!(refused(&moment, SCALE), expected);
    }
}

#[test]
fn a_rule_to_wait_that_does_not_hold_hides_none_that_does() {
    let moment = but(|moment| {
        let rules = &mut moment.diagnosis.decision.rules;
        let because = "no".into();
        rules.push(rule(Advice::Wait, Truth::False { because }));
        let because = vec!["a pod started".into()];
        rules.push(rule(
            Advice::Wait,
            Truth::True {
                because,
                again: false,
            },
        ));
    });
    assert_eq!(refused(&moment, RESTART), "wait: a pod started");
}

#[test]
fn a_pod_that_went_since_the_plan_was_made_is_not_deleted() {
    for make in [RESTART, Plan::restart_all as Make] {
        let mut moment = Moment::well();
        let plan = moment.with_account(make).unwrap();
        let words = |moment: &Moment| {
            moment.with_account(|account| {
                let situation = GateInput {
                    account,
                    past: &moment.past,
                    read_only: None,
                };
                gate(&plan, &situation).refusals.join("; ")
            })
        };
        assert_eq!(words(&moment), "");
        let mut ending = pod("2mgcp", 90_000);
        ending.deletion_at = Some(now());
        moment.state.apply(Observation::Pod(ending), now());
        let refused = words(&moment);
        assert!(
            refused.contains("pod msa-x-2mgcp is already terminating"),
            "{refused}"
        );
        moment
            .state
            .apply(Observation::PodGone(PodUid("2mgcp".into())), now());
        // Its replacement may have its name.
        let named = Pod {
            name: "msa-x-2mgcp".into(),
            ..pod("other", 900)
        };
        moment.state.apply(Observation::Pod(named), now());
        let refused = words(&moment);
        assert!(
            refused.contains("pod msa-x-2mgcp is gone, or another pod has its name"),
            "{refused}"
        );
    }
}

#[test]
fn a_rollout_is_one_from_the_first_pod_that_is_missing_or_too_many() {
    // replicas, updated, current, observed, paused, refused
    for (updated, current, observed, paused, stands) in [
        (3, 3, true, false, false),
        (2, 3, true, false, true),
        (2, 2, true, false, true),
        (3, 4, true, false, true),
        (4, 4, true, false, false),
        (3, 3, false, false, true),
        (2, 3, true, true, false),
    ] {
        let moment = but(|moment| {
            let mut seen = deployment(3);
            (seen.updated, seen.current, seen.observed, seen.paused) = (updated, current, observed, paused);
            moment.state.apply(Observation::Deployment(Some(seen)), now());
        });
        let words = refused(&moment, RESTART);
        assert_eq!(
            words.contains("still rolling out"),
            stands,
            "{updated} {current} {observed}: {words}"
        );
        assert_eq!(words.is_empty(), !stands, "{words}");
    }
}

#[test]
fn a_pod_that_may_have_been_made_after_the_restart_is_one_of_after_it() {
    let tried = |seconds: i64| {
        but(|moment| {
            // The command was sent within a second; pods are dated by whole seconds of a clock that may be almost five seconds behind.
            let sent = ago(1_000) + jiff::SignedDuration::from_millis(900);
            moment.diagnosis.decision.recommendation.action = Advice::RestartPods;
            moment.diagnosis.decision.recommendation.rule = Some("no-leader".to_owned());
            moment.past.push(done(1_000, Some("no-leader"), applied()));
            moment.past[0].at = sent;
            for short in ["2mgcp", "blf5h", "lzxms"] {
                let mut made = pod(short, 900);
                made.created_at = Some(ago(900));
                if short == "lzxms" {
                    made.created_at = Some(ago(seconds));
                }
                moment.state.apply(Observation::Pod(made), now());
            }
        })
    };
    let all: Make = |account| Plan::restart_all(account).map(|plan| plan.caused(account));
    for after in [995, 1_000, 1_005] {
        assert!(
            refused(&tried(after), all).contains("hand it off instead"),
            "{after}"
        );
    }
    assert_eq!(refused(&tried(1_006), all), "");
    // one that is over says nothing
    let mut moment = tried(1_006);
    let mut over = pod("lzxms", 1_006);
    over.phase = "Failed".into();
    moment.state.apply(Observation::Pod(over), now());
    moment.profile.service.keep_ready = Some(1);
    assert!(refused(&moment, all).contains("hand it off instead"));
    // what was refused was not tried
    let mut moment = tried(1_000);
    moment.past[0].outcome = Some((ago(1_000), CommandOutcome::Refused { why: "no".into() }));
    assert_eq!(refused(&moment, all), "");
}

fn may(moment: &mut Moment, rights: &[(&str, &str, &str, Option<bool>)]) {
    let access = |(verb, resource, sub, allowed): &(&str, &str, &str, Option<bool>)| Access {
        permission: Permission {
            verb: (*verb).into(),
            group: "".into(),
            resource: (*resource).into(),
            subresource: (*sub).into(),
            name: "".into(),
        },
        allowed: *allowed,
        reason: "".into(),
    };
    let all = rights.iter().map(access).collect();
    moment.state.apply(Observation::Access(all), now());
}

#[test]
fn a_right_is_missing_when_no_way_is_allowed_and_unknown_when_none_was_told() {
    const PATCH: (&str, &str, &str) = ("patch", "deployments", "scale");
    const UPDATE: (&str, &str, &str) = ("update", "deployments", "scale");
    let with = |patch, update| {
        but(|moment| {
            may(
                moment,
                &[
                    (PATCH.0, PATCH.1, PATCH.2, patch),
                    (UPDATE.0, UPDATE.1, UPDATE.2, update),
                ],
            );
        })
    };
    let no = Some(false);
    for (patch, update, stands) in [
        (no, no, true),
        (no, Some(true), false),
        (Some(true), no, false),
        (no, None, false),
    ] {
        let words = refused(&with(patch, update), SCALE);
        assert_eq!(
            words.contains("no permission to patch deployments/scale"),
            stands,
            "{patch:?} {update:?}: {words}"
        );
        assert_eq!(words.is_empty(), !stands);
    }
    let unknown = |moment: &Moment, make| {
        said(moment, make)
            .cautions
            .join("")
            .contains("permission unknown")
    };
    assert!(unknown(&Moment::well(), RESTART), "nothing was told");
    let told = but(|moment| may(moment, &[("delete", "pods", "", Some(true))]));
    assert!(!unknown(&told, RESTART) && unknown(&told, SCALE));
    let rollout = but(|moment| may(moment, &[("patch", "deployments", "", no)]));
    assert!(refused(&rollout, Plan::roll_out).contains("no permission to patch deployments:"));
    assert_eq!(refused(&rollout, RESTART), "");
}

#[test]
fn as_many_pods_stay_ready_as_the_profile_says_and_no_more_are_asked_for() {
    let unready = |moment: &mut Moment, short: &str| {
        let mut one = pod(short, 90_000);
        one.conditions.clear();
        moment.state.apply(Observation::Pod(one), now());
    };
    // how many must stay, which are not ready, whether 2mgcp may be restarted
    let cases: [(Option<u32>, &[&str], bool); 8] = [
        (None, &[], true),
        (None, &["blf5h"], false),
        (None, &["2mgcp"], true),
        (None, &["2mgcp", "blf5h", "lzxms"], true),
        (Some(3), &[], false),
        (Some(1), &["blf5h"], true),
        (Some(1), &["blf5h", "lzxms"], false),
        (Some(0), &["blf5h", "lzxms"], true),
    ];
    for (keep, down, allowed) in cases {
        let moment = but(|moment| {
            moment.profile.service.keep_ready = keep;
            down.iter().for_each(|short| unready(moment, short));
        });
        let words = refused(&moment, RESTART);
        assert_eq!(words.is_empty(), allowed, "{keep:?} {down:?}: {words}");
        assert_eq!(
            words.contains("must stay up"),
            !allowed,
            "{keep:?} {down:?}: {words}"
        );
    }
    // of all, the first counts: one that is not ready is taken first
    let moment = but(|moment| unready(moment, "blf5h"));
    assert_eq!(refused(&moment, Plan::restart_all), "");
}

#[test]
fn fewer_pods_than_the_profile_asks_for_are_not_left_and_more_may_be_few_still() {
    let at = |replicas: u32| {
        but(|moment| {
            moment
                .state
                .apply(Observation::Deployment(Some(deployment(replicas))), now());
        })
    };
    assert_eq!(refused(&at(4), LESS), "");
    assert_eq!(
        refused(&at(3), LESS),
        "2 pods are fewer than the 3 of the profile"
    );
    assert_eq!(refused(&at(1), SCALE), "");
}

#[test]
fn a_console_that_may_change_nothing_says_that_and_no_more() {
    let moment = but(|moment| {
        moment.read_only = Some("it is said so");
        moment.state.connection = None;
        moment.later = 100;
    });
    let gate = said(&moment, RESTART);
    assert_eq!(gate.refusals, ["read-only: it is said so"]);
    assert_eq!(gate.cautions, Vec::<String>::new());
}

#[test]
fn a_change_against_the_advice_is_allowed_and_said() {
    let advised = |action, rule: &str| {
        but(|moment| {
            let recommendation = &mut moment.diagnosis.decision.recommendation;
            (recommendation.action, recommendation.rule) = (action, Some(rule.to_owned()));
        })
    };
    let warned = |moment: &Moment, make| {
        let gate = said(moment, make);
        assert_eq!(gate.refusals, Vec::<String>::new());
        gate.cautions.join("").contains("current advice is: ")
    };
    let restart: Make = |account| Ok(RESTART(account)?.caused(account));
    assert!(!warned(&advised(Advice::RestartPods, "no-leader"), restart));
    assert!(warned(&advised(Advice::Escalate, "ocm-errors"), restart));
    assert!(warned(&advised(Advice::ScaleUp, "saturated"), restart));
    assert!(warned(&advised(Advice::None, "x"), LESS_OF_FOUR));
    assert!(!warned(&advised(Advice::ScaleUp, "saturated"), SCALE));
}

/// With the advice to do nothing, fewer pods are not what it asks for.
const LESS_OF_FOUR: Make = |account| {
    let mut plan = Plan::scale(account, 1)?;
    plan.aim = PlanKind::ScaleDown;
    Ok(plan)
};

#[test]
fn a_refusal_or_a_caution_says_what_the_advice_is_now() {
    let mut moment = but(|moment| {
        let recommendation = &mut moment.diagnosis.decision.recommendation;
        recommendation.action = Advice::RestartPods;
        recommendation.rule = Some("no-leader".to_owned());
    });
    let plan = moment.with_account(|account| RESTART(account).map(|plan| plan.caused(account)));
    let plan = plan.unwrap();
    moment.diagnosis.decision.recommendation.action = Advice::Escalate;
    let contact = &mut moment.diagnosis.decision.recommendation.contact;
    *contact = Some("support".to_owned());
    moment.with_account(|account| {
        let situation = GateInput {
            account,
            past: &[],
            read_only: None,
        };
        let escalate = format!("{} to support", Advice::Escalate.words());
        assert_eq!(
            gate(&plan, &situation).refusals,
            [format!(
                "rule no-leader no longer recommends it: the advice is now {escalate}"
            )]
        );
        let own = RESTART(account).unwrap();
        let cautions = gate(&own, &situation).cautions;
        let another = safe!("current advice is: {escalate}");
        assert!(cautions.contains(&another), "{cautions:?}");
    });
}

/// How a plan is made, what changes before it is confirmed, and what is refused then.
type Changed = (Make, fn(&mut Moment), &'static str);

#[test]
fn what_is_not_there_as_it_was_planned_is_named() {
    let planned = |make: Make, change: fn(&mut Moment)| {
        let mut moment = Moment::well();
        let plan = moment.with_account(make).unwrap();
        change(&mut moment);
        moment.with_account(|account| {
            let situation = GateInput {
                account,
                past: &[],
                read_only: None,
            };
            gate(&plan, &situation).refusals.join("; ")
        })
    };
    let of_another = |moment: &mut Moment| {
        let uid = PodUid("2mgcp".into());
        let pod = moment.state.pods.remove(&uid).unwrap();
        moment.state.other_pods.insert(uid, pod);
    };
    let gone = |moment: &mut Moment| {
        moment.state.pods.remove(&PodUid("2mgcp".into()));
    };
    let no_deployment = |moment: &mut Moment| moment.state.deployment = None;
    let cases: [Changed; 5] = [
        (
            RESTART,
            of_another,
            "pod msa-x-2mgcp does not belong to the service",
        ),
        (
            RESTART,
            gone,
            "pod msa-x-2mgcp is gone, or another pod has its name",
        ),
        (RESTART, no_deployment, ""),
        (SCALE, no_deployment, "deployment msa is gone"),
        (Plan::roll_out, no_deployment, "deployment msa is gone"),
    ];
    for (make, change, expected) in cases {
        assert_eq!(planned(make, change), expected);
    }
}
