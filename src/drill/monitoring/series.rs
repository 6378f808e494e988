//! Time series as Prometheus keeps them: labels, samples, and what is computed of one series.

use std::collections::BTreeMap;

/// Labels by name; `__name__` is the metric's name.
pub type Labels = BTreeMap<String, String>;

/// How far back an instant query looks for a sample, ms.
pub const LOOK_BACK: i64 = 300_000;
/// The label with the metric's name.
pub const NAME: &str = "__name__";

/// Labels of these pairs.
pub fn labels(pairs: &[(&str, &str)]) -> Labels {
    let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(pair).collect()
}

/// One sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// ms since 1970.
    pub at: i64,
    /// `None` where the series ended: its target could not be scraped any more, or no longer had it.
    pub value: Option<f64>,
}

/// One series, its samples in the order of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// With the metric's name.
    pub labels: Labels,
    pub samples: Vec<Sample>,
}

impl Series {
    /// The newest sample at a moment; `None` where there is none within five minutes, or the series ended.
    pub fn instant(&self, at: i64) -> Option<(i64, f64)> {
        let until = self.samples.partition_point(|sample| sample.at <= at);
        let last = self.samples.get(until.checked_sub(1)?)?;
        let is_fresh = last.at > at - LOOK_BACK;
        last.value.filter(|_| is_fresh).map(|value| (last.at, value))
    }

    /// The samples in the window that ends then.
    fn window(&self, at: i64, window: i64) -> impl Iterator<Item = (i64, f64)> {
        let from = self.samples.partition_point(|sample| sample.at <= at - window);
        let until = self.samples.partition_point(|sample| sample.at <= at);
        let within = self.samples.get(from..until).unwrap_or_default().iter();
        within.filter_map(|sample| Some((sample.at, sample.value?)))
    }

    /// `increase(x[window])` of a counter, as Prometheus extrapolates it; `None` with fewer than two samples.
    pub fn increase(&self, at: i64, window: i64) -> Option<f64> {
        let mut samples = self.window(at, window);
        let first = samples.next()?;
        let (mut last, mut count, mut resets) = (first, 1_u32, 0.0);
        for sample in samples {
            if sample.1 < last.1 {
                resets += last.1;
            }
            last = sample;
            count += 1;
        }
        if count < 2 {
            return None;
        }
        let raw = last.1 - first.1 + resets;
        let sampled = (last.0 - first.0) as f64;
        let between = sampled / f64::from(count - 1);
        let mut before = (first.0 - (at - window)) as f64;
        if raw > 0.0 && first.1 >= 0.0 {
            // a counter is not extrapolated to less than zero
            before = before.min(sampled * (first.1 / raw));
        }
        let edge = |distance: f64| {
            if distance < between * 1.1 {
                distance
            } else {
                between / 2.0
            }
        };
        let covered = sampled + edge(before) + edge((at - last.0) as f64);
        Some(raw * covered / sampled)
    }

    /// `rate(x[window])`: the increase a second.
    pub fn rate(&self, at: i64, window: i64) -> Option<f64> {
        Some(self.increase(at, window)? / (window as f64 / 1_000.0))
    }

    /// `predict_linear(x[window], ahead)`: the value in so many seconds, if it goes on along a straight line.
    pub fn predict(&self, at: i64, window: i64, ahead: f64) -> Option<f64> {
        let samples: Vec<_> = self.window(at, window).collect();
        if samples.len() < 2 {
            return None;
        }
        let count = samples.len() as f64;
        let points = samples
            .iter()
            .map(|(t, value)| ((t - at) as f64 / 1_000.0, *value));
        let (mut x, mut y, mut xy, mut xx) = (0.0, 0.0, 0.0, 0.0);
        for (t, value) in points {
            x += t;
            y += value;
            xy += t * value;
            xx += t * t;
        }
        let slope = (xy - x * y / count) / (xx - x * x / count);
        Some(y / count - slope * x / count + slope * ahead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(samples: &[(i64, Option<f64>)]) -> Series {
        let sample = |(at, value): &(i64, Option<f64>)| Sample {
            at: at * 1_000,
            value: *value,
        };
        Series {
            labels: Labels::new(),
            samples: samples.iter().map(sample).collect(),
        }
    }

    #[test]
    fn an_instant_looks_back_five_minutes_and_not_past_the_end_of_a_series() {
        let ended = series(&[(0, Some(1.0)), (30, Some(2.0)), (60, None)]);
        for (at, found) in [
            (-1, None),
            (0, Some(1.0)),
            (29, Some(1.0)),
            (59, Some(2.0)),
            (60, None),
        ] {
            assert_eq!(ended.instant(at * 1_000).map(|(_, value)| value), found, "{at}");
        }
        let last = series(&[(0, Some(1.0))]);
        assert!(last.instant(299_999).is_some() && last.instant(300_000).is_none());
    }

    #[test]
    fn an_increase_is_extrapolated_and_survives_a_reset() {
        let steady: Vec<_> = (0..=10).map(|n| (n * 30, Some(100.0 + n as f64 * 3.0))).collect();
        let rate = series(&steady).rate(300_000, 300_000).unwrap();
        assert!((rate - 0.1).abs() < 1e-9, "{rate}");
        let reset = series(&[
            (0, Some(50.0)),
            (30, Some(56.0)),
            (60, Some(2.0)),
            (90, Some(8.0)),
        ]);
        let increase = reset.increase(90_000, 120_000).unwrap();
        // 6, then 2 from zero, then 6: 14 in 90 s, and as many for the 30 s before them
        assert!((increase - 14.0 * 120.0 / 90.0).abs() < 1e-9, "{increase}");
        assert_eq!(series(&[(0, Some(1.0))]).increase(10_000, 60_000), None);
        assert_eq!(series(&[]).increase(10_000, 60_000), None);
    }

    #[test]
    fn a_counter_is_not_extrapolated_below_zero() {
        let young = series(&[(60, Some(0.0)), (90, Some(3.0))]);
        assert_eq!(young.increase(90_000, 100_000), Some(3.0));
    }

    #[test]
    fn a_straight_line_goes_on() {
        let line: Vec<_> = (0..=10).map(|n| (n * 30, Some(n as f64))).collect();
        let found = series(&line).predict(300_000, 600_000, 300.0).unwrap();
        assert!((found - 20.0).abs() < 1e-9, "{found}");
    }
}
