//! What an operator reads has none of the words that need a second reading, and writes spans of time one way.
//!
//! The texts of the profile are held to it, and all that is composed from the frozen records in `tests/incidents`. Tests of single parts hold
//! their own texts to it with [`offences`].

use std::sync::LazyLock;

use regex::Regex;

use crate::diagnose::{Diagnosis, Recommendation, Truth, diagnose};
use crate::export::case_snapshot::CaseSnapshot;
use crate::export::check::Assessment;
use crate::export::handoff::{Done, hand_off};
use crate::export::report;
use crate::observe::state::State;
use crate::profile::Profile;
use crate::record::{Entry, Line, Snapshot};
use crate::remediate::gate::{GateInput, gate};
use crate::remediate::plan::Plan;
use crate::text::SafeText;

/// Words and turns of phrase that are not used, with what to say instead where that is not clear.
const BANNED: &[&str] = &[
    "anew",
    "told",
    "whom",
    "stands",
    "so long",
    "by hand",
    "let go",
    "beware",
    "aware of",
    "not ruled out",
    "never heard",
    "nothing heard",
    "last heard",
    "ran out",
    "run out",
    "settled in",
    "something settles",
    "advancing",
    "both beat",
    "nobody leads",
    "out of order",
    "turn to you",
    "for want of",
    "mend",
    "serve meanwhile",
    "taken back",
    "gone on with",
    "looked at",
    "held against",
    "what only",
    "what is only",
    "by so long",
    "since a while",
    "it takes 2",
    "as it should",
    "it did not help:",
    "nobody knows",
    "nobody here",
    "the words",
    "tells of",
    "no sign of life",
];

/// A number with a colon, as far as it goes.
static CLOCK: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"[\w.:\[-]*\d:\d\d[\d:.]*(?: UTC)?").unwrap());

/// A span of time that is written as a clock: `07:12`, `2d 00:10`.
static SPAN: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^-?\d{1,2}:\d\d$").unwrap());

/// What of a text must be written otherwise.
pub(crate) fn offences(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let is_part = |c: char| c.is_alphanumeric();
    let stands_alone = |word: &str| {
        lower.match_indices(word).any(|(at, found)| {
            let before = lower[..at].chars().next_back();
            let after = lower[at + found.len()..].chars().next();
            !before.is_some_and(is_part) && !after.is_some_and(is_part)
        })
    };
    let words = BANNED.iter().filter(|word| stands_alone(word));
    let spans = CLOCK
        .find_iter(text)
        .filter(|found| SPAN.is_match(found.as_str()));
    let offending = words
        .map(ToString::to_string)
        .chain(spans.map(|found| found.as_str().to_owned()));
    offending.map(|what| format!("{what}: {text}")).collect()
}

/// All that a diagnosis says.
pub(crate) fn texts_of(diagnosis: &Diagnosis) -> Vec<SafeText> {
    let mut texts = Vec::new();
    for step in &diagnosis.steps {
        texts.extend([&step.title, &step.value, &step.threshold].map(Clone::clone));
        texts.extend(step.evidence.iter().cloned());
    }
    texts.extend(diagnosis.leaders.iter().map(|leader| leader.log.clone()));
    let decision = &diagnosis.decision;
    let because = |one: &Recommendation| one.because.clone();
    texts.extend(because(&decision.recommendation));
    texts.extend(decision.also.iter().chain(&decision.literal).flat_map(because));
    texts.extend(decision.not_ruled_out.iter().map(|open| open.missing.clone()));
    texts.push(decision.differs.clone());
    for rule in &decision.rules {
        texts.extend([rule.title.clone(), rule.flips.clone()]);
        match &rule.truth {
            Truth::True { because, .. } => texts.extend(because.iter().cloned()),
            Truth::False { because } => texts.push(because.clone()),
            Truth::Unknown { missing } => texts.push(missing.clone()),
        }
    }
    texts
}

/// All that leaves the program of a case, and what it says of each change that could be made.
fn texts_about(account: &CaseSnapshot<'_>) -> Vec<SafeText> {
    let assessment = Assessment::of(account, 10, Vec::new());
    let mut texts = vec![assessment.table(false), assessment.markdown()];
    let contacts = account.profile.contacts.keys();
    texts.extend(contacts.map(|contact| hand_off(account, contact, &Done::default())));
    let plans = [
        Plan::restart_all(account),
        Plan::roll_out(account),
        Plan::start(account),
        Plan::scale(account, 1),
        Plan::scale(account, -1),
        Plan::advised(account),
    ];
    for plan in plans {
        let plan = match plan {
            Ok(plan) => plan.caused(account),
            Err(why) => {
                texts.push(why);
                continue;
            }
        };
        let situation = GateInput {
            account,
            past: &[],
            read_only: None,
        };
        let gate = gate(&plan, &situation);
        texts.extend([plan.words(), plan.button(), plan.effect()]);
        texts.extend(plan.risks(account));
        texts.extend(gate.refusals.into_iter().chain(gate.cautions));
    }
    texts
}

