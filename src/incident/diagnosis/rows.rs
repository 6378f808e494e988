//! What the living rows of a table say.

use jiff::SignedDuration;

use super::Case;
use super::answer::{Answer, Heard};
use super::decision::{late_in_words, strange_and_old};
use crate::incident::fact::{StatusCount, UnderWay};
use crate::incident::facts::CHANGE_WINDOW;
use crate::incident::feed::FeedId;
use crate::incident::profile::{ClockBasis, Role, Status, Table};
use crate::incident::sop::StepStatus;
use crate::incident::span;

/// Rows over their limit that are named of many.
const NAMED: usize = 10;

/// A status as the database has it, beside what the profile says about it.
struct Counted<'a> {
    row: &'a StatusCount,
    status: &'a Status,
}

impl Counted<'_> {
    fn limit(&self) -> Option<SignedDuration> {
        self.status.limit.map(span::of)
    }

    /// Why it can't be said that none of its rows is over the limit.
    fn doubt(&self, list: Option<&UnderWay>) -> Option<String> {
        let name = &self.row.status;
        if self.row.count == 0 {
            return None;
        }
        if self.row.over_limit.is_none() && self.status.clock == ClockBasis::FirstSeen {
            return Some(format!("{name} not watched long enough"));
        }
        if self.row.over_limit.is_none() || self.row.oldest_s.is_none() {
            return Some(format!("no age for {name}"));
        }
        let rows = list.iter().flat_map(|list| &list.rows);
        let ageless = rows
            .filter(|row| row.status == *name && row.clock_s.is_none())
            .count();
        (ageless > 0).then(|| format!("no age for {ageless} of {} {name}", self.row.count))
    }

    /// `cluster_accepted 07:11 > 03:00`.
    fn over(&self) -> Option<String> {
        self.row.over_limit.filter(|over| *over > 0)?;
        let oldest = age(self.row.oldest_s?, self.status.clock);
        Some(format!(
            "{} {oldest} > {}",
            self.row.status,
            span::clock(self.limit()?)
        ))
    }
}

/// `07:11`; where it counts from when we first saw the row, it may be more.
fn age(seconds: i64, clock: ClockBasis) -> String {
    let age = span::clock(SignedDuration::from_secs(seconds));
    match clock {
        ClockBasis::FirstSeen => format!("at least {age}"),
        ClockBasis::UpdatedAt | ClockBasis::CreatedAt => age,
    }
}

/// The next row to go over its limit.
struct NextLimit {
    left: SignedDuration,
    words: String,
    row: String,
}

/// The counts of a table, split into those the profile knows and the others.
struct Counts<'a> {
    table: &'a Table,
    known: Vec<Counted<'a>>,
    unknown: Vec<&'a StatusCount>,
    heard: Heard,
}

impl Counts<'_> {
    fn with_role(&self, role: Role) -> u64 {
        let of_role = self.known.iter().filter(|counted| counted.status.role == role);
        of_role.map(|counted| counted.row.count).sum()
    }

    /// Every status with its count, its oldest age and how its rows move; those the profile does not know are named as such.
    fn evidence(&self, case: &Case<'_>) -> Vec<String> {
        let known = self
            .known
            .iter()
            .map(|counted| case.status_in_words(self.table, counted.row));
        let unknown = self.unknown.iter().map(|row| {
            let words = case.status_in_words(self.table, row);
            format!("{words}: the profile does not know it")
        });
        known.chain(unknown).collect()
    }
}

