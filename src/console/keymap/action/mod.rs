//! The verbs the operator can invoke: one row each, from which dispatch, footer, help and guide come.

pub(crate) mod replay;
pub(crate) mod rows;

use crate::panes::Pane;
use crate::replay::ReplayAction;

/// Where a verb applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    /// Everywhere but in a text field and in a dialog.
    Console,
    /// While this pane has the focus.
    In(Pane),
    /// In a drill that teaches something, where the console's keys work, and among its hints.
    Drill,
    /// In a replay, where the console's keys work, and on its pages.
    Replay,
    /// In a dialog.
    Dialog,
    /// In every place, text fields too.
    Always,
}

impl Context {
    /// Heading in the help.
    pub fn title(self) -> &'static str {
        match self {
            Self::Console => "Console",
            Self::In(pane) => pane.title(),
            Self::Drill => "Drill",
            Self::Replay => "Replay",
            Self::Dialog => "Dialogs",
            Self::Always => "Always",
        }
    }

    /// Whether one key can't mean two things in both. In a replay its own keys come first, and there is no drill.
    pub fn overlaps(self, other: Self) -> bool {
        use Context::{Always, Console, Drill, In, Replay};
        let replayed = self == Replay || other == Replay;
        self == other
            || matches!((self, other), (Always, _) | (_, Always))
            || !replayed
                && matches!(
                    (self, other),
                    (Drill, _) | (_, Drill) | (Console, In(_)) | (In(_), Console)
                )
    }
}

/// A verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(
    missing_docs,
    reason = "the table of actions says what each does, for the help and the guide"
)]
pub enum Action {
    Quit,
    ForceQuit,
    Suspend,
    Redraw,
    Help,
    /// Opens the decision: every rule and whether it holds.
    Why,
    /// Opens the text for another team.
    HandOff,
    NextContact,
    PreviousContact,
    Vitals,
    /// Applies the recommendation.
    Apply,
    RestartPod,
    RestartAll,
    /// Restarts the pods that an interrupted restart did not reach.
    RestartRest,
    RollOut,
    StartPods,
    ScaleUp,
    ScaleDown,
    /// What was done, noted and recorded in this incident.
    Incident,
    Remark,
    Report,
    NextPane,
    PreviousPane,
    FocusPods,
    FocusLogs,
    FocusDatabase,
    FocusSop,
    Zoom,
    Up,
    Down,
    PageUp,
    PageDown,
    Top,
    Bottom,
    Open,
    /// Asks for a text to search for.
    Search,
    NextMatch,
    PreviousMatch,
    PickSop,
    /// Asks for the filter of the log.
    Filter,
    CopySelected,
    HalfPageUp,
    HalfPageDown,
    /// Opens the palette.
    Prompt,
    Sources,
    Refresh,
    CycleLogMode,
    LeaderLines,
    ErrorLines,
    AllLines,
    /// Asks for a pattern whose lines are left out.
    Hide,
    NextLevel,
    /// Asks for the one pod or container to show.
    PickLog,
    /// Shows equal lines one by one.
    Unfold,
    JumpToTime,
    JumpToBeginning,
    SaveLines,
    /// Opens the lines in the pager.
    PageLines,
    Pause,
    Wrap,
    ClearFilter,
    LogsOfPod,
    Tick,
    Hint,
    GiveAnswer,
    Reveal,
    Debrief,
    Close,
    CloseDialog,
    DialogUp,
    DialogDown,
    DialogPageUp,
    DialogPageDown,
    DialogHalfPageUp,
    DialogHalfPageDown,
    DialogTop,
    DialogBottom,
    Choose,
    CopyText,
    /// In a replay.
    Replay(ReplayAction),
}

/// One row of the table.
#[derive(Debug)]
pub struct Row {
    /// The verb.
    pub action: Action,
    /// Its name in the configuration.
    pub name: &'static str,
    /// Where it applies.
    pub context: Context,
    /// Its keys, unless the user has chosen others.
    pub keys: &'static [&'static str],
    /// Its word in the footer; empty: not there.
    pub footer: &'static str,
    /// What it does, for the help.
    pub help: &'static str,
}

/// Every verb there is.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    rows::ROWS.iter().chain(replay::ROWS)
}
