//! get and list.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use http::Response;
use serde_json::{Value, json};

use super::body::{self, Body};
use super::request::{Form, Query, Target};
use super::selectors::Selection;
use super::shared::Shared;
use super::status::Refusal;
use super::table::{self, Include};
use crate::drill::world::{Resource, Store};

/// How long the server waits for a resourceVersion that has not come yet.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a row of a table carries, by the request's `includeObject`.
pub fn include(query: &Query) -> Include {
    match query.get("includeObject") {
        Some("None") => Include::None,
        Some("Object") => Include::Object,
        _ => Include::Metadata,
    }
}

/// Answers a get of one object.
pub fn get(
    shared: &Shared,
    resource: Resource,
    target: &Target,
    query: &Query,
    form: Form,
) -> Result<Response<Body>, Refusal> {
    let now = shared.clock().now();
    let world = shared.world();
    let namespace = if resource.is_namespaced() {
        &target.namespace
    } else {
        ""
    };
    let object = world
        .store()
        .get(resource, namespace, &target.name)
        .ok_or_else(|| Refusal::not_found(&target.group, &target.plural, &target.name))?;
    let value = match form {
        Form::Objects => return Ok(body::json(200, object)),
        Form::Metadata => table::metadata_only(object),
        Form::Table => {
            let metadata = json!({"resourceVersion": object["metadata"]["resourceVersion"]});
            table::table(resource, [&**object], metadata, include(query), true, now)
        }
    };
    Ok(body::json(200, &value))
}

/// Answers a list.
pub async fn list(
    shared: &Shared,
    resource: Resource,
    target: &Target,
    query: &Query,
    form: Form,
) -> Result<Response<Body>, Refusal> {
    let selection = Selection::of(resource, &target.namespace, &target.name, query)?;
    wait_for_version(shared, query).await?;
    let page = Page::read(shared.world().store(), resource, &selection, query)?;
    let metadata = page.metadata;
    let objects = page.objects.iter().map(|object| &**object);
    let kind = resource.kind();
    let value = match form {
        Form::Objects => json!({
            "kind": format!("{kind}List"),
            "apiVersion": resource.api_version(),
            "metadata": metadata,
            "items": objects.map(without_type).collect::<Vec<Value>>(),
        }),
        Form::Metadata => json!({
            "kind": "PartialObjectMetadataList",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": metadata,
            "items": objects.map(table::metadata_only).collect::<Vec<Value>>(),
        }),
        Form::Table => table::table(
            resource,
            objects,
            metadata,
            include(query),
            true,
            shared.clock().now(),
        ),
    };
    Ok(body::json(200, &value))
}

/// Items of a list do not repeat kind and apiVersion.
fn without_type(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("kind");
        fields.remove("apiVersion");
    }
    object
}

async fn wait_for_version(shared: &Shared, query: &Query) -> Result<(), Refusal> {
    let Some(asked) = query.number::<u64>("resourceVersion") else {
        return Ok(());
    };
    let mut changes = shared.world().store().subscribe();
    let reached = changes.wait_for(|version| *version >= asked);
    let in_time = tokio::time::timeout(PATIENCE, reached).await.is_ok();
    if in_time {
        return Ok(());
    }
    let current = shared.world().store().version();
    Err(Refusal::future_version(asked, current))
}

/// One page of a list.
struct Page {
    objects: Vec<Arc<Value>>,
    metadata: Value,
}

impl Page {
    fn read(
        store: &Store,
        resource: Resource,
        selection: &Selection,
        query: &Query,
    ) -> Result<Self, Refusal> {
        let token = query.get("continue").map(Token::decode).transpose()?;
        let exact = query.get("resourceVersionMatch") == Some("Exact");
        let version = match &token {
            Some(token) => token.version,
            None if exact => query.number("resourceVersion"),
            None => None,
        };
        let version = version.unwrap_or_else(|| store.version());
        let all = store
            .at_version(resource, version)
            .map_err(|too_old| match &token {
                Some(token) => Refusal::expired_continue(token.inconsistent()),
                None => Refusal::expired(version, too_old.oldest),
            })?;
        let start = token.map(|token| token.start).unwrap_or_default();
        // A list from the watch cache (resourceVersion 0) is never cut.
        let cached = query.get("resourceVersion") == Some("0");
        let limit = query
            .number::<usize>("limit")
            .filter(|limit| *limit > 0 && !cached);
        Ok(Self::cut(&all, selection, &start, limit, version))
    }

    fn cut(
        all: &BTreeMap<(String, String), Arc<Value>>,
        selection: &Selection,
        start: &str,
        limit: Option<usize>,
        version: u64,
    ) -> Self {
        let rest = all
            .iter()
            .filter(|((_, name), _)| format!("{name}\0").as_str() > start || start.is_empty());
        let mut wanted = rest.filter(|(_, object)| selection.takes(object));
        let objects: Vec<Arc<Value>> = wanted
            .by_ref()
            .take(limit.unwrap_or(usize::MAX))
            .map(|(_, object)| Arc::clone(object))
            .collect();
        let remaining = wanted.count();
        let mut metadata = json!({"resourceVersion": version.to_string()});
        if remaining > 0
            && let Some(last) = objects.last()
        {
            let name = last["metadata"]["name"].as_str().unwrap_or_default();
            let token = Token {
                version: Some(version),
                start: format!("{name}\0"),
            };
            metadata["continue"] = json!(token.encode());
            if !selection.is_narrow() {
                metadata["remainingItemCount"] = json!(remaining);
            }
        }
        Self { objects, metadata }
    }
}

/// Where the next page begins: after the name in `start`, at a version.
struct Token {
    /// `None` for a token that goes on at whatever version is newest.
    version: Option<u64>,
    start: String,
}

impl Token {
    fn encode(&self) -> String {
        let version = self.version.map_or(-1, |version| version as i64);
        let token = json!({"v": "meta.k8s.io/v1", "rv": version, "start": self.start});
        STANDARD_NO_PAD.encode(token.to_string())
    }

    fn decode(text: &str) -> Result<Self, Refusal> {
        let invalid = || Refusal::bad_request("continue key is not valid: encoding is not valid");
        let bytes = STANDARD_NO_PAD
            .decode(text.trim_end_matches('='))
            .map_err(|_invalid| invalid())?;
        let token: Value = serde_json::from_slice(&bytes).map_err(|_invalid| invalid())?;
        Ok(Self {
            version: token["rv"].as_u64(),
            start: token["start"].as_str().unwrap_or_default().to_owned(),
        })
    }

    fn inconsistent(&self) -> String {
        Self {
            version: None,
            start: self.start.clone(),
        }
        .encode()
    }
}
