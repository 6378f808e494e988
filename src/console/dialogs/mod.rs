//! What lies over the panes.

#[cfg(test)]
mod alert_choice_tests;
pub(crate) mod answer_drawing;
pub mod button;
mod charts;
pub(crate) mod confirmation;
#[cfg(test)]
pub(crate) mod confirmation_screen_tests;
pub mod dialog_text;
pub(crate) mod drawing;
pub(crate) mod hand_off;
#[cfg(test)]
pub(crate) mod hand_off_screen_tests;
mod help;
pub(crate) mod incident;
pub(crate) mod keys;
mod log_line;
mod metrics;
mod pod;
pub(crate) mod rows;
pub mod scenario_choice;
pub(crate) mod sop_choice;
#[cfg(test)]
pub(crate) mod sop_choice_screen_tests;
mod sources;
pub(crate) mod step;
pub mod vitals;
pub(crate) mod why;

use std::sync::Arc;

use jiff::Timestamp;
use tui_input::Input;

use crate::dialogs::button::Button;
use crate::dialogs::confirmation::Confirm;
use crate::panes::logs::buffer::Entry;
use sopwatch_core::observe::observation::{PodUid, RowsOf};
use sopwatch_core::text::SafeText;

/// A dialog. They lie on a stack: the topmost takes the keys.
#[derive(Clone, Debug)]
pub enum Dialog {
    /// All keys.
    Help(Scroll),
    /// Every source, how it is, and what we may do.
    Sources(Scroll),
    /// Every rule of the decision table.
    Why(Scroll),
    /// The text for a contact.
    HandOff {
        /// Its place among the profile's contacts.
        contact: usize,
        /// How far down.
        scroll: Scroll,
    },
    /// Choose the team a hand-off is for.
    Contacts {
        /// Chosen row.
        chosen: usize,
    },
    /// How the service does.
    Vitals(Scroll),
    /// This incident.
    Incident(Scroll),
    /// Something is to be done: shall it be?
    Confirm(Box<Confirm>),
    /// Shall what is being carried out stop after this pod?
    Stop(Button),
    /// Shall this scenario of a drill be left for another?
    NextScenario {
        /// The other's id.
        id: String,
        /// The button with the focus.
        button: Button,
    },
    /// An incident is open: shall this console go on with it?
    ResumePrompt(Box<ResumePrompt>),
    /// Choose an SOP.
    Sops {
        /// Chosen row.
        chosen: usize,
    },
    /// Choose the pod or container whose log shows.
    LogSources {
        /// Chosen row.
        chosen: usize,
    },
    /// What the operator would do; noted when it was chosen and confirmed.
    Answer {
        /// Chosen row.
        chosen: usize,
        /// Whether it was chosen once: the next time it counts.
        sure: bool,
    },
    /// The hints that were asked for.
    Hints(Scroll),
    /// What was right and what was missed.
    Debriefing(Scroll),
    /// Where a replay is not as recorded.
    Mismatches(Scroll),
    /// A step: what to look at.
    Step {
        /// Its place in the SOP.
        index: usize,
        /// How far down.
        scroll: Scroll,
    },
    /// The rows behind a status.
    Rows {
        /// Which.
        of: RowsOf,
        /// How far down.
        scroll: Scroll,
    },
    /// A pod.
    Pod {
        /// Which.
        uid: PodUid,
        /// How far down.
        scroll: Scroll,
    },
    /// An entry of a log, whole.
    Record {
        /// Which.
        entry: Arc<Entry>,
        /// How far down.
        scroll: Scroll,
    },
    /// Find an action, an SOP, a pod, a log or a team by a part of its name.
    Palette {
        /// What was typed.
        input: Input,
        /// Chosen row.
        chosen: usize,
    },
    /// A line of text is asked for.
    Prompt {
        /// What for.
        purpose: Purpose,
        /// What was typed.
        input: Input,
        /// What is wrong with it.
        error: Option<String>,
    },
}

/// An incident that is open on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResumePrompt {
    /// The record's name.
    pub name: String,
    /// When it began.
    pub began_at: Timestamp,
    /// When it was last written to.
    pub last_at: Timestamp,
    /// Who wrote it last: `anna on bastion-1`.
    pub by: SafeText,
    /// The SOP's title.
    pub sop: String,
    /// How many commands are in it.
    pub actions: usize,
    /// The last of them that was done, or may have been: when, and what.
    pub last_change: Option<(Timestamp, SafeText)>,
    /// Why not all of it can be read, where it can't.
    pub broken: Option<SafeText>,
    /// Others that are open here, each with how many commands are in it.
    pub others: Vec<(String, usize)>,
}

/// How far down a dialog is scrolled, in rows. Drawing holds it within the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scroll(pub usize);

/// What a typed text is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The log's filter.
    Filter {
        /// The filter that was in force.
        before: String,
    },
    /// What the log leaves out.
    Hide {
        /// What it left out before.
        before: String,
    },
    /// The moment in the log to go to.
    Time,
    /// The search in every pane.
    Search,
    /// A note in the record.
    Remark,
    /// The note with which a step is ticked.
    Note {
        /// The step.
        step: String,
    },
}

impl Dialog {
    /// Whether one of its rows is to be chosen.
    pub fn is_choice(&self) -> bool {
        matches!(
            self,
            Self::Sops { .. } | Self::Contacts { .. } | Self::LogSources { .. } | Self::Answer { .. }
        )
    }

    /// Whether it waits for a decision, which no other key may make.
    pub fn is_question(&self) -> bool {
        matches!(
            self,
            Self::Confirm(_) | Self::Stop(_) | Self::NextScenario { .. } | Self::ResumePrompt(_)
        )
    }

    /// Whether keys are text.
    pub fn is_prompt(&self) -> bool {
        matches!(self, Self::Prompt { .. } | Self::Palette { .. })
    }

    /// The place that moves when one scrolls.
    pub fn place(&mut self) -> Option<&mut usize> {
        match self {
            Self::Help(scroll)
            | Self::Why(scroll)
            | Self::Vitals(scroll)
            | Self::Incident(scroll)
            | Self::Sources(scroll)
            | Self::Hints(scroll)
            | Self::Debriefing(scroll)
            | Self::Mismatches(scroll)
            | Self::HandOff { scroll, .. }
            | Self::Step { scroll, .. }
            | Self::Rows { scroll, .. }
            | Self::Pod { scroll, .. }
            | Self::Record { scroll, .. } => Some(&mut scroll.0),
            Self::Sops { chosen } | Self::Contacts { chosen } | Self::LogSources { chosen } => Some(chosen),
            Self::Answer { chosen, sure } => {
                *sure = false;
                Some(chosen)
            }
            Self::Confirm(confirm) => Some(&mut confirm.scroll.0),
            Self::Prompt { .. }
            | Self::Palette { .. }
            | Self::Stop(_)
            | Self::NextScenario { .. }
            | Self::ResumePrompt(_) => None,
        }
    }
}
