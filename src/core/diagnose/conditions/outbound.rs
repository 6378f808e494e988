//! `outbound`: too many calls to other services fail.

use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::RuleCondition;
use crate::diagnose::decide::Truth;
use crate::diagnose::evaluation::Evaluation;
use crate::diagnose::vitals::{Outbound, Vitals};
use crate::profile::Profile;
use crate::profile::validation::Mistakes;
use crate::safe;
use crate::text::{SafeText, duration};

/// Too many calls to other services fail, by the pods' own counters. No other source counts them: without the counters it is unknown.
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
        let vitals = Vitals::within(case.state, case.profile, case.now, self.span());
        let sign = &vitals.together.outbound;
        let is_meant = |outbound: &&Outbound| {
            let mut named = self.services.iter();
            self.services.is_empty() || named.any(|service| **service == *outbound.service)
        };
        let meant = || sign.value.iter().flatten().filter(is_meant);
        let sent: u64 = meant().map(|outbound| outbound.sent).sum();
        let failed: u64 = meant().map(|outbound| outbound.failed).sum();
        let covers = SignedDuration::from_secs(i64::try_from(sign.covers_s.unwrap_or(0)).unwrap_or(i64::MAX));
        let words = safe!(
            "{}: {failed} of {sent} calls failed in {}",
            sign.source,
            duration::brief(covers)
        );
        if sent >= self.at_least && failed * 100 >= sent * self.share && failed > 0 {
            let each = meant().filter(|outbound| outbound.failed > 0).map(|outbound| {
                let Outbound {
                    service,
                    failed,
                    sent,
                    ..
                } = outbound;
                safe!("{service}: {failed} of {sent} calls failed")
            });
            return Truth::holds(std::iter::once(words).chain(each));
        }
        match sign.complete() {
            Some(_) => Truth::holds_not(words),
            None => Truth::unknown(safe!("whether calls to others fail: {}", sign.why())),
        }
    }

    fn turns_true(&self, _case: &Evaluation<'_>) -> SafeText {
        safe!(
            "{} % of the calls to {} fail within {}",
            self.share,
            self.called(),
            duration::brief(self.span())
        )
    }

    fn turns_false(&self, _case: &Evaluation<'_>) -> SafeText {
        safe!(
            "the calls to {} are answered for {}",
            self.called(),
            duration::brief(self.span())
        )
    }

    fn threshold(&self, _profile: &Profile, _window: SignedDuration) -> Vec<SafeText> {
        vec![safe!(
            "within {}, less than {} % of the calls without an answer or with a status of 500 or more",
            duration::brief(self.span()),
            self.share
        )]
    }

    fn source(&self, case: &Evaluation<'_>) -> (&'static str, Option<SignedDuration>) {
        let vitals = Vitals::within(case.state, case.profile, case.now, self.span());
        let sign = vitals.together.outbound;
        let seconds = sign.age_s.and_then(|age| i64::try_from(age).ok());
        (sign.source, seconds.map(SignedDuration::from_secs))
    }

    fn validate(&self, path: &str, mistakes: &mut Mistakes<'_>) {
        let counted = mistakes.profile.service.metrics.is_some();
        mistakes.require(counted, path, || {
            "calls to other services are only told by the pods' metrics: the profile needs `[service.metrics]`"
                .to_owned()
        });
        let share = self.share;
        mistakes.require((1..=100).contains(&share), &format!("{path}.share"), || {
            format!("{share} % is not from 1 to 100")
        });
        mistakes.require(self.at_least > 0, &format!("{path}.at-least"), || {
            "at least one call is needed to say anything".to_owned()
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
            "any other service".into()
        } else {
            self.services.join(" or ").into()
        }
    }
}
