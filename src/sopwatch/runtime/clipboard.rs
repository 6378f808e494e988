//! The clipboard: it puts a text where the operator can paste it from.
//!
//! tmux drops the terminal's own clipboard sequence in its default configuration, but takes `load-buffer` in every one, and says whether
//! it did. Without it the terminal is asked (OSC 52), over SSH too; it never answers, and many do not take it (older mosh, terminals
//! where it is off), so the text is in a file besides. Screen drops the sequence unless it is wrapped for the terminal it runs in.

use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use base64::Engine;
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use sopwatch_console::app::event::{Outcome, TerminalRequest};
use sopwatch_core::safe;
use sopwatch_core::text::SafeText;

/// Terminals take about so much in one sequence, bytes before encoding.
const OSC52_LIMIT: usize = 74_000;

/// Screen passes on strings of some hundred bytes at a time, 768 where it was built as it comes.
const SCREEN_LIMIT: usize = 512;

/// How long tmux may take.
const TMUX_LIMIT: Duration = Duration::from_secs(2);

/// The file in the state folder that holds what was copied last.
const FILE: &str = "copied.md";

/// The clipboards that can be reached from here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clipboard {
    /// Whether we run within tmux.
    pub tmux: bool,
    /// How the terminal is asked.
    pub terminal: TerminalClipboard,
    /// The folder for a file; without one it goes to the system's folder for temporary files.
    pub folder: Option<PathBuf>,
}

/// How the terminal is asked to take a text on its clipboard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TerminalClipboard {
    /// Not at all: it is a kind that takes nothing.
    #[default]
    Unsupported,
    /// By the sequence itself.
    Osc52,
    /// By the sequence as screen passes it on.
    Osc52ThroughScreen,
}

impl Clipboard {
    /// The clipboards that the variables name: `TMUX`, `STY` of screen, `TERM`.
    pub fn of(variables: &BTreeMap<String, String>, folder: Option<PathBuf>) -> Self {
        let is_set = |name: &str| variables.get(name).is_some_and(|value| !value.is_empty());
        let term = variables.get("TERM").map_or("", String::as_str);
        let deaf = matches!(term, "" | "dumb" | "linux" | "unknown") || term.starts_with("vt");
        let terminal = match (deaf, is_set("STY")) {
            (true, _) => TerminalClipboard::Unsupported,
            (false, true) => TerminalClipboard::Osc52ThroughScreen,
            (false, false) => TerminalClipboard::Osc52,
        };
        Self {
            tmux: is_set("TMUX"),
            terminal,
            folder,
        }
    }

    /// Copies the text, and says where it is now.
    pub async fn copy(self, text: SafeText) -> Outcome {
        if self.tmux {
            match timeout(TMUX_LIMIT, to_tmux(&text)).await {
                Ok(Ok(())) => {
                    return Outcome::Copied {
                        to: Some("the tmux buffer (paste with prefix ])".into()),
                        file: None,
                        request: None,
                    };
                }
                Ok(Err(problem)) => tracing::warn!(%problem, "tmux refused the text"),
                Err(_) => tracing::warn!("tmux does not answer"),
            }
        }
        self.without_tmux(text).await
    }

    async fn without_tmux(self, text: SafeText) -> Outcome {
        let request = self.terminal.request(&text);
        let length = text.len();
        let written = tokio::task::spawn_blocking(move || keep(self.folder.as_deref(), &text)).await;
        let file = match written {
            Ok(Ok(file)) => Ok(file),
            Ok(Err(problem)) => Err(problem.to_string()),
            Err(problem) => Err(problem.to_string()),
        };
        let terminal = "the terminal's clipboard, if it takes OSC 52";
        match (request, file) {
            (Some(request), Ok(file)) => Outcome::Copied {
                to: Some(terminal.into()),
                file: Some(file),
                request: Some(request),
            },
            (None, Ok(file)) => Outcome::Copied {
                to: None,
                file: Some(file),
                request: None,
            },
            (Some(request), Err(why)) => Outcome::Copied {
                to: Some(safe!("{terminal}; the file can't be written: {why}")),
                file: None,
                request: Some(request),
            },
            (None, Err(why)) => Outcome::Failed {
                what: safe!(
                    "not copied: {length} bytes are too many for this terminal's clipboard, and the file can't be written: {why}"
                ),
            },
        }
    }
}

/// Gives the text to tmux. From 3.2 on it passes it on to the terminal's clipboard when asked to.
async fn to_tmux(text: &SafeText) -> io::Result<()> {
    match load_buffer(&["load-buffer", "-w", "-"], text).await? {
        true => Ok(()),
        false if load_buffer(&["load-buffer", "-"], text).await? => Ok(()),
        false => Err(io::Error::other("tmux load-buffer failed")),
    }
}

/// Whether tmux took it.
async fn load_buffer(arguments: &[&str], text: &SafeText) -> io::Result<bool> {
    let mut tmux = Command::new("tmux")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(mut stdin) = tmux.stdin.take() {
        // A tmux that does not know the option ends before it reads.
        let _ = stdin.write_all(text.as_bytes()).await;
    }
    Ok(tmux.wait().await?.success())
}

impl TerminalClipboard {
    /// The sequence that asks the terminal to take the text; `None` where it takes none, or not so much.
    fn request(self, text: &SafeText) -> Option<TerminalRequest> {
        if self == Self::Unsupported || text.len() > OSC52_LIMIT {
            return None;
        }
        let encoded = base64::engine::general_purpose::STANDARD.encode(text.as_bytes());
        let request = TerminalRequest::osc52(&encoded)?;
        if self == Self::Osc52 {
            return Some(request);
        }
        Some(request.through_screen(SCREEN_LIMIT))
    }
}

