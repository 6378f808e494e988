//! The page of a step: what was found, what to check, and how to handle it.

use crate::app::App;
use crate::dialogs::dialog_text::{DialogText, Tone};
use crate::panes::leaders;
use sopwatch_core::diagnose::StepFinding;
use sopwatch_core::diagnose::steps::Check;
use sopwatch_core::profile::dashboard_links::IncidentTime;
use sopwatch_core::profile::sop::{Step, StepStatus};
use sopwatch_core::profile::sop_gaps::{gaps_of_sop, gaps_of_step};
use sopwatch_core::profile::sop_text::link_lines;
use sopwatch_core::text::duration;

/// The source of a step that only a person can answer.
const OPERATOR: &str = "operator";

impl App {
    pub(super) fn step_page(&self, index: usize) -> DialogText {
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

/// A step's answer as a word.
pub(crate) fn status_word(status: StepStatus) -> &'static str {
    match status {
        StepStatus::Pass => "PASS",
        StepStatus::Fail => "FAIL",
        StepStatus::Unknown => "UNKNOWN",
        StepStatus::Stale => "STALE",
        StepStatus::Waiting => "WAITING",
        StepStatus::Manual => "MANUAL",
    }
}
