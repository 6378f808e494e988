//! The program on an API server and a PostgreSQL server that it was not made with, as a user starts it.

use super::support::leaders::both_lead;
use super::support::non_drill_cluster::{CLUSTER_LEADER, ForeignApi, KAFKA_LEADER, NAMESPACE, PODS, Values};
use super::support::postgres::{DATABASE, PASSWORD, Postgres, USER};
use super::support::pty::Pty;

const SOPWATCH: &str = env!("CARGO_BIN_EXE_sopwatch");

struct World {
    api: ForeignApi,
    postgres: Postgres,
}

impl World {
    fn start() -> Option<Self> {
        let postgres = Postgres::start()?;
        let lease = |id: &str, kind: &str| {
            postgres.execute(&format!(
                "update leader_leases set leader = '{id}', expires = now() + interval '150 seconds' \
                 where lease_type = '{kind}' and deleted_at is null"
            ))
        };
        lease(CLUSTER_LEADER, "cluster");
        lease(KAFKA_LEADER, "kafka");
        let world = Self {
            api: ForeignApi::start(),
            postgres,
        };
        world.api.set_secret(Some(world.secret()));
        Some(world)
    }

    /// As the service's own secret is.
    fn secret(&self) -> Values {
        let port = self.postgres.port().to_string();
        let pairs = [
            ("db.host", "127.0.0.1"),
            ("db.port", &port),
            ("db.name", DATABASE),
            ("db.user", USER),
            ("db.password", PASSWORD),
            ("db.ca_cert", self.postgres.ca()),
        ];
        pairs
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into()
    }

    fn secret_with(&self, key: &str, value: &str) -> Values {
        let mut secret = self.secret();
        secret.insert(key.to_owned(), value.to_owned());
        secret
    }

    fn console(&self, arguments: &[&str], size: (u16, u16)) -> Pty {
        start(&self.api, arguments, size)
    }

    fn filled(&self) -> Pty {
        let mut console = self.console(&["-n", NAMESPACE], (120, 40));
        until_filled(&mut console);
        console
    }
}

/// As a user starts it, who has a kubeconfig and has never configured the program.
fn start(api: &ForeignApi, arguments: &[&str], size: (u16, u16)) -> Pty {
    let kubeconfig = api.kubeconfig_list();
    let home = api.home().to_str().unwrap();
    let variables = [
        ("KUBECONFIG", kubeconfig.as_str()),
        ("HOME", home),
        ("XDG_CONFIG_HOME", home),
        ("SOPWATCH_POLL", "1"),
    ];
    let mut console = Pty::start(SOPWATCH, arguments, &variables, size);
    console.until_shows("Choose the SOP");
    // with the focus on the database all of its statuses have a row
    console.type_keys("\r3");
    console
}

fn shows(text: &str) -> impl Fn(&str) -> bool {
    move |screen| screen.contains(text)
}

fn until_filled(console: &mut Pty) {
    console.until("all four panes are filled", |screen| {
        let screen = screen.contents();
        let pods = PODS
            .iter()
            .all(|pod| screen.contains(&pod[pod.len() - 5..]) && screen.contains("3 of 3 ready"));
        let leaders = both_lead(&screen);
        let logs = screen.matches("Running as the leader").count() == 2;
        let database = ["cluster_accepted", "kafka_requests", "failed"]
            .iter()
            .all(|text| screen.contains(text));
        let sop = screen.contains("3 configured") && screen.matches('✔').count() >= 4;
        // the events of this world hold a warning that is over, and nothing else is wrong
        let warned = screen.matches('✘').count() == 0 && screen.contains("2 warnings");
        pods && leaders && logs && database && sop && warned
    });
}

fn never_wrote(console: &Pty, secret: &str) {
    let written = String::from_utf8_lossy(&console.raw);
    assert!(!written.contains(secret), "a secret reached the terminal");
}

#[test]
fn all_four_panes_fill_from_one_command_with_no_option_but_the_namespace() {
    let Some(world) = World::start() else { return };
    let mut console = world.filled();
    console.type_keys("i");
    console.until("the sources say where they come from", |screen| {
        let screen = screen.contents();
        ["verify-full", "credentials from secret managed-services-api-rds"]
            .iter()
            .all(|text| shows(text)(&screen))
    });
    never_wrote(&console, PASSWORD);
    never_wrote(&console, "foreign-token");
}

