//! What the server serves: versions, groups and resources, plain and aggregated.

use http::request::Parts;
use http::{Response, header};
use serde_json::{Value, json};

use super::body::{self, Body};

/// One resource of a group.
struct Entry {
    group: &'static str,
    plural: &'static str,
    singular: &'static str,
    kind: &'static str,
    namespaced: bool,
    verbs: &'static [&'static str],
    short: &'static [&'static str],
    subresources: &'static [(&'static str, &'static str, &'static [&'static str])],
}

const READ: &[&str] = &["get", "list", "watch"];
const SCALE: (&str, &str, &[&str]) = ("scale", "Scale", &["get", "patch", "update"]);

const RESOURCES: [Entry; 10] = [
    entry("", "events", "event", "Event", READ, &["ev"], &[]),
    Entry {
        namespaced: false,
        ..entry("", "namespaces", "namespace", "Namespace", &["get"], &["ns"], &[])
    },
    Entry {
        namespaced: false,
        ..entry("", "nodes", "node", "Node", READ, &["no"], &[])
    },
    entry(
        "",
        "pods",
        "pod",
        "Pod",
        &["delete", "get", "list", "watch"],
        &["po"],
        &[
            ("exec", "PodExecOptions", &["create", "get"]),
            ("log", "Pod", &["get"]),
            ("portforward", "PodPortForwardOptions", &["create", "get"]),
        ],
    ),
    entry("", "secrets", "secret", "Secret", READ, &[], &[]),
    entry(
        "apps",
        "deployments",
        "deployment",
        "Deployment",
        READ,
        &["deploy"],
        &[SCALE],
    ),
    entry(
        "apps",
        "replicasets",
        "replicaset",
        "ReplicaSet",
        READ,
        &["rs"],
        &[],
    ),
    review(
        "authentication.k8s.io",
        "selfsubjectreviews",
        "selfsubjectreview",
        "SelfSubjectReview",
    ),
    review(
        "authorization.k8s.io",
        "selfsubjectaccessreviews",
        "selfsubjectaccessreview",
        "SelfSubjectAccessReview",
    ),
    review(
        "authorization.k8s.io",
        "selfsubjectrulesreviews",
        "selfsubjectrulesreview",
        "SelfSubjectRulesReview",
    ),
];

const GROUPS: [&str; 3] = ["apps", "authentication.k8s.io", "authorization.k8s.io"];

const fn entry(
    group: &'static str,
    plural: &'static str,
    singular: &'static str,
    kind: &'static str,
    verbs: &'static [&'static str],
    short: &'static [&'static str],
    subresources: &'static [(&'static str, &'static str, &'static [&'static str])],
) -> Entry {
    Entry {
        group,
        plural,
        singular,
        kind,
        namespaced: true,
        verbs,
        short,
        subresources,
    }
}

const fn review(
    group: &'static str,
    plural: &'static str,
    singular: &'static str,
    kind: &'static str,
) -> Entry {
    Entry {
        namespaced: false,
        ..entry(group, plural, singular, kind, &["create"], &[], &[])
    }
}

/// The answer for a path that is no resource; `None` when nothing is there.
pub fn answer(parts: &Parts) -> Option<Response<Body>> {
    let path = parts.uri.path().trim_end_matches('/');
    match path {
        "/version" => Some(body::json(200, &version())),
        "/healthz" | "/livez" | "/readyz" => Some(body::text("ok")),
        "/api" if wants_aggregated(parts) => Some(aggregated(&[""])),
        "/apis" if wants_aggregated(parts) => Some(aggregated(&GROUPS)),
        "/api" => Some(body::json(200, &api_versions())),
        "/apis" => Some(body::json(200, &group_list())),
        "/api/v1" => Some(body::json(200, &resource_list(""))),
        _ => group_answer(path),
    }
}

fn group_answer(path: &str) -> Option<Response<Body>> {
    let rest = path.strip_prefix("/apis/")?;
    match rest.split_once('/') {
        None if GROUPS.contains(&rest) => {
            let mut group = group(rest);
            group["kind"] = json!("APIGroup");
            group["apiVersion"] = json!("v1");
            Some(body::json(200, &group))
        }
        Some((name, "v1")) if GROUPS.contains(&name) => Some(body::json(200, &resource_list(name))),
        _ => None,
    }
}

