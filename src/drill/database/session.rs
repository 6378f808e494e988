//! A session of one connection: its settings, its transaction, and the execution of statements in them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::error::{SqlError, SqlResult};
use super::server::{DatabaseFault, FaultState};
use super::settings::Settings;
use super::sql::{Context, Query, Row, Statement};
use super::tables::Tables;
use super::value::{Type, Value};
use crate::clock::Clock;

/// What a session reads from outside: the tables, the clock and the fault in effect.
#[derive(Clone, Debug)]
pub struct SessionEnvironment {
    pub tables: Arc<Mutex<Tables>>,
    pub clock: Clock,
    pub state: watch::Receiver<FaultState>,
}

/// The answer to one statement.
#[derive(Debug, PartialEq)]
pub enum Reply {
    Rows {
        command: &'static str,
        columns: Vec<(String, Type)>,
        rows: Vec<Vec<Value>>,
    },
    Done(&'static str),
    /// A transaction is open, perhaps a failed one.
    Began(&'static str),
    Ended(&'static str),
}

#[derive(Clone, Debug)]
struct Transaction {
    since: Timestamp,
    read_only: bool,
    before: Settings,
    /// The oldest first: name, and the settings to return to.
    savepoints: Vec<(String, Settings)>,
}

const REPORTED: [&str; 12] = [
    "application_name",
    "client_encoding",
    "DateStyle",
    "default_transaction_read_only",
    "in_hot_standby",
    "integer_datetimes",
    "IntervalStyle",
    "is_superuser",
    "server_encoding",
    "server_version",
    "standard_conforming_strings",
    "TimeZone",
];

/// A result that the client fetches in pieces.
#[derive(Debug)]
struct Cursor {
    columns: Vec<(String, Type)>,
    rows: VecDeque<Vec<Value>>,
}

#[derive(Debug)]
pub struct Session {
    pub user: String,
    pub database: String,
    pub pid: i32,
    pub settings: Settings,
    environment: SessionEnvironment,
    transaction: Option<Transaction>,
    /// The start of the query string that is being executed.
    query_since: Option<Timestamp>,
    idle_since: Timestamp,
    cursors: BTreeMap<String, Cursor>,
    warnings: Vec<SqlError>,
    reported: Vec<(&'static str, String)>,
}

impl Session {
    pub fn new(environment: SessionEnvironment, pid: i32) -> Self {
        Self {
            user: String::new(),
            database: String::new(),
            pid,
            settings: Settings::default(),
            transaction: None,
            query_since: None,
            idle_since: environment.clock.now(),
            cursors: BTreeMap::new(),
            warnings: Vec::new(),
            reported: Vec::new(),
            environment,
        }
    }

    /// Executes one statement. `failed`: the transaction has seen an error and accepts only its end.
    pub async fn execute(
        &mut self,
        statement: &Statement,
        parameters: &[Value],
        failed: bool,
    ) -> SqlResult<Reply> {
        self.check_idleness()?;
        let limit = self.settings.span("statement_timeout");
        let clock = self.environment.clock.clone();
        let work = async {
            let fault = self.environment.state.borrow().fault;
            if let Some(DatabaseFault::Slow { milliseconds }) = fault {
                let slowness = Duration::from_millis(milliseconds.into());
                self.environment.clock.sleep(slowness).await;
            }
            self.carry_out(statement, parameters, failed).await
        };
        let reply = within(work, limit, &clock).await.unwrap_or_else(|| {
            Err(SqlError::new(
                "57014",
                "canceling statement due to statement timeout",
            ))
        });
        self.idle_since = self.environment.clock.now();
        reply
    }

    /// Statements of one query string without a transaction share one `now()`.
    pub fn begin_query(&mut self) {
        self.query_since = Some(self.environment.clock.now());
    }

    pub fn end_query(&mut self) {
        self.query_since = None;
    }

    /// The warnings since the last call.
    pub fn take_warnings(&mut self) -> Vec<SqlError> {
        std::mem::take(&mut self.warnings)
    }

    /// The settings a server reports (`GUC_REPORT`) that changed since the last call.
    pub fn take_reports(&mut self) -> Vec<(&'static str, String)> {
        let now: Vec<_> = REPORTED
            .iter()
            .filter_map(|name| self.settings.show(name).ok())
            .collect();
        let changed = now.iter().filter(|report| !self.reported.contains(report));
        let changed = changed.cloned().collect();
        self.reported = now;
        changed
    }

    fn warn(&mut self, code: &'static str, message: &str) {
        self.warnings.push(SqlError::new(code, message));
    }

    fn check_idleness(&self) -> SqlResult<()> {
        let limit = self.settings.span("idle_in_transaction_session_timeout");
        let idle = self.environment.clock.now().duration_since(self.idle_since);
        let idle = Duration::try_from(idle).unwrap_or_default();
        if self.transaction.is_some() && limit.is_some_and(|limit| idle > limit) {
            return Err(SqlError::fatal(
                "25P03",
                "terminating connection due to idle-in-transaction timeout",
            ));
        }
        Ok(())
    }

    async fn carry_out(
        &mut self,
        statement: &Statement,
        parameters: &[Value],
        failed: bool,
    ) -> SqlResult<Reply> {
        match statement {
            Statement::Select(select) => self.select(select, parameters).await,
            Statement::Begin { read_only } => {
                self.begin(*read_only);
                Ok(Reply::Began("BEGIN"))
            }
            Statement::Commit => Ok(self.end(!failed)),
            Statement::Rollback => Ok(self.end(false)),
            Statement::Savepoint(name) => self.savepoint(name),
            Statement::RollbackTo(name) => self.rollback_to(name),
            Statement::Release(name) => self.release(name),
            Statement::Declare { name, select } => self.declare(name, select, parameters).await,
            Statement::Fetch { name, count } => self.fetch(name, *count),
            Statement::Close(name) => self.close(name.as_deref()),
            Statement::Set { name, value, local } => self.set(name, value.as_deref(), *local),
            Statement::SetTransaction { read_only, session } => self.set_transaction(*read_only, *session),
            Statement::Reset(name) => {
                match name {
                    Some(name) => self.settings.set(name, None, false)?,
                    None => self.settings.reset_all(),
                }
                Ok(Reply::Done("RESET"))
            }
            Statement::Show(name) => self.show(name),
            Statement::Discard => {
                self.settings.reset_all();
                Ok(Reply::Done("DISCARD ALL"))
            }
            Statement::Deallocate => Ok(Reply::Done("DEALLOCATE")),
            Statement::Write { command, .. } if self.read_only() => Err(SqlError::new(
                "25006",
                format!("cannot execute {command} in a read-only transaction"),
            )),
            Statement::Write { refusal, .. } => Err(refusal.clone()),
        }
    }

    fn begin(&mut self, read_only: Option<bool>) {
        if let Some(transaction) = &mut self.transaction {
            transaction.read_only = read_only.unwrap_or(transaction.read_only);
            return self.warn("25001", "there is already a transaction in progress");
        }
        self.transaction = Some(Transaction {
            since: self.query_since.unwrap_or_else(|| self.environment.clock.now()),
            read_only: read_only.unwrap_or_else(|| self.settings.flag("default_transaction_read_only")),
            before: self.settings.clone(),
            savepoints: Vec::new(),
        });
    }

    fn in_transaction(&mut self, command: &str) -> SqlResult<&mut Transaction> {
        self.transaction.as_mut().ok_or_else(|| {
            SqlError::new(
                "25P01",
                format!("{command} can only be used in transaction blocks"),
            )
        })
    }

    fn savepoint(&mut self, name: &str) -> SqlResult<Reply> {
        let settings = self.settings.clone();
        let transaction = self.in_transaction("SAVEPOINT")?;
        transaction.savepoints.push((name.to_owned(), settings));
        Ok(Reply::Done("SAVEPOINT"))
    }

    fn rollback_to(&mut self, name: &str) -> SqlResult<Reply> {
        let transaction = self.in_transaction("ROLLBACK TO SAVEPOINT")?;
        let place = place_of(&transaction.savepoints, name)?;
        transaction.savepoints.truncate(place + 1);
        let settings = transaction.savepoints[place].1.clone();
        self.settings = settings;
        Ok(Reply::Began("ROLLBACK"))
    }

    fn release(&mut self, name: &str) -> SqlResult<Reply> {
        let transaction = self.in_transaction("RELEASE SAVEPOINT")?;
        let place = place_of(&transaction.savepoints, name)?;
        transaction.savepoints.truncate(place);
        Ok(Reply::Done("RELEASE"))
    }

    async fn declare(&mut self, name: &str, select: &Query, parameters: &[Value]) -> SqlResult<Reply> {
        if self.transaction.is_none() {
            return Err(SqlError::new(
                "25P01",
                "DECLARE CURSOR can only be used in transaction blocks",
            ));
        }
        if self.cursors.contains_key(name) {
            return Err(SqlError::new(
                "42P03",
                format!("cursor \"{name}\" already exists"),
            ));
        }
        let Reply::Rows { columns, rows, .. } = self.select(select, parameters).await? else {
            return Ok(Reply::Done("DECLARE CURSOR"));
        };
        let rows = rows.into();
        self.cursors.insert(name.to_owned(), Cursor { columns, rows });
        Ok(Reply::Done("DECLARE CURSOR"))
    }

    fn fetch(&mut self, name: &str, count: Option<usize>) -> SqlResult<Reply> {
        let cursor = self.cursors.get_mut(name).ok_or_else(|| no_cursor(name))?;
        let count = count.unwrap_or(usize::MAX).min(cursor.rows.len());
        Ok(Reply::Rows {
            command: "FETCH",
            columns: cursor.columns.clone(),
            rows: cursor.rows.drain(..count).collect(),
        })
    }

    /// The columns that a FETCH will return, for a Describe.
    pub fn cursor_columns(&self, name: &str) -> Vec<(String, Type)> {
        let cursor = self.cursors.get(name);
        cursor.map(|cursor| cursor.columns.clone()).unwrap_or_default()
    }

    fn close(&mut self, name: Option<&str>) -> SqlResult<Reply> {
        let Some(name) = name else {
            self.cursors.clear();
            return Ok(Reply::Done("CLOSE CURSOR ALL"));
        };
        self.cursors.remove(name).ok_or_else(|| no_cursor(name))?;
        Ok(Reply::Done("CLOSE CURSOR"))
    }

    /// Ends the transaction; a rollback restores the settings from before it.
    fn end(&mut self, committed: bool) -> Reply {
        match self.transaction.take() {
            Some(transaction) if !committed => self.settings = transaction.before,
            Some(_) => {}
            None => self.warn("25P01", "there is no transaction in progress"),
        }
        self.cursors.clear();
        self.settings.end_of_transaction();
        Reply::Ended(if committed { "COMMIT" } else { "ROLLBACK" })
    }

    fn set(&mut self, name: &str, value: Option<&str>, local: bool) -> SqlResult<Reply> {
        if name == "transaction_read_only" {
            return self.set_transaction(value.and_then(super::cast::boolean), false);
        }
        if local && self.transaction.is_none() {
            // PostgreSQL warns and sets nothing; but a wrong name is still an error
            self.settings.clone().set(name, value, true)?;
            self.warn("25P01", "SET LOCAL can only be used in transaction blocks");
        } else {
            self.settings.set(name, value, local)?;
        }
        Ok(Reply::Done("SET"))
    }

    fn set_transaction(&mut self, read_only: Option<bool>, session: bool) -> SqlResult<Reply> {
        if let Some(read_only) = read_only {
            let text = if read_only { "on" } else { "off" };
            match &mut self.transaction {
                _ if session => self
                    .settings
                    .set("default_transaction_read_only", Some(text), false)?,
                Some(transaction) if transaction.read_only && !read_only => {
                    let message = "cannot set transaction read-write mode inside a read-only transaction";
                    return Err(SqlError::new("25001", message));
                }
                Some(transaction) => transaction.read_only = read_only,
                None => self.warn("25P01", "SET TRANSACTION can only be used in transaction blocks"),
            }
        }
        Ok(Reply::Done("SET"))
    }

    fn read_only(&self) -> bool {
        match &self.transaction {
            Some(transaction) => transaction.read_only,
            None => self.settings.flag("default_transaction_read_only"),
        }
    }

    fn shown(&self, name: &str) -> SqlResult<(String, String)> {
        match name {
            "all" => Err(SqlError::unanswered("SHOW ALL")),
            "transaction_read_only" => Ok((
                name.to_owned(),
                if self.read_only() { "on" } else { "off" }.to_owned(),
            )),
            "session_authorization" => Ok((name.to_owned(), self.user.clone())),
            _ => self
                .settings
                .show(name)
                .map(|(name, value)| (name.to_owned(), value)),
        }
    }

    fn show(&self, name: &str) -> SqlResult<Reply> {
        let (name, value) = self.shown(name)?;
        Ok(Reply::Rows {
            command: "SHOW",
            columns: vec![(name, Type::Text)],
            rows: vec![vec![Value::Text(value)]],
        })
    }

    /// The column that `SHOW name` will return, for a Describe.
    pub fn show_column(name: &str) -> Option<String> {
        match name {
            "transaction_read_only" | "session_authorization" => Some(name.to_owned()),
            _ => Settings::default()
                .show(name)
                .ok()
                .map(|(name, _)| name.to_owned()),
        }
    }

    async fn select(&mut self, select: &Query, parameters: &[Value]) -> SqlResult<Reply> {
        let started = self.query_since.unwrap_or_else(|| self.environment.clock.now());
        if select.reads_tables() {
            self.wait_for_locks().await?;
        }
        if let Some(span) = select.sleep() {
            let seconds =
                self.in_context(started, parameters, |context| context.eval(span, Row::default()))?;
            let seconds = match seconds {
                Value::Float(seconds) => seconds,
                _ => 0.0,
            };
            let span = Duration::try_from_secs_f64(seconds.clamp(0.0, 1e6)).unwrap_or_default();
            self.environment.clock.sleep(span).await;
        }
        let rows = self.in_context(started, parameters, |context| select.rows(context, None))?;
        Ok(Reply::Rows {
            command: "SELECT",
            columns: select.columns.clone(),
            rows,
        })
    }

    /// Computes a result over the tables as they are now.
    fn in_context<T>(
        &self,
        started: Timestamp,
        parameters: &[Value],
        compute: impl FnOnce(&Context<'_>) -> SqlResult<T>,
    ) -> SqlResult<T> {
        let setting = |name: &str| self.shown(name).ok().map(|(_, value)| value);
        let clock = || self.environment.clock.now();
        let tables = self
            .environment
            .tables
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let transaction = self.transaction.as_ref();
        compute(&Context {
            transaction: transaction.map_or(started, |transaction| transaction.since),
            statement: started,
            clock: &clock,
            parameters,
            user: &self.user,
            database: &self.database,
            pid: self.pid,
            setting: &setting,
            tables: &tables,
        })
    }

    async fn wait_for_locks(&self) -> SqlResult<()> {
        let mut state = self.environment.state.clone();
        let free = async {
            // this fails only when the server is gone, and the connection with it
            let _ = state
                .wait_for(|state| state.fault != Some(DatabaseFault::LockWait))
                .await;
        };
        within(free, self.settings.span("lock_timeout"), &self.environment.clock)
            .await
            .ok_or_else(|| SqlError::new("55P03", "canceling statement due to lock timeout"))
    }
}

fn place_of(savepoints: &[(String, Settings)], name: &str) -> SqlResult<usize> {
    let place = savepoints.iter().rposition(|(known, _)| known == name);
    place.ok_or_else(|| SqlError::new("3B001", format!("savepoint \"{name}\" does not exist")))
}

fn no_cursor(name: &str) -> SqlError {
    SqlError::new("34000", format!("cursor \"{name}\" does not exist"))
}

/// Runs work within a limit of drill time; `None` if it takes longer.
async fn within<T>(work: impl Future<Output = T>, limit: Option<Duration>, clock: &Clock) -> Option<T> {
    let Some(limit) = limit else {
        return Some(work.await);
    };
    tokio::select! {
        biased;
        done = work => Some(done),
        () = clock.sleep(limit) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::{DatabaseFault, SeedRows, sql};

    fn session() -> (Session, watch::Sender<FaultState>) {
        let now = "2021-01-15T13:24:01Z".parse().unwrap();
        let (sender, state) = watch::channel(FaultState::default());
        let tables = Arc::new(Mutex::new(Tables::seeded(&SeedRows::default(), now)));
        let clock = Clock::starting_at(now, 1.0);
        (
            Session::new(SessionEnvironment { tables, clock, state }, 7),
            sender,
        )
    }

    async fn run(session: &mut Session, sql: &str) -> SqlResult<Reply> {
        let statements = sql::parse(sql, &[]).unwrap();
        session.execute(&statements[0], &[], false).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_transaction_left_idle_ends_the_session() {
        let (mut session, _sender) = session();
        run(&mut session, "set idle_in_transaction_session_timeout = '10s'")
            .await
            .unwrap();
        tokio::time::advance(Duration::from_mins(1)).await;
        run(&mut session, "begin")
            .await
            .expect("idle outside of a transaction is no matter");
        tokio::time::advance(Duration::from_secs(9)).await;
        run(&mut session, "select 1").await.unwrap();
        tokio::time::advance(Duration::from_secs(11)).await;
        let error = run(&mut session, "select 1").await.unwrap_err();
        assert_eq!((error.code, error.fatal), ("25P03", true));
    }

    #[tokio::test(start_paused = true)]
    async fn the_shorter_of_lock_and_statement_timeout_wins() {
        let (mut session, sender) = session();
        sender.send_modify(|state| state.fault = Some(DatabaseFault::LockWait));
        for (statement, lock, code) in [
            ("1min", "20ms", "55P03"),
            ("20ms", "1min", "57014"),
            ("20ms", "0", "57014"),
        ] {
            run(&mut session, &format!("set statement_timeout = '{statement}'"))
                .await
                .unwrap();
            run(&mut session, &format!("set lock_timeout = '{lock}'"))
                .await
                .unwrap();
            let error = run(&mut session, "select count(*) from clusters")
                .await
                .unwrap_err();
            assert_eq!(error.code, code);
        }
    }

    #[tokio::test]
    async fn settings_of_a_transaction_that_is_rolled_back_are_undone() {
        let (mut session, _sender) = session();
        for sql in ["begin", "set lock_timeout = '9s'", "rollback"] {
            run(&mut session, sql).await.unwrap();
        }
        assert_eq!(session.settings.show("lock_timeout").unwrap().1, "0");
        for sql in [
            "begin",
            "set lock_timeout = '9s'",
            "set local statement_timeout = '3s'",
            "commit",
        ] {
            run(&mut session, sql).await.unwrap();
        }
        assert_eq!(session.settings.show("lock_timeout").unwrap().1, "9s");
        assert_eq!(session.settings.show("statement_timeout").unwrap().1, "0");
    }

    #[tokio::test]
    async fn a_read_only_transaction_cannot_become_another() {
        let (mut session, _sender) = session();
        run(&mut session, "begin read only").await.unwrap();
        assert_eq!(
            run(&mut session, "set transaction read write")
                .await
                .unwrap_err()
                .code,
            "25001"
        );
        assert_eq!(
            run(&mut session, "delete from clusters").await.unwrap_err().code,
            "25006"
        );
    }
}
