//! The one connection: how it is opened, with which TLS, and what it is.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use secrecy::ExposeSecret;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;
use tokio::net::{TcpStream, UnixListener};
use tokio_util::task::AbortOnDropHandle;

use super::credentials::Credentials;
use super::errors::{self, Endpoint};
use super::options::DatabaseOptions;
use crate::net::is_loopback;
use crate::net::tls::TlsMode;
use sopwatch_core::observe::observation::{DatabaseConnection, RowsOf};
use sopwatch_core::observe::source::Problem;

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
    relay: Option<Relay>,
}

impl DatabaseSession {
    /// The stored form of a status.
    pub(super) fn stored<'a>(&'a self, of: &'a RowsOf) -> &'a str {
        let raw_statuses = self.raw_statuses.iter().find(|(shown, _)| shown == of);
        raw_statuses.map_or(&of.status, |(_, stored)| stored)
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
            connection, relay, ..
        } = self;
        // whether it is heard does not matter: the socket is closed either way
        let _ = tokio::time::timeout(CLOSE_LIMIT, connection.close()).await;
        drop(relay);
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

/// Opens a connection. `proven` is the TLS mode that the last one had or came to: the better ones are not tried again, so that only the
/// first try of all may take more than one connection.
pub(super) async fn open(
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
            Err(error) => {
                let weaker = weaker_than(&error).filter(|weaker| *weaker != mode && modes.contains(weaker));
                mode = weaker.ok_or_else(|| errors::explain(&error, &endpoint))?;
                *proven = Some(mode);
            }
        }
    }
}

/// The TLS mode that would get past an error, if it may be used.
fn weaker_than(error: &sqlx::Error) -> Option<TlsMode> {
    if errors::is_no_tls(error) {
        return Some(TlsMode::Disable);
    }
    errors::is_certificate(error).then_some(TlsMode::Require)
}

/// One try. The outer error is one that no other TLS mode would change.
async fn log_in(
    credentials: &Credentials,
    route: &Route,
    tls: TlsMode,
    endpoint: &Endpoint,
) -> Result<Result<DatabaseSession, sqlx::Error>, Problem> {
    let work = async {
        let verified_elsewhere = tls == TlsMode::VerifyFull && route.host != route.name;
        let relay = if verified_elsewhere && !route.is_socket() {
            Some(Relay::open(&route.host, route.port).await?)
        } else {
            None
        };
        let options = connect_options(credentials, route, tls, relay.as_ref());
        let connection = options.connect().await?;
        Ok(DatabaseSession {
            connection,
            endpoint: endpoint.clone(),
            tls,
            raw_statuses: Vec::new(),
            relay,
        })
    };
    tokio::time::timeout(CONNECT_LIMIT, work)
        .await
        .map_err(|_elapsed| errors::frozen("the database", endpoint, CONNECT_LIMIT))
}

/// Everything is set here, since the driver fills what is not from the environment by itself; `PGOPTIONS`, `PGSSLCERT` and `PGSSLKEY`
/// it offers no way to leave out. The result must not be printed: its `Debug` shows the password.
#[expect(clippy::disallowed_methods, reason = "the driver logs in with the password")]
fn connect_options(
    credentials: &Credentials,
    route: &Route,
    tls: TlsMode,
    relay: Option<&Relay>,
) -> PgConnectOptions {
    let ca = credentials.ca.clone().unwrap_or_default();
    let password = credentials
        .password
        .as_ref()
        .map_or("", ExposeSecret::expose_secret);
    let application = credentials.application.as_deref().unwrap_or("sopwatch");
    let options = PgConnectOptions::new_without_pgpass()
        .host(if relay.is_some() { &route.name } else { &route.host })
        .port(route.port)
        .database(&credentials.database)
        .username(&credentials.user)
        .password(password)
        .application_name(application)
        .ssl_mode(ssl_mode(tls))
        .ssl_root_cert_from_pem(ca.into_bytes())
        .statement_cache_capacity(0)
        .extra_float_digits(None)
        .disable_statement_logging();
    match relay {
        Some(relay) => options.socket(relay.directory.path()),
        None => options,
    }
}

fn ssl_mode(tls: TlsMode) -> PgSslMode {
    match tls {
        TlsMode::Disable => PgSslMode::Disable,
        TlsMode::Prefer => PgSslMode::Prefer,
        TlsMode::Require => PgSslMode::Require,
        TlsMode::VerifyCa => PgSslMode::VerifyCa,
        TlsMode::VerifyFull => PgSslMode::VerifyFull,
    }
}

/// A Unix socket, for us alone, that leads to a tunnel's near end.
///
/// The driver checks the certificate against the host it connects to; through a socket it takes the name it is given.
struct Relay {
    directory: TempDir,
    _pump: AbortOnDropHandle<io::Result<()>>,
}

impl Relay {
    async fn open(host: &str, port: u16) -> io::Result<Self> {
        let mut remote = TcpStream::connect((host, port)).await?;
        let directory = tempfile::Builder::new()
            .prefix("sopwatch-")
            .permissions(std::fs::Permissions::from_mode(0o700))
            .tempdir()?;
        let listener = UnixListener::bind(directory.path().join(format!(".s.PGSQL.{port}")))?;
        let pump = tokio::spawn(async move {
            let (mut local, _) = listener.accept().await?;
            tokio::io::copy_bidirectional(&mut local, &mut remote).await?;
            Ok(())
        });
        Ok(Self {
            directory,
            _pump: AbortOnDropHandle::new(pump),
        })
    }
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
