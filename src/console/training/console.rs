//! The lesson in the console: its keys, its dialogs, and what the console notes for the debriefing.

use super::debriefing::{Step, debriefing};
use super::{Attempt, Choice, Given, Lesson, Viewed};
use crate::app::App;
use crate::app::event::Effect;
use crate::dialogs::dialog_text::{DialogText, Tone};
use crate::dialogs::{Dialog, Scroll};
use crate::keymap::action::{Action, Context};
use crate::panes::logs::buffer::LogMode;
use sopwatch_core::diagnose::leaders::Verdict;
use sopwatch_core::observe::audit::AuditEntry;
use sopwatch_core::safe;
use sopwatch_core::text::{SafeText, duration};

impl App {
    /// Begins a lesson: from now on its keys are there.
    pub fn teach(&mut self, lesson: Lesson) {
        self.attempt = Some(Box::new(Attempt::new(lesson, self.session.started_at)));
    }

    /// Shows the next hint, with those before it.
    pub(crate) fn hint(&mut self) {
        let now = self.clock.now;
        let Some(attempt) = &mut self.attempt else { return };
        if attempt.hints.len() < attempt.lesson.hints.len() {
            attempt.hints.push(now);
        }
        if !matches!(self.dialogs.last(), Some(Dialog::Hints(_))) {
            self.dialogs.push(Dialog::Hints(Scroll::default()));
        }
    }

    /// Asks what the operator would do.
    pub(crate) fn ask_for_answer(&mut self) {
        let Some(attempt) = &self.attempt else { return };
        let given = attempt.answers.last().map(|given| &given.choice);
        let chosen = self.choices().iter().position(|choice| Some(choice) == given);
        self.dialogs.push(Dialog::Answer {
            chosen: chosen.unwrap_or(0),
            sure: false,
        });
    }

    /// What can be answered.
    pub fn choices(&self) -> Vec<Choice> {
        Choice::all(&self.session.profile)
    }

    /// Takes the chosen answer: the first time to be confirmed, the second time for good.
    pub(crate) fn choose_answer(&mut self) -> Vec<Effect> {
        let choices = self.choices();
        let Some(Dialog::Answer { chosen, sure }) = self.dialogs.last_mut() else {
            return Vec::new();
        };
        if !*sure {
            *sure = true;
            return Vec::new();
        }
        let choice = choices.into_iter().nth(*chosen);
        self.dialogs.pop();
        let (Some(choice), Some(attempt)) = (choice, &mut self.attempt) else {
            return Vec::new();
        };
        attempt.answers.push(Given {
            at: self.clock.now,
            choice: choice.clone(),
            after_debriefing: attempt.debriefed_at.is_some(),
        });
        let words = choice.words(&self.session.profile);
        self.say(&format!("answer saved: {words}"));
        vec![Effect::Answer(choice)]
    }

    /// Says what comes before the advice.
    pub(crate) fn say_answer_first(&mut self) {
        let key = |action| self.keymap.key_of(action, Context::Drill);
        let with = |what: &str, key: Option<SafeText>| key.map_or(what.into(), |key| safe!("{what} ({key})"));
        let answer = with("answer first", key(Action::GiveAnswer));
        let reveal = with("reveal", key(Action::Reveal));
        self.say(&format!("{answer} or {reveal}"));
    }

    /// Whether a lesson keeps the recommendation back until the operator has judged.
    pub fn holds_back(&self) -> bool {
        self.attempt.as_ref().is_some_and(|attempt| attempt.holds_back())
    }

    /// Shows the recommendation from now on.
    pub(crate) fn reveal(&mut self) {
        let now = self.clock.now;
        if let Some(attempt) = self.attempt.as_mut().filter(|attempt| attempt.holds_back()) {
            attempt.revealed_at = Some(now);
        }
    }

