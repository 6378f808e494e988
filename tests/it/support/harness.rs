//! The console on a drill, driven without a terminal.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use sopwatch::config::profiles;
use sopwatch::kubernetes::ConnectOptions;
use sopwatch::postgres::DatabaseOptions;
use sopwatch::runtime::clipboard::Clipboard;
use sopwatch::runtime::clock::Clock;
use sopwatch::runtime::console::{Console, LoopAction};
use sopwatch::runtime::sources::{self, Sources};
use sopwatch::runtime::tasks::Tasks;
use sopwatch_console::app::event::Event;
use sopwatch_console::app::{App, Session};
use sopwatch_console::keymap::Keymap;
use sopwatch_console::screen::Theme;
use sopwatch_drill::Drill;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::patience::PATIENCE;

/// Time passes on the screen at least so often.
const TICK: Duration = Duration::from_millis(200);

/// A console on a drill.
pub struct Harness {
    pub drill: Drill,
    pub console: Box<Console>,
    terminal: Terminal<TestBackend>,
    tasks: Tasks,
    _folder: TempDir,
}

impl Harness {
    /// The console on a scenario, at 120×40.
    pub async fn start(scenario: &str) -> Self {
        Self::sized(scenario, 120, 40).await
    }

    /// The console on a scenario, at a size.
    pub async fn sized(scenario: &str, columns: u16, rows: u16) -> Self {
        Self::with(scenario, (columns, rows), |_| {}).await
    }

    /// The console on a scenario whose drill was changed before it started.
    pub async fn with(
        scenario: &str,
        (columns, rows): (u16, u16),
        change: impl FnOnce(&mut sopwatch_drill::Options),
    ) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let system = Clock::system();
        let scenario = sopwatch_drill::scenario(scenario).unwrap();
        let (title, sop) = (scenario.title.clone(), scenario.sop.clone());
        let mut options = sopwatch_drill::Options {
            scenario,
            start: system.now(),
            speed: 1.0,
            seed: 1,
            folder: folder.path().to_owned(),
        };
        change(&mut options);
        let drill = Drill::start(options).await.unwrap();
        let profile = std::sync::Arc::new(profiles::built_in("managed-services-api").unwrap().unwrap());
        let environment = profile.environment_of("managed-services-stage").cloned();
        let clock = drill.clock();
        let clock = Clock::new(move || clock.now());
        let session = Session {
            profile: profile.clone(),
            environment,
            namespace: "managed-services-stage".to_owned(),
            drill: Some(title),
            drill_shell_hints: Vec::new(),
            scenarios: Vec::new(),
            read_only: false,
            started_at: clock.now(),
        };
        let connect = ConnectOptions {
            kubeconfig: Some(drill.kubeconfig().to_owned()),
            context: None,
            namespace: None,
            impersonate: None,
            request_timeout: Duration::from_secs(5),
        };
        let database = DatabaseOptions {
            poll: Duration::from_secs(1),
            ..DatabaseOptions::default()
        };
        let (sender, receiver) = mpsc::channel(64);
        let tasks = Tasks::default();
        let line = sources::start(
            Sources {
                profile,
                connect,
                database: Ok(database),
                monitoring: None,
            },
            &tasks,
            &sender,
        );
        let app = App::new(session, &sop, Keymap::default());
        let theme = Theme::named("dark", true, false).unwrap();
        let channel = (sender, receiver);
        let console = Box::new(Console::new(
            app,
            theme,
            clock,
            channel,
            line,
            Clipboard::default(),
        ));
        let terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        Self {
            drill,
            console,
            terminal,
            tasks,
            _folder: folder,
        }
    }

    /// Presses keys, written as in the configuration and split by blanks; `'text'` is typed.
    pub fn press(&mut self, keys: &str) -> LoopAction {
        let mut action = LoopAction::Continue;
        for key in keys.split(' ') {
            let events = match key.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
                Some(text) => text
                    .chars()
                    .map(|character| KeyEvent::from(KeyCode::Char(character)))
                    .collect(),
                None => vec![key_event(key)],
            };
            for event in events {
                action = self.console.take(Event::Key(event));
            }
        }
        action
    }

    /// The screen as it is now, a row a line.
    pub fn screen(&mut self) -> String {
        self.console.draw(&mut self.terminal).unwrap();
        let buffer = self.terminal.backend().buffer();
        let rows = buffer.content().chunks(usize::from(buffer.area.width));
        let row = |cells: &[ratatui::buffer::Cell]| {
            cells
                .iter()
                .map(ratatui::buffer::Cell::symbol)
                .collect::<String>()
        };
        rows.map(row)
            .map(|row| row.trim_end().to_owned())
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Gives the terminal another size.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.terminal.backend_mut().resize(columns, rows);
        self.console.take(Event::Resize(columns, rows));
    }

    /// Lets the console run until it is as described; the screen of that moment.
    pub async fn until(&mut self, what: &str, mut is_so: impl FnMut(&App, &str) -> bool) -> String {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let screen = self.screen();
            if is_so(&self.console.app, &screen) {
                return screen;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "waited in vain until {what}; the screen was\n{screen}"
            );
            self.turn().await;
        }
    }

    /// Lets the console run until something that does not show is so.
    pub async fn until_turned(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !is_so(self) {
            assert!(
                tokio::time::Instant::now() < deadline,
                "waited in vain until {what}"
            );
            self.turn().await;
        }
    }

    /// One turn of the loop: waits for an event, or lets time pass.
    pub async fn turn(&mut self) {
        match timeout(TICK, self.console.next()).await {
            Ok(Some(event)) => self.console.take(event),
            Ok(None) | Err(_) => self.console.take(Event::Tick),
        };
        self.console.drain();
    }

    /// Lets the console run until the screen holds a text.
    pub async fn until_shows(&mut self, text: &str) -> String {
        self.until(&format!("the screen shows `{text}`"), |_, screen| {
            screen.contains(text)
        })
        .await
    }

    /// Ends the background tasks.
    pub async fn stop(self) {
        self.tasks.stop().await;
    }
}

fn key_event(name: &str) -> KeyEvent {
    let (modifiers, name) = match name.strip_prefix("ctrl-") {
        Some(rest) => (KeyModifiers::CONTROL, rest),
        None => (KeyModifiers::NONE, name),
    };
    let code = match name {
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "tab" => KeyCode::Tab,
        "backtab" => KeyCode::BackTab,
        "space" => KeyCode::Char(' '),
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        _ => KeyCode::Char(name.chars().next().expect("a key has a name")),
    };
    KeyEvent::new(code, modifiers)
}
