//! What the service's database says. Ages are whole seconds by the database server's clock.

use std::iter;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::observe::SKEW;
use crate::safe;
use crate::text::{Redacted, SafeText, duration};

/// The session that was opened. No password is ever here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct DatabaseConnection {
    /// Host name or address.
    pub host: SafeText,
    /// TCP port.
    pub port: u16,
    /// Database name.
    pub database: SafeText,
    /// Role.
    pub user: SafeText,
    /// Where the credentials came from: `--database-url`, `SOPWATCH_DATABASE_URL`, `PG* variables`, `secret managed-services-api-rds`.
    pub origin: SafeText,
    /// `verify-full`, `verify-ca`, `require` or `none`.
    pub tls: SafeText,
    /// `server_version`.
    pub version: SafeText,
}

/// One poll.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Reading {
    /// How long the poll took, milliseconds.
    pub took_ms: u64,
    /// One a table of the profile, in its order.
    pub tables: Vec<TableReading>,
    /// The lease rows, or why they could not be read.
    pub leases: Result<Vec<Lease>, Redacted>,
    /// Where the server is a standby: it shows the primary's data as it was some time ago.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standby: Option<Standby>,
}

impl Reading {
    /// Whether it says nothing that the one before did not say, but for ages: as many rows have each status, none of them is on its way or
    /// failed lately, and each lease has the same holder.
    pub fn only_ages_differ(&self, before: &Self) -> bool {
        let (Ok(leases), Ok(leases_before)) = (&self.leases, &before.leases) else {
            return false;
        };
        self.standby == before.standby
            && self.tables.len() == before.tables.len()
            && iter::zip(&self.tables, &before.tables).all(|(table, before)| table.only_ages_differ(before))
            && leases.len() == leases_before.len()
            && iter::zip(leases, leases_before)
                .all(|(one, other)| one.lease_type == other.lease_type && one.holder == other.holder)
    }
}

/// A server in recovery: a copy of the primary that only reads.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Standby {
    /// How far it is behind the primary, seconds: `0` where it has replayed all that it received and still receives, else the age of the
    /// newest transaction that it replayed. `None` where it replayed none yet or may not say.
    pub behind_s: Option<i64>,
}

/// How far a standby may be behind and still count as current: a lease is judged no finer than the clocks agree.
const STANDBY_BEHIND: SignedDuration = SKEW;

impl Standby {
    /// Whether what it shows may be taken for what the primary has now.
    pub fn is_current(&self) -> bool {
        self.behind_s
            .is_some_and(|behind| SignedDuration::from_secs(behind) <= STANDBY_BEHIND)
    }

    /// `a standby, 15m behind the primary`.
    pub fn words(&self) -> SafeText {
        match self.behind_s.map(SignedDuration::from_secs) {
            None => "a standby, lag unknown".into(),
            Some(behind) if behind.as_secs() <= 0 => "a standby, up to date".into(),
            Some(behind) => safe!("a standby, {} behind the primary", duration::brief(behind)),
        }
    }
}

/// What one table tells.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct TableReading {
    /// Table name.
    pub table: SafeText,
    /// One a status that has living rows; or why the table could not be read.
    pub statuses: Result<Vec<StatusCount>, Redacted>,
    /// The rows that failed lately; or why they could not be read.
    pub standing: Result<Standing, Redacted>,
    /// The rows on their way; or why they could not be read.
    pub under_way: Result<UnderWay, Redacted>,
}

impl TableReading {
    fn only_ages_differ(&self, before: &Self) -> bool {
        let (Ok(statuses), Ok(statuses_before)) = (&self.statuses, &before.statuses) else {
            return false;
        };
        self.table == before.table
            && statuses.len() == statuses_before.len()
            && iter::zip(statuses, statuses_before)
                .all(|(one, other)| one.status == other.status && one.count == other.count)
            && self.is_calm()
            && before.is_calm()
    }

    fn is_calm(&self) -> bool {
        let (Ok(standing), Ok(under_way)) = (&self.standing, &self.under_way) else {
            return false;
        };
        standing.rows.is_empty() && under_way.rows.is_empty()
    }
}

/// The living rows that are on their way: in a status that a row is to leave, or in one that the profile does not know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct UnderWay {
    /// The rows, the oldest first.
    pub rows: Vec<StandingRow>,
    /// Whether there are more than were read: then one that is not here may still be on its way.
    pub more: bool,
    /// The statuses whose rows tell no age, since it counts from when we first saw them: the console adds it.
    pub by_sight: Vec<BySight>,
}

