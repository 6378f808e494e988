//! What the operator opened to look at.

use crate::panes::logs::buffer::LogMode;
use sopwatch_core::observe::observation::RowsOf;
use sopwatch_core::profile::Profile;
use sopwatch_core::text::SafeText;

/// One thing that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Viewed {
    /// A pod, by name.
    Pod(SafeText),
    /// A record of a log, by its pod.
    Record(SafeText),
    /// The rows behind a status.
    Rows(RowsOf),
    /// A step, by its id.
    Step(String),
    /// Every rule of the decision table.
    Rules,
    /// Every source.
    Sources,
    /// Another choice of lines.
    Lines(LogMode),
    /// Lines that match.
    Filter(SafeText),
    /// One pod's log.
    LogOf(SafeText),
}

impl Viewed {
    /// In a few words.
    pub fn words(&self, profile: &Profile) -> String {
        match self {
            Self::Pod(name) => format!("pod {name}"),
            Self::Record(pod) => format!("a log line of {pod}"),
            Self::Rows(of) if of.status.is_empty() => format!("rows of {} without a status", of.table),
            Self::Rows(of) => format!("rows of {}: {}", of.table, of.status),
            Self::Step(id) => {
                let title = profile.steps.get(id).map_or(id.as_str(), |step| &step.title);
                format!("step {title}")
            }
            Self::Rules => "the explanation of the advice".to_owned(),
            Self::Sources => "the sources".to_owned(),
            Self::Lines(LogMode::Leader) => "the leader lines of the log".to_owned(),
            Self::Lines(LogMode::Errors) => "the errors in the log".to_owned(),
            Self::Lines(LogMode::All) => "every line of the log".to_owned(),
            Self::Filter(filter) => format!("the log, filtered by `{filter}`"),
            Self::LogOf(pod) => format!("the log of {pod} alone"),
        }
    }
}
