//! What is refused, and how it is told.

use super::User;

/// File, variables, options, and how the message begins.
type Case = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
    &'static str,
);

const MISTAKES: &[Case] = &[
    (
        "\nthem = 'dark'",
        &[],
        "",
        "config.toml:2: them: unknown key `them`",
    ),
    (
        "poll = 'often'",
        &[],
        "",
        "config.toml:1: poll: must be a whole number of seconds, e.g. poll = 5",
    ),
    (
        "poll = 0",
        &[],
        "",
        "config.toml:1: poll: must be a whole number of seconds from 1 to 3600, e.g. poll = 5",
    ),
    (
        "color = 'no'",
        &[],
        "",
        "config.toml:1: color: `no` is not one of its values",
    ),
    (
        "[database]\nprot = 1",
        &[],
        "",
        "config.toml:2: database.prot: unknown key `prot`",
    ),
    (
        "[database]\nport = 0",
        &[],
        "",
        "config.toml:2: database.port: must be a port from 1 to 65535",
    ),
    (
        "[database]\nport = 70000",
        &[],
        "",
        "config.toml:2: database.port: must be a port from 1 to 65535, e.g. port = 15432",
    ),
    (
        "[database]\ntls = 'full'",
        &[],
        "",
        "config.toml:2: database.tls: `full` is not one of its values",
    ),
    (
        "[database]\nurl = 'mysql://a'",
        &[],
        "",
        "config.toml:2: database.url: not a PostgreSQL URL",
    ),
    (
        "[database]\nurl = 'postgres://a:hunter2@b/c'",
        &[],
        "",
        "config.toml:2: database.url: the URL holds a password",
    ),
    (
        "[database]\npassword = 'hunter2'",
        &[],
        "",
        "config.toml:2: database.password: unknown key `password`",
    ),
    (
        "sop = 'password=hunter2'",
        &[],
        "",
        "config.toml:1: sop: the profile has no SOP `password=⟨redacted⟩",
    ),
    (
        "sop = 'api-dwon'",
        &[],
        "",
        "config.toml:1: sop: the profile has no SOP `api-dwon`",
    ),
    (
        "profile = 'other'",
        &[],
        "",
        "config.toml:1: profile: there is no profile `other`",
    ),
    (
        "environment = 'stag'",
        &[],
        "",
        "config.toml:1: environment: the profile has no environment `stag`",
    ),
    (
        "environment = 'stage'\nnamespace = 'managed-services-production'",
        &[],
        "",
        "config.toml:2: namespace: the namespace `managed-services-production` is production's, not stage's",
    ),
    (
        "environment = 'production'\nnamespace = 'mine'",
        &[],
        "",
        "config.toml:2: namespace: the namespace `mine` is not production's, which is `managed-services-production`",
    ),
    (
        "",
        &[],
        "-e production -n managed-services-stage",
        "-n/--namespace: the namespace `managed-services-stage` is stage's, not production's",
    ),
    (
        "",
        &[],
        "-e stage -n mine",
        "-n/--namespace: the namespace `mine` is not stage's, which is `managed-services-stage`",
    ),
    (
        "",
        &[
            ("SOPWATCH_ENVIRONMENT", "production"),
            ("SOPWATCH_NAMESPACE", "managed-services-stage"),
        ],
        "",
        "SOPWATCH_NAMESPACE: the namespace `managed-services-stage` is stage's, not production's",
    ),
    (
        "[contacts]\nocm = ['x']",
        &[],
        "",
        "config.toml:2: contacts.ocm: the profile has no contact `ocm`",
    ),
    (
        "[contacts]\nocm-support = 'x'",
        &[],
        "",
        "config.toml:2: contacts.ocm-support: must be a list, e.g. ocm-support = [\"…\"]",
    ),
    (
        "[environments.test]\nread-only = true",
        &[],
        "",
        "config.toml:1: environments.test: the profile has no environment `test`",
    ),
    (
        "[environments.stage]\nreadonly = true",
        &[],
        "",
        "config.toml:2: environments.stage.readonly: unknown key",
    ),
    (
        "[environments.stage]\nnamespace = 'managed-services-production'",
        &[],
        "",
        "config.toml:2: environments.stage.namespace: another environment has this namespace",
    ),
    (
        "[environments.stage]\nnamespace = 'x'\n[environments.production]\nnamespace = 'x'",
        &[],
        "",
        "config.toml:2: environments.stage.namespace: another environment has this namespace already\n     2 | namespace = 'x'\nconfig.toml:4: environments.production.namespace: another environment has this namespace",
    ),
    (
        "[environments.stage.links]\nsentri = 'https://x'",
        &[],
        "",
        "config.toml:2: environments.stage.links.sentri: the profile has no step with the link `sentri`",
    ),
    (
        "[environments.stage.links]\nsentry = 'x'",
        &[],
        "",
        "config.toml:2: environments.stage.links.sentry: must be an http(s) link",
    ),
    (
        "[keys]\nquit = 3",
        &[],
        "",
        "config.toml:2: keys.quit: must be a key such as \"q\"",
    ),
    (
        "[thresholds]\nreplicas = 0",
        &[],
        "",
        "config.toml:2: thresholds.replicas: must be at least 1",
    ),
    (
        "[thresholds.limits.cluster]\naccepted = 1",
        &[],
        "",
        "config.toml:1: thresholds.limits.cluster: the profile has no table `cluster`",
    ),
    (
        "[thresholds.limits.clusters]\naccepte = 1",
        &[],
        "",
        "config.toml:2: thresholds.limits.clusters.accepte: the profile has no status or role `accepte`",
    ),
    (
        "[thresholds.limits.clusters]\nin-flight = 0",
        &[],
        "",
        "config.toml:2: thresholds.limits.clusters.in-flight: must be at least 1",
    ),
    (
        "",
        &[("SOPWATCH_POLL", "x")],
        "",
        "SOPWATCH_POLL: `x` is not a number from 1 to 3600",
    ),
    (
        "",
        &[("SOPWATCH_ASCII", "maybe")],
        "",
        "SOPWATCH_ASCII: must be 1 or 0, not `maybe`",
    ),
    (
        "",
        &[("SOPWATCH_CONFIG", "/nowhere/x.toml")],
        "",
        "/nowhere/x.toml: the file can't be read",
    ),
    ("", &[], "--sop api", "--sop: the profile has no SOP `api`"),
    (
        "",
        &[],
        "--profile /nowhere/x.toml",
        "/nowhere/x.toml: the file can't be read",
    ),
    (
        "",
        &[],
        "--database-url postgres://a:hunter2@b/c",
        "--database-url: the URL holds a password",
    ),
];

