//! Stamps: a file that says what a step was last done with, so that it is skipped while that is unchanged.

use crate::paths;
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};

/// Directories that hold what was built, installed or only tests, never what is built from.
const LEFT_OUT: [&str; 8] =
    ["target", "node_modules", ".venv", "__pycache__", ".pytest_cache", ".mypy_cache", "test", "tests"];

/// What a step depends on, reduced to one line, and the file that remembers it.
#[derive(Debug)]
pub struct Stamp {
    file: PathBuf,
    hasher: DefaultHasher,
}

impl Stamp {
    /// A stamp kept in this file. Everything here depends on where the repository is: environments hold full paths.
    pub fn new(file: PathBuf) -> Self {
        let mut stamp = Self { file, hasher: DefaultHasher::new() };
        stamp.text(&paths::root().to_string_lossy());
        stamp
    }

    /// Adds words, such as a version.
    pub fn text(&mut self, text: &str) {
        self.hasher.write(text.as_bytes());
        self.hasher.write_u8(0xff);
    }

    /// Adds the names and contents of files, and of the files below directories, by their paths in the repository.
    ///
    /// # Errors
    ///
    /// One of them cannot be read.
    pub fn sources(&mut self, paths: &[&str]) -> Result<()> {
        let mut files = BTreeSet::new();
        for path in paths {
            collect(&paths::root().join(path), &mut files)?;
        }
        for file in files {
            self.text(&file.to_string_lossy());
            self.hasher.write(
                &std::fs::read(&file).with_context(|| format!("cannot read {}", paths::shown(&file)))?,
            );
        }
        Ok(())
    }

    /// Whether the step was last done with the same.
    pub fn is_current(&self) -> bool {
        std::fs::read_to_string(&self.file).is_ok_and(|text| text == self.line())
    }

    /// Remembers that the step is done.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn keep(&self) -> Result<()> {
        std::fs::write(&self.file, self.line())
            .with_context(|| format!("cannot write {}", paths::shown(&self.file)))
    }

    fn line(&self) -> String {
        format!("{:016x}\n", self.hasher.finish())
    }
}

/// Files below a path, without what was built. Shared objects and addons that builds leave among the sources are left
/// out as well: they would make each build look like a change.
fn collect(path: &Path, files: &mut BTreeSet<PathBuf>) -> Result<()> {
    if !path.is_dir() {
        let built =
            path.extension().is_some_and(|extension| ["so", "node", "pyc"].iter().any(|e| extension == *e));
        if !built {
            files.insert(path.to_owned());
        }
        return Ok(());
    }
    for entry in std::fs::read_dir(path).with_context(|| format!("cannot read {}", paths::shown(path)))? {
        let entry = entry?;
        if !LEFT_OUT.iter().any(|name| entry.file_name() == *name) {
            collect(&entry.path(), files)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(directory: &Path, version: &str) -> Stamp {
        let mut stamp = Stamp::new(directory.join("stamp"));
        stamp.text(version);
        stamp.sources(&[&directory.join("sources").to_string_lossy()]).unwrap();
        stamp
    }

    #[test]
    fn a_step_is_skipped_until_a_source_or_a_version_changes() {
        let directory = tempfile::tempdir().unwrap();
        let sources = directory.path().join("sources");
        std::fs::create_dir_all(sources.join("target")).unwrap();
        std::fs::write(sources.join("a"), "1").unwrap();
        assert!(!stamp(directory.path(), "v1").is_current());
        stamp(directory.path(), "v1").keep().unwrap();
        assert!(stamp(directory.path(), "v1").is_current());
        assert!(!stamp(directory.path(), "v2").is_current());
        std::fs::write(sources.join("target").join("built"), "x").unwrap();
        std::fs::write(sources.join("addon.node"), "x").unwrap();
        assert!(stamp(directory.path(), "v1").is_current());
        std::fs::write(sources.join("a"), "2").unwrap();
        assert!(!stamp(directory.path(), "v1").is_current());
    }
}
