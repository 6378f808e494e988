//! Answers updates and patches of an object: reads them, checks them, and writes the object to the world.

use http::header::{USER_AGENT, WARNING};
use http::request::Parts;
use http::{Method, Response, header};
use serde_json::{Value, json};

use super::ApiRequest;
use super::body::{self, Body};
use super::patch::Patch;
use super::request::{Target, UrlQuery};
use super::response_headers;
use super::schema;
use super::status::{Cause, Refusal, qualified};
use super::validation;
use crate::world::{FieldManager, Resource, World, record_ownership};

/// How fields that a kind does not have are handled (`fieldValidation`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UnknownFields {
    Ignore,
    Warn,
    Refuse,
}

/// Updates (PUT) or patches an object.
pub fn update(request: &ApiRequest<'_>, resource: Resource) -> Result<Response<Body>, Refusal> {
    let ApiRequest { state, target, .. } = *request;
    let options = WriteOptions::of(request)?;
    let at = state.clock().now();
    let mut world = state.world();
    let before = find(&world, resource, target)?;
    let (mut wanted, sent) = wanted(request, resource, &before)?;
    let warnings = decode(request, resource, &mut wanted, options.unknown, &sent)?;
    check_identity(resource, target, &before, &wanted)?;
    keep_what_is_not_theirs(&before, &mut wanted);
    schema::fill_defaults(resource, &mut wanted);
    validation::check(resource, &before, &wanted)?;
    record_ownership(resource, &before, &mut wanted, &options.manager, at);
    if !options.dry {
        world.replace(at, resource, wanted.clone());
        wanted = find(&world, resource, target)?;
        state.wake();
    }
    drop(world);
    let mut response = body::json(200, &wanted);
    for warning in warnings.iter().filter_map(|text| response_headers::warning(text)) {
        response.headers_mut().append(WARNING, warning);
    }
    Ok(response)
}

/// The options of a write, from its query.
pub struct WriteOptions {
    /// Whether this is a dry run.
    pub dry: bool,
    /// Who writes.
    pub manager: FieldManager,
    unknown: UnknownFields,
}

impl WriteOptions {
    /// Reads the options; refuses values that the server does not know.
    pub fn of(request: &ApiRequest<'_>) -> Result<Self, Refusal> {
        let kind = if request.parts.method == Method::PATCH {
            "PatchOptions"
        } else {
            "UpdateOptions"
        };
        let unknown = match request.query.get("fieldValidation") {
            Some("Ignore") => UnknownFields::Ignore,
            None | Some("Warn") => UnknownFields::Warn,
            Some("Strict") => UnknownFields::Refuse,
            Some(other) => {
                let values = "\"\", \"Ignore\", \"Strict\", \"Warn\"";
                return Err(unsupported(kind, "fieldValidation", other, values));
            }
        };
        Ok(Self {
            dry: is_dry(kind, request.query, &Value::Null)?,
            manager: FieldManager {
                name: manager(request.query, request.parts),
                subresource: if request.target.subresource == "scale" {
                    "scale"
                } else {
                    ""
                },
            },
            unknown,
        })
    }
}

/// Whether this is a dry run; `options` are those of the body.
pub fn is_dry(kind: &str, query: &UrlQuery, options: &Value) -> Result<bool, Refusal> {
    let in_body = options["dryRun"].as_array().and_then(|list| list.first());
    let asked = query.get("dryRun").or_else(|| in_body.and_then(Value::as_str));
    match asked {
        None => Ok(false),
        Some("All") => Ok(true),
        Some(other) => Err(unsupported(kind, "dryRun", other, "\"All\"")),
    }
}

/// The 422 of an option that does not exist.
pub fn unsupported(kind: &str, field: &str, value: &str, values: &str) -> Refusal {
    let cause = Cause {
        reason: "FieldValueNotSupported",
        field: field.to_owned(),
        message: format!("Unsupported value: {value:?}: supported values: {values}"),
    };
    Refusal::invalid_fields("meta.k8s.io", kind, "", &[cause])
}

/// The field manager: the one that the client names, or its program's name.
pub fn manager(query: &UrlQuery, parts: &Parts) -> String {
    if let Some(name) = query.get("fieldManager") {
        return name.to_owned();
    }
    let agent = parts
        .headers
        .get(USER_AGENT)
        .and_then(|value| value.to_str().ok());
    let program = agent.unwrap_or_default().split('/').next().unwrap_or_default();
    if program.is_empty() { "unknown" } else { program }.to_owned()
}

/// The object a path names.
pub fn find(world: &World, resource: Resource, target: &Target) -> Result<Value, Refusal> {
    let namespace = if resource.is_namespaced() {
        &target.namespace
    } else {
        ""
    };
    let found = world.store().get(resource, namespace, &target.name);
    let object = found.ok_or_else(|| Refusal::not_found(&target.group, &target.plural, &target.name))?;
    Ok((**object).clone())
}

