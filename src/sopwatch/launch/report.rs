//! A recorded incident as a text.

use std::io::Write as _;

use color_eyre::eyre::{Result, WrapErr, eyre};

use super::incidents::folder;
use super::print;
use crate::cli::{ReportArgs, ReportOutput};
use crate::config::Folders;
use crate::journal::read::read;
use crate::journal::shelf;
use sopwatch_core::export::report::{json, markdown};
use sopwatch_core::text::SafeText;

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
    if contents.lines.is_empty() {
        let why = doubt.unwrap_or_else(|| "it holds no line".to_owned());
        return Err(eyre!("{} is no record of an incident: {why}", file.display()));
    }
    if let Some(doubt) = &doubt {
        let told = format!("{}: {doubt}\n", file.display());
        // The report says so too: nothing is lost where nobody reads this.
        let _ = std::io::stderr().write_all(SafeText::new(&told).as_bytes());
    }
    let (lines, doubt) = (&contents.lines, doubt.as_deref());
    let text = match arguments.output {
        ReportOutput::Markdown => markdown(lines, doubt),
        ReportOutput::Json => json(lines, doubt).wrap_err("write the report as JSON")? + "\n",
    };
    print(&text).map(|()| 0)
}
