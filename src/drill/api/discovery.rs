//! What the server says it serves: versions, groups and resources, plain and aggregated.
//!
//! It names everything that a real server names, so that `kubectl get nodes` is forbidden, as on a real cluster, and not unknown.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::LazyLock;

use http::header::{CACHE_CONTROL, ETAG, HOST, IF_NONE_MATCH, VARY};
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::body::{self, Body};
use super::metrics;
use crate::scenario::MetricsApi;

const ALL: &str = "create,delete,deletecollection,get,list,patch,update,watch";
const OF_STATUS: &str = "get,patch,update";

/// One resource, or a subresource (`pods/log`), of one version of a group.
pub struct ApiResource {
    /// Empty for core.
    pub group: &'static str,
    pub version: &'static str,
    pub name: &'static str,
    pub kind: &'static str,
    /// Group and version of the kind, where they are not the resource's own.
    kind_of: Option<(&'static str, &'static str)>,
    pub namespaced: bool,
    pub verbs: Vec<&'static str>,
    short: Vec<&'static str>,
    categories: Vec<&'static str>,
    /// Empty for what is not stored.
    hash: &'static str,
}

static RESOURCES: LazyLock<Vec<ApiResource>> = LazyLock::new(|| {
    let lines = include_str!("resources.txt").lines();
    lines
        .filter(|line| !line.starts_with('#'))
        .filter_map(ApiResource::read)
        .collect()
});

impl ApiResource {
    fn read(line: &'static str) -> Option<Self> {
        let mut columns = line
            .split_whitespace()
            .map(|column| if column == "-" { "" } else { column });
        let (group, version) = split_version(columns.next()?);
        let name = columns.next()?;
        let (kind, kind_of) = match columns.next()?.split_once('@') {
            Some((kind, other)) => (kind, Some(split_version(other))),
            None => (line.split_whitespace().nth(2)?, None),
        };
        let namespaced = columns.next()? == "namespaced";
        let verbs = match columns.next()? {
            "all" => ALL,
            "status" => OF_STATUS,
            verbs => verbs,
        };
        let mut list = || -> Option<Vec<&'static str>> {
            let words = columns.next()?.split(',');
            Some(words.filter(|word| !word.is_empty()).collect())
        };
        Some(Self {
            group,
            version,
            name,
            kind,
            kind_of,
            namespaced,
            verbs: verbs.split(',').collect(),
            short: list()?,
            categories: list()?,
            hash: columns.next()?,
        })
    }

    /// The name of a resource, not of a subresource, in the singular.
    fn singular(&self) -> String {
        // the metrics server has no singular for its own
        if self.name.contains('/') || self.group == metrics::GROUP {
            String::new()
        } else {
            self.kind.to_lowercase()
        }
    }

    /// Its entry in an `APIResourceList`.
    fn plain(&self) -> Value {
        let mut value = json!({
            "name": self.name,
            "singularName": self.singular(),
            "namespaced": self.namespaced,
            "kind": self.kind,
            "verbs": self.verbs,
        });
        if let Some((group, version)) = self.kind_of {
            value["group"] = json!(group);
            value["version"] = json!(version);
        }
        if !self.hash.is_empty() {
            value["storageVersionHash"] = json!(self.hash);
        }
        self.with_names(value)
    }

    /// Its entry in an `APIGroupDiscoveryList`.
    fn aggregated(&self) -> Value {
        let mut value = json!({
            "resource": self.name,
            "responseKind": self.response_kind(),
            "scope": if self.namespaced { "Namespaced" } else { "Cluster" },
            "singularResource": self.singular(),
            "verbs": self.verbs,
        });
        let own = format!("{}/", self.name);
        let subresources: Vec<Value> = resources(self.group, self.version)
            .filter_map(|other| Some((other.name.strip_prefix(own.as_str())?, other)))
            .map(|(name, other)| json!({"subresource": name, "responseKind": other.response_kind(), "verbs": other.verbs}))
            .collect();
        if !subresources.is_empty() {
            value["subresources"] = json!(subresources);
        }
        self.with_names(value)
    }

    fn with_names(&self, mut value: Value) -> Value {
        if !self.short.is_empty() {
            value["shortNames"] = json!(self.short);
        }
        if !self.categories.is_empty() {
            value["categories"] = json!(self.categories);
        }
        value
    }

    fn response_kind(&self) -> Value {
        let (group, version) = self.kind_of.unwrap_or_default();
        json!({"group": group, "version": version, "kind": self.kind})
    }
}

