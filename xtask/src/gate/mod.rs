//! The gates: `./x crash` looks for what a crash may lose, `./x loom` and `./x san` for races in the rings, `./x fuzz` for what
//! hostile files do.
//!
//! The last three run programs made of the core's sources: as they are, where nothing may fail, and on a copy with planted
//! bugs, each of which must make what is named for it fail. A gate that a planted bug passes is itself broken.

pub mod crash;
pub mod fuzz;
pub mod loom;
mod mutation;
mod program;
mod published;
pub mod san;
mod san_python;

use crate::paths;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// A workspace of programs that are made of the core's sources.
#[derive(Debug)]
pub struct Workspace {
    /// Its folder.
    folder: &'static str,
    /// Where it expects what is generated for it, below `target`.
    generated: &'static str,
    /// The folders and files of the core's sources that it is made of.
    sources: &'static [&'static str],
    /// How it declares them.
    modules: &'static [&'static str],
    /// Files of other crates, below the repository, that it is made of too.
    others: &'static [&'static str],
    /// How it declares those, with the folder that they are in.
    other_modules: Option<(&'static str, &'static str)>,
}

/// Before a module that only models have, and not the stress test.
macro_rules! of_models {
    ($module:literal) => {
        concat!("#[cfg(any(feature = \"loom\", feature = \"shuttle\"))]\n    pub(crate) mod ", $module, ";")
    };
}

/// The models of the rings, the log, the journal, and the handles of the C surface.
const MODELS: Workspace = Workspace {
    folder: "loom-tests",
    generated: "loom",
    sources: &[
        "ring",
        "sync",
        "sync.rs",
        "clock",
        "clock.rs",
        "durability.rs",
        "error.rs",
        "journal",
        "limits.rs",
        "log",
        "message.rs",
        "name.rs",
        "notice.rs",
        "queue/guests.rs",
        "queue/plain",
        "queue/tally.rs",
        "storage",
        "stream/growing.rs",
    ],
    modules: &[
        "pub mod ring;",
        "pub(crate) mod sync;",
        of_models!("clock"),
        of_models!("durability"),
        of_models!("error"),
        of_models!("journal"),
        of_models!("limits"),
        of_models!("log"),
        of_models!("message"),
        of_models!("name"),
        of_models!("notice"),
        "#[cfg(any(feature = \"loom\", feature = \"shuttle\"))] pub(crate) mod queue { pub(crate) mod guests; pub(crate) mod plain; pub(crate) mod tally; }",
        of_models!("storage"),
        "#[cfg(any(feature = \"loom\", feature = \"shuttle\"))] pub(crate) mod stream { pub(crate) mod growing; }",
    ],
    others: &["ffi/src/table/free.rs", "ffi/src/table/slot.rs"],
    other_modules: Some((
        "ffi/src/table",
        "#[cfg(any(feature = \"loom\", feature = \"shuttle\"))] mod table { pub(crate) mod free; pub(crate) mod slot; }",
    )),
};

impl Workspace {
    /// Where it expects what is generated for it, wherever else things are built.
    fn generated(&self) -> PathBuf {
        paths::root().join("target").join(self.generated)
    }

    fn manifest(&self) -> PathBuf {
        paths::root().join(self.folder).join("Cargo.toml")
    }

    /// What its table of planted bugs is called.
    fn table(&self) -> String {
        format!("{}/mutations.toml", self.folder)
    }
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

/// The files below a folder; a file is below itself.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    if folder.is_file() {
        return Ok(vec![folder.to_path_buf()]);
    }
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
