//! JSON patch (RFC 6902) as the API server takes it: a patch that does not fit gets one and the same 422, whatever is wrong with it.

use json_patch::{Patch, PatchOperation, patch};
use serde_json::Value;

use crate::api::status::Refusal;

/// Carries out the operations in order. After an error the value is of no use.
pub fn apply(value: &mut Value, operations: &Patch) -> Result<(), Refusal> {
    for operation in &operations.0 {
        let fits = match operation {
            // To the API server a missing value and null are the same; to the standard they are not.
            PatchOperation::Test(test) => {
                value.pointer(test.path.as_str()).unwrap_or(&Value::Null) == &test.value
            }
            other => patch(value, std::slice::from_ref(other)).is_ok(),
        };
        if !fits {
            return Err(Refusal::misfit_patch());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patched(before: &Value, patch: Value) -> Option<Value> {
        let patch: json_patch::Patch = serde_json::from_value(patch).unwrap();
        let mut value = before.clone();
        apply(&mut value, &patch).ok().map(|()| value)
    }

    #[test]
    fn every_operation_does_what_the_standard_says() {
        let before = json!({"a": {"b~/c": 1}, "l": [1, 2]});
        for (patch, after) in [
            (
                json!([{"op": "add", "path": "/a/d", "value": 2}]),
                json!({"a": {"b~/c": 1, "d": 2}, "l": [1, 2]}),
            ),
            (
                json!([{"op": "add", "path": "/l/-", "value": 3}]),
                json!({"a": {"b~/c": 1}, "l": [1, 2, 3]}),
            ),
            (
                json!([{"op": "add", "path": "/l/0", "value": 0}]),
                json!({"a": {"b~/c": 1}, "l": [0, 1, 2]}),
            ),
            (
                json!([{"op": "remove", "path": "/a/b~0~1c"}]),
                json!({"a": {}, "l": [1, 2]}),
            ),
            (
                json!([{"op": "replace", "path": "/l/1", "value": 9}]),
                json!({"a": {"b~/c": 1}, "l": [1, 9]}),
            ),
            (
                json!([{"op": "move", "from": "/l/0", "path": "/a/x"}]),
                json!({"a": {"b~/c": 1, "x": 1}, "l": [2]}),
            ),
            (
                json!([{"op": "copy", "from": "/l", "path": "/a"}]),
                json!({"a": [1, 2], "l": [1, 2]}),
            ),
            (
                json!([{"op": "test", "path": "/l/0", "value": 1}]),
                before.clone(),
            ),
            (
                json!([{"op": "test", "path": "/none", "value": null}]),
                before.clone(),
            ),
        ] {
            assert_eq!(patched(&before, patch.clone()), Some(after), "{patch}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let before = json!({"a": 1, "l": []});
        for patch in [
            json!([{"op": "test", "path": "/a", "value": 2}]),
            json!([{"op": "remove", "path": "/b"}]),
            json!([{"op": "replace", "path": "/b", "value": 1}]),
            json!([{"op": "add", "path": "/l/1", "value": 1}]),
            json!([{"op": "add", "path": "/x/y", "value": 1}]),
            json!([{"op": "move", "from": "/x", "path": "/y"}]),
            json!([{"op": "copy", "from": "/x", "path": "/y"}]),
        ] {
            assert_eq!(patched(&before, patch.clone()), None, "{patch}");
        }
    }
}
