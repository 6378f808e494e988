//! One connection's session: its settings, its transaction, and what a statement does in them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use super::error::{SqlError, SqlResult};
use super::server::{Fault, State};
use super::settings::Settings;
use super::sql::{Context, Select, Statement};
use super::tables::Tables;
use super::value::{Type, Value};
use crate::drill::clock::Clock;

/// What a session needs of the world around it.
#[derive(Clone, Debug)]
pub struct Surroundings {
    pub tables: Arc<Mutex<Tables>>,
    pub clock: Clock,
    pub state: watch::Receiver<State>,
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
    Began,
    Ended(&'static str),
}

#[derive(Clone, Debug)]
struct Transaction {
    since: Timestamp,
    read_only: bool,
    before: Settings,
}

#[derive(Debug)]
pub struct Session {
    pub user: String,
    pub database: String,
    pub pid: i32,
    pub settings: Settings,
    around: Surroundings,
    transaction: Option<Transaction>,
    idle_since: Instant,
}

impl Session {
    pub fn new(around: Surroundings, pid: i32) -> Self {
        Self {
            user: String::new(),
            database: String::new(),
            pid,
            settings: Settings::default(),
            around,
            transaction: None,
            idle_since: Instant::now(),
        }
    }

    /// Carries out one statement. `failed`: the transaction has seen an error and only waits for its end.
    pub async fn execute(
        &mut self,
        statement: &Statement,
        parameters: &[Value],
        failed: bool,
    ) -> SqlResult<Reply> {
        self.check_idleness()?;
        let ends = matches!(statement, Statement::Commit | Statement::Rollback);
        if failed && !ends {
            let message = "current transaction is aborted, commands ignored until end of transaction block";
            return Err(SqlError::new("25P02", message));
        }
        let reply = self.carry_out(statement, parameters, failed).await;
        self.idle_since = Instant::now();
        reply
    }

    fn check_idleness(&self) -> SqlResult<()> {
        let limit = self.settings.span("idle_in_transaction_session_timeout");
        if self.transaction.is_some() && limit.is_some_and(|limit| self.idle_since.elapsed() > limit) {
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
                Ok(Reply::Began)
            }
            Statement::Commit => Ok(self.end(!failed)),
            Statement::Rollback => Ok(self.end(false)),
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
            Statement::Write { command, table } => Err(self.refuse_write(command, *table)),
        }
    }

    fn begin(&mut self, read_only: Option<bool>) {
        if self.transaction.is_none() {
            self.transaction = Some(Transaction {
                since: self.around.clock.now(),
                read_only: read_only.unwrap_or_else(|| self.settings.flag("default_transaction_read_only")),
                before: self.settings.clone(),
            });
        }
    }

    /// The session's settings return to what they were where the transaction is rolled back.
    fn end(&mut self, committed: bool) -> Reply {
        if let Some(transaction) = self.transaction.take()
            && !committed
        {
            self.settings = transaction.before;
        }
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
                None => {}
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

    /// What `SHOW name` will return, for a Describe.
    pub fn show_column(name: &str) -> Option<String> {
        match name {
            "transaction_read_only" | "session_authorization" => Some(name.to_owned()),
            _ => Settings::default()
                .show(name)
                .ok()
                .map(|(name, _)| name.to_owned()),
        }
    }

    fn refuse_write(&self, command: &str, table: Option<&str>) -> SqlError {
        if self.read_only() {
            return SqlError::new(
                "25006",
                format!("cannot execute {command} in a read-only transaction"),
            );
        }
        match table {
            Some(table) => SqlError::new("42501", format!("permission denied for table {table}")),
            None => SqlError::new("42501", "permission denied for schema public"),
        }
    }

    async fn select(&mut self, select: &Select, parameters: &[Value]) -> SqlResult<Reply> {
        let started = self.around.clock.now();
        let deadline = self
            .settings
            .span("statement_timeout")
            .map(|limit| Instant::now() + limit);
        if select.relation.is_some() {
            self.wait_for_locks(deadline).await?;
        }
        let context_setting = |name: &str| self.shown(name).ok().map(|(_, value)| value);
        let clock = || self.around.clock.now();
        let context = Context {
            transaction: self
                .transaction
                .as_ref()
                .map_or(started, |transaction| transaction.since),
            statement: started,
            clock: &clock,
            parameters,
            user: &self.user,
            database: &self.database,
            pid: self.pid,
            setting: &context_setting,
        };
        if let Some(span) = select.sleep() {
            let seconds = context.eval(span, super::sql::Row::default())?;
            let seconds = if let Value::Float(seconds) = seconds {
                seconds
            } else {
                0.0
            };
            let span = Duration::try_from_secs_f64(seconds.clamp(0.0, 1e6)).unwrap_or_default();
            or_timeout(tokio::time::sleep(span), deadline).await?;
        }
        let tables = self.around.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = select.run(&tables, &context)?;
        Ok(Reply::Rows {
            command: "SELECT",
            columns: select.columns.clone(),
            rows,
        })
    }

    async fn wait_for_locks(&self, deadline: Option<Instant>) -> SqlResult<()> {
        let mut state = self.around.state.clone();
        let free = async {
            // the server is gone where this fails, and the connection with it
            let _ = state.wait_for(|state| state.fault != Some(Fault::LockWait)).await;
        };
        let lock_limit = self
            .settings
            .span("lock_timeout")
            .map(|limit| Instant::now() + limit);
        let waited = async {
            let Some(limit) = lock_limit else {
                free.await;
                return Ok(());
            };
            let waited = tokio::time::timeout_at(limit, free).await;
            waited.map_err(|_elapsed| SqlError::new("55P03", "canceling statement due to lock timeout"))
        };
        or_timeout(waited, deadline).await?
    }
}

async fn or_timeout<T>(work: impl Future<Output = T>, deadline: Option<Instant>) -> SqlResult<T> {
    match deadline {
        None => Ok(work.await),
        Some(deadline) => tokio::time::timeout_at(deadline, work)
            .await
            .map_err(|_elapsed| SqlError::new("57014", "canceling statement due to statement timeout")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drill::database::{Fault, Seed, sql};

    fn session() -> (Session, watch::Sender<State>) {
        let now = "2021-01-15T13:24:01Z".parse().unwrap();
        let (sender, state) = watch::channel(State::default());
        let tables = Arc::new(Mutex::new(Tables::seeded(&Seed::default(), now)));
        let clock = Clock::starting_at(now, 1.0);
        (Session::new(Surroundings { tables, clock, state }, 7), sender)
    }

    fn before(seconds: u64) -> Instant {
        Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap()
    }

    async fn run(session: &mut Session, sql: &str) -> SqlResult<Reply> {
        let statements = sql::parse(sql, &[]).unwrap();
        session.execute(&statements[0], &[], false).await
    }

    #[tokio::test]
    async fn a_transaction_left_idle_ends_the_session() {
        let (mut session, _sender) = session();
        run(&mut session, "set idle_in_transaction_session_timeout = '10s'")
            .await
            .unwrap();
        session.idle_since = before(60);
        run(&mut session, "begin")
            .await
            .expect("idle outside of a transaction is no matter");
        session.idle_since = before(9);
        run(&mut session, "select 1").await.unwrap();
        session.idle_since = before(11);
        let error = run(&mut session, "select 1").await.unwrap_err();
        assert_eq!((error.code, error.fatal), ("25P03", true));
    }

    #[tokio::test]
    async fn the_shorter_of_lock_and_statement_timeout_wins() {
        let (mut session, sender) = session();
        sender.send_modify(|state| state.fault = Some(Fault::LockWait));
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
