//! A film of the console: stations that are played one after the other without hands, and every frame that comes meanwhile.

use std::collections::VecDeque;
use std::time::Duration;

use crossterm::event::KeyEvent;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use tokio::time::{Instant, timeout};

use super::console::{Console, LoopAction};
use sopwatch_console::app::event::Event;
use sopwatch_console::style::film::Shot;
use sopwatch_core::safe;
use sopwatch_core::text::SafeText;

/// Frames come at least this far apart, unless a key asks for one.
const APART: Duration = Duration::from_millis(250);

/// Time between two keys, so that one sees what each does.
const BETWEEN_KEYS: Duration = Duration::from_millis(700);

/// The console's time advances at least this often.
const TICK: Duration = Duration::from_millis(100);

/// What is played, and until when.
#[derive(Clone, Debug, PartialEq)]
pub struct Station {
    /// What it shows, in a few words.
    pub caption: SafeText,
    /// Pressed at its beginning.
    pub keys: Vec<KeyEvent>,
    /// The screen shows this before the next station begins; empty: nothing is awaited.
    pub until: String,
    /// How long the screen may take for that.
    pub within: Duration,
    /// How long that lasts in the film at most: what took longer is shown faster.
    pub lasts: Duration,
    /// How long it stays afterwards.
    pub hold: Duration,
    /// How long its last frame stays then: meanwhile no time passes for the console.
    pub freeze: Duration,
}

/// A film in the making.
#[derive(Debug)]
pub struct Film {
    terminal: Terminal<TestBackend>,
    began: Instant,
    shots: Vec<Shot>,
    caption: SafeText,
    /// Where the last station ended: what passes between two of them is not in the film.
    ended: Duration,
}

impl Film {
    /// A film of so many columns and rows, which begins now.
    pub fn begin((columns, rows): (u16, u16)) -> Self {
        let terminal = match Terminal::new(TestBackend::new(columns, rows)) {
            Ok(terminal) => terminal,
            Err(never) => match never {},
        };
        Self {
            terminal,
            began: Instant::now(),
            shots: Vec::new(),
            caption: SafeText::default(),
            ended: Duration::ZERO,
        }
    }

    /// Plays a station.
    ///
    /// # Errors
    /// The screen did not show in time what was awaited: says what, and what it shows.
    pub async fn play(&mut self, console: &mut Console, station: &Station) -> Result<(), SafeText> {
        self.squeeze(self.ended, Duration::ZERO);
        self.caption = station.caption.clone();
        let began = self.began.elapsed();
        let mut keys: VecDeque<KeyEvent> = station.keys.iter().copied().collect();
        while let Some(key) = keys.pop_front() {
            if console.take(Event::Key(key)) == LoopAction::Quit {
                return Ok(());
            }
            self.shoot(console);
            if !keys.is_empty() {
                self.stay(console, BETWEEN_KEYS).await;
            }
        }
        let shows = |screen: &Buffer| station.until.is_empty() || shows(screen, &station.until);
        if !self.run(console, station.within, shows).await {
            return Err(safe!(
                "the screen did not show `{}` within {} s at `{}`:\n{}",
                station.until,
                station.within.as_secs(),
                station.caption,
                rows_of(self.terminal.backend().buffer()).join("\n")
            ));
        }
        self.squeeze(began, station.lasts);
        self.stay(console, station.hold).await;
        self.skip(station.freeze);
        self.ended = self.began.elapsed();
        Ok(())
    }

    /// Lets the console run for so long, in the film as well: a busy machine may take longer.
    async fn stay(&mut self, console: &mut Console, span: Duration) {
        let began = self.began.elapsed();
        self.run(console, span, |_| false).await;
        self.squeeze(began, span);
    }

    /// Makes what was shot since `began` last for `most` at most.
    fn squeeze(&mut self, began: Duration, most: Duration) {
        let took = self.began.elapsed().saturating_sub(began);
        if took <= most {
            return;
        }
        let share = most.as_secs_f64() / took.as_secs_f64();
        for shot in self.shots.iter_mut().rev().take_while(|shot| shot.at > began) {
            shot.at = began + shot.at.saturating_sub(began).mul_f64(share);
        }
        self.began += took.saturating_sub(most);
    }

    /// Shows a page that is no console's, for so long.
    pub fn show(&mut self, caption: SafeText, hold: Duration, draw: impl FnOnce(&mut ratatui::Frame<'_>)) {
        self.squeeze(self.ended, Duration::ZERO);
        self.caption = caption;
        let at = self.began.elapsed();
        match self.terminal.draw(draw) {
            Ok(_) => {}
            Err(never) => match never {},
        }
        self.push(at);
        self.skip(hold);
        self.ended = self.began.elapsed();
    }

    /// Lets time pass in the film alone.
    fn skip(&mut self, span: Duration) {
        self.began = self.began.checked_sub(span).unwrap_or(self.began);
    }

    /// The number of the newest shot, from 0.
    pub fn taken(&self) -> usize {
        self.shots.len().saturating_sub(1)
    }

    /// The film, and its length.
    pub fn end(self) -> (Vec<Shot>, Duration) {
        (self.shots, self.ended)
    }

    /// Runs the console for so long, or until the screen shows something; whether it did.
    async fn run(&mut self, console: &mut Console, span: Duration, shows: impl Fn(&Buffer) -> bool) -> bool {
        let deadline = Instant::now() + span;
        loop {
            let room = TICK.min(deadline.saturating_duration_since(Instant::now()));
            if let Ok(Some(event)) = timeout(room, console.next()).await {
                console.take(event);
            }
            console.drain();
            console.take(Event::Tick);
            let last = self.shots.last().map_or(Duration::ZERO, |shot| shot.at);
            if self.began.elapsed() >= last + APART {
                self.shoot(console);
                if shows(self.terminal.backend().buffer()) {
                    return true;
                }
            }
            if Instant::now() >= deadline {
                return false;
            }
        }
    }

    fn shoot(&mut self, console: &mut Console) {
        let at = self.began.elapsed();
        match console.draw(&mut self.terminal) {
            Ok(()) => self.push(at),
            Err(never) => match never {},
        }
    }

    fn push(&mut self, at: Duration) {
        let shot = Shot {
            at,
            caption: self.caption.clone(),
            screen: self.terminal.backend().buffer().clone(),
        };
        let is_new = self
            .shots
            .last()
            .is_none_or(|last| last.screen != shot.screen || last.caption != shot.caption);
        if is_new {
            self.shots.push(shot);
        }
    }
}

/// Whether one row has a text.
fn shows(screen: &Buffer, text: &str) -> bool {
    rows_of(screen).iter().any(|row| row.contains(text))
}

/// The screen's rows as text.
pub fn rows_of(screen: &Buffer) -> Vec<String> {
    let width = usize::from(screen.area.width).max(1);
    let rows = screen.content.chunks(width);
    rows.map(|row| {
        let text: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
        text.trim_end().to_owned()
    })
    .collect()
}