fn offences_in<'t, T: AsRef<str> + 't>(texts: impl IntoIterator<Item = &'t T>) -> Vec<String> {
    let mut all: Vec<String> = texts
        .into_iter()
        .flat_map(|text| text.as_ref().lines().flat_map(offences))
        .collect();
    all.sort();
    all.dedup();
    all
}

const PROFILE: &str = include_str!("../../assets/profiles/managed-services-api.toml");

/// Every text in a document.
fn strings(value: &toml::Value, texts: &mut Vec<String>) {
    match value {
        toml::Value::String(text) => texts.push(text.clone()),
        toml::Value::Array(all) => all.iter().for_each(|one| strings(one, texts)),
        toml::Value::Table(table) => table.values().for_each(|one| strings(one, texts)),
        _ => {}
    }
}

macro_rules! incidents {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../tests/incidents/", $name, ".jsonl")))),*]
    };
}

/// The frozen records that have the most to say.
static INCIDENTS: &[(&str, &str)] = &incidents![
    "a-pod-restarted-by-a-console-that-was-killed",
    "all-pods-restarted-and-resumed",
    "api-down-node",
    "blank-status",
    "cluster-failed",
    "crash-loop-oom",
    "database-blip",
    "database-wrong-password",
    "kafka-stuck-two-days",
    "log-of-one-pod-forbidden",
    "no-metrics",
    "node-lost",
    "ocm-outage",
    "panic-loop",
    "pods-forbidden",
    "rollout-under-way",
    "service-errors",
    "sso-outage",
    "two-leaders",
];

#[test]
fn the_list_finds_what_it_is_for_and_nothing_else() {
    let cases = [
        ("roll deployment msa out anew", 1),
        ("none for 07:12", 1),
        ("oldest 2d 00:10", 1),
        ("lease expired 7m12s ago", 0),
        ("13:59:58 UTC, none since 13:24 UTC", 0),
        (
            "2026-11-23 07:20:12 leader_election_mgr.go:80] dial tcp 10.0.61.9:443",
            0,
        ),
        ("a toldeo of understands", 0),
    ];
    for (text, count) in cases {
        assert_eq!(offences(text).len(), count, "{text}: {:?}", offences(text));
    }
}

#[test]
fn the_profile_is_in_plain_words() {
    let mut texts = Vec::new();
    strings(&toml::from_str(PROFILE).unwrap(), &mut texts);
    assert!(texts.len() > 500);
    assert_eq!(offences_in(&texts), Vec::<String>::new());
}

/// The incident as it would be recorded and judged today: the texts of its own time are left out.
fn retold(text: &str, profile: &Profile) -> (Vec<Line>, Vec<SafeText>) {
    let (mut lines, mut texts) = (Vec::new(), Vec::new());
    let mut state = State::of_service(&profile.service.deployment);
    let mut sop = &profile.sops[0];
    for line in text.lines() {
        let Ok(Line { at, mut entry }) = serde_json::from_str(line) else {
            continue;
        };
        match &mut entry {
            Entry::Began(began) => {
                began.profile = profile.clone();
                began.drill = began.drill.take().map(|_| "a drill".to_owned());
                state.began_at = Some(at);
                sop = profile.sop(&began.sop).unwrap_or(sop);
            }
            Entry::Observation(observation) => state.apply((**observation).clone(), at),
            Entry::Sop { id, .. } => sop = profile.sop(id).unwrap_or(sop),
            Entry::Snapshot(found) => {
                for other in &profile.sops {
                    let diagnosis = diagnose(&state, profile, other, at);
                    texts.extend(texts_of(&diagnosis));
                    let account = CaseSnapshot {
                        state: &state,
                        profile,
                        sop: other,
                        diagnosis: &diagnosis,
                        environment: profile.environments.first(),
                        namespace: "managed-services-stage",
                        drill: None,
                        now: at,
                    };
                    if other.id == sop.id {
                        texts.extend(texts_about(&account));
                        **found = Snapshot::of(&sop.id, &diagnosis);
                    }
                }
            }
            Entry::Stage { .. } | Entry::HandOff { .. } | Entry::Outcome { .. } => continue,
            _ => {}
        }
        lines.push(Line { at, entry });
    }
    (lines, texts)
}

#[test]
fn what_the_frozen_records_lead_to_is_in_plain_words() {
    let profile: Profile = toml::from_str(PROFILE).unwrap();
    let mut all = Vec::new();
    for (name, text) in INCIDENTS {
        let (lines, mut texts) = retold(text, &profile);
        assert!(texts.len() > 100, "{name} says nothing");
        texts.push(report::markdown(&lines, None));
        all.extend(
            offences_in(&texts)
                .into_iter()
                .map(|offence| format!("{name}: {offence}")),
        );
    }
    assert_eq!(all, Vec::<String>::new());
}
