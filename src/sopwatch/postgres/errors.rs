//! Errors of the database as problems for the operator.
//!
//! No text here is taken from connection options; a server's own message is shown, since a server never sees a password in a
//! message it would repeat.

use std::fmt;
use std::io;
use std::time::Duration;

use sqlx::postgres::{PgDatabaseError, PgSeverity};

use super::credentials::Credentials;
use super::transport::TransportFailure;
use crate::net::postgres_url::SessionAttrs;
use crate::net::tls::{TlsFault, fault};
use sopwatch_core::observe::source::{Problem, ProblemKind};

/// The longest message of a server that is shown, characters.
const MESSAGE_LIMIT: usize = 300;

/// Where the connection goes, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// Host to connect to.
    pub(super) host: String,
    /// Port.
    pub(super) port: u16,
    /// Database name.
    pub(super) database: String,
    /// Role.
    pub(super) user: String,
    /// Where the credentials were written.
    pub(super) origin: String,
    /// A password file that is not used because others may read it.
    pub(super) open_passfile: Option<String>,
}

impl Endpoint {
    /// Where these credentials are used, on this host and port.
    pub(super) fn new(host: &str, port: u16, credentials: &Credentials) -> Self {
        Self {
            host: host.to_owned(),
            port,
            database: credentials.database.clone(),
            user: credentials.user.clone(),
            origin: credentials.origin.clone(),
            open_passfile: credentials.open_passfile.clone(),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// No answer within a limit.
pub(super) fn frozen(what: &str, endpoint: &Endpoint, limit: Duration) -> Problem {
    let text = format!("{what} at {endpoint} gave no answer within {} s", limit.as_secs());
    Problem::new(ProblemKind::Frozen, &text)
}

/// Whether TLS was spoken and the server's certificate was found wanting.
pub(super) fn is_certificate(failure: &TransportFailure) -> bool {
    let in_io = match failure {
        TransportFailure::Io(error) => tls_error(error),
        _ => None,
    };
    matches!(in_io, Some(rustls::Error::InvalidCertificate(_)))
}

/// Whether the driver knows only that the connection is gone.
pub(super) fn is_lost(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(_))
}

/// Why there is no connection for the driver.
pub(super) fn explain_transport(failure: &TransportFailure, endpoint: &Endpoint) -> Problem {
    match failure {
        TransportFailure::NoTls => no_tls(endpoint),
        TransportFailure::Refused(code, message) => explain_server(code, message, endpoint),
        TransportFailure::Io(error) => explain_io(error, endpoint),
    }
}

/// The server is not of the kind that is asked for.
pub(super) fn wrong_session(endpoint: &Endpoint, wanted: SessionAttrs) -> Problem {
    let what = match wanted {
        SessionAttrs::Standby | SessionAttrs::PreferStandby => "is not a standby",
        SessionAttrs::ReadOnly => "is not read-only",
        SessionAttrs::ReadWrite => "is read-only",
        SessionAttrs::Primary | SessionAttrs::Any => "is a standby",
    };
    let what = format!(
        "{endpoint} {what}, and {} wants another (target_session_attrs)",
        endpoint.origin
    );
    Problem::new(ProblemKind::Starting, &what)
        .advise("was there a failover? sopwatch keeps trying; else correct target_session_attrs or the hosts")
}

/// What TLS would need can't be used.
pub(super) fn unusable_authority(why: &str, origin: &str) -> Problem {
    Problem::new(
        ProblemKind::Tls,
        format!("no certificate authority for the database of {origin}: {why}"),
    )
    .advise("put the CA certificate into the secret (db.ca_cert), or set sslrootcert")
}

/// Our certificate can't be used, by the sentence that says so.
pub(super) fn unusable_identity(why: &str) -> Problem {
    Problem::new(ProblemKind::Configuration, why)
        .advise("correct sslcert and sslkey (PGSSLCERT, PGSSLKEY, or ~/.postgresql)")
}

/// Whether the connection is of no use after this error: everything but an orderly refusal of one statement.
pub(super) fn breaks(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(_) => server_error(error).is_none_or(|error| {
            let fatal = matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic);
            fatal || error.code().starts_with("57P") || error.code().starts_with("08")
        }),
        sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::ColumnIndexOutOfBounds { .. }
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::Decode(_) => false,
        _ => true,
    }
}

