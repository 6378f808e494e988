//! What keys do with the selected pod.

use crate::app::App;
use crate::dialogs::{Dialog, Scroll};
use crate::panes::Pane;
use crate::panes::logs::filter::OnlySource;
use sopwatch_core::observe::observation::{Pod, PodUid};
use sopwatch_core::text::SafeText;

impl App {
    fn selected_pod(&self) -> Option<&Pod> {
        self.pods().into_iter().nth(self.panes.pod)
    }

    /// The selected pod's name, for a copy.
    pub(crate) fn selected_pod_name(&self) -> Option<SafeText> {
        self.selected_pod().map(|pod| pod.name.clone())
    }

    /// What the rows say, for a search.
    pub(crate) fn pod_texts(&self) -> Vec<String> {
        let pods = self.pods().into_iter();
        pods.map(|pod| format!("{} {}", pod.name, pod.status)).collect()
    }

    pub(crate) fn open_pod(&mut self) {
        let uid = self.selected_pod().map(|pod| pod.uid.clone());
        let scroll = Scroll::default();
        self.dialogs.extend(uid.map(|uid| Dialog::Pod { uid, scroll }));
    }

    /// Goes to a pod and opens it.
    pub(crate) fn go_to_pod(&mut self, uid: &PodUid) {
        let place = self.pods().iter().position(|pod| pod.uid == *uid);
        match place {
            Some(place) => {
                (self.panes.focus, self.panes.pod) = (Pane::Pods, place);
                self.open_pod();
            }
            None => self.complain("this pod is gone"),
        }
    }

    /// Shows the selected pod's log alone; the second time every pod's.
    pub(crate) fn logs_of_pod(&mut self) {
        let pod = self.selected_pod();
        let Some(only) = pod.map(|pod| OnlySource::pod(pod.uid.clone(), pod.name.clone())) else {
            return;
        };
        let chosen = self.logs.buffer.only.as_ref() != Some(&only);
        self.logs.buffer.set_only(chosen.then_some(only));
    }
}