/// Writes the text to a file that only its owner reads: in the folder in place of what was copied before, else in the system's folder
/// for temporary files under a name of its own.
fn keep(folder: Option<&Path>, text: &SafeText) -> io::Result<PathBuf> {
    if let Some(folder) = folder {
        match keep_in(folder, text) {
            Ok(file) => return Ok(file),
            Err(problem) => tracing::warn!(%problem, folder = %folder.display(), "the file can't be written"),
        }
    }
    let mut builder = tempfile::Builder::new();
    let mut file = builder.prefix("sopwatch-").suffix(".md").tempfile()?;
    file.write_all(text.as_bytes())?;
    let (_, path) = file.keep().map_err(|problem| problem.error)?;
    Ok(path)
}

fn keep_in(folder: &Path, text: &SafeText) -> io::Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    let path = folder.join(FILE);
    file.persist(&path).map_err(|problem| problem.error)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn clipboard(variables: &[(&str, &str)]) -> Clipboard {
        let owned = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Clipboard::of(&owned.collect(), None)
    }

    fn in_folder(terminal: TerminalClipboard, folder: &Path) -> Clipboard {
        Clipboard {
            tmux: false,
            terminal,
            folder: Some(folder.to_owned()),
        }
    }

    #[test]
    fn the_variables_tell_who_takes_a_text() {
        use TerminalClipboard::{Osc52, Osc52ThroughScreen, Unsupported};
        let table = [
            (&[][..], false, Unsupported),
            (&[("TERM", "linux")][..], false, Unsupported),
            (&[("TERM", "vt220")][..], false, Unsupported),
            (&[("TERM", "xterm-256color")][..], false, Osc52),
            (&[("TERM", "xterm"), ("TMUX", "")][..], false, Osc52),
            (&[("TERM", "tmux-256color"), ("TMUX", "/tmp/x,1,0")], true, Osc52),
            (&[("TERM", "screen"), ("STY", "1.pts")], false, Osc52ThroughScreen),
        ];
        for (variables, tmux, terminal) in table {
            let clipboard = clipboard(variables);
            assert_eq!(
                (clipboard.tmux, clipboard.terminal),
                (tmux, terminal),
                "{variables:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_terminal_is_asked_and_a_file_that_only_its_owner_reads_has_it_for_certain() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("state/sopwatch");
        for text in ["first", "second"] {
            let outcome = in_folder(TerminalClipboard::Osc52, &folder)
                .copy(text.into())
                .await;
            let Outcome::Copied { to, file, request } = outcome else {
                panic!("{outcome:?}")
            };
            let encoded = base64::engine::general_purpose::STANDARD.encode(text.as_bytes());
            let sequence = format!("\u{1b}]52;c;{encoded}\u{7}");
            assert_eq!(
                request.as_ref().map(TerminalRequest::as_str),
                Some(sequence.as_str())
            );
            assert!(to.unwrap().contains("OSC 52"));
            let file = file.unwrap();
            assert_eq!(file, folder.join(FILE));
            assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
            assert_eq!(
                std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
                0o600
            );
        }
        assert_eq!(
            std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777,
            0o700
        );
        assert_eq!(
            std::fs::read_dir(&folder).unwrap().count(),
            1,
            "nothing else is left"
        );
    }

    #[tokio::test]
    async fn what_no_terminal_takes_goes_to_the_file_alone() {
        let home = tempfile::tempdir().unwrap();
        let long = "x".repeat(OSC52_LIMIT + 1);
        for (terminal, text) in [
            (TerminalClipboard::Unsupported, "short"),
            (TerminalClipboard::Osc52, long.as_str()),
        ] {
            let outcome = in_folder(terminal, home.path()).copy(text.into()).await;
            let Outcome::Copied {
                to: None,
                file: Some(file),
                request: None,
            } = outcome
            else {
                panic!("{outcome:?}")
            };
            assert_eq!(std::fs::read_to_string(file).unwrap(), text);
        }
    }

    #[tokio::test]
    async fn a_folder_that_takes_nothing_leaves_the_one_for_temporary_files() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("a-file");
        std::fs::write(&file, "").unwrap();
        let outcome = in_folder(TerminalClipboard::Unsupported, &file.join("below"))
            .copy("text".into())
            .await;
        let Outcome::Copied { file: Some(kept), .. } = outcome else {
            panic!("{outcome:?}")
        };
        assert!(kept.starts_with(std::env::temp_dir()), "{}", kept.display());
        assert_eq!(std::fs::read_to_string(&kept).unwrap(), "text");
        assert_eq!(
            std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777,
            0o600
        );
        std::fs::remove_file(kept).unwrap();
    }

    #[test]
    fn screen_passes_it_on_in_pieces_that_it_takes() {
        let text = "a long text ".repeat(300);
        let plain = TerminalClipboard::Osc52.request(&text.as_str().into()).unwrap();
        let wrapped = TerminalClipboard::Osc52ThroughScreen
            .request(&text.as_str().into())
            .unwrap();
        let pieces: Vec<_> = wrapped.as_str().split_inclusive("\u{1b}\\").collect();
        assert!(pieces.len() > 5);
        let inner = pieces.iter().map(|piece| {
            let inner = piece.strip_prefix("\u{1b}P").unwrap();
            let inner = inner.strip_suffix("\u{1b}\\").unwrap();
            assert!(inner.len() <= SCREEN_LIMIT);
            inner
        });
        assert_eq!(inner.collect::<String>(), plain.as_str());
    }
}
