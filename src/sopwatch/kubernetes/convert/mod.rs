//! Conversion of Kubernetes objects to observations. Pure.

mod autoscaler;
mod deployment;
mod event;
mod pod;
mod replica_set;
mod status_word;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, OwnerReference, Time};
use kube::Resource;

pub use self::autoscaler::{autoscaler, scales};
pub use self::deployment::deployment;
pub use self::event::{concerns, event};
pub use self::pod::pod;
pub use self::replica_set::replica_set;
use sopwatch_core::text::{Redacted, SafeText};

/// The longest message that is kept, characters.
const MAX_WORDS: usize = 2_000;

/// A text that may be absent; empty then.
fn text(value: Option<&String>) -> SafeText {
    value.map(|value| SafeText::new(value)).unwrap_or_default()
}

/// What a component says in words: it may quote what it was given, at any length.
fn words(value: Option<&String>) -> Redacted {
    value
        .map(|value| Redacted::cut(value, MAX_WORDS))
        .unwrap_or_default()
}

/// The owner that looks after the object: at most one of its owners does.
fn controller(object: &impl Resource) -> Option<&OwnerReference> {
    let owners = object.meta().owner_references.as_ref()?;
    owners.iter().find(|owner| owner.controller == Some(true))
}

fn at(time: Option<&Time>) -> Option<Timestamp> {
    time.map(|time| time.0)
}

fn at_micro(time: Option<&MicroTime>) -> Option<Timestamp> {
    time.map(|time| time.0)
}

/// A count that the API gives as a signed number.
fn count(value: Option<i32>) -> u32 {
    value.and_then(|value| u32::try_from(value).ok()).unwrap_or(0)
}
