//! What a dialog says, as plain paragraphs: drawn by the view, copied as they are.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::app::App;
use crate::dialogs::Dialog;
use crate::keymap::Key;
use crate::keymap::action::{Context, Row as KeyRow};
use crate::panes::leaders;
use crate::panes::logs::buffer::Entry;
use crate::panes::logs::log_row;
use crate::training::hints_page;
use sopwatch_core::diagnose::StepFinding;
use sopwatch_core::diagnose::steps::Check;
use sopwatch_core::logparse::whole_lines;
use sopwatch_core::observe::observation::{Access, Container, ContainerState, Ended, Pod};
use sopwatch_core::observe::source::{Freshness, Source, SourceId, SourceState};
use sopwatch_core::profile::dashboard_links::IncidentTime;
use sopwatch_core::profile::sop::Step;
use sopwatch_core::profile::sop_gaps::{gaps_of_sop, gaps_of_step};
use sopwatch_core::profile::sop_text::link_lines;
use sopwatch_core::text::{SafeText, duration};

/// The source of a step that only a person can answer.
const OPERATOR: &str = "operator";

/// What kind of line it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Opens a section.
    Heading,
    /// Text to be wrapped.
    Plain,
    /// A command or a table: kept as it is.
    Code,
    /// Something that works.
    Good,
    /// Something that is wrong.
    Bad,
    /// Something unknown or to be careful with.
    Doubtful,
    /// Of less weight.
    Faint,
}

/// One line of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageLine {
    /// What kind.
    pub tone: Tone,
    /// The words.
    pub text: SafeText,
}

/// A titled text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DialogText {
    /// For the frame.
    pub title: SafeText,
    /// From top to bottom.
    pub lines: Vec<PageLine>,
}

impl DialogText {
    pub(crate) fn titled(title: impl Into<SafeText>) -> Self {
        Self {
            title: title.into(),
            lines: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, tone: Tone, text: impl Into<SafeText>) {
        self.lines.push(PageLine {
            tone,
            text: text.into(),
        });
    }

    pub(crate) fn section(&mut self, heading: &str) {
        if !self.lines.is_empty() {
            self.add(Tone::Plain, "");
        }
        self.add(Tone::Heading, heading);
    }

    /// The words alone, for a copy.
    pub fn text(&self) -> SafeText {
        let lines = self.lines.iter().map(|line| line.text.as_str());
        let all: Vec<_> = std::iter::once(self.title.as_str()).chain(lines).collect();
        all.join("\n").into()
    }
}

impl App {
    /// What the topmost dialog says; `None` for a choice or a prompt.
    pub fn page(&self) -> Option<DialogText> {
        match self.dialog()? {
            Dialog::Help(_) => Some(self.help_page()),
            Dialog::Sources(_) => Some(self.sources_page()),
            Dialog::Hints(_) => self.attempt.as_ref().map(|attempt| hints_page(attempt)),
            Dialog::Debriefing(_) => self.debriefing(),
            Dialog::Mismatches(_) => Some(self.differences_page()),
            Dialog::Step { index, .. } => Some(self.step_page(*index)),
            Dialog::Rows { of, .. } => Some(self.rows_page(of)),
            Dialog::Pod { uid, .. } => Some(match self.state.pods.get(uid) {
                Some(pod) => self.pod_page(pod),
                None => gone_page(),
            }),
            Dialog::Record { entry, .. } => Some(self.line_page(entry)),
            Dialog::Why(_) => Some(self.why_page()),
            Dialog::Vitals(_) => Some(self.vitals_page()),
            Dialog::Incident(_) => Some(self.incident_page()),
            Dialog::Confirm(confirm) => Some(self.confirm_page(confirm)),
            Dialog::Stop(button) => Some(self.stop_page(*button)),
            Dialog::NextScenario { id, button } => Some(self.next_scenario_page(id, *button)),
            Dialog::ResumePrompt(offer) => Some(self.offer_page(offer)),
            Dialog::HandOff { contact, .. } => Some(self.hand_off_page(*contact)),
            Dialog::Sops { .. }
            | Dialog::Contacts { .. }
            | Dialog::LogSources { .. }
            | Dialog::Answer { .. }
            | Dialog::Palette { .. }
            | Dialog::Prompt { .. } => None,
        }
    }

    pub(crate) fn dialog_text(&self) -> Option<SafeText> {
        if let Some(Dialog::HandOff { contact, .. }) = self.dialog() {
            return self.hand_off_text(*contact);
        }
        self.page().map(|page| page.text())
    }

