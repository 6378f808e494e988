//! What the living rows of a table say.

use jiff::SignedDuration;

use crate::diagnose::Evaluation;
use crate::diagnose::decide::{in_words, late_in_words};
use crate::diagnose::overdue::Overdue;
use crate::diagnose::step_result::{SourceCheck, StepResult};
use crate::observe::observation::StatusCount;
use crate::observe::source::SourceId;
use crate::observe::state::CHANGE_WINDOW;
use crate::profile::sop::StepStatus;
use crate::profile::{ClockBasis, Role, Status, Table};
use crate::text::duration;

/// Rows that are named of many.
const NAMED: usize = 10;

/// A status as the database has it, beside what the profile says about it and how its rows stand against its limit.
struct Counted<'a> {
    row: &'a StatusCount,
    status: &'a Status,
    overdue: Overdue,
}

impl Counted<'_> {
    fn limit(&self) -> Option<SignedDuration> {
        self.status.limit.map(duration::of)
    }

    /// `cluster_accepted 07:11 > 03:00`.
    fn over(&self) -> Option<String> {
        if !self.overdue.is_over() {
            return None;
        }
        let oldest = age(self.row.oldest_s?, self.status.clock);
        Some(format!(
            "{} {oldest} > {}",
            self.row.status,
            duration::clock(self.limit()?)
        ))
    }
}

/// `07:11`; where it counts from when we first saw the row, it may be more.
fn age(seconds: i64, clock: ClockBasis) -> String {
    let age = duration::clock(SignedDuration::from_secs(seconds));
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
    heard: SourceCheck,
}

