//! The statements, built once from the profile's names. They name every column they read: none of a customer is among them.

use sopwatch_core::observe::source::{Problem, ProblemKind};
use sopwatch_core::profile::{ClockBasis, Database, Leaders, Role, Status, Table};

/// The most rows that are read behind one status, and of those that failed lately.
pub(super) const ROWS_LIMIT: usize = 200;
/// The most rows on their way that are read: far more than a service works on at a time.
pub(super) const UNDER_WAY_LIMIT: usize = 500;
/// The longest text that the server is to send, characters: one more than is kept, so that a cut is seen.
const TEXT_LIMIT: usize = crate::postgres::reading::TEXT_LIMIT + 1;
/// The longest name that the server is to send, the same way.
const NAME_LIMIT: usize = crate::postgres::reading::NAME_LIMIT + 1;
/// The most statuses and leases that are read; there are about ten.
const GROUPS_LIMIT: usize = 200;
/// A day, in seconds: what failed longer ago is history.
const A_DAY: u32 = 86_400;

/// Opens a transaction that can neither write nor wait.
///
/// Set for the transaction alone, so that nothing stays behind on a pooler's connection. Milliseconds.
pub(super) const BEGIN: &str = "BEGIN READ ONLY; \
     SET LOCAL statement_timeout = 5000; \
     SET LOCAL lock_timeout = 1000; \
     SET LOCAL idle_in_transaction_session_timeout = 10000";
/// Ends it.
pub(super) const END: &str = "ROLLBACK";

/// A statement in such a transaction, as one message.
pub(super) fn in_a_transaction(statement: &str) -> String {
    format!("{BEGIN}; {statement}; {END}")
}

/// The first version of PostgreSQL that measures each statement of one message by the limit that holds when it begins; before, a limit of the
/// role's own could outlast ours (PostgreSQL's documentation of `statement_timeout`).
pub(super) const LIMITS_HOLD_WITHIN_A_MESSAGE: u32 = 130_000;

/// Whether the server is a standby.
pub(super) const IS_STANDBY: &str = "select pg_is_in_recovery()";

/// Whether the session takes no changes by itself.
pub(super) const IS_READ_ONLY: &str =
    "select pg_is_in_recovery() or current_setting('transaction_read_only') = 'on'";

/// How many seconds a standby is behind. The age of the newest replayed transaction grows also while the primary rests; a standby whose
/// receiver runs and that has replayed all it received is up to date all the same. Any role may ask: of `pg_stat_wal_receiver` it sees
/// that there is one.
pub(super) const BEHIND: &str = "select case when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() \
     and exists (select 1 from pg_stat_wal_receiver) then 0 \
     else floor(extract(epoch from (clock_timestamp() - pg_last_xact_replay_timestamp())))::bigint end";

/// All statements of a profile.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Statements {
    /// One a table, in the profile's order.
    pub(super) tables: Vec<TableStatements>,
    /// The lease rows, where there is a table of them.
    pub(super) leases: Option<String>,
}

/// The statements of one table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TableStatements {
    /// Table name.
    pub(super) table: String,
    /// Status, count, age of the oldest in seconds; one row a status.
    pub(super) summary: String,
    /// The rows on their way, the oldest first: the columns of a row, status, and age by its clock.
    pub(super) under_way: String,
    /// The rows that failed within a day, the newest first, the same way; `None` where the profile has no such status.
    pub(super) failed: Option<String>,
    /// The rows of the status `$1`, those first that were written longest ago.
    pub(super) rows_by_updated_at: String,
    /// The same, those first that were made longest ago.
    pub(super) rows_by_created_at: String,
    /// The statuses, for their order, limits and clock bases.
    pub(super) statuses: Vec<Status>,
}

impl TableStatements {
    /// A status of the profile by its stored value.
    pub(super) fn status(&self, name: &str) -> Option<&Status> {
        self.statuses.iter().find(|status| status.name == name)
    }

    /// Whether a row in this status is on its way: it is to leave it, or it is held against a limit, or nobody knows what it means.
    pub(super) fn is_under_way(&self, name: &str) -> bool {
        self.status(name).is_none_or(|status| !status.is_settled())
    }

    /// Whether a row in this status has failed.
    pub(super) fn is_failed(&self, name: &str) -> bool {
        self.status(name)
            .is_some_and(|status| status.role == Role::Failed)
    }

