//! `cluster-events`: events report trouble of the cluster below the service that can hurt it.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::RuleCondition;
use crate::diagnose::decide::Truth;
use crate::diagnose::evaluation::Evaluation;
use crate::diagnose::event_evidence::is_of_the_cluster;
use crate::diagnose::quoting;
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
            let because = newest.map(|event| case.event_in_words(event));
            return Truth::holds(
                events
                    .first()
                    .map(|event| in_short(event))
                    .into_iter()
                    .chain(because),
            );
        }
        Truth::holds_not(if before > 0 {
            "the cluster had problems lately, and they are over"
        } else {
            "no event of this namespace reports a problem of the cluster (those of nodes are not read)"
        })
    }

    fn turns_true(&self, _case: &Evaluation<'_>) -> SafeText {
        "an event reports a node, mount, quota or scheduling problem".into()
    }

    fn turns_false(&self, _case: &Evaluation<'_>) -> SafeText {
        safe!("no such event for {}", duration::brief(WINDOW))
    }

    fn threshold(&self, _profile: &Profile, window: SignedDuration) -> Vec<SafeText> {
        vec![safe!("1 warning of the cluster in {}", duration::brief(window))]
    }

    fn source(&self, case: &Evaluation<'_>) -> (&'static str, Option<SignedDuration>) {
        ("events", case.hear(&SourceId::ClusterEvents, "events").age())
    }

    fn is_about(&self, check: &Check, _case: &Evaluation<'_>) -> bool {
        matches!(check, Check::Events(_))
    }
}

/// `FailedScheduling ×5: 0/6 nodes are available: insufficient memory (msa-x-lzxms)`.
fn in_short(event: &ClusterEvent) -> SafeText {
    let ClusterEvent {
        reason,
        count,
        object_name,
        message,
        ..
    } = event;
    let times = if *count > 1 {
        safe!(" ×{count}")
    } else {
        SafeText::default()
    };
    safe!("{reason}{times}: {} ({object_name})", quoting::gist(message))
}
