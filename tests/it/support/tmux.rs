//! A tmux server of the test's own.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::patience::Deadline;
use super::tools;

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
        let deadline = Deadline::until("tmux shows the text");
        loop {
            let screen = self.run(&["capture-pane", "-p"]);
            if screen.contains(text) {
                return;
            }
            assert!(
                !deadline.is_over(),
                "waited in vain until tmux shows `{text}`; it showed\n{screen}"
            );
            deadline.pause();
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
    let deadline = Deadline::until("the file is written");
    loop {
        if let Ok(text) = std::fs::read_to_string(path) {
            return text;
        }
        deadline.pause();
    }
}
