//! A console without a screen: it listens until every source has answered, or a bounded time has passed.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::console::Console;
use sopwatch_console::app::event::Event;
use sopwatch_core::text::SafeText;

/// The console's time advances at least this often.
const TICK: Duration = Duration::from_millis(100);

/// The result of listening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gathered {
    /// How long it took.
    pub took: Duration,
    /// The sources that had not answered at its end.
    pub awaited: Vec<SafeText>,
}

/// Listens until every source has answered, for `within` at most, and judges the observations.
pub async fn gather(console: &mut Console, within: Duration) -> Gathered {
    let started = Instant::now();
    loop {
        turn(console, TICK).await;
        let (took, awaited) = (started.elapsed(), console.app.pending_sources());
        if awaited.is_empty() || took >= within {
            return Gathered { took, awaited };
        }
    }
}

/// Listens until something holds, for `within` at most.
pub async fn listen(console: &mut Console, within: Duration, holds: impl Fn(&Console) -> bool) {
    let started = Instant::now();
    while started.elapsed() < within && !holds(console) {
        turn(console, TICK).await;
    }
}

/// Takes in what the sources send within `tick`, and judges.
pub async fn turn(console: &mut Console, tick: Duration) {
    let end = Instant::now() + tick;
    // Nobody presses a key, so no event asks for a terminal.
    while let Ok(Some(event)) = timeout_at(end, console.next()).await {
        console.take(event);
        console.drain();
    }
    console.take(Event::Tick);
    console.judge();
}
