//! The chosen SOP and what the operator has ticked.

use std::collections::BTreeMap;

use jiff::Timestamp;

use sopwatch_core::text::SafeText;

/// A manual step that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tick {
    /// When.
    pub at: Timestamp,
    /// What was seen; may be empty.
    pub note: SafeText,
}

/// The chosen SOP and its ticks. Steps that SOPs share are ticked once for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checklist {
    /// Id of the chosen SOP; empty while none is chosen.
    pub sop: String,
    /// Ticks by step id.
    pub ticks: BTreeMap<String, Tick>,
    /// Name of the alert that chose the SOP; `None` where a person did.
    pub by_alert: Option<SafeText>,
}

impl Checklist {
    /// Nothing ticked.
    pub fn new(sop: &str) -> Self {
        Self {
            sop: sop.to_owned(),
            ticks: BTreeMap::new(),
            by_alert: None,
        }
    }
}
