//! Whose pod a row is about: a metrics source knows pods by name alone, those of other workloads and those that are gone among them.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use super::figures::{Known, Missing};
use crate::diagnose::evaluation::Evaluation;
use crate::diagnose::settle;
use crate::diagnose::step_result::SourceCheck;
use crate::observe::observation::Sample;
use crate::observe::source::SourceId;
use crate::observe::state::State;
use crate::profile::monitoring::Figure;
use crate::profile::sop::StepStatus;
use crate::safe;
use crate::text::SafeText;

/// The service's own pods by name, and whether each lives: neither over nor being deleted.
#[derive(Debug)]
pub(in crate::diagnose) struct OwnPods(HashMap<SafeText, bool>);

impl OwnPods {
    fn of(state: &State) -> Self {
        let mut all: HashMap<_, _> = state.pods.values().map(|pod| (pod.name.clone(), false)).collect();
        all.extend(settle::living(state).map(|pod| (pod.name.clone(), true)));
        Self(all)
    }

    fn has(&self, name: &SafeText) -> bool {
        self.0.contains_key(name)
    }

    fn lives(&self, name: &SafeText) -> bool {
        self.0.get(name).copied().unwrap_or(false)
    }

    fn living(&self) -> usize {
        self.0.values().filter(|lives| **lives).count()
    }
}

/// Whether a figure has a row a pod.
fn is_by_pod(figure: Figure) -> bool {
    figure.is_of_cluster() || matches!(figure, Figure::Up | Figure::SampleAge)
}

impl Evaluation<'_> {
    fn own_pods(&self) -> &OwnPods {
        self.reckoned.own_pods.get_or_init(|| OwnPods::of(self.state))
    }

    /// The rows of a figure that may be judged: where it has a row a pod, those of the service's own pods that are there. What the cluster
    /// counts proves nothing while it is not known which pods these are; the service's own counters are its own whatever a pod is called.
    pub(super) fn own_rows<'r>(
        &self,
        figure: Figure,
        rows: &'r [Sample],
    ) -> Result<Cow<'r, [Sample]>, Missing> {
        if !is_by_pod(figure) {
            return Ok(Cow::Borrowed(rows));
        }
        if let Some(missing) = self.pods_missing(figure) {
            return if figure.is_of_cluster() {
                Err(missing)
            } else {
                Ok(Cow::Borrowed(rows))
            };
        }
        let own = self.own_pods();
        let is_own = |row: &&Sample| match row.label("pod") {
            Some(pod) => own.has(pod),
            None => !figure.is_of_cluster(),
        };
        let count = rows.iter().filter(is_own).count();
        Ok(if count == rows.len() {
            Cow::Borrowed(rows)
        } else {
            rows.iter().filter(is_own).cloned().collect()
        })
    }

    /// Why it is not known which pods are the service's own.
    pub(super) fn pods_missing(&self, figure: Figure) -> Option<Missing> {
        let (status, why) = match self.hear(&SourceId::Pods, "pods") {
            SourceCheck::Current(_) => return None,
            SourceCheck::Never(why) => (StepStatus::Unknown, why),
            SourceCheck::Stopped(_, why) => (StepStatus::Stale, why),
        };
        let title = figure.title();
        let why = safe!("{title}: can't tell which pods are the service's ({why})");
        Some(Missing { status, why })
    }

    /// How many pods should have a row: each that lives, and no fewer than the deployment asks for.
    pub(super) fn expected_pods(&self) -> usize {
        let configured = self
            .state
            .deployment
            .as_ref()
            .map(|deployment| deployment.replicas);
        let configured = configured.unwrap_or(self.profile.service.replicas) as usize;
        configured.max(self.own_pods().living())
    }

    /// How many of the pods that live have a row whose number counts. A row that names no pod is one of its own.
    pub(super) fn pods_with_row(&self, known: &Known<'_>, counts: impl Fn(f64) -> bool) -> usize {
        let own = self.own_pods();
        let counted = known
            .rows()
            .iter()
            .filter(|row| row.value.finite().is_some_and(&counts));
        let (named, nameless): (Vec<_>, Vec<_>) =
            counted.map(|row| row.label("pod")).partition(Option::is_some);
        let named: BTreeSet<_> = named.into_iter().flatten().filter(|pod| own.lives(pod)).collect();
        named.len() + nameless.len()
    }
}
