//! How rows move from status to status, seen from poll to poll: what tells slow from stuck.
//!
//! Only lists that are whole and follow each other closely are compared: a table that could not be read has not moved, and of a list
//! that was cut nothing is concluded from what is missing in it. All moments are those at which a poll came; ages within a poll are the
//! database's own.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{CHANGE_WINDOW, State};
use crate::diagnose::overdue;
use crate::observe::observation::{Reading, Standing, StandingRow, TableReading, UnderWay};
use crate::profile::{ClockBasis, Role, Table};
use crate::safe;
use crate::text::{SafeText, counted, duration};

/// Rows may come and go unseen between two polls that are further apart than so many times the age at which a source is stale.
const UNSEEN_AFTER: i32 = 4;
/// The most passages of one table that are kept; where more happen, the window gets shorter.
const KEPT_PASSAGES: usize = 2_000;
/// The most statuses of one table whose passages are summed up.
const KEPT_STATUSES: usize = 100;

/// How the rows of one status move, as of the newest poll.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Movement {
    /// How far back `entered` and `left` go, seconds: five minutes, less where we have not watched so long without a gap.
    pub watched_s: Option<i64>,
    /// Rows that came into the status within that time; `None` before a second poll, where the status is one that rows stay in, and
    /// where there are more rows than are read.
    pub entered: Option<u64>,
    /// Rows that left it, the same way: on to another status, or deleted.
    pub left: Option<u64>,
    /// Seconds until the next row reaches its limit, which it exceeds a second later; `None` where no row is about to, or none is known.
    pub next_limit_s: Option<i64>,
    /// The id of that row.
    pub next: Option<SafeText>,
    /// Whether a row has left it, but for those that failed, within five minutes, or within its limit where that is shorter. `Some(false)`
    /// only when at least one row was there all that time; else, before we have watched so long, `None`.
    pub moves: Option<bool>,
}

/// A row's time in its status as far as we have seen it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The status.
    pub status: SafeText,
    /// The first poll that showed the row in it.
    pub at: Timestamp,
    /// The moment for which it was last known not to be in it; `None` where it was there when we began to watch.
    pub absent_at: Option<Timestamp>,
}

/// The oldest row of a status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oldest {
    /// Its id.
    pub id: SafeText,
    /// Since when it was seen to be the oldest.
    pub since: Timestamp,
    /// When an oldest row was last seen to leave the status.
    pub moved_at: Option<Timestamp>,
}

/// A row that came, left, or went from one status to another.
#[derive(Clone, Debug, PartialEq)]
struct Passage {
    at: Timestamp,
    from: Option<SafeText>,
    to: Option<SafeText>,
}

/// What is known of all tables.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Movements(BTreeMap<SafeText, Watch>);

/// What is known of the rows of one table.
#[derive(Clone, Debug, PartialEq)]
struct Watch {
    /// When the newest list came.
    read_at: Timestamp,
    /// What the newest list shows was so at the earliest at this moment.
    taken_at: Timestamp,
    /// Since when all lists were whole and close to each other; `None` while they are cut.
    since: Option<Timestamp>,
    /// Since when no passage is missing.
    counted_since: Timestamp,
    rows: BTreeMap<SafeText, Seen>,
    oldest: BTreeMap<SafeText, Oldest>,
    passages: VecDeque<Passage>,
    /// Rows that entered and left each status since `since`.
    sums: BTreeMap<SafeText, (u64, u64)>,
}

impl Movement {
    /// `no row entered or left in 5m, not moving`; `in 5m 2 rows entered and 1 left, moving`; `None` while nothing is known.
    pub fn in_words(&self) -> Option<SafeText> {
        let (entered, left) = (self.entered?, self.left?);
        let within = duration::brief(SignedDuration::from_secs(self.watched_s?));
        let moves = match self.moves {
            Some(true) => ", moving",
            Some(false) => ", not moving",
            None => "",
        };
        Some(match (entered, left) {
            (0, 0) => safe!("no row entered or left in {within}{moves}"),
            _ => safe!(
                "in {within} {} entered and {left} left{moves}",
                counted(entered, "row", "rows")
            ),
        })
    }
}

