//! The one connection: how it is opened, with which TLS, and what it is.

use std::path::Path;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use secrecy::ExposeSecret;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{ConnectOptions, Connection};

use super::credentials::Credentials;
use super::errors::{self, Endpoint};
use super::options::DatabaseOptions;
use super::statement;
use super::transport::{Tls, Transport, TransportFailure};
use crate::net::is_loopback;
use crate::net::postgres_url::SessionAttrs;
use crate::net::tls::TlsMode;
use crate::net::trust::{Checks, Trust, identity};
use sopwatch_core::observe::observation::{DatabaseConnection, RowsOf};
use sopwatch_core::observe::source::{Problem, ProblemKind};

/// How long one try to connect and log in may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long the server is given to hear that we leave.
const CLOSE_LIMIT: Duration = Duration::from_millis(200);

/// An open connection.
pub(super) struct DatabaseSession {
    /// The connection.
    pub(super) connection: PgConnection,
    /// Where it goes, for messages.
    pub(super) endpoint: Endpoint,
    tls: TlsMode,
    /// The raw form of statuses that are not shown as they are stored: each as shown, with its table, and as stored.
    pub(super) raw_statuses: Vec<(RowsOf, String)>,
    /// Lives as long as the connection that runs through it.
    transport: Transport,
}

impl DatabaseSession {
    /// The stored form of a status.
    pub(super) fn stored<'a>(&'a self, of: &'a RowsOf) -> &'a str {
        let raw_statuses = self.raw_statuses.iter().find(|(shown, _)| shown == of);
        raw_statuses.map_or(&of.status, |(_, stored)| stored)
    }

    /// Whether a time limit that is set within a message holds for what follows it there. A pooler tells its server's version.
    pub(super) fn limits_hold_within_a_message(&self) -> bool {
        let version = self.connection.server_version_num();
        version.is_some_and(|version| version >= statement::LIMITS_HOLD_WITHIN_A_MESSAGE)
    }

    /// The session, as the screen shows it.
    pub(super) fn describe(&self) -> DatabaseConnection {
        DatabaseConnection {
            host: self.endpoint.host.as_str().into(),
            port: self.endpoint.port,
            database: self.endpoint.database.as_str().into(),
            user: self.endpoint.user.as_str().into(),
            origin: self.endpoint.origin.as_str().into(),
            tls: self.tls.name().into(),
            version: version_text(self.connection.server_version_num()).into(),
        }
    }

    /// Says goodbye, so that the server's log does not complain.
    pub(super) async fn close(self) {
        let Self {
            connection,
            transport,
            ..
        } = self;
        // whether it is heard does not matter: the socket is closed either way
        let _ = tokio::time::timeout(CLOSE_LIMIT, connection.close()).await;
        drop(transport);
    }
}

/// `150003` is 15.3, `90624` is 9.6.24.
fn version_text(number: Option<u32>) -> String {
    match number {
        None => "unknown".to_owned(),
        Some(number @ 100_000..) => format!("{}.{}", number / 10_000, number % 10_000),
        Some(number) => format!("{}.{}.{}", number / 10_000, number / 100 % 100, number % 100),
    }
}

/// Where a connection goes, which may not be where the credentials say.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Route {
    /// The host that the certificate has to name.
    name: String,
    /// Where to connect: a name, an address or the directory of a Unix socket.
    host: String,
    port: u16,
}

impl Route {
    fn new(credentials: &Credentials, options: &DatabaseOptions) -> Self {
        let given = options.host.as_ref().or(credentials.address.as_ref());
        Self {
            name: credentials.host.clone(),
            host: given.unwrap_or(&credentials.host).clone(),
            port: options.port.unwrap_or(credentials.port),
        }
    }

    fn is_socket(&self) -> bool {
        self.host.starts_with('/')
    }

    /// The TLS modes to try, best first. The module's documentation says why.
    fn modes(&self, asked: Option<TlsMode>, has_ca: bool) -> &'static [TlsMode] {
        use TlsMode::{Disable, Require, VerifyCa, VerifyFull};
        let near = is_loopback(&self.host);
        match asked {
            Some(Disable) => &[Disable],
            Some(TlsMode::Prefer) => &[Require, Disable],
            Some(Require) => &[Require],
            Some(VerifyCa) => &[VerifyCa],
            Some(VerifyFull) => &[VerifyFull],
            None if self.is_socket() => &[Disable],
            None if has_ca => &[VerifyFull],
            None if near && is_loopback(&self.name) => &[Require, Disable],
            None if near => &[VerifyFull, Require, Disable],
            None => &[VerifyFull, Require],
        }
    }
}

