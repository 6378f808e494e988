//! Whether rows move again after a change: what was under way when it began, and what of that has another status since.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::export::case_snapshot::CaseSnapshot;
use crate::observe::observation::StandingRow;
use crate::safe;
use crate::text::{SafeText, duration, noun};

/// How long rows may take to move once there is a leader: some loops.
const MOVES_WITHIN: SignedDuration = SignedDuration::from_mins(5);

/// A row in the status that it had: table, id, status.
type Key = (SafeText, SafeText, SafeText);

/// How it went with the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Whether all went as it should, as far as that is known.
    pub good: Option<bool>,
    /// What a whole execution says before the words: that it worked; empty where that is not said.
    pub lead: &'static str,
    /// What is seen of the rows.
    pub words: SafeText,
}

impl End {
    fn of(good: Option<bool>, lead: &'static str, words: impl Into<SafeText>) -> Self {
        let words = words.into();
        Self { good, lead, words }
    }
}

/// The rows that waited for a leader when something was set out for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// In a status that a row is to leave.
    under_way: BTreeSet<Key>,
    /// Those of them that are over its limit.
    late: BTreeSet<Key>,
    /// Whether every table was read.
    known: bool,
    /// Whether there are more than were read.
    more: bool,
}

impl Rows {
    /// Those that are known now.
    pub fn of(account: &CaseSnapshot<'_>) -> Self {
        let mut rows = Self {
            under_way: BTreeSet::new(),
            late: BTreeSet::new(),
            known: account.profile.database.is_some(),
            more: false,
        };
        let database = account.profile.database.iter();
        for table in database.flat_map(|database| &database.tables) {
            let Some(list) = account.state.under_way(&table.name) else {
                rows.known = false;
                continue;
            };
            rows.more |= list.more;
            let keys =
                |row: &StandingRow| (SafeText::new(&table.name), row.row.id.clone(), row.status.clone());
            rows.under_way.extend(list.rows.iter().map(keys));
            rows.late.extend(account.state.late_rows(table).map(keys));
        }
        rows
    }

    /// Whether it holds this row in another status.
    fn has_in_another_status(&self, (table, id, status): &Key) -> bool {
        self.under_way
            .iter()
            .any(|(other_table, other_id, other)| other_table == table && other_id == id && other != status)
    }

    /// How it went with the rows since `since`, where there are leaders. `None`: too early to say. Overdue rows must move for a change to
    /// have helped; rows within their limits may take their time.
    pub fn told(&self, account: &CaseSnapshot<'_>, since: Timestamp, waited: SignedDuration) -> Option<End> {
        let unknown = "leaders elected; no data on rows: the database can't be read";
        let now = Self::of(account);
        if !self.known {
            return Some(End::of(None, "", unknown));
        }
        let (before, still, what) = match self.late.len() {
            0 => (&self.under_way, &now.under_way, "pending"),
            _ => (&self.late, &now.late, "overdue"),
        };
        if before.is_empty() {
            return Some(End::of(Some(true), "done: ", "pods ready, leaders elected"));
        }
        let read = now.known && account.state.reading.as_ref().is_some_and(|(at, _)| *at > since);
        // Of a list that is cut a row may be missing that is still there.
        let has_left = |row: &&Key| !now.more || now.has_in_another_status(row);
        let (moved, all) = (before.difference(still).filter(has_left).count(), before.len());
        let requests = noun(all, "request", "requests");
        let within = duration::brief(MOVES_WITHIN);
        let none = match all {
            1 => format!("the {what} request did not move in {within}"),
            all => format!("none of {all} {what} requests moved in {within}"),
        };
        match (read, waited > MOVES_WITHIN) {
            (true, _) if moved > 0 => Some(End::of(
                Some(true),
                "it worked: ",
                safe!("{moved} of {all} {what} {requests} moved on"),
            )),
            (_, false) => None,
            (false, true) => Some(End::of(None, "", unknown)),
            (true, true) if self.late.is_empty() => Some(End::of(
                Some(true),
                "",
                safe!("leaders elected; {none}, and none is overdue"),
            )),
            (true, true) => Some(End::of(Some(false), "", safe!("no improvement: {none}"))),
        }
    }
}
