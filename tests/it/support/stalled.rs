//! A program on a terminal that nobody reads.

use std::io::Write;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

use super::patience::Deadline;

/// A write that takes so long waits for the terminal.
const STAYS_BLOCKED: Duration = Duration::from_millis(500);

/// The program, blocked in a write once the terminal's buffer is full.
pub struct Stalled {
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
}

impl Stalled {
    /// Starts a program with its arguments.
    pub fn start(command: &[&str]) -> Self {
        let size = PtySize {
            rows: 60,
            cols: 200,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut builder = CommandBuilder::new(command[0]);
        builder.args(&command[1..]);
        builder.env("TERM", "xterm-256color");
        builder.env_remove("TMUX");
        let child = pair.slave.spawn_command(builder).unwrap();
        drop(pair.slave);
        let keys = pair.master.take_writer().unwrap();
        Self {
            child,
            _master: pair.master,
            keys,
        }
    }

    /// Has the screen drawn again until the program waits in a write to the terminal.
    pub fn until_full(&mut self) {
        let pid = self.child.process_id().unwrap();
        let deadline = Deadline::until("the terminal is full");
        // In the kernel, a writer to a full terminal waits in `n_tty_write`; the state of its system call is 1, write, to descriptor 1.
        let blocked = || {
            let call = std::fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
            let mut words = call.split(' ');
            (words.next(), words.next()) == (Some("1"), Some("0x1"))
        };
        let mut keys_at = Instant::now();
        let mut blocked_since = None;
        while blocked_since.is_none_or(|since: Instant| since.elapsed() < STAYS_BLOCKED) {
            if !blocked() {
                blocked_since = None;
                // A few a second: more would fill the terminal's other direction, and block us.
                if keys_at <= Instant::now() {
                    self.keys.write_all(b"\x0c").unwrap();
                    keys_at = Instant::now() + Duration::from_millis(50);
                }
            } else if blocked_since.is_none() {
                blocked_since = Some(Instant::now());
            }
            deadline.pause();
        }
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        let pid = i32::try_from(self.child.process_id().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::TERM).unwrap();
    }

    /// Waits for the end; the exit status.
    pub fn wait(&mut self) -> u32 {
        let deadline = Deadline::until("the program ends");
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            deadline.pause();
        }
    }
}

impl Drop for Stalled {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