/// `v1` and `apps/v1` in two.
fn split_version(text: &'static str) -> (&'static str, &'static str) {
    text.split_once('/').unwrap_or(("", text))
}

fn resources(group: &str, version: &str) -> impl Iterator<Item = &'static ApiResource> {
    RESOURCES
        .iter()
        .filter(move |entry| entry.group == group && entry.version == version)
}

/// The groups but core, in the server's order.
fn groups(api: MetricsApi) -> Vec<&'static str> {
    let mut groups: Vec<&str> = Vec::new();
    for entry in RESOURCES.iter() {
        let known = entry.group != metrics::GROUP || api != MetricsApi::Absent;
        if !entry.group.is_empty() && known && !groups.contains(&entry.group) {
            groups.push(entry.group);
        }
    }
    groups
}

/// The versions of a group, the preferred one first.
fn versions(group: &str) -> Vec<&'static str> {
    let mut versions: Vec<&str> = Vec::new();
    for entry in RESOURCES.iter().filter(|entry| entry.group == group) {
        if !versions.contains(&entry.version) {
            versions.push(entry.version);
        }
    }
    versions
}

/// The answer for a path that is no resource; `None` when nothing is there.
pub fn answer(parts: &Parts, api: MetricsApi) -> Option<Response<Body>> {
    let path = parts.uri.path().trim_end_matches('/');
    match path {
        "/version" => Some(body::json(200, &version())),
        "/healthz" | "/livez" | "/readyz" => Some(body::text("ok")),
        "/api" if wants_aggregated(parts) => Some(aggregated(parts, &[""], api)),
        "/apis" if wants_aggregated(parts) => Some(aggregated(parts, &groups(api), api)),
        "/api" => Some(body::json(200, &api_versions(parts))),
        "/apis" => Some(body::json(200, &group_list(api))),
        "/api/v1" => Some(body::json(200, &resource_list("", "v1"))),
        _ => group_answer(path, api),
    }
}

fn group_answer(path: &str, api: MetricsApi) -> Option<Response<Body>> {
    let rest = path.strip_prefix("/apis/")?;
    let groups = groups(api);
    match rest.split_once('/') {
        None if groups.contains(&rest) => {
            let mut group = group(rest);
            group["kind"] = json!("APIGroup");
            group["apiVersion"] = json!("v1");
            Some(body::json(200, &group))
        }
        // what is in the group its own server says
        Some((metrics::GROUP, _)) if api == MetricsApi::Down => Some(metrics::unavailable()),
        Some((name, version)) if groups.contains(&name) && versions(name).contains(&version) => {
            Some(body::json(200, &resource_list(name, version)))
        }
        _ => None,
    }
}

/// The resource of that name (as `pods` or `pods/log`), if this server knows it at all.
pub fn find(group: &str, version: &str, name: &str) -> Option<&'static ApiResource> {
    resources(group, version).find(|entry| entry.name == name)
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

fn api_versions(parts: &Parts) -> Value {
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    json!({
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": host.unwrap_or("127.0.0.1")}],
    })
}