/// Opens a connection: to the first of the hosts that answers and will do. `proven` is the TLS mode that the last one had or came to: the
/// better ones are not tried again, so that only the first try of all may take more than one connection.
pub(super) async fn open(
    credentials: &Credentials,
    options: &DatabaseOptions,
    proven: &mut Option<TlsMode>,
) -> Result<DatabaseSession, Problem> {
    let mut hosts = credentials.each_host();
    if options.host.is_some() || options.port.is_some() {
        // The near end of a tunnel leads to one of them.
        hosts.truncate(1);
    }
    let rounds: &[SessionAttrs] = match credentials.session {
        SessionAttrs::PreferStandby => &[SessionAttrs::Standby, SessionAttrs::Any],
        ref session => std::slice::from_ref(session),
    };
    let several = hosts.len() > 1;
    let mut last = None;
    for session in rounds {
        for host in &hosts {
            let opened = match open_one(host, options, proven).await {
                Ok(opened) => check_session(opened, *session).await,
                Err(problem) => Err(problem),
            };
            match opened {
                Ok(opened) => return Ok(opened),
                // As libpq does: a host that refuses who we are ends the search.
                Err(problem) if !may_be_elsewhere(problem.kind) => return Err(problem),
                Err(problem) => last = Some(problem),
            }
            if several {
                *proven = None;
            }
        }
    }
    Err(last.unwrap_or_else(|| Problem::new(ProblemKind::Configuration, "the database has no host")))
}

/// Whether another host may do better.
fn may_be_elsewhere(kind: ProblemKind) -> bool {
    !matches!(
        kind,
        ProblemKind::WrongPassword | ProblemKind::Configuration | ProblemKind::Tls
    )
}

/// Closes a session on a server that is not of the kind that is asked for.
async fn check_session(
    mut session: DatabaseSession,
    wanted: SessionAttrs,
) -> Result<DatabaseSession, Problem> {
    use SessionAttrs::{Any, PreferStandby, Primary, ReadOnly, ReadWrite, Standby};
    let question = match wanted {
        Any | PreferStandby => return Ok(session),
        Primary | Standby => statement::IS_STANDBY,
        ReadWrite | ReadOnly => statement::IS_READ_ONLY,
    };
    let answer = sqlx::query_scalar(question)
        .persistent(false)
        .fetch_one(&mut session.connection);
    let answer = tokio::time::timeout(CONNECT_LIMIT, answer).await;
    let answer: bool = answer
        .map_err(|_elapsed| errors::frozen("the database", &session.endpoint, CONNECT_LIMIT))?
        .map_err(|error| errors::explain(&error, &session.endpoint))?;
    if answer == matches!(wanted, Standby | ReadOnly) {
        return Ok(session);
    }
    let problem = errors::wrong_session(&session.endpoint, wanted);
    session.close().await;
    Err(problem)
}

async fn open_one(
    credentials: &Credentials,
    options: &DatabaseOptions,
    proven: &mut Option<TlsMode>,
) -> Result<DatabaseSession, Problem> {
    let route = Route::new(credentials, options);
    let modes = route.modes(credentials.tls.or(options.tls), credentials.ca.is_some());
    let first = modes.iter().position(|mode| Some(*mode) == *proven).unwrap_or(0);
    let endpoint = Endpoint::new(&route.host, route.port, credentials);
    let mut mode = modes[first];
    loop {
        match log_in(credentials, &route, mode, &endpoint).await? {
            Ok(session) => {
                *proven = Some(mode);
                return Ok(session);
            }
            Err(failure) => {
                let weaker = weaker_than(&failure).filter(|weaker| *weaker != mode && modes.contains(weaker));
                mode = weaker.ok_or_else(|| errors::explain_transport(&failure, &endpoint))?;
                *proven = Some(mode);
            }
        }
    }
}

/// The TLS mode that would get past a failure, if it may be used.
fn weaker_than(failure: &TransportFailure) -> Option<TlsMode> {
    match failure {
        TransportFailure::NoTls => Some(TlsMode::Disable),
        failure => errors::is_certificate(failure).then_some(TlsMode::Require),
    }
}

/// One try. The outer error is one that no other TLS mode would change.
async fn log_in(
    credentials: &Credentials,
    route: &Route,
    mode: TlsMode,
    endpoint: &Endpoint,
) -> Result<Result<DatabaseSession, TransportFailure>, Problem> {
    let limit = credentials.connect_limit.unwrap_or(CONNECT_LIMIT);
    let work = async {
        let tls = tls_of(credentials, route, mode).await?;
        let transport = match Transport::open(&route.host, route.port, tls).await {
            Ok(transport) => transport,
            Err(failure) => return Ok(Err(failure)),
        };
        let options = connect_options(credentials, route, transport.directory());
        match options.connect().await {
            Ok(connection) => Ok(Ok(DatabaseSession {
                connection,
                endpoint: endpoint.clone(),
                tls: mode,
                raw_statuses: Vec::new(),
                transport,
            })),
            Err(error) => match transport.failure() {
                Some(failure) if errors::is_lost(&error) => Ok(Err(failure.into())),
                _ => Err(errors::explain(&error, endpoint)),
            },
        }
    };
    tokio::time::timeout(limit, work)
        .await
        .map_err(|_elapsed| errors::frozen("the database", endpoint, limit))?
}

