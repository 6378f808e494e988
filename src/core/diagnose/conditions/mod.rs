//! The conditions of the rules: what a rule can ask about the observations, one kind a file.
//!
//! To add a kind: write its file with a struct, its serde form and its `RuleCondition`, then add a variant to [`Condition`] and its line
//! to `Condition::kind`. Nothing else lists the kinds.
//!
//! A kind without keys of its own ignores any key, as it always did: its struct does without `deny_unknown_fields`.

mod all;
mod any;
mod blank;
mod cluster_events;
mod crashing;
mod errors;
mod leader;
mod led;
mod newly_failed;
mod no_pod_ready;
mod none_ready;
mod not;
mod outbound;
mod over_limit;
mod saturated;
mod settling;
mod step_fails;
mod unknown_status;
mod unreadable;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use self::all::All;
pub use self::any::Any;
pub use self::blank::Blank;
pub use self::cluster_events::ClusterEvents;
pub use self::crashing::Crashing;
pub use self::errors::Errors;
pub(in crate::diagnose) use self::errors::errors_in_words;
pub use self::leader::{Leader, LeaderTrouble};
pub use self::led::Led;
pub use self::newly_failed::NewlyFailed;
pub use self::no_pod_ready::{DownCause, NoPodReady};
pub use self::none_ready::NoneReady;
pub use self::not::Not;
pub use self::outbound::OutboundFails;
pub use self::over_limit::OverLimit;
pub use self::saturated::{Saturated, Shares};
pub use self::settling::PodsSettle;
pub use self::step_fails::StepFails;
pub use self::unknown_status::UnknownStatus;
pub use self::unreadable::Unreadable;
use super::decide::Truth;
use super::evaluation::Evaluation;
use super::steps::Check;
use crate::profile::Profile;
use crate::profile::validation::Mistakes;
use crate::safe;
use crate::text::SafeText;

/// What a rule asks, by the kind that the profile writes. Each is true, false, or unknown for want of evidence.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Condition {
    /// A source that everything rests on can't be read.
    Unreadable(Unreadable),
    /// The pods settle.
    Settling(PodsSettle),
    /// No pod is ready.
    NoPodReady(NoPodReady),
    /// A worker has no leader, or several.
    Leader(Leader),
    /// The service crashes.
    Crashing(Crashing),
    /// The logs have too many errors of some classes.
    Errors(Errors),
    /// The pods do not keep up with their requests.
    Saturated(Saturated),
    /// Calls to other services fail.
    Outbound(OutboundFails),
    /// The cluster below the service has trouble.
    ClusterEvents(ClusterEvents),
    /// Rows are over the limit of their status.
    OverLimit(OverLimit),
    /// Rows failed lately.
    NewlyFailed(NewlyFailed),
    /// Rows are in a status that the profile does not know.
    UnknownStatus(UnknownStatus),
    /// Rows have no status.
    Blank(Blank),
    /// No row is ready.
    NoneReady(NoneReady),
    /// A step of the SOP fails.
    StepFails(StepFails),
    /// Exactly one pod leads each worker.
    Led(Led),
    /// All of several hold.
    All(All),
    /// At least one of several holds.
    Any(Any),
    /// Another does not hold.
    Not(Not),
}

