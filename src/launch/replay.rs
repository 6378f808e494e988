//! A recorded incident on the console's screen, or judged anew without one. Nothing is asked of the world.

use std::path::{Path, PathBuf};

use color_eyre::eyre::{Result, WrapErr, eyre};
use tokio::sync::mpsc;

use super::{QUEUE, keymap, print, theme};
use crate::app::App;
use crate::cli::ReplayArgs;
use crate::config::{self, Folders, Settings};
use crate::incident::record;
use crate::incident::text::SafeText;
use crate::runtime::beat::beat;
use crate::runtime::clipboard::Clipboard;
use crate::runtime::clock::Clock;
use crate::runtime::console::Console;
use crate::runtime::line::Line;
use crate::runtime::live;

/// What a check exits with where something differs, or the record can't be trusted.
const DIFFERS: u8 = 1;

/// Plays a record; the exit status.
pub async fn replay(settings: &Settings, arguments: &ReplayArgs) -> Result<u8> {
    let folders = Folders::of(&config::variables_of_this_process());
    let path = find(&folders, &arguments.record)?;
    let read = read(&path)?;
    let broken = read.broken;
    let mut app = App::replay(read.lines, read.flaws, keymap(settings)?)
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
    let lines = app.differences_page().lines.into_iter();
    let text: String = lines
        .map(|line| format!("{}\n", SafeText::new(&line.text)))
        .collect();
    print(&text)?;
    let differs = app
        .player
        .as_ref()
        .is_some_and(|player| !player.differences().is_empty());
    Ok(if differs || broken { DIFFERS } else { 0 })
}

/// The console on the record instead of the world.
async fn show(settings: &Settings, app: App, folders: Folders) -> Result<u8> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let database = Line::new(1);
    database.hang_up();
    let clipboard = Clipboard::of(&config::variables_of_this_process(), folders.state);
    let channel = (sender.clone(), receiver);
    let mut console = Console::new(
        app,
        theme(settings)?,
        Clock::system(),
        channel,
        database,
        clipboard,
    );
    let beating = tokio::spawn(beat(sender));
    let status = live::run(&mut console).await;
    beating.abort();
    status
}

/// The file of a record: the name of a file, or of a record on this machine.
fn find(folders: &Folders, named: &str) -> Result<PathBuf> {
    let file = PathBuf::from(named);
    let shelf = folders.state.as_ref().map(|state| state.join("incidents"));
    let known = shelf.map(|shelf| shelf.join(format!("{named}.jsonl")));
    let found = [Some(file), known]
        .into_iter()
        .flatten()
        .find(|path| path.is_file());
    found.ok_or_else(|| {
        eyre!("there is no record `{named}`: name a file, or one that `sopwatch incidents` lists")
    })
}

/// What a file holds.
struct Read {
    lines: Vec<record::Line>,
    /// What is wrong with it.
    flaws: Vec<SafeText>,
    /// Whether lines are missing that were written.
    broken: bool,
}

/// Reads a record up to where it breaks. A last line that was not written whole is set aside.
fn read(path: &Path) -> Result<Read> {
    let text = std::fs::read_to_string(path).wrap_err_with(|| format!("read {}", path.display()))?;
    let mut read = Read {
        lines: Vec::new(),
        flaws: Vec::new(),
        broken: false,
    };
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let problem = match serde_json::from_str(line) {
            Ok(line) => {
                read.lines.push(line);
                continue;
            }
            Err(problem) => problem,
        };
        read.broken = line.ends_with('\n');
        let flaw = if read.broken {
            format!(
                "the record is broken at line {}, what follows is not played: {problem}",
                index + 1
            )
        } else {
            format!(
                "the last line was not written whole: {} bytes are set aside",
                line.len()
            )
        };
        read.flaws.push(SafeText::new(&flaw));
        break;
    }
    Ok(read)
}
