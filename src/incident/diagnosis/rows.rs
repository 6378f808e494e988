//! What the living rows of a table say.

use jiff::SignedDuration;

use super::Case;
use super::answer::{Answer, Heard};
use crate::incident::fact::StatusCount;
use crate::incident::feed::FeedId;
use crate::incident::profile::{Role, Status, Table};
use crate::incident::sop::StepStatus;
use crate::incident::span;

/// A status as the database has it, beside what the profile says about it.
struct Counted<'a> {
    row: &'a StatusCount,
    status: &'a Status,
}

impl Counted<'_> {
    fn limit(&self) -> Option<SignedDuration> {
        self.status.limit.map(span::of)
    }

    /// Whether its rows have no age to hold against the limit.
    fn is_ageless(&self) -> bool {
        self.row.count > 0 && (self.row.over_limit.is_none() || self.row.oldest_s.is_none())
    }

    /// `cluster_accepted 07:11 > 03:00`.
    fn over(&self) -> Option<String> {
        self.row.over_limit.filter(|over| *over > 0)?;
        let oldest = SignedDuration::from_secs(self.row.oldest_s?);
        Some(format!(
            "{} {} > {}",
            self.row.status,
            span::clock(oldest),
            span::clock(self.limit()?)
        ))
    }
}

/// The counts of a table, split into those the profile knows and the others.
struct Counts<'a> {
    known: Vec<Counted<'a>>,
    unknown: Vec<&'a StatusCount>,
    heard: Heard,
}

impl Counts<'_> {
    fn with_role(&self, role: Role) -> u64 {
        let of_role = self.known.iter().filter(|counted| counted.status.role == role);
        of_role.map(|counted| counted.row.count).sum()
    }

    /// Every status with its count and oldest age; those the profile does not know are named as such.
    fn evidence(&self) -> Vec<String> {
        let known = self.known.iter().map(|counted| in_words(counted.row));
        let unknown = self
            .unknown
            .iter()
            .map(|row| format!("{}: the profile does not know it", in_words(row)));
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
            .evidence(counts.evidence())
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
        let ageless: Vec<_> = limited.iter().filter(|counted| counted.is_ageless()).collect();
        let (status, value) = match (over, ageless.first()) {
            (0, Some(counted)) => (StepStatus::Unknown, format!("no age for {}", counted.row.status)),
            (0, None) if rows == 0 => (StepStatus::Pass, "nothing under way".to_owned()),
            (0, None) => (StepStatus::Pass, format!("0 of {rows} over limit")),
            _ if offenders.is_empty() => (StepStatus::Fail, format!("{over} of {rows} over limit")),
            _ => (
                StepStatus::Fail,
                format!("{over} of {rows} over limit: {}", offenders.join(", ")),
            ),
        };
        let strange: u64 = counts.unknown.iter().map(|row| row.count).sum();
        let strange = if strange > 0 {
            format!(", {strange} of unknown status")
        } else {
            String::new()
        };
        Answer::new(status, "database")
            .value(format!("{value}{strange}"))
            .against(self.limits_in_words(table))
            .evidence(counts.evidence())
            .heard(&counts.heard)
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
            .evidence(counts.evidence())
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
        known: table.statuses.iter().filter_map(counted).collect(),
        unknown: rows
            .iter()
            .filter(|row| table.status(&row.status).is_none() && row.count > 0)
            .collect(),
        heard,
    }
}

/// `cluster_accepted: 1, oldest 07:11`.
fn in_words(row: &StatusCount) -> String {
    let name = if row.status.is_empty() {
        "(blank)"
    } else {
        &*row.status
    };
    match row.oldest_s {
        Some(seconds) => format!(
            "{name}: {}, oldest {}",
            row.count,
            span::clock(SignedDuration::from_secs(seconds))
        ),
        None => format!("{name}: {}", row.count),
    }
}
