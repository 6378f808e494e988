//! A console without a screen: it listens until every source has answered, or a bounded time has passed.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::console::Console;
use sopwatch_console::app::event::Event;

/// Time passes at least so often.
const TICK: Duration = Duration::from_millis(100);

/// How the listening went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gathered {
    /// How long it took.
    pub took: Duration,
    /// What was still awaited at its end; nothing when all was heard.
    pub awaited: Vec<String>,
}

/// Listens until nothing is awaited, for `within` at most; the observations are judged then.
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

/// Takes in what the sources tell within `tick`, and judges.
pub async fn turn(console: &mut Console, tick: Duration) {
    let end = Instant::now() + tick;
    // Nobody presses a key: nothing asks for the terminal that is not there.
    while let Ok(Some(event)) = timeout_at(end, console.next()).await {
        console.take(event);
        console.drain();
    }
    console.take(Event::Tick);
    console.judge();
}