    /// The statement for the rows of a status, oldest first by that status's clock basis.
    pub(super) fn rows(&self, status: &str) -> &str {
        match self
            .status(status)
            .map_or(ClockBasis::UpdatedAt, |status| status.clock)
        {
            ClockBasis::UpdatedAt => &self.rows_by_updated_at,
            ClockBasis::CreatedAt | ClockBasis::FirstSeen => &self.rows_by_created_at,
        }
    }
}

impl Statements {
    /// Builds them. Fails on a name that is not a plain lower-case identifier.
    pub(super) fn new(database: &Database, leaders: &Leaders) -> Result<Self, Problem> {
        let tables = database.tables.iter().map(of_table).collect::<Result<_, _>>()?;
        let leases = leaders.lease_table.as_deref().map(leases).transpose()?;
        Ok(Self { tables, leases })
    }
}

fn of_table(table: &Table) -> Result<TableStatements, Problem> {
    Ok(TableStatements {
        table: table.name.clone(),
        summary: summary(table)?,
        under_way: under_way(table)?,
        failed: failed(table)?,
        rows_by_updated_at: rows(table, ClockBasis::UpdatedAt)?,
        rows_by_created_at: rows(table, ClockBasis::CreatedAt)?,
        statuses: table.statuses.clone(),
    })
}

/// The stored status, of whatever type; NULL counts as blank.
const STATUS: &str = r#"coalesce("status"::text, '')"#;

/// A lease that never ends counts as one that has ten years left, seconds.
const FOR_EVER: u32 = 315_360_000;

/// Whole seconds since a timestamp, by the server's clock; `now()` would stand still within the transaction. NULL where the timestamp is
/// infinite: no age can be told from it, and one such row must not take the table away.
fn seconds_since(timestamp: &str) -> String {
    format!(
        "case when isfinite({timestamp}) then floor(extract(epoch from (clock_timestamp() - {timestamp})))::bigint end"
    )
}

fn column_of(basis: ClockBasis) -> &'static str {
    match basis {
        ClockBasis::UpdatedAt => r#""updated_at""#,
        // a row is in its status for as long as it exists at most: the likeliest to be late come first
        ClockBasis::CreatedAt | ClockBasis::FirstSeen => r#""created_at""#,
    }
}

fn summary(table: &Table) -> Result<String, Problem> {
    let name = identifier(&table.name)?;
    let age = seconds_since(&basis(&table.statuses)?);
    Ok(format!(
        r#"select {STATUS}, count(*), max({age}) from {name} where "deleted_at" is null group by {STATUS} limit {GROUPS_LIMIT}"#
    ))
}

