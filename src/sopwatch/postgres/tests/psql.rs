//! What `psql` connects to and reads, and so do we.

use std::os::unix::fs::PermissionsExt;

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use secrecy::SecretString;

use super::console::{Console, of_table, options, profile, statuses, variables};
use super::postgres::{DATABASE, PASSWORD, Postgres, USER};
use crate::postgres::{DatabaseOptions, UrlOrigin};
use sopwatch_core::observe::source::ProblemKind;

const V1: &str = include_str!("../../kubernetes/tests/certificates/v1.pem");
const V1_KEY: &str = include_str!("../../kubernetes/tests/certificates/v1.key");

/// A password as a URL holds it.
pub(super) fn encoded(text: &str) -> String {
    let bytes: Vec<_> = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
    bytes.concat()
}

fn with_url(url: &str) -> DatabaseOptions {
    DatabaseOptions {
        url: Some((SecretString::from(url), UrlOrigin::Environment)),
        ..options()
    }
}

/// Options with a URL that ends in this, after user and password.
fn url(rest: &str) -> DatabaseOptions {
    with_url(&format!("postgres://{USER}:{}@{rest}", encoded(PASSWORD)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_of_several_hosts_that_answers_and_will_do_is_taken() {
    let Some(server) = Postgres::start() else { return };
    let port = server.port();
    let socket = encoded(&server.socket_directory().display().to_string());
    let cases = [
        format!("127.0.0.1:1,127.0.0.1:{port}/{DATABASE}"),
        format!("nowhere.invalid,127.0.0.1/{DATABASE}?port={port}&target_session_attrs=primary"),
        format!("127.0.0.1:1,127.0.0.1:{port}/{DATABASE}?target_session_attrs=prefer-standby"),
        format!("127.0.0.1:{port}/{DATABASE}?target_session_attrs=read-write&connect_timeout=3"),
        format!("/{DATABASE}?host=127.0.0.1&port={port}"),
        format!("nowhere.invalid:{port}/{DATABASE}?hostaddr=127.0.0.1&sslmode=require"),
        format!("/?dbname={DATABASE}&host={socket}&port={port}"),
    ];
    for rest in cases {
        let mut console = Console::start(url(&rest), None);
        let connection = console.connection().await;
        assert_eq!(connection.port, port, "{rest}");
        console.reading().await;
        console.stop().await;
    }
    for (attrs, words) in [("standby", "is not a standby"), ("read-only", "is not read-only")] {
        let rest = format!("127.0.0.1:{port}/{DATABASE}?target_session_attrs={attrs}");
        let mut console = Console::start(url(&rest), None);
        let problem = console.problem().await;
        assert!(problem.what.contains(words), "{problem}");
        assert!(problem.advice.unwrap().contains("failover"));
        console.stop().await;
    }
    let named = variables(&[
        ("PGHOST", "127.0.0.1,127.0.0.1"),
        ("PGPORT", &format!("1,{port}")),
        ("PGUSER", USER),
        ("PGPASSWORD", PASSWORD),
        ("PGTARGETSESSIONATTRS", "primary"),
        ("PGCONNECT_TIMEOUT", "3"),
    ]);
    let by_variables = DatabaseOptions {
        variables: named,
        ..options()
    };
    let mut console = Console::start(by_variables, None);
    assert_eq!(console.connection().await.port, port);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn options_are_used_or_said_to_be_ignored() {
    let Some(server) = Postgres::start() else { return };
    server.execute(&format!(
        "create schema service; alter table clusters set schema service; grant usage on schema service to {USER}"
    ));
    let rest = format!(
        "127.0.0.1:{}/{DATABASE}?gssencmode=disable&channel_binding=prefer&keepalives_idle=30&options=-c%20search_path%3Dservice",
        server.port()
    );
    let mut console = Console::start(url(&rest), None);
    let connection = console.connection().await;
    assert_eq!(
        &*connection.origin,
        "SOPWATCH_DATABASE_URL (ignored: gssencmode, channel_binding, keepalives_idle)"
    );
    let reading = console.reading().await;
    assert!(!statuses(&reading, "clusters").is_empty());
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_infinite_time_and_other_types_take_no_table_away() {
    let Some(server) = Postgres::start() else { return };
    server.execute(
        "insert into clusters (id, created_at, updated_at, status) values
           ('c-for-ever', 'infinity', 'infinity', 'cluster_provisioning'),
           ('c-ever', '-infinity', '-infinity', 'cluster_accepted');
         create type kafka_status as enum ('accepted', 'provisioning', 'ready', 'failed');
         alter table kafka_requests alter status type kafka_status using status::kafka_status;
         alter table kafka_requests alter id type bigint using hashtext(id);
         alter table leader_leases alter lease_type type name;
         insert into leader_leases (id, leader, lease_type, expires) values ('l4', 'd4', 'ever', 'infinity')",
    );
    let rest = format!("127.0.0.1:{}/{DATABASE}", server.port());
    let mut console = Console::start_on(profile(), url(&rest), None);
    let reading = console.reading().await;
    let clusters = statuses(&reading, "clusters");
    let count = |status: &str| {
        clusters
            .iter()
            .find(|count| &*count.status == status)
            .map(|count| count.count)
    };
    assert_eq!(
        (count("cluster_provisioning"), count("cluster_accepted")),
        (Some(3), Some(2))
    );
    // The ages of the others are there.
    let accepted = clusters
        .iter()
        .find(|count| &*count.status == "cluster_accepted")
        .unwrap();
    assert!(
        accepted.oldest_s.is_some_and(|age| (600..700).contains(&age)),
        "{accepted:?}"
    );
    let kafkas = statuses(&reading, "kafka_requests");
    assert_eq!(kafkas.len(), 4, "{kafkas:?}");
    let leases = reading.leases.as_ref().unwrap();
    let ever = leases.iter().find(|lease| &*lease.lease_type == "ever").unwrap();
    assert!(ever.ttl_s > 86_400 * 365, "{ever:?}");
    let rows = console.rows_of("clusters", "cluster_provisioning").await;
    let rows = rows.rows.unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(
        rows.iter().filter(|row| row.idle_s.is_none()).count(),
        1,
        "{rows:?}"
    );
    let rows = console.rows_of("kafka_requests", "accepted").await.rows.unwrap();
    assert!(rows[0].id.parse::<i64>().is_ok(), "{rows:?}");
    assert!(of_table(&reading, "kafka_requests").is_ok());
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timestamp_without_a_zone_is_read_in_that_of_the_database() {
    let Some(server) = Postgres::start() else { return };
    server.execute(&format!(
        "alter database \"{DATABASE}\" set timezone to 'Asia/Tokyo';
         set timezone to 'Asia/Tokyo';
         alter table clusters alter updated_at type timestamp, alter created_at type timestamp"
    ));
    let rest = format!("127.0.0.1:{}/{DATABASE}", server.port());
    let mut console = Console::start(url(&rest), None);
    let reading = console.reading().await;
    let clusters = statuses(&reading, "clusters");
    let accepted = clusters
        .iter()
        .find(|count| &*count.status == "cluster_accepted")
        .unwrap();
    assert!(
        accepted.oldest_s.is_some_and(|age| (600..700).contains(&age)),
        "{accepted:?}"
    );
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_file_that_others_may_read_is_ignored_and_said() {
    let Some(server) = Postgres::start() else { return };
    let file = tempfile::NamedTempFile::new().unwrap();
    let escaped = PASSWORD.replace('\\', "\\\\").replace(':', "\\:");
    std::fs::write(file.path(), format!("127.0.0.1:*:*:{USER}:{escaped}\n")).unwrap();
    let path = file.path().display().to_string();
    let by_file = || DatabaseOptions {
        variables: variables(&[
            ("PGHOST", "127.0.0.1"),
            ("PGPORT", &server.port().to_string()),
            ("PGUSER", USER),
            ("PGPASSFILE", &path),
        ]),
        ..options()
    };
    std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let mut console = Console::start(by_file(), None);
    let problem = console.problem().await;
    assert_eq!(problem.kind, ProblemKind::WrongPassword, "{problem}");
    let advice = problem.advice.unwrap();
    assert_eq!(
        &*advice,
        format!("{path} is ignored because others may read it: chmod 600 {path}")
    );
    console.stop().await;
    std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o600)).unwrap();
    let mut console = Console::start(by_file(), None);
    console.connection().await;
    console.stop().await;
}

fn self_signed(ca: bool) -> (String, String) {
    let mut parameters = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    if ca {
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    let key = KeyPair::generate().unwrap();
    (parameters.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_servers_own_certificate_may_be_given_as_its_ca() {
    let Some(server) = Postgres::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root.crt");
    for ca in [true, false] {
        let (certificate, key) = self_signed(ca);
        server.set_certificate(&certificate, &key);
        std::fs::write(&root, certificate).unwrap();
        for mode in ["verify-ca", "verify-full"] {
            let root = encoded(&root.display().to_string());
            let rest = format!(
                "127.0.0.1:{}/{DATABASE}?sslmode={mode}&sslrootcert={root}",
                server.port()
            );
            let mut console = Console::start(url(&rest), None);
            assert_eq!(&*console.connection().await.tls, mode, "a CA: {ca}");
            console.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_version_1_is_taken_where_any_is_and_named_elsewhere() {
    let Some(server) = Postgres::start() else { return };
    server.set_certificate(V1, V1_KEY);
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root.crt");
    std::fs::write(&root, V1).unwrap();
    let root = encoded(&root.display().to_string());
    let rest = format!("127.0.0.1:{}/{DATABASE}?sslmode=", server.port());
    let mut console = Console::start(url(&format!("{rest}require")), None);
    assert_eq!(&*console.connection().await.tls, "require");
    console.stop().await;
    let mut console = Console::start(url(&format!("{rest}verify-full&sslrootcert={root}")), None);
    let problem = console.problem().await;
    assert!(problem.what.contains("is X.509 version 1"), "{problem}");
    assert!(problem.advice.unwrap().contains("sslmode=require"));
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_certificate_of_version_1_logs_in_and_a_missing_one_is_named() {
    let Some(server) = Postgres::start() else { return };
    server.ask_for_certificates_of(V1);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        encoded(&path.display().to_string())
    };
    let (certificate, key) = (file("c.pem", V1), file("c.key", V1_KEY));
    let (mine, not_mine) = (self_signed(false).0, self_signed(false).1);
    let (mine, not_mine) = (file("mine.pem", &mine), file("other.key", &not_mine));
    let rest = format!("127.0.0.1:{}/{DATABASE}?sslmode=require", server.port());
    let mut console = Console::start(url(&format!("{rest}&sslcert={certificate}&sslkey={key}")), None);
    console.connection().await;
    console.stop().await;
    let mut console = Console::start(url(&rest), None);
    let problem = console.problem().await;
    assert_eq!(problem.kind, ProblemKind::Tls, "{problem}");
    assert!(problem.what.contains("client certificate"), "{problem}");
    assert!(problem.advice.unwrap().contains("sslcert"));
    console.stop().await;
    let mut console = Console::start(url(&format!("{rest}&sslcert={mine}&sslkey={not_mine}")), None);
    let problem = console.problem().await;
    assert!(
        problem.what.contains("does not belong to the client certificate"),
        "{problem}"
    );
    console.stop().await;
    let (stranger, key) = self_signed(false);
    let (stranger, key) = (file("s.pem", &stranger), file("s.key", &key));
    let mut console = Console::start(url(&format!("{rest}&sslcert={stranger}&sslkey={key}")), None);
    let problem = console.problem().await;
    assert!(
        problem.what.contains("the server refuses our client certificate"),
        "{problem}"
    );
    console.stop().await;
}
