//! Whatever is known: the judgement ends, is the same each time, answers every step, and nothing is changed on what is not known now.

mod worlds;

use std::sync::LazyLock;
use std::time::Duration;

use jiff::SignedDuration;
use proptest::prelude::*;

use self::worlds::{any_sop, any_world, either_world};
use super::steps::{AnyReady, Check, Failed, WithinLimits};
use super::{Diagnosis, Truth, diagnose};
use crate::logparse::LogBatch;
use crate::observe::observation::{
    ClusterEvent, ContainerState, Deployment, Observation, Pod, PodUid, Reading,
};
use crate::observe::source::{Problem, ProblemKind, SourceId, SourceState};
use crate::observe::state::State;
use crate::plain_words::{offences, texts_of};
use crate::profile::Profile;
use crate::profile::rule::Advice;
use crate::profile::sop::{OTHER, StepStatus};
use crate::testkit::{SHORT, ago, built_in_profile, now, source};

static PROFILE: LazyLock<Profile> = LazyLock::new(built_in_profile);

/// How a source is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    Live,
    /// It told what it told a minute ago, and fails.
    Stale,
    /// It never told anything.
    Missing,
    /// It is switched off.
    Off,
}

/// What is observed and how each source is.
#[derive(Clone, Debug)]
struct World {
    began: Option<i64>,
    pods: Vec<Pod>,
    deployment: Option<Deployment>,
    /// One a pod of [`SHORT`]; the same number of batches.
    logs: Vec<Vec<LogBatch>>,
    events: Vec<ClusterEvent>,
    reading: Reading,
    how: Vec<How>,
}

/// The sources: the pods, the deployment, the events, the database, and the log of each pod.
const PODS: usize = 0;
const DEPLOYMENT: usize = 1;
const EVENTS: usize = 2;
const DATABASE: usize = 3;
const LOGS: usize = 4;
const SOURCES: usize = LOGS + SHORT.len();

/// A pod with the service's label that is a Job's or nobody's, by its short name.
const FOREIGN: &str = "alien";

fn source_of(source_number: usize) -> SourceId {
    match source_number {
        PODS => SourceId::Pods,
        DEPLOYMENT => SourceId::Deployment,
        EVENTS => SourceId::ClusterEvents,
        DATABASE => SourceId::Database,
        log => SourceId::Log(source(SHORT[log - LOGS])),
    }
}

impl World {
    fn observations_of(&self, source_number: usize) -> Vec<Observation> {
        match source_number {
            PODS => vec![Observation::Pods(self.pods.clone())],
            DEPLOYMENT => vec![Observation::Deployment(self.deployment.clone())],
            EVENTS => vec![Observation::ClusterEvents(self.events.clone())],
            DATABASE => vec![Observation::Database(self.reading.clone())],
            log => self.logs[log - LOGS]
                .iter()
                .cloned()
                .map(Observation::Log)
                .collect(),
        }
    }

    fn state(&self) -> State {
        let mut state = State::default();
        state.began_at = self.began.map(ago);
        for number in 0..SOURCES {
            let at = match self.how[number] {
                How::Live => now(),
                How::Stale => ago(60),
                How::Missing | How::Off => {
                    let how = match self.how[number] {
                        How::Off => SourceState::Off("switched off".into()),
                        _ => failing(),
                    };
                    state.apply(Observation::Source(source_of(number), how), now());
                    continue;
                }
            };
            self.observations_of(number)
                .into_iter()
                .for_each(|observation| state.apply(observation, at));
            if self.how[number] == How::Stale {
                state.apply(Observation::Source(source_of(number), failing()), ago(60));
            }
        }
        state.apply(Observation::Source(SourceId::Api, SourceState::Live), now());
        state
    }

    /// Whether no process of the service runs in a pod that stays: then nobody leads, whatever logs and leases say.
    fn nobody_runs(&self) -> bool {
        let is_own = |pod: &&Pod| pod.uid != PodUid(FOREIGN.into());
        let runs = |pod: &Pod| {
            let running = |state: &ContainerState| matches!(state, ContainerState::Running { .. });
            let service = pod.containers.iter().find(|one| &*one.name == "service");
            service.map_or(&*pod.phase == "Running", |one| running(&one.state))
        };
        let mut staying = self
            .pods
            .iter()
            .filter(is_own)
            .filter(|pod| pod.deletion_at.is_none() && !pod.is_over());
        !staying.any(runs)
    }

    fn but(&self, numbers: &[usize], how: How) -> Self {
        let mut other = self.clone();
        numbers.iter().for_each(|number| other.how[*number] = how);
        other
    }

