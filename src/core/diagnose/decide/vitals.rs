//! Whether the services that ours calls answer it.

use jiff::SignedDuration;

use super::Truth;
use crate::diagnose::Evaluation;
use crate::diagnose::vitals::{Outbound, Vitals};
use crate::text::duration;

impl Evaluation<'_> {
    /// Whether too many calls fail. Only the pods' own counters tell, so where they are not read this is unknown.
    pub(super) fn outbound(
        &self,
        services: &[String],
        within: SignedDuration,
        at_least: u64,
        share: u64,
    ) -> Truth {
        let vitals = Vitals::within(self.state, self.profile, self.now, within);
        let sign = &vitals.together.outbound;
        let is_meant = |outbound: &&Outbound| {
            services.is_empty() || services.iter().any(|service| **service == *outbound.service)
        };
        let meant = || sign.value.iter().flatten().filter(is_meant);
        let sent: u64 = meant().map(|outbound| outbound.sent).sum();
        let failed: u64 = meant().map(|outbound| outbound.failed).sum();
        let covers = SignedDuration::from_secs(i64::try_from(sign.covers_s.unwrap_or(0)).unwrap_or(i64::MAX));
        let words = format!(
            "{}: {failed} of {sent} calls failed in {}",
            sign.source,
            duration::brief(covers)
        );
        if sent >= at_least && failed * 100 >= sent * share && failed > 0 {
            let each = meant().filter(|outbound| outbound.failed > 0).map(|outbound| {
                let Outbound {
                    service,
                    failed,
                    sent,
                    ..
                } = outbound;
                format!("{service}: {failed} of {sent} calls failed")
            });
            return Truth::holds(std::iter::once(words).chain(each));
        }
        match sign.complete() {
            Some(_) => Truth::holds_not(words),
            None => Truth::unknown(format!("whether calls to others fail: {}", sign.why())),
        }
    }
}
