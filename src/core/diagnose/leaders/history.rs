//! Who led when, by the logs: what the strip of leaders over time is drawn from.
//!
//! Only the lines of leaders and of those that wait for the lease count. Where no log has such a line, or one that could not be read may
//! have had one, nobody knows who led: that is not a gap without a leader.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::LeaderReading;
use super::claim::witnesses;
use crate::logparse::{ContainerKey, LeaderLineKind, Sighting};
use crate::observe::observation::{PodUid, short_name};
use crate::observe::state::State;
use crate::profile::Profile;
use crate::text::SafeText;

/// Lines of one log that are closer together than this have no silence between them. A tick or a loop is half a minute at most.
const JOINED: SignedDuration = SignedDuration::from_secs(150);

/// How long a line counts after it was written.
const COUNTS_FOR: SignedDuration = SignedDuration::from_secs(45);

/// Two that lead for less than this together hand over: the nodes' clocks may differ.
const HAND_OVER: SignedDuration = SignedDuration::from_secs(10);

/// Logs that are kept of one worker type.
const LOGS: usize = 64;

/// Spans that are kept of one log.
const SPANS: usize = 64;

/// Worker types that are kept; a service has a dozen.
const WORKERS: usize = 64;

/// Who led when, by worker type and log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeaderHistory {
    by: BTreeMap<SafeText, BTreeMap<ContainerKey, LogHistory>>,
}

/// What one log says of one worker type over time.
#[derive(Clone, Debug, Default, PartialEq)]
struct LogHistory {
    /// When the process led.
    led: VecDeque<Span>,
    /// When it wrote whether it leads.
    heard: VecDeque<Span>,
}

/// A stretch of time.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Span {
    from: Timestamp,
    to: Timestamp,
    /// Whether its end is known: the leader said that it leads no more.
    ended: bool,
}

/// Who led in a stretch of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Led {
    /// No log tells, or one that could not be read may have led.
    Unseen,
    /// Nobody.
    Nobody,
    /// One pod, by its short name.
    One(SafeText),
    /// More than one at a time.
    Several,
}

impl LeaderHistory {
    /// Takes in what a container said. What it said before is not counted again.
    pub(super) fn apply(&mut self, source: &ContainerKey, sightings: &[Sighting]) {
        for sighting in sightings {
            let worker = &sighting.line.worker;
            if !self.by.contains_key(worker) && self.by.len() == WORKERS {
                continue;
            }
            let logs = self.by.entry(worker.clone()).or_default();
            if !logs.contains_key(source) && logs.len() == LOGS {
                let last = |log: &LogHistory| log.heard.back().map(|span| span.to);
                let oldest = logs.iter().min_by_key(|(_, log)| last(log));
                if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                    logs.remove(&oldest);
                }
            }
            logs.entry(source.clone()).or_default().add(sighting);
        }
    }

    /// Whether the process before the `restart`th of a pod led a worker type when it ended, by all that the logs say up to then.
    pub(in crate::diagnose) fn led_to_the_end(
        &self,
        pod: &PodUid,
        restart: u32,
        ended_at: Option<Timestamp>,
    ) -> bool {
        let is_it = |key: &ContainerKey| key.pod_uid == *pod && key.restart.checked_add(1) == Some(restart);
        let before = |at: Timestamp| ended_at.is_none_or(|ended| at <= ended);
        self.by.values().any(|logs| {
            let of_it = logs.iter().find(|(key, _)| is_it(key));
            let last = of_it
                .and_then(|(_, log)| log.led.back())
                .filter(|span| !span.ended);
            last.is_some_and(|last| {
                let others = logs.iter().filter(|(key, _)| !is_it(key));
                let mut others = others.flat_map(|(_, log)| &log.led);
                !others.any(|other| before(other.from) && other.to > last.to)
            })
        })
    }

    /// Who led a worker type in each of `count` equal stretches of the `window` that ends at `now`, oldest first. `leader`: the short name
    /// of the pod that leads now, which need not have written since it won the lease. `silent`: the processes whose silence proves nothing.
    fn strip(
        &self,
        worker: &str,
        now: Timestamp,
        window: SignedDuration,
        count: usize,
        leader: Option<&str>,
        silent: &[Process],
    ) -> Vec<Led> {
        let Some(logs) = self.by.get(&SafeText::new(worker)) else {
            return vec![Led::Unseen; count];
        };
        let led = led_spans(logs, now, leader);
        let heard = Heard::new(logs, silent);
        let each = i64::try_from(count.max(1)).map_or(window, |count| {
            SignedDuration::from_millis(i64::try_from(window.as_millis()).unwrap_or(i64::MAX) / count)
        });
        (0..count)
            .map(|index| {
                let back = i32::try_from(count - index).unwrap_or(i32::MAX);
                let from = now.saturating_sub(each * back).unwrap_or(now);
                let to = now.saturating_sub(each * (back - 1)).unwrap_or(now);
                led_within(&led, &heard, from, to)
            })
            .collect()
    }
}