/// A status whose age counts from when its row was first seen in it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct BySight {
    /// As stored.
    pub status: SafeText,
    /// Its limit, seconds, as the profile had it.
    pub limit_s: Option<u64>,
}

/// Living rows that failed within a day: the newest change first. Records of before have the rows over their status's limit here too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Standing {
    /// The rows.
    pub rows: Vec<StandingRow>,
    /// Whether there are more than were read.
    pub more: bool,
}

/// A row with its status.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct StandingRow {
    /// Its status as stored.
    pub status: SafeText,
    /// Its age by its status's clock basis, seconds. Where that is when we first saw it: how long it is in its status at least.
    pub clock_s: Option<i64>,
    /// The row.
    pub row: Row,
}

/// The living (not soft-deleted) rows of one status.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct StatusCount {
    /// The status as stored; blank stays empty.
    pub status: SafeText,
    /// Rows.
    pub count: u64,
    /// Age of the oldest by the status's clock basis, seconds; negative where the writer's clock is ahead, `None` where the basis is null.
    pub oldest_s: Option<i64>,
    /// Rows older than the status's limit, as the source of an older record judged it; sources no longer say.
    /// [`State::overdue`](crate::observe::state::State::overdue) judges the rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_limit: Option<u64>,
}

/// A live or expired row of the lease table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Lease {
    /// `lease_type`.
    pub lease_type: SafeText,
    /// Worker id of the holder; `None` before the first claim.
    pub holder: Option<SafeText>,
    /// Seconds until `expires`, negative when it ran out.
    pub ttl_s: i64,
    /// `expires` as text, to see it advance from one poll to the next.
    pub expires: SafeText,
}

/// Which rows were asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
pub struct RowsOf {
    /// Table name of the profile.
    pub table: SafeText,
    /// Status as stored; empty for blank.
    pub status: SafeText,
}

/// The rows behind one status, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Rows {
    /// What was asked.
    pub of: RowsOf,
    /// The rows, or why they could not be read.
    pub rows: Result<Vec<Row>, Redacted>,
    /// Whether there are more than were read.
    pub more: bool,
}

/// One row, without any column that names a customer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Row {
    /// Primary key.
    pub id: SafeText,
    /// The cluster's id at OCM; empty until it has one.
    pub ocm_id: SafeText,
    /// Cloud provider and region, such as `aws/us-east-1`.
    pub region: SafeText,
    /// Seconds since `updated_at`; `None` where null.
    pub idle_s: Option<i64>,
    /// Seconds since `created_at`.
    pub age_s: Option<i64>,
    /// Why it failed, where the table tells; may be empty.
    pub reason: Redacted,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::reading;

    #[test]
    fn a_reading_says_nothing_new_only_where_all_is_calm_and_ages_alone_differ() {
        let lease = Some((Some("blf5h"), 180));
        let calm = |ready: u64, oldest: i64| reading(lease, &[("ready", ready, Some(oldest), None)]);
        let before = calm(4, 50);
        assert!(calm(4, 55).only_ages_differ(&before));
        let renewed = reading(Some((Some("blf5h"), 20)), &[("ready", 4, Some(55), None)]);
        assert!(renewed.only_ages_differ(&before));
        let other_holder = reading(Some((Some("2mgcp"), 180)), &[("ready", 4, Some(55), None)]);
        let no_lease = reading(None, &[("ready", 4, Some(55), None)]);
        let other_status = reading(lease, &[("failed", 4, Some(55), None)]);
        let mut moving = calm(4, 55);
        moving.tables[0].under_way = Ok(UnderWay {
            rows: vec![StandingRow {
                status: "accepted".into(),
                clock_s: Some(5),
                row: Row {
                    id: "r".into(),
                    ocm_id: "".into(),
                    region: "".into(),
                    idle_s: None,
                    age_s: None,
                    reason: Redacted::default(),
                },
            }],
            ..UnderWay::default()
        });
        let mut unread = calm(4, 55);
        unread.leases = Err("permission denied".into());
        let mut behind = calm(4, 55);
        behind.standby = Some(Standby { behind_s: Some(9) });
        for (what, reading) in [
            ("a row more", calm(5, 50)),
            ("another status", other_status),
            ("another leader", other_holder),
            ("no lease", no_lease),
            ("a row on its way", moving),
            ("no answer", unread),
            ("a standby", behind),
        ] {
            assert!(!reading.only_ages_differ(&before), "{what}");
            assert!(!before.only_ages_differ(&reading), "{what}");
        }
    }
}
