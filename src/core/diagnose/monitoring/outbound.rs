//! Calls to other services by the metrics source: which of them fail.

use crate::safe;
use std::collections::BTreeMap;

use super::Part;
use super::figures::{Missing, percent, span, unknown};
use crate::diagnose::evaluation::Evaluation;
use crate::observe::observation::Sample;
use crate::profile::monitoring::{Figure, Monitoring};
use crate::profile::sop::StepStatus;
use crate::text::SafeText;

/// Calls to one service.
struct Called {
    service: SafeText,
    calls: f64,
    /// Share that failed; `None` where that is no number.
    failed: Option<f64>,
}

impl Evaluation<'_> {
    /// The verdict on the calls to other services.
    pub(in crate::diagnose) fn outbound_part(&self, monitoring: &Monitoring) -> Part {
        self.outbound(monitoring, &[])
            .unwrap_or_else(|missing| Part::missing("outbound calls", missing))
    }

    /// The same for some services by their names; none means all.
    pub(in crate::diagnose) fn outbound_part_of(&self, monitoring: &Monitoring, services: &[String]) -> Part {
        self.outbound(monitoring, services)
            .unwrap_or_else(|missing| Part::missing("outbound calls", missing))
    }

    fn outbound(&self, monitoring: &Monitoring, services: &[String]) -> Result<Part, Missing> {
        let window = monitoring.windows.outbound;
        let thresholds = &monitoring.thresholds;
        let least = thresholds.least_calls as f64;
        let calls = self.scraped_figure(monitoring, Figure::OutboundCalls, Some(window))?;
        let shares = self.scraped_figure(monitoring, Figure::OutboundErrors, Some(window))?;
        let failed = by_service(shares.rows());
        let is_meant =
            |service: &SafeText| services.is_empty() || services.iter().any(|one| **one == **service);
        let called = by_service(calls.rows())
            .into_iter()
            .filter_map(|(service, calls)| {
                Some(Called {
                    failed: failed.get(&service).copied().flatten(),
                    calls: calls?,
                    service,
                })
            });
        let called: Vec<_> = called.filter(|one| is_meant(&one.service)).collect();
        let judged: Vec<_> = called.iter().filter(|one| one.calls >= least).collect();
        let words = |one: &Called| {
            let share = one.failed.map_or(SafeText::from("no data"), percent);
            safe!(
                "{share} of {:.0} calls to {} failed in {} (no answer or 5xx; metrics)",
                one.calls,
                one.service,
                span(window)
            )
        };
        let over = |limit: f64| {
            let over = judged
                .iter()
                .filter(move |one| one.failed.is_some_and(|failed| failed > limit));
            over.collect::<Vec<_>>()
        };
        let failing = over(thresholds.outbound.fail);
        if let [first, ..] = failing.as_slice() {
            let brief = safe!(
                "{} of calls to {} fail",
                first.failed.map_or(SafeText::default(), percent),
                first.service
            );
            let mut part = Part::new(StepStatus::Fail, brief, words(first));
            part.evidence.extend(failing.iter().skip(1).map(|one| words(one)));
            return Ok(part.aged(Some(calls.age)));
        }
        if let Some(missing) = calls.incomplete().or_else(|| shares.incomplete()) {
            return Err(missing);
        }
        let Some(most) = judged.iter().max_by(|a, b| a.calls.total_cmp(&b.calls)) else {
            let why = safe!(
                "too few outbound calls to judge in {} (at least {least:.0})",
                span(window)
            );
            return Err(unknown(why));
        };
        if let Some(unread) = judged.iter().find(|one| one.failed.is_none()) {
            return Err(unknown(safe!("no data on failed calls to {}", unread.service)));
        }
        let between = judged.iter().find(|one| {
            one.failed
                .is_some_and(|failed| failed >= thresholds.outbound.pass)
        });
        let (status, shown) = match between {
            Some(one) => (StepStatus::Waiting, one),
            None => (StepStatus::Pass, most),
        };
        let brief = safe!(
            "outbound {} failed",
            shown.failed.map_or(SafeText::default(), percent)
        );
        Ok(Part::new(status, brief, words(shown)).aged(Some(calls.age)))
    }
}

/// The number of each row by the service that it is about.
fn by_service(rows: &[Sample]) -> BTreeMap<SafeText, Option<f64>> {
    let row = |row: &Sample| {
        // Whatever the label is called, a row by service has one.
        let (_, service) = row.labels.first()?;
        Some((service.clone(), row.value.finite()))
    };
    rows.iter().filter_map(row).collect()
}
