//! The verbs the operator can invoke: one row each, from which dispatch, footer, help and README come.

use super::App;
use super::panes::Pane;

/// Where a verb applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    /// Everywhere but in a text field and in a dialog.
    Console,
    /// While this pane has the focus.
    In(Pane),
    /// In a drill that teaches something, where the console's keys work, and among its hints.
    Drill,
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
            Self::Dialog => "Dialogs",
            Self::Always => "Always",
        }
    }

    /// Whether one key can't mean two things in both.
    pub fn overlaps(self, other: Self) -> bool {
        use Context::{Always, Console, Drill, In};
        self == other
            || matches!(
                (self, other),
                (Always | Drill, _) | (_, Always | Drill) | (Console, In(_)) | (In(_), Console)
            )
    }
}

/// A verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    Quit,
    ForceQuit,
    Suspend,
    Redraw,
    Help,
    /// Opens the decision: every rule and whether it holds.
    Why,
    Vitals,
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
    Search,
    NextMatch,
    PreviousMatch,
    PickSop,
    Sources,
    Refresh,
    CycleLogMode,
    LeaderLines,
    ErrorLines,
    AllLines,
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
    DialogTop,
    DialogBottom,
    Choose,
    CopyText,
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

const fn row(
    action: Action,
    name: &'static str,
    context: Context,
    keys: &'static [&'static str],
    footer: &'static str,
    help: &'static str,
) -> Row {
    Row {
        action,
        name,
        context,
        keys,
        footer,
        help,
    }
}

use Context::{Always, Console, Dialog, Drill, In};

