//! JSON patch (RFC 6902). Whatever does not fit is one and the same 422, as the API server words it.

use serde::Deserialize;
use serde_json::Value;

use crate::api::status::Refusal;

/// One step of a patch.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum Operation {
    /// Adds or replaces a field, inserts into a list (`-` is its end).
    Add { path: String, value: Value },
    /// Takes away what is there.
    Remove { path: String },
    /// Puts another value in the place of what is there.
    Replace { path: String, value: Value },
    /// Takes from one place and adds in another.
    Move { from: String, path: String },
    /// Adds what is in one place in another.
    Copy { from: String, path: String },
    /// Fails unless the value is there.
    Test {
        path: String,
        #[serde(default)]
        value: Value,
    },
}

/// Takes all steps or none.
pub fn apply(value: &mut Value, operations: &[Operation]) -> Result<(), Refusal> {
    for operation in operations {
        step(value, operation).ok_or_else(Refusal::misfit_patch)?;
    }
    Ok(())
}

fn step(root: &mut Value, operation: &Operation) -> Option<()> {
    match operation {
        Operation::Add { path, value } => add(root, path, value.clone()),
        Operation::Remove { path } => remove(root, path).map(|_taken| ()),
        Operation::Replace { path, value } => {
            *root.pointer_mut(path)? = value.clone();
            Some(())
        }
        Operation::Move { from, path } => {
            let taken = remove(root, from)?;
            add(root, path, taken)
        }
        Operation::Copy { from, path } => {
            let copied = root.pointer(from)?.clone();
            add(root, path, copied)
        }
        // A missing value and null are the same to a test.
        Operation::Test { path, value } => {
            (root.pointer(path).unwrap_or(&Value::Null) == value).then_some(())
        }
    }
}

/// The container a pointer lies in, and its last part, decoded.
fn place<'a>(root: &'a mut Value, path: &str) -> Option<(&'a mut Value, String)> {
    let (parent, last) = path.rsplit_once('/')?;
    let last = last.replace("~1", "/").replace("~0", "~");
    Some((root.pointer_mut(parent)?, last))
}

fn add(root: &mut Value, path: &str, value: Value) -> Option<()> {
    if path.is_empty() {
        *root = value;
        return Some(());
    }
    match place(root, path)? {
        (Value::Object(fields), key) => {
            fields.insert(key, value);
        }
        (Value::Array(list), key) if key == "-" => list.push(value),
        (Value::Array(list), key) => {
            let index = key.parse().ok().filter(|index| *index <= list.len())?;
            list.insert(index, value);
        }
        _ => return None,
    }
    Some(())
}

fn remove(root: &mut Value, path: &str) -> Option<Value> {
    match place(root, path)? {
        (Value::Object(fields), key) => fields.remove(&key),
        (Value::Array(list), key) => {
            let index = key.parse().ok().filter(|index| *index < list.len())?;
            Some(list.remove(index))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patched(before: &Value, patch: Value) -> Option<Value> {
        let operations: Vec<Operation> = serde_json::from_value(patch).unwrap();
        let mut value = before.clone();
        apply(&mut value, &operations).ok().map(|()| value)
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
