//! Authorisation: roles bound to users and groups, and the changes that a scenario makes to the on-call role.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::identity::{AUTHENTICATED, Identity, MASTERS, ON_CALL_GROUP, READ_ONLY_USER};
use super::metrics;
use super::request::Target;
use super::service_proxy;
use super::status::{Refusal, qualified};
use crate::faults::ApiFault;
use crate::world::{DATABASE_SECRET, NAMESPACE, Resource, Store};

struct Rule {
    verbs: &'static [&'static str],
    group: &'static str,
    resources: &'static [&'static str],
    name: Option<&'static str>,
}

const fn rule(
    verbs: &'static [&'static str],
    group: &'static str,
    resources: &'static [&'static str],
) -> Rule {
    Rule {
        verbs,
        group,
        resources,
        name: None,
    }
}

const READ: &[&str] = &["get", "list", "watch"];

/// The ClusterRole `system:basic-user`.
const BASIC_USER: [Rule; 2] = [
    rule(
        &["create"],
        "authorization.k8s.io",
        &["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
    ),
    rule(&["create"], "authentication.k8s.io", &["selfsubjectreviews"]),
];

/// The role `oncall` in the service's namespace.
const ON_CALL: [Rule; 10] = [
    rule(&["get", "list", "watch", "delete"], "", &["pods"]),
    rule(&["get"], "", &["pods/log"]),
    rule(READ, "", &["events"]),
    rule(READ, "events.k8s.io", &["events"]),
    rule(READ, "apps", &["deployments", "replicasets"]),
    rule(READ, "autoscaling", &["horizontalpodautoscalers"]),
    rule(&["get", "update", "patch"], "apps", &["deployments/scale"]),
    Rule {
        verbs: &["get"],
        group: "",
        resources: &["secrets"],
        name: Some(DATABASE_SECRET),
    },
    rule(&["get", "list"], metrics::GROUP, &["pods"]),
    rule(&["get"], "", &["pods/proxy"]),
];

/// The role `incident-readonly` there: what the on-call role reads, without the secret.
const READ_ONLY: [Rule; 7] = [
    rule(READ, "", &["pods"]),
    rule(&["get"], "", &["pods/log"]),
    rule(READ, "", &["events"]),
    rule(READ, "events.k8s.io", &["events"]),
    rule(READ, "apps", &["deployments", "replicasets"]),
    rule(READ, "autoscaling", &["horizontalpodautoscalers"]),
    rule(&["get", "list"], metrics::GROUP, &["pods"]),
];

/// The role `monitoring-proxy` of the engineer on call, where the service's own Prometheus runs.
const MONITORING: [Rule; 1] = [rule(&["get"], "", &["services/proxy"])];

/// Paths that are no resources and are open to every user (`system:discovery`).
const PATHS: [&str; 8] = [
    "/api",
    "/apis",
    "/healthz",
    "/livez",
    "/readyz",
    "/openapi",
    "/version",
    "/.well-known",
];

/// A right as a scenario names it: `events`, `pods:delete`, `pods/log/NAME` or `deployments.apps:patch`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Right {
    group: Option<String>,
    /// As `pods/log`.
    resource: String,
    /// One object only; a number is the place of a pod by age, the oldest first.
    name: Option<String>,
    verb: Option<String>,
}

impl Right {
    fn of(text: &str) -> Self {
        let (what, verb) = match text.split_once(':') {
            Some((what, verb)) => (what, Some(verb.to_owned())),
            None => (text, None),
        };
        let mut parts = what.splitn(3, '/');
        let plural = parts.next().unwrap_or_default();
        let (plural, group) = match plural.split_once('.') {
            Some((plural, group)) => (plural, Some(group.to_owned())),
            None => (plural, None),
        };
        let resource = match parts.next() {
            Some(subresource) => format!("{plural}/{subresource}"),
            None => plural.to_owned(),
        };
        Self {
            group,
            resource,
            name: parts.next().map(str::to_owned),
            verb,
        }
    }

    fn covers(&self, verb: &str, group: &str, resource: &str, name: &str) -> bool {
        self.resource == resource
            && self.verb.as_deref().is_none_or(|own| own == verb)
            && self.is_of(group)
            && self.name.as_deref().is_none_or(|own| own == name)
    }

    /// Whether the right covers this group: the one it names, or any but that of the metrics, whose `pods` are another resource.
    fn is_of(&self, group: &str) -> bool {
        self.group
            .as_deref()
            .map_or(group != metrics::GROUP, |own| own == group)
    }

    /// The group of a granted right: the one it names, or that of the known resource.
    fn own_group(&self) -> &str {
        let plural = self.resource.split('/').next().unwrap_or_default();
        let known = Resource::ALL.into_iter().find(|known| known.plural() == plural);
        self.group
            .as_deref()
            .unwrap_or_else(|| known.map_or("", Resource::group))
    }
}