    /// Whether a pod's log is one that has to be read: it lives, and a process of the service runs or ran in it.
    fn needs_log(&self, number: usize) -> bool {
        self.pods.iter().any(|pod| {
            let service = pod
                .containers
                .iter()
                .any(|one| &*one.name == "service" && !one.id.is_empty());
            pod.uid == PodUid(SHORT[number - LOGS].into())
                && pod.deletion_at.is_none()
                && !pod.is_over()
                && service
        })
    }
}

fn failing() -> SourceState {
    SourceState::Failing {
        problem: Problem::new(ProblemKind::Refused, "it is gone"),
        attempt: 1,
        retry_in: Duration::from_secs(5),
    }
}

// ---- What must hold ----------------------------------------------------------------------------------------------------

fn judge(sop: &str, state: &State) -> Diagnosis {
    diagnose(state, &PROFILE, PROFILE.sop(sop).unwrap(), now())
}

/// Where steps and advice say two things.
fn disagreement(diagnosis: &Diagnosis) -> Option<&'static str> {
    let fails = diagnosis.steps.iter().any(|step| step.status == StepStatus::Fail);
    match diagnosis.decision.recommendation.action {
        Advice::None if fails => Some("nothing to do beside a step that fails"),
        Advice::StartPods | Advice::RestartPods | Advice::ScaleUp | Advice::Escalate if !fails => {
            Some("something to do, and no step fails")
        }
        _ => None,
    }
}

/// The rules that hold and would have one change something.
fn changes(diagnosis: &Diagnosis) -> Vec<String> {
    let rules = diagnosis.decision.rules.iter();
    let holding = rules.filter(|rule| rule.truth.is_true() && rule.advice.action.is_change());
    holding.map(|rule| rule.id.clone()).collect()
}

/// What a rule that recommends a change rests on: without any set of these it may not hold.
fn rests_on(rule: &str, world: &World) -> Vec<Vec<usize>> {
    let logs: Vec<usize> = (LOGS..SOURCES).filter(|log| world.needs_log(*log)).collect();
    let all_logs: Vec<usize> = (LOGS..SOURCES).collect();
    let each = logs.iter().map(|log| vec![*log]);
    match rule {
        // A release or a quota may be what keeps them down.
        "down" => vec![vec![PODS], vec![DEPLOYMENT]],
        // Logs and lease are two witnesses: either may suffice.
        "no-leader" | "no-cluster-leader" if world.nobody_runs() => vec![vec![PODS]],
        "no-leader" | "no-cluster-leader" => vec![vec![PODS], [vec![DATABASE], all_logs].concat()],
        // That OCM does not fail is for every log to say.
        "cluster-accepted" => [vec![vec![PODS], vec![DATABASE]], each.collect()].concat(),
        // That no other pod panicked, or that it is not the same crash again, is for every log to say.
        "crashing" | "service-errors" => [vec![vec![PODS]], each.collect()].concat(),
        "saturated" => vec![vec![PODS], all_logs],
        other => panic!("which sources {other} rests on is not said here"),
    }
}

fn is_current(state: &State, number: usize) -> bool {
    state.is_fresh(&source_of(number), now())
}

