//! get and list.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::{DecodeError, Engine as _};
use http::Response;
use serde_json::{Value, json};

use super::body::{self, Body};
use super::request::{Form, Target, UrlQuery};
use super::selectors::Selection;
use super::state::ApiState;
use super::status::Refusal;
use super::table::{self, Include};
use super::view::View;
use crate::world::Store;

/// How long the server waits for a resourceVersion that has not come yet.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a row of a table carries, by the request's `includeObject`.
pub fn include(query: &UrlQuery) -> Include {
    match query.get("includeObject") {
        Some("None") => Include::None,
        Some("Object") => Include::Object,
        _ => Include::Metadata,
    }
}

/// Answers a get of one object.
pub fn get(
    state: &ApiState,
    view: View,
    target: &Target,
    query: &UrlQuery,
    form: Form,
) -> Result<Response<Body>, Refusal> {
    let now = state.clock().now();
    let world = state.world();
    let namespace = if view.is_namespaced { &target.namespace } else { "" };
    let object = view
        .stored
        .and_then(|resource| world.store().get(resource, namespace, &target.name))
        .ok_or_else(|| Refusal::not_found(&target.group, &target.plural, &target.name))?;
    let value = match form {
        Form::Objects => return Ok(body::json(200, &view.show(object))),
        Form::Metadata => table::metadata_only(object),
        Form::Table => {
            let metadata = json!({"resourceVersion": object["metadata"]["resourceVersion"]});
            table::table(view, [&**object], metadata, include(query), true, now)
        }
    };
    Ok(body::json(200, &value))
}

/// Answers a list.
pub async fn list(
    state: &ApiState,
    view: View,
    target: &Target,
    query: &UrlQuery,
    form: Form,
) -> Result<Response<Body>, Refusal> {
    let selection = Selection::of(view, &target.namespace, &target.name, query)?;
    check_options(query)?;
    wait_for_version(state, query).await?;
    let page = ListPage::read(state.world().store(), view, &selection, query)?;
    let metadata = page.metadata;
    let objects = page.objects.iter().map(|object| &**object);
    let kind = view.kind;
    let value = match form {
        Form::Objects => json!({
            "kind": format!("{kind}List"),
            "apiVersion": view.api_version(),
            "metadata": metadata,
            "items": objects.map(|object| without_type(view.show(object))).collect::<Vec<Value>>(),
        }),
        Form::Metadata => json!({
            "kind": "PartialObjectMetadataList",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": metadata,
            "items": objects.map(table::metadata_only).collect::<Vec<Value>>(),
        }),
        Form::Table => table::table(view, objects, metadata, include(query), true, state.clock().now()),
    };
    Ok(body::json(200, &value))
}

/// Items of a list do not repeat kind and apiVersion.
fn without_type(object: Cow<'_, Value>) -> Value {
    let mut object = object.into_owned();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("kind");
        fields.remove("apiVersion");
    }
    object
}

/// Refuses options of a list that do not go together, as the server's validation of ListOptions does.
fn check_options(query: &UrlQuery) -> Result<(), Refusal> {
    for number in ["limit", "timeoutSeconds"] {
        if let Some(text) = query.get(number)
            && text.parse::<i64>().is_err()
        {
            let message = format!("strconv.ParseInt: parsing \"{text}\": invalid syntax");
            return Err(Refusal::bad_request(message));
        }
    }
    let forbidden = |field: &str, why: &str| {
        let why = format!("Forbidden: {why}");
        Err(invalid_options(field, "FieldValueForbidden", &why))
    };
    if query.get("sendInitialEvents").is_some() {
        return forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list");
    }
    let version = query.get("resourceVersion");
    let Some(matching) = query.get("resourceVersionMatch") else {
        return Ok(());
    };
    let field = "resourceVersionMatch";
    match (matching, version) {
        _ if query.get("continue").is_some() => forbidden(
            field,
            "resourceVersionMatch is forbidden when continue is provided",
        ),
        (_, None) => forbidden(
            field,
            "resourceVersionMatch is forbidden unless resourceVersion is provided",
        ),
        ("Exact", Some("0")) => forbidden(
            field,
            "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
        ),
        ("Exact" | "NotOlderThan", Some(_)) => Ok(()),
        (other, Some(_)) => {
            let why = format!(
                "Unsupported value: \"{other}\": supported values: \"Exact\", \"NotOlderThan\", \"\""
            );
            Err(invalid_options(field, "FieldValueNotSupported", &why))
        }
    }
}

/// The 422 of options that do not go together; `reason` is that of the cause.
fn invalid_options(field: &str, reason: &str, why: &str) -> Refusal {
    let message = format!("ListOptions.meta.k8s.io \"\" is invalid: {field}: {why}");
    Refusal::new(422, "Invalid", message).with(json!({
        "group": "meta.k8s.io",
        "kind": "ListOptions",
        "causes": [{"reason": reason, "message": why, "field": field}],
    }))
}

