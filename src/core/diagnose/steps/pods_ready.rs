//! `pods-ready`: so many pods are configured, started and ready.

use serde::{Deserialize, Serialize};

use super::StepCheck;
use crate::diagnose::evaluation::Evaluation;
use crate::diagnose::settle;
use crate::diagnose::step_result::{SourceCheck, StepResult};
use crate::observe::observation::{Deployment, Pod};
use crate::observe::source::SourceId;
use crate::profile::sop::StepStatus;
use crate::safe;
use crate::text::{SafeText, counted};

/// Pods that are named of many.
const NAMED: usize = 6;

/// As many pods as the profile wants are configured, started and ready. Where the deployment can't be read, the pods alone show it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct PodsReady {}

impl StepCheck for PodsReady {
    fn judge(&self, case: &Evaluation<'_>) -> StepResult {
        let pods = case.hear(&SourceId::Pods, "pods");
        if let SourceCheck::Never(why) = pods {
            return StepResult::unknown("pods", "pods not read", why);
        }
        match case.hear(&SourceId::Deployment, "deployment") {
            SourceCheck::Never(why) => judge_pods(None, "pods", case).because(why).heard(&pods),
            heard => match &case.state.deployment {
                None => case.no_deployment("deployment and pods").heard(&heard.and(pods)),
                some => judge_pods(some.as_ref(), "deployment and pods", case).heard(&heard.and(pods)),
            },
        }
    }
}

fn judge_pods(deployment: Option<&Deployment>, source: &'static str, case: &Evaluation<'_>) -> StepResult {
    let want = case.profile.service.replicas;
    let configured = deployment.map_or(want, |deployment| deployment.replicas);
    let ready = case.ready_pods() as u32;
    let rolled_out = deployment.is_none_or(|deployment| deployment.observed);
    // Where no pod is ready, the step waits for one only as long as the rules wait.
    let may_wait = ready > 0 || case.settles().is_ok();
    let status = if configured < want {
        StepStatus::Fail
    } else if ready >= configured && rolled_out {
        StepStatus::Pass
    } else if may_wait && (!rolled_out || others_are_coming(case)) {
        StepStatus::Waiting
    } else {
        StepStatus::Fail
    };
    let starting = if status == StepStatus::Waiting {
        ", starting"
    } else {
        ""
    };
    let expected = case.expected_unless(configured);
    StepResult::new(status, source)
        .value(safe!("{ready} of {configured} ready{expected}{starting}"))
        .against(want.to_string())
        .evidence(troubled(case).take(NAMED).map(|pod| case.trouble_of(pod)))
        .evidence(more(troubled(case).count()))
        .evidence(deployment.and_then(roll_out))
        .evidence(case.other_pods())
}

/// Pods that are not ready, and those that are again after a crash of late.
fn troubled<'a>(case: &'a Evaluation<'_>) -> impl Iterator<Item = &'a Pod> {
    let of_late = |pod: &Pod| pod.restarted_at.is_some_and(|at| at >= case.window());
    let pods = case.state.pods.values();
    pods.filter(move |pod| !pod.is_ready() || of_late(pod))
}

/// Whether every pod that is not ready is on its way, and at least one is, or a pod that goes makes room for one.
fn others_are_coming(case: &Evaluation<'_>) -> bool {
    let pods = || case.state.pods.values().filter(|pod| !pod.is_over());
    let mut unready = pods()
        .filter(|pod| !pod.is_ready() && pod.deletion_at.is_none())
        .peekable();
    let coming = unready.peek().is_some() || pods().any(|pod| pod.deletion_at.is_some());
    let starts = |pod: &Pod| settle::is_starting(case.state, &case.profile.leaders, pod, case.now);
    coming && unready.all(starts)
}

fn more(count: usize) -> Option<SafeText> {
    (count > NAMED).then(|| safe!("and {} more", count - NAMED))
}

/// What a roll-out that is not over is at.
fn roll_out(deployment: &Deployment) -> Option<SafeText> {
    if !deployment.observed {
        return Some("the controller has not seen the newest spec yet".into());
    }
    (deployment.updated < deployment.replicas).then(|| {
        safe!(
            "rollout: {} of {} updated",
            deployment.updated,
            counted(deployment.replicas, "pod", "pods")
        )
    })
}
