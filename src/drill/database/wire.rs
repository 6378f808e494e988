//! PostgreSQL's wire protocol on one connection: startup, simple and extended queries.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{BufMut, BytesMut};
use futures::stream;
use futures::{Sink, SinkExt};
use pgwire::api::auth::md5pass::hash_md5_password;
use pgwire::api::auth::{
    ServerParameterProvider, StartupHandler, finish_authentication, protocol_negotiation,
};
use pgwire::api::portal::{Format, Portal};
use pgwire::api::query::{
    ExtendedQueryHandler, SimpleQueryHandler, send_execution_response, send_query_response,
    send_ready_for_query,
};
use pgwire::api::results::{FieldFormat, FieldInfo, QueryResponse, Response, Tag};
use pgwire::api::stmt::QueryParser;
use pgwire::api::store::PortalStore;
use pgwire::api::{
    ClientInfo, ClientPortalStore, ConnectionGuard, ConnectionHandle, DEFAULT_NAME, PgWireConnectionState,
    Type as WireType,
};
use pgwire::error::{ErrorInfo, PgWireError, PgWireResult};
use pgwire::messages::data::DataRow;
use pgwire::messages::extendedquery::Sync as PgSync;
use pgwire::messages::response::{EmptyQueryResponse, TransactionStatus};
use pgwire::messages::simplequery::Query;
use pgwire::messages::startup::{Authentication, ParameterStatus, SecretKey, Startup};
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};
use tokio::sync::{Mutex, watch};

use super::error::SqlError;
use super::server::{DatabaseFault, DatabaseState, FaultState};
use super::session::{Reply, Session};
use super::sql::{Statement, UnresolvedStatement, split};
use super::value::{Type, Value, parameter};

/// One client's connection.
pub struct Connection {
    shared: Arc<DatabaseState>,
    session: Arc<Mutex<Session>>,
    salt: [u8; 4],
}

/// A statement of the extended protocol.
#[derive(Clone, Debug)]
pub struct Prepared {
    statement: Statement,
    /// Its result columns.
    columns: Vec<(String, Type)>,
    /// The parameter types that the client gave.
    given: Vec<Option<WireType>>,
}

impl From<SqlError> for PgWireError {
    fn from(error: SqlError) -> Self {
        let severity = if error.fatal { "FATAL" } else { "ERROR" };
        let mut info = ErrorInfo::new(severity.to_owned(), error.code.to_owned(), error.message);
        info.severity_nonlocalized = Some(severity.to_owned());
        info.position = error.position.map(|position| position.to_string());
        info.hint = error.hint;
        PgWireError::UserError(Box::new(info))
    }
}

/// Waits while the database is stalled: nothing is answered then.
pub async fn not_stalled(state: &watch::Receiver<FaultState>) {
    // this fails only when the server is gone, and the connection with it
    let _ = state
        .clone()
        .wait_for(|state| state.fault != Some(DatabaseFault::Stalled))
        .await;
}

/// Bits nobody can guess, from the hasher's keys: enough for a salt that guards nothing real.
fn unguessable() -> u64 {
    std::hash::RandomState::new().build_hasher().finish()
}

impl Connection {
    pub fn new(shared: Arc<DatabaseState>) -> Self {
        let session = Session::new(shared.environment.clone(), shared.next_pid());
        let session = Arc::new(Mutex::new(session));
        let salt = (unguessable() as u32).to_be_bytes();
        Self {
            shared,
            session,
            salt,
        }
    }

    async fn not_stalled(&self) {
        not_stalled(&self.shared.environment.state).await;
    }

    fn refusal(&self) -> Option<SqlError> {
        match self.shared.environment.state.borrow().fault? {
            DatabaseFault::Starting => Some(SqlError::fatal("57P03", "the database system is starting up")),
            _ => None,
        }
    }

    /// Sets the session's parameters from the startup packet.
    async fn begin(&self, startup: &Startup) -> Result<(), SqlError> {
        let mut session = self.session.lock().await;
        for (name, value) in &startup.parameters {
            match name.as_str() {
                "user" => session.user.clone_from(value),
                "database" => session.database.clone_from(value),
                "options" => session.settings.set_options(value)?,
                "replication" => {
                    return Err(SqlError::fatal(
                        "0A000",
                        "the drill's database does not replicate",
                    ));
                }
                name if name.starts_with("_pq_.") => {}
                name => session.settings.set(name, Some(value), false)?,
            }
        }
        session.settings.begin();
        if session.database.is_empty() {
            let user = session.user.clone();
            session.database = user;
        }
        Ok(())
    }