/// Puts an error into words.
pub(super) fn explain(error: &sqlx::Error, endpoint: &Endpoint) -> Problem {
    match error {
        sqlx::Error::Io(error) => explain_io(error, endpoint),
        sqlx::Error::Database(_) => match server_error(error) {
            Some(error) => explain_server(error.code(), error.message(), endpoint),
            None => other(endpoint, "an unknown error"),
        },
        sqlx::Error::ColumnDecode { index, .. } => of_column(match index.parse::<usize>() {
            Ok(index) => format!(
                "column {} of its answer is not of the type that the profile expects",
                index + 1
            ),
            Err(_a_name) => {
                format!("column {index} of its answer is not of the type that the profile expects")
            }
        }),
        sqlx::Error::ColumnIndexOutOfBounds { index, len } => {
            of_column(format!("its answer has no column {}: it has {len}", index + 1))
        }
        sqlx::Error::ColumnNotFound(name) => of_column(format!("its answer has no column {name}")),
        sqlx::Error::Decode(_) => {
            of_column("a value of its answer is not of the type that the profile expects".to_owned())
        }
        sqlx::Error::Protocol(_) => other(endpoint, "an answer that is not PostgreSQL's"),
        _ => other(endpoint, "an error that the driver does not explain"),
    }
}

/// A column of an answer is another one than the profile says; the driver's own words name its types.
fn of_column(what: String) -> Problem {
    Problem::new(ProblemKind::Schema, what).advise("check that the profile fits this version of the service")
}

fn server_error(error: &sqlx::Error) -> Option<&PgDatabaseError> {
    match error {
        sqlx::Error::Database(error) => error.try_downcast_ref::<PgDatabaseError>(),
        _ => None,
    }
}

fn other(endpoint: &Endpoint, what: &str) -> Problem {
    Problem::new(ProblemKind::ServerError, format!("{endpoint} gave {what}"))
        .advise("check that a PostgreSQL server listens at that host and port")
}

fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// Puts an error of the socket into words.
pub(super) fn explain_io(error: &io::Error, endpoint: &Endpoint) -> Problem {
    if let Some(error) = tls_error(error) {
        return explain_tls(error, endpoint);
    }
    // the standard library has no kind for a failed look-up
    if error.to_string().starts_with("failed to lookup address") {
        let what = format!("the host name {} can't be resolved", endpoint.host);
        return Problem::new(ProblemKind::Dns, &what).advise(
            "if it is a name inside the cluster, open a tunnel and set database.host and database.port",
        );
    }
    match error.kind() {
        io::ErrorKind::NotFound if !endpoint.host.starts_with('/') => Problem::new(
            ProblemKind::Configuration,
            format!("the temporary directory for the connection to {endpoint} is missing"),
        )
        .advise("set TMPDIR to a directory that exists and is not cleaned, then start sopwatch again"),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => Problem::new(
            ProblemKind::Refused,
            format!("connection refused: nothing listens at {endpoint}"),
        )
        .advise("check that the database is up, and the tunnel if you use one"),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Problem::new(ProblemKind::Refused, format!("there is no route to {endpoint}"))
                .advise("open a tunnel and set database.host and database.port")
        }
        io::ErrorKind::TimedOut => {
            Problem::new(ProblemKind::Frozen, format!("{endpoint} gave no answer in time"))
        }
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::NotConnected
        | io::ErrorKind::UnexpectedEof => Problem::new(
            ProblemKind::Reset,
            format!("the connection to {endpoint} was cut"),
        ),
        kind => Problem::new(
            ProblemKind::ServerError,
            format!("the connection to {endpoint} failed: {kind}"),
        ),
    }
}

