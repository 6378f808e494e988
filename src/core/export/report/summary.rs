//! The incident in a few sentences.

use jiff::{SignedDuration, Timestamp};

use super::actions::{ActionRow, Leading, cut_short, leading};
use super::history::AdviceSpan;
use super::names::Names;
use super::{Report, changes};
use crate::record::{Entry, Line, Snapshot};
use crate::safe;
use crate::text::{SafeText, duration};

/// The sentences, each for itself.
pub(super) fn of(report: &Report, lines: &[Line], names: &Names<'_>) -> Vec<SafeText> {
    let mut sentences = vec![what(report)];
    sentences.push(advice(report));
    sentences.extend(leaders(lines, names));
    sentences.push(done(&report.actions));
    sentences.extend(effect(&report.actions));
    sentences.extend(cut_short(&report.actions).map(|(last, number, of)| {
        let rest = of - number;
        safe!("Of \"{}\", {number} of {of} was sent, and {rest} not.", last.aim)
    }));
    sentences.push(by_hand(report, lines));
    sentences.push(end(report, lines));
    sentences.extend(missing(report));
    sentences
}

/// `Kafka cluster provisioning latency at Managed Services API, stage: 14m 32s, from 2026-11-23 07:20:12 UTC on.`
fn what(report: &Report) -> SafeText {
    let Some((began, last)) = report.began_at.zip(report.last_at) else {
        return "The record holds no line that can be read.".into();
    };
    let long = duration::exact(super::since(began, last));
    let began = began.strftime("%F %T UTC");
    match &report.place {
        Some(place) => {
            let environment = place.environment.as_deref();
            let environment = environment.unwrap_or("an environment that the profile does not know");
            let alert = match report.title.as_str() {
                "" => "An alert whose SOP was not chosen",
                title => title,
            };
            safe!(
                "{alert} of {}, {environment}: looked at from {began} on, for {long}.",
                place.service
            )
        }
        None => safe!(
            "An incident whose first line is missing: what is known begins at {began} and goes on for {long}."
        ),
    }
}

/// What is recommended while the sources are being read for the first time says nothing of the incident.
const FIRST_LOOK: SignedDuration = SignedDuration::from_secs(5);

/// The recommendations from the first on that was there when the sources had been read.
fn without_first_looks(all: &[AdviceSpan]) -> &[AdviceSpan] {
    let began = all.first().map_or(Timestamp::MIN, |first| first.from);
    let passes = |held: &&AdviceSpan| super::since(began, held.to) < FIRST_LOOK;
    let first = all.iter().take_while(passes).count();
    &all[first.min(all.len().saturating_sub(1))..]
}

fn advice(report: &Report) -> SafeText {
    let Some((first, rest)) = without_first_looks(&report.recommendations).split_first() else {
        return "Nothing was found: no diagnosis is in the record.".into();
    };
    let at = first.from.strftime("%T UTC");
    let Some((last, between)) = rest.split_last() else {
        return safe!("Recommended from {at} to the end: {}.", first.words);
    };
    let since = last.from.strftime("%T UTC");
    safe!(
        "Recommended first, at {at}: {}.{} Last, from {since} on: {}.",
        first.words,
        in_between(between, [first, last]),
        last.words
    )
}

/// What else was recommended, each once.
fn in_between(between: &[AdviceSpan], told: [&AdviceSpan; 2]) -> SafeText {
    let mut words: Vec<&str> = Vec::new();
    for held in between {
        let known = told.iter().any(|one| one.words == held.words);
        if !known && !words.contains(&held.words.as_str()) {
            words.push(&held.words);
        }
    }
    if words.is_empty() {
        return SafeText::default();
    }
    safe!(" In between: {}.", words.join(", "))
}

