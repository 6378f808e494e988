//! One reading of the database: each table in a transaction of its own.

use std::time::Duration;

use sqlx::postgres::{PgArguments, PgRow, Postgres};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Row as _};
use tokio::time::Instant;

use super::connect::DatabaseSession;
use super::errors::{self, Endpoint};
use super::statement::{self, ROWS_LIMIT, Statements, TableStatements, UNDER_WAY_LIMIT};
use sopwatch_core::observe::observation::{
    BySight, Lease, Reading, Row, Rows, RowsOf, Standby, Standing, StandingRow, StatusCount, TableReading,
    UnderWay,
};
use sopwatch_core::observe::source::Problem;
use sopwatch_core::profile::ClockBasis;
use sopwatch_core::safe;
use sopwatch_core::text::{Redacted, SafeText};

/// How long one answer may take: the server's own limit on a statement and the way there and back.
const ANSWER_LIMIT: Duration = Duration::from_secs(7);
/// The longest text of a row that is kept, characters.
pub(super) const TEXT_LIMIT: usize = 2_000;
/// The longest id or region of a row that is kept, characters.
pub(super) const NAME_LIMIT: usize = 200;

/// Reads everything. The outer error means that the connection is lost; a table that can't be read has its own error.
pub(super) async fn read(
    session: &mut DatabaseSession,
    statements: &Statements,
    watched: Option<&RowsOf>,
) -> Result<(Reading, Option<Rows>), Problem> {
    let started = Instant::now();
    let standby = read_standby(session).await?;
    let mut tables = Vec::with_capacity(statements.tables.len());
    for table in &statements.tables {
        tables.push(read_table(session, table).await?);
    }
    let leases = match &statements.leases {
        Some(text) => read_leases(session, text).await?,
        None => Ok(Vec::new()),
    };
    let rows = match watched {
        Some(of) => Some(read_rows(session, statements, of).await?),
        None => None,
    };
    let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let reading = Reading {
        took_ms,
        tables,
        leases,
        standby,
    };
    Ok((reading, rows))
}

/// What there is to know of a standby; `None` of a primary. A managed server may refuse to say how far it is behind.
async fn read_standby(session: &mut DatabaseSession) -> Result<Option<Standby>, Problem> {
    let answer = select(session, statement::IS_STANDBY, "the server's role", |row| {
        row.try_get::<bool, _>(0)
    })
    .await?;
    if answer.is_ok_and(|answer| answer.contains(&true)) {
        let answer = select(session, statement::BEHIND, "the standby's lag", |row| {
            row.try_get::<Option<i64>, _>(0)
        })
        .await?;
        let behind = answer.ok().and_then(|rows| rows.into_iter().next().flatten());
        return Ok(Some(Standby {
            behind_s: behind.map(|behind| behind.max(0)),
        }));
    }
    Ok(None)
}

async fn read_statuses(
    session: &mut DatabaseSession,
    table: &TableStatements,
) -> Result<Result<Vec<StatusCount>, Redacted>, Problem> {
    let counts = select(session, &table.summary, &table.table, |row| {
        status_count(row, table)
    })
    .await?;
    session.raw_statuses.retain(|(of, _)| *of.table != *table.table);
    Ok(counts.map(|counts| {
        let (mut statuses, stored): (Vec<_>, Vec<_>) = counts.into_iter().unzip();
        let pairs = statuses.iter().zip(stored);
        let raw_statuses = pairs.filter(|(shown, stored)| *shown.status != **stored);
        let of = |shown: &StatusCount| RowsOf {
            table: table.table.as_str().into(),
            status: shown.status.clone(),
        };
        session
            .raw_statuses
            .extend(raw_statuses.map(|(shown, stored)| (of(shown), stored)));
        sort(&mut statuses, table);
        statuses
    }))
}

/// The counts tell whether there are rows to read one by one: a table whose rows have all arrived is read once.
async fn read_table(session: &mut DatabaseSession, table: &TableStatements) -> Result<TableReading, Problem> {
    let statuses = read_statuses(session, table).await?;
    let any = |of: &dyn Fn(&str) -> bool| {
        let counts = statuses.as_ref();
        counts.is_ok_and(|counts| counts.iter().any(|count| of(&count.status)))
    };
    let (moving, failed) = (any(&|of| table.is_under_way(of)), any(&|of| table.is_failed(of)));
    let why = statuses.as_ref().err().cloned();
    let moving = match (why.clone(), moving) {
        (Some(why), _) => Err(why),
        (None, false) => Ok(Vec::new()),
        (None, true) => read_standing(session, table, &table.under_way).await?,
    };
    let failed = match (why, &table.failed) {
        (Some(why), _) => Err(why),
        (None, Some(statement)) if failed => read_standing(session, table, statement).await?,
        (None, _) => Ok(Vec::new()),
    };
    let under_way = moving.map(|rows| under_way(rows, table));
    let standing = match (&under_way, failed) {
        (Ok(_), Ok(failed)) => Ok(standing(failed)),
        (Err(why), _) => Err(why.clone()),
        (_, Err(why)) => Err(why),
    };
    Ok(TableReading {
        table: table.table.as_str().into(),
        statuses,
        standing,
        under_way,
    })
}