/// The rights in the cluster. All are fixed, except those of the engineer on call, which a scenario may change.
#[derive(Clone, Debug, Default)]
pub struct Rights {
    without: Vec<Right>,
    also: Vec<Right>,
}

impl Rights {
    /// The roles, with the changes to the on-call role. `store` says which pod a number means.
    pub fn new(without: &[String], also: &[String], store: &Store) -> Self {
        let all = |texts: &[String]| texts.iter().map(|text| Right::of(&pinned(text, store))).collect();
        Self {
            without: all(without),
            also: all(also),
        }
    }

    /// The rights without this one.
    pub fn also_without(&self, right: &str) -> Self {
        let mut rights = self.clone();
        rights.without.push(Right::of(right));
        rights
    }

    /// Whether the user has the right.
    pub fn allow(&self, who: &Identity, verb: &str, target: &Target) -> bool {
        self.reason(who, verb, target).is_some()
    }

    /// The reason of an access review why the user has the right; `None` without the right.
    pub fn reason(&self, who: &Identity, verb: &str, target: &Target) -> Option<String> {
        if who.is_in(MASTERS) {
            return Some(String::new());
        }
        let covered = |rules: &[Rule]| rules.iter().any(|rule| rule.covers(verb, target));
        let (group, resource) = (target.group.as_str(), target.resource_path());
        let by_scenario = |rights: &[Right]| {
            rights
                .iter()
                .any(|right| right.covers(verb, group, &resource, &target.name))
        };
        if who.is_in(AUTHENTICATED) && covered(&BASIC_USER) {
            let role = "system:basic-user";
            return Some(format!(
                "RBAC: allowed by ClusterRoleBinding \"{role}\" of ClusterRole \"{role}\" to Group \"{AUTHENTICATED}\""
            ));
        }
        if target.namespace == service_proxy::NAMESPACE {
            let may = who.is_in(ON_CALL_GROUP) && covered(&MONITORING) && !by_scenario(&self.without);
            return may.then(|| {
                let place = service_proxy::NAMESPACE;
                format!("RBAC: allowed by RoleBinding \"monitoring-proxy/{place}\" of Role \"monitoring-proxy\" to Group \"{ON_CALL_GROUP}\"")
            });
        }
        if target.namespace != NAMESPACE {
            return None;
        }
        let also = self
            .also
            .iter()
            .any(|right| right.own_group() == group && right.covers(verb, group, &resource, &target.name));
        if who.is_in(ON_CALL_GROUP) && (covered(&ON_CALL) || also) && !by_scenario(&self.without) {
            return Some(allowed_by("oncall", &format!("Group \"{ON_CALL_GROUP}\"")));
        }
        let account = format!("ServiceAccount \"incident-readonly/{NAMESPACE}\"");
        (who.name == READ_ONLY_USER && covered(&READ_ONLY)).then(|| allowed_by("incident-readonly", &account))
    }

    /// The same for a path that is no resource.
    pub fn allow_path(who: &Identity, verb: &str, path: &str) -> bool {
        who.is_in(MASTERS)
            || verb == "get"
                && PATHS.iter().any(|open| {
                    path.strip_prefix(open)
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                })
    }

    /// The `status` of a SelfSubjectRulesReview for a namespace.
    pub fn rules(&self, who: &Identity, namespace: &str) -> Value {
        let mut resources: Vec<Value> = Vec::new();
        let mut paths: Vec<Value> = Vec::new();
        if who.is_in(MASTERS) {
            resources.push(json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}));
            paths.push(json!({"verbs": ["*"], "nonResourceURLs": ["*"]}));
        }
        if who.is_in(AUTHENTICATED) {
            resources.extend(BASIC_USER.iter().map(Rule::value));
            paths.extend(open_paths());
        }
        if namespace == service_proxy::NAMESPACE && who.is_in(ON_CALL_GROUP) {
            resources.extend(MONITORING.iter().flat_map(|rule| self.without_taken(rule)));
        }
        let here = namespace == NAMESPACE;
        if here && who.is_in(ON_CALL_GROUP) {
            resources.extend(ON_CALL.iter().flat_map(|rule| self.without_taken(rule)));
            resources.extend(self.also.iter().map(given));
        }
        if here && who.name == READ_ONLY_USER {
            resources.extend(READ_ONLY.iter().map(Rule::value));
        }
        let mut status = json!({"resourceRules": resources, "nonResourceRules": paths, "incomplete": false});
        // RBAC cannot take one object from a role; an authoriser that can is not able to list its rules.
        if here && who.is_in(ON_CALL_GROUP) && self.without.iter().any(|right| right.name.is_some()) {
            status["incomplete"] = json!(true);
            status["evaluationError"] = json!("webhook authorizer does not support user rule resolution");
        }
        status
    }

    /// A rule of the on-call role without what the scenario takes; split where its resources differ afterwards.
    fn without_taken(&self, rule: &Rule) -> Vec<Value> {
        let mut values: Vec<Value> = Vec::new();
        for resource in rule.resources {
            let taken = |verb: &str| {
                self.without
                    .iter()
                    .filter(|right| right.name.is_none())
                    .any(|right| right.covers(verb, rule.group, resource, ""))
            };
            let verbs: Vec<&str> = rule.verbs.iter().copied().filter(|verb| !taken(verb)).collect();
            if verbs.is_empty() {
                continue;
            }
            match values.last_mut() {
                Some(last) if last["verbs"] == json!(verbs) => {
                    let resources = last["resources"].as_array_mut();
                    resources.into_iter().for_each(|list| list.push(json!(resource)));
                }
                _ => values.push(json!({"verbs": verbs, "apiGroups": [rule.group], "resources": [resource]})),
            }
            if let (Some(name), Some(last)) = (rule.name, values.last_mut()) {
                last["resourceNames"] = json!([name]);
            }
        }
        values
    }
}

