//! Which observations go into a record. What only says again what is known (a sign of life, the next lines of a log, the same rows a little
//! older) is held back, joined with what follows, and written every few seconds, or before anything else is: what is read from the record
//! leads to the same diagnosis at each moment that the record tells of.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Entry, Line};
use crate::logparse::{ContainerKey, LogBatch, LogRecord, Severity};
use crate::observe::log_errors::NEWEST;
use crate::observe::observation::{Observation, Reading, ReplicaSet, Standby, StandingRow, TableReading};
use crate::observe::source::{SourceId, SourceState};
use crate::text::SafeText;

/// How long what changes nothing is held back: sources give a sign of life more often than they are called stale.
pub const HOLD: SignedDuration = SignedDuration::from_secs(5);

/// How long the same rows are held back, and the counts of requests, which are long.
const HOLD_LONG: SignedDuration = SignedDuration::from_secs(30);

/// Log records of one source that go into the record between two writings.
pub const MOST_RECORDS: usize = 50;

/// The same once [`LOG_ROOM`] is used up: a sample, so that a flood of days still leaves a record that can be read.
pub const MOST_RECORDS_LATER: usize = 5;

/// Bytes of log records from which on only a sample of them is written.
pub const LOG_ROOM: usize = 64 << 20;

/// Takes observations, gives lines.
#[derive(Debug, Default)]
pub struct Recorder {
    /// Sources that are known to be live.
    live: BTreeMap<SourceId, Timestamp>,
    /// Signs of life, and ends of turns, that were not written.
    signs: BTreeMap<SourceId, (Timestamp, SourceState)>,
    logs: BTreeMap<ContainerKey, (Timestamp, LogBatch)>,
    requests_written: BTreeMap<ContainerKey, Timestamp>,
    /// The ReplicaSets and the autoscaler that were written last: their objects change more often than what is known of them.
    sets: BTreeMap<SafeText, ReplicaSet>,
    autoscaler: Option<Observation>,
    reading: Option<(Timestamp, Reading)>,
    /// The reading that was written last.
    written: Option<(Timestamp, Reading)>,
    left_out: u64,
    /// Bytes of the log records that went into the record.
    log_bytes: usize,
    /// Since when something is held back.
    held_since: Option<Timestamp>,
}

impl Recorder {
    /// Takes in an observation that came at `at`; the lines that are to be written now.
    pub fn take(&mut self, at: Timestamp, observation: &Observation) -> Vec<Line> {
        let mut lines = Vec::new();
        if self
            .held_since
            .is_some_and(|since| at.duration_since(since) >= HOLD)
        {
            lines = self.write_held(at, false);
        }
        if !self.hold(at, observation) {
            lines.extend(self.flush(at));
            self.note_written(at, observation);
            lines.push(line(at, observation.clone()));
        }
        lines
    }

    /// What is held back, for something else is about to be written.
    pub fn flush(&mut self, at: Timestamp) -> Vec<Line> {
        self.write_held(at, true)
    }

    /// Whether the observation is held back.
    fn hold(&mut self, at: Timestamp, observation: &Observation) -> bool {
        let held = match observation {
            // Times are already by the clock, and charts are only looked at.
            Observation::ServerClock(_) | Observation::MetricsHistory(_) => return true,
            Observation::ReplicaSet(set) if self.sets.get(&set.uid) == Some(set) => return true,
            Observation::Autoscaler(_) if self.autoscaler.as_ref() == Some(observation) => return true,
            Observation::Source(id, SourceState::Live) if self.live.contains_key(id) => {
                self.signs.insert(id.clone(), (at, SourceState::Live));
                true
            }
            // Where there are many logs, some turn ends each second.
            Observation::Source(id @ SourceId::Log(_), SourceState::Resting) => {
                self.live.remove(id);
                self.signs.insert(id.clone(), (at, SourceState::Resting));
                true
            }
            Observation::Log(batch) => {
                self.hold_log(at, batch);
                true
            }
            Observation::Database(reading) => self.hold_reading(at, reading),
            _ => false,
        };
        if held {
            self.held_since.get_or_insert(at);
        }
        held
    }