async fn read_standing(
    session: &mut DatabaseSession,
    table: &TableStatements,
    statement: &str,
) -> Result<Result<Vec<StandingRow>, Redacted>, Problem> {
    select(session, statement, &table.table, |row| standing_row(row, table)).await
}

fn under_way(mut rows: Vec<StandingRow>, table: &TableStatements) -> UnderWay {
    let more = rows.len() > UNDER_WAY_LIMIT;
    rows.truncate(UNDER_WAY_LIMIT);
    let by_sight = table.statuses.iter();
    let by_sight = by_sight.filter(|status| status.clock == ClockBasis::FirstSeen);
    let by_sight = by_sight.map(|status| BySight {
        status: status.name.as_str().into(),
        limit_s: status.limit.map(|limit| limit.as_secs()),
    });
    UnderWay {
        rows,
        more,
        by_sight: by_sight.collect(),
    }
}

/// The rows that failed lately, the newest first.
fn standing(mut rows: Vec<StandingRow>) -> Standing {
    let more = rows.len() > ROWS_LIMIT;
    rows.truncate(ROWS_LIMIT);
    Standing { rows, more }
}

/// In the order of a row's life; what the profile does not know comes last.
fn sort(statuses: &mut [StatusCount], table: &TableStatements) {
    let known = |name: &str| table.statuses.iter().position(|status| status.name == name);
    let position = |count: &StatusCount| known(&count.status).unwrap_or(usize::MAX);
    statuses.sort_by(|a, b| {
        position(a)
            .cmp(&position(b))
            .then_with(|| a.status.cmp(&b.status))
    });
}

async fn read_leases(
    session: &mut DatabaseSession,
    statement: &str,
) -> Result<Result<Vec<Lease>, Redacted>, Problem> {
    select(session, statement, "the leases", lease).await
}

async fn read_rows(
    session: &mut DatabaseSession,
    statements: &Statements,
    of: &RowsOf,
) -> Result<Rows, Problem> {
    let of = of.clone();
    let Some(table) = statements.tables.iter().find(|table| *table.table == *of.table) else {
        let rows = Err("the profile has no such table".into());
        return Ok(Rows {
            of,
            rows,
            more: false,
        });
    };
    let statement = table.rows(&of.status).to_owned();
    let query = sqlx::query(AssertSqlSafe(statement)).bind(session.stored(&of).to_owned());
    let mut rows = select_with(session, query, &table.table, table_row).await?;
    let more = rows.as_ref().is_ok_and(|rows| rows.len() > ROWS_LIMIT);
    if let Ok(rows) = &mut rows {
        rows.truncate(ROWS_LIMIT);
    }
    Ok(Rows { of, rows, more })
}

/// Runs one statement in a transaction of its own: with one message where the server keeps to the time limit that is set within it. Over a
/// slow connection each message is a wait.
async fn select<T>(
    session: &mut DatabaseSession,
    statement: &str,
    what: &str,
    read: impl Fn(&PgRow) -> sqlx::Result<T>,
) -> Result<Result<Vec<T>, Redacted>, Problem> {
    if !session.limits_hold_within_a_message() {
        let query = sqlx::query(AssertSqlSafe(statement.to_owned()));
        return select_with(session, query, what, read).await;
    }
    let query = sqlx::raw_sql(AssertSqlSafe(statement::in_a_transaction(statement)));
    let rows = query.fetch_all(&mut session.connection);
    let values = values(rows, &session.endpoint, what, read).await?;
    if values.is_err() {
        // What follows a statement that fails is not run.
        control(session, statement::END).await?;
    }
    Ok(values)
}

/// The same of a statement with arguments, which takes messages of their own for the transaction's begin and end.
async fn select_with<T>(
    session: &mut DatabaseSession,
    query: Query<'_, Postgres, PgArguments>,
    what: &str,
    read: impl Fn(&PgRow) -> sqlx::Result<T>,
) -> Result<Result<Vec<T>, Redacted>, Problem> {
    control(session, statement::BEGIN).await?;
    let rows = query.persistent(false).fetch_all(&mut session.connection);
    let values = values(rows, &session.endpoint, what, read).await?;
    control(session, statement::END).await?;
    Ok(values)
}

