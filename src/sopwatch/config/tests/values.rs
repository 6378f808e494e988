//! Which value wins, and what is never shown.

use std::time::Duration;

use secrecy::ExposeSecret;

use super::{User, shown};
use crate::config::show;

/// Key; file; variable; option; and the value with none of them, then with one more each.
type Layered = (
    &'static str,
    &'static str,
    (&'static str, &'static str),
    &'static str,
    [&'static str; 4],
);

const LAYERED: &[Layered] = &[
    (
        "sop",
        "sop = 'api-down'",
        ("SOPWATCH_SOP", "api-latency"),
        "--sop api-availability",
        ["-", "api-down", "api-latency", "api-availability"],
    ),
    (
        "theme",
        "theme = 'light'",
        ("SOPWATCH_THEME", "b"),
        "--theme c",
        ["dark", "light", "b", "c"],
    ),
    (
        "context",
        "context = 'a'",
        ("SOPWATCH_CONTEXT", "b"),
        "--context c",
        ["-", "a", "b", "c"],
    ),
    (
        "namespace",
        "namespace = 'a'",
        ("SOPWATCH_NAMESPACE", "b"),
        "-n c",
        ["-", "a", "b", "c"],
    ),
    (
        "ascii",
        "ascii = false",
        ("SOPWATCH_ASCII", "0"),
        "--ascii",
        ["false", "false", "false", "true"],
    ),
    (
        "read-only",
        "read-only = true",
        ("SOPWATCH_READ_ONLY", "0"),
        "--read-only",
        ["false", "true", "false", "true"],
    ),
    (
        "color",
        "color = 'always'",
        ("NO_COLOR", "1"),
        "--color auto",
        ["auto", "always", "never", "auto"],
    ),
    (
        "poll",
        "poll = 7",
        ("SOPWATCH_POLL", "8"),
        "--poll 9",
        ["5 s", "7 s", "8 s", "9 s"],
    ),
    (
        "kubeconfig",
        "kubeconfig = '~/a'",
        ("KUBECONFIG", "/b:/c"),
        "--kubeconfig d",
        ["-", "/home/oncall/a", "/b:/c", "/somewhere/d"],
    ),
    (
        "database.host",
        "[database]\nhost = 'a'",
        ("SOPWATCH_DATABASE_HOST", "b"),
        "--database-host c",
        ["-", "a", "b", "c"],
    ),
    (
        "database.port",
        "[database]\nport = 1",
        ("SOPWATCH_DATABASE_PORT", "2"),
        "--database-port 3",
        ["-", "1", "2", "3"],
    ),
    (
        "database.enabled",
        "[database]\nenabled = true",
        ("SOPWATCH_NO_DATABASE", "1"),
        "--no-database",
        ["true", "true", "false", "false"],
    ),
];

#[test]
fn options_win_over_variables_over_the_file_over_the_profile() {
    for &(key, file, variable, line, values) in LAYERED {
        let option = line.split_whitespace().next().expect("an option");
        let option = if option == "-n" { "-n/--namespace" } else { option };
        let layers = [
            ("", &[][..], ""),
            (file, &[], ""),
            (file, &[variable], ""),
            (file, &[variable], line),
        ];
        for (layer, (file, variables, line)) in layers.into_iter().enumerate() {
            let settings = User::new(file, variables, line).settings();
            let (value, origin) = shown(&settings, key);
            assert_eq!(value, values[layer], "{key}, layer {layer}");
            let expected = ["", "config.toml:", variable.0, option][layer];
            assert!(origin.contains(expected), "{key}, layer {layer}: {origin}");
        }
    }
}

/// File, variables, options; the environment and the namespace that follow.
type Followed = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
);