impl Counts<'_> {
    fn with_role(&self, role: Role) -> u64 {
        let of_role = self.known.iter().filter(|counted| counted.status.role == role);
        of_role.map(|counted| counted.row.count).sum()
    }

    /// `1 in unknown status teleporting`, `1 without a status`: rows that no worker looks at, as far as the profile knows.
    fn strange(&self) -> Option<String> {
        let (blank, strange): (Vec<_>, Vec<_>) = self.unknown.iter().partition(|row| row.status.is_empty());
        let sum = |rows: &[&StatusCount]| rows.iter().map(|row| row.count).sum::<u64>();
        let strange = strange.first().map(|first| {
            let (count, name) = (sum(&strange), &first.status);
            match strange.len() {
                1 => format!("{count} in unknown status {name}"),
                more => format!("{count} in unknown statuses, {name} and {} more", more - 1),
            }
        });
        let blank = (!blank.is_empty()).then(|| format!("{} without a status", sum(&blank)));
        let words: Vec<_> = strange.into_iter().chain(blank).collect();
        (!words.is_empty()).then(|| words.join(", "))
    }

    /// Every status with its count, its oldest age and how its rows move; those the profile does not know are named as such.
    fn evidence(&self, case: &Evaluation<'_>) -> Vec<String> {
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

impl Evaluation<'_> {
    /// Whether at least one row is ready.
    pub(in crate::diagnose) fn any_ready(&self, table: &str) -> StepResult {
        let counts = match self.counts(table) {
            Ok(counts) => counts,
            Err(unknown) => return unknown,
        };
        let ready = counts.with_role(Role::Ready);
        let (status, value) = match ready {
            0 => (StepStatus::Fail, "none ready".to_owned()),
            _ => (StepStatus::Pass, format!("{ready} ready")),
        };
        StepResult::new(status, "database")
            .value(value)
            .against("at least 1")
            .evidence(counts.evidence(self))
            .heard(&counts.heard)
    }

    /// Whether no row is older than its status's limit, strictly. Rows in a status that nobody knows, or in none, have no limit: they are
    /// defective, however young they are.
    pub(in crate::diagnose) fn limits(&self, table: &str) -> StepResult {
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
        let over: u64 = limited.iter().filter_map(|counted| counted.overdue.count()).sum();
        let at_least = if limited.iter().any(|counted| counted.overdue.is_least()) {
            "at least "
        } else {
            ""
        };
        let offenders: Vec<_> = limited.iter().filter_map(|counted| counted.over()).collect();
        let doubt = limited.iter().find_map(|counted| match &counted.overdue {
            Overdue::Unknown { missing } => Some(missing.clone()),
            Overdue::NoLimit | Overdue::Within | Overdue::Over { .. } => None,
        });
        let (status, value) = match (over, doubt) {
            (0, Some(doubt)) => (StepStatus::Unknown, doubt),
            (0, None) if rows == 0 => (StepStatus::Pass, "nothing under way".to_owned()),
            (0, None) => (StepStatus::Pass, format!("0 of {rows} over limit")),
            _ if offenders.is_empty() => (StepStatus::Fail, format!("{at_least}{over} of {rows} over limit")),
            _ => (
                StepStatus::Fail,
                format!("{at_least}{over} of {rows} over limit: {}", offenders.join(", ")),
            ),
        };
        let strange = counts.strange();
        // What decides is said first.
        let (first, strange) = match (strange, status) {
            (Some(strange), StepStatus::Pass | StepStatus::Unknown) => (Some(strange), None),
            (strange, _) => (None, strange),
        };
        let status = if first.is_some() { StepStatus::Fail } else { status };
        let next = self.next_limit(counts.table);
        let soon = next.as_ref().filter(|next| next.left <= CHANGE_WINDOW);
        let soon = soon.map(|next| next.words.clone());
        let stands = limited
            .iter()
            .find_map(|counted| self.stand(counts.table, counted));
        let value = first
            .into_iter()
            .chain([value])
            .chain(stands)
            .chain(soon)
            .chain(strange);
        StepResult::new(status, "database")
            .value(value.collect::<Vec<_>>().join(", "))
            .against(self.limits_in_words(table))
            .evidence(self.named_late_rows(counts.table))
            .evidence(self.strange_rows(counts.table).take(NAMED).map(in_words))
            .evidence(next.map(|next| format!("{}: {}", next.words, next.row)))
            .evidence(counts.evidence(self))
            .heard(&counts.heard)
    }

    /// Whether the rows of a status that has late ones move.
    fn stand(&self, table: &Table, counted: &Counted<'_>) -> Option<String> {
        if !counted.overdue.is_over() {
            return None;
        }
        let moves = self.state.movement(table, &counted.row.status).moves?;
        let words = if moves { "moves" } else { "stands still" };
        Some(format!("{} {words}", counted.row.status))
    }

    /// The rows over their limit, to the second, the oldest first.
    fn named_late_rows(&self, table: &Table) -> Vec<String> {
        let mut late: Vec<_> = self.state.late_rows(table).collect();
        late.sort_by_key(|row| std::cmp::Reverse(row.clock_s));
        let more = late.len().saturating_sub(NAMED);
        let cut = self.state.under_way(&table.name).is_some_and(|list| list.more);
        let unread = cut && !late.is_empty();
        let more = (more > 0).then(|| format!("and {more} more over their limit"));
        let unread = unread.then(|| "more may be over their limit: not all rows were read".to_owned());
        let named = late.into_iter().take(NAMED);
        named
            .map(|row| late_in_words(table, row))
            .chain(more)
            .chain(unread)
            .collect()
    }

    /// How long until the next row of a table reaches its limit, in words, and which it is.
    fn next_limit(&self, table: &Table) -> Option<NextLimit> {
        let (left_s, row) = self.state.next_over(table)?;
        let left = SignedDuration::from_secs(left_s);
        let clock = table.status(&row.status).map(|status| status.clock);
        let at_most = if clock == Some(ClockBasis::FirstSeen) {
            "at most "
        } else {
            ""
        };
        Some(NextLimit {
            left,
            words: format!("next over its limit in {at_most}{}", duration::clock(left)),
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
        let movement = self.state.movement(table, &row.status).in_words();
        let words = std::iter::once(format!("{name}: {}", row.count));
        words.chain(oldest).chain(movement).collect::<Vec<_>>().join(", ")
    }

    /// Whether no row has failed lately. Failed rows stay for ever: those of before are history.
    pub(in crate::diagnose) fn failed(&self, table: &str) -> StepResult {
        let counts = match self.counts(table) {
            Ok(counts) => counts,
            Err(unknown) => return unknown,
        };
        let failed = counts.with_role(Role::Failed);
        let answer = |status, value: String| StepResult::new(status, "database").value(value);
        let answer = if failed == 0 {
            answer(StepStatus::Pass, "none failed".to_owned())
        } else {
            match self.failed_lately(table) {
                None => answer(StepStatus::Unknown, format!("{failed} failed, unknown when")),
                Some(new) if new.is_empty() => {
                    answer(StepStatus::Pass, format!("none lately, {failed} before"))
                }
                Some(new) => answer(StepStatus::Fail, format!("{} failed lately", new.len()))
                    .evidence(new.into_iter().map(in_words)),
            }
        };
        answer
            .against(self.none_lately())
            .evidence(counts.evidence(self))
            .heard(&counts.heard)
    }

    /// The newest counts of a table, or the answer that they can't be had.
    fn counts(&self, name: &str) -> Result<Counts<'_>, StepResult> {
        let unknown = |why: String| StepResult::unknown("database", "not read", why);
        let Some(table) = self.profile.table(name) else {
            return Err(unknown(format!("the profile has no table {name}")));
        };
        let heard = self.hear(&SourceId::Database, "database");
        if let SourceCheck::Never(why) = heard {
            return Err(unknown(why));
        }
        match self.state.statuses(name) {
            Some(Ok(rows)) => Ok(self.split(table, rows, heard)),
            Some(Err(why)) => Err(unknown(format!("{name}: {why}")).heard(&heard)),
            None => Err(unknown(format!("{name} was not read")).heard(&heard)),
        }
    }

    fn split<'a>(&self, table: &'a Table, rows: &'a [StatusCount], heard: SourceCheck) -> Counts<'a> {
        let known = |status: &str| {
            rows.iter()
                .find(|row| *row.status == *status)
                .filter(|row| row.count > 0)
        };
        let counted = |status: &'a Status| {
            let row = known(status.name.as_str())?;
            let overdue = self.state.overdue(table, row);
            Some(Counted { row, status, overdue })
        };
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

    /// `cluster_accepted 03:00, cluster_provisioning 45:00`.
    fn limits_in_words(&self, table: &str) -> String {
        let statuses = self.profile.table(table).map_or(&[][..], |table| &table.statuses);
        let limit = |status: &Status| {
            Some(format!(
                "{} {}",
                status.name,
                duration::clock(duration::of(status.limit?))
            ))
        };
        statuses.iter().filter_map(limit).collect::<Vec<_>>().join(", ")
    }
}
