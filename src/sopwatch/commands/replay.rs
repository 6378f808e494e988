//! `sopwatch replay`: a recorded incident on the console's screen, or judged again without one. Nothing is asked of the world.

use color_eyre::eyre::{Result, eyre};
use tokio::sync::mpsc;

use super::incidents::folder;
use super::{QUEUE, keymap, pager, print, theme};
use crate::cli::ReplayArgs;
use crate::config::{self, Settings, UserDirs};
use crate::journal::index;
use crate::journal::reader::read;
use crate::runtime::clipboard::Clipboard;
use crate::runtime::clock::Clock;
use crate::runtime::console::Console;
use crate::runtime::event_loop;
use crate::runtime::replay_ticker::beat;
use crate::runtime::restartable_channel::RestartableChannel;
use crate::runtime::sources::TaskChannels;
use sopwatch_console::app::App;
use sopwatch_core::safe;
use sopwatch_core::text::SafeText;

/// What a check exits with where something differs, or the record can't be trusted.
const DIFFERS: u8 = 1;

/// Plays a record; the exit status.
pub async fn replay(settings: &Settings, arguments: &ReplayArgs) -> Result<u8> {
    let dirs = UserDirs::of(&config::variables_of_this_process());
    let path = index::find(&folder(&dirs)?, &arguments.record).map_err(|why| eyre!("{why}"))?;
    let contents = read(&path).map_err(|why| eyre!("{why}"))?;
    let flaw = contents
        .integrity_warning()
        .map(|integrity_warning| SafeText::new(&integrity_warning));
    let broken = contents.broken.is_some();
    let mut app = App::replay(contents.lines, flaw, keymap(settings)?)
        .map_err(|problem| eyre!("{} can't be played: {problem}", path.display()))?;
    if arguments.check {
        return check(&mut app, broken);
    }
    app.play(arguments.speed.unwrap_or(1.0));
    show(settings, app, dirs).await
}

/// Says where the findings are not as recorded.
fn check(app: &mut App, broken: bool) -> Result<u8> {
    app.play_out();
    let lines = app.differences_page().lines;
    let lines: Vec<_> = lines.iter().map(|line| line.text.as_str()).collect();
    print(&safe!("{}\n", lines.join("\n")))?;
    let differs = app
        .player
        .as_ref()
        .is_some_and(|player| !player.differences().is_empty());
    Ok(if differs || broken { DIFFERS } else { 0 })
}

/// The console on the record instead of the world.
async fn show(settings: &Settings, app: App, dirs: UserDirs) -> Result<u8> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    // Nobody listens: there is nothing to ask.
    let channels = TaskChannels {
        monitoring: std::sync::Arc::default(),
        database: RestartableChannel::new(1),
        commands: RestartableChannel::new(1),
        focus: std::sync::Arc::default(),
        reviews: std::sync::Arc::default(),
    };
    channels.database.close();
    channels.commands.close();
    let clipboard = Clipboard::of(&config::variables_of_this_process(), dirs.state);
    let channel = (sender.clone(), receiver);
    let mut console = Console::new(
        app,
        theme(settings)?,
        Clock::system(),
        channel,
        channels,
        clipboard,
    );
    let beating = tokio::spawn(beat(sender));
    let status = event_loop::run(&mut console, &pager()).await;
    beating.abort();
    status
}
