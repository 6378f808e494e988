//! `unreadable`: the console can't read a source that everything rests on.

use serde::{Deserialize, Serialize};

use super::RuleCondition;
use crate::diagnose::decide::Truth;
use crate::diagnose::evaluation::Evaluation;
use crate::observe::source::SourceId;
use crate::profile::rule::Alert;
use crate::text::SafeText;

/// The console can't read the pods, or, for an alert about the workers, neither the logs nor the database.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Unreadable {}

impl RuleCondition for Unreadable {
    fn evaluate(&self, case: &Evaluation<'_>) -> Truth {
        let pods = case.hear(&SourceId::Pods, "pods").trouble();
        let logs = case.unread_now();
        let database = case.hear(&SourceId::Database, "database").trouble();
        // The other SOPs have no step about leaders or rows.
        let needs_workers = matches!(case.alert, Alert::Osd | Alert::Kafka);
        match (pods, logs, database) {
            (Some(why), _, _) => Truth::holds([why]),
            (None, Some(logs), Some(database)) if needs_workers => Truth::holds([logs, database]),
            _ => Truth::holds_not("the pods can be read, and the logs or the database"),
        }
    }

    fn turns_true(&self, _case: &Evaluation<'_>) -> SafeText {
        "the pods, or both a log and the database, become unavailable".into()
    }

    fn turns_false(&self, _case: &Evaluation<'_>) -> SafeText {
        "the missing source is available again".into()
    }
}
