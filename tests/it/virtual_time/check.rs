//! A check that begins at a moment of a scenario finds what the scenario's file says of that moment.
//!
//! `SCENARIO=no-kafka-leader cargo test --test it virtual_time::check` judges one, or all whose id contains the word.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;
use sopwatch::config::profiles;
use sopwatch::runtime::headless::gather;
use sopwatch_console::app::App;
use sopwatch_core::diagnose::{Diagnosis, diagnose};
use sopwatch_core::export::check::{Assessment, exit_status};
use sopwatch_core::profile::rule::Advice;
use sopwatch_core::profile::sop::StepStatus;
use sopwatch_drill::scenario::{Expectation, ExpectedAdvice, Scenario};
use tokio::time::{Instant, sleep_until};

use crate::support::virtual_console::{self, fresh_console};
use crate::support::virtual_time;

/// How long a check looks, unless it is told.
const WITHIN: Duration = Duration::from_secs(10);

/// Where the network loses requests, by chance the first ones: what is lost shows only as a time limit that passes.
const LOSSY: (&str, Duration) = ("slow-lossy-api", Duration::from_mins(2));

/// What one look can't know, by scenario, second and key, with the reason. One that nothing needs fails.
const LATE: &[(&str, i64, &str, &str)] = &[
    ("verbosity-zero", 210, "recommendation: ", SILENT),
    ("verbosity-zero", 210, "exit ", SILENT),
    ("verbosity-zero", 210, "leaders.cluster", SILENT),
    ("verbosity-zero", 210, "leaders.kafka", SILENT),
    ("log-of-one-pod-forbidden", 210, "leaders.cluster", SILENT),
    ("log-of-one-pod-forbidden", 210, "leaders.kafka", SILENT),
    ("log-of-one-pod-forbidden", 210, "steps.leader-kafka", SILENT),
    ("ocm-slow-outbound", 150, "recommendation: ", RATE),
    ("ocm-slow-outbound", 150, "exit ", RATE),
];

const SILENT: &str = "no log names the lease's holder: only who watches for the two minutes between renewals sees that it lives";
const RATE: &str = "the log is silent, and a rate takes two readings of the pods' counters, 15 s apart";

#[test]
fn a_check_finds_at_each_moment_of_every_scenario_what_its_file_says() {
    let choice = std::env::var("SCENARIO").ok();
    let chosen = |id: &str| choice.as_deref().is_none_or(|part| id.contains(part));
    let ids = sopwatch_drill::scenarios().into_iter().map(|info| info.id);
    let work: Mutex<VecDeque<String>> = Mutex::new(ids.filter(|id| chosen(id)).collect());
    let missed = Mutex::new(Vec::new());
    let matrix = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(id) = { work.lock().unwrap().pop_front() } {
                    let (found, decisions) = judge(&id);
                    missed.lock().unwrap().extend(found);
                    matrix.lock().unwrap().insert(id, decisions);
                }
            });
        }
    });
    let missed = missed.into_inner().unwrap();
    let is_late = |late: &(&str, i64, &str, &str), miss: &Miss| {
        (late.0, late.1) == (miss.id.as_str(), miss.at) && miss.what.starts_with(late.2)
    };
    let told: Vec<_> = missed
        .iter()
        .filter(|miss| !LATE.iter().any(|late| is_late(late, miss)))
        .map(|miss| format!("{} at {} s: {}", miss.id, miss.at, miss.what))
        .collect();
    assert!(told.is_empty(), "{} differ:\n{}", told.len(), told.join("\n"));
    let needless = LATE
        .iter()
        .filter(|late| chosen(late.0) && !missed.iter().any(|miss| is_late(late, miss)));
    assert_eq!(needless.count(), 0, "a difference that is not there any more");
    if choice.is_none() {
        let matrix = matrix.into_inner().unwrap();
        // Which of its requests are lost is chance: what is known at each moment is not always the same.
        let lines = matrix.into_iter().filter(|(id, _)| id != LOSSY.0);
        let lines = lines.map(|(id, decisions)| format!("{id}\n{decisions}"));
        insta::assert_snapshot!("decisions", lines.collect::<Vec<_>>().join("\n"));
    }
}

/// What the same observations mean for each SOP, those of one answer on one line; and where steps and advice say two things.
fn decisions(app: &App, at: i64) -> (String, Vec<String>) {
    let profile = &app.session.profile;
    let mut disagree = Vec::new();
    let mut by_answer: Vec<(String, Vec<&str>)> = Vec::new();
    for sop in &profile.sops {
        let diagnosis = diagnose(&app.state, profile, sop, app.clock.now);
        disagree.extend(disagreement(&sop.id, &diagnosis));
        let decided = diagnosis.decision.recommendation;
        let contact = decided
            .contact
            .map_or(String::new(), |contact| format!(" to {contact}"));
        let rule = decided.rule.map_or(String::new(), |rule| format!(" by {rule}"));
        let exit = exit_status(decided.action);
        let answer = format!("{exit} {}{contact}{rule}", decided.action.name());
        match by_answer.iter_mut().find(|(known, _)| *known == answer) {
            Some((_, sops)) => sops.push(&sop.id),
            None => by_answer.push((answer, vec![&sop.id])),
        }
    }
    let line = |(answer, sops): &(String, Vec<&str>)| {
        let all = sops.len() == profile.sops.len();
        let sops = if all { "all".to_owned() } else { sops.join(" ") };
        format!("  {at:>5} s  {answer}: {sops}\n")
    };
    (by_answer.iter().map(line).collect(), disagree)
}

