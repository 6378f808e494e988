//! `replicas`: the deployment is configured to the profile's number of pods.

use serde::{Deserialize, Serialize};

use super::StepCheck;
use crate::diagnose::evaluation::Evaluation;
use crate::diagnose::step_result::{SourceCheck, StepResult};
use crate::observe::observation::Deployment;
use crate::observe::source::SourceId;
use crate::profile::sop::StepStatus;
use crate::safe;
use crate::text::{SafeText, counted};

/// The deployment is configured to as many pods as the profile wants. More are a scale-up, which the SOPs allow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Replicas {}

impl StepCheck for Replicas {
    fn judge(&self, case: &Evaluation<'_>) -> StepResult {
        let want = case.profile.service.replicas;
        let heard = case.hear(&SourceId::Deployment, "deployment");
        if let SourceCheck::Never(why) = heard {
            return StepResult::unknown("deployment", "deployment not read", why);
        }
        let Some(deployment) = &case.state.deployment else {
            return case.no_deployment("deployment").heard(&heard);
        };
        let enough = deployment.replicas >= want;
        let status = if enough {
            StepStatus::Pass
        } else {
            StepStatus::Fail
        };
        let mut answer = StepResult::new(status, "deployment")
            .value(match deployment.replicas {
                more if more > want => format!("{more} configured (at least {want})"),
                few => format!("{few} configured{}", case.expected_unless(few)),
            })
            .against(want.to_string())
            .because(counts(deployment));
        if deployment.paused {
            answer = answer.because("its rollout is paused");
        }
        answer.heard(&heard)
    }
}

/// `deployment msa: spec.replicas 3; 3 pods, 3 ready, 3 updated, 3 available`.
fn counts(deployment: &Deployment) -> SafeText {
    let Deployment {
        name,
        replicas,
        current,
        ready,
        updated,
        available,
        ..
    } = deployment;
    let pods = counted(*current, "pod", "pods");
    safe!(
        "deployment {name}: spec.replicas {replicas}; {pods}, {ready} ready, {updated} updated, {available} available"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::deployment;

    #[test]
    fn one_pod_is_no_pods() {
        for (current, words) in [(0, "; 0 pods, "), (1, "; 1 pod, "), (3, "; 3 pods, ")] {
            let deployment = Deployment {
                current,
                ..deployment(current)
            };
            assert!(counts(&deployment).contains(words), "{}", counts(&deployment));
        }
    }
}
