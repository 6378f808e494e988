//! The server before real clients: sqlx, as the console uses it, and psql where it is installed.

use std::os::unix::fs::PermissionsExt;
use std::process::Output;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{ConnectOptions, Connection, Executor, Row};

use super::virtual_time;
use crate::clock::Clock;
use crate::database::*;
use crate::patience::Deadline;
use crate::tools;

pub const PASSWORD: &str = "p/a:s@s %w#rd";

fn credentials() -> Credentials {
    Credentials {
        user: "managed_services_ro".into(),
        password: PASSWORD.into(),
        database: "managed-services-api".into(),
    }
}

/// A server and the folder of its socket.
pub struct TestServer {
    server: DatabaseServer,
    folder: tempfile::TempDir,
}

impl std::ops::Deref for TestServer {
    type Target = DatabaseServer;

    fn deref(&self) -> &DatabaseServer {
        &self.server
    }
}

pub async fn server() -> TestServer {
    let now = "2021-01-15T13:24:01.5Z".parse().unwrap();
    let seed: SeedRows = toml::from_str(
        "clusters = [{ idle = \"80d\" }, { status = \"cluster_accepted\", idle = \"7m11s\" }]\n\
         kafkas = [{ idle = \"3d\", count = 3 }, { status = \"\", idle = \"1h\" }]",
    )
    .unwrap();
    let tables = Arc::new(Mutex::new(Tables::seeded(&seed, now)));
    let folder = tempfile::tempdir().unwrap();
    let server =
        DatabaseServer::start(tables, Clock::starting_at(now, 1.0), credentials(), folder.path()).await;
    TestServer {
        server: server.unwrap(),
        folder,
    }
}

fn options(server: &DatabaseServer) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(server.port())
        .username("managed_services_ro")
        .password(PASSWORD)
        .database("managed-services-api")
        .application_name("sopwatch")
        .ssl_mode(PgSslMode::Prefer)
        .disable_statement_logging()
}

/// The same over the server's Unix socket.
fn by_socket(server: &TestServer) -> PgConnectOptions {
    options(server).host(server.folder.path().to_str().unwrap())
}

async fn connect(server: &DatabaseServer) -> PgConnection {
    PgConnection::connect_with(&options(server)).await.unwrap()
}

fn code(error: &sqlx::Error) -> String {
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .map_or_else(|| error.to_string(), std::borrow::Cow::into_owned)
}

async fn refused(options: PgConnectOptions) -> String {
    code(&PgConnection::connect_with(&options).await.unwrap_err())
}

async fn setting(connection: &mut PgConnection, name: &'static str) -> String {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("show {name}")))
        .fetch_one(connection)
        .await
        .unwrap();
    row.get(0)
}

