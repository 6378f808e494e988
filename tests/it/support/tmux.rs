//! A tmux server of the test's own.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::tools;

/// How long a state is waited for.
const PATIENCE: Duration = Duration::from_secs(40);

/// A tmux server without the user's configuration. Ends when dropped.
pub struct Tmux {
    pub folder: TempDir,
}

impl Tmux {
    /// A server; `None` where tmux is not installed.
    pub fn start() -> Option<Self> {
        tools::has("tmux").then(|| Self {
            folder: tempfile::tempdir().unwrap(),
        })
    }

    /// Runs a tmux command; what it prints.
    pub fn run(&self, arguments: &[&str]) -> String {
        let socket = self.folder.path().join("tmux");
        let mut tmux = Command::new("tmux");
        let output = tmux
            .arg("-S")
            .arg(socket)
            .args(["-f", "/dev/null"])
            .args(arguments)
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Waits until the pane shows a text.
    pub fn until_shows(&self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let screen = self.run(&["capture-pane", "-p"]);
            if screen.contains(text) {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "waited in vain until tmux shows `{text}`; it showed\n{screen}"
            );
        }
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        self.run(&["kill-server"]);
    }
}

/// Waits until a file is there; what it holds.
pub fn until_written(path: &Path) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Ok(text) = std::fs::read_to_string(path) {
            return text;
        }
        assert!(Instant::now() < deadline, "{} was never written", path.display());
        std::thread::yield_now();
    }
}