async fn wait_for_version(state: &ApiState, query: &UrlQuery) -> Result<(), Refusal> {
    let Some(text) = query.get("resourceVersion") else {
        return Ok(());
    };
    let asked: u64 = text.parse().map_err(|_not_a_number| {
        let message = format!(
            "invalid resource version: resourceVersion: Invalid value: \"{text}\": strconv.ParseUint: parsing \"{text}\": invalid syntax"
        );
        Refusal::bad_request(message)
    })?;
    // After a token no version is waited for: it has its own.
    if query.get("continue").is_some() && asked != 0 {
        let message = "specifying resource version is not allowed when using continue";
        return Err(Refusal::bad_request(message));
    }
    let mut changes = state.world().store().subscribe();
    let reached = changes.wait_for(|version| *version >= asked);
    let in_time = tokio::time::timeout(PATIENCE, reached).await.is_ok();
    if in_time {
        return Ok(());
    }
    let current = state.world().store().version();
    Err(Refusal::future_version(asked, current))
}

/// One page of a list.
struct ListPage {
    objects: Vec<Arc<Value>>,
    metadata: Value,
}

impl ListPage {
    fn read(store: &Store, view: View, selection: &Selection, query: &UrlQuery) -> Result<Self, Refusal> {
        let token = query.get("continue").map(ContinueToken::decode).transpose()?;
        let exact = query.get("resourceVersionMatch") == Some("Exact");
        let version = match &token {
            Some(token) => token.version,
            None if exact => query.number("resourceVersion"),
            None => None,
        };
        let version = version.unwrap_or_else(|| store.version());
        let all = view
            .stored
            .map_or(Ok(BTreeMap::new()), |resource| {
                store.at_version(resource, version)
            })
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
            .map(|((namespace, name), object)| (selection.key(namespace, name), object))
            .filter(|(key, _)| key.as_str() >= start);
        let mut wanted = rest.filter(|(_, object)| selection.takes(object));
        let page: Vec<(String, Arc<Value>)> = wanted
            .by_ref()
            .take(limit.unwrap_or(usize::MAX))
            .map(|(key, object)| (key, Arc::clone(object)))
            .collect();
        let remaining = wanted.count();
        let mut metadata = json!({"resourceVersion": version.to_string()});
        if remaining > 0
            && let Some((last, _)) = page.last()
        {
            let token = ContinueToken {
                version: Some(version),
                start: format!("{last}\0"),
            };
            metadata["continue"] = json!(token.encode());
            if !selection.is_narrow() {
                metadata["remainingItemCount"] = json!(remaining);
            }
        }
        let objects = page.into_iter().map(|(_, object)| object).collect();
        Self { objects, metadata }
    }
}

/// Where the next page begins: after the key in `start`, at a version.
struct ContinueToken {
    /// `None` for a token that goes on at whatever version is newest.
    version: Option<u64>,
    start: String,
}

/// What `start` of a token means to the server that made it.
const TOKEN_VERSION: &str = "meta.k8s.io/v1";

impl ContinueToken {
    fn encode(&self) -> String {
        let version = self.version.map_or(-1, |version| version as i64);
        let token = json!({"v": TOKEN_VERSION, "rv": version, "start": self.start});
        URL_SAFE_NO_PAD.encode(token.to_string())
    }

    fn decode(text: &str) -> Result<Self, Refusal> {
        let invalid = |why: &str| {
            Refusal::bad_request(format!("invalid continue token: continue key is not valid{why}"))
        };
        let bytes = URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|error| invalid(&illegal_base64(&error, text)))?;
        let token: Value = serde_json::from_slice(&bytes)
            .map_err(|_invalid| invalid(": invalid character in the decoded key"))?;
        if token["v"] != TOKEN_VERSION {
            return Err(invalid(": server does not recognize this encoded version"));
        }
        let start = token["start"].as_str().unwrap_or_default();
        match token["rv"].as_i64() {
            None | Some(0) => Err(invalid(&format!(
                ": incorrect encoded start resourceVersion (version {TOKEN_VERSION})"
            ))),
            _ if start.is_empty() => Err(invalid(&format!(
                ": encoded start key empty (version {TOKEN_VERSION})"
            ))),
            Some(version) => Ok(Self {
                version: u64::try_from(version).ok(),
                start: format!("/{}", start.trim_start_matches('/')),
            }),
        }
    }

    /// The token that goes on from the same key at the newest version.
    fn inconsistent(&self) -> String {
        Self {
            version: None,
            start: self.start.trim_start_matches('/').to_owned(),
        }
        .encode()
    }
}

/// As Go's decoder says it.
fn illegal_base64(error: &DecodeError, text: &str) -> String {
    let at = match error {
        DecodeError::InvalidByte(at, _) | DecodeError::InvalidLastSymbol(at, _) => *at,
        DecodeError::InvalidLength(_) | DecodeError::InvalidPadding => text.len(),
    };
    format!(": illegal base64 data at input byte {at}")
}
