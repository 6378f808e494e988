//! A recorded incident on the console's screen, or judged anew without one. Nothing is asked of the world.

use color_eyre::eyre::{Result, eyre};
use tokio::sync::mpsc;

use super::incidents::folder;
use super::{QUEUE, keymap, print, theme};
use crate::cli::ReplayArgs;
use crate::config::{self, Folders, Settings};
use crate::journal::read::read;
use crate::journal::shelf;
use crate::runtime::beat::beat;
use crate::runtime::clipboard::Clipboard;
use crate::runtime::clock::Clock;
use crate::runtime::console::Console;
use crate::runtime::line::Line;
use crate::runtime::live;
use crate::runtime::sources::Lines;
use sopwatch_console::app::App;
use sopwatch_core::text::SafeText;

/// What a check exits with where something differs, or the record can't be trusted.
const DIFFERS: u8 = 1;

/// Plays a record; the exit status.
pub async fn replay(settings: &Settings, arguments: &ReplayArgs) -> Result<u8> {
    let folders = Folders::of(&config::variables_of_this_process());
    let path = shelf::find(&folder(&folders)?, &arguments.record).map_err(|why| eyre!("{why}"))?;
    let contents = read(&path).map_err(|why| eyre!("{why}"))?;
    let flaw = contents.doubt().map(|doubt| SafeText::new(&doubt));
    let broken = contents.broken.is_some();
    let mut app = App::replay(contents.lines, flaw, keymap(settings)?)
        .map_err(|problem| eyre!("{} can't be played: {problem}", path.display()))?;
    if arguments.check {
        return check(&mut app, broken);
    }
    app.play(arguments.speed.unwrap_or(1.0));
    show(settings, app, folders).await
}

/// Says where the findings are not as recorded.
fn check(app: &mut App, broken: bool) -> Result<u8> {
    app.play_out();
    let lines = app.differences_page().lines;
    let lines: Vec<_> = lines
        .iter()
        .map(|line| SafeText::new(&line.text).to_string())
        .collect();
    print(&format!("{}\n", lines.join("\n")))?;
    let differs = app
        .player
        .as_ref()
        .is_some_and(|player| !player.differences().is_empty());
    Ok(if differs || broken { DIFFERS } else { 0 })
}

/// The console on the record instead of the world.
async fn show(settings: &Settings, app: App, folders: Folders) -> Result<u8> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    // Nobody listens: there is nothing to ask.
    let lines = Lines {
        database: Line::new(1),
        commands: Line::new(1),
        focus: std::sync::Arc::default(),
    };
    lines.database.hang_up();
    lines.commands.hang_up();
    let clipboard = Clipboard::of(&config::variables_of_this_process(), folders.state);
    let channel = (sender.clone(), receiver);
    let mut console = Console::new(app, theme(settings)?, Clock::system(), channel, lines, clipboard);
    let beating = tokio::spawn(beat(sender));
    let status = live::run(&mut console).await;
    beating.abort();
    status
}
