//! Watches: which events in which order, and what each changed.

use std::collections::BTreeMap;

use serde_json::Value;

use super::compare::{self, Fields};
use super::exchange::Answer;
use super::judge::Judge;

/// Who plays which part, by name: `victim`, `new`.
pub type Parts = BTreeMap<String, &'static str>;

/// One event of a watch.
#[derive(Debug)]
struct Step {
    /// Type and object, as `MODIFIED victim`.
    what: String,
    /// The fields that have another value than at the object's event before.
    changed: Fields,
}

/// Holds the events of a watch to the recorded ones. Objects without a part are left out.
pub fn hold(judge: &mut Judge, name: &str, recorded: (&Answer, &Parts), drill: (&Answer, &Parts)) {
    let (there, here) = (steps(recorded.0, recorded.1), steps(drill.0, drill.1));
    let order = |steps: &[Step]| steps.iter().map(|step| step.what.clone()).collect::<Vec<_>>();
    let (order_there, order_here) = (order(&there), order(&here));
    if order_there != order_here {
        let (order_there, order_here) = (order_there.join("\n    "), order_here.join("\n    "));
        judge.difference(
            name,
            "order",
            &format!("\n    {order_there}\n  there\n    {order_here}\n  here"),
        );
    }
    let mut rest = here;
    for (number, step) in there.iter().enumerate() {
        let Some(index) = rest.iter().position(|other| other.what == step.what) else {
            continue;
        };
        let same = rest.remove(index);
        for (path, said) in compare::differences(&step.changed, &same.changed) {
            judge.difference(name, &format!("{} ({number}).{path}", step.what), &said);
        }
    }
}

fn steps(answer: &Answer, parts: &Parts) -> Vec<Step> {
    let mut known: BTreeMap<String, Fields> = BTreeMap::new();
    let mut steps = Vec::new();
    for event in answer.documents() {
        let object = &event["object"];
        let Some(part) = part_of(object, parts) else {
            continue;
        };
        let fields = fields_of(object);
        // The drill's service has two init containers: only that they are done is compared, not how far they are.
        if known.get(&part).is_some_and(is_initialising) && is_initialising(&fields) {
            continue;
        }
        let before = known.insert(part.clone(), fields.clone());
        let kind = event["type"].as_str().unwrap_or_default();
        let changed = before.map_or_else(|| fields.clone(), |before| changed(&before, &fields));
        if kind != "MODIFIED" || !changed.is_empty() {
            steps.push(Step {
                what: format!("{kind} {part}"),
                changed,
            });
        }
    }
    steps
}

/// The part of an object, without what only the drill's service or only the test bed's slow node caused: of the pod that it is or is about, and for an event what it says.
fn part_of(object: &Value, parts: &Parts) -> Option<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let name = text(&object["metadata"]["name"]);
    if object["kind"] != "Event" {
        return match parts.get(&name) {
            Some(part) => Some((*part).to_owned()),
            None => (!name.contains("-api-")).then_some(name),
        };
    }
    let about = &object["involvedObject"];
    let part = parts.get(&text(&about["name"]))?;
    Some(format!("{} {} {part}", text(&object["reason"]), text(&about["fieldPath"])).replace("  ", " "))
        .filter(|what| !what.contains("{id}") && !what.starts_with("NodeNotReady"))
}

/// What a client would look at: not the bookkeeping, and not the init container that only the drill's service has.
fn fields_of(object: &Value) -> Fields {
    let mut fields = compare::fields(object);
    fields.retain(|path, _| !path.contains("managedFields") && !path.contains("[id]"));
    fields
}

fn is_initialising(fields: &Fields) -> bool {
    let status = fields.get("status.conditions[Initialized].status");
    status.is_some_and(|values| values.contains("\"False\""))
}

fn changed(before: &Fields, after: &Fields) -> Fields {
    let mut changed: Fields = after
        .iter()
        .filter(|(path, values)| before.get(*path) != Some(values))
        .map(|(path, values)| (path.clone(), values.clone()))
        .collect();
    for path in before.keys().filter(|path| !after.contains_key(*path)) {
        changed.insert(path.clone(), ["gone".to_owned()].into());
    }
    changed
}
