//! `sopwatch report`: a recorded incident as a text.

use color_eyre::eyre::{Result, WrapErr, eyre};

use super::incidents::folder;
use super::print;
use crate::cli::{ReportArgs, ReportOutput};
use crate::config::UserDirs;
use crate::journal::index;
use crate::journal::reader::read;
use crate::runtime::terminal;
use sopwatch_core::export::report::{json, markdown};
use sopwatch_core::safe;

/// Prints a record's report; the exit status.
pub fn report(dirs: &UserDirs, arguments: &ReportArgs) -> Result<u8> {
    let folder = folder(dirs)?;
    let file = match &arguments.record {
        Some(record) => index::find(&folder, record).map_err(|why| eyre!("{why}"))?,
        None => index::newest(&folder)
            .map(|record| record.file)
            .ok_or_else(|| eyre!("no incidents in {}", folder.display()))?,
    };
    let contents = read(&file).map_err(|why| eyre!("{why}"))?;
    let integrity_warning = contents.integrity_warning();
    if contents.lines.is_empty() {
        let why = integrity_warning.unwrap_or_else(|| "the file is empty".to_owned());
        return Err(eyre!("{} is not a record of an incident: {why}", file.display()));
    }
    if let Some(integrity_warning) = &integrity_warning {
        // The report says so too: nothing is lost where nobody reads this.
        terminal::say(safe!("{}: {integrity_warning}", file.display()));
    }
    let (lines, integrity_warning) = (&contents.lines, integrity_warning.as_deref());
    let text = match arguments.output {
        ReportOutput::Markdown => markdown(lines, integrity_warning),
        ReportOutput::Json => {
            let json = json(lines, integrity_warning).wrap_err("can't write the report as JSON")?;
            safe!("{json}\n")
        }
    };
    print(&text).map(|()| 0)
}
