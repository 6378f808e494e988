//! What a dialog says, as plain paragraphs: drawn by the view, copied as they are.

use crate::app::App;
use crate::dialogs::Dialog;
use crate::training::hints_page;
use sopwatch_core::text::SafeText;

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
            Dialog::Pod { uid, .. } => Some(self.pod_page(uid)),
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
}