/// Waits for the rows and reads them. The outer error means that the connection is lost.
async fn values<T>(
    rows: impl Future<Output = sqlx::Result<Vec<PgRow>>>,
    endpoint: &Endpoint,
    what: &str,
    read: impl Fn(&PgRow) -> sqlx::Result<T>,
) -> Result<Result<Vec<T>, Redacted>, Problem> {
    let rows = tokio::time::timeout(ANSWER_LIMIT, rows)
        .await
        .map_err(|_elapsed| errors::frozen("the database", endpoint, ANSWER_LIMIT))?;
    match rows.and_then(|rows| rows.iter().map(read).collect()) {
        Err(error) if errors::breaks(&error) => Err(errors::explain(&error, endpoint)),
        Err(error) => Ok(Err(refusal(what, &errors::explain(&error, endpoint)))),
        Ok(values) => Ok(Ok(values)),
    }
}

/// Runs statements that return nothing.
async fn control(session: &mut DatabaseSession, text: &'static str) -> Result<(), Problem> {
    let answer = sqlx::raw_sql(text).execute(&mut session.connection);
    tokio::time::timeout(ANSWER_LIMIT, answer)
        .await
        .map_err(|_elapsed| errors::frozen("the database", &session.endpoint, ANSWER_LIMIT))?
        .map_err(|error| errors::explain(&error, &session.endpoint))?;
    Ok(())
}

/// Why a table could not be read, with the advice: it is shown in place of the table.
fn refusal(what: &str, problem: &Problem) -> Redacted {
    match &problem.advice {
        Some(advice) => safe!("{what}: {}; {advice}", problem.what).into(),
        None => safe!("{what}: {}", problem.what).into(),
    }
}

fn text(row: &PgRow, index: usize) -> sqlx::Result<SafeText> {
    let text: Option<String> = row.try_get(index)?;
    Ok(shortened(&text.unwrap_or_default()))
}

fn name(row: &PgRow, index: usize) -> sqlx::Result<SafeText> {
    let text: Option<String> = row.try_get(index)?;
    Ok(cut(&text.unwrap_or_default(), NAME_LIMIT))
}

fn shortened(text: &str) -> SafeText {
    cut(text, TEXT_LIMIT)
}

/// Names and statuses are shown as they are stored but for secrets: a column may hold anything.
fn cut(text: &str, limit: usize) -> SafeText {
    let text = Redacted::from(text);
    match text.char_indices().nth(limit) {
        Some((end, _)) => safe!("{}…", &text[..end]),
        None => text.into(),
    }
}

fn count(row: &PgRow, index: usize) -> sqlx::Result<u64> {
    let count: i64 = row.try_get(index)?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// The counts of a status, and the status as it is stored.
fn status_count(row: &PgRow, table: &TableStatements) -> sqlx::Result<(StatusCount, String)> {
    let stored: String = row.try_get(0)?;
    let status = table.status(&stored);
    let oldest_s = row.try_get(2)?;
    let by_sight = status.is_some_and(|status| status.clock == ClockBasis::FirstSeen);
    let shown = StatusCount {
        status: shortened(&stored),
        count: count(row, 1)?,
        oldest_s: if by_sight { None } else { oldest_s },
        over_limit: None,
    };
    Ok((shown, stored))
}

/// A lease without an end counts as one that has just run out.
fn lease(row: &PgRow) -> sqlx::Result<Lease> {
    let holder: Option<String> = row.try_get(1)?;
    let ttl_s: Option<i64> = row.try_get(2)?;
    Ok(Lease {
        lease_type: text(row, 0)?,
        holder: holder.as_deref().map(shortened),
        ttl_s: ttl_s.unwrap_or(0),
        expires: text(row, 3)?,
    })
}

fn table_row(row: &PgRow) -> sqlx::Result<Row> {
    let (provider, region) = (name(row, 2)?, name(row, 3)?);
    Ok(Row {
        id: name(row, 0)?,
        ocm_id: name(row, 1)?,
        region: joined(&provider, &region),
        idle_s: row.try_get(4)?,
        age_s: row.try_get(5)?,
        reason: text(row, 6)?.into(),
    })
}

fn standing_row(row: &PgRow, table: &TableStatements) -> sqlx::Result<StandingRow> {
    let status = text(row, 7)?;
    let clock = table.status(&status).map(|status| status.clock);
    let age = row.try_get(8)?;
    Ok(StandingRow {
        row: table_row(row)?,
        status,
        clock_s: if clock == Some(ClockBasis::FirstSeen) {
            None
        } else {
            age
        },
    })
}

fn joined(provider: &str, region: &str) -> SafeText {
    match (provider, region) {
        ("", known) | (known, "") => SafeText::new(known),
        _ => safe!("{provider}/{region}"),
    }
}
