//! Faults of the server, each named and healed without a key.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::console::{Console, Secret, options, secret_of, set};
use super::postgres::{PASSWORD, Postgres, USER};
use crate::patience::Deadline;
use crate::postgres::PollRequest;
use sopwatch_core::observe::source::{Problem, ProblemKind};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_is_refused_and_heals() {
    let Some(server) = Postgres::start() else { return };
    let mut console = Console::start(options(), Some(&secret_of(&server)));
    console.reading().await;
    server.stop();
    let problem = console.problem_of_kind(ProblemKind::Refused).await;
    assert!(problem.what.contains("127.0.0.1"), "{problem:?}");
    assert!(problem.advice.is_some());
    server.resume();
    console.reading().await;
    console.stop().await;
}

#[tokio::test(start_paused = true)]
async fn keys_bring_a_try_each_second_and_no_more() {
    let missing = Problem::new(ProblemKind::SecretMissing, "there is no such secret");
    let secret: Secret = Arc::new(Mutex::new(Err(missing)));
    let mut console = Console::start(options(), Some(&secret));
    console.problem().await;
    let began = tokio::time::Instant::now();
    let requests = console.requests.clone();
    let hammer = tokio::spawn(async move {
        let mut often = tokio::time::interval(Duration::from_millis(10));
        while requests.send(PollRequest::Refresh).await.is_ok() {
            often.tick().await;
        }
    });
    for tries in 1..=5 {
        console.problem().await;
        assert_eq!(began.elapsed(), Duration::from_secs(tries));
    }
    hammer.abort();
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotated_password_heals_when_the_secret_follows() {
    let Some(server) = Postgres::start() else { return };
    let secret = secret_of(&server);
    // a password that is a part of the host must not be taken out of messages, which would give it away
    set(&secret, "db.password", "127");
    let mut console = Console::start(options(), Some(&secret));
    let problem = console.problem().await;
    assert_eq!(problem.kind, ProblemKind::WrongPassword, "{problem:?}");
    assert!(
        problem.what.contains("127.0.0.1") && problem.what.contains(USER),
        "{problem:?}"
    );
    set(&secret, "db.password", PASSWORD);
    console.reading().await;

    server.execute(&format!("alter role {USER} password 'another'"));
    server.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'sopwatch'",
    );
    console.problem_of_kind(ProblemKind::WrongPassword).await;
    set(&secret, "db.password", "another\n");
    console.reading().await;
    assert!(!console.told.contains(PASSWORD) && !console.told.contains("another"));
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_can_not_be_read_is_named_and_heals() {
    let Some(server) = Postgres::start() else { return };
    let good = secret_of(&server);
    let missing = Problem::new(
        ProblemKind::SecretMissing,
        "there is no secret managed-services-api-rds",
    );
    let secret: Secret = Arc::new(Mutex::new(Err(missing.clone())));
    let mut console = Console::start(options(), Some(&secret));
    assert_eq!(console.problem().await, missing);
    *secret.lock().expect("a whole lock") = good.lock().expect("a whole lock").clone();
    console.reading().await;

    // the API server is down and the connection is cut: what the secret held before still counts
    let unreachable = Problem::new(ProblemKind::Refused, "nobody listens at the API server");
    *secret.lock().expect("a whole lock") = Err(unreachable);
    server.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'sopwatch'",
    );
    let problem = console.problem().await;
    assert!(
        matches!(problem.kind, ProblemKind::Starting | ProblemKind::Reset),
        "{problem:?}"
    );
    console.reading().await;
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_server_is_noticed_and_heals() {
    let Some(server) = Postgres::start() else { return };
    let mut console = Console::start(options(), Some(&secret_of(&server)));
    console.reading().await;
    server.freeze();
    let problem = console.problem().await;
    assert_eq!(problem.kind, ProblemKind::Frozen, "{problem:?}");
    assert!(problem.what.contains("within 7 s"), "{problem:?}");
    // the next one meets a frozen server while it connects
    let problem = console.problem().await;
    assert_eq!(problem.kind, ProblemKind::Frozen, "{problem:?}");
    assert!(problem.what.contains("within 5 s"), "{problem:?}");
    server.thaw();
    console.reading().await;
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_server_is_named_and_heals() {
    let Some(server) = Postgres::start() else { return };
    let mut console = Console::start(options(), Some(&secret_of(&server)));
    console.reading().await;
    server.execute(&format!("alter role {USER} connection limit 0"));
    server.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'sopwatch'",
    );
    let problem = console.problem().await;
    assert!(
        matches!(problem.kind, ProblemKind::Starting | ProblemKind::Reset),
        "{problem:?}"
    );
    console.problem_of_kind(ProblemKind::TooManyConnections).await;
    server.execute(&format!("alter role {USER} connection limit -1"));
    console.reading().await;
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_that_lead_nowhere_are_told_apart() {
    let Some(server) = Postgres::start() else { return };
    let cases = [
        ("db.name", "nowhere", ProblemKind::Configuration),
        ("db.user", "nobody", ProblemKind::WrongPassword),
        ("db.host", "no-such-host.invalid", ProblemKind::Dns),
    ];
    for (key, value, kind) in cases {
        let secret = secret_of(&server);
        set(&secret, key, value);
        let mut console = Console::start(options(), Some(&secret));
        let problem = console.problem().await;
        assert_eq!(problem.kind, kind, "{problem:?}");
        assert!(problem.what.contains(value), "{problem:?}");
        assert!(!console.told.contains(PASSWORD));
        console.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_console_that_leaves_is_not_held_up() {
    let Some(server) = Postgres::start() else { return };
    let mut console = Console::start(options(), Some(&secret_of(&server)));
    console.reading().await;
    let _lock = server.lock("clusters");
    let waiting = "select count(*) from pg_stat_activity \
         where application_name = 'sopwatch' and wait_event_type = 'Lock'";
    let polls = Deadline::until("a poll waits for the lock");
    while server.execute(waiting).trim() != "1" {
        polls.pause_task().await;
    }
    server.freeze();
    let told = console.stop().await;
    assert!(
        !told.contains("gave no answer"),
        "it waited for the answer: {told}"
    );
}