fn allowed_by(role: &str, subject: &str) -> String {
    format!("RBAC: allowed by RoleBinding \"{role}/{NAMESPACE}\" of Role \"{role}\" to {subject}")
}

fn given(right: &Right) -> Value {
    let verb = right.verb.as_deref().unwrap_or("*");
    let mut value = json!({"verbs": [verb], "apiGroups": [right.own_group()], "resources": [right.resource]});
    if let Some(name) = &right.name {
        value["resourceNames"] = json!([name]);
    }
    value
}

fn open_paths() -> [Value; 3] {
    [
        json!({"verbs": ["get"], "nonResourceURLs": ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version", "/version/"]}),
        json!({"verbs": ["get"], "nonResourceURLs": ["/.well-known", "/.well-known/*"]}),
        json!({"verbs": ["get"], "nonResourceURLs": ["/healthz", "/livez", "/readyz", "/version", "/version/"]}),
    ]
}

/// The right with a pod's name in place of its number by age; unchanged if there is no such pod.
fn pinned(right: &str, store: &Store) -> String {
    let (what, verb) = right.split_once(':').unwrap_or((right, ""));
    let numbered = what
        .rsplit_once('/')
        .and_then(|(resource, number)| Some((resource, number.parse::<usize>().ok()?)));
    let Some((resource, number)) = numbered else {
        return right.to_owned();
    };
    let text = |pod: &Value, field: &str| pod["metadata"][field].as_str().unwrap_or_default().to_owned();
    let mut pods: Vec<(String, String)> = store
        .all(Resource::Pods)
        .map(|pod| (text(pod, "creationTimestamp"), text(pod, "name")))
        .collect();
    pods.sort();
    let Some((_, name)) = number.checked_sub(1).and_then(|index| pods.get(index)) else {
        return right.to_owned();
    };
    let mut pinned = format!("{resource}/{name}");
    if !verb.is_empty() {
        let _ = write!(pinned, ":{verb}");
    }
    pinned
}

/// The fault with a pod's name in place of its number by age, as the pods are now.
pub fn pin(fault: Option<ApiFault>, store: &Store) -> Option<ApiFault> {
    match fault {
        Some(ApiFault::Forbid(right)) => Some(ApiFault::Forbid(pinned(&right, store))),
        other => other,
    }
}

impl Rule {
    fn covers(&self, verb: &str, target: &Target) -> bool {
        self.verbs.contains(&verb)
            && self.group == target.group
            && self.resources.contains(&target.resource_path().as_str())
            && self.name.is_none_or(|name| name == target.name)
    }

    fn value(&self) -> Value {
        json!({"verbs": self.verbs, "apiGroups": [self.group], "resources": self.resources})
    }
}

/// The 403 of a resource.
pub fn forbidden(who: &Identity, verb: &str, target: &Target) -> Refusal {
    let mut about = qualified(&target.group, &target.plural);
    let mut details = json!({"kind": target.plural});
    if !target.name.is_empty() {
        about = format!("{about} \"{}\"", target.name);
        details["name"] = json!(target.name);
    }
    if !target.group.is_empty() {
        details["group"] = json!(target.group);
    }
    let place = if target.namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace \"{}\"", target.namespace)
    };
    let message = format!(
        "{about} is forbidden: User \"{}\" cannot {verb} resource \"{}\" in API group \"{}\" {place}",
        who.name,
        target.resource_path(),
        target.group,
    );
    Refusal::new(403, "Forbidden", message).with(details)
}

