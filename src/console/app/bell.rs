//! The bell, for somebody who looks at another pane: it rings when the recommendation changes and when an execution ends.
//!
//! The console counts; whether the terminal rings is for whoever draws, by the setting `bell`.

use super::App;
use sopwatch_core::profile::rule::Advice;

/// How often the bell rang, and what it goes by.
#[derive(Clone, Debug, Default)]
pub struct Bell {
    count: u64,
    known: Option<KnownAdvice>,
    under_way: bool,
}

/// The recommendation that the operator may know.
#[derive(Clone, Debug, PartialEq, Eq)]
struct KnownAdvice {
    sop: String,
    action: Advice,
    contact: Option<String>,
}

impl Bell {
    /// How often it rang so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Rings once.
    pub fn ring(&mut self) {
        self.count += 1;
    }

    /// Notes the recommendation; `None` while there is none to go by. The first of an SOP is no change.
    fn note_advice(&mut self, advice: Option<KnownAdvice>) {
        let Some(advice) = advice else { return };
        let before = self.known.replace(advice.clone());
        if before.is_some_and(|before| before.sop == advice.sop && before != advice) {
            self.ring();
        }
    }

    /// Notes whether an execution is under way.
    fn note_execution(&mut self, under_way: bool) {
        if std::mem::replace(&mut self.under_way, under_way) && !under_way {
            self.ring();
        }
    }
}

impl App {
    /// Notes what was judged. While sources are being read for the first time, or a lesson keeps its advice back, the recommendation is not
    /// one to go by; in a replay nobody is to be called.
    pub(crate) fn note_for_bell(&mut self) {
        if self.player.is_some() {
            return;
        }
        let decision = &self.diagnosis.decision.recommendation;
        let is_known = self.sop().is_some() && !self.is_looking() && !self.holds_back();
        let advice = is_known.then(|| KnownAdvice {
            sop: self.checklist.sop.clone(),
            action: decision.action,
            contact: decision.contact.clone(),
        });
        let execution = self.remediation.execution.as_ref();
        let under_way = execution.is_some_and(super::Execution::is_under_way);
        self.bell.note_advice(advice);
        self.bell.note_execution(under_way);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advice(sop: &str, action: Advice, contact: Option<&str>) -> Option<KnownAdvice> {
        Some(KnownAdvice {
            sop: sop.to_owned(),
            action,
            contact: contact.map(str::to_owned),
        })
    }

    #[test]
    fn it_rings_once_for_each_change_of_the_recommendation_of_one_sop() {
        // what is recommended, and how often it rang by then
        let steps = [
            (None, 0),
            (advice("a", Advice::Wait, None), 0),
            (advice("a", Advice::Wait, None), 0),
            (None, 0),
            (advice("a", Advice::RestartPods, None), 1),
            (advice("a", Advice::RestartPods, None), 1),
            (advice("a", Advice::Escalate, Some("ocm")), 2),
            (advice("a", Advice::Escalate, Some("control-plane")), 3),
            // another SOP was chosen: nothing changed
            (advice("b", Advice::None, None), 3),
            (advice("b", Advice::Wait, None), 4),
        ];
        let mut bell = Bell::default();
        for (advice, rang) in steps {
            bell.note_advice(advice.clone());
            assert_eq!(bell.count(), rang, "{advice:?}");
        }
    }

    #[test]
    fn it_rings_once_at_the_end_of_an_execution() {
        let mut bell = Bell::default();
        for (under_way, rang) in [
            (false, 0),
            (true, 0),
            (true, 0),
            (false, 1),
            (false, 1),
            (true, 1),
            (false, 2),
        ] {
            bell.note_execution(under_way);
            assert_eq!(bell.count(), rang);
        }
    }
}
