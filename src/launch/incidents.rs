//! The recorded incidents on this machine.

use color_eyre::eyre::{Result, eyre};

use crate::cli::IncidentsArgs;
use crate::config::Folders;

/// Lists, verifies, closes and prunes records; the exit status.
pub fn incidents(_folders: &Folders, _arguments: &IncidentsArgs) -> Result<u8> {
    Err(eyre!("not written yet"))
}
