//! Label and field selectors.

use serde_json::Value;

use super::request::UrlQuery;
use super::status::Refusal;
use super::view::View;
use crate::world::Resource;

/// The objects of a resource that a list or watch selects.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    namespace: String,
    labels: Vec<LabelTerm>,
    fields: Vec<FieldTerm>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum LabelTerm {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
}

#[derive(Clone, Debug)]
struct FieldTerm {
    path: String,
    value: String,
    equal: bool,
}

impl Selection {
    /// The selection of a request.
    pub fn of(view: View, namespace: &str, name: &str, query: &UrlQuery) -> Result<Self, Refusal> {
        let mut fields = parse_fields(view, query.get("fieldSelector").unwrap_or_default())?;
        if !name.is_empty() {
            fields.push(FieldTerm {
                path: "metadata.name".into(),
                value: name.to_owned(),
                equal: true,
            });
        }
        Ok(Self {
            namespace: namespace.to_owned(),
            labels: parse_labels(query.get("labelSelector").unwrap_or_default())?,
            fields,
        })
    }

    /// Whether the object is wanted.
    pub fn takes(&self, object: &Value) -> bool {
        let metadata = &object["metadata"];
        (self.namespace.is_empty()
            || metadata["namespace"] == self.namespace.as_str()
            || object["kind"] == "Namespace")
            && self.labels.iter().all(|term| term.holds(&metadata["labels"]))
            && self.fields.iter().all(|term| term.holds(object))
    }

    /// The object's key within the listed collection; pages are ordered by it.
    pub fn key(&self, namespace: &str, name: &str) -> String {
        if self.namespace.is_empty() {
            format!("/{namespace}/{name}")
        } else {
            format!("/{name}")
        }
    }

    /// Whether it selects by more than the namespace, so that the number of remaining items is not known.
    pub fn is_narrow(&self) -> bool {
        !self.labels.is_empty() || !self.fields.is_empty()
    }
}

impl LabelTerm {
    fn holds(&self, labels: &Value) -> bool {
        let label = |key: &String| labels[key.as_str()].as_str();
        match self {
            LabelTerm::In(key, values) => {
                label(key).is_some_and(|label| values.iter().any(|value| value == label))
            }
            LabelTerm::NotIn(key, values) => {
                label(key).is_none_or(|label| values.iter().all(|value| value != label))
            }
            LabelTerm::Exists(key) => label(key).is_some(),
            LabelTerm::Absent(key) => label(key).is_none(),
        }
    }
}

impl FieldTerm {
    fn holds(&self, object: &Value) -> bool {
        let at = |path: &str| path.split('.').fold(object, |value, part| &value[part]);
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            _ => String::new(),
        };
        let found = match self.path.as_str() {
            // The reporting component, in the field of either events API.
            "source" if at("source.component").is_string() => text(at("source.component")),
            "source" => text(at("reportingComponent")),
            "spec.hostNetwork" | "spec.unschedulable" if at(&self.path).is_null() => "false".to_owned(),
            path => text(at(path)),
        };
        (found == self.value) == self.equal
    }
}

fn parse_labels(text: &str) -> Result<Vec<LabelTerm>, Refusal> {
    split_outside_parentheses(text)
        .into_iter()
        .map(parse_label)
        .collect()
}

fn parse_label(term: &str) -> Result<LabelTerm, Refusal> {
    if let Some(key) = term.strip_prefix('!') {
        return Ok(LabelTerm::Absent(key.trim().to_owned()));
    }
    if let Some((key, value)) = term.split_once("!=") {
        return Ok(LabelTerm::NotIn(
            key.trim().to_owned(),
            vec![value.trim().to_owned()],
        ));
    }
    if let Some((key, value)) = term.split_once('=') {
        let value = value.trim_start_matches('=').trim().to_owned();
        return Ok(LabelTerm::In(key.trim().to_owned(), vec![value]));
    }
    match term.split_whitespace().collect::<Vec<&str>>().as_slice() {
        [key] => Ok(LabelTerm::Exists((*key).to_owned())),
        [key, "in", ..] => Ok(LabelTerm::In((*key).to_owned(), set_values(term)?)),
        [key, "notin", ..] => Ok(LabelTerm::NotIn((*key).to_owned(), set_values(term)?)),
        words => {
            let found = words.get(1).copied().unwrap_or_default();
            Err(unparsed(&format!(
                "found '{found}', expected: in, notin, =, ==, !=, gt, lt"
            )))
        }
    }
}

fn set_values(term: &str) -> Result<Vec<String>, Refusal> {
    let (_, rest) = term
        .split_once('(')
        .ok_or_else(|| unparsed("found '' expected: '('"))?;
    let inside = rest
        .strip_suffix(')')
        .ok_or_else(|| unparsed("found '', expected: ',' or ')'"))?;
    Ok(inside.split(',').map(|value| value.trim().to_owned()).collect())
}

