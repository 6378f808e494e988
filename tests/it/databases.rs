//! The drill's database beside a real PostgreSQL with the same rows: what `psql` prints must be the same.

use std::process::{Command, Output};

use super::support::postgres::{DATABASE, Postgres};
use super::support::world::World;

/// Rows whose ages are half a minute past a whole one, so that no minute passes between two answers.
const SCENARIO: &str = r#"
id = "test"
title = "t"
story = "s"
sop = "kafka-provisioning-latency"
[service]
no_leader = ["cluster", "kafka"]
regions = []
[[database.clusters]]
idle = "80d30s"
count = 2
[[database.clusters]]
status = "cluster_accepted"
idle = "7m30s"
[[database.clusters]]
status = "cluster_provisioning"
idle = "2d10m30s"
region = "eu-west-1"
[[database.clusters]]
status = ""
stamp = "never"
idle = "1h30s"
[[database.clusters]]
status = "cluster_provisioning"
idle = "5h30s"
deleted = true
[[database.kafkas]]
idle = "3d30s"
count = 4
[[database.kafkas]]
status = "provisioning"
stamp = { ahead = "65m30s" }
[[database.kafkas]]
status = "failed"
idle = "40d30s"
failed_reason = "it's broken"
[[database.leases]]
type = "failed_kafka"
expires_in = "-40d"
"#;

/// The tables as gorm made them in January 2021.
const SCHEMA: &str = "
drop table clusters, kafka_requests, leader_leases;
create table clusters (id text not null, created_at timestamptz, updated_at timestamptz, deleted_at timestamptz, cloud_provider text,
  cluster_id text, external_id text, multi_az boolean, region text, byoc boolean, managed boolean, status text, primary key (id));
create index idx_clusters_deleted_at on clusters (deleted_at);
create index idx_clusters_cluster_id on clusters (cluster_id);
create table kafka_requests (id text not null, created_at timestamptz, updated_at timestamptz, deleted_at timestamptz, region text,
  cluster_id text, cloud_provider text, multi_az boolean default false, name text, status text, owner text, bootstrap_server_host text,
  organisation_id text, failed_reason text, primary key (id));
create index idx_kafka_requests_deleted_at on kafka_requests (deleted_at);
create index idx_kafka_requests_name on kafka_requests (name);
create table leader_leases (id text not null, created_at timestamptz, updated_at timestamptz, deleted_at timestamptz, leader text,
  lease_type text, expires timestamptz, primary key (id));
create index idx_leader_leases_deleted_at on leader_leases (deleted_at);
create table migrations (id character varying(255) not null, constraint migrations_pkey primary key (id));
create role managed_services_api login password 'x';
grant select on all tables in schema public to managed_services_api;
alter database \"managed-services-api\" set timezone = 'Etc/UTC';
";

struct Pair {
    world: World,
    real: Postgres,
}

impl Pair {
    fn start() -> Option<Self> {
        let real = Postgres::start()?;
        let pair = Self {
            world: World::start(SCENARIO),
            real,
        };
        pair.real.execute(SCHEMA);
        for table in ["clusters", "kafka_requests", "leader_leases", "migrations"] {
            let rows = pair.drill(&[
                "-XAt",
                "-F",
                "|",
                "-P",
                "null=∅",
                "-c",
                &format!("select * from {table}"),
            ]);
            for row in text(&rows.stdout).lines() {
                let cells = row.split('|').map(|cell| match cell {
                    "∅" => "null".to_owned(),
                    cell => format!("'{}'", cell.replace('\'', "''")),
                });
                let cells: Vec<_> = cells.collect();
                pair.real
                    .execute(&format!("insert into {table} values ({})", cells.join(",")));
            }
        }
        Some(pair)
    }

    fn drill(&self, arguments: &[&str]) -> Output {
        let url = self.world.drill.socket_url().unwrap();
        self.psql(&url, arguments)
    }

    fn real(&self, arguments: &[&str]) -> Output {
        let folder = self.real.socket_directory().to_str().unwrap().replace('/', "%2F");
        let url = format!(
            "postgres://managed_services_api@{folder}:{}/{DATABASE}",
            self.real.port()
        );
        self.psql(&url, arguments)
    }

    fn psql(&self, url: &str, arguments: &[&str]) -> Output {
        let mut psql = Command::new("psql");
        psql.env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LC_ALL", "C.UTF-8")
            .env("PSQL_PAGER", "")
            .arg(url)
            .args(arguments);
        psql.output().unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What psql prints on both sides and its exit status; rows without an order in one.
fn shown(output: &Output, ordered: bool) -> String {
    let mut lines: Vec<_> = text(&output.stdout).lines().map(str::to_owned).collect();
    if !ordered {
        lines.sort();
    }
    format!(
        "{}\n{}{:?}",
        lines.join("\n"),
        text(&output.stderr),
        output.status.code()
    )
}

#[test]
fn psql_prints_what_it_prints_of_a_real_server() {
    let Some(pair) = Pair::start() else { return };
    let mut wrong = Vec::new();
    for statement in include_str!("statements.sql").split("\n--\n") {
        let ordered = statement.contains("order by") || !statement.contains("from");
        // what psql itself reads comes by a file, as it would from a terminal
        let script = pair.world.file("script.sql");
        std::fs::write(&script, statement).unwrap();
        let arguments: Vec<&str> = if statement.contains('\\') {
            vec!["-X", "-f", &script]
        } else {
            vec!["-X", "-c", statement]
        };
        let (drill, real) = std::thread::scope(|scope| {
            let drill = scope.spawn(|| shown(&pair.drill(&arguments), ordered));
            let real = shown(&pair.real(&arguments), ordered);
            (drill.join().unwrap(), real)
        });
        if drill != real {
            wrong.push(format!("{statement}\n--- drill\n{drill}\n--- real\n{real}\n"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
