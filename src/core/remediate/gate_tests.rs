//! What the gate refuses, one thing at a time; and what is said of the rest before it is done.

use super::command::{Command, CommandOutcome, PlanKind};
use super::gate::{GateInput, gate};
use super::plan::Plan;
use crate::diagnose::leaders::Verdict;
use crate::diagnose::{Diagnosis, RuleFinding, Truth};
use crate::export::case_snapshot::CaseSnapshot;
use crate::observe::observation::{
    Access, Autoscaler, Condition, Connection, Observation, Permission, PodUid,
};
use crate::observe::source::{ProblemKind, SourceId, SourceState};
use crate::observe::state::State;
use crate::profile::Profile;
use crate::profile::rule::{Advice, RuleAdvice};
use crate::record::Intent;
use crate::remediate::applied_command::AppliedCommand;
use crate::testkit::{ago, deployment, failing, leader, look_at, now, pod, profile};
use crate::text::SafeText;

/// All is well: three pods, everything fresh.
fn state() -> State {
    let mut state = State::default();
    let connection = Connection {
        server: "https://api.stage:6443".into(),
        context: None,
        user: "oncall".into(),
        namespace: "msa-stage".into(),
        version: None,
        expires_at: None,
        unverified: false,
    };
    state.apply(Observation::Connection(connection), now());
    let pods = ["2mgcp", "blf5h", "lzxms"].map(|short| pod(short, 90_000));
    state.apply(Observation::Pods(pods.to_vec()), now());
    state.apply(Observation::Deployment(Some(deployment(3))), now());
    for id in [SourceId::Api, SourceId::Pods, SourceId::Deployment] {
        state.apply(Observation::Source(id, SourceState::Live), now());
    }
    state
}

pub(super) fn done(seconds: i64, cause: Option<&str>, outcome: CommandOutcome) -> AppliedCommand {
    let command = Command::DeletePod {
        pod: "msa-x-gone".into(),
        uid: PodUid("gone".into()),
    };
    let intent = Intent {
        id: 1,
        command,
        aim: PlanKind::RestartPod,
        cause: cause.map(str::to_owned),
        user: "oncall".into(),
        part: None,
        advice: None,
        rest: Vec::new(),
    };
    AppliedCommand {
        at: ago(seconds),
        intent,
        outcome: Some((ago(seconds), outcome)),
        stages: Vec::new(),
    }
}

pub(super) fn applied() -> CommandOutcome {
    CommandOutcome::Applied { how: "said".into() }
}

/// A moment at which something is to be done; each test changes one thing of it.
pub(super) struct Moment {
    pub(super) state: State,
    pub(super) profile: Profile,
    pub(super) diagnosis: Diagnosis,
    pub(super) past: Vec<AppliedCommand>,
    pub(super) read_only: Option<&'static str>,
    pub(super) later: i64,
}

impl Moment {
    pub(super) fn well() -> Self {
        Self {
            state: state(),
            profile: profile(),
            diagnosis: Diagnosis::default(),
            past: Vec::new(),
            read_only: None,
            later: 0,
        }
    }

