//! The panes: a pane is one module, with its state, its keys, its texts and its drawing. Here is which has the focus, and what is chosen in each.

pub mod database;
pub(crate) mod errors_over_time;
pub(crate) mod keys;
pub mod leaders;
pub mod logs;
pub mod pods;
pub mod search;
pub mod sop;

use self::search::Search;

/// One of the four panes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pane {
    /// The service's pods.
    Pods,
    /// Their logs.
    #[default]
    Logs,
    /// The database by status.
    Database,
    /// The chosen SOP.
    Sop,
}

impl Pane {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Pods, Self::Logs, Self::Database, Self::Sop];

    /// Its name on the screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Pods => "Pods",
            Self::Logs => "Logs",
            Self::Database => "Database",
            Self::Sop => "SOP",
        }
    }

    /// The number that focuses it.
    pub fn number(self) -> usize {
        self as usize + 1
    }

    fn stepped(self, by: usize) -> Self {
        Self::ALL[(self as usize + by) % Self::ALL.len()]
    }

    /// The one after it.
    pub fn next(self) -> Self {
        self.stepped(1)
    }

    /// The one before it.
    pub fn previous(self) -> Self {
        self.stepped(Self::ALL.len() - 1)
    }
}

/// Focus, zoom and the chosen row of each list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Panes {
    /// The pane that keys go to.
    pub focus: Pane,
    /// Whether it has the whole screen.
    pub zoomed: bool,
    /// Chosen row of the pods.
    pub pod: usize,
    /// Chosen row of the database.
    pub status: usize,
    /// Chosen step.
    pub step: usize,
    /// What is searched for in every pane.
    pub search: Option<Search>,
    /// Columns and rows of the frame that was drawn last.
    pub(crate) size: Option<(u16, u16)>,
}

impl Panes {
    /// The chosen row of a list; the log keeps its own place.
    pub fn row(&mut self, pane: Pane) -> Option<&mut usize> {
        match pane {
            Pane::Pods => Some(&mut self.pod),
            Pane::Database => Some(&mut self.status),
            Pane::Sop => Some(&mut self.step),
            Pane::Logs => None,
        }
    }
}