    fn hold_log(&mut self, at: Timestamp, batch: &LogBatch) {
        let held = self.logs.entry(batch.source.clone());
        let (when, held) = held.or_insert_with(|| (at, empty(batch)));
        *when = at;
        let told = batch.records.iter().filter(|record| is_telling(record));
        let most = if self.log_bytes < LOG_ROOM {
            MOST_RECORDS
        } else {
            MOST_RECORDS_LATER
        };
        let room = most.saturating_sub(held.records.len());
        let before = held.records.len();
        held.records.extend(told.take(room).cloned());
        let texts = held.records[before..].iter().map(|record| record.text.len());
        self.log_bytes += texts.sum::<usize>();
        self.left_out += (batch.records.len() - (held.records.len() - before)) as u64;
        held.sightings.extend(batch.sightings.iter().cloned());
        for tally in &batch.errors {
            match held.errors.iter_mut().find(|known| known.class == tally.class) {
                // No more of them are kept of one log: in a flood, each batch has some.
                Some(known) => known.join(tally, NEWEST),
                None => held.errors.push(tally.clone()),
            }
        }
        if batch.requests.is_some() {
            held.requests.clone_from(&batch.requests);
        }
        held.progress = batch.progress.clone();
    }

    fn hold_reading(&mut self, at: Timestamp, reading: &Reading) -> bool {
        let last = self.reading.as_ref().or(self.written.as_ref());
        let alike = last.is_some_and(|(_, last)| is_alike(last, reading));
        if alike {
            self.reading = Some((at, reading.clone()));
        }
        alike
    }

    fn note_written(&mut self, at: Timestamp, observation: &Observation) {
        match observation {
            Observation::Source(id, SourceState::Live) => {
                self.live.insert(id.clone(), at);
            }
            Observation::Source(id, _) => {
                self.live.remove(id);
            }
            Observation::PodGone(uid) => {
                self.live
                    .retain(|id, _| !matches!(id, SourceId::Log(key) if key.pod_uid == *uid));
                self.requests_written.retain(|key, _| key.pod_uid != *uid);
            }
            Observation::Database(reading) => self.written = Some((at, reading.clone())),
            Observation::ReplicaSets(sets) => {
                self.sets = sets.iter().map(|set| (set.uid.clone(), set.clone())).collect();
            }
            Observation::ReplicaSet(set) => drop(self.sets.insert(set.uid.clone(), set.clone())),
            Observation::ReplicaSetGone(uid) => drop(self.sets.remove(uid)),
            Observation::Autoscaler(_) => self.autoscaler = Some(observation.clone()),
            _ => {}
        }
    }

    /// Writes what is held back; what is long only where `all` is, or where it was held for long.
    fn write_held(&mut self, at: Timestamp, all: bool) -> Vec<Line> {
        let mut lines = Vec::new();
        for (key, (when, mut batch)) in std::mem::take(&mut self.logs) {
            let rests = |last: &Timestamp| at.duration_since(*last) < HOLD_LONG;
            // What a turn brought is written before the turn's end.
            let turn = self.signs.get(&SourceId::Log(key.clone()));
            let in_turns = turn.is_some_and(|(_, state)| *state == SourceState::Resting);
            let waits = !all && !in_turns && self.requests_written.get(&key).is_some_and(rests);
            if let Some(requests) = batch.requests.take_if(|_| waits) {
                let kept = LogBatch {
                    requests: Some(requests),
                    ..empty(&batch)
                };
                self.logs.insert(key.clone(), (when, kept));
            } else if batch.requests.is_some() {
                self.requests_written.insert(key, at);
            }
            lines.push(line(when, Observation::Log(batch)));
        }
        for (id, (when, state)) in std::mem::take(&mut self.signs) {
            lines.push(line(when, Observation::Source(id, state)));
        }
        lines.extend(self.write_reading(at, all));
        lines.sort_by_key(|line| line.at);
        if self.left_out > 0 {
            let records = std::mem::take(&mut self.left_out);
            lines.push(Line {
                at,
                entry: Entry::LeftOut { records },
            });
        }
        let rest = !self.logs.is_empty() || self.reading.is_some();
        self.held_since = rest.then_some(at);
        lines
    }

