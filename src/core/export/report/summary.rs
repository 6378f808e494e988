//! The incident in a few sentences.

use jiff::Timestamp;

use super::actions::{ActionRow, Leading, cut_short, leading};
use super::history::AdviceSpan;
use super::names::Names;
use super::{FIRST_LOOK, MonitoringSeen, Report, changes};
use crate::record::{Entry, Line, Snapshot};
use crate::safe;
use crate::text::{Redacted, SafeText, counted, duration};

/// The sentences, each for itself: the cause and the outcome first.
pub(super) fn of(report: &Report, lines: &[Line], names: &Names<'_>) -> Vec<SafeText> {
    let mut sentences = vec![cause(report), outcome(report), what(report)];
    sentences.extend(report.monitoring.as_ref().and_then(MonitoringSeen::sentence));
    sentences.extend(advice(report));
    sentences.extend(leaders(lines, names));
    sentences.extend(done(&report.actions));
    sentences.extend(cut_short(&report.actions).map(|(last, number, of)| {
        let rest = of - number;
        safe!(
            "{} (action {}): {number} of {of} sent, {rest} not.",
            last.aim,
            last.id
        )
    }));
    sentences.push(manual(report, lines));
    sentences.push(end(report, lines));
    sentences.extend(missing(report));
    sentences
}

/// The advice that the incident was about.
pub(super) struct Decisive<'a> {
    pub(super) held: &'a AdviceSpan,
    /// When it was shown best: before the action, else when it was last recorded. At first most sources are not read yet.
    pub(super) at: Timestamp,
    /// What showed it then. The ages in it count from that moment.
    pub(super) because: &'a [Redacted],
}

/// That of the first action's rule, else the one that asked for something for the longest time.
pub(super) fn decisive(report: &Report) -> Option<Decisive<'_>> {
    let acted = report.actions.iter().find(|one| one.rule.is_some());
    let by_action = acted.and_then(|action| {
        let mut before = report
            .recommendations
            .iter()
            .rev()
            .filter(|held| held.from <= action.at);
        before.find(|held| held.rule == action.rule)
    });
    let asks = |held: &&AdviceSpan| !matches!(held.action, "none" | "wait" | "gather");
    let mut longest: Option<&AdviceSpan> = None;
    for held in report.recommendations.iter().filter(asks) {
        if longest.is_none_or(|known| held.held_s > known.held_s) {
            longest = Some(held);
        }
    }
    let until = acted.filter(|_| by_action.is_some()).map(|action| action.at);
    let held = by_action.or(longest)?;
    let known = |(at, because): &&(Timestamp, Vec<Redacted>)| {
        until.is_none_or(|until| *at <= until) && !because.is_empty()
    };
    let (at, because) = match held.shown.iter().rfind(known) {
        Some((at, because)) => (*at, because),
        None => (held.from, &held.because),
    };
    Some(Decisive { held, at, because })
}

/// `Cause: no KafkaManager leader for 7m12s: none of 3 pods can read the lease (at 23:59:04 UTC). Advice: restart the pods (rule no-leader:
/// No leader).`
fn cause(report: &Report) -> SafeText {
    if let Some(decisive) = decisive(report) {
        let at = decisive.at.strftime("%T UTC");
        let because = decisive.because.first();
        let why = because.map_or("no reason recorded", Redacted::as_str);
        return safe!("Cause: {why} (at {at}). Advice: {}.", decisive.held.words);
    }
    match without_first_looks(&report.recommendations).last() {
        Some(last) => safe!("Cause: none found. Advice: {}.", last.words),
        None => "Cause: unknown. The record has no diagnosis.".into(),
    }
}

/// What the actions led to, and what is advised at the end.
fn outcome(report: &Report) -> SafeText {
    if let Some(effect) = effect(&report.actions) {
        return safe!("Outcome: {effect}");
    }
    let last = report.recommendations.last();
    let last = last.map_or("none", |last| last.words.as_str());
    safe!("Outcome: no changes made with sopwatch. Advice at the end: {last}.")
}