fn tls(endpoint: &Endpoint, why: &str) -> Problem {
    Problem::new(ProblemKind::Tls, format!("no TLS session with {endpoint}: {why}"))
}

fn no_tls(endpoint: &Endpoint) -> Problem {
    tls(endpoint, "the server does not speak TLS").advise(
        "if plain text is acceptable here, set database.tls = \"none\" in the configuration (sslmode=disable in a URL)",
    )
}

fn explain_tls(error: &rustls::Error, endpoint: &Endpoint) -> Problem {
    let (fault, why) = fault(error);
    let problem = tls(endpoint, &why);
    match fault {
        TlsFault::Untrusted => problem.advise("put the CA certificate into the secret (db.ca_cert), or set sslrootcert"),
        TlsFault::OtherHost => problem.advise(
            "check the host; through a tunnel, set database.host and database.port and keep the secret's host",
        ),
        TlsFault::Expired | TlsFault::NotYetValid => {
            problem.advise("check this machine's clock; else the server needs a new certificate")
        }
        TlsFault::CaAsServer => problem.advise(
            "give that very certificate as CA (db.ca_cert, sslrootcert), or the server a certificate that is no CA",
        ),
        TlsFault::OldVersion => problem.advise(
            "make the server a version 3 certificate with a subjectAltName; sslmode=require takes this one unverified",
        ),
        TlsFault::OurCertificate => {
            problem.advise("check sslcert and sslkey (PGSSLCERT, PGSSLKEY, or ~/.postgresql) and the server's CA")
        }
        TlsFault::NothingInCommon => problem.advise("the server, or a proxy before it, is too old: update it"),
        TlsFault::NotTls => problem.advise("check host and port"),
        TlsFault::Other => problem,
    }
}

/// Puts a server's error into words, by SQLSTATE (PostgreSQL documentation, appendix A).
fn explain_server(code: &str, message: &str, endpoint: &Endpoint) -> Problem {
    let message: String = message.chars().take(MESSAGE_LIMIT).collect();
    let said = format!("{message} ({code})");
    let at_endpoint = format!("{endpoint}: {said}");
    let plain_text = message.contains("no encryption") || message.contains("SSL off");
    // PgBouncer has no SQLSTATE of its own for a full house
    let is_full =
        message.contains("no more connections allowed") || message.contains("remaining connection slots");
    // PgBouncer answers most things with this one
    let of_pooler = code == "08P01";
    let refuses_user = [
        "password authentication failed",
        "SASL authentication failed",
        "no such user",
    ]
    .iter()
    .any(|words| message.contains(words));
    match code {
        "28000" if plain_text => {
            tls(endpoint, &said).advise("set database.tls = \"require\" in the configuration")
        }
        "28000" if message.contains("client certificate") => {
            tls(endpoint, &said).advise("set sslcert and sslkey (PGSSLCERT, PGSSLKEY, or ~/.postgresql)")
        }
        // The pooler's own password for the server behind it: ours was right.
        "08P01" if message.contains("server login failed") => {
            Problem::new(ProblemKind::ServerError, &at_endpoint)
                .advise("the pooler can't log in to the database behind it: tell whoever runs it")
        }
        _ if of_pooler && refuses_user => wrong_password(endpoint, &said),
        "28P01" | "28000" => wrong_password(endpoint, &said),
        _ if of_pooler && message.contains("no such database") => {
            Problem::new(ProblemKind::Configuration, &at_endpoint)
                .advise("correct the database's name in the credentials")
        }
        _ if of_pooler && message.contains("unsupported startup parameter") => {
            Problem::new(ProblemKind::Configuration, &at_endpoint).advise(
                "the pooler refuses settings of the session: take options out of the URL, and PGOPTIONS out of the environment",
            )
        }
        "3D000" => Problem::new(ProblemKind::Configuration, &at_endpoint)
            .advise("correct the database's name in the credentials"),
        "53300" => too_many(&at_endpoint),
        _ if is_full => too_many(&at_endpoint),
        "57P01" | "57P02" | "57P03" => Problem::new(ProblemKind::Starting, &at_endpoint),
        "57P05" | "25P03" => Problem::new(ProblemKind::Reset, &at_endpoint),
        "55P03" => Problem::new(ProblemKind::Locked, &said).advise(
            "another session holds an exclusive lock, such as a migration: see pg_locks and pg_stat_activity",
        ),
        "57014" => Problem::new(ProblemKind::SlowStatement, &said),
        "42501" => Problem::new(ProblemKind::Schema, &said)
            .advise(format!("grant select to {}, or use another role", endpoint.user)),
        _ if code.starts_with("42") => Problem::new(ProblemKind::Schema, &said)
            .advise("check the database's name, and that the profile fits this version of the service"),
        _ => Problem::new(ProblemKind::ServerError, &at_endpoint),
    }
}

