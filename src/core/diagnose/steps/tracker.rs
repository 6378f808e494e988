//! `tracker`: no issue of the error tracker is new or rising since shortly before the incident. Without a tracker, the operator looks.

use crate::safe;
use crate::text::{SafeText, counted};
use serde::{Deserialize, Serialize};

use super::StepCheck;
use crate::diagnose::evaluation::Evaluation;
use crate::diagnose::monitoring::is_configured;
use crate::diagnose::monitoring::tracker::{began, saw_all, suspects};
use crate::diagnose::quoting;
use crate::diagnose::step_result::{SourceCheck, StepResult};
use crate::observe::observation::Confirmed;
use crate::observe::source::SourceId;
use crate::profile::sop::StepStatus;
use crate::text::duration;

/// Issues that are named.
const NAMED: usize = 5;

const SOURCE: &str = "error tracker";

/// No issue is new or rising. Silence is no health: it passes only where the tracker knows the project and got events of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct TrackerIssues {}

impl StepCheck for TrackerIssues {
    fn judge(&self, case: &Evaluation<'_>) -> StepResult {
        let monitoring = case.profile.monitoring.as_ref();
        let Some(monitoring) = monitoring.filter(|_| is_configured(case.state, &SourceId::Tracker)) else {
            return StepResult::new(StepStatus::Manual, "operator");
        };
        let heard = case.hear(&SourceId::Tracker, SOURCE);
        if let SourceCheck::Never(why) = heard {
            return StepResult::unknown(SOURCE, "no data", why);
        }
        let Some((_, reading)) = case.state.monitoring.tracker() else {
            return StepResult::unknown(SOURCE, "no data", SafeText::from("error tracker: no data yet"));
        };
        let before = duration::brief(duration::of(monitoring.tracker.before));
        let threshold = safe!("no new or rising issue since {before} before the incident");
        let found = suspects(case.state, case.profile, case.now);
        if let [first, ..] = found.as_slice() {
            let value = counted(found.len(), "issue", "issues");
            let lines = found.iter().take(NAMED).map(|one| one.words(case.now));
            return StepResult::new(StepStatus::Fail, SOURCE)
                .value(safe!(
                    "{value}: {}",
                    quoting::gist(without_type(&first.issue.title))
                ))
                .against(threshold)
                .evidence(lines)
                .evidence(
                    found
                        .iter()
                        .take(NAMED)
                        .map(|one| safe!("link: {}", one.issue.link)),
                )
                .heard(&heard);
        }
        let since = began(case.state, case.now);
        let since = since
            .checked_sub(duration::of(monitoring.tracker.before))
            .unwrap_or(since);
        let why = match reading.confirmed {
            Some(Confirmed::Used) if saw_all(reading, since) => None,
            Some(Confirmed::Used) => Some("more issues than were read are as new"),
            Some(Confirmed::NeverUsed) => Some("the project never had an event"),
            Some(Confirmed::Missing) => Some("the tracker shows no such project"),
            None => Some("whether the project is there can't be seen with this token"),
        };
        let result = match why {
            None => StepResult::new(StepStatus::Pass, SOURCE).value("looked: nothing new"),
            Some(why) => StepResult::unknown(
                SOURCE,
                "nothing new, not certain",
                safe!("{}: {why}", reading.project),
            ),
        };
        result.against(threshold).heard(&heard)
    }

    /// Where no tracker is configured, and where it can't tell.
    fn is_manual(&self) -> bool {
        true
    }
}

/// A title without the Go type of its error: it tells nothing, and takes the room of what does.
fn without_type(title: &str) -> &str {
    let said = title.split_once(": ").filter(|(name, _)| name.starts_with('*'));
    said.map_or(title, |(_, said)| said)
}
