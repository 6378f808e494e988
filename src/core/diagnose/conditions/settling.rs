//! `settling`: the pods settle, so nothing can be concluded from them yet.
//!
//! A restart or a roll-out is under way, or happened less than the settle window ago: see [`settle`](crate::diagnose::settle).

use serde::{Deserialize, Serialize};

use super::RuleCondition;
use crate::diagnose::decide::Truth;
use crate::diagnose::evaluation::Evaluation;
use crate::safe;
use crate::text::SafeText;

/// The pods settle: a restart or a roll-out is under way, or happened less than the settle window ago.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct PodsSettle {}

impl RuleCondition for PodsSettle {
    fn evaluate(&self, case: &Evaluation<'_>) -> Truth {
        if let Some(unread) = case.pods_unread() {
            return unread;
        }
        match case.settles() {
            Ok(settling) => Truth::holds([settling.why]),
            Err(settled) => Truth::holds_not(settled.words(&case.profile.leaders)),
        }
    }

    fn turns_true(&self, _case: &Evaluation<'_>) -> SafeText {
        "a pod starts".into()
    }

    fn turns_false(&self, case: &Evaluation<'_>) -> SafeText {
        match case.settles() {
            Ok(settling) => safe!("no other pod starts for {}", case.left(settling.until)),
            Err(_) => "no pod starts any more".into(),
        }
    }
}