fn group_list(api: MetricsApi) -> Value {
    let groups: Vec<Value> = groups(api).into_iter().map(group).collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

fn group(name: &str) -> Value {
    let versions: Vec<Value> = versions(name)
        .into_iter()
        .map(|version| json!({"groupVersion": format!("{name}/{version}"), "version": version}))
        .collect();
    json!({"name": name, "versions": versions, "preferredVersion": versions.first()})
}

fn resource_list(group: &str, version: &str) -> Value {
    let resources: Vec<Value> = resources(group, version).map(ApiResource::plain).collect();
    let mut list = json!({"kind": "APIResourceList", "groupVersion": version, "resources": resources});
    if !group.is_empty() {
        list["apiVersion"] = json!("v1");
        list["groupVersion"] = json!(format!("{group}/{version}"));
    }
    list
}

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

fn wants_aggregated(parts: &Parts) -> bool {
    let accept = parts
        .headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.replace(' ', "").contains(AGGREGATED))
}

/// Everything in one answer. The client may cache it and revalidate by its ETag.
fn aggregated(parts: &Parts, groups: &[&str], api: MetricsApi) -> Response<Body> {
    let items: Vec<Value> = groups
        .iter()
        .map(|group| match *group {
            metrics::GROUP if api == MetricsApi::Down => stale_group(group),
            group => aggregated_group(group),
        })
        .collect();
    let list = json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    });
    let tag = tag(&list);
    let is_known = parts
        .headers
        .get(IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response = if is_known {
        let mut response = body::text("");
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.headers_mut().remove(header::CONTENT_TYPE);
        response
    } else {
        body::typed_json(200, &list, AGGREGATED)
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public"));
    headers.insert(VARY, HeaderValue::from_static("Accept"));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(ETAG, tag);
    }
    response
}

/// The tag of a document: 128 hexadecimal digits in quotes, as long as the server's SHA-512.
fn tag(document: &Value) -> String {
    let text = document.to_string();
    let digits = (0_u8..8).map(|part| {
        let mut hasher = DefaultHasher::new();
        (part, &text).hash(&mut hasher);
        format!("{:016X}", hasher.finish())
    });
    format!("\"{}\"", digits.collect::<String>())
}

fn aggregated_group(group: &str) -> Value {
    let versions: Vec<Value> = versions(group)
        .into_iter()
        .map(|version| {
            let resources: Vec<Value> = resources(group, version)
                .filter(|entry| !entry.name.contains('/'))
                .map(ApiResource::aggregated)
                .collect();
            json!({"version": version, "resources": resources, "freshness": "Current"})
        })
        .collect();
    let mut metadata = json!({"creationTimestamp": null});
    if !group.is_empty() {
        metadata["name"] = json!(group);
    }
    json!({"metadata": metadata, "versions": versions})
}

/// A group whose server does not say what is in it: its versions, and that they are not current.
fn stale_group(group: &str) -> Value {
    let versions = versions(group).into_iter();
    let versions = versions.map(|version| json!({"version": version, "freshness": "Stale"}));
    json!({"metadata": {"name": group, "creationTimestamp": null}, "versions": versions.collect::<Vec<Value>>()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_a_resource() {
        let lines = include_str!("resources.txt").lines();
        assert_eq!(
            RESOURCES.len(),
            lines.filter(|line| !line.starts_with('#')).count()
        );
        let knows = |group, version, name| find(group, version, name).is_some();
        assert!(knows("", "v1", "pods") && knows("autoscaling", "v1", "horizontalpodautoscalers"));
        assert!(!knows("", "v1", "gizmos") && !knows("apps", "v2", "deployments"));
    }

    #[test]
    fn a_client_that_has_the_document_is_told_so() {
        let ask = |tag: Option<&HeaderValue>| {
            let mut request = http::Request::builder()
                .uri("/apis")
                .header(header::ACCEPT, AGGREGATED);
            if let Some(tag) = tag {
                request = request.header(IF_NONE_MATCH, tag);
            }
            answer(&request.body(()).unwrap().into_parts().0, MetricsApi::Served).unwrap()
        };
        let first = ask(None);
        assert_eq!(first.status(), 200);
        assert_eq!(ask(first.headers().get(ETAG)).status(), 304);
    }
}