#[test]
fn environment_and_namespace_follow_from_each_other() {
    let (stage, production) = ("managed-services-stage", "managed-services-production");
    let cases: [Followed; 9] = [
        ("", &[], "", None, None),
        ("", &[], "-e stage", Some("stage"), Some(stage)),
        ("", &[], "-n managed-services-production", None, Some(production)),
        ("environment = 'stage'", &[], "", Some("stage"), Some(stage)),
        (
            "environment = 'stage'",
            &[],
            "-n managed-services-production",
            None,
            Some(production),
        ),
        (
            "environment = 'stage'",
            &[("SOPWATCH_NAMESPACE", "mine")],
            "",
            None,
            Some("mine"),
        ),
        (
            "namespace = 'mine'",
            &[],
            "-e production",
            Some("production"),
            Some(production),
        ),
        (
            "",
            &[("SOPWATCH_ENVIRONMENT", "stage")],
            "-e production",
            Some("production"),
            Some(production),
        ),
        (
            "",
            &[],
            "-e stage -n managed-services-stage",
            Some("stage"),
            Some(stage),
        ),
    ];
    for (file, variables, line, environment, namespace) in cases {
        let settings = User::new(file, variables, line).settings();
        let found = settings.environment.as_ref().map(|chosen| chosen.value.as_str());
        assert_eq!(found, environment, "{file} {line}");
        assert_eq!(
            settings.namespace.as_ref().map(|chosen| chosen.value.as_str()),
            namespace,
            "{file} {line}"
        );
    }
    let settings = User::new("", &[], "").settings();
    let name = |namespace| {
        settings
            .environment_for(namespace)
            .map(|found| found.name.as_str())
    };
    assert_eq!(
        (name(stage), name(production), name("mine")),
        (Some("stage"), Some("production"), None)
    );
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test compares it")]
fn no_secret_is_shown() {
    let variables = [
        (
            "SOPWATCH_DATABASE_URL",
            "postgres://oncall:hun/t:e r@2@db:5432/x?password=hunter3",
        ),
        ("PGPASSWORD", "hunter4"),
        ("PGUSER", "oncall"),
    ];
    let settings = User::new("", &variables, "").settings();
    let text = show(&settings);
    assert!(text.contains("postgres://oncall@db:5432/x "), "{text}");
    for secret in ["hun/t", "e r@2", "hunter3", "hunter4"] {
        assert!(!text.contains(secret), "{text}");
        assert!(!format!("{settings:?}").contains(secret));
    }
    let url = settings.database.url.expect("given");
    assert_eq!(url.value.expose_secret(), variables[0].1);
    assert_eq!(settings.database.libpq["PGPASSWORD"].expose_secret(), "hunter4");
}

#[test]
fn two_environments_may_change_their_namespaces() {
    let swapped = "[environments.stage]\nnamespace = 'managed-services-production'\n\
                   [environments.production]\nnamespace = 'managed-services-stage'";
    let settings = User::new(swapped, &[], "").settings();
    let namespace = |name: &str| {
        let mut environments = settings.profile.environments.iter();
        environments
            .find(|known| known.name == name)
            .unwrap()
            .namespace
            .clone()
    };
    assert_eq!(namespace("stage"), "managed-services-production");
    assert_eq!(namespace("production"), "managed-services-stage");
}

/// A file that changes the profile.
const CHANGES: &str = "
[contacts]
control-plane = ['#control-plane', 'pager 1']
[environments.production]
read-only = true
[environments.production.links]
grafana-resources = 'https://grafana.example.com/d/1'
[thresholds]
replicas = 6
lease = 60
[thresholds.limits.clusters]
in-flight = 100
cluster_provisioned = 200
";

#[test]
fn the_user_changes_the_profile_and_each_change_is_traced() {
    let settings = User::new(CHANGES, &[], "").settings();
    let cases = [
        (
            "contacts.control-plane",
            "#control-plane, pager 1",
            "config.toml:3",
        ),
        (
            "contacts.ocm-support",
            "(not in the SOP: add it under [contacts])",
            "profile managed-services-api",
        ),
        ("environments.production.read-only", "true", "config.toml:5"),
        (
            "environments.stage.read-only",
            "false",
            "profile managed-services-api",
        ),
        (
            "environments.production.links.grafana-resources",
            "https://grafana.example.com/d/1",
            "config.toml:7",
        ),
        ("thresholds.replicas", "6", "config.toml:9"),
        ("thresholds.lease", "60 s", "config.toml:10"),
        ("thresholds.tick", "30 s", "profile managed-services-api"),
        (
            "thresholds.limits.clusters.cluster_provisioning",
            "100 s",
            "config.toml:12",
        ),
        (
            "thresholds.limits.clusters.cluster_provisioned",
            "200 s",
            "config.toml:13",
        ),
        (
            "thresholds.limits.clusters.cluster_accepted",
            "180 s",
            "profile managed-services-api",
        ),
    ];
    for (key, value, origin) in cases {
        let (found, from) = shown(&settings, key);
        assert_eq!(found, value, "{key}");
        assert!(from.ends_with(origin), "{key}: {from}");
    }
    assert_eq!(settings.profile.leaders.settle(), Duration::from_mins(2));
    let production = settings.environment_for("managed-services-production");
    assert!(
        settings.is_read_only(production)
            && !settings.is_read_only(settings.environment_for("managed-services-stage"))
    );
}
