//! No password and no token: on the screen, in the log file, in an error, in the process list.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};
use sopwatch_drill::monitoring::MonitoringServer;

use super::support::monitoring_settings;
use super::support::pty::Pty;
use super::support::world::World;

const SOPWATCH: &str = env!("CARGO_BIN_EXE_sopwatch");

/// A service that logs its users' bearer tokens, as the real one does at verbosity 10.
const TALKATIVE: &str = "id = 'x'\ntitle = 't'\nstory = 's'\nsop = 'kafka-provisioning-latency'\n\
    [service]\nverbosity = 10\nrequests_per_minute = 600\n";

/// What must not be found: the drill's tokens and password, and the people that the tracker names.
fn secrets(world: &World) -> Vec<String> {
    let url = world.drill.database_url();
    let encoded = url.split_once("@127").unwrap().0.rsplit_once(':').unwrap().1;
    let password = String::from_utf8(percent_decoded(encoded)).unwrap();
    let kubeconfig = std::fs::read_to_string(world.kubeconfig()).unwrap();
    let token = kubeconfig
        .split(['"', ' ', '\n'])
        .find(|word| word.starts_with("drill~"))
        .unwrap();
    let mut all = vec![encoded.to_owned(), password, token.to_owned()];
    let monitoring = world.drill.monitoring();
    all.extend(MonitoringServer::ALL.map(|server| monitoring.token(server).to_owned()));
    // An issue of the tracker is assigned to this person.
    all.push("robin.field@example.com".to_owned());
    all
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next().unwrap().as_bytes().to_vec();
    for piece in pieces {
        bytes.push(u8::from_str_radix(&piece[..2], 16).unwrap());
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    bytes
}

fn holds(bytes: &[u8], secret: &str) -> bool {
    memchr::memmem::find(bytes, secret.as_bytes()).is_some()
}

/// The settings by which the program reads the world's metrics, alerts and error tracker, too.
fn monitored(world: &World) -> String {
    let config = world.file("sopwatch.toml");
    std::fs::write(&config, monitoring_settings::of(&world.drill)).unwrap();
    config
}

/// Bearer tokens that stand where none should.
fn bearer_tokens(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let after = text
        .match_indices("earer ")
        .map(|(at, word)| &text[at + word.len()..]);
    let word = |rest: &str| {
        rest.chars()
            .take_while(|c| !c.is_whitespace() && !"\u{1b}\"'],".contains(*c))
            .collect::<String>()
    };
    after
        .map(word)
        // Of a word that stands where it stood before, a frame draws only what has changed.
        .filter(|word| {
            word.len() > 8 && !word.starts_with("⟨redacted") && !"⟨redacted⟩".starts_with(word.as_str())
        })
        .collect()
}

#[test]
fn neither_the_screen_nor_the_log_nor_the_process_list_holds_a_secret() {
    let world = World::start(TALKATIVE);
    let log = world.file("log");
    let state = world.file("state");
    let config = monitored(&world);
    let mut pty = Pty::start(
        SOPWATCH,
        &[
            "--kubeconfig",
            world.kubeconfig(),
            "--config",
            &config,
            "--sop",
            "api-down",
            "--log-file",
            &log,
        ],
        &[
            (
                "RUST_LOG",
                "trace,kube=trace,kube_client=trace,hyper=trace,hyper_util=trace,h2=trace,rustls=trace,sqlx=trace,tower=trace",
            ),
            ("RUST_BACKTRACE", "full"),
            ("XDG_STATE_HOME", &state),
        ],
        (200, 50),
    );
    pty.until_shows("3 of 3 ready");
    pty.until_shows("looked: nothing new");
    pty.type_keys("2AzWfuthorization\r");
    pty.until_shows("⟨redacted⟩");
    pty.type_keys("\r");
    pty.until_shows("esc close");
    pty.until_shows("⟨redacted⟩");
    pty.type_keys("q");
    let pid = pty.child.process_id().unwrap();
    let listed = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap();
    pty.type_keys("z");
    pty.until_shows("3 Database");
    pty.type_keys("e");
    pty.until_shows("the report is in");
    // a database that does not take the password, and a server that does not take the token, are quoted
    world
        .drill
        .api()
        .set_fault(Some(sopwatch_drill::ApiFault::Unauthorized));
    pty.until_shows("oc login");
    pty.type_keys("i");
    pty.until_shows("esc close");
    pty.type_keys("q");
    pty.until_shows("3 Database");
    let child = i32::try_from(pid).unwrap();
    kill_process(Pid::from_raw(child).unwrap(), Signal::TERM).unwrap();
    assert_eq!(pty.wait(), 143);
    let written = std::fs::read(&log).unwrap();
    assert!(!written.is_empty(), "something was logged");
    let mode = std::fs::metadata(&log).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let kept = std::fs::read_dir(world.folder.path().join("state/sopwatch/incidents")).unwrap();
    let kept: Vec<u8> = kept
        .flat_map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
        .collect();
    assert!(
        holds(&kept, "\"kind\":\"fact\"") && holds(&kept, "# "),
        "a record and a report"
    );
    for (place, bytes) in [
        ("the state folder", &kept),
        ("the screen", &pty.raw),
        ("the log file", &written),
        ("the process list", &listed),
    ] {
        for secret in secrets(&world) {
            assert!(!holds(bytes, &secret), "{place} holds {secret}");
        }
        assert_eq!(bearer_tokens(bytes), Vec::<String>::new(), "{place}");
    }
    // what libraries say at lower levels is never written, whatever was asked for
    let written = String::from_utf8(written).unwrap();
    let foreign = |line: &&str| {
        [" TRACE ", " DEBUG "].iter().any(|level| line.contains(level)) && !line.contains("sopwatch")
    };
    assert_eq!(written.lines().find(foreign), None);
}

#[test]
fn no_error_and_no_setting_repeats_a_password() {
    let secret = "hunter2pass";
    let url = format!("postgres://u:{secret}@db.invalid/x");
    let with_variable = |arguments: &[&str], name: &str, value: &str| {
        let mut command = Command::new(SOPWATCH);
        let output = command.args(arguments).env(name, value).output().unwrap();
        [output.stdout, output.stderr].concat()
    };
    let odd = format!("postgres://u:{secret}@db.invalid:notaport/x");
    let cases = [
        with_variable(&["config", "show"], "SOPWATCH_DATABASE_URL", &url),
        with_variable(&["config", "check"], "SOPWATCH_DATABASE_URL", &odd),
        with_variable(&["config", "show"], "SOPWATCH_DATABASE_URL", &odd),
        with_variable(
            &["config", "show"],
            "SOPWATCH_DATABASE_URL",
            &format!("mysql://u:{secret}@h/x"),
        ),
        with_variable(&["config", "show"], "PGPASSWORD", secret),
        with_variable(&["--database-url", &url, "config", "show"], "PGHOST", "h"),
        with_variable(&["--database-url", &odd], "PGHOST", "h"),
        with_variable(&["--database-url", &url, "--bogus"], "PGHOST", "h"),
        with_variable(&["--bogus", &url], "PGHOST", "h"),
        with_variable(&[&url], "PGHOST", "h"),
        with_variable(&["--database-port", &format!("password={secret}")], "PGHOST", "h"),
    ];
    for (index, said) in cases.iter().enumerate() {
        assert!(!said.is_empty(), "case {index} says something");
        assert!(
            !holds(said, secret),
            "case {index}: {}",
            String::from_utf8_lossy(said)
        );
    }
}
