//! Refusals, worded as the API server words them.

use http::Response;
use http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use serde_json::{Value, json};

use super::body::{self, Body};

/// What is wrong with one field of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// As `FieldValueInvalid`.
    pub reason: &'static str,
    /// As `spec.replicas`.
    pub field: String,
    /// As `Invalid value: -1: must be greater than or equal to 0`.
    pub message: String,
}

/// A `Status` of a failed request.
#[derive(Clone, Debug)]
pub struct Refusal {
    code: u16,
    reason: &'static str,
    message: String,
    details: Option<Value>,
    continue_token: Option<String>,
    retry_after: bool,
}

impl Refusal {
    /// A refusal without details.
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            details: None,
            continue_token: None,
            retry_after: false,
        }
    }

    /// 400.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 401.
    pub fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    /// 404 for an object; `resource` is `deployments.apps` or `pods`.
    pub fn not_found(group: &str, plural: &str, name: &str) -> Self {
        let mut details = json!({"name": name, "kind": plural});
        if !group.is_empty() {
            details["group"] = json!(group);
        }
        let message = format!("{} \"{name}\" not found", qualified(group, plural));
        Self::new(404, "NotFound", message).with(details)
    }

    /// 404 for a path nothing serves.
    pub fn no_such_resource() -> Self {
        Self::new(
            404,
            "NotFound",
            "the server could not find the requested resource",
        )
        .with(json!({}))
    }

    /// 405.
    pub fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::new(405, "MethodNotAllowed", message).with(json!({}))
    }

    /// 409 of a precondition or an old resourceVersion; `kind` is what the details name.
    pub fn conflict(about: &str, name: &str, group: &str, kind: &str, why: &str) -> Self {
        let mut details = json!({"name": name, "kind": kind});
        if !group.is_empty() {
            details["group"] = json!(group);
        }
        let message = format!("Operation cannot be fulfilled on {about} \"{name}\": {why}");
        Self::new(409, "Conflict", message).with(details)
    }

    /// 410 of a list whose version is gone, with a token that continues it at the newest version.
    pub fn expired_continue(token: String) -> Self {
        let message = "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";
        let mut refusal = Self::new(410, "Expired", message);
        refusal.continue_token = Some(token);
        refusal
    }

    /// 410 of a version older than the history.
    pub fn expired(asked: u64, oldest: u64) -> Self {
        Self::new(
            410,
            "Expired",
            format!("too old resource version: {asked} ({oldest})"),
        )
    }

    /// 415.
    pub fn unsupported_media_type() -> Self {
        Self::new(415, "UnsupportedMediaType", "415: Unsupported Media Type").with(json!({}))
    }

    /// 406; `types` are those that could be given.
    pub fn not_acceptable(types: &str) -> Self {
        let message = format!("only the following media types are accepted: {types}");
        Self::new(406, "NotAcceptable", message)
    }

    /// 413 of a body longer than `limit` bytes.
    pub fn too_large(limit: usize) -> Self {
        let message = format!("Request entity too large: limit is {limit}");
        Self::new(413, "RequestEntityTooLarge", message)
    }

    /// 500 of an error without a reason of its own.
    pub fn unexplained(message: impl Into<String>) -> Self {
        Self::new(500, "", message)
    }

    /// 500 of a request that impersonates groups and no user.
    pub fn groups_without_a_user(groups: &[String]) -> Self {
        let objects: Vec<String> = groups
            .iter()
            .map(|group| format!("{{Group  {group}    }}"))
            .collect();
        Self::unexplained(format!(
            "requested [{}] without impersonating a user",
            objects.join(" ")
        ))
    }

    /// 422 of a patch that is well-formed and does not fit.
    pub fn misfit_patch() -> Self {
        let message = "the server rejected our request due to an error in our request";
        Self::new(422, "Invalid", message).with(json!({}))
    }

    /// 422 of a patch after which the object cannot be read; `patch` is what was sent, `why` what is wrong.
    pub fn unreadable_patch(patch: &str, why: &str) -> Self {
        let why = format!("Invalid value: {patch:?}: {why}");
        Self::new(422, "Invalid", format!(" \"\" is invalid: patch: {why}")).with(json!({
            "causes": [{"reason": "FieldValueInvalid", "message": why, "field": "patch"}],
        }))
    }

    /// 422 of an object with one or more wrong fields.
    pub fn invalid_fields(group: &str, kind: &str, name: &str, causes: &[Cause]) -> Self {
        let all: Vec<String> = causes
            .iter()
            .map(|cause| format!("{}: {}", cause.field, cause.message))
            .collect();
        let list = match all.as_slice() {
            [one] => one.clone(),
            more => format!("[{}]", more.join(", ")),
        };
        let message = format!("{} \"{name}\" is invalid: {list}", qualified(group, kind));
        let mut details = json!({"name": name, "kind": kind});
        if !group.is_empty() {
            details["group"] = json!(group);
        }
        let causes = causes
            .iter()
            .map(|cause| json!({"reason": cause.reason, "message": cause.message, "field": cause.field}));
        details["causes"] = causes.collect();
        Self::new(422, "Invalid", message).with(details)
    }

    /// 415 of a body that is not in JSON.
    pub fn unknown_format() -> Self {
        let message = "the body of the request was in an unknown format - accepted media types include: application/json";
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// 422 of one field of a `kind.group` object.
    pub fn invalid(about: &str, name: &str, details: (&str, &str), field: &str, why: &str) -> Self {
        let (group, kind) = details;
        let message = format!("{about} \"{name}\" is invalid: {field}: {why}");
        Self::new(422, "Invalid", message).with(json!({
            "name": name,
            "group": group,
            "kind": kind,
            "causes": [{"reason": "FieldValueInvalid", "message": why, "field": field}],
        }))
    }

    /// 504 of a resourceVersion that has not come within the server's patience.
    pub fn future_version(asked: u64, current: u64) -> Self {
        let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
        let mut refusal = Self::new(504, "Timeout", message).with(json!({
            "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            "retryAfterSeconds": 1,
        }));
        refusal.retry_after = true;
        refusal
    }

    /// The answer of a server in trouble, by its code.
    pub fn ailing(code: u16) -> Self {
        let (reason, message) = match code {
            429 => (
                "TooManyRequests",
                "the server has received too many requests and has asked us to try again later",
            ),
            503 => (
                "ServiceUnavailable",
                "the server is currently unable to handle the request",
            ),
            _ => (
                "InternalError",
                "Internal error occurred: etcdserver: request timed out",
            ),
        };
        let mut refusal = Self::new(code, reason, message).with(json!({"retryAfterSeconds": 1}));
        refusal.retry_after = code == 429;
        refusal
    }

    /// The same refusal with details.
    pub fn with(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }

    /// The `Status` object.
    pub fn value(&self) -> Value {
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "code": self.code,
        });
        if !self.reason.is_empty() {
            status["reason"] = json!(self.reason);
        }
        if let Some(details) = &self.details {
            status["details"] = details.clone();
        }
        if let Some(token) = &self.continue_token {
            status["metadata"]["continue"] = json!(token);
        }
        status
    }

    /// The answer.
    pub fn response(&self) -> Response<Body> {
        let mut response = body::json(self.code, &self.value());
        if self.retry_after {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if self.code == 403 {
            let name = HeaderName::from_static("x-content-type-options");
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static("nosniff"));
        }
        response
    }
}

/// `pods`, or `deployments.apps`.
pub fn qualified(group: &str, plural: &str) -> String {
    if group.is_empty() {
        plural.to_owned()
    } else {
        format!("{plural}.{group}")
    }
}