fn leaders(lines: &[Line], names: &Names<'_>) -> Option<SafeText> {
    let all: Vec<(Timestamp, &Snapshot)> = lines
        .iter()
        .filter_map(|line| match &line.entry {
            Entry::Snapshot(found) => Some((line.at, &**found)),
            _ => None,
        })
        .collect();
    let (began, _) = all.first()?;
    let looks = all
        .iter()
        .take_while(|(at, _)| super::since(*began, *at) < FIRST_LOOK);
    let mut found = all[looks.count() - 1..].iter().map(|(_, found)| *found);
    let words = |found: &Snapshot| {
        let leaders = leading(found, names);
        let words = |leader: &Leading| safe!("{} {}", leader.title, changes::leader(leader));
        leaders.iter().map(words).collect::<Vec<_>>().join("; ")
    };
    let first = words(found.next()?);
    if first.is_empty() {
        return None;
    }
    Some(match found.next_back().map(words) {
        Some(last) if last != first => safe!("Leaders at first: {first}. At the end: {last}."),
        Some(_) => safe!("Leaders at first and at the end: {first}."),
        None => safe!("Leaders: {first}."),
    })
}

fn done(actions: &[ActionRow]) -> SafeText {
    if actions.is_empty() {
        return "Nothing in the cluster was changed with sopwatch.".into();
    }
    let count = |outcome: &str| actions.iter().filter(|one| one.outcome == outcome).count();
    let words: Vec<SafeText> = ["applied", "refused", "failed", "outcome unknown"]
        .into_iter()
        .filter(|outcome| count(outcome) > 0)
        .map(|outcome| safe!("{} {outcome}", count(outcome)))
        .collect();
    let changes = match actions.len() {
        1 => "1 change was".into(),
        many => safe!("{many} changes were"),
    };
    safe!("{changes} confirmed: {}.", words.join(", "))
}

/// What the last change that was applied led to.
fn effect(actions: &[ActionRow]) -> Option<SafeText> {
    let last = actions.iter().rev().find(|one| one.outcome == "applied")?;
    let part = cut_short(actions).find(|(one, ..)| one.id == last.id);
    let stage = last.stages.last().map(|stage| {
        let went = match (stage.good, part) {
            // An older version said of a part that it worked.
            (Some(true), Some((_, number, of))) => safe!("was only {number} of {of}, and ended with"),
            (Some(true), None) => "went as it should".into(),
            (Some(false), _) => "did NOT go as it should".into(),
            (None, _) => "was not followed to its end, and last seen at".into(),
        };
        safe!(" {went}: {};", stage.words)
    });
    let stage = stage.unwrap_or_default();
    let after = match &last.after {
        Some(after) => safe!("the last advice found then was: {}", after.recommendation),
        None => "nothing new was found in the time that it takes to settle".into(),
    };
    Some(safe!("Action {}{stage} {after}.", last.id))
}

fn by_hand(report: &Report, lines: &[Line]) -> SafeText {
    let (ticked, open) = (report.manual.ticked.len(), report.manual.not_ticked.len());
    let notes = lines
        .iter()
        .filter(|line| matches!(line.entry, Entry::Note { .. }))
        .count();
    let teams: Vec<&str> = report.hand_offs.iter().map(|one| one.title.as_str()).collect();
    let handed = if teams.is_empty() {
        "none".into()
    } else {
        safe!("{} ({})", teams.len(), teams.join(", "))
    };
    safe!("Manual steps ticked: {ticked}, not ticked: {open}. Notes: {notes}. Hand-offs: {handed}.")
}

fn end(report: &Report, lines: &[Line]) -> SafeText {
    let last = lines.iter().rev().find(|line| {
        matches!(
            line.entry,
            Entry::Closed(_) | Entry::Left { .. } | Entry::Joined(_)
        )
    });
    let at = |line: &Line| line.at.strftime("%F %T UTC").to_string();
    match last {
        Some(line) if !report.open => safe!("The incident was closed at {}.", at(line)),
        Some(line) if matches!(line.entry, Entry::Left { .. }) => {
            safe!("The incident is open; the console was left at {}.", at(line))
        }
        _ => "The incident is open; the record does not say that the console was left.".into(),
    }
}

fn missing(report: &Report) -> Option<SafeText> {
    let lost = report.unknown.entries_lost;
    (lost > 0).then(|| safe!("{lost} entries are missing from the record: they could not be written."))
}