    fn help_page(&self) -> DialogText {
        let mut page = DialogText::titled("Keys");
        let mut last = None;
        let here = |row: &KeyRow| match row.context {
            Context::Drill => self.attempt.is_some(),
            Context::Replay => self.player.is_some(),
            _ => true,
        };
        let mut rows: Vec<_> = self.keymap.rows().filter(|(row, _)| here(row)).collect();
        // The focused pane's keys first, then a replay's, which are new to most.
        let focused = Context::In(self.panes.focus);
        rows.sort_by_key(|(row, _)| {
            let first = [focused, Context::Replay];
            let place = first.iter().position(|context| *context == row.context);
            (place.unwrap_or(first.len()), row.context)
        });
        for (row, keys) in rows {
            if last != Some(row.context) {
                page.section(row.context.title());
                last = Some(row.context);
            }
            let keys = keys.iter().map(Key::to_string).collect::<Vec<_>>().join(" ");
            page.add(Tone::Code, format!("{keys:<18} {}", row.help));
        }
        page
    }

    fn sources_page(&self) -> DialogText {
        let mut page = DialogText::titled("Sources");
        page.section("Sources");
        let ended = |(id, source): &(&SourceId, &Source)| {
            matches!(id, SourceId::Log(_)) && source.state == SourceState::Ended
        };
        let over = self.state.sources().filter(ended).count();
        let resting = |source: &Source| source.state == SourceState::Resting;
        let shown = self
            .state
            .sources()
            .filter(|source| !ended(source) && !resting(source.1));
        for (id, source) in shown {
            let (tone, text) = source_words(source, self.state.freshness(id, self.clock.now), self.clock.now);
            page.add(tone, format!("{:<34} {text}", self.state.source_name(id)));
            if let Some(advice) = source.problem().and_then(|problem| problem.advice.as_ref()) {
                page.add(Tone::Plain, format!("  → {advice}"));
            }
        }
        let in_turns = self.state.logs_read().in_turns;
        let heard = self.state.sources().filter(|(_, source)| resting(source));
        if let Some(oldest) = heard.filter_map(|(_, source)| source.heard_at).min() {
            let age = duration::brief(
                self.clock
                    .now
                    .duration_since(oldest)
                    .max(jiff::SignedDuration::ZERO),
            );
            let text = format!("and {in_turns} logs read in turns, the oldest {age} ago");
            page.add(Tone::Doubtful, text);
        }
        if over > 0 {
            page.add(
                Tone::Faint,
                format!("and {over} logs of finished containers (complete)"),
            );
        }
        if let Some(database) = &self.state.database {
            page.section("Database session");
            let place = format!(
                "{}@{}:{}/{}",
                database.user, database.host, database.port, database.database
            );
            page.add(
                Tone::Plain,
                format!(
                    "{place}, read-only, TLS {}, server {}",
                    database.tls, database.version
                ),
            );
            let reading = self.state.reading.as_ref();
            if let Some(standby) = reading.and_then(|(_, reading)| reading.standby.as_ref()) {
                let (tone, end) = if standby.is_current() {
                    (Tone::Plain, "")
                } else {
                    (Tone::Bad, ": its leases and ages may be out of date")
                };
                page.add(tone, format!("this server is {}{end}", standby.words()));
            }
            page.add(Tone::Faint, format!("credentials from {}", database.origin));
        }
        if !self.session.drill_shell_hints.is_empty() {
            page.section("The drill from another terminal");
            self.session
                .drill_shell_hints
                .iter()
                .for_each(|line| page.add(Tone::Code, line.as_str()));
        }
        page.section("Your permissions");
        if self.state.access.is_empty() {
            page.add(Tone::Doubtful, "not checked yet");
        }
        for access in &self.state.access {
            let (tone, word) = access_words(access);
            page.add(tone, format!("{word:<8} {}", permission_name(access)));
        }
        page
    }

    fn step_page(&self, index: usize) -> DialogText {
        let steps = self.steps();
        let Some((id, step)) = steps.get(index) else {
            let mut page = DialogText::titled("Step");
            page.add(
                Tone::Plain,
                "This step is gone: the other steps show everything that was found.",
            );
            return page;
        };
        let mut page = DialogText::titled(format!("Step {}  {}", index + 1, step.title));
        if let Some(finding) = self.diagnosis.steps.get(index) {
            let source = source_of_step(finding);
            page.add(
                Tone::Heading,
                format!("{}  {}", status_word(finding.status), finding.value),
            );
            if !finding.threshold.is_empty() {
                page.add(Tone::Plain, format!("expected: {}", finding.threshold));
            }
            page.add(Tone::Faint, format!("source: {source}"));
            finding
                .evidence
                .iter()
                .for_each(|line| page.add(Tone::Code, format!("  {line}")));
        }
        self.add_leaders_over_time(&mut page, step);
        if let Some(tick) = self.checklist.ticks.get(*id) {
            let ago = duration::brief(self.clock.now.duration_since(tick.at));
            page.add(
                Tone::Good,
                format!(
                    "ticked {ago} ago: {}",
                    if tick.note.is_empty() {
                        "no note"
                    } else {
                        &tick.note
                    }
                ),
            );
        }
        page.section("What to check");
        page.add(Tone::Plain, step.text.as_str());
        if !step.commands.is_empty() {
            page.section("Commands");
            step.commands
                .iter()
                .for_each(|command| page.add(Tone::Code, self.filled(command)));
        }
        self.add_links(&mut page, step);
        let environment = self.session.environment.as_ref();
        let gaps = gaps_of_step(&self.session.profile, step, environment);
        if !gaps.is_empty() {
            page.section("Caution");
            gaps.into_iter().for_each(|gap| page.add(Tone::Doubtful, gap));
        }
        self.add_handling(&mut page);
        page
    }

