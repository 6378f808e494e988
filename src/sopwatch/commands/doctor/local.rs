//! This machine: terminal, locale, configuration, disk.

use rustix::fs::{Access, access, statvfs};

use super::facts::Facts;
use super::page::{Section, Status};
use crate::config;

/// The smallest screen that shows everything.
const SMALLEST: (u16, u16) = (80, 24);

/// Less room than this is soon full, bytes: a record of a long incident takes some ten megabytes.
const LITTLE_ROOM: u64 = 100 << 20;

/// What the console is drawn on.
pub(super) fn terminal(facts: &Facts) -> Section {
    let mut section = Section::new("Terminal");
    let term = facts.variables.get("TERM").map_or("", String::as_str);
    match facts.size {
        None => section.add(
            Status::Note,
            "standard output is not a terminal: the console needs one, `check` does not",
        ),
        Some((columns, rows)) if columns < SMALLEST.0 || rows < SMALLEST.1 => section.advise(
            Status::Fails,
            format!("{columns}x{rows} is too small"),
            "the console needs 80x24: enlarge the window or the tmux pane",
        ),
        Some((columns, rows)) => section.add(Status::Works, format!("{columns}x{rows}, TERM={term}")),
    }
    if facts.size.is_some() && matches!(term, "" | "dumb" | "unknown") {
        section.advise(
            Status::Fails,
            format!("TERM is `{term}`: no program can draw on it"),
            "set TERM, e.g. to xterm-256color",
        );
    }
    section
}

/// Which characters the terminal takes.
pub(super) fn locale(facts: &Facts) -> Section {
    let mut section = Section::new("Locale");
    match config::locale(&facts.variables) {
        None => section.add(
            Status::Note,
            "none is set: borders and signs are drawn as UTF-8 (--ascii draws them plain)",
        ),
        Some((name, locale)) if config::is_utf8(locale) => {
            section.add(Status::Works, format!("{name}={locale}"));
        }
        Some((name, locale)) => section.advise(
            Status::Note,
            format!("{name}={locale} is not UTF-8: only ASCII is drawn"),
            "set LC_ALL to a UTF-8 locale, e.g. C.UTF-8, or SOPWATCH_ASCII=0 if the terminal can show it",
        ),
    }
    if facts.ascii {
        section.add(
            Status::Note,
            format!("only ASCII is drawn ({})", facts.ascii_origin),
        );
    }
    section
}

/// The files and variables that set something.
pub(super) fn configuration(facts: &Facts) -> Section {
    let mut section = Section::new("Configuration");
    match &facts.file {
        Some((file, true)) => section.add(Status::Works, file.display().to_string()),
        Some((file, false)) => section.add(Status::Note, format!("defaults: there is no {}", file.display())),
        None => section.add(Status::Note, "defaults: there is no home directory"),
    }
    if let Some(warning) = config::unknown_variables(&facts.variables) {
        section.add(Status::Note, warning);
    }
    if facts.read_only {
        section.add(
            Status::Note,
            "read-only: no change is sent (--read-only or configuration)",
        );
    }
    section
}

/// Where records are kept.
pub(super) fn disk(facts: &Facts) -> Section {
    let mut section = Section::new("Disk");
    let Some(folder) = &facts.records else {
        section.advise(
            Status::Fails,
            "there is no folder for records of incidents",
            "set HOME or XDG_STATE_HOME",
        );
        return section;
    };
    // It is made with the first record: what counts until then is the folder that it will be made in.
    let mut nearest = folder.as_path();
    while !nearest.exists() {
        match nearest.parent() {
            Some(parent) => nearest = parent,
            None => break,
        }
    }
    let shown = folder.display();
    if access(nearest, Access::WRITE_OK).is_err() {
        section.advise(
            Status::Fails,
            format!("records of incidents can't be written to {shown}"),
            format!("check the rights of {}, or set XDG_STATE_HOME", nearest.display()),
        );
        return section;
    }
    match statvfs(nearest).map(|found| found.f_bavail.saturating_mul(found.f_frsize)) {
        Ok(free) if free < LITTLE_ROOM => section.advise(
            Status::Fails,
            format!("{} MB are free for records in {shown}", free >> 20),
            "make room: `sopwatch incidents prune` removes old records, or set XDG_STATE_HOME",
        ),
        Ok(free) => section.add(Status::Works, format!("{shown}: {} free", size(free))),
        Err(_no_figures) => section.add(Status::Works, shown.to_string()),
    }
    section
}

fn size(bytes: u64) -> String {
    match bytes >> 30 {
        0 => format!("{} MB", bytes >> 20),
        gigabytes => format!("{gigabytes} GB"),
    }
}
