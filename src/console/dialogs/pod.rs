//! The page of a pod: its containers, conditions and events.

use jiff::Timestamp;

use crate::app::App;
use crate::dialogs::dialog_text::{DialogText, Tone};
use sopwatch_core::observe::observation::{Container, ContainerState, Ended, Pod, PodUid};
use sopwatch_core::text::{counted, duration};

impl App {
    /// The pod of this uid, or that it is gone.
    pub(super) fn pod_page(&self, uid: &PodUid) -> DialogText {
        let Some(pod) = self.state.pods.get(uid) else {
            return gone_page();
        };
        let mut page = DialogText::titled(format!("Pod {}", pod.name));
        let node = pod.node.as_deref().unwrap_or("no node yet");
        page.add(
            Tone::Heading,
            format!(
                "{}  {}/{} ready  {}  on {node}",
                pod.status,
                pod.ready,
                pod.total,
                counted(pod.restarts, "restart", "restarts")
            ),
        );
        page.add(Tone::Faint, format!("uid {}", pod.uid.0));
        if let Some((kind, name)) = &pod.owner {
            page.add(Tone::Faint, format!("owned by {kind} {name}"));
        }
        if !pod.message.is_empty() {
            page.add(Tone::Bad, pod.message.as_str());
        }
        page.section("Containers");
        pod.containers
            .iter()
            .for_each(|container| add_container(&mut page, container, self.clock.now));
        page.section("Conditions");
        for condition in &pod.conditions {
            let tone = if &*condition.status == "True" {
                Tone::Plain
            } else {
                Tone::Doubtful
            };
            let why = [&*condition.reason, &*condition.message].join(" ");
            page.add(
                tone,
                format!("{:<18} {:<8} {}", condition.kind, condition.status, why.trim()),
            );
        }
        page.section("Events");
        self.add_events(&mut page, pod);
        page
    }

    fn add_events(&self, page: &mut DialogText, pod: &Pod) {
        let mut events: Vec<_> = self
            .state
            .cluster_events
            .values()
            .filter(|event| event.object_name == pod.name)
            .collect();
        events.sort_by_key(|event| std::cmp::Reverse(event.last_at));
        if events.is_empty() {
            page.add(Tone::Faint, "none seen (events expire after a few hours)");
        }
        for event in events.iter().take(50) {
            let tone = if event.warning { Tone::Bad } else { Tone::Plain };
            let ago = event.last_at.map_or_else(String::new, |at| {
                duration::brief(self.clock.now.duration_since(at))
            });
            page.add(
                tone,
                format!("{ago:>6}  {} ×{}  {}", event.reason, event.count, event.message),
            );
        }
    }
}

fn gone_page() -> DialogText {
    let mut page = DialogText::titled("Pod");
    page.add(
        Tone::Doubtful,
        "this pod is gone; its last lines are still in the log",
    );
    page
}

fn add_container(page: &mut DialogText, container: &Container, now: Timestamp) {
    let kind = if container.init { "init " } else { "" };
    let (tone, state) = match &container.state {
        ContainerState::Running { since } => {
            let since = since.map_or_else(String::new, |since| {
                format!(" for {}", duration::brief(now.duration_since(since)))
            });
            let ready = if container.ready { "" } else { ", not ready" };
            (
                if container.ready {
                    Tone::Good
                } else {
                    Tone::Doubtful
                },
                format!("running{since}{ready}"),
            )
        }
        ContainerState::Waiting { reason, message } => (Tone::Bad, format!("waiting: {reason} {message}")),
        ContainerState::Terminated(ended) if ended.exit_code == 0 => (Tone::Plain, ended_words(ended, now)),
        ContainerState::Terminated(ended) => (Tone::Bad, ended_words(ended, now)),
    };
    page.add(tone, format!("{kind}{}: {}", container.name, state.trim_end()));
    page.add(
        Tone::Faint,
        format!(
            "  image {}, {}",
            container.image,
            counted(container.restarts, "restart", "restarts")
        ),
    );
    if let Some(last) = &container.last {
        page.add(Tone::Doubtful, format!("  previous: {}", ended_words(last, now)));
    }
}

fn ended_words(ended: &Ended, now: Timestamp) -> String {
    let ago = ended.finished_at.map_or_else(String::new, |at| {
        format!(", {} ago", duration::brief(now.duration_since(at)))
    });
    format!(
        "ended {} with exit code {}{ago} {}",
        ended.reason, ended.exit_code, ended.message
    )
    .trim_end()
    .to_owned()
}