fn unparsed(why: &str) -> Refusal {
    Refusal::bad_request(format!("unable to parse requirement: {why}"))
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let mut depth = 0_u32;
    let separates = |character: char| {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        character == ',' && depth == 0
    };
    text.split(separates)
        .map(str::trim)
        .filter(|term| !term.is_empty())
        .collect()
}

fn parse_fields(view: View, text: &str) -> Result<Vec<FieldTerm>, Refusal> {
    let terms = text.split(',').map(str::trim).filter(|term| !term.is_empty());
    terms.map(|term| parse_field(view, term)).collect()
}

fn parse_field(view: View, term: &str) -> Result<FieldTerm, Refusal> {
    let (path, value, equal) = if let Some((path, value)) = term.split_once("!=") {
        (path, value, false)
    } else if let Some((path, value)) = term.split_once('=') {
        (path, value.trim_start_matches('='), true)
    } else {
        let message = format!("invalid selector: '{term}'; can't understand '{term}'");
        return Err(Refusal::bad_request(message));
    };
    let stored = view.stored_field(path);
    check_field(view.stored, path, &stored)?;
    Ok(FieldTerm {
        path: stored.into_owned(),
        value: value.to_owned(),
        equal,
    })
}

/// Refuses a field by which objects can't be selected. A kind without a list of such fields has name and namespace.
fn check_field(resource: Option<Resource>, path: &str, stored: &str) -> Result<(), Refusal> {
    let own = resource.map_or(&[][..], selectable);
    if own.contains(&stored) {
        return Ok(());
    }
    let general = ["metadata.name", "metadata.namespace"];
    if !own.is_empty() {
        return Err(Refusal::bad_request(format!("field label not supported: {path}")));
    }
    if general.contains(&path) {
        return Ok(());
    }
    let [name, namespace] = general;
    Err(Refusal::bad_request(format!(
        "\"{path}\" is not a known field selector: only \"{name}\", \"{namespace}\""
    )))
}

/// The fields by which objects of a kind can be selected; none for kinds without a list of their own.
fn selectable(resource: Resource) -> &'static [&'static str] {
    match resource {
        Resource::Pods => &[
            "metadata.name",
            "metadata.namespace",
            "spec.nodeName",
            "spec.hostNetwork",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
        Resource::Events => &[
            "metadata.name",
            "metadata.namespace",
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        Resource::Secrets => &["metadata.name", "metadata.namespace", "type"],
        Resource::Namespaces => &["metadata.name", "status.phase"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn selects(query: &str) -> bool {
        let pod = json!({"metadata": {"name": "p", "namespace": "n", "labels": {"app": "a", "tier": "x"}}, "status": {"phase": "Running"}});
        Selection::of(Resource::Pods.into(), "n", "", &UrlQuery::of(Some(query)))
            .unwrap()
            .takes(&pod)
    }

    #[test]
    fn labels_select_by_equality_by_set_and_by_presence() {
        for (selector, taken) in [
            ("app=a", true),
            ("app==a,tier!=y", true),
            ("app in (b, a),tier", true),
            ("app notin (a)", false),
            ("!app", false),
            ("!other,app=a", true),
            ("other!=1", true),
        ] {
            assert_eq!(selects(&format!("labelSelector={selector}")), taken, "{selector}");
        }
    }

    #[test]
    fn fields_select_by_value_and_an_unsupported_one_is_refused() {
        assert!(selects("fieldSelector=status.phase=Running,metadata.name=p"));
        assert!(!selects("fieldSelector=status.phase!=Running"));
        assert!(selects("fieldSelector=spec.hostNetwork=false"));
        let query = UrlQuery::of(Some("fieldSelector=spec.foo%3Dx"));
        for (resource, message) in [
            (Resource::Pods, "field label not supported: spec.foo"),
            (
                Resource::Deployments,
                "\"spec.foo\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
            ),
        ] {
            let refusal = Selection::of(resource.into(), "n", "", &query).unwrap_err();
            assert_eq!(refusal.value()["message"], message);
        }
    }

    #[test]
    fn a_label_selector_that_cannot_be_parsed_is_refused() {
        for (text, why) in [
            ("a in (b", "found '', expected: ',' or ')'"),
            ("a in", "found '' expected: '('"),
            ("a b", "found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ] {
            let refusal = parse_labels(text).unwrap_err().value();
            let message = format!("unable to parse requirement: {why}");
            assert_eq!(refusal["message"].as_str(), Some(message.as_str()), "{text}");
        }
    }
}
