//! The three kinds of patches and what each refuses.

mod json;
mod strategic;

use serde_json::Value;

use super::status::Refusal;

/// A patch that was read.
#[derive(Clone, Debug, PartialEq)]
pub enum Patch {
    /// JSON merge patch (RFC 7386).
    Merge(Value),
    /// Strategic merge patch, Kubernetes' own: lists of known types are merged by key.
    Strategic(Value),
    /// JSON patch (RFC 6902).
    Json(json_patch::Patch),
}

impl Patch {
    /// Reads the body of a PATCH by its media type. Server-side apply is not served.
    pub fn read(media_type: &str, body: &[u8]) -> Result<Self, Refusal> {
        match media_type {
            "application/merge-patch+json" => Ok(Self::Merge(object(body)?)),
            "application/strategic-merge-patch+json" => Ok(Self::Strategic(object(body)?)),
            "application/json-patch+json" => {
                let operations = serde_json::from_slice(body);
                operations
                    .map(Self::Json)
                    .map_err(|error| Refusal::bad_request(error.to_string()))
            }
            _ => Err(Refusal::unsupported_media_type()),
        }
    }

    /// The object after the patch.
    pub fn apply(&self, object: &Value) -> Result<Value, Refusal> {
        let mut patched = object.clone();
        match self {
            Self::Merge(patch) => json_patch::merge(&mut patched, patch),
            Self::Strategic(patch) => strategic::merge(&mut patched, patch)?,
            Self::Json(operations) => json::apply(&mut patched, operations)?,
        }
        Ok(patched)
    }
}

fn object(body: &[u8]) -> Result<Value, Refusal> {
    let refused = |error: String| Refusal::bad_request(format!("error decoding patch: {error}"));
    let patch: Value = serde_json::from_slice(body).map_err(|error| refused(error.to_string()))?;
    let found = match &patch {
        Value::Object(_) => return Ok(patch),
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Number(_) => "number",
        Value::Bool(_) => "bool",
        // Nothing to change.
        Value::Null => return Ok(Value::Object(serde_json::Map::new())),
    };
    Err(refused(format!(
        "json: cannot unmarshal {found} into Go value of type map[string]interface {{}}"
    )))
}
