//! Bytes from outside never steer the terminal: not from a log, a name, an event, a row, a setting or an error, in no pane and no dialog.
//! What was taken out stays visible.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;

use sopwatch_core::testkit::BUILT_IN_PROFILE;

use super::support::pty::Pty;
use super::support::raw::trespassers;
use super::support::world::World;

const SOPWATCH: &str = env!("CARGO_BIN_EXE_sopwatch");

/// Everything that steers, for a TOML string.
const EVIL: &str = r"\u001b[2J\u001b]0;owned\u0007\u009b31m\u202eX\u200b\u001b[?1000h\u001b[6n\u0008";

/// The same as it is.
const EVIL_BYTES: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}X\u{200b}\u{1b}[?1000h\u{1b}[6n\u{8}";

/// How its beginning shows.
const SHOWN: &str = "␛[2J␛]0;owned␇";

fn scenario() -> String {
    format!(
        r#"
id = "hostile"
title = "t"
story = "s"
sop = "kafka-provisioning-latency"

[service]
hostile = true
probes = false
requests_per_minute = 0

[[database.clusters]]
status = "ready{EVIL}"
region = "eu{EVIL}"
cloud_provider = "a{EVIL}"
cluster_id = "ocm{EVIL}"
idle = "7m"

[[database.kafkas]]
status = "failed"
failed_reason = "no quota {EVIL}"
cluster_id = "{EVIL}"
region = "{EVIL}"
idle = "7m"

[[objects]]
kind = "Pod"
apiVersion = "v1"
[objects.metadata]
name = "managed-services-api-0-{EVIL}"
labels = {{ app = "managed-services-api", pod-template-hash = "0" }}
ownerReferences = [{{ apiVersion = "apps/v1", kind = "ReplicaSet", name = "managed-services-api-0", uid = "hostile", controller = true }}]
[objects.spec]
nodeName = "node{EVIL}"
containers = [{{ name = "service", image = "image{EVIL}" }}]
[objects.status]
phase = "Pending"
reason = "Evil{EVIL}"
message = "message {EVIL}"
containerStatuses = [{{ name = "service", image = "image{EVIL}", imageID = "", ready = false, restartCount = 0, state = {{ waiting = {{ reason = "Pull{EVIL}", message = "waits {EVIL}" }} }} }}]

[[objects]]
kind = "Event"
apiVersion = "v1"
type = "Warning"
reason = "BackOff{EVIL}"
message = "event {EVIL}"
count = 3
[objects.metadata]
name = "event-{EVIL}"
[objects.involvedObject]
kind = "Pod{EVIL}"
name = "managed-services-api-0-{EVIL}"
"#
    )
}

fn is_clean(pty: &Pty, what: &str) {
    let found = trespassers(&pty.raw);
    assert!(
        found.is_empty(),
        "{what}: {found:#?}\n{}",
        pty.screen().contents()
    );
}

/// Presses keys and takes in the screen that follows.
fn look(pty: &mut Pty, keys: &str, shows: &str) {
    pty.type_keys(keys);
    pty.until(&format!("`{shows}` after {keys:?}"), |screen| {
        screen.contents().contains(shows)
    });
}

#[test]
fn a_hostile_service_steers_nothing_in_any_pane_mode_or_dialog() {
    let world = World::start(&scenario());
    let mut pty = Pty::start(
        SOPWATCH,
        &["--kubeconfig", world.kubeconfig(), "--sop", "api-down"],
        &[],
        (160, 50),
    );
    pty.until_shows("4 pods");
    pty.until_shows("ready␛[2J");
    // the logs in each mode
    look(&mut pty, "2A", "[all]");
    look(&mut pty, "z/ (clipboard|bidi|c1|title) \r", "x clear");
    pty.until("each line with what was taken out", |screen| {
        [
            "clipboard ␛]52;c;cm0gLXJmIC8=␇ end",
            "bidi ⟨202e⟩drowssap⟨2066⟩⟨200d⟩⟨2069⟩ end",
            "c1 ⟨9b⟩2J⟨9d⟩0;owned⟨9c⟩ end",
            "title ␛]0;owned␛\\␛[21t end",
        ]
        .iter()
        .all(|text| screen.contents().contains(text))
    });
    look(&mut pty, "\r", "esc close");
    look(&mut pty, "q", "x clear");
    look(&mut pty, "x", "[all]");
    look(&mut pty, "E", "[errors]");
    look(&mut pty, "A", "[all]");
    look(&mut pty, "z", "4 SOP");
    // a pod, and what its dialog says
    look(&mut pty, "1gg", "␛[2J␛]0;o");
    look(&mut pty, "\r", SHOWN);
    look(&mut pty, "q", "4 SOP");
    // the rows of each status
    look(&mut pty, "3gg\r", "IDLE");
    look(&mut pty, "q", "4 SOP");
    look(&mut pty, "G\r", "IDLE");
    look(&mut pty, "q", "4 SOP");
    // the steps, the sources, the keys
    look(&mut pty, "4\r", "esc close");
    look(&mut pty, "q", "4 SOP");
    look(&mut pty, "i", "esc close");
    look(&mut pty, "G", "esc close");
    look(&mut pty, "q", "4 SOP");
    look(&mut pty, "?", "all keys");
    look(&mut pty, "q", "4 SOP");
    for size in [(100, 30), (80, 24), (60, 20), (30, 8), (160, 50)] {
        pty.resize_and_wait(size.0, size.1);
    }
    pty.until_shows("4 SOP");
    pty.type_keys("q");
    assert_eq!(pty.wait(), 0);
    is_clean(&pty, "the whole session");
    assert!(
        !String::from_utf8_lossy(&pty.raw).contains("\u{1b}]"),
        "no OSC at all"
    );
}

/// Answers every connection with what `answer` makes of what was sent first.
fn serve(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut buffer = [0; 16_384];
            let read = stream.read(&mut buffer).unwrap_or(0);
            let _ = stream.write_all(&answer(&String::from_utf8_lossy(&buffer[..read])));
        }
    });
    port
}