impl Movements {
    /// Takes in a poll that came at `now`, and completes it: ages that count from when we first saw a row.
    pub(super) fn apply(&mut self, reading: &mut Reading, now: Timestamp, stale_after: SignedDuration) {
        let took = SignedDuration::from_millis(i64::try_from(reading.took_ms).unwrap_or(i64::MAX));
        let taken_at = now.checked_sub(took).unwrap_or(now);
        let patience = stale_after * UNSEEN_AFTER;
        for table in &mut reading.tables {
            let Ok(under_way) = &table.under_way else { continue };
            let watch = self
                .0
                .entry(table.table.clone())
                .or_insert_with(|| Watch::new(now));
            watch.take(under_way, table.standing.as_ref().ok(), now, patience);
            watch.taken_at = taken_at;
            complete(table, watch);
            if let Ok(under_way) = &table.under_way {
                watch.find_oldest(under_way);
            }
        }
    }

    /// Every moment that the console's clock told.
    pub(super) fn moments(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        self.0.values_mut().flat_map(|watch| {
            let rows = watch.rows.values_mut();
            let rows = rows.flat_map(|seen| [Some(&mut seen.at), seen.absent_at.as_mut()]);
            let oldest = watch.oldest.values_mut();
            let oldest = oldest.flat_map(|oldest| [Some(&mut oldest.since), oldest.moved_at.as_mut()]);
            let own = [
                Some(&mut watch.read_at),
                Some(&mut watch.taken_at),
                Some(&mut watch.counted_since),
                watch.since.as_mut(),
            ];
            let passages = watch.passages.iter_mut().map(|passage| &mut passage.at);
            rows.chain(oldest).chain(own).flatten().chain(passages)
        })
    }
}

impl Watch {
    fn new(now: Timestamp) -> Self {
        Self {
            read_at: now,
            taken_at: now,
            since: None,
            counted_since: now,
            rows: BTreeMap::new(),
            oldest: BTreeMap::new(),
            passages: VecDeque::new(),
            sums: BTreeMap::new(),
        }
    }

    fn take(&mut self, list: &UnderWay, others: Option<&Standing>, now: Timestamp, patience: SignedDuration) {
        let away = now.duration_since(self.read_at);
        let unseen = away > patience;
        if list.more || unseen || self.since.is_none() {
            self.begin_again(list, now, unseen.then_some(away));
        } else {
            self.compare(list, others, now);
        }
        self.read_at = now;
    }

    /// Nothing is concluded from what is missing. After a gap, only a row that was not written meanwhile is known to have stayed.
    fn begin_again(&mut self, list: &UnderWay, now: Timestamp, gap: Option<SignedDuration>) {
        let stayed = |row: &StandingRow| {
            let idle = row.row.idle_s.unwrap_or(0);
            gap.is_none_or(|gap| idle > gap.as_secs())
        };
        let seen = |row: &StandingRow| {
            let before = self.rows.get(&row.row.id);
            let before = before.filter(|seen| seen.status == row.status && stayed(row));
            let seen = before.cloned().unwrap_or_else(|| Seen {
                status: row.status.clone(),
                at: now,
                absent_at: None,
            });
            (row.row.id.clone(), seen)
        };
        self.rows = list.rows.iter().map(seen).collect();
        self.since = (!list.more).then_some(now);
        self.counted_since = now;
        self.passages.clear();
        self.sums.clear();
        self.oldest.clear();
    }

    fn compare(&mut self, list: &UnderWay, others: Option<&Standing>, now: Timestamp) {
        let mut before = std::mem::take(&mut self.rows);
        for row in &list.rows {
            let (id, status) = (&row.row.id, &row.status);
            let seen = match before.remove(id) {
                Some(seen) if seen.status == *status => seen,
                other => {
                    self.note(now, other.map(|seen| seen.status), Some(status.clone()));
                    Seen {
                        status: status.clone(),
                        at: now,
                        absent_at: Some(self.taken_at),
                    }
                }
            };
            self.rows.insert(id.clone(), seen);
        }
        let others = others.map_or(&[][..], |others| &others.rows);
        for (id, seen) in before {
            let other = others.iter().find(|row| row.row.id == id);
            self.note(now, Some(seen.status), other.map(|row| row.status.clone()));
        }
        let start = now.saturating_sub(CHANGE_WINDOW).unwrap_or(now);
        while self.passages.front().is_some_and(|passage| passage.at < start) {
            self.passages.pop_front();
        }
    }

    fn note(&mut self, at: Timestamp, from: Option<SafeText>, to: Option<SafeText>) {
        self.sum(from.as_ref(), |sum| sum.1 += 1);
        self.sum(to.as_ref(), |sum| sum.0 += 1);
        self.passages.push_back(Passage { at, from, to });
        if self.passages.len() > KEPT_PASSAGES
            && let Some(lost) = self.passages.pop_front()
        {
            // passages of one poll have one moment: those of that moment are no longer complete
            self.counted_since = lost.at;
            self.passages.retain(|passage| passage.at > lost.at);
        }
    }