    /// Shows the debriefing; before an answer was given only when asked twice, since it tells the answer.
    pub(crate) fn debrief(&mut self) {
        let now = self.clock.now;
        let Some(attempt) = &mut self.attempt else { return };
        if attempt.answers.is_empty() && !attempt.asked_early {
            attempt.asked_early = true;
            self.complain("the debriefing shows the answer; answer first, or press the key again to see it");
            return;
        }
        attempt.debriefed_at.get_or_insert(now);
        self.dialogs.push(Dialog::Debriefing(Scroll::default()));
    }

    /// The debriefing as it is now; `None` without a lesson.
    pub fn debriefing(&self) -> Option<DialogText> {
        let attempt = self.attempt.as_ref()?;
        let manual = self.manual_steps();
        Some(debriefing(
            attempt,
            &self.session.profile,
            Some(&manual),
            self.clock.now,
        ))
    }

    fn manual_steps(&self) -> Vec<Step> {
        let steps = self.steps().into_iter();
        let manual = steps.filter(|(_, step)| step.check.is_manual());
        let ticked = |id: &str| {
            let tick = self.checklist.ticks.get(id)?;
            Some((tick.at, tick.note.to_string()))
        };
        manual
            .map(|(id, step)| Step {
                title: step.title.clone(),
                ticked: ticked(id),
            })
            .collect()
    }

    /// Notes what was done to the cluster, with what the screen shows of it now.
    pub(crate) fn note_act(&mut self, act: AuditEntry) {
        let settles = |verdict| matches!(verdict, Verdict::Settling { .. });
        let settling = self
            .diagnosis
            .leaders
            .iter()
            .any(|reading| settles(reading.verdict));
        if let Some(attempt) = &mut self.attempt {
            attempt.note(act, Some(settling));
        }
    }

    /// Notes what is open after a key.
    pub(crate) fn note_looks(&mut self) {
        if self.attempt.is_none() {
            return;
        }
        let looks: Vec<_> = self
            .look_at_dialog()
            .into_iter()
            .chain(self.looks_at_log())
            .collect();
        let now = self.clock.now;
        if let Some(attempt) = &mut self.attempt {
            looks.into_iter().for_each(|look| attempt.look(look, now));
        }
    }

    fn look_at_dialog(&self) -> Option<Viewed> {
        match self.dialog()? {
            Dialog::Pod { uid, .. } => self.state.pods.get(uid).map(|pod| Viewed::Pod(pod.name.clone())),
            Dialog::Record { entry, .. } => Some(Viewed::Record(entry.source.pod.clone())),
            Dialog::Rows { of, .. } => Some(Viewed::Rows(of.clone())),
            Dialog::Step { index, .. } => {
                let steps = self.steps();
                steps.get(*index).map(|(id, _)| Viewed::Step((*id).to_owned()))
            }
            Dialog::Sources(_) => Some(Viewed::Sources),
            Dialog::Why(_) => Some(Viewed::Rules),
            _ => None,
        }
    }

    fn looks_at_log(&self) -> Vec<Viewed> {
        if self.dialog().is_some() {
            return Vec::new();
        }
        let log = &self.logs.buffer;
        let mode = (log.mode != LogMode::default()).then_some(Viewed::Lines(log.mode));
        let filter = log
            .filter
            .as_ref()
            .map(|filter| Viewed::Filter(filter.as_str().into()));
        let pod = log.only.as_ref().map(|only| Viewed::LogOf(only.pod.clone()));
        mode.into_iter().chain(filter).chain(pod).collect()
    }
}

/// The hints that were asked for.
pub(crate) fn hints_page(attempt: &Attempt) -> DialogText {
    let (shown, all) = (attempt.hints.len(), attempt.lesson.hints.len());
    let mut page = DialogText::titled(format!("Hints  {shown} of {all}"));
    for (index, (hint, at)) in attempt.shown_hints().enumerate() {
        let at = duration::brief(at.duration_since(attempt.began));
        page.section(&format!("{}  at {at}", index + 1));
        page.add(Tone::Plain, hint);
    }
    page.add(Tone::Plain, "");
    let rest = match all - shown {
        0 => "There are no more.".to_owned(),
        1 => "There is one more.".to_owned(),
        more => format!("There are {more} more."),
    };
    page.add(Tone::Faint, rest);
    page
}
