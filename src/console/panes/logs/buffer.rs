//! The scroll-back: bounded, ordered by time across pods, with what was let go or missed counted.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;
use regex::Regex;

use sopwatch_core::logparse::{ContainerKey, LeaderLine, LeaderLineKind, LogRecord, Severity};
use sopwatch_core::observe::observation::PodUid;
use sopwatch_core::text::{Redacted, SafeText};

/// Records kept of all lines.
pub const ALL_CAPACITY: usize = 20_000;
/// Records kept of leader lines and of errors, each.
pub const CHOSEN_CAPACITY: usize = 5_000;
/// Bytes of text kept in one ring.
pub const BYTES_CAPACITY: usize = 12 << 20;

/// Which lines are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogMode {
    /// What the logs say about leaders.
    #[default]
    Leader,
    /// Errors, panics and warnings, and failures to read a lease.
    Errors,
    /// Everything.
    All,
}

impl LogMode {
    /// All, in the order a key goes through them.
    pub const ALL: [Self; 3] = [Self::Leader, Self::Errors, Self::All];

    /// Its word on the screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::Errors => "errors",
            Self::All => "all",
        }
    }

    /// The one after it.
    pub fn next(self) -> Self {
        Self::ALL[(self as usize + 1) % Self::ALL.len()]
    }

    /// Whether a record shows in this view. A lease that can't be had is an error too: the service writes that as information.
    pub fn shows(self, record: &LogRecord) -> bool {
        let about = record.leader.as_ref();
        match self {
            Self::Leader => about.is_some(),
            Self::Errors => {
                let failed = |leader: &LeaderLine| leader.kind == LeaderLineKind::LeaseFailed;
                record.severity >= Severity::Warning || about.is_some_and(failed)
            }
            Self::All => true,
        }
    }
}

/// One entry of the scroll-back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whose log.
    pub source: Arc<ContainerKey>,
    /// The record; a note of the console itself has severity `Plain`.
    pub record: LogRecord,
    /// Whether the console says this, not the container.
    pub note: bool,
    /// How many like it stand for it: heartbeats and not-leader lines are shown once, the newest.
    pub repeats: u64,
}

impl Entry {
    /// Whether it shows in a view: what the console itself says shows in each.
    fn shows_in(&self, mode: LogMode) -> bool {
        self.note || mode.shows(&self.record)
    }

    /// What makes two repeating leader lines the same.
    fn repeat_key(&self) -> Option<(&ContainerKey, &SafeText, LeaderLineKind)> {
        let leader = self.record.leader.as_ref()?;
        let repeating = matches!(
            leader.kind,
            LeaderLineKind::Heartbeat | LeaderLineKind::NotLeader | LeaderLineKind::LeaseFailed
        );
        repeating.then_some((&*self.source, &leader.worker, leader.kind))
    }

    fn repeats_like(&self, other: &Self) -> bool {
        self.repeat_key()
            .is_some_and(|key| other.repeat_key() == Some(key))
    }
}

/// Entries in the order of time, the oldest let go first.
#[derive(Clone, Debug, Default)]
pub struct Ring {
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
    /// How many were let go.
    pub let_go: u64,
}

impl Ring {
    /// Takes in an entry at its time. Many a log is read in turns, and its lines are older than thousands of others.
    fn insert(&mut self, entry: Arc<Entry>, capacity: usize) {
        let at = entry.record.at;
        let place = self.entries.partition_point(|other| other.record.at <= at);
        self.insert_at(place, entry, capacity);
    }

    /// The same among entries that stand for others, which keep their place when their time moves on.
    fn insert_among_repeating(&mut self, entry: Arc<Entry>, capacity: usize) {
        let newest = self.entries.iter().rev();
        let later = newest
            .take_while(|other| other.record.at > entry.record.at)
            .count();
        self.insert_at(self.entries.len() - later, entry, capacity);
    }

