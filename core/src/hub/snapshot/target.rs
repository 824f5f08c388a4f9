//! A directory that is being made into a hub: by a snapshot, a restore or a salvage.
//!
//! **Promise.** Until it is finished there is a file `catalogue.unfinished` in it, and no `catalogue`: nothing opens it as a hub, not
//! even as an empty one. The last step renames the one to the other, when everything else is on disk.

use crate::error::{Error, Result};
use crate::hub::catalogue::{self, Catalogue, UNFINISHED};
use crate::hub::directory::{Directory, LOCK};
use crate::storage::Storage;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Target {
    directory: Directory,
    /// Those made below it.
    made: BTreeSet<PathBuf>,
}

impl Target {
    /// Makes the directory if need be, and takes the lock on it.
    ///
    /// # Errors
    /// `InvalidArgument` if there is something in it, `Locked`, `Io`.
    pub(crate) fn begin(storage: Arc<dyn Storage>, path: &Path, any_mode: bool) -> Result<Self> {
        check_empty(&*storage, path)?;
        let directory = Directory::open(storage, path, any_mode)?;
        // Somebody else may have had the lock before, and have made a hub of it.
        check_empty(&*directory.storage, &directory.path)?;
        Ok(Self { directory, made: BTreeSet::new() })
    }

    /// Says that it is not finished, and what it will be. Before anything else is made in it.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn mark(&self, catalogue: &Catalogue) -> Result<()> {
        let mut catalogue = catalogue.clone();
        // Of these nothing is copied.
        catalogue.deleted.clear();
        catalogue.deleted_streams.clear();
        catalogue.save_unfinished(&*self.directory.storage, &self.directory.path)
    }

    pub(crate) fn storage(&self) -> &Arc<dyn Storage> {
        &self.directory.storage
    }

    pub(crate) fn path(&self) -> &Path {
        &self.directory.path
    }

    /// Makes the directory of a log, named as it is from the hub's.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn make(&mut self, log: &Path) -> Result<PathBuf> {
        let path = self.directory.path.join(log);
        let made = self.directory.storage.create_dir(&path);
        made.map_err(|e| Error::io("make the directory", &path, &e))?;
        let below = path.ancestors().take_while(|ancestor| *ancestor != self.directory.path);
        self.made.extend(below.map(Path::to_path_buf));
        Ok(path)
    }

    /// Removes the files of a log again.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn empty(&self, log: &Path) -> Result<()> {
        self.directory.remove_log(&self.directory.path.join(log)).map(drop)
    }

    /// Makes it a hub. All files in it are synced.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn finish(self) -> Result<()> {
        let Directory { storage, path, .. } = &self.directory;
        for made in &self.made {
            storage.sync_dir(made).map_err(|e| Error::io("sync", made, &e))?;
        }
        storage.sync_dir(path).map_err(|e| Error::io("sync", path, &e))?;
        catalogue::finish(&**storage, path)
    }

    /// Removes what was made, as far as that is possible.
    pub(crate) fn discard(self) {
        let Directory { storage, path, .. } = &self.directory;
        for made in self.made.iter().rev() {
            for file in storage.list(made).unwrap_or_default() {
                let _ = storage.remove(&file);
            }
            let _ = storage.remove_dir(made);
        }
        // Last, so that nothing is taken for a hub meanwhile.
        for file in [UNFINISHED, LOCK] {
            let _ = storage.remove(&path.join(file));
        }
    }
}

/// Refuses a directory with something in it but a lock file.
fn check_empty(storage: &dyn Storage, path: &Path) -> Result<()> {
    let found = match storage.list(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found.map_err(|e| Error::io("list", path, &e))?,
    };
    if found.iter().all(|entry| entry.ends_with(LOCK)) {
        return Ok(());
    }
    let what = match found.iter().any(|entry| entry.ends_with(UNFINISHED)) {
        true => "holds a copy that was not finished; remove it",
        false => "is not empty; name a directory that does not exist yet",
    };
    Err(Error::invalid("into", format!("{path:?} {what}")))
}