    async fn check_password(&self, given: &str) -> Result<(), SqlError> {
        let session = self.session.lock().await;
        let known = &self.shared.credentials;
        let expected = hash_md5_password(&known.user, &known.password, &self.salt);
        let changed = self.shared.environment.state.borrow().fault == Some(DatabaseFault::WrongPassword);
        if session.user != known.user || given != expected || changed {
            let message = format!("password authentication failed for user \"{}\"", session.user);
            return Err(SqlError::fatal("28P01", message));
        }
        if self.shared.environment.state.borrow().fault == Some(DatabaseFault::TooManyConnections) {
            // after the password, as in PostgreSQL: only then the server knows that the user is no superuser
            let message = "remaining connection slots are reserved for non-replication superuser connections";
            return Err(SqlError::fatal("53300", message));
        }
        if session.database != known.database {
            return Err(SqlError::fatal(
                "3D000",
                format!("database \"{}\" does not exist", session.database),
            ));
        }
        Ok(())
    }

    fn register<C: ClientInfo>(&self, client: &mut C, pid: i32) {
        let key = SecretKey::I32(unguessable() as i32);
        client.set_pid_and_secret_key(pid, key.clone());
        let (handle, guard) = self.shared.connections.register(pid, key);
        client
            .session_extensions()
            .insert::<Arc<ConnectionHandle>>(handle);
        client.session_extensions().insert::<ConnectionGuard>(guard);
    }
}

/// The settings a server reports at startup.
struct Parameters(HashMap<String, String>);

impl ServerParameterProvider for Parameters {
    fn server_parameters<C: ClientInfo>(&self, _client: &C) -> Option<HashMap<String, String>> {
        Some(self.0.clone())
    }
}

fn reported(session: &mut Session) -> Parameters {
    let mut parameters: HashMap<String, String> = session
        .take_reports()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    parameters.insert("session_authorization".to_owned(), session.user.clone());
    Parameters(parameters)
}

#[async_trait]
impl StartupHandler for Connection {
    async fn on_startup<C>(&self, client: &mut C, message: PgWireFrontendMessage) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        self.not_stalled().await;
        match message {
            PgWireFrontendMessage::Startup(startup) => {
                if let Some(refusal) = self.refusal() {
                    return Err(refusal.into());
                }
                protocol_negotiation(client, &startup).await?;
                self.begin(&startup)
                    .await
                    .map_err(|error| SqlError { fatal: true, ..error })?;
                client.set_state(PgWireConnectionState::AuthenticationInProgress);
                let request = Authentication::MD5Password(self.salt.to_vec());
                client.send(PgWireBackendMessage::Authentication(request)).await?;
            }
            PgWireFrontendMessage::PasswordMessageFamily(message) => {
                let given = message.into_password()?;
                self.check_password(&given.password).await?;
                let (pid, parameters) = {
                    let mut session = self.session.lock().await;
                    (session.pid, reported(&mut session))
                };
                self.register(client, pid);
                finish_authentication(client, &parameters).await?;
            }
            _ => {}
        }
        Ok(())
    }
}

fn schema(columns: &[(String, Type)], format: &Format) -> PgWireResult<Vec<FieldInfo>> {
    if let Format::Individual(codes) = format
        && codes.len() != columns.len()
    {
        let message = format!(
            "bind message has {} result formats but query has {} columns",
            codes.len(),
            columns.len()
        );
        return Err(SqlError::new("08P01", message).into());
    }
    let fields = columns.iter().enumerate().map(|(place, (name, ty))| {
        let (wire, size) = ty.wire();
        FieldInfo::new(name.clone(), None, None, wire, format.format_for(place)).with_type_size(size)
    });
    Ok(fields.collect())
}

fn encode(row: &[Value], columns: &[(String, Type)], fields: &[FieldInfo]) -> Result<DataRow, SqlError> {
    let mut out = BytesMut::new();
    for ((value, (_, ty)), field) in row.iter().zip(columns).zip(fields) {
        let mut cell = BytesMut::new();
        match value.text() {
            None => {
                out.put_i32(-1);
                continue;
            }
            Some(text) if field.format() == FieldFormat::Text => cell.put_slice(text.as_bytes()),
            Some(_) => value.put_binary(*ty, &mut cell)?,
        }
        out.put_i32(cell.len() as i32);
        out.put_slice(&cell);
    }
    Ok(DataRow::new(out, row.len() as i16))
}