/// When each pod led.
fn led_spans<'a>(
    logs: &'a BTreeMap<ContainerKey, LogHistory>,
    now: Timestamp,
    leader: Option<&str>,
) -> Vec<(&'a str, Timestamp, Timestamp)> {
    let mut spans = Vec::new();
    for (source, log) in logs {
        let leads_now = leader == Some(source.short_name());
        for (index, span) in log.led.iter().enumerate() {
            let newest = index + 1 == log.led.len();
            let to = match span.ended {
                true => span.to,
                false if newest && leads_now => now.max(span.to),
                false => after(span.to),
            };
            spans.push((source.short_name(), span.from, to));
        }
    }
    spans
}

fn after(at: Timestamp) -> Timestamp {
    at.saturating_add(COUNTS_FOR).unwrap_or(at)
}

/// A process that may lead: its log, unless it has none that could be read, and since when it runs.
struct Process {
    source: Option<ContainerKey>,
    since: Timestamp,
}

/// Which stretches the logs tell of.
struct Heard {
    /// When any of them wrote whether its process leads.
    any: Vec<(Timestamp, Timestamp)>,
    /// Of each process whose silence proves nothing: since when it runs, and when it wrote whether it leads.
    each: Vec<(Timestamp, Vec<(Timestamp, Timestamp)>)>,
}

impl Heard {
    fn new(logs: &BTreeMap<ContainerKey, LogHistory>, silent: &[Process]) -> Self {
        let spans = |log: &LogHistory| -> Vec<(Timestamp, Timestamp)> {
            log.heard.iter().map(|span| (span.from, after(span.to))).collect()
        };
        let of_process = |process: &Process| {
            let log = process.source.as_ref().and_then(|source| logs.get(source));
            let mut heard = log.map(spans).unwrap_or_default();
            // What a process does before its first line is no silence either.
            let first = heard.first_mut();
            if let Some((from, _)) = first.filter(|(from, _)| from.duration_since(process.since) <= JOINED) {
                *from = process.since.min(*from);
            }
            (process.since, heard)
        };
        Self {
            any: logs.values().flat_map(spans).collect(),
            each: silent.iter().map(of_process).collect(),
        }
    }

    /// Whether it is known of a stretch that nobody led where no log tells of a leader: a process that was not heard may have led.
    fn is_known(&self, from: Timestamp, to: Timestamp) -> bool {
        let within =
            |spans: &[(Timestamp, Timestamp)]| spans.iter().any(|(start, end)| *start < to && *end > from);
        within(&self.any)
            && self
                .each
                .iter()
                .all(|(since, heard)| *since >= to || within(heard))
    }
}

/// Who led a worker type in each of `count` equal stretches of the `window` that ends at `now`, oldest first.
pub fn led_over(
    state: &State,
    profile: &Profile,
    reading: &LeaderReading,
    now: Timestamp,
    window: SignedDuration,
    count: usize,
) -> Vec<Led> {
    let silent: Vec<_> = witnesses(state, profile, now)
        .into_iter()
        .filter(|witness| !witness.tells_all())
        .map(|witness| Process {
            since: witness.since.or(witness.pod.created_at).unwrap_or(Timestamp::MIN),
            source: witness.source,
        })
        .collect();
    let leader = reading.pod.as_deref().map(short_name);
    let history = state.leaders.history();
    history.strip(&reading.log_type, now, window, count, leader, &silent)
}

fn led_within(led: &[(&str, Timestamp, Timestamp)], heard: &Heard, from: Timestamp, to: Timestamp) -> Led {
    let within: Vec<_> = led
        .iter()
        .filter(|(_, start, end)| *start < to && *end > from)
        .collect();
    let together = |one: &(&str, Timestamp, Timestamp), other: &(&str, Timestamp, Timestamp)| {
        let (start, end) = (one.1.max(other.1), one.2.min(other.2));
        one.0 != other.0 && end.duration_since(start) > HAND_OVER && start < to && end > from
    };
    let several = within
        .iter()
        .enumerate()
        .any(|(index, one)| within[index + 1..].iter().any(|other| together(one, other)));
    if several {
        return Led::Several;
    }
    // Where one handed over to another, the one that leads at the end.
    match within.iter().max_by_key(|(_, start, _)| *start) {
        Some((pod, ..)) => Led::One(SafeText::new(pod)),
        None if heard.is_known(from, to) => Led::Nobody,
        None => Led::Unseen,
    }
}

