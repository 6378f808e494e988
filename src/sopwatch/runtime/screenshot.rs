//! A screenshot of the console once it has settled, without a terminal.

use std::time::Duration;

use crossterm::event::KeyEvent;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use tokio::time::{Instant, timeout};

use super::console::Console;
use sopwatch_console::app::event::Event;

/// How long a console may take to settle: a lease must be seen to advance or not.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long it runs on after it has settled, so that what comes a little later is in the picture.
const AFTERWARDS: Duration = Duration::from_secs(6);

/// The console's time advances at least this often.
const TICK: Duration = Duration::from_millis(500);

/// Runs the console until every step has an answer, or a bounded time has passed, and presses the keys; the screen a little later.
pub async fn take(mut console: Console, (columns, rows): (u16, u16), keys: &[KeyEvent]) -> Buffer {
    let mut terminal = match Terminal::new(TestBackend::new(columns, rows)) {
        Ok(terminal) => terminal,
        Err(never) => match never {},
    };
    let mut deadline = Instant::now() + PATIENCE;
    let mut settled = false;
    while Instant::now() < deadline {
        if let Ok(Some(event)) = timeout(TICK, console.next()).await {
            console.take(event);
        }
        console.drain();
        console.take(Event::Tick);
        console.app.judge();
        if !settled && console.app.pending_sources().is_empty() {
            settled = true;
            deadline = Instant::now() + AFTERWARDS;
            press(&mut console, keys);
        }
    }
    if !settled {
        press(&mut console, keys);
    }
    match console.draw(&mut terminal) {
        Ok(()) => terminal.backend().buffer().clone(),
        Err(never) => match never {},
    }
}

fn press(console: &mut Console, keys: &[KeyEvent]) {
    for key in keys {
        console.take(Event::Key(*key));
    }
}
