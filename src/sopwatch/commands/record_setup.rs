//! The choice of the record that a console writes, and what is printed about it when the console is left.

use std::path::PathBuf;

use color_eyre::eyre::{Result, eyre};

use super::incidents::{folder, writer};
use super::{ConsoleParts, print};
use crate::cli::RecordChoice;
use crate::config::{self, UserDirs};
use crate::journal::index;
use crate::journal::index::OpenIncidents;
use crate::runtime::record_options::RecordOptions;
use sopwatch_console::app::{App, Session};
use sopwatch_core::safe;

/// The record that the operator named.
///
/// # Errors
/// There is none of that name, or it is of another service or place: what was done there can't be followed here.
pub(super) fn named(server: &str, session: &Session, choice: &RecordChoice) -> Result<Option<PathBuf>> {
    let Some(name) = &choice.incident else {
        return Ok(None);
    };
    let folder = folder(&UserDirs::of(&config::variables_of_this_process()))?;
    let file = index::find(&folder, name).map_err(|why| eyre!("{why}"))?;
    let of = index::summary(&file)
        .map_err(|why| eyre!("{}: {why}", file.display()))?
        .began;
    let here = (server, session.namespace.as_str(), session.profile.id.as_str());
    if (&*of.server, of.namespace.as_str(), of.profile.id.as_str()) != here {
        let place = |(server, namespace, profile): (&str, &str, &str)| {
            format!("{profile} in {namespace} at {server}")
        };
        return Err(eyre!(
            "incident {name} belongs to {}, but this console is for {}: choose that context and namespace with --context and -n",
            place((&of.server, &of.namespace, &of.profile.id)),
            place(here)
        ));
    }
    Ok(Some(file))
}

/// The records that a console may write, or why it can't write any.
pub(super) fn record_options(
    server: &str,
    parts: &ConsoleParts,
    named: Option<PathBuf>,
    choice: &RecordChoice,
) -> Result<RecordOptions, String> {
    let dirs = UserDirs::of(&config::variables_of_this_process());
    let folder = folder(&dirs).map_err(|why| why.to_string())?;
    let session = &parts.session;
    let open = if named.is_none() && !choice.new_incident {
        let now = parts.clock.now();
        index::open_for(&folder, server, &session.namespace, &session.profile.id, now)
    } else {
        OpenIncidents::default()
    };
    Ok(RecordOptions {
        folder,
        server: server.to_owned(),
        by: writer(),
        named,
        open,
    })
}

/// How a console was left, for its record.
pub(super) fn how_left(status: &Result<u8>) -> String {
    match status {
        Ok(0) => "by its key".to_owned(),
        Ok(status) => format!("by signal {}", status.saturating_sub(128)),
        Err(_) => "by an error".to_owned(),
    }
}

/// Prints where the record is, and what can be done with it.
pub(super) fn print_location(app: &App) -> Result<()> {
    let Some(name) = app
        .incident
        .status
        .file
        .as_ref()
        .and_then(|file| file.file_stem())
    else {
        return Ok(());
    };
    let name = name.to_string_lossy();
    print(&safe!(
        "recorded as {name}\n  sopwatch report {name}\n  sopwatch incidents close {name}    when it is over\n"
    ))
}