#[test]
fn every_wrong_value_names_its_place() {
    for (file, variables, line, expected) in MISTAKES {
        let error = User::new(file, variables, line).error();
        assert!(
            error.starts_with(expected),
            "{file}{line}\n--- got\n{error}\n--- expected\n{expected}"
        );
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn keys_themes_and_procedures_are_judged_where_they_are_known() {
    let settings = User::new(
        "theme = 'drak'\n[keys]\nquit = ['q',\n  'hyper-x']\nfly = 'f'",
        &[],
        "",
    )
    .settings();
    let judge = |action: &str, key: &str| match (action, key) {
        ("quit", "q") => Ok(()),
        ("quit", _) => Err(format!("`{key}` is not a key")),
        _ => Err(format!("there is no action `{action}`")),
    };
    let error = settings.check_keys(judge).expect_err("two are wrong").to_string();
    assert!(
        error.contains("config.toml:5: keys.fly: there is no action `fly`"),
        "{error}"
    );
    assert!(
        error.contains("config.toml:4: keys.quit[1]: `hyper-x` is not a key"),
        "{error}"
    );
    let error = settings
        .check_theme(["dark", "light"])
        .expect_err("wrong")
        .to_string();
    assert!(
        error.contains("config.toml:1: theme: there is no theme `drak`"),
        "{error}"
    );
    assert!(error.contains("did you mean `dark`?"), "{error}");
    let settings = User::new("", &[], "--theme light").settings();
    let error = settings.sop_named("api-dwn").expect_err("wrong").to_string();
    assert!(error.contains("did you mean `api-down`?"), "{error}");
    assert_eq!(
        settings.sop_named("api-down").map(|sop| sop.id.as_str()),
        Ok("api-down")
    );
    assert_eq!(settings.check_theme(["dark", "light"]), Ok(()));
}

#[test]
fn a_namespace_that_is_found_must_be_the_one_of_the_environment_that_was_chosen() {
    let (stage, production) = ("managed-services-stage", "managed-services-production");
    // file, options, the namespace that is found, how the message begins, whether only the command line is wrong
    let cases = [
        ("", "", stage, None),
        ("", "", "mine", None),
        ("", "-e stage", stage, None),
        ("environment = 'production'", "-e stage", stage, None),
        (
            "",
            "-e production",
            stage,
            Some((
                "-e/--environment: the namespace `managed-services-stage` is stage's, not production's",
                true,
            )),
        ),
        (
            "",
            "-e stage",
            "mine",
            Some((
                "-e/--environment: the namespace `mine` is not stage's, which is `managed-services-stage`",
                true,
            )),
        ),
        (
            "environment = 'stage'",
            "",
            production,
            Some((
                "config.toml:1: environment: the namespace `managed-services-production` is production's, not stage's",
                false,
            )),
        ),
    ];
    for (file, line, namespace, expected) in cases {
        let user = User::new(file, &[], line);
        let found = user.settings().check_namespace(namespace);
        let Some((message, usage)) = expected else {
            assert_eq!(found, Ok(()), "{file} {line} {namespace}");
            continue;
        };
        let error = found.expect_err("it is another's");
        assert_eq!(error.is_usage(), usage, "{error}");
        let text = error
            .to_string()
            .replace(&format!("{}/", user.folder.path().display()), "");
        assert!(text.starts_with(message), "{text}");
    }
}

/// A file, and all that is said of it: place, key, message, hint.
const SEVERAL: &[(&str, &[&str])] = &[
    (
        "poll = '5s'\ncolr = 'never'\n[database]\nport = 0\n",
        &[
            "config.toml:1: poll: must be a whole number of seconds, e.g. poll = 5",
            "config.toml:2: colr: unknown key `colr`",
            "did you mean `color`?",
            "config.toml:4: database.port: must be a port from 1 to 65535, e.g. port = 15432",
        ],
    ),
    // of each stage of the reading: kinds, values, the profile, the screen
    (
        "ascii = 'yes'\nsop = 'api-dwon'\nenvironment = 'stag'\n[contacts]\nocm = ['x']\n[thresholds]\nlease = '3m'\ntick = 0\n",
        &[
            "config.toml:1: ascii: must be true or false, e.g. ascii = true",
            "config.toml:2: sop: the profile has no SOP `api-dwon`",
            "config.toml:3: environment: the profile has no environment `stag`",
            "config.toml:5: contacts.ocm: the profile has no contact `ocm`",
            "config.toml:7: thresholds.lease: must be a whole number of seconds, e.g. lease = 180",
            "config.toml:8: thresholds.tick: must be at least 1",
        ],
    ),
    // a key in the wrong table
    (
        "host = '127.0.0.1'\n[database]\npoll = 5\n[environment.stage]\nread-only = true\n",
        &[
            "config.toml:1: host: unknown key `host`",
            "`host` belongs under [database]",
            "config.toml:3: database.poll: unknown key `poll`",
            "`poll` belongs at the top of the file, above the first [table]",
            "config.toml:4: environment: must be a text in quotes",
            "did you mean [environments.NAME]?",
        ],
    ),
    // a profile that is not there hides no other mistake, and nothing is said of what depends on it
    (
        "profile = 'nope'\nsop = 'x'\nbell = 1\n[database]\nurl = 'mysql://a'\n",
        &[
            "config.toml:1: profile: there is no profile `nope`",
            "config.toml:3: bell: must be true or false, e.g. bell = true",
            "config.toml:5: database.url: not a PostgreSQL URL",
        ],
    ),
    // a value without quotes is no TOML, and the other lines are read all the same
    (
        "theme = light\npoll = '5s'\ncolr = 'never'\n",
        &[
            "config.toml:1: ",
            "config.toml:2: poll: must be a whole number of seconds, e.g. poll = 5",
            "config.toml:3: colr: unknown key `colr`",
        ],
    ),
];

#[test]
fn all_mistakes_of_a_file_are_named_at_once_each_once_with_line_and_key() {
    for (file, expected) in SEVERAL {
        let error = User::new(file, &[], "").error();
        let mut rest = error.as_str();
        for part in *expected {
            let at = rest.find(part);
            let at = at.unwrap_or_else(|| panic!("{part} is not in, or not in its place in\n{error}"));
            rest = &rest[at + part.len()..];
        }
        let places = expected.iter().filter(|part| part.starts_with("config.toml:"));
        assert_eq!(error.matches("config.toml:").count(), places.count(), "{error}");
        for rust in [
            "invalid type",
            "invalid value",
            "u64",
            "u16",
            "struct",
            "serde",
            "expected a",
        ] {
            assert!(!error.contains(rust), "{rust} in\n{error}");
        }
    }
}

#[test]
fn mistakes_of_options_variables_and_the_file_are_named_together() {
    let error = User::new(
        "pol = 5",
        &[("SOPWATCH_ASCII", "maybe"), ("SOPWATCH_POLL", "x")],
        "--sop api-dwn",
    )
    .error();
    for part in [
        "config.toml:1: pol: unknown key `pol`",
        "SOPWATCH_ASCII: must be 1 or 0, not `maybe`",
        "SOPWATCH_POLL: `x` is not a number from 1 to 3600",
        "--sop: the profile has no SOP `api-dwn`",
    ] {
        assert!(error.contains(part), "{part} is not in\n{error}");
    }
}