fn api(request: &str) -> Vec<u8> {
    let evil = serde_json::Value::from(EVIL_BYTES);
    let (code, body) = if request.starts_with("GET /version") {
        (
            200,
            format!(
                r#"{{"major":"1","minor":"32","gitVersion":{evil},"gitCommit":"","gitTreeState":"","buildDate":"","goVersion":"","compiler":"","platform":""}}"#
            ),
        )
    } else if request.contains("selfsubjectreviews") {
        (
            201,
            format!(
                r#"{{"kind":"SelfSubjectReview","apiVersion":"authentication.k8s.io/v1","metadata":{{}},"status":{{"userInfo":{{"username":{evil}}}}}}}"#
            ),
        )
    } else {
        (
            403,
            format!(
                r#"{{"kind":"Status","apiVersion":"v1","metadata":{{}},"status":"Failure","message":{evil},"reason":{evil},"code":403}}"#
            ),
        )
    };
    format!(
        "HTTP/1.1 {code} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A PostgreSQL server that refuses everybody with a hostile message.
fn refusing_database(_startup: &str) -> Vec<u8> {
    let mut fields = Vec::new();
    for (field, text) in [
        ('S', "FATAL"),
        ('V', "FATAL"),
        ('C', "28000"),
        ('M', EVIL_BYTES),
        ('D', EVIL_BYTES),
        ('H', EVIL_BYTES),
    ] {
        fields.push(field as u8);
        fields.extend_from_slice(text.as_bytes());
        fields.push(0);
    }
    fields.push(0);
    let mut message = vec![b'E'];
    message.extend_from_slice(&u32::try_from(fields.len() + 4).unwrap().to_be_bytes());
    message.extend(fields);
    message
}

/// A JSON string that is a YAML string too.
fn escaped(text: &str) -> String {
    let units: Vec<String> = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    format!("\"{}\"", units.concat())
}

fn kubeconfig(port: u16) -> String {
    let evil = escaped(EVIL_BYTES);
    format!(
        r#"{{"apiVersion":"v1","kind":"Config","current-context":{evil},
        "clusters":[{{"name":{evil},"cluster":{{"server":"http://127.0.0.1:{port}"}}}}],
        "users":[{{"name":{evil},"user":{{"token":"t"}}}}],
        "contexts":[{{"name":{evil},"context":{{"cluster":{evil},"user":{evil},"namespace":"managed-services-stage"}}}}]}}"#
    )
}

#[test]
fn hostile_errors_of_the_server_and_the_database_steer_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    std::fs::write(&config, kubeconfig(serve(api))).unwrap();
    let database = serve(refusing_database);
    let url = format!("postgres://u@127.0.0.1:{database}/db?sslmode=disable");
    let mut pty = Pty::start(
        SOPWATCH,
        &["--kubeconfig", config.to_str().unwrap(), "--sop", "api-down"],
        &[("SOPWATCH_DATABASE_URL", &url)],
        (160, 50),
    );
    pty.until_shows("forbidden");
    pty.until_shows("␛[2J␛]0;owned␇⟨9b⟩31m⟨202e⟩X⟨200b⟩");
    look(&mut pty, "i", "esc close");
    look(&mut pty, "G", "esc close");
    look(&mut pty, "q", "1 Pods");
    pty.until("the database's refusal", |screen| {
        screen.contents().contains("3 Database") && screen.contents().contains("⟨202e⟩")
    });
    pty.type_keys("q");
    assert_eq!(pty.wait(), 0);
    is_clean(&pty, "the whole session");
}

#[test]
fn a_secret_with_hostile_values_steers_nothing() {
    use base64::Engine;
    let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let scenario = format!(
        "id='x'\ntitle='t'\nstory='s'\nsop='api-down'\n[[objects]]\nkind='Secret'\napiVersion='v1'\n[objects.metadata]\n\
         name='managed-services-api-rds'\n[objects.data]\n'db.host'='{}'\n'db.port'='{}'\n'db.name'='{}'\n'db.user'='{}'\n'db.password'='{}'\n",
        encode(&format!("host{EVIL_BYTES}.invalid")),
        encode("5432"),
        encode(EVIL_BYTES),
        encode(EVIL_BYTES),
        encode(EVIL_BYTES),
    );
    let world = World::start(&scenario);
    let mut pty = Pty::start(
        SOPWATCH,
        &["--kubeconfig", world.kubeconfig(), "--sop", "api-down"],
        &[],
        (160, 50),
    );
    pty.until_shows("3 of 3 ready");
    pty.until_shows("control");
    pty.type_keys("q");
    assert_eq!(pty.wait(), 0);
    is_clean(&pty, "the whole session");
}

