//! Files below a directory that is held open: see [`Storage::beneath`].

use super::blocking::{self, OsFile};
use super::names::Names;
use super::{File, Lock, Space, Storage};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How files are read and written, once they are open.
pub(super) trait Wrap: Storage {
    fn wrap(&self, file: OsFile) -> Arc<dyn File>;
}

/// See the module's description.
#[derive(Debug)]
pub(super) struct Beneath<W> {
    names: Names,
    by: W,
}

impl<W: Wrap + 'static> Beneath<W> {
    /// Opens the directory at `path`; links on the way to it are followed.
    pub(super) fn open(path: &Path, by: W) -> io::Result<Option<Arc<dyn Storage>>> {
        Ok(Some(Arc::new(Self { names: Names::beneath(path)?, by })))
    }
}

impl<W: Wrap> Storage for Beneath<W> {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.names.create_dir(path)
    }

    fn create(&self, path: &Path, bytes: u64) -> io::Result<Arc<dyn File>> {
        Ok(self.by.wrap(OsFile::create(&self.names, path, bytes)?))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        Ok(self.by.wrap(OsFile::open(&self.names, path)?))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        self.names.list(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.names.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.names.remove(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.names.remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.names.sync_dir(path)
    }

    fn is_writable_by_all(&self, path: &Path) -> io::Result<bool> {
        blocking::is_writable_by_all(&self.names, path)
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        self.names.space(path)
    }

    fn lock(&self, path: &Path, holder: &str) -> io::Result<Result<Box<dyn Lock>, String>> {
        blocking::lock(&self.names, path, holder)
    }

    fn lock_shared(&self, path: &Path) -> io::Result<Result<Box<dyn Lock>, String>> {
        blocking::lock_shared(&self.names, path)
    }

    fn name(&self) -> String {
        self.by.name()
    }
}
