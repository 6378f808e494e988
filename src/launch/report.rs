//! A recorded incident as a text.

use color_eyre::eyre::{Result, eyre};

use crate::cli::ReportArgs;
use crate::config::Folders;

/// Prints a record's report; the exit status.
pub fn report(_folders: &Folders, _arguments: &ReportArgs) -> Result<u8> {
    Err(eyre!("not written yet"))
}
