//! Which pods' logs matter most: said to those who follow the logs where they can't follow all.

use std::collections::BTreeSet;

use crate::app::App;
use crate::app::event::Effect;
use crate::panes::Pane;
use sopwatch_core::logparse::LogFocus;
use sopwatch_core::observe::observation::PodUid;

/// Pods that are said to lead; a service has a handful of workers.
const LEADERS: usize = 16;

impl App {
    /// Says which pods matter most, if that changed.
    pub(crate) fn focus_logs(&mut self) -> Option<Effect> {
        if self.state.logs_read().in_turns == 0 {
            return None;
        }
        let focus = LogFocus {
            chosen: self.chosen_pods(),
            leaders: self.leading_pods(),
        };
        if focus == self.logs.focus {
            return None;
        }
        self.logs.focus = focus.clone();
        Some(Effect::FocusLogs(focus))
    }

    /// The pod whose log is shown alone, and that on which the operator is.
    fn chosen_pods(&self) -> BTreeSet<PodUid> {
        let shown = self.logs.buffer.only.iter().map(|only| only.pod_uid.clone());
        let pods = (self.panes.focus == Pane::Pods).then(|| self.pods());
        let chosen = pods.and_then(|pods| pods.get(self.panes.pod).map(|pod| pod.uid.clone()));
        shown.chain(chosen).collect()
    }

    /// Those that lead by the verdicts, and those that said last that they do.
    fn leading_pods(&self) -> BTreeSet<PodUid> {
        let named: BTreeSet<_> = self
            .diagnosis
            .leaders
            .iter()
            .filter_map(|leader| leader.pod.clone())
            .collect();
        let pods = self.state.pods.values().filter(|pod| named.contains(&pod.name));
        let of_verdicts = pods.map(|pod| &pod.uid);
        let all = of_verdicts.chain(self.state.leaders.last_said_to_lead());
        all.take(LEADERS).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Session;
    use crate::app::event::Event;
    use crate::keymap::Keymap;
    use sopwatch_core::observe::observation::Observation;
    use sopwatch_core::observe::source::{SourceId, SourceState};
    use sopwatch_core::testkit::{SHORT, now, pod, profile, source};

    fn app() -> App {
        App::new(Session::sample(profile()), "", Keymap::default())
    }

    #[test]
    fn which_pods_matter_is_said_only_where_not_all_logs_are_followed() {
        let mut app = app();
        let mut state = vec![Observation::Pods(SHORT.map(|short| pod(short, 600)).to_vec())];
        state.push(Observation::Source(
            SourceId::Log(source(SHORT[0])),
            SourceState::Live,
        ));
        for observation in state {
            app.update(Event::Observation(observation), now());
        }
        app.panes.focus = Pane::Pods;
        assert_eq!(app.update(Event::Tick, now()), []);
        let rests = Observation::Source(SourceId::Log(source(SHORT[1])), SourceState::Resting);
        app.update(Event::Observation(rests), now());
        let chosen = app.pods()[0].uid.clone();
        let focus = LogFocus {
            chosen: BTreeSet::from([chosen]),
            leaders: BTreeSet::new(),
        };
        assert_eq!(app.update(Event::Tick, now()), [Effect::FocusLogs(focus)]);
        assert_eq!(app.update(Event::Tick, now()), [], "said once");
    }
}