impl Case<'_> {
    /// Whether at least one row is ready.
    pub(super) fn any_ready(&self, table: &str) -> Answer {
        let counts = match self.counts(table) {
            Ok(counts) => counts,
            Err(unknown) => return unknown,
        };
        let ready = counts.with_role(Role::Ready);
        let (status, value) = match ready {
            0 => (StepStatus::Fail, "none ready".to_owned()),
            _ => (StepStatus::Pass, format!("{ready} ready")),
        };
        Answer::new(status, "database")
            .value(value)
            .against("at least 1")
            .evidence(counts.evidence(self))
            .heard(&counts.heard)
    }

    /// Whether no row is older than its status's limit, strictly.
    pub(super) fn limits(&self, table: &str) -> Answer {
        let counts = match self.counts(table) {
            Ok(counts) => counts,
            Err(unknown) => return unknown,
        };
        let limited: Vec<_> = counts
            .known
            .iter()
            .filter(|counted| counted.limit().is_some())
            .collect();
        let rows: u64 = limited.iter().map(|counted| counted.row.count).sum();
        let over: u64 = limited.iter().filter_map(|counted| counted.row.over_limit).sum();
        let offenders: Vec<_> = limited.iter().filter_map(|counted| counted.over()).collect();
        let list = self.facts.under_way(table);
        let doubt = limited.iter().find_map(|counted| counted.doubt(list));
        let all = self.facts.statuses(table).and_then(|read| read.as_ref().ok());
        let doubt = doubt.or_else(|| strange_and_old(counts.table, all?));
        let (status, value) = match (over, doubt) {
            (0, Some(doubt)) => (StepStatus::Unknown, doubt),
            (0, None) if rows == 0 => (StepStatus::Pass, "nothing under way".to_owned()),
            (0, None) => (StepStatus::Pass, format!("0 of {rows} over limit")),
            _ if offenders.is_empty() => (StepStatus::Fail, format!("{over} of {rows} over limit")),
            _ => (
                StepStatus::Fail,
                format!("{over} of {rows} over limit: {}", offenders.join(", ")),
            ),
        };
        let strange: u64 = counts.unknown.iter().map(|row| row.count).sum();
        let strange = (strange > 0).then(|| format!("{strange} of unknown status"));
        let next = self.next_limit(counts.table);
        let soon = next.as_ref().filter(|next| next.left <= CHANGE_WINDOW);
        let soon = soon.map(|next| next.words.clone());
        let stands = limited
            .iter()
            .find_map(|counted| self.stand(counts.table, counted));
        let value = std::iter::once(value).chain(stands).chain(soon).chain(strange);
        Answer::new(status, "database")
            .value(value.collect::<Vec<_>>().join(", "))
            .against(self.limits_in_words(table))
            .evidence(self.named_late_rows(table))
            .evidence(next.map(|next| format!("{}: {}", next.words, next.row)))
            .evidence(counts.evidence(self))
            .heard(&counts.heard)
    }

    /// Whether the rows of a status that has late ones move.
    fn stand(&self, table: &Table, counted: &Counted<'_>) -> Option<String> {
        counted.row.over_limit.filter(|over| *over > 0)?;
        let moves = self.facts.movement(table, &counted.row.status).moves?;
        let words = if moves { "moves" } else { "stands still" };
        Some(format!("{} {words}", counted.row.status))
    }

    /// The rows over their limit, to the second, the oldest first.
    fn named_late_rows(&self, table: &str) -> Vec<String> {
        let mut late: Vec<_> = self.late_rows_of(table, &[]).collect();
        late.sort_by_key(|row| std::cmp::Reverse(row.clock_s));
        let more = late.len().saturating_sub(NAMED);
        let cut = self.facts.standing(table).is_some_and(|standing| standing.more);
        let unread = cut && !late.is_empty();
        let more = (more > 0).then(|| format!("and {more} more over their limit"));
        let unread = unread.then(|| "more may be over their limit: not all rows were read".to_owned());
        let named = late.into_iter().take(NAMED);
        named
            .map(|row| late_in_words(self.profile, table, row))
            .chain(more)
            .chain(unread)
            .collect()
    }

    /// How long until the next row of a table reaches its limit, in words, and which it is.
    fn next_limit(&self, table: &Table) -> Option<NextLimit> {
        let (left_s, row) = self.facts.next_over(table)?;
        let left = SignedDuration::from_secs(left_s);
        let clock = table.status(&row.status).map(|status| status.clock);
        let at_most = if clock == Some(ClockBasis::FirstSeen) {
            "at most "
        } else {
            ""
        };
        Some(NextLimit {
            left,
            words: format!("next over its limit in {at_most}{}", span::clock(left)),
            row: format!("{} {}", row.row.id, row.status),
        })
    }

    /// `cluster_accepted: 1, oldest 07:11, 2 in, 1 out within 5m, moves`.
    fn status_in_words(&self, table: &Table, row: &StatusCount) -> String {
        let name = if row.status.is_empty() {
            "(blank)"
        } else {
            &*row.status
        };
        let clock = table
            .status(&row.status)
            .map_or(ClockBasis::UpdatedAt, |status| status.clock);
        let oldest = row
            .oldest_s
            .map(|oldest| format!("oldest {}", age(oldest, clock)));
        let movement = self.facts.movement(table, &row.status).in_words();
        let words = std::iter::once(format!("{name}: {}", row.count));
        words.chain(oldest).chain(movement).collect::<Vec<_>>().join(", ")
    }

    /// Whether no row has failed lately. Failed rows stay for ever: those of before are history.
    pub(super) fn failed(&self, table: &str) -> Answer {
        let counts = match self.counts(table) {
            Ok(counts) => counts,
            Err(unknown) => return unknown,
        };
        let failed = counts.with_role(Role::Failed);
        let answer = |status, value: String| Answer::new(status, "database").value(value);
        let answer = if failed == 0 {
            answer(StepStatus::Pass, "none failed".to_owned())
        } else {
            match self.failed_lately(table) {
                None => answer(StepStatus::Unknown, format!("{failed} failed, unknown when")),
                Some(new) if new.is_empty() => {
                    answer(StepStatus::Pass, format!("none lately, {failed} before"))
                }
                Some(new) => answer(StepStatus::Fail, format!("{} failed lately", new.len())).evidence(new),
            }
        };
        answer
            .against(self.none_lately())
            .evidence(counts.evidence(self))
            .heard(&counts.heard)
    }

    /// The newest counts of a table, or the answer that they can't be had.
    fn counts(&self, name: &str) -> Result<Counts<'_>, Answer> {
        let unknown = |why: String| Answer::unknown("database", "not read", why);
        let Some(table) = self.profile.table(name) else {
            return Err(unknown(format!("the profile has no table {name}")));
        };
        let heard = self.hear(&FeedId::Database, "database");
        if let Heard::Never(why) = heard {
            return Err(unknown(why));
        }
        match self.facts.statuses(name) {
            Some(Ok(rows)) => Ok(split(table, rows, heard)),
            Some(Err(why)) => Err(unknown(format!("{name}: {why}")).heard(&heard)),
            None => Err(unknown(format!("{name} was not read")).heard(&heard)),
        }
    }

    /// `cluster_accepted 03:00, cluster_provisioning 45:00`.
    fn limits_in_words(&self, table: &str) -> String {
        let statuses = self.profile.table(table).map_or(&[][..], |table| &table.statuses);
        let limit = |status: &Status| {
            Some(format!(
                "{} {}",
                status.name,
                span::clock(span::of(status.limit?))
            ))
        };
        statuses.iter().filter_map(limit).collect::<Vec<_>>().join(", ")
    }
}

fn split<'a>(table: &'a Table, rows: &'a [StatusCount], heard: Heard) -> Counts<'a> {
    let known = |status: &str| {
        rows.iter()
            .find(|row| *row.status == *status)
            .filter(|row| row.count > 0)
    };
    let counted = |status: &'a Status| known(status.name.as_str()).map(|row| Counted { row, status });
    Counts {
        table,
        known: table.statuses.iter().filter_map(counted).collect(),
        unknown: rows
            .iter()
            .filter(|row| table.status(&row.status).is_none() && row.count > 0)
            .collect(),
        heard,
    }
}
