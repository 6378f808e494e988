//! A recorded incident as a text.

use color_eyre::eyre::{Result, eyre};

use super::incidents::folder;
use super::print;
use crate::cli::{ReportArgs, ReportOutput};
use crate::config::Folders;
use crate::incident::report::markdown;
use crate::journal::read::read;
use crate::journal::shelf;

/// Prints a record's report; the exit status.
pub fn report(folders: &Folders, arguments: &ReportArgs) -> Result<u8> {
    let folder = folder(folders)?;
    let file = match &arguments.record {
        Some(record) => shelf::find(&folder, record).map_err(|why| eyre!("{why}"))?,
        None => shelf::newest(&folder)
            .map(|record| record.file)
            .ok_or_else(|| eyre!("no incident is recorded in {}", folder.display()))?,
    };
    let contents = read(&file).map_err(|why| eyre!("{why}"))?;
    let doubt = contents.doubt();
    if let Some(doubt) = &doubt {
        eprintln!("{}: {doubt}", file.display());
    }
    let text = match arguments.output {
        ReportOutput::Markdown | ReportOutput::Json => markdown(&contents.lines, doubt.as_deref()),
    };
    print(&text).map(|()| 0)
}