/// Who acts or escalates has a step that fails, and with a step that fails something is to be done.
fn disagreement(sop: &str, diagnosis: &Diagnosis) -> Option<String> {
    let failing = diagnosis
        .steps
        .iter()
        .find(|step| step.status == StepStatus::Fail);
    let decided = &diagnosis.decision.recommendation;
    let rule = decided.rule.as_deref().unwrap_or("no rule");
    match (decided.action, failing) {
        (Advice::None, Some(step)) => Some(format!("{sop}: nothing to do, and {}: {}", step.id, step.value)),
        (action, None) if exit_status(action) == 2 => {
            Some(format!("{sop}: {} by {rule}, and no step fails", action.name()))
        }
        _ => None,
    }
}

/// Something that is not as the scenario says.
struct Miss {
    id: String,
    at: i64,
    what: String,
}

fn judge(id: &str) -> (Vec<Miss>, String) {
    let scenario = sopwatch_drill::scenario(id).unwrap();
    let mut expectations = scenario.expect.clone();
    expectations.sort_by_key(|expectation| expectation.at);
    virtual_time::run(|breath| async move {
        let began = Instant::now();
        let (drill, folder) = virtual_console::drill(scenario.clone(), 1, &breath).await;
        let mut missed = Vec::new();
        let mut decided = String::new();
        for expected in &expectations {
            sleep_until(began + Duration::try_from(expected.at).unwrap()).await;
            let (mut console, tasks) = fresh_console(&drill, &folder, &scenario.title, &scenario.sop);
            let within = if scenario.id == LOSSY.0 { LOSSY.1 } else { WITHIN };
            let gathered = gather(&mut console, within).await;
            let took_ms = u64::try_from(gathered.took.as_millis()).unwrap();
            let found = Assessment::of(&console.app.account().unwrap(), took_ms, gathered.awaited);
            tasks.stop().await;
            let (answers, disagree) = decisions(&console.app, expected.at.as_secs());
            decided.push_str(&answers);
            let document: Value = serde_json::from_str(&found.json().unwrap()).unwrap();
            let mut wrong = by_the_schema(&document);
            wrong.extend(disagree);
            wrong.extend(differences(&scenario, expected, &document, found.exit_status()));
            missed.extend(wrong.into_iter().map(|what| Miss {
                id: scenario.id.clone(),
                at: expected.at.as_secs(),
                what,
            }));
        }
        (missed, decided)
    })
}

fn differences(scenario: &Scenario, expected: &Expectation, document: &Value, exit: u8) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut hold = |what: String, found: bool| {
        if !found {
            wrong.push(what);
        }
    };
    let recommended = &document["recommendation"];
    if let Some(want) = &expected.recommendation {
        hold(
            format!(
                "recommendation: {want:?} expected, {recommended} found, awaited {}",
                document["incomplete"]
            ),
            fits(recommended, want),
        );
        let action = Advice::ALL
            .into_iter()
            .find(|action| *action == want.action)
            .unwrap();
        hold(format!("exit {exit} after {want:?}"), exit == exit_status(action));
    }
    for want in &expected.also {
        let also = document["also"].as_array().unwrap();
        hold(
            format!("also: {want:?} expected, {} found", document["also"]),
            also.iter().any(|found| fits(found, want)),
        );
    }
    let profile = profiles::built_in("managed-services-api").unwrap().unwrap();
    for (lease, want) in &expected.leaders {
        let worker = profile
            .leaders
            .workers
            .iter()
            .find(|worker| worker.lease_type == *lease);
        let log_type = &worker.unwrap().log_type;
        let found = one(document, "leaders", "worker", log_type);
        hold(
            format!("leaders.{lease}: {want:?} expected, {found} found"),
            found["verdict"] == want.name(),
        );
    }
    for (id, want) in &expected.steps {
        let found = one(document, "steps", "id", id);
        let want = serde_json::to_value(want).unwrap();
        hold(
            format!("steps.{id} of {}: {want} expected, {found} found", scenario.sop),
            found["status"] == want,
        );
    }
    for (of, want) in &expected.rows {
        let (table, status) = of.split_once('.').unwrap();
        let rows = document["database"].as_array().unwrap();
        let row = rows
            .iter()
            .find(|row| row["table"] == table && row["status"] == status);
        let found = row.and_then(|row| row["count"].as_u64()).unwrap_or(0);
        hold(
            format!("rows.{of}: {want} expected, {found} found"),
            found == u64::from(*want),
        );
    }
    wrong
}

