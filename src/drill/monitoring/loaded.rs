//! Series of a span of time, loaded once for all moments that are evaluated in it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::history::History;
use super::series::{LOOK_BACK, Series};

/// What is wrong with the data.
#[derive(Clone, Copy, Debug, Default)]
pub struct DataFault {
    /// Whether a part of the pods is missing, as where a store of Thanos does not answer.
    pub is_partial: bool,
    /// Nothing was scraped after this, ms since 1970.
    pub frozen: Option<i64>,
}

/// The series that a query needs.
pub struct Loaded<'a> {
    history: &'a History,
    from: i64,
    to: i64,
    is_partial: bool,
    cache: RefCell<BTreeMap<String, Rc<Vec<Series>>>>,
}

impl<'a> Loaded<'a> {
    /// For moments in `from..=to` and windows up to `window`, ms.
    pub fn new(history: &'a History, from: i64, to: i64, window: i64, fault: DataFault) -> Self {
        Self {
            history,
            from: from - window.max(LOOK_BACK),
            to: fault.frozen.map_or(to, |frozen| to.min(frozen)),
            is_partial: fault.is_partial,
            cache: RefCell::default(),
        }
    }

    /// The series of a metric.
    pub fn series(&self, metric: &str) -> Rc<Vec<Series>> {
        if let Some(known) = self.cache.borrow().get(metric) {
            return Rc::clone(known);
        }
        let mut series = self.history.series(metric, self.from, self.to);
        if self.is_partial {
            let lost = every_second_pod(&series);
            series.retain(|one| one.labels.get("pod").is_none_or(|pod| !lost.contains(pod)));
        }
        let series = Rc::new(series);
        self.cache
            .borrow_mut()
            .insert(metric.to_owned(), Rc::clone(&series));
        series
    }
}

/// Every second pod by name; of one pod, that one.
fn every_second_pod(series: &[Series]) -> BTreeSet<String> {
    let pods: BTreeSet<&String> = series.iter().filter_map(|one| one.labels.get("pod")).collect();
    let lost = pods.into_iter().enumerate().filter(|(place, _)| place % 2 == 0);
    lost.map(|(_, pod)| pod.clone()).collect()
}
