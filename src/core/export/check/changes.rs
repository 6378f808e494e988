//! What differs from one look to the next: verdicts, not ages.

use super::table::name;
use super::{Assessment, PodRow, Recommended, StepRow};
use crate::safe;
use crate::text::SafeText;

impl Assessment {
    /// What changed since `before`, a line each, with the time; nothing where only ages and numbers moved.
    pub fn changes_since(&self, before: &Self) -> Vec<SafeText> {
        let mut changes = Vec::new();
        let mut note = |what: &str, old: SafeText, new: SafeText| {
            if old != new {
                changes.push(safe!("{}  {what}: {old} -> {new}", self.evaluated_at));
            }
        };
        note("do", brief(&before.recommendation), brief(&self.recommendation));
        note("also", all(&before.also), all(&self.also));
        // The last step may be there in one of the two only.
        let status_in = |of: &Self, id: &str| {
            let step = of.steps.iter().find(|step| step.id == id);
            SafeText::from(step.map_or("nothing", |step| name(step.status)))
        };
        for new in &self.steps {
            note(&new.title, status_in(before, &new.id), name(new.status).into());
        }
        let gone = |step: &&StepRow| !self.steps.iter().any(|new| new.id == step.id);
        for old in before.steps.iter().filter(gone) {
            note(&old.title, name(old.status).into(), "nothing".into());
        }
        for (old, new) in before.leaders.iter().zip(&self.leaders) {
            let words = |one: &super::LeaderRow| {
                let pod = one.pod.as_ref().map(|pod| safe!(" {pod}"));
                safe!("{}{}", one.verdict, pod.unwrap_or_default())
            };
            note(&new.worker, words(old), words(new));
        }
        for new in &self.pods {
            let old = before.pods.iter().find(|old| old.name == new.name);
            let old = old.map_or("none".into(), state);
            note(&safe!("pod {}", new.name), old, state(new));
        }
        let gone = |pod: &&PodRow| !self.pods.iter().any(|new| new.name == pod.name);
        for old in before.pods.iter().filter(gone) {
            note(&safe!("pod {}", old.name), state(old), "gone".into());
        }
        changes
    }
}

fn state(pod: &PodRow) -> SafeText {
    safe!("{} {}", pod.ready, pod.status)
}

fn brief(one: &Recommended) -> SafeText {
    let rule = one.rule.as_ref().map(|rule| safe!(" (rule {rule})"));
    safe!("{}{}", one.words, rule.unwrap_or_default())
}

fn all(also: &[Recommended]) -> SafeText {
    if also.is_empty() {
        return "nothing".into();
    }
    also.iter().map(brief).collect::<Vec<_>>().join(", ").into()
}