    fn sum(&mut self, status: Option<&SafeText>, add: impl FnOnce(&mut (u64, u64))) {
        let Some(status) = status else { return };
        if self.sums.contains_key(status) || self.sums.len() < KEPT_STATUSES {
            add(self.sums.entry(status.clone()).or_default());
        }
    }

    /// A row stays the oldest for as long as none is older by more than the second to which ages are told.
    fn find_oldest(&mut self, list: &UnderWay) {
        let mut found: BTreeMap<&SafeText, &StandingRow> = BTreeMap::new();
        for row in list.rows.iter().filter(|row| row.clock_s.is_some()) {
            let oldest = found.entry(&row.status).or_insert(row);
            let last = self.oldest.get(&row.status).map(|oldest| &oldest.id);
            let ahead = |row: &StandingRow| {
                let is_last = last == Some(&row.row.id);
                let age = row.clock_s.unwrap_or(i64::MIN);
                (age.saturating_add(i64::from(is_last)), is_last)
            };
            if ahead(row) > ahead(oldest) {
                *oldest = row;
            }
        }
        let (rows, now) = (&self.rows, self.read_at);
        let next = found.into_iter().map(|(status, row)| {
            let last = self.oldest.get(status);
            let stands = last.is_some_and(|last| last.id == row.row.id);
            let gone = last.is_some_and(|last| rows.get(&last.id).is_none_or(|seen| seen.status != *status));
            let oldest = Oldest {
                id: row.row.id.clone(),
                since: last.filter(|_| stands).map_or(now, |last| last.since),
                moved_at: gone.then_some(now).or(last.and_then(|last| last.moved_at)),
            };
            (status.clone(), oldest)
        });
        self.oldest = next.collect();
    }

    /// Seconds from a moment to the newest list.
    fn since_s(&self, at: Timestamp) -> i64 {
        self.read_at.duration_since(at).as_secs().max(0)
    }

    /// Passages out of (and into) a status within a time before the newest list.
    fn passages(&self, within: SignedDuration) -> impl Iterator<Item = &Passage> {
        let read_at = self.read_at;
        self.passages
            .iter()
            .filter(move |passage| read_at.duration_since(passage.at) < within)
    }

    fn moves(&self, table: &Table, status: &str) -> Option<bool> {
        let known = table.status(status);
        let limit = known.and_then(|status| status.limit).map(duration::of);
        let quiet = limit.map_or(CHANGE_WINDOW, |limit| limit.min(CHANGE_WINDOW));
        let has_failed = |status: &SafeText| {
            table
                .status(status)
                .is_some_and(|status| status.role == Role::Failed)
        };
        let of_it = |passage: &&Passage| passage.from.as_deref() == Some(status);
        let mut left = self.passages(quiet).filter(of_it).peekable();
        let any_left = left.peek().is_some();
        if left.any(|passage| !passage.to.as_ref().is_some_and(has_failed)) {
            return Some(true);
        }
        let watched = self.read_at.duration_since(self.counted_since) >= quiet;
        let waited = |seen: &Seen| &*seen.status == status && self.read_at.duration_since(seen.at) >= quiet;
        (watched && !any_left && self.rows.values().any(waited)).then_some(false)
    }
}

/// Adds the ages that count from when we first saw a row.
fn complete(table: &mut TableReading, watch: &Watch) {
    let Ok(under_way) = &mut table.under_way else {
        return;
    };
    for by_sight in &under_way.by_sight {
        let rows = under_way.rows.iter_mut();
        let mut oldest = None;
        for row in rows.filter(|row| row.status == by_sight.status) {
            let seen = watch.rows.get(&row.row.id);
            let seen_s = seen.map_or(0, |seen| watch.since_s(seen.at));
            row.clock_s = overdue::age_s(ClockBasis::FirstSeen, &row.row, Some(seen_s));
            oldest = oldest.max(row.clock_s);
        }
        let counts = table.statuses.iter_mut().flatten();
        for count in counts.filter(|count| count.status == by_sight.status) {
            count.oldest_s = oldest;
        }
    }
}

impl State {
    /// The rows of a table that are on their way in the newest reading; `None` where they were not read.
    pub fn under_way(&self, table: &str) -> Option<&UnderWay> {
        let (_, reading) = self.reading.as_ref()?;
        let reading = reading.tables.iter().find(|reading| &*reading.table == table)?;
        reading.under_way.as_ref().ok()
    }

