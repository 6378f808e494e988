//! What the user may do, and who the user is: the self-subject reviews, with bodies in JSON or protobuf.

use http::request::Parts;
use http::{Response, header};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::body::{self, Body};
use super::identity::Identity;
use super::request::{Target, UrlQuery};
use super::rights::Rights;
use super::status::Refusal;
use super::write;
use crate::world::{fields_of, seconds};

/// Answers a review; `resource` is its plural.
pub fn answer(
    resource: &str,
    rights: &Rights,
    who: &Identity,
    parts: &Parts,
    body: &[u8],
    now: Timestamp,
) -> Result<Response<Body>, Refusal> {
    let value = match resource {
        "selfsubjectaccessreviews" => {
            let mut review = access(rights, who, &spec(parts, body, access_spec)?);
            review["metadata"]["managedFields"] = json!([written(parts, &review["spec"], now)]);
            review
        }
        "selfsubjectrulesreviews" => rules(rights, who, &spec(parts, body, rules_spec)?),
        _ => whoami(who, now),
    };
    Ok(body::json(201, &value))
}

/// The managed fields of a review: it names its writer like any object.
fn written(parts: &Parts, spec: &Value, now: Timestamp) -> Value {
    json!({
        "manager": write::manager(&UrlQuery::of(parts.uri.query()), parts),
        "operation": "Update",
        "apiVersion": "authorization.k8s.io/v1",
        "time": seconds(now),
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": fields_of("spec", spec)},
    })
}

fn access(rights: &Rights, who: &Identity, spec: &Value) -> Value {
    let text = |field: &str| {
        spec["resourceAttributes"][field]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let path = &spec["nonResourceAttributes"];
    let reason = match path["path"].as_str() {
        Some(asked) => {
            let verb = path["verb"].as_str().unwrap_or_default();
            Rights::allow_path(who, verb, asked).then(String::new)
        }
        None => rights.reason(
            who,
            &text("verb"),
            &Target {
                group: text("group"),
                version: text("version"),
                namespace: text("namespace"),
                plural: text("resource"),
                name: text("name"),
                subresource: text("subresource"),
            },
        ),
    };
    let mut status = json!({ "allowed": reason.is_some() });
    if let Some(reason) = reason.filter(|reason| !reason.is_empty()) {
        status["reason"] = json!(reason);
    }
    review("SelfSubjectAccessReview", spec, &status)
}

fn rules(rights: &Rights, who: &Identity, spec: &Value) -> Value {
    let namespace = spec["namespace"].as_str().unwrap_or_default();
    review(
        "SelfSubjectRulesReview",
        &json!({}),
        &rights.rules(who, namespace),
    )
}

fn review(kind: &str, spec: &Value, status: &Value) -> Value {
    json!({
        "kind": kind,
        "apiVersion": "authorization.k8s.io/v1",
        "metadata": {"creationTimestamp": null},
        "spec": spec,
        "status": status,
    })
}

fn whoami(who: &Identity, now: Timestamp) -> Value {
    let mut user = json!({"username": who.name, "groups": who.groups});
    if let Some(credential) = who.credential {
        user["extra"] = json!({"authentication.kubernetes.io/credential-id": [credential]});
    }
    json!({
        "kind": "SelfSubjectReview",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"creationTimestamp": seconds(now)},
        "status": {"userInfo": user},
    })
}

fn spec(parts: &Parts, body: &[u8], from_protobuf: fn(&[u8]) -> Option<Value>) -> Result<Value, Refusal> {
    let media_type = parts
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = media_type.unwrap_or("application/json");
    if media_type.starts_with("application/vnd.kubernetes.protobuf") {
        let spec = unwrapped(body)
            .and_then(|object| field(object, 2))
            .and_then(from_protobuf);
        return spec.ok_or_else(|| Refusal::bad_request("the body of the request could not be decoded"));
    }
    if !media_type.starts_with("application/json") {
        return Err(Refusal::unsupported_media_type());
    }
    let mut object: Value = serde_json::from_slice(body).map_err(|error| {
        Refusal::bad_request(format!("couldn't get version/kind; json parse error: {error}"))
    })?;
    Ok(object["spec"].take())
}

/// The object in a `k8s\0` envelope: field 2 of runtime.Unknown.
fn unwrapped(body: &[u8]) -> Option<&[u8]> {
    field(body.strip_prefix(b"k8s\0")?, 2)
}

/// SelfSubjectAccessReviewSpec: 1 resourceAttributes, 2 nonResourceAttributes.
fn access_spec(spec: &[u8]) -> Option<Value> {
    const NAMES: [&str; 7] = [
        "namespace",
        "verb",
        "group",
        "version",
        "resource",
        "subresource",
        "name",
    ];
    if let Some(attributes) = field(spec, 1) {
        return Some(json!({ "resourceAttributes": texts(attributes, &NAMES) }));
    }
    let attributes = field(spec, 2)?;
    Some(json!({ "nonResourceAttributes": texts(attributes, &["path", "verb"]) }))
}

/// SelfSubjectRulesReviewSpec: 1 namespace.
fn rules_spec(spec: &[u8]) -> Option<Value> {
    let namespace = String::from_utf8(field(spec, 1)?.to_vec()).ok()?;
    Some(json!({ "namespace": namespace }))
}

/// String fields 1, 2, ... under these names; empty ones are left out.
fn texts(message: &[u8], names: &[&str]) -> Value {
    let mut object = json!({});
    for (number, name) in (1..).zip(names) {
        let text = field(message, number).map(String::from_utf8_lossy);
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            object[*name] = json!(text);
        }
    }
    object
}

/// The first length-delimited field with this number.
fn field(mut message: &[u8], number: u64) -> Option<&[u8]> {
    while !message.is_empty() {
        let key = varint(&mut message)?;
        let value = match key & 7 {
            0 => {
                varint(&mut message)?;
                None
            }
            1 => message.split_off(..8).map(|_| None)?,
            2 => {
                let length = usize::try_from(varint(&mut message)?).ok()?;
                Some(message.split_off(..length)?)
            }
            5 => message.split_off(..4).map(|_| None)?,
            _ => return None,
        };
        if key >> 3 == number && value.is_some() {
            return value;
        }
    }
    None
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first()?;
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(number: u8, content: &[u8]) -> Vec<u8> {
        let mut encoded = vec![number << 3 | 2, content.len() as u8];
        encoded.extend_from_slice(content);
        encoded
    }

    #[test]
    fn an_access_review_in_protobuf_is_understood() {
        let attributes = [bytes(1, b"n"), bytes(2, b"delete"), bytes(5, b"pods")].concat();
        let object = bytes(2, &bytes(1, &attributes));
        let body = [b"k8s\0".to_vec(), bytes(1, b""), bytes(2, &object)].concat();
        let spec = unwrapped(&body)
            .and_then(|object| field(object, 2))
            .and_then(access_spec)
            .unwrap();
        assert_eq!(
            spec,
            json!({"resourceAttributes": {"namespace": "n", "verb": "delete", "resource": "pods"}})
        );
    }

    proptest! {
        #[test]
        fn bytes_of_any_kind_are_a_review_or_none(body: Vec<u8>) {
            for spec in [unwrapped(&body).and_then(access_spec), access_spec(&body)].into_iter().flatten() {
                let kind = ["resourceAttributes", "nonResourceAttributes"].map(|kind| spec[kind].is_object());
                proptest::prop_assert!(kind[0] != kind[1], "{spec}");
            }
        }
    }
}
