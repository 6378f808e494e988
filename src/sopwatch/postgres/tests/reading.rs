//! What a healthy server tells, and what one table's trouble leaves of it.

use std::path::Path;

use super::console::{
    Console, of_table, options, profile, secret_of, secret_with, statuses, table, variables,
};
use super::postgres::{DATABASE, PASSWORD, Postgres, USER};
use crate::patience::Deadline;
use crate::postgres::{DatabaseOptions, UrlOrigin};
use sopwatch_core::observe::observation::{Reading, StatusCount};
use sopwatch_core::observe::source::{ProblemKind, SourceId, SourceState};

const DAY: i64 = 86_400;

/// A count, its age allowed to be some seconds more than when the rows were made.
fn is(found: &StatusCount, status: &str, count: u64, oldest_s: Option<i64>) {
    let line = format!("{status:?}: {found:?}");
    assert_eq!(&*found.status, status, "{line}");
    assert_eq!(found.count, count, "{line}");
    let late = found.oldest_s.zip(oldest_s).map(|(found, made)| found - made);
    assert_eq!(found.oldest_s.is_some(), oldest_s.is_some(), "{line}");
    assert!(late.is_none_or(|late| (0..60).contains(&late)), "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_secret_alone_fills_the_grid_over_verified_tls() {
    let Some(server) = Postgres::start() else { return };
    let mut console = Console::start(options(), Some(&secret_of(&server)));

    let connection = console.connection().await;
    assert_eq!(&*connection.tls, "verify-full");
    assert_eq!((&*connection.host, connection.port), ("127.0.0.1", server.port()));
    assert_eq!((&*connection.user, &*connection.database), (USER, DATABASE));
    assert_eq!(&*connection.origin, "secret managed-services-api-rds");
    assert!(connection.version.contains('.'), "{}", connection.version);

    let reading = console.reading().await;
    let clusters = statuses(&reading, "clusters");
    assert_eq!(clusters.len(), 5, "{clusters:?}");
    is(&clusters[0], "cluster_accepted", 1, Some(600));
    // counted from created_at, whenever they were rewritten
    is(&clusters[1], "cluster_provisioning", 2, Some(3 * DAY));
    is(&clusters[2], "ready", 1, Some(80 * DAY));
    is(&clusters[3], "", 2, Some(7_200));
    is(&clusters[4], "from␛[31mmars", 1, Some(3_600));
    let kafkas = statuses(&reading, "kafka_requests");
    assert_eq!(kafkas.len(), 4, "{kafkas:?}");
    is(&kafkas[0], "accepted", 1, None);
    is(&kafkas[1], "provisioning", 1, Some(-3_900));
    is(&kafkas[2], "ready", 1, Some(5 * DAY));
    is(&kafkas[3], "failed", 1, Some(40 * DAY));
    are_the_leases(&reading);
    are_the_rows(&mut console).await;

    let session = "select count(*) || ' ' || bool_and(ssl) from pg_stat_activity join pg_stat_ssl using (pid) \
         where application_name = 'sopwatch'";
    assert_eq!(server.execute(session).trim(), "1 true");
    nothing_leaked(&console);
    console.stop().await;
    let sessions = "select count(*) from pg_stat_activity where application_name = 'sopwatch'";
    let deadline = Deadline::until("its session has ended");
    while server.execute(sessions).trim() != "0" {
        deadline.pause_task().await;
    }
}

fn are_the_leases(reading: &Reading) {
    let leases = reading.leases.as_ref().expect("readable leases");
    assert_eq!(leases.len(), 2, "{leases:?}");
    assert_eq!(&*leases[0].lease_type, "cluster");
    assert_eq!(leases[0].holder.as_deref(), Some("b2c3"));
    assert!((40..=100).contains(&leases[0].ttl_s), "{leases:?}");
    // in no zone: it is compared with the next one, also in the night when clocks change
    assert!(leases[0].expires.parse::<f64>().is_ok(), "{leases:?}");
    assert_eq!((&*leases[1].lease_type, &leases[1].holder), ("kafka", &None));
    assert!((-480..=-420).contains(&leases[1].ttl_s), "{leases:?}");
}

async fn are_the_rows(console: &mut Console) {
    let rows = console.rows_of("clusters", "cluster_provisioning").await;
    assert!(!rows.more);
    let rows = rows.rows.expect("readable rows");
    let ids: Vec<_> = rows.iter().map(|row| &*row.id).collect();
    assert_eq!(ids, ["c-old", "c-new"], "oldest first by created_at");
    assert_eq!((&*rows[0].region, &*rows[0].ocm_id), ("aws/eu-west-1", "ocm2"));
    assert_eq!(&*rows[1].region, "gcp");
    assert!(
        rows[0].idle_s.is_some_and(|idle| idle >= 2 * DAY + 600),
        "{rows:?}"
    );
    assert!(rows[0].age_s.is_some_and(|age| age >= 3 * DAY), "{rows:?}");

    let blank = console.rows_of("clusters", "").await.rows.expect("readable rows");
    let ids: Vec<_> = blank.iter().map(|row| &*row.id).collect();
    assert_eq!(ids, ["c-null", "c-blank"], "a blank status and none at all");

    let failed = console
        .rows_of("kafka_requests", "failed")
        .await
        .rows
        .expect("readable rows");
    assert_eq!(&*failed[0].reason, "no␛]0;quota");
    let accepted = console
        .rows_of("kafka_requests", "accepted")
        .await
        .rows
        .expect("readable rows");
    assert_eq!(accepted[0].idle_s, None);

    let odd = console.rows_of("clusters", "from␛[31mmars").await;
    let odd = odd.rows.expect("readable rows");
    assert_eq!(odd.iter().map(|row| &*row.id).collect::<Vec<_>>(), ["c-odd"]);

    let unknown = console.rows_of("users", "x").await;
    assert!(unknown.rows.is_err(), "{unknown:?}");
}

/// Neither the password nor a customer's column is in anything that was sent, nor the password among the process's arguments.
fn nothing_leaked(console: &Console) {
    for secret in [PASSWORD, "secret-name", "secret-owner", "secret-org"] {
        assert!(!console.told.contains(secret), "{secret} in {}", console.told);
    }
    let arguments = std::fs::read("/proc/self/cmdline").unwrap_or_default();
    assert!(!String::from_utf8_lossy(&arguments).contains(PASSWORD));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_fails_takes_no_other_away() {
    let Some(server) = Postgres::start() else { return };
    let secret = secret_of(&server);
    // reading this view writes: proof that the session can't
    server.execute(
        "create table marks (id int); \
         create function mark() returns text language sql volatile security definer as \
         'insert into marks values (1) returning ''x''::text'; \
         create view writing as select mark() as status, now() as updated_at, now() as created_at, null::timestamptz as deleted_at; \
         create table private (status text, created_at timestamptz, updated_at timestamptz, deleted_at timestamptz); \
         grant select on writing to managed_services_ro",
    );
    let mut profile = profile();
    for name in ["absent", "private", "writing"] {
        profile.tables.push(table(name, Vec::new()));
    }
    let mut console = Console::start_on(profile, options(), Some(&secret));

    let reading = console.reading().await;
    let says = |reading: &Reading, table: &str, part: &str| {
        let error = of_table(reading, table).as_ref().err().map(ToString::to_string);
        let error = error.unwrap_or_default();
        assert!(error.contains(table) && error.contains(part), "{table}: {error}");
    };
    says(&reading, "absent", "does not exist");
    says(&reading, "private", "permission denied");
    says(&reading, "writing", "read-only transaction");
    assert_eq!(server.execute("select count(*) from marks").trim(), "0");
    assert!(of_table(&reading, "clusters").is_ok() && of_table(&reading, "kafka_requests").is_ok());

    let lock = server.lock("clusters");
    let reading = console
        .reading_where("a locked table", |reading| of_table(reading, "clusters").is_err())
        .await;
    says(&reading, "clusters", "lock timeout");
    assert!(of_table(&reading, "kafka_requests").is_ok() && reading.leases.is_ok());
    drop(lock);
    console
        .reading_where("an unlocked table", |reading| {
            of_table(reading, "clusters").is_ok()
        })
        .await;

    server.execute("revoke select on leader_leases from managed_services_ro");
    let reading = console
        .reading_where("forbidden leases", |reading| reading.leases.is_err())
        .await;
    assert!(of_table(&reading, "clusters").is_ok());

    server.execute("alter table kafka_requests rename column status to state");
    let reading = console
        .reading_where("a lost column", |reading| {
            of_table(reading, "kafka_requests").is_err()
        })
        .await;
    says(&reading, "kafka_requests", "column \"status\" does not exist");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_takes_too_long_is_ended_by_the_server() {
    let Some(server) = Postgres::start() else { return };
    server.execute(
        "create view slow as select pg_sleep(60)::text as status, now() as updated_at, now() as created_at, \
         null::timestamptz as deleted_at; grant select on slow to managed_services_ro",
    );
    // The role's own limit does not hold for what we ask.
    server.execute(&format!("alter role {USER} set statement_timeout = '60s'"));
    let mut profile = profile();
    profile.tables.insert(0, table("slow", Vec::new()));
    let mut console = Console::start_on(profile, options(), Some(&secret_of(&server)));
    let reading = console.reading().await;
    let error = of_table(&reading, "slow").as_ref().err();
    assert!(
        error.is_some_and(|error| error.contains("statement timeout")),
        "{error:?}"
    );
    assert!(of_table(&reading, "clusters").is_ok());
    assert!(reading.took_ms >= 5_000, "{}", reading.took_ms);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_rows_than_are_shown_are_said() {
    let Some(server) = Postgres::start() else { return };
    let insert = "insert into clusters (id, created_at, updated_at, status) \
         select 'm' || n, now(), now() - n * interval '1 second', 'many' from generate_series(1, 201) n";
    server.execute(insert);
    let mut console = Console::start(options(), Some(&secret_of(&server)));
    let rows = console.rows_of("clusters", "many").await;
    assert!(rows.more);
    let rows = rows.rows.expect("readable rows");
    assert_eq!((rows.len(), &*rows[0].id), (200, "m201"));
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn urls_outrank_variables_and_variables_the_secret() {
    let Some(server) = Postgres::start() else { return };
    let url = format!(
        "postgres://{USER}:p%2Fw%3Ar%40d%25%20%27%22%23x@127.0.0.1:{}/{DATABASE}?sslmode=require",
        server.port()
    );
    let port = server.port().to_string();
    let directory = tempfile::tempdir().expect("a directory");
    let passfile = write_passfile(directory.path());
    let pg = [("PGHOST", "127.0.0.1"), ("PGPORT", &port), ("PGUSER", USER)];
    let with = |more: &[(&str, &str)]| DatabaseOptions {
        variables: variables(&[&pg[..], more].concat()),
        ..options()
    };
    let cases = [
        (
            DatabaseOptions {
                url: Some((url.into(), UrlOrigin::Environment)),
                ..with(&[("PGPASSWORD", "wrong")])
            },
            "SOPWATCH_DATABASE_URL",
            "require",
        ),
        (
            with(&[("PGPASSWORD", PASSWORD), ("PGSSLMODE", "disable")]),
            "PG* variables",
            "none",
        ),
        (with(&[("PGPASSFILE", &passfile)]), "PG* variables", "require"),
        (
            DatabaseOptions {
                variables: variables(&[("PGUSER", "nobody")]),
                ..options()
            },
            "secret managed-services-api-rds",
            "verify-full",
        ),
    ];
    for (options, origin, tls) in cases {
        let mut console = Console::start(options, Some(&secret_of(&server)));
        let connection = console.connection().await;
        assert_eq!((&*connection.origin, &*connection.tls), (origin, tls));
        console.reading().await;
        nothing_leaked(&console);
        console.stop().await;
    }
}

fn write_passfile(directory: &Path) -> String {
    use std::os::unix::fs::PermissionsExt;
    let path = directory.join("pgpass");
    let password = PASSWORD.replace('\\', r"\\").replace(':', r"\:");
    std::fs::write(
        &path,
        format!("# mine\n127.0.0.1:*:{DATABASE}:{USER}:{password}\n"),
    )
    .expect("a written file");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("a private file");
    path.to_string_lossy().into_owned()
}

#[tokio::test]
async fn without_credentials_the_database_is_off() {
    let mut console = Console::start(options(), None);
    let pick = |observation| match observation {
        sopwatch_core::observe::observation::Observation::Source(
            SourceId::Database,
            SourceState::Off(why),
        ) => Some(why),
        _ => None,
    };
    console.until("the source to be off", pick).await;
    console.stop().await;
}

#[tokio::test]
async fn a_configuration_that_can_not_work_is_said() {
    let url = |text: &str| DatabaseOptions {
        url: Some((text.into(), UrlOrigin::CommandLine)),
        ..options()
    };
    let cases = [
        (url("postgres://u:s3cret%@h/d"), "--database-url"),
        (
            url("postgres://u:s3cret@h/d?sslrootcert=/nowhere/ca.pem"),
            "/nowhere/ca.pem",
        ),
        (url("postgres://:s3cret@h/d"), "names no user"),
        (
            DatabaseOptions {
                variables: variables(&[("PGHOST", "h"), ("PGUSER", "u"), ("PGPORT", "x")]),
                ..options()
            },
            "PGPORT",
        ),
        (
            DatabaseOptions {
                variables: variables(&[("PGHOST", "h"), ("PGUSER", "u"), ("PGSSLMODE", "x")]),
                ..options()
            },
            "PGSSLMODE",
        ),
    ];
    for (options, part) in cases {
        let mut console = Console::start(options, None);
        let problem = console.problem().await;
        assert_eq!(problem.kind, ProblemKind::Configuration, "{problem:?}");
        assert!(problem.what.contains(part), "{problem:?}");
        assert!(!console.told.contains("s3cret"), "{}", console.told);
        console.stop().await;
    }
    let mut odd = profile();
    odd.tables[0].name = "clusters; drop".into();
    let mut console = Console::start_on(odd, url("postgres://u@h/d"), None);
    assert_eq!(console.problem().await.kind, ProblemKind::Configuration);
    console.stop().await;
}

#[tokio::test]
async fn a_secret_that_lacks_something_is_named_with_its_key() {
    let Some(server) = Postgres::start() else { return };
    for (key, value) in [
        ("db.host", ""),
        ("db.name", ""),
        ("db.user", "\n"),
        ("db.password", ""),
        ("db.port", "x"),
        ("db.ca_cert", "nonsense"),
        ("db.user", "a\u{0}b"),
    ] {
        let mut console = Console::start(options(), Some(&secret_with(&server, &[(key, value)])));
        let problem = console.problem().await;
        assert_eq!(problem.kind, ProblemKind::SecretIncomplete, "{key}: {problem:?}");
        let named = problem.what.contains(key) || problem.what.contains("control character");
        assert!(
            named && problem.what.contains("managed-services-api-rds"),
            "{problem:?}"
        );
        console.stop().await;
    }
}
