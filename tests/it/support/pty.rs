//! A program on a pseudo-terminal, seen as a terminal emulator shows it.

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use tempfile::TempDir;

use super::patience::PATIENCE;

/// A program on a terminal of its own.
pub struct Pty {
    pub child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
    /// What the program writes, as it comes.
    pub output: Receiver<Vec<u8>>,
    parser: vt100::Parser,
    /// Every byte the program wrote.
    pub raw: Vec<u8>,
    /// Where it keeps its records, unless it is told another place: never the home of who runs this.
    _state: TempDir,
}

impl Pty {
    /// Starts a program.
    pub fn start(
        program: &str,
        arguments: &[&str],
        variables: &[(&str, &str)],
        (columns, rows): (u16, u16),
    ) -> Self {
        let size = PtySize {
            rows,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env("TERM", "xterm-256color");
        command.env_remove("TMUX");
        let state = tempfile::tempdir().unwrap();
        command.env("XDG_STATE_HOME", state.path());
        variables
            .iter()
            .for_each(|(name, value)| command.env(name, value));
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        let writer = pair.master.take_writer().unwrap();
        let parser = vt100::Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 0);
        Self {
            child,
            master: pair.master,
            writer,
            output,
            parser,
            raw: Vec::new(),
            _state: state,
        }
    }

    /// Types bytes.
    pub fn type_keys(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    /// Confirms the change that is asked about: moves to the other button and presses it.
    pub fn confirm(&mut self) {
        self.type_keys("\u{1b}[C\r");
    }

    /// Gives the terminal another size.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        let size = PtySize {
            rows,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        self.master.resize(size).unwrap();
        self.parser
            .screen_mut()
            .set_size(rows.try_into().unwrap(), columns.try_into().unwrap());
    }

    /// Gives the terminal another size than it has, and waits until the program clears it to draw again.
    pub fn resize_and_wait(&mut self, columns: u16, rows: u16) {
        const CLEAR: &[u8] = b"\x1b[2J";
        let mark = self.raw.len();
        self.resize(columns, rows);
        let deadline = Instant::now() + PATIENCE;
        while !self.raw[mark..].windows(CLEAR.len()).any(|bytes| bytes == CLEAR) {
            let left = deadline.saturating_duration_since(Instant::now());
            let bytes = self
                .output
                .recv_timeout(left)
                .expect("the program draws at the new size");
            self.show(&bytes);
        }
    }

    /// What the terminal shows.
    pub fn screen(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    /// Waits until the terminal shows what is described.
    pub fn until(&mut self, what: &str, is_so: impl Fn(&vt100::Screen) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(self.parser.screen()) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.show(&bytes),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!(
                        "waited in vain until {what}; the screen was\n{}",
                        self.parser.screen().contents()
                    )
                }
            }
        }
    }

    /// Waits until the program has written these bytes.
    pub fn until_writes(&mut self, bytes: &[u8]) {
        self.until_writes_after(0, bytes);
    }

    /// Types keys and waits until the program has written these bytes in answer.
    pub fn type_until_written(&mut self, keys: &str, bytes: &[u8]) {
        let mark = self.raw.len();
        self.type_keys(keys);
        self.until_writes_after(mark, bytes);
    }

    fn until_writes_after(&mut self, mark: usize, bytes: &[u8]) {
        let deadline = Instant::now() + PATIENCE;
        while !self.raw[mark..]
            .windows(bytes.len())
            .any(|written| written == bytes)
        {
            let left = deadline.saturating_duration_since(Instant::now());
            let more = self.output.recv_timeout(left).expect("the program writes");
            self.show(&more);
        }
    }

    /// Waits until the terminal shows a text.
    pub fn until_shows(&mut self, text: &str) {
        self.until(text, |screen| screen.contents().contains(text));
    }

    /// Waits for the end; the exit status.
    pub fn wait(&mut self) -> u32 {
        let deadline = Instant::now() + PATIENCE;
        while let Ok(bytes) = self
            .output
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            self.show(&bytes);
        }
        assert!(
            Instant::now() < deadline,
            "waited in vain for the end; the screen was\n{}",
            self.parser.screen().contents()
        );
        self.child.wait().unwrap().exit_code()
    }

    pub fn show(&mut self, bytes: &[u8]) {
        self.raw.extend_from_slice(bytes);
        self.parser.process(bytes);
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
