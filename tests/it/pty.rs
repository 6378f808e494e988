//! The program on a terminal: it fills the screen, survives it, and gives it back at every kind of end.

use rustix::process::{Pid, Signal, kill_process};
use sopwatch::runtime::terminal::{self, Guard};

use super::support::pty::Pty;
use super::support::stalled::Stalled;
use super::support::tmux::{Tmux, until_written};

const SOPWATCH: &str = env!("CARGO_BIN_EXE_sopwatch");

fn on_a_drill(size: (u16, u16)) -> Pty {
    let mut pty = Pty::start(SOPWATCH, &["drill", "all-well"], &[], size);
    pty.until_shows("3 of 3 ready");
    pty
}

fn is_given_back(pty: &Pty) -> bool {
    let screen = pty.screen();
    !screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste()
}

fn signal(pty: &Pty, signal: Signal) {
    let pid = i32::try_from(pty.child.process_id().unwrap()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

#[test]
fn quitting_gives_the_terminal_back() {
    let mut pty = on_a_drill((120, 40));
    assert!(pty.screen().alternate_screen());
    pty.type_keys("q");
    assert_eq!(pty.wait(), 0);
    assert!(is_given_back(&pty));
}

#[test]
fn a_signal_ends_the_console_and_gives_the_terminal_back() {
    for (number, name) in [(15, Signal::TERM), (2, Signal::INT), (1, Signal::HUP)] {
        let mut pty = on_a_drill((80, 24));
        signal(&pty, name);
        assert_eq!(pty.wait(), 128 + number);
        assert!(is_given_back(&pty), "after {name:?}");
    }
}

/// As a dropped SSH session leaves it: the terminal is gone, and SIGHUP may be ignored by whoever started us.
#[test]
fn a_terminal_that_is_gone_ends_the_console() {
    let Some(tmux) = Tmux::start() else { return };
    let status = tmux.folder.path().join("status");
    let command = format!(
        "trap '' HUP; {SOPWATCH} drill all-well; echo $? > {0}.part; mv {0}.part {0}",
        status.display()
    );
    tmux.run(&["new-session", "-d", "-x", "80", "-y", "24", &command]);
    tmux.until_shows("3 of 3 ready");
    tmux.run(&["kill-server"]);
    let status = until_written(&status);
    assert_eq!(status.trim(), "129");
}

/// As a suspended tmux client leaves it: nothing is read any more, and the loop is blocked in a write.
#[test]
fn a_terminal_that_takes_nothing_does_not_hold_up_the_end() {
    let mut drill = Stalled::start(&[SOPWATCH, "drill", "all-well"]);
    drill.until_full();
    drill.terminate();
    assert_eq!(drill.wait(), 143);
}

/// The pager has the keys while it has the terminal, ctrl-c too, and the console goes on where it was.
#[test]
fn the_lines_open_in_the_pager_and_the_console_comes_back() {
    let pager =
        "sh -c 'trap : INT; grep -c leader \"$1\"; echo PAGED; read key; echo GOT $key; read more' sh";
    let mut pty = Pty::start(SOPWATCH, &["drill", "all-well"], &[("PAGER", pager)], (100, 30));
    pty.until_shows("3 of 3 ready");
    pty.until_shows("skipping");
    pty.type_keys("2P");
    pty.until_shows("PAGED");
    assert!(
        !pty.screen().alternate_screen(),
        "the pager has the plain terminal"
    );
    pty.type_keys("q\r");
    pty.until_shows("GOT q");
    pty.type_keys("\x03\r");
    pty.until_shows("3 of 3 ready");
    assert!(pty.screen().alternate_screen());
    pty.type_keys("q");
    assert_eq!(pty.wait(), 0);
    assert!(is_given_back(&pty));
}

/// The interrupt goes to the console too, and the pager may be gone before it is seen there.
#[test]
fn a_pager_that_an_interrupt_ends_takes_only_itself_away() {
    // Its command line, should the console quote it, is not what it writes.
    let pager = "sh -c 'echo PA\"\"GED; read more' sh";
    let mut pty = Pty::start(SOPWATCH, &["drill", "all-well"], &[("PAGER", pager)], (100, 30));
    pty.until_shows("3 of 3 ready");
    pty.type_keys("2");
    for _ in 0..20 {
        // An earlier pager's word stands on the plain screen.
        pty.type_until_written("P", b"PAGED");
        pty.type_keys("\x03");
        pty.until("the console is back", |screen| {
            screen.alternate_screen() && screen.contents().contains("3 of 3 ready")
        });
        assert!(!pty.screen().contents().contains("the pager"));
    }
    pty.type_keys("q");
    assert_eq!(pty.wait(), 0);
    assert!(is_given_back(&pty));
}

#[test]
fn a_pager_that_is_not_there_is_named() {
    let mut pty = Pty::start(
        SOPWATCH,
        &["drill", "all-well"],
        &[("PAGER", "no-such-pager")],
        (120, 40),
    );
    pty.until_shows("3 of 3 ready");
    pty.type_keys("2P");
    pty.until_shows("the pager `no-such-pager` ended with status 127");
    pty.type_keys("q");
    assert_eq!(pty.wait(), 0);
}

#[test]
fn a_storm_of_resizes_is_survived() {
    let mut pty = on_a_drill((120, 40));
    for step in 0..200_u16 {
        pty.resize(20 + step * 7 % 140, 5 + step * 3 % 50);
    }
    pty.resize(120, 40);
    let four_panes = |screen: &vt100::Screen| {
        let titles = ["1 Pods", "2 Logs", "3 Database", "4 SOP"];
        titles.iter().all(|title| screen.contents().contains(title))
    };
    pty.until("the four panes are there", four_panes);
    pty.type_keys("\u{c}?");
    pty.until_shows("Keys");
    pty.type_keys("q");
    pty.until("the four panes are there again", four_panes);
    pty.type_keys("q");
    assert_eq!(pty.wait(), 0);
}

/// A resize and a key that come at once: neither waits for the next key. What waits is dangerous: a `y` that was not taken would
/// be taken with the `esc` that the operator types later.
#[test]
fn a_key_that_comes_with_a_resize_is_not_left_behind() {
    let mut pty = on_a_drill((120, 40));
    for round in 0..40 {
        pty.resize(100 + round % 2, 40);
        pty.type_keys("?");
        pty.until_shows("all keys");
        pty.resize(120, 40);
        pty.type_keys("q");
        pty.until("the help is closed", |screen| {
            !screen.contents().contains("all keys")
        });
    }
    pty.type_keys("q");
    assert_eq!(pty.wait(), 0);
}

/// More keys at once than the terminal gives at one reading: all are taken, without another to push them.
#[test]
fn many_keys_at_once_are_all_taken() {
    let mut pty = on_a_drill((120, 40));
    pty.type_keys(&("k".repeat(3_000) + "?"));
    pty.until_shows("all keys");
    pty.type_keys("qq");
    assert_eq!(pty.wait(), 0);
}

#[test]
fn what_is_pasted_never_acts() {
    let mut pty = on_a_drill((120, 40));
    pty.type_keys("\u{1b}[200~qqq\u{1b}[201~?");
    pty.until_shows("all keys");
    pty.type_keys("qq");
    assert_eq!(pty.wait(), 0);
}

#[test]
fn an_error_before_the_screen_is_one_sentence_and_no_screen() {
    let mut pty = Pty::start(SOPWATCH, &["--kubeconfig", "/nonexistent"], &[], (100, 30));
    assert_ne!(pty.wait(), 0);
    assert!(is_given_back(&pty));
    let said = pty.screen().contents();
    assert!(said.contains("/nonexistent"), "{said}");
    assert!(
        !String::from_utf8_lossy(&pty.raw).contains("1049"),
        "the screen was never taken"
    );
}

/// Runs again in a process of its own, on a terminal: takes the terminal over and panics.
#[test]
fn child_that_panics() {
    if std::env::var_os("SOPWATCH_TEST_PANIC").is_some() {
        terminal::install_hooks().unwrap();
        let _guard = Guard::enter().unwrap();
        panic!("on purpose");
    }
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_is_reported() {
    let me = std::env::current_exe().unwrap();
    let arguments = ["--exact", "pty::child_that_panics", "--nocapture"];
    let mut pty = Pty::start(
        me.to_str().unwrap(),
        &arguments,
        &[("SOPWATCH_TEST_PANIC", "1")],
        (100, 30),
    );
    assert_ne!(pty.wait(), 0);
    assert!(is_given_back(&pty));
    let raw = String::from_utf8_lossy(&pty.raw).into_owned();
    let (left, reported) = (
        raw.find("\u{1b}[?1049l").unwrap(),
        raw.find("on purpose").unwrap(),
    );
    assert!(left < reported, "the report came while the screen was taken");
}
