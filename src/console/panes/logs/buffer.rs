//! The scroll-back: bounded, ordered by time across pods, with what was dropped or missed counted.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;

pub use super::entry::Entry;
pub use super::filter::{LineFilter, OnlySource};
use super::ring::{Folding, Ring};
use sopwatch_core::logparse::{ContainerKey, LeaderLine, LeaderLineKind, LogRecord, Severity};
use sopwatch_core::text::Redacted;

/// Records kept of all lines.
pub const ALL_CAPACITY: usize = 20_000;
/// Records kept of leader lines and of errors, each.
pub const CHOSEN_CAPACITY: usize = 5_000;
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

/// The scroll-back and what of it is shown.
#[derive(Clone, Debug)]
pub struct LogBuffer {
    /// Which lines are shown.
    pub mode: LogMode,
    /// Shows only the lines that it finds.
    pub filter: Option<LineFilter>,
    /// Leaves out the lines that it finds.
    pub hidden: Option<LineFilter>,
    /// Leaves out what is less bad.
    pub level: Severity,
    /// Shows only the lines of this pod or container.
    pub only: Option<OnlySource>,
    /// Whether equal entries are shown one by one.
    pub unfolded: bool,
    /// Whether long lines are wrapped.
    pub wrap: bool,
    /// Entries that came while the view was held still.
    pub arrived: u64,
    all: Ring,
    errors: Ring,
    /// Leader lines, those that repeat folded.
    leader: Ring,
    /// Errors, equal ones folded.
    error_kinds: Ring,
    /// What is shown, where it is none of these.
    view: Option<Ring>,
    held: Option<Held>,
}

impl Default for LogBuffer {
    fn default() -> Self {
        Self {
            mode: LogMode::default(),
            filter: None,
            hidden: None,
            level: Severity::Plain,
            only: None,
            unfolded: false,
            wrap: false,
            arrived: 0,
            all: Ring::default(),
            errors: Ring::default(),
            leader: Ring::folding(Folding::Leaders),
            error_kinds: Ring::folding(Folding::Kinds),
            view: None,
            held: None,
        }
    }
}

/// The view held still: the entries as they were, and the chosen one.
#[derive(Clone, Debug)]
struct Held {
    entries: VecDeque<Arc<Entry>>,
    chosen: usize,
    /// The line that was chosen before what is shown changed: the place to go back to.
    place: Option<Arc<Entry>>,
}

/// Lines that `l` goes through: every level, warnings and worse, errors and worse.
const LEVELS: [Severity; 3] = [Severity::Plain, Severity::Warning, Severity::Error];

impl LogBuffer {
    /// One that holds nothing and shows what this one does.
    pub fn emptied(self) -> Self {
        let mut emptied = Self {
            mode: self.mode,
            filter: self.filter,
            hidden: self.hidden,
            level: self.level,
            only: self.only,
            unfolded: self.unfolded,
            wrap: self.wrap,
            ..Self::default()
        };
        emptied.view = emptied.derived();
        emptied
    }

    /// Whether a record belongs to the mode that is shown.
    pub fn shows(&self, record: &LogRecord) -> bool {
        self.mode.shows(record)
    }

    /// Takes in records of a log.
    pub fn push(&mut self, source: &Arc<ContainerKey>, records: Vec<LogRecord>) {
        let entries = records.into_iter();
        self.take(
            entries
                .map(|record| Arc::new(Entry::new(source.clone(), record)))
                .collect(),
        );
    }

    /// Takes in something the console has to say about a log: it shows in every mode.
    pub fn note(&mut self, source: &Arc<ContainerKey>, at: Timestamp, text: Redacted) {
        self.take(vec![Arc::new(Entry::note(source.clone(), at, text))]);
    }

    /// Puts entries into the ring of each view that they show in, and into what is shown now.
    fn take(&mut self, entries: Vec<Arc<Entry>>) {
        for entry in &entries {
            self.take_into_view(entry);
            let rings = [
                (LogMode::Leader, &mut self.leader),
                (LogMode::Errors, &mut self.errors),
                (LogMode::Errors, &mut self.error_kinds),
            ];
            for (mode, ring) in rings {
                if shows_in(entry, mode) {
                    ring.insert(entry, CHOSEN_CAPACITY);
                }
            }
        }
        self.all.insert_all(entries, ALL_CAPACITY);
    }

    fn take_into_view(&mut self, entry: &Arc<Entry>) {
        if self.held.is_none() && self.view.is_none() {
            return;
        }
        let fits = shows_in(entry, self.mode) && self.fits(entry);
        if self.held.is_some() && fits {
            self.arrived += 1;
        }
        if let Some(view) = self.view.as_mut().filter(|_| fits) {
            view.insert(entry, ALL_CAPACITY);
        }
    }

