//! What keys do with the selected step.

use crate::app::App;
use crate::app::event::Effect;
use crate::dialogs::step::status_word;
use crate::dialogs::{Dialog, Purpose, Scroll};
use sopwatch_core::record::Entry;
use sopwatch_core::safe;
use sopwatch_core::text::SafeText;

impl App {
    /// The selected step with its answer and evidence, for a copy.
    pub(crate) fn selected_step_words(&self) -> Option<SafeText> {
        let steps = self.steps();
        let (_, step) = steps.get(self.panes.step)?;
        let Some(finding) = self.diagnosis.steps.get(self.panes.step) else {
            return Some((&step.title).into());
        };
        let value = if finding.value.is_empty() {
            String::new()
        } else {
            format!(", {}", finding.value)
        };
        let status = status_word(finding.status).to_lowercase();
        let evidence = finding.evidence.iter().map(|line| format!("\n  {line}"));
        Some(safe!(
            "{}: {status}{value}{}",
            step.title,
            evidence.collect::<String>()
        ))
    }

    /// What the rows say, for a search.
    pub(crate) fn step_texts(&self) -> Vec<String> {
        let rows = self.steps().into_iter().enumerate();
        rows.map(|(index, (_, step))| {
            let finding = self.diagnosis.steps.get(index);
            let value = finding.map_or("", |finding| finding.value.as_str());
            format!("{} {value}", step.title)
        })
        .collect()
    }

    pub(crate) fn open_step(&mut self) {
        self.dialogs.push(Dialog::Step {
            index: self.panes.step,
            scroll: Scroll::default(),
        });
    }

    /// Ticks the selected step, with a note; the second time takes the tick back.
    pub(crate) fn tick(&mut self) -> Vec<Effect> {
        let Some(finding) = self.diagnosis.steps.get(self.panes.step) else {
            return Vec::new();
        };
        let step = finding.id.clone();
        if !self.selected_step_is_manual() {
            self.complain("automatic step: only manual steps can be ticked");
        } else if self.checklist.ticks.remove(&step).is_none() {
            self.prompt(Purpose::Note { step }, "");
        } else {
            return vec![Effect::Record(Entry::Unticked { step })];
        }
        Vec::new()
    }
}