/// Every verb there is, in the order of the help; in the footer those of the focused pane come first.
pub const ROWS: &[Row] = &[
    row(
        Action::ForceQuit,
        "force-quit",
        Always,
        &["ctrl-c"],
        "",
        "leave at once",
    ),
    row(
        Action::Suspend,
        "suspend",
        Always,
        &["ctrl-z"],
        "",
        "back to the shell; `fg` returns",
    ),
    row(
        Action::Redraw,
        "redraw",
        Always,
        &["ctrl-l"],
        "",
        "draw the screen anew",
    ),
    row(
        Action::Open,
        "open-pod",
        In(Pane::Pods),
        &["enter"],
        "pod",
        "the pod: containers, conditions, its events",
    ),
    row(
        Action::LogsOfPod,
        "logs-of-pod",
        In(Pane::Pods),
        &["l"],
        "its log",
        "only this pod's log; again: every pod's",
    ),
    row(
        Action::CycleLogMode,
        "cycle-log-mode",
        In(Pane::Logs),
        &["m"],
        "mode",
        "leader lines, then errors, then all",
    ),
    row(
        Action::LeaderLines,
        "leader-lines",
        In(Pane::Logs),
        &["L"],
        "",
        "only what the logs say about leaders",
    ),
    row(
        Action::ErrorLines,
        "error-lines",
        In(Pane::Logs),
        &["E"],
        "",
        "only errors, panics and warnings",
    ),
    row(
        Action::AllLines,
        "all-lines",
        In(Pane::Logs),
        &["A"],
        "",
        "every line",
    ),
    row(
        Action::Search,
        "filter",
        In(Pane::Logs),
        &["/"],
        "filter",
        "show only lines that match a regular expression",
    ),
    row(
        Action::ClearFilter,
        "clear-filter",
        In(Pane::Logs),
        &["x"],
        "clear",
        "drop the filter and the choice of one pod",
    ),
    row(
        Action::Pause,
        "pause",
        In(Pane::Logs),
        &["p"],
        "pause",
        "hold the lines still; again or End: follow",
    ),
    row(
        Action::Wrap,
        "wrap",
        In(Pane::Logs),
        &["W"],
        "wrap",
        "wrap long lines or cut them",
    ),
    row(
        Action::Open,
        "open-record",
        In(Pane::Logs),
        &["enter"],
        "record",
        "the record whole",
    ),
    row(
        Action::Open,
        "open-rows",
        In(Pane::Database),
        &["enter"],
        "rows",
        "the rows behind the status",
    ),
    row(
        Action::Tick,
        "tick",
        In(Pane::Sop),
        &["space"],
        "tick",
        "tick a manual step, with a note; again: take it back",
    ),
    row(
        Action::Open,
        "open-step",
        In(Pane::Sop),
        &["enter"],
        "step",
        "what to look at, by hand and with links",
    ),
    row(
        Action::Search,
        "find-pod",
        In(Pane::Pods),
        &["/"],
        "",
        "find a row that holds a text",
    ),
    row(
        Action::Search,
        "find-row",
        In(Pane::Database),
        &["/"],
        "",
        "find a row that holds a text",
    ),
    row(
        Action::Search,
        "find-step",
        In(Pane::Sop),
        &["/"],
        "",
        "find a step that holds a text",
    ),
    row(
        Action::Hint,
        "hint",
        Drill,
        &["H"],
        "hint",
        "a hint; again: one more",
    ),
    row(
        Action::GiveAnswer,
        "answer",
        Drill,
        &["T"],
        "answer",
        "tell what you would do; it may be changed",
    ),
    row(
        Action::Reveal,
        "reveal",
        Drill,
        &["V"],
        "",
        "show what the console recommends, before an answer is given",
    ),
    row(
        Action::Debrief,
        "debriefing",
        Drill,
        &["D"],
        "debrief",
        "what was right, what was done, what was missed",
    ),
    row(Action::Up, "up", Console, &["up", "k"], "", "a row up"),
    row(Action::Down, "down", Console, &["down", "j"], "", "a row down"),
    row(
        Action::PageUp,
        "page-up",
        Console,
        &["pageup", "ctrl-b"],
        "",
        "a page up",
    ),
    row(
        Action::PageDown,
        "page-down",
        Console,
        &["pagedown", "ctrl-f"],
        "",
        "a page down",
    ),
    row(
        Action::Top,
        "top",
        Console,
        &["home", "g"],
        "",
        "to the first row",
    ),
    row(
        Action::Bottom,
        "bottom",
        Console,
        &["end", "G"],
        "",
        "to the last row; in the log: follow again",
    ),
    row(
        Action::NextMatch,
        "next-match",
        Console,
        &["n"],
        "",
        "the next match",
    ),
    row(
        Action::PreviousMatch,
        "previous-match",
        Console,
        &["N"],
        "",
        "the match before",
    ),
    row(
        Action::NextPane,
        "next-pane",
        Console,
        &["tab"],
        "pane",
        "focus the next pane",
    ),
    row(
        Action::PreviousPane,
        "previous-pane",
        Console,
        &["backtab"],
        "",
        "focus the pane before",
    ),
    row(
        Action::FocusPods,
        "focus-pods",
        Console,
        &["1"],
        "",
        "focus the pods",
    ),
    row(
        Action::FocusLogs,
        "focus-logs",
        Console,
        &["2"],
        "",
        "focus the logs",
    ),
    row(
        Action::FocusDatabase,
        "focus-database",
        Console,
        &["3"],
        "",
        "focus the database",
    ),
    row(
        Action::FocusSop,
        "focus-sop",
        Console,
        &["4"],
        "",
        "focus the SOP",
    ),
    row(
        Action::Zoom,
        "zoom",
        Console,
        &["z"],
        "zoom",
        "give the focused pane the whole screen, or give it back",
    ),
    row(
        Action::PickSop,
        "pick-sop",
        Console,
        &["s"],
        "SOP",
        "choose another SOP",
    ),
    row(
        Action::Refresh,
        "refresh",
        Console,
        &["r"],
        "refresh",
        "ask the database now",
    ),
    row(
        Action::Sources,
        "sources",
        Console,
        &["i"],
        "sources",
        "every source: how it is, why it fails, what we may do",
    ),
    row(
        Action::Close,
        "close",
        Console,
        &["esc"],
        "",
        "leave zoom or pause",
    ),
    row(
        Action::Why,
        "why",
        Console,
        &["w"],
        "why",
        "why this is to do: every rule, and what is not ruled out",
    ),
    row(Action::Help, "help", Console, &["?", "f1"], "help", "all keys"),
    row(Action::Quit, "quit", Console, &["q"], "quit", "leave"),
    row(
        Action::Vitals,
        "vitals",
        Console,
        &["v"],
        "vitals",
        "the vital signs of the service",
    ),
    row(
        Action::DialogUp,
        "dialog-up",
        Dialog,
        &["up", "k"],
        "",
        "a row up",
    ),
    row(
        Action::DialogDown,
        "dialog-down",
        Dialog,
        &["down", "j"],
        "",
        "a row down",
    ),
    row(
        Action::DialogPageUp,
        "dialog-page-up",
        Dialog,
        &["pageup", "ctrl-b"],
        "",
        "a page up",
    ),
    row(
        Action::DialogPageDown,
        "dialog-page-down",
        Dialog,
        &["pagedown", "ctrl-f"],
        "",
        "a page down",
    ),
    row(
        Action::DialogTop,
        "dialog-top",
        Dialog,
        &["home", "g"],
        "",
        "to the first row",
    ),
    row(
        Action::DialogBottom,
        "dialog-bottom",
        Dialog,
        &["end", "G"],
        "",
        "to the last row",
    ),
    row(
        Action::Choose,
        "choose",
        Dialog,
        &["enter"],
        "choose",
        "take the chosen row",
    ),
    row(
        Action::CopyText,
        "copy",
        Dialog,
        &["y"],
        "copy",
        "copy what the dialog shows",
    ),
    row(
        Action::CloseDialog,
        "close-dialog",
        Dialog,
        &["esc", "q", "?"],
        "close",
        "close it",
    ),
];

impl Action {
    /// Whether it would do something now: the footer shows only what does.
    pub fn available(self, app: &App) -> bool {
        match self {
            Self::ClearFilter => app.log.is_narrowed(),
            Self::Why => !app.holds_back(),
            Self::Refresh => app.session.profile.database.is_some(),
            Self::Tick => app.selected_step_is_manual(),
            Self::Choose => app.dialog().is_some_and(super::dialog::Dialog::is_choice),
            Self::CopyText => app.dialog().is_some_and(|dialog| !dialog.is_choice()),
            Self::NextMatch | Self::PreviousMatch => !app.panes.find.is_empty(),
            _ => true,
        }
    }
}