/// Arguments and variables of a command.
type Case<'a> = (Vec<&'a str>, Vec<(&'a str, &'a str)>);

/// What a command writes, both ways, on pipes.
fn output_of(arguments: &[&str], variables: &[(&str, &str)]) -> Vec<u8> {
    let mut command = Command::new(SOPWATCH);
    command.args(arguments).envs(variables.iter().copied());
    let output = command.output().unwrap();
    [output.stdout, output.stderr].concat()
}

#[test]
fn hostile_names_in_errors_and_settings_steer_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let named = folder.path().join(format!("x{EVIL_BYTES}"));
    let broken = folder.path().join(format!("broken{EVIL_BYTES}.toml"));
    std::fs::write(&broken, format!("\"key{EVIL}\" = 1\n")).unwrap();
    let config = folder.path().join("config");
    std::fs::write(&config, kubeconfig(1)).unwrap();
    let state = folder.path().join(format!("state{EVIL_BYTES}"));
    let incidents = state.join("sopwatch/incidents");
    std::fs::create_dir_all(&incidents).unwrap();
    std::fs::write(
        incidents.join(format!("broken{EVIL_BYTES}.jsonl")),
        "not a record\n",
    )
    .unwrap();
    let record = incidents.join(format!("whole{EVIL_BYTES}.jsonl"));
    std::fs::copy(
        "tests/incidents/a-pod-restarted-by-a-console-that-was-killed.jsonl",
        &record,
    )
    .unwrap();
    let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let (named, broken, config) = (path(&named), path(&broken), path(&config));
    let (state, record) = (path(&state), path(&record));
    let kept = ("XDG_STATE_HOME", state.as_str());
    let (named, broken, config) = (named.as_str(), broken.as_str(), config.as_str());
    let below = format!("{named}/x");
    let cases: Vec<Case<'_>> = vec![
        (vec!["--kubeconfig", named], vec![]),
        (vec!["--kubeconfig", broken], vec![]),
        (vec!["--kubeconfig", config, "--context", EVIL_BYTES], vec![]),
        (vec!["--profile", broken], vec![]),
        (vec!["--profile", named, "config", "show"], vec![]),
        (vec!["--log-file", &below, "drill"], vec![]),
        (vec!["sops", EVIL_BYTES], vec![]),
        (vec!["drill", EVIL_BYTES], vec![]),
        (vec![EVIL_BYTES], vec![]),
        (vec!["--sop", EVIL_BYTES, "config", "show"], vec![]),
        (
            vec!["--context", EVIL_BYTES, "-n", EVIL_BYTES, "config", "show"],
            vec![],
        ),
        (vec!["config", "paths"], vec![("SOPWATCH_CONFIG", broken)]),
        (vec!["config", "check"], vec![("SOPWATCH_CONFIG", broken)]),
        (
            vec!["config", "show"],
            vec![("XDG_CONFIG_HOME", named), ("KUBECONFIG", named)],
        ),
        (
            vec!["config", "paths"],
            vec![("XDG_CONFIG_HOME", named), ("KUBECONFIG", named)],
        ),
        (vec!["incidents"], vec![kept]),
        (vec!["incidents", "--verify"], vec![kept]),
        (vec!["incidents", "close", &record], vec![kept]),
        (vec!["report", &record], vec![kept]),
        (
            vec!["incidents", "prune", "--broken", "--older-than", "0"],
            vec![kept],
        ),
        (vec!["incidents"], vec![("XDG_STATE_HOME", named)]),
    ];
    for (arguments, variables) in cases {
        let said = output_of(&arguments, &variables);
        assert!(!said.is_empty(), "{arguments:?} says something");
        let found = trespassers(&said);
        assert!(found.is_empty(), "{arguments:?}: {found:#?}");
    }
}

#[test]
fn a_hostile_profile_is_refused_in_harmless_words() {
    let folder = tempfile::tempdir().unwrap();
    let profile = folder.path().join("evil.toml");
    let spoiled = BUILT_IN_PROFILE.replacen("title = \"", &format!("title = \"{EVIL} "), 1);
    assert_ne!(spoiled, BUILT_IN_PROFILE);
    std::fs::write(&profile, spoiled).unwrap();
    let profile = profile.to_str().unwrap();
    for command in [
        vec!["sops"],
        vec!["sops", "api-down"],
        vec!["config", "show"],
        vec!["config", "check"],
    ] {
        let said = output_of(&[vec!["--profile", profile], command.clone()].concat(), &[]);
        let found = trespassers(&said);
        assert!(found.is_empty(), "{command:?}: {found:#?}");
        let said = String::from_utf8(said).unwrap();
        assert!(said.contains("control or invisible characters"), "{said}");
    }
}