fn respond(reply: Reply, format: &Format) -> PgWireResult<Response> {
    Ok(match reply {
        Reply::Done(tag) => Response::Execution(Tag::new(tag)),
        Reply::Began(tag) => Response::TransactionStart(Tag::new(tag)),
        Reply::Ended(tag) => Response::TransactionEnd(Tag::new(tag)),
        Reply::Rows {
            command,
            columns,
            rows,
        } => {
            let fields = schema(&columns, format)?;
            let encoded: Result<Vec<DataRow>, SqlError> =
                rows.iter().map(|row| encode(row, &columns, &fields)).collect();
            let mut response =
                QueryResponse::new(Arc::new(fields), stream::iter(encoded?.into_iter().map(Ok)));
            response.set_command_tag(command);
            Response::Query(response)
        }
    })
}

impl Connection {
    /// Applies the network's faults to a query before it is read.
    async fn arrive(&self) -> PgWireResult<()> {
        self.not_stalled().await;
        let fault = self.shared.environment.state.borrow().fault;
        match fault {
            Some(DatabaseFault::Lossy { every }) if self.shared.is_lost(every) => {
                Err(PgWireError::IoError(std::io::ErrorKind::ConnectionReset.into()))
            }
            _ => Ok(()),
        }
    }

    /// Sends the warnings, which come before an answer.
    async fn send_warnings<C>(&self, client: &mut C, session: &mut Session) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        for warning in session.take_warnings() {
            let mut info = ErrorInfo::new("WARNING".to_owned(), warning.code.to_owned(), warning.message);
            info.severity_nonlocalized = Some("WARNING".to_owned());
            client
                .feed(PgWireBackendMessage::NoticeResponse(info.into()))
                .await?;
        }
        Ok(())
    }

    /// Sends the settings that changed since the last time; this comes before every "ready".
    async fn send_reports<C>(&self, client: &mut C) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        for (name, value) in self.session.lock().await.take_reports() {
            let status = ParameterStatus::new(name.to_owned(), value);
            client.feed(PgWireBackendMessage::ParameterStatus(status)).await?;
        }
        Ok(())
    }

    /// Executes the statements of a query string; each is answered before the next is resolved.
    async fn answer_all<C>(&self, client: &mut C, query: &str) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        self.arrive().await?;
        let statements = split(query)?;
        if statements.is_empty() {
            let empty = PgWireBackendMessage::EmptyQueryResponse(EmptyQueryResponse::new());
            return Ok(client.feed(empty).await?);
        }
        let mut session = self.session.lock().await;
        session.begin_query();
        for raw in &statements {
            let failed = client.transaction_status() == TransactionStatus::Error;
            if failed && !raw.ends_transaction() {
                return Err(aborted().into());
            }
            let statement = raw.resolve(query, &[])?;
            let reply = session.execute(&statement, &[], failed).await;
            self.send_warnings(client, &mut session).await?;
            match respond(reply?, &Format::UnifiedText)? {
                Response::Query(rows) => send_query_response(client, rows, true).await?,
                Response::TransactionStart(tag) => {
                    send_execution_response(client, tag).await?;
                    client.set_transaction_status(TransactionStatus::Transaction);
                }
                Response::TransactionEnd(tag) => {
                    send_execution_response(client, tag).await?;
                    client.set_transaction_status(TransactionStatus::Idle);
                }
                Response::Execution(tag) => send_execution_response(client, tag).await?,
                _ => {}
            }
        }
        session.end_query();
        Ok(())
    }
}

fn aborted() -> SqlError {
    let message = "current transaction is aborted, commands ignored until end of transaction block";
    SqlError::new("25P02", message)
}

#[async_trait]
impl SimpleQueryHandler for Connection {
    async fn on_query<C>(&self, client: &mut C, query: Query) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let cancelled = match client.session_extensions().get::<Arc<ConnectionHandle>>() {
            Some(handle) => handle.start_query().await,
            None => return Err(PgWireError::NotReadyForQuery),
        };
        tokio::select! {
            biased;
            Ok(()) = cancelled => return Err(PgWireError::QueryCanceled),
            answered = self.answer_all(client, &query.query) => answered?,
        }
        self.send_reports(client).await?;
        send_ready_for_query(client, client.transaction_status()).await
    }

    async fn do_query<C>(&self, _client: &mut C, _query: &str) -> PgWireResult<Vec<Response>>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        // `on_query` answers by itself
        Err(PgWireError::NotReadyForQuery)
    }
}

