//! The files of the configuration.

use super::User;
use crate::cli::ColorChoice;
use crate::config::{
    ConfigError, ConfigProblem, DEFAULT_FILE, Judges, Origin, OutputText, Settings, TextOutput, check, init,
    paths, text_output,
};
use crate::net::tls::TlsMode;
use sopwatch_core::profile::Profile;
use sopwatch_core::testkit::BUILT_IN_PROFILE;

/// What judges the settings.
type Judge<T> = fn(&Settings) -> Result<T, ConfigError>;

/// The screen finds nothing wrong, and there is a cluster.
const JUDGES: Judges<Judge<()>, Judge<String>> = Judges {
    screen: |_| Ok(()),
    cluster: |_| Ok("kubeconfig: ok".to_owned()),
};

/// The lines of the default file that are settings, without the sign that comments them out; with those that have no default
/// if `examples`.
fn uncommented(examples: bool) -> String {
    let mut example = false;
    let mut text = String::new();
    for line in DEFAULT_FILE.lines() {
        match line.strip_prefix('#') {
            Some(prose) if prose.is_empty() || prose.starts_with(' ') => {
                example = prose.contains("(no default)");
            }
            Some(setting) if examples || !example || setting.starts_with('[') => {
                text.push_str(setting);
                text.push('\n');
            }
            Some(_) => {}
            None => example = false,
        }
    }
    text
}

#[test]
fn every_line_of_the_default_file_is_a_setting() {
    let text = uncommented(true);
    let settings = User::new(&text, &[], "").settings();
    assert_eq!(
        settings.namespace.as_ref().map(|chosen| chosen.value.as_str()),
        Some("managed-services-stage")
    );
    assert_eq!(
        settings.database.tls.as_ref().map(|tls| tls.value),
        Some(TlsMode::VerifyFull)
    );
    assert_eq!(settings.keys.len(), 1);
    for key in USER_KEYS {
        assert!(
            text.lines().any(|line| line.starts_with(key)),
            "{key} is not in the default file"
        );
    }
}

/// Every key of the user's file.
const USER_KEYS: [&str; 42] = [
    "profile",
    "environment",
    "namespace",
    "context",
    "kubeconfig",
    "sop",
    "theme",
    "ascii",
    "bell",
    "color",
    "read-only",
    "poll",
    "[database]",
    "enabled",
    "url",
    "host",
    "port",
    "tls",
    "[contacts]",
    "[environments.",
    "[environments.stage.metrics]",
    "[environments.stage.cluster-metrics]",
    "openshift",
    "[environments.stage.alerts]",
    "[environments.stage.tracker]",
    "[environments.stage.grafana]",
    "kubeconfig-token",
    "tenancy",
    "rules",
    "data-source",
    "token-file",
    "token-variable",
    "organisation",
    "project",
    "[environments.stage.links]",
    "[environments.production]",
    "[keys]",
    "[thresholds]",
    "replicas",
    "tick",
    "lease",
    "reconcile",
];

#[test]
fn the_default_file_says_what_the_program_does() {
    let given = User::new(&uncommented(false), &[], "").settings();
    let default = User::new("", &[], "").settings();
    assert_eq!(given.profile, default.profile);
    let plain = |settings: &Settings| {
        (
            settings.profile_name.value.clone(),
            settings.read_only.value,
            settings.screen.theme.value.clone(),
            settings.screen.ascii.value,
            settings.screen.bell.value,
            settings.screen.color.value,
            settings.database.enabled.value,
            settings.database.poll.value,
        )
    };
    assert_eq!(plain(&given), plain(&default));
    assert!(matches!(given.database.poll.origin, Origin::File { .. }));
    assert_eq!(default.screen.color.value, ColorChoice::Auto);
    let unset = [
        given.environment.is_none(),
        given.namespace.is_none(),
        given.sop.is_none(),
        given.database.url.is_none(),
    ];
    assert_eq!(unset, [true; 4]);
}

#[test]
fn profiles_are_found_by_name_and_by_path() {
    let mine = BUILT_IN_PROFILE.replacen("id = \"managed-services-api\"", "id = \"mine\"", 1);
    let cases = [
        ("--profile mine", ""),
        ("", "profile = 'mine'"),
        ("", "profile = 'profiles/mine.toml'"),
    ];
    for (line, file) in cases {
        let user = User::new(file, &[], line);
        user.write("profiles/mine.toml", &mine);
        assert_eq!(user.settings().profile.id, "mine", "{line}{file}");
    }
    let user = User::new("", &[], "");
    let path = user.write("elsewhere/x.toml", &mine);
    let user = User {
        line: format!("sopwatch --profile {}", path.display()),
        ..user
    };
    assert_eq!(user.settings().profile.id, "mine");
    let user = User::new("", &[], "--profile mina");
    user.write("profiles/mine.toml", &mine);
    assert_eq!(
        user.error(),
        "--profile: there is no profile `mina`\n       = did you mean `mine`?"
    );
}

#[test]
fn the_first_file_is_written_once_and_is_good() {
    let user = User::new("", &[], "config init");
    let written = init(&user.cli(), &user.variables, &user.dirs()).expect("written");
    assert!(written.contains("config.toml"), "{written}");
    let again = init(&user.cli(), &user.variables, &user.dirs())
        .expect_err("kept")
        .to_string();
    assert!(again.contains("exists already"), "{again}");
    let (text, well) = check(&user.cli(), &user.variables, &user.dirs(), &JUDGES);
    assert!(well && text.contains("config.toml: ok"), "{text}");
}