    pub(super) fn with_account<T>(&self, look: impl FnOnce(&CaseSnapshot<'_>) -> T) -> T {
        look_at(
            (&self.state, &self.profile, &self.diagnosis),
            ago(-self.later),
            look,
        )
    }

    fn refusals(&self, plan: impl Fn(&CaseSnapshot<'_>) -> Result<Plan, SafeText>) -> String {
        self.with_account(|account| {
            let situation = GateInput {
                account,
                past: &self.past,
                read_only: self.read_only,
            };
            match plan(account) {
                Ok(plan) => gate(&plan, &situation).refusals.join("; "),
                Err(why) => why.to_string(),
            }
        })
    }

    fn cautions(&self, plan: impl Fn(&CaseSnapshot<'_>) -> Result<Plan, SafeText>) -> String {
        self.with_account(|account| {
            let situation = GateInput {
                account,
                past: &self.past,
                read_only: self.read_only,
            };
            gate(&plan(account).unwrap(), &situation).cautions.join("; ")
        })
    }

    fn restart(&self) -> String {
        self.refusals(restart_of_one)
    }
}

fn restart_of_one(account: &CaseSnapshot<'_>) -> Result<Plan, SafeText> {
    Plan::restart_pod(account, &PodUid("2mgcp".into()))
}

/// What a moment is called, how it differs from a good one, and what is refused in it; empty for nothing.
type Case = (&'static str, fn(&mut Moment), &'static str);

fn holds(cases: &[Case]) {
    for (what, change, words) in cases {
        let mut moment = Moment::well();
        change(&mut moment);
        let refused = moment.restart();
        assert_eq!(refused.is_empty(), words.is_empty(), "{what}: {refused}");
        assert!(refused.contains(words), "{what}: {refused}");
    }
}

#[test]
fn what_stands_against_the_restart_of_a_pod_is_told() {
    holds(&[
        ("nothing", |_| {}, ""),
        (
            "read-only",
            |moment| moment.read_only = Some("--read-only"),
            "read-only: --read-only",
        ),
        (
            "not connected",
            |moment| moment.state.connection = None,
            "not connected",
        ),
        ("stale", |moment| moment.later = 16, "pods: last data 16s ago"),
        (
            "no right",
            |moment| {
                let permission = Permission {
                    verb: "delete".into(),
                    group: "".into(),
                    resource: "pods".into(),
                    subresource: "".into(),
                    name: "".into(),
                };
                let access = Access {
                    permission,
                    allowed: Some(false),
                    reason: "".into(),
                };
                moment.state.apply(Observation::Access(vec![access]), now());
            },
            "no permission to delete pods",
        ),
        (
            "gone",
            |moment| {
                moment
                    .state
                    .apply(Observation::PodGone(PodUid("2mgcp".into())), now());
            },
            "the pod is gone",
        ),
        (
            "too few ready",
            |moment| {
                moment
                    .state
                    .apply(Observation::PodGone(PodUid("lzxms".into())), now());
            },
            "only 2 pods are ready and 2 must stay up",
        ),
        (
            "one is enough for this service",
            |moment| {
                moment.profile.service.keep_ready = Some(1);
                moment
                    .state
                    .apply(Observation::PodGone(PodUid("lzxms".into())), now());
            },
            "",
        ),
    ]);
}

#[test]
fn what_was_done_before_stands_against_it_for_its_time() {
    holds(&[
        (
            "something settles",
            |moment| {
                moment.diagnosis.decision.rules.push(RuleFinding {
                    id: "settling".to_owned(),
                    title: "t".into(),
                    truth: Truth::True {
                        because: vec!["a rollout is under way".into()],
                        again: false,
                    },
                    advice: RuleAdvice {
                        action: Advice::Wait,
                        contact: None,
                    },
                    flips: SafeText::default(),
                });
            },
            "wait: a rollout is under way",
        ),
        (
            "restarted just now",
            |moment| moment.past.push(done(100, None, applied())),
            "(deleted pod msa-x-gone 1m40s ago)",
        ),
        (
            "restarted a while ago",
            |moment| moment.past.push(done(10_000, None, applied())),
            "",
        ),
        (
            "refused just now",
            |moment| {
                let refused = CommandOutcome::Refused { why: "no".into() };
                moment.past.push(done(100, None, refused));
            },
            "",
        ),
        (
            "an outcome is unknown",
            |moment| {
                let unknown = CommandOutcome::Unknown { why: "cut".into() };
                moment.past.push(done(100, None, unknown));
            },
            "outcome still unknown",
        ),
        (
            "an outcome was never told",
            |moment| {
                let unknown = CommandOutcome::Unknown { why: "cut".into() };
                moment.past.push(done(10_000, None, unknown));
            },
            "",
        ),
    ]);
}

fn advise(moment: &mut Moment, action: Advice, rule: &str) {
    let recommendation = &mut moment.diagnosis.decision.recommendation;
    recommendation.action = action;
    recommendation.rule = Some(rule.to_owned());
}

fn restart_all(account: &CaseSnapshot<'_>) -> Result<Plan, SafeText> {
    Plan::restart_all(account).map(|plan| plan.caused(account))
}

#[test]
fn the_same_cause_is_restarted_for_until_no_pod_is_left_from_before() {
    let mut moment = Moment::well();
    advise(&mut moment, Advice::RestartPods, "no-leader");
    assert_eq!(moment.refusals(restart_all), "");
    moment.past.push(done(10_000, Some("no-leader"), applied()));
    assert_eq!(moment.refusals(restart_all), "", "three pods are older than that");
    for short in ["2mgcp", "blf5h"] {
        moment.state.apply(Observation::Pod(pod(short, 9_000)), now());
    }
    assert_eq!(moment.refusals(restart_all), "", "one pod is older than that");
    moment.state.apply(Observation::Pod(pod("lzxms", 9_000)), now());
    let refused = moment.refusals(restart_all);
    assert!(refused.contains("hand it off instead"), "{refused}");
    advise(&mut moment, Advice::RestartPods, "crashing");
    assert_eq!(moment.refusals(restart_all), "", "another cause");
}

#[test]
fn what_was_recommended_falls_with_its_recommendation() {
    let mut moment = Moment::well();
    advise(&mut moment, Advice::RestartPods, "no-leader");
    let confirmed = moment.with_account(restart_all).unwrap();
    assert_eq!(confirmed.cause.as_deref(), Some("no-leader"));
    let asked = |_: &CaseSnapshot<'_>| Ok(confirmed.clone());
    for (action, rule) in [
        (Advice::None, "nothing"),
        (Advice::Escalate, "no-leader"),
        (Advice::RestartPods, "crashing"),
    ] {
        advise(&mut moment, action, rule);
        let refused = moment.refusals(asked);
        assert!(
            refused.contains("rule no-leader no longer recommends it: the advice is now"),
            "{refused}"
        );
    }
    // what the operator chose against the advice stands on its own
    assert_eq!(
        moment.refusals(|account| Ok(Plan::restart_all(account)?.caused(account))),
        ""
    );
    advise(&mut moment, Advice::Escalate, "ocm-errors");
    assert_eq!(moment.refusals(restart_all), "");
}

#[test]
fn pods_are_not_restarted_in_the_middle_of_a_rollout() {
    let mut rolling = deployment(3);
    rolling.updated = 1;
    let mut surging = deployment(3);
    surging.current = 4;
    let mut unseen = deployment(3);
    unseen.observed = false;
    for deployment in [rolling, surging, unseen] {
        let mut moment = Moment::well();
        moment
            .state
            .apply(Observation::Deployment(Some(deployment)), now());
        let refused = moment.restart();
        assert!(refused.contains("is still rolling out"), "{refused}");
        assert_eq!(moment.refusals(|account| Plan::scale(account, 1)), "");
    }
    // A rollout that is stuck leaves its old pods, which are made again.
    let mut stuck = deployment(3);
    stuck.updated = 1;
    stuck.conditions = vec![Condition {
        kind: "Progressing".into(),
        status: "False".into(),
        reason: "ProgressDeadlineExceeded".into(),
        message: "".into(),
        since: None,
    }];
    let mut moment = Moment::well();
    moment.state.apply(Observation::Deployment(Some(stuck)), now());
    assert_eq!(moment.restart(), "");
    assert!(
        moment
            .cautions(restart_of_one)
            .contains("is stuck: pods of its new template do not start")
    );
    assert!(
        moment
            .refusals(Plan::roll_out)
            .contains("another one would make pods of the same template")
    );
    let mut moment = Moment::well();
    let mut paused = deployment(3);
    paused.paused = true;
    moment.state.apply(Observation::Deployment(Some(paused)), now());
    assert_eq!(moment.restart(), "");
    let refused = moment.refusals(Plan::roll_out);
    assert!(refused.contains("is paused"), "{refused}");
}

#[test]
fn an_autoscaler_undoes_another_number_of_pods_and_may_do_so_where_it_is_not_known() {
    let more = |account: &CaseSnapshot<'_>| Plan::scale(account, 1);
    let heard = |observation: Observation| {
        let mut moment = Moment::well();
        moment.state.apply(observation, now());
        moment
    };
    let autoscaler = Autoscaler {
        name: "msa-load".into(),
        min: 2,
        max: 6,
        current: 3,
    };
    let off = SourceState::Off("it is forbidden to list autoscalers".into());
    let unknown = "whether an autoscaler will undo it is unknown";
    for (moment, caution) in [
        (heard(Observation::Autoscaler(None)), ""),
        (
            heard(Observation::Autoscaler(Some(autoscaler))),
            "autoscaler msa-load will undo it: it keeps 2 to 6 pods (now 3)",
        ),
        (Moment::well(), unknown),
        (
            heard(Observation::Source(SourceId::Autoscaler, off)),
            &format!("{unknown}: it is forbidden to list autoscalers"),
        ),
        (
            heard(failing(SourceId::Autoscaler, ProblemKind::Refused, "no answer")),
            &format!("{unknown}: no answer"),
        ),
    ] {
        let cautions = moment.cautions(more);
        let of_autoscaler = cautions
            .split("; ")
            .find(|caution| caution.contains("autoscaler"));
        assert_eq!(of_autoscaler.unwrap_or_default(), caution);
        assert!(!moment.cautions(Plan::restart_all).contains("autoscaler"));
    }
}

#[test]
fn a_pod_that_is_over_is_not_restarted() {
    let mut moment = Moment::well();
    let mut evicted = pod("2mgcp", 90_000);
    evicted.phase = "Failed".into();
    evicted.status = "Evicted".into();
    moment.state.apply(Observation::Pod(evicted), now());
    let refused = moment.restart();
    assert!(refused.contains("has ended (Evicted)"), "{refused}");
}

#[test]
fn a_number_of_pods_that_somebody_else_changed_is_not_changed_again() {
    let mut moment = Moment::well();
    assert_eq!(moment.refusals(|account| Plan::scale(account, 1)), "");
    let less = moment.refusals(|account| Plan::scale(account, -1));
    assert!(less.contains("fewer than the 3"), "{less}");
    let before = moment.refusals(|account| {
        let mut plan = Plan::scale(account, 1)?;
        if let Some(Command::Scale { from, .. }) = plan.commands.first_mut() {
            *from = 2;
        }
        Ok(plan)
    });
    assert!(before.contains("wants 3 pods now, not 2"), "{before}");
    let mut other = deployment(3);
    other.uid = "another".into();
    let of_old = |account: &CaseSnapshot<'_>| {
        let mut plan = Plan::scale(account, 1)?;
        if let Some(Command::Scale { uid, .. }) = plan.commands.first_mut() {
            *uid = "d".into();
        }
        Ok(plan)
    };
    moment.state.apply(Observation::Deployment(Some(other)), now());
    let refused = moment.refusals(of_old);
    assert!(
        refused.contains("replaced by another of the same name"),
        "{refused}"
    );
}

#[test]
fn pods_are_started_by_the_means_that_the_situation_asks_for() {
    let mut moment = Moment::well();
    assert!(moment.refusals(Plan::start).contains("a pod is ready"));
    for uid in ["2mgcp", "blf5h", "lzxms"] {
        moment
            .state
            .apply(Observation::PodGone(PodUid(uid.into())), now());
    }
    assert!(moment.refusals(Plan::start).contains("creates none"));
    moment
        .state
        .apply(Observation::Deployment(Some(deployment(0))), now());
    assert_eq!(moment.refusals(Plan::start), "");
}

/// How a plan is made, what it does, and what it may cost.
type Stake = (
    fn(&CaseSnapshot<'_>) -> Result<Plan, SafeText>,
    &'static str,
    &'static [&'static str],
);

const SERVE: &str = "2 of 3 pods keep serving";
const GAP: &str = "Kafka has no leader for 30s–3m30s (old lease must expire)";

const STAKES: [Stake; 6] = [
    (
        |account| Plan::restart_pod(account, &PodUid("blf5h".into())),
        "the deployment creates a new pod in its place",
        &[SERVE, "not a leader: no leadership gap"],
    ),
    (
        |account| Plan::restart_pod(account, &PodUid("2mgcp".into())),
        "the deployment creates a new pod in its place",
        &[SERVE, GAP],
    ),
    (
        Plan::restart_all,
        "deletes 3 pods one by one, each after the last replacement is ready; leaders come last",
        &[SERVE, GAP],
    ),
    (
        Plan::roll_out,
        "the deployment replaces all its pods by its rollout strategy",
        &[GAP],
    ),
    (
        |account| Plan::scale(account, 1),
        "adds 1 pod",
        &["up to 20 more database connections", "undo: scale back to 3"],
    ),
    (
        |account| Plan::scale(account, -2),
        "Kubernetes picks 2 pods to remove",
        &[
            "Kafka may have no leader for 30s–3m30s (if the leader is removed, its lease must expire)",
            "up to 40 fewer database connections",
            "undo: scale back to 3",
        ],
    ),
];

#[test]
fn what_a_plan_does_and_what_it_may_cost_is_told() {
    let mut moment = Moment::well();
    moment.profile.service.database_connections_per_pod = Some(20);
    moment
        .diagnosis
        .leaders
        .push(leader("Kafka", Verdict::One, &pod("2mgcp", 90_000).name));
    for (plan, effect, risks) in STAKES {
        moment.with_account(|account| {
            let plan = plan(account).unwrap();
            assert_eq!(plan.effect(), effect);
            assert_eq!(plan.risks(account), risks, "{}", plan.words());
        });
    }
}