/// The 403 of a path that is no resource.
pub fn forbidden_path(who: &Identity, verb: &str, path: &str) -> Refusal {
    let message = format!("forbidden: User \"{}\" cannot {verb} path \"{path}\"", who.name);
    Refusal::new(403, "Forbidden", message).with(json!({}))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: &str = "/api/v1/namespaces/managed-services-stage";

    fn target(path: &str) -> Target {
        Target::of(path).unwrap()
    }

    fn pods(names: &[&str]) -> Store {
        let mut store = Store::starting_at(0);
        for (minute, name) in names.iter().enumerate() {
            let created = format!("2026-11-22T09:0{minute}:00Z");
            let metadata = json!({"namespace": NAMESPACE, "name": name, "creationTimestamp": created});
            store.put(Resource::Pods, json!({"metadata": metadata}));
        }
        store
    }

    fn changed(without: &[&str], also: &[&str]) -> Rights {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        Rights::new(&own(without), &own(also), &pods(&["z", "a"]))
    }

    #[test]
    fn each_user_may_do_what_its_role_says() {
        let deployment = "/apis/apps/v1/namespaces/managed-services-stage/deployments/d";
        for (verb, path, on_call, read_only) in [
            ("delete", format!("{PLACE}/pods/p"), true, false),
            ("list", format!("{PLACE}/pods"), true, true),
            ("get", format!("{PLACE}/pods/p/log"), true, true),
            ("patch", deployment.to_owned(), false, false),
            ("patch", format!("{deployment}/scale"), true, false),
            ("get", "/api/v1/namespaces/other/pods/p".to_owned(), false, false),
            ("get", format!("{PLACE}/secrets/{DATABASE_SECRET}"), true, false),
            ("get", format!("{PLACE}/secrets/other"), false, false),
            ("list", format!("{PLACE}/secrets"), false, false),
            ("list", "/api/v1/nodes".to_owned(), false, false),
        ] {
            let may = |who: &Identity| Rights::default().allow(who, verb, &target(&path));
            assert_eq!(may(&Identity::on_call()), on_call, "on call: {verb} {path}");
            assert_eq!(may(&Identity::read_only()), read_only, "read only: {verb} {path}");
            assert!(may(&Identity::admin()), "admin: {verb} {path}");
        }
    }

    #[test]
    fn a_scenario_takes_away_a_resource_one_verb_or_one_object() {
        let rights = changed(&["events", "pods:delete", "pods/log/1", "pods/log/b"], &[]);
        let may = |who: Identity, verb: &str, rest: &str| {
            rights.allow(&who, verb, &target(&format!("{PLACE}/{rest}")))
        };
        for (verb, rest, allowed) in [
            ("list", "events", false),
            ("delete", "pods/p", false),
            ("list", "pods", true),
            ("get", "pods/z/log", false),
            ("get", "pods/a/log", true),
            ("get", "pods/b/log", false),
        ] {
            assert_eq!(may(Identity::on_call(), verb, rest), allowed, "{verb} {rest}");
        }
        assert!(may(Identity::read_only(), "list", "events"));
        let rules = rights.rules(&Identity::on_call(), NAMESPACE);
        assert_eq!(rules["incomplete"], true);
    }

    #[test]
    fn a_scenario_gives_a_right_in_the_service_s_namespace() {
        let rights = changed(&[], &["deployments:patch"]);
        let place = "/apis/apps/v1/namespaces";
        let may = |verb: &str, path: &str| rights.allow(&Identity::on_call(), verb, &target(path));
        assert!(may(
            "patch",
            &format!("{place}/managed-services-stage/deployments/d")
        ));
        assert!(!may(
            "update",
            &format!("{place}/managed-services-stage/deployments/d")
        ));
        assert!(!may("patch", &format!("{place}/other/deployments/d")));
        let rules = rights.rules(&Identity::on_call(), NAMESPACE);
        let last = rules["resourceRules"].as_array().unwrap().last().unwrap();
        assert_eq!(
            *last,
            json!({"verbs": ["patch"], "apiGroups": ["apps"], "resources": ["deployments"]})
        );
    }

    #[test]
    fn a_refusal_is_worded_as_the_server_words_it() {
        let target =
            target("/apis/apps/v1/namespaces/managed-services-stage/deployments/managed-services-api");
        let status = forbidden(&Identity::on_call(), "patch", &target).value();
        assert_eq!(
            status["message"],
            "deployments.apps \"managed-services-api\" is forbidden: User \"oncall@example.com\" cannot patch resource \"deployments\" in API group \"apps\" in the namespace \"managed-services-stage\""
        );
        assert_eq!(
            status["details"],
            json!({"name": "managed-services-api", "group": "apps", "kind": "deployments"})
        );
    }
}