    fn write_reading(&mut self, at: Timestamp, all: bool) -> Option<Line> {
        let long = |last: &(Timestamp, Reading)| at.duration_since(last.0) >= HOLD_LONG;
        let (when, reading) = self.reading.take()?;
        if all || self.written.as_ref().is_none_or(long) {
            self.written = Some((when, reading.clone()));
            return Some(line(when, Observation::Database(reading)));
        }
        self.reading = Some((when, reading));
        Some(line(
            when,
            Observation::Source(SourceId::Database, SourceState::Live),
        ))
    }
}

fn line(at: Timestamp, observation: Observation) -> Line {
    Line {
        at,
        entry: Entry::Observation(Box::new(observation)),
    }
}

fn empty(batch: &LogBatch) -> LogBatch {
    LogBatch {
        source: batch.source.clone(),
        records: Vec::new(),
        sightings: Vec::new(),
        errors: Vec::new(),
        requests: None,
        progress: batch.progress.clone(),
    }
}

/// Whether a record is one that an incident is told by.
fn is_telling(record: &LogRecord) -> bool {
    record.leader.is_some() || record.severity >= Severity::Warning
}

/// Whether two readings differ in ages alone.
fn is_alike(one: &Reading, other: &Reading) -> bool {
    let leases = match (&one.leases, &other.leases) {
        (Ok(one), Ok(other)) => one
            .iter()
            .map(|lease| (&lease.lease_type, &lease.holder, &lease.expires, lease.ttl_s < 0))
            .eq(other
                .iter()
                .map(|lease| (&lease.lease_type, &lease.holder, &lease.expires, lease.ttl_s < 0))),
        (one, other) => one == other,
    };
    let current = |reading: &Reading| reading.standby.as_ref().map(Standby::is_current);
    leases
        && current(one) == current(other)
        && one.tables.len() == other.tables.len()
        && one
            .tables
            .iter()
            .zip(&other.tables)
            .all(|(one, other)| is_table_alike(one, other))
}

