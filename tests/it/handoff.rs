//! The hand-off arrives: in tmux's buffer, on the terminal's clipboard, in a file.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::support::pty::Pty;
use super::support::tmux::Tmux;

const SOPWATCH: &str = env!("CARGO_BIN_EXE_sopwatch");

/// A drill whose text for the first contact is copied.
fn copied(state: &Path, variables: &[(&str, &str)]) -> Pty {
    let state = state.to_str().unwrap();
    let variables: Vec<_> = [("XDG_STATE_HOME", state), ("STY", "")]
        .into_iter()
        .chain(variables.iter().copied())
        .collect();
    let mut pty = Pty::start(SOPWATCH, &["drill", "ocm-outage"], &variables, (200, 50));
    pty.until_shows("3 of 3 ready");
    pty.type_keys("h\ry");
    pty.until_shows("s ago");
    pty.until_shows("copied to");
    pty
}

/// The file, which only its owner may read.
fn kept(state: &Path) -> String {
    let file = state.join("sopwatch/copied.md");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::read_to_string(file).unwrap()
}

/// What a terminal would have on its clipboard.
fn requested(written: &[u8]) -> Option<String> {
    let written = String::from_utf8_lossy(written);
    let (_, after) = written.split_once("\u{1b}]52;c;")?;
    let (encoded, _) = after.split_once('\u{7}')?;
    Some(String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap())
}

fn is_whole(text: &str) -> bool {
    text.starts_with("*** DRILL")
        && text.contains("Control Plane team: please take over.")
        && text.contains("*Leaders of the workers*")
        && text.ends_with("DRILL: none of this is real.\n")
}

#[test]
fn in_tmux_it_is_in_its_buffer() {
    let Some(tmux) = Tmux::start() else { return };
    let state = tmux.folder.path().join("state");
    let console = format!("XDG_STATE_HOME={} {SOPWATCH} drill ocm-outage", state.display());
    tmux.run(&["new-session", "-d", "-x", "120", "-y", "40", &console]);
    tmux.until_shows("3 of 3 ready");
    tmux.run(&["send-keys", "h", "Enter", "y"]);
    tmux.until_shows("copied to the tmux buffer");
    let text = tmux.run(&["show-buffer"]);
    assert!(is_whole(&text), "{text}");
    let copied = state.join("sopwatch/copied.md");
    assert!(!copied.exists(), "tmux says that it has it: no file is needed");
}

#[test]
fn without_tmux_the_terminal_is_asked_and_a_file_has_it_for_certain() {
    let state = tempfile::tempdir().unwrap();
    let pty = copied(state.path(), &[]);
    let text = kept(state.path());
    assert!(is_whole(&text), "{text}");
    assert_eq!(requested(&pty.raw), Some(text));
}

#[test]
fn where_tmux_is_gone_and_the_terminal_takes_nothing_it_is_in_the_file() {
    let state = tempfile::tempdir().unwrap();
    let gone = state.path().join("no-tmux,1,0");
    let pty = copied(
        state.path(),
        &[("TMUX", gone.to_str().unwrap()), ("TERM", "linux")],
    );
    let screen = pty.screen().contents();
    assert!(screen.contains("(no clipboard)"), "{screen}");
    assert_eq!(requested(&pty.raw), None);
    let text = kept(state.path());
    assert!(is_whole(&text), "{text}");
}
