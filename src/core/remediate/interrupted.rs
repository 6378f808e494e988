//! An execution that ended before all of its commands were sent: which pods it did not reach.

use std::collections::BTreeSet;

use super::command::{Command, PlanKind};
use crate::observe::observation::{Pod, PodUid};
use crate::observe::state::State;
use crate::remediate::applied_command::AppliedCommand;
use crate::safe;
use crate::text::{SafeText, counted};

/// Pods that were confirmed together and not all deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interrupted {
    /// What they were to be deleted for.
    pub aim: PlanKind,
    /// How many were confirmed.
    pub of: usize,
    /// Those that were not deleted, in their order.
    pub left: Vec<PodUid>,
}

impl Interrupted {
    /// The newest execution of several commands, where pods of it are left; `None` where all were deleted, by it or by what was done since.
    /// A command whose outcome is unknown counts as done: the pod is there or not, which the cluster shows.
    pub fn of(changes: &[AppliedCommand]) -> Option<Self> {
        let head = changes.iter().rfind(|change| !change.intent.rest.is_empty())?;
        let done = changes.iter().filter(|change| change.may_have_happened());
        let deleted: BTreeSet<&PodUid> = done
            .filter_map(|change| deletes(&change.intent.command))
            .collect();
        let commands = std::iter::once(&head.intent.command).chain(&head.intent.rest);
        let all: Vec<&PodUid> = commands.filter_map(deletes).collect();
        let of = all.len();
        let left: Vec<PodUid> = all
            .into_iter()
            .filter(|uid| !deleted.contains(uid))
            .cloned()
            .collect();
        (!left.is_empty()).then_some(Self {
            aim: head.intent.aim,
            of,
            left,
        })
    }

    /// Those of them that are still there, by uid: another pod of the same name is a replacement.
    pub fn living<'a>(&self, state: &'a State) -> Vec<&'a Pod> {
        let pods = self.left.iter().filter_map(|uid| state.pods.get(uid));
        pods.filter(|pod| pod.deletion_at.is_none() && !pod.is_over())
            .collect()
    }

    /// `restart interrupted: 2 of 3 pods not restarted`; `left`: how many are.
    pub fn words(&self, left: usize) -> SafeText {
        let what = match self.aim {
            PlanKind::Start => "start",
            _ => "restart",
        };
        safe!(
            "{what} interrupted: {left} of {} not restarted",
            counted(self.of, "pod", "pods")
        )
    }
}

fn deletes(command: &Command) -> Option<&PodUid> {
    match command {
        Command::DeletePod { uid, .. } => Some(uid),
        _ => None,
    }
}
