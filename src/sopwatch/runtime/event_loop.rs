//! The event loop on a real terminal: keys first, then what is queued, then one draw.

use std::io::Write;
use std::mem::ManuallyDrop;
use std::time::Duration;

use color_eyre::eyre::{Result, WrapErr};
use crossterm::event::{Event as TerminalEvent, KeyEventKind};
use ratatui::backend::Backend;
use ratatui::layout::{Position, Rect};
use rustix::process::{Signal, getpid, kill_process};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::console::{Console, LoopAction};
use super::frame_pacer::{FrameCost, FramePacer};
use super::input::Input;
use super::pager::{self, Pager};
use super::signals::{self, Ended};
use super::terminal::{self, Guard, Screen};
use sopwatch_console::app::event::Event;

/// How often time passes on a screen where nothing else happens.
const TICK: Duration = Duration::from_secs(1);

/// After observations that need no frame, others may gather for so long: a hundred pods that each say a little wake the console five times a
/// second, not a hundred times. As long as frames for observations may be apart.
const GATHER: Duration = Duration::from_millis(200);

/// Keys taken in one turn: a flood of them must not keep the screen from being drawn.
const KEYS: usize = 256;

/// Runs the console on the terminal until it is left; the exit status.
pub async fn run(console: &mut Console, pager: &Pager) -> Result<u8> {
    let mut end = signals::watch_for_end(true).wrap_err("can't watch for signals")?;
    let guard = Guard::enter().wrap_err(
        "no terminal on standard input and output: the console needs one; `sopwatch check` does not",
    )?;
    // Never dropped: it would write to a terminal that may be gone or stalled, and panic when it can't say so. The guard gives all back.
    let mut screen = ManuallyDrop::new(terminal::screen().wrap_err("can't open the screen")?);
    let status = match turns(console, &mut screen, &mut end, pager).await {
        // A terminal that can't be read or written any more is lost: its watcher is about to report it.
        Err(_) if signals::terminal_is_gone() => Ok(128 + signals::SIGHUP),
        other => other,
    };
    drop(guard);
    status
}

/// Turns until the console is left or must end; the exit status.
async fn turns(
    console: &mut Console,
    screen: &mut Screen,
    end: &mut watch::Receiver<Option<Ended>>,
    pager: &Pager,
) -> Result<u8> {
    let mut input = Input::open();
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut pacer = FramePacer::new(Instant::now());
    let mut listens_at = Instant::now();
    loop {
        let listens = listens_at <= Instant::now();
        let action = tokio::select! {
            biased;
            ended = signals::ended(end) => return Ok(128 + ended.signal),
            key = input.next() => match key {
                Some(Ok(event)) => take_input(console, &mut pacer, event),
                Some(Err(problem)) => return Err(problem).wrap_err("can't read the terminal"),
                None => return Ok(0),
            },
            () = tokio::time::sleep_until(pacer.due()), if console.is_changed() => {
                let started = Instant::now();
                console.draw(screen).wrap_err("can't draw the screen")?;
                let (whole, written) = (started.elapsed(), screen.backend_mut().take_write_time());
                pacer.drawn(started, FrameCost { whole, written });
                LoopAction::Continue
            },
            Some(event) = console.next(), if listens => {
                let action = console.take(event);
                if !console.is_changed() {
                    listens_at = Instant::now() + GATHER;
                }
                action
            }
            () = tokio::time::sleep_until(listens_at), if !listens => LoopAction::Continue,
            _ = tick.tick() => console.take(Event::Tick),
        };
        let action = settle(console, &mut input, &mut pacer, action);
        if let LoopAction::Page(text) = action {
            // Two readers of one terminal would share its keys.
            input.close().await;
            pager::show(console, pager, &text, end, &mut tick).await?;
            input = Input::open();
            redraw_all(console, screen)?;
        } else if !apply(action, console, screen)? {
            return Ok(0);
        }
    }
}

/// Takes the keys that wait and then what is queued, unless the first event wants the terminal.
fn settle(
    console: &mut Console,
    input: &mut Input,
    pacer: &mut FramePacer,
    action: LoopAction,
) -> LoopAction {
    if action != LoopAction::Continue {
        return action;
    }
    for _ in 0..KEYS {
        let Some(event) = input.waiting() else {
            break;
        };
        let action = take_input(console, pacer, event);
        if action != LoopAction::Continue {
            return action;
        }
    }
    console.drain()
}

fn take_input(console: &mut Console, pacer: &mut FramePacer, event: TerminalEvent) -> LoopAction {
    pacer.hurry();
    match event {
        TerminalEvent::Key(key) if key.kind != KeyEventKind::Release => console.take(Event::Key(key)),
        TerminalEvent::Paste(text) => console.take(Event::Paste(text)),
        TerminalEvent::Resize(columns, rows) => {
            console.take(Event::Resize(columns, rows));
            // A terminal that shrank and grew again has lost what it showed, though its size is what it was.
            LoopAction::Redraw
        }
        TerminalEvent::Key(_)
        | TerminalEvent::Mouse(_)
        | TerminalEvent::FocusGained
        | TerminalEvent::FocusLost => LoopAction::Continue,
    }
}

/// Does the action to the terminal; whether the loop continues.
fn apply(action: LoopAction, console: &mut Console, screen: &mut Screen) -> Result<bool> {
    match action {
        LoopAction::Continue | LoopAction::Page(_) => {}
        LoopAction::Quit => return Ok(false),
        LoopAction::Redraw => redraw_all(console, screen)?,
        LoopAction::Write(request) => {
            screen.backend_mut().write_all(request.as_str().as_bytes())?;
            Backend::flush(screen.backend_mut())?;
        }
        LoopAction::Suspend => {
            terminal::leave();
            kill_process(getpid(), Signal::TSTP).wrap_err("can't suspend")?;
            terminal::take().wrap_err("can't take the terminal back")?;
            redraw_all(console, screen)?;
        }
    }
    Ok(true)
}

/// Makes the next frame be written whole. It does not call `Terminal::clear`: it asks the terminal where the cursor is, and the answer would go to
/// the stream of keys.
fn redraw_all(console: &mut Console, screen: &mut Screen) -> Result<()> {
    console.forget_screen();
    let size = screen.size().wrap_err("can't ask for the terminal's size")?;
    screen
        .resize(Rect::from((Position::ORIGIN, size)))
        .wrap_err("can't clear the screen")
}