    fn insert_at(&mut self, place: usize, entry: Arc<Entry>, capacity: usize) {
        self.bytes += entry.record.text.len();
        self.entries.insert(place, entry);
        while self.entries.len() > capacity || self.bytes > BYTES_CAPACITY {
            let Some(oldest) = self.entries.pop_front() else {
                break;
            };
            self.bytes -= oldest.record.text.len();
            self.let_go += 1;
        }
    }

    /// Takes in an entry of a view: among the lines about leaders, those that repeat stand for each other.
    fn insert_in(&mut self, mode: LogMode, entry: Arc<Entry>, capacity: usize) {
        if mode == LogMode::Leader {
            self.insert_repeating(&entry, capacity);
        } else {
            self.insert(entry, capacity);
        }
    }

    /// Takes in an entry that may repeat another, which it then stands for: in its place while only such entries follow, so that a
    /// screen at rest stays as it is; else at its own time.
    fn insert_repeating(&mut self, entry: &Entry, capacity: usize) {
        let mut entry = entry.clone();
        let is_same = |other: &Arc<Entry>| entry.repeats_like(other);
        let place = self.entries.iter().rposition(is_same);
        let Some((place, other)) = place.and_then(|place| Some((place, self.entries.remove(place)?))) else {
            return self.insert_among_repeating(Arc::new(entry), capacity);
        };
        self.bytes -= other.record.text.len();
        entry.repeats += other.repeats;
        if self
            .entries
            .range(place..)
            .all(|later| later.repeat_key().is_some())
        {
            self.bytes += entry.record.text.len();
            self.entries.insert(place, Arc::new(entry));
        } else {
            self.insert_among_repeating(Arc::new(entry), capacity);
        }
    }
}

/// The scroll-back and what of it is shown.
#[derive(Clone, Debug, Default)]
pub struct LogBuffer {
    /// Which lines are shown.
    pub mode: LogMode,
    /// The filter that is in force.
    pub filter: Option<Regex>,
    /// Only this pod's lines, if one was chosen.
    pub pod: Option<(PodUid, SafeText)>,
    /// Whether long lines are wrapped.
    pub wrap: bool,
    /// Entries that came while the view was held still.
    pub arrived: u64,
    all: Ring,
    leader: Ring,
    errors: Ring,
    narrowed: Option<Ring>,
    held: Option<Held>,
}

/// The view held still: the entries as they were, and the chosen one.
#[derive(Clone, Debug)]
struct Held {
    entries: VecDeque<Arc<Entry>>,
    chosen: usize,
}

impl LogBuffer {
    /// One that holds nothing and shows what this one does.
    pub fn emptied(self) -> Self {
        let narrowed = self.is_narrowed().then(Ring::default);
        Self {
            mode: self.mode,
            filter: self.filter,
            pod: self.pod,
            wrap: self.wrap,
            narrowed,
            ..Self::default()
        }
    }

    /// Whether a record belongs to the mode that is shown.
    pub fn shows(&self, record: &LogRecord) -> bool {
        self.mode.shows(record)
    }

    /// Takes in a record.
    pub fn push(&mut self, source: &Arc<ContainerKey>, record: LogRecord) {
        self.take(Arc::new(Entry {
            source: source.clone(),
            record,
            note: false,
            repeats: 1,
        }));
    }

    /// Takes in something the console has to say about a log: it shows in every mode.
    pub fn note(&mut self, source: &Arc<ContainerKey>, at: Timestamp, text: Redacted) {
        let record = LogRecord {
            at,
            severity: Severity::Plain,
            text,
            leader: None,
        };
        self.take(Arc::new(Entry {
            source: source.clone(),
            record,
            note: true,
            repeats: 1,
        }));
    }

