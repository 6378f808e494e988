//! A recorded incident on the console's screen.

use color_eyre::eyre::{Result, eyre};

use crate::cli::ReplayArgs;
use crate::config::Settings;

/// Plays a record; the exit status.
pub async fn replay(_settings: &Settings, _arguments: &ReplayArgs) -> Result<u8> {
    Err(eyre!("not written yet"))
}
