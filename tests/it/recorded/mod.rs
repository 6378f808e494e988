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

#[test]
fn every_recording_is_held_to() {
    let held: BTreeSet<String> = http::held()
        .map(|name| format!("{name}.http"))
        .chain(kubectl::held().map(|name| format!("{name}.txt")))
        .chain(["psql.txt".to_owned(), "README.md".to_owned()])
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
