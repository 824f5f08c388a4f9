//! The gates: `./x crash` looks for what a crash may lose, `./x loom` and `./x san` for races in the rings.
//!
//! The last two run the programs of `loom-tests`, on the rings as they are, where nothing may fail, and on a copy with planted
//! bugs, each of which must make what is named for it fail. A gate that a planted bug passes is itself broken.

pub mod crash;
pub mod loom;
mod mutation;
mod program;
mod published;
pub mod san;

use crate::paths;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// The workspace of the models.
const WORKSPACE: &str = "loom-tests";

/// Where its manifest expects what is generated, wherever else things are built.
fn generated() -> PathBuf {
    paths::root().join("target/loom")
}

/// Writes a file unless it says that already, so that what did not change is not built again.
fn write(path: &Path, text: &str) -> Result<()> {
    if std::fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    let directory = path.parent().unwrap_or(path);
    std::fs::create_dir_all(directory).with_context(|| format!("cannot make {}", paths::shown(directory)))?;
    std::fs::write(path, text).with_context(|| format!("cannot write {}", paths::shown(path)))
}

/// Reads a text.
fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", paths::shown(path)))
}

/// The files below a folder.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot list {}", paths::shown(folder)))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files_below(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
