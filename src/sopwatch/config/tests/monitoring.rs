//! Monitoring servers in the user's file: what is read, what is refused, and that no secret is shown.

use secrecy::ExposeSecret;

use super::{User, show};
use crate::config::{CredentialSetting, SecretFrom};

const ALL: &str = r#"
[environments.stage.metrics]
url = "https://thanos.test/prefix"
kubeconfig-token = true
tenancy = true
ca-file = "ca.pem"

[environments.stage.alerts]
url = "https://am.test"
user = "oncall"
password-variable = "AM_PASSWORD"

[environments.stage.tracker]
url = "https://glitchtip.test"
organisation = "org"
project = "msa-stage"
environment = "stage"
token-variable = "TRACKER_TOKEN"
"#;

#[test]
#[expect(clippy::disallowed_methods, reason = "the test compares it")]
fn each_server_has_its_address_and_its_credential() {
    let user = User::new(ALL, &[("AM_PASSWORD", "pa55"), ("OTHER", "x")], "");
    let settings = user.settings();
    assert_eq!(settings.monitoring.keys().collect::<Vec<_>>(), ["stage"]);
    let stage = &settings.monitoring["stage"];
    let metrics = stage.metrics.as_ref().unwrap();
    assert_eq!(metrics.server.url.value, "https://thanos.test/prefix");
    assert!(metrics.tenancy && metrics.rules);
    assert!(matches!(metrics.server.credential, CredentialSetting::Kubeconfig));
    assert!(
        metrics
            .server
            .ca_file
            .as_ref()
            .unwrap()
            .starts_with(user.folder.path())
    );
    let CredentialSetting::Password { user, password } = &stage.alerts.as_ref().unwrap().credential else {
        panic!("{stage:?}");
    };
    let SecretFrom::Variable(name, Some(value)) = password else {
        panic!("{password:?}");
    };
    assert_eq!(
        (&**user, &**name, value.expose_secret()),
        ("oncall", "AM_PASSWORD", "pa55")
    );
    let tracker = stage.tracker.as_ref().unwrap();
    assert_eq!((&*tracker.organisation, &*tracker.project), ("org", "msa-stage"));
    assert!(matches!(
        &tracker.server.credential,
        CredentialSetting::Token(SecretFrom::Variable(name, None)) if name == "TRACKER_TOKEN"
    ));
}

#[test]
fn what_is_shown_says_where_secrets_come_from_and_not_what_they_are() {
    let user = User::new(ALL, &[("AM_PASSWORD", "pa55"), ("TRACKER_TOKEN", "t0ken")], "");
    let settings = user.settings();
    let shown = format!("{}{settings:?}", show(&settings));
    for line in [
        "environments.stage.metrics.url",
        "the kubeconfig's token",
        "user oncall, password from AM_PASSWORD (set, not shown)",
        "token from TRACKER_TOKEN (set, not shown)",
        "org/msa-stage",
    ] {
        assert!(shown.contains(line), "{line} in {shown}");
    }
    assert!(!shown.contains("pa55") && !shown.contains("t0ken"), "{shown}");
}

#[test]
fn grafana_passes_queries_on_where_the_metrics_have_no_address_of_their_own() {
    let grafana = "[environments.stage.grafana]\nurl = 'https://grafana.test/'\ndata-source = 'P5DC'\ntoken-file = '~/t'";
    let metrics_of = |file: &str| {
        let settings = User::new(file, &[], "").settings();
        settings.monitoring["stage"].metrics.clone().unwrap()
    };
    let by_grafana = metrics_of(grafana);
    assert_eq!(
        by_grafana.server.url.value,
        "https://grafana.test/api/datasources/proxy/uid/P5DC"
    );
    let with_keys = metrics_of(&format!("{grafana}\n[environments.stage.metrics]\nrules = false"));
    assert_eq!(
        (with_keys.rules, &with_keys.server.url.value),
        (false, &by_grafana.server.url.value)
    );
    let own = metrics_of(&format!(
        "{grafana}\n[environments.stage.metrics]\nurl = 'https://p.test'"
    ));
    assert_eq!(own.server.url.value, "https://p.test");
}

#[test]
fn an_empty_section_configures_nothing() {
    let file = "[environments.stage.metrics]\n[environments.stage.tracker]\n";
    assert!(User::new(file, &[], "").settings().monitoring.is_empty());
}

/// A section and its keys, and how the message begins.
const MISTAKES: [(&str, &str, &str); 14] = [
    (
        "metrics",
        "rules = true",
        "environments.stage.metrics: the server has no address",
    ),
    (
        "metrics",
        "url = 'prometheus:9090'",
        "environments.stage.metrics.url: not an http(s) address without a query",
    ),
    (
        "metrics",
        "url = 'ftp://p.test'",
        "environments.stage.metrics.url: not an http(s) address without a query",
    ),
    (
        "metrics",
        "url = 'https://p.test?x=1'",
        "environments.stage.metrics.url: not an http(s) address without a query",
    ),
    (
        "metrics",
        "url = 'https://me:pa55@p.test'",
        "environments.stage.metrics.url: the address holds a user or a password",
    ),
    (
        "alerts",
        "url = 'http://am.test'\ntoken-file = 't'",
        "environments.stage.alerts.url: the credential would be readable on its way",
    ),
    (
        "alerts",
        "url = 'https://am.test'\ntoken-file = 't'\nkubeconfig-token = true",
        "environments.stage.alerts: the server has several credentials",
    ),
    (
        "alerts",
        "url = 'https://am.test'\nuser = 'me'",
        "environments.stage.alerts: the user has no password",
    ),
    (
        "alerts",
        "url = 'https://am.test'\npassword-file = 'p'",
        "environments.stage.alerts: the password has no user",
    ),
    (
        "alerts",
        "url = 'https://am.test'\ntoken = 'x'",
        "environments.stage.alerts.token: unknown key `token`",
    ),
    (
        "tracker",
        "url = 'https://t.test'\nproject = 'p'",
        "environments.stage.tracker: the error tracker needs its organisation",
    ),
    (
        "tracker",
        "url = 'https://t.test'\norganisation = 'o'\nproject = '../x'",
        "environments.stage.tracker.project: not a short name",
    ),
    (
        "grafana",
        "url = 'https://g.test'",
        "environments.stage.grafana: Grafana needs the uid of its Prometheus data source",
    ),
    (
        "grafana",
        "url = 'https://g.test'\ndata-source = 'a/b'",
        "environments.stage.grafana.data-source: not a uid",
    ),
];

#[test]
fn every_mistake_names_its_key_and_no_secret() {
    for (section, keys, message) in MISTAKES {
        let error = User::new(&format!("[environments.stage.{section}]\n{keys}"), &[], "").error();
        assert!(error.contains(message), "{keys}: {error}");
        assert!(!error.contains("pa55"), "{error}");
    }
}

#[test]
fn plain_http_on_this_machine_may_take_a_credential() {
    for host in ["127.0.0.1:9090", "localhost", "[::1]:9090"] {
        let file = format!("[environments.stage.metrics]\nurl = 'http://{host}'\ntoken-file = 't'");
        assert!(
            User::new(&file, &[], "")
                .settings()
                .monitoring
                .contains_key("stage"),
            "{host}"
        );
    }
}
