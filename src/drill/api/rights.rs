//! Who may do what: the on-call role, less what the scenario takes away.

use serde_json::{Value, json};

use super::request::Target;
use super::status::{Refusal, qualified};
use crate::drill::world::{DATABASE_SECRET, NAMESPACE};

/// The name of the drill's only user.
pub const USER: &str = "oncall@example.com";
/// The user's group, to which the role is bound.
pub const GROUP: &str = "managed-services-sre";

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

/// Everybody who is logged in has these.
const OF_ALL: [Rule; 2] = [
    rule(
        &["create"],
        "authorization.k8s.io",
        &["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
    ),
    rule(&["create"], "authentication.k8s.io", &["selfsubjectreviews"]),
];

/// The role `oncall` in the service's namespace.
const ON_CALL: [Rule; 7] = [
    rule(&["get", "list", "watch", "delete"], "", &["pods"]),
    rule(&["get"], "", &["pods/log"]),
    rule(READ, "", &["events"]),
    rule(READ, "events.k8s.io", &["events"]),
    rule(READ, "apps", &["deployments", "replicasets"]),
    rule(&["get", "update", "patch"], "apps", &["deployments/scale"]),
    Rule {
        verbs: &["get"],
        group: "",
        resources: &["secrets"],
        name: Some(DATABASE_SECRET),
    },
];

/// What is not a resource and open to everybody who is logged in.
const PATHS: [&str; 9] = [
    "/api",
    "/apis",
    "/healthz",
    "/livez",
    "/readyz",
    "/openapi",
    "/version",
    "/.well-known",
    "/version/",
];

/// The rights of the drill's user.
#[derive(Clone, Debug, Default)]
pub struct Rights {
    without: Vec<String>,
}

impl Rights {
    /// The role less what is named, as `events` or `pods:delete`.
    pub fn without(without: &[String]) -> Self {
        Self {
            without: without.to_vec(),
        }
    }

    /// The rights while this one, too, is missing.
    pub fn also_without(&self, right: &str) -> Self {
        let mut without = self.without.clone();
        without.push(right.to_owned());
        Self { without }
    }

    /// Whether the user may do this.
    pub fn allow(&self, verb: &str, target: &Target) -> bool {
        let of_all = OF_ALL.iter().any(|rule| rule.covers(verb, target));
        let in_namespace =
            target.namespace == NAMESPACE && ON_CALL.iter().any(|rule| rule.covers(verb, target));
        (of_all || in_namespace) && !self.is_taken(verb, &target.resource_path())
    }

    /// Whether the user may get this path, which is no resource.
    pub fn allow_path(path: &str) -> bool {
        PATHS.iter().any(|open| {
            path.strip_prefix(open)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    fn is_taken(&self, verb: &str, resource: &str) -> bool {
        self.without.iter().any(|right| match right.split_once(':') {
            Some((taken, taken_verb)) => taken == resource && taken_verb == verb,
            None => right == resource,
        })
    }

    /// The rules of a namespace, as a SelfSubjectRulesReview lists them.
    pub fn rules(&self, namespace: &str) -> Value {
        let bound = if namespace == NAMESPACE {
            ON_CALL.as_slice()
        } else {
            &[]
        };
        let rules = OF_ALL.iter().chain(bound).flat_map(|rule| self.rule_values(rule));
        json!({
            "resourceRules": rules.collect::<Vec<Value>>(),
            "nonResourceRules": [
                {"verbs": ["get"], "nonResourceURLs": ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version", "/version/"]},
                {"verbs": ["get"], "nonResourceURLs": ["/.well-known", "/.well-known/*"]},
                {"verbs": ["get"], "nonResourceURLs": ["/healthz", "/livez", "/readyz", "/version", "/version/"]},
            ],
            "incomplete": false,
        })
    }

    fn rule_values(&self, rule: &Rule) -> Vec<Value> {
        let mut values: Vec<Value> = Vec::new();
        for resource in rule.resources {
            let verbs: Vec<&str> = rule
                .verbs
                .iter()
                .copied()
                .filter(|verb| !self.is_taken(verb, resource))
                .collect();
            if verbs.is_empty() {
                continue;
            }
            match values.last_mut() {
                Some(last) if last["verbs"] == json!(verbs) => {
                    last["resources"]
                        .as_array_mut()
                        .into_iter()
                        .for_each(|list| list.push(json!(resource)));
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

impl Rule {
    fn covers(&self, verb: &str, target: &Target) -> bool {
        self.verbs.contains(&verb)
            && self.group == target.group
            && self.resources.contains(&target.resource_path().as_str())
            && self.name.is_none_or(|name| name == target.name)
    }
}

/// The 403 of a resource.
pub fn forbidden(verb: &str, target: &Target) -> Refusal {
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
        "{about} is forbidden: User \"{USER}\" cannot {verb} resource \"{}\" in API group \"{}\" {place}",
        target.resource_path(),
        target.group,
    );
    Refusal::new(403, "Forbidden", message).with(details)
}

/// The 403 of a path that is no resource.
pub fn forbidden_path(verb: &str, path: &str) -> Refusal {
    let message = format!("forbidden: User \"{USER}\" cannot {verb} path \"{path}\"");
    Refusal::new(403, "Forbidden", message).with(json!({}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(path: &str) -> Target {
        Target::of(path).unwrap()
    }

    #[test]
    fn the_on_call_role_deletes_pods_but_does_not_patch_deployments() {
        let rights = Rights::default();
        let pod = target("/api/v1/namespaces/managed-services-stage/pods/p");
        assert!(rights.allow("delete", &pod));
        let deployment = target("/apis/apps/v1/namespaces/managed-services-stage/deployments/d");
        assert!(!rights.allow("patch", &deployment));
        assert!(!rights.allow("get", &target("/api/v1/namespaces/other/pods/p")));
    }

    #[test]
    fn one_secret_may_be_read_by_name_and_no_other() {
        let rights = Rights::default();
        let place = "/api/v1/namespaces/managed-services-stage/secrets";
        assert!(rights.allow("get", &target(&format!("{place}/{DATABASE_SECRET}"))));
        assert!(!rights.allow("get", &target(&format!("{place}/other"))));
        assert!(!rights.allow("list", &target(place)));
    }

    #[test]
    fn a_scenario_takes_away_a_resource_or_one_verb() {
        let rights = Rights::without(&["events".into(), "pods:delete".into()]);
        let place = "/api/v1/namespaces/managed-services-stage";
        assert!(!rights.allow("list", &target(&format!("{place}/events"))));
        assert!(!rights.allow("delete", &target(&format!("{place}/pods/p"))));
        assert!(rights.allow("list", &target(&format!("{place}/pods"))));
    }

    #[test]
    fn a_refusal_is_worded_as_the_server_words_it() {
        let target =
            target("/apis/apps/v1/namespaces/managed-services-stage/deployments/managed-services-api");
        let status = forbidden("patch", &target).value();
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