/// Whether a step's sources are current enough to pass or fail it.
fn may_be_answered(check: &Check, status: StepStatus, world: &World, state: &State) -> bool {
    let logs = || LOGS..SOURCES;
    match check {
        Check::Replicas(_) => is_current(state, DEPLOYMENT),
        // Where the deployment was never read the pods alone tell.
        Check::PodsReady(_) => is_current(state, PODS) && !matches!(world.how[DEPLOYMENT], How::Stale),
        Check::Events(_) => is_current(state, EVENTS),
        Check::LogErrors(_) => {
            let read = |log: usize| !world.needs_log(log) || is_current(state, log);
            let any = logs().any(|log| is_current(state, log));
            is_current(state, PODS)
                && if status == StepStatus::Pass {
                    logs().all(read)
                } else {
                    any
                }
        }
        Check::Leader(_) => {
            let leases = is_current(state, DATABASE) && world.reading.leases.is_ok();
            let log = logs().any(|log| is_current(state, log));
            is_current(state, PODS) && (leases || log || world.nobody_runs())
        }
        Check::AnyReady(AnyReady { table })
        | Check::Limits(WithinLimits { table })
        | Check::Failed(Failed { table }) => {
            let read = state.statuses(table).is_some_and(Result::is_ok);
            is_current(state, DATABASE) && read
        }
        Check::Load(_) if status == StepStatus::Pass => {
            is_current(state, PODS) && logs().all(|log| !world.needs_log(log) || is_current(state, log))
        }
        Check::Load(_) => is_current(state, PODS) && logs().any(|log| is_current(state, log)),
        Check::Other(_) | Check::Alert(_) => false,
        // None of the worlds has a monitoring server.
        Check::Manual(_) | Check::Dashboard(_) | Check::Tracker(_) => status == StepStatus::Manual,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_step_has_one_answer_and_the_same_each_time(world in any_world(), sop in any_sop()) {
        let state = world.state();
        let first = judge(sop, &state);
        let sop = PROFILE.sop(sop).unwrap();
        let ids: Vec<_> = PROFILE.steps_of(sop).into_iter().map(|(id, _)| id.to_owned()).collect();
        let own = first.steps.iter().filter(|step| step.id != OTHER);
        prop_assert_eq!(own.map(|step| step.id.clone()).collect::<Vec<_>>(), ids);
        prop_assert!(first.steps.iter().rev().skip(1).all(|step| step.id != OTHER), "it is the last");
        prop_assert!(first.decision.rules.iter().all(|rule| !rule.flips.is_empty()));
        prop_assert_eq!(&judge(&sop.id, &state), &first);
        let offences: Vec<_> = texts_of(&first).iter().flat_map(|text| offences(text)).collect();
        prop_assert!(offences.is_empty(), "{offences:#?}");
        let until = first.decision.recommendation.until;
        let longest = SignedDuration::from_secs(241 + 30);
        prop_assert!(until.is_none_or(|until| until.duration_since(now()) <= longest), "{:?}", until);
    }

    #[test]
    fn no_step_passes_or_fails_on_a_source_that_is_missing_or_stale(world in either_world(), sop in any_sop()) {
        let state = world.state();
        let diagnosis = judge(sop, &state);
        let steps = PROFILE.steps_of(PROFILE.sop(sop).unwrap());
        for (found, (_, step)) in diagnosis.steps.iter().zip(steps) {
            if matches!(found.status, StepStatus::Pass | StepStatus::Fail) {
                prop_assert!(may_be_answered(&step.check, found.status, &world, &state), "{found:?} {:?}", world.how);
            }
        }
    }

    #[test]
    fn who_acts_or_escalates_has_a_failing_step_and_none_fails_where_nothing_is_to_be_done(world in either_world()) {
        let state = world.state();
        for sop in &PROFILE.sops {
            let diagnosis = judge(&sop.id, &state);
            prop_assert_eq!(disagreement(&diagnosis), None, "{}: {:#?}", sop.id, diagnosis);
        }
    }

    #[test]
    fn nothing_to_do_is_said_only_where_every_rule_could_be_evaluated(world in either_world(), sop in any_sop()) {
        let decision = judge(sop, &world.state()).decision;
        if decision.recommendation.action == Advice::None {
            let unknown = decision.rules.iter().find(|rule| matches!(rule.truth, Truth::Unknown { .. }));
            prop_assert_eq!(unknown, None);
        }
    }

    #[test]
    fn no_change_is_recommended_without_what_it_rests_on(world in either_world(), sop in any_sop()) {
        let before = judge(sop, &world.state());
        for rule in changes(&before) {
            for numbers in rests_on(&rule, &world) {
                for how in [How::Stale, How::Missing, How::Off] {
                    let after = judge(sop, &world.but(&numbers, how).state());
                    prop_assert!(!changes(&after).contains(&rule), "{rule} without {numbers:?} ({how:?}): {:#?}", after.decision);
                }
            }
        }
    }

    #[test]
    fn knowing_less_never_makes_a_change_right(world in either_world(), sop in any_sop()) {
        let before = changes(&judge(sop, &world.state()));
        for number in 0..SOURCES {
            let is_log = number >= LOGS;
            if is_log && !world.needs_log(number) {
                // Of a pod that is going: its process is not what would be changed.
                continue;
            }
            let after = changes(&judge(sop, &world.but(&[number], How::Missing).state()));
            for rule in after {
                // Logs and lease are two witnesses of who leads: without the one the other decides alone.
                let of_leader = matches!(&*rule, "no-leader" | "no-cluster-leader");
                let other_witness = of_leader && (is_log || number == DATABASE);
                // How many keep up is for all logs to say together.
                let load = rule == "saturated" && is_log;
                prop_assert!(before.contains(&rule) || other_witness || load, "{rule} without {:?}", source_of(number));
            }
        }
    }
}
