//! Whose clock counts: the cluster's, as soon as it is known to differ from this machine's.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::App;
use sopwatch_core::observe::observation::SKEW_MATTERS;

impl App {
    /// From now on time is the cluster's: a bastion whose clock is minutes off would else call a young pod old, and a dead leader alive.
    pub(crate) fn set_skew(&mut self, measured: SignedDuration) {
        if (measured - self.clock.skew).abs() < SKEW_MATTERS {
            return;
        }
        let skew = if measured.abs() < SKEW_MATTERS {
            SignedDuration::ZERO
        } else {
            measured
        };
        let span = skew - self.clock.skew;
        let settled = std::mem::take(&mut self.incident.already_corrected);
        for at in self.moments().filter(|at| !settled.contains(at)) {
            *at = at.saturating_add(span).unwrap_or(*at);
        }
        self.incident.already_corrected = settled;
        self.state.shift(span);
        self.state.began_at = Some(self.session.started_at);
        if let Some(attempt) = &mut self.attempt {
            attempt.shift(span);
        }
        self.clock.skew = skew;
    }

    /// What an earlier console dated, as far as it is not `own`, has the cluster's time already.
    pub(crate) fn settle(&mut self, own: &BTreeSet<Timestamp>) {
        self.incident.already_corrected = self
            .moments()
            .map(|at| *at)
            .filter(|at| !own.contains(at))
            .collect();
    }

    /// All that is dated.
    pub(crate) fn moments(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        let ticks = self.checklist.ticks.values_mut().map(|tick| &mut tick.at);
        let changes = self.remediation.commands.iter_mut().flat_map(|change| {
            let outcome = change.outcome.iter_mut().map(|(at, _)| at);
            let stages = change.stages.iter_mut().map(|(at, _, _)| at);
            outcome.chain(stages).chain([&mut change.at])
        });
        ticks
            .chain(changes)
            .chain(self.incident.notes.iter_mut().map(|(at, _)| at))
            .chain(
                self.remediation
                    .execution
                    .iter_mut()
                    .map(|execution| &mut execution.since),
            )
            .chain(self.notice.iter_mut().map(|notice| &mut notice.at))
            .chain(self.copied.iter_mut().map(|(at, _)| at))
            .chain([&mut self.session.started_at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Session;
    use crate::app::event::Event;
    use crate::keymap::Keymap;
    use sopwatch_core::observe::observation::Observation;
    use sopwatch_core::record::{Entry, Line};
    use sopwatch_core::testkit::{ago, now, profile};

    fn console() -> App {
        App::new(Session::sample(profile()), "", Keymap::default())
    }

    #[test]
    fn time_is_the_clusters_where_the_clocks_differ() {
        for (ahead, skew) in [(0, 0), (4, 0), (-4, 0), (600, 600), (-600, -600)] {
            let mut app = console();
            app.update(Event::Tick, now());
            app.update(Event::Observation(Observation::ServerClock(ago(-ahead))), now());
            assert_eq!(app.clock.skew, SignedDuration::from_secs(skew), "{ahead} s ahead");
            assert_eq!(app.clock.now, ago(-skew));
            assert_eq!(app.session.started_at, ago(-skew), "the incident's clock goes on");
            // a measurement that differs by a little changes nothing, and a clock that was set right is believed
            app.update(
                Event::Observation(Observation::ServerClock(ago(2 * ahead.signum() - ahead))),
                now(),
            );
            assert_eq!(app.clock.skew, SignedDuration::from_secs(skew));
            app.update(Event::Observation(Observation::ServerClock(now())), now());
            assert_eq!((app.clock.skew, app.clock.now), (SignedDuration::ZERO, now()));
        }
    }

    #[test]
    fn on_a_fast_clock_the_way_of_an_answer_is_no_difference_of_clocks() {
        let mut app = console();
        app.set_speed(20.0);
        app.update(Event::Observation(Observation::ServerClock(ago(30))), now());
        assert_eq!((app.clock.skew, app.clock.now), (SignedDuration::ZERO, now()));
    }

    #[test]
    fn what_an_earlier_console_dated_has_the_clusters_time_already() {
        let line = |seconds, entry| Line {
            at: ago(seconds),
            entry,
        };
        let noted = |text: &str| Entry::Note { text: text.into() };
        let mut app = console();
        app.update(Event::Tick, now());
        app.note_down("mine");
        // this machine is ten minutes behind: to it, the earlier console's note is of a time to come
        app.resume(&[line(900, noted("begun")), line(-300, noted("theirs"))]);
        app.update(Event::Observation(Observation::ServerClock(ago(-600))), now());
        let notes: Vec<_> = app
            .incident
            .notes
            .iter()
            .map(|(at, text)| (text.to_string(), *at))
            .collect();
        let expected = [("mine", ago(-600)), ("begun", ago(900)), ("theirs", ago(-300))];
        assert_eq!(notes, expected.map(|(text, at)| (text.to_owned(), at)));
        assert_eq!(app.session.started_at, ago(900));
        assert_eq!(app.state.began_at, Some(ago(900)));
    }
}