    /// How the rows of a status move; nothing is known of it where the newest reading could not list them.
    pub fn movement(&self, table: &Table, status: &str) -> Movement {
        let under_way = self.under_way(&table.name).filter(|list| !list.more);
        let Some((list, watch)) = under_way.zip(self.watch(&table.name)) else {
            return Movement::default();
        };
        let next = next_over(list, table, status);
        let mut movement = Movement {
            next_limit_s: next.map(|(left, _)| left),
            next: next.map(|(_, row)| row.row.id.clone()),
            ..Movement::default()
        };
        let watched = watch.read_at.duration_since(watch.counted_since);
        if watched.is_positive() && is_listed(table, status) {
            let count = |of: fn(&Passage) -> &Option<SafeText>| {
                let passages = watch.passages(CHANGE_WINDOW);
                passages
                    .filter(|passage| of(passage).as_deref() == Some(status))
                    .count() as u64
            };
            movement.watched_s = Some(watched.min(CHANGE_WINDOW).as_secs());
            movement.entered = Some(count(|passage| &passage.to));
            movement.left = Some(count(|passage| &passage.from));
            movement.moves = watch.moves(table, status);
        }
        movement
    }

    /// The row of a table that is the next to go over its limit, and in how many seconds it reaches it.
    pub fn next_over(&self, table: &Table) -> Option<(i64, &StandingRow)> {
        let list = self.under_way(&table.name).filter(|list| !list.more)?;
        let statuses = table.statuses.iter();
        let next = statuses.filter_map(|status| next_over(list, table, &status.name));
        next.min_by_key(|(left, _)| *left)
    }

    /// Since when a row is in its status, as far as we have seen.
    pub fn seen(&self, table: &str, id: &SafeText) -> Option<&Seen> {
        self.watch(table)?.rows.get(id)
    }

    /// How long a row can be in its status at most, seconds: not for longer than it exists, nor since before it was seen not to be in it.
    pub(crate) fn most_in_status_s(&self, table: &str, row: &StandingRow) -> Option<i64> {
        let watch = self.watch(table)?;
        let absent_at = watch.rows.get(&row.row.id).and_then(|seen| seen.absent_at);
        let absent = absent_at.map(|at| watch.since_s(at));
        absent.into_iter().chain(row.row.age_s).min()
    }

    /// The oldest row of a status; `None` where none has an age.
    pub fn oldest(&self, table: &str, status: &str) -> Option<&Oldest> {
        self.watch(table)?.oldest.get(&SafeText::new(status))
    }

    /// `the oldest, 1n5F…, has been the same for 4m10s`; `None` where there is none.
    pub fn oldest_in_words(&self, table: &Table, status: &str) -> Option<SafeText> {
        let read_at = self.watch(&table.name)?.read_at;
        let oldest = self
            .oldest(&table.name, status)
            .filter(|_| is_listed(table, status))?;
        let ago = |at: Timestamp| duration::brief(read_at.duration_since(at));
        let same = safe!("oldest row {} unchanged for {}", oldest.id, ago(oldest.since));
        Some(match oldest.moved_at {
            Some(at) => safe!("{same}; one before it left {} ago", ago(at)),
            None => same,
        })
    }

    /// For how long a status has been watched without a gap, and how many rows have entered and left it in that time; `None` where its
    /// rows are not listed, or not all of them.
    pub fn passed(&self, table: &Table, status: &str) -> Option<(SignedDuration, u64, u64)> {
        let watch = self.watch(&table.name).filter(|_| is_listed(table, status))?;
        let sums = watch.sums.get(&SafeText::new(status)).copied();
        let (entered, left) = sums.unwrap_or_default();
        Some((watch.read_at.duration_since(watch.since?), entered, left))
    }

    fn watch(&self, table: &str) -> Option<&Watch> {
        self.movements.0.get(&SafeText::new(table))
    }
}

/// Whether the rows of a status are listed with each poll: those in it are on their way.
fn is_listed(table: &Table, status: &str) -> bool {
    table.status(status).is_none_or(|status| !status.is_settled())
}

/// The oldest row of a status that is not over its limit, and how many seconds are left to it.
fn next_over<'a>(list: &'a UnderWay, table: &Table, status: &str) -> Option<(i64, &'a StandingRow)> {
    let known = table.status(status)?;
    let of_it = list.rows.iter().filter(|row| &*row.status == status);
    let left = of_it.filter_map(|row| Some((overdue::left_s(known, row.clock_s?)?, row)));
    left.filter(|(left, _)| *left >= 0).min_by_key(|(left, _)| *left)
}