    /// For a step about a leader: who led over the last hour.
    fn add_leaders_over_time(&self, page: &mut DialogText, step: &Step) {
        let Check::Leader(check) = &step.check else { return };
        let mut readings = self.diagnosis.leaders.iter();
        if let Some(reading) = readings.find(|reading| reading.log_type == check.worker) {
            page.section("Leaders over the last hour");
            for line in leaders::long_strip(self, reading) {
                page.add(Tone::Code, format!("  {line}"));
            }
        }
    }

    fn add_links(&self, page: &mut DialogText, step: &Step) {
        let time = IncidentTime {
            began_at: self.incident_began(),
            until: self.clock.now,
        };
        let environment = self.session.environment.as_ref();
        let links = link_lines(&self.session.profile, step, environment, Some(time));
        if !links.is_empty() {
            page.section("Links");
            links.into_iter().for_each(|link| page.add(Tone::Code, link));
        }
    }

    fn add_handling(&self, page: &mut DialogText) {
        let Some(sop) = self.sop() else { return };
        let referred = sop
            .steps_from
            .as_deref()
            .and_then(|id| self.session.profile.sop(id));
        let handle = if sop.handle.is_empty() {
            referred.map(|sop| &sop.handle)
        } else {
            Some(&sop.handle)
        };
        let handle = handle
            .filter(|handle| !handle.is_empty())
            .unwrap_or(&self.session.profile.escalations);
        if handle.is_empty() {
            return;
        }
        page.section("How to handle");
        for rule in handle {
            page.add(Tone::Plain, format!("- {rule}"));
        }
        for gap in gaps_of_sop(&self.session.profile, sop) {
            page.add(Tone::Doubtful, format!("- Caution: {gap}"));
        }
    }

    /// A command of the SOP with this session's names in it.
    fn filled(&self, command: &str) -> String {
        let service = &self.session.profile.service;
        let database = self.session.profile.database.as_ref();
        let pod = self
            .pods()
            .get(self.panes.pod)
            .map_or("<pod>".to_owned(), |pod| pod.name.to_string());
        command
            .replace("{namespace}", &self.session.namespace)
            .replace("{deployment}", &service.deployment)
            .replace("{selector}", &service.selector)
            .replace("{container}", &service.container)
            .replace("{secret}", database.map_or("", |database| &database.secret.name))
            .replace("{database}", database.map_or("", |database| &database.name))
            .replace("{pod}", &pod)
    }

    /// An entry of a log, whole.
    fn line_page(&self, entry: &Entry) -> DialogText {
        let source = &entry.source;
        let mut page = DialogText::titled(format!("{} / {}", source.pod, source.container));
        let previous = if log_row::is_previous(self, source) {
            " (previous)"
        } else {
            ""
        };
        page.add(
            Tone::Faint,
            format!(
                "{}  container start {}{previous}",
                entry.record.at,
                source.restart + 1
            ),
        );
        if entry.repeats > 1 {
            page.add(
                Tone::Faint,
                format!(
                    "latest of {} equal lines, the first {}",
                    entry.repeats, entry.first_at
                ),
            );
            let others = entry.others.iter().map(|other| &*other.pod);
            let others: BTreeSet<_> = others.filter(|pod| *pod != &*source.pod).collect();
            if !others.is_empty() {
                let pods: Vec<_> = others.into_iter().collect();
                page.add(Tone::Faint, format!("also by {}", pods.join(", ")));
            }
        }
        let lines = whole_lines(&entry.record.text);
        lines.into_iter().for_each(|line| page.add(Tone::Plain, line));
        page
    }

