//! Two documents, field by field.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::exchange::Answer;
use super::normal;

/// The fields of a document: path, and the values found there. Elements of a list are told apart by what names them, so that lists
/// of different length, or of another order, can be compared.
pub type Fields = BTreeMap<String, BTreeSet<String>>;

/// The fields of an answer: its status, its headers, and what is in its body.
pub fn fields_of(answer: &Answer) -> Fields {
    let mut fields = Fields::new();
    add(&mut fields, "status", answer.code.to_string());
    for (name, value) in &answer.headers {
        add(&mut fields, &format!("header {name}"), header(name, value));
    }
    if answer.is_json() {
        for document in answer.documents() {
            flatten(&mut fields, "", "", &document);
        }
    }
    fields
}

fn header(name: &str, value: &str) -> String {
    match name {
        "content-length" => "a number".to_owned(),
        _ => normal::text(value),
    }
}

/// The fields of one document.
pub fn fields(document: &Value) -> Fields {
    let mut fields = Fields::new();
    flatten(&mut fields, "", "", document);
    fields
}

fn add(fields: &mut Fields, path: &str, value: String) {
    fields.entry(path.to_owned()).or_default().insert(value);
}

fn flatten(fields: &mut Fields, path: &str, field: &str, value: &Value) {
    match value {
        Value::Object(inner) if !inner.is_empty() => {
            for (key, value) in inner {
                let key = normal::text(key);
                let dot = if path.is_empty() { "" } else { "." };
                flatten(fields, &format!("{path}{dot}{key}"), &key, value);
            }
        }
        Value::Array(elements) if field == "cells" => {
            for (index, cell) in elements.iter().enumerate() {
                add(fields, &format!("{path}[{index}]"), cell_of(cell));
            }
        }
        Value::Array(elements) if !elements.is_empty() => {
            for element in elements {
                flatten(
                    fields,
                    &format!("{path}[{}]", name_of(field, element)),
                    field,
                    element,
                );
            }
            if field == "conditions" || field == "columnDefinitions" {
                let order: Vec<String> = elements.iter().map(|element| name_of(field, element)).collect();
                add(fields, &format!("{path} in order"), order.join(", "));
            }
        }
        leaf => add(fields, path, normal::value(field, leaf)),
    }
}

/// A cell of a table: its type, and what it says without ages.
fn cell_of(cell: &Value) -> String {
    match cell {
        Value::String(said) => format!("{:?}", normal::printed(said)),
        other => other.to_string(),
    }
}

/// What names an element of a list.
fn name_of(list: &str, element: &Value) -> String {
    let text = |field: &str| element[field].as_str().unwrap_or_default();
    match list {
        "conditions" => text("type").to_owned(),
        "managedFields" => format!(
            "{} {} {}",
            text("manager"),
            text("operation"),
            text("subresource")
        ),
        "items" => item_name(element),
        "rows" => row_name(&element["cells"]),
        "tolerations" => text("key").to_owned(),
        "resources" if element["resource"].is_string() => text("resource").to_owned(),
        "subresources" => text("subresource").to_owned(),
        "causes" => text("field").to_owned(),
        "resourceRules" | "nonResourceRules" => element.to_string(),
        "ownerReferences" => String::new(),
        _ => text("name").to_owned(),
    }
}

/// An event by what it says of what, a group by its name, a pod by its part: its name, and whether it is in trouble.
fn item_name(item: &Value) -> String {
    let name = normal::text(item["metadata"]["name"].as_str().unwrap_or_default());
    if item["involvedObject"].is_object() {
        let field = item["involvedObject"]["fieldPath"].as_str().unwrap_or_default();
        return format!("{} {field}", item["reason"].as_str().unwrap_or_default());
    }
    let conditions = item["status"]["conditions"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let unready = conditions
        .iter()
        .any(|one| one["type"] == "Ready" && one["status"] == "False");
    if unready {
        format!("{name} in trouble")
    } else {
        name
    }
}

/// An event by what it says of what, everything else by its name.
fn row_name(cells: &Value) -> String {
    let text = |index: usize| normal::text(cells[index].as_str().unwrap_or_default());
    if cells.as_array().is_some_and(|cells| cells.len() == 10) {
        return format!("{} {}", text(2), text(4));
    }
    text(0)
}

/// What differs: path, and what is said there and here. An element of a list that only one side has is one difference, at its own path.
pub fn differences(recorded: &Fields, drill: &Fields) -> Vec<(String, String)> {
    let paths: BTreeSet<&String> = recorded.keys().chain(drill.keys()).collect();
    let mut found: Vec<(String, String)> = Vec::new();
    for path in paths {
        let (path, said) = match (recorded.get(path), drill.get(path)) {
            (Some(there), Some(here)) if there == here => continue,
            (Some(there), Some(here)) => (
                path.as_str(),
                format!("{} there, {} here", list(there), list(here)),
            ),
            (Some(there), None) => (
                lacking(path, drill),
                format!("missing here; {} there", list(there)),
            ),
            (None, here) => (
                lacking(path, recorded),
                format!("only here: {}", list(here.into_iter().flatten())),
            ),
        };
        if found.last().is_none_or(|(last, _)| last != path) {
            found.push((path.to_owned(), said));
        }
    }
    found
}

/// The shortest part of the path, up to a list's element, of which the other side has nothing.
fn lacking<'a>(path: &'a str, other: &Fields) -> &'a str {
    let ends = path
        .char_indices()
        .filter(|(_, c)| *c == ']')
        .map(|(index, _)| &path[..=index]);
    let missing = |part: &&str| {
        !other
            .range((*part).to_owned()..)
            .next()
            .is_some_and(|(next, _)| next.starts_with(part))
    };
    ends.filter(|part| !part.ends_with("[]"))
        .find(missing)
        .unwrap_or(path)
}

fn list<'a>(values: impl IntoIterator<Item = &'a String>) -> String {
    let values: Vec<String> = values
        .into_iter()
        .map(|value| value.chars().take(160).collect())
        .collect();
    values.join(" | ")
}