/// The column that a row's age is counted from: by status, `updated_at` where the profile says nothing.
fn basis(statuses: &[Status]) -> Result<String, Problem> {
    let is_created_at = |status: &&Status| column_of(status.clock) == column_of(ClockBasis::CreatedAt);
    let case = |status: &Status| {
        let status = literal(&status.name)?;
        Ok(format!(r#" when {STATUS} = {status} then "created_at""#))
    };
    let cases = statuses.iter().filter(is_created_at).map(case);
    let cases: String = cases.collect::<Result<_, Problem>>()?;
    if cases.is_empty() {
        return Ok(column_of(ClockBasis::UpdatedAt).to_owned());
    }
    Ok(format!(r#"case{cases} else "updated_at" end"#))
}

/// The rows on their way, the oldest first. Each is in a status that rows leave, or in one that the profile does not know.
fn under_way(table: &Table) -> Result<String, Problem> {
    let name = identifier(&table.name)?;
    let age = seconds_since(&basis(&table.statuses)?);
    let settled = literals(table.statuses.iter().filter(|status| status.is_settled()))?;
    let away = if settled.is_empty() {
        String::new()
    } else {
        format!(" and {STATUS} not in ({settled})")
    };
    let (columns, status, limit) = (columns(table)?, left(STATUS, TEXT_LIMIT), UNDER_WAY_LIMIT + 1);
    Ok(format!(
        r#"select {columns}, {status}, {age} from {name} where "deleted_at" is null{away} order by {age} desc nulls last, "id" limit {limit}"#
    ))
}

/// The rows that failed within a day, the newest first.
fn failed(table: &Table) -> Result<Option<String>, Problem> {
    let name = identifier(&table.name)?;
    let failed = literals(table.statuses.iter().filter(|status| status.role == Role::Failed))?;
    if failed.is_empty() {
        return Ok(None);
    }
    let age = seconds_since(&basis(&table.statuses)?);
    let idle = seconds_since(column_of(ClockBasis::UpdatedAt));
    let (columns, status, limit) = (columns(table)?, left(STATUS, TEXT_LIMIT), ROWS_LIMIT + 1);
    Ok(Some(format!(
        r#"select {columns}, {status}, {age} from {name} where "deleted_at" is null and {STATUS} in ({failed}) and {idle} < {A_DAY} order by "updated_at" desc, "id" limit {limit}"#
    )))
}

/// Statuses as string constants.
fn literals<'a>(statuses: impl Iterator<Item = &'a Status>) -> Result<String, Problem> {
    let literals: Vec<_> = statuses
        .map(|status| literal(&status.name))
        .collect::<Result<_, _>>()?;
    Ok(literals.join(", "))
}

/// A text, cut by the server: what it sends is bounded.
fn left(text: &str, limit: usize) -> String {
    format!("left({text}, {limit})")
}

fn rows(table: &Table, basis: ClockBasis) -> Result<String, Problem> {
    let name = identifier(&table.name)?;
    let (columns, order, limit) = (columns(table)?, column_of(basis), ROWS_LIMIT + 1);
    Ok(format!(
        r#"select {columns} from {name} where "deleted_at" is null and {STATUS} = $1 order by {order} nulls first limit {limit}"#
    ))
}

/// The columns of a row, none of a customer.
fn columns(table: &Table) -> Result<String, Problem> {
    let text = |column: &Option<String>, limit| match column {
        Some(column) => Ok(left(
            &format!("coalesce({}::text, '')", identifier(column)?),
            limit,
        )),
        None => Ok("''".to_owned()),
    };
    let (ocm_id, reason) = (text(&table.ocm_id, NAME_LIMIT)?, text(&table.reason, TEXT_LIMIT)?);
    let name = |column: &str| left(&format!("coalesce({column}::text, '')"), NAME_LIMIT);
    let (id, provider, region) = (name("\"id\""), name("\"cloud_provider\""), name("\"region\""));
    let idle = seconds_since(column_of(ClockBasis::UpdatedAt));
    let age = seconds_since(column_of(ClockBasis::CreatedAt));
    Ok(format!(
        "{id}, {ocm_id}, {provider}, {region}, {idle}, {age}, {reason}"
    ))
}

fn leases(table: &str) -> Result<String, Problem> {
    let name = identifier(table)?;
    Ok(format!(
        r#"select "lease_type"::text, nullif("leader"::text, ''), case when isfinite("expires") then floor(extract(epoch from ("expires" - clock_timestamp())))::bigint when "expires" > clock_timestamp() then {FOR_EVER} end, extract(epoch from "expires")::text from {name} where "deleted_at" is null order by "lease_type" limit {GROUPS_LIMIT}"#
    ))
}

/// Quotes a name of a table or column.
fn identifier(name: &str) -> Result<String, Problem> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    if starts && name.len() <= 63 && name.chars().all(plain) {
        return Ok(format!(r#""{name}""#));
    }
    let what = format!(
        "the profile's database names a table or column {name:?}, which is not a plain lower-case name"
    );
    Err(Problem::new(ProblemKind::Configuration, &what).advise("correct the profile"))
}

/// Quotes a status as a string constant.
fn literal(status: &str) -> Result<String, Problem> {
    // a backslash would mean something else where standard_conforming_strings is off
    if status.contains(|c: char| c.is_control() || c == '\\') {
        let what =
            format!("the profile's database names a status {status:?}, which holds a special character");
        return Err(Problem::new(ProblemKind::Configuration, &what).advise("correct the profile"));
    }
    Ok(format!("'{}'", status.replace('\'', "''")))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn status(name: &str, clock: ClockBasis, limit: Option<u64>) -> Status {
        Status {
            name: name.into(),
            role: Role::InFlight,
            clock,
            limit: limit.map(Duration::from_secs),
        }
    }

    fn table(statuses: Vec<Status>) -> Table {
        Table {
            name: "clusters".into(),
            title: "OSD cluster".into(),
            ocm_id: Some("cluster_id".into()),
            reason: None,
            statuses,
        }
    }

    #[test]
    fn the_summary_tells_the_age_of_the_oldest_by_the_clock_of_its_status() {
        let statuses = vec![
            status("accepted", ClockBasis::UpdatedAt, Some(180)),
            status("provisioning", ClockBasis::CreatedAt, None),
        ];
        let age = r#"case when isfinite(case when coalesce("status"::text, '') = 'provisioning' then "created_at" else "updated_at" end) then floor(extract(epoch from (clock_timestamp() - case when coalesce("status"::text, '') = 'provisioning' then "created_at" else "updated_at" end)))::bigint end"#;
        let expected = format!(
            r#"select coalesce("status"::text, ''), count(*), max({age}) from "clusters" where "deleted_at" is null group by coalesce("status"::text, '') limit 200"#
        );
        assert_eq!(summary(&table(statuses)).ok(), Some(expected));
    }

    #[test]
    fn rows_are_named_column_by_column() {
        let expected = r#"select left(coalesce("id"::text, ''), 201), left(coalesce("cluster_id"::text, ''), 201), left(coalesce("cloud_provider"::text, ''), 201), left(coalesce("region"::text, ''), 201), case when isfinite("updated_at") then floor(extract(epoch from (clock_timestamp() - "updated_at")))::bigint end, case when isfinite("created_at") then floor(extract(epoch from (clock_timestamp() - "created_at")))::bigint end, '' from "clusters" where "deleted_at" is null and coalesce("status"::text, '') = $1 order by "created_at" nulls first limit 201"#;
        let text = rows(&table(Vec::new()), ClockBasis::CreatedAt);
        assert_eq!(text.ok().as_deref(), Some(expected));
    }

    #[test]
    fn rows_on_their_way_are_those_of_no_status_that_rows_stay_in() {
        let mut statuses = vec![
            status("accepted", ClockBasis::UpdatedAt, Some(180)),
            status("made", ClockBasis::FirstSeen, Some(60)),
            status("ready", ClockBasis::UpdatedAt, None),
            status("failed", ClockBasis::UpdatedAt, None),
            status("parked", ClockBasis::UpdatedAt, Some(60)),
        ];
        for (endpoint, role) in [(2, Role::Ready), (3, Role::Failed), (4, Role::Suspended)] {
            statuses[endpoint].role = role;
        }
        let table = table(statuses);
        let text = under_way(&table).unwrap();
        let age = r#"case when isfinite(case when coalesce("status"::text, '') = 'made' then "created_at" else "updated_at" end) then floor(extract(epoch from (clock_timestamp() - case when coalesce("status"::text, '') = 'made' then "created_at" else "updated_at" end)))::bigint end"#;
        let end = format!(
            r#" left(coalesce("status"::text, ''), 2001), {age} from "clusters" where "deleted_at" is null and coalesce("status"::text, '') not in ('ready', 'failed') order by {age} desc nulls last, "id" limit 501"#
        );
        assert!(text.ends_with(&end), "{text}");
        let failed = failed(&table).unwrap().unwrap();
        let end = r#" where "deleted_at" is null and coalesce("status"::text, '') in ('failed') and case when isfinite("updated_at") then floor(extract(epoch from (clock_timestamp() - "updated_at")))::bigint end < 86400 order by "updated_at" desc, "id" limit 201"#;
        assert!(failed.ends_with(end), "{failed}");
    }

    #[test]
    fn where_no_status_is_known_every_row_is_on_its_way_and_none_has_failed() {
        let table = table(Vec::new());
        let text = under_way(&table).unwrap();
        assert!(text.contains(r#"where "deleted_at" is null order by"#), "{text}");
        assert_eq!(failed(&table), Ok(None));
    }

    #[test]
    fn names_that_are_not_plain_are_refused() {
        for name in ["", "Clusters", "1x", "a-b", "a\"b", "a b", "a;b", "ä"] {
            let problem = identifier(name).err().map(|problem| problem.kind);
            assert_eq!(problem, Some(ProblemKind::Configuration), "{name}");
        }
        for status in ["a\\b", "a\nb", "\0"] {
            let problem = literal(status).err().map(|problem| problem.kind);
            assert_eq!(problem, Some(ProblemKind::Configuration), "{status:?}");
        }
        assert_eq!(literal("it's").ok().as_deref(), Some("'it''s'"));
    }
}