/// TLS of a mode; `None` for plain text.
async fn tls_of(credentials: &Credentials, route: &Route, mode: TlsMode) -> Result<Option<Tls>, Problem> {
    let checks = match mode {
        TlsMode::Disable => return Ok(None),
        TlsMode::Prefer | TlsMode::Require => Checks::Nothing,
        TlsMode::VerifyCa => Checks::Authority,
        TlsMode::VerifyFull => Checks::Host,
    };
    let given = CertificateDer::pem_slice_iter(credentials.ca.as_deref().unwrap_or_default().as_bytes());
    let given: Vec<_> = given.filter_map(Result::ok).collect();
    // It reads the operating system's roots from files.
    let trust = tokio::task::spawn_blocking(move || Trust::new(given, true, checks)).await;
    let trust = trust.unwrap_or_else(|_panicked| Err("internal error".into()));
    let identity = credentials
        .identity
        .as_ref()
        .map(|(certificate, key)| identity(certificate, key, "the database's"))
        .transpose();
    Ok(Some(Tls {
        trust: trust.map_err(|why| errors::unusable_authority(&why, &credentials.origin))?,
        identity: identity.map_err(|why| errors::unusable_identity(&why))?,
        name: route.name.clone(),
        direct: credentials.direct_tls,
    }))
}

/// Everything is set here, since the driver fills what is not from the environment by itself; `PGOPTIONS` it offers no way to leave
/// out. TLS is below it. The result must not be printed: its `Debug` shows the password.
#[expect(clippy::disallowed_methods, reason = "the driver logs in with the password")]
fn connect_options(credentials: &Credentials, route: &Route, socket: &Path) -> PgConnectOptions {
    let password = credentials
        .password
        .as_ref()
        .map_or("", ExposeSecret::expose_secret);
    let application = credentials.application.as_deref().unwrap_or("sopwatch");
    let settings = credentials
        .settings
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let options = PgConnectOptions::new_without_pgpass()
        .host(&route.name)
        .port(route.port)
        .socket(socket)
        .database(&credentials.database)
        .username(&credentials.user)
        .password(password)
        .application_name(application)
        .ssl_mode(PgSslMode::Disable)
        .statement_cache_capacity(0)
        .extra_float_digits(None)
        .disable_statement_logging();
    if credentials.settings.is_empty() {
        return options;
    }
    options.options(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Host of the credentials, host to connect to, mode asked for, whether there is a CA; the modes to try.
    type Case<'a> = (&'a str, &'a str, Option<TlsMode>, bool, &'a [TlsMode]);

    #[test]
    fn tls_is_as_strict_as_the_case_allows() {
        use TlsMode::{Disable, Prefer, Require, VerifyCa, VerifyFull};
        let cases: [Case<'_>; 12] = [
            ("db.rds", "db.rds", None, true, &[VerifyFull]),
            ("db.rds", "db.rds", None, false, &[VerifyFull, Require]),
            ("db.rds", "127.0.0.1", None, true, &[VerifyFull]),
            (
                "db.rds",
                "127.0.0.1",
                None,
                false,
                &[VerifyFull, Require, Disable],
            ),
            ("localhost", "localhost", None, false, &[Require, Disable]),
            ("::1", "::1", None, false, &[Require, Disable]),
            ("/run/postgresql", "/run/postgresql", None, false, &[Disable]),
            ("db.rds", "db.rds", Some(Disable), true, &[Disable]),
            ("db.rds", "db.rds", Some(Prefer), false, &[Require, Disable]),
            ("db.rds", "db.rds", Some(Require), true, &[Require]),
            ("db.rds", "db.rds", Some(VerifyCa), true, &[VerifyCa]),
            ("localhost", "localhost", Some(VerifyFull), false, &[VerifyFull]),
        ];
        for (name, host, asked, has_ca, modes) in cases {
            let route = Route {
                name: name.into(),
                host: host.into(),
                port: 5432,
            };
            assert_eq!(
                route.modes(asked, has_ca),
                modes,
                "{name} {host} {asked:?} {has_ca}"
            );
        }
    }

    #[test]
    fn versions_read_as_the_server_writes_them() {
        assert_eq!(version_text(Some(150_003)), "15.3");
        assert_eq!(version_text(Some(90_624)), "9.6.24");
        assert_eq!(version_text(None), "unknown");
    }
}
