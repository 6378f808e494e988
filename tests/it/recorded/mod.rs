//! The drill held to recordings of the real thing (`tests/recorded`): the same requests, commands and queries are made of it, and what
//! it answers is compared field by field. What may differ is listed with its reason.

mod allowed;
mod compare;
mod exchange;
mod http;
mod judge;
mod kubectl;
mod logs;
mod normal;
mod printed;
mod psql;
mod stage;
mod troubles;
mod watches;

use std::collections::BTreeSet;

/// What the drill cannot be brought to yet: other users than the engineer on call, and these troubles of pods.
const NOT_YET: [&str; 13] = [
    "kubectl-readonly-delete.txt",
    "kubectl-rollout-restart-admin.txt",
    "kubectl-rollout-status-during.txt",
    "kubectl-state-initfail-get-pods.txt",
    "kubectl-state-oom-describe.txt",
    "kubectl-state-oom-get-pods.txt",
    "kubectl-state-unready-get-pods.txt",
    "kubectl-state-unschedulable-get-pods.txt",
    "state-initfail-pods.http",
    "state-oom-deployment.http",
    "state-oom-pods.http",
    "state-unready-pods.http",
    "state-unschedulable-pods.http",
];

#[test]
fn every_recording_is_held_to() {
    let held: BTreeSet<String> = http::held()
        .map(|name| format!("{name}.http"))
        .chain(kubectl::held().map(|name| format!("{name}.txt")))
        .chain(["psql.txt".to_owned(), "README.md".to_owned()])
        .chain(NOT_YET.map(str::to_owned))
        .collect();
    let there: BTreeSet<String> = std::fs::read_dir(exchange::folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let unknown: Vec<_> = there.difference(&held).collect();
    assert!(unknown.is_empty(), "nothing is held to {unknown:?}");
    let missing: Vec<_> = held.difference(&there).collect();
    assert!(missing.is_empty(), "there is no recording {missing:?}");
}
