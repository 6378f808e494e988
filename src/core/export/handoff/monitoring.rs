//! What monitoring servers show: which alert paged and since when, the figures then and now, and the issues that came with the incident.

use jiff::SignedDuration;

use super::Audience;
use crate::diagnose::monitoring::alerts::{AlertState, ServiceAlert, service_alerts};
use crate::diagnose::monitoring::tracker::suspects;
use crate::export::figure_words;
use crate::safe;
use crate::text::markdown::Section;
use crate::text::{SafeText, duration};

/// Alerts and issues that are named of many.
const MOST: usize = 6;

impl Audience<'_> {
    /// Nothing where no monitoring server was heard.
    pub(super) fn monitoring(&self) -> Section {
        let mut section = Section::new("Alerts, metrics, error tracker");
        let account = self.account;
        let alerts = service_alerts(account.state, account.profile, account.now);
        let (own, others): (Vec<_>, Vec<_>) = alerts
            .iter()
            .partition(|alert| alert.sop.as_deref() == Some(&account.sop.id));
        let all: Vec<&ServiceAlert> = own.into_iter().chain(others).collect();
        for alert in all.iter().take(MOST) {
            section.code(self.alert(alert));
        }
        section.and_more(all.len().saturating_sub(MOST));
        for reported in figure_words::reported(account.state) {
            let (first_at, first) = &reported.first;
            let (at, last) = &reported.last;
            let age = duration::brief(account.now.duration_since(*at).max(SignedDuration::ZERO));
            let title = reported.title();
            section.code(if first_at == at {
                safe!("{title}: {last} ({}, {age} ago)", reported.source)
            } else {
                safe!(
                    "{title}: {last} ({}, {age} ago), {first} at {}",
                    reported.source,
                    self.time(*first_at)
                )
            });
        }
        let issues = suspects(account.state, account.profile, account.now);
        for one in issues.iter().take(MOST) {
            section.code(safe!(
                "error tracker: {} {}",
                one.words(account.now),
                one.issue.link
            ));
        }
        section.and_more(issues.len().saturating_sub(MOST));
        section
    }

    /// `alert ManagedServicesApiDown (critical) fires since 19:43:38 UTC, condition since 19:28:38 UTC`. Who silenced it is not handed on.
    fn alert(&self, alert: &ServiceAlert) -> SafeText {
        let state = match &alert.state {
            AlertState::Firing => "fires".into(),
            AlertState::Pending { .. } => "is pending".into(),
            AlertState::Silenced { until, .. } => {
                let until = until.map(|until| safe!(" until {}", self.time(until)));
                safe!("fires, silenced{}", until.unwrap_or_default())
            }
            AlertState::Inhibited => SafeText::from("fires, held back by another alert"),
        };
        let severity = if alert.severity.is_empty() {
            SafeText::default()
        } else {
            safe!(" ({})", alert.severity)
        };
        let fires = alert.firing_since.map(|at| safe!(", since {}", self.time(at)));
        let holds = alert
            .began_at
            .map(|at| safe!(", condition since {}", self.time(at)));
        let message = if alert.message.is_empty() {
            SafeText::default()
        } else {
            safe!(": {}", alert.message)
        };
        safe!(
            "alert {}{severity} {state}{}{}{message}",
            alert.name,
            fires.unwrap_or_default(),
            holds.unwrap_or_default()
        )
    }
}