#[test]
fn check_reads_every_file_and_tells_what_is_wrong() {
    let user = User::new("poll = 0", &[], "config check");
    user.write("profiles/bad.toml", "id = 3");
    let (text, well) = check(&user.cli(), &user.variables, &user.dirs(), &JUDGES);
    assert!(!well);
    for expected in [
        "config.toml:1: poll: ",
        "bad.toml:1: id: ",
        "managed-services-api (built in): ok",
    ] {
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn paths_tell_what_exists() {
    let user = User::new("poll = 3", &[("KUBECONFIG", "/no/a:/no/b")], "config paths");
    let text = paths(&user.cli(), &user.variables, &user.dirs());
    let line = |word: &str| {
        text.lines()
            .find(|line| line.contains(word))
            .unwrap_or_else(|| panic!("{word}\n{text}"))
    };
    assert!(line("config.toml").contains("exists"), "{text}");
    assert!(
        line("/no/b").contains("missing") && line("/no/a").contains("KUBECONFIG"),
        "{text}"
    );
    assert!(line("profiles").contains("missing"), "{text}");
}

#[test]
fn the_role_of_the_sample_covers_the_profile() {
    let rbac = include_str!("../../../../config/rbac.yaml");
    let Profile { database, .. } = User::new("", &[], "").settings().profile;
    let secret = database.expect("a database").secret.name;
    assert!(rbac.contains(&format!("resourceNames: [\"{secret}\"]")));
    for resource in [
        "deployments",
        "replicasets",
        "pods",
        "pods/log",
        "events",
        "secrets",
        "deployments/scale",
    ] {
        assert!(rbac.contains(&format!("\"{resource}\"")), "{resource}");
    }
}

/// What a command is answered with.
fn answered(file: &str, line: &str) -> Option<TextOutput> {
    let user = User::new(file, &[], line);
    let found = text_output(&user.cli(), &user.variables, &user.dirs(), &JUDGES, &[]);
    found.unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn commands_without_a_screen_are_answered_with_a_text() {
    let cases = [
        ("sops", 0, "api-down"),
        (
            "sops api-down",
            0,
            "production, sentry: https://sentry.devshift.net",
        ),
        (
            "sops api-down -e stage",
            0,
            "Environment: stage, namespace managed-services-stage",
        ),
        ("config show", 0, "database.enabled"),
        ("config paths", 0, "config.toml"),
        ("config check", 0, "ok"),
        ("completions fish", 0, "complete"),
        ("man", 0, ".TH"),
    ];
    for (line, status, part) in cases {
        let answer = answered("", line).expect(line);
        assert_eq!(answer.status, status, "{line}");
        let text = match answer.text {
            OutputText::Safe(text) => text.to_string(),
            OutputText::Generated(bytes) => String::from_utf8(bytes).expect(line),
        };
        assert!(text.contains(part), "{line}: {part} is not in\n{text}");
    }
    assert_eq!(answered("", ""), None);
    assert_eq!(answered("", "drill no-kafka-leader"), None);
}

#[test]
fn what_does_not_hang_on_the_configuration_is_answered_when_it_is_broken() {
    for line in ["config paths", "completions bash", "man"] {
        assert_eq!(answered("poll = 0", line).expect(line).status, 0, "{line}");
    }
    assert_eq!(answered("poll = 0", "config check").expect("checked").status, 1);
}

#[test]
fn the_profile_that_was_asked_for_is_the_one_that_is_reported_on() {
    let text = include_str!("../../../../assets/profiles/managed-services-api.toml");
    let mine = text.replacen("id = \"managed-services-api\"", "id = \"mine\"", 1);
    let broken = mine
        .replacen("tick = 30", "tick = \"30s\"", 1)
        .replacen("replicas = 3", "replicsa = 3", 1);
    for (line, file, profile, well) in [
        ("config check --profile mine", "", &mine, true),
        ("config check", "profile = 'mine'", &mine, true),
        ("config check --profile mine", "poll = 0", &mine, false),
        ("config check --profile mine", "", &broken, false),
    ] {
        let user = User::new(file, &[], line);
        let path = user.write("profiles/mine.toml", profile);
        let (text, found_well) = check(&user.cli(), &user.variables, &user.dirs(), &JUDGES);
        assert_eq!(found_well, well, "{text}");
        assert!(!text.contains("built in"), "{line} {file}\n{text}");
        let ok = format!("profile mine ({}): ok", path.display());
        assert_eq!(text.contains(&ok), *profile == mine, "{line} {file}\n{text}");
        if *profile == broken {
            for mistake in [
                "leaders.tick: must be a whole number",
                "service.replicsa: unknown key",
            ] {
                assert_eq!(text.matches(mistake).count(), 1, "{mistake}\n{text}");
            }
        }
    }
}

#[test]
fn a_kubeconfig_that_is_missing_is_not_well() {
    let judges = Judges {
        screen: |_: &Settings| Ok(()),
        cluster: |_: &Settings| Err(ConfigProblem::new("kubeconfig", "/no/such/file does not exist").into()),
    };
    for file in ["", "poll = 0"] {
        let user = User::new(file, &[], "config check --kubeconfig /no/such/file");
        let (text, well) = check(&user.cli(), &user.variables, &user.dirs(), &judges);
        assert!(!well, "{text}");
        assert!(
            text.contains("kubeconfig: /no/such/file does not exist"),
            "{text}"
        );
        assert!(!text.contains("kubeconfig: ok"), "{text}");
    }
}
