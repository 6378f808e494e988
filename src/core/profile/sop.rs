//! The procedure for one alert, and its items.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::rule::Alert;

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

/// The id of [`other_step`]. A profile may not have a step of this id.
pub const OTHER: &str = "other";

/// The step that is added to the end of an SOP's steps while a rule acts on something that none of them shows. It fails; with nothing to
/// say it is not there.
pub fn other_step() -> &'static Step {
    static STEP: LazyLock<Step> = LazyLock::new(|| {
        Step {
        title: "Anything else".to_owned(),
        check: Check::Other,
        text: "The steps of this SOP do not look at what is found here, and a rule acts on it. The evidence is above; the page of the \
               rules says why."
            .to_owned(),
        commands: Vec::new(),
        links: Vec::new(),
        escalates: false,
        gaps: Vec::new(),
    }
    });
    &STEP
}

/// What answers a step: a closed set; which one a step uses is the profile's.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "kind")]
pub enum Check {
    /// The operator looks and ticks.
    Manual,
    /// The same at a dashboard; what the console sees of it stands beside.
    Dashboard {
        /// Which of it.
        shows: Shown,
    },
    /// The pods keep up with their requests.
    Load {
        /// The rule whose `saturated` condition says what is too much.
        rule: String,
    },
    /// The deployment is configured to the profile's number of pods.
    Replicas,
    /// So many pods are configured, started and ready.
    PodsReady,
    /// No warning among the events of the service lately.
    Events,
    /// No error in the logs lately, whatever its class.
    LogErrors,
    /// Exactly one pod leads this worker.
    Leader {
        /// Its `log-type`.
        worker: String,
    },
    /// At least one living row of the table is ready.
    AnyReady {
        /// Its name.
        table: String,
    },
    /// No living row of the table is older than its status's limit.
    Limits {
        /// Its name.
        table: String,
    },
    /// No living row of the table failed lately.
    Failed {
        /// Its name.
        table: String,
    },
    /// No rule acts on what no other step shows: of the step that is added, never of a profile's.
    #[serde(skip)]
    Other,
}

impl Check {
    /// Whether the operator answers it.
    pub fn is_manual(&self) -> bool {
        matches!(self, Self::Manual | Self::Dashboard { .. })
    }
}

/// What of the vital signs stands beside a dashboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shown {
    /// Volume, errors, latency.
    Requests,
    /// CPU and memory.
    Resources,
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
