//! The choice of one pod or container inside the pane.

use std::collections::BTreeSet;

use crate::app::App;
use crate::dialogs::Dialog;
use crate::panes::Pane;
use crate::panes::logs::filter::OnlySource;
use sopwatch_core::logparse::ContainerKey;
use sopwatch_core::observe::observation::short_name;
use sopwatch_core::text::counted;

/// One row of the choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SourceChoice {
    /// What shows then; `None` for all.
    pub(crate) only: Option<OnlySource>,
    /// `every pod`, `qd74q`, `qd74q/envoy`.
    pub(crate) title: String,
    /// What there is of it.
    pub(crate) about: String,
}

impl App {
    /// Everything, each pod, and each container of a pod that has several.
    pub(crate) fn log_sources(&self) -> Vec<SourceChoice> {
        let known: BTreeSet<&ContainerKey> = self.state.logs.keys().collect();
        let pods: BTreeSet<_> = known.iter().map(|key| (&key.pod, &key.pod_uid)).collect();
        let mut choices = vec![SourceChoice {
            only: None,
            title: "every pod".to_owned(),
            about: counted(pods.len(), "pod with a log", "pods with a log").to_string(),
        }];
        for (pod, uid) in pods {
            let logs = known.iter().filter(|key| key.pod_uid == *uid);
            let containers: BTreeSet<_> = logs.clone().map(|key| &key.container).collect();
            let gone = if self.state.pods.contains_key(uid) {
                ""
            } else {
                "pod is gone"
            };
            choices.push(SourceChoice {
                only: Some(OnlySource::pod(uid.clone(), pod.clone())),
                title: short_name(pod).to_owned(),
                about: gone.to_owned(),
            });
            for container in containers.iter().filter(|_| containers.len() > 1) {
                let instances = logs.clone().filter(|key| key.container == **container);
                choices.push(SourceChoice {
                    only: Some(OnlySource {
                        pod_uid: uid.clone(),
                        pod: pod.clone(),
                        container: Some((*container).clone()),
                    }),
                    title: format!("{}/{container}", short_name(pod)),
                    about: match instances.count() {
                        1 => String::new(),
                        count => {
                            let earlier = counted(count - 1, "earlier container", "earlier containers");
                            format!("{earlier} too")
                        }
                    },
                });
            }
        }
        choices
    }

    /// Asks which pod or container to show.
    pub(crate) fn ask_for_log_source(&mut self) {
        let only = &self.logs.buffer.only;
        let chosen = self.log_sources().iter().position(|choice| choice.only == *only);
        self.dialogs.push(Dialog::LogSources {
            chosen: chosen.unwrap_or(0),
        });
    }

    /// Shows the chosen one.
    pub(crate) fn choose_log_source(&mut self, place: usize) {
        self.dialogs.pop();
        if let Some(choice) = self.log_sources().into_iter().nth(place) {
            self.logs.buffer.set_only(choice.only);
            self.panes.focus = Pane::Logs;
        }
    }
}