/// `Kafka cluster provisioning latency (stage). Watched from 2026-11-23 07:20:12 UTC for 14m32s.`
fn what(report: &Report) -> SafeText {
    let Some((began, last)) = report.began_at.zip(report.last_at) else {
        return "The record has no readable line.".into();
    };
    let long = duration::exact(super::since(began, last));
    let began = began.strftime("%F %T UTC");
    match &report.place {
        Some(place) => {
            let environment = place.environment.as_deref().unwrap_or("unknown environment");
            let alert = match report.title.as_str() {
                "" => "No SOP selected",
                title => title,
            };
            let service = &place.service;
            safe!("{alert} ({service}, {environment}). Watched from {began} for {long}.")
        }
        None => safe!("The record's first line is missing. Watched from {began} or earlier for {long}."),
    }
}

/// The recommendations from the first on that was there when the sources had been read.
fn without_first_looks(all: &[AdviceSpan]) -> &[AdviceSpan] {
    let began = all.first().map_or(Timestamp::MIN, |first| first.from);
    let passes = |held: &&AdviceSpan| super::since(began, held.to) < FIRST_LOOK;
    let first = all.iter().take_while(passes).count();
    &all[first.min(all.len().saturating_sub(1))..]
}

/// `Advice: 23:59:00 restart the pods → 23:59:44 wait → 00:01:01 no action needed (UTC).`
fn advice(report: &Report) -> Option<SafeText> {
    let spans = without_first_looks(&report.recommendations);
    let alike = |one: &AdviceSpan, next: &AdviceSpan| one.words == next.words;
    let all: Vec<_> = spans
        .chunk_by(alike)
        .filter_map(|same| {
            let held = same.first()?;
            Some(format!("{} {}", held.from.strftime("%T"), held.short))
        })
        .collect();
    let more = all.len().saturating_sub(MOST_ADVICE);
    let shown = all[..all.len() - more].join(" → ");
    let more = if more > 0 {
        safe!(" → {more} more")
    } else {
        SafeText::default()
    };
    (!all.is_empty()).then(|| safe!("Advice: {shown}{more} (UTC)."))
}

/// Changes of the advice that the summary names.
const MOST_ADVICE: usize = 8;

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
    match found.next_back().map(words) {
        Some(last) if last != first => Some(safe!("Leaders: {first} → {last}.")),
        _ => None,
    }
}

fn done(actions: &[ActionRow]) -> Option<SafeText> {
    let count = |outcome: &str| actions.iter().filter(|one| one.outcome == outcome).count();
    let words: Vec<SafeText> = ["applied", "refused", "failed", "outcome unknown"]
        .into_iter()
        .filter(|outcome| count(outcome) > 0)
        .map(|outcome| safe!("{} {outcome}", count(outcome)))
        .collect();
    if actions.is_empty() {
        return None;
    }
    let changes = counted(actions.len(), "change", "changes");
    Some(safe!("{changes} confirmed: {}.", words.join(", ")))
}

/// What the last change that was applied led to.
fn effect(actions: &[ActionRow]) -> Option<SafeText> {
    let last = actions.iter().rev().find(|one| one.outcome == "applied")?;
    let part = cut_short(actions).find(|(one, ..)| one.id == last.id);
    let id = last.id;
    let went = match last.stages.last() {
        None => safe!("action {id} applied."),
        Some(stage) => match (stage.good, part) {
            // An older version said of a part that it worked.
            (Some(true), Some((_, number, of))) => {
                safe!(
                    "action {id} was only {number} of {of}; it ended with: {}.",
                    stage.words
                )
            }
            (Some(true), None) => safe!("action {id} worked ({}).", stage.words),
            (Some(false), _) => safe!("action {id} FAILED ({}).", stage.words),
            (None, _) => safe!("action {id}: outcome not recorded (last seen: {}).", stage.words),
        },
    };
    let after = match &last.after {
        Some(after) => safe!("Advice afterwards: {}.", after.recommendation),
        None => "No new findings afterwards.".into(),
    };
    Some(safe!("{went} {after}"))
}

fn manual(report: &Report, lines: &[Line]) -> SafeText {
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
    safe!(
        "Manual steps checked: {ticked} of {}. Notes: {notes}. Hand-offs: {handed}.",
        ticked + open
    )
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
            safe!("The incident is open; the console exited at {}.", at(line))
        }
        _ => "The incident is open; the record does not show that the console exited.".into(),
    }
}

fn missing(report: &Report) -> Option<SafeText> {
    let lost = report.unknown.entries_lost;
    (lost > 0).then(|| {
        let entries = counted(lost, "entry", "entries");
        safe!("{entries} could not be written to the record.")
    })
}