/// Parses for the extended protocol.
pub struct Preparer {
    state: watch::Receiver<FaultState>,
    session: Arc<Mutex<Session>>,
}

impl Prepared {
    fn parameters(&self) -> &[Type] {
        match &self.statement {
            Statement::Select(select) => &select.parameters,
            _ => &[],
        }
    }
}

fn columns(statement: &Statement, session: &Session) -> Vec<(String, Type)> {
    match statement {
        Statement::Select(select) => select.columns.clone(),
        Statement::Show(name) => Session::show_column(name)
            .map(|name| (name, Type::Text))
            .into_iter()
            .collect(),
        Statement::Fetch { name, .. } => session.cursor_columns(name),
        _ => Vec::new(),
    }
}

#[async_trait]
impl QueryParser for Preparer {
    type Statement = Prepared;

    async fn parse_sql<C>(
        &self,
        client: &C,
        sql: &str,
        types: &[Option<WireType>],
    ) -> PgWireResult<Option<Prepared>>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        not_stalled(&self.state).await;
        let given: Vec<Option<Type>> = types
            .iter()
            .map(|ty| ty.as_ref().and_then(Type::from_wire))
            .collect();
        let mut statements = split(sql)?;
        let failed = client.transaction_status() == TransactionStatus::Error;
        if failed && !statements.iter().all(UnresolvedStatement::ends_transaction) {
            return Err(aborted().into());
        }
        if statements.len() > 1 {
            let message = "cannot insert multiple commands into a prepared statement";
            return Err(SqlError::new("42601", message).into());
        }
        let Some(raw) = statements.pop() else {
            return Ok(None);
        };
        let statement = raw.resolve(sql, &given)?;
        let columns = columns(&statement, &*self.session.lock().await);
        Ok(Some(Prepared {
            statement,
            columns,
            given: types.to_vec(),
        }))
    }

    fn get_parameter_types(&self, prepared: &Prepared) -> PgWireResult<Vec<WireType>> {
        Ok(prepared.parameters().iter().map(|ty| ty.wire().0).collect())
    }

    fn get_result_schema(
        &self,
        prepared: &Prepared,
        format: Option<&Format>,
    ) -> PgWireResult<Vec<FieldInfo>> {
        schema(&prepared.columns, format.unwrap_or(&Format::UnifiedText))
    }
}

#[async_trait]
impl ExtendedQueryHandler for Connection {
    type Statement = Prepared;
    type QueryParser = Preparer;

    fn query_parser(&self) -> Arc<Preparer> {
        Arc::new(Preparer {
            state: self.shared.environment.state.clone(),
            session: self.session.clone(),
        })
    }

    async fn on_sync<C>(&self, client: &mut C, _message: PgSync) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Prepared>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        self.not_stalled().await;
        client.portal_store().rm_portal(DEFAULT_NAME);
        self.send_reports(client).await?;
        send_ready_for_query(client, client.transaction_status()).await
    }

    async fn do_query<C>(
        &self,
        client: &mut C,
        portal: &Portal<Prepared>,
        _max_rows: usize,
    ) -> PgWireResult<Response>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Prepared>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        self.arrive().await?;
        let failed = client.transaction_status() == TransactionStatus::Error;
        let prepared = &portal.statement.statement;
        let values = bound(portal)?;
        let mut session = self.session.lock().await;
        session.begin_query();
        let reply = session.execute(&prepared.statement, &values, failed).await;
        session.end_query();
        self.send_warnings(client, &mut session).await?;
        respond(reply?, &portal.result_column_format)
    }
}

/// The values of a Bind message.
fn bound(portal: &Portal<Prepared>) -> Result<Vec<Value>, SqlError> {
    let prepared = &portal.statement.statement;
    let expected = prepared.parameters();
    if portal.parameters.len() != expected.len() {
        let message = format!(
            "bind message supplies {} parameters, but prepared statement \"\" requires {}",
            portal.parameters.len(),
            expected.len()
        );
        return Err(SqlError::new("08P01", message));
    }
    let values = expected
        .iter()
        .zip(&portal.parameters)
        .enumerate()
        .map(|(place, (ty, bytes))| {
            let wire = prepared
                .given
                .get(place)
                .cloned()
                .flatten()
                .unwrap_or_else(|| ty.wire().0);
            let binary = match &portal.parameter_format {
                Format::Individual(codes) => codes.get(place) == Some(&1),
                format => format.is_binary(place),
            };
            parameter(bytes.as_deref(), binary, &wire, *ty)
        });
    values.collect()
}
