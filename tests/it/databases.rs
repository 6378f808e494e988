//! The drill's database beside a real PostgreSQL with the same rows: what `psql` prints must be the same.

use std::process::{Command, Output};

use super::support::postgres::{DATABASE, Postgres};
use super::support::tools;
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
        let real = tools::has("psql").then(Postgres::start)??;
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
        Self::psql(&url, arguments)
    }

    fn real(&self, arguments: &[&str]) -> Output {
        let folder = self.real.socket_directory().to_str().unwrap().replace('/', "%2F");
        let url = format!(
            "postgres://managed_services_api@{folder}:{}/{DATABASE}",
            self.real.port()
        );
        Self::psql(&url, arguments)
    }

    fn psql(url: &str, arguments: &[&str]) -> Output {
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

/// One statement, of which psql sees the end.
fn is_single(statement: &str) -> bool {
    let within = statement.trim_end_matches(';');
    let count = |c: char| within.matches(c).count();
    if count('\'') % 2 == 1 || count('(') != count(')') {
        return false;
    }
    !within.contains(';') && !within.contains('\\') && !within.starts_with("set ")
}

/// Which PostgreSQL a server says it is, as it says it.
#[derive(Clone, Debug, PartialEq)]
struct Version {
    /// As `15.18 (Debian 15.18-0+deb12u1)`.
    name: String,
    /// As `150018`.
    number: String,
}

impl Version {
    fn of(asked: impl Fn(&[&str]) -> Output) -> Self {
        let said = |setting: &str| {
            let output = asked(&["-XAtc", &format!("show {setting}")]);
            text(&output.stdout).trim().to_owned()
        };
        Self {
            name: said("server_version"),
            number: said("server_version_num"),
        }
    }

    /// The release, whose patch levels answer alike.
    fn major(&self) -> u32 {
        self.number.parse::<u32>().unwrap_or_default() / 10_000
    }

    /// An answer without the patch level, which is the installed server's business.
    fn without_patch_level(&self, answer: &str) -> String {
        answer
            .replace(&self.number, "VERSION")
            .replace(&self.name, "VERSION NAME")
    }
}

/// What psql prints for each statement of one session: the rows, then the errors.
fn answers(output: &Output, statements: &[&str], version: &Version) -> Vec<String> {
    let said = |bytes: &[u8]| version.without_patch_level(&text(bytes));
    let (stdout, stderr) = (said(&output.stdout), said(&output.stderr));
    let (rows, errors) = (stdout.split("~~\n"), stderr.split("~~\n"));
    let answers = statements.iter().zip(rows.zip(errors));
    let answers = answers.map(|(statement, (rows, errors))| {
        let mut lines: Vec<_> = rows.lines().collect();
        if statement.contains("from") && !statement.contains("order by") {
            lines.sort_unstable();
        }
        format!("{}\n{errors}", lines.join("\n"))
    });
    answers.collect()
}

/// The statements that are answered differently.
fn differences(statements: &[&str], drill: Vec<String>, real: Vec<String>) -> Vec<String> {
    assert_eq!((drill.len(), real.len()), (statements.len(), statements.len()));
    let answers = statements.iter().zip(drill.into_iter().zip(real));
    let different = answers.filter(|(_, (drill, real))| drill != real);
    different
        .map(|(statement, (drill, real))| format!("{statement}\n--- drill\n{drill}\n--- real\n{real}\n"))
        .collect()
}

#[test]
fn psql_prints_what_it_prints_of_a_real_server() {
    let Some(pair) = Pair::start() else { return };
    let (drills, reals) = (
        Version::of(|arguments| pair.drill(arguments)),
        Version::of(|arguments| pair.real(arguments)),
    );
    let needed = format!("PostgreSQL {}", drills.major());
    if !tools::is_met(&needed, drills.major() == reals.major()) {
        return;
    }
    let all = include_str!("statements.sql").split("\n--\n");
    let (single, others): (Vec<&str>, Vec<&str>) = all.partition(|statement| is_single(statement));
    let script = pair.world.file("script.sql");
    let marked = single
        .iter()
        .map(|statement| format!("{statement}\n\\echo ~~\n\\warn ~~\n"));
    std::fs::write(&script, marked.collect::<String>()).unwrap();
    let arguments = ["-X", "-f", &script];
    let drill = answers(&pair.drill(&arguments), &single, &drills);
    let mut wrong = differences(&single, drill, answers(&pair.real(&arguments), &single, &reals));
    for statement in others {
        // what psql itself reads comes by a file, as it would from a terminal
        std::fs::write(&script, statement).unwrap();
        let arguments = if statement.contains('\\') {
            ["-X", "-f", &script]
        } else {
            ["-X", "-c", statement]
        };
        let (drill, real) = (pair.drill(&arguments), pair.real(&arguments));
        let status = |output: &Output| format!("{:?}", output.status.code());
        wrong.extend(differences(
            &[statement],
            vec![status(&drill)],
            vec![status(&real)],
        ));
        let drill = answers(&drill, &[statement], &drills);
        wrong.extend(differences(
            &[statement],
            drill,
            answers(&real, &[statement], &reals),
        ));
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn two_patch_levels_of_a_release_answer_alike_and_two_releases_do_not() {
    let version = |name: &str, number: &str| Version {
        name: name.to_owned(),
        number: number.to_owned(),
    };
    let drill = version("15.18 (sopwatch drill)", "150018");
    let newer = version("15.20 (Debian 15.20-0+deb12u1)", "150020");
    assert_eq!(drill.major(), newer.major());
    assert_ne!(drill.major(), version("17.4", "170004").major());
    let answer = |number: &str, name: &str| {
        format!(" server_version_num \n--------------------\n {number}\n(1 row)\n{name}\nERROR: 150\n")
    };
    assert_eq!(
        drill.without_patch_level(&answer("150018", "15.18 (sopwatch drill)")),
        newer.without_patch_level(&answer("150020", "15.20 (Debian 15.20-0+deb12u1)")),
    );
    assert_ne!(
        drill.without_patch_level("15.18 is what it runs"),
        newer.without_patch_level("15.20 is what it runs"),
        "only what the server says of itself"
    );
}