impl LogHistory {
    fn add(&mut self, sighting: &Sighting) {
        let at = sighting.at;
        if self.heard.back().is_some_and(|span| at < span.to) {
            // A log that is read again from its beginning.
            return;
        }
        extend(&mut self.heard, at);
        match sighting.line.kind {
            LeaderLineKind::Gained => push(&mut self.led, at),
            LeaderLineKind::Heartbeat => match self.led.back() {
                Some(span) if span.ended => push(&mut self.led, at),
                _ => extend(&mut self.led, at),
            },
            LeaderLineKind::Lost => self.end(Some(at)),
            // It is not known when it lost the lease: it leads no more since the last it said of that.
            LeaderLineKind::NotLeader => self.end(None),
            LeaderLineKind::LoopEnded | LeaderLineKind::LeaseFailed => {}
        }
    }

    fn end(&mut self, at: Option<Timestamp>) {
        if let Some(span) = self.led.back_mut().filter(|span| !span.ended) {
            span.to = at.unwrap_or(span.to);
            span.ended = true;
        }
    }
}

fn push(spans: &mut VecDeque<Span>, at: Timestamp) {
    if spans.len() == SPANS {
        spans.pop_front();
    }
    spans.push_back(Span {
        from: at,
        to: at,
        ended: false,
    });
}

fn extend(spans: &mut VecDeque<Span>, at: Timestamp) {
    match spans.back_mut() {
        Some(span) if at.duration_since(span.to) <= JOINED => span.to = at.max(span.to),
        _ => push(spans, at),
    }
}

#[cfg(test)]
mod tests {
    use super::LeaderLineKind::{Gained, Heartbeat, Lost, NotLeader};
    use super::*;
    use crate::logparse::LeaderLine;
    use crate::testkit::{KAFKA, now};

    /// What a pod wrote so many seconds ago, oldest first.
    type Said<'a> = (&'a str, &'a [(LeaderLineKind, i64)]);

    fn log_of(pod: &str) -> ContainerKey {
        ContainerKey {
            pod_uid: PodUid(pod.into()),
            pod: SafeText::new(&format!("msa-x-{pod}")),
            container: "service".into(),
            restart: 0,
        }
    }

    fn processes(silent: &[(&str, i64)]) -> Vec<Process> {
        let process = |(pod, ago): &(&str, i64)| Process {
            source: Some(log_of(pod)),
            since: now() - SignedDuration::from_secs(*ago),
        };
        silent.iter().map(process).collect()
    }

