//! Every mistake in a profile names file, line and key.

use super::parse;
use sopwatch_core::testkit::BUILT_IN_PROFILE as GOOD;

/// The error for the built-in profile with `from` replaced, and the line of the replacement.
fn mistake(from: &str, to: &str) -> (usize, String) {
    let at = GOOD
        .find(from)
        .unwrap_or_else(|| panic!("{from} is not in the profile"));
    let text = GOOD.replacen(from, to, 1);
    let line = GOOD[..at].lines().count() + usize::from(GOOD[..at].is_empty() || GOOD[..at].ends_with('\n'));
    let error = parse("p.toml", &text).expect_err(to);
    (line, error.to_string())
}

/// What is replaced, by what, the key that is blamed, and part of the message.
const MISTAKES: &[(&str, &str, &str, &str)] = &[
    (
        "tables = [\"clusters\"]",
        "tables = [\"cluster\"]",
        "contacts.ocm-support.tables",
        "there is no table `cluster`",
    ),
    (
        "error-classes = [\"kafka\"]",
        "error-classes = [\"kafk\"]",
        "contacts.data-plane-or-mk-sre.error-classes",
        "there is no error class `kafk`",
    ),
    (
        "two-leaders = ",
        "three-leaders = ",
        "contacts.control-plane.asks.three-leaders",
        "there is no rule `three-leaders`",
    ),
    (
        "then = { action = \"escalate\", contact = \"ocm-support\" }",
        "then = { action = \"escalate\", contact = \"ocm\" }",
        "rules[2].then.contact",
        "there is no contact `ocm`",
    ),
    (
        "then = { action = \"gather\" }",
        "then = { action = \"escalate\" }",
        "rules[0].then",
        "an escalation needs a `contact`",
    ),
    (
        "kind = \"errors\", classes = [\"ocm\"]",
        "kind = \"errors\", classes = [\"ocn\"]",
        "rules[9].when.of[0].classes",
        "there is no error class `ocn`",
    ),
    (
        "workers = [\"cluster\"] }",
        "workers = [\"clusters\"] }",
        "rules[5].when.workers",
        "`clusters`",
    ),
    (
        "{ kind = \"newly-failed\", table = \"clusters\" }",
        "{ kind = \"newly-failed\", table = \"cluster\" }",
        "rules[12].when.of[1].table",
        "there is no table `cluster`",
    ),
    (
        "id = \"managed-services-api\"",
        "id = \"Managed Services\"",
        "id",
        "`Managed Services` is not a name",
    ),
    (
        "title = \"Managed Services API\"",
        "titel = \"x\"",
        "titel",
        "unknown key `titel`",
    ),
    (
        "replicas = 3",
        "replicas = -3",
        "service.replicas",
        "must be a whole number, 0 or more, e.g. replicas = 3",
    ),
    (
        "replicas = 3",
        "replicas = 0",
        "service.replicas",
        "at least one pod is needed",
    ),
    (
        "selector = \"app=managed-services-api\"",
        "selector = \"app\"",
        "service.selector",
        "`app` is not a label selector",
    ),
    (
        "port = 8080",
        "port = 0",
        "service.metrics.port",
        "a port is a number from 1 to 65535",
    ),
    (
        "path = \"/metrics\"",
        "path = \"/../secrets\"",
        "service.metrics.path",
        "is not a plain path",
    ),
    (
        "inbound-count = \"api_inbound_request_count\"",
        "inbound-count = \"api inbound\"",
        "service.metrics.inbound-count",
        "`api inbound` is not a name of a metric",
    ),
    (
        "outbound-duration = \"api_outbound_request_duration\"",
        "outbound-duration = \"api_outbound_request_count\"",
        "service.metrics.outbound-duration",
        "is there twice",
    ),
    (
        "service-label = \"apiservice\"",
        "service-label = \"api:service\"",
        "service.metrics.service-label",
        "`api:service` is not a name of a label",
    ),
    (
        "share = 30",
        "share = 0",
        "rules[9].when.optional[0].share",
        "0 % is not from 1 to 100",
    ),
    (
        "shares = { slow = 10, very-slow = 1 }, cpu = 95",
        "shares = { slow = 10, very-slow = 100 }, cpu = 95",
        "rules[18].when.shares.very-slow",
        "is not from",
    ),
    (
        "very-slow = 1 }, cpu = 95",
        "very-slow = 1 }, cpu = 900",
        "rules[18].when.cpu",
        "900 % is not from 1 to 100",
    ),
    (
        "check = { kind = \"load\", rule = \"saturated\" }",
        "check = { kind = \"load\", rule = \"down\" }",
        "steps.scale-up.check.rule",
        "there is no rule with a `saturated` condition `down`",
    ),
    (
        "container = \"service\"",
        "container = \"a b\"",
        "service.container",
        "`a b` is not a name of a Kubernetes object",
    ),
    (
        "namespace = \"managed-services-production\"",
        "namespace = \"managed-services-stage\"",
        "environments[1].namespace",
        "the namespace `managed-services-stage` is there twice",
    ),
    (
        "name = \"production\"",
        "name = \"stage\"",
        "environments[1].name",
        "the environment `stage` is there twice",
    ),
    (
        "sentry = \"https://sentry.devshift.net\"",
        "sentry = \"javascript:x\"",
        "environments[1].links.sentry",
        "not an http(s) link",
    ),
    (
        "sentry = \"https://sentry.devshift.net\"",
        "senty = \"https://x\"",
        "environments[1].links.senty",
        "there is no step with the link `senty`",
    ),
    ("tick = 30", "tick = 0", "leaders.tick", "at least 1 second"),
    (
        "tick = 30",
        "tick = \"30s\"",
        "leaders.tick",
        "must be a whole number of seconds, e.g. tick = 30",
    ),
    (
        "grep = 'Running as the leader.*(ClusterManager|KafkaManager)'",
        "grep = '('",
        "leaders.grep",
        "not a regular expression: unclosed group",
    ),
    (
        "lost = 'No longer the leader and stopping worker (?P<worker>\\*[\\w.]+) \\[(?P<id>[0-9a-f-]{36})\\]'",
        "lost = 'No longer (?P<worker>x)'",
        "leaders.lines.lost",
        "the pattern lacks the group `(?P<id>…)`",
    ),
    (
        "lease-table = \"leader_leases\"",
        "lease-table = \"leader_leases; drop\"",
        "leaders.lease-table",
        "is not a plain name of the database",
    ),
    (
        "log-type = \"*workers.KafkaManager\"",
        "log-type = \"*workers.ClusterManager\"",
        "leaders.workers[1].log-type",
        "is there twice",
    ),
    (
        "ocm-id = \"cluster_id\"",
        "ocm-id = \"select\\\"\"",
        "database.tables[0].ocm-id",
        "is not a plain name",
    ),
    (
        "{ name = \"ready\", role = \"ready\" }",
        "{ name = \"ready\", role = \"redy\" }",
        "database.tables[0].statuses[5].role",
        "`redy` is not one of its values",
    ),
    (
        "{ name = \"full\", role",
        "{ name = \"ready\", role",
        "database.tables[0].statuses[6].name",
        "the status `ready` is there twice",
    ),
    (
        "limit = 180",
        "limt = 180",
        "database.tables[0].statuses[0].limt",
        "unknown key `limt`",
    ),
    (
        "check = { kind = \"events\" }",
        "check = { kind = \"event\" }",
        "steps.events.check.kind",
        "`event` is not one of its values",
    ),
    (
        "check = { kind = \"leader\", worker = \"*workers.KafkaManager\" }",
        "check = { kind = \"leader\", worker = \"*workers.KafkaManger\" }",
        "steps.leader-kafka.check.worker",
        "there is no worker `*workers.KafkaManger`",
    ),
    (
        "check = { kind = \"any-ready\", table = \"clusters\" }",
        "check = { kind = \"any-ready\", table = \"cluster\" }",
        "steps.clusters-ready.check.table",
        "there is no table `cluster`",
    ),
    (
        "commands = [\"oc adm top pods -n {namespace}",
        "commands = [\"oc adm top pods -n {namspace}",
        "steps.metrics-resources.commands[0]",
        "there is no placeholder `namspace`",
    ),
    (
        "links = [\"grafana-application\"]",
        "links = [\"grafana-applicaton\"]",
        "steps.metrics-application.links[0]",
        "no environment has the link `grafana-applicaton`",
    ),
    (
        "steps = [\"replicas\", \"pods-ready\"",
        "steps = [\"replica\", \"pods-ready\"",
        "sops[0].steps[0]",
        "there is no step `replica`",
    ),
    (
        "steps = [\"replicas\", \"pods-ready\"",
        "steps = [\"pods-ready\", \"pods-ready\"",
        "sops[0].steps[1]",
        "the step `pods-ready` is there twice",
    ),
    (
        "steps-from = \"api-availability\"",
        "steps-from = \"api-availabilty\"",
        "sops[2].steps-from",
        "there is no SOP `api-availabilty`",
    ),
    (
        "steps-from = \"api-availability\"",
        "steps-from = \"api-latency\"",
        "sops[2].steps-from",
        "refers to itself in a circle",
    ),
    (
        "steps-from = \"api-availability\"",
        "steps-from = \"api-down\"\nsteps = [\"events\"]",
        "sops[2].steps-from",
        "the SOP has `steps` of its own",
    ),
    (
        "id = \"osd-provisioning-correctness\"",
        "id = \"api-down\"",
        "sops[4].id",
        "the SOP `api-down` is there twice",
    ),
    (
        "id = \"no-leader\"",
        "id = \"no-cluster-leader\"",
        "rules[6].id",
        "the rule `no-cluster-leader` is there twice",
    ),
    (
        "id = \"literal-own-error-osd\"",
        "id = \"literal-own-error-down\"",
        "literal-rules[2].id",
        "the rule `literal-own-error-down` is there twice",
    ),
    (
        "id = \"literal-cluster-events\"",
        "id = \"cluster-events\"",
        "literal-rules[7].id",
        "the rule `cluster-events` is there twice",
    ),
    (
        "then = { action = \"wait\" }",
        "then = { action = \"none\" }",
        "rules[1].then.action",
        "a rule can't advise `none`",
    ),
    (
        "[steps.events]",
        "[steps.other]",
        "steps.other",
        "`other` is reserved",
    ),
    (
        "id = \"dns\"",
        "id = \"sso\"",
        "error-classes[3].id",
        "the error class `sso` is there twice",
    ),
    (
        "patterns = ['(?i)route53'",
        "patterns = ['(?i)route53)'",
        "error-classes[3].patterns[0]",
        "not a regular expression: unopened group",
    ),
];

