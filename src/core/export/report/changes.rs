//! What differs between two findings, in words.

use std::collections::BTreeMap;

use super::actions::{Leading, leading};
use super::names::Names;
use super::value;
use crate::profile::sop::StepStatus;
use crate::record::{Snapshot, SnapshotStep};
use crate::safe;
use crate::text::{Redacted, SafeText};

/// What a finding says that the one before did not; of the first of an SOP, everything that is not as it should be.
pub(super) fn between(before: Option<&Snapshot>, now: &Snapshot, names: &Names<'_>) -> Vec<SafeText> {
    let before = before.filter(|before| before.sop == now.sop);
    let mut lines = recommendation(before, now, names);
    let leaders_before = before.map_or_else(Vec::new, |before| leading(before, names));
    for leader in leading(now, names) {
        lines.extend(led(&leaders_before, &leader));
    }
    for step in &now.steps {
        let known = before.and_then(|before| before.steps.iter().find(|known| known.id == step.id));
        lines.extend(answered(known, step, names));
    }
    let gone = |step: &&SnapshotStep| !now.steps.iter().any(|known| known.id == step.id);
    let gone = before
        .into_iter()
        .flat_map(|before| before.steps.iter().filter(gone));
    lines.extend(gone.map(|step| safe!("{}: {} -> nothing", names.step(&step.id), name(step.status))));
    lines.extend(unchecked(before, now));
    lines
}

fn recommendation(before: Option<&Snapshot>, now: &Snapshot, names: &Names<'_>) -> Vec<SafeText> {
    let mut lines = Vec::new();
    let words = names.advised(&now.recommendation);
    match before.map(|before| names.advised(&before.recommendation)) {
        Some(before) if before == words => {}
        Some(before) => lines.push(safe!("advice: {before} -> {words}")),
        None => lines.push(safe!("advice: {words}")),
    }
    let also =
        |found: &Snapshot| -> Vec<Redacted> { found.also.iter().map(|one| names.advised(one)).collect() };
    let (held, holds) = (before.map_or_else(Vec::new, also), also(now));
    let new = holds.iter().filter(|one| !held.contains(one));
    lines.extend(new.map(|one| safe!("also true: {one}")));
    let gone = held.iter().filter(|one| !holds.contains(one));
    lines.extend(gone.map(|one| safe!("no longer true: {one}")));
    lines
}

fn led(before: &[Leading], now: &Leading) -> Option<SafeText> {
    let words = leader(now);
    match before.iter().find(|known| known.worker == now.worker).map(leader) {
        Some(before) if before == words => None,
        Some(before) => Some(safe!("leader of {}: {before} -> {words}", now.title)),
        None => Some(safe!("leader of {}: {words}", now.title)),
    }
}

/// `one, msa-x-blf5h`.
pub(super) fn leader(leading: &Leading) -> SafeText {
    match &leading.pod {
        Some(pod) => safe!("{}, {pod}", leading.verdict),
        None => leading.verdict.into(),
    }
}

fn answered(before: Option<&SnapshotStep>, now: &SnapshotStep, names: &Names<'_>) -> Option<SafeText> {
    let (title, status) = (names.step(&now.id), name(now.status));
    let seen = if now.value.is_empty() {
        SafeText::default()
    } else {
        safe!(": {}", value(&now.value))
    };
    match before {
        Some(before) if before.status == now.status => None,
        Some(before) => Some(safe!("{title}: {} -> {status}{seen}", name(before.status))),
        // A first look tells what is wrong or open.
        None if matches!(now.status, StepStatus::Pass | StepStatus::Manual) => None,
        None => Some(safe!("{title}: {status}{seen}")),
    }
}

/// The rules that can't be checked any more, one line for each thing that is missing, and those that can be checked again.
fn unchecked(before: Option<&Snapshot>, now: &Snapshot) -> Vec<SafeText> {
    let open = |found: &Snapshot| -> Vec<String> {
        let rules = found.not_ruled_out.iter();
        rules.map(|(rule, _)| rule.clone()).collect()
    };
    let (was, is) = (before.map_or_else(Vec::new, open), open(now));
    let mut by_missing: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (rule, missing) in now.not_ruled_out.iter().filter(|(rule, _)| !was.contains(rule)) {
        by_missing.entry(missing).or_default().push(rule);
    }
    let new = by_missing
        .into_iter()
        .map(|(missing, rules)| safe!("unchecked rules: {} ({missing})", rules.join(", ")));
    let gone: Vec<&str> = was
        .iter()
        .filter(|rule| !is.contains(rule))
        .map(String::as_str)
        .collect();
    let gone = (!gone.is_empty()).then(|| safe!("checked again: {}", gone.join(", ")));
    new.chain(gone).collect()
}

/// As texts say it.
pub(super) fn name(status: StepStatus) -> &'static str {
    match status {
        StepStatus::Pass => "pass",
        StepStatus::Fail => "FAIL",
        StepStatus::Unknown => "unknown",
        StepStatus::Stale => "stale",
        StepStatus::Waiting => "waiting",
        StepStatus::Manual => "manual",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::sop::OTHER;

    #[test]
    fn the_step_that_is_added_is_told_when_it_comes_and_when_it_goes() {
        let without = Snapshot::default();
        let mut with = without.clone();
        with.steps.push(SnapshotStep {
            id: OTHER.to_owned(),
            status: StepStatus::Fail,
            value: "The service crashes".into(),
            evidence: Vec::new(),
        });
        let names = Names::of(None);
        assert_eq!(
            between(Some(&without), &with, &names),
            ["Anything else: FAIL: The service crashes"]
        );
        assert_eq!(
            between(Some(&with), &without, &names),
            ["Anything else: FAIL -> nothing"]
        );
    }
}