/// What every kind of condition answers about itself.
pub(crate) trait RuleCondition {
    /// Whether it holds.
    fn evaluate(&self, case: &Evaluation<'_>) -> Truth;

    /// When a condition that is unknown will be known, where only time is missing.
    fn known_at(&self, _case: &Evaluation<'_>) -> Option<Timestamp> {
        None
    }

    /// Which observation would make it hold, where it does not.
    fn turns_true(&self, case: &Evaluation<'_>) -> SafeText;

    /// Which observation would end it, where it holds.
    fn turns_false(&self, case: &Evaluation<'_>) -> SafeText;

    /// What it compares the observations with, in words; `window` is how far back the evaluation looks. A condition without a number has
    /// none.
    fn threshold(&self, _profile: &Profile, _window: SignedDuration) -> Vec<SafeText> {
        Vec::new()
    }

    /// Which source it rests on, and how old the newest of that source is.
    fn source(&self, _case: &Evaluation<'_>) -> (&'static str, Option<SignedDuration>) {
        ("rules", None)
    }

    /// Whether a step's check asks for the same, and so gives its evidence; asked only of a condition that holds or may hold.
    fn is_about(&self, _check: &Check, _case: &Evaluation<'_>) -> bool {
        false
    }

    /// Whether it rests on the steps' own answers, in any of its parts.
    fn rests_on_steps(&self) -> bool {
        let parts = self.parts().all();
        parts.into_iter().any(|part| part.kind().rests_on_steps())
    }

    /// Whether it is unknown though what it asks was read: no source that answers would tell more.
    fn is_unclear(&self, _case: &Evaluation<'_>) -> bool {
        false
    }

    /// The conditions that it is made of.
    fn parts(&self) -> Parts<'_> {
        Parts::None
    }

    /// Adds what is wrong with it in a profile; `path` is its own key path.
    fn validate(&self, _path: &str, _mistakes: &mut Mistakes<'_>) {}
}

/// The conditions that a condition is made of.
pub(crate) enum Parts<'a> {
    /// It asks something itself.
    None,
    /// It holds by these.
    Joined(Vec<&'a Condition>),
    /// It holds where this does not.
    Negated(&'a Condition),
}

impl<'a> Parts<'a> {
    /// Each of them.
    pub(crate) fn all(self) -> Vec<&'a Condition> {
        match self {
            Self::None => Vec::new(),
            Self::Joined(parts) => parts,
            Self::Negated(part) => vec![part],
        }
    }
}

impl Condition {
    /// The condition as its kind: the one place that lists the kinds.
    pub(crate) fn kind(&self) -> &dyn RuleCondition {
        match self {
            Self::Unreadable(kind) => kind,
            Self::Settling(kind) => kind,
            Self::NoPodReady(kind) => kind,
            Self::Leader(kind) => kind,
            Self::Crashing(kind) => kind,
            Self::Errors(kind) => kind,
            Self::Saturated(kind) => kind,
            Self::Outbound(kind) => kind,
            Self::ClusterEvents(kind) => kind,
            Self::OverLimit(kind) => kind,
            Self::NewlyFailed(kind) => kind,
            Self::UnknownStatus(kind) => kind,
            Self::Blank(kind) => kind,
            Self::NoneReady(kind) => kind,
            Self::StepFails(kind) => kind,
            Self::Led(kind) => kind,
            Self::All(kind) => kind,
            Self::Any(kind) => kind,
            Self::Not(kind) => kind,
        }
    }

    /// Which observation would turn its answer; where there is no answer yet, which would make it hold once all is known.
    pub(super) fn flips(&self, truth: &Truth, case: &Evaluation<'_>) -> SafeText {
        match truth {
            Truth::True { .. } => self.kind().turns_false(case),
            Truth::False { .. } => self.kind().turns_true(case),
            Truth::Unknown { .. } => safe!(
                "the missing source can be read, and {}",
                self.kind().turns_true(case)
            ),
        }
    }
}

/// When the last of the parts that are unknown will be known; `None` where one of them misses more than time, or none is unknown.
fn parts_known_at(parts: &[Condition], case: &Evaluation<'_>) -> Option<Timestamp> {
    let unknown = parts
        .iter()
        .map(Condition::kind)
        .filter(|part| matches!(part.evaluate(case), Truth::Unknown { .. }));
    let all: Option<Vec<_>> = unknown.map(|part| part.known_at(case)).collect();
    all?.into_iter().max()
}

/// What is wrong with each of several conditions; `path` is the key path of their array.
fn validate_each(conditions: &[Condition], path: &str, mistakes: &mut Mistakes<'_>) {
    for (index, one) in conditions.iter().enumerate() {
        one.kind().validate(&format!("{path}[{index}]"), mistakes);
    }
}

fn join(parts: impl Iterator<Item = SafeText>, with: &str) -> SafeText {
    parts.collect::<Vec<_>>().join(with).into()
}
