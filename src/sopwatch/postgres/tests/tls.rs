//! TLS as the server and the credentials allow it.

use super::console::{Console, options, secret_with};
use super::postgres::{Postgres, TLS_HOST};
use crate::net::tls::TlsMode;
use crate::postgres::DatabaseOptions;
use sopwatch_core::observe::source::ProblemKind;

/// Options that lead through a tunnel whose near end is the server.
fn tunnel(server: &Postgres, tls: Option<TlsMode>) -> DatabaseOptions {
    DatabaseOptions {
        host: Some("127.0.0.1".into()),
        port: Some(server.port()),
        tls,
        ..options()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tunnel_is_verified_against_the_host_of_the_secret() {
    let Some(server) = Postgres::start() else { return };
    let secret = secret_with(&server, &[("db.host", TLS_HOST), ("db.port", "5432")]);
    let mut console = Console::start(tunnel(&server, None), Some(&secret));
    let connection = console.connection().await;
    assert_eq!(&*connection.tls, "verify-full");
    assert_eq!((&*connection.host, connection.port), ("127.0.0.1", server.port()));
    console.reading().await;
    console.stop().await;

    let secret = secret_with(&server, &[("db.host", "elsewhere.example")]);
    let mut console = Console::start(tunnel(&server, None), Some(&secret));
    let problem = console.problem().await;
    assert_eq!(problem.kind, ProblemKind::Tls, "{problem:?}");
    assert!(problem.what.contains("not for elsewhere.example"), "{problem:?}");
    console.stop().await;

    server.stop();
    let mut console = Console::start(tunnel(&server, None), Some(&secret));
    assert_eq!(console.problem().await.kind, ProblemKind::Refused);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_authority_is_refused_when_asked_and_shown_when_not() {
    let Some(server) = Postgres::start() else { return };
    let without_ca = secret_with(&server, &[("db.host", TLS_HOST), ("db.ca_cert", "")]);
    let mut console = Console::start(tunnel(&server, None), Some(&without_ca));
    assert_eq!(&*console.connection().await.tls, "require");
    console.reading().await;
    console.stop().await;

    for mode in [TlsMode::VerifyFull, TlsMode::VerifyCa] {
        let mut console = Console::start(tunnel(&server, Some(mode)), Some(&without_ca));
        let problem = console.problem().await;
        assert_eq!(problem.kind, ProblemKind::Tls, "{problem:?}");
        assert!(
            problem.what.contains("not trusted") && problem.advice.is_some(),
            "{problem:?}"
        );
        console.stop().await;
    }
    let with_ca = secret_with(&server, &[("db.host", "elsewhere.example")]);
    let mut console = Console::start(tunnel(&server, Some(TlsMode::VerifyCa)), Some(&with_ca));
    assert_eq!(&*console.connection().await.tls, "verify-ca");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_tls_gets_no_password_unless_that_is_allowed() {
    let Some(server) = Postgres::start() else { return };
    server.set_tls(false);
    for (secret, mode) in [
        (secret_with(&server, &[]), None),
        (
            secret_with(&server, &[("db.ca_cert", "")]),
            Some(TlsMode::Require),
        ),
    ] {
        let options = DatabaseOptions {
            tls: mode,
            ..options()
        };
        let mut console = Console::start(options, Some(&secret));
        let problem = console.problem().await;
        assert_eq!(problem.kind, ProblemKind::Tls, "{problem:?}");
        let advice = problem.advice.unwrap_or_default();
        assert!(advice.contains("database.tls = \"none\""), "{advice}");
        console.stop().await;
    }
    let secret = secret_with(&server, &[("db.ca_cert", "")]);
    for mode in [None, Some(TlsMode::Prefer), Some(TlsMode::Disable)] {
        let options = DatabaseOptions {
            tls: mode,
            ..options()
        };
        let mut console = Console::start(options, Some(&secret));
        assert_eq!(&*console.connection().await.tls, "none", "{mode:?}");
        console.reading().await;
        console.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unix_socket_needs_no_tls() {
    let Some(server) = Postgres::start() else { return };
    let directory = server.socket_directory().to_string_lossy().into_owned();
    let secret = secret_with(&server, &[("db.host", &directory), ("db.ca_cert", "")]);
    let mut console = Console::start(options(), Some(&secret));
    assert_eq!(&*console.connection().await.tls, "none");
    console.reading().await;
    console.stop().await;
}
