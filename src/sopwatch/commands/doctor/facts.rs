//! What the sections are made of.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use sopwatch_console::app::App;

use crate::config::{self, Settings, UserDirs};
use crate::kubernetes::Target;
use sopwatch_core::observe::source::Problem;
use sopwatch_core::observe::state::State;

/// Everything that was looked at.
pub(super) struct Facts {
    /// What the sources said.
    pub(super) state: State,
    /// Where the kubeconfig leads, or why nowhere.
    pub(super) target: Result<Target, Problem>,
    /// How far the cluster's clock is ahead of ours; zero where both agree.
    pub(super) skew: SignedDuration,
    /// Now, by the clock that counts.
    pub(super) now: Timestamp,
    /// Columns and rows of the terminal; `None` where standard output is none.
    pub(super) size: Option<(u16, u16)>,
    /// The environment.
    pub(super) variables: BTreeMap<String, String>,
    /// The user's configuration file, and whether it exists.
    pub(super) file: Option<(PathBuf, bool)>,
    /// Where records are kept.
    pub(super) records: Option<PathBuf>,
    /// Whether only ASCII is drawn, and why.
    pub(super) ascii: bool,
    /// Where that comes from, in words.
    pub(super) ascii_origin: String,
    /// Whether every change is refused.
    pub(super) read_only: bool,
}

impl Facts {
    /// Looks at this machine, and at what the console has heard.
    #[expect(
        clippy::disallowed_methods,
        reason = "only whether standard output is a terminal"
    )]
    pub(super) fn of(
        settings: &Settings,
        dirs: &UserDirs,
        target: Result<Target, Problem>,
        app: &App,
    ) -> Self {
        let ascii = &settings.screen.ascii;
        Self {
            state: app.state.clone(),
            target,
            skew: app.clock.skew,
            now: app.clock.now,
            size: io::stdout()
                .is_terminal()
                .then(crossterm::terminal::size)
                .and_then(Result::ok),
            variables: config::variables_of_this_process(),
            file: dirs.config_file().map(|file| {
                let exists = file.exists();
                (file, exists)
            }),
            records: dirs.state.clone(),
            ascii: ascii.value,
            ascii_origin: ascii.origin.to_string(),
            read_only: app.session.read_only,
        }
    }
}
