//! The ticker of a replay: time passes on the screen, though nothing happens in the world.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use sopwatch_console::app::event::Event;

/// The time between two ticks: short, so that a fast clock is seen to run.
const BEAT: Duration = Duration::from_millis(100);

/// Sends ticks as long as somebody listens.
pub async fn beat(events: mpsc::Sender<Event>) {
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while events.send(Event::Tick).await.is_ok() {
        beat.tick().await;
    }
}
