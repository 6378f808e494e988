//! Calls to other services by the metrics source: which of them fail.

use crate::safe;
use std::collections::BTreeMap;
use std::time::Duration;

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

impl Called {
    /// `12 % of 40 calls to ocm failed in 10m (no answer or 5xx; metrics)`.
    fn words(&self, window: Duration) -> SafeText {
        let share = self.failed.map_or(SafeText::from("no data"), percent);
        safe!(
            "{share} of {:.0} calls to {} failed in {} (no answer or 5xx; metrics)",
            self.calls,
            self.service,
            span(window)
        )
    }
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
        let called = called(calls.rows(), shares.rows());
        let is_meant =
            |one: &&Called| services.is_empty() || services.iter().any(|name| **name == *one.service);
        let is_enough = |one: &&Called| one.calls >= least;
        let judged: Vec<_> = called.iter().filter(is_meant).filter(is_enough).collect();
        let words = |one: &Called| one.words(window);
        let by_share = worst_first(&judged);
        let is_over = |(share, _): &&(f64, &Called)| *share > thresholds.outbound.fail;
        let failing: Vec<_> = by_share.iter().take_while(is_over).collect();
        if let [(share, first), ..] = failing.as_slice() {
            let brief = safe!("{} of calls to {} fail", percent(*share), first.service);
            let mut part = Part::new(StepStatus::Fail, brief, words(first));
            part.evidence
                .extend(failing.iter().skip(1).map(|(_, one)| words(one)));
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
        let (status, shown) = match by_share.first() {
            Some((share, one)) if *share >= thresholds.outbound.pass => (StepStatus::Waiting, *one),
            _ => (StepStatus::Pass, *most),
        };
        let brief = safe!(
            "outbound {} failed",
            shown.failed.map_or(SafeText::default(), percent)
        );
        Ok(Part::new(status, brief, words(shown)).aged(Some(calls.age)))
    }
}

/// The services whose calls are counted, by name.
fn called(calls: &[Sample], shares: &[Sample]) -> Vec<Called> {
    let failed = by_service(shares);
    let counted = by_service(calls).into_iter().filter_map(|(service, calls)| {
        Some(Called {
            failed: failed.get(&service).copied().flatten(),
            calls: calls?,
            service,
        })
    });
    counted.collect()
}

/// Those of whose calls a known share failed: the highest share first, equal ones by name.
fn worst_first<'c>(judged: &[&'c Called]) -> Vec<(f64, &'c Called)> {
    let known = judged
        .iter()
        .filter_map(|one| one.failed.map(|share| (share, *one)));
    let mut known: Vec<_> = known.collect();
    known.sort_by(|(share, one), (other_share, other)| {
        other_share
            .total_cmp(share)
            .then_with(|| one.service.cmp(&other.service))
    });
    known
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