    /// Whether what narrows the view leaves an entry in it. A note of the console hides with its pod only.
    fn fits(&self, entry: &Entry) -> bool {
        if !self.only.as_ref().is_none_or(|only| only.has(&entry.source)) {
            return false;
        }
        if entry.note {
            return true;
        }
        if entry.record.severity < self.level {
            return false;
        }
        if self.filter.is_none() && self.hidden.is_none() {
            return true;
        }
        let visible = entry.visible_text();
        let finds = |filter: &LineFilter| filter.is_in(&visible);
        self.filter.as_ref().is_none_or(finds) && !self.hidden.as_ref().is_some_and(finds)
    }

    /// Whether the view is empty, and there are errors to show in its place.
    pub fn has_errors_instead(&self) -> bool {
        self.shown().is_empty() && !self.errors.entries().is_empty()
    }

    /// Whether a filter, a level, or the choice of a pod or container is in force.
    pub fn is_narrowed(&self) -> bool {
        self.filter.is_some() || self.hidden.is_some() || self.level != Severity::Plain || self.only.is_some()
    }

    /// Shows another mode.
    pub fn set_mode(&mut self, mode: LogMode) {
        self.mode = mode;
        self.rebuild();
    }

    /// Puts a filter in force, or none.
    pub fn set_filter(&mut self, filter: Option<LineFilter>) {
        self.filter = filter;
        self.rebuild();
    }

    /// Hides the lines that a filter finds, or none.
    pub fn set_hidden(&mut self, hidden: Option<LineFilter>) {
        self.hidden = hidden;
        self.rebuild();
    }

    /// Leaves out what is less bad than the next level; after the last one nothing.
    pub fn next_level(&mut self) {
        let place = LEVELS.iter().position(|level| *level == self.level);
        self.level = LEVELS[place.map_or(0, |place| (place + 1) % LEVELS.len())];
        self.rebuild();
    }

    /// Shows only the lines of one pod or container, or all.
    pub fn set_only(&mut self, only: Option<OnlySource>) {
        self.only = only;
        self.rebuild();
    }

    /// Shows equal entries one by one, or folded again.
    pub fn toggle_folding(&mut self) {
        self.unfolded = !self.unfolded;
        self.rebuild();
    }

    /// Ends all that narrows the view.
    pub fn widen(&mut self) {
        (self.filter, self.hidden, self.only) = (None, None, None);
        self.level = Severity::Plain;
        self.rebuild();
    }

    /// Shows what is to be shown now. A view that is held still stays at its place: on the chosen line, else on the one nearest in time.
    fn rebuild(&mut self) {
        let held = self.held.take();
        let chosen = held.and_then(|held| held.place.or_else(|| held.entries.get(held.chosen).cloned()));
        self.view = self.derived();
        self.arrived = 0;
        let Some(chosen) = chosen else { return };
        let place = self.place_of(&chosen);
        self.hold();
        if let Some(held) = &mut self.held {
            held.chosen = place.unwrap_or(0);
            held.place = Some(chosen);
        }
    }

    /// What is shown, where no ring holds just that.
    fn derived(&self) -> Option<Ring> {
        let (base, folding) = match (self.mode, self.unfolded) {
            (LogMode::Leader, false) => (vec![&self.leader], Folding::Leaders),
            // What is folded away is in the scroll-back of all lines, as long as that reaches.
            (LogMode::Leader, true) => (vec![&self.leader, &self.all], Folding::None),
            (LogMode::Errors, false) => (vec![&self.error_kinds, &self.errors], Folding::Kinds),
            (LogMode::Errors, true) => (vec![&self.error_kinds, &self.errors], Folding::None),
            (LogMode::All, false) => (vec![&self.all], Folding::Runs),
            (LogMode::All, true) => (vec![&self.all], Folding::None),
        };
        let is_kept = match self.mode {
            LogMode::Leader | LogMode::Errors => !self.unfolded,
            LogMode::All => self.unfolded,
        };
        if is_kept && !self.is_narrowed() {
            return None;
        }
        let mut ring = Ring::folding(folding);
        for (place, part) in base.iter().enumerate() {
            // A longer memory of less detail goes before a shorter one of all.
            let next = base.get(place + 1).and_then(|next| next.entries().front());
            let end = next.map(|entry| entry.record.at);
            let entries = part.entries().iter();
            let entries = entries.filter(|entry| end.is_none_or(|end| entry.record.at < end));
            for entry in entries.filter(|entry| shows_in(entry, self.mode) && self.fits(entry)) {
                ring.insert(entry, ALL_CAPACITY);
            }
        }
        Some(ring)
    }

    fn ring(&self) -> &Ring {
        match self.mode {
            LogMode::Leader => &self.leader,
            LogMode::Errors => &self.error_kinds,
            LogMode::All => &self.all,
        }
    }