/// Whether a recommendation is the one that was expected; a rule that is not named may be any.
fn fits(found: &Value, want: &ExpectedAdvice) -> bool {
    let contact = want.contact.as_deref().map_or(Value::Null, Value::from);
    let rule = want.rule.as_deref().is_none_or(|rule| found["rule"] == rule);
    found["action"] == want.action.name() && found["contact"] == contact && rule
}

fn one<'a>(document: &'a Value, list: &str, key: &str, id: &str) -> &'a Value {
    let found = document[list]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one[key] == id);
    found.unwrap_or(&Value::Null)
}

// ---- Schema 1 ----------------------------------------------------------------------------------------------------------

/// Keys of the document and of its parts with their types: `s` text, `n` number, `b` truth, `a` list, `o` object, `?` or null.
const SCHEMA: &[(&str, &[(&str, &str)])] = &[
    (
        "",
        &[
            ("schema", "n"),
            ("sop", "s"),
            ("profile", "s"),
            ("environment", "s?"),
            ("server", "s?"),
            ("namespace", "s"),
            ("evaluated_at", "s"),
            ("recommendation", "o"),
            ("also", "a"),
            ("not_ruled_out", "a"),
            ("literal", "o"),
            ("steps", "a"),
            ("leaders", "a"),
            ("database", "a"),
            ("pods", "a"),
            ("other_pods", "a"),
            ("owned_by_name", "s?"),
            ("standby", "o?"),
            ("vitals", "o"),
            ("alerts", "a"),
            ("metrics", "a"),
            ("tracker", "o?"),
            ("took_ms", "n"),
            ("incomplete", "a"),
            ("troubles", "a"),
            ("drill", "s?"),
        ],
    ),
    ("recommendation", ADVICE),
    ("also", ADVICE),
    ("not_ruled_out", &[("rule", "s"), ("missing", "s")]),
    (
        "literal",
        &[
            ("action", "s"),
            ("contact", "s?"),
            ("differs", "b"),
            ("words", "s"),
        ],
    ),
    (
        "steps",
        &[
            ("id", "s"),
            ("title", "s"),
            ("status", "s"),
            ("value", "s"),
            ("threshold", "s"),
            ("evidence", "a"),
            ("source", "s"),
            ("age_s", "n?"),
        ],
    ),
    (
        "leaders",
        &[
            ("worker", "s"),
            ("verdict", "s"),
            ("until", "s?"),
            ("pod", "s?"),
            ("worker_id", "s?"),
            ("log", "s"),
            ("lease", "o?"),
        ],
    ),
    (
        "database",
        &[
            ("table", "s"),
            ("status", "s"),
            ("role", "s?"),
            ("count", "n"),
            ("oldest_idle_s", "n?"),
            ("limit_s", "n?"),
            ("over_limit", "n?"),
            ("entered", "n?"),
            ("left", "n?"),
            ("next_limit_s", "n?"),
            ("moves", "b?"),
        ],
    ),
    (
        "pods",
        &[
            ("name", "s"),
            ("ready", "s"),
            ("phase", "s"),
            ("status", "s"),
            ("restarts", "n"),
            ("age_s", "n?"),
        ],
    ),
    (
        "other_pods",
        &[("name", "s"), ("owner", "s"), ("ready", "s"), ("status", "s")],
    ),
    ("vitals", &[("window_s", "n"), ("together", "o"), ("pods", "a")]),
    ("troubles", &[("source", "s"), ("problem", "s")]),
];

const ADVICE: &[(&str, &str)] = &[
    ("action", "s"),
    ("contact", "s?"),
    ("rule", "s?"),
    ("words", "s"),
    ("because", "a"),
    ("until", "s?"),
];

/// Where a document is not as schema 1 says: keys that are missing, of another type, or that the schema does not name.
fn by_the_schema(document: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for (part, keys) in SCHEMA {
        let parts = match (*part, &document[*part]) {
            ("", _) => vec![document],
            (_, Value::Array(items)) => items.iter().collect(),
            (_, one) => vec![one],
        };
        for one in parts {
            let Some(object) = one.as_object() else {
                wrong.push(format!("schema: {part} is no object"));
                continue;
            };
            let named = |key: &String| keys.iter().any(|(known, _)| key == known);
            let unnamed = object.keys().filter(|key| !named(key));
            wrong.extend(unnamed.map(|key| format!("schema: {part}.{key} is not in it")));
            let badly = keys
                .iter()
                .filter(|(key, kind)| !object.get(*key).is_some_and(|value| is_of(value, kind)));
            wrong.extend(badly.map(|(key, kind)| format!("schema: {part}.{key} is not of type {kind}")));
        }
    }
    wrong
}

fn is_of(value: &Value, kind: &str) -> bool {
    match value {
        Value::Null => kind.ends_with('?'),
        Value::String(_) => kind.starts_with('s'),
        Value::Number(_) => kind.starts_with('n'),
        Value::Bool(_) => kind.starts_with('b'),
        Value::Array(_) => kind.starts_with('a'),
        Value::Object(_) => kind.starts_with('o'),
    }
}