#[test]
fn every_mistake_names_file_line_and_key() {
    for (from, to, key, message) in MISTAKES {
        let (line, error) = mistake(from, to);
        let expected = format!("p.toml:{line}: {key}: ");
        assert!(
            error.lines().any(|line| line.starts_with(&expected)),
            "{to}\n--- got\n{error}\n--- expected\n{expected}"
        );
        assert!(error.contains(message), "{to}: {error}");
    }
}

#[test]
fn a_mistake_in_the_shape_of_a_condition_names_the_key() {
    let newly_failed = "{ kind = \"newly-failed\", table = \"clusters\" }";
    // The condition is inside another: the place that is known is the rule's.
    let cases = [
        (
            "{ kind = \"newly-failed\", table = \"clusters\", tabel = 1 }",
            "p.toml:771: rules[12].when: unknown key `tabel`\n   771 | when = { kind = \"any\", of = [\n       = did you mean `table`?",
        ),
        (
            "{ kind = \"newly-faild\", table = \"clusters\" }",
            "p.toml:771: rules[12].when: `newly-faild` is not one of its values\n   771 | when = { kind = \"any\", of = [\n       = did you mean `newly-failed`?",
        ),
        (
            "{ kind = \"newly-failed\" }",
            "p.toml:771: rules[12].when.table: the key `table` is missing\n   771 | when = { kind = \"any\", of = [",
        ),
    ];
    for (to, expected) in cases {
        let (_, error) = mistake(newly_failed, to);
        assert_eq!(error, expected, "{to}");
    }
}

