//! `cluster-events`: events report trouble of the cluster below the service that can hurt it.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::RuleCondition;
use crate::diagnose::decide::Truth;
use crate::diagnose::evaluation::Evaluation;
use crate::diagnose::event_evidence::is_of_the_cluster;
use crate::diagnose::settle::WINDOW;
use crate::diagnose::steps::Check;
use crate::observe::observation::ClusterEvent;
use crate::observe::source::SourceId;
use crate::profile::Profile;
use crate::safe;
use crate::text::{SafeText, duration};

/// Lines of evidence that are shown of many.
const LINES: usize = 3;

/// Events of the window report trouble of the cluster below the service, and it is not over.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct ClusterEvents {}

impl RuleCondition for ClusterEvents {
    fn evaluate(&self, case: &Evaluation<'_>) -> Truth {
        if let Some(why) = case.hear(&SourceId::ClusterEvents, "events").trouble() {
            return Truth::unknown(why);
        }
        let since = case.window();
        let mut events: Vec<&ClusterEvent> = case
            .state
            .service_events()
            .filter(|event| event.last_at.is_some_and(|at| at >= since) && is_of_the_cluster(event))
            .collect();
        let before = events.len();
        events.retain(|event| !case.is_over(event));
        events.sort_by_key(|event| std::cmp::Reverse(event.last_at));
        if !events.is_empty() {
            let newest = events.iter().take(LINES);
            return Truth::holds(newest.map(|event| case.event_in_words(event)));
        }
        Truth::holds_not(if before > 0 {
            "the cluster had trouble within the window, and it is over"
        } else {
            "no event of cluster trouble within the window"
        })
    }

    fn turns_true(&self, _case: &Evaluation<'_>) -> SafeText {
        "an event tells of trouble with a node, a mount, a quota or a place".into()
    }

    fn turns_false(&self, _case: &Evaluation<'_>) -> SafeText {
        safe!("no such event comes for {}", duration::brief(WINDOW))
    }

    fn threshold(&self, _profile: &Profile, window: SignedDuration) -> Vec<SafeText> {
        vec![safe!("no warning within {}", duration::brief(window))]
    }

    fn source(&self, case: &Evaluation<'_>) -> (&'static str, Option<SignedDuration>) {
        ("events", case.hear(&SourceId::ClusterEvents, "events").age())
    }

    fn is_about(&self, check: &Check, _case: &Evaluation<'_>) -> bool {
        matches!(check, Check::Events(_))
    }
}
