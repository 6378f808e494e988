//! Strategic merge patch: a merge patch that knows which lists of the built-in types are merged, and by which key.

use serde_json::{Map, Value};

use crate::api::status::Refusal;

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const ELEMENT_ORDER: &str = "$setElementOrder/";
const DELETE_FROM_LIST: &str = "$deleteFromPrimitiveList/";

type JsonObject = Map<String, Value>;

/// How a list field of the built-in types is patched, by the field's name: `patchMergeKey` in their Go definitions.
/// A list that is not here, as `tolerations` or `command`, is replaced whole.
fn merge_key(field: &str) -> Option<&'static str> {
    Some(match field {
        "containers"
        | "initContainers"
        | "ephemeralContainers"
        | "env"
        | "volumes"
        | "imagePullSecrets"
        | "resourceClaims"
        | "schedulingGates" => "name",
        "ports" => "containerPort",
        "volumeMounts" => "mountPath",
        "volumeDevices" => "devicePath",
        "hostAliases" | "podIPs" | "hostIPs" => "ip",
        "topologySpreadConstraints" => "topologyKey",
        "conditions" | "addresses" => "type",
        "ownerReferences" => "uid",
        "taints" => "key",
        _ => return None,
    })
}

/// Lists of plain values that are merged as sets.
fn is_merged_set(field: &str) -> bool {
    matches!(field, "finalizers" | "podCIDRs")
}

/// Merges the patch into the object.
pub fn merge(object: &mut Value, patch: &Value) -> Result<(), Refusal> {
    let (Value::Object(fields), Value::Object(patch)) = (&mut *object, patch) else {
        *object = patch.clone();
        return Ok(());
    };
    merge_fields(fields, patch)
}

fn merge_fields(fields: &mut JsonObject, patch: &JsonObject) -> Result<(), Refusal> {
    match patch.get(DIRECTIVE).and_then(Value::as_str) {
        Some("replace") => {
            *fields = patch
                .iter()
                .filter(|(key, _)| key.as_str() != DIRECTIVE)
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            return Ok(());
        }
        Some("delete") => {
            fields.clear();
            return Ok(());
        }
        Some("merge") | None => {}
        Some(other) => {
            return Err(Refusal::unexplained(format!("unknown patch type found: {other}")));
        }
    }
    retain(fields, patch)?;
    for (key, value) in patch {
        if let Some(list) = key.strip_prefix(DELETE_FROM_LIST) {
            delete_from_list(fields, list, value)?;
        } else if !key.starts_with('$') {
            merge_field(fields, key, value)?;
        }
    }
    for (key, order) in patch {
        if let Some(list) = key.strip_prefix(ELEMENT_ORDER) {
            set_order(fields, list, order, patch.get(list))?;
        }
    }
    Ok(())
}

/// `$retainKeys` lists all fields that may stay.
fn retain(fields: &mut JsonObject, patch: &JsonObject) -> Result<(), Refusal> {
    let Some(keys) = patch.get(RETAIN_KEYS) else {
        return Ok(());
    };
    let keys = keys
        .as_array()
        .ok_or_else(|| Refusal::bad_request("invalid patch format of retainKeys"))?;
    let retained = |key: &str| keys.iter().any(|kept| kept == key);
    if patch.keys().any(|key| !key.starts_with('$') && !retained(key)) {
        return Err(Refusal::bad_request("invalid patch format of retainKeys"));
    }
    fields.retain(|key, _| retained(key));
    Ok(())
}

fn delete_from_list(fields: &mut JsonObject, list: &str, values: &Value) -> Result<(), Refusal> {
    let values = values
        .as_array()
        .ok_or_else(|| Refusal::bad_request("invalid patch format of primitive list"))?;
    if let Some(Value::Array(list)) = fields.get_mut(list) {
        list.retain(|value| !values.contains(value));
    }
    Ok(())
}

fn merge_field(fields: &mut JsonObject, key: &str, patch: &Value) -> Result<(), Refusal> {
    if patch.is_null() {
        fields.remove(key);
        return Ok(());
    }
    match (fields.get_mut(key), patch) {
        (Some(Value::Object(old)), Value::Object(new)) => merge_fields(old, new),
        (Some(Value::Array(old)), Value::Array(new)) => merge_list(old, key, new),
        (None, Value::Object(new)) => {
            let mut made = JsonObject::new();
            merge_fields(&mut made, new)?;
            if new.get(DIRECTIVE).and_then(Value::as_str) != Some("delete") {
                fields.insert(key.to_owned(), Value::Object(made));
            }
            Ok(())
        }
        (None, Value::Array(new)) => {
            let mut made = Vec::new();
            merge_list(&mut made, key, new)?;
            fields.insert(key.to_owned(), Value::Array(made));
            Ok(())
        }
        _ => {
            fields.insert(key.to_owned(), patch.clone());
            Ok(())
        }
    }
}