/// Whether this server knows the resource at all.
pub fn knows(group: &str, version: &str, plural: &str) -> bool {
    version == "v1"
        && RESOURCES
            .iter()
            .any(|entry| entry.group == group && entry.plural == plural)
}

fn version() -> Value {
    json!({
        "major": "1",
        "minor": "32",
        "gitVersion": "v1.32.13+drill",
        "gitCommit": "0000000000000000000000000000000000000000",
        "gitTreeState": "clean",
        "buildDate": "2026-08-20T05:19:54Z",
        "goVersion": "none",
        "compiler": "rustc",
        "platform": "linux/amd64",
    })
}

fn api_versions() -> Value {
    json!({
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1"}],
    })
}

fn group_list() -> Value {
    let groups: Vec<Value> = GROUPS.iter().map(|name| group(name)).collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

fn group(name: &str) -> Value {
    let version = json!({"groupVersion": format!("{name}/v1"), "version": "v1"});
    json!({"name": name, "versions": [version], "preferredVersion": version})
}

fn resource_list(group: &str) -> Value {
    let resources: Vec<Value> = RESOURCES
        .iter()
        .filter(|entry| entry.group == group)
        .flat_map(Entry::plain)
        .collect();
    let version = if group.is_empty() {
        "v1".to_owned()
    } else {
        format!("{group}/v1")
    };
    let mut list = json!({"kind": "APIResourceList", "groupVersion": version, "resources": resources});
    if !group.is_empty() {
        list["apiVersion"] = json!("v1");
    }
    list
}

impl Entry {
    fn plain(&self) -> Vec<Value> {
        let mut main = json!({
            "name": self.plural,
            "singularName": self.singular,
            "namespaced": self.namespaced,
            "kind": self.kind,
            "verbs": self.verbs,
        });
        if !self.short.is_empty() {
            main["shortNames"] = json!(self.short);
        }
        if self.is_in_all() {
            main["categories"] = json!(["all"]);
        }
        let mut all = vec![main];
        for (name, kind, verbs) in self.subresources {
            let mut sub = json!({
                "name": format!("{}/{name}", self.plural),
                "singularName": "",
                "namespaced": self.namespaced,
                "kind": kind,
                "verbs": verbs,
            });
            if *kind == "Scale" {
                sub["group"] = json!("autoscaling");
                sub["version"] = json!("v1");
            }
            all.push(sub);
        }
        all
    }

    fn is_in_all(&self) -> bool {
        matches!(self.plural, "pods" | "deployments" | "replicasets")
    }

    fn aggregated(&self) -> Value {
        let kind_of = |kind: &str| {
            if kind == "Scale" {
                json!({"group": "autoscaling", "version": "v1", "kind": kind})
            } else {
                json!({"group": "", "version": "", "kind": kind})
            }
        };
        let subresources: Vec<Value> = self
            .subresources
            .iter()
            .map(|(name, kind, verbs)| json!({"subresource": name, "responseKind": kind_of(kind), "verbs": verbs}))
            .collect();
        let mut main = json!({
            "resource": self.plural,
            "responseKind": kind_of(self.kind),
            "scope": if self.namespaced { "Namespaced" } else { "Cluster" },
            "singularResource": self.singular,
            "verbs": self.verbs,
        });
        if !self.short.is_empty() {
            main["shortNames"] = json!(self.short);
        }
        if self.is_in_all() {
            main["categories"] = json!(["all"]);
        }
        if !subresources.is_empty() {
            main["subresources"] = json!(subresources);
        }
        main
    }
}

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

fn wants_aggregated(parts: &Parts) -> bool {
    let accept = parts
        .headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.replace(' ', "").contains(AGGREGATED))
}

fn aggregated(groups: &[&str]) -> Response<Body> {
    let items: Vec<Value> = groups.iter().map(|group| aggregated_group(group)).collect();
    let list = json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    });
    body::typed_json(200, &list, AGGREGATED)
}

fn aggregated_group(group: &str) -> Value {
    let resources: Vec<Value> = RESOURCES
        .iter()
        .filter(|entry| entry.group == group)
        .map(Entry::aggregated)
        .collect();
    let mut metadata = json!({"creationTimestamp": null});
    if !group.is_empty() {
        metadata["name"] = json!(group);
    }
    json!({"metadata": metadata, "versions": [{"version": "v1", "resources": resources, "freshness": "Current"}]})
}
