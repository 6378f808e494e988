//! A crowded cluster and a full database: what the console costs where everything is large.

use std::time::{Duration, Instant};

use super::non_drill_cluster::{CLUSTER_LEADER, ForeignApi, KAFKA_LEADER, NAMESPACE, PODS, Size};
use super::postgres::{DATABASE, PASSWORD, Postgres, USER};
use super::pty::Pty;
use super::usage::{Usage, process, resident, say_key_times, watch};
use super::{Effort, SIZE, figure, heading, program, quit};

/// Pods of the service, of the namespace, events and rows.
const SERVICE_PODS: usize = 500;
const NAMESPACE_PODS: usize = 10_000;
const EVENTS: usize = 10_000;
const ROWS: usize = 1_000_000;

/// Between one key and the next.
const PAUSE: Duration = Duration::from_millis(130);

/// After the first answers, until all logs were read once.
const SETTLES: Duration = Duration::from_secs(35);

pub fn measure(effort: Effort) {
    let how = format!(
        "an API server of its own with {NAMESPACE_PODS} pods in the namespace, {SERVICE_PODS} of them the service's, and {EVENTS} events; \
         PostgreSQL with {ROWS} rows that `generate_series` made; {} s of an idle console after {} s to settle",
        effort.idle,
        SETTLES.as_secs()
    );
    heading("Size", &how);
    let Some(postgres) = Postgres::start() else {
        println!("  not measured: PostgreSQL is not there");
        return;
    };
    fill(&postgres);
    let api = ForeignApi::start();
    api.grow(Size {
        service_pods: SERVICE_PODS - PODS.len(),
        other_pods: NAMESPACE_PODS - SERVICE_PODS,
        events: EVENTS - 1,
    });
    api.set_secret(Some(secret(&postgres)));
    let started = Instant::now();
    let mut console = start(&api);
    console.until_shows(&format!("{SERVICE_PODS} of {SERVICE_PODS} ready"));
    figure(
        "all pods of the service on the screen after",
        seconds(started),
        "s",
    );
    console.until("the database was read", |screen| {
        screen.contents().contains("kafka_requests") && screen.contents().contains("1000000")
    });
    figure("all rows counted after", seconds(started), "s");
    console.until("there is a recommendation", |screen| {
        !screen.contents().contains("CHECKING")
    });
    figure("first recommendation after", seconds(started), "s");
    figure("requests to the API server until then", api.requests() as f64, "");
    watch(&mut console, SETTLES);
    let (before, requests) = (Usage::of(process(&console)), api.requests());
    watch(&mut console, Duration::from_secs(effort.idle));
    let it = process(&console);
    let idle = effort.idle as f64;
    figure("CPU, idle", Usage::of(it).percent_since(&before), "% of a core");
    figure(
        "requests to the API server",
        (api.requests() - requests) as f64 / idle,
        "a second",
    );
    say_key_times(&mut console, effort.keys, PAUSE);
    let (now, most) = resident(it);
    figure("resident memory", now, "MB");
    figure("resident memory, most so far", most, "MB");
    let screen = console.screen().contents();
    println!("  the bar: {}", screen.lines().nth(1).unwrap_or_default().trim());
    quit(console);
}

fn seconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64()
}

/// A service whose leaders renew their leases, and a table in which all is well.
fn fill(postgres: &Postgres) {
    postgres.execute("truncate clusters, kafka_requests");
    postgres.execute(&format!(
        "insert into kafka_requests (id, created_at, updated_at, region, cluster_id, cloud_provider, name, status, owner, organisation_id) \
         select 'k' || n, now() - interval '90 days', now() - interval '80 days', 'us-east-1', 'ocm1', 'aws', 'n' || n, 'ready', 'o', '1' \
         from generate_series(1, {ROWS}) n"
    ));
    postgres.execute("create index on kafka_requests (deleted_at); analyze");
    for (id, kind) in [(CLUSTER_LEADER, "cluster"), (KAFKA_LEADER, "kafka")] {
        postgres.execute(&format!(
            "update leader_leases set leader = '{id}', expires = now() + interval '170 seconds' \
             where lease_type = '{kind}' and deleted_at is null"
        ));
    }
}

fn secret(postgres: &Postgres) -> super::non_drill_cluster::Values {
    let port = postgres.port().to_string();
    [
        ("db.host", "127.0.0.1"),
        ("db.port", &port),
        ("db.name", DATABASE),
        ("db.user", USER),
        ("db.password", PASSWORD),
        ("db.ca_cert", postgres.ca()),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

fn start(api: &ForeignApi) -> Pty {
    let (kubeconfig, home) = (api.kubeconfig_list(), api.home().to_str().unwrap().to_owned());
    let variables = [
        ("KUBECONFIG", kubeconfig.as_str()),
        ("HOME", home.as_str()),
        ("XDG_CONFIG_HOME", home.as_str()),
    ];
    let arguments = ["-n", NAMESPACE, "--sop", "api-down"];
    Pty::start(&program(), &arguments, &variables, SIZE)
}
