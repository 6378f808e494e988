//! The screen on which a drill's scenario is chosen, before there is a console.

use std::mem::ManuallyDrop;

use color_eyre::eyre::{Result, WrapErr};
use crossterm::event::{Event, EventStream, KeyEventKind};
use futures::StreamExt;
use ratatui::backend::Backend;
use ratatui::layout::{Position, Rect};

use super::signals;
use super::terminal::{self, Guard};
use sopwatch_console::dialogs::scenario_choice::{ScenarioChoice, ScenarioOutcome};
use sopwatch_console::screen::Theme;

/// How the choice ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Picked {
    /// This scenario is to be started.
    Scenario(String),
    /// The operator left, or a signal ended it: what to exit with.
    Left(u8),
}

/// Lets the operator choose on the terminal, and gives it back.
pub async fn pick(mut choice: ScenarioChoice, theme: &Theme) -> Result<Picked> {
    let mut end = signals::watch_for_end(true).wrap_err("can't watch for signals")?;
    let guard = Guard::enter().wrap_err("can't take over the terminal")?;
    // As in the event loop: dropped, it would write to a terminal that may be gone.
    let mut screen = ManuallyDrop::new(terminal::screen().wrap_err("can't open the screen")?);
    let mut input = EventStream::new();
    let picked = loop {
        screen
            .draw(|frame| choice.render(theme, frame))
            .wrap_err("can't draw the screen")?;
        let event = tokio::select! {
            biased;
            ended = signals::ended(&mut end) => break Picked::Left(128 + ended.signal),
            event = input.next() => event,
        };
        let outcome = match event {
            Some(Ok(Event::Key(key))) if key.kind != KeyEventKind::Release => choice.press(key),
            Some(Ok(Event::Paste(text))) => {
                choice.paste(&text);
                ScenarioOutcome::Open
            }
            Some(Ok(Event::Resize(columns, rows))) => {
                let size = Rect::new(Position::ORIGIN.x, Position::ORIGIN.y, columns, rows);
                screen.resize(size).wrap_err("can't clear the screen")?;
                ScenarioOutcome::Open
            }
            Some(Ok(_)) => ScenarioOutcome::Open,
            Some(Err(problem)) => return Err(problem).wrap_err("can't read the terminal"),
            None => ScenarioOutcome::Quit,
        };
        match outcome {
            ScenarioOutcome::Open => {}
            ScenarioOutcome::Start(id) => break Picked::Scenario(id),
            ScenarioOutcome::Quit => break Picked::Left(0),
        }
    };
    Backend::flush(screen.backend_mut()).wrap_err("can't draw the screen")?;
    drop(guard);
    Ok(picked)
}