    fn history(said: &[Said<'_>]) -> LeaderHistory {
        let mut history = LeaderHistory::default();
        for (pod, lines) in said {
            let source = log_of(pod);
            let sightings: Vec<_> = lines
                .iter()
                .map(|(kind, ago)| Sighting {
                    at: now() - SignedDuration::from_secs(*ago),
                    line: LeaderLine {
                        kind: *kind,
                        worker: KAFKA.into(),
                        worker_id: "id".into(),
                    },
                })
                .collect();
            history.apply(&source, &sightings);
        }
        history
    }

    /// The strip of the last ten minutes, a letter a minute: the pod's first, `.` for nobody, `?` for unseen, `2` for several.
    fn strip(said: &[Said<'_>], leader: Option<&str>) -> String {
        strip_of(said, leader, &[])
    }

    /// The same where the silence of some pods proves nothing; they run since so many seconds ago.
    fn strip_of(said: &[Said<'_>], leader: Option<&str>, silent: &[(&str, i64)]) -> String {
        let window = SignedDuration::from_mins(10);
        let strip = history(said).strip(KAFKA, now(), window, 10, leader, &processes(silent));
        let letter = |led: &Led| match led {
            Led::Unseen => '?',
            Led::Nobody => '.',
            Led::One(pod) => pod.chars().next().unwrap(),
            Led::Several => '2',
        };
        strip.iter().map(letter).collect()
    }

    fn every_30_s(kind: LeaderLineKind, from: i64, to: i64) -> Vec<(LeaderLineKind, i64)> {
        (0..=(from - to) / 30)
            .map(|index| (kind, from - index * 30))
            .collect()
    }

    #[test]
    fn a_strip_tells_a_leader_a_gap_and_what_nobody_saw() {
        let leads = every_30_s(Heartbeat, 420, 0);
        // what was before the first line nobody saw
        assert_eq!(strip(&[("aaaaa", &leads)], Some("aaaaa")), "???aaaaaaa");
        let mut loses = every_30_s(Heartbeat, 600, 300);
        loses.push((Lost, 290));
        loses.extend(every_30_s(NotLeader, 270, 0));
        assert_eq!(strip(&[("aaaaa", &loses)], None), "aaaaaa....");
        // a log without any such line
        assert_eq!(strip(&[], None), "??????????");
    }

    #[test]
    fn nobody_led_only_where_no_process_went_unheard() {
        let follows = every_30_s(NotLeader, 600, 0);
        let heard = [("aaaaa", 7_200), ("bbbbb", 7_200)];
        assert_eq!(strip_of(&[("aaaaa", &follows)], None, &heard[..1]), "..........");
        assert_eq!(
            strip_of(&[("aaaaa", &follows)], None, &heard),
            "??????????",
            "bbbbb is not read and may have led"
        );
        let both: [Said<'_>; 2] = [("aaaaa", &follows), ("bbbbb", &follows)];
        assert_eq!(strip_of(&both, None, &heard), "..........");
        let late = every_30_s(NotLeader, 290, 0);
        let both: [Said<'_>; 2] = [("aaaaa", &follows), ("bbbbb", &late)];
        assert_eq!(strip_of(&both, None, &heard), "?????.....");
        // one that came later led nothing before, nor while it started
        let started = [("aaaaa", 7_200), ("bbbbb", 330)];
        assert_eq!(strip_of(&both, None, &started), "..........");
        // a pod that is known to lead is seen, whoever is not read
        let leads = every_30_s(Heartbeat, 600, 0);
        assert_eq!(
            strip_of(&[("aaaaa", &leads)], Some("aaaaa"), &heard),
            "aaaaaaaaaa"
        );
    }

    #[test]
    fn a_leader_that_wrote_only_when_it_won_the_lease_leads_until_now_if_it_leads_now() {
        let quiet: Said<'_> = ("aaaaa", &[(Gained, 540)]);
        assert_eq!(strip(&[quiet], Some("aaaaa")), "?aaaaaaaaa");
        assert_eq!(strip(&[quiet], None), "?a????????");
    }

    #[test]
    fn a_handover_is_no_gap_and_two_leaders_show() {
        let mut first = every_30_s(Heartbeat, 600, 310);
        first.push((Lost, 301));
        let mut second = vec![(Gained, 300)];
        second.extend(every_30_s(Heartbeat, 300, 0));
        let both: [Said<'_>; 2] = [("aaaaa", &first), ("bbbbb", &second)];
        assert_eq!(strip(&both, Some("bbbbb")), "aaaaabbbbb");
        let stays = every_30_s(Heartbeat, 600, 0);
        let both: [Said<'_>; 2] = [("aaaaa", &stays), ("bbbbb", &second)];
        assert_eq!(strip(&both, None), "aaaaa22222");
        // the clocks of two nodes may be some seconds apart
        let mut overlaps = every_30_s(Heartbeat, 600, 310);
        overlaps.push((Lost, 291));
        let both: [Said<'_>; 2] = [("aaaaa", &overlaps), ("bbbbb", &second)];
        assert_eq!(strip(&both, Some("bbbbb")), "aaaaabbbbb");
    }

    #[test]
    fn a_process_that_led_when_it_ended_is_told_from_one_that_had_handed_over() {
        let ended = |ago: i64| Some(now() - SignedDuration::from_secs(ago));
        let led = |said: &[Said<'_>]| history(said).led_to_the_end(&PodUid("aaaaa".into()), 1, ended(100));
        let leads = every_30_s(Heartbeat, 600, 120);
        assert!(led(&[("aaaaa", &leads)]));
        let heir = every_30_s(Heartbeat, 60, 0);
        assert!(led(&[("aaaaa", &leads), ("bbbbb", &heir)]), "it came afterwards");
        let earlier = every_30_s(Heartbeat, 300, 0);
        let first = every_30_s(Heartbeat, 600, 310);
        assert!(!led(&[("aaaaa", &first), ("bbbbb", &earlier)]));
        let mut lost = leads.clone();
        lost.push((Lost, 110));
        assert!(!led(&[("aaaaa", &lost)]));
        assert!(!led(&[("bbbbb", &leads)]));
    }

    #[test]
    fn a_log_that_is_read_again_changes_nothing() {
        let leads = every_30_s(Heartbeat, 300, 0);
        let once = history(&[("aaaaa", &leads)]);
        let twice = history(&[("aaaaa", &leads), ("aaaaa", &leads)]);
        assert_eq!(once, twice);
    }

    #[test]
    fn what_is_kept_has_a_bound() {
        let flaps: Vec<_> = (0..500)
            .flat_map(|index| [(Gained, 5_000 - index * 10), (Lost, 4_995 - index * 10)])
            .collect();
        let history = history(&[("aaaaa", &flaps)]);
        let log = history.by.values().next().unwrap().values().next().unwrap();
        assert_eq!((log.led.len(), log.heard.len()), (SPANS, 1));
    }
}