fn merge_list(list: &mut Vec<Value>, field: &str, patch: &[Value]) -> Result<(), Refusal> {
    let Some(key) = merge_key(field) else {
        if is_merged_set(field) {
            let new: Vec<Value> = patch
                .iter()
                .filter(|value| !list.contains(value))
                .cloned()
                .collect();
            list.extend(new);
        } else {
            *list = patch.to_vec();
        }
        return Ok(());
    };
    let directive = |item: &Value| item[DIRECTIVE].as_str().map(str::to_owned);
    if patch
        .iter()
        .any(|item| directive(item).as_deref() == Some("replace"))
    {
        list.clear();
    }
    for item in patch {
        match directive(item).as_deref() {
            Some("replace") => {}
            Some("delete") => {
                let id = id_of(item, key)?;
                list.retain(|old| old.get(key) != Some(id));
            }
            _ => merge_item(list, key, item)?,
        }
    }
    Ok(())
}

fn merge_item(list: &mut Vec<Value>, key: &str, item: &Value) -> Result<(), Refusal> {
    let id = id_of(item, key)?;
    if let Some(old) = list.iter_mut().find(|old| old.get(key) == Some(id)) {
        return merge(old, item);
    }
    let mut made = Value::Object(JsonObject::new());
    merge(&mut made, item)?;
    list.push(made);
    Ok(())
}

fn id_of<'a>(item: &'a Value, key: &str) -> Result<&'a Value, Refusal> {
    item.get(key).ok_or_else(|| {
        Refusal::unexplained(format!(
            "map: {} does not contain declared merge key: {key}",
            go_map(item)
        ))
    })
}

