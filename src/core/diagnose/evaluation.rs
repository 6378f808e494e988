//! What one evaluation of an SOP sees: the state, the profile, the leaders and the moment, and the spans of time that are counted from it.

use std::cell::{OnceCell, RefCell};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::StepFinding;
use super::leaders::LeaderReading;
use super::monitoring::OwnPods;
use super::settle;
use super::settle::{Settled, Settling};
use super::steps::Check;
use super::vitals::Vitals;
use crate::observe::state::State;
use crate::profile::Profile;
use crate::profile::rule::Alert;
use crate::safe;
use crate::text::{SafeText, duration};

/// All that a condition and a step check may rest on.
pub(crate) struct Evaluation<'a> {
    pub(super) state: &'a State,
    pub(super) profile: &'a Profile,
    pub(super) leaders: &'a [LeaderReading],
    pub(super) alert: Alert,
    /// The SOP's id.
    pub(super) sop: &'a str,
    pub(super) now: Timestamp,
    /// The SOP's steps, once they are judged.
    pub(super) steps: Vec<(&'a Check, StepFinding)>,
    pub(super) reckoned: &'a Reckoned,
}

/// What many rules and steps rest on, the same for every SOP, reckoned when the first asks: with hundreds of pods it is most of the work.
#[derive(Debug, Default)]
pub(super) struct Reckoned {
    /// Why the logs can't be taken as complete.
    pub(super) unread_logs: OnceCell<Option<SafeText>>,
    /// The same of those of the processes that live.
    pub(super) unread_now: OnceCell<Option<SafeText>>,
    /// The service's own pods by name.
    pub(super) own_pods: OnceCell<OwnPods>,
    /// The vital signs over each span that was asked for.
    vitals: RefCell<Vec<(SignedDuration, Arc<Vitals>)>>,
}

impl Reckoned {
    /// The vital signs over a span, if any rule or step asked for them.
    pub(super) fn vitals(&self, span: SignedDuration) -> Option<Arc<Vitals>> {
        let all = self.vitals.borrow();
        all.iter()
            .find(|(of, _)| *of == span)
            .map(|(_, vitals)| Arc::clone(vitals))
    }
}

impl Evaluation<'_> {
    /// Since when what happened counts: the incident's beginning, or half an hour ago where that is earlier.
    pub(super) fn window(&self) -> Timestamp {
        settle::window(self.state, self.now)
    }

    /// `no warnings in 30m`.
    pub(super) fn none_lately(&self, what: &str) -> SafeText {
        let window = self.now.duration_since(self.window());
        safe!("no {what} in {}", duration::brief(window))
    }

    /// The vital signs over a span.
    pub(super) fn vitals(&self, span: SignedDuration) -> Arc<Vitals> {
        if let Some(vitals) = self.reckoned.vitals(span) {
            return vitals;
        }
        let vitals = Arc::new(Vitals::within(self.state, self.profile, self.now, span));
        let mut all = self.reckoned.vitals.borrow_mut();
        all.push((span, Arc::clone(&vitals)));
        vitals
    }

    /// Until when nothing can be concluded.
    pub(super) fn settles(&self) -> Result<Settling, Settled> {
        settle::settling(self.state, &self.profile.leaders, self.now)
    }

    /// How long ago something was; zero where a clock is ahead.
    pub(super) fn since(&self, at: Timestamp) -> SignedDuration {
        self.now.duration_since(at).max(SignedDuration::ZERO)
    }

    /// How long it is until a moment, in words.
    pub(super) fn left(&self, until: Timestamp) -> String {
        duration::brief(until.duration_since(self.now).max(SignedDuration::ZERO))
    }
}

/// A time of day, as everywhere in UTC: `13:24 UTC`.
pub(super) fn time_of_day(at: Timestamp) -> String {
    at.strftime("%H:%M UTC").to_string()
}
