//! The arithmetic of rollouts: how many pods each ReplicaSet of a Deployment may have (`pkg/controller/deployment/util`).

use serde_json::Value;

/// A ReplicaSet of the Deployment in one round of the controller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplicaSet {
    /// Its name.
    pub name: String,
    /// Pods it should have.
    pub wanted: u64,
    /// Pods it has, by its status.
    pub active: u64,
    /// Of those, ready.
    pub ready: u64,
    /// Of those, ready for long enough.
    pub available: u64,
    /// The Deployment's wanted number when this set was last looked at.
    pub desired: Option<u64>,
    /// The most pods the Deployment might have had then.
    pub most: Option<u64>,
    /// Its revision.
    pub revision: u64,
    /// When it was created, for the order.
    pub created: String,
}

/// How far a rollout may go beyond and below the wanted number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RolloutLimits {
    /// More pods than wanted.
    pub surge: u64,
    /// Fewer available pods than wanted.
    pub unavailable: u64,
}

impl RolloutLimits {
    /// Of a Deployment's strategy: numbers, or percentages of the wanted number, rounded up for the surge and down for the
    /// unavailable, never both 0. `Recreate` has neither.
    pub fn of(spec: &Value, wanted: u64) -> Self {
        if spec["strategy"]["type"] == "Recreate" {
            return Self {
                surge: 0,
                unavailable: 0,
            };
        }
        let rolling = &spec["strategy"]["rollingUpdate"];
        let surge = share(&rolling["maxSurge"], wanted, u64::div_ceil);
        let unavailable = share(&rolling["maxUnavailable"], wanted, |part, whole| part / whole);
        if surge == 0 && unavailable == 0 {
            return Self {
                surge,
                unavailable: 1,
            };
        }
        Self { surge, unavailable }
    }

    /// The fewest pods that must be available.
    pub fn least(self, wanted: u64) -> u64 {
        wanted.saturating_sub(self.unavailable)
    }
}

/// A number, or a percentage of the wanted number; 25 % if nothing is said.
fn share(value: &Value, wanted: u64, divide: fn(u64, u64) -> u64) -> u64 {
    let percent = |text: &str| text.trim_end_matches('%').parse::<u64>().unwrap_or(25);
    match value.as_u64() {
        Some(number) => number,
        None => divide(wanted * percent(value.as_str().unwrap_or("25%")), 100),
    }
}

/// How many pods the new set may have now.
pub fn new_size(new: u64, old: u64, wanted: u64, limits: RolloutLimits) -> u64 {
    if new >= wanted {
        return wanted;
    }
    let room = (wanted + limits.surge).saturating_sub(new + old);
    (new + room).min(wanted)
}

/// How many pods each old set keeps, in their order: pods that are not available go first, then as many as the limits allow.
pub fn old_sizes(new: &ReplicaSet, old: &[ReplicaSet], wanted: u64, limits: RolloutLimits) -> Vec<u64> {
    let least = limits.least(wanted);
    let all = new.wanted + old.iter().map(|set| set.wanted).sum::<u64>();
    let still_coming = new.wanted.saturating_sub(new.available);
    let mut sizes: Vec<u64> = old.iter().map(|set| set.wanted).collect();
    let mut unhealthy = all.saturating_sub(least + still_coming);
    if unhealthy == 0 {
        return sizes;
    }
    for (set, size) in old.iter().zip(&mut sizes) {
        let gone = unhealthy.min(size.saturating_sub(set.available));
        *size -= gone;
        unhealthy -= gone;
    }
    let available = new.available + old.iter().map(|set| set.available).sum::<u64>();
    let mut spare = available.saturating_sub(least);
    for size in &mut sizes {
        let gone = spare.min(*size);
        *size -= gone;
        spare -= gone;
    }
    sizes
}