fn is_table_alike(one: &TableReading, other: &TableReading) -> bool {
    let rows = |rows: &[StandingRow]| -> Vec<String> {
        let id = |row: &StandingRow| format!("{} {}", row.row.id, row.status);
        rows.iter().map(id).collect()
    };
    let counts = match (&one.statuses, &other.statuses) {
        (Ok(one), Ok(other)) => one
            .iter()
            .map(|status| (&status.status, status.count, status.over_limit))
            .eq(other
                .iter()
                .map(|status| (&status.status, status.count, status.over_limit))),
        (one, other) => one == other,
    };
    let standing = match (&one.standing, &other.standing) {
        (Ok(one), Ok(other)) => rows(&one.rows) == rows(&other.rows) && one.more == other.more,
        (one, other) => one == other,
    };
    let under_way = match (&one.under_way, &other.under_way) {
        (Ok(one), Ok(other)) => rows(&one.rows) == rows(&other.rows) && one.more == other.more,
        (one, other) => one == other,
    };
    counts && standing && under_way
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logparse::{ErrorCounts, ErrorSighting, ErrorTimes};
    use crate::observe::log_errors::LogErrors;
    use crate::observe::observation::Autoscaler;
    use crate::testkit::{KAFKA, SHORT, ago, log, source};
    use crate::text::Redacted;

    fn written(recorder: &mut Recorder, observation: &Observation) -> usize {
        recorder.take(ago(0), observation).len()
    }

    #[test]
    fn a_replica_set_and_an_autoscaler_are_written_when_what_is_known_of_them_changes() {
        let mut recorder = Recorder::default();
        let mut set = ReplicaSet {
            uid: "rs".into(),
            name: "msa-x".into(),
            template_hash: None,
            controller: None,
        };
        assert_eq!(
            written(&mut recorder, &Observation::ReplicaSets(vec![set.clone()])),
            1
        );
        assert_eq!(written(&mut recorder, &Observation::ReplicaSet(set.clone())), 0);
        set.template_hash = Some("x".into());
        assert_eq!(written(&mut recorder, &Observation::ReplicaSet(set.clone())), 1);
        assert_eq!(written(&mut recorder, &Observation::ReplicaSet(set)), 0);
        let mut autoscaler = Autoscaler {
            name: "load".into(),
            min: 1,
            max: 6,
            current: 3,
        };
        let told = |one: &Autoscaler| Observation::Autoscaler(Some(one.clone()));
        assert_eq!(written(&mut recorder, &told(&autoscaler)), 1);
        assert_eq!(written(&mut recorder, &told(&autoscaler)), 0);
        autoscaler.current = 4;
        assert_eq!(written(&mut recorder, &told(&autoscaler)), 1);
        assert_eq!(written(&mut recorder, &Observation::Autoscaler(None)), 1);
    }

    /// A batch with one error, the log's `number`th, whose record is so long.
    fn one_error(number: u64, length: usize) -> LogBatch {
        let at = Timestamp::UNIX_EPOCH + SignedDuration::from_millis(number as i64);
        let text: Redacted = "x".repeat(length).as_str().into();
        let newest = ErrorSighting {
            at,
            text: text.clone(),
            line: Redacted::default(),
        };
        LogBatch {
            records: vec![LogRecord {
                at,
                severity: Severity::Error,
                text,
                leader: None,
            }],
            errors: vec![ErrorCounts {
                class: "database".into(),
                count: number,
                first_at: Timestamp::UNIX_EPOCH,
                last_at: at,
                times: ErrorTimes::default(),
                newest: vec![newest],
            }],
            ..log(SHORT[0], KAFKA, 300, &[])
        }
    }

    #[test]
    fn of_a_flood_of_errors_no_more_is_written_than_is_kept_and_that_leads_to_the_same() {
        let mut batches: Vec<LogBatch> = (1..=1_000).map(|number| one_error(number, 9)).collect();
        let mut times = Vec::new();
        for batch in &mut batches {
            times.push(batch.errors[0].last_at);
            batch.errors[0].times = times.iter().copied().collect::<ErrorTimes>();
        }
        let mut recorder = Recorder::default();
        let mut by_all = LogErrors::default();
        for batch in &batches {
            assert_eq!(recorder.take(ago(9), &Observation::Log(batch.clone())), []);
            by_all.apply(&batch.source, &batch.errors);
        }
        let mut by_record = LogErrors::default();
        for line in recorder.flush(ago(0)) {
            let Entry::Observation(observation) = &line.entry else {
                continue;
            };
            let Observation::Log(batch) = &**observation else {
                unreachable!("{observation:?}")
            };
            assert_eq!(batch.errors[0].newest.len(), NEWEST);
            by_record.apply(&batch.source, &batch.errors);
        }
        assert_eq!(by_record, by_all);
        assert_eq!(by_record.summaries(Timestamp::UNIX_EPOCH)[0].count, 1_000);
    }

    #[test]
    fn once_many_bytes_of_log_are_written_only_a_sample_follows_and_the_rest_is_counted() {
        let long = 64 << 10;
        let mut recorder = Recorder::default();
        let mut written = Vec::new();
        let writings = LOG_ROOM / long / MOST_RECORDS + 2;
        let observation = Observation::Log(one_error(1, long));
        for _ in 0..writings {
            for _ in 0..60 {
                recorder.take(ago(9), &observation);
            }
            let mut counts = (0, 0);
            for line in recorder.flush(ago(0)) {
                match line.entry {
                    Entry::Observation(observation) => {
                        if let Observation::Log(batch) = *observation {
                            counts.0 += batch.records.len();
                        }
                    }
                    Entry::LeftOut { records } => counts.1 += records,
                    _ => {}
                }
            }
            written.push(counts);
        }
        assert_eq!(written[0], (MOST_RECORDS, 10));
        assert_eq!(written[writings - 1], (MOST_RECORDS_LATER, 55));
    }

    #[test]
    fn the_end_of_a_turn_is_held_back_and_written_after_what_the_turn_brought() {
        let mut recorder = Recorder::default();
        let brought = Observation::Log(log(SHORT[0], KAFKA, 300, &[]));
        let rests = Observation::Source(SourceId::Log(source(SHORT[0])), SourceState::Resting);
        assert_eq!(recorder.take(ago(10), &brought), []);
        assert_eq!(recorder.take(ago(10), &rests), []);
        let written = recorder.take(ago(4), &rests);
        assert_eq!(written, [line(ago(10), brought), line(ago(10), rests)]);
    }
}
