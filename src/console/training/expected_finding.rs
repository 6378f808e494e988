//! What there is to find in a scenario, and when the console first showed it.

use jiff::{SignedDuration, Timestamp};

use sopwatch_core::diagnose::Diagnosis;
use sopwatch_core::diagnose::leaders::VerdictKind;
use sopwatch_core::profile::Profile;
use sopwatch_core::profile::sop::{OTHER, StepStatus};

/// One thing to find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FindingKind {
    /// Who leads, by the worker's lease type.
    Leader(String, VerdictKind),
    /// A step's answer, by its id.
    Step(String, StepStatus),
}

impl FindingKind {
    /// Whether it is about the same worker or step.
    fn is_about_the_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Leader(one, _), Self::Leader(another, _))
            | (Self::Step(one, _), Self::Step(another, _)) => one == another,
            _ => false,
        }
    }

    /// Whether it says that something is not as it should be.
    pub fn is_trouble(&self) -> bool {
        match self {
            Self::Leader(_, leads) => *leads != VerdictKind::One,
            Self::Step(_, status) => *status != StepStatus::Pass,
        }
    }

    /// The same worker or step as it should be.
    fn well(&self) -> Self {
        match self {
            Self::Leader(lease, _) => Self::Leader(lease.clone(), VerdictKind::One),
            Self::Step(id, _) => Self::Step(id.clone(), StepStatus::Pass),
        }
    }

    fn is_shown(&self, diagnosis: &Diagnosis, profile: &Profile) -> bool {
        match self {
            Self::Leader(lease, leads) => {
                let mut workers = profile.leaders.workers.iter();
                let worker = workers.find(|worker| worker.lease_type == *lease);
                worker.is_some_and(|worker| {
                    let mut readings = diagnosis.leaders.iter();
                    let reading = readings.find(|reading| reading.log_type == worker.log_type);
                    reading.is_some_and(|reading| reading.verdict.kind() == *leads)
                })
            }
            Self::Step(id, status) => {
                let mut steps = diagnosis.steps.iter();
                match steps.find(|step| step.id == *id) {
                    Some(step) => step.status == *status,
                    // It is there only while it fails.
                    None => id == OTHER && *status == StepStatus::Pass,
                }
            }
        }
    }

    /// As the debriefing names it: `KafkaManager leader: none`.
    pub fn words(&self, profile: &Profile) -> String {
        match self {
            Self::Leader(lease, leads) => {
                let mut workers = profile.leaders.workers.iter();
                let worker = workers.find(|worker| worker.lease_type == *lease);
                let title = worker.map_or(lease.as_str(), |worker| &worker.title);
                let leads = match leads {
                    VerdictKind::One => "one",
                    VerdictKind::Many => "more than one",
                    VerdictKind::None => "none",
                    VerdictKind::Settling => "being elected",
                    VerdictKind::Unknown => "unknown",
                };
                format!("{title} leader: {leads}")
            }
            Self::Step(id, status) => {
                let title = profile.step(id).map_or(id.as_str(), |step| &step.title);
                let status = crate::dialogs::step::status_word(*status).to_lowercase();
                format!("step {title}: {status}")
            }
        }
    }
}

/// One thing to find, and when it was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedFinding {
    /// After the start it holds at the latest, if nobody has done anything.
    pub from: SignedDuration,
    /// What.
    pub kind_of_finding: FindingKind,
    /// When the console first agreed.
    pub shown_at: Option<Timestamp>,
    /// Since when all is as it should be again.
    pub over_at: Option<Timestamp>,
}

/// The signs of a scenario, in the order of time; what a later moment only repeats is left out.
pub fn signs(expected: &[(SignedDuration, FindingKind)]) -> Vec<ExpectedFinding> {
    let mut expected: Vec<_> = expected.iter().collect();
    expected.sort_by_key(|(from, _)| *from);
    let mut signs: Vec<ExpectedFinding> = Vec::new();
    for (from, kind_of_finding) in expected {
        let last = signs
            .iter()
            .rev()
            .find(|sign| sign.kind_of_finding.is_about_the_same(kind_of_finding));
        if last.is_none_or(|last| last.kind_of_finding != *kind_of_finding) {
            signs.push(ExpectedFinding {
                from: *from,
                kind_of_finding: kind_of_finding.clone(),
                shown_at: None,
                over_at: None,
            });
        }
    }
    signs
}