#[test]
fn all_four_panes_fill_from_the_namespace_of_a_context() {
    let Some(world) = World::start() else { return };
    let mut console = world.console(&["--context", "stage"], (120, 40));
    until_filled(&mut console);
    console.resize(80, 24);
    console.until("the small screen is filled too", |screen| {
        let screen = screen.contents();
        [
            "3 of 3 ready",
            "✔ 84zjh",
            "✔ zcd85",
            "clusters",
            "cluster_accepted",
        ]
        .iter()
        .all(|text| shows(text)(&screen))
    });
}

#[test]
fn a_secret_that_is_missing_and_then_incomplete_heals_without_a_key() {
    let Some(world) = World::start() else { return };
    world.api.set_secret(None);
    let mut console = world.console(&["-n", NAMESPACE], (120, 40));
    console.until_shows("secret missing");
    console.until("the cluster is shown all the same", |screen| {
        screen.contents().contains("3 of 3 ready") && screen.contents().contains("Running as the leader")
    });
    let mut incomplete = world.secret();
    incomplete.remove("db.password");
    world.api.set_secret(Some(incomplete));
    console.until_shows("db.password");
    world.api.set_secret(Some(world.secret()));
    until_filled(&mut console);
    never_wrote(&console, PASSWORD);
}

#[test]
fn a_wrong_password_and_a_wrong_authority_heal_without_a_key() {
    let Some(world) = World::start() else { return };
    let wrong = "not/the p@ss";
    world
        .api
        .set_secret(Some(world.secret_with("db.password", wrong)));
    let mut console = world.console(&["-n", NAMESPACE], (120, 40));
    console.until_shows("wrong password");
    world
        .api
        .set_secret(Some(world.secret_with("db.ca_cert", "no certificate")));
    console.until_shows("db.ca_cert");
    world.api.set_secret(Some(world.secret()));
    until_filled(&mut console);
    never_wrote(&console, wrong);
}

#[test]
fn a_locked_table_is_named_and_the_others_go_on() {
    let Some(world) = World::start() else { return };
    let mut console = world.filled();
    let lock = world.postgres.lock("clusters");
    console.until("the lock is said where the table stood", |screen| {
        let screen = screen.contents();
        screen.contains("lock") && screen.contains("kafka_requests") && !screen.contains("cluster_accepted")
    });
    assert!(console.screen().contents().contains("3 of 3 ready"));
    drop(lock);
    until_filled(&mut console);
}

#[test]
fn a_server_that_stops_is_named_and_read_again_when_it_is_back() {
    let Some(world) = World::start() else { return };
    let mut console = world.filled();
    world.postgres.stop();
    console.until_shows("database refused");
    assert!(
        console.screen().contents().contains("cluster_accepted"),
        "what was known stays"
    );
    world.postgres.resume();
    until_filled(&mut console);
}

#[test]
fn a_forbidden_log_of_one_pod_leaves_the_rest() {
    let Some(world) = World::start() else { return };
    world.api.forbid_log(PODS[1]);
    let mut console = world.console(&["-n", NAMESPACE], (120, 40));
    console.until("one log is forbidden, and all else is read", |screen| {
        let screen = screen.contents();
        let others =
            screen.matches("Running as the leader").count() == 2 && screen.contains("cluster_accepted");
        others
            && screen.contains("3 of 3 ready")
            && screen.contains("log b8688/service")
            && screen.contains("forbidden")
    });
}

#[test]
fn a_namespace_without_the_service_is_told_where_it_is() {
    let api = ForeignApi::start();
    let mut console = start(&api, &["-n", "elsewhere", "--no-database"], (120, 40));
    console.until("the namespaces of the profile are named", |screen| {
        let screen = screen.contents();
        // the pane on the right wraps it
        let right = screen.lines().filter_map(|line| line.rsplit_once("││"));
        let right: Vec<_> = right.map(|(_, pane)| pane.trim_matches(['│', ' '])).collect();
        let pods = right.join(" ");
        let texts = ["in elsewhere", NAMESPACE, "choose with -n"];
        screen.contains("UNKNOWN ENVIRONMENT") && texts.iter().all(|text| pods.contains(text))
    });
}
