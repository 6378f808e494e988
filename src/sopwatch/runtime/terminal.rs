//! The terminal: it is taken over at the start and given back however the program ends.
//!
//! Three ends need care. A panic in the loop's own thread gives the terminal back before it is reported, one in a background task is
//! only logged: the screen stays. After the terminal itself is gone (a dropped SSH session) nothing that is written to it may
//! panic. And a signal ends the console even while a write to a stalled terminal blocks the loop.

use std::io::{self, IsTerminal, Stderr, Stdout, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ThreadId};

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use crossterm::{cursor, execute};
use ratatui::Terminal;

use super::compact_backend::CompactBackend;

use sopwatch_core::safe;
use sopwatch_core::text::{Redacted, SafeText};

/// A terminal whose frame is collected and written at once.
pub type Screen = Terminal<CompactBackend<io::BufWriter<Stdout>>>;

/// More than any frame holds, so that one frame is one write.
const FRAME_BYTES: usize = 1 << 17;

static TAKEN: AtomicBool = AtomicBool::new(false);
static LOOP_THREAD: OnceLock<ThreadId> = OnceLock::new();

/// The terminal while the console has it. Gives it back when dropped.
#[derive(Debug)]
pub struct Guard;

impl Guard {
    /// Takes the terminal over.
    pub fn enter() -> io::Result<Self> {
        LOOP_THREAD.get_or_init(|| thread::current().id());
        if !standard_output().is_terminal() {
            return Err(io::Error::other("standard output is not a terminal"));
        }
        let guard = Self;
        take()?;
        Ok(guard)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        leave();
    }
}

/// Takes the terminal over, also after a suspension.
pub fn take() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    execute!(
        standard_output(),
        EnterAlternateScreen,
        EnableBracketedPaste,
        cursor::Hide
    )
}

/// A screen on standard output.
pub fn screen() -> io::Result<Screen> {
    Terminal::new(CompactBackend::new(io::BufWriter::with_capacity(
        FRAME_BYTES,
        standard_output(),
    )))
}

/// Whether a person can answer: standard input and output are both a terminal.
pub fn is_interactive() -> bool {
    io::stdin().is_terminal() && standard_output().is_terminal()
}

/// The columns and rows of the terminal that standard output is; `None` where it is none.
pub fn size() -> Option<(u16, u16)> {
    let size = standard_output().is_terminal().then(crossterm::terminal::size)?;
    size.ok()
}

/// Gives the terminal back, once. Errors are of no use to anybody: the terminal may be gone.
pub fn leave() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _ = execute!(
            standard_output(),
            cursor::Show,
            DisableBracketedPaste,
            LeaveAlternateScreen
        );
        let _ = disable_raw_mode();
        let _ = standard_output().flush();
    }
}

/// Ends raw mode without writing anything: it works on a terminal that takes no output, too.
pub fn end_raw_mode() {
    if TAKEN.load(Ordering::SeqCst) {
        let _ = disable_raw_mode();
    }
}

/// Reports a panic after the terminal is back; one in a background task goes to the log, and the console continues.
pub fn install_hooks() -> color_eyre::Result<()> {
    let (panic_hook, error_hook) = color_eyre::config::HookBuilder::default()
        .display_env_section(false)
        .theme(color_eyre::config::Theme::new())
        .into_hooks();
    error_hook.install()?;
    std::panic::set_hook(Box::new(move |info| {
        let in_loop = LOOP_THREAD.get().is_none_or(|id| *id == thread::current().id());
        tracing::error!(panic = %info, in_loop, "panic");
        if in_loop {
            leave();
            say(panic_hook.panic_report(info).to_string());
        }
    }));
    Ok(())
}

/// Says on standard error why the program ends: the sentence, then its causes.
pub fn say_error(problem: &color_eyre::Report) {
    leave();
    let mut causes = problem.chain();
    let first = causes.next().map(ToString::to_string).unwrap_or_default();
    say(safe!("sopwatch: {first}"));
    for cause in causes {
        say(safe!("  because: {cause}"));
    }
}

/// Says on standard error what does not end the program.
pub fn say_warning(warning: &str) {
    say(safe!("sopwatch: {warning}"));
}

/// Writes a line to standard error. It may quote text from outside: a file's name, a log line that broke something.
pub fn say(text: impl Into<Redacted>) {
    let _ = writeln!(standard_error(), "{}", text.into());
}

/// Writes text to standard output; whether somebody reads it: a reader that has gone away is no error.
///
/// A string is refused:
///
/// ```compile_fail,E0308
/// let name = "what a server called it".to_owned();
/// sopwatch::runtime::terminal::print(&format!("{name}\n"));
/// ```
pub fn print(text: &SafeText) -> io::Result<bool> {
    write_out(text.as_bytes())
}

/// The same for a line in a colour, by its number among those that a terminal has names for: 31 is red, 32 green.
pub fn print_colored(line: &SafeText, color: u8) -> io::Result<bool> {
    write_out(format!("\u{1b}[{color}m{line}\u{1b}[0m\n").as_bytes())
}

/// The same with what a library made of our own command line, tabs and all: completions and the manual.
pub fn print_generated(text: &[u8]) -> io::Result<bool> {
    write_out(text)
}

fn write_out(bytes: &[u8]) -> io::Result<bool> {
    let mut out = standard_output().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(problem) if problem.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        other => other.map(|()| true),
    }
}

/// Standard output: what is written to it past [`print`] is the console's own control of the terminal.
#[expect(clippy::disallowed_methods, reason = "the one place; text passes `print`")]
fn standard_output() -> Stdout {
    io::stdout()
}

/// Standard error, which text reaches by [`say`].
#[expect(clippy::disallowed_methods, reason = "the one place; text passes `say`")]
fn standard_error() -> Stderr {
    io::stderr()
}