/// Notes at `now` what the diagnosis shows for the first time. What follows on something else about the same worker or step counts
/// only after the moment for which that was expected.
pub fn watch(
    signs: &mut [ExpectedFinding],
    diagnosis: &Diagnosis,
    profile: &Profile,
    began: Timestamp,
    now: Timestamp,
) {
    let elapsed = now.duration_since(began);
    for index in 0..signs.len() {
        let (earlier, rest) = signs.split_at_mut(index);
        let sign = &mut rest[0];
        let before = earlier
            .iter()
            .rev()
            .find(|before| before.kind_of_finding.is_about_the_same(&sign.kind_of_finding));
        let in_turn = before.is_none_or(|before| elapsed > before.from);
        if sign.shown_at.is_none() && in_turn && sign.kind_of_finding.is_shown(diagnosis, profile) {
            sign.shown_at = Some(now);
        }
        if sign.shown_at.is_some() && sign.kind_of_finding.is_trouble() {
            let well = sign.kind_of_finding.well().is_shown(diagnosis, profile);
            let over = sign
                .over_at
                .filter(|_| !sign.kind_of_finding.is_shown(diagnosis, profile));
            sign.over_at = over.or_else(|| well.then_some(now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sopwatch_core::diagnose::StepFinding;
    use sopwatch_core::testkit::{ago, profile};
    use sopwatch_core::text::SafeText;

    fn diagnosis(status: StepStatus) -> Diagnosis {
        let step = StepFinding {
            id: "replicas".to_owned(),
            title: SafeText::default(),
            status,
            value: SafeText::default(),
            threshold: SafeText::default(),
            evidence: Vec::new(),
            source: "pods",
            age: None,
        };
        Diagnosis {
            steps: vec![step],
            ..Diagnosis::default()
        }
    }

    fn step(status: StepStatus) -> FindingKind {
        FindingKind::Step("replicas".to_owned(), status)
    }

    #[test]
    fn the_step_that_is_added_is_over_when_it_is_gone() {
        let mut signs = signs(&[(
            SignedDuration::from_secs(20),
            FindingKind::Step(OTHER.to_owned(), StepStatus::Fail),
        )]);
        let (began, profile) = (ago(600), profile());
        let mut with = diagnosis(StepStatus::Fail);
        with.steps[0].id = OTHER.to_owned();
        watch(&mut signs, &with, &profile, began, ago(590));
        watch(
            &mut signs,
            &diagnosis(StepStatus::Pass),
            &profile,
            began,
            ago(580),
        );
        assert_eq!(
            (signs[0].shown_at, signs[0].over_at),
            (Some(ago(590)), Some(ago(580)))
        );
        assert_eq!(
            signs[0].kind_of_finding.words(&profile),
            "step Anything else: fail"
        );
    }

    #[test]
    fn a_sign_is_dated_when_the_console_first_agrees() {
        use StepStatus::{Fail, Pass, Unknown};
        let mins = SignedDuration::from_mins;
        let expected = [
            (mins(5), step(Pass)),
            (mins(1), step(Fail)),
            (mins(2), step(Fail)),
        ];
        let mut signs = signs(&expected);
        assert_eq!(signs.len(), 2, "{signs:?}");
        let (began, profile) = (ago(600), profile());
        let mut at = |seconds: i64, status| {
            let now = began + SignedDuration::from_secs(seconds);
            watch(&mut signs, &diagnosis(status), &profile, began, now);
            [signs[0].shown_at, signs[1].shown_at]
                .map(|shown| shown.map(|at| at.duration_since(began).as_secs()))
        };
        assert_eq!(at(1, Unknown), [None, None]);
        assert_eq!(at(2, Pass), [None, None], "not the later one yet");
        assert_eq!(at(9, Fail), [Some(9), None]);
        assert_eq!(at(12, Fail), [Some(9), None]);
        assert_eq!(at(200, Pass), [Some(9), Some(200)]);
        let over = |signs: &[ExpectedFinding]| signs[0].over_at.map(|at| at.duration_since(began).as_secs());
        assert_eq!(over(&signs), Some(200));
        for (seconds, status, want) in [
            (210, Unknown, Some(200)),
            (220, Fail, None),
            (230, Unknown, None),
            (240, Pass, Some(240)),
        ] {
            let now = began + SignedDuration::from_secs(seconds);
            watch(&mut signs, &diagnosis(status), &profile, began, now);
            assert_eq!(over(&signs), want, "at {seconds}");
        }
    }
}
