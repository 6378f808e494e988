//! `led`: exactly one pod leads each of some workers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::RuleCondition;
use crate::diagnose::decide::Truth;
use crate::diagnose::evaluation::Evaluation;
use crate::diagnose::leaders::Verdict;
use crate::profile::validation::Mistakes;
use crate::safe;
use crate::text::SafeText;

/// Exactly one pod leads each of these workers.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Led {
    /// The workers, by lease type.
    pub workers: Vec<String>,
}

impl RuleCondition for Led {
    fn evaluate(&self, case: &Evaluation<'_>) -> Truth {
        Truth::all(case.readings(&self.workers).map(|reading| match reading.verdict {
            Verdict::One => Truth::holds([case.leader_in_words(reading)]),
            Verdict::None | Verdict::Many => Truth::holds_not(case.leader_in_words(reading)),
            Verdict::Settling { .. } | Verdict::Unknown => Truth::unknown(case.who_leads(reading)),
        }))
    }

    fn known_at(&self, case: &Evaluation<'_>) -> Option<Timestamp> {
        case.leaders_known_at(&self.workers)
    }

    fn turns_true(&self, case: &Evaluation<'_>) -> SafeText {
        safe!("exactly one pod leads {}", case.titles(&self.workers))
    }

    fn turns_false(&self, case: &Evaluation<'_>) -> SafeText {
        safe!("no pod, or more than one, leads {}", case.titles(&self.workers))
    }

    fn validate(&self, path: &str, mistakes: &mut Mistakes<'_>) {
        mistakes.lease_types(path, &self.workers);
    }
}
