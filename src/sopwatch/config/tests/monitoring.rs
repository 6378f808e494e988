//! Monitoring servers in the user's file: what is read, what is refused, and that no secret is shown.

use secrecy::ExposeSecret;

use super::{User, show};
use crate::config::{CredentialSetting, LocationSetting, SecretFrom, ServerSettings};

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

/// The location as it is shown.
fn address(server: &ServerSettings) -> String {
    server.location.value.shown().1
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test compares it")]
fn each_server_has_its_address_and_its_credential() {
    let user = User::new(ALL, &[("AM_PASSWORD", "pa55"), ("OTHER", "x")], "");
    let settings = user.settings();
    assert_eq!(settings.monitoring.keys().collect::<Vec<_>>(), ["stage"]);
    let stage = &settings.monitoring["stage"];
    let metrics = stage.metrics.as_ref().unwrap();
    assert_eq!(address(&metrics.server), "https://thanos.test/prefix");
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
        address(&by_grafana.server),
        "https://grafana.test/api/datasources/proxy/uid/P5DC"
    );
    let with_keys = metrics_of(&format!("{grafana}\n[environments.stage.metrics]\nrules = false"));
    assert_eq!(
        (with_keys.rules, address(&with_keys.server)),
        (false, address(&by_grafana.server))
    );
    let own = metrics_of(&format!(
        "{grafana}\n[environments.stage.metrics]\nurl = 'https://p.test'"
    ));
    assert_eq!(address(&own.server), "https://p.test");
}

#[test]
fn an_empty_section_configures_nothing() {
    let file = "[environments.stage.metrics]\n[environments.stage.tracker]\n";
    assert!(User::new(file, &[], "").settings().monitoring.is_empty());
}

/// A section and its keys, and how the message begins.
const MISTAKES: [(&str, &str, &str); 29] = [
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
        "metrics",
        "url = 'https://p.test'\nservice = 'm/prometheus:9090'",
        "environments.stage.metrics: the server has several addresses",
    ),
    (
        "metrics",
        "service = 'prometheus:9090'",
        "environments.stage.metrics.service: not a service with its port",
    ),
    (
        "metrics",
        "service = 'm/prometheus'",
        "environments.stage.metrics.service: not a service with its port",
    ),
    (
        "metrics",
        "service = 'm/ftp:prometheus:9090'",
        "environments.stage.metrics.service: not a service with its port",
    ),
    (
        "metrics",
        "service = 'm/prometheus:9090/../../x'",
        "environments.stage.metrics.service: not a service with its port",
    ),
    (
        "metrics",
        "service = 'm/prometheus:9090?x=1'",
        "environments.stage.metrics.service: not a service with its port",
    ),
    (
        "alerts",
        "service = 'm/am:9093'\ntoken-file = 't'",
        "environments.stage.alerts: the API server's proxy passes on no credential",
    ),
    (
        "alerts",
        "service = 'm/am:9093'\nca-file = 'c'",
        "environments.stage.alerts.ca-file: the API server makes the connection",
    ),
    (
        "metrics",
        "openshift = true\ntenancy = true",
        "environments.stage.metrics.tenancy: a tenancy port is reached neither by a route nor through the API server",
    ),
    (
        "metrics",
        "openshift = false",
        "environments.stage.metrics: the server has no address",
    ),
    (
        "metrics",
        "url = 'https://p.test'\nrules-url = 'p.test:9093'",
        "environments.stage.metrics.rules-url: not an http(s) address without a query",
    ),
    (
        "metrics",
        "url = 'https://p.test'\ntoken-file = 't'\nrules-url = 'http://p.test:9093'",
        "environments.stage.metrics.rules-url: the credential would be readable on its way",
    ),
    (
        "cluster-metrics",
        "ca-file = 'c'",
        "environments.stage.cluster-metrics: the server has no address",
    ),
    (
        "cluster-metrics",
        "openshift = true\nrules = true",
        "environments.stage.cluster-metrics.rules: unknown key `rules`",
    ),
    (
        "tracker",
        "service = 'm/glitchtip:80'",
        "environments.stage.tracker.service: unknown key `service`",
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

const IN_CLUSTER: &str = "
[environments.stage.metrics]
service = 'monitoring/prometheus-operated:9090'

[environments.stage.cluster-metrics]
openshift = true
ca-file = 'router.pem'

[environments.stage.alerts]
service = 'monitoring/https:alertmanager:web/am/'
";

#[test]
fn servers_in_the_cluster_are_named_by_service_or_found_by_their_route() {
    let user = User::new(IN_CLUSTER, &[], "");
    let settings = user.settings();
    let stage = &settings.monitoring["stage"];
    let metrics = &stage.metrics.as_ref().unwrap().server;
    let service = |name: &str, path: &str| LocationSetting::Service {
        namespace: "monitoring".to_owned(),
        name: name.to_owned(),
        path: path.to_owned(),
    };
    assert_eq!(metrics.location.value, service("prometheus-operated:9090", ""));
    assert!(matches!(metrics.credential, CredentialSetting::None));
    let alerts = &stage.alerts.as_ref().unwrap().location.value;
    assert_eq!(*alerts, service("https:alertmanager:web", "/am"));
    let cluster = stage.cluster_metrics.as_ref().unwrap();
    assert_eq!(
        cluster.server.location.value,
        LocationSetting::Route {
            namespace: "openshift-monitoring",
            name: "thanos-querier",
        }
    );
    assert!(matches!(cluster.server.credential, CredentialSetting::Kubeconfig));
    assert!(!cluster.rules);
    let shown = show(&settings);
    for line in [
        "monitoring/prometheus-operated:9090",
        "the cluster's own login, to the API server",
        "the route thanos-querier in openshift-monitoring, read from the cluster",
        "monitoring/https:alertmanager:web/am",
    ] {
        assert!(shown.contains(line), "{line} in {shown}");
    }
}

#[test]
fn openshift_s_alertmanager_is_found_by_its_own_route_and_another_token_may_be_named() {
    let file = "[environments.stage.alerts]\nopenshift = true\ntoken-file = 't'";
    let settings = User::new(file, &[], "").settings();
    let alerts = settings.monitoring["stage"].alerts.clone().unwrap();
    assert_eq!(
        alerts.location.value,
        LocationSetting::Route {
            namespace: "openshift-monitoring",
            name: "alertmanager-main",
        }
    );
    assert!(matches!(alerts.credential, CredentialSetting::Token(_)));
}

#[test]
fn rules_of_a_tenancy_port_have_an_address_of_their_own() {
    let file = "[environments.stage.metrics]\nurl = 'https://t.test:9092'\ntenancy = true\nrules-url = 'https://t.test:9093'";
    let settings = User::new(file, &[], "").settings();
    let metrics = settings.monitoring["stage"].metrics.clone().unwrap();
    assert_eq!(
        (metrics.tenancy, metrics.rules_url.as_deref()),
        (true, Some("https://t.test:9093"))
    );
    assert!(show(&settings).contains("https://t.test:9093"));
}

#[test]
fn grafana_is_for_links_only_where_the_metrics_are_elsewhere() {
    let file = "[environments.stage.grafana]\nurl = 'https://grafana.test'\n[environments.stage.metrics]\nurl = 'https://p.test'";
    let settings = User::new(file, &[], "").settings();
    assert_eq!(
        address(&settings.monitoring["stage"].metrics.as_ref().unwrap().server),
        "https://p.test"
    );
}