#[tokio::test]
async fn sqlx_reads_every_type_in_binary() {
    let server = server().await;
    let mut connection = connect(&server).await;
    let row = sqlx::query(
        "select count(*), 1.5::float8, true, 'x'::text, nullif(1, 1), clock_timestamp()::text, \
         extract(epoch from now())::float8, 7::int, floor(extract(epoch from interval '1 min'))::bigint",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();
    assert_eq!(row.get::<i64, _>(0), 1);
    assert!((row.get::<f64, _>(1) - 1.5).abs() < f64::EPSILON);
    assert!(row.get::<bool, _>(2));
    assert_eq!(row.get::<String, _>(3), "x");
    assert_eq!(row.get::<Option<i32>, _>(4), None);
    assert!(row.get::<String, _>(5).starts_with("2021-01-15 13:24:0"));
    assert!((row.get::<f64, _>(6) - 1_610_717_041.5).abs() < 60.0);
    assert_eq!(row.get::<i32, _>(7), 7);
    assert_eq!(row.get::<i64, _>(8), 60);
}

#[tokio::test]
async fn sqlx_binds_parameters() {
    let server = server().await;
    let mut connection = connect(&server).await;
    let rows = sqlx::query("select name from kafka_requests where status = $1 order by name limit $2")
        .bind("ready")
        .bind(2_i64)
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let names: Vec<String> = rows.iter().map(|row| row.get("name")).collect();
    assert_eq!(names, ["kafka-1", "kafka-2"]);
    let row = sqlx::query("select count(*) as n from clusters where status = any($1) and multi_az = $2")
        .bind(vec!["ready".to_owned(), "failed".to_owned()])
        .bind(true)
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(row.get::<i64, _>("n"), 1);
    // the same prepared statement again, with other values
    for (limit, expected) in [(1_i64, 1), (50, 2)] {
        let rows = sqlx::query("select id from clusters limit $1")
            .bind(limit)
            .fetch_all(&mut connection)
            .await
            .unwrap();
        assert_eq!(rows.len(), expected);
    }
}

#[tokio::test]
async fn startup_options_are_honoured_and_shown() {
    let server = server().await;
    let options = options(&server).options([
        ("default_transaction_read_only", "on"),
        ("statement_timeout", "5000"),
        ("lock_timeout", "1000"),
        ("idle_in_transaction_session_timeout", "10000"),
    ]);
    let mut connection = PgConnection::connect_with(&options).await.unwrap();
    for (name, expected) in [
        ("statement_timeout", "5s"),
        ("lock_timeout", "1s"),
        ("idle_in_transaction_session_timeout", "10s"),
        ("transaction_read_only", "on"),
        ("application_name", "sopwatch"),
    ] {
        assert_eq!(setting(&mut connection, name).await, expected, "{name}");
    }
    let error = connection
        .execute("update clusters set status = 'x'")
        .await
        .unwrap_err();
    assert_eq!(code(&error), "25006");
    let mut connection = connect(&server).await;
    let error = connection
        .execute("update clusters set status = 'x'")
        .await
        .unwrap_err();
    assert_eq!(code(&error), "42501");
}

#[tokio::test]
async fn a_read_only_transaction_freezes_now_and_refuses_after_an_error() {
    let server = server().await;
    let mut connection = connect(&server).await;
    let mut transaction = connection.begin_with("BEGIN READ ONLY").await.unwrap();
    transaction
        .execute("set local statement_timeout = '3s'")
        .await
        .unwrap();
    let times = "select now()::text, clock_timestamp()::text";
    let first = sqlx::query(times).fetch_one(&mut *transaction).await.unwrap();
    let second = sqlx::query(times).fetch_one(&mut *transaction).await.unwrap();
    assert_eq!(first.get::<String, _>(0), second.get::<String, _>(0));
    assert_ne!(first.get::<String, _>(1), second.get::<String, _>(1));
    assert_eq!(setting(&mut transaction, "statement_timeout").await, "3s");
    let error = transaction
        .execute("select nope from clusters")
        .await
        .unwrap_err();
    assert_eq!(code(&error), "42703");
    let error = transaction.execute("select 1").await.unwrap_err();
    assert_eq!(code(&error), "25P02");
    transaction.rollback().await.unwrap();
    assert_eq!(setting(&mut connection, "statement_timeout").await, "0");
}

#[tokio::test]
async fn a_refused_login_says_why() {
    let server = server().await;
    assert_eq!(refused(options(&server).password("wrong")).await, "28P01");
    assert_eq!(refused(options(&server).username("nobody")).await, "28P01");
    assert_eq!(refused(options(&server).database("postgres")).await, "3D000");
    assert_eq!(
        refused(options(&server).options([("no_such_parameter", "1")])).await,
        "42704"
    );
}

#[tokio::test]
async fn faults_of_new_connections_heal() {
    let server = server().await;
    for (fault, expected) in [
        (DatabaseFault::WrongPassword, "28P01"),
        (DatabaseFault::TooManyConnections, "53300"),
        (DatabaseFault::Starting, "57P03"),
    ] {
        server.set_fault(Some(fault));
        assert_eq!(refused(options(&server)).await, expected, "{fault:?}");
        server.set_fault(None);
        connect(&server).await.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_closed_port_opens_again_with_the_same_number() {
    let server = server().await;
    let mut open = connect(&server).await;
    server.set_fault(Some(DatabaseFault::Refused));
    assert!(open.execute("select 1").await.is_err(), "open sessions are cut");
    let refuses = Deadline::until("the port refuses");
    let error = loop {
        // the listener goes a moment after the fault was set
        match PgConnection::connect_with(&options(&server)).await {
            Err(sqlx::Error::Io(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                break error;
            }
            _ => refuses.pause_task().await,
        }
    };
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    server.set_fault(None);
    let listens = Deadline::until("the port listens again");
    let mut again = loop {
        match PgConnection::connect_with(&options(&server)).await {
            Ok(connection) => break connection,
            Err(_) => listens.pause_task().await,
        }
    };
    again.execute("select 1").await.unwrap();
}

#[tokio::test]
async fn sessions_of_a_server_that_stops_get_an_error() {
    let server = server().await;
    for fault in [DatabaseFault::Refused, DatabaseFault::Starting] {
        let mut open = connect(&server).await;
        server.set_fault(Some(fault));
        assert_eq!(code(&open.execute("select 1").await.unwrap_err()), "57P01");
        server.set_fault(None);
        let deadline = Deadline::until("the server takes sessions again");
        while PgConnection::connect_with(&options(&server)).await.is_err() {
            deadline.pause_task().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_unix_socket_leads_to_the_same_database() {
    let server = server().await;
    let path = server.socket().unwrap().to_owned();
    assert_eq!(path.parent(), Some(server.folder.path()));
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o700
    );
    let mut connection = PgConnection::connect_with(&by_socket(&server)).await.unwrap();
    // an hour of its clock, in no time
    let began = tokio::time::Instant::now();
    connection.execute("select pg_sleep(3600)").await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 3600);
    server.set_fault(Some(DatabaseFault::Refused));
    // the listener shuts a moment after the fault was set
    let shut = Deadline::until("the socket is gone");
    while path.exists() {
        shut.check();
        tokio::task::yield_now().await;
    }
    server.set_fault(None);
    let open = Deadline::until("the socket is there again");
    while !path.exists() {
        open.check();
        tokio::task::yield_now().await;
    }
    PgConnection::connect_with(&by_socket(&server)).await.unwrap();
}

#[tokio::test]
async fn a_cut_ends_open_sessions_once() {
    let server = server().await;
    let mut open = connect(&server).await;
    server.set_fault(Some(DatabaseFault::Cut));
    server.set_fault(None);
    until_cut(&mut open).await;
    connect(&server).await.execute("select 1").await.unwrap();
}

#[tokio::test]
async fn a_lock_is_waited_for_as_long_as_the_session_allows() {
    let server = server().await;
    let mut connection = connect(&server).await;
    server.set_fault(Some(DatabaseFault::LockWait));
    connection.execute("set lock_timeout = '50ms'").await.unwrap();
    let error = connection
        .execute("select count(*) from clusters")
        .await
        .unwrap_err();
    assert_eq!(code(&error), "55P03");
    connection
        .execute("set lock_timeout = 0; set statement_timeout = '50ms'")
        .await
        .unwrap();
    let error = connection
        .execute("select count(*) from clusters")
        .await
        .unwrap_err();
    assert_eq!(code(&error), "57014");
    connection
        .execute("select 1")
        .await
        .expect("what needs no table is answered");
    connection.execute("set statement_timeout = 0").await.unwrap();
    let (answer, ()) = tokio::join!(connection.execute("select count(*) from clusters"), async {
        tokio::task::yield_now().await;
        server.set_fault(None);
    });
    answer.unwrap();
}

#[tokio::test]
async fn a_statement_is_cancelled_at_its_timeout() {
    let server = server().await;
    let mut connection = connect(&server).await;
    connection.execute("set statement_timeout = 30").await.unwrap();
    let error = connection.execute("select pg_sleep(8)").await.unwrap_err();
    assert_eq!(code(&error), "57014");
    connection.execute("select pg_sleep(0)").await.unwrap();
}

#[test]
fn a_stalled_server_answers_nobody_until_it_heals() {
    virtual_time::run(|_| async {
        let server = server().await;
        let minute = Duration::from_mins(1);
        let connect = || async { PgConnection::connect_with(&by_socket(&server)).await.unwrap() };
        let mut open = connect().await;
        assert!(
            tokio::time::timeout(minute, connect()).await.is_ok(),
            "a new session is answered"
        );
        server.set_fault(Some(DatabaseFault::Stalled));
        assert!(
            tokio::time::timeout(minute, connect()).await.is_err(),
            "no new session is answered"
        );
        {
            let query = open.execute("select 1");
            tokio::pin!(query);
            assert!(
                tokio::time::timeout(minute, &mut query).await.is_err(),
                "no open one either"
            );
            server.set_fault(None);
            query.await.unwrap();
        }
        connect().await.ping().await.unwrap();
    });
}

#[tokio::test]
async fn sessions_end_with_the_server() {
    let server = server().await;
    let mut open = connect(&server).await;
    drop(server);
    until_cut(&mut open).await;
}

/// Asks until the session is cut.
async fn until_cut(session: &mut PgConnection) {
    let deadline = Deadline::until("the session is cut");
    while session.execute("select 1").await.is_ok() {
        deadline.pause_task().await;
    }
}

/// psql against the server, or nothing where psql is not installed.
async fn psql(server: &DatabaseServer, arguments: &[&str], input: &str) -> Option<Output> {
    if !tools::has("psql") {
        return None;
    }
    let mut command = tokio::process::Command::new("psql");
    command
        .args([
            "--no-psqlrc",
            "-h",
            "127.0.0.1",
            "-p",
            &server.port().to_string(),
            "-U",
            "managed_services_ro",
        ])
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("PGPASSWORD", PASSWORD)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stdin, input.as_bytes())
        .await
        .unwrap();
    drop(stdin);
    Some(child.wait_with_output().await.unwrap())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn psql_shows_the_sops_queries() {
    let server = server().await;
    let script = "\\c managed-services-api\n\
        select status,  to_char(now() - updated_at,'HH24:MI') idle_time, count(1) from clusters group by status, to_char(now() - updated_at,'HH24:MI');\n\
        select status, to_char(now() - updated_at,'HH24:MI'), count(1) from kafka_requests group by status, to_char(now() - updated_at,'HH24:MI');\n";
    let Some(output) = psql(&server, &["managed-services-api"], script).await else {
        return;
    };
    let expected =
        "You are now connected to database \"managed-services-api\" as user \"managed_services_ro\".
      status      | idle_time | count 
------------------+-----------+-------
 ready            | 00:00     |     1
 cluster_accepted | 00:07     |     1
(2 rows)

 status | to_char | count 
--------+---------+-------
 ready  | 00:00   |     3
        | 01:00   |     1
(2 rows)

";
    assert_eq!(text(&output.stderr), "");
    assert_eq!(text(&output.stdout), expected);
}

#[tokio::test]
async fn psql_shows_errors_as_of_a_real_server() {
    let server = server().await;
    let script = "update clusters set status='x';\nselect * from nope;\nset default_transaction_read_only = on;\n\
        update clusters set status='x';\n\\du\nselect lease_type, leader, expires from leader_leases;\n";
    let Some(output) = psql(&server, &["managed-services-api"], script).await else {
        return;
    };
    let errors = text(&output.stderr);
    let recorded = "ERROR:  permission denied for table clusters\nERROR:  relation \"nope\" does not exist\nLINE 1: select * from nope;\n                      ^\nERROR:  cannot execute UPDATE in a read-only transaction\nERROR:  the drill's database does not answer";
    assert!(errors.starts_with(recorded), "{errors}");
    assert!(
        text(&output.stdout).contains(" lease_type | leader |         expires          \n"),
        "{}",
        text(&output.stdout)
    );
}

#[tokio::test]
async fn psql_is_refused_with_the_recorded_words() {
    let server = server().await;
    server.set_fault(Some(DatabaseFault::WrongPassword));
    let Some(output) = psql(&server, &["managed-services-api"], "").await else {
        return;
    };
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(
        said.ends_with("failed: FATAL:  password authentication failed for user \"managed_services_ro\"\n"),
        "{said}"
    );
}

#[tokio::test]
async fn psql_runs_several_statements_at_once() {
    let server = server().await;
    let script = "begin read only; select 1 as one; commit; select 2 as two";
    let Some(output) = psql(&server, &["managed-services-api", "-At", "-c", script], "").await else {
        return;
    };
    assert_eq!(
        (text(&output.stdout).as_str(), text(&output.stderr).as_str()),
        ("BEGIN\n1\nCOMMIT\n2\n", "")
    );
}
