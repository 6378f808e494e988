//! Instant vectors, and the few operations that the known queries are made of.

use std::collections::BTreeMap;

use super::series::{Labels, NAME, Series};

/// The elements of an instant vector by their labels.
pub type Vector = BTreeMap<Labels, f64>;

/// The labels without the metric's name, as every function leaves them.
pub fn nameless(labels: &Labels) -> Labels {
    let mut labels = labels.clone();
    labels.remove(NAME);
    labels
}

/// A function of each series, without the metric's name.
pub fn each(series: &[Series], value: impl Fn(&Series) -> Option<f64>) -> Vector {
    let found = series
        .iter()
        .filter_map(|one| Some((nameless(&one.labels), value(one)?)));
    found.collect()
}

/// The same of those series that fit.
pub fn each_of(
    series: &[Series],
    fits: impl Fn(&Series) -> bool,
    value: impl Fn(&Series) -> Option<f64>,
) -> Vector {
    let meant = series.iter().filter(|one| fits(one));
    meant
        .filter_map(|one| Some((nameless(&one.labels), value(one)?)))
        .collect()
}

/// The sum of a function of those series that fit: one element, or none where none has a value.
pub fn sum_of(
    series: &[Series],
    fits: impl Fn(&Series) -> bool,
    value: impl Fn(&Series) -> Option<f64>,
) -> Vector {
    let values = series.iter().filter(|one| fits(one)).filter_map(value);
    let sum = values.fold(None, |sum: Option<f64>, value| Some(sum.unwrap_or(0.0) + value));
    sum.map(|sum| (Labels::new(), sum)).into_iter().collect()
}

/// `sum by (…)`: without labels, one element, or none of nothing.
pub fn sum_by(vector: &Vector, by: &[&str]) -> Vector {
    fold_by(vector, by, |sum, value| sum + value)
}

/// `max by (…)`.
pub fn max_by(vector: &Vector, by: &[&str]) -> Vector {
    fold_by(vector, by, f64::max)
}

fn fold_by(vector: &Vector, by: &[&str], fold: impl Fn(f64, f64) -> f64) -> Vector {
    let mut grouped = Vector::new();
    for (labels, value) in vector {
        let kept = by.iter().filter_map(|name| labels.get_key_value(*name));
        let kept: Labels = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
        grouped
            .entry(kept)
            .and_modify(|all| *all = fold(*all, *value))
            .or_insert(*value);
    }
    grouped
}

/// An operation on the elements that both sides have.
pub fn both(left: &Vector, right: &Vector, operation: impl Fn(f64, f64) -> f64) -> Vector {
    let pairs = left
        .iter()
        .filter_map(|(labels, value)| Some((labels.clone(), operation(*value, *right.get(labels)?))));
    pairs.collect()
}

/// `left / right`.
pub fn divide(left: &Vector, right: &Vector) -> Vector {
    both(left, right, |left, right| left / right)
}

/// `left or right`: those of the right that the left has not.
pub fn or(left: Vector, right: Vector) -> Vector {
    let mut all = right;
    all.extend(left);
    all
}

/// The same with another value in each element.
pub fn map(vector: Vector, value: impl Fn(f64) -> f64) -> Vector {
    vector
        .into_iter()
        .map(|(labels, old)| (labels, value(old)))
        .collect()
}

/// `topk(count, vector)`.
pub fn largest(vector: Vector, count: usize) -> Vector {
    let mut all: Vec<_> = vector.into_iter().collect();
    all.sort_by(|left, right| right.1.total_cmp(&left.1));
    all.truncate(count);
    all.into_iter().collect()
}