fn wrong_password(endpoint: &Endpoint, said: &str) -> Problem {
    let what = format!(
        "{endpoint} refuses user {} of {}: {said}",
        endpoint.user, endpoint.origin
    );
    let problem = Problem::new(ProblemKind::WrongPassword, &what);
    match &endpoint.open_passfile {
        Some(path) => problem.advise(format!(
            "{path} is ignored because others may read it: chmod 600 {path}"
        )),
        None => problem.advise("Was the password rotated? sopwatch rereads the secret and keeps trying"),
    }
}

fn too_many(what: &str) -> Problem {
    Problem::new(ProblemKind::TooManyConnections, what)
        .advise("see pg_stat_activity for the sessions that hold them; sopwatch needs one")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pooler_s_refusals_are_told_apart() {
        use ProblemKind as Kind;
        let cases = [
            ("password authentication failed", Kind::WrongPassword, "rotated"),
            ("SASL authentication failed", Kind::WrongPassword, "rotated"),
            ("no such user: oncall", Kind::WrongPassword, "rotated"),
            ("no such database: x", Kind::Configuration, "database's name"),
            (
                "server login failed: FATAL password authentication failed for user \"app\"",
                Kind::ServerError,
                "behind it",
            ),
            (
                "unsupported startup parameter: options",
                Kind::Configuration,
                "PGOPTIONS",
            ),
        ];
        for (message, kind, advice) in cases {
            let problem = explain_server("08P01", message, &endpoint());
            assert_eq!(problem.kind, kind, "{message}");
            assert!(problem.advice.unwrap_or_default().contains(advice), "{message}");
        }
        let other = explain_server("XX000", "password authentication failed", &endpoint());
        assert_eq!(other.kind, Kind::ServerError);
    }

    fn endpoint() -> Endpoint {
        let credentials =
            Credentials::new("db.example", 5432, "managed-services-api", "oncall", "secret rds");
        Endpoint::new("db.example", 5432, &credentials)
    }

    #[test]
    fn server_errors_are_told_apart() {
        use ProblemKind as Kind;
        let cases = [
            (
                "28P01",
                "password authentication failed for user \"oncall\"",
                Kind::WrongPassword,
            ),
            (
                "28000",
                "role \"oncall\" is not permitted to log in",
                Kind::WrongPassword,
            ),
            (
                "28000",
                "no pg_hba.conf entry for host \"::1\", user \"u\", database \"d\", no encryption",
                Kind::Tls,
            ),
            ("3D000", "database \"x\" does not exist", Kind::Configuration),
            (
                "53300",
                "sorry, too many clients already",
                Kind::TooManyConnections,
            ),
            (
                "FATAL",
                "remaining connection slots are reserved",
                Kind::TooManyConnections,
            ),
            (
                "08P01",
                "no more connections allowed (max_client_conn)",
                Kind::TooManyConnections,
            ),
            ("57P03", "the database system is starting up", Kind::Starting),
            (
                "57P01",
                "terminating connection due to administrator command",
                Kind::Starting,
            ),
            ("55P03", "canceling statement due to lock timeout", Kind::Locked),
            (
                "57014",
                "canceling statement due to statement timeout",
                Kind::SlowStatement,
            ),
            ("42P01", "relation \"clusters\" does not exist", Kind::Schema),
            ("42703", "column \"status\" does not exist", Kind::Schema),
            ("42501", "permission denied for table clusters", Kind::Schema),
            (
                "25006",
                "cannot execute INSERT in a read-only transaction",
                Kind::ServerError,
            ),
            ("XX000", "something else", Kind::ServerError),
        ];
        for (code, message, kind) in cases {
            let problem = explain_server(code, message, &endpoint());
            assert_eq!(problem.kind, kind, "{code} {message}");
            assert!(problem.what.contains(message), "{}", problem.what);
            assert!(!problem.what.ends_with('.'), "{}", problem.what);
        }
    }

    #[test]
    fn socket_errors_are_told_apart() {
        let lookup = "failed to lookup address information: Name or service not known";
        let untrusted = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let cases = [
            (
                io::Error::from(io::ErrorKind::ConnectionRefused),
                ProblemKind::Refused,
            ),
            (
                io::Error::from(io::ErrorKind::HostUnreachable),
                ProblemKind::Refused,
            ),
            (
                io::Error::from(io::ErrorKind::ConnectionReset),
                ProblemKind::Reset,
            ),
            (io::Error::from(io::ErrorKind::UnexpectedEof), ProblemKind::Reset),
            (io::Error::from(io::ErrorKind::TimedOut), ProblemKind::Frozen),
            (
                io::Error::from(io::ErrorKind::NotFound),
                ProblemKind::Configuration,
            ),
            (io::Error::other(lookup), ProblemKind::Dns),
            (
                io::Error::new(io::ErrorKind::InvalidData, untrusted),
                ProblemKind::Tls,
            ),
        ];
        for (error, kind) in cases {
            let problem = explain_io(&error, &endpoint());
            assert_eq!(problem.kind, kind, "{error}");
            assert!(problem.what.contains("db.example"), "{}", problem.what);
        }
    }

    #[test]
    fn a_column_that_is_not_as_expected_is_named_without_the_drivers_types() {
        let source = || "mismatched types; Rust type `i64` is not compatible with SQL type `TEXT`".into();
        let column = |index: &str| sqlx::Error::ColumnDecode {
            index: index.to_owned(),
            source: source(),
        };
        let cases = [
            (column("2"), "column 3 of its answer is not of the type"),
            (column("age"), "column age of its answer is not of the type"),
            (
                sqlx::Error::ColumnIndexOutOfBounds { index: 4, len: 4 },
                "its answer has no column 5: it has 4",
            ),
            (
                sqlx::Error::ColumnNotFound("age".to_owned()),
                "its answer has no column age",
            ),
            (sqlx::Error::Decode(source()), "a value of its answer"),
        ];
        for (error, words) in cases {
            let problem = explain(&error, &endpoint());
            assert_eq!(problem.kind, ProblemKind::Schema);
            assert!(problem.what.contains(words), "{problem}");
            assert!(!problem.what.contains("i64"), "{problem}");
            assert!(
                problem
                    .advice
                    .is_some_and(|advice| advice.contains("fits this version"))
            );
        }
    }

    #[test]
    fn a_servers_message_can_not_reach_the_terminal_as_it_is() {
        let problem = explain_server("XX000", "\u{1b}[31mred", &endpoint());
        assert!(!problem.what.contains('\u{1b}'));
    }
}
