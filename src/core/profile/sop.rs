//! The procedure for one alert, and its items.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::rule::Alert;
use crate::diagnose::steps::{Check, FiringAlert, Other};

/// The procedure for one alert.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Sop {
    /// Names it on the command line: `kafka-provisioning-latency`.
    pub id: String,
    /// The alert's name.
    pub title: String,
    /// What the alert is about: which rules of the decision table apply.
    pub alert: Alert,
    /// What users suffer.
    pub impact: String,
    /// What is wrong.
    pub summary: String,
    /// What one must have access to.
    #[serde(default)]
    pub access: Vec<String>,
    /// Secrets that it needs.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// Ids of its steps, in order; empty where it refers to another SOP's.
    #[serde(default)]
    pub steps: Vec<String>,
    /// The SOP whose steps and handling it refers to.
    #[serde(default)]
    pub steps_from: Option<String>,
    /// How to handle what was found, one rule an entry.
    #[serde(default)]
    pub handle: Vec<String>,
    /// Where the source is empty or misleads.
    #[serde(default)]
    pub gaps: Vec<String>,
}

/// The words that a step's commands and text may have in braces.
pub const PLACEHOLDERS: [&str; 7] = [
    "namespace",
    "deployment",
    "selector",
    "container",
    "secret",
    "database",
    "pod",
];

/// One item of a procedure.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Step {
    /// A few words.
    pub title: String,
    /// What answers it.
    pub check: Check,
    /// What to look at, in words.
    pub text: String,
    /// The same by hand. `{namespace}`, `{deployment}`, `{selector}`, `{container}`, `{secret}`, `{database}`
    /// and `{pod}` are filled in.
    #[serde(default)]
    pub commands: Vec<String>,
    /// Keys of the environment's links.
    #[serde(default)]
    pub links: Vec<String>,
    /// Whether it is where one turns to the contacts.
    #[serde(default)]
    pub escalates: bool,
    /// Where the source is empty or misleads.
    #[serde(default)]
    pub gaps: Vec<String>,
}

/// The id of [`alert_step`]. A profile may not have a step of this id.
pub const ALERT: &str = "alert";

/// The step that is added in front of an SOP's steps where a source of alerts is configured.
pub fn alert_step() -> &'static Step {
    static STEP: LazyLock<Step> = LazyLock::new(|| {
        added(
            "Alert",
            Check::Alert(FiringAlert {}),
            "Whether the alert of this SOP fires, and since when. An alert that is silenced may be about something that is still wrong.",
        )
    });
    &STEP
}

/// The id of [`other_step`]. A profile may not have a step of this id.
pub const OTHER: &str = "other";

/// The step that is added to the end of an SOP's steps while a rule acts on something that none of them shows. It fails; with nothing to
/// say it is not there.
pub fn other_step() -> &'static Step {
    static STEP: LazyLock<Step> = LazyLock::new(|| {
        added(
            "Anything else",
            Check::Other(Other {}),
            "A rule acts on something that no step of this SOP checks. The evidence is above; the page \"Why\" explains the rule.",
        )
    });
    &STEP
}

/// A step that no profile has.
fn added(title: &str, check: Check, text: &str) -> Step {
    Step {
        title: title.to_owned(),
        check,
        text: text.to_owned(),
        commands: Vec::new(),
        links: Vec::new(),
        escalates: false,
        gaps: Vec::new(),
    }
}

/// The answer to a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepStatus {
    /// As it should be.
    Pass,
    /// Not as it should be.
    Fail,
    /// Evidence is missing.
    Unknown,
    /// The evidence is too old.
    Stale,
    /// It will be known at a given moment: something is settling.
    Waiting,
    /// The operator looks and ticks.
    Manual,
}