#[test]
fn a_near_miss_is_explained() {
    let cases = [
        ("titel = \"x\"", "did you mean `title`?"),
        ("title = \"x\"\nopen-link = []", "did you mean `open-links`?"),
    ];
    for (to, hint) in cases {
        let (_, error) = mistake("title = \"Managed Services API\"", to);
        assert!(error.contains(hint), "{error}");
    }
    let (_, error) = mistake(
        "steps-from = \"api-availability\"",
        "steps-from = \"api-availabilty\"",
    );
    assert!(error.contains("did you mean `api-availability`?"), "{error}");
}

#[test]
fn all_mistakes_are_named_at_once() {
    let text = GOOD
        .replace("tick = 30", "tick = 0")
        .replace("replicas = 3", "replicas = 0");
    let error = parse("p.toml", &text).expect_err("two mistakes");
    assert_eq!(error.problems.len(), 2, "{error}");
}

#[test]
fn mistakes_in_the_shape_of_a_profile_are_named_at_once_and_nothing_that_only_follows_from_them() {
    let text = GOOD
        .replacen("tick = 30", "tick = \"30s\"", 1)
        .replacen("replicas = 3", "replicsa = 3", 1)
        .replacen("role = \"ready\" }", "role = \"redy\" }", 1)
        .replacen(
            "{ kind = \"newly-failed\", table = \"clusters\" }",
            "{ kind = \"newly-faild\" }",
            1,
        );
    let error = parse("p.toml", &text).expect_err("four mistakes");
    let text = error.to_string();
    for mistake in [
        "leaders.tick: must be a whole number of seconds, e.g. tick = 30",
        "service.replicsa: unknown key `replicsa`",
        "`redy` is not one of its values",
        "`newly-faild` is not one of its values",
    ] {
        assert_eq!(text.matches(mistake).count(), 1, "{mistake}\n{text}");
    }
    assert_eq!(error.problems.len(), 4, "{text}");
}
