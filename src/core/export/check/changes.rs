//! What differs from one look to the next: verdicts, not ages.

use super::table::name;
use super::{Assessment, PodRow, Recommended, StepRow};

impl Assessment {
    /// What changed since `before`, a line each, with the time; nothing where only ages and numbers moved.
    pub fn changes_since(&self, before: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        let mut note = |what: &str, old: String, new: String| {
            if old != new {
                changes.push(format!("{}  {what}: {old} -> {new}", self.evaluated_at));
            }
        };
        note("do", brief(&before.recommendation), brief(&self.recommendation));
        note("also", all(&before.also), all(&self.also));
        // The last step may be there in one of the two only.
        let status_in = |of: &Self, id: &str| {
            let step = of.steps.iter().find(|step| step.id == id);
            step.map_or("nothing", |step| name(step.status)).to_owned()
        };
        for new in &self.steps {
            note(
                &new.title,
                status_in(before, &new.id),
                name(new.status).to_owned(),
            );
        }
        let gone = |step: &&StepRow| !self.steps.iter().any(|new| new.id == step.id);
        for old in before.steps.iter().filter(gone) {
            note(&old.title, name(old.status).to_owned(), "nothing".to_owned());
        }
        for (old, new) in before.leaders.iter().zip(&self.leaders) {
            let words = |one: &super::LeaderRow| {
                let pod = one.pod.as_ref().map(|pod| format!(" {pod}"));
                format!("{}{}", one.verdict, pod.unwrap_or_default())
            };
            note(&new.worker, words(old), words(new));
        }
        for new in &self.pods {
            let old = before.pods.iter().find(|old| old.name == new.name);
            let old = old.map_or("none".to_owned(), state);
            note(&format!("pod {}", new.name), old, state(new));
        }
        let gone = |pod: &&PodRow| !self.pods.iter().any(|new| new.name == pod.name);
        for old in before.pods.iter().filter(gone) {
            note(&format!("pod {}", old.name), state(old), "gone".to_owned());
        }
        changes
    }
}

fn state(pod: &PodRow) -> String {
    format!("{} {}", pod.ready, pod.status)
}

fn brief(one: &Recommended) -> String {
    let rule = one.rule.as_ref().map(|rule| format!(" (rule {rule})"));
    format!("{}{}", one.words, rule.unwrap_or_default())
}

fn all(also: &[Recommended]) -> String {
    if also.is_empty() {
        return "nothing".to_owned();
    }
    also.iter().map(brief).collect::<Vec<_>>().join(", ")
}