    /// The place among [`LogBuffer::shown`] of a line, or of the one that stands for it, or of the one nearest in time.
    fn place_of(&self, wanted: &Entry) -> Option<usize> {
        let shown = self.shown();
        let same = shown.iter().rposition(|entry| entry.is_same_line(wanted));
        let stands = || {
            let spans = |entry: &Entry| (entry.first_at..=entry.record.at).contains(&wanted.record.at);
            shown
                .iter()
                .rposition(|entry| entry.repeats > 1 && spans(entry) && entry.kind() == wanted.kind())
        };
        same.or_else(stands).or_else(|| self.place_at(wanted.record.at))
    }

    /// The place among [`LogBuffer::shown`] of the entry nearest to a time, of several that stand for lines of then the one whose own time is
    /// nearest; `None` where nothing is shown.
    pub fn place_at(&self, at: Timestamp) -> Option<usize> {
        let far = |entry: &Arc<Entry>| (entry.distance(at), entry.record.at.duration_since(at).abs());
        let shown = self.shown().iter().enumerate();
        shown.min_by_key(|(_, entry)| far(entry)).map(|(place, _)| place)
    }

    /// The entries to show, oldest first: those of the moment it was held still, else the newest.
    pub fn shown(&self) -> &VecDeque<Arc<Entry>> {
        match (&self.held, &self.view) {
            (Some(held), _) => &held.entries,
            (None, Some(view)) => view.entries(),
            (None, None) => self.ring().entries(),
        }
    }

    /// How many entries of this mode were dropped to stay within bounds.
    pub fn dropped(&self) -> u64 {
        self.ring().dropped
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
            self.held = Some(Held {
                entries,
                chosen,
                place: None,
            });
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
            held.place = None;
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
            held.place = None;
        }
    }

    /// Records taken in so far that are still kept, and the bytes of their text.
    pub fn size(&self) -> (usize, usize) {
        (self.all.entries().len(), self.all.bytes())
    }
}

/// Whether an entry shows in a view: what the console itself says shows in each.
fn shows_in(entry: &Entry, mode: LogMode) -> bool {
    entry.note || mode.shows(&entry.record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sopwatch_core::logparse::LeaderLine;
    use sopwatch_core::observe::observation::PodUid;

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
        buffer.push(&a, vec![record(1, "a1")]);
        buffer.push(&a, vec![record(3, "a3")]);
        buffer.push(&b, vec![record(2, "b2")]);
        buffer.push(&b, vec![record(3, "b3")]);
        assert_eq!(texts(&buffer), ["a1", "b2", "a3", "b3"]);
    }

    #[test]
    fn what_is_dropped_is_counted() {
        let mut buffer = LogBuffer {
            mode: LogMode::All,
            ..LogBuffer::default()
        };
        let a = source("a");
        for second in 0..ALL_CAPACITY as i64 + 5 {
            buffer.push(&a, vec![record(second, "line")]);
        }
        assert_eq!((buffer.shown().len(), buffer.dropped()), (ALL_CAPACITY, 5));
    }

    #[test]
    fn noise_does_not_evict_leader_lines_and_heartbeats_show_once() {
        let mut buffer = LogBuffer::default();
        let a = source("a");
        (0..3).for_each(|second| buffer.push(&a, vec![heartbeat(second)]));
        for second in 10..ALL_CAPACITY as i64 * 2 {
            buffer.push(&a, vec![record(second, "noise")]);
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
            buffer.push(&a, vec![heartbeat(second)]);
            buffer.push(&b, vec![heartbeat(second + 1)]);
        }
        buffer.push(&a, vec![heartbeat(61)]);
        assert_eq!(shown(&buffer), [(61, "api-a".into()), (32, "api-b".into())]);
        let mut gained = heartbeat(62);
        gained.leader.as_mut().unwrap().kind = LeaderLineKind::Gained;
        buffer.push(&b, vec![gained]);
        buffer.push(&b, vec![heartbeat(63)]);
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
        let filter = LineFilter::new("x").unwrap();
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
                    buffer.push(&source("a"), vec![record.clone()]);
                    assert_eq!(buffer.shown().len(), usize::from(shows), "{mode:?} {record:?}");
                    buffer.note(&source("a"), record.at, "a note".into());
                    assert_eq!(buffer.shown().len(), 1 + usize::from(shows));
                    buffer.step(-1);
                    buffer.push(&source("a"), vec![record.clone()]);
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
        buffer.push(&a, vec![record(1, "one")]);
        buffer.set_filter(Some(LineFilter::new("^o").unwrap()));
        buffer.push(&a, vec![record(2, "two")]);
        buffer.push(&a, vec![record(3, "over")]);
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
        (1..=3).for_each(|second| buffer.push(&a, vec![record(second, &second.to_string())]));
        buffer.step(-1);
        buffer.push(&a, vec![record(4, "4")]);
        assert_eq!(
            (texts(&buffer), buffer.chosen(), buffer.arrived),
            (vec!["1", "2", "3"], Some(1), 1)
        );
        buffer.release();
        assert_eq!(texts(&buffer), ["1", "2", "3", "4"]);
    }
}
