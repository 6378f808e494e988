//! Silences, as Alertmanager keeps them.

use serde_json::{Value, json};

use super::matchers::LabelMatcher;
use super::series::Labels;
use crate::random::Random;
use crate::world::NAMESPACE;

/// A silence of one alert.
#[derive(Clone, Debug)]
pub struct Silence {
    pub id: String,
    alert: String,
    created_by: String,
    comment: String,
    /// ms since 1970.
    starts_at: i64,
    ends_at: i64,
}

impl Silence {
    /// A silence of all alerts of a name; `number` tells those of one world apart.
    pub fn new(
        (seed, number): (u64, usize),
        alert: &str,
        (created_by, comment): (&str, &str),
        (starts_at, ends_at): (i64, i64),
    ) -> Self {
        Self {
            id: Random::named(seed, &format!("silence {number}")).uuid(),
            alert: alert.to_owned(),
            created_by: created_by.to_owned(),
            comment: comment.to_owned(),
            starts_at,
            ends_at,
        }
    }

    /// Whether it keeps these labels silent at a moment.
    pub fn silences(&self, labels: &Labels, at: i64) -> bool {
        self.state(at) == "active" && labels.get("alertname").is_some_and(|name| *name == self.alert)
    }

    fn state(&self, at: i64) -> &'static str {
        if at < self.starts_at {
            "pending"
        } else if at < self.ends_at {
            "active"
        } else {
            "expired"
        }
    }

    /// Whether a filter of the list means it: one of its own matchers has that name and value.
    pub fn fits(&self, filter: &LabelMatcher) -> bool {
        let own = [("alertname", self.alert.as_str()), ("namespace", NAMESPACE)];
        let own = super::series::labels(&own);
        own.contains_key(&filter.name) && filter.matches(&own)
    }

    /// As Alertmanager answers it.
    pub fn json(&self, at: i64) -> Value {
        let matcher = |name: &str, value: &str| json!({"isEqual": true, "isRegex": false, "name": name, "value": value});
        let mut matchers = vec![matcher("alertname", &self.alert)];
        if self.alert != "ManagedServicesApiDown" {
            matchers.push(matcher("namespace", NAMESPACE));
        }
        json!({
            "id": self.id,
            "status": {"state": self.state(at)},
            "updatedAt": super::times::millis(self.starts_at),
            "comment": self.comment,
            "createdBy": self.created_by,
            "endsAt": super::times::millis(self.ends_at),
            "matchers": matchers,
            "startsAt": super::times::millis(self.starts_at),
        })
    }
}