/// The object as the request wants it, and the body as a refusal quotes it.
fn wanted(request: &ApiRequest<'_>, resource: Resource, before: &Value) -> Result<(Value, String), Refusal> {
    let sent = String::from_utf8_lossy(request.body).into_owned();
    if request.parts.method == Method::PATCH {
        let patch = Patch::read(media_type(request.parts), request.body)?;
        return Ok((patch.apply(before)?, sent));
    }
    let mut object = json_body(request.parts, request.body)?;
    for (field, own) in [("apiVersion", resource.api_version()), ("kind", resource.kind())] {
        let said = object[field].as_str().filter(|said| !said.is_empty());
        if said.is_some_and(|said| said != own) {
            let what = if field == "kind" { "kind" } else { "API version" };
            return Err(Refusal::bad_request(format!(
                "the {what} in the data ({}) does not match the expected {what} ({own})",
                said.unwrap_or_default(),
            )));
        }
        object[field] = json!(own);
    }
    Ok((object, sent))
}

/// Takes out fields that the kind does not have. Returns the warnings about them.
fn decode(
    request: &ApiRequest<'_>,
    resource: Resource,
    wanted: &mut Value,
    unknown: UnknownFields,
    sent: &str,
) -> Result<Vec<String>, Refusal> {
    let refuse = |why: &str| {
        if request.parts.method == Method::PATCH {
            return Refusal::unreadable_patch(sent, why);
        }
        let kind = resource.kind();
        Refusal::bad_request(format!(
            "{kind} in version \"v1\" cannot be handled as a {kind}: {why}"
        ))
    };
    let fields = schema::drop_unknown(resource, wanted).map_err(|error| refuse(&error))?;
    let words: Vec<String> = fields
        .iter()
        .map(|field| format!("unknown field \"{field}\""))
        .collect();
    match unknown {
        UnknownFields::Refuse if !words.is_empty() => {
            Err(refuse(&format!("strict decoding error: {}", words.join(", "))))
        }
        UnknownFields::Warn => Ok(words),
        UnknownFields::Ignore | UnknownFields::Refuse => Ok(Vec::new()),
    }
}

/// Refuses an object whose name, namespace, uid or resourceVersion differ from the stored one's.
fn check_identity(
    resource: Resource,
    target: &Target,
    before: &Value,
    wanted: &Value,
) -> Result<(), Refusal> {
    let said = |field: &str| wanted["metadata"][field].as_str().filter(|said| !said.is_empty());
    let name = said("name").unwrap_or_default();
    if name != target.name {
        return Err(Refusal::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            target.name
        )));
    }
    let namespaced = resource.is_namespaced() && !target.namespace.is_empty();
    if let Some(other) = said("namespace").filter(|said| namespaced && *said != target.namespace) {
        return Err(Refusal::bad_request(format!(
            "the namespace of the object ({other}) does not match the namespace on the request ({})",
            target.namespace
        )));
    }
    let uid = before["metadata"]["uid"].as_str().unwrap_or_default();
    if let Some(other) = said("uid").filter(|said| *said != uid) {
        let why = format!(
            "StorageError: invalid object, Code: 4, Key: /registry/{}/{}/{name}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {other}, UID in object meta: {uid}",
            target.plural, target.namespace
        );
        return Err(modified(target, &why));
    }
    check_version(target, before, wanted)
}

/// 409 unless the resourceVersion that is sent, if any, is the current one.
pub fn check_version(target: &Target, before: &Value, wanted: &Value) -> Result<(), Refusal> {
    let asked = wanted["metadata"]["resourceVersion"]
        .as_str()
        .filter(|version| !version.is_empty());
    if asked.is_none_or(|asked| before["metadata"]["resourceVersion"] == asked) {
        return Ok(());
    }
    let why = "the object has been modified; please apply your changes to the latest version and try again";
    Err(modified(target, why))
}

fn modified(target: &Target, why: &str) -> Refusal {
    let about = qualified(&target.group, &target.plural);
    Refusal::conflict(&about, &target.name, &target.group, &target.plural, why)
}

/// Restores the fields that only the server writes, and the status.
fn keep_what_is_not_theirs(before: &Value, wanted: &mut Value) {
    const SERVERS: [&str; 9] = [
        "namespace",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generateName",
        "managedFields",
    ];
    for field in SERVERS {
        put_back(&before["metadata"], &mut wanted["metadata"], field);
    }
    put_back(before, wanted, "status");
}

fn put_back(before: &Value, wanted: &mut Value, field: &str) {
    match before.get(field) {
        Some(value) => wanted[field] = value.clone(),
        None => {
            wanted.as_object_mut().map(|fields| fields.remove(field));
        }
    }
}

/// The body of a request, in JSON; null when there is none.
pub fn json_body(parts: &Parts, body: &[u8]) -> Result<Value, Refusal> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    let media_type = media_type(parts);
    if !media_type.is_empty() && media_type != "application/json" {
        return Err(Refusal::unknown_format());
    }
    let malformed =
        |error| Refusal::bad_request(format!("couldn't get version/kind; json parse error: {error}"));
    serde_json::from_slice(body).map_err(malformed)
}

/// The type of a request's body, without parameters.
pub fn media_type(parts: &Parts) -> &str {
    let value = parts
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    value
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
}