    fn pod_page(&self, pod: &Pod) -> DialogText {
        let mut page = DialogText::titled(format!("Pod {}", pod.name));
        let node = pod.node.as_deref().unwrap_or("no node yet");
        page.add(
            Tone::Heading,
            format!(
                "{}  {}/{} ready  {} restarts  on {node}",
                pod.status, pod.ready, pod.total, pod.restarts
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

/// The source of a step's answer and its age; of a manual step whether the operator did it.
fn source_of_step(finding: &StepFinding) -> String {
    let name = if finding.source == OPERATOR {
        "you"
    } else {
        finding.source
    };
    match finding.age {
        Some(age) => format!("{name}, {} ago", duration::brief(age)),
        None if finding.source == OPERATOR => "you (not done yet)".to_owned(),
        None => format!("{name}, no data yet"),
    }
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
        format!("  image {}, {} restarts", container.image, container.restarts),
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

fn source_words(source: &Source, freshness: Freshness, now: Timestamp) -> (Tone, String) {
    let age = match freshness {
        Freshness::Missing => "no data yet".to_owned(),
        Freshness::Fresh(age) | Freshness::Stale(age) => format!("{} ago", duration::brief(age)),
    };
    match &source.state {
        SourceState::Connecting => (Tone::Doubtful, "connecting".to_owned()),
        SourceState::Live if matches!(freshness, Freshness::Stale(_)) => {
            (Tone::Doubtful, format!("stale, last data {age}"))
        }
        SourceState::Live => (Tone::Good, format!("live, {age}")),
        SourceState::Ended => (Tone::Plain, "ended".to_owned()),
        SourceState::Resting => (Tone::Plain, format!("read in turns, {age}")),
        SourceState::Off(reason) => (Tone::Faint, format!("off: {reason}")),
        SourceState::Failing { problem, attempt, .. } => {
            let retry = source
                .retry_at
                .map(|at| at.duration_since(now))
                .filter(jiff::SignedDuration::is_positive);
            let retry = retry.map_or_else(
                || "retrying now".to_owned(),
                |span| format!("retry in {}", duration::brief(span)),
            );
            (
                Tone::Bad,
                format!("{problem} (failed {attempt}×, {retry}, {age})"),
            )
        }
    }
}

fn access_words(access: &Access) -> (Tone, &'static str) {
    match access.allowed {
        Some(true) => (Tone::Good, "yes"),
        Some(false) if access.permission.is_optional() => (Tone::Doubtful, "no"),
        Some(false) => (Tone::Bad, "no"),
        None => (Tone::Doubtful, "unknown"),
    }
}

fn permission_name(access: &Access) -> String {
    let permission = &access.permission;
    let mut resource = permission.resource.to_string();
    // The metrics of pods are `pods`, too.
    if !matches!(&*permission.group, "" | "apps") {
        resource = format!("{resource}.{}", permission.group);
    }
    if !permission.subresource.is_empty() {
        resource = format!("{resource}/{}", permission.subresource);
    }
    let name = if permission.name.is_empty() {
        String::new()
    } else {
        format!(" {}", permission.name)
    };
    let missed = access.allowed == Some(false) && permission.is_optional();
    let optional = if missed { " (optional)" } else { "" };
    format!("{} {resource}{name}{optional}", permission.verb)
}

/// A step's answer as a word.
pub fn status_word(status: sopwatch_core::profile::sop::StepStatus) -> &'static str {
    use sopwatch_core::profile::sop::StepStatus;
    match status {
        StepStatus::Pass => "PASS",
        StepStatus::Fail => "FAIL",
        StepStatus::Unknown => "UNKNOWN",
        StepStatus::Stale => "STALE",
        StepStatus::Waiting => "WAITING",
        StepStatus::Manual => "MANUAL",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sopwatch_core::observe::observation::{Access, Permission};

    #[test]
    fn a_right_is_named_so_that_the_pods_and_their_metrics_are_told_apart() {
        for (group, subresource, name) in [
            ("", "", "list pods"),
            ("", "log", "list pods/log"),
            ("metrics.k8s.io", "", "list pods.metrics.k8s.io"),
        ] {
            let permission = Permission {
                verb: "list".into(),
                group: group.into(),
                resource: "pods".into(),
                subresource: subresource.into(),
                name: "".into(),
            };
            let access = Access {
                permission,
                allowed: None,
                reason: "".into(),
            };
            assert_eq!(permission_name(&access), name);
        }
    }

    #[test]
    fn a_right_that_nothing_hangs_on_is_said_to_be_optional() {
        for (resource, name) in [
            (
                "horizontalpodautoscalers",
                "list horizontalpodautoscalers (optional)",
            ),
            ("replicasets", "list replicasets (optional)"),
            ("pods", "list pods"),
        ] {
            let permission = Permission {
                verb: "list".into(),
                group: "".into(),
                resource: resource.into(),
                subresource: "".into(),
                name: "".into(),
            };
            let access = Access {
                permission,
                allowed: Some(false),
                reason: "".into(),
            };
            assert_eq!(permission_name(&access), name);
        }
    }
}