    /// Puts an entry into the ring of each view that it shows in, and into what is shown now.
    fn take(&mut self, entry: Arc<Entry>) {
        let shown = entry.shows_in(self.mode);
        if self.held.is_some() && shown {
            self.arrived += 1;
        }
        let fits = shown && self.fits(&entry);
        if let Some(narrowed) = self.narrowed.as_mut().filter(|_| fits) {
            narrowed.insert_in(self.mode, entry.clone(), ALL_CAPACITY);
        }
        let rings = [
            (LogMode::Leader, &mut self.leader, CHOSEN_CAPACITY),
            (LogMode::Errors, &mut self.errors, CHOSEN_CAPACITY),
            (LogMode::All, &mut self.all, ALL_CAPACITY),
        ];
        for (mode, ring, capacity) in rings {
            if entry.shows_in(mode) {
                ring.insert_in(mode, entry.clone(), capacity);
            }
        }
    }

    fn fits(&self, entry: &Entry) -> bool {
        let of_pod = self
            .pod
            .as_ref()
            .is_none_or(|(uid, _)| entry.source.pod_uid == *uid);
        of_pod
            && self
                .filter
                .as_ref()
                .is_none_or(|filter| entry.note || filter.is_match(&entry.record.text))
    }

    /// Whether a filter or the choice of a pod is in force.
    pub fn is_narrowed(&self) -> bool {
        self.filter.is_some() || self.pod.is_some()
    }

    /// Shows another mode.
    pub fn set_mode(&mut self, mode: LogMode) {
        self.mode = mode;
        self.rebuild();
    }

    /// Puts a filter in force, or none.
    pub fn set_filter(&mut self, filter: Option<Regex>) {
        self.filter = filter;
        self.rebuild();
    }

    /// Shows only one pod's lines, or all.
    pub fn set_pod(&mut self, pod: Option<(PodUid, SafeText)>) {
        self.pod = pod;
        self.rebuild();
    }

    fn rebuild(&mut self) {
        self.release();
        self.narrowed = self.is_narrowed().then(|| {
            let mut ring = Ring::default();
            let fitting = self.ring().entries.iter().filter(|entry| self.fits(entry));
            ring.entries = fitting.cloned().collect();
            ring.bytes = ring.entries.iter().map(|entry| entry.record.text.len()).sum();
            ring
        });
    }

    fn ring(&self) -> &Ring {
        match self.mode {
            LogMode::Leader => &self.leader,
            LogMode::Errors => &self.errors,
            LogMode::All => &self.all,
        }
    }

    /// The entries to show, oldest first: those of the moment it was held still, else the newest.
    pub fn shown(&self) -> &VecDeque<Arc<Entry>> {
        match (&self.held, &self.narrowed) {
            (Some(held), _) => &held.entries,
            (None, Some(narrowed)) => &narrowed.entries,
            (None, None) => &self.ring().entries,
        }
    }

    /// How many entries of this mode were let go to stay within bounds.
    pub fn let_go(&self) -> u64 {
        self.ring().let_go
    }

    /// Whether the view is held still.
    pub fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// Place of the chosen entry among [`LogBuffer::shown`]; `None` while the newest are followed.
    pub fn chosen(&self) -> Option<usize> {
        self.held.as_ref().map(|held| held.chosen)
    }

    /// The chosen entry; while following, the newest.
    pub fn chosen_entry(&self) -> Option<&Arc<Entry>> {
        match &self.held {
            Some(held) => held.entries.get(held.chosen),
            None => self.shown().back(),
        }
    }

    /// Holds the view still.
    pub fn hold(&mut self) {
        if self.held.is_none() {
            let entries = self.shown().clone();
            let chosen = entries.len().saturating_sub(1);
            self.arrived = 0;
            self.held = Some(Held { entries, chosen });
        }
    }

    /// Follows the newest again.
    pub fn release(&mut self) {
        self.held = None;
        self.arrived = 0;
    }

