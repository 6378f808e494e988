//! Answers of Prometheus, Alertmanager and the error tracker.
#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use sopwatch::monitoring::testkit::Readers;
use tokio::runtime::{Builder, Runtime};

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    static READERS: RefCell<Readers> = RefCell::new(Readers::new().expect("clients"));
}

const STATUSES: [u16; 8] = [200, 200, 200, 200, 400, 403, 422, 503];

fuzz_target!(|bytes: &[u8]| {
    let Some((first, body)) = bytes.split_first() else {
        return;
    };
    let status = STATUSES[usize::from(*first) % STATUSES.len()];
    READERS.with_borrow_mut(|readers| {
        RUNTIME.with(|runtime| runtime.block_on(read(readers, status, body)));
    });
});

async fn read(readers: &mut Readers, status: u16, body: &[u8]) {
    match readers.query(status, body).await {
        Ok(answer) => {
            let value = serde_json::to_value(&answer).expect("an answer can be recorded");
            check(&value);
            let again = serde_json::from_value(value).expect("and read again");
            assert!(answer == again || answer.rows.iter().any(|row| row.value.0.is_nan()));
        }
        Err(said) => visible(&said),
    }
    match readers.points(status, body).await {
        Ok(points) => assert!(points.is_sorted_by(|one, next| one.0 < next.0)),
        Err(said) => visible(&said),
    }
    for polled in readers.polled(status, body).await {
        match polled {
            Ok(observations) => {
                for observation in observations {
                    check(&serde_json::to_value(&observation).expect("an observation can be recorded"));
                }
            }
            Err(said) => visible(&said),
        }
    }
}

fn check(value: &Value) {
    match value {
        Value::String(text) => visible(text),
        Value::Array(values) => values.iter().for_each(check),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            visible(name);
            check(value);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn visible(text: &str) {
    assert!(!text.chars().any(char::is_control), "{text:?}");
}
