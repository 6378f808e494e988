//! What keys do in the log.

use crate::app::App;
use crate::dialogs::{Dialog, Purpose, Scroll};
use crate::panes::Pane;
use crate::panes::search::Search;
use sopwatch_core::observe::observation::PodUid;
use sopwatch_core::text::SafeText;

impl App {
    pub(crate) fn pause(&mut self) {
        if self.logs.buffer.is_held() {
            self.logs.buffer.release();
        } else {
            self.logs.buffer.hold();
        }
    }

    pub(crate) fn ask_for_filter(&mut self) {
        let filter = self.logs.buffer.filter.as_ref();
        let filter = filter.map_or(String::new(), |filter| filter.as_str().to_owned());
        self.prompt(Purpose::Filter, &filter);
    }

    /// Ends the filter, the choice of one pod, and the search.
    pub(crate) fn clear_filter(&mut self) {
        self.logs.buffer.set_pod(None);
        self.logs.buffer.set_filter(None);
        self.panes.search = None;
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
        let found =
            entries.filter(|(_, entry)| search.is_in(&entry.record.text) || search.is_in(&entry.source.pod));
        found.map(|(place, _)| place).collect()
    }

    /// Shows this pod's log alone.
    pub(crate) fn show_log_of(&mut self, uid: &PodUid) {
        let pod = self.state.pods.get(uid);
        let Some(pod) = pod.map(|pod| (pod.uid.clone(), pod.name.clone())) else {
            return self.complain("this pod is gone");
        };
        self.logs.buffer.set_pod(Some(pod));
        self.panes.focus = Pane::Logs;
    }
}
