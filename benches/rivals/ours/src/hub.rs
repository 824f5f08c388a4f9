//! A hub at a level of durability.

use anyhow::Result;
use ringmain::{Durability, Hub};
use ringmain_rivals::log::cell::Level;
use std::path::Path;

/// Opens the hub of a directory, or one without.
///
/// # Errors
/// It cannot be opened.
pub fn hub(directory: &Path, level: Level) -> Result<Hub> {
    let durability = match level {
        Level::Memory => return Ok(Hub::builder().memory()?),
        Level::Relaxed => Durability::Relaxed,
        Level::Written => Durability::Written,
        Level::Synced => Durability::Synced,
    };
    Ok(Hub::builder().durability(durability).open(directory)?)
}