    /// Moves the choice by so many entries and holds the view still; past the newest, follows again.
    pub fn step(&mut self, by: isize) {
        if self.held.is_none() && by > 0 {
            return;
        }
        self.hold();
        let Some(held) = self.held.as_mut() else { return };
        let last = held.entries.len().saturating_sub(1);
        let target = held.chosen.saturating_add_signed(by);
        if target > last && self.arrived == 0 {
            self.release();
        } else {
            held.chosen = target.min(last);
        }
    }

    /// Moves to the oldest entry.
    pub fn go_to_top(&mut self) {
        self.go_to(0);
    }

    /// Moves the choice to a place among [`LogBuffer::shown`] and holds the view still.
    pub fn go_to(&mut self, place: usize) {
        self.hold();
        if let Some(held) = self.held.as_mut() {
            held.chosen = place.min(held.entries.len().saturating_sub(1));
        }
    }

    /// Records taken in so far that are still kept, and the bytes of their text.
    pub fn size(&self) -> (usize, usize) {
        (self.all.entries.len(), self.all.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sopwatch_core::logparse::LeaderLine;

    fn source(pod: &str) -> Arc<ContainerKey> {
        Arc::new(ContainerKey {
            pod_uid: PodUid(pod.into()),
            pod: format!("api-{pod}").into(),
            container: "service".into(),
            restart: 0,
        })
    }

    fn record(second: i64, text: &str) -> LogRecord {
        let at = Timestamp::from_second(second).unwrap();
        LogRecord {
            at,
            severity: Severity::Info,
            text: text.into(),
            leader: None,
        }
    }

    fn heartbeat(second: i64) -> LogRecord {
        let leader = LeaderLine {
            kind: LeaderLineKind::Heartbeat,
            worker: "*workers.KafkaManager".into(),
            worker_id: "1".into(),
        };
        LogRecord {
            leader: Some(leader),
            ..record(second, "Starting reconciliation loop")
        }
    }

    fn texts(buffer: &LogBuffer) -> Vec<&str> {
        buffer.shown().iter().map(|entry| &*entry.record.text).collect()
    }

    #[test]
    fn records_of_several_pods_are_ordered_by_time() {
        let mut buffer = LogBuffer {
            mode: LogMode::All,
            ..LogBuffer::default()
        };
        let (a, b) = (source("a"), source("b"));
        buffer.push(&a, record(1, "a1"));
        buffer.push(&a, record(3, "a3"));
        buffer.push(&b, record(2, "b2"));
        buffer.push(&b, record(3, "b3"));
        assert_eq!(texts(&buffer), ["a1", "b2", "a3", "b3"]);
    }

    #[test]
    fn what_is_let_go_is_counted() {
        let mut buffer = LogBuffer {
            mode: LogMode::All,
            ..LogBuffer::default()
        };
        let a = source("a");
        for second in 0..ALL_CAPACITY as i64 + 5 {
            buffer.push(&a, record(second, "line"));
        }
        assert_eq!((buffer.shown().len(), buffer.let_go()), (ALL_CAPACITY, 5));
    }

    #[test]
    fn noise_does_not_evict_leader_lines_and_heartbeats_show_once() {
        let mut buffer = LogBuffer::default();
        let a = source("a");
        (0..3).for_each(|second| buffer.push(&a, heartbeat(second)));
        for second in 10..ALL_CAPACITY as i64 * 2 {
            buffer.push(&a, record(second, "noise"));
        }
        assert_eq!(texts(&buffer), ["Starting reconciliation loop"]);
        assert_eq!(buffer.shown()[0].repeats, 3);
    }

    #[test]
    fn lines_that_repeat_keep_their_places_until_something_happens() {
        let mut buffer = LogBuffer::default();
        let (a, b) = (source("a"), source("b"));
        let shown = |buffer: &LogBuffer| -> Vec<(i64, String)> {
            let row = |entry: &Arc<Entry>| (entry.record.at.as_second(), entry.source.pod.to_string());
            buffer.shown().iter().map(row).collect()
        };
        for second in [1, 31] {
            buffer.push(&a, heartbeat(second));
            buffer.push(&b, heartbeat(second + 1));
        }
        buffer.push(&a, heartbeat(61));
        assert_eq!(shown(&buffer), [(61, "api-a".into()), (32, "api-b".into())]);
        let mut gained = heartbeat(62);
        gained.leader.as_mut().unwrap().kind = LeaderLineKind::Gained;
        buffer.push(&b, gained);
        buffer.push(&b, heartbeat(63));
        let after = [(61, "api-a"), (62, "api-b"), (63, "api-b")];
        assert_eq!(shown(&buffer), after.map(|(at, pod)| (at, pod.to_owned())));
    }

    #[test]
    fn each_view_shows_what_it_counts_and_wakes_for_whatever_path_it_takes() {
        let of = |kind, severity| {
            let leader = LeaderLine {
                kind,
                worker: "*workers.KafkaManager".into(),
                worker_id: "1".into(),
            };
            LogRecord {
                leader: Some(leader),
                severity,
                ..record(1, "x")
            }
        };
        let plain = |severity| LogRecord {
            severity,
            ..record(1, "x")
        };
        // (record, in leader, in errors)
        let cases = [
            (of(LeaderLineKind::Heartbeat, Severity::Info), true, false),
            (of(LeaderLineKind::Lost, Severity::Info), true, false),
            (of(LeaderLineKind::LeaseFailed, Severity::Info), true, true),
            (of(LeaderLineKind::LeaseFailed, Severity::Error), true, true),
            (plain(Severity::Plain), false, false),
            (plain(Severity::Info), false, false),
            (plain(Severity::Warning), false, true),
            (plain(Severity::Fatal), false, true),
        ];
        let filter = Regex::new("x").unwrap();
        for (record, leader, errors) in cases {
            let modes = [
                (LogMode::Leader, leader),
                (LogMode::Errors, errors),
                (LogMode::All, true),
            ];
            for (mode, shows) in modes {
                for filter in [None, Some(filter.clone())] {
                    let mut buffer = LogBuffer::default();
                    buffer.set_mode(mode);
                    buffer.set_filter(filter);
                    assert_eq!(buffer.shows(&record), shows, "{mode:?} {record:?}");
                    buffer.push(&source("a"), record.clone());
                    assert_eq!(buffer.shown().len(), usize::from(shows), "{mode:?} {record:?}");
                    buffer.note(&source("a"), record.at, "a note".into());
                    assert_eq!(buffer.shown().len(), 1 + usize::from(shows));
                    buffer.step(-1);
                    buffer.push(&source("a"), record.clone());
                    assert_eq!(buffer.arrived, u64::from(shows), "{mode:?} {record:?}");
                }
            }
        }
    }

    #[test]
    fn a_filter_is_live() {
        let mut buffer = LogBuffer {
            mode: LogMode::All,
            ..LogBuffer::default()
        };
        let a = source("a");
        buffer.push(&a, record(1, "one"));
        buffer.set_filter(Some(Regex::new("^o").unwrap()));
        buffer.push(&a, record(2, "two"));
        buffer.push(&a, record(3, "over"));
        assert_eq!(texts(&buffer), ["one", "over"]);
        buffer.set_filter(None);
        assert_eq!(texts(&buffer), ["one", "two", "over"]);
    }

    #[test]
    fn a_held_view_stands_still_and_counts_what_came() {
        let mut buffer = LogBuffer {
            mode: LogMode::All,
            ..LogBuffer::default()
        };
        let a = source("a");
        (1..=3).for_each(|second| buffer.push(&a, record(second, &second.to_string())));
        buffer.step(-1);
        buffer.push(&a, record(4, "4"));
        assert_eq!(
            (texts(&buffer), buffer.chosen(), buffer.arrived),
            (vec!["1", "2", "3"], Some(1), 1)
        );
        buffer.release();
        assert_eq!(texts(&buffer), ["1", "2", "3", "4"]);
    }
}