/// A value as Go prints it.
fn go_map(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let inner: Vec<String> = fields
                .iter()
                .map(|(key, value)| format!("{key}:{}", go_map(value)))
                .collect();
            format!("map[{}]", inner.join(" "))
        }
        Value::Array(list) => {
            let inner: Vec<String> = list.iter().map(go_map).collect();
            format!("[{}]", inner.join(" "))
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Puts the elements named by the order in that order. An element the order does not name keeps its place after the one it followed.
fn set_order(
    fields: &mut JsonObject,
    field: &str,
    order: &Value,
    patch: Option<&Value>,
) -> Result<(), Refusal> {
    let misfit = || {
        Refusal::bad_request(format!(
            "The order in patch list:\n{}\n doesn't match {ELEMENT_ORDER} list:\n{}\n",
            patch.unwrap_or(&Value::Null),
            order
        ))
    };
    let order = order
        .as_array()
        .ok_or_else(|| Refusal::bad_request("invalid patch format of setElementOrder list"))?;
    let key = merge_key(field);
    let id = |value: &Value| key.map_or_else(|| value.clone(), |key| value[key].clone());
    let place = |value: &Value| order.iter().position(|named| id(named) == id(value));
    let patched = patch.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let kept = patched.iter().filter(|item| item.get(DIRECTIVE).is_none());
    if kept.map(place).any(|place| place.is_none()) {
        return Err(misfit());
    }
    let Some(Value::Array(list)) = fields.get_mut(field) else {
        return Ok(());
    };
    let mut last = None;
    let mut placed: Vec<(Option<usize>, Value)> = Vec::new();
    for item in list.drain(..) {
        // What is not named goes with what stood before it.
        last = place(&item).or(last);
        placed.push((last, item));
    }
    placed.sort_by_key(|(place, _)| *place);
    list.extend(placed.into_iter().map(|(_, item)| item));
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patched(before: Value, patch: &Value) -> Value {
        let mut value = before;
        merge(&mut value, patch).unwrap();
        value
    }

    #[test]
    fn lists_with_a_key_are_merged_by_it_and_others_replaced() {
        let before = json!({"spec": {
            "containers": [{"name": "a", "image": "1", "env": [{"name": "X", "value": "1"}], "args": ["x"]}, {"name": "b"}],
            "tolerations": [{"key": "k"}],
        }});
        for (patch, pointer, after) in [
            (
                json!({"spec": {"containers": [{"name": "a", "image": "2"}]}}),
                "/spec/containers/0/image",
                json!("2"),
            ),
            (
                json!({"spec": {"containers": [{"name": "c"}]}}),
                "/spec/containers/2",
                json!({"name": "c"}),
            ),
            (
                json!({"spec": {"containers": [{"name": "a", "env": [{"name": "Y", "value": "2"}]}]}}),
                "/spec/containers/0/env",
                json!([{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}]),
            ),
            (
                json!({"spec": {"containers": [{"name": "a", "env": [{"name": "X", "$patch": "delete"}]}]}}),
                "/spec/containers/0/env",
                json!([]),
            ),
            (
                json!({"spec": {"containers": [{"name": "a", "$patch": "delete"}]}}),
                "/spec/containers",
                json!([{"name": "b"}]),
            ),
            (
                json!({"spec": {"containers": [{"name": "c"}, {"$patch": "replace"}]}}),
                "/spec/containers",
                json!([{"name": "c"}]),
            ),
            (
                json!({"spec": {"containers": [{"name": "a", "args": ["y"]}]}}),
                "/spec/containers/0/args",
                json!(["y"]),
            ),
            (
                json!({"spec": {"containers": [{"name": "a", "image": null}]}}),
                "/spec/containers/0",
                json!({"name": "a", "env": [{"name": "X", "value": "1"}], "args": ["x"]}),
            ),
            (
                json!({"spec": {"tolerations": [{"key": "l"}]}}),
                "/spec/tolerations",
                json!([{"key": "l"}]),
            ),
            (
                json!({"spec": {"containers": [{"name": "a", "ports": [{"containerPort": 1}, {"containerPort": 2}]}]}}),
                "/spec/containers/0/ports",
                json!([{"containerPort": 1}, {"containerPort": 2}]),
            ),
            (
                json!({"spec": {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}}),
                "/spec/containers/0",
                json!({"name": "b"}),
            ),
        ] {
            let value = patched(before.clone(), &patch);
            assert_eq!(value.pointer(pointer), Some(&after), "{patch}");
        }
    }

    #[test]
    fn directives_replace_delete_and_retain() {
        for (before, patch, after) in [
            (
                json!({"a": {"b": 1, "c": 2}}),
                json!({"a": {"$patch": "replace", "d": 3}}),
                json!({"a": {"d": 3}}),
            ),
            (
                json!({"a": {"b": 1}}),
                json!({"a": {"$patch": "delete"}}),
                json!({"a": {}}),
            ),
            (
                json!({"strategy": {"type": "RollingUpdate", "rollingUpdate": {}}}),
                json!({"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}),
                json!({"strategy": {"type": "Recreate"}}),
            ),
            (
                json!({"finalizers": ["a", "b"]}),
                json!({"$deleteFromPrimitiveList/finalizers": ["a"]}),
                json!({"finalizers": ["b"]}),
            ),
            (
                json!({"finalizers": ["a"]}),
                json!({"finalizers": ["b", "a"]}),
                json!({"finalizers": ["a", "b"]}),
            ),
            (
                json!({}),
                json!({"a": {"b": null, "c": 1}}),
                json!({"a": {"c": 1}}),
            ),
        ] {
            assert_eq!(patched(before.clone(), &patch), after, "{before} with {patch}");
        }
    }

    #[test]
    fn an_element_that_the_order_does_not_name_follows_its_neighbour() {
        let before = json!({"env": [{"name": "a"}, {"name": "x"}, {"name": "b"}]});
        let after = patched(
            before,
            &json!({"$setElementOrder/env": [{"name": "b"}, {"name": "a"}]}),
        );
        assert_eq!(
            after,
            json!({"env": [{"name": "b"}, {"name": "a"}, {"name": "x"}]})
        );
    }

    #[test]
    fn what_is_wrong_is_refused_in_the_server_s_words() {
        for (patch, words) in [
            (
                json!({"containers": [{"image": "x"}]}),
                "map: map[image:x] does not contain declared merge key: name",
            ),
            (json!({"a": {"$patch": "burn"}}), "unknown patch type found: burn"),
            (
                json!({"a": {"$retainKeys": ["b"], "c": 1}}),
                "invalid patch format of retainKeys",
            ),
            (
                json!({"$setElementOrder/env": [], "env": [{"name": "a"}]}),
                "The order in patch list",
            ),
        ] {
            let mut value = json!({"a": {}, "containers": []});
            let refusal = merge(&mut value, &patch).unwrap_err().value();
            assert!(refusal["message"].as_str().unwrap().contains(words), "{refusal}");
        }
    }
}
