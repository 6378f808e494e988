//! `outbound`: too many calls to other services fail.

use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::RuleCondition;
use crate::diagnose::decide::Truth;
use crate::diagnose::evaluation::Evaluation;
use crate::diagnose::steps::{Check, Shown};
use crate::diagnose::vitals::Outbound;
use crate::profile::Profile;
use crate::profile::sop::StepStatus;
use crate::profile::validation::Mistakes;
use crate::safe;
use crate::text::{SafeText, counted, duration};

/// Too many calls to other services fail, by the pods' own counters, or by the metrics source and its thresholds. No other source counts
/// them: without the counters it is unknown where the metrics source does not show it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OutboundFails {
    /// Which, as the pods name them: `ocm-clusters-service`; none means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
    /// How far back.
    #[serde(with = "crate::profile::seconds")]
    pub within: Duration,
    /// How many calls it takes to say anything.
    pub at_least: u64,
    /// Percent without an answer or with a status of 500 or more; as much is too much.
    pub share: u64,
}

impl RuleCondition for OutboundFails {
    fn evaluate(&self, case: &Evaluation<'_>) -> Truth {
        let vitals = case.vitals(self.span());
        let sign = &vitals.together.outbound;
        let is_meant = |outbound: &&Outbound| {
            let mut named = self.services.iter();
            self.services.is_empty() || named.any(|service| **service == *outbound.service)
        };
        let meant = || sign.value.iter().flatten().filter(is_meant);
        let sent: u64 = meant().map(|outbound| outbound.sent).sum();
        let failed: u64 = meant().map(|outbound| outbound.failed).sum();
        let covers = SignedDuration::from_secs(i64::try_from(sign.covers_s.unwrap_or(0)).unwrap_or(i64::MAX));
        let covers = duration::brief(covers);
        let calls = counted(sent, "outbound call", "outbound calls");
        let words = safe!("{failed} of {calls} failed in {covers}");
        if sent >= self.at_least && failed * 100 >= sent * self.share && failed > 0 {
            let mut failing: Vec<_> = meant().filter(|outbound| outbound.failed > 0).collect();
            failing.sort_by_key(|outbound| std::cmp::Reverse(outbound.failed));
            let each = failing.into_iter().map(|outbound| {
                let Outbound {
                    service,
                    failed,
                    sent,
                    ..
                } = outbound;
                let calls = counted(*sent, "call", "calls");
                safe!("{failed} of {calls} to {service} failed in {covers} (no answer or 5xx)")
            });
            let by = safe!("{words} ({})", sign.source);
            return Truth::holds(each.chain([by]));
        }
        let measured = case
            .metrics()
            .map(|monitoring| case.outbound_part_of(monitoring, &self.services));
        if let Some(part) = measured.filter(|part| part.status == StepStatus::Fail) {
            return Truth::holds(part.evidence);
        }
        match sign.complete() {
            Some(_) => Truth::holds_not(words),
            None => Truth::unknown(safe!("no data on outbound calls: {}", sign.why())),
        }
    }

    fn turns_true(&self, _case: &Evaluation<'_>) -> SafeText {
        safe!(
            "{} % of the calls to {} fail in {}",
            self.share,
            self.called(),
            duration::brief(self.span())
        )
    }

    fn turns_false(&self, _case: &Evaluation<'_>) -> SafeText {
        safe!(
            "the calls to {} succeed for {}",
            self.called(),
            duration::brief(self.span())
        )
    }

    fn threshold(&self, _profile: &Profile, _window: SignedDuration) -> Vec<SafeText> {
        vec![safe!(
            "{} % of calls failing in {} (no answer or 5xx)",
            self.share,
            duration::brief(self.span())
        )]
    }

    fn source(&self, case: &Evaluation<'_>) -> (&'static str, Option<SignedDuration>) {
        let vitals = case.vitals(self.span());
        let sign = &vitals.together.outbound;
        let seconds = sign.age_s.and_then(|age| i64::try_from(age).ok());
        (sign.source, seconds.map(SignedDuration::from_secs))
    }

    /// A dashboard's figures show the same, where a metrics source judges them.
    fn is_about(&self, check: &Check, case: &Evaluation<'_>) -> bool {
        let shows = matches!(check, Check::Dashboard(dashboard) if dashboard.shows == Shown::Requests);
        shows && case.metrics().is_some()
    }

    fn validate(&self, path: &str, mistakes: &mut Mistakes<'_>) {
        let counted = mistakes.profile.service.metrics.is_some();
        mistakes.require(counted, path, || {
            "outbound calls are counted only by the pods' metrics: add `[service.metrics]` to the profile"
                .to_owned()
        });
        let share = self.share;
        mistakes.require((1..=100).contains(&share), &format!("{path}.share"), || {
            format!("{share} % is not from 1 to 100")
        });
        mistakes.require(self.at_least > 0, &format!("{path}.at-least"), || {
            "must be at least 1".to_owned()
        });
    }
}

impl OutboundFails {
    fn span(&self) -> SignedDuration {
        duration::of(self.within)
    }

    /// The services that the pods call, as they name them.
    fn called(&self) -> SafeText {
        if self.services.is_empty() {
            "other services".into()
        } else {
            self.services.join(" or ").into()
        }
    }
}