/// How many pods each set gets when the Deployment is scaled during a rollout: in proportion, largest set first.
pub fn proportional_sizes(
    sets: &[ReplicaSet],
    wanted: u64,
    has: u64,
    limits: RolloutLimits,
) -> Vec<(String, u64)> {
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let mut sets: Vec<&ReplicaSet> = sets.iter().filter(|set| set.wanted > 0).collect();
    let allowed = if wanted > 0 { wanted + limits.surge } else { 0 };
    let to_add = signed(allowed) - signed(sets.iter().map(|set| set.wanted).sum());
    // Among equals, the newer grows first and the older shrinks first.
    sets.sort_by(|one, other| {
        let age = one.created.cmp(&other.created);
        let age = if to_add > 0 { age.reverse() } else { age };
        other.wanted.cmp(&one.wanted).then(age)
    });
    let mut added = 0;
    let mut sizes: Vec<(String, i64)> = Vec::new();
    for set in sets {
        let part = match to_add {
            0 => 0,
            _ if wanted == 0 => -signed(set.wanted),
            _ => {
                let before = set.most.filter(|most| *most > 0).unwrap_or(has.max(1));
                let scaled = (set.wanted * (wanted + limits.surge)) as f64 / before as f64;
                scaled.round() as i64 - signed(set.wanted)
            }
        };
        let part = if to_add > 0 {
            part.min(to_add - added)
        } else {
            part.max(to_add - added)
        };
        added += part;
        sizes.push((set.name.clone(), signed(set.wanted) + part));
    }
    if let Some((_, first)) = sizes.first_mut() {
        *first += to_add - added;
    }
    let sizes = sizes.into_iter();
    sizes
        .map(|(name, size)| (name, size.max(0).unsigned_abs()))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn limits(strategy: &Value, wanted: u64) -> (u64, u64) {
        let limits = RolloutLimits::of(&json!({ "strategy": strategy }), wanted);
        (limits.surge, limits.unavailable)
    }

    fn set(name: &str, wanted: u64, available: u64) -> ReplicaSet {
        ReplicaSet {
            name: name.into(),
            wanted,
            available,
            most: Some(13),
            ..ReplicaSet::default()
        }
    }

    #[test]
    fn limits_are_numbers_or_shares_of_the_wanted_pods() {
        let rolling = |surge: Value, unavailable: Value| json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}});
        let quarter = rolling(json!("25%"), json!("25%"));
        assert_eq!(limits(&quarter, 3), (1, 0));
        assert_eq!(limits(&quarter, 8), (2, 2));
        assert_eq!(limits(&quarter, 0), (0, 1));
        assert_eq!(limits(&rolling(json!(2), json!(1)), 3), (2, 1));
        assert_eq!(limits(&rolling(json!(0), json!("10%")), 3), (0, 1));
        assert_eq!(limits(&json!({"type": "Recreate"}), 3), (0, 0));
    }

    #[test]
    fn old_sets_lose_first_what_does_not_serve() {
        let of_ten = RolloutLimits {
            surge: 3,
            unavailable: 2,
        };
        let sizes = |new: ReplicaSet, old: &[ReplicaSet]| old_sizes(&new, old, 10, of_ten);
        assert_eq!(sizes(set("n", 5, 0), &[set("o", 8, 8)]), [8]);
        assert_eq!(sizes(set("n", 5, 5), &[set("o", 8, 8)]), [3]);
        assert_eq!(sizes(set("n", 5, 3), &[set("a", 4, 0), set("b", 4, 4)]), [1, 4]);
    }

    #[test]
    fn a_scale_in_the_midst_of_a_rollout_is_shared_out() {
        let limits = RolloutLimits {
            surge: 3,
            unavailable: 2,
        };
        let sizes = proportional_sizes(&[set("new", 5, 0), set("old", 8, 8)], 15, 13, limits);
        assert_eq!(sizes, [("old".to_owned(), 11), ("new".to_owned(), 7)]);
        let sizes = proportional_sizes(&[set("new", 5, 0), set("old", 8, 8)], 0, 13, limits);
        assert_eq!(sizes, [("old".to_owned(), 0), ("new".to_owned(), 0)]);
    }
}
