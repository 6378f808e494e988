//! What was done to the cluster in this incident, and what is being carried out.

use sopwatch_core::remediate::applied_command::AppliedCommand;

use sopwatch_core::remediate::execution::Execution;

/// What was done to the cluster, and what is being carried out.
#[derive(Clone, Debug, Default)]
pub struct Remediation {
    /// The commands of this incident, oldest first.
    pub commands: Vec<AppliedCommand>,
    /// What is being carried out, or was last.
    pub execution: Option<Execution>,
    /// Whether what an earlier console carried out last may still be under way.
    pub(crate) unfollowed: bool,
    /// Numbers the dry runs, so that a late answer is known as one.
    pub(crate) next_question_id: u64,
}
