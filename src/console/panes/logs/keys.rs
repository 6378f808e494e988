//! What keys do in the log.

use jiff::SignedDuration;

use crate::app::App;
use crate::app::event::Effect;
use crate::dialogs::{Dialog, Purpose, Scroll};
use crate::keymap::action::Action;
use crate::panes::Pane;
use crate::panes::logs::buffer::LogMode;
use crate::panes::logs::filter::{LineFilter, OnlySource};
use crate::panes::logs::moment::moment;
use crate::panes::search::Search;
use sopwatch_core::diagnose::steps::Check;
use sopwatch_core::observe::observation::PodUid;
use sopwatch_core::profile::sop::StepStatus;
use sopwatch_core::text::SafeText;

impl App {
    /// Does what a key of the log asks for.
    pub(crate) fn act_on_log(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::CycleLogMode => self.show_view(self.logs.buffer.mode.next()),
            Action::LeaderLines => self.show_view(LogMode::Leader),
            Action::ErrorLines => self.show_view(LogMode::Errors),
            Action::AllLines => self.show_view(LogMode::All),
            Action::Hide => self.ask_what_to_hide(),
            Action::NextLevel => self.logs.buffer.next_level(),
            Action::PickLog => self.ask_for_log_source(),
            Action::Unfold => self.logs.buffer.toggle_folding(),
            Action::JumpToTime => self.prompt(Purpose::Time, ""),
            Action::JumpToBeginning => self.go_to_beginning(),
            Action::SaveLines => return self.save_lines(),
            Action::PageLines => return self.page_lines(),
            Action::Pause => self.pause(),
            Action::Wrap => self.logs.buffer.wrap = !self.logs.buffer.wrap,
            Action::ClearFilter => self.clear_filter(),
            _ => {}
        }
        Vec::new()
    }

    pub(crate) fn pause(&mut self) {
        if self.logs.buffer.is_held() {
            self.logs.buffer.release();
        } else {
            self.logs.buffer.hold();
        }
    }

    /// Shows another view; from here on it is the operator's choice.
    pub(crate) fn show_view(&mut self, mode: LogMode) {
        self.logs.view_is_chosen = true;
        self.logs.buffer.set_mode(mode);
    }

    /// Shows the errors where they are what fails, or all that the logs say, until the operator chooses a view. It stays once it is shown: a view that comes and
    /// goes can't be read.
    pub(crate) fn follow_findings(&mut self) {
        if self.logs.view_is_chosen || self.logs.buffer.mode == LogMode::Errors || self.logs.buffer.is_held()
        {
            return;
        }
        let fails = |check: fn(&Check) -> bool| {
            let steps = self.steps();
            let mut found = self.diagnosis.steps.iter().zip(steps);
            found.any(|(finding, (_, step))| finding.status == StepStatus::Fail && check(&step.check))
        };
        let errors_fail = fails(|check| matches!(check, Check::LogErrors(_)))
            && !fails(|check| matches!(check, Check::Leader(_)));
        // A pod that dies at its start says why, and nothing of leaders.
        let says_nothing = super::all_are_read(self) && self.logs.buffer.has_errors_instead();
        if errors_fail || says_nothing {
            self.logs.buffer.set_mode(LogMode::Errors);
        }
    }

    pub(crate) fn ask_for_filter(&mut self) {
        let before = typed(self.logs.buffer.filter.as_ref());
        self.prompt(
            Purpose::Filter {
                before: before.clone(),
            },
            &before,
        );
    }

    pub(crate) fn ask_what_to_hide(&mut self) {
        let before = typed(self.logs.buffer.hidden.as_ref());
        self.prompt(
            Purpose::Hide {
                before: before.clone(),
            },
            &before,
        );
    }

    /// Puts a typed filter in force, none for nothing; what is wrong with it. One that is wrong leaves the last that was not.
    pub(crate) fn apply_filter(&mut self, text: &str, hides: bool) -> Result<(), String> {
        let filter = match text {
            "" => None,
            text => Some(LineFilter::new(text)?),
        };
        if hides {
            self.logs.buffer.set_hidden(filter);
        } else {
            self.logs.buffer.set_filter(filter);
        }
        Ok(())
    }

    /// Ends the filters, the level, the choice of one pod, and the search.
    pub(crate) fn clear_filter(&mut self) {
        self.logs.buffer.widen();
        self.panes.search = None;
    }

    /// Goes to the line nearest to a moment.
    pub(crate) fn jump_to_time(&mut self, text: &str) -> Result<(), String> {
        let at = moment(text, self.clock.now)?;
        self.go_to_moment(at);
        Ok(())
    }

    /// Goes to where the trouble began: to the first of the errors that are known, else to when the incident was opened.
    pub(crate) fn go_to_beginning(&mut self) {
        let now = self.clock.now;
        let began = self.state.began_at.unwrap_or(now);
        let since = began.checked_sub(SignedDuration::from_mins(30)).unwrap_or(began);
        let errors = self.state.errors.summaries(since);
        let first = errors.iter().map(|summary| summary.first_at).min();
        self.go_to_moment(first.unwrap_or(began).min(began));
    }

    fn go_to_moment(&mut self, at: jiff::Timestamp) {
        self.panes.focus = Pane::Logs;
        let Some(place) = self.logs.buffer.place_at(at) else {
            return self.complain("no line is shown, so there is none to go to");
        };
        self.logs.buffer.go_to(place);
        let clock = |at: jiff::Timestamp| at.strftime("%H:%M:%S").to_string();
        let near = SignedDuration::from_secs(1);
        let words = match self.logs.buffer.chosen_entry() {
            Some(entry) if entry.distance(at) > near => {
                let (first, last) = (entry.first_at.min(entry.record.at), entry.record.at);
                let nearest = if at < first { first } else { last };
                format!("{} UTC: the nearest line is of {}", clock(at), clock(nearest))
            }
            Some(entry) if entry.record.at.duration_since(at).abs() > near => format!(
                "{} UTC: in a row of {} similar lines, {} to {}",
                clock(at),
                entry.repeats,
                clock(entry.first_at),
                clock(entry.record.at)
            ),
            _ => format!("{} UTC", clock(at)),
        };
        self.say(&words);
    }

    /// Saves the lines that show.
    pub(crate) fn save_lines(&mut self) -> Vec<Effect> {
        if self.logs.buffer.shown().is_empty() {
            self.complain("no line is shown, so there is nothing to save");
            return Vec::new();
        }
        vec![Effect::SaveLines(self.shown_lines())]
    }

    /// Opens the lines that show in the operator's pager.
    pub(crate) fn page_lines(&mut self) -> Vec<Effect> {
        vec![Effect::Page(self.shown_lines())]
    }

    /// Opens the selected entry whole.
    pub(crate) fn open_line(&mut self) {
        let entry = self.logs.buffer.chosen_entry().cloned();
        let scroll = Scroll::default();
        self.dialogs
            .extend(entry.map(|entry| Dialog::Record { entry, scroll }));
    }

    /// The selected entry as it was written, for a copy.
    pub(crate) fn selected_line(&self) -> Option<SafeText> {
        let entry = self.logs.buffer.chosen_entry();
        entry.map(|entry| (&entry.record.text).into())
    }

    /// The places of the entries that match in their text or in the name of their pod.
    pub(crate) fn matching_lines(&self, search: &Search) -> Vec<usize> {
        let entries = self.logs.buffer.shown().iter().enumerate();
        let found = entries
            .filter(|(_, entry)| entry.shows(|text| search.is_in(text)) || search.is_in(&entry.source.pod));
        found.map(|(place, _)| place).collect()
    }

    /// Shows this pod's log alone.
    pub(crate) fn show_log_of(&mut self, uid: &PodUid) {
        let pod = self.state.pods.get(uid);
        let Some(only) = pod.map(|pod| OnlySource::pod(pod.uid.clone(), pod.name.clone())) else {
            return self.complain("this pod is gone");
        };
        self.logs.buffer.set_only(Some(only));
        self.panes.focus = Pane::Logs;
    }
}

/// A filter as it was typed; nothing for none.
fn typed(filter: Option<&LineFilter>) -> String {
    filter.map_or(String::new(), |filter| filter.as_str().to_owned())
}
