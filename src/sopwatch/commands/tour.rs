//! `sopwatch drill --tour`: a film of a drill that nobody's hands play, as an animated picture and as a recording of a terminal.

use std::path::Path;
use std::time::Duration;

use color_eyre::eyre::{Result, WrapErr, eyre};
use crossterm::event::KeyEvent;
use ratatui::backend::Backend;
use ratatui::buffer::Buffer;
use serde::Deserialize;
use serde_json::json;

use crate::config::{self, ConfigProblem, TomlDocument};
use crate::journal::reader::read;
use crate::runtime::compact_backend::CompactBackend;
use crate::runtime::console::Console;
use crate::runtime::film::{Film, Station};
use sopwatch_console::keymap::Key;
use sopwatch_console::screen::{self, Theme};
use sopwatch_console::style::film::{Shot, animated_svg};
use sopwatch_core::export::report::markdown;
use sopwatch_core::text::SafeText;

/// The tour of the first page.
const BUILT_IN: &str = include_str!("../../../assets/tour.toml");

/// What is typed after the console was left.
const REPORT: &str = "sopwatch report";

/// How long something may last in a film.
const SECONDS: std::ops::RangeInclusive<f64> = 0.0..=600.0;
const OUT_OF_RANGE: &str = "must be a number of seconds from 0 to 600";

/// What is played.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Script {
    /// The station, from 0, whose last frame shows where nothing is animated.
    still: usize,
    station: Vec<ScriptStation>,
    report: ScriptReport,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ScriptStation {
    caption: String,
    #[serde(default)]
    keys: String,
    #[serde(default)]
    until: String,
    /// Seconds.
    within: u64,
    /// Seconds.
    lasts: f64,
    /// Seconds.
    hold: f64,
    /// Seconds.
    #[serde(default)]
    freeze: f64,
}

/// The last station: the console is left, and the report is printed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ScriptReport {
    caption: String,
    /// Seconds.
    hold: f64,
}

/// A tour that can be played.
#[derive(Clone, Debug)]
pub(super) struct Tour {
    stations: Vec<Station>,
    still: usize,
    report: ScriptReport,
}

impl Tour {
    /// The tour of a file; the built-in one where none is named.
    ///
    /// # Errors
    /// The file can't be read, or says something that can't be played.
    pub(super) fn of(file: Option<&Path>) -> Result<Self> {
        let (name, text) = match file {
            None => ("the built-in tour".to_owned(), BUILT_IN.to_owned()),
            Some(file) => {
                let name = file.display().to_string();
                let text = std::fs::read_to_string(file).wrap_err_with(|| format!("can't read {name}"))?;
                (name, text)
            }
        };
        let script: Script = config::read_checked(&name, &text, misfits)?;
        let stations = script.station.iter().map(|one| {
            let keys = Key::parse_all(&one.keys).map_err(|why| eyre!("{name}: {why}"))?;
            Ok(Station {
                caption: SafeText::new(&one.caption),
                keys: keys.into_iter().map(KeyEvent::from).collect(),
                until: one.until.clone(),
                within: Duration::from_secs(one.within),
                lasts: Duration::from_secs_f64(one.lasts),
                hold: Duration::from_secs_f64(one.hold),
                freeze: Duration::from_secs_f64(one.freeze),
            })
        });
        Ok(Self {
            stations: stations.collect::<Result<_>>()?,
            still: script.still,
            report: script.report,
        })
    }
}

/// Keys that there are not, and times that can't be.
fn misfits(script: &Script, document: &TomlDocument) -> Vec<ConfigProblem> {
    let of_station = |(number, one): (usize, &ScriptStation)| {
        let at = |key: &str| format!("station[{number}].{key}");
        let keys = Key::parse_all(&one.keys)
            .err()
            .map(|why| document.problem(&at("keys"), why));
        let times = [("lasts", one.lasts), ("hold", one.hold), ("freeze", one.freeze)].into_iter();
        let wrong = times.filter(|(_, seconds)| !SECONDS.contains(seconds));
        let wrong = wrong.map(|(key, _)| document.problem(&at(key), OUT_OF_RANGE));
        keys.into_iter().chain(wrong).collect::<Vec<_>>()
    };
    let hold =
        (!SECONDS.contains(&script.report.hold)).then(|| document.problem("report.hold", OUT_OF_RANGE));
    let stations = script.station.iter().enumerate().flat_map(of_station);
    stations.chain(hold).collect()
}

/// Plays a tour and writes `NAME.svg` and `NAME.cast`.
pub(super) async fn record(
    mut console: Console,
    tour: &Tour,
    size: (u16, u16),
    (theme, title): (&Theme, &str),
    name: &Path,
) -> Result<()> {
    let mut film = Film::begin(size);
    let mut still = 0;
    for (number, station) in tour.stations.iter().enumerate() {
        let played = film.play(&mut console, station).await;
        played.map_err(|why| eyre!("the tour can't go on: {why}"))?;
        if number == tour.still {
            still = film.taken();
        }
    }
    console.leave("by its key").await;
    let report = report_of(&console)?;
    let hold = Duration::from_secs_f64(tour.report.hold);
    film.show(SafeText::new(&tour.report.caption), hold, |frame| {
        screen::shell_page(&REPORT.into(), &report, theme, frame);
    });
    let (shots, length) = film.end();
    let write = |end: &str, text: String| {
        let file = name.with_extension(end);
        std::fs::write(&file, text).wrap_err_with(|| format!("can't write {}", file.display()))
    };
    write("svg", animated_svg(&shots, length, still, title))?;
    write("cast", asciicast(&shots, length, title)?)
}

/// The report of the record that the console wrote.
fn report_of(console: &Console) -> Result<SafeText> {
    let file = console.app.incident.status.file.as_ref();
    let file = file.ok_or_else(|| eyre!("the tour's console wrote no record"))?;
    let contents = read(file).map_err(|why| eyre!("{why}"))?;
    Ok(markdown(&contents.lines, contents.integrity_warning().as_deref()))
}

/// The film as a recording of a terminal (asciicast, version 2): a header, then what is written when. Markers name the stations.
fn asciicast(shots: &[Shot], length: Duration, title: &str) -> Result<String> {
    let Some(first) = shots.first() else {
        return Ok(String::new());
    };
    let area = first.screen.area;
    let header = json!({
        "version": 2, "width": area.width, "height": area.height, "duration": seconds(length), "title": title,
        "env": { "TERM": "xterm-256color" },
    });
    let mut lines = vec![header.to_string()];
    let mut before = Buffer::empty(area);
    let mut caption = SafeText::default();
    // The cursor is hidden, and the screen is empty.
    let mut bytes = b"\x1b[?25l\x1b[2J".to_vec();
    for shot in shots {
        let at = seconds(shot.at);
        if shot.caption != caption {
            caption = shot.caption.clone();
            lines.push(json!([at, "m", caption.as_str()]).to_string());
        }
        CompactBackend::new(&mut bytes).draw(before.diff(&shot.screen).into_iter())?;
        let written = String::from_utf8(std::mem::take(&mut bytes))?;
        lines.push(json!([at, "o", written]).to_string());
        before = shot.screen.clone();
    }
    lines.push(json!([seconds(length), "o", "\u{1b}[0m\u{1b}[?25h"]).to_string());
    Ok(lines.join("\n") + "\n")
}

/// To the thousandth.
fn seconds(span: Duration) -> f64 {
    (span.as_secs_f64() * 1_000.0).round() / 1_000.0
}
