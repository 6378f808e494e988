//! Errors of the database as problems for the operator.
//!
//! No text here is taken from connection options; a server's own message is shown, since a server never sees a password in a
//! message it would repeat.

use std::fmt;
use std::io;
use std::time::Duration;

use rustls::CertificateError;
use sqlx::postgres::{PgDatabaseError, PgSeverity};

use super::credentials::Credentials;
use sopwatch_core::observe::source::{Problem, ProblemKind};

/// The longest message of a server that is shown, characters.
const MESSAGE_LIMIT: usize = 300;
/// What the driver says when the server answers that it has no TLS.
const NO_TLS: &str = "server does not support TLS";

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

/// Whether the server has no TLS at all.
pub(super) fn is_no_tls(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Tls(inner) if inner.to_string() == NO_TLS)
}

/// Whether TLS was spoken and the certificate was found wanting.
pub(super) fn is_certificate(error: &sqlx::Error) -> bool {
    let in_io = match error {
        sqlx::Error::Io(error) => tls_error(error),
        _ => None,
    };
    matches!(in_io, Some(rustls::Error::InvalidCertificate(_)))
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
        sqlx::Error::Tls(_) if is_no_tls(error) => no_tls(endpoint),
        sqlx::Error::Tls(inner) => tls(endpoint, &inner.to_string()),
        sqlx::Error::Database(_) => match server_error(error) {
            Some(error) => explain_server(error.code(), error.message(), endpoint),
            None => other(endpoint, "an unknown error"),
        },
        sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::ColumnIndexOutOfBounds { .. }
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::Decode(_) => Problem::new(
            ProblemKind::Schema,
            "a column is not of the type that the profile expects",
        ),
        sqlx::Error::Configuration(_) => Problem::new(
            ProblemKind::Configuration,
            "PGSSLCERT and PGSSLKEY have to name a certificate and its key",
        ),
        sqlx::Error::Protocol(_) => other(endpoint, "an answer that is not PostgreSQL's"),
        _ => other(endpoint, "an error that the driver does not explain"),
    }
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
            format!("a file that the connection to {endpoint} needs is missing"),
        )
        .advise("check PGSSLCERT, PGSSLKEY and TMPDIR"),
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
        "if plain text is acceptable here, set database.tls = \"disable\" in the configuration (sslmode=disable in a URL)",
    )
}

fn explain_tls(error: &rustls::Error, endpoint: &Endpoint) -> Problem {
    let rustls::Error::InvalidCertificate(certificate) = error else {
        return tls(endpoint, &error.to_string());
    };
    match certificate {
        CertificateError::UnknownIssuer => tls(endpoint, "its certificate is of an authority that is not trusted")
            .advise("put the CA certificate into the secret (db.ca_cert), or set sslrootcert"),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            tls(endpoint, "its certificate is for another host").advise(
                "check the host; through a tunnel, set database.host and database.port and keep the secret's host",
            )
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            tls(endpoint, "its certificate has expired")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            tls(endpoint, "its certificate is not valid yet").advise("check this machine's clock")
        }
        _ => tls(endpoint, "its certificate is not valid"),
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
    match code {
        "28000" if plain_text => {
            tls(endpoint, &said).advise("set database.tls = \"require\" in the configuration")
        }
        "28P01" | "28000" => Problem::new(
            ProblemKind::WrongPassword,
            format!(
                "{endpoint} refuses user {} of {}: {said}",
                endpoint.user, endpoint.origin
            ),
        )
        .advise("Was the password rotated? sopwatch rereads the secret and keeps trying"),
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

fn too_many(what: &str) -> Problem {
    Problem::new(ProblemKind::TooManyConnections, what)
        .advise("see pg_stat_activity for the sessions that hold them; sopwatch needs one")
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let untrusted = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
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
    fn a_servers_message_can_not_reach_the_terminal_as_it_is() {
        let problem = explain_server("XX000", "\u{1b}[31mred", &endpoint());
        assert!(!problem.what.contains('\u{1b}'));
    }
}
